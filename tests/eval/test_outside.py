import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from eval.outside import OutsideSetError, read_documents, read_queries, run_outside
from indexer.build import NoArticlesError
from server.settings import Settings

CORPUS = [
    {"id": "d1", "title": "重慶", "text": "重慶2025年生產了250萬輛整車,居全國第一。長安汽車是重慶的支柱。"},
    {"id": "d2", "text": "合肥2025年的新能源汽車產量為124.6萬輛。蔚來的總部在合肥。"},
    {"id": 3, "title": "Waymo", "text": "Waymo uses cars made by Zeekr. 极氪制造了这些出租车。"},
]
QUERIES = [
    {"qid": "q1", "query": "重庆2025年生产了多少辆整车?", "gold": ["d1"], "answers": ["250万辆"]},
    {"qid": "q2", "query": "蔚來的總部在哪個城市?", "gold": ["d2"], "answers": ["合肥"]},
    {"qid": "q3", "query": "台積電2024年的營收是多少?", "gold": [], "answers": [], "answerable": False},
]
DISTRACTORS = [{"text": "今天的天氣很好。"}, {"id": "x", "text": "足球比賽三比一結束。"}, {"text": "不該讀到這一行"}]


def written(file: Path, rows: list[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file.write_bytes(lzma.compress(text.encode()) if file.suffix == ".xz" else text.encode())
    return file


@pytest.fixture(params=[".jsonl", ".jsonl.xz"])
def outside(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path, Path]:
    ending = request.param
    return (
        written(tmp_path / f"corpus{ending}", CORPUS),
        written(tmp_path / f"queries{ending}", QUERIES),
        written(tmp_path / f"others{ending}", DISTRACTORS),
    )


def run(corpus: Path, queries: Path, distractors: str | None) -> dict[str, Any]:
    return run_outside(corpus, queries, distractors, Settings(), lambda done, total: None)


def test_a_small_outside_set_gives_exactly_the_figures_of_the_contract(outside: tuple[Path, Path, Path]) -> None:
    corpus, queries, others = outside
    document = run(corpus, queries, f"{others}:2")
    assert {group: list(figures) for group, figures in document.items()} == {
        "retrieval": ["n", "r@1", "r@5", "r@10", "mrr@10", "ndcg@10"],
        "answer": ["n", "sentence_accuracy", "answer_contained"],
        "refusal": ["n_unanswerable", "refused", "n_answerable", "wrongly_refused"],
        "timing": ["index_s", "chars", "query_p50_ms", "query_p95_ms", "rss_mb"],
    }
    assert document["retrieval"] == {"n": 2, "r@1": 1.0, "r@5": 1.0, "r@10": 1.0, "mrr@10": 1.0, "ndcg@10": 1.0}
    assert document["answer"]["n"] == 2
    assert (document["refusal"]["n_unanswerable"], document["refusal"]["n_answerable"]) == (1, 2)
    texts = [row["text"] for row in CORPUS + DISTRACTORS[:2]]
    assert document["timing"]["chars"] == sum(map(len, texts))
    assert document["timing"]["index_s"] >= 0
    assert 0 < document["timing"]["query_p50_ms"] <= document["timing"]["query_p95_ms"]
    assert document["timing"]["rss_mb"] > 10


def test_without_a_count_all_distractors_are_read(outside: tuple[Path, Path, Path]) -> None:
    corpus, queries, others = outside
    assert run(corpus, queries, str(others))["timing"]["chars"] == sum(len(row["text"]) for row in CORPUS + DISTRACTORS)


def test_none_of_the_distractors(outside: tuple[Path, Path, Path]) -> None:
    corpus, queries, others = outside
    expected = sum(len(row["text"]) for row in CORPUS)
    assert (
        run(corpus, queries, f"{others}:0")["timing"]["chars"]
        == run(corpus, queries, None)["timing"]["chars"]
        == expected
    )


def test_a_document_that_comes_twice_counts_under_both_ids(tmp_path: Path) -> None:
    corpus = written(tmp_path / "corpus.jsonl", [*CORPUS, CORPUS[1] | {"id": "copy"}])
    queries = written(tmp_path / "queries.jsonl", [QUERIES[1] | {"gold": ["copy"]}])
    assert run(corpus, queries, None)["retrieval"]["r@1"] == 1.0


def test_hidden_characters_and_long_queries_are_survived(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text('{"id": "s", "text": "\\ud800重慶\\u0000。"}\n{"id": "e", "text": " "}\n\n{"text": "沒有 id"}\n')
    queries = tmp_path / "queries.jsonl"
    queries.write_text(
        json.dumps({"query": "重慶" * 600, "gold": ["s"]}) + "\n" + '{"query": "\\udfff\\u0000", "answerable": false}\n'
    )
    document = run(corpus, queries, None)
    assert (document["retrieval"]["n"], document["refusal"]["n_unanswerable"]) == (1, 1)


@pytest.mark.parametrize(
    ("row", "answerable"),
    [
        ({"query": "x", "gold": ["d1"]}, True),
        ({"query": "x", "answers": ["y"]}, True),
        ({"query": "x"}, False),
        ({"query": "x", "gold": [], "answers": []}, False),
        ({"query": "x", "answerable": True}, True),
        ({"query": "x", "gold": ["d1"], "answers": ["y"], "answerable": False}, False),
        ({"query": "x", "gold": None, "answers": None}, False),
    ],
)
def test_which_queries_can_be_answered(tmp_path: Path, row: dict[str, Any], answerable: bool) -> None:
    (query,) = read_queries(written(tmp_path / "queries.jsonl", [row]))
    assert query.answerable is answerable


@pytest.mark.parametrize(
    ("content", "line"),
    [
        pytest.param(b'{"query": "x"}\n{"q": "x"}\n', 2, id="no query"),
        pytest.param(b'{"query": "x"}\n{"query": " "}\n', 2, id="blank query"),
        pytest.param(b'{"query": "x"}\n{"query": 5}\n', 2, id="query a number"),
        pytest.param(b'{"query": "x"}\n\n[1]\n', 3, id="no object"),
        pytest.param(b'{"query": "x"}\n{\n', 2, id="half JSON"),
        pytest.param(b'{"query": "\xff"}\n', 1, id="not UTF-8"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, line: int) -> None:
    file = tmp_path / "queries.jsonl"
    file.write_bytes(content)
    with pytest.raises(OutsideSetError) as caught:
        read_queries(file)
    assert str(caught.value).startswith(f"{file}:{line}: ")


@pytest.mark.parametrize("keep", [0, 10, -8], ids=["empty", "cut in the header", "cut at the end"])
def test_a_damaged_archive_is_named(tmp_path: Path, keep: int) -> None:
    file = written(tmp_path / "corpus.jsonl.xz", CORPUS * 50)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(OutsideSetError, match=r"corpus\.jsonl\.xz"):
        list(read_documents(file))


def test_a_corpus_of_nothing_is_refused(tmp_path: Path) -> None:
    corpus = written(tmp_path / "corpus.jsonl", [{"id": "e", "text": " "}])
    with pytest.raises(NoArticlesError):
        run(corpus, written(tmp_path / "queries.jsonl", QUERIES), None)
