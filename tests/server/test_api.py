"""The HTTP contract, over the real application and the real index of the seed articles."""

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from indexer.articles import Article
from indexer.snapshot import Snapshot
from server.app import create_app
from server.engine import Engine, load_answerer
from server.protection import LARGEST_BODY, Protection
from server.settings import Settings

QUESTION = "重慶2025年整車產量是多少?"
UNANSWERABLE = "台積電2024年的營收是多少?"
ELSEWHERE = ("203.0.113.9", 40000)

Send = Callable[..., httpx.Response]


@pytest.fixture(scope="session")
def engine(built_index: Path) -> Engine:
    return Engine(lambda: load_answerer(Settings(index=built_index)))


def sender(app: FastAPI | Protection, client: tuple[str, int] = ("127.0.0.1", 40000)) -> Send:
    """Send one request to the application; what it fails to handle comes back as its own 500, not as an exception."""

    def send(method: str, path: str, **more: Any) -> httpx.Response:
        async def request() -> httpx.Response:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=client)
            async with httpx.AsyncClient(transport=transport, base_url="http://yewen.test", timeout=60) as session:
                return await session.request(method, path, **more)

        return asyncio.run(request())

    return send


@pytest.fixture(scope="session")
def send(engine: Engine) -> Send:
    return sender(create_app(engine))


@pytest.fixture(scope="session")
def without_index(tmp_path_factory: pytest.TempPathFactory) -> Send:
    missing = tmp_path_factory.mktemp("missing")
    return sender(create_app(Engine(lambda: load_answerer(Settings(index=missing)))))


def assert_error(response: httpx.Response, *statuses: int) -> dict[str, str]:
    """The one error shape, with one of those statuses; returns code and message."""
    assert response.status_code in statuses, response.text[:300]
    assert response.headers["content-type"] == "application/json"
    document = response.json()
    assert list(document) == ["error"]
    assert list(document["error"]) == ["code", "message"]
    assert re.fullmatch("[a-z_]+", document["error"]["code"])
    assert document["error"]["message"].strip()
    return document["error"]


CITATION = {
    "marker": int,
    "article_id": str,
    "title": str,
    "source": str,
    "industry": str,
    "passage_id": str,
    "start": int,
    "end": int,
    "quote": str,
    "score": float,
}
HIT = {
    "passage_id": str,
    "article_id": str,
    "title": str,
    "source": str,
    "industry": str,
    "start": int,
    "end": int,
    "text": str,
    "score": float,
    "spans": list,
}
ANSWER = {
    "answer": str,
    "grounded": bool,
    "confidence": float,
    "script": str,
    "generator": str,
    "citations": list,
    "nearest": list,
    "notes": list,
    "timings_ms": dict,
    "index": str,
}


def assert_shape(document: dict[str, Any], shape: dict[str, type]) -> None:
    assert {name: type(value) for name, value in document.items()} == shape


def assert_hit(hit: dict[str, Any], bodies: dict[str, str]) -> None:
    assert_shape(hit, HIT)
    assert hit["text"] == bodies[hit["article_id"]][hit["start"] : hit["end"]] != ""
    assert hit["passage_id"] == f"{hit['article_id']}:{hit['start']}-{hit['end']}"
    at = hit["start"]
    for start, end in hit["spans"]:
        assert at <= start < end <= hit["end"]
        at = end


def assert_answer(document: dict[str, Any], bodies: dict[str, str], index: str) -> None:
    assert_shape(document, ANSWER)
    assert document["script"] in {"zh-TW", "zh-CN", "zh-HK"}
    assert 0 <= document["confidence"] <= 1
    assert document["index"] == index
    assert document["answer"].strip()
    assert all(type(value) is float and value >= 0 for value in document["timings_ms"].values())
    assert "total" in document["timings_ms"]
    assert all(type(note) is str for note in document["notes"])
    for citation in document["citations"]:
        assert_shape(citation, CITATION)
        assert citation["quote"] == bodies[citation["article_id"]][citation["start"] : citation["end"]] != ""
        start, end = map(int, citation["passage_id"].split(":")[1].split("-"))
        assert start <= citation["start"] < citation["end"] <= end
        assert 0 <= citation["score"] <= 1
    for hit in document["nearest"]:
        assert_hit(hit, bodies)
    markers = [int(marker) for marker in re.findall(r"\[(\d+)\]", document["answer"])]
    cited = [citation["marker"] for citation in document["citations"]]
    assert cited == list(range(1, len(cited) + 1))
    assert document["grounded"] == bool(cited)
    assert set(markers) == set(cited)


