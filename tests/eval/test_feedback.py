import json
from pathlib import Path
from typing import Any

import pytest

from eval.feedback import candidate_lines, candidates
from eval.questions import problems, read_questions
from eval.readers import OutsideSetError


def row(question: str, rating: str = "down", **more: Any) -> dict[str, Any]:
    return {
        "time": "2026-11-25T10:00:00Z",
        "question": question,
        "answer": "重慶。[1]",
        "grounded": True,
        "citations": [{"article_id": "a", "start": 0, "end": 3, "quote": "重慶。"}],
        "rating": rating,
        "reason": "答非所問",
        "index": "93bbfef2638d",
    } | more


def written(folder: Path, *rows: dict[str, Any]) -> Path:
    file = folder / "feedback.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    return file


def test_a_thumbs_down_becomes_a_question_that_a_person_has_to_fill_in(tmp_path: Path) -> None:
    (made,) = candidates(written(tmp_path, row(" 重庆产量多少? ")), [])
    assert {name: value for name, value in made.items() if name != "feedback"} == {
        "id": "f-001",
        "question": "重庆产量多少?",
        "kind": "candidate",
        "script": "zh-CN",
        "answerable": False,
        "gold": [],
        "words": [],
        "history": [],
        "tags": [],
    }
    assert (made["feedback"]["reason"], made["feedback"]["answer"]) == ("答非所問", "重慶。[1]")


def test_thumbs_up_repeated_and_known_questions_are_left_out(tmp_path: Path) -> None:
    file = written(tmp_path, row("甲?", "up"), row("乙?"), row("乙?"), row("丙?"), row("丁?", reason=None))
    assert [made["question"] for made in candidates(file, ["丙?"])] == ["乙?", "丁?"]


def test_candidates_are_read_as_a_question_set_and_not_yet_sound(tmp_path: Path) -> None:
    file = tmp_path / "candidates.jsonl"
    file.write_text(candidate_lines(candidates(written(tmp_path, row("甲?")), [])), encoding="utf-8")
    (question,) = read_questions(file)
    assert problems([question], {})[0] == "f-001: the kind 'candidate' is none of the set's"


def test_hidden_characters_of_strangers_do_not_break_the_file(tmp_path: Path) -> None:
    rows = candidates(written(tmp_path, row("甲\ud800\n乙?", reason="\udfff")), [])
    (line,) = candidate_lines(rows).encode("utf-8").splitlines()
    assert json.loads(line)["question"] == "甲\ufffd\n乙?"


@pytest.mark.parametrize("broken", [{"rating": "down"}, {"question": 5, "rating": "down"}, {"question": " "}])
def test_feedback_without_a_question_is_named(tmp_path: Path, broken: dict[str, Any]) -> None:
    with pytest.raises(OutsideSetError, match=r"feedback\.jsonl:2: feedback needs 'question'"):
        candidates(written(tmp_path, row("甲?"), broken), [])
