"""Find the concepts that folded text names, whatever regional word or English name it uses for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from language.folding import code_points

HASHES = 1 << 20  # of runs of characters
_FILE = Path(__file__).parent / "lexicon.tsv"


_LATIN = np.array([chr(code).isalnum() for code in range(127)] + [False])  # the last stands for all others


class Mention(NamedTuple):
    """A concept named at ``folded[start:end]``; ``concept`` is its mainland form, folded."""

    concept: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """``forms``: first two characters → the forms that begin so, longest first, each with its concept.

    By hashes, bool [HASHES]: ``whole``, pairs of characters that are a form; ``opening``, threes that one begins with.
    """

    forms: dict[str, list[tuple[str, str]]]
    whole: npt.NDArray[np.bool_]
    opening: npt.NDArray[np.bool_]
    singles: frozenset[str]


@cache
def _lexicon() -> _Lexicon:
    forms: dict[str, list[tuple[str, str]]] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        concept, *variants = line.split("\t")
        for form in (concept, *variants):
            forms.setdefault(form[:2], []).append((form, concept))
    for here in forms.values():
        here.sort(key=lambda pair: -len(pair[0]))
    every = [form for here in forms.values() for form, _ in here]
    whole = _marked([form for form in every if len(form) == 2])
    opening = _marked([form[:3] for form in every if len(form) > 2])
    return _Lexicon(forms, whole, opening, frozenset(form for form in every if len(form) == 1))


def _marked(runs: list[str]) -> npt.NDArray[np.bool_]:
    """The hashes of some runs of characters, all of the same length."""
    table = np.zeros(HASHES, bool)
    table[_hashes(*code_points("".join(runs)).reshape(len(runs), -1).T)] = True
    return table


def _hashes(*characters: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """A number below ``HASHES`` for each run of characters; the first ones, the second ones, … given apart."""
    total = characters[0].copy()
    for other in characters[1:]:
        total = total * np.uint32(2_654_435_761) + other
    return (total ^ total >> np.uint32(15)) % np.uint32(HASHES)


def fingerprint() -> str:
    """SHA-256 of the lexicon, hexadecimal: part of what a snapshot must have been built with."""
    return sha256(_FILE.read_bytes()).hexdigest()


def mentions(folded: str) -> list[Mention]:
    """The concepts named in folded text, longest match first from the left, Latin names only as whole words."""
    known, codes = _lexicon(), code_points(folded)
    begins = np.zeros(len(codes), bool)
    begins[:-1] = known.whole[_hashes(codes[:-1], codes[1:])]
    begins[:-2] |= known.opening[_hashes(codes[:-2], codes[1:-1], codes[2:])]
    for single in known.singles:
        begins |= codes == ord(single)
    inside = _inside_latin_words(codes)
    found: list[Mention] = []
    behind = 0  # the end of the last one found
    for start in np.flatnonzero(begins).tolist():
        if start < behind or inside[start]:
            continue
        for form, concept in (*known.forms.get(folded[start : start + 2], ()), *known.forms.get(folded[start], ())):
            end = start + len(form)
            if folded.startswith(form, start) and not inside[end]:
                found.append(Mention(concept, start, end))
                behind = end
                break
    return found


def reworded(folded: str, words: Mapping[str, str] = MappingProxyType({})) -> str:
    """Folded text with each concept in the word given for it, else in its mainland form (川普 → 特朗普).

    Its length may change; a Latin word stays apart from Latin letters and digits beside it (辉达h20 → nvidia h20).
    """
    parts, behind = [], 0
    for concept, start, end in mentions(folded):
        parts += [folded[behind:start], words.get(concept, concept)]
        behind = end
    text = ""
    for part in (*parts, folded[behind:]):
        text += " " * (_latin(text[-1:]) and _latin(part[:1])) + part
    return text


def _latin(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _inside_latin_words(codes: npt.NDArray[np.uint32]) -> bytes:
    """For each place between characters, first and last too: do both belong to one Latin word or number?"""
    latin = np.zeros(len(codes) + 2, bool)
    latin[1:-1] = _LATIN[np.minimum(codes, 127)]
    return (latin[:-1] & latin[1:]).tobytes()