@pytest.fixture(scope="session")
def bodies(articles: list[Article]) -> dict[str, str]:
    return {article.id: article.body for article in articles}


# ---- answers


@pytest.mark.parametrize(
    "question",
    [
        QUESTION,
        "重庆2025年的整车产量是多少?",
        "聞泰科技向荷蘭政府索賠多少?",
        "歐盟為什麼放寬禁售燃油車?",
        "英偉達嘅演講講咗咩?",
        "总结一下人形机器人的挑战",
        "合肥和重慶哪個產量高?",
        "Tesla Optimus 何時量產?",
        UNANSWERABLE,
        "今天天氣如何?",
        "a",
        "???",
    ],
)
def test_an_answer_has_the_shape_of_the_contract_and_quotes_verbatim(
    send: Send, bodies: dict[str, str], snapshot: Snapshot, question: str
) -> None:
    response = send("POST", "/api/answer", json={"question": question})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert_answer(response.json(), bodies, snapshot.id)


def test_an_answer_cites_the_sentence_that_holds_it(send: Send) -> None:
    answer = send("POST", "/api/answer", json={"question": QUESTION}).json()
    assert answer["grounded"]
    assert answer["generator"] == "extractive"
    assert "250萬輛" in answer["citations"][0]["quote"]
    assert answer["citations"][0]["title"] == "中國汽車第一城,變了!"


def test_what_the_articles_do_not_hold_is_refused_with_the_nearest_passages(send: Send) -> None:
    answer = send("POST", "/api/answer", json={"question": UNANSWERABLE}).json()
    assert not answer["grounded"]
    assert answer["citations"] == []
    assert answer["nearest"]


@pytest.mark.parametrize(
    ("question", "script", "expected"),
    [
        ("重庆2025年的整车产量是多少?", "auto", "zh-CN"),
        (QUESTION, "auto", "zh-TW"),
        (QUESTION, "zh-CN", "zh-CN"),
        (QUESTION, "zh-HK", "zh-HK"),
        ("重庆2025年的整车产量是多少?", "zh-TW", "zh-TW"),
    ],
)
def test_the_answer_is_in_the_script_asked_for_and_the_quote_in_its_own(
    send: Send, question: str, script: str, expected: str
) -> None:
    answer = send("POST", "/api/answer", json={"question": question, "script": script}).json()
    assert answer["script"] == expected
    assert ("万辆" if expected == "zh-CN" else "萬輛") in answer["answer"]
    assert "萬輛" in answer["citations"][0]["quote"]


def test_a_question_that_follows_another_is_understood_with_it(send: Send) -> None:
    history = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": "近250萬輛。[1]"}]
    answer = send("POST", "/api/answer", json={"question": "那合肥呢?", "history": history}).json()
    assert any("合肥" in citation["quote"] for citation in answer["citations"])


def test_filters_limit_what_is_cited(send: Send) -> None:
    asked = {"question": QUESTION, "industry": "汽車產業", "source": "跬步書"}
    answer = send("POST", "/api/answer", json=asked).json()
    assert {row["source"] for row in answer["citations"] + answer["nearest"]} <= {"跬步書"}
    nothing = send("POST", "/api/answer", json={"question": QUESTION, "industry": "沒有這一業"}).json()
    assert (nothing["grounded"], nothing["citations"], nothing["nearest"]) == (False, [], [])


def test_the_same_question_gets_the_same_answer(send: Send) -> None:
    first, second = (send("POST", "/api/answer", json={"question": QUESTION}).json() for _ in range(2))
    first.pop("timings_ms"), second.pop("timings_ms")
    assert first == second


