"""From a question to its hits: lexical and dense candidates, fused on their scores."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from indexer.articles import Article
from indexer.encoder import Encoder
from indexer.passages import Passage
from indexer.snapshot import Snapshot
from language.folding import fold
from language.interrogatives import without_asking
from retriever.hits import Hit
from retriever.question import Question
from retriever.rerank import DEPTH, CrossEncoderReranker
from retriever.scope import EVERYWHERE, Scope

CANDIDATES = 60  # taken from each of the two rankings
WORD_WEIGHT = 0.7  # of jieba words beside bigrams; see eval/LOG.md for these five
CONCEPT_WEIGHT = 2.0  # of a concept, which stands in for its bigrams and its word
ASKING_WEIGHT = 0.3  # of terms that hold an asking word
ARTICLE_WEIGHT = 0.5  # of the whole article's BM25 beside the passage's
DENSE_WEIGHT = 5.0  # of the cosine beside the sum of BM25 weights

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Retriever:
    """Searches one snapshot; ``encoder`` must be the one that the snapshot was built with.

    A weight of 0 takes its part out of the search.
    """

    snapshot: Snapshot
    encoder: Encoder
    reranker: CrossEncoderReranker | None = None
    lexical_weight: float = 1.0
    concept_weight: float = CONCEPT_WEIGHT
    article_weight: float = ARTICLE_WEIGHT
    dense_weight: float = DENSE_WEIGHT

    def retrieve(self, question: Question, k: int = 10, scope: Scope = EVERYWHERE) -> list[Hit]:
        """The ``k`` best passages of the articles in ``scope``, best first."""
        snapshot = self.snapshot
        weights = query_weights(question, self.concept_weight)
        lexical = snapshot.lexical.scores(weights)
        whole = snapshot.article_lexical.scores(weights)
        lexical = np.asarray(self.lexical_weight * (lexical + self.article_weight * whole[snapshot.owners]), np.float32)
        query = self.encoder.encode_queries([question.text])[0]
        allowed = self._allowed(scope)
        rows = self._candidates(lexical, query, allowed)
        if not len(rows):
            return []
        dense = np.maximum(snapshot.vectors.rows(rows) @ query, 0.0)
        fused = fuse(lexical[rows], dense, self.dense_weight)
        best = np.lexsort((rows, -fused))[: k if self.reranker is None else max(k, DEPTH)]
        hits = [
            self._hit(question, int(rows[i]), float(fused[i]), float(lexical[rows[i]]), float(dense[i])) for i in best
        ]
        return hits if self.reranker is None else self.reranker.rerank(question, hits)[:k]

    def passages_of(self, article: Article) -> list[Passage]:
        """All passages of an article of the snapshot, in order."""
        row = self.snapshot.article_rows[article.id]
        first, end = np.searchsorted(self.snapshot.owners, [row, row + 1])  # passages lie in the order of articles
        return list(self.snapshot.passages[first:end])

    def _allowed(self, scope: Scope) -> npt.NDArray[np.bool_] | None:
        if scope == EVERYWHERE:
            return None
        fits = [scope.holds(article) for article in self.snapshot.articles]
        return np.array(fits, bool)[self.snapshot.owners]

    def _candidates(
        self, lexical: Floats, query: Floats, allowed: npt.NDArray[np.bool_] | None
    ) -> npt.NDArray[np.int64]:
        """Rows of the best passages of both rankings, unordered."""
        if allowed is not None:
            lexical = np.where(allowed, lexical, -1.0).astype(np.float32)
        count = min(CANDIDATES, len(lexical))
        top = np.argpartition(-lexical, count - 1)[:count] if count else np.empty(0, np.int64)
        top = top[lexical[top] > 0]
        near = self.snapshot.vectors.search(query, CANDIDATES if allowed is None else len(lexical))
        if allowed is not None:
            near = near[allowed[near]][:CANDIDATES]
        return np.union1d(top, near)

    def _hit(self, question: Question, row: int, score: float, lexical: float, dense: float) -> Hit:
        passage = self.snapshot.passages[row]
        article = self.snapshot.articles[self.snapshot.owners[row]]
        return Hit(passage, article, score, lexical, dense, question)


def query_weights(question: Question, concept_weight: float = CONCEPT_WEIGHT) -> dict[str, float]:
    """Each distinct term of the question and its weight: by kind, and little for what only asks (多少, 什么时候).

    A concept stands for all its forms, so the terms inside one are left out: 川普 and 特朗普 weigh the same.
    """
    folded = fold(question.text)
    content = without_asking(folded)
    kinds = {"/": WORD_WEIGHT, "#": concept_weight}
    concepts = [term for term in question.terms if term.text[0] == "#" and concept_weight]
    weights: dict[str, float] = {}
    for term in question.terms:
        if term.text[0] != "#" and any(c.start <= term.start and term.end <= c.end for c in concepts):
            continue
        weight = kinds.get(term.text[0], 1.0)
        if content[term.start : term.end] != folded[term.start : term.end]:
            weight *= ASKING_WEIGHT
        weights[term.text] = max(weight, weights.get(term.text, 0.0))
    return weights


def fuse(lexical: Floats, dense: Floats, dense_weight: float = DENSE_WEIGHT) -> Floats:
    """One score from BM25 sums and cosines of the same candidates (float32 [n] each); higher is better.

    The sums are not normalised: they grow with the question, so the cosine decides where words say little and only
    tips the balance where they say much.
    """
    return np.asarray(lexical + dense_weight * dense, dtype=np.float32)
