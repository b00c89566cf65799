"""The one analysis that articles and questions share: folded text → terms.

Three kinds of terms, told apart by their first character so that one vocabulary holds them all: character bigrams of
Han runs, Latin words as they are, and numbers as they are and in digits (250萬 gives 2500000 too; no mark); jieba words
of two characters or more (``/``); concepts of the lexicon (``#``). Bigrams find what no dictionary knows, words weigh
real units above accidental pairs, concepts join regional words and English names.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from itertools import chain, compress
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from language import lexicon
from language.figures import figures
from language.folding import code_points, fold
from language.segmentation import SEGMENTER, word_texts

VERSION = "4"

_HAN = ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))
_LATIN = re.compile(r"[a-zà-ɏ]+|[0-9]+(?:[.,][0-9]+)*")
_NUMERAL = "〇零一二两三四五六七八九十百千万亿兆"
_NUMBER = re.compile(rf"[0-9{_NUMERAL}][0-9.,点多余几{_NUMERAL}]{{1,40}}|[{_NUMERAL}](?=月)")
_CODE_BITS = 21  # of a code point

Ints = npt.NDArray[np.int32]
Ends = npt.NDArray[np.int64]


class Term(NamedTuple):
    """A term and the place in the text it came from."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TermLists:
    """The terms of many texts: text i has those of ``vocabulary[ids[ends[i - 1]:ends[i]]]`` (from 0 for the first).

    ``ids`` int32 [occurrences], ``ends`` int64 [texts].
    """

    vocabulary: Sequence[str]
    ids: Ints
    ends: Ends

    def joined(self, groups: Sequence[Sequence[int]]) -> "TermLists":
        """Longer texts, each made of some of these by their numbers."""
        numbers = np.fromiter(chain.from_iterable(groups), np.int64)
        starts = np.concatenate([[0], self.ends])[:-1]
        lengths = (self.ends - starts)[numbers]
        ends = np.cumsum(lengths)
        places = np.repeat(starts[numbers] - (ends - lengths), lengths)
        places += np.arange(len(places))
        last = np.cumsum(np.fromiter(map(len, groups), np.int64))
        return TermLists(self.vocabulary, self.ids[places], np.concatenate([[0], ends])[last])


def fingerprint() -> str:
    """What must be equal between the analysis that built a snapshot and the one that searches it."""
    parts = (VERSION, SEGMENTER, version(SEGMENTER), version("opencc"), lexicon.fingerprint())
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


def terms(text: str) -> list[Term]:
    """The terms of an original text with their places in it."""
    vocabulary, ids, starts, ends = _occurrences(fold(text))
    return [
        Term(vocabulary[id], start, end)
        for id, start, end in zip(ids.tolist(), starts.tolist(), ends.tolist(), strict=True)
    ]


def list_terms(texts: Sequence[str]) -> TermLists:
    """The terms of many original texts: what an index needs. Text by text, but in no order within one."""
    folded = [fold(text) for text in texts]
    vocabulary, ids, starts, _ = _occurrences("\n".join(folded))
    firsts = np.cumsum([0, *(len(text) + 1 for text in folded)])
    owners = np.searchsorted(firsts, starts, side="right") - 1
    order = np.argsort(owners, kind="stable")
    return TermLists(vocabulary, ids[order], np.cumsum(np.bincount(owners, minlength=len(texts))))


def merge_terms(parts: Iterable[TermLists]) -> TermLists:
    """The texts of all parts, in order, over one vocabulary, which is sorted."""
    rows: defaultdict[str, int] = defaultdict()
    rows.default_factory = rows.__len__
    ids, ends, behind = [np.empty(0, np.int32)], [np.empty(0, np.int64)], 0
    for part in parts:
        here = np.fromiter(map(rows.__getitem__, part.vocabulary), np.int32, len(part.vocabulary))
        ids.append(here[part.ids])
        ends.append(part.ends + behind)
        behind += len(part.ids)
    vocabulary = list(rows)
    order = sorted(range(len(rows)), key=vocabulary.__getitem__)
    rank = np.empty(len(rows), np.int32)
    rank[order] = np.arange(len(rows), dtype=np.int32)
    return TermLists([vocabulary[row] for row in order], rank[np.concatenate(ids)], np.concatenate(ends))


def _numbers(folded: str) -> Iterator[tuple[str, int, int]]:
    """The numbers that are not written in digits alone, in digits, with their places."""
    for run in _NUMBER.finditer(folded):
        if not run.group().isascii():
            for figure in figures(folded[run.start() : run.end() + 1]):
                start = run.start() + figure.start
                written = folded[start : run.start() + figure.end].rstrip()
                if not figure.weak and not written.isascii():
                    yield f"{figure.value.normalize():f}", start, start + len(written)


def _occurrences(folded: str) -> tuple[list[str], Ints, Ints, Ints]:
    """Distinct terms, and of each occurrence its term's number, its start and its end (int32): pieces, words, concepts.

    Works on whole arrays, so that a long text costs little a character.
    """
    codes = code_points(folded)
    han = np.zeros(len(codes) + 2, bool)  # with one place before and one behind
    for first, last in _HAN:
        han[1:-1] |= (codes >= first) & (codes <= last)
    pairs = np.flatnonzero(han[1:-2] & han[2:-1])
    alone = np.flatnonzero(han[1:-1] & ~han[:-2] & ~han[2:])
    wide = codes.astype(np.int64)
    keys, numbers = np.unique(
        np.concatenate([wide[pairs] << _CODE_BITS | wide[pairs + 1], wide[alone]]), return_inverse=True
    )
    mask = (1 << _CODE_BITS) - 1
    pieces = [chr(key >> _CODE_BITS) + chr(key & mask) if key > mask else chr(key) for key in keys.tolist()]

    found = word_texts(folded)
    lengths = np.fromiter(map(len, found), np.int64, len(found))
    behind = np.cumsum(lengths)
    known = np.concatenate([[0], np.cumsum(han[1:-1])])
    chosen = (lengths > 1) & (known[behind] - known[behind - lengths] == lengths)
    words = list(compress(found, chosen.tolist()))

    runs = [(run.group().replace(",", ""), *run.span()) for run in _LATIN.finditer(folded)]
    runs += _numbers(folded)
    mentions = lexicon.mentions(folded)
    rows: defaultdict[str, int] = defaultdict()
    rows.default_factory = rows.__len__
    others = [rows[text] for text, _, _ in runs]
    others += [rows["/" + word] for word in words]
    others += [rows["#" + mention.concept] for mention in mentions]
    ids = np.concatenate([numbers, np.array(others, np.int64) + len(pieces)])
    begun = (pairs, alone, [start for _, start, _ in runs], (behind - lengths)[chosen], [m.start for m in mentions])
    ended = (pairs + 2, alone + 1, [end for _, _, end in runs], behind[chosen], [m.end for m in mentions])
    starts, ends = (np.concatenate(places).astype(np.int32) for places in (begun, ended))
    return [*pieces, *rows], ids.astype(np.int32), starts, ends
