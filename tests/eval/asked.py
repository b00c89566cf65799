"""A small article, questions about it and answers as the endpoint gives them, for the tests of this room."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx

from eval.questions import EvalQuestion, GoldSpan
from eval.records import Record, judge

BODY = "重慶產量近250萬輛。合肥產量124萬輛。"
FIRST, SECOND = (0, 11), (11, 21)


def question(answerable: bool = True, kind: str = "figure", id: str = "q", script: str = "zh-TW") -> EvalQuestion:
    gold = (GoldSpan("a", *FIRST),) if answerable else ()
    words = (("250萬輛", "2.5百萬輛"), ("重慶",)) if answerable else ()
    return EvalQuestion(id, "重慶?", kind if answerable else "near_miss", script, answerable, gold, words, ())


def hit(start: int, end: int, *spans: tuple[int, int]) -> dict[str, Any]:
    return {"passage_id": f"a:{start}-{end}", "article_id": "a", "start": start, "end": end, "spans": list(spans)}


def response(
    *spans: tuple[int, int],
    answer: str | None = None,
    quote: str | None = None,
    confidence: float = 0.5,
    script: str = "zh-TW",
) -> dict[str, Any]:
    citations = [
        {"marker": n, "article_id": "a", "start": s, "end": e, "quote": BODY[s:e] if quote is None else quote}
        for n, (s, e) in enumerate(spans, 1)
    ]
    text = "".join(f"{BODY[s:e]}[{n}]" for n, (s, e) in enumerate(spans, 1)) if answer is None else answer
    return {
        "answer": text,
        "grounded": bool(spans),
        "citations": citations,
        "confidence": confidence,
        "script": script,
        "generator": "extractive",
    }


def judged(
    asked: EvalQuestion, said: dict[str, Any], hits: Sequence[dict[str, Any]] = (), milliseconds: float = 1.0
) -> Record:
    return judge(asked, said, hits, {"a": BODY}, milliseconds)


class _Body(httpx.AsyncByteStream):
    """Bytes that have not been read yet, as those of a real connection."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


def completion(text: str) -> httpx.Response:
    """What a language model's endpoint answers."""
    document = {"choices": [{"index": 0, "message": {"content": text}, "finish_reason": "stop"}]}
    return httpx.Response(
        200, headers={"Content-Type": "application/json"}, stream=_Body(json.dumps(document).encode())
    )
