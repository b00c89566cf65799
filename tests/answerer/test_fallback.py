"""A whole answer over an endpoint that misbehaves: within the deadline, from the articles, with a note."""

import asyncio
import gzip
import time
from dataclasses import replace
from pathlib import Path

import pytest

from answerer.answer import Answer
from answerer.language_model import LanguageModel
from answerer.respond import Answerer, Request
from server.engine import load_answerer
from server.settings import Settings
from tests.answerer.upstream import Script, Upstream, drips, event, head, sends

QUESTION = "重庆2025年的整车产量是多少?"
DEADLINE_S = 1.0
FAULTS = {
    "hanging": (drips(b"", 60), "timeout"),
    "dripping": (drips(event("重慶"), 0.02, head()), "timeout"),
    "401": (sends(head(401)), "unauthorized"),
    "429": (sends(head(429, Retry_After="60")), "rate_limited"),
    "500": (sends(head(500)), "unavailable"),
    "503": (sends(head(503, Retry_After="0")), "unavailable"),
    "HTML": (sends(head(200, "text/html"), b"<html></html>"), "bad_response"),
    "bad JSON": (sends(head(), b"data: {\n\n"), "bad_response"),
    "truncated": (sends(head(), event("重慶")), "bad_response"),
    "gzip bomb": (sends(head(Content_Encoding="gzip"), gzip.compress(bytes(10_000_000))), "bad_response"),
    "a line without end": (sends(head(), b"data: " + b"x" * 300_000), "bad_response"),
}


@pytest.fixture(scope="module")
def answerer(built_index: Path) -> Answerer:
    answerer = load_answerer(Settings(index=built_index))
    asyncio.run(answerer.answer(Request(QUESTION)))  # reads dictionaries and sentences
    return answerer


async def answered(answerer: Answerer, url: str) -> Answer:
    model = LanguageModel(url, "m", deadline_s=DEADLINE_S, backoff_s=0.01)
    try:
        return (await replace(answerer, model=model).answer(Request(QUESTION))).answer
    finally:
        await model.aclose()


def assert_extractive(answer: Answer, code: str) -> None:
    assert (answer.generator, answer.grounded, answer.script) == ("extractive", True, "zh-CN")
    assert answer.notes == (f"语言模型没能作答（{code}），这里改以文章原句回答。",)
    assert "近250萬輛" in answer.citations[0].quote


@pytest.mark.parametrize(("script", "code"), FAULTS.values(), ids=FAULTS)
def test_a_fault_leaves_the_articles_own_answer(answerer: Answerer, script: Script, code: str) -> None:
    async def scenario() -> tuple[Answer, float]:
        async with Upstream(script) as upstream:
            began = time.monotonic()
            return await answered(answerer, upstream.url), time.monotonic() - began

    answer, took = asyncio.run(scenario())
    assert_extractive(answer, code)
    assert took < DEADLINE_S + 4  # the rest is retrieving and reading, beside whatever else the machine does


def test_where_nothing_listens_the_articles_answer(answerer: Answerer) -> None:
    async def scenario() -> Answer:
        async with Upstream(sends()) as upstream:
            url = upstream.url
        return await answered(answerer, url)

    assert_extractive(asyncio.run(scenario()), "unreachable")
