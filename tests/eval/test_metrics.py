import math

import pytest

from eval.metrics import Ranking, comparable, holds, judge, own_figures, percentile, rank, retrieval_figures, share
from eval.questions import EvalQuestion, GoldSpan


@pytest.mark.parametrize(
    ("found", "gold", "ranking"),
    [
        pytest.param([{"a"}, {"b"}], {"a"}, Ranking((1,), 1), id="first"),
        pytest.param([{"x"}, {"b"}, {"a"}], {"a", "b"}, Ranking((2, 3), 2), id="second and third of two"),
        pytest.param([set(), {"x"}], {"a"}, Ranking((), 1), id="not found"),
        pytest.param([{"a", "copy"}], {"copy"}, Ranking((1,), 1), id="a document under two ids"),
        pytest.param([set()] * 10 + [{"a"}], {"a"}, Ranking((), 1), id="eleventh does not count"),
        pytest.param([set()] * 9 + [{"a"}], {"a"}, Ranking((10,), 1), id="tenth counts"),
        pytest.param([], {"a"}, Ranking((), 1), id="nothing found"),
    ],
)
def test_ranks_of_gold_documents(found: list[set[str]], gold: set[str], ranking: Ranking) -> None:
    assert rank(found, gold) == ranking


def test_figures_of_four_queries_worked_out_by_hand() -> None:
    rankings = [Ranking((1,), 1), Ranking((3,), 1), Ranking((6, 10), 2), Ranking((), 3)]
    third = 1 / math.log2(4)
    two = (1 / math.log2(7) + 1 / math.log2(11)) / (1 + 1 / math.log2(3))
    assert retrieval_figures(rankings) == {
        "n": 4,
        "r@1": 0.25,
        "r@5": 0.5,
        "r@10": 0.75,
        "mrr@10": round((1 + 1 / 3 + 1 / 6) / 4, 4),
        "ndcg@10": round((1 + third + two) / 4, 4),
    }
    assert retrieval_figures(rankings)["ndcg@10"] == 0.4739


def test_a_perfect_ranking_of_twelve_gold_documents_is_one() -> None:
    assert retrieval_figures([Ranking(tuple(range(1, 11)), 12)])["ndcg@10"] == 1.0


def test_copies_of_one_gold_text_are_found_together_and_never_count_above_one() -> None:
    """Two gold ids that share one text stand at one rank: finding it first is a perfect ranking."""
    figures = retrieval_figures([rank([{"a", "copy"}], {"a", "copy"})])
    assert figures["ndcg@10"] == 1.0


def test_figures_of_nothing_are_nothing() -> None:
    assert retrieval_figures([]) == {"n": 0, "r@1": 0.0, "r@5": 0.0, "r@10": 0.0, "mrr@10": 0.0, "ndcg@10": 0.0}


@pytest.mark.parametrize(
    ("values", "q", "value"),
    [
        ([], 0.5, 0.0),
        ([7.0], 0.95, 7.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0),
        (list(map(float, range(1, 101))), 0.95, 95.0),
        (list(map(float, range(1, 21))), 0.95, 19.0),
        ([1.0, 2.0], 1.0, 2.0),
        ([1.0, 2.0], 0.0, 1.0),
        ([1.23456], 0.5, 1.23),
    ],
)
def test_percentile_by_nearest_rank(values: list[float], q: float, value: float) -> None:
    assert percentile(values, q) == value


def test_share() -> None:
    assert (share([]), share([True, False, False]), share([True])) == (0.0, 0.3333, 1.0)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("近250萬輛的整車產量", "250万辆"),
        ("索賠高達80億美元", "80 亿美元"),
        ("產銷1,490.7萬輛", "1490.7萬輛"),
        ("“歡迎中國企業來美國建廠”", "「欢迎中国企业来美国建厂」"),
        ("Vera Rubin架構", "vera rubin"),
        ("ＣＥＳ２０２６", "CES 2026"),
        ("首席執行長張學征(同時也是…)", "張學征（同時"),
    ],
)
def test_a_text_holds_a_form_in_any_script_width_and_quotation(text: str, form: str) -> None:
    assert holds(text, form)


