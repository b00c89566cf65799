"""Passages: runs of whole sentences of one article, the unit that is searched."""

from collections.abc import Iterator
from dataclasses import dataclass

from indexer.articles import Article
from language.sentences import SentenceKind, Span, split_sentences

SIZE = 240  # characters a passage aims at; measured in eval/LOG.md
OVERLAP = 1  # sentences that a passage shares with the one before


@dataclass(frozen=True, slots=True)
class Passage:
    """``body[start:end]`` of an article, made of whole sentences.

    ``context`` (title and heading) is searched with the text but is no part of it.
    """

    id: str
    article_id: str
    start: int
    end: int
    context: str
    sentences: tuple[Span, ...]


def build_passages(article: Article, size: int = SIZE, overlap: int = OVERLAP) -> list[Passage]:
    """The passages of an article in order; a passage never crosses a heading and starts ``overlap`` sentences back."""
    passages: list[Passage] = []
    for heading, sentences in _sections(article):
        first = behind = 0  # ``behind``: the first sentence that no passage holds yet
        while behind < len(sentences):
            last = first
            while last + 1 < len(sentences) and sentences[last + 1].end - sentences[first].start <= size:
                last += 1
            if last >= behind:
                passages.append(_passage(article, heading, tuple(sentences[first : last + 1])))
                behind = last + 1
                first = max(behind - overlap, first + 1)
            else:  # the shared sentences leave no room for a new one
                first += 1
    return passages


def _sections(article: Article) -> Iterator[tuple[str, list[Span]]]:
    """Runs of sentences under one heading, the heading's own span first among them."""
    heading, sentences = "", list[Span]()
    for span in split_sentences(article.body):
        if span.kind is SentenceKind.HEADING:
            if sentences:
                yield heading, sentences
            heading, sentences = article.body[span.start : span.end], []
        sentences.append(span)
    if sentences:
        yield heading, sentences


def _passage(article: Article, heading: str, sentences: tuple[Span, ...]) -> Passage:
    start, end = sentences[0].start, sentences[-1].end
    context = f"{article.title}\n{heading}" if heading else article.title
    return Passage(f"{article.id}:{start}-{end}", article.id, start, end, context, sentences)
