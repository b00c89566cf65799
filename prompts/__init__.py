"""Every text that is sent to a language model or shown in its place, and the loader that fills it in.

A template is a plain ``string.Template`` file ``PURPOSE.zh-Hant.txt`` or ``PURPOSE.zh-Hans.txt``; the regions zh-TW and
zh-HK share the first. Values are inserted as they are and never read as templates themselves.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Template
from typing import Literal

NOT_FOUND = "NOT_FOUND"  # what a model is told to output, alone, when the sentences do not hold the answer
LONGEST_ASKED = 60  # characters of a question that a refusal repeats

Script = Literal["zh-TW", "zh-CN", "zh-HK"]

_FOLDER = Path(__file__).parent
_SUFFIXES: dict[Script, str] = {"zh-TW": "zh-Hant", "zh-HK": "zh-Hant", "zh-CN": "zh-Hans"}
_LANGUAGES: dict[Script, str] = {"zh-TW": "臺灣的正體中文", "zh-HK": "香港的繁體中文", "zh-CN": "中国大陆的简体中文"}


class PromptError(ValueError):
    """A template and the code that fills it do not fit; the message names the file and what to mend."""


def answer_prompt(script: Script, folder: Path = _FOLDER) -> str:
    """Write the system prompt for answering in ``script`` from numbered sentences, by the templates of ``folder``."""
    return fill("answer", script, {"not_found": NOT_FOUND, "language": _LANGUAGES[script]}, folder)


def evidence_prompt(script: Script, question: str, sentences: str, turns: str = "") -> str:
    """Write the user's turn: earlier turns of the conversation, if any, the numbered sentences, and the question."""
    history = fill("history", script, {"turns": turns}) + "\n\n" if turns else ""
    return history + fill("evidence", script, {"sentences": sentences, "question": question})


def rewrite_prompt(script: Script) -> str:
    """Write the system prompt for making a follow-up whole."""
    return fill("rewrite", script, {"language": _LANGUAGES[script]})


def follow_up_prompt(script: Script, turns: str, question: str) -> str:
    """Write the user's turn for making a follow-up whole: the turns before it, and the question."""
    return fill("follow_up", script, {"turns": turns, "question": question})


def refusal_text(script: Script, asked: str) -> str:
    """Tell the reader that the articles do not hold the answer, and what was asked, shortened."""
    plain = " ".join(asked.split())
    shown = plain if len(plain) <= LONGEST_ASKED else plain[: LONGEST_ASKED - 1] + "…"
    return fill("refusal", script, {"asked": shown})


def dropped_note(script: Script, count: int) -> str:
    """Tell the reader that ``count`` generated sentences were left out because no article bears them out."""
    return fill("dropped", script, {"count": str(count)})


def fallback_note(script: Script, code: str) -> str:
    """Tell the reader that the language model failed, with its error's code, and the articles' own sentences answer."""
    return fill("fallback", script, {"code": code})


def differs_note(script: Script) -> str:
    """Tell the reader that the sources cited say different things."""
    return fill("differs", script, {})


def nearby_note(script: Script) -> str:
    """Tell the reader that the sentences shown are only near what was claimed."""
    return fill("nearby", script, {})


def sources_text(script: Script, listing: str) -> str:
    """Head the list of what an answer cites, for readers who see text alone."""
    return fill("sources", script, {"listing": listing})


def nearest_text(script: Script, listing: str) -> str:
    """Head the list of the passages nearest to a question that was refused."""
    return fill("nearest", script, {"listing": listing})


def fill(purpose: str, script: Script, values: Mapping[str, str], folder: Path = _FOLDER) -> str:
    """Fill in the template of that purpose in that script; white space around it is taken off.

    Raises:
        PromptError: there is no such template, or its placeholders are not exactly those of ``values``.

    """
    path = folder / f"{purpose}.{_SUFFIXES[script]}.txt"
    template = _template(path)
    if not template.is_valid():
        raise PromptError(f"{path.name}: a '$' stands without a name; write '$$' for a dollar sign")
    expected = set(template.get_identifiers())
    if absent := sorted(set(values) - expected):
        raise PromptError(f"{path.name}: the placeholder ${absent[0]} is missing; put it back")
    if unknown := sorted(expected - set(values)):
        raise PromptError(f"{path.name}: nothing fills the placeholder ${unknown[0]}; use only {sorted(values)}")
    return template.substitute(values)


@cache
def _template(path: Path) -> Template:
    try:
        return Template(path.read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        raise PromptError(f"{path.name}: there is no such template in {path.parent}") from None
