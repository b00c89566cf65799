"""Answers and the citations they rest on."""

from dataclasses import dataclass

from indexer.articles import Article
from language.script import Script
from retriever.hits import Hit


@dataclass(frozen=True, slots=True)
class Citation:
    """``article.body[start:end]``, what marker ``[marker]`` of the answer points at; ``score`` is 0 to 1."""

    marker: int
    article: Article
    passage_id: str
    start: int
    end: int
    score: float

    @property
    def quote(self) -> str:
        """The cited words, exactly as the article has them."""
        return self.article.body[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its citations in order of marker, or a refusal (``grounded`` false, none) with what was nearest.

    ``confidence`` is the calibrated probability, 0 to 1, that the articles hold the answer; ``generator`` names what
    wrote the text; ``notes`` say in the answer's script what a reader should know about how it came about.
    """

    text: str
    grounded: bool
    confidence: float
    script: Script
    generator: str
    citations: tuple[Citation, ...]
    nearest: tuple[Hit, ...] = ()
    notes: tuple[str, ...] = ()
