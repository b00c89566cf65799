import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from indexer.articles import Article, article_id
from indexer.build import NoArticlesError, build_index, passage_text, update_index
from indexer.encoder import Encoder, Vectors
from indexer.passages import build_passages
from indexer.snapshot import Snapshot, SnapshotError, live_articles, open_snapshot, read_manifest
from indexer.vectors import VectorIndex
from retriever import Retriever, analyse_question

FILES = [
    "manifest.json",
    "heads.json",
    "articles.jsonl",
    "passages.jsonl",
    "vectors.faiss",
    *(
        f"{name}.{part}"
        for name in ("passages", "articles")
        for part in (
            "vocabulary.txt",
            "idf.npy",
            "starts.npy",
            "passages.npy",
            "impacts.npy",
            "counts.npy",
            "lengths.npy",
        )
    ),
]


class Recorder:
    """An encoder that tells texts apart by their SHA-256 and remembers what it was asked to encode."""

    dimension = 8

    def __init__(self, identity: str = "recorder") -> None:
        self.identity = identity
        self.encoded: list[str] = []

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        self.encoded += texts
        return self.encode_queries(texts)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        digests = [sha256((self.identity + text).encode()).digest()[: self.dimension] for text in texts]
        vectors = np.array([list(digest) for digest in digests], np.float32).reshape(-1, self.dimension) + 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def texts_of(articles: Sequence[Article]) -> list[str]:
    return [passage_text(article, passage) for article in articles for passage in build_passages(article)]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def assert_same_lexical(one: Snapshot, other: Snapshot) -> None:
    for name in ("lexical", "article_lexical"):
        here, there = getattr(one, name), getattr(other, name)
        assert list(here.vocabulary) == list(there.vocabulary)
        assert here.size == there.size
        for part in ("idf", "starts", "passages", "impacts", "counts", "lengths"):
            assert np.array_equal(getattr(here, part), getattr(there, part))


def test_what_was_built_is_what_is_opened(tmp_path: Path, articles: list[Article]) -> None:
    encoder = Recorder()
    manifest, built = build_index(tmp_path, articles, encoder)
    snapshot = open_snapshot(tmp_path)
    passages = [passage for article in articles for passage in build_passages(article)]
    assert built
    assert snapshot.manifest == manifest == read_manifest(tmp_path)
    assert snapshot.id == manifest.id
    assert list(snapshot.articles) == articles
    assert list(snapshot.passages) == passages
    assert (manifest.articles, manifest.passages, manifest.dimension) == (len(articles), len(passages), 8)
    assert (manifest.encoder, snapshot.vectors.size) == ("recorder", len(passages))
    assert np.array_equal(snapshot.vectors.rows(np.arange(len(passages))), encoder.encode_queries(encoder.encoded))
    assert [articles[row].id for row in snapshot.owners] == [passage.article_id for passage in passages]


def test_a_snapshot_holds_exactly_the_files_that_its_manifest_names(built_index: Path, snapshot: Snapshot) -> None:
    folder = built_index / "snapshots" / snapshot.id
    assert sorted(file.name for file in folder.iterdir()) == sorted(FILES)
    assert {name: sha256((folder / name).read_bytes()).hexdigest() for name in FILES if name != "manifest.json"} == (
        snapshot.manifest.files
    )


def test_the_same_articles_give_the_same_snapshot_anywhere(
    tmp_path: Path, articles: list[Article], snapshot: Snapshot, encoder: Encoder
) -> None:
    manifest, _ = build_index(tmp_path, articles, encoder)
    assert manifest.id == snapshot.id


ODD = [
    Article(article_id("題", body), "題", body, "源", "業")
    for body in (
        "一行。\r二行。\u2028三行。\x85四行。",
        '引號"反斜\\。\t',
        "𠮷🚗e\u0301。",
        "x" * 3000,
        "。",
        "\u200b\u202e。",
    )
]


def test_odd_characters_come_back_as_they_were(tmp_path: Path, encoder: Encoder) -> None:
    build_index(tmp_path, ODD, encoder)
    assert list(open_snapshot(tmp_path).articles) == ODD


def test_an_article_of_nothing_but_marks_can_be_indexed_and_asked(tmp_path: Path, encoder: Encoder) -> None:
    build_index(tmp_path, [Article("a" * 12, "題", "……。", "源", "業")], encoder)
    assert Retriever(open_snapshot(tmp_path), encoder).retrieve(analyse_question("題"), 5) == []


def test_nothing_to_index_is_refused_and_leaves_the_index_alone(tmp_path: Path, articles: list[Article]) -> None:
    build_index(tmp_path, articles[:1], Recorder())
    before = contents(tmp_path)
    with pytest.raises(NoArticlesError):
        build_index(tmp_path, [], Recorder())
    assert contents(tmp_path) == before