def events(response: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    """The server-sent events; anything that is not exactly `event:` and one `data:` line of JSON fails."""
    assert response.text.endswith("\n\n")
    found = []
    for block in response.text.removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        assert name.startswith("event: ")
        assert data.startswith("data: ")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


@pytest.mark.parametrize("question", [QUESTION, UNANSWERABLE, "歐盟為什麼放寬禁售燃油車?"])
def test_a_stream_is_retrieved_then_deltas_then_the_whole_answer(
    send: Send, bodies: dict[str, str], snapshot: Snapshot, question: str
) -> None:
    response = send("POST", "/api/answer", json={"question": question, "stream": True})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    found = events(response)
    names = [name for name, _ in found]
    assert names == ["retrieved", *["delta"] * (len(names) - 2), "answer"]
    assert len(names) > 2
    for hit in found[0][1]["hits"]:
        assert_hit(hit, bodies)
    assert all(list(data) == ["text"] and data["text"] for _, data in found[1:-1])
    assert_answer(found[-1][1], bodies, snapshot.id)
    assert "".join(data["text"] for _, data in found[1:-1]) == found[-1][1]["answer"]
    plain = send("POST", "/api/answer", json={"question": question}).json()
    assert found[-1][1] | {"timings_ms": {}} == plain | {"timings_ms": {}}


# ---- the other endpoints


@pytest.mark.parametrize("k", [1, 3, 50])
def test_search_gives_k_hits_with_spans(send: Send, bodies: dict[str, str], snapshot: Snapshot, k: int) -> None:
    document = send("GET", "/api/search", params={"q": "英伟达芯片", "k": k}).json()
    assert list(document) == ["query", "hits", "index"]
    assert (document["query"], document["index"], len(document["hits"])) == ("英伟达芯片", snapshot.id, k)
    for hit in document["hits"]:
        assert_hit(hit, bodies)
    scores = [hit["score"] for hit in document["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert document["hits"][0]["spans"]


def test_search_filters(send: Send) -> None:
    hits = send("GET", "/api/search", params={"q": "汽車", "source": "錦緞", "industry": "汽車產業"}).json()["hits"]
    assert {hit["source"] for hit in hits} == {"錦緞"}
    assert send("GET", "/api/search", params={"q": "汽車", "industry": "無此業"}).json()["hits"] == []


def test_articles_are_listed_and_read_whole(send: Send, articles: list[Article]) -> None:
    listed = send("GET", "/api/articles").json()["articles"]
    assert [(row["id"], row["title"], row["source"], row["industry"], row["chars"]) for row in listed] == [
        (a.id, a.title, a.source, a.industry, len(a.body)) for a in articles
    ]
    for article in articles:
        assert send("GET", f"/api/articles/{article.id}").json() == {
            "id": article.id,
            "title": article.title,
            "source": article.source,
            "industry": article.industry,
            "date": "",
            "url": "",
            "body": article.body,
        }


def test_the_index_is_described(send: Send, snapshot: Snapshot) -> None:
    assert send("GET", "/api/index").json() == {
        "id": snapshot.id,
        "articles": 8,
        "passages": len(snapshot.passages),
        "encoder": snapshot.manifest.encoder,
        "dimension": snapshot.manifest.dimension,
        "industries": ["汽車產業"],
    }


def test_with_an_index_it_is_alive_and_ready(send: Send, snapshot: Snapshot) -> None:
    assert send("GET", "/healthz").status_code == 200
    assert (ready := send("GET", "/readyz")).status_code == 200
    assert ready.json()["index"] == snapshot.id


def test_without_an_index_it_is_alive_but_not_ready(without_index: Send) -> None:
    assert without_index("GET", "/healthz").status_code == 200
    error = assert_error(without_index("GET", "/readyz"), 503)
    assert "yewen index" in error["message"]


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("POST", "/api/answer", {"json": {"question": QUESTION}}),
        ("POST", "/api/answer", {"json": {"question": QUESTION, "stream": True}}),
        ("GET", "/api/search?q=x", {}),
        ("GET", "/api/articles", {}),
        ("GET", "/api/articles/ddc389a23746", {}),
        ("GET", "/api/index", {}),
    ],
)
def test_without_an_index_every_endpoint_says_how_to_build_one(
    without_index: Send, method: str, path: str, more: dict[str, Any]
) -> None:
    response = without_index(method, path, **more)
    assert "yewen index" in assert_error(response, 503)["message"]
    assert int(response.headers["retry-after"]) > 0


def test_the_page_and_the_documentation_are_served(send: Send) -> None:
    page = send("GET", "/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    documentation = send("GET", "/docs")
    assert documentation.status_code == 200
    assert "swagger" in documentation.text.lower()
    described = send("GET", "/openapi.json").json()["paths"]
    assert {
        "/api/answer",
        "/api/search",
        "/api/articles",
        "/api/articles/{id}",
        "/api/index",
        "/healthz",
        "/readyz",
    } <= set(described)


# ---- what must be refused


def test_a_question_of_a_thousand_characters_is_read_and_one_more_is_not(send: Send) -> None:
    assert send("POST", "/api/answer", json={"question": "車" * 1000}).status_code == 200
    assert send("POST", "/api/answer", json={"question": " " + "車" * 1000 + "\n"}).status_code == 200
    assert "1000" in assert_error(send("POST", "/api/answer", json={"question": "車" * 1001}), 422)["message"]
    assert send("GET", "/api/search", params={"q": "車" * 1000}).status_code == 200
    assert_error(send("GET", "/api/search", params={"q": "車" * 1001}), 422)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half JSON"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"question"', id="a string"),
        pytest.param(b"{}", id="no question"),
        pytest.param(b'{"question": ""}', id="empty question"),
        pytest.param('{"question": " \\n\\t\u3000"}'.encode(), id="blank question"),
        pytest.param(b'{"question": null}', id="question null"),
        pytest.param(b'{"question": 5}', id="question a number"),
        pytest.param(b'{"question": ["a"]}', id="question a list"),
        pytest.param(b'{"question": {"a": 1}}', id="question an object"),
        pytest.param(b'{"question": "\\ud800x"}', id="lone surrogate"),
        pytest.param(b'{"question": "x\\udfff"}', id="lone low surrogate"),
        pytest.param(b'{"question": "x", "\\ud800": 1}', id="lone surrogate in a name"),
        pytest.param(b'{"question": "x", "source": "\\ud800"}', id="lone surrogate in a filter"),
        pytest.param(b'{"question": "x", "script": "\\ud800"}', id="lone surrogate as script"),
        pytest.param(
            b'{"question": "x", "history": [{"role": "user", "content": "\\ud800"}]}', id="lone surrogate in history"
        ),
        pytest.param(b'{"question": "\xff\xfe"}', id="not UTF-8"),
        pytest.param(b'{"question": "x", "top_k": 0}', id="top_k 0"),
        pytest.param(b'{"question": "x", "top_k": -1}', id="top_k negative"),
        pytest.param(b'{"question": "x", "top_k": 51}', id="top_k 51"),
        pytest.param(b'{"question": "x", "top_k": 1e400}', id="top_k infinite"),
        pytest.param(b'{"question": "x", "top_k": NaN}', id="top_k NaN"),
        pytest.param(b'{"question": "x", "top_k": -Infinity}', id="top_k -Infinity"),
        pytest.param(b'{"question": "x", "top_k": 1.5}', id="top_k a fraction"),
        pytest.param(b'{"question": "x", "top_k": "many"}', id="top_k a word"),
        pytest.param(b'{"question": "x", "top_k": ' + b"9" * 400 + b"}", id="top_k of 400 digits"),
        pytest.param(b'{"question": "x", "top_k": ' + b"9" * 5000 + b"}", id="top_k of 5000 digits"),
        pytest.param(b'{"question": "x", "top_k": null}', id="top_k null"),
        pytest.param(b'{"question": "x", "script": "en"}', id="unknown script"),
        pytest.param(b'{"question": "x", "script": null}', id="script null"),
        pytest.param(b'{"question": "x", "stream": "perhaps"}', id="stream a word"),
        pytest.param(b'{"question": "x", "history": "x"}', id="history a string"),
        pytest.param(b'{"question": "x", "history": [{"role": "system", "content": "x"}]}', id="a system turn"),
        pytest.param(b'{"question": "x", "history": [{"role": "user"}]}', id="a turn without content"),
        pytest.param(
            json.dumps({"question": "x", "history": [{"role": "user", "content": "x"}] * 41}).encode(), id="41 turns"
        ),
        pytest.param(
            json.dumps({"question": "x", "history": [{"role": "user", "content": "x" * 8001}]}).encode(),
            id="a long turn",
        ),
        pytest.param(json.dumps({"question": "x", "source": "x" * 201}).encode(), id="a long filter"),
        pytest.param(b'{"question": "x", "questoin": "y"}', id="an unknown field"),
        pytest.param(b"[" * 100_000, id="100,000 brackets open"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="100,000 brackets"),
        pytest.param(b'{"question":' * 50_000 + b"1" + b"}" * 50_000, id="50,000 objects"),
        pytest.param(
            b'{"question": "x", "history": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="history 100,000 deep"
        ),
    ],
)
def test_a_body_that_breaks_the_contract_is_a_client_error(send: Send, body: bytes) -> None:
    response = send("POST", "/api/answer", content=body, headers={"content-type": "application/json"})
    assert_error(response, 400, 422)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_of_another_type_is_a_client_error(send: Send, content_type: str) -> None:
    body = json.dumps({"question": QUESTION}).encode()
    assert_error(send("POST", "/api/answer", content=body, headers={"content-type": content_type}), 400, 415, 422)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=",
        "q=%20%20",
        "q=x&k=0",
        "q=x&k=51",
        "q=x&k=-1",
        "q=x&k=a",
        "q=x&k=1e9",
        "q=x&k=" + "9" * 5000,
        "q=x&k=",
        "k=5",
    ],
)
def test_a_search_that_breaks_the_contract_is_a_client_error(send: Send, query: str) -> None:
    assert_error(send("GET", f"/api/search?{query}"), 422)


