import sys
from pathlib import Path

import pytest

from indexer import build
from indexer.articles import Article
from indexer.encoder import Encoder
from indexer.engines import EngineError, open_engine
from indexer.snapshot import Snapshot

pytest.importorskip("ray", reason="the extra 'ray' is not installed")


@pytest.fixture(autouse=True)
def own_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Ray of the test's own, never a cluster that the developer happens to have."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def test_ray_builds_the_very_snapshot_of_the_local_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, articles: list[Article], encoder: Encoder, snapshot: Snapshot
) -> None:
    monkeypatch.setattr(build, "BATCH", 50)  # the passages in several batches
    told: list[tuple[str, int, int]] = []
    manifest, built = build.build_index(tmp_path, articles, encoder, lambda *seen: told.append(seen), engine="ray")
    assert (manifest.id, built) == (snapshot.id, True)
    assert manifest.passages > 100
    assert told[-1] == ("vectors", manifest.passages, manifest.passages)


def test_results_in_order_one_load_a_worker_and_errors_as_they_were() -> None:
    class Loaded:
        token = ""

        def __init__(self) -> None:
            self.state = "pickled"

        def __setstate__(self, state: object) -> None:
            import uuid

            self.token = uuid.uuid4().hex

        def token_of(self, item: int) -> tuple[int, str]:
            return item, self.token

    def fail(item: int) -> int:
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match=r"^item 3$"), open_engine("ray") as run:
        results = list(run(Loaded().token_of, range(100), 3))
        assert [item for item, _ in results] == list(range(100))
        assert len({token for _, token in results}) <= 2
        list(run(fail, [3, 4], 1))


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nonsense"])
def test_a_cluster_that_is_not_there(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    with (
        pytest.raises(EngineError, match=f"Ray at {address} .* cannot be reached .*--engine local"),
        open_engine("ray"),
    ):
        pass


def test_ray_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EngineError, match=r"pip install 'yewen\[ray\]'"), open_engine("ray"):
        pass
