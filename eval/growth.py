"""How build time, size, speed and recall grow with the number of passages.

    python -m eval.growth --news FILE --queries FILE [--sizes 1000 10000 100000 1000000] [--most N] [--svg FILE]

FILE of ``--news``: JSON Lines with ``text``, packed or not. Sizes up to 200,000 are built from its articles; beyond,
that index is laid end to end as often as needed, with each copy's vectors moved a little, so that searching is
real though indexing is not (there is no build time then). Recall: the share of the 60 exact nearest vectors that the
vector index finds.
"""

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from eval.metrics import percentile
from eval.outside import read_documents, read_queries
from eval.plots import bars, standalone
from indexer.articles import Article
from indexer.build import build_index
from indexer.encoder import BUILT_IN, load_encoder
from indexer.lexical import LexicalIndex
from indexer.passages import build_passages
from indexer.snapshot import Snapshot, open_snapshot
from indexer.vectors import VectorIndex
from retriever import HITS, Retriever, analyse_question
from retriever.retrieve import CANDIDATES

SIZES = (1_000, 10_000, 100_000, 1_000_000)
BUILT = 200_000  # passages at most that are really indexed
MOVED = 0.02  # standard deviation of what is added to each number of a copied vector; a vector's length is 1
SEED = 20_261_125
MORE = Article("more", "", "重慶2025年整車產量近250萬輛。合肥的新能源車產量超過120萬輛。", "", "")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Size:
    """What was measured of one size; ``built`` and ``megabytes`` are None where the index was not built.

    ``built``: how many seconds it takes to build it, to open it, to add one more article, and to open it with that.
    """

    passages: int
    characters: int
    built: tuple[float, ...] | None
    megabytes: float | None
    p50_ms: float
    p95_ms: float
    vectors_p50_ms: float
    recall: float


def repeated(lexical: LexicalIndex, times: int) -> LexicalIndex:
    """The index of the same texts over and over. The rarity of terms stays, as their share of the texts does."""
    frequency = np.diff(lexical.starts)
    shift = np.arange(times, dtype=np.int32) * lexical.size
    within = np.arange(len(lexical.passages)) - np.repeat(lexical.starts[:-1], frequency)
    places = np.repeat(lexical.starts[:-1] * times, frequency) + within
    passages = np.empty(len(lexical.passages) * times, np.int32)
    impacts, counts = np.empty(len(passages), np.float32), np.empty(len(passages), lexical.counts.dtype)
    for copy in range(times):
        at = places + copy * np.repeat(frequency, frequency)
        passages[at], impacts[at], counts[at] = lexical.passages + shift[copy], lexical.impacts, lexical.counts
    return replace(
        lexical,
        starts=lexical.starts * times,
        passages=passages,
        impacts=impacts,
        counts=counts,
        lengths=np.tile(lexical.lengths, times),
    )


def grown(snapshot: Snapshot, times: int) -> Snapshot:
    """A snapshot of the same articles over and over, in memory."""
    rng = np.random.default_rng(SEED)
    vectors = snapshot.vectors.rows(np.arange(snapshot.vectors.size))
    copies = [vectors]
    for _ in range(times - 1):
        moved = vectors + rng.normal(0, MOVED, vectors.shape).astype(np.float32)
        copies.append(moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9))
    made = Snapshot(
        list(snapshot.articles) * times,
        list(snapshot.passages) * times,
        repeated(snapshot.lexical, times),
        repeated(snapshot.article_lexical, times),
        VectorIndex.build(np.concatenate(copies)),
        snapshot.manifest,
    )
    step = len(snapshot.articles)
    made.__dict__["owners"] = np.concatenate([snapshot.owners + copy * step for copy in range(times)])
    return made