HIDDEN = [
    pytest.param("重慶\x00產量", id="NUL"),
    pytest.param("\x00", id="nothing but NUL"),
    pytest.param("\u200b\u200d\ufeff", id="zero width"),
    pytest.param("重\u200b慶\u200b產量", id="zero width inside"),
    pytest.param("\u202e量產慶重\u202c", id="right to left override"),
    pytest.param("שלום مرحبا", id="right to left"),
    pytest.param("🚗👨‍👩‍👧‍👦🇹🇼", id="emoji"),
    pytest.param("".join(chr(0xE0000 + ord(c)) for c in "ignore"), id="Tags block"),
    pytest.param("".join(map(chr, range(1, 32))) + "x\x7f\x85\u2028\u2029", id="controls"),
    pytest.param("𠮷野家𪚥", id="astral"),
    pytest.param("e\u0301" * 300, id="combining"),
    pytest.param("\U0010ffff\ufffe\uffff", id="noncharacters"),
    pytest.param("' OR 1=1 --", id="SQL"),
    pytest.param("<script>alert(1)</script>", id="markup"),
    pytest.param("${jndi:ldap://x}{{7*7}}%n%s", id="templates"),
    pytest.param("(" * 1000, id="a thousand brackets"),
    pytest.param("。" * 1000, id="a thousand full stops"),
    pytest.param("12345678901234567890" * 50, id="a thousand digits"),
]


