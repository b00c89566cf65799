import asyncio
import gzip
import json
import logging
import time
import traceback
from contextlib import aclosing

import pytest

from answerer.conversation import Message
from answerer.language_model import LanguageModel, LanguageModelError
from answerer.language_model_errors import LanguageModelTimeoutError
from tests.answerer.upstream import DONE, Script, Upstream, answers, drips, event, head, sends

KEY = "sk-sentinel-7f3a9c"
ASKED = [Message("system", "規則"), Message("user", "問題")]
HTML = head(200, "text/html; charset=utf-8") + b"<html>Sign in</html>"


async def ask(url: str, deadline_s: float = 5.0) -> list[str]:
    model = LanguageModel(url, "m", KEY, deadline_s=deadline_s, backoff_s=0.01)
    try:
        return [piece async for piece in model.stream(ASKED)]
    finally:
        await model.aclose()


async def ask_upstream(*scripts: Script, deadline_s: float = 5.0) -> tuple[list[str], Upstream]:
    async with Upstream(*scripts) as upstream:
        return await ask(upstream.url, deadline_s), upstream


async def fail_upstream(*scripts: Script, deadline_s: float = 5.0) -> tuple[LanguageModelError, int]:
    """The error, whose whole traceback must not hold the key, and how many requests came."""
    async with Upstream(*scripts) as upstream:
        with pytest.raises(LanguageModelError) as caught:
            await ask(upstream.url, deadline_s)
        assert KEY not in "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        return caught.value, len(upstream.requests)


def test_streams_the_pieces_in_order() -> None:
    pieces, _ = asyncio.run(ask_upstream(answers("比亞迪", "賣出", "250萬輛。[1]")))
    assert pieces == ["比亞迪", "賣出", "250萬輛。[1]"]


def test_sends_what_chat_completions_expects() -> None:
    _, upstream = asyncio.run(ask_upstream(answers("好")))
    (request,) = upstream.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["accept-encoding"] == "identity"
    assert request.body == {
        "model": "m",
        "messages": [{"role": "system", "content": "規則"}, {"role": "user", "content": "問題"}],
        "stream": True,
        "temperature": 0,
        "max_tokens": 2048,
    }


@pytest.mark.parametrize(
    ("body", "pieces"),
    [
        pytest.param(event("甲").replace(b"\n", b"\r\n") + DONE, ["甲"], id="crlf"),
        pytest.param(b": ping\n\nevent: message\nid: 1\nretry: 5\n" + event("甲") + DONE, ["甲"], id="other fields"),
        pytest.param(event("甲") + b'data: {"choices":[],"usage":{}}\n\n' + DONE, ["甲"], id="usage chunk"),
        pytest.param(event("甲", "stop"), ["甲"], id="finish reason without [DONE]"),
        pytest.param(event("甲") + b"data: [DONE]", ["甲"], id="[DONE] without line break"),
        pytest.param(event("甲") + DONE + event("乙"), ["甲"], id="nothing after the end"),
        pytest.param(event("甲\ud83d乙") + DONE, ["甲\ufffd乙"], id="lone surrogate"),
        pytest.param(event("長" * 10_000) + DONE, ["長" * 10_000], id="10,000-token line"),
        pytest.param(b'data: {"choices":[{"delta":null}]}\n\n' + event("甲") + DONE, ["甲"], id="null delta"),
    ],
)
def test_reads_what_servers_send(body: bytes, pieces: list[str]) -> None:
    assert asyncio.run(ask_upstream(sends(head(), body)))[0] == pieces


def test_joins_an_event_that_comes_in_two_reads() -> None:
    whole = event("比亞迪")
    pieces, _ = asyncio.run(ask_upstream(sends(head() + whole[:9], whole[9:] + DONE)))
    assert pieces == ["比亞迪"]


def test_takes_one_json_document_from_a_server_that_does_not_stream() -> None:
    document = json.dumps({"choices": [{"message": {"role": "assistant", "content": "甲。[1]"}}]}).encode()
    pieces, _ = asyncio.run(ask_upstream(sends(head(200, "application/json"), document)))
    assert pieces == ["甲。[1]"]