def ask(snapshot: Snapshot, questions: Sequence[str]) -> tuple[list[float], list[float], float]:
    """Milliseconds of each search, of its vector part alone, and the vector index's recall."""
    encoder = load_encoder(BUILT_IN)
    retriever = Retriever(snapshot, encoder)
    retriever.retrieve(analyse_question(questions[0]), HITS)
    whole, part = [], []
    for question in questions:
        began = time.perf_counter()
        retriever.retrieve(analyse_question(question), HITS)
        whole.append((time.perf_counter() - began) * 1000)
    queries = encoder.encode_queries(questions)
    found = []
    for query in queries:
        began = time.perf_counter()
        found.append(snapshot.vectors.search(query, CANDIDATES))
        part.append((time.perf_counter() - began) * 1000)
    exact = VectorIndex.exact(snapshot.vectors.rows(np.arange(snapshot.vectors.size)))
    hit = [np.isin(exact.search(query, CANDIDATES), rows).mean() for rows, query in zip(found, queries, strict=True)]
    return whole, part, float(np.mean(hit))


def measure(news: Path, questions: Sequence[str], sizes: Sequence[int]) -> list[Size]:
    """Measure every size."""
    articles, counts = [], [0]
    for number, (_, article) in enumerate(read_documents(news)):
        if counts[-1] >= max((size for size in sizes if size <= BUILT), default=BUILT):
            break
        articles.append(replace(article, id=str(number)))
        counts.append(counts[-1] + len(build_passages(article)))
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            enough = next((n for n, count in enumerate(counts) if count >= size), len(articles))
            measured.append(_one(Path(folder) / str(size), articles[:enough], size, questions))
            print(row(measured[-1]), flush=True)
            gc.collect()
    return measured


def _one(folder: Path, articles: Sequence[Article], size: int, questions: Sequence[str]) -> Size:
    seconds: list[float] = []

    def timed(do: Callable[[], T]) -> T:
        began = time.perf_counter()
        done = do()
        seconds.append(time.perf_counter() - began)
        return done

    manifest, _ = timed(lambda: build_index(folder, articles, load_encoder(BUILT_IN)))
    snapshot = timed(lambda: open_snapshot(folder))
    megabytes: float | None = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6
    times = round(size / manifest.passages)
    if times > 1:
        snapshot, megabytes = grown(snapshot, times), None
    else:
        timed(lambda: build_index(folder, [*articles, MORE], load_encoder(BUILT_IN)))
        timed(lambda: open_snapshot(folder))
    whole, part, recall = ask(snapshot, questions)
    characters = sum(len(article.body) for article in articles) * max(times, 1)
    return Size(
        len(snapshot.passages),
        characters,
        tuple(seconds) if megabytes else None,
        megabytes,
        percentile(whole, 0.5),
        percentile(whole, 0.95),
        percentile(part, 0.5),
        recall,
    )


def row(size: Size) -> str:
    """One row of the table."""
    figures = (*(size.built or [None] * 4), size.megabytes)
    built = ["–" if figure is None else f"{figure:.2f}" if figure < 1 else f"{figure:.1f}" for figure in figures]
    return (
        f"| {size.passages:,} | {size.characters / 1e6:.1f} | {' | '.join(built)} | {size.p50_ms:.1f} | "
        f"{size.p95_ms:.1f} | {size.vectors_p50_ms:.2f} | {size.recall:.4f} |"
    )


HEAD = (
    "| passages | million characters | build, s | open, s | one article more, s | open that, s | on disk, MB | p50, ms "
    "| p95, ms | vectors alone, p50, ms | recall |\n|---|---|---|---|---|---|---|---|---|---|---|"
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--news", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--most", type=int, default=200, help="questions to ask")
    parser.add_argument("--svg", type=Path, help="also draw how long a search takes")
    options = parser.parse_args(arguments)
    questions = [query.text for query in read_queries(options.queries)][: options.most]
    print(HEAD, flush=True)
    measured = measure(options.news, questions, options.sizes)
    if options.svg:
        names = [f"{size.passages:,}" for size in measured]
        series = [("p50", [size.p50_ms for size in measured]), ("p95", [size.p95_ms for size in measured])]
        options.svg.write_text(standalone(bars("A search", names, series, "passages", "ms")), encoding="utf-8")


if __name__ == "__main__":
    main()
