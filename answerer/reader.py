"""The reader: which sentence answers the question, and whether any does. Two small networks over sentence features.

Trained by ``answerer/train.py``; run here in numpy. The first network gives every candidate a rank score; the second
looks at the best candidate, and at how far it stands above the rest, for the probability that it really answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from answerer.asked import Asked
from answerer.features import Candidate, sentence_features
from answerer.sentences import word_vectors

REFUSE_BELOW = 0.30  # probability under which the articles are taken not to hold the answer; chosen in eval/LOG.md
TELLING = 30  # leading columns of the features: coverages, alone and together
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
class Reading:
    """Candidates best first, their rank scores (log-odds among themselves) and the answerability, 0 to 1."""

    candidates: tuple[Candidate, ...]
    scores: Floats
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """Both networks."""

    rank: Network
    answerable: Network

    def read(self, question: Asked, text: str, found: Sequence[Candidate]) -> Reading:
        """Rank the candidates for the question (``text`` is its original) and judge the best."""
        if not found or not question.words:
            return Reading(tuple(found), np.zeros(len(found), np.float32), 0.0)
        features = all_features(question, text, found)
        scores = self.rank(features)
        order = np.lexsort((np.arange(len(found)), -scores))
        logit = float(self.answerable(summary_features(features[order], scores[order])[None, :])[0])
        return Reading(tuple(found[i] for i in order), scores[order], 1 / (1 + float(np.exp(-logit))))


def all_features(question: Asked, text: str, found: Sequence[Candidate]) -> Floats:
    """The features of all candidates, with the cosine of question and sentence from the built-in encoder."""
    vectors = word_vectors().encoder.encode_documents([text, *(c.view.folded for c in found)])
    return sentence_features(question, found, vectors[1:] @ vectors[0])


def summary_features(features: Floats, scores: Floats) -> Floats:
    """What the second network sees, float32: the best row, its score and leads, the best and the mean of the list.

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
        return Reader(*(_network(saved, name) for name in ("rank", "answerable")))


def _network(saved: "np.lib.npyio.NpzFile", name: str) -> Network:
    parts = {part: saved[f"{name}.{part}"] for part in ("mean", "scale", "inner", "inner_bias", "outer")}
    return Network(outer_bias=float(saved[f"{name}.outer_bias"]), **parts)
