import json
from pathlib import Path

import pytest

from eval.parts import main

DOCUMENTS = [
    {"id": "1", "text": "重慶2025年整車產量近250萬輛。"},
    {"id": "2", "text": "合肥的新能源車產量超過120萬輛。"},
    {"id": "3", "text": "歐盟對中國電動車加徵關稅。"},
]
QUERIES = [
    {"qid": "a", "query": "重庆的整车产量是多少?", "gold": ["1"], "answers": ["250萬"]},
    {"qid": "b", "query": "欧盟的关税", "gold": ["3"], "answers": ["關稅"]},
    {"qid": "c", "query": "今天天氣如何?", "gold": [], "answers": []},
]


def test_each_part_of_the_retriever_is_measured_on_the_queries_with_gold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, rows in (("corpus", DOCUMENTS), ("queries", QUERIES)):
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    main(["--corpus", str(tmp_path / "corpus.jsonl"), "--queries", str(tmp_path / "queries.jsonl")])
    *rows, same = capsys.readouterr().out.splitlines()
    table = {part.rstrip(): figures.split() for part, figures in ((line[:24], line[24:]) for line in rows)}
    scripts = ["reranked, zh-CN", "reranked, zh-HK", "reranked, zh-TW"]
    assert [*table][:5] == ["lexical", "dense", "fused, without concepts", "fused", "reranked"]
    assert sorted([*table][5:]) == scripts
    assert all(table[part][:4] == ["n", "2", "r@1", "1.0"] for part in ("lexical", "fused", "reranked", *scripts))
    assert same == "the same first passage in every script: 1.0000"
