"""Hits: the passages found for a question, with the words that matched."""

from dataclasses import dataclass

from indexer.articles import Article
from indexer.passages import Passage


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a question.

    ``score`` is the fused score (higher is better, comparable within one question), ``lexical`` and ``dense`` its
    parts; ``spans`` are the places in the article's body that matched the question, in order, without overlap.
    """

    passage: Passage
    article: Article
    score: float
    lexical: float
    dense: float
    spans: tuple[tuple[int, int], ...]