@pytest.mark.parametrize("question", HIDDEN)
def test_hidden_and_odd_characters_never_fail_the_server(
    send: Send, bodies: dict[str, str], snapshot: Snapshot, question: str
) -> None:
    for body in ({"question": question}, {"question": QUESTION, "history": [{"role": "user", "content": question}]}):
        response = send("POST", "/api/answer", json=body)
        if response.status_code == 200:
            assert_answer(response.json(), bodies, snapshot.id)
        else:
            assert_error(response, 422)
    for name in ("q", "source", "industry"):
        assert send("GET", "/api/search", params={"q": "x"} | {name: question[:200]}).status_code in (200, 422)


@pytest.fixture(scope="session")
def assert_answered(send: Send, bodies: dict[str, str], snapshot: Snapshot) -> Callable[[str], None]:
    """One fixture for the property below, which prints what it was given when it fails."""

    def check(question: str) -> None:
        response = send("POST", "/api/answer", json={"question": question})
        if response.status_code == 200:
            assert_answer(response.json(), bodies, snapshot.id)
        else:
            assert_error(response, 422)
            assert not question.strip()

    return check


@hypothesis_settings(max_examples=60)
@given(question=st.text(st.characters(codec="utf-8"), min_size=1, max_size=80))
def test_any_question_is_answered_or_refused_by_name(assert_answered: Callable[[str], None], question: str) -> None:
    assert_answered(question)


