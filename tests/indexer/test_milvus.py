import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from indexer.articles import Article
from indexer.build import build_index
from indexer.encoder import Encoder
from indexer.milvus import Milvus, StoreError
from indexer.snapshot import Snapshot, SnapshotError, open_snapshot
from retriever import Retriever, Scope, analyse_question
from yewen import main

# looked for and not imported: indexer.milvus has something to set before the first import
pytestmark = pytest.mark.skipif(
    not (find_spec("pymilvus") and find_spec("milvus_lite")), reason="the extra 'milvus' is not installed"
)

QUESTIONS = ["川普說了什麼?", "特朗普对中国车企的态度", "墨西哥建廠", "中国汽车出口增长了多少", "NVIDIA 晶片"]


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A milvus-lite file that this process holds open."""
    file = str(tmp_path_factory.mktemp("milvus") / "vectors.db")
    yield file
    release(file)


def release(file: str) -> None:
    """Stop the server that milvus-lite runs in this process."""
    from milvus_lite.server_manager import server_manager_instance

    server_manager_instance.release_server(file)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, uri: str, articles: list[Article], encoder: Encoder) -> Path:
    folder = tmp_path_factory.mktemp("in-milvus") / "index"
    build_index(folder, articles, encoder, store="milvus", milvus_uri=uri)
    return folder


@pytest.fixture(scope="module")
def stored(index: Path, uri: str) -> Snapshot:
    return open_snapshot(index, milvus_uri=uri)


def collections(uri: str) -> set[str]:
    with Milvus(uri).client() as client:
        return set(client.list_collections())


def names(index: Path) -> set[str]:
    """The collections that this index wrote and has not dropped."""
    return set((index / "milvus.txt").read_text().split())


def test_the_manifest_tells_the_store(stored: Snapshot, snapshot: Snapshot) -> None:
    assert (stored.manifest.store, snapshot.manifest.store) == ("milvus", "faiss")
    assert {"vectors.milvus.json"} == set(stored.manifest.files) - set(snapshot.manifest.files)
    assert {"vectors.faiss"} == set(snapshot.manifest.files) - set(stored.manifest.files)


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_nearest_rows_are_those_of_faiss(
    stored: Snapshot, snapshot: Snapshot, encoder: Encoder, question: str
) -> None:
    query = encoder.encode_queries([question])[0]
    rows = stored.vectors.search(query, 20)
    assert rows.dtype == np.int64
    assert rows.tolist() == snapshot.vectors.search(query, 20).tolist()
    assert np.allclose(stored.vectors.rows(rows) @ query, snapshot.vectors.rows(rows) @ query, rtol=0, atol=1e-4)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("source", [None, "觀出行"])
def test_hits_are_those_of_faiss(
    stored: Snapshot, snapshot: Snapshot, encoder: Encoder, question: str, source: str | None
) -> None:
    asked = analyse_question(question)
    found, wanted = (Retriever(s, encoder).retrieve(asked, 10, Scope(source=source)) for s in (stored, snapshot))
    assert [hit.passage.id for hit in found] == [hit.passage.id for hit in wanted]
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in wanted], abs=1e-4)


def test_rows_come_in_the_order_asked_for(stored: Snapshot, snapshot: Snapshot) -> None:
    numbers = np.array([7, 3, stored.vectors.size - 1, 0], np.int64)
    rows = stored.vectors.rows(numbers)
    assert rows.dtype == np.float32
    assert np.array_equal(rows, snapshot.vectors.rows(numbers))
    assert stored.vectors.rows(numbers[:0]).shape == (0, 256)


def test_more_rows_than_there_are(stored: Snapshot) -> None:
    assert sorted(stored.vectors.search(np.ones(256, np.float32), 1000)) == list(range(stored.vectors.size))


def test_an_article_without_a_passage(tmp_path: Path, uri: str, encoder: Encoder) -> None:
    build_index(tmp_path, [Article("a" * 12, "題", "……。", "源", "業")], encoder, store="milvus", milvus_uri=uri)
    assert open_snapshot(tmp_path, milvus_uri=uri).vectors.search(np.ones(256, np.float32), 5).tolist() == []


def test_a_build_that_changes_nothing_does_nothing(
    index: Path, uri: str, articles: list[Article], encoder: Encoder
) -> None:
    assert not build_index(index, articles, encoder, store="milvus", milvus_uri=uri)[1]


def test_another_store_is_another_snapshot(
    tmp_path: Path, uri: str, snapshot: Snapshot, articles: list[Article], encoder: Encoder
) -> None:
    assert build_index(tmp_path, articles, encoder)[0].id == snapshot.id
    manifest, built = build_index(tmp_path, articles, encoder, store="milvus", milvus_uri=uri)
    assert (manifest.store, built) == ("milvus", True)
    manifest, built = build_index(tmp_path, articles, encoder, milvus_uri=uri)
    assert (manifest.id, built) == (snapshot.id, True)


def test_a_snapshot_in_milvus_is_always_written_whole(
    tmp_path: Path, uri: str, articles: list[Article], encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one in FAISS is no change on it, nor the other way round."""
    monkeypatch.setattr("indexer.build.CHANGED_FROM", 1)
    monkeypatch.setattr("indexer.build.CHANGED_MOST", 9.0)
    for chosen, store in ((articles[6:], "milvus"), (articles[5:], "milvus"), (articles[6:], "faiss")):
        manifest, built = build_index(tmp_path, chosen, encoder, store=store, milvus_uri=uri)
        assert (manifest.base, manifest.store, built) == ("", store, True)
    changed, _ = build_index(tmp_path, articles[5:], encoder)
    assert changed.base
    whole, _ = build_index(tmp_path, articles[5:], encoder, store="milvus", milvus_uri=uri)
    assert (whole.base, whole.store) == ("", "milvus")
    opened = open_snapshot(tmp_path, milvus_uri=uri)
    assert list(opened.articles) == articles[5:]


