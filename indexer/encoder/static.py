"""The built-in encoder at run time: look up each piece's row, take the mean, normalise. numpy and tokenizers only.

The same model as sentence-transformers' ``StaticEmbedding`` followed by ``Normalize``, with its rows kept in int8;
:func:`to_sentence_transformers` gives that form, and a test proves that both give the same vectors.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from language.folding import fold
from language.lexicon import reworded

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MODEL = Path(__file__).parent / "model"
MANY = 32  # texts that are worth a sparse product


def save(folder: Path, weights: npt.NDArray[np.float32]) -> None:
    """Write ``weights`` (float32 [pieces, dimension]) as int8 rows, each with its own float32 step (symmetric)."""
    steps = (np.maximum(np.abs(weights).max(axis=1), 1e-12) / 127).astype(np.float32)
    rows = np.rint(weights / steps[:, None]).astype(np.int8)
    np.save(folder / "rows.npy", rows)
    np.save(folder / "steps.npy", steps)
    digest = sha256(rows.tobytes() + steps.tobytes() + (folder / "tokenizer.json").read_bytes()).hexdigest()
    config = {"pieces": rows.shape[0], "dimension": rows.shape[1], "sha256": digest}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


class StaticEncoder:
    """Texts → unit vectors (float32 [texts, dimension]); a text with no known piece gives the zero vector."""

    def __init__(self, folder: Path = MODEL) -> None:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._rows = np.load(folder / "rows.npy", mmap_mode="r").view(np.ndarray)  # a memmap is slow to index
        self._steps = np.load(folder / "steps.npy")
        self.dimension = int(config["dimension"])
        self.identity = f"static:{config['sha256'][:16]}"

    def encode_documents(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of original (not yet folded) texts, float32 [len(texts), dimension]."""
        folded = [fold(text) for text in texts]
        if len(texts) >= MANY:
            encodings = self._tokenizer.encode_batch_fast(folded, add_special_tokens=False)
            return _unit(self._sums([encoding.ids for encoding in encodings]))
        pieces = [self.pieces(text)[0] for text in folded]  # without the threads of a batch, which are slow to wake
        rows = [(self._rows[ids] * self._steps[ids, None]).sum(axis=0) for ids in pieces]
        return _unit(np.asarray(rows, np.float32).reshape(len(texts), self.dimension))

    def _sums(self, pieces: Sequence[Sequence[int]]) -> npt.NDArray[np.float32]:
        """The sums of each text's rows as one product, during which other threads can work.

        It adds up row after row, as the sum of few texts does, so that a vector does not depend on its batch.
        """
        from scipy.sparse import csr_array  # slow to import

        used, columns = np.unique(np.fromiter(chain.from_iterable(pieces), np.int64), return_inverse=True)
        ends = np.cumsum([0, *map(len, pieces)])
        held = csr_array((np.ones(len(columns), np.float32), columns, ends), shape=(len(pieces), len(used)))
        return np.asarray(held @ (self._rows[used] * self._steps[used, None]), np.float32)

    def encode_queries(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """The same as for documents, in mainland words, so that every region's words give the same vector."""
        return self.encode_documents([reworded(fold(text)) for text in texts])

    def __len__(self) -> int:
        """How many pieces there are."""
        return len(self._rows)

    def pieces(self, folded: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids of the pieces of a folded text and their places in it."""
        encoding = self._tokenizer.encode(folded, add_special_tokens=False)
        return encoding.ids, encoding.offsets


@lru_cache(maxsize=1)
def built_in() -> StaticEncoder:
    """The encoder in the repository, loaded once: it searches, and the reader reads with it."""
    return StaticEncoder()


def _unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The rows at length 1, but for those of zeros."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)


def to_sentence_transformers(folder: Path = MODEL) -> "SentenceTransformer":
    """The same model as a ``SentenceTransformer``; give it folded texts. Imports torch."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

    weights = np.load(folder / "rows.npy").astype(np.float32) * np.load(folder / "steps.npy")[:, None]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights), Normalize()])