# ---- what is built again, and what is not


def test_an_unchanged_rebuild_builds_and_encodes_nothing(tmp_path: Path, articles: list[Article]) -> None:
    first, _ = build_index(tmp_path, articles, Recorder())
    before = contents(tmp_path)
    encoder = Recorder()
    assert build_index(tmp_path, articles, encoder) == (first, False)
    assert encoder.encoded == []
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(lambda old: (old[:5], old), lambda new: texts_of(new[5:]), id="articles added"),
        pytest.param(lambda old: (old[3:], old), lambda new: texts_of(new[:3]), id="articles added in front"),
        pytest.param(lambda old: (old, old[2:6]), lambda new: [], id="articles removed"),
        pytest.param(lambda old: (old, old[::-1]), lambda new: [], id="order changed"),
        pytest.param(lambda old: (old, [replace(a, source="別報") for a in old]), lambda new: [], id="source changed"),
        pytest.param(
            lambda old: (old, [replace(a, industry="別業") for a in old]), lambda new: [], id="industry changed"
        ),
        pytest.param(
            lambda old: (old, [replace(old[0], id="f" * 12, title="別題"), *old[1:]]),
            lambda new: texts_of(new[:1]),
            id="title changed",
        ),
    ],
)
def test_only_new_passages_are_encoded(
    tmp_path: Path,
    articles: list[Article],
    change: Callable[[list[Article]], tuple[list[Article], list[Article]]],
    expected: Callable[[list[Article]], list[str]],
) -> None:
    before, after = change(articles)
    build_index(tmp_path, before, Recorder())
    encoder = Recorder()
    _, built = build_index(tmp_path, after, encoder)
    assert built
    assert encoder.encoded == expected(after)
    snapshot = open_snapshot(tmp_path)
    assert list(snapshot.articles) == after
    assert np.array_equal(
        snapshot.vectors.rows(np.arange(snapshot.vectors.size)), Recorder().encode_queries(texts_of(after))
    )


def test_an_update_equals_a_build_from_nothing(tmp_path: Path, articles: list[Article]) -> None:
    renamed = [replace(articles[0], title="別題"), *articles[1:5][::-1]]
    for chosen in (articles[:3], articles, articles[4:7], renamed):
        updated, _ = build_index(tmp_path / "updated", chosen, Recorder())
    fresh, _ = build_index(tmp_path / "fresh", renamed, Recorder())
    assert updated == fresh
    assert_same_lexical(open_snapshot(tmp_path / "updated"), open_snapshot(tmp_path / "fresh"))


def test_another_encoder_encodes_everything_again(tmp_path: Path, articles: list[Article]) -> None:
    build_index(tmp_path, articles, Recorder())
    encoder = Recorder("another")
    build_index(tmp_path, articles, encoder)
    assert encoder.encoded == texts_of(articles)


def test_the_live_snapshot_and_the_one_before_are_kept(tmp_path: Path, articles: list[Article]) -> None:
    ids = [build_index(tmp_path, articles[:count], Recorder())[0].id for count in (1, 2, 3)]
    assert sorted(entry.name for entry in (tmp_path / "snapshots").iterdir()) == sorted(ids[1:])
    assert (tmp_path / "CURRENT").read_text() == f"{ids[2]}\n"


def test_a_snapshot_that_is_open_keeps_answering_after_it_was_deleted(
    tmp_path: Path, articles: list[Article], encoder: Encoder
) -> None:
    build_index(tmp_path, articles[:3], encoder)
    opened = open_snapshot(tmp_path)
    for count in (4, 5, 6):
        build_index(tmp_path, articles[:count], encoder)
    assert not (tmp_path / "snapshots" / opened.id).exists()
    (best, *_) = Retriever(opened, encoder).retrieve(analyse_question("重慶2025年整車產量是多少?"), 3)
    assert best.article.title.startswith("中國汽車第一城")


# ---- damage


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, articles: list[Article]) -> Path:
    """An index with a live snapshot (two articles) and the one before it (one article)."""
    index = tmp_path_factory.mktemp("two") / "index"
    build_index(index, articles[7:], Recorder())
    build_index(index, articles[6:], Recorder())
    return index


Damage = Callable[[bytes, str], list[bytes]]


def flips(content: bytes, file: str) -> list[bytes]:
    """The content with one bit turned, at six seeded places, the first and the last byte among them."""
    rng = random.Random(file)
    places = [0, len(content) - 1, *(rng.randrange(len(content)) for _ in range(4))]
    return [content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :] for at in places]


