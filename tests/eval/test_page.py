import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from eval.comparison import differences
from eval.page import html_page
from eval.records import Record
from eval.report import misses, text_report
from tests.eval.asked import FIRST, SECOND, hit, judged, question, response

SYSTEM = {"index": "93bbfef2638d", "generator": "extractive"}
VOID = {"meta", "link", "br"}


def run(*right: bool) -> list[Record]:
    answers = [
        judged(question(id=f"q{n}"), response(FIRST if flag else SECOND, confidence=0.7), [hit(0, 21)], 3.0)
        for n, flag in enumerate(right)
    ]
    return [*answers, judged(question(False, id="none"), response(FIRST, confidence=0.4), [], 5.0)]


class Balanced(HTMLParser):
    """Fails where an element is closed that is not the one open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(page: str) -> Balanced:
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    return parser


def test_the_page_is_well_formed_and_fetches_and_runs_nothing() -> None:
    page = html_page(run(True, False), SYSTEM)
    seen = parsed(page).seen
    assert not {"script", "link", "img", "iframe"} & set(seen)
    assert seen.count("svg") > 3
    assert not re.search(r"url\(|@import|(?:href|src)=", page)


def test_every_miss_stands_with_question_answer_citation_and_gold() -> None:
    records = run(True, False)
    page = html_page(records, SYSTEM)
    assert [record.id for record in misses(records)] == ["q1", "none"]
    assert page.count('<article class="miss">') == 2
    assert "合肥產量124萬輛。[1]" in page
    assert '<p class="quote">合肥產量124萬輛。</p>' in page
    assert '<p class="quote gold"><mark>重慶</mark>產量近<mark>250萬輛</mark>。</p>' in page
    assert '<p class="refusal">a refusal</p>' in page


def test_texts_of_strangers_stay_texts() -> None:
    evil = "<script>alert(1)</script>\"'&"
    record = replace(run(False)[0], question=evil, answer=evil, cited=(evil,), gold=(evil,), words=((evil,),), id=evil)
    page = html_page([record], {"index": evil}, [record], differences([record], [record]), Path(evil))
    assert "script" not in parsed(page).seen
    assert "&lt;script&gt;alert(1)" in page


def test_the_difference_to_an_earlier_run_names_what_went_wrong_and_what_came_right() -> None:
    before, now = run(True, False, False), run(False, True, True)
    changed = differences(before, now)
    page = html_page(now, SYSTEM, before, changed, Path("earlier.json"))
    assert "compared with earlier.json" in page
    assert "Went wrong<small>1</small>" in page
    assert "Came right<small>2</small>" in page
    assert '<span class="up">+33.3 (p 1.000)</span>' in page
    lines = text_report(now, SYSTEM, changed)
    assert "gold_words_held: 0.333 → 0.667, difference +0.333" in lines
    assert "better: q1 q2; worse: q0" in lines


def test_a_set_of_one_kind_has_a_page_too() -> None:
    for records in (run(True)[:1], run()[-1:]):
        parsed(html_page(records, {}))
        assert text_report(records, {})
