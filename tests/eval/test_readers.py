import json
from pathlib import Path
from typing import Any

import pytest

from eval.outside import Query, read_queries, read_set, run_outside
from eval.readers import OutsideSetError, document_rows, query_rows
from server.settings import Settings

SQUAD = {
    "version": "1.3",
    "data": [
        {
            "title": "重慶",
            "paragraphs": [
                {
                    "context": "重慶2025年生產了250萬輛整車,居全國第一。",
                    "qas": [
                        {
                            "id": "1",
                            "question": "重慶生產了幾輛?",
                            "answers": [{"text": "250萬輛", "answer_start": 9}, {"text": "250萬輛", "answer_start": 9}],
                        },
                        {"id": "2", "question": "重慶的市長是誰?", "answers": [], "is_impossible": True},
                    ],
                },
                {"context": "長安汽車是重慶的支柱。", "qas": []},
            ],
        },
        {
            "paragraphs": [
                {
                    "context": "合肥有蔚來。",
                    "qas": [{"id": 3, "question": "合肥有哪家車企?", "answers": [{"text": "蔚來"}]}],
                }
            ]
        },
    ],
}
CRUD = {
    "event_summary": [{"ID": "x", "text": "不是問答"}],
    "questanswer_1doc": [
        {
            "ID": "a",
            "event": "車",
            "news1": "重慶生產了250萬輛。",
            "questions": "重慶生產了幾輛?",
            "answers": "250萬輛。",
        }
    ],
    "questanswer_2docs": [
        {
            "ID": "b",
            "news1": "合肥有蔚來。",
            "news2": "蕪湖有奇瑞。",
            "questions": "兩市各有誰?",
            "answers": "蔚來;奇瑞",
        }
    ],
}


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture
def squad(tmp_path: Path) -> Path:
    file = tmp_path / "drcd_dev.json"
    file.write_text(json.dumps(SQUAD, ensure_ascii=False), encoding="utf-8")
    return file


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "t2"
    (folder / "qrels").mkdir(parents=True)
    documents = [{"_id": "d1", "title": "重慶", "text": "生產了250萬輛。"}, {"_id": "d2", "text": "合肥有蔚來。"}]
    (folder / "corpus.jsonl").write_text(lines(*documents), encoding="utf-8")
    queries = [{"_id": str(n), "text": text} for n, text in enumerate(["重慶的產量?", "蔚來在哪?", "沒有判斷的"])]
    (folder / "queries.jsonl").write_text(lines(*queries), encoding="utf-8")
    head = "query-id\tcorpus-id\tscore\n"
    (folder / "qrels" / "test.tsv").write_text(head + '0\td1\t2\n0\td2\t0\n1\td2\t1\n1\t"d\t1\n', encoding="utf-8")
    (folder / "qrels" / "dev.tsv").write_text(head + "1\td2\t1\n", encoding="utf-8")
    return folder


def test_squad_paragraphs_are_documents_and_its_questions_know_theirs(squad: Path) -> None:
    assert [row for _, row in document_rows(squad)] == [
        {"id": "0-0", "title": "重慶", "text": "重慶2025年生產了250萬輛整車,居全國第一。"},
        {"id": "0-1", "title": "重慶", "text": "長安汽車是重慶的支柱。"},
        {"id": "1-0", "title": "", "text": "合肥有蔚來。"},
    ]
    assert read_queries(squad) == [
        Query("1", "重慶生產了幾輛?", frozenset({"0-0"}), ("250萬輛",), True),
        Query("2", "重慶的市長是誰?", frozenset(), (), False),
        Query("3", "合肥有哪家車企?", frozenset({"1-0"}), ("蔚來",), True),
    ]


def test_a_beir_folder_is_read_with_its_test_judgements(beir: Path) -> None:
    _, ids = read_set(beir, None)
    assert set().union(*ids.values()) == {"d1", "d2"}
    assert read_queries(beir) == [
        Query("0", "重慶的產量?", frozenset({"d1"}), (), True),
        Query("1", "蔚來在哪?", frozenset({"d2", '"d'}), (), True),
    ]


def test_other_judgements_of_a_beir_folder_are_named(beir: Path) -> None:
    assert [query.id for query in read_queries(beir / "qrels" / "dev.tsv")] == ["1"]


def test_the_news_of_crud_are_documents_and_all_of_a_question_are_its_gold(tmp_path: Path) -> None:
    file = tmp_path / "split_merged.json"
    file.write_text(json.dumps(CRUD, ensure_ascii=False), encoding="utf-8")
    assert [(row["id"], row["text"]) for _, row in document_rows(file)] == [
        ("questanswer_1doc a news1", "重慶生產了250萬輛。"),
        ("questanswer_2docs b news1", "合肥有蔚來。"),
        ("questanswer_2docs b news2", "蕪湖有奇瑞。"),
    ]
    assert [(query.gold, query.answers) for query in read_queries(file)] == [
        ({"questanswer_1doc a news1"}, ("250萬輛。",)),
        ({"questanswer_2docs b news1", "questanswer_2docs b news2"}, ("蔚來;奇瑞",)),
    ]


def test_one_published_file_runs_as_both_corpus_and_queries(squad: Path) -> None:
    document = run_outside(squad, squad, None, Settings(), lambda done, total: None)
    assert document["retrieval"] == {"n": 2, "r@1": 1.0, "r@5": 1.0, "r@10": 1.0, "mrr@10": 1.0, "ndcg@10": 1.0}
    assert (document["answer"]["n"], document["refusal"]["n_unanswerable"]) == (2, 1)


def test_a_beir_folder_runs(beir: Path) -> None:
    assert run_outside(beir, beir, None, Settings(), lambda done, total: None)["retrieval"]["r@1"] == 1.0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("{", "not JSON", id="half JSON"),
        pytest.param("[]", "neither SQuAD-style", id="a list"),
        pytest.param('{"data": {}}', "neither SQuAD-style", id="data an object"),
        pytest.param('{"data": [{"title": "x"}]}', "KeyError 'paragraphs'", id="no paragraphs"),
        pytest.param('{"data": [{"paragraphs": [{"context": "x"}]}]}', "after .*paragraph 0-0: KeyError", id="no qas"),
        pytest.param('{"questanswer_1doc": [{"ID": "7"}]}', "KeyError 'questions'", id="a question of CRUD without it"),
        pytest.param('{"questanswer_1doc": ["x"]}', "AttributeError", id="CRUD of texts"),
    ],
)
def test_a_published_file_that_breaks_the_form_is_named(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "set.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(OutsideSetError, match=said) as caught:
        list(query_rows(file))
    assert "set.json" in str(caught.value)


@pytest.mark.parametrize("line", ["0 d1 1", "0\td1\tgood", "0\td1"], ids=["blanks", "no number", "no score"])
def test_a_judgement_that_cannot_be_read_is_named_with_its_line(beir: Path, line: str) -> None:
    (beir / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n1\td2\t1\n{line}\n", encoding="utf-8")
    with pytest.raises(OutsideSetError, match=r"test\.tsv:3: a judgement needs"):
        list(query_rows(beir))
