"""The built-in encoder at run time: look up each piece's row, take the mean, normalise. numpy and tokenizers only.

The same model as sentence-transformers' ``StaticEmbedding`` followed by ``Normalize``, with its rows kept in int8;
:func:`to_sentence_transformers` gives that form, and a test proves that both give the same vectors.
"""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from language.folding import fold

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MODEL = Path(__file__).parent / "model"


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
        self._rows = np.load(folder / "rows.npy", mmap_mode="r")
        self._steps = np.load(folder / "steps.npy")
        self.dimension = int(config["dimension"])
        self.identity = f"static:{config['sha256'][:16]}"

    def encode_documents(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of original (not yet folded) texts, float32 [len(texts), dimension]."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        encodings = self._tokenizer.encode_batch_fast([fold(text) for text in texts], add_special_tokens=False)
        for number, encoding in enumerate(encodings):
            if ids := encoding.ids:
                vectors[number] = self._steps[ids] @ self._rows[ids].astype(np.float32)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)

    def __len__(self) -> int:
        """How many pieces there are."""
        return len(self._rows)

    def pieces(self, folded: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids of the pieces of a folded text and their places in it."""
        encoding = self._tokenizer.encode(folded, add_special_tokens=False)
        return encoding.ids, encoding.offsets

    def encode_queries(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """The same as for documents: one table serves both."""
        return self.encode_documents(texts)


def to_sentence_transformers(folder: Path = MODEL) -> "SentenceTransformer":
    """The same model as a ``SentenceTransformer``; give it folded texts. Imports torch."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

    weights = np.load(folder / "rows.npy").astype(np.float32) * np.load(folder / "steps.npy")[:, None]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights), Normalize()])
