"""The tools as a client of the Model Context Protocol uses them, over HTTP and over standard input and output."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client, StdioServerParameters

from indexer.articles import Article
from server.app import create_app
from server.engine import Engine, load_answerer
from server.settings import Settings
from tests.server.test_api import ELSEWHERE, KEY, QUESTION, UNANSWERABLE, assert_error, sender

Use = Callable[[Callable[[Client], Awaitable[Any]]], Any]


@pytest.fixture(scope="module", params=["http", "stdio"])
def use(request: pytest.FixtureRequest, built_index: Path, plain_environment: dict[str, str]) -> Use:
    """Run a coroutine function with a client that is connected to the tools."""
    if request.param == "http":
        server: str | StdioServerParameters = request.getfixturevalue("live_server") + "/mcp"
    else:
        arguments = ["-m", "yewen", "mcp", "--index", str(built_index)]
        server = StdioServerParameters(command=sys.executable, args=arguments, env=plain_environment)

    def run(body: Callable[[Client], Awaitable[Any]]) -> Any:
        async def connected() -> Any:
            async with Client(server) as client:
                return await body(client)

        return asyncio.run(asyncio.wait_for(connected(), 60))

    return run


def test_the_three_tools_say_what_they_take_and_give(use: Use) -> None:
    async def body(client: Client) -> Any:
        return await client.list_tools()

    tools = {tool.name: tool for tool in use(body).tools}
    assert list(tools) == ["search", "answer", "read_article"]
    assert tools["search"].input_schema["required"] == ["query"]
    assert tools["answer"].input_schema["required"] == ["question"]
    assert tools["read_article"].input_schema["required"] == ["article_id"]
    assert all(tool.description and tool.output_schema for tool in tools.values())
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.values())


def test_search_answer_and_the_article_agree(use: Use, articles: list[Article]) -> None:
    async def body(client: Client) -> Any:
        found = (await client.call_tool("search", {"query": "重庆整车产量", "k": 2})).structured_content
        answer = (await client.call_tool("answer", {"question": QUESTION})).structured_content
        id = answer["citations"][0]["article_id"]
        return found, answer, (await client.call_tool("read_article", {"article_id": id})).structured_content

    found, answer, article = use(body)
    assert len(found["hits"]) == 2
    assert answer["grounded"]
    citation = answer["citations"][0]
    assert citation["quote"] == article["body"][citation["start"] : citation["end"]]
    assert article["body"] in [given.body for given in articles]


def test_what_is_wrong_is_told_to_the_model(use: Use) -> None:
    async def body(client: Client) -> Any:
        calls = [
            ("read_article", {"article_id": "../../etc/passwd"}),
            ("read_article", {"article_id": "x" * 101}),
            ("search", {"query": " "}),
            ("search", {"query": "x", "k": 51}),
            ("answer", {"question": "車" * 1001}),
            ("answer", {"question": "x", "script": "en"}),
            ("answer", {}),
        ]
        return [await client.call_tool(*call) for call in calls]

    for result in use(body):
        assert result.is_error
        assert "Traceback" not in result.content[0].text
        assert "root:" not in result.content[0].text


def test_odd_questions_are_answered_or_refused(use: Use) -> None:
    odd = ["重慶\x00產量", "\U000e0041", "\u202e產量\u2028", UNANSWERABLE]

    async def body(client: Client) -> Any:
        return [await client.call_tool("answer", {"question": question}) for question in odd]

    assert all(result.structured_content["answer"] for result in use(body))


# ---- who may call


PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost:8000"}, 200),
        ({"host": "[::1]:8000"}, 200),
        ({"host": "192.168.1.7"}, 200),
        ({"host": "localhost:8000", "origin": "http://localhost:8000"}, 200),
        ({"host": "evil.test:8000"}, 403),
        ({"host": "localhost.evil.test"}, 403),
        ({"host": "127.0.0.1.evil.test"}, 403),
        ({"host": "["}, 403),
        ({"host": ""}, 403),
        ({"origin": "https://evil.test"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "localhost:8000", "origin": "http://localhost:9000"}, 403),
    ],
    ids=str,
)
def test_a_page_of_another_site_cannot_call_the_tools(live_server: str, headers: dict[str, str], status: int) -> None:
    response = httpx.post(f"{live_server}/mcp", json=PING, headers=ACCEPT | headers, trust_env=False)
    if status == 200:
        assert response.status_code == 200, response.text
    elif headers.get("host") == "[":
        assert response.status_code in (400, 403)
    else:
        assert_error(response, status)


def test_with_the_key_any_name_will_do(built_index: Path) -> None:
    app = create_app(Engine(lambda: load_answerer(Settings(index=built_index))), api_key=KEY)
    for client in (("127.0.0.1", 1), ELSEWHERE):
        key = {"authorization": f"Bearer {KEY}"}
        passed = sender(app, client)("POST", "/mcp", json=PING, headers=ACCEPT | key | {"host": "yewen.example"})
        assert_error(passed, 503)  # past the guard; only a started server has the tools
    assert_error(sender(app, ELSEWHERE)("POST", "/mcp", json=PING, headers=ACCEPT), 401)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"[" * 100_000, b"null", b"\xff\xfe", b'{"jsonrpc":"2.0","id":1,"method":"nonsense"}'],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_call_is_a_client_error(live_server: str, body: bytes) -> None:
    response = httpx.post(f"{live_server}/mcp", content=body, headers=ACCEPT, trust_env=False)
    assert response.status_code < 500
    assert response.status_code >= 400 or "error" in response.json()


def test_a_call_over_the_limit_is_refused(live_server: str) -> None:
    response = httpx.post(f"{live_server}/mcp", content=b" " * (1 << 21), headers=ACCEPT, trust_env=False)
    assert_error(response, 413)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH"])
def test_without_sessions_there_is_nothing_to_listen_to_or_to_end(live_server: str, method: str) -> None:
    assert_error(httpx.request(method, f"{live_server}/mcp", headers=ACCEPT, trust_env=False, timeout=5), 405)
