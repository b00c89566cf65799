import math

import pytest

from eval.measures import MEASURES
from eval.metrics import Operating, curve_area, figures, interval, operating_curve, percentile, share
from eval.records import Record
from tests.eval.asked import FIRST, SECOND, hit, judged, question, response


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


def some() -> list[Record]:
    return [
        judged(question(id="1"), response(FIRST, confidence=0.9), [hit(0, 21)], 10.0),
        judged(question(id="2", kind="why"), response(SECOND, confidence=0.6), [hit(11, 21)], 20.0),
        judged(question(id="3"), response(confidence=0.2), [], 30.0),
        judged(question(False, id="4"), response(confidence=0.1), [], 40.0),
        judged(question(False, id="5"), response(FIRST, quote="改", confidence=0.6), [], 50.0),
    ]


def test_figures_worked_out_by_hand() -> None:
    found = figures(some())
    assert {name: value for name, value in found.items() if "@" not in name} == {
        "n": 5,
        "answerable": 3,
        "unanswerable": 2,
        "gold_words_held": 0.3333,
        "gold_words_share": 0.3333,
        "first_citation": 0.3333,
        "gold_span_cited": 0.3333,
        "exact": 0.5,
        "span_f1": 0.5,
        "citation_precision": 0.5,
        "citation_recall": 0.5,
        "verbatim": 0.6667,
        "refused": 0.5,
        "refusal_precision": 0.5,
        "wrongly_refused": 0.3333,
        "right_region": 1.0,
        "right_characters": 1.0,
        "coverage": 0.6667,
        "citations": 3,
        "refusal_area": round((2 + 1.5 + 1) / 6, 4),
        "factual_length": 11.0,
        "p50_ms": 30.0,
        "p95_ms": 50.0,
    }
    assert (found["passage_r@1"], found["sentence_mrr@10"]) == (0.3333, 0.3333)


def test_every_value_of_a_record_is_a_measure_and_0_to_1() -> None:
    values = [pair for record in some() for pair in record.values.items()]
    assert {name for name, _ in values} <= MEASURES.keys()
    assert all(0 <= value <= 1 and (value in {0, 1} or not MEASURES[name].flag) for name, value in values)


def test_the_operating_curve_goes_from_answering_everything_to_refusing_everything() -> None:
    assert operating_curve(some()) == [
        Operating(0.1, 0.0, 0.0),
        Operating(0.2, 0.5, 0.0),
        Operating(0.6, 0.5, 0.3333),
        Operating(0.9, 1.0, 0.6667),
        Operating(math.inf, 1.0, 1.0),
    ]


def test_without_both_kinds_there_is_no_curve() -> None:
    assert (operating_curve(some()[:3]), curve_area(some()[3:])) == ([], 0.0)


def test_the_interval_of_a_mean_holds_it_and_narrows_with_more_questions() -> None:
    few, many = [0.0, 1.0] * 10, [0.0, 1.0] * 1000
    low, high = interval(few)
    assert 0.25 <= low <= 0.3 <= 0.5 <= 0.7 <= high <= 0.75  # ± 1.96 √(¼/20) = ± .22
    narrow, wide = interval(many)
    assert 0.47 <= narrow <= 0.49 <= 0.51 <= wide <= 0.53
    assert interval(few) == interval(few), "the same every time"
    assert (interval([]), interval([1.0] * 5)) == ((0.0, 0.0), (1.0, 1.0))
