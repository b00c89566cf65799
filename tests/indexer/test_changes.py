"""A snapshot that is a change on another one is the same as one that was built at once."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import build
from indexer.articles import Article, article_id
from indexer.build import build_index, update_index
from indexer.encoder import Encoder
from indexer.passages import build_passages
from indexer.snapshot import Manifest, Snapshot, SnapshotError, live_articles, open_snapshot, read_manifest
from indexer.vectors import JoinedVectors, VectorIndex
from retriever import Retriever, analyse_question
from tests.indexer.test_snapshot import (
    Damage,
    Recorder,
    assert_same_lexical,
    flips,
    opened_after,
    texts_of,
    truncations,
)

QUESTIONS = ["重慶2025年整車產量是多少?", "荷蘭政府為何接管安世?", "比亞迪", "Tesla Optimus", "zzz"]
FILES = [
    *("manifest.json", "heads.json", "articles.jsonl", "passages.jsonl", "vectors.faiss", "passages.vocabulary.txt"),
    *("passages.idf.npy", "passages.passages.npy", "articles.counts.npy", "articles.lengths.npy"),
]


@pytest.fixture(scope="module", autouse=True)
def always() -> Iterator[None]:
    """A change pays on the smallest index, and whatever it changes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "CHANGED_FROM", 1)
        patch.setattr(build, "CHANGED_MOST", 9.0)
        yield


def short(number: int, body: str = "") -> Article:
    text = body or f"第{number}家公司產量近{number}萬輛。它在第{number}城有工廠{'。另有分廠' * number}。"
    return Article(article_id(f"題{number}", text), f"題{number}", text, "源", "業")


def assert_equal(one: Snapshot, other: Snapshot) -> None:
    """In all that is searched and shown; only what they are written as may differ."""
    assert one.articles == other.articles
    assert one.passages == other.passages
    assert np.array_equal(one.owners, other.owners)
    assert_same_lexical(one, other)
    for name in ("lexical", "article_lexical"):
        for part in ("idf", "starts", "passages", "impacts", "counts", "lengths"):
            assert getattr(getattr(one, name), part).dtype == getattr(getattr(other, name), part).dtype
    rows = np.arange(other.vectors.size)
    vectors = other.vectors.rows(rows)
    assert one.vectors.size == other.vectors.size
    assert np.array_equal(one.vectors.rows(rows), vectors)
    assert one.vectors.rows(rows[:0]).shape == vectors[:0].shape
    for query in (vectors[0], vectors[-1], vectors.mean(axis=0)):
        for k in (1, 3, len(rows), len(rows) + 5):
            found, wanted = one.vectors.search(query, k), other.vectors.search(query, k)
            assert found.dtype == wanted.dtype
            assert sorted(found) == sorted(set(found))
            assert np.allclose(vectors[found] @ query, vectors[wanted] @ query, rtol=0, atol=1e-6)
    assert replace(one.manifest, files={}, base="") == replace(other.manifest, files={})


def base_of(manifest: Manifest) -> str:
    return manifest.base[:12]


def entries(index: Path) -> set[str]:
    return {entry.name for entry in (index / "snapshots").iterdir()}


# ---- the same as built at once

STATES: dict[str, Callable[[list[Article]], list[Article]]] = {
    "added at the end": lambda old: [*old, short(1)],
    "added in the middle and in front": lambda old: [short(1), *old[:3], short(2), *old[3:]],
    "removed": lambda old: [*old[:2], *old[4:]],
    "changed": lambda old: [*old[:2], replace(old[2], id="f" * 12, body=old[2].body[:900]), *old[3:]],
    "another title of the same id": lambda old: [replace(old[0], title="別題"), *old[1:], short(1)],
    "another source, date and address": lambda old: [
        *old[:1],
        replace(old[1], source="別報", date="2026-01-02", url="https://news.example/1"),
        *old[2:],
    ],
    "another order": lambda old: [*old[3:], *old[:3][::-1]],
    "one replaced by one without words": lambda old: [*old[:-1], short(0, "……。")],
    "all at once": lambda old: [short(3), old[4], replace(old[1], industry="別業"), short(2), old[0]],
}


