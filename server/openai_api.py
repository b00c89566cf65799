"""OpenAI's chat-completions protocol over the same answers, for clients and tools that speak it.

Such clients show text alone, so a list of the sources follows the answer behind a rule; what the markers point at comes
as fields of its own as well. Articles are not trusted to hold links, images or markup for the Markdown that these
clients make of the text.
"""

import json
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import uuid4

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response, StreamingResponse

from answerer.answer import Answer
from answerer.respond import Answerer, Delta, Done
from prompts import nearest_text, sources_text
from server import openai_schemas as schemas
from server.engine import Engine
from server.errors import NotFoundError, error_document
from server.metrics import Metrics
from server.openai_schemas import MODEL, RULE
from server.presentation import NO_BUFFER, citation_document

PATH = "/v1/chat/completions"

log = logging.getLogger("yewen")

_TOKEN = re.compile(r"[A-Za-z0-9]+|\S")
_MARKUP = re.compile(r"(?<=\])[(:]|<(?=[A-Za-z/!?]|$)")


def openai_router(engine: Engine, metrics: Metrics) -> APIRouter:
    """``/v1/models`` and ``/v1/chat/completions``."""
    router = APIRouter(prefix="/v1", tags=["OpenAI-compatible"])
    model = schemas.Model(id=MODEL, created=int(time.time()))

    @router.get("/models")
    def models() -> schemas.Models:
        """What can be asked: one model."""
        return schemas.Models(data=[model])

    @router.get("/models/{id}")
    def one_model(id: str) -> schemas.Model:
        """One model."""
        _known(id)
        return model

    @router.post(
        "/chat/completions",
        response_model=schemas.Completion,
        responses={200: {"content": {"text/event-stream": {"schema": _EVENT, "example": _STREAM}}}},
    )
    async def complete(request: schemas.ChatRequest) -> Response:
        """Answer the last message from the articles, or refuse; with ``stream`` in chunks."""
        _known(request.model)
        asked = request.to_request()
        answerer = engine.answerer
        head = {
            "id": f"chatcmpl-{uuid4().hex}",
            "created": int(time.time()),
            "model": MODEL,
            "system_fingerprint": answerer.retriever.snapshot.id,
        }
        if request.stream:
            chunks = _chunks(answerer, request, head, metrics)
            return StreamingResponse(chunks, media_type="text/event-stream", headers=NO_BUFFER)
        done = await answerer.answer(asked)
        metrics.answered(done)
        content = _plain(done.answer.text) + _listing(done.answer)
        message = {"role": "assistant", "content": content, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        usage = _usage(request, content)
        return JSONResponse(
            {**head, "object": "chat.completion", "choices": [choice], "usage": usage, **_grounding(done.answer)}
        )

    return router


_EVENT = {
    "type": "object",
    "properties": {"data": {"type": "string", "description": "A chunk as JSON, or `[DONE]`"}},
    "required": ["data"],
}
_STREAM = """data: {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "近250萬輛。"}}]}

data: [DONE]

"""


def _known(model: str) -> None:
    if model != MODEL:
        raise NotFoundError(f"there is no model {model[:40]!r} here; ask for {MODEL!r}", "model_not_found")


async def _chunks(
    answerer: Answerer, request: schemas.ChatRequest, head: dict[str, Any], metrics: Metrics
) -> AsyncIterator[str]:
    """The answer as it is made. What was sent cannot be taken back, so an answer that begins anew is an error."""
    wants_usage = bool(request.stream_options and request.stream_options.include_usage)

    def chunk(delta: dict[str, str], finish_reason: str | None = None, **more: object) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        usage = {"usage": None} if wants_usage else {}
        return _data({**head, "object": "chat.completion.chunk", "choices": [choice], **usage, **more})

    sent = content = ""
    try:
        yield chunk({"role": "assistant", "content": ""})
        async with aclosing(answerer.respond(request.to_request())) as events:
            async for event in events:
                if isinstance(event, Delta):
                    shown = _plain(event.text, sent[-1:])
                    sent, content = sent + event.text, content + shown
                    yield chunk({"content": shown})
                elif isinstance(event, Done):
                    metrics.answered(event)
                    if not event.answer.text.startswith(sent):
                        yield _failure("interrupted", "The language model broke off inside the answer; ask again.")
                        return
                    rest = _plain(event.answer.text[len(sent) :], sent[-1:]) + _listing(event.answer)
                    content += rest
                    yield chunk({"content": rest})
                    yield chunk({}, "stop", **_grounding(event.answer))
        if wants_usage:
            body = {**head, "object": "chat.completion.chunk", "choices": [], "usage": _usage(request, content)}
            yield _data(body)
        yield "data: [DONE]\n\n"
    except Exception:  # the response has begun: the client can only be told inside the stream
        log.exception("answering failed")
        yield _failure("internal", "Answering failed; try again.")


def _data(document: object) -> str:
    return f"data: {json.dumps(document, ensure_ascii=False)}\n\n"


def _failure(code: str, message: str) -> str:
    return _data(error_document(PATH, 500, code, message))


def _plain(text: str, before: str = "") -> str:
    """``text``, which follows ``before``, with what Markdown would make links, images or HTML of escaped."""
    bracket = "]" if before.endswith("]") else ""
    return _MARKUP.sub(r"\\\g<0>", bracket + text)[len(bracket) :]


def _listing(answer: Answer) -> str:
    """The sources of an answer, or the titles nearest to a refused question, behind a rule; "" if there are none."""
    if answer.citations:
        lines = [f"- [{c.marker}] 《{c.article.title}》（{c.article.source}）：「{c.quote}」" for c in answer.citations]
        return RULE + _plain(sources_text(answer.script, "\n".join(lines)))
    titles = dict.fromkeys(f"- 《{hit.article.title}》（{hit.article.source}）" for hit in answer.nearest)
    return RULE + _plain(nearest_text(answer.script, "\n".join(titles))) if titles else ""


def _grounding(answer: Answer) -> dict[str, object]:
    return {
        "citations": [citation_document(citation) for citation in answer.citations],
        "grounded": answer.grounded,
        "confidence": answer.confidence,
        "notes": list(answer.notes),
    }


def _usage(request: schemas.ChatRequest, content: str) -> dict[str, int]:
    read = sum(len(_TOKEN.findall(message.text)) for message in request.messages)
    written = len(_TOKEN.findall(content))
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
