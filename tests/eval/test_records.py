import json
from pathlib import Path

import pytest

from eval.questions import GoldSpan
from eval.records import RunFileError, read_records, record_document, span_f1, stands_on, statements
from tests.eval.asked import BODY, FIRST, SECOND, hit, judged, question, response


def test_a_right_answer_is_judged_right() -> None:
    record = judged(question(), response(FIRST), [hit(0, 21)], 12.0)
    assert record.right
    assert (record.refused, record.confidence, record.ms) == (False, 0.5, 12.0)
    assert (record.gold, record.cited, record.on_gold) == (("重慶產量近250萬輛。",), ("重慶產量近250萬輛。",), (True,))
    assert {name: value for name, value in record.values.items() if "@" not in name} == {
        "gold_words_held": 1.0,
        "gold_words_share": 1.0,
        "first_citation": 1.0,
        "gold_span_cited": 1.0,
        "exact": 1.0,
        "span_f1": 1.0,
        "citation_precision": 1.0,
        "citation_recall": 1.0,
        "verbatim": 1.0,
        "wrongly_refused": 0.0,
        "right_region": 1.0,
        "right_characters": 1.0,
    }


def test_words_held_over_two_citations_are_held_but_the_wrong_sentence_first_is_not() -> None:
    values = judged(question(), response(SECOND, FIRST)).values
    assert (values["gold_words_held"], values["first_citation"], values["gold_span_cited"]) == (1.0, 0.0, 1.0)
    assert (values["citation_precision"], values["citation_recall"], values["exact"]) == (0.5, 0.5, 1.0)
    assert values["span_f1"] == round(2 * 11 / (21 + 11), 4)


def test_one_of_two_groups_of_words_is_half_of_them_and_not_all() -> None:
    values = judged(question(), response((0, 4))).values
    assert (values["gold_words_share"], values["gold_words_held"], values["exact"]) == (0.5, 0.0, 0.0)
    assert values["span_f1"] == round(2 * 4 / (4 + 11), 4)


def test_a_wrong_sentence_is_judged_wrong() -> None:
    record = judged(question(), response(SECOND))
    assert not record.right
    assert [record.values[n] for n in ("gold_words_held", "first_citation", "gold_span_cited", "span_f1")] == [0.0] * 4


def test_a_changed_quote_is_not_verbatim() -> None:
    assert judged(question(), response(FIRST, quote="重庆产量近250万辆。")).values["verbatim"] == 0.0


def test_a_refusal_is_right_only_where_there_is_no_answer() -> None:
    refused = judged(question(), response(answer="沒有"))
    assert (refused.right, refused.values["wrongly_refused"], refused.values["refusal_precision"]) == (False, 1.0, 0.0)
    assert "citation_precision" not in refused.values, "a rate over citations counts what was answered"
    other = judged(question(answerable=False), response(answer="沒有"))
    assert (other.right, other.values["refused"], other.values["refusal_precision"]) == (True, 1.0, 1.0)


def test_the_region_and_the_characters_of_an_answer_are_told_apart() -> None:
    values = judged(question(script="zh-HK"), response(FIRST)).values
    assert (values["right_region"], values["right_characters"]) == (0.0, 1.0)
    values = judged(question(script="zh-CN"), response(FIRST, script="zh-CN")).values
    assert (values["right_region"], values["right_characters"]) == (1.0, 0.0)


def test_a_statement_without_a_citation_on_gold_is_not_borne_out() -> None:
    record = judged(question(), response(FIRST, SECOND, answer="重慶多。[1]合肥少。[2]兩地都有。[1][2]另外說一句"))
    assert statements(record.answer) == [
        ("重慶多。", (1,)),
        ("合肥少。", (2,)),
        ("兩地都有。", (1, 2)),
        ("另外說一句", ()),
    ]
    assert (record.values["citation_recall"], record.values["citation_precision"]) == (0.5, 0.5)


def test_passages_and_sentences_are_ranked_in_the_order_they_were_found_in() -> None:
    """The second passage holds both sentences; the one with more matched characters stands first in it."""
    record = judged(question(), response(FIRST), [hit(11, 21), hit(0, 21, (11, 13), (0, 2), (5, 9))])
    assert (record.passage_rank, record.sentence_rank) == (2, 2)
    assert (record.values["passage_r@1"], record.values["passage_r@5"], record.values["passage_mrr@10"]) == (0, 1, 0.5)
    assert record.values["sentence_recall@10"] == 1.0
    best = judged(question(), response(FIRST), [hit(0, 21, (11, 13), (0, 2), (5, 9))])
    assert (best.passage_rank, best.sentence_rank) == (1, 1)
    plain = judged(question(), response(FIRST), [hit(0, 21, (12, 14))])
    assert plain.sentence_rank == 2


def test_what_is_not_found_has_no_rank() -> None:
    record = judged(question(), response(FIRST), [hit(11, 21)])
    assert (record.passage_rank, record.sentence_rank, record.values["passage_ndcg@10"]) == (0, 0, 0.0)


@pytest.mark.parametrize(
    ("place", "stands"),
    [
        pytest.param(("a", 10, 20), True, id="the same"),
        pytest.param(("a", 0, 100), True, id="around it"),
        pytest.param(("a", 12, 14), True, id="inside it"),
        pytest.param(("a", 15, 25), True, id="half"),
        pytest.param(("a", 16, 26), False, id="less than half"),
        pytest.param(("a", 20, 30), False, id="beside it"),
        pytest.param(("b", 10, 20), False, id="another article"),
        pytest.param(("a", 12, 12), False, id="empty"),
    ],
)
def test_where_a_citation_stands_on_a_gold_span(place: tuple[str, int, int], stands: bool) -> None:
    assert stands_on(place, GoldSpan("a", 10, 20)) is stands


def test_f1_asks_only_for_the_gold_spans_that_are_touched() -> None:
    gold = [GoldSpan("a", 0, 10), GoldSpan("b", 0, 10)]
    assert span_f1([("a", 0, 10)], gold) == 1.0
    assert span_f1([("a", 5, 15)], gold) == 0.5
    assert span_f1([("a", 20, 30)], gold) == 0.0


def test_records_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    records = [judged(question(), response(FIRST), [hit(0, 21)]), judged(question(False, id="n"), response())]
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"questions": [record_document(record) for record in records]}), encoding="utf-8")
    assert read_records(file) == records


@pytest.mark.parametrize("content", ["", "[]", '{"figures": {}}', '{"questions": [{"id": "q"}]}', '{"questions": [1]}'])
def test_a_file_of_no_run_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "run.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(RunFileError, match=r"run\.json: not a file that 'yewen eval --json' wrote"):
        read_records(file)


def test_the_body_is_what_the_tests_take_it_for() -> None:
    assert (BODY[slice(*FIRST)], BODY[slice(*SECOND)]) == ("重慶產量近250萬輛。", "合肥產量124萬輛。")
