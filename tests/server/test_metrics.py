"""What /metrics counts, and what never stands there."""

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.app import create_app
from server.engine import Engine, load_answerer
from server.feedback import FeedbackFile
from server.settings import Settings
from tests.server.test_api import ELSEWHERE, KEY, QUESTION, UNANSWERABLE, Send, sender

SECRET = "sentinel-question-9182"


@pytest.fixture
def send(built_index: Path, tmp_path: Path) -> Send:
    app = create_app(
        Engine(lambda: load_answerer(Settings(index=built_index))), feedback=FeedbackFile(tmp_path / "feedback.jsonl")
    )
    return sender(app)


def samples(send: Send) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels."""
    response = send("GET", "/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_requests_are_counted_by_route_and_status(send: Send) -> None:
    send("GET", "/api/articles/nothing-of-that-name")
    send("GET", "/api/search", params={"q": "x"})
    send("GET", "/api/search", params={"q": ""})
    send("GET", "/no/such/place")
    send("BREW", "/api/search")
    counted = samples(send)
    name = "yewen_http_requests_total"
    assert counted[name, "GET", "/api/articles/{id}", "404"] == 1
    assert counted[name, "GET", "/api/search", "200"] == 1
    assert counted[name, "GET", "/api/search", "422"] == 1
    assert counted[name, "GET", "other", "404"] == 1
    assert [value for key, value in counted.items() if key[:2] == (name, "other")] == [1]
    assert counted["yewen_http_request_seconds_count", "/api/search"] >= 2


def test_answers_are_counted_wherever_they_are_asked_for(send: Send) -> None:
    send("POST", "/api/answer", json={"question": QUESTION})
    send("POST", "/api/answer", json={"question": QUESTION, "stream": True})
    send("POST", "/api/answer", json={"question": UNANSWERABLE})
    for stream in (False, True):
        body = {"model": "yewen", "messages": [{"role": "user", "content": QUESTION}], "stream": stream}
        send("POST", "/v1/chat/completions", json=body)
    counted = samples(send)
    assert counted["yewen_answers_total", "extractive", "grounded"] == 4
    assert counted["yewen_answers_total", "extractive", "refused"] == 1
    assert counted["yewen_answer_seconds_count", "total"] == 5


def test_what_is_searched_is_told(send: Send) -> None:
    counted = samples(send)
    assert counted["yewen_ready",] == 1
    assert counted["yewen_articles",] == 8
    assert counted["yewen_snapshot_info", send("GET", "/api/index").json()["id"]] == 1


def test_without_an_index_the_metrics_say_so(tmp_path: Path) -> None:
    without = sender(create_app(Engine(lambda: load_answerer(Settings(index=tmp_path)))))
    counted = samples(without)
    assert counted["yewen_ready",] == 0
    assert ("yewen_articles",) not in counted


def test_nothing_that_was_asked_or_sent_stands_in_the_metrics(send: Send) -> None:
    send("POST", "/api/answer", json={"question": SECRET})
    send("GET", "/api/search", params={"q": SECRET, "source": SECRET})
    send("GET", f"/api/articles/{SECRET}")
    send("GET", f"/{SECRET}", headers={"authorization": f"Bearer {SECRET}", "user-agent": SECRET})
    send("POST", "/v1/chat/completions", json={"model": SECRET, "messages": [{"role": "user", "content": SECRET}]})
    send(SECRET.upper(), "/api/search")
    send("POST", "/api/feedback", json={"question": SECRET, "answer": SECRET, "grounded": True, "rating": "up"})
    assert SECRET not in send("GET", "/metrics").text.lower()


def test_from_another_machine_the_metrics_need_the_key(built_index: Path) -> None:
    far = sender(create_app(Engine(lambda: load_answerer(Settings(index=built_index))), api_key=KEY), ELSEWHERE)
    assert far("GET", "/metrics").status_code == 401
    told = far("GET", "/metrics", headers={"authorization": f"Bearer {KEY}"})
    assert told.status_code == 200
    assert KEY not in told.text
    assert 'status="401"' in told.text
