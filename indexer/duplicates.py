"""Near-duplicates: articles that share most of their character 5-grams, whatever their script and punctuation.

The Jaccard similarity of the sets of 5-grams is estimated for all articles by MinHash (Broder 1997) and computed for
those that the estimate finds.

NEAR was chosen on 1,328 news texts of 700 characters (crud_news): of 880,000 pairs 16 reach .45. The two from .7 on are
one agency report in two papers; between .45 and .65 two papers write of one event, each with words of its own. An
article without its last fifth has .80 of the whole one.

What an estimate needs of an article costs half a millisecond, so it is kept in a file beside the index, which may be
lost or damaged without harm.
"""

from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from indexer.articles import Article
from language import analysis
from language.folding import fold

SHINGLE = 5  # characters
NEAR = 0.7  # Jaccard similarity from which two articles are the same
HASHES = 128  # of a signature: the estimate's standard error is .04 at .7
_SEALED = 32  # bytes of a seal
_SLACK = 0.15  # below NEAR, where an estimate still makes a candidate

Hashes = npt.NDArray[np.uint64]
Signature = npt.NDArray[np.uint32]

_RANDOM = np.random.default_rng(0)
_FACTORS = _RANDOM.integers(1, 1 << 62, HASHES, np.uint64) * np.uint64(2) + np.uint64(1)
_POWERS = np.uint64(0x9E3779B97F4A7C15) ** np.arange(1, SHINGLE + 1, dtype=np.uint64)


class KnownArticles:
    """The articles taken so far, to be asked which of them a new one repeats. ``kept``: signatures by article id."""

    def __init__(self, kept: Mapping[str, Signature] | None = None) -> None:
        self._kept = kept or {}
        self._articles: list[Article] = []
        self._ids: dict[str, Article] = {}
        self._signatures = np.empty((0, HASHES), np.uint32)

    def add(self, article: Article) -> None:
        """Know one more."""
        if len(self._articles) == len(self._signatures):
            room = np.zeros((max(16, len(self._articles)), HASHES), np.uint32)
            self._signatures = np.concatenate([self._signatures, room])
        kept = self._kept.get(article.id)
        self._signatures[len(self._articles)] = _signature(shingles(article.body)) if kept is None else kept
        self._articles.append(article)
        self._ids[article.id] = article

    def keep(self, file: Path) -> None:
        """Write the signatures of all, if they are not those kept before and there is room for them."""
        if self._ids.keys() == self._kept.keys():
            return
        content = BytesIO()
        ids = np.array([article.id for article in self._articles], str)
        np.savez(content, ids=ids, signatures=self._signatures[: len(ids)])
        temporary = file.with_name(f".{file.name}")
        with suppress(OSError):
            temporary.write_bytes(_seal(content.getvalue()) + content.getvalue())
            temporary.replace(file)

    def like(self, article: Article) -> tuple[Article, float] | None:
        """The known article that is most like this one, and how much (1.0: the same), or None under ``NEAR``."""
        if same := self._ids.get(article.id):
            return same, 1.0
        grams = shingles(article.body)
        if not len(grams) or not self._articles:
            return None
        estimates = np.mean(self._signatures[: len(self._articles)] == _signature(grams), axis=1)
        candidates = [self._articles[row] for row in np.flatnonzero(estimates >= NEAR - _SLACK)]
        measured = [(jaccard(grams, shingles(other.body)), other) for other in candidates]
        likeness, nearest = max(measured, key=lambda pair: pair[0], default=(0.0, article))
        return (nearest, likeness) if likeness >= NEAR else None


def shingles(text: str) -> Hashes:
    """The 64-bit hashes of the distinct 5-grams of a text's folded letters and digits, sorted, uint64 [5-grams]."""
    letters = "".join(filter(str.isalnum, fold(text)))
    points = np.frombuffer(letters.encode("utf-32-le", "replace"), np.uint32).astype(np.uint64)
    if len(points) < SHINGLE:
        return np.empty(0, np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(points, SHINGLE)
    mixed = windows @ _POWERS
    return np.unique(mixed ^ (mixed >> np.uint64(29)))


def jaccard(one: Hashes, other: Hashes) -> float:
    """What two sets share, of all they hold together."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / max(len(one) + len(other) - shared, 1)


def kept_signatures(file: Path) -> dict[str, Signature]:
    """Those that :meth:`KnownArticles.keep` wrote; none where they are damaged or of another version."""
    try:
        content = file.read_bytes()
    except OSError:
        return {}
    sealed = content[_SEALED:]
    if content[:_SEALED] != _seal(sealed):
        return {}
    with np.load(BytesIO(sealed)) as kept:
        return dict(zip(kept["ids"].tolist(), kept["signatures"], strict=True))


def _seal(content: bytes) -> bytes:
    """A digest of what signatures depend on and of them."""
    return sha256(f"{analysis.fingerprint()} {SHINGLE} {HASHES}\n".encode() + content).digest()


def _signature(grams: Hashes) -> Signature:
    """The least of each hash function over the 5-grams, uint32 [HASHES]; all ones for none."""
    if not len(grams):
        return np.full(HASHES, np.iinfo(np.uint32).max)
    products = np.multiply.outer(_FACTORS, grams)
    return np.asarray((products >> np.uint64(32)).min(axis=1), np.uint32)
