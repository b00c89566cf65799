import json
from pathlib import Path

import pytest

from eval.questions import EvalQuestion, GoldSpan, QuestionSetError, problems, read_questions
from indexer.articles import Article

ARTICLE = Article("a", "題", "重慶產量近250萬輛。合肥產量124萬輛。", "源", "業")
SOUND = {
    "id": "q1",
    "question": "重慶產量?",
    "kind": "figure",
    "script": "zh-TW",
    "answerable": True,
    "gold": [{"article": "a", "start": 0, "end": 11}],
    "words": [["250萬輛"]],
}
REFUSED = SOUND | {"id": "q2", "answerable": False, "gold": [], "words": []}


def written(folder: Path, *rows: object) -> Path:
    file = folder / "questions.jsonl"
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return file


def test_the_own_set_is_sound(articles: list[Article]) -> None:
    questions = read_questions()
    assert problems(questions, {article.id: article for article in articles}) == []
    assert {question.answerable for question in questions} == {True, False}
    assert {question.script for question in questions} == {"zh-TW", "zh-CN", "zh-HK"}


def test_a_question_is_read_as_it_is_written(tmp_path: Path) -> None:
    turn = {"role": "user", "content": "前一問"}
    assert read_questions(written(tmp_path, SOUND | {"history": [turn]}, "", "  ", REFUSED)) == [
        EvalQuestion("q1", "重慶產量?", "figure", "zh-TW", True, (GoldSpan("a", 0, 11),), (("250萬輛",),), (turn,)),
        EvalQuestion("q2", "重慶產量?", "figure", "zh-TW", False, (), (), ()),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("{", "JSON", id="half JSON"),
        pytest.param("[]", "TypeError", id="a list"),
        pytest.param({k: v for k, v in SOUND.items() if k != "question"}, "question", id="no question"),
        pytest.param(SOUND | {"gold": [{"article": "a", "start": 0}]}, "end", id="a span without end"),
        pytest.param(SOUND | {"gold": None}, "TypeError", id="gold null"),
        pytest.param(SOUND | {"question": 5}, "question", id="question a number"),
        pytest.param(SOUND | {"gold": [{"article": "a", "start": "0", "end": 11}]}, "start", id="an offset as text"),
        pytest.param(SOUND | {"words": ["250萬輛"]}, "words", id="words not in groups"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: object, said: str) -> None:
    file = written(tmp_path, SOUND, "", line)
    with pytest.raises(QuestionSetError) as caught:
        read_questions(file)
    assert str(caught.value).startswith(f"{file}:3: ")
    assert said in str(caught.value)


def test_an_empty_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QuestionSetError, match="no question"):
        read_questions(written(tmp_path, "", " "))


def test_a_sound_set_has_no_problem(tmp_path: Path) -> None:
    assert problems(read_questions(written(tmp_path, SOUND, REFUSED)), {"a": ARTICLE}) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param(REFUSED | {"id": "q1"}, "q1: the id comes twice", id="id twice"),
        pytest.param(SOUND | {"id": "x", "answerable": False}, "x: answerable", id="gold but not answerable"),
        pytest.param(SOUND | {"id": "x", "gold": [], "words": []}, "x: answerable", id="answerable without gold"),
        pytest.param(SOUND | {"id": "x", "words": []}, "x: answerable", id="answerable without words"),
        pytest.param(
            SOUND | {"id": "x", "gold": [{"article": "b", "start": 0, "end": 11}]},
            "x: no text at b 0:11",
            id="no such article",
        ),
        pytest.param(
            SOUND | {"id": "x", "gold": [{"article": "a", "start": 0, "end": 22}]},
            "x: no text at a 0:22",
            id="span past the end",
        ),
        pytest.param(
            SOUND | {"id": "x", "gold": [{"article": "a", "start": -9, "end": 11}]},
            "x: no text at a -9:11",
            id="negative span",
        ),
        pytest.param(
            SOUND | {"id": "x", "gold": [{"article": "a", "start": 5, "end": 5}]},
            "x: no text at a 5:5",
            id="empty span",
        ),
        pytest.param(
            SOUND | {"id": "x", "words": [["124萬輛", "一百萬"]]},
            "x: none of 124萬輛/一百萬 stands",
            id="words elsewhere",
        ),
        pytest.param(SOUND | {"id": "x", "words": [["250萬輛"], []]}, "x: none of", id="an empty group of words"),
    ],
)
def test_every_kind_of_problem_is_found(tmp_path: Path, row: dict[str, object], said: str) -> None:
    found = problems(read_questions(written(tmp_path, SOUND, row)), {"a": ARTICLE})
    assert any(problem.startswith(said) for problem in found), found
    assert all(not problem.startswith("q1") for problem in found) or row["id"] == "q1"