@pytest.mark.parametrize("state", STATES)
def test_a_change_is_what_a_fresh_build_is(
    tmp_path: Path, articles: list[Article], encoder: Encoder, state: str
) -> None:
    old = articles[2:8]
    base, _ = build_index(tmp_path / "changed", old, encoder)
    changed, built = build_index(tmp_path / "changed", STATES[state](old), encoder)
    build_index(tmp_path / "fresh", STATES[state](old), encoder)
    one, other = open_snapshot(tmp_path / "changed"), open_snapshot(tmp_path / "fresh")
    assert built
    assert (changed, changed.base) == (one.manifest, base.digest)
    assert_equal(one, other)
    for question in map(analyse_question, QUESTIONS):
        found, wanted = (Retriever(snapshot, encoder).retrieve(question, 20) for snapshot in (one, other))
        assert found == wanted
        assert [hit.score for hit in found] == [hit.score for hit in wanted]


POOL = [short(n) for n in range(6)]
MARKED = st.sampled_from([*POOL, replace(POOL[1], source="別報"), replace(POOL[2], id="f" * 12, title="別題")])


@settings(max_examples=40)
@given(st.lists(st.lists(MARKED, min_size=1, max_size=7), min_size=2, max_size=5))
def test_any_changes_one_after_another_end_as_a_fresh_build(states: list[list[Article]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for state in states:
            encoder = Recorder()
            before = set(texts_of(live_articles(Path(folder) / "changed")))
            manifest, _ = build_index(Path(folder) / "changed", state, encoder)
            assert not before & set(encoder.encoded), "what the live snapshot has is not encoded again"
            assert open_snapshot(Path(folder) / "changed").manifest == manifest
            assert base_of(manifest) in {"", *entries(Path(folder) / "changed")}
        build_index(Path(folder) / "fresh", states[-1], Recorder())
        assert_equal(open_snapshot(Path(folder) / "changed"), open_snapshot(Path(folder) / "fresh"))
        assert live_articles(Path(folder) / "changed") == live_articles(Path(folder) / "fresh")


def test_every_change_is_made_on_the_full_snapshot_and_what_the_last_one_added_is_kept(tmp_path: Path) -> None:
    base, _ = build_index(tmp_path, POOL[:3], Recorder())
    for count in (4, 5, 6):
        encoder = Recorder()
        manifest, _ = build_index(tmp_path, POOL[:count], encoder)
        assert base_of(manifest) == base.id
        assert encoder.encoded == texts_of(POOL[count - 1 : count])
        assert (manifest.articles, manifest.passages) == (count, len(texts_of(POOL[:count])))
    lines = (tmp_path / "snapshots" / manifest.id / "articles.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)[0] for line in lines] == [article.id for article in POOL[3:]]


def test_back_to_the_base_is_the_base_again(tmp_path: Path) -> None:
    base, _ = build_index(tmp_path, POOL[:3], Recorder())
    changed, _ = build_index(tmp_path, POOL[:4], Recorder())
    encoder = Recorder()
    assert build_index(tmp_path, POOL[:3], encoder) == (base, True)
    assert encoder.encoded == []
    assert open_snapshot(tmp_path).id == base.id
    assert build_index(tmp_path, POOL[:3], Recorder()) == (base, False)
    assert build_index(tmp_path, POOL[:4], Recorder()) == (changed, True)
    assert entries(tmp_path) == {base.id, changed.id}


def test_a_change_that_changes_nothing_builds_nothing(tmp_path: Path) -> None:
    build_index(tmp_path, POOL[:3], Recorder())
    changed, _ = build_index(tmp_path, POOL[1:4], Recorder())
    assert build_index(tmp_path, POOL[1:4], Recorder()) == (changed, False)


def test_the_same_change_has_the_same_id_anywhere(tmp_path: Path) -> None:
    """By whichever way it came about, what is kept of the new articles is the same."""
    for states in ([POOL[:3], POOL[:5]], [POOL[:3], POOL[1:4], [POOL[4]], POOL[:5]]):
        folder = tmp_path / str(len(states))
        ids = [build_index(folder, state, Recorder())[0].id for state in states]
        assert open_snapshot(folder).id == ids[-1]
    assert read_manifest(tmp_path / "2") == read_manifest(tmp_path / "4")


def test_a_removed_article_is_found_by_neither_ranking(
    tmp_path: Path, articles: list[Article], encoder: Encoder
) -> None:
    build_index(tmp_path, articles, encoder)
    build_index(tmp_path, [*articles[:2], *articles[3:]], encoder)
    snapshot = open_snapshot(tmp_path)
    assert snapshot.manifest.base
    gone = articles[2]
    words = dict.fromkeys(snapshot.lexical.vocabulary, 1.0)
    for passage in build_passages(gone):
        query = encoder.encode_queries([gone.body[passage.start : passage.end]])[0]
        for k in (1, 60, 10_000):
            rows = snapshot.vectors.search(query, k)
            assert len(rows) == min(k, len(snapshot.passages))
            assert gone.id not in {snapshot.passages[row].article_id for row in rows}
    assert len(snapshot.lexical.scores(words)) == len(snapshot.passages)
    for question in ("重慶2025年整車產量是多少?", gone.title):
        hits = Retriever(snapshot, encoder).retrieve(analyse_question(question), 50)
        assert hits
        assert gone.id not in {hit.article.id for hit in hits}


def unit(seed: int, count: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    vectors = np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("coded", [True, False], ids=["codes", "exact"])
def test_as_many_are_found_as_wanted_though_the_nearest_are_gone(monkeypatch: pytest.MonkeyPatch, coded: bool) -> None:
    monkeypatch.setattr("indexer.vectors.CODED_FROM", 400 if coded else 1000)
    base, new = unit(0, 500), unit(1, 30)
    both = np.concatenate([base, new])
    for query in unit(2, 5):
        nearest = np.argsort(-(base @ query))
        order = np.random.default_rng(3).permutation(np.concatenate([nearest[70:], 500 + np.arange(30)]))
        joined = JoinedVectors(VectorIndex.build(base), VectorIndex.build(new), order)
        assert joined.size == 460
        assert np.allclose(joined.rows(np.arange(460)), both[order], atol=1e-3)
        found = joined.search(query, 60)
        exact = np.argsort(-(both[order] @ query))
        assert len(found) == len(set(found.tolist())) == 60
        assert found.tolist()[:5] == exact[:5].tolist() if not coded else len(set(found) & set(exact[:60])) >= 57
        assert sorted(joined.search(query, 10_000)) == list(range(460))


# ---- when a change pays


def test_a_small_snapshot_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = len(texts_of(POOL[:3]))
    monkeypatch.setattr(build, "CHANGED_FROM", count + 1)
    build_index(tmp_path, POOL[:3], Recorder())
    assert not build_index(tmp_path, POOL[:4], Recorder())[0].base
    monkeypatch.setattr(build, "CHANGED_FROM", len(texts_of(POOL[:4])))
    assert build_index(tmp_path, POOL[:5], Recorder())[0].base


def test_too_many_changes_are_written_whole_and_are_the_next_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, articles: list[Article]
) -> None:
    held = len(texts_of(articles))
    monkeypatch.setattr(build, "CHANGED_MOST", len(texts_of(articles[:1])) / held)
    base, _ = build_index(tmp_path, articles, Recorder())
    assert base_of(build_index(tmp_path, articles[1:], Recorder())[0]) == base.id
    encoder = Recorder()
    whole, _ = build_index(tmp_path, [*articles[1:7], short(1)], encoder)
    assert (whole.base, encoder.encoded) == ("", texts_of([short(1)]))
    build_index(tmp_path / "fresh", [*articles[1:7], short(1)], Recorder())
    assert_equal(open_snapshot(tmp_path), open_snapshot(tmp_path / "fresh"))
    added = replace(articles[0], id="f" * 12, body="長" * 240 * 40)
    assert not build_index(tmp_path, [*articles[1:7], short(1), added], Recorder())[0].base
    assert build_index(tmp_path, [*articles[1:7], short(2), added], Recorder())[0].base


@pytest.mark.parametrize("other", ["encoder", "size", "analysis"])
def test_what_would_be_built_otherwise_now_is_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    build_index(tmp_path, POOL[:3], Recorder())
    build_index(tmp_path, POOL[:4], Recorder())
    if other == "analysis":
        monkeypatch.setattr("language.analysis.VERSION", "other")
    encoder = Recorder("another") if other == "encoder" else Recorder()
    manifest, _ = build_index(tmp_path, POOL[:5], encoder, size=100 if other == "size" else 240)
    assert not manifest.base
    assert live_articles(tmp_path) == POOL[:5]


# ---- what is read of the base, and when


@pytest.mark.parametrize("wanted", [4, 3], ids=["a change", "back to the base"])
def test_nothing_is_built_on_a_damaged_base(tmp_path: Path, wanted: int) -> None:
    base, _ = build_index(tmp_path, POOL[:3], Recorder())
    build_index(tmp_path, POOL[:5], Recorder())
    file = tmp_path / "snapshots" / base.id / "vectors.faiss"
    file.write_bytes(file.read_bytes()[:-1] + b"\x00\x01")
    manifest, built = build_index(tmp_path, POOL[:wanted], Recorder())
    assert (built, manifest.base) == (True, "")
    assert list(open_snapshot(tmp_path).articles) == POOL[:wanted]


def test_the_articles_of_a_change_are_read_without_opening_it(tmp_path: Path) -> None:
    retold = replace(POOL[0], source="別報")
    build_index(tmp_path, POOL[:3], Recorder())
    manifest, _ = build_index(tmp_path, [POOL[4], POOL[2], retold], Recorder())
    assert manifest.base
    assert live_articles(tmp_path) == [POOL[4], POOL[2], retold]
    (tmp_path / "snapshots" / manifest.id / "heads.json").write_text("[]")
    assert live_articles(tmp_path) == POOL[:3], "the change is damaged, the base before it is not"
    (tmp_path / "snapshots" / base_of(manifest) / "articles.jsonl").write_text("")
    with pytest.raises(SnapshotError, match="damaged: rebuild"):
        live_articles(tmp_path)


def test_articles_added_one_by_one_are_all_there(tmp_path: Path) -> None:
    build_index(tmp_path, POOL[:1], Recorder())
    for article in POOL[1:]:
        update_index(tmp_path, lambda new=article: [*live_articles(tmp_path), new], Recorder())
    assert live_articles(tmp_path) == POOL
    assert open_snapshot(tmp_path).manifest.base


# ---- damage


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str, str]:
    """An index with a full snapshot, another full one (written as for another encoder) and a change on that."""
    index = tmp_path_factory.mktemp("layers") / "index"
    first, _ = build_index(index, POOL[:2], Recorder("another"))
    base, _ = build_index(index, POOL[:3], Recorder())
    change, _ = build_index(index, POOL[1:5], Recorder())
    assert (first.base, base.base, base_of(change)) == ("", "", base.id)
    return index, first.id, base.id, change.id


def test_a_full_snapshot_before_the_base_is_kept_until_the_next_full_one(
    layers: tuple[Path, str, str, str], tmp_path: Path
) -> None:
    source, first, base, change = layers
    index = tmp_path / "index"
    shutil.copytree(source, index)
    assert entries(index) == {first, base, change}
    second = build_index(index, POOL[1:6], Recorder())[0].id
    assert entries(index) == {first, base, change, second}
    third = build_index(index, POOL[2:6], Recorder())[0].id
    assert entries(index) == {first, base, second, third}
    full = build_index(index, POOL[2:6], Recorder("another"))[0].id
    assert entries(index) == {base, third, full}, "the one before is a change, and needs its base"
    fourth = build_index(index, POOL[1:6], Recorder("another"))[0].id
    assert entries(index) == {base, full, fourth}


@pytest.mark.parametrize("damage", [flips, truncations], ids=["flipped bits", "truncated"])
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_change_is_passed_over_for_its_base(
    layers: tuple[Path, str, str, str], tmp_path: Path, file: str, damage: Damage
) -> None:
    source, _, base, change = layers
    index = tmp_path / "index"
    shutil.copytree(source, index)
    for opened, said in opened_after(damage, index, change, file):
        assert opened == base
        assert len(said) == 1
        assert change in said[0]


@pytest.mark.parametrize("damage", [flips, truncations], ids=["flipped bits", "truncated"])
@pytest.mark.parametrize("file", FILES)
def test_with_a_damaged_base_the_full_snapshot_before_it_is_served(
    layers: tuple[Path, str, str, str], tmp_path: Path, file: str, damage: Damage
) -> None:
    source, first, base, change = layers
    index = tmp_path / "index"
    shutil.copytree(source, index)
    for opened, said in opened_after(damage, index, base, file):
        assert opened == first
        assert {next(name for name in (base, change) if f"snapshot {name}" in one) for one in said} == {base, change}
    shutil.rmtree(index / "snapshots" / first)
    with pytest.raises(SnapshotError, match=f"snapshot {change} is damaged: .*rebuild with 'yewen index"):
        open_snapshot(index)


def test_a_base_that_is_missing_is_damage_and_the_next_build_writes_all(
    layers: tuple[Path, str, str, str], tmp_path: Path
) -> None:
    source, first, base, change = layers
    index = tmp_path / "index"
    shutil.copytree(source, index)
    shutil.rmtree(index / "snapshots" / base)
    said: list[str] = []
    assert open_snapshot(index, said.append).id == first
    assert f"snapshot {change} is damaged" in said[0]
    for state in (POOL[1:5], POOL[1:6]):
        shutil.rmtree(tmp_path / "again", ignore_errors=True)
        shutil.copytree(index, tmp_path / "again")
        manifest, built = build_index(tmp_path / "again", state, Recorder())
        assert (manifest.base, built) == ("", True)
        assert list(open_snapshot(tmp_path / "again").articles) == state


@pytest.mark.parametrize("file", ["vectors.faiss", "articles.jsonl", "heads.json"])
def test_a_base_that_lacks_a_file_gets_no_change(layers: tuple[Path, str, str, str], tmp_path: Path, file: str) -> None:
    source, _, base, _ = layers
    index = tmp_path / "index"
    shutil.copytree(source, index)
    (index / "snapshots" / base / file).unlink()
    manifest, _ = build_index(index, POOL[1:6], Recorder())
    assert not manifest.base
    assert open_snapshot(index).id == manifest.id


def test_another_base_of_the_same_name_is_damage(layers: tuple[Path, str, str, str], tmp_path: Path) -> None:
    source, _, base, change = layers
    index = tmp_path / "index"
    shutil.copytree(source, index)
    manifest = read_manifest(index)
    assert manifest is not None
    other = replace(manifest, base=f"{base}{'0' * 52}")
    (index / "snapshots" / change / "manifest.json").write_text(json.dumps(other.document), encoding="utf-8")
    (index / "snapshots" / change).rename(index / "snapshots" / other.id)
    (index / "CURRENT").write_text(other.id)
    said: list[str] = []
    assert open_snapshot(index, said.append).id == base
    assert said == [f"snapshot {other.id} is damaged: its base {base} is another one"]
    assert live_articles(index) == POOL[:3]


@pytest.mark.parametrize("file", FILES)
def test_a_damaged_change_is_made_anew_on_its_base(
    layers: tuple[Path, str, str, str], tmp_path: Path, file: str
) -> None:
    source, _, base, change = layers
    index = tmp_path / "index"
    shutil.copytree(source, index)
    target = index / "snapshots" / change / file
    target.write_bytes(flips(target.read_bytes(), file)[3])
    encoder = Recorder()
    manifest, _ = build_index(index, POOL[1:6], encoder)
    assert base_of(manifest) == ("" if file == "manifest.json" else base)
    assert open_snapshot(index).manifest == manifest
    assert list(open_snapshot(index).articles) == POOL[1:6]
    if manifest.base:
        assert encoder.encoded == texts_of(POOL[3:6])


def test_a_change_of_another_analysis_says_how_to_rebuild(
    layers: tuple[Path, str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("language.analysis.VERSION", "other")
    with pytest.raises(SnapshotError, match=r"another version .*rebuild with 'yewen index --index .*index'"):
        open_snapshot(layers[0])
    assert live_articles(layers[0]) == POOL[1:5]


def test_an_open_change_keeps_answering_after_all_was_deleted(
    tmp_path: Path, articles: list[Article], encoder: Encoder
) -> None:
    build_index(tmp_path, articles[1:], encoder)
    build_index(tmp_path, articles, encoder)
    opened = open_snapshot(tmp_path)
    assert opened.manifest.base
    shutil.rmtree(tmp_path / "snapshots")
    (best, *_) = Retriever(opened, encoder).retrieve(analyse_question("重慶2025年整車產量是多少?"), 3)
    assert best.article.title.startswith("中國汽車第一城")
