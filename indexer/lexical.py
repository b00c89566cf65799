"""The lexical index: BM25 over terms, as one sparse matrix of precomputed impacts.

BM25 as in Robertson & Zaragoza (2009) with the never-negative idf of Lucene; every (term, passage) weight is computed
when the index is built (Lù 2024, BM25S), so that a query adds up a few rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from language.analysis import TermLists

K1 = 1.2
B = 0.75

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]


@dataclass(frozen=True)
class LexicalIndex:
    """Rows of a compressed sparse matrix: term i stands in ``passages[starts[i]:starts[i+1]]`` with those ``impacts``.

    ``vocabulary`` is sorted; ``idf`` float32 [terms]; ``impacts`` float32, ``passages`` int32 and ``counts`` (how often
    the term stands there; unsigned, as narrow as they allow) [postings]; ``starts`` int64 [terms + 1].
    """

    vocabulary: Sequence[str]
    idf: Floats
    starts: npt.NDArray[np.int64]
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

    def term_lists(self) -> TermLists:
        """What it was built from, but for the order of terms within a text."""
        order = np.argsort(self.passages, kind="stable")
        terms = np.repeat(np.arange(len(self.vocabulary), dtype=np.int32), np.diff(self.starts))
        lengths = np.bincount(self.passages, self.counts, self.size)
        return TermLists(
            self.vocabulary, np.repeat(terms[order], self.counts[order]), np.cumsum(lengths).astype(np.int64)
        )


def build_lexical(texts: TermLists) -> LexicalIndex:
    """Index texts, in their order; terms that stand in none of them are left out."""
    size = len(texts.ends)
    length = np.diff(texts.ends, prepend=0)
    cells = texts.ids.astype(np.int64)  # in place from here on: they are many
    cells *= size
    cells += np.repeat(np.arange(size, dtype=np.int32), length)
    cells.sort()
    first = np.flatnonzero(np.diff(cells, prepend=-1))
    counts = np.diff(first, append=len(cells))
    terms, passages = np.divmod(cells[first], max(size, 1))
    used, frequency = np.unique(terms, return_counts=True)
    starts = np.concatenate([[0], np.cumsum(frequency)])
    idf = np.log(1 + (size - frequency + 0.5) / (frequency + 0.5))
    norm = K1 * (1 - B + B * length / max(length.mean() if size else 1.0, 1e-9))
    impacts = np.repeat(idf, frequency) * counts * (K1 + 1) / (counts + norm[passages])
    return LexicalIndex(
        [texts.vocabulary[row] for row in used],
        idf.astype(np.float32),
        starts.astype(np.int64),
        passages.astype(np.int32),
        impacts.astype(np.float32),
        counts.astype(np.min_scalar_type(counts.max(initial=0))),
        size,
    )
