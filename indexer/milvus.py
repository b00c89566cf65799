"""The vectors of the passages in a Milvus collection, for more of them than one machine holds.

Each snapshot has its own collection, named after the vectors; row i is passage i; the search is exact and by inner
product, as FAISS's is. The snapshot keeps a small file that says which collection. INDEX/milvus.txt names those that
this index wrote and has not dropped, so that what an interrupted build left behind goes with the next one. Two indexes
must not share a Milvus database: where they hold the same articles, one would drop the other's collection.
"""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from indexer.snapshot import SnapshotError
from indexer.vectors import MILVUS_FILE, Vectors

BATCH = 1024  # vectors sent or fetched at once: 4 MB at 1024 dimensions, of the 64 MB that a message may have
MOST = 16_384  # rows that Milvus finds at once
TIMEOUT = 20.0  # seconds for a question
PATIENCE = 600.0  # seconds for writing or loading a collection

_WRITTEN = "milvus.txt"


class StoreError(SnapshotError):
    """Milvus cannot take or give the vectors; the message says why and what to do."""


class Milvus:
    """A connection to the server, or the milvus-lite file, that ``uri`` names.

    Raises:
        StoreError: pymilvus is not installed, ``uri`` is empty or no address, or nothing answers there.
    """

    def __init__(self, uri: str) -> None:
        # Ray forks beside gRPC's threads: with gRPC's fork handlers 10 of 60 starts lost a process, without them none
        # of 60. gRPC reads this when it is first imported, so it has no effect after another import of pymilvus.
        os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
        try:
            import grpc
            import pymilvus
        except ImportError as error:
            raise StoreError(
                "the store 'milvus' needs pymilvus: pip install 'yewen[milvus]', or use --store faiss"
            ) from error
        local = uri.endswith(".db")
        if not local and not uri.startswith(("http://", "https://")):
            raise StoreError(
                f"YEWEN_MILVUS_URI is {'no address' if uri else 'not set'}: set it to that of a Milvus server "
                "(http://host:19530) or to a milvus-lite file that ends in .db, or use --store faiss"
            )
        for noisy in ("pymilvus", "milvus_lite"):  # they log, with traces, what they raise as well
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        self.types = pymilvus.DataType
        self.place = uri.rpartition("@")[2]  # without a user's name and password
        self._failures = (pymilvus.MilvusException, grpc.RpcError)
        try:
            self._client: Any = pymilvus.MilvusClient(uri, timeout=TIMEOUT)
        except ValueError:  # its message may hold a part of the password
            raise StoreError("YEWEN_MILVUS_URI is no address: write http://user:password@host:19530") from None
        except self._failures as error:
            advice = (
                "milvus-lite must be installed, the folder must be there, and only one process may open the file: "
                "stop the other ('yewen serve'?), or use a Milvus server"
                if local
                else "start it, or set YEWEN_MILVUS_URI to where it is"
            )
            raise StoreError(f"Milvus at {self.place} cannot be opened ({_reason(error)}): {advice}") from error

    @contextmanager
    def client(self) -> Iterator[Any]:
        """The client; what fails in it becomes a StoreError."""
        try:
            yield self._client
        except self._failures as error:
            raise StoreError(f"Milvus at {self.place} failed ({_reason(error)}): mend it and try again") from error


def _reason(error: Any) -> str:  # noqa: ANN401  (of a library without types)
    return str(error.message if hasattr(error, "message") else error.code().name)


@dataclass(frozen=True)
class Collection:
    """Which collection holds a snapshot's vectors, float32 [rows, dimension], and the SHA-256 of their bytes."""

    name: str
    rows: int
    dimension: int
    sha256: str


