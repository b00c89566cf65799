import json
from pathlib import Path

import numpy as np
import pytest

from eval.growth import grown, main, repeated
from indexer.snapshot import Snapshot


def test_a_repeated_index_scores_every_copy_alike(snapshot: Snapshot) -> None:
    query = {"重庆": 1.0, "/产量": 0.7, "2025": 1.0}
    once, thrice = snapshot.lexical.scores(query), repeated(snapshot.lexical, 3).scores(query)
    assert np.array_equal(thrice, np.tile(once, 3))
    assert once.any()


def test_a_grown_snapshot_holds_every_copy(snapshot: Snapshot) -> None:
    made = grown(snapshot, 2)
    count = len(snapshot.passages)
    assert (len(made.passages), made.vectors.size, len(made.owners)) == (2 * count, 2 * count, 2 * count)
    for row in (0, count - 1, count, 2 * count - 1):
        assert made.articles[made.owners[row]].id == made.passages[row].article_id


def test_sizes_are_measured_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = [f"第{n}篇。重慶2025年整車產量近{n}萬輛。合肥的新能源車產量超過120萬輛。" for n in range(40)]
    news, queries, svg = tmp_path / "news.jsonl", tmp_path / "queries.jsonl", tmp_path / "growth.svg"
    news.write_text("\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in texts), encoding="utf-8")
    queries.write_text(json.dumps({"query": "重慶的整車產量?", "gold": ["1"]}, ensure_ascii=False), encoding="utf-8")
    main(["--news", str(news), "--queries", str(queries), "--sizes", "20", "40", "--svg", str(svg)])
    _, _, small, large = capsys.readouterr().out.splitlines()
    assert small.startswith("| 20 | 0.0 |")
    assert large.startswith("| 40 | 0.0 |")
    assert small.endswith("| 1.0000 |")
    assert "<svg" in svg.read_text(encoding="utf-8")
