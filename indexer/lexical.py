"""The lexical index: BM25 over terms, as one sparse matrix of precomputed impacts.

BM25 as in Robertson & Zaragoza (2009) with the never-negative idf of Lucene; every (term, passage) weight is computed
when the index is built (Lù 2024, BM25S), so that a query adds up a few rows.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

K1 = 1.2
B = 0.75

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]


@dataclass(frozen=True)
class LexicalIndex:
    """Rows of a compressed sparse matrix: term i stands in ``passages[starts[i]:starts[i+1]]`` with those ``impacts``.

    ``vocabulary`` is sorted; ``idf`` float32 [terms]; ``impacts`` float32, ``passages`` int32 [postings];
    ``starts`` int64 [terms + 1].
    """

    vocabulary: Sequence[str]
    idf: Floats
    starts: npt.NDArray[np.int64]
    passages: Ints
    impacts: Floats
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


def build_lexical(documents: Iterable[Sequence[str]]) -> LexicalIndex:
    """Index the term lists of passages, in passage order."""
    rows: defaultdict[str, int] = defaultdict()
    rows.default_factory = rows.__len__
    occurrences, sizes = array("i"), array("i")
    for document in documents:
        occurrences.extend(map(rows.__getitem__, document))
        sizes.append(len(document))
    vocabulary = sorted(rows)
    rank = np.empty(len(rows), np.int64)
    rank[[rows[term] for term in vocabulary]] = np.arange(len(rows))
    length = np.array(sizes, np.int64)
    cells = rank[np.array(occurrences, np.int64)] * len(sizes) + np.repeat(np.arange(len(sizes)), length)
    cells, counts = np.unique(cells, return_counts=True)
    terms, passages = np.divmod(cells, max(len(sizes), 1))
    starts = np.searchsorted(terms, np.arange(len(vocabulary) + 1))
    frequency = np.diff(starts)
    idf = np.log(1 + (len(sizes) - frequency + 0.5) / (frequency + 0.5))
    norm = K1 * (1 - B + B * length / max(length.mean() if len(sizes) else 1.0, 1e-9))
    impacts = idf[terms] * counts * (K1 + 1) / (counts + norm[passages])
    return LexicalIndex(
        vocabulary,
        idf.astype(np.float32),
        starts.astype(np.int64),
        passages.astype(np.int32),
        impacts.astype(np.float32),
        len(sizes),
    )
