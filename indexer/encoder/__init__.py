"""Encoders: texts → unit vectors. The built-in one needs no torch; others come through sentence-transformers."""

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

BUILT_IN = "built-in"


class EncoderError(RuntimeError):
    """An encoder cannot be loaded; the message names it and says what to set instead."""


class Encoder(Protocol):
    """What the indexer and the retriever need of an encoder.

    ``identity`` changes whenever the vectors would; ``dimension`` is their length. Vectors are float32
    [texts, dimension], of length 1 (or 0 for a text the model knows nothing of).
    """

    identity: str
    dimension: int

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions."""
        ...


def load_encoder(name: str = BUILT_IN) -> Encoder:
    """The built-in encoder, or the sentence-transformers model of that path or name.

    Raises:
        EncoderError: the model cannot be loaded.
    """
    if name == BUILT_IN:
        from indexer.encoder.static import built_in

        return built_in()
    return SentenceTransformerEncoder(name)


def _contents(folder: Path) -> str:
    """A digest of a model's files where the model is a folder, so that changed weights are another encoder."""
    digest = sha256()
    files = sorted(file for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else []
    for file in files:
        digest.update(f"{file.relative_to(folder)}\n".encode() + sha256(file.read_bytes()).digest())
    return f":{digest.hexdigest()[:16]}" if files else ""


class SentenceTransformerEncoder:
    """Any sentence-transformers model; imports torch when made."""

    def __init__(self, name: str) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        try:
            from sentence_transformers import SentenceTransformer

            self._model = SentenceTransformer(name, device="cpu", trust_remote_code=False)
            dimension = self._model.get_embedding_dimension()
        except Exception as error:  # whatever the hub, the disk or the model's files raise is the same to the user
            raise EncoderError(
                f"encoder {name!r} could not be loaded ({type(error).__name__}): set YEWEN_ENCODER to {BUILT_IN!r}, "
                "to the folder of a sentence-transformers model, or to a model name that this machine can download"
            ) from error
        if not dimension:
            raise EncoderError(f"encoder {name!r} does not tell its dimension; it is no sentence-embedding model")
        self.dimension = int(dimension)
        self.identity = f"sentence-transformers:{name}:{self.dimension}{_contents(Path(name))}"

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages, with the model's own document prompt if it has one."""
        vectors = self._model.encode_document(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions, with the model's own query prompt if it has one."""
        vectors = self._model.encode_query(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)
