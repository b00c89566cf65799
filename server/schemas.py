"""The shapes of requests and responses, as the OpenAPI page shows them."""

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import Path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from answerer.conversation import Message
from answerer.respond import Request
from indexer.articles import Article, is_day
from indexer.collect import LONGEST_BODY, LONGEST_NAME, LONGEST_TITLE, LONGEST_URL, Taken
from indexer.formats import Draft
from language.script import Script
from retriever import HITS, Scope

LONGEST_QUESTION = 1000  # characters
LONGEST_TURN = 8000  # characters of one turn of the conversation
MOST_TURNS = 40
MOST_PASSAGES = 50
MOST_FILES = 20  # sent at once
MOST_CITATIONS = 50  # kept with an opinion
LONGEST_ANSWER = 20_000  # characters kept with an opinion
LONGEST_REASON = 2000
LONGEST_QUOTE = 2000


def _whole(value: object) -> object:
    """JSON has no integers, only numbers: 10.0 is one that an integer is meant by."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = BeforeValidator(_whole)  # on integers of strict models

QuestionText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_QUESTION),
    Field(
        description="The question, in any Chinese script",
        examples=["重慶2025年整車產量是多少?"],
        json_schema_extra={"pattern": r"\S"},
    ),
]
Filter = Annotated[str, StringConstraints(max_length=200)]
Industry = Annotated[Filter | None, Field(description="Only articles of this industry", examples=["汽車產業"])]
Source = Annotated[Filter | None, Field(description="Only articles from this source", examples=["功夫財經"])]


def _is_day(text: str) -> str:
    if not is_day(text):
        raise PydanticCustomError("date", "write the date as 2025-09-30")
    return text


Day = Annotated[str, AfterValidator(_is_day), WithJsonSchema({"type": "string", "format": "date"})]
Since = Annotated[
    Day | None, Field(description="Only articles of this day or later; none without a date", examples=["2025-01-01"])
]
Until = Annotated[
    Day | None, Field(description="Only articles of this day or earlier; none without a date", examples=["2025-12-31"])
]
TopK = Annotated[int, Field(ge=1, le=MOST_PASSAGES, description="How many passages are read", examples=[10]), Whole]
AnswerScript = Annotated[
    Literal["auto"] | Script, Field(description="Script of the answer; `auto`: that of the question")
]

ArticleId = Annotated[str, Field(description="Stays when other articles come and go", examples=["ccb5f581e7f4"])]
ArticleIdInPath = Annotated[str, Path(description="As a citation or the list has it", examples=["ccb5f581e7f4"])]
Title = Annotated[str, Field(examples=["中國汽車第一城,變了!"])]
SourceName = Annotated[str, Field(description="Who published the article", examples=["功夫財經"])]
IndustryName = Annotated[str, Field(examples=["汽車產業"])]
Published = Annotated[str, Field(description="When it came out, or empty", examples=["2025-09-30"])]
Address = Annotated[str, Field(description="Where it came out (http or https), or empty")]
Start = Annotated[int, Field(ge=0, description="Offset into the article's body, in code points", examples=[113])]
End = Annotated[int, Field(ge=0, description="Offset behind the last code point", examples=[158])]
PassageId = Annotated[str, Field(examples=["ccb5f581e7f4:0-215"])]
Quote = Annotated[
    str,
    Field(
        description="Exactly `body[start:end]` of the article",
        examples=["資料顯示:2025年,重慶以近250萬輛的整車產量,幾乎鎖定了“中國汽車第一城”的鐵王座。"],
    ),
]
IndexId = Annotated[str, Field(description="Which snapshot of the articles answered", examples=["93bbfef2638d"])]
ScriptName = Annotated[Script, Field(description="Script of the answer", examples=["zh-TW"])]


class Turn(BaseModel):
    """One earlier turn of the conversation."""

    model_config = ConfigDict(strict=True)

    role: Annotated[Literal["user", "assistant"], Field(description="Who said it")]
    content: Annotated[
        str, StringConstraints(max_length=LONGEST_TURN), Field(description="What was said", examples=["那合肥呢?"])
    ]


class Filtered(BaseModel):
    """A request with filters, all of which may be left out."""

    industry: Industry = None
    source: Source = None
    since: Since = None
    until: Until = None

    @property
    def scope(self) -> Scope:
        """The same for the retriever."""
        return Scope(self.industry, self.source, self.since, self.until)


class AnswerRequest(Filtered):
    """A question; everything but ``question`` may be left out."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"question": "重慶2025年整車產量是多少?"},
                {"question": "欧盟为什么放宽禁售燃油车?", "script": "zh-TW", "industry": "汽車產業", "stream": True},
                {
                    "question": "那合肥呢?",
                    "history": [
                        {"role": "user", "content": "重慶2025年整車產量是多少?"},
                        {"role": "assistant", "content": "近250萬輛。[1]"},
                    ],
                },
            ]
        },
    )

    question: QuestionText
    history: Annotated[list[Turn], Field(max_length=MOST_TURNS, description="Earlier turns, oldest first")] = []
    script: AnswerScript = "auto"
    top_k: TopK = HITS
    stream: Annotated[bool, Field(description="Answer as server-sent events")] = False

    def to_request(self) -> Request:
        """The same for the answerer."""
        history = tuple(Message(turn.role, turn.content) for turn in self.history)
        script = None if self.script == "auto" else self.script
        return Request(self.question, history, script, self.top_k, self.scope)


