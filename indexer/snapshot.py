"""A snapshot: everything that answers need, in one checksummed folder, switched atomically.

    INDEX/CURRENT            the name of the live snapshot
    INDEX/snapshots/NAME/    manifest.json, heads.json, articles.jsonl, passages.jsonl,
                             passages.*, articles.* (lexical), vectors.*

A snapshot may be a change on another one, its base, which its manifest names by its digest: it holds the articles that
the base has not, and the heads of all, which say who is there and in which order. What is opened is the same as if all
had been written at once. A base is never a change itself.

A snapshot is written beside the live one under a temporary name, flushed to disk, renamed, and only then named in
CURRENT; a crash at any point leaves the old one live. Every file is checked against its SHA-256 before it is loaded;
a damaged live snapshot is passed over for the one before it.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from indexer.articles import Article
from indexer.encoder import Encoder
from indexer.heads import Head, articles_of, heads_of, key_of, read_heads, write_heads
from indexer.lexical import LexicalIndex, combine_lexical
from indexer.passages import Passage
from indexer.vectors import FAISS_FILE, MILVUS_FILE, JoinedVectors, Rows, VectorIndex, VectorStore, WrittenVectors
from language import analysis
from language.sentences import SentenceKind, Span

FORMAT = 4
HASHED_AT_ONCE = 2  # files

_HEADS = "heads.json"
_ARTICLES = "articles.jsonl"
_PASSAGES = "passages.jsonl"
_LEXICAL_PARTS = ("idf", "starts", "passages", "impacts", "counts", "lengths")


class SnapshotError(RuntimeError):
    """There is no usable snapshot; the message says why and how to build one."""


@dataclass(frozen=True)
class Manifest:
    """What a snapshot was built from and with. ``built_from`` changes whenever a rebuild would give another one.

    ``articles`` and ``passages`` count what it holds, a change with its base; ``base``: the base's digest, or "".
    """

    format: int
    built_from: str
    analysis: str
    encoder: str
    dimension: int
    articles: int
    passages: int
    files: dict[str, str]
    base: str = ""

    @property
    def digest(self) -> str:
        """The SHA-256 over all contents, in hexadecimal digits."""
        return sha256(json.dumps(self.document, sort_keys=True).encode()).hexdigest()

    @property
    def id(self) -> str:
        """The first twelve digits of the digest, which name the snapshot."""
        return _name(self.digest)

    @property
    def document(self) -> dict[str, object]:
        """The manifest as it is written; one without a base does not tell of it."""
        return {name: value for name, value in vars(self).items() if name != "base" or value}

    @property
    def store(self) -> str:
        """Where the vectors are: in the snapshot's own file, or in the Milvus collection that its file names."""
        return "milvus" if MILVUS_FILE in self.files else "faiss"


@dataclass(frozen=True)
class Contents:
    """What is searched by its words: row i of ``lexical`` is passage i, of ``article_lexical`` article i."""

    articles: Sequence[Article]
    passages: Sequence[Passage]
    lexical: LexicalIndex
    article_lexical: LexicalIndex

    @cached_property
    def article_rows(self) -> dict[str, int]:
        """Article id → its row."""
        return {article.id: row for row, article in enumerate(self.articles)}

    @cached_property
    def owners(self) -> Rows:
        """The article row of every passage, int64 [passages]."""
        return np.array([self.article_rows[passage.article_id] for passage in self.passages], np.int64)


@dataclass(frozen=True)
class Snapshot(Contents):
    """Loaded contents, their vectors (row i is passage i) and what they were built from."""

    vectors: VectorStore
    manifest: Manifest

    @property
    def id(self) -> str:
        """The snapshot's id, shown with every answer."""
        return self.manifest.id


@dataclass(frozen=True)
class Base:
    """A full snapshot as far as a change on it needs it; ``change``: what the live snapshot, a change on it, adds."""

    manifest: Manifest
    heads: Sequence[Head]
    change: Snapshot | None