def truncations(content: bytes, file: str) -> list[bytes]:
    """The content cut: to nothing, by two bytes, and at three seeded places."""
    rng = random.Random(file)
    return [content[:at] for at in (0, len(content) - 2, *(rng.randrange(1, len(content) - 2) for _ in range(3)))]


def opened_after(damage: Damage, index: Path, name: str, file: str) -> Iterator[tuple[str, list[str]]]:
    """The id of what is opened, and what is said of it, after each damage to a file of the snapshot of that name."""
    target = index / "snapshots" / name / file
    for content in damage(target.read_bytes(), file):
        target.write_bytes(content)
        said: list[str] = []
        yield open_snapshot(index, said.append).id, said


@pytest.mark.parametrize("damage", [flips, truncations], ids=["flipped bits", "truncated"])
@pytest.mark.parametrize("file", FILES)
def test_damage_is_detected_and_the_snapshot_before_is_served(
    two: Path, tmp_path: Path, file: str, damage: Damage
) -> None:
    index = tmp_path / "index"
    shutil.copytree(two, index)
    live, before = two_ids(index)
    for opened, said in opened_after(damage, index, live, file):
        assert opened == before
        assert len(said) == 1
        assert live in said[0]


@pytest.mark.parametrize("damage", [flips, truncations], ids=["flipped bits", "truncated"])
@pytest.mark.parametrize("file", FILES)
def test_damage_without_a_snapshot_before_is_refused(
    two: Path, tmp_path: Path, file: str, damage: Callable[[bytes, str], list[bytes]]
) -> None:
    index = tmp_path / "index"
    shutil.copytree(two, index)
    live, before = two_ids(index)
    shutil.rmtree(index / "snapshots" / before)
    target = index / "snapshots" / live / file
    for content in damage(target.read_bytes(), file):
        target.write_bytes(content)
        with pytest.raises(SnapshotError, match="yewen index"):
            open_snapshot(index)


def two_ids(index: Path) -> tuple[str, str]:
    live = (index / "CURRENT").read_text().strip()
    (before,) = {entry.name for entry in (index / "snapshots").iterdir()} - {live}
    return live, before


MANIFEST_FIELDS = ["format", "built_from", "analysis", "encoder", "dimension", "articles", "passages", "files"]


@pytest.mark.parametrize("field", MANIFEST_FIELDS)
def test_a_flipped_bit_in_any_field_of_the_manifest_is_damage(two: Path, tmp_path: Path, field: str) -> None:
    """Damage, not another version: the snapshot before is whole and must be served."""
    index = tmp_path / "index"
    shutil.copytree(two, index)
    live, before = two_ids(index)
    file = index / "snapshots" / live / "manifest.json"
    lines = file.read_text(encoding="utf-8").split("\n")
    row = next(number for number, line in enumerate(lines) if line.startswith(f' "{field}": ')) + (field == "files")
    at = max(place for place, character in enumerate(lines[row]) if character.isalnum())
    lines[row] = lines[row][:at] + chr(ord(lines[row][at]) ^ 1) + lines[row][at + 1 :]
    file.write_text("\n".join(lines), encoding="utf-8")
    assert open_snapshot(index).id == before


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_damage(two: Path, tmp_path: Path, file: str) -> None:
    index = tmp_path / "index"
    shutil.copytree(two, index)
    live, before = two_ids(index)
    (index / "snapshots" / live / file).unlink()
    assert open_snapshot(index).id == before


def test_a_file_of_another_snapshot_is_damage(two: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    shutil.copytree(two, index)
    live, before = two_ids(index)
    shutil.copy(index / "snapshots" / before / "manifest.json", index / "snapshots" / live / "manifest.json")
    assert open_snapshot(index).id == before


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"0" * 12, b"\xff\xfe", b"..", b"../..", b".", b"a\x00b", b"/etc", b"x" * 5000], ids=repr
)
def test_a_damaged_pointer_still_leads_to_a_whole_snapshot(two: Path, tmp_path: Path, content: bytes) -> None:
    index = tmp_path / "index"
    shutil.copytree(two, index)
    ids = two_ids(index)
    (index / "CURRENT").write_bytes(content)
    assert open_snapshot(index).id in ids


def test_a_damaged_live_snapshot_is_mended_by_the_next_build(
    two: Path, tmp_path: Path, articles: list[Article]
) -> None:
    index = tmp_path / "index"
    shutil.copytree(two, index)
    live, _ = two_ids(index)
    file = index / "snapshots" / live / "vectors.faiss"
    file.write_bytes(flips(file.read_bytes(), "mend")[2])
    manifest, built = build_index(index, articles[6:], Recorder())
    assert (manifest.id, built) == (live, True)
    assert open_snapshot(index).id == live


