"""The vectors of the passages, searched by inner product (cosine, since they are unit vectors); in a FAISS index.

The other store is :mod:`indexer.milvus`, which is imported only when it is chosen.
"""

from pathlib import Path
from typing import ClassVar, Protocol

import faiss
import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

CODED_FROM = 20_000  # vectors
TAUGHT = 5_000  # vectors, about, that the codes are made from: 16 codes each need few
ROUNDS = 6  # of k-means for each of the codes
REFINED = 16
FAISS_FILE = "vectors.faiss"
MILVUS_FILE = "vectors.milvus.json"


class VectorStore(Protocol):
    """What the retriever needs of the vectors; row i is passage i."""

    @property
    def size(self) -> int:
        """How many vectors it holds."""
        ...

    def search(self, query: Vectors, k: int) -> Rows:
        """The rows of the ``k`` vectors nearest to ``query`` (float32 [dimension]), best first."""
        ...

    def rows(self, numbers: Rows) -> Vectors:
        """The vectors of those rows, float32 [len(numbers), dimension]."""
        ...


class WrittenVectors(VectorStore, Protocol):
    """What a snapshot needs of the vectors that it keeps, in the file of the name ``FILE``."""

    FILE: ClassVar[str]

    def write(self, file: Path) -> None:
        """Write what a snapshot keeps of it."""
        ...

    def tidy(self, index: Path) -> None:
        """Remove what lies outside the snapshots and none of them needs any more."""
        ...


class VectorIndex:
    """A FAISS index; row i is passage i. A small one is exact.

    From ``CODED_FROM`` vectors on they are first looked for by codes of four bits for each two dimensions (product
    quantisation with fast scan, André et al. 2017), then ``REFINED`` times as many as are wanted by their float16
    values. How many of the exact neighbours that finds: ``docs/growth.md``.
    """

    FILE: ClassVar[str] = FAISS_FILE

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    @classmethod
    def build(cls, vectors: Vectors) -> "VectorIndex":
        """Index ``vectors``, float32 [passages, dimension]."""
        count, dimension = vectors.shape
        if count < CODED_FROM or dimension % 2:
            return cls.exact(vectors)
        coded = f"PQ{dimension // 2}x4fs,Refine(SQfp16)"
        index = faiss.index_factory(dimension, coded, faiss.METRIC_INNER_PRODUCT)
        index.k_factor = REFINED  # type: ignore[attr-defined]
        faiss.downcast_index(index.base_index).pq.cp.niter = ROUNDS  # type: ignore[attr-defined]
        contiguous = np.ascontiguousarray(vectors, dtype=np.float32)
        index.train(np.ascontiguousarray(contiguous[:: max(1, count // TAUGHT)]))
        index.add(contiguous)
        return cls(index)

    @classmethod
    def exact(cls, vectors: Vectors) -> "VectorIndex":
        """An index that compares with every vector."""
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(index)

    @classmethod
    def read(cls, file: Path) -> "VectorIndex":
        """Read an index file whose checksum was verified before: FAISS itself checks nothing."""
        return cls(faiss.read_index(str(file), faiss.IO_FLAG_MMAP))

    def write(self, file: Path) -> None:
        """Write the index file."""
        file.write_bytes(faiss.serialize_index(self._index).data)  # FAISS's own writing passes over a full disk

    def tidy(self, index: Path) -> None:
        """Nothing lies outside the snapshots."""

    @property
    def size(self) -> int:
        """How many vectors it holds."""
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """How long they are."""
        return int(self._index.d)

    def search(self, query: Vectors, k: int) -> Rows:
        """The rows of the ``k`` vectors nearest to ``query`` (float32 [dimension]), best first.

        Fewer, perhaps none, where the codes of many vectors tell the query from nothing, as those of zeros.
        """
        return self.nearest(query, k)[1]

    def nearest(self, query: Vectors, k: int) -> tuple[Vectors, Rows]:
        """As :meth:`search`, with the inner products before the rows."""
        if not self.size:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        products, rows = self._index.search(query[None, :], min(k, self.size))
        found = rows[0] >= 0
        return np.asarray(products[0][found], dtype=np.float32), np.asarray(rows[0][found], dtype=np.int64)

    def rows(self, numbers: Rows) -> Vectors:
        """The vectors of those rows, float32 [len(numbers), dimension]."""
        return np.asarray(self._index.reconstruct_batch(numbers), dtype=np.float32)


class JoinedVectors:
    """The vectors of a snapshot that is a change on another one: row i is row ``order[i]`` of both, the base first."""

    def __init__(self, base: VectorIndex, new: VectorIndex, order: Rows) -> None:
        self._parts = base, new
        self._order = order
        places = np.full(base.size + new.size, -1, np.int64)  # -1: no longer there
        places[order] = np.arange(len(order))
        self._places = places[: base.size], places[base.size :]

    @property
    def size(self) -> int:
        """How many vectors it holds."""
        return len(self._order)

    def search(self, query: Vectors, k: int) -> Rows:
        """As that of a :class:`VectorIndex`."""
        found = [_there(*both, query, min(k, self.size)) for both in zip(self._parts, self._places, strict=True)]
        products, rows = map(np.concatenate, zip(*found, strict=True))
        return np.asarray(rows[np.argsort(-products, kind="stable")[:k]])

    def rows(self, numbers: Rows) -> Vectors:
        """The vectors of those rows, float32 [len(numbers), dimension]."""
        base, new = self._parts
        wanted = self._order[numbers]
        old = wanted < base.size
        vectors = np.empty((len(numbers), base.dimension), np.float32)
        vectors[old], vectors[~old] = base.rows(wanted[old]), new.rows(wanted[~old] - base.size)
        return vectors


def _there(index: VectorIndex, places: Rows, query: Vectors, k: int) -> tuple[Vectors, Rows]:
    """Inner products and places of the ``k`` nearest vectors that have a place (-1: none), best first."""
    wanted = k
    while True:
        products, rows = index.nearest(query, wanted)
        there = places[rows] >= 0
        if len(rows) < wanted or np.count_nonzero(there) >= k:
            return products[there][:k], places[rows][there][:k]
        wanted *= 2
