"""The lexical index: BM25 over terms, as one sparse matrix of precomputed impacts.

BM25 as in Robertson & Zaragoza (2009) with the never-negative idf of Lucene; every (term, passage) weight is computed
when the index is built (Lù 2024, BM25S), so that a query adds up a few rows.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from language.analysis import TermLists

K1 = 1.2
B = 0.75

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LexicalIndex:
    """Rows of a compressed sparse matrix: term i stands in ``passages[starts[i]:starts[i+1]]`` with those ``impacts``.

    ``vocabulary`` is sorted; ``idf`` float32 [terms]; ``impacts`` float32, ``passages`` int32 and ``counts`` (how often
    the term stands there; unsigned, as narrow as they allow) [postings]; ``starts`` int64 [terms + 1]; ``lengths``, how
    many terms a passage has, int64 [size].
    """

    vocabulary: Sequence[str]
    idf: Floats
    starts: Longs
    passages: Ints
    impacts: Floats
    counts: npt.NDArray[np.unsignedinteger]
    lengths: Longs

    @property
    def size(self) -> int:
        """How many passages it holds."""
        return len(self.lengths)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {term: row for row, term in enumerate(self.vocabulary)}

    def weight(self, term: str) -> float:
        """The idf of a term; that of a term seen nowhere is the highest possible."""
        row = self._rows.get(term)
        return float(self.idf[row]) if row is not None else float(np.log(1 + (self.size + 0.5) / 0.5))

    def scores(self, terms: Mapping[str, float]) -> Floats:
        """BM25 of every passage for weighted query terms, float32 [size]."""
        total = np.zeros(self.size, dtype=np.float32)
        for term, weight in terms.items():
            if (row := self._rows.get(term)) is not None:
                here = slice(self.starts[row], self.starts[row + 1])
                total[self.passages[here]] += weight * self.impacts[here]
        return total


def build_lexical(texts: TermLists) -> LexicalIndex:
    """Index texts, in their order; terms that stand in none of them are left out."""
    lengths = np.diff(texts.ends, prepend=0)
    size = len(lengths)
    cells = texts.ids.astype(np.int64)  # in place from here on: they are many
    cells *= size
    cells += np.repeat(np.arange(size, dtype=np.int32), lengths)
    cells.sort()
    first = np.flatnonzero(np.diff(cells, prepend=-1))
    terms, passages = np.divmod(cells[first], max(size, 1))
    frequency = np.bincount(terms, minlength=len(texts.vocabulary))
    postings = _Postings(passages.astype(np.int32), np.diff(first, append=len(cells)), frequency)
    return _weighed(texts.vocabulary, postings, lengths)


def combine_lexical(one: LexicalIndex, other: LexicalIndex, rows: Longs) -> LexicalIndex:
    """What :func:`build_lexical` makes of texts that two indexes have, at little cost where ``other`` is small.

    Text i is text ``rows[i]`` of ``one`` and then ``other`` (int64 [texts], none twice).
    """
    places = np.full(one.size + other.size, -1, np.int32)
    places[rows] = np.arange(len(rows), dtype=np.int32)
    old, new = _moved(one, places[: one.size]), _moved(other, places[one.size :])
    vocabulary, of_one, of_other = _merged(one.vocabulary, other.vocabulary)
    frequency = np.zeros(len(vocabulary), np.int64)
    frequency[of_one] = old.frequency
    ends, terms = np.cumsum(frequency), np.repeat(of_other, new.frequency)
    at = _behind_lesser(old.passages, ends[terms] - frequency[terms], ends[terms], new.passages)
    frequency[of_other] += new.frequency
    counts = old.counts.astype(np.promote_types(old.counts.dtype, new.counts.dtype), copy=False)
    joined = _Postings(np.insert(old.passages, at, new.passages), np.insert(counts, at, new.counts), frequency)
    return _weighed(vocabulary, joined, np.concatenate([one.lengths, other.lengths])[rows])


class _Postings(NamedTuple):
    """``passages`` and ``counts`` as those of an index; ``frequency``: in how many each term of a vocabulary stands."""

    passages: Ints
    counts: npt.NDArray[np.integer]
    frequency: Longs


def _moved(index: LexicalIndex, places: Ints) -> _Postings:
    """The postings of texts that get other numbers; of those that get -1 there are none."""
    passages, counts, frequency = places[index.passages], index.counts, np.diff(index.starts)
    if (places < 0).any():
        kept = passages >= 0
        frequency = np.diff(np.concatenate([[0], np.cumsum(kept)])[index.starts])
        passages, counts = passages[kept], counts[kept]
    if (np.diff(places[places >= 0]) < 0).any():
        cells = np.repeat(np.arange(len(frequency)) * (int(places.max()) + 1), frequency) + passages
        order = np.argsort(cells, kind="stable")
        passages, counts = passages[order], counts[order]
    return _Postings(passages, counts, frequency)


def _behind_lesser(values: Ints, first: Longs, end: Longs, wanted: Ints) -> Longs:
    """Where each wanted value goes within ``values[first:end]``, which is sorted: behind all that are less."""
    while (undecided := first < end).any():
        middle = (first + end) // 2
        less = undecided.copy()
        less[undecided] = values[middle[undecided]] < wanted[undecided]
        first, end = np.where(less, middle + 1, first), np.where(undecided & ~less, middle, end)
    return first


def _merged(one: Sequence[str], other: Sequence[str]) -> tuple[list[str], Longs, Longs]:
    """Two sorted vocabularies as one, and the numbers that the terms of each have in it."""
    at = np.fromiter((bisect_left(one, term) for term in other), np.int64, len(other))
    fresh = np.array([row == len(one) or one[row] != term for row, term in zip(at.tolist(), other, strict=True)], bool)
    of_one = np.arange(len(one) + 1) + np.cumsum(np.bincount(at[fresh], minlength=len(one) + 1))
    of_other = np.where(fresh, at + np.cumsum(fresh) - 1, of_one[at])
    return sorted([*one, *compress(other, fresh.tolist())]), of_one[:-1], of_other


def _weighed(vocabulary: Sequence[str], postings: _Postings, lengths: Longs) -> LexicalIndex:
    passages, counts, frequency = postings
    size = len(lengths)
    used = np.flatnonzero(frequency)
    frequency = frequency[used]
    idf = np.log(1 + (size - frequency + 0.5) / (frequency + 0.5))
    norm = K1 * (1 - B + B * lengths / max(lengths.mean() if size else 1.0, 1e-9))
    narrow = counts.astype(np.min_scalar_type(counts.max(initial=0)), copy=False)
    impacts = norm.astype(np.float32)[passages]  # in place and in float32: they are many
    impacts += narrow
    np.divide(narrow, impacts, out=impacts)
    impacts *= np.repeat((idf * (K1 + 1)).astype(np.float32), frequency)
    return LexicalIndex(
        [vocabulary[row] for row in used.tolist()],
        idf.astype(np.float32),
        np.concatenate([[0], np.cumsum(frequency)]),
        passages,
        impacts,
        narrow,
        lengths,
    )
