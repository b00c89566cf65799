"""A snapshot: everything that answers need, in one checksummed folder, switched atomically.

    INDEX/CURRENT            the name of the live snapshot
    INDEX/snapshots/NAME/    manifest.json, articles.jsonl, passages.*, articles.* (lexical), vectors.*

A snapshot is written beside the live one under a temporary name, flushed to disk, renamed, and only then named in
CURRENT; a crash at any point leaves the old one live. Every file is checked against its SHA-256 before it is loaded;
a damaged live snapshot is passed over for the one before it.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np

from indexer.articles import Article
from indexer.encoder import Encoder
from indexer.lexical import LexicalIndex
from indexer.passages import Passage
from indexer.vectors import FAISS_FILE, MILVUS_FILE, VectorIndex, VectorStore
from language import analysis
from language.sentences import SentenceKind, Span

FORMAT = 3

_LEXICAL_PARTS = ("idf", "starts", "passages", "impacts", "counts")


class SnapshotError(RuntimeError):
    """There is no usable snapshot; the message says why and how to build one."""


@dataclass(frozen=True)
class Manifest:
    """What a snapshot was built from and with. ``built_from`` changes whenever a rebuild would give another one."""

    format: int
    built_from: str
    analysis: str
    encoder: str
    dimension: int
    articles: int
    passages: int
    files: dict[str, str]

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits over all contents."""
        return sha256(json.dumps(vars(self), sort_keys=True).encode()).hexdigest()[:12]

    @property
    def store(self) -> str:
        """Where the vectors are: in the snapshot's own file, or in the Milvus collection that its file names."""
        return "milvus" if MILVUS_FILE in self.files else "faiss"


@dataclass(frozen=True)
class Contents:
    """What is searched: row i of ``lexical`` and ``vectors`` is passage i, of ``article_lexical`` article i."""

    articles: Sequence[Article]
    passages: Sequence[Passage]
    lexical: LexicalIndex
    article_lexical: LexicalIndex
    vectors: VectorStore


@dataclass(frozen=True)
class Snapshot(Contents):
    """Loaded contents and what they were built from."""

    manifest: Manifest

    @property
    def id(self) -> str:
        """The snapshot's id, shown with every answer."""
        return self.manifest.id

    @cached_property
    def article_rows(self) -> dict[str, int]:
        """Article id → its row."""
        return {article.id: row for row, article in enumerate(self.articles)}

    @cached_property
    def owners(self) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """The article row of every passage, int64 [passages]."""
        return np.array([self.article_rows[passage.article_id] for passage in self.passages], np.int64)


