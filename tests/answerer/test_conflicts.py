import asyncio
from pathlib import Path

import numpy as np
import pytest

from answerer.asked import asked
from answerer.conflicts import conflicting
from answerer.extractive import Quote, with_rival
from answerer.features import candidates
from answerer.reader import Reading
from answerer.respond import Request
from indexer.articles import Article
from indexer.passages import Passage
from language.sentences import split_sentences
from retriever.hits import Hit
from retriever.question import analyse_question
from server.engine import load_answerer
from server.settings import Settings

QUESTION = "合肥2025年的汽车产量是多少辆?"


def reading(*texts: str, scores: tuple[float, ...] = ()) -> Reading:
    """What a reader would say that put these sentences, each of an article of its own, in this order."""
    hits = []
    for number, text in enumerate(texts):
        article = Article(f"a{number}", "標題", text, "來源", "產業")
        passage = Passage(f"a{number}:0", f"a{number}", 0, len(text), "", tuple(split_sentences(text)))
        hits.append(Hit(passage, article, 1.0, 1.0, 0.5, analyse_question("題")))
    found = candidates(hits)
    return Reading(tuple(found), np.array(scores or [-float(n) for n in range(len(found))], np.float32), 0.9)


def differs(question: str, *texts: str, scores: tuple[float, ...] = ()) -> bool:
    return conflicting(asked(question), question, reading(*texts, scores=scores)) is not None


OWN = "2025年合肥汽车产量达到130万辆。"


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param("合肥2025年汽車產量為118萬輛。", True, id="another figure"),
        pytest.param("合肥汽車產量一年為118萬輛。", True, id="another figure, no year named"),
        pytest.param("合肥2025年汽車產量為1300000輛。", False, id="the same, written otherwise"),
        pytest.param("合肥2025年汽車產量近131萬輛。", False, id="nearly the same"),
        pytest.param("合肥2024年汽車產量為118萬輛。", False, id="another year"),
        pytest.param("重慶2025年汽車產量為250萬輛。", False, id="another city"),
        pytest.param("合肥的比亞迪2025年汽車產量為50萬輛。", False, id="of a firm there"),
        pytest.param("合肥2025年汽車產量增長40%。", False, id="another unit"),
        pytest.param("合肥2025年汽車產量,一說118萬輛,汽車產量一說119萬輛。", False, id="two that may be it"),
        pytest.param("合肥2025年招募了118萬輛。", False, id="of something else"),
    ],
)
def test_only_another_figure_for_the_same_thing_conflicts(other: str, expected: bool) -> None:
    assert differs(QUESTION, OWN, other) is expected


def test_what_the_reader_puts_low_does_not_conflict() -> None:
    assert not differs(QUESTION, OWN, "合肥2025年汽車產量為118萬輛。", scores=(0.0, -9.0))


@pytest.mark.parametrize("question", ["合肥2025年的汽车产量为什么大?", "合肥有哪些汽车厂?", "合肥"])
def test_only_figures_that_are_asked_for_conflict(question: str) -> None:
    assert not differs(question, OWN, "合肥2025年汽車產量為118萬輛。")


def test_the_other_sentence_is_quoted_once() -> None:
    read = reading(OWN, "合肥2025年汽車產量為118萬輛。")
    best, rival = read.candidates
    first = Quote(best.article, best.start, best.end, 0.0)
    both = with_rival([first], read, rival)
    assert [quote.article.id for quote in both] == ["a0", "a1"]
    assert with_rival(both, read, rival) == both
    assert with_rival([first], read, None) == [first]


def test_an_answer_gives_both_figures_with_a_note(built_index: Path) -> None:
    answerer = load_answerer(Settings(index=built_index))
    done = asyncio.run(answerer.answer(Request("2025 年中國車在歐洲賣了多少?"))).answer
    assert done.notes == ("幾處出處的說法不一致，這裡一併列出。",)
    assert {citation.article.source for citation in done.citations} >= {"中國新聞社", "愛駕天下"}
    assert "230萬輛" in done.text
    assert "70萬輛" in done.text
    plain = asyncio.run(answerer.answer(Request("重慶2025年整車產量是多少?"))).answer
    assert plain.notes == ()