class HitBody(BaseModel):
    """A passage found; ``start``, ``end`` and ``spans`` are offsets (code points) into the article's body."""

    passage_id: PassageId
    article_id: ArticleId
    title: Title
    source: SourceName
    industry: IndustryName
    start: Start
    end: End
    text: Annotated[str, Field(description="Exactly `body[start:end]` of the article")]
    score: Annotated[float, Field(description="Higher is nearer; comparable within one question", examples=[31.4])]
    spans: Annotated[list[tuple[int, int]], Field(description="What matched the question, in order, without overlap")]


class CitationBody(BaseModel):
    """What a marker points at: ``quote`` is the article's ``body[start:end]``, offsets in code points."""

    marker: Annotated[int, Field(ge=1, description="The number in the text's `[1]`", examples=[1])]
    article_id: ArticleId
    title: Title
    source: SourceName
    industry: IndustryName
    passage_id: PassageId
    start: Start
    end: End
    quote: Quote
    score: Annotated[float, Field(ge=0, le=1, description="How sure it is that the quote answers", examples=[0.662])]


class AnswerBody(BaseModel):
    """An answer with ``[1]`` markers, or a refusal (``grounded`` false) with the nearest passages."""

    answer: Annotated[
        str,
        Field(
            description="The text, with markers `[1]`",
            examples=["資料顯示:2025年,重慶以近250萬輛的整車產量,幾乎鎖定了“中國汽車第一城”的鐵王座。[1]"],
        ),
    ]
    grounded: Annotated[bool, Field(description="False: a refusal; then there are no citations")]
    confidence: Annotated[float, Field(ge=0, le=1, description="That the articles hold the answer", examples=[0.662])]
    script: ScriptName
    generator: Annotated[str, Field(description="`extractive`, or the name of the language model")]
    citations: Annotated[list[CitationBody], Field(description="In the order of their markers")]
    nearest: Annotated[list[HitBody], Field(description="The nearest passages, where the answer is a refusal")]
    notes: Annotated[list[str], Field(description="What a reader should know about how the answer came about")]
    timings_ms: Annotated[
        dict[str, float],
        Field(
            description="Wall-clock milliseconds of each stage",
            examples=[{"retrieve": 12.7, "answer": 1.1, "total": 13.9}],
        ),
    ]
    index: IndexId


class SearchBody(BaseModel):
    """The passages found for ``q``, best first."""

    query: Annotated[str, Field(description="What was searched for", examples=["英伟达芯片"])]
    hits: list[HitBody]
    index: IndexId


class ArticleSummary(BaseModel):
    """An article in the list; ``chars`` is the length of its body in code points."""

    id: ArticleId
    title: Title
    source: SourceName
    industry: IndustryName
    date: Published
    url: Address
    chars: Annotated[int, Field(ge=0, description="Length of the body in code points", examples=[2781])]

    @classmethod
    def of(cls, article: Article) -> "ArticleSummary":
        """From the indexer's article."""
        return cls(
            id=article.id,
            title=article.title,
            source=article.source,
            industry=article.industry,
            date=article.date,
            url=article.url,
            chars=len(article.body),
        )


class ArticlesBody(BaseModel):
    """All articles."""

    articles: list[ArticleSummary]


class ArticleBody(BaseModel):
    """One article, whole."""

    id: ArticleId
    title: Title
    source: SourceName
    industry: IndustryName
    date: Published
    url: Address
    body: Annotated[str, Field(description="The text exactly as it was given")]

    @classmethod
    def of(cls, article: Article) -> "ArticleBody":
        """From the indexer's article."""
        return cls(**asdict(article))


