"""The lexical index: BM25 over terms, as one sparse matrix of precomputed impacts.

BM25 as in Robertson & Zaragoza (2009) with the never-negative idf of Lucene; every (term, passage) weight is computed
when the index is built (Lù 2024, BM25S), so that a query adds up a few rows.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress

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
    the term stands there; unsigned, as narrow as they allow) [postings]; ``starts`` int64 [terms + 1].
    """

    vocabulary: Sequence[str]
    idf: Floats
    starts: Longs
    passages: Ints
    impacts: Floats
    counts: npt.NDArray[np.unsignedinteger]
    size: int

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
    size = len(texts.ends)
    cells = texts.ids.astype(np.int64)  # in place from here on: they are many
    cells *= size
    cells += np.repeat(np.arange(size, dtype=np.int32), np.diff(texts.ends, prepend=0))
    cells.sort()
    first = np.flatnonzero(np.diff(cells, prepend=-1))
    return _weighed(texts.vocabulary, cells[first], np.diff(first, append=len(cells)), size)


def combine_lexical(one: LexicalIndex, other: LexicalIndex, rows: Longs) -> LexicalIndex:
    """What :func:`build_lexical` makes of texts that two indexes have, at little cost where ``other`` is small.

    Text i is text ``rows[i]`` of ``one`` and then ``other`` (int64 [texts], none twice).
    """
    places = np.full(one.size + other.size, -1, np.int64)
    places[rows] = np.arange(len(rows))
    vocabulary, of_one, of_other = _merged(one.vocabulary, other.vocabulary)
    cells, counts = list[Longs](), list[npt.NDArray[np.unsignedinteger]]()
    for index, terms, here in ((one, of_one, places[: one.size]), (other, of_other, places[one.size :])):
        texts = here[index.passages]
        kept = texts >= 0
        cells.append((np.repeat(terms * len(rows), np.diff(index.starts)) + texts)[kept])
        counts.append(index.counts[kept])
    joined = np.concatenate(cells)
    order = np.argsort(joined, kind="stable")  # two sorted runs, unless the texts of one index change their order
    return _weighed(vocabulary, joined[order], np.concatenate(counts)[order], len(rows))


def _merged(one: Sequence[str], other: Sequence[str]) -> tuple[list[str], Longs, Longs]:
    """Two sorted vocabularies as one, and the numbers that the terms of each have in it."""
    at = np.fromiter((bisect_left(one, term) for term in other), np.int64, len(other))
    fresh = np.array([row == len(one) or one[row] != term for row, term in zip(at.tolist(), other, strict=True)], bool)
    of_one = np.arange(len(one) + 1) + np.cumsum(np.bincount(at[fresh], minlength=len(one) + 1))
    of_other = np.where(fresh, at + np.cumsum(fresh) - 1, of_one[at])
    return sorted([*one, *compress(other, fresh.tolist())]), of_one[:-1], of_other


def _weighed(vocabulary: Sequence[str], cells: Longs, counts: npt.NDArray[np.integer], size: int) -> LexicalIndex:
    """The index of ``size`` texts. ``cells``, sorted: each term's number times ``size``, plus a text it stands in."""
    terms, passages = np.divmod(cells, max(size, 1))
    frequency = np.bincount(terms, minlength=len(vocabulary))
    used = np.flatnonzero(frequency)
    frequency = frequency[used]
    starts = np.concatenate([[0], np.cumsum(frequency)])
    length = np.bincount(passages, counts, size)
    idf = np.log(1 + (size - frequency + 0.5) / (frequency + 0.5))
    norm = K1 * (1 - B + B * length / max(length.mean() if size else 1.0, 1e-9))
    impacts = np.repeat(idf, frequency) * counts * (K1 + 1) / (counts + norm[passages])
    return LexicalIndex(
        [vocabulary[row] for row in used.tolist()],
        idf.astype(np.float32),
        starts.astype(np.int64),
        passages.astype(np.int32),
        impacts.astype(np.float32),
        counts.astype(np.min_scalar_type(counts.max(initial=0))),
        size,
    )
