"""Hits: the passages found for a question, with the words that matched."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from indexer.articles import Article
from indexer.passages import Passage
from language import lexicon
from language.folding import fold
from retriever.question import Question


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a question.

    ``score`` is what it is ordered by (higher is better, comparable within one search): the fused score of ``lexical``
    and ``dense``, to which reading adds, or a cross-encoder's.
    """

    passage: Passage
    article: Article
    score: float
    lexical: float
    dense: float
    question: Question

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """The places in the article's body that matched the question, in order, without overlap; found when asked."""
        return matched_spans(self.question, self.passage, self.article)


def matched_spans(question: Question, passage: Passage, article: Article) -> tuple[tuple[int, int], ...]:
    """Places in the article's body, within the passage, where terms of the question stand; merged, in order."""
    folded, mentions = _read_passage(article.body[passage.start : passage.end])
    concepts = {term.text[1:] for term in question.terms if term.text[0] == "#"}
    found = [(m.start, m.end) for m in mentions if m.concept in concepts]
    for text in {term.text.lstrip("/") for term in question.terms if term.text[0] != "#"}:
        if len(text) > 1 or not text.isascii():
            found += _places(text, folded)
    return merge_spans((passage.start + start, passage.start + end) for start, end in found)


@lru_cache(maxsize=8192)
def _read_passage(text: str) -> tuple[str, tuple[lexicon.Mention, ...]]:
    folded = fold(text)
    return folded, tuple(lexicon.mentions(folded))


def _places(text: str, folded: str) -> Iterator[tuple[int, int]]:
    """Where ``text`` stands in the folded passage; Latin words and numbers only whole."""
    at = folded.find(text)
    while at >= 0:
        end = at + len(text)
        around = folded[max(0, at - 1) : at] + folded[end : end + 1]
        if not text.isascii() or not any(c.isascii() and c.isalnum() for c in around):
            yield at, end
        at = folded.find(text, end)


def merge_spans(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Overlapping and touching spans joined, in order."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
