"""The shapes of OpenAI's chat-completions protocol, as far as it is spoken here; ``openai_api`` has the endpoints."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from answerer.conversation import Message
from answerer.respond import Request
from retriever import HITS
from server.errors import InvalidError
from server.schemas import (
    LONGEST_QUESTION,
    LONGEST_TURN,
    MOST_TURNS,
    AnswerScript,
    CitationBody,
    Filtered,
    TopK,
    Whole,
)

MODEL = "yewen"
RULE = "\n\n---\n"  # between an answer and its list of sources


class TextPart(BaseModel):
    """A part of a message; only text is read."""

    model_config = ConfigDict(strict=True)

    type: Literal["text"]
    text: Annotated[str, Field(examples=["重慶2025年整車產量是多少?"])]


class ChatMessage(BaseModel):
    """One turn. Only what users and assistants say is read."""

    model_config = ConfigDict(strict=True)

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[str | list[TextPart] | None, Field(examples=["重慶2025年整車產量是多少?"])] = None

    @property
    def text(self) -> str:
        """Its text, parts joined by line breaks."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(BaseModel):
    """What a stream holds beside the text."""

    model_config = ConfigDict(strict=True)

    include_usage: Annotated[bool | None, Field(description="End with a chunk that holds the usage")] = None


class ResponseFormat(BaseModel):
    """The form of the answer: text."""

    type: Literal["text"]


_TEXT = {"type": "string", "pattern": r"\S"}
_PART = {"type": "object", "properties": {"text": _TEXT}, "required": ["text"]}
_QUESTION = {  # what the list of messages must hold
    "type": "object",
    "properties": {"role": {"const": "user"}, "content": {"anyOf": [_TEXT, {"type": "array", "contains": _PART}]}},
    "required": ["role", "content"],
}


class ChatRequest(Filtered):
    """A conversation; the user's last message is the question. Sampling options are accepted and have no effect.

    System and developer messages have none either: an answer is made of the articles, whatever they say. ``script``,
    ``top_k``, ``industry``, ``source``, ``since`` and ``until`` are Yewen's own (``extra_body`` in OpenAI's client).
    """

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [
                {"model": MODEL, "messages": [{"role": "user", "content": "重慶2025年整車產量是多少?"}]},
                {
                    "model": MODEL,
                    "messages": [
                        {"role": "user", "content": "重庆2025年的整车产量是多少?"},
                        {"role": "assistant", "content": "近250万辆。[1]"},
                        {"role": "user", "content": "那合肥呢?"},
                    ],
                    "stream": True,
                    "stream_options": {"include_usage": True},
                },
            ]
        },
    )

    model: Annotated[str, Field(description="One that `/v1/models` lists", examples=[MODEL])]
    messages: Annotated[list[ChatMessage], Field(min_length=1, json_schema_extra={"contains": _QUESTION})]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[Literal[1] | None, Field(description="One answer"), Whole] = None
    response_format: ResponseFormat | None = None
    script: AnswerScript = "auto"
    top_k: TopK = HITS

    def to_request(self) -> Request:
        """The same for the answerer; of the earlier turns the last are taken, and of a long one its beginning.

        Raises:
            InvalidError: no user asks anything, or the question is longer than ``LONGEST_QUESTION`` characters.
        """
        turns = [
            Message("user" if turn.role == "user" else "assistant", turn.text.partition(RULE)[0].strip())
            for turn in self.messages
            if turn.role in {"user", "assistant"} and turn.text.strip()
        ]
        while turns and turns[-1].role != "user":
            turns.pop()
        if not turns:
            raise InvalidError("there is no message with role 'user' and a question in it", "messages")
        question = turns.pop().content
        if len(question) > LONGEST_QUESTION:
            raise InvalidError(
                f"the last question has {len(question)} characters; at most {LONGEST_QUESTION} are read", "messages"
            )
        history = tuple(Message(turn.role, turn.content[:LONGEST_TURN]) for turn in turns[-MOST_TURNS:])
        script = None if self.script == "auto" else self.script
        return Request(question, history, script, self.top_k, self.scope)


class Usage(BaseModel):
    """How much was read and written: a Chinese character counts one, a Latin word or a number one."""

    prompt_tokens: Annotated[int, Field(ge=0, examples=[13])]
    completion_tokens: Annotated[int, Field(ge=0, examples=[96])]
    total_tokens: Annotated[int, Field(ge=0, examples=[109])]


class Grounding(BaseModel):
    """Yewen's own fields beside the protocol's; in a stream they come with the chunk that ends the text."""

    citations: Annotated[list[CitationBody], Field(description="What the markers in the text point at")]
    grounded: Annotated[bool, Field(description="False: a refusal; then there are no citations")]
    confidence: Annotated[float, Field(ge=0, le=1)]
    notes: list[str]


class CompletionMessage(BaseModel):
    """The answer: its text with markers, a rule, and the list of its sources."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(BaseModel):
    """The one answer."""

    index: Literal[0] = 0
    message: CompletionMessage
    finish_reason: Literal["stop"] = "stop"
    logprobs: None = None


class Completion(Grounding):
    """A whole answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: Annotated[int, Field(description="Seconds since 1970")]
    model: str
    system_fingerprint: Annotated[str, Field(description="Which snapshot of the articles answered")]
    choices: Annotated[list[Choice], Field(min_length=1, max_length=1)]
    usage: Usage


class Model(BaseModel):
    """What answers."""

    id: str
    object: Literal["model"] = "model"
    created: Annotated[int, Field(description="Seconds since 1970")]
    owned_by: Literal["yewen"] = "yewen"


class Models(BaseModel):
    """All of them: one."""

    object: Literal["list"] = "list"
    data: list[Model]


class OpenAIErrorDetail(BaseModel):
    """What was wrong and what to do."""

    message: str
    type: Annotated[str, Field(examples=["invalid_request_error"])]
    param: Annotated[str | None, Field(description="The field that is wrong")]
    code: Annotated[str, Field(examples=["model_not_found"])]


class OpenAIErrorBody(BaseModel):
    """Every error below ``/v1`` has this shape."""

    error: OpenAIErrorDetail