@pytest.mark.parametrize(
    "raw", [b"q=%ff%fe", b"q=%ed%a0%80", b"q=%00", b"q=x&industry=%ed%a0%80", b"q=%", b"q=%zz", b"q=x;k=3", b"q=x&q=y"]
)
def test_a_query_in_any_encoding_is_no_server_error(send: Send, raw: bytes) -> None:
    response = send("GET", httpx.URL("http://yewen.test/api/search", query=raw))
    if response.status_code != 200:
        assert_error(response, 422)


@pytest.mark.parametrize(
    "path",
    [
        "nosuchid",
        "DDC389A23746",
        "ddc389a2374",
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "..%5c..%5cwindows%5cwin.ini",
        "%252e%252e%252fetc%252fpasswd",
        "....//....//etc/passwd",
        "..;/..;/etc/passwd",
        "%c0%ae%c0%ae%c0%afetc%c0%afpasswd",
        "%00",
        "ddc389a23746%00",
        "ddc389a23746%20",
        "%ed%a0%80",
        "%ff",
        "%0d%0aSet-Cookie:x",
        "a" * 5000,
        quote("文章"),
        quote("\u202e\u200b"),
        "~root",
        "*",
        "'%20OR%201=1",
    ],
)
@pytest.mark.parametrize("prefix", ["/api/articles/", "/static/"])
def test_an_unknown_path_is_not_found_in_the_error_shape(send: Send, prefix: str, path: str) -> None:
    response = send("GET", httpx.URL("http://yewen.test").copy_with(raw_path=(prefix + path).encode()))
    assert_error(response, 404, 422)
    assert "root:" not in response.text
    assert "\u202e" not in response.text


@pytest.mark.parametrize(
    "path",
    [
        "/static/../settings.py",
        "/static/..%2fsettings.py",
        "/static/%2e%2e/app.py",
        "/static/../../pyproject.toml",
        "/static//etc/passwd",
    ],
)
def test_the_static_folder_cannot_be_left(send: Send, path: str) -> None:
    assert_error(send("GET", httpx.URL("http://yewen.test").copy_with(raw_path=path.encode())), 404)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/answer", 405),
        ("PUT", "/api/answer", 405),
        ("DELETE", "/api/index", 405),
        ("POST", "/api/search", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/api", 404),
        ("GET", "/api/nowhere", 404),
        ("TRACE", "/api/index", 405),
        ("POST", "/static/main.js", 405),
    ],
)
def test_what_does_not_exist_is_refused_in_the_error_shape(send: Send, method: str, path: str, status: int) -> None:
    assert_error(send(method, path), status)


# ---- size, key, rate, headers


def test_a_body_over_the_limit_is_refused_by_its_length(send: Send) -> None:
    body = json.dumps({"question": "x", "history": [{"role": "user", "content": "x" * LARGEST_BODY}]}).encode()
    assert_error(send("POST", "/api/answer", content=body, headers={"content-type": "application/json"}), 413)