@pytest.mark.parametrize(
    ("script", "code", "requests"),
    [
        pytest.param(sends(head(401)), "unauthorized", 1, id="401"),
        pytest.param(sends(head(403)), "unauthorized", 1, id="403"),
        pytest.param(sends(head(404)), "rejected", 1, id="404"),
        pytest.param(sends(head(400)), "rejected", 2, id="400, also without options"),
        pytest.param(sends(head(429, Retry_After="0")), "rate_limited", 3, id="429 again and again"),
        pytest.param(sends(head(429, Retry_After="60")), "rate_limited", 1, id="429 beyond the deadline"),
        pytest.param(sends(head(503, Retry_After="Fri, 01 Jan 2100 00:00:00 GMT")), "unavailable", 1, id="503 in 2100"),
        pytest.param(sends(head(500)), "unavailable", 3, id="500"),
        pytest.param(sends(head(503, Retry_After="soon")), "unavailable", 3, id="503 with an odd Retry-After"),
        pytest.param(sends(head(504)), "unavailable", 1, id="504"),
        pytest.param(sends(head(302, Location="http://127.0.0.1:1/")), "bad_response", 1, id="redirect"),
        pytest.param(sends(), "unreachable", 3, id="closes without a response"),
        pytest.param(sends(HTML), "bad_response", 1, id="HTML with 200"),
        pytest.param(sends(head(), b"<html></html>\n"), "bad_response", 1, id="HTML as a stream"),
        pytest.param(sends(head(), b"data: {not json\n\n"), "bad_response", 1, id="bad JSON in a stream"),
        pytest.param(sends(head(), b"data: " + b"[" * 50_000 + b"\n"), "bad_response", 1, id="deep JSON"),
        pytest.param(sends(head(200, "application/json"), b'{"choi'), "bad_response", 1, id="bad JSON"),
        pytest.param(sends(head(200, "application/json"), b'{"ok":true}'), "bad_response", 1, id="other JSON"),
        pytest.param(sends(head(), b'data: {"error":{"message":"no"}}\n\n'), "bad_response", 1, id="error in a stream"),
        pytest.param(sends(head(), event("甲")), "bad_response", 1, id="truncated stream"),
        pytest.param(sends(head(Content_Length="999"), event("甲")), "bad_response", 1, id="truncated body"),
        pytest.param(sends(head(), b"data: " + b"x" * 300_000), "bad_response", 1, id="a line without end"),
        pytest.param(sends(head(), b": no\n" * 1_800_000), "bad_response", 1, id="a body without end"),
        pytest.param(sends(head(), DONE), "bad_response", 1, id="no text"),
        pytest.param(sends(head()), "bad_response", 1, id="no body"),
        pytest.param(sends(head(200, "application/json")), "bad_response", 1, id="no JSON body"),
        pytest.param(sends(head(Transfer_Encoding="chunked"), b"zz\r\n"), "bad_response", 1, id="broken chunk"),
        pytest.param(sends(head(Content_Length="-5"), event("甲")), "unreachable", 3, id="negative length"),
        pytest.param(sends(b"HTTP/1.1 999 X\r\n\r\n"), "unavailable", 1, id="status 999"),
        pytest.param(sends(b"SSH-2.0-OpenSSH_9.6\r\n"), "unreachable", 3, id="another protocol"),
        pytest.param(sends(head(X=("x" * 200_000))), "unreachable", 3, id="a header without end"),
        pytest.param(
            sends(head(), b'data: {"choices":[{"delta":{"content":' + b"9" * 5000 + b"}}]}\n\n"),
            "bad_response",
            1,
            id="a number without end",
        ),
        pytest.param(
            sends(head(), b'data: {"choices":[{"delta":{"content":["x"]}}]}\n\n', DONE),
            "bad_response",
            1,
            id="content that is no text",
        ),
        pytest.param(sends(head(), b"\xff\xfe\x00\n"), "bad_response", 1, id="no UTF-8"),
        pytest.param(
            sends(head(Content_Encoding="gzip"), gzip.compress(bytes(50_000_000))), "bad_response", 1, id="gzip bomb"
        ),
    ],
)
def test_a_misbehaving_upstream_is_a_typed_error(
    script: Script, code: str, requests: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    error, came = asyncio.run(fail_upstream(script))
    assert (error.code, came) == (code, requests)
    assert KEY not in caplog.text


def test_a_refused_connection_is_unreachable() -> None:
    async def scenario() -> LanguageModelError:
        async with Upstream(answers("甲")) as upstream:
            url = upstream.url
        with pytest.raises(LanguageModelError) as caught:
            await ask(url)
        return caught.value

    error = asyncio.run(scenario())
    assert error.code == "unreachable"
    assert "ConnectError" in str(error)
    assert KEY not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(drips(b"", 60), id="hanging before the response"),
        pytest.param(drips(b"", 60, head()), id="hanging after the head"),
        pytest.param(drips(b": \n", 0.02, head() + event("甲")), id="dripping comments"),
        pytest.param(drips(b"d", 0.02, head()), id="dripping bytes"),
        pytest.param(drips(event("甲"), 0.02, head()), id="dripping text"),
        pytest.param(drips(b" ", 0.02, head(200, "application/json")), id="dripping JSON"),
        pytest.param(drips(b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.02), id="early hints without end"),
        pytest.param(drips(b"X", 0.02, b"HTTP/1.1 200 OK\r\n"), id="dripping head"),
    ],
)
def test_nothing_outlasts_the_deadline(script: Script) -> None:
    started = time.monotonic()
    error, came = asyncio.run(fail_upstream(script, deadline_s=0.3))
    assert (error.code, came) == ("timeout", 1)
    assert 0.3 <= time.monotonic() - started < 3.0  # what is beyond the deadline is the machine, busy with other work


