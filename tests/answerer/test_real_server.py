"""The client against a real server of the protocol: ``transformers serve`` with a model made on the spot."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from answerer.conversation import Message
from answerer.language_model import LanguageModel
from answerer.language_model_errors import LanguageModelRejectedError
from answerer.respond import Answerer, Delta, Done, Request
from server.engine import load_answerer
from server.settings import Settings
from tests.answerer.tiny_model import write_tiny_model
from tests.server.conftest import a_free_port

pytest.importorskip("accelerate", reason="'transformers serve' needs it")

PIECES = ("資料顯示，", "2025年重慶", "整車產量", "近250萬輛", "。[9]")  # [9] is wrong: the citation is found anew
ASKED = [Message("system", "規則"), Message("user", "重慶2025年整車產量是多少?")]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    write_tiny_model(folder, PIECES)
    return folder


@pytest.fixture(scope="module")
def url(model_folder: Path) -> Iterator[str]:
    """Its address, once it answers; importing torch takes it most of a minute on a busy machine."""
    port = a_free_port()
    log = model_folder / "serve.log"
    place = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model_folder), *place],
            env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
            stdout=output,
            stderr=output,
        )
    try:
        deadline = time.monotonic() + 240
        while not _answers(f"http://127.0.0.1:{port}/health"):
            assert server.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, "'transformers serve' was not ready within 240 s"
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(timeout=20)


def _answers(probe: str) -> bool:
    try:
        return httpx.get(probe, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


class NotStreaming(httpx.AsyncHTTPTransport):
    """Sends every request on as one that wants no stream, as some gateways do."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) | {"stream": False}
        plain = httpx.Request(request.method, request.url, json=body, extensions=request.extensions)
        return await super().handle_async_request(plain)


async def said(model: LanguageModel) -> list[str]:
    try:
        return [piece async for piece in model.stream(ASKED)]
    finally:
        await model.aclose()


def test_streams_piece_by_piece(url: str, model_folder: Path) -> None:
    assert asyncio.run(said(LanguageModel(url, str(model_folder)))) == list(PIECES)


def test_takes_the_whole_text_at_once(url: str, model_folder: Path) -> None:
    model = LanguageModel(url, str(model_folder), transport=NotStreaming())
    assert asyncio.run(said(model)) == ["".join(PIECES)]


def test_a_model_that_the_server_has_not_is_a_typed_error(url: str) -> None:
    with pytest.raises(LanguageModelRejectedError, match="YEWEN_LLM_MODEL"):
        asyncio.run(said(LanguageModel(url, "another/model")))


def test_an_answer_is_grounded_and_streams(url: str, model_folder: Path, built_index: Path) -> None:
    async def scenario(answerer: Answerer, model: LanguageModel) -> tuple[str, Done]:
        streamed = ""
        async with aclosing(replace(answerer, model=model).respond(Request(ASKED[1].content))) as events:
            async for event in events:
                if isinstance(event, Delta):
                    streamed += event.text
                elif isinstance(event, Done):
                    done = event
        await model.aclose()
        return streamed, done

    answerer = load_answerer(Settings(index=built_index))
    streamed, done = asyncio.run(scenario(answerer, LanguageModel(url, str(model_folder), deadline_s=120.0)))
    assert streamed == done.answer.text == "資料顯示，2025年重慶整車產量近250萬輛。[1]"
    assert (done.answer.generator, done.answer.grounded, done.answer.notes) == (str(model_folder), True, ())
    (citation,) = done.answer.citations
    assert citation.quote == "資料顯示:2025年,重慶以近250萬輛的整車產量,幾乎鎖定了“中國汽車第一城”的鐵王座。"