@pytest.mark.parametrize(
    ("text", "form"),
    [("250萬輛", "350萬輛"), ("甲", ""), ("", "甲"), ("甲", " 、"), ("1.5萬", "15萬"), ("25%", "2.5%")],
)
def test_a_text_does_not_hold_what_is_not_there(text: str, form: str) -> None:
    assert not holds(text, form)


def test_comparable_drops_what_does_not_matter_and_nothing_else() -> None:
    assert comparable("「甲、乙」 (丙),1,000.5%!") == "甲乙丙1000.5%!"
    assert comparable("\ud800甲") == "\ufffd甲"


BODY = "重慶產量近250萬輛。合肥產量124萬輛。"


def question(answerable: bool = True, kind: str = "figure") -> EvalQuestion:
    gold = (GoldSpan("a", 0, 11),) if answerable else ()
    words = (("250萬輛", "2.5百萬輛"), ("重慶",)) if answerable else ()
    return EvalQuestion("q", "重慶?", kind, "zh-TW", answerable, gold, words, ())


def response(*spans: tuple[int, int], answer: str = "", quote: str | None = None) -> dict[str, object]:
    citations = [
        {"article_id": "a", "start": s, "end": e, "quote": BODY[s:e] if quote is None else quote} for s, e in spans
    ]
    return {"answer": answer, "grounded": bool(spans), "citations": citations, "confidence": 0.5}


def test_a_right_answer_is_judged_right() -> None:
    outcome = judge(question(), response((0, 11), answer="重慶產量近250萬輛。[1]"), {"a": BODY}, 12.0)
    assert (outcome.refused, outcome.held, outcome.first, outcome.located) == (False, True, True, True)
    assert (outcome.verbatim, outcome.citations, outcome.length, outcome.milliseconds) == (1, 1, 11, 12.0)


def test_words_held_over_two_citations_are_held_but_the_wrong_sentence_first_is_not() -> None:
    outcome = judge(question(), response((11, 21), (0, 11)), {"a": BODY}, 1.0)
    assert (outcome.held, outcome.first, outcome.located) == (True, False, True)


def test_a_wrong_sentence_is_judged_wrong() -> None:
    outcome = judge(question(), response((11, 21)), {"a": BODY}, 1.0)
    assert (outcome.held, outcome.first, outcome.located) == (False, False, False)


def test_a_changed_quote_is_not_verbatim() -> None:
    assert judge(question(), response((0, 11), quote="重庆产量近250万辆。"), {"a": BODY}, 1.0).verbatim == 0


def test_a_refusal_is_right_only_where_there_is_no_answer() -> None:
    outcome = judge(question(), response(), {}, 1.0)
    assert (outcome.refused, outcome.held, outcome.first, outcome.located) == (True, False, False, False)
    assert judge(question(answerable=False), response(), {}, 1.0).refused


def test_figures_of_the_own_set_worked_out_by_hand() -> None:
    bodies = {"a": BODY}
    outcomes = [
        judge(question(), response((0, 11), answer="重慶產量近250萬輛。[1]"), bodies, 10.0),
        judge(question(kind="why"), response((11, 21), answer="很長的回答[1]"), bodies, 20.0),
        judge(question(), response(), bodies, 30.0),
        judge(question(answerable=False), response(), bodies, 40.0),
        judge(question(answerable=False), response((0, 11), quote="改"), bodies, 50.0),
    ]
    assert own_figures(outcomes) == {
        "n": 5,
        "answerable": 3,
        "gold_words_held": 0.3333,
        "first_citation": 0.3333,
        "gold_span_cited": 0.3333,
        "wrongly_refused": 0.3333,
        "unanswerable": 2,
        "refused": 0.5,
        "citations": 3,
        "verbatim": 0.6667,
        "factual_length": 11.0,
        "p50_ms": 30.0,
        "p95_ms": 50.0,
    }