def test_waits_as_long_as_retry_after_says() -> None:
    started = time.monotonic()
    pieces, upstream = asyncio.run(ask_upstream(sends(head(429, Retry_After="1")), answers("甲")))
    assert (pieces, len(upstream.requests)) == (["甲"], 2)
    assert 1.0 <= time.monotonic() - started < 2.0


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_two_failures_are_survived(status: int) -> None:
    failing = sends(head(status))
    pieces, upstream = asyncio.run(ask_upstream(failing, failing, answers("甲")))
    assert (pieces, len(upstream.requests)) == (["甲"], 3)


def test_options_that_a_model_does_not_take_are_left_out() -> None:
    pieces, upstream = asyncio.run(ask_upstream(sends(head(400)), answers("甲")))
    assert pieces == ["甲"]
    assert set(upstream.requests[1].body) == {"model", "messages", "stream"}


def test_what_came_before_the_stream_broke_was_yielded() -> None:
    async def scenario() -> list[str]:
        async with Upstream(sends(head(), event("甲"), event("乙"))) as upstream:
            model, pieces = LanguageModel(upstream.url, "m"), []
            with pytest.raises(LanguageModelError):
                async for piece in model.stream(ASKED):
                    pieces.append(piece)
            await model.aclose()
            return [*pieces, str(len(upstream.requests))]

    assert asyncio.run(scenario()) == ["甲", "乙", "1"]


@pytest.mark.parametrize("how", ["closed", "cancelled"])
def test_a_reader_who_leaves_closes_the_upstream(how: str) -> None:
    async def read(model: LanguageModel, came: asyncio.Event) -> None:
        async with aclosing(model.stream(ASKED)) as pieces:
            async for _ in pieces:
                came.set()
                if how == "closed":
                    return

    async def scenario() -> float:
        async with Upstream(drips(b": \n", 60, head() + event("甲"))) as upstream:
            model, came = LanguageModel(upstream.url, "m"), asyncio.Event()
            before = asyncio.all_tasks()
            reading = asyncio.create_task(read(model, came))
            await came.wait()
            left = time.monotonic()
            if how == "cancelled":
                reading.cancel()
            await asyncio.wait_for(upstream.client_left.wait(), 5)
            took = time.monotonic() - left
            await asyncio.wait([reading])
            await asyncio.sleep(0.05)  # for the generators inside httpx, which the loop closes a turn later
            leaked = [task for task in asyncio.all_tasks() - before if "_serve" not in repr(task)]
            assert leaked == []
            await model.aclose()
            return took

    assert asyncio.run(scenario()) < 1.0


def test_two_hundred_readers_who_leave_leave_nothing_open() -> None:
    async def scenario() -> int:
        async with Upstream(drips(b": \n", 60, head() + event("甲"))) as upstream:
            model = LanguageModel(upstream.url, "m")
            for _ in range(200):
                pieces = model.stream(ASKED)
                assert await anext(pieces) == "甲"
                await pieces.aclose()
            async with asyncio.timeout(1):
                while upstream.clients_left < 200:
                    await asyncio.sleep(0.01)
            await model.aclose()
        await asyncio.sleep(0.05)
        return len(asyncio.all_tasks())

    assert asyncio.run(scenario()) == 1


def test_no_task_is_left_after_a_timeout() -> None:
    async def scenario() -> set[str]:
        async with Upstream(drips(b"d", 0.02, head())) as upstream:
            with pytest.raises(LanguageModelTimeoutError):
                await ask(upstream.url, deadline_s=0.1)
            await asyncio.wait_for(upstream.client_left.wait(), 1)
        return {repr(task) for task in asyncio.all_tasks() - {asyncio.current_task()}}

    assert asyncio.run(scenario()) == set()


def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert asyncio.run(ask_upstream(answers("甲")))[0] == ["甲"]


def test_no_key_no_header() -> None:
    async def scenario() -> dict[str, str]:
        async with Upstream(answers("甲")) as upstream:
            model = LanguageModel(upstream.url, "m")
            assert [piece async for piece in model.stream(ASKED)] == ["甲"]
            await model.aclose()
            return upstream.requests[0].headers

    assert "authorization" not in asyncio.run(scenario())


@pytest.mark.parametrize(
    "key", [f"{KEY}\n", f"{KEY} x", f"{KEY}密", f"{KEY}\x00"], ids=["break", "space", "han", "nul"]
)
def test_a_key_that_no_header_can_carry_is_refused_unseen(key: str) -> None:
    with pytest.raises(ValueError, match="copy it again") as caught:
        LanguageModel("http://127.0.0.1/v1", "m", key)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:11434/v1",
        "ftp://host/v1",
        "http://",
        "http://[::1/v1",
        "file:///etc",
        f"http://user:{KEY}@host/v1",
        f"http://host/v1?key={KEY}",
    ],
)
def test_an_address_that_is_none_or_holds_a_secret_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must be an http") as caught:
        LanguageModel(url, "m")
    assert KEY not in str(caught.value)
