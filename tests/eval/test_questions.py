import json
from collections import Counter
from pathlib import Path

import pytest

from eval.questions import (
    BROAD,
    FACTUAL,
    LONGEST_SHARED,
    UNANSWERABLE,
    EvalQuestion,
    GoldSpan,
    QuestionSetError,
    copied,
    problems,
    read_questions,
)
from eval.text import comparable
from indexer.articles import Article
from language.script import SCRIPTS

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
REFUSED = SOUND | {
    "id": "q2",
    "question": "重慶的營收?",
    "kind": "near_miss",
    "answerable": False,
    "gold": [],
    "words": [],
}


def written(folder: Path, *rows: object) -> Path:
    file = folder / "questions.jsonl"
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return file


def test_the_own_set_is_sound(articles: list[Article]) -> None:
    assert problems(read_questions(), {article.id: article for article in articles}) == []


def test_the_own_set_holds_what_it_is_meant_to(articles: list[Article]) -> None:
    questions = read_questions()
    kinds = Counter(question.kind for question in questions)
    tags = Counter(tag for question in questions for tag in question.tags)
    assert len(questions) >= 220
    assert min(kinds[kind] for kind in FACTUAL | BROAD) >= 5
    assert sum(kinds[kind] for kind in UNANSWERABLE) >= 45
    assert min(kinds[kind] for kind in UNANSWERABLE) >= 30
    assert tags["follow_up"] >= 25
    assert tags["colloquial"] >= 40
    assert tags["typo"] >= 15
    assert min(tags["regional"], tags["english"]) >= 25
    assert {question.script for question in questions} == set(SCRIPTS)


def test_the_own_set_is_spread_over_the_articles_and_their_length(articles: list[Article]) -> None:
    spans = [span for question in read_questions() for span in question.gold]
    for article in articles:
        middles = [(span.start + span.end) / 2 / len(article.body) for span in spans if span.article == article.id]
        assert len(middles) >= 40
        assert min(sum(third / 3 <= at < (third + 1) / 3 for at in middles) for third in range(3)) >= 5


def test_some_questions_need_two_articles() -> None:
    assert sum(len({span.article for span in question.gold}) > 1 for question in read_questions()) >= 5


def test_a_question_is_read_as_it_is_written(tmp_path: Path) -> None:
    turn = {"role": "user", "content": "前一問"}
    assert read_questions(written(tmp_path, SOUND | {"history": [turn], "tags": ["typo"]}, "", "  ", REFUSED)) == [
        EvalQuestion(
            "q1", "重慶產量?", "figure", "zh-TW", True, (GoldSpan("a", 0, 11),), (("250萬輛",),), (turn,), ("typo",)
        ),
        EvalQuestion("q2", "重慶的營收?", "near_miss", "zh-TW", False, (), (), ()),
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
        pytest.param(SOUND | {"id": "x"}, "x: the question comes twice", id="question twice"),
        pytest.param(SOUND | {"id": "x", "kind": "candidate"}, "x: the kind 'candidate'", id="kind of no set"),
        pytest.param(SOUND | {"id": "x", "kind": "near_miss"}, "x: answerable and the kind", id="kind of another sort"),
        pytest.param(SOUND | {"id": "x", "script": "zh"}, "x: the script 'zh'", id="no script"),
        pytest.param(SOUND | {"id": "x", "tags": ["hard"]}, "x: the tag 'hard'", id="no tag"),
        pytest.param(SOUND | {"id": "x", "tags": ["follow_up"]}, "x: follow_up", id="a follow-up of nothing"),
        pytest.param(
            SOUND | {"id": "x", "history": [{"role": "user", "content": "?"}]}, "x: follow_up", id="history untagged"
        ),
        pytest.param(
            SOUND | {"id": "x", "question": "為何说重庆产量近250万辆。合肥产量124万辆?"},
            "x: copies the article's '重庆产量近250万辆。合肥产量",
            id="a copied sentence",
        ),
    ],
)
def test_every_kind_of_problem_is_found(tmp_path: Path, row: dict[str, object], said: str) -> None:
    found = problems(read_questions(written(tmp_path, SOUND, row)), {"a": ARTICLE})
    assert any(problem.startswith(said) for problem in found), found
    assert all(not problem.startswith("q1") for problem in found) or row["id"] == "q1"


def test_a_run_is_copied_from_thirteen_han_characters_on_whatever_its_script_and_marks() -> None:
    text = comparable("甲乙丙丁,戊己庚辛ABC壬癸子丑寅卯")
    assert copied("問甲乙丙丁戊己庚辛ABC 壬癸子丑?", [text]) == "", "names in Latin letters do not count"
    assert copied("問「甲乙丙丁」戊己庚辛ABC壬癸子丑寅?", [text]) == "甲乙丙丁戊己庚辛abc壬癸子丑寅"
    assert (LONGEST_SHARED, copied("", [text])) == (12, "")