@contextmanager
def writing(index: Path) -> Iterator[None]:
    """Hold the index for writing: one writer at a time, others wait; leftovers of a crashed one are removed."""
    index.mkdir(parents=True, exist_ok=True)
    with (index / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in (index / "snapshots").glob(".building-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield


def write_snapshot(index: Path, built_from: str, encoder: Encoder, contents: Contents) -> Manifest:
    """Write a snapshot and make it the live one; call it inside :func:`writing`.

    Raises:
        OSError: the disk failed or is full; the live snapshot is as it was and nothing half-written is left.
    """
    (index / "snapshots").mkdir(exist_ok=True)
    building = index / "snapshots" / f".building-{os.getpid()}"
    try:
        building.mkdir()
        _write_articles(building / "articles.jsonl", contents.articles, contents.passages)
        _write_lexical(building, "passages", contents.lexical)
        _write_lexical(building, "articles", contents.article_lexical)
        contents.vectors.write(building / contents.vectors.FILE)
        files = {file.name: _digest(file) for file in sorted(building.iterdir())}
        manifest = Manifest(
            FORMAT,
            built_from,
            analysis.fingerprint(),
            encoder.identity,
            encoder.dimension,
            len(contents.articles),
            len(contents.passages),
            files,
        )
        (building / "manifest.json").write_text(json.dumps(vars(manifest), indent=1) + "\n", encoding="utf-8")
        for file in building.iterdir():
            _flush(file)
        _flush(building)
        target = index / "snapshots" / manifest.id
        shutil.rmtree(target, ignore_errors=True)
        building.rename(target)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    _flush(index / "snapshots")
    _make_live(index, manifest.id)
    return manifest


def _make_live(index: Path, name: str) -> None:
    previous = _live_name(index)
    temporary = index / ".CURRENT"
    temporary.write_text(f"{name}\n", encoding="utf-8")
    _flush(temporary)
    temporary.replace(index / "CURRENT")
    _flush(index)
    for folder in (index / "snapshots").iterdir():
        if folder.name not in {name, previous}:
            shutil.rmtree(folder, ignore_errors=True)


def _live_name(index: Path) -> str:
    try:
        return (index / "CURRENT").read_text(encoding="utf-8").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        digest = sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
        return digest.hexdigest()


def _write_articles(file: Path, articles: Sequence[Article], passages: Sequence[Passage]) -> None:
    by_article: dict[str, list[object]] = {article.id: [] for article in articles}
    for passage in passages:
        spans = [[span.start, span.end, span.kind] for span in passage.sentences]
        by_article[passage.article_id].append([passage.context, spans])
    with file.open("w", encoding="utf-8") as lines:
        for article in articles:
            row = [getattr(article, name) for name in Article.__slots__]
            lines.write(json.dumps([*row, by_article[article.id]], ensure_ascii=False) + "\n")


def _read_articles(file: Path) -> tuple[list[Article], list[Passage]]:
    articles, passages = list[Article](), list[Passage]()
    kinds = {kind.value: kind for kind in SentenceKind}
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            *fields, rows = json.loads(line)
            article = Article(*fields)
            articles.append(article)
            for context, triples in rows:
                spans = tuple(Span(start, end, kinds[kind]) for start, end, kind in triples)
                start, end = spans[0].start, spans[-1].end
                passages.append(Passage(f"{article.id}:{start}-{end}", article.id, start, end, context, spans))
    return articles, passages


def _write_lexical(folder: Path, name: str, lexical: LexicalIndex) -> None:
    (folder / f"{name}.vocabulary.txt").write_text("\n".join(lexical.vocabulary), encoding="utf-8", newline="")
    for part in _LEXICAL_PARTS:
        np.save(folder / f"{name}.{part}.npy", getattr(lexical, part))


def _read_lexical(folder: Path, name: str, size: int) -> LexicalIndex:
    text = (folder / f"{name}.vocabulary.txt").read_bytes().decode("utf-8")
    arrays = {part: np.load(folder / f"{name}.{part}.npy", mmap_mode="r").view(np.ndarray) for part in _LEXICAL_PARTS}
    return LexicalIndex(vocabulary=text.split("\n") if text else [], size=size, **arrays)


def read_manifest(index: Path) -> Manifest | None:
    """The manifest of the live snapshot, or None where there is none that can be read."""
    name = _live_name(index)
    try:
        return Manifest(**json.loads((index / "snapshots" / name / "manifest.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def open_snapshot(
    index: Path, on_damage: Callable[[str], None] = lambda message: None, milvus_uri: str = ""
) -> Snapshot:
    """Verify and load the live snapshot; if it is damaged, say so to ``on_damage`` and load the one before it.

    Raises:
        SnapshotError: there is none, all are damaged, it was built by another version of the analysis, or its vectors
            are in Milvus and ``milvus_uri`` does not lead to them.
    """
    names = _names(index)
    if not names:
        raise SnapshotError(f"there is no index in {index}: build one with 'yewen index --index {index}'")
    problems = []
    for name in names:
        try:
            return _load(index / "snapshots" / name, milvus_uri)
        except (OSError, ValueError, KeyError, TypeError, _DamageError) as error:
            problems.append(f"snapshot {name} is damaged: {error}")
            on_damage(problems[-1])
    raise SnapshotError(f"{'; '.join(problems)}; rebuild with 'yewen index --index {index}'")


def live_articles(index: Path) -> list[Article]:
    """The articles of the live snapshot, or of the one before it if that is damaged; none where there is no index.

    Those of an index that another version of Yewen built are read as well: its analysis does not matter here.

    Raises:
        SnapshotError: there are snapshots, and all are damaged.
    """
    names = _names(index)
    for name in names:
        try:
            folder = index / "snapshots" / name
            _check(folder, _manifest_of(folder).files, ["articles.jsonl"])
            return _read_articles(folder / "articles.jsonl")[0]
        except (OSError, ValueError, KeyError, TypeError, _DamageError):
            continue
    if names:
        raise SnapshotError(f"the index in {index} is damaged: rebuild with 'yewen index --index {index}'")
    return []


def _names(index: Path) -> list[str]:
    """The snapshots that are there, the live one first, then the younger before the older."""
    live = _live_name(index)
    folder = index / "snapshots"
    names = [live] if live else []
    if folder.is_dir():
        others = [entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
        names += [entry.name for entry in sorted(others, key=lambda e: -e.stat().st_mtime) if entry.name != live]
    return names


class _DamageError(Exception):
    """A file is not what the manifest says."""


def _manifest_of(folder: Path) -> Manifest:
    manifest = Manifest(**json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
    if manifest.id != folder.name:
        raise _DamageError("manifest.json does not belong to it")
    return manifest


def _check(folder: Path, digests: dict[str, str], names: Iterable[str]) -> None:
    for name in names:
        if _digest(folder / name) != digests[name]:
            raise _DamageError(f"{name} does not match its checksum")


def _load(folder: Path, milvus_uri: str) -> Snapshot:
    manifest = _manifest_of(folder)
    if manifest.format != FORMAT or manifest.analysis != analysis.fingerprint():
        raise SnapshotError(
            f"the index in {folder.parents[1]} was built by another version of Yewen or its dictionaries: "
            f"rebuild with 'yewen index --index {folder.parents[1]}'"
        )
    _check(folder, manifest.files, manifest.files)
    articles, passages = _read_articles(folder / "articles.jsonl")
    return Snapshot(
        articles,
        passages,
        _read_lexical(folder, "passages", len(passages)),
        _read_lexical(folder, "articles", len(articles)),
        _open_vectors(folder, manifest.store, milvus_uri),
        manifest,
    )


def _open_vectors(folder: Path, store: str, milvus_uri: str) -> VectorStore:
    if store == "faiss":
        return VectorIndex.read(folder / FAISS_FILE)
    from indexer.milvus import MilvusVectors

    return MilvusVectors.read(folder / MILVUS_FILE, milvus_uri)
