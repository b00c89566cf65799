"""Find the concepts that folded text names, whatever regional word or English name it uses for them."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import ahocorasick

_FILE = Path(__file__).parent / "lexicon.tsv"


class Mention(NamedTuple):
    """A concept named at ``folded[start:end]``; ``concept`` is its mainland form, folded."""

    concept: str
    start: int
    end: int


@cache
def _automaton() -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        concept, *variants = line.split("\t")
        for form in (concept, *variants):
            automaton.add_word(form, (concept, len(form)))
    automaton.make_automaton()
    return automaton


def fingerprint() -> str:
    """SHA-256 of the lexicon, hexadecimal: part of what a snapshot must have been built with."""
    return sha256(_FILE.read_bytes()).hexdigest()


def mentions(folded: str) -> list[Mention]:
    """The concepts named in folded text, longest match first from the left, Latin names only as whole words."""
    whole = [
        Mention(concept, start, end)
        for last, (concept, length) in _automaton().iter(folded)
        if not _inside_latin_word(folded, (start := last + 1 - length) - 1, start)
        and not _inside_latin_word(folded, last, end := last + 1)
    ]
    found: list[Mention] = []
    for mention in sorted(whole, key=lambda m: (m.start, -m.end)):
        if not found or mention.start >= found[-1].end:
            found.append(mention)
    return found


def _inside_latin_word(text: str, left: int, right: int) -> bool:
    """Do the characters at both places belong to one Latin word or number?"""
    return left >= 0 and right < len(text) and all(text[i].isascii() and text[i].isalnum() for i in (left, right))