@pytest.mark.parametrize("index", [pytest.param("nowhere", id="no folder"), pytest.param("", id="empty folder")])
def test_without_an_index_the_error_says_how_to_build_one(tmp_path: Path, index: str) -> None:
    with pytest.raises(SnapshotError, match=r"there is no index in .*: build one with 'yewen index"):
        open_snapshot(tmp_path / index)


@pytest.mark.parametrize(("field", "value"), [("analysis", "0" * 16), ("format", 0)])
def test_another_analysis_is_refused_with_how_to_rebuild(
    two: Path, tmp_path: Path, articles: list[Article], field: str, value: str | int
) -> None:
    """As an older version would have left it: whole, but built by another analysis."""
    index = tmp_path / "index"
    shutil.copytree(two, index)
    live, _ = two_ids(index)
    manifest = read_manifest(index)
    assert manifest is not None
    old = replace(manifest, **{field: value})
    folder = index / "snapshots" / live
    (folder / "manifest.json").write_text(json.dumps(old.document, indent=1) + "\n", encoding="utf-8")
    folder.rename(index / "snapshots" / old.id)
    (index / "CURRENT").write_text(f"{old.id}\n")
    with pytest.raises(SnapshotError, match=r"another version .*rebuild with 'yewen index --index .*index'"):
        open_snapshot(index)
    _, built = build_index(index, articles[6:], Recorder())
    assert built
    assert open_snapshot(index).id == live


# ---- the articles of an index as a collection


def test_date_and_url_are_kept_and_count_in_what_was_built(tmp_path: Path, articles: list[Article]) -> None:
    dated = replace(articles[0], date="2025-09-30", url="https://news.example/1")
    first, _ = build_index(tmp_path, articles[:1], Recorder())
    second, built = build_index(tmp_path, [dated], Recorder())
    assert (built, second.id != first.id) == (True, True)
    assert list(open_snapshot(tmp_path).articles) == [dated]


def test_the_articles_of_an_older_versions_index_can_still_be_read(tmp_path: Path, articles: list[Article]) -> None:
    """Its rows had neither date nor url, and the passages behind them."""
    build_index(tmp_path, articles[:1], Recorder())
    manifest = read_manifest(tmp_path)
    assert manifest is not None
    folder = tmp_path / "snapshots" / manifest.id
    fields, passages = (json.loads((folder / f"{name}.jsonl").read_text("utf-8")) for name in ("articles", "passages"))
    (folder / "articles.jsonl").write_text(json.dumps([*fields[:5], passages]), encoding="utf-8")
    digest = sha256((folder / "articles.jsonl").read_bytes()).hexdigest()
    kept = {name: of for name, of in manifest.files.items() if name not in {"heads.json", "passages.jsonl"}}
    old = replace(manifest, format=1, files=kept | {"articles.jsonl": digest})
    (folder / "manifest.json").write_text(json.dumps(old.document), encoding="utf-8")
    folder.rename(tmp_path / "snapshots" / old.id)
    (tmp_path / "CURRENT").write_text(old.id)
    with pytest.raises(SnapshotError, match="another version"):
        open_snapshot(tmp_path)
    assert live_articles(tmp_path) == articles[:1]
    _, built = build_index(tmp_path, articles[:2], Recorder())
    assert built
    assert list(open_snapshot(tmp_path).articles) == articles[:2]


def test_damaged_articles_are_those_of_the_snapshot_before_or_an_error(
    two: Path, tmp_path: Path, articles: list[Article]
) -> None:
    index = tmp_path / "index"
    shutil.copytree(two, index)
    live, before = two_ids(index)
    assert live_articles(index) == articles[6:]
    (index / "snapshots" / live / "articles.jsonl").write_bytes(b"")
    assert live_articles(index) == list(open_snapshot(index).articles)
    (index / "snapshots" / before / "articles.jsonl").write_bytes(b"")
    with pytest.raises(SnapshotError, match="damaged: rebuild"):
        live_articles(index)
    assert live_articles(tmp_path / "nowhere") == []


def test_what_is_chosen_is_chosen_while_nobody_else_writes(tmp_path: Path, articles: list[Article]) -> None:
    """Eight threads each add one article to what they find: none is lost."""

    def add(article: Article) -> None:
        update_index(tmp_path, lambda: [*live_articles(tmp_path), article], Recorder())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, articles))
    assert {article.id for article in live_articles(tmp_path)} == {article.id for article in articles}


def test_codes_find_what_they_can_and_a_vector_of_zeros_finds_nothing_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.vectors.CODED_FROM", 400)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(500, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = VectorIndex.build(vectors)
    assert np.allclose(index.rows(np.arange(500)), vectors, atol=1e-3)
    assert index.search(vectors[7], 5)[0] == 7
    found = index.search(np.zeros(8, np.float32), 5)
    assert ((found >= 0) & (found < 500)).all()
