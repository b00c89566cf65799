"""The shapes of requests and responses, as the OpenAPI page shows them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from answerer.conversation import Message
from answerer.respond import Request
from indexer.articles import Article
from language.script import Script
from retriever import HITS

LONGEST_QUESTION = 1000  # characters
LONGEST_TURN = 8000  # characters of one turn of the conversation
MOST_TURNS = 40
MOST_PASSAGES = 50

QuestionText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_QUESTION)]
Filter = Annotated[str, StringConstraints(max_length=200)]


class Turn(BaseModel):
    """One earlier turn of the conversation."""

    role: Literal["user", "assistant"]
    content: Annotated[str, StringConstraints(max_length=LONGEST_TURN)]


class AnswerRequest(BaseModel):
    """A question; everything but ``question`` may be left out."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"question": "重慶2025年整車產量是多少?"}]}
    )

    question: QuestionText
    history: Annotated[list[Turn], Field(max_length=MOST_TURNS)] = []
    script: Literal["auto"] | Script = "auto"
    top_k: Annotated[int, Field(ge=1, le=MOST_PASSAGES)] = HITS
    industry: Filter | None = None
    source: Filter | None = None
    stream: bool = False

    def to_request(self) -> Request:
        """The same for the answerer."""
        history = tuple(Message(turn.role, turn.content) for turn in self.history)
        script = None if self.script == "auto" else self.script
        return Request(self.question, history, script, self.top_k, self.industry, self.source)


class HitBody(BaseModel):
    """A passage found; ``start``, ``end`` and ``spans`` are offsets (code points) into the article's body."""

    passage_id: str
    article_id: str
    title: str
    source: str
    industry: str
    start: int
    end: int
    text: str
    score: float
    spans: list[tuple[int, int]]


class CitationBody(BaseModel):
    """What a marker points at: ``quote`` is the article's ``body[start:end]``, offsets in code points."""

    marker: int
    article_id: str
    title: str
    source: str
    industry: str
    passage_id: str
    start: int
    end: int
    quote: str
    score: float


class AnswerBody(BaseModel):
    """An answer with ``[1]`` markers, or a refusal (``grounded`` false) with the nearest passages."""

    answer: str
    grounded: bool
    confidence: Annotated[float, Field(ge=0, le=1)]
    script: Script
    generator: str
    citations: list[CitationBody]
    nearest: list[HitBody]
    notes: list[str]
    timings_ms: dict[str, float]
    index: str


class RetrievedBody(BaseModel):
    """First event of a stream: what was found."""

    hits: list[HitBody]


class DeltaBody(BaseModel):
    """A piece of the answer's text."""

    text: str


class SearchBody(BaseModel):
    """The passages found for ``q``, best first."""

    query: str
    hits: list[HitBody]
    index: str


class ArticleSummary(BaseModel):
    """An article in the list; ``chars`` is the length of its body in code points."""

    id: str
    title: str
    source: str
    industry: str
    chars: int

    @classmethod
    def of(cls, article: Article) -> "ArticleSummary":
        """From the indexer's article."""
        return cls(
            id=article.id,
            title=article.title,
            source=article.source,
            industry=article.industry,
            chars=len(article.body),
        )


class ArticlesBody(BaseModel):
    """All articles."""

    articles: list[ArticleSummary]


class ArticleBody(BaseModel):
    """One article, whole."""

    id: str
    title: str
    source: str
    industry: str
    body: str


class IndexBody(BaseModel):
    """What the live snapshot is."""

    id: str
    articles: int
    passages: int
    encoder: str
    dimension: int
    industries: list[str]


class ErrorDetail(BaseModel):
    """What was wrong and what to do."""

    code: str
    message: str


class ErrorBody(BaseModel):
    """Every error has this shape."""

    error: ErrorDetail
