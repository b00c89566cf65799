"""The benchmark's own side; the other frameworks are installed only when it is run."""

import json
from pathlib import Path

import pytest

from eval.bench import REQUIREMENTS, main, table
from eval.bench_system import SYSTEMS, reciprocal_ranks

DOCUMENTS = ["重慶2025年整車產量近250萬輛。", "合肥的新能源車產量超過120萬輛。", "歐盟對中國電動車加徵關稅。"]
QUERIES = [("重庆的整车产量是多少?", "0"), ("欧盟的关税", "2")]


def test_yewen_is_measured_as_the_others_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus, queries = tmp_path / "corpus.jsonl", tmp_path / "queries.jsonl"
    documents = [{"id": str(number), "text": text} for number, text in enumerate(DOCUMENTS)]
    asked = [{"qid": query, "query": query, "gold": [gold]} for query, gold in QUERIES]
    for file, rows in ((corpus, documents), (queries, asked)):
        file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    main(["--corpus", str(corpus), "--queries", str(queries), "--systems", "yewen", "yewen-reranked"])
    *_, fused, reranked = capsys.readouterr().out.splitlines()
    assert fused.startswith("| yewen |")
    assert "(× 1)" in fused
    assert fused.endswith("| 1.000 | 1.000 |")
    assert reranked.endswith("| 1.000 | 1.000 |")


def test_ratios_are_to_yewen() -> None:
    row = {"build_s": 1.0, "p50_ms": 2.0, "p95_ms": 3.0, "rss_mb": 4.0, "r@1": 0.5, "r@5": 1.0}
    lines = table({"other": {**row, "p50_ms": 5.0}, "yewen": row}).splitlines()
    assert lines[2] == "| other | 1 (× 1) | 5 (× 2.5) | 3 (× 1) | 4 (× 1) | 0.500 | 1.000 |"


def test_every_other_system_has_its_packages() -> None:
    assert {name for name in SYSTEMS if not name.startswith("yewen")} == REQUIREMENTS.keys()


def test_what_both_orders_hold_comes_first() -> None:
    assert reciprocal_ranks([1, 2, 3], [4, 2]) == [2, 1, 4, 3]