class ArticleRequest(BaseModel):
    """An article to add, ``title`` and ``text``, or a page or feed to fetch, its ``url`` without a ``text``.

    ``source``, ``industry`` and ``date`` are used for a page that does not tell them itself.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "anyOf": [{"required": ["title", "text", "source", "industry"]}, {"required": ["url"]}],
            "examples": [
                {
                    "title": "固態電池量產",
                    "text": "豐田計劃在2027年量產固態電池。",
                    "source": "乙網",
                    "industry": "汽車產業",
                    "date": "2025-09-30",
                },
                {"url": "https://news.example/battery.html", "industry": "汽車產業"},
            ],
        },
    )

    title: Annotated[str, StringConstraints(max_length=LONGEST_TITLE), Field(examples=["固態電池量產"])] = ""
    text: Annotated[
        str,
        StringConstraints(max_length=LONGEST_BODY),
        Field(description="The body, kept as given", examples=["豐田計劃在2027年量產固態電池。"]),
    ] = ""
    source: Annotated[SourceName, StringConstraints(max_length=LONGEST_NAME)] = ""
    industry: Annotated[IndustryName, StringConstraints(max_length=LONGEST_NAME)] = ""
    date: Annotated[Published, StringConstraints(max_length=40)] = ""
    url: Annotated[Address, StringConstraints(max_length=LONGEST_URL)] = ""

    @model_validator(mode="after")
    def _is_text_or_address(self) -> "ArticleRequest":
        if not self.url and not self.text.strip():
            raise PydanticCustomError("nothing", "send 'title' and 'text', or the 'url' of a page")
        if self.text.strip() and not self.title.strip():
            raise PydanticCustomError("untitled", "'title' is missing")
        return self

    def to_draft(self) -> Draft:
        """The same for the indexer; without a body it is to be fetched."""
        body = self.text if self.text.strip() else ""
        return Draft(" ".join(self.title.split()), body, self.source, self.industry, self.date, self.url.strip())

    def beside(self) -> Draft:
        """What is said of a page that does not tell it itself."""
        return Draft("", "", self.source, self.industry, self.date)


class FileBody(BaseModel):
    """How one file or address ended."""

    name: Annotated[str, Field(description="The file's name, the address, or the title", examples=["battery.pdf"])]
    state: Annotated[
        Literal["indexed", "skipped", "refused"],
        Field(description="`skipped`: its articles, or nearly the same ones, are there already"),
    ]
    reason: Annotated[str, Field(description="Why something of it, or all, is left out; else empty")]
    note: Annotated[str, Field(description="What looks damaged by conversion in those that are new; else empty")]
    articles: Annotated[list[ArticleSummary], Field(description="Those that are new")]


class AddedBody(BaseModel):
    """What became of what was sent."""

    files: list[FileBody]
    index: IndexId

    @classmethod
    def of(cls, taken: Taken) -> "AddedBody":
        """From the indexer's account; an index was made or found as it should be."""
        files = [
            FileBody(
                name=o.name,
                state=o.state,
                reason=o.reason,
                note=o.note,
                articles=[ArticleSummary.of(a) for a in o.articles],
            )
            for o in taken.outcomes
        ]
        return cls(files=files, index=taken.manifest.id if taken.manifest else "")


class IndexBody(BaseModel):
    """What the live snapshot is."""

    id: IndexId
    articles: Annotated[int, Field(ge=0, examples=[8])]
    passages: Annotated[int, Field(ge=0, examples=[151])]
    encoder: Annotated[str, Field(description="What made the vectors")]
    dimension: Annotated[int, Field(ge=1, description="Length of a vector", examples=[256])]
    industries: Annotated[list[str], Field(examples=[["汽車產業"]])]


class HealthBody(BaseModel):
    """The process is alive."""

    status: Literal["ok"] = "ok"


class ReadyBody(BaseModel):
    """Questions can be answered."""

    status: Literal["ready"] = "ready"
    index: IndexId


class FeedbackCitation(BaseModel):
    """What the answer cited."""

    model_config = ConfigDict(strict=True)

    article_id: Annotated[ArticleId, StringConstraints(max_length=100)]
    start: Annotated[Start, Field(le=1 << 31), Whole]
    end: Annotated[End, Field(le=1 << 31), Whole]
    quote: Annotated[Quote, StringConstraints(max_length=LONGEST_QUOTE)]


class FeedbackRequest(BaseModel):
    """An opinion on one answer."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "question": "重慶2025年整車產量是多少?",
                    "answer": "近250萬輛。[1]",
                    "grounded": True,
                    "citations": [{"article_id": "ccb5f581e7f4", "start": 113, "end": 117, "quote": "資料顯示"}],
                    "rating": "down",
                    "reason": "引文對,可是太短",
                    "index": "93bbfef2638d",
                }
            ]
        },
    )

    question: QuestionText
    answer: Annotated[str, StringConstraints(max_length=LONGEST_ANSWER), Field(description="The text that was shown")]
    grounded: Annotated[bool, Field(description="As the answer had it")]
    citations: Annotated[list[FeedbackCitation], Field(max_length=MOST_CITATIONS)] = []
    rating: Annotated[Literal["up", "down"], Field(description="Thumb up or down")]
    reason: Annotated[
        str, StringConstraints(max_length=LONGEST_REASON), Field(description="In the reader's own words")
    ] = ""
    index: Annotated[IndexId, StringConstraints(max_length=100)] = ""


class ErrorDetail(BaseModel):
    """What was wrong and what to do."""

    code: Annotated[str, Field(description="A word for programs", examples=["invalid"])]
    message: Annotated[str, Field(description="For people", examples=["question is missing"])]


class ErrorBody(BaseModel):
    """Every error has this shape."""

    error: ErrorDetail