class MilvusVectors:
    """The vectors of one snapshot, in its collection."""

    FILE: ClassVar[str] = MILVUS_FILE

    def __init__(self, milvus: Milvus, collection: Collection) -> None:
        self._milvus = milvus
        self._collection = collection

    @classmethod
    def build(cls, milvus: Milvus, index: Path, vectors: Vectors) -> "MilvusVectors":
        """Write ``vectors``, float32 [passages, dimension], to a collection, if it is not there already.

        Raises:
            StoreError: Milvus failed; the next build removes what was written.
        """
        rows, dimension = vectors.shape
        digest = sha256(np.ascontiguousarray(vectors).data).hexdigest()
        store = cls(milvus, Collection(f"yewen_{digest[:16]}", rows, dimension, digest))
        if not store._whole():
            with (index / _WRITTEN).open("a", encoding="utf-8") as written:
                written.write(f"{store._collection.name}\n")
            store._fill(vectors)
        return store

    @classmethod
    def read(cls, file: Path, uri: str) -> "MilvusVectors":
        """Open the collection that ``file`` names.

        Raises:
            StoreError: Milvus cannot be reached or does not hold the whole collection.
        """
        milvus, collection = Milvus(uri), Collection(**json.loads(file.read_text(encoding="utf-8")))
        store = cls(milvus, collection)
        if not store._whole():
            raise StoreError(
                f"Milvus at {milvus.place} does not hold the {collection.rows} vectors of {collection.name}: set "
                "YEWEN_MILVUS_URI to the one they were written to, or rebuild with 'yewen index --store milvus'"
            )
        with milvus.client() as client:
            client.load_collection(collection.name, timeout=PATIENCE)
            # this waits until all rows are seen, so that no question has to wait (0.2 s in each request)
            client.query(collection.name, output_fields=["count(*)"], consistency_level="Strong", timeout=PATIENCE)
        return store

    def _whole(self) -> bool:
        name = self._collection.name
        with self._milvus.client() as client:
            if not client.has_collection(name, timeout=TIMEOUT):
                return False
            return int(client.get_collection_stats(name, timeout=TIMEOUT)["row_count"]) == self.size

    def _fill(self, vectors: Vectors) -> None:
        name = self._collection.name
        with self._milvus.client() as client:
            schema, search = client.create_schema(auto_id=False), client.prepare_index_params()
            schema.add_field("row", self._milvus.types.INT64, is_primary=True)
            schema.add_field("vector", self._milvus.types.FLOAT_VECTOR, dim=self._collection.dimension)
            search.add_index("vector", index_type="FLAT", metric_type="IP")
            client.drop_collection(name, timeout=TIMEOUT)  # an interrupted build's
            client.create_collection(
                name, schema=schema, index_params=search, consistency_level="Eventually", timeout=PATIENCE
            )
            for first in range(0, len(vectors), BATCH):
                numbered = enumerate(vectors[first : first + BATCH], first)
                client.insert(name, [{"row": row, "vector": vector} for row, vector in numbered], timeout=PATIENCE)
            client.flush(name, timeout=PATIENCE)

    def write(self, file: Path) -> None:
        """Write down which collection it is."""
        file.write_text(json.dumps(vars(self._collection), indent=1) + "\n", encoding="utf-8")

    def tidy(self, index: Path) -> None:
        """Drop the collections that this index wrote and no snapshot of it names any more."""
        written, snapshots = index / _WRITTEN, index.glob(f"snapshots/*/{self.FILE}")
        named = "".join(file.read_text(encoding="utf-8", errors="replace") for file in snapshots)
        names = set(written.read_text(encoding="utf-8").split()) if written.exists() else set()
        with self._milvus.client() as client:
            for name in names:
                if name not in named:
                    client.drop_collection(name, timeout=TIMEOUT)
        written.write_text("".join(f"{name}\n" for name in sorted(names) if name in named), encoding="utf-8")

    @property
    def size(self) -> int:
        """How many vectors it holds."""
        return self._collection.rows

    def search(self, query: Vectors, k: int) -> npt.NDArray[np.int64]:
        """The rows of the ``k`` vectors (at most ``MOST``) nearest to ``query`` (float32 [dimension]), best first."""
        limit = min(k, self.size, MOST)
        if not limit:  # Milvus refuses to find nothing
            return np.empty(0, np.int64)
        with self._milvus.client() as client:
            found = client.search(self._collection.name, [query], limit=limit, output_fields=["row"], timeout=TIMEOUT)
        return np.array(found[0].ids, np.int64)

    def rows(self, numbers: npt.NDArray[np.int64]) -> Vectors:
        """The vectors of those rows, float32 [len(numbers), dimension]."""
        vectors = np.empty((len(numbers), self._collection.dimension), np.float32)
        for first in range(0, len(numbers), BATCH):
            wanted = numbers[first : first + BATCH].tolist()
            with self._milvus.client() as client:
                found = client.get(self._collection.name, wanted, output_fields=["row", "vector"], timeout=TIMEOUT)
            by_row = {hit["row"]: hit["vector"] for hit in found}  # they come in any order
            vectors[first : first + BATCH] = [by_row[row] for row in wanted]
        return vectors
