"""``POST /api/verify`` over the real application and the real index of the seed articles."""

from pathlib import Path

import pytest

from indexer.articles import Article
from server.app import create_app
from server.engine import Engine, load_answerer
from server.settings import Settings
from tests.server.test_api import HIDDEN, Send, assert_error, sender

CLAIM = "闻泰科技计划向荷兰政府索赔90亿美元。"


@pytest.fixture(scope="module")
def send(built_index: Path) -> Send:
    return sender(create_app(Engine(lambda: load_answerer(Settings(index=built_index)))))


def test_a_verdict_with_its_sentence(send: Send, articles: list[Article]) -> None:
    body = send("POST", "/api/verify", json={"claim": CLAIM}).json()
    assert list(body) == ["verdict", "sentences", "checked", "notes", "timings_ms", "index"]
    assert body["verdict"] == "contradicted"
    assert {"kind": "figure", "claimed": "90亿美元", "found": "80億美元", "state": "differs"} in body["checked"]
    (first, *_) = body["sentences"]
    (article,) = (one for one in articles if one.id == first["article_id"])
    assert first["quote"] == article.body[first["start"] : first["end"]]
    assert (first["marker"], first["source"]) == (1, "跬步書")
    assert set(body["timings_ms"]) == {"retrieve", "verify", "total"}


def test_only_the_asked_source_is_read(send: Send) -> None:
    body = send("POST", "/api/verify", json={"claim": CLAIM, "source": "功夫財經"}).json()
    assert body["verdict"] == "not_found"
    assert {one["source"] for one in body["sentences"]} <= {"功夫財經"}


def test_what_is_near_is_said_to_be_only_near_in_the_claims_script(send: Send) -> None:
    body = send("POST", "/api/verify", json={"claim": "安世半导体2025年的营收是20亿美元。"}).json()
    assert (body["verdict"], body["notes"]) == ("not_found", ["文章没有说到这件事；列出的是最接近的句子。"])
    assert body["sentences"]


@pytest.mark.parametrize(
    "body",
    [{}, {"claim": ""}, {"claim": "  "}, {"claim": "車" * 301}, {"claim": 7}, {"claim": CLAIM, "k": 1}],
    ids=["none", "empty", "blank", "too long", "number", "unknown field"],
)
def test_a_broken_request_is_told_what_is_wrong(send: Send, body: dict[str, object]) -> None:
    assert_error(send("POST", "/api/verify", json=body), 422, "invalid")


@pytest.mark.parametrize("text", [*HIDDEN, "車" * 300, "250萬輛," * 42], ids=lambda text: repr(text[:6]))
def test_odd_claims_fail_nothing(send: Send, text: str) -> None:
    assert send("POST", "/api/verify", json={"claim": text[:300]}).status_code in (200, 422)
