"""Sentences as the reader sees them: read once, kept while the process lives."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from indexer.encoder.static import StaticEncoder, built_in
from language import lexicon
from language.folding import fold
from language.segmentation import word_texts

WIDTH = 128  # leading dimensions of the encoder's vectors used for single words (it was trained for such prefixes)
_VECTORS_KEPT = 50_000

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class SentenceView:
    """A sentence read: folded text, mentions, concepts, its longer words with their vectors (float32 [words, WIDTH]).

    ``vector`` is the sentence's own, float32 [dimension].
    """

    folded: str
    mentions: tuple[lexicon.Mention, ...]
    concepts: frozenset[str]
    words: tuple[str, ...]
    vectors: Floats
    vector: Floats


class WordVectors:
    """Unit vectors of single words from the built-in encoder, remembered."""

    def __init__(self, encoder: StaticEncoder) -> None:
        self.encoder = encoder
        self._known: dict[str, Floats] = {}
        self._reading = threading.Lock()  # endpoints ask from several threads

    def of(self, words: Sequence[str]) -> Floats:
        """float32 [words, WIDTH]."""
        with self._reading:
            if len(self._known) > _VECTORS_KEPT:
                self._known.clear()
            if new := [word for word in dict.fromkeys(words) if word not in self._known]:
                vectors = self.encoder.encode_documents(new)[:, :WIDTH]
                vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
                self._known.update(zip(new, vectors, strict=True))
            return np.stack([self._known[word] for word in words]) if words else np.zeros((0, WIDTH), np.float32)


@lru_cache(maxsize=1)
def word_vectors() -> WordVectors:
    """The word vectors of the built-in encoder, which also serve when another encoder searches."""
    return WordVectors(built_in())


@lru_cache(maxsize=20_000)
def read_sentence(text: str) -> SentenceView:
    """Read a sentence of an article's original text."""
    folded = fold(text)
    words = tuple(dict.fromkeys(word for word in word_texts(folded) if len(word) > 1 and word[0].isalpha()))
    mentions = tuple(lexicon.mentions(folded))
    concepts = frozenset(mention.concept for mention in mentions)
    vectors = word_vectors()
    own = vectors.encoder.encode_documents([folded])[0]
    return SentenceView(folded, mentions, concepts, words, vectors.of(words), own)
