"""The reader: which sentence answers the question, and whether any does. Two small models over sentence features.

Trained by ``answerer/train.py``; run here in numpy. A network gives every candidate a rank score; a logistic
regression
looks at the best candidate, and at how far it stands above the rest, for the probability that it really answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from answerer.asked import Asked
from answerer.features import HEARD, Candidate, asks, sentence_features
from answerer.sentences import word_vectors

REFUSE_BELOW = 0.37  # probability under which the articles are taken not to hold the answer; chosen in eval/LOG.md
TELLING = 30  # leading columns of the features: coverages, alone and together
LEAST_HEARD = 0.3  # share of what the question is about that must stand somewhere in the passages
UNHEARD = 0.1  # the probability at most where it does not
FARTHEST = 4.0  # standard deviations: what lies farther from what was seen in training counts as no farther than this
MODEL = Path(__file__).parent / "model" / "reader.npz"

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Standardise, clip, one hidden layer with ReLU, one output. ``inner`` [features, hidden], ``outer`` [hidden]."""

    mean: Floats
    scale: Floats
    inner: Floats
    inner_bias: Floats
    outer: Floats
    outer_bias: float

    def __call__(self, features: Floats) -> Floats:
        """One number a row; features float32 [rows, features] → float32 [rows]."""
        inputs = np.clip((features - self.mean) * self.scale, -FARTHEST, FARTHEST)
        hidden = np.maximum(inputs @ self.inner + self.inner_bias, 0)
        return np.asarray(hidden @ self.outer + self.outer_bias, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Standardise, clip, one weighted sum. ``weights`` [features]."""

    mean: Floats
    scale: Floats
    weights: Floats
    bias: float

    def __call__(self, features: Floats) -> float:
        """One number for one row; features float32 [features]."""
        return float(np.clip((features - self.mean) * self.scale, -FARTHEST, FARTHEST) @ self.weights + self.bias)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Candidates best first, their rank scores (log-odds among themselves) and the answerability, 0 to 1."""

    candidates: tuple[Candidate, ...]
    scores: Floats
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """The two trained parts."""

    rank: Network
    answerable: Linear

    def read(self, question: Asked, text: str, found: Sequence[Candidate]) -> Reading:
        """Rank the candidates for the question (``text`` is its original) and judge the best."""
        kept, features = considered(question, text, found)
        if not kept:
            return Reading((), np.zeros(0, np.float32), 0.0)
        scores = self.rank(features)
        order = np.lexsort((np.arange(len(kept)), -scores))
        logit = self.answerable(summary_features(features[order], scores[order]))
        probability = 1 / (1 + float(np.exp(-logit)))
        if features[0, HEARD] < LEAST_HEARD:
            probability = min(probability, UNHEARD)
        return Reading(tuple(kept[i] for i in order), scores[order], probability)


def considered(question: Asked, text: str, found: Sequence[Candidate]) -> tuple[list[Candidate], Floats]:
    """The candidates that may answer and their features, float32 [kept, features].

    A sentence that itself asks is no answer, but speaks for its neighbours (中国汽车为何能风靡全球?…); so it takes
    part in the features and is then left out. A question without content words has no candidates.
    """
    if not found or not question.words:
        return [], np.zeros((0, 0), np.float32)
    vector = word_vectors().encoder.encode_queries([text])[0]
    features = sentence_features(question, found, np.stack([c.view.vector for c in found]) @ vector)
    kept = [row for row, candidate in enumerate(found) if not asks(candidate)]
    return [found[row] for row in kept], features[kept]


def summary_features(features: Floats, scores: Floats) -> Floats:
    """What answerability is judged by, float32: the best row, its score and leads, the best and the mean of the list.

    ``features`` and ``scores`` are sorted, best first.
    """
    second = scores[1] if len(scores) > 1 else scores[0] - 5
    later = scores[1:6].mean() if len(scores) > 1 else second
    leads = np.array([scores[0], scores[0] - second, scores[0] - later])
    best = features[:, :TELLING].max(axis=0)  # what any candidate reaches, be it the first or not
    return np.concatenate([features[0], leads, best, features[:3, :TELLING].mean(axis=0)]).astype(np.float32)


@lru_cache(maxsize=1)
def load_reader(file: Path = MODEL) -> Reader:
    """The reader in the repository."""
    with np.load(file) as saved:
        rank = {part: saved[f"rank.{part}"] for part in ("mean", "scale", "inner", "inner_bias", "outer")}
        linear = {part: saved[f"answerable.{part}"] for part in ("mean", "scale", "weights")}
        return Reader(
            Network(outer_bias=float(saved["rank.outer_bias"]), **rank),
            Linear(bias=float(saved["answerable.bias"]), **linear),
        )
