"""Opinions on answers: what is kept, how, and what is refused."""

import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from server.app import create_app
from server.engine import Engine
from server.errors import StorageError
from server.feedback import FeedbackFile
from server.settings import Settings, read_settings
from tests.server.test_api import ELSEWHERE, KEY, Send, assert_error, sender

OPINION: dict[str, Any] = {
    "question": "重慶2025年整車產量是多少?",
    "answer": "近250萬輛。[1]",
    "grounded": True,
    "citations": [{"article_id": "ccb5f581e7f4", "start": 113, "end": 117, "quote": "資料顯示"}],
    "rating": "down",
    "reason": "太短",
    "index": "93bbfef2638d",
}


def without_index() -> Engine:
    from indexer.snapshot import SnapshotError

    def load() -> Any:
        raise SnapshotError("none is needed to keep an opinion")

    return Engine(load)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "feedback.jsonl"


@pytest.fixture
def send(file: Path) -> Send:
    return sender(create_app(without_index(), feedback=FeedbackFile(file)))


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_an_opinion_is_one_line_with_the_time(send: Send, file: Path) -> None:
    for rating in ("down", "up"):
        response = send("POST", "/api/feedback", json=OPINION | {"rating": rating})
        assert (response.status_code, response.content) == (204, b"")
    first, second = rows(file)
    assert first.pop("time").endswith("+00:00")
    assert first == OPINION
    assert second["rating"] == "up"
    assert "重慶" in file.read_text(encoding="utf-8"), "for people to read"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_need_not_be_said_may_be_left_out_and_what_is_unknown_is_not_kept(send: Send, file: Path) -> None:
    least = {"question": "x", "answer": "", "grounded": False, "rating": "up"}
    assert send("POST", "/api/feedback", json=least | {"cookie": "secret"}).status_code == 204
    (row,) = rows(file)
    del row["time"]
    assert row == least | {"citations": [], "reason": "", "index": ""}


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nb", "\x0b\x0c\x1c\x1d\x1e", "\x85", "\u2028\u2029", '"}\n{"time":0}', "\x00"]
)
def test_no_text_breaks_a_line(send: Send, file: Path, text: str) -> None:
    opinion = OPINION | {"question": f"x{text}x", "answer": text, "reason": text}
    opinion["citations"] = [{"article_id": text, "start": 0, "end": 1, "quote": text}]
    assert send("POST", "/api/feedback", json=opinion).status_code == 204
    (row,) = rows(file)
    assert (row["answer"], row["reason"], row["citations"][0]["quote"]) == (text, text, text)


@pytest.mark.parametrize(
    "more",
    [
        {"question": ""},
        {"question": " \u3000"},
        {"question": "x" * 1001},
        {"answer": "x" * 20_001},
        {"answer": None},
        {"rating": "meh"},
        {"rating": None},
        {"grounded": "yes"},
        {"reason": "x" * 2001},
        {"index": "x" * 101},
        {"citations": OPINION["citations"] * 51},
        {"citations": [{"article_id": "x"}]},
        {"citations": [{"article_id": "x", "start": -1, "end": 1, "quote": ""}]},
        {"citations": [{"article_id": "x", "start": 0, "end": 1 << 40, "quote": ""}]},
        {"citations": [{"article_id": "x", "start": 0, "end": 1, "quote": "x" * 2001}]},
        {"citations": "x"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_breaks_the_contract_is_refused_and_not_kept(send: Send, file: Path, more: dict[str, Any]) -> None:
    assert_error(send("POST", "/api/feedback", json=OPINION | more), 422)
    assert not file.exists()


@pytest.mark.parametrize("body", [b"", b"{", b'{"question": "\\ud800"}', b"[" * 100_000, b"\xff", b"null"], ids=repr)
def test_what_is_no_json_is_refused(send: Send, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    assert_error(send("POST", "/api/feedback", content=body[:200_000], headers=headers), 400, 422)


def test_another_sites_form_cannot_send_one(send: Send, file: Path) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        body = json.dumps(OPINION).encode()
        refused = send("POST", "/api/feedback", content=body, headers={"content-type": content_type})
        assert_error(refused, 400, 415, 422)
    assert not file.exists()


def test_from_another_machine_the_key_is_needed(file: Path) -> None:
    far = sender(create_app(without_index(), api_key=KEY, feedback=FeedbackFile(file)), ELSEWHERE)
    assert_error(far("POST", "/api/feedback", json=OPINION), 401)
    assert not file.exists()


def test_a_server_that_keeps_none_says_so() -> None:
    assert_error(sender(create_app(without_index()))("POST", "/api/feedback", json=OPINION), 404)


def test_a_full_file_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "feedback.jsonl"
    kept = FeedbackFile(file, largest=100)
    kept.append({"answer": "x" * 20})
    before = file.read_bytes()
    with pytest.raises(StorageError, match="move it away"):
        kept.append({"answer": "x" * 20})
    assert file.read_bytes() == before
    full = sender(create_app(without_index(), feedback=kept))
    assert "full" not in assert_error(full("POST", "/api/feedback", json=OPINION), 507)["message"]


def test_a_disk_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "feedback.jsonl"
    kept = FeedbackFile(file)
    kept.append({"answer": "1"})
    before = file.read_bytes()
    real = os.write
    for fault in ("write", "fsync", "short"):
        with monkeypatch.context() as patch:
            if fault == "short":
                patch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:5]))
            else:
                patch.setattr(os, fault, lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            with pytest.raises(StorageError):
                kept.append({"answer": "2"})
        assert file.read_bytes() == before, fault
    kept.append({"answer": "3"})
    assert [row["answer"] for row in rows(file)] == ["1", "3"]


def test_a_line_that_a_crash_broke_off_does_not_spoil_the_next(tmp_path: Path) -> None:
    file = tmp_path / "feedback.jsonl"
    file.write_text('{"answer": "brok', encoding="utf-8")
    FeedbackFile(file).append({"answer": "whole"})
    broken, whole = file.read_text(encoding="utf-8").splitlines()
    assert broken == '{"answer": "brok'
    assert json.loads(whole)["answer"] == "whole"


def test_many_at_once_are_all_kept(tmp_path: Path) -> None:
    kept = FeedbackFile(tmp_path / "feedback.jsonl")
    threads = [threading.Thread(target=lambda n=n: kept.append({"answer": str(n) * 500})) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row["answer"] for row in rows(tmp_path / "feedback.jsonl")) == sorted(str(n) * 500 for n in range(20))


def test_a_place_that_cannot_be_written_is_the_servers_fault(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    blocked = sender(create_app(without_index(), feedback=FeedbackFile(tmp_path / "a file" / "feedback.jsonl")))
    error = assert_error(blocked("POST", "/api/feedback", json=OPINION), 507)
    assert "a file" not in error["message"]


def test_it_is_kept_beside_the_snapshots_unless_set_otherwise() -> None:
    assert Settings(index=Path("here")).feedback_file == Path("here/feedback.jsonl")
    assert read_settings({"YEWEN_FEEDBACK": "/var/x.jsonl"}, Path("/nonexistent")).feedback_file == Path("/var/x.jsonl")
