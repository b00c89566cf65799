"""What every endpoint survives: broken requests, hidden characters, wandering paths, wrong keys; and no key leaks."""

import json
import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from answerer.language_model import LanguageModel
from answerer.respond import Answerer
from server.app import create_app
from server.doctor import examine
from server.engine import Engine, load_answerer
from server.feedback import FeedbackFile
from server.protection import LARGEST_BODY
from server.settings import Settings
from tests.server.test_api import ELSEWHERE, HIDDEN, QUESTION, Send, sender
from tests.server.test_openai import said, with_model

LLM_KEY = "sk-sentinel-model-key-77aa"
OWN_KEY = "sentinel-own-key-33bb"
CHAT: dict[str, Any] = {"model": "yewen", "messages": [{"role": "user", "content": QUESTION}]}
OPINION: dict[str, Any] = {"question": "x", "answer": "x", "grounded": True, "rating": "up"}
POSTS = {"/api/answer": {"question": QUESTION}, "/v1/chat/completions": CHAT, "/api/feedback": OPINION}


@pytest.fixture(scope="module")
def engine(built_index: Path) -> Engine:
    return Engine(lambda: load_answerer(Settings(index=built_index)))


@pytest.fixture(scope="module")
def send(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Send:
    return sender(create_app(engine, feedback=FeedbackFile(tmp_path_factory.mktemp("kept") / "feedback.jsonl")))


def assert_refused(response: httpx.Response) -> None:
    assert 400 <= response.status_code < 500, response.text[:200]
    error = response.json()["error"]
    assert {"code", "message"} <= set(error)
    assert error["message"]


BROKEN = {
    "nothing": b"",
    "half": b"{",
    "null": b"null",
    "list": b"[]",
    "number": b"7",
    "not UTF-8": b'{"question": "\xff", "model": "\xfe"}',
    "surrogate": b'{"question": "\\ud800", "answer": "\\ud800", "model": "yewen", "messages": "\\ud800"}',
    "deep list": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep field": b'{"question": "x", "model": "yewen", "messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "over the limit": b" " * (LARGEST_BODY + 1),
}


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_broken_body_is_a_client_error_at_once(send: Send, path: str, body: bytes) -> None:
    took = []
    for _ in range(3):
        began = time.perf_counter()
        assert_refused(send("POST", path, content=body, headers={"content-type": "application/json"}))
        took.append(time.perf_counter() - began)
    assert min(took) < 0.1


@pytest.mark.parametrize("length", [1, 1000])
def test_a_question_of_any_allowed_length_is_answered_everywhere(send: Send, length: int) -> None:
    for path, body in POSTS.items():
        text = "車" * length
        asked = {"messages": [{"role": "user", "content": text}]} if "messages" in body else {"question": text}
        assert send("POST", path, json=body | asked).status_code in (200, 204)


@pytest.mark.parametrize("top_k", [0, -1, 51, 10**400, 1.5, "5", True, None, [1]], ids=lambda value: str(value)[:6])
def test_an_extreme_top_k_is_a_client_error(send: Send, top_k: object) -> None:
    for path in ("/api/answer", "/v1/chat/completions"):
        assert_refused(send("POST", path, json=POSTS[path] | {"top_k": top_k}))


@pytest.mark.parametrize("text", HIDDEN)
def test_hidden_characters_fail_nothing(send: Send, text: str) -> None:
    short = text[:200]
    bodies: list[dict[str, Any]] = [
        {"messages": [{"role": "user", "content": text}]},
        {"messages": [{"role": "system", "content": text}, {"role": "user", "content": QUESTION}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": text}]}]},
        {"messages": [{"role": "assistant", "content": text}, {"role": "user", "content": "那合肥呢?"}]},
        {"model": text},
        {"source": short, "industry": short},
        {"script": text},
        {"n": text},
        {text: text},
    ]
    for body in bodies:
        response = send("POST", "/v1/chat/completions", json=CHAT | body)
        assert response.status_code in (200, 400, 404), response.text[:300]
        response.json()
    for name in OPINION:
        assert send("POST", "/api/feedback", json=OPINION | {name: text}).status_code in (204, 422)


def test_hidden_characters_do_not_reach_the_prompt(built_index: Path) -> None:
    tags = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    hidden = f"\u200b\u202e{tags}\ufeff\x00"
    prompts: list[str] = []
    asked = sender(create_app(with_model(built_index, [said("x"), b"data: [DONE]\n\n"], prompts)))
    messages = [{"role": "user", "content": f"{hidden}先前的問題"}, {"role": "user", "content": f"{QUESTION}{hidden}"}]
    assert asked("POST", "/v1/chat/completions", json={"model": "yewen", "messages": messages}).status_code == 200
    assert len(prompts) == 2, "the question is made whole, then answered"
    for prompt in prompts:
        read = "".join(message["content"] for message in json.loads(prompt)["messages"])
        assert QUESTION in read
        assert not set(hidden) & set(read)


@pytest.mark.parametrize(
    "path",
    [
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "..%5c..%5cwin.ini",
        "%252e%252e%252fetc%252fpasswd",
        "....//....//etc/passwd",
        "../../../../etc/passwd",
        "%c0%ae%c0%ae%c0%afetc",
        "%00",
        "%ed%a0%80",
        "%ff",
        "a" * 5000,
    ],
)
@pytest.mark.parametrize("prefix", ["/v1/models/", "/v1/", "/docs/", "/mcp/", "/metrics/"])
def test_no_path_leads_out(send: Send, prefix: str, path: str) -> None:
    response = send("GET", httpx.URL("http://127.0.0.1").copy_with(raw_path=(prefix + path).encode()))
    assert response.status_code in (404, 422, 307), response.text[:200]
    assert "root:" not in response.text
    if response.status_code == 307:
        assert httpx.URL(response.headers["location"]).host == "127.0.0.1"


@pytest.mark.parametrize("path", ["/v1/models", "/v1/chat/completions", "/api/feedback", "/metrics", "/mcp", "/docs"])
def test_key_headers_and_origins_hold_for_every_endpoint(engine: Engine, path: str) -> None:
    app = create_app(engine, api_key=OWN_KEY)
    far, near = sender(app, ELSEWHERE), sender(app)
    method, more = ("POST", {"json": POSTS.get(path, {})}) if path in {*POSTS, "/mcp"} else ("GET", {})
    for header in (None, f"Bearer {OWN_KEY[:-1]}", f"Bearer {OWN_KEY}x", f"Basic {OWN_KEY}", "Bearer \xff"):
        headers = {} if header is None else {"authorization": header.encode("latin-1")}
        refused = far(method, path, headers=headers, **more)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert OWN_KEY not in refused.text
    through_a_proxy = near(method, path, headers={"x-forwarded-for": "127.0.0.1"}, **more)
    assert through_a_proxy.status_code == 401
    passed = far(method, path, headers={"authorization": f"Bearer {OWN_KEY}", "origin": "https://evil.test"}, **more)
    assert passed.status_code not in (401, 403)
    for response in (refused, passed):
        assert "script-src 'self';" in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert not [name for name in response.headers if name.startswith("access-control-")]


def test_the_rate_is_limited_on_every_endpoint(engine: Engine) -> None:
    for path in ("/v1/models", "/metrics", "/api/index", "/docs"):
        limited = sender(create_app(engine, rate_limit=1))
        assert limited("GET", path).status_code == 200
        refused = limited("GET", path)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0


# ---- no key leaks


def refuses(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError(f"no connection; sent {request.headers.get('authorization')}")


def echoes(status: int) -> httpx.MockTransport:
    """An endpoint that says in its error what key it was sent, as some do."""
    return httpx.MockTransport(
        lambda request: httpx.Response(
            status, stream=httpx.ByteStream(f"bad key {request.headers.get('authorization')}".encode())
        )
    )


FAULTS = {"refused": httpx.MockTransport(refuses)} | {
    str(status): echoes(status) for status in (200, 400, 401, 429, 500)
}


@pytest.mark.parametrize("transport", FAULTS.values(), ids=FAULTS)
def test_no_key_stands_in_a_log_a_metric_or_an_answer(
    built_index: Path, transport: httpx.MockTransport, caplog: pytest.LogCaptureFixture
) -> None:
    def load() -> Answerer:
        model = LanguageModel("http://model.test/v1", "m", LLM_KEY, transport=transport, backoff_s=0)
        return replace(load_answerer(Settings(index=built_index)), model=model)

    far = sender(create_app(Engine(load), api_key=OWN_KEY), ELSEWHERE)
    key = {"authorization": f"Bearer {OWN_KEY}"}
    told = []
    with caplog.at_level(logging.DEBUG):
        for stream in (False, True):
            told.append(far("POST", "/api/answer", json={"question": QUESTION, "stream": stream}, headers=key))
            told.append(far("POST", "/v1/chat/completions", json=CHAT | {"stream": stream}, headers=key))
        told.append(far("POST", "/api/answer", json={"question": OWN_KEY[::-1]}, headers=key))
        told.append(far("GET", "/metrics", headers=key))
        told.append(far("GET", "/openapi.json", headers=key))
    everything = caplog.text + "".join(response.text + str(response.headers) for response in told)
    assert [response.status_code for response in told[:5]] == [200] * 5
    for secret in (LLM_KEY, OWN_KEY):
        assert secret not in everything


@pytest.mark.parametrize("transport", FAULTS.values(), ids=FAULTS)
def test_the_doctor_tells_no_key(built_index: Path, transport: httpx.MockTransport) -> None:
    url = f"http://user:{OWN_KEY}@model.test/v1"
    settings = Settings(index=built_index, llm_base_url=url, llm_model="m", llm_api_key=LLM_KEY, api_key=OWN_KEY)
    told = str(list(examine(settings, transport)))
    assert "language model" in told
    assert LLM_KEY not in told
    assert OWN_KEY not in told
    assert LLM_KEY not in repr(settings)
