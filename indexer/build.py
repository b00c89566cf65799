"""From articles to a live snapshot."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path

import numpy as np

from indexer.articles import Article
from indexer.encoder import Encoder
from indexer.engines import Engine, open_engine
from indexer.heads import Head, heads_of, key_of
from indexer.lexical import LexicalIndex, build_lexical, combine_lexical
from indexer.passages import OVERLAP, SIZE, Passage, build_passages
from indexer.snapshot import (
    FORMAT,
    Contents,
    Manifest,
    Snapshot,
    SnapshotError,
    make_live,
    open_snapshot,
    read_base,
    read_manifest,
    undamaged,
    write_snapshot,
    writing,
)
from indexer.vectors import VectorIndex, Vectors, WrittenVectors
from language import analysis
from language.analysis import list_terms, merge_terms

BATCH = 2048  # passages encoded at once
CHUNK = 16_384  # sentences analysed at once
CHANGED_FROM = 5_000  # passages of a snapshot from which on a change on it is written; a smaller one is written soon
CHANGED_MOST = 0.1  # of them that a change may add and remove

Progress = Callable[[str, int, int], None]


class NoArticlesError(ValueError):
    """There is nothing to index."""


def fingerprint(articles: Sequence[Article | Head], encoder: Encoder, size: int = SIZE) -> str:
    """What a snapshot of these articles is built from: equal fingerprints give equal snapshots."""
    parts = [str(FORMAT), analysis.fingerprint(), encoder.identity, f"{size}/{OVERLAP}"]
    parts += ["\t".join((a.id, a.source, a.industry, a.date, a.url)) for a in articles]
    return sha256("\n".join(parts).encode()).hexdigest()


def passage_text(article: Article, passage: Passage) -> str:
    """What is searched of a passage: its context (title, heading) and its own words."""
    return f"{passage.context}\n{article.body[passage.start : passage.end]}"


def build_index(
    index: Path,
    articles: Sequence[Article],
    encoder: Encoder,
    progress: Progress = lambda stage, done, total: None,
    *,
    store: str = "faiss",
    milvus_uri: str = "",
    engine: str = "local",
    size: int = SIZE,
) -> tuple[Manifest, bool]:
    """Make a snapshot of ``articles`` the live one; returns its manifest and whether anything had to be built.

    Terms and vectors of articles that the live snapshot already has are taken from it; the result is that of building
    anew, but for the rounding of vectors that were kept as float16. Where little of a large snapshot changes
    (``CHANGED_FROM``, ``CHANGED_MOST``) a change on it is written, at the cost of what changes. ``store`` is ``faiss``
    or ``milvus``, ``engine`` one of :data:`indexer.engines.ENGINES`; ``size`` is what a passage aims at, in characters.

    Raises:
        NoArticlesError: ``articles`` is empty.
        SnapshotError: Milvus is the store and cannot take the vectors.
        EngineError: the engine cannot run.
        OSError: the disk failed; the live snapshot stays as it was.
    """
    return update_index(
        index,
        lambda: articles,
        encoder,
        progress,
        store=store,
        milvus_uri=milvus_uri,
        engine=engine,
        size=size,
    )


def update_index(
    index: Path,
    choose: Callable[[], Iterable[Article]],
    encoder: Encoder,
    progress: Progress = lambda stage, done, total: None,
    *,
    store: str = "faiss",
    milvus_uri: str = "",
    engine: str = "local",
    size: int = SIZE,
) -> tuple[Manifest, bool]:
    """As :func:`build_index`, of the articles that ``choose`` names once nobody else is writing.

    What it takes from :func:`indexer.snapshot.live_articles` nobody changes before the new snapshot is live.
    """
    with writing(index):
        articles = list({article.id: article for article in choose()}.values())
        if not articles:
            raise NoArticlesError("there are no articles to index")
        wanted = fingerprint(articles, encoder, size)
        store_vectors = _store(store, milvus_uri, index)
        manifest = read_manifest(index)
        current = manifest is not None and manifest.built_from == wanted and manifest.store == store
        if store == "faiss" and not current:
            change = _change(index, articles, wanted, encoder, size, engine=engine, progress=progress)
            if change is not None:
                return change, True
        live = _reusable(index, milvus_uri)
        if live is not None and current:
            return live.manifest, False
        alike = live is not None and live.manifest.built_from == fingerprint(live.articles, encoder, size)
        contents, vectors = _made(articles, encoder, live, size, alike=alike, engine=engine, progress=progress)
        stored = store_vectors(vectors)
        manifest = write_snapshot(index, wanted, encoder, contents, stored)
        stored.tidy(index)
        return manifest, True


def _change(
    index: Path,
    articles: Sequence[Article],
    wanted: str,
    encoder: Encoder,
    size: int,
    *,
    engine: str,
    progress: Progress,
) -> Manifest | None:
    """Make a change on the live snapshot, or on its base, the live one; None where the whole is to be written."""
    base = read_base(index)
    if base is None or base.manifest.built_from != fingerprint(base.heads, encoder, size):
        return None
    if base.manifest.built_from == wanted:
        if not undamaged(index, base.manifest):
            return None
        make_live(index, base.manifest.id)
        return base.manifest
    held, there = {key_of(head) for head in base.heads}, {key_of(article) for article in articles}
    new = [article for article in articles if key_of(article) not in held]
    added = sum(len(article.body) for article in new) // size  # passages, about
    removed = sum(head.passages for head in base.heads if key_of(head) not in there)
    if base.manifest.passages < CHANGED_FROM or added + removed > CHANGED_MOST * base.manifest.passages:
        return None
    if not undamaged(index, base.manifest):
        return None
    contents, vectors = _made(new, encoder, base.change, size, alike=True, engine=engine, progress=progress)
    heads = heads_of(articles, contents.passages, base.heads)
    return write_snapshot(index, wanted, encoder, contents, VectorIndex.build(vectors), base=base, heads=heads)


def _made(
    articles: Sequence[Article],
    encoder: Encoder,
    live: Snapshot | None,
    size: int,
    *,
    alike: bool,
    engine: str,
    progress: Progress,
) -> tuple[Contents, Vectors]:
    """What is searched of these articles; what ``live`` has of it is taken from there.

    ``alike`` says whether its passages and terms are what they would be now.
    """
    old = live if alike else None
    known = _known(old)
    passages = [p for article in articles for p in known.get(key_of(article)) or build_passages(article, size)]
    with open_engine(engine) as run, ThreadPoolExecutor(1) as beside:
        terms = beside.submit(_lexical, articles, passages, old, run)  # in Python; the encoder works outside it
        vectors = _vectors(articles, passages, encoder, live, run=run, progress=progress)
        lexical, article_lexical = terms.result()
    return Contents(articles, passages, lexical, article_lexical), vectors


def _store(name: str, milvus_uri: str, index: Path) -> Callable[[Vectors], WrittenVectors]:
    """What puts the vectors into that store; Milvus is reached now, not after the encoding."""
    if name == "faiss":
        return VectorIndex.build
    from indexer.milvus import Milvus, MilvusVectors

    return partial(MilvusVectors.build, Milvus(milvus_uri), index)


def _reusable(index: Path, milvus_uri: str) -> Snapshot | None:
    """The live snapshot, if it is there and whole."""
    manifest = read_manifest(index)
    if manifest is None:
        return None
    try:
        snapshot = open_snapshot(index, milvus_uri=milvus_uri)
    except SnapshotError:
        return None
    return snapshot if snapshot.id == manifest.id else None


def _known(old: Snapshot | None) -> dict[str, list[Passage]]:
    """The passages of each article of a snapshot."""
    known: dict[str, list[Passage]] = {}
    if old is not None:
        for row, passage in zip(old.owners.tolist(), old.passages, strict=True):
            known.setdefault(key_of(old.articles[row]), []).append(passage)
    return known


def _lexical(
    articles: Sequence[Article], passages: Sequence[Passage], old: Snapshot | None, run: Engine
) -> tuple[LexicalIndex, LexicalIndex]:
    """The lexical indexes over passages and over whole articles.

    What new ones are made of, contexts and sentences, is analysed once, though passages share it.
    """
    texts: list[str] = []
    numbers: dict[tuple[str, int], int] = {}  # of a context by itself and -1, of a sentence by article and start

    def number(key: tuple[str, int], text: str) -> int:
        if key not in numbers:
            numbers[key] = len(texts)
            texts.append(text)
        return numbers[key]

    article_rows = {key_of(article): row for row, article in enumerate(old.articles)} if old is not None else {}
    new = {article.id: article for article in articles if key_of(article) not in article_rows}
    of_article = {id: {number((article.title, -1), article.title): None} for id, article in new.items()}
    of_passage = []
    for passage in passages:
        if (article := new.get(passage.article_id)) is not None:
            held = [number((article.id, s.start), article.body[s.start : s.end]) for s in passage.sentences]
            of_article[article.id].update(dict.fromkeys(held))
            of_passage.append([number((passage.context, -1), passage.context), *held])
    terms = merge_terms(run(list_terms, (texts[at : at + CHUNK] for at in range(0, len(texts), CHUNK)), 1))
    of_passages, of_articles = terms.joined(of_passage), terms.joined([list(held) for held in of_article.values()])
    new_passages, new_articles = build_lexical(of_passages), build_lexical(of_articles)
    if old is None:
        return new_passages, new_articles
    rows = {passage.id + passage.context: row for row, passage in enumerate(old.passages)}
    return (
        _placed(old.lexical, new_passages, [rows.get(p.id + p.context) for p in passages]),
        _placed(old.article_lexical, new_articles, [article_rows.get(key_of(a)) for a in articles]),
    )


def _placed(old: LexicalIndex, new: LexicalIndex, rows: Sequence[int | None]) -> LexicalIndex:
    """The texts of an old index that have a row, and the new ones in the places that have none."""
    fresh = count(old.size)
    return combine_lexical(old, new, np.array([next(fresh) if row is None else row for row in rows], np.int64))


def _vectors(
    articles: Sequence[Article],
    passages: Sequence[Passage],
    encoder: Encoder,
    live: Snapshot | None,
    *,
    run: Engine,
    progress: Progress,
) -> Vectors:
    """The vectors of all passages, float32 [passages, dimension]; only new passages are encoded."""
    vectors = np.zeros((len(passages), encoder.dimension), np.float32)
    known: dict[str, int] = {}
    if live is not None and live.manifest.encoder == encoder.identity:
        known = {passage.id + passage.context: row for row, passage in enumerate(live.passages)}
    kept = [(row, known[key]) for row, p in enumerate(passages) if (key := p.id + p.context) in known]
    if kept and live is not None:
        rows, old = np.array(kept, np.int64).T
        vectors[rows] = live.vectors.rows(np.ascontiguousarray(old))
    by_id = {article.id: article for article in articles}
    new = [row for row, p in enumerate(passages) if p.id + p.context not in known]
    batches = [new[first : first + BATCH] for first in range(0, len(new), BATCH)]
    texts = ([passage_text(by_id[passages[row].article_id], passages[row]) for row in batch] for batch in batches)
    encoded = run(encoder.encode_documents, texts, 1)
    for number, batch in enumerate(batches):
        progress("vectors", number * BATCH, len(new))
        vectors[batch] = next(encoded)
    progress("vectors", len(new), len(new))
    return vectors
