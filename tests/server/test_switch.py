"""A server takes up another snapshot between requests, and never mixes two."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from indexer.articles import Article
from indexer.build import build_index
from indexer.encoder import Encoder
from server.app import create_app
from server.engine import Engine, NotReadyError, live_snapshot, load_answerer
from server.settings import Settings
from tests.server.test_api import QUESTION, sender

Build = Callable[[int], str]


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def build(index: Path, articles: list[Article], encoder: Encoder) -> Build:
    """Make an index of the first so many articles the live one; its id."""
    return lambda count: build_index(index, articles[:count], encoder)[0].id


def engine_of(index: Path) -> Engine:
    settings = Settings(index=index)
    return Engine(lambda: load_answerer(settings), lambda: live_snapshot(settings))


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_another_snapshot_is_taken_up_and_the_same_one_is_not_loaded_again(index: Path, build: Build) -> None:
    first = build(2)
    engine = engine_of(index)
    answerer = engine.answerer
    assert engine.refresh()
    assert engine.answerer is answerer
    second = build(3)
    assert engine.snapshot.id == first, "until it looks"
    assert engine.refresh()
    assert engine.snapshot.id == second
    assert engine.answerer.retriever.encoder is answerer.retriever.encoder, "models are loaded once"


def test_what_was_asked_before_the_switch_is_answered_from_the_old_one(index: Path, build: Build) -> None:
    first = build(8)
    engine = engine_of(index)
    app = create_app(engine)

    async def ask() -> str:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://yewen.test") as client:
            asked = asyncio.create_task(client.post("/api/answer", json={"question": QUESTION, "stream": True}))
            await asyncio.sleep(0)
            return (await asked).text

    async def scenario() -> tuple[str, str]:
        before = await ask()
        return before, await ask()

    before, _ = asyncio.run(scenario())
    assert f'"index": "{first}"' in before
    held = engine.answerer
    second = build(7)
    engine.refresh()
    assert held.retriever.snapshot.id == first, "whoever holds it goes on with it"
    assert held.retriever.snapshot.articles[7].id not in engine.snapshot.article_rows
    assert sender(app)("GET", "/api/index").json()["id"] == second


def test_a_server_without_an_index_becomes_ready_when_there_is_one(index: Path, build: Build) -> None:
    engine = engine_of(index)
    with pytest.raises(NotReadyError, match="yewen index"):
        _ = engine.answerer
    assert not engine.refresh()
    ready = sender(create_app(engine))
    assert (ready("GET", "/readyz").status_code, ready("GET", "/healthz").status_code) == (503, 200)
    id = build(1)
    assert engine.refresh()
    assert ready("GET", "/readyz").json() == {"status": "ready", "index": id}


def test_a_snapshot_that_cannot_be_used_leaves_the_old_one_and_is_said_once(
    index: Path, build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    first = build(1)
    engine = engine_of(index)
    build(2)
    for snapshot in (index / "snapshots").iterdir():
        with (snapshot / "articles.jsonl").open("r+b") as file:
            file.truncate(10)
    with caplog.at_level(logging.ERROR, "yewen"):
        assert not engine.refresh()
        assert not engine.refresh()
    assert engine.snapshot.id == first
    assert sender(create_app(engine))("POST", "/api/answer", json={"question": QUESTION}).status_code == 200
    (record,) = caplog.records
    assert "damaged" in record.getMessage()


def test_an_index_that_is_deleted_leaves_the_old_one_answering(index: Path, build: Build) -> None:
    first = build(1)
    engine = engine_of(index)
    (index / "CURRENT").rename(index / "away")
    (index / "snapshots").rename(index / "gone")
    assert not engine.refresh()
    assert engine.snapshot.id == first


def test_no_answer_mixes_two_snapshots_while_they_change(index: Path, build: Build, articles: list[Article]) -> None:
    """Clients ask without a pause while the index goes back and forth; every citation is of the snapshot it names."""
    held = {build(count): {article.id for article in articles[:count]} for count in (8, 4)}
    engine = engine_of(index)
    transport = httpx.ASGITransport(create_app(engine))
    seen: set[str] = set()

    async def client(stop: asyncio.Event) -> int:
        asked = 0
        async with httpx.AsyncClient(transport=transport, base_url="http://yewen.test", timeout=60) as session:
            while not stop.is_set():
                response = await session.post("/api/answer", json={"question": QUESTION})
                assert response.status_code == 200
                answer = response.json()
                seen.add(answer["index"])
                cited = {row["article_id"] for row in answer["citations"] + answer["nearest"]}
                assert cited <= held[answer["index"]]
                asked += 1
                await asyncio.sleep(0)
        return asked

    async def scenario() -> int:
        stop = asyncio.Event()
        watching = asyncio.create_task(engine.watch(0.01))
        clients = [asyncio.create_task(client(stop)) for _ in range(8)]
        for count in (8, 4, 8, 4, 8, 4):
            live = await asyncio.to_thread(build, count)
            async with asyncio.timeout(30):
                while engine.snapshot.id != live:
                    await asyncio.sleep(0.01)
        stop.set()
        asked = await asyncio.gather(*clients)
        watching.cancel()
        return sum(asked)

    assert asyncio.run(scenario()) >= 8
    assert seen == set(held)


def test_a_running_server_looks_by_itself(index: Path, build: Build) -> None:
    first = build(1)
    engine = engine_of(index)

    async def scenario() -> None:
        watching = asyncio.create_task(engine.watch(0.01))
        await asyncio.sleep(0.05)
        assert engine.snapshot.id == first
        second = await asyncio.to_thread(build, 2)
        async with asyncio.timeout(30):
            while engine.snapshot.id != second:
                await asyncio.sleep(0.01)
        watching.cancel()

    asyncio.run(scenario())


def test_reloading_holds_no_files_of_snapshots_that_are_gone(index: Path, build: Build) -> None:
    build(8)
    engine = engine_of(index)
    build(4)
    engine.refresh()
    before = open_files()
    for count in (8, 4, 8, 4):
        build(count)
        assert engine.refresh()
    assert open_files() <= before + 2