def test_the_collections_of_two_snapshots_are_kept(
    tmp_path: Path, uri: str, articles: list[Article], encoder: Encoder
) -> None:
    written = []
    for count in (1, 2, 3):
        build_index(tmp_path, articles[:count], encoder, store="milvus", milvus_uri=uri)
        written.append(names(tmp_path) - set().union(*written))
    assert names(tmp_path) == written[1] | written[2]
    assert names(tmp_path) <= collections(uri)
    assert not written[0] & collections(uri)


def test_what_an_interrupted_build_left_is_replaced_or_dropped(
    tmp_path: Path, uri: str, articles: list[Article], encoder: Encoder
) -> None:
    build_index(tmp_path / "whole", articles[4:6], encoder, store="milvus", milvus_uri=uri)
    (half,) = names(tmp_path / "whole")
    with Milvus(uri).client() as client:
        client.drop_collection(half)
        for name in (half, "yewen_of_other_articles"):
            client.create_collection(name, dimension=256, metric_type="IP")
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "milvus.txt").write_text(f"{half}\nyewen_of_other_articles\n")
    build_index(tmp_path / "index", articles[4:6], encoder, store="milvus", milvus_uri=uri)
    assert names(tmp_path / "index") == {half}
    assert "yewen_of_other_articles" not in collections(uri)
    opened = open_snapshot(tmp_path / "index", milvus_uri=uri)
    assert len(opened.vectors.rows(np.arange(opened.vectors.size))) == opened.manifest.passages


def test_a_missing_collection_is_named_and_a_rebuild_mends_it(
    tmp_path: Path, uri: str, articles: list[Article], encoder: Encoder
) -> None:
    first, _ = build_index(tmp_path, articles[6:7], encoder, store="milvus", milvus_uri=uri)
    (name,) = names(tmp_path)
    with Milvus(uri).client() as client:
        client.drop_collection(name)
    with pytest.raises(SnapshotError, match=f"does not hold the .* vectors of {name}: .*yewen index --store milvus"):
        open_snapshot(tmp_path, milvus_uri=uri)
    again, built = build_index(tmp_path, articles[6:7], encoder, store="milvus", milvus_uri=uri)
    assert (again.id, built) == (first.id, True)
    open_snapshot(tmp_path, milvus_uri=uri)


def test_a_server_that_stopped_is_an_error(tmp_path: Path, articles: list[Article], encoder: Encoder) -> None:
    uri = str(tmp_path / "vectors.db")
    build_index(tmp_path / "index", articles[:1], encoder, store="milvus", milvus_uri=uri)
    vectors = open_snapshot(tmp_path / "index", milvus_uri=uri).vectors
    release(uri)
    with pytest.raises(StoreError, match=r"failed .*: mend it and try again"):
        vectors.search(np.ones(256, np.float32), 3)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("", "YEWEN_MILVUS_URI is not set: set it"),
        ("nonsense", "YEWEN_MILVUS_URI is no address: set it"),
        ("http://root:secret@127.0.0.1:1", r"Milvus at 127\.0\.0\.1:1 cannot be opened .*: start it, or set"),
        ("http://root:sec#ret@127.0.0.1:1", "YEWEN_MILVUS_URI is no address: write"),
        ("/no/such/folder/vectors.db", "cannot be opened .*: .*the folder must be there"),
    ],
    ids=["unset", "no address", "no server", "password with a mark", "no folder"],
)
def test_an_address_that_cannot_be_used(tmp_path: Path, articles: list[Article], uri: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        Milvus(uri)
    assert "sec" not in str(caught.value)


def test_an_address_is_checked_before_anything_is_encoded(tmp_path: Path, articles: list[Article]) -> None:
    class Unused:
        identity, dimension = "unused", 1

        def encode_documents(self, texts: list[str]) -> None:
            raise AssertionError

    with pytest.raises(StoreError):
        build_index(tmp_path, articles, Unused(), store="milvus")


def test_pymilvus_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(StoreError, match=r"pip install 'yewen\[milvus\]'"):
        Milvus("vectors.db")


def test_the_command_says_that_another_process_has_the_file(yewen, index: Path, uri: str) -> None:
    done = yewen("search", "晶片", "--index", index, YEWEN_MILVUS_URI=uri)
    assert (done.returncode, done.stdout) == (1, "")
    assert "only one process may open the file" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_command_writes_and_finds(
    tmp_path: Path, uri: str, stored: Snapshot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YEWEN_MILVUS_URI", uri)
    assert main(["index", "--store", "milvus", "--index", str(tmp_path)]) == 0
    assert stored.id in capsys.readouterr().out
    assert main(["search", "川普", "--index", str(tmp_path)]) == 0
    assert "川普" in capsys.readouterr().out