@pytest.mark.parametrize("lie", [None, "5", "abc", "-1", "\u00b2"])
def test_a_body_over_the_limit_is_refused_while_it_comes(send: Send, lie: str | None) -> None:
    """Chunked, or with a Content-Length that is too small or no number."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"question": "'
        for _ in range(LARGEST_BODY // 65536 + 2):
            yield b"x" * 65536
        yield b'"}'

    headers = {"content-type": "application/json"} | ({"content-length": lie.encode("latin-1")} if lie else {})
    assert_error(send("POST", "/api/answer", content=chunks(), headers=headers), 413)


def test_a_body_just_within_the_limit_is_read(send: Send) -> None:
    body = json.dumps({"question": QUESTION}).encode()
    padded = body + b" " * (LARGEST_BODY - len(body))
    assert send("POST", "/api/answer", content=padded, headers={"content-type": "application/json"}).status_code == 200


def test_over_the_rate_limit_is_429_with_when_to_come_back(engine: Engine) -> None:
    app = create_app(engine, rate_limit=3)
    statuses = [sender(app)("GET", "/api/index").status_code for _ in range(3)]
    refused = sender(app)("GET", "/api/index")
    assert statuses == [200, 200, 200]
    assert_error(refused, 429)
    assert 1 <= int(refused.headers["retry-after"]) <= 61
    assert sender(app, ELSEWHERE)("GET", "/api/index").status_code == 200, "another address has its own count"
    assert sender(app)("GET", "/healthz").status_code == 200, "a probe is not counted"


def test_the_rate_limit_lets_through_again_when_it_said(engine: Engine) -> None:
    now = 1000.0
    limited = Protection(create_app(engine), rate_limit=2, clock=lambda: now)
    sent = [sender(limited)("GET", "/api/index").status_code for _ in range(2)]
    now += 20
    refused = sender(limited)("GET", "/api/index")
    assert (sent, refused.status_code) == ([200, 200], 429)
    now += int(refused.headers["retry-after"]) - 1.5
    assert sender(limited)("GET", "/api/index").status_code == 429
    now += 1.5
    assert sender(limited)("GET", "/api/index").status_code == 200


KEY = "k-sentinel-81f3"


@pytest.mark.parametrize(
    "path", ["/api/answer", "/api/search?q=x", "/api/articles", "/api/index", "/docs", "/openapi.json", "/api/nowhere"]
)
def test_from_another_machine_a_key_is_needed(engine: Engine, path: str) -> None:
    far = sender(create_app(engine, api_key=KEY), ELSEWHERE)
    method, more = ("POST", {"json": {"question": QUESTION}}) if path == "/api/answer" else ("GET", {})
    nearly = [f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", f"Basic {KEY}", KEY]
    for header in (None, "", "Bearer", "Bearer ", "Bearer \xff", *nearly):
        headers = {} if header is None else {"authorization": header.encode("latin-1")}
        refused = far(method, path, headers=headers, **more)
        assert_error(refused, 401)
        assert refused.headers["www-authenticate"] == "Bearer"
        assert KEY not in refused.text
    assert far(method, path, headers={"authorization": f"Bearer {KEY}"}, **more).status_code in (200, 404)
    assert far(method, path, headers={"authorization": f"bearer {KEY}"}, **more).status_code in (200, 404)


def test_from_this_machine_no_key_is_needed_and_probes_are_open(engine: Engine) -> None:
    app = create_app(engine, api_key=KEY)
    assert sender(app)("GET", "/api/index").status_code == 200
    assert sender(app, ("::1", 1))("GET", "/api/index").status_code == 200
    for path in ("/", "/healthz", "/readyz", "/static/main.js"):
        assert sender(app, ELSEWHERE)("GET", path).status_code == 200


@pytest.mark.parametrize("spoofed", ["x-forwarded-for", "x-real-ip", "forwarded", "host", "x-client-ip"])
def test_a_header_cannot_claim_this_machine(engine: Engine, spoofed: str) -> None:
    far = sender(create_app(engine, api_key=KEY), ELSEWHERE)
    assert_error(far("GET", "/api/index", headers={spoofed: "127.0.0.1"}), 401)


@pytest.mark.parametrize("path", ["/", "/api/index", "/api/nowhere", "/static/main.js", "/healthz", "/docs"])
def test_every_response_has_the_security_headers(send: Send, path: str) -> None:
    headers = send("GET", path).headers
    policy = headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in policy
    if path != "/docs":
        assert re.search(r"script-src 'self'(;|$)", policy)
        assert "unsafe" not in policy


def test_errors_from_the_first_line_of_defence_have_the_headers_too(engine: Engine) -> None:
    app = create_app(engine, api_key=KEY, rate_limit=1)
    far = sender(app, ELSEWHERE)
    near = sender(app)
    near("GET", "/api/index")
    for response in (far("GET", "/api/index"), near("GET", "/api/index")):
        assert response.status_code in (401, 429)
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]


def test_other_origins_are_not_let_in(send: Send) -> None:
    origin = {"origin": "https://evil.test", "access-control-request-method": "POST"}
    for response in (send("GET", "/api/index", headers=origin), send("OPTIONS", "/api/answer", headers=origin)):
        assert not [name for name in response.headers if name.startswith("access-control-")]


def test_every_number_of_an_answer_is_finite(send: Send) -> None:
    def numbers(value: object) -> list[float]:
        if isinstance(value, dict):
            return [n for inner in value.values() for n in numbers(inner)]
        if isinstance(value, list):
            return [n for inner in value for n in numbers(inner)]
        return [value] if isinstance(value, float) else []

    for question in ("???", QUESTION, UNANSWERABLE):
        document = send("POST", "/api/answer", json={"question": question}).json()
        assert all(math.isfinite(number) for number in numbers(document))
