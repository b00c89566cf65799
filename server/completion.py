"""Completion of the command line in bash and zsh, made from its parser."""

import argparse
from pathlib import Path

SHELLS = ("bash", "zsh")


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """A script that the shell reads; arguments that are paths are completed as files."""
    import shtab

    def mark(inner: argparse.ArgumentParser) -> None:
        for action in inner._actions:
            if isinstance(action, argparse._SubParsersAction):
                for command in action.choices.values():
                    mark(command)
            elif action.type is Path:
                action.complete = shtab.FILE  # type: ignore[attr-defined]

    mark(parser)
    return shtab.complete(parser, shell=shell)