@contextmanager
def writing(index: Path) -> Iterator[None]:
    """Hold the index for writing: one writer at a time, others wait; leftovers of a crashed one are removed."""
    index.mkdir(parents=True, exist_ok=True)
    with (index / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in (index / "snapshots").glob(".building-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield


def write_snapshot(
    index: Path,
    built_from: str,
    encoder: Encoder,
    contents: Contents,
    vectors: WrittenVectors,
    *,
    base: Base | None = None,
    heads: Sequence[Head] = (),
) -> Manifest:
    """Write a snapshot and make it the live one; call it inside :func:`writing`.

    With ``base`` it is a change on that one: ``contents`` are what the base has not, ``heads`` those of all articles.

    Raises:
        OSError: the disk failed or is full; the live snapshot is as it was and nothing half-written is left.
    """
    heads = heads if base else heads_of(contents.articles, contents.passages)
    (index / "snapshots").mkdir(exist_ok=True)
    building = index / "snapshots" / f".building-{os.getpid()}"
    try:
        building.mkdir()
        write_heads(building / _HEADS, heads)
        _write_articles(building, contents.articles, contents.passages)
        _write_lexical(building, "passages", contents.lexical)
        _write_lexical(building, "articles", contents.article_lexical)
        vectors.write(building / vectors.FILE)
        manifest = Manifest(
            FORMAT,
            built_from,
            analysis.fingerprint(),
            encoder.identity,
            encoder.dimension,
            len(heads),
            sum(head.passages for head in heads),
            {file.name: _digest(file) for file in sorted(building.iterdir())},
            base.manifest.digest if base else "",
        )
        (building / "manifest.json").write_text(json.dumps(manifest.document, indent=1) + "\n", encoding="utf-8")
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
    previous = _live_name(index)
    make_live(index, manifest.id)
    _tidy(index, manifest, previous)
    return manifest


def make_live(index: Path, name: str) -> None:
    """Make the snapshot of that name, which is there, the live one; call it inside :func:`writing`."""
    temporary = index / ".CURRENT"
    temporary.write_text(f"{name}\n", encoding="utf-8")
    _flush(temporary)
    temporary.replace(index / "CURRENT")
    _flush(index)


def _tidy(index: Path, live: Manifest, previous: str) -> None:
    """Remove snapshots but the live one, the one before and their bases; a change removes no full one."""
    there = {folder: _whole_manifest(folder) for folder in (index / "snapshots").iterdir()}
    needed = {live.id, previous}
    needed |= {_name(m.base) for folder, m in there.items() if m is not None and folder.name in needed}
    for folder, manifest in there.items():
        full = manifest is not None and not manifest.base
        if folder.name not in needed and not (full and live.base):
            shutil.rmtree(folder, ignore_errors=True)


def _whole_manifest(folder: Path) -> Manifest | None:
    try:
        return _manifest_of(folder)
    except _DAMAGE:
        return None


def _name(digest: str) -> str:
    """The name of the snapshot of that digest."""
    return digest[:12]


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


def _write_articles(folder: Path, articles: Sequence[Article], passages: Sequence[Passage]) -> None:
    by_article: dict[str, list[object]] = {article.id: [] for article in articles}
    for passage in passages:
        spans = [[span.start, span.end, span.kind] for span in passage.sentences]
        by_article[passage.article_id].append([passage.context, spans])
    rows = ([getattr(article, name) for name in Article.__slots__] for article in articles)
    for name, documents in ((_ARTICLES, rows), (_PASSAGES, by_article.values())):
        with (folder / name).open("w", encoding="utf-8") as lines:
            lines.writelines(json.dumps(document, ensure_ascii=False) + "\n" for document in documents)


def _read_articles(folder: Path) -> list[Article]:
    """Those of an older format have no date, no address, and their passages behind them."""
    with (folder / _ARTICLES).open(encoding="utf-8") as lines:
        return [Article(*(field for field in json.loads(line) if isinstance(field, str))) for line in lines]


def _read_texts(folder: Path) -> tuple[Sequence[Article], Sequence[Passage]]:
    articles, passages = _read_articles(folder), list[Passage]()
    kinds = {kind.value: kind for kind in SentenceKind}
    with (folder / _PASSAGES).open(encoding="utf-8") as lines:
        for article, line in zip(articles, lines, strict=True):
            for context, triples in json.loads(line):
                spans = tuple(Span(start, end, kinds[kind]) for start, end, kind in triples)
                start, end = spans[0].start, spans[-1].end
                passages.append(Passage(f"{article.id}:{start}-{end}", article.id, start, end, context, spans))
    return articles, passages


@lru_cache(maxsize=1)  # when the next change on it is opened, it need not be read again
def _full_texts(folder: Path, digest: str) -> tuple[Sequence[Article], Sequence[Passage]]:
    """Those of a full snapshot, whose files have the checksums of the manifest of that digest."""
    return _read_texts(folder)


def _write_lexical(folder: Path, name: str, lexical: LexicalIndex) -> None:
    (folder / f"{name}.vocabulary.txt").write_text("\n".join(lexical.vocabulary), encoding="utf-8", newline="")
    for part in _LEXICAL_PARTS:
        np.save(folder / f"{name}.{part}.npy", getattr(lexical, part))


def _read_lexical(folder: Path, name: str) -> LexicalIndex:
    text = (folder / f"{name}.vocabulary.txt").read_bytes().decode("utf-8")
    arrays = {part: np.load(folder / f"{name}.{part}.npy", mmap_mode="r").view(np.ndarray) for part in _LEXICAL_PARTS}
    return LexicalIndex(vocabulary=text.split("\n") if text else [], **arrays)


def read_manifest(index: Path) -> Manifest | None:
    """The manifest of the live snapshot, or None where there is none that can be read."""
    return _whole_manifest(index / "snapshots" / _live_name(index))


def read_base(index: Path) -> Base | None:
    """The full snapshot that the live one is, or is a change on; None where there is none, or it cannot be one.

    Of its files only the heads are read: before anything is built on it, ask :func:`undamaged`.
    """
    live = index / "snapshots" / _live_name(index)
    try:
        manifest = _manifest_of(live)
        folder, base = (live, manifest) if not manifest.base else _base_of(live, manifest)
        if base.store != "faiss":
            return None
        _check(folder, base.files, [_HEADS])
        heads = read_heads(folder / _HEADS)
    except _DAMAGE:
        return None
    if not manifest.base:
        return Base(base, heads, None)
    try:
        change = _snapshot(_contents(live, manifest), VectorIndex.read(live / FAISS_FILE), manifest)
    except _DAMAGE:  # of the change alone: it is made anew
        change = None
    return Base(base, heads, change)


def undamaged(index: Path, manifest: Manifest) -> bool:
    """Are all files of a snapshot as its manifest says? It takes some half a second for those of 100,000 passages."""
    try:
        _check(index / "snapshots" / manifest.id, manifest.files, manifest.files)
    except _DAMAGE:
        return False
    return True


def _base_of(folder: Path, manifest: Manifest) -> tuple[Path, Manifest]:
    base = folder.with_name(_name(manifest.base))
    found = _manifest_of(base)
    if found.digest != manifest.base:
        raise _DamageError(f"its base {base.name} is another one")
    return base, found


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
        except _DAMAGE as error:
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
            return _articles(index / "snapshots" / name)
        except _DAMAGE:
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


_DAMAGE = (OSError, ValueError, KeyError, TypeError, _DamageError)  # what reading a damaged snapshot raises


def _manifest_of(folder: Path) -> Manifest:
    manifest = Manifest(**json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
    if manifest.id != folder.name:
        raise _DamageError("manifest.json does not belong to it")
    return manifest


def _check(folder: Path, digests: dict[str, str], names: Collection[str]) -> None:
    with ThreadPoolExecutor(HASHED_AT_ONCE) as pool:  # hashing works outside Python's lock
        for name, digest in zip(names, pool.map(lambda name: _digest(folder / name), names), strict=True):
            if digest != digests[name]:
                raise _DamageError(f"{name} does not match its checksum")


def _articles(folder: Path) -> list[Article]:
    manifest = _manifest_of(folder)
    _check(folder, manifest.files, [_ARTICLES])
    articles = _read_articles(folder)
    if not manifest.base:
        return articles
    _check(folder, manifest.files, [_HEADS])
    return articles_of(read_heads(folder / _HEADS), _articles(_base_of(folder, manifest)[0]) + articles)


def _load(folder: Path, milvus_uri: str) -> Snapshot:
    manifest = _manifest_of(folder)
    if manifest.format != FORMAT or manifest.analysis != analysis.fingerprint():
        raise SnapshotError(
            f"the index in {folder.parents[1]} was built by another version of Yewen or its dictionaries: "
            f"rebuild with 'yewen index --index {folder.parents[1]}'"
        )
    if not manifest.base:
        return _snapshot(_contents(folder, manifest), _open_vectors(folder, manifest.store, milvus_uri), manifest)
    # what is the change's own first: it may be removed soon, its base not
    change, heads, new = _contents(folder, manifest), read_heads(folder / _HEADS), VectorIndex.read(folder / FAISS_FILE)
    below, base = _base_of(folder, manifest)
    contents, rows = _together(_contents(below, base), change, heads)
    return _snapshot(contents, JoinedVectors(VectorIndex.read(below / FAISS_FILE), new, rows), manifest)


def _snapshot(contents: Contents, vectors: VectorStore, manifest: Manifest) -> Snapshot:
    parts = contents.articles, contents.passages, contents.lexical, contents.article_lexical
    return Snapshot(*parts, vectors, manifest)


def _contents(folder: Path, manifest: Manifest) -> Contents:
    """What lies in a folder itself: of a change not its base."""
    _check(folder, manifest.files, manifest.files)
    articles, passages = _read_texts(folder) if manifest.base else _full_texts(folder, manifest.digest)
    return Contents(articles, passages, _read_lexical(folder, "passages"), _read_lexical(folder, "articles"))


def _together(base: Contents, change: Contents, heads: Sequence[Head]) -> tuple[Contents, Rows]:
    """A base and a change on it as one, and which passage of both, the base's first, each passage is."""
    articles, passages = [*base.articles, *change.articles], [*base.passages, *change.passages]
    numbers = {key_of(article): row for row, article in enumerate(articles)}
    rows = np.array([numbers[key_of(head)] for head in heads], np.int64)
    counts = np.concatenate([np.bincount(part.owners, minlength=len(part.articles)) for part in (base, change)])
    firsts, counts = (np.cumsum(counts) - counts)[rows], counts[rows]
    passage_rows = np.repeat(firsts - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
    contents = Contents(
        articles_of(heads, articles),
        [passages[row] for row in passage_rows.tolist()],
        combine_lexical(base.lexical, change.lexical, passage_rows),
        combine_lexical(base.article_lexical, change.article_lexical, rows),
    )
    return contents, passage_rows


def _open_vectors(folder: Path, store: str, milvus_uri: str) -> VectorStore:
    if store == "faiss":
        return VectorIndex.read(folder / FAISS_FILE)
    from indexer.milvus import MilvusVectors

    return MilvusVectors.read(folder / MILVUS_FILE, milvus_uri)
