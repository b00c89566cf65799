"""The reader: which sentence answers the question, which words in it, and whether any does.

Three trained parts (``answerer/train.py``), run here in numpy. A ranker over numbers (``features.py``) orders all
candidates; the reading network (``network.py``) reads the question with the best of them; a logistic regression over
what both say gives the probability that the best one really answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from answerer.asked import Asked, asked
from answerer.features import HEARD, Candidate, Matches, asks, in_their_words, sentence_features
from answerer.network import Network
from answerer.pieces import SENTENCE_PIECES, inputs, pieces, pieces_before
from answerer.sentences import read_sentence, word_vectors
from indexer.articles import Article
from language.sentences import Span
from retriever.hits import Hit

REFUSE_BELOW = 0.27  # probability under which the articles are taken not to hold the answer; chosen in eval/LOG.md
READ = 8  # candidates that the network reads
RANK_WEIGHT = 1.0  # of the ranker's score beside the network's; chosen in eval/LOG.md
PASSAGE_WEIGHT = 0.15  # of the passage's fused score beside the sentence's; chosen in eval/LOG.md
LEAST_HEARD = 0.3  # share of what the question is about that must stand somewhere in the passages
UNHEARD = 0.1  # the probability at most where it does not
FARTHEST = 4.0  # standard deviations: what lies farther from what was seen in training counts as no farther than this
MODEL = Path(__file__).parent / "model" / "reader.npz"

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Ranker:
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
class Seen:
    """The candidates that may answer, their numbers (float32 [candidates, columns]) and the question words' matches.

    ``text`` is the question in the candidates' words, ``question`` what it asks for.
    """

    text: str
    question: Asked
    candidates: tuple[Candidate, ...]
    features: Floats
    matches: Matches


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """The candidates read, best first, their scores (the passage's in them) and the answerability, 0 to 1."""

    candidates: tuple[Candidate, ...]
    scores: Floats
    probability: float


Beside = Sequence[tuple[str, float]]  # other questions and their weights

NOTHING = Reading((), np.zeros(0, np.float32), 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """The three trained parts."""

    ranker: Ranker
    network: Network
    answerable: Linear

    def read(self, text: str, found: Sequence[Candidate], beside: Beside = ()) -> Reading:
        """Read the candidates with the question and judge the best.

        ``beside``: other questions whose scores, times a weight, decide with it which sentence comes first; half of
        the answerability is then that of the question alone, half that of all.
        """
        seen = see(text, found)
        if not seen.candidates:
            return NOTHING
        views = [(seen, 1.0), *((see(other, found), weight) for other, weight in beside)]
        views = [view for view in views if view[0].candidates]  # those of one question are those of all
        ranks: Floats = np.stack([self.ranker(view.features) for view, _ in views])
        weights = np.array([weight for _, weight in views], np.float32)
        weights /= max(weights.sum(), 1)
        rows = np.lexsort((np.arange(len(seen.candidates)), -(weights @ ranks)))[:READ]
        chosen = [seen.candidates[row] for row in rows]
        read = [
            self.network.read(inputs(view.question, view.text, chosen, view.matches.of(rows), view.features[rows]))
            for view, _ in views
        ]
        scores: Floats = np.stack(read)
        ranks = ranks[:, rows]
        passages = np.array([candidate.hit.score for candidate in chosen], np.float32)
        together: tuple[Floats, Floats] = (weights @ scores, weights @ ranks)
        total = joined(*together) + PASSAGE_WEIGHT * passages
        order = np.lexsort((np.arange(len(rows)), -total))
        probability = (self._probability(scores[0], ranks[0]) + self._probability(*together)) / 2
        if seen.features[0, HEARD] < LEAST_HEARD:
            probability = min(probability, UNHEARD)
        return Reading(tuple(chosen[i] for i in order), total[order], probability)

    def _probability(self, scores: Floats, ranks: Floats) -> float:
        return 1 / (1 + float(np.exp(-self.answerable(summary(scores, ranks)))))

    def remember(self, places: Sequence[tuple[Article, Span]]) -> None:
        """Read sentences of articles now, not at the first question that needs them."""
        before, own = [], []
        for article, span in places:
            ids = pieces(read_sentence(article.body[span.start : span.end]).folded, SENTENCE_PIECES).ids
            if len(ids):
                before.append(pieces_before(article.body, span.start))
                own.append(ids)
        self.network.remember(before, own)


def see(text: str, found: Sequence[Candidate]) -> Seen:
    """The candidates that may answer a question, and what speaks for each.

    A sentence that itself asks is no answer, but speaks for its neighbours (中国汽车为何能风靡全球?…); so it takes
    part in the features and is then left out. A question without content words has no candidates.
    """
    text = in_their_words(text, found)
    question = asked(text)
    if not found or not question.words:
        nothing = np.zeros((0, 0), np.float32)
        return Seen(text, question, (), nothing, Matches(nothing, nothing, nothing, nothing))
    vector = word_vectors().encoder.encode_queries([text])[0]
    features, matches = sentence_features(question, found, np.stack([c.view.vector for c in found]) @ vector)
    kept = np.array([row for row, candidate in enumerate(found) if not asks(candidate)], np.int64)
    return Seen(text, question, tuple(found[row] for row in kept), features[kept], matches.of(kept))


def joined(scores: Floats, ranks: Floats) -> Floats:
    """The scores that order the candidates: the network's, steadied by the ranker's; float32 [candidates]."""
    return np.asarray(scores + RANK_WEIGHT * ranks, np.float32)


def rerank(hits: Sequence[Hit], reading: Reading) -> list[Hit]:
    """The hits, best first by what was read in them: a passage is as good as its best sentence.

    What reading adds to a hit's score is on the same scale, and nothing for the passage with the worst sentence and
    those of which none was read.
    """
    own = {
        (c.article.id, c.start): float(score) / PASSAGE_WEIGHT - c.hit.score
        for c, score in zip(reading.candidates, reading.scores, strict=True)
    }
    least = min(own.values(), default=0.0)
    scored = []
    for hit in hits:
        read = [own[key] for span in hit.passage.sentences if (key := (hit.article.id, span.start)) in own]
        scored.append(replace(hit, score=hit.score + max(read, default=least) - least))
    return sorted(scored, key=lambda hit: -hit.score)


def summary(scores: Floats, ranks: Floats) -> Floats:
    """What answerability is judged by, float32 [2]: the network's score of the best candidate, and the sum over all.

    ``scores`` are the network's, ``ranks`` the ranker's, of the candidates read; the sum is that of probabilities, as
    log-odds against "no answer". More numbers than these did not help (eval/LOG.md).
    """
    return np.array([scores[int(joined(scores, ranks).argmax())], np.logaddexp.reduce(scores)], np.float32)


@lru_cache(maxsize=1)
def load_reader(file: Path = MODEL) -> Reader:
    """The reader in the repository."""
    with np.load(file) as saved:
        parts = {name: saved[name] for name in saved.files}

    def part(name: str) -> dict[str, Any]:
        return {key.removeprefix(f"{name}."): array for key, array in parts.items() if key.startswith(f"{name}.")}

    ranker, answerable = part("ranker"), part("answerable")
    ranker["outer_bias"], answerable["bias"] = float(ranker["outer_bias"]), float(answerable["bias"])
    return Reader(Ranker(**ranker), Network(part("network")), Linear(**answerable))
