"""What the rooms' tests share: the seed articles, one index of them, and the real command line."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from indexer.articles import Article, read_articles
from indexer.build import build_index
from indexer.encoder import Encoder, load_encoder
from indexer.snapshot import Snapshot, open_snapshot

ROOT = Path(__file__).parents[1]

settings.register_profile(
    "yewen", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("yewen")


@pytest.fixture(scope="session")
def seeds() -> Path:
    return ROOT / "seeds"


@pytest.fixture(scope="session")
def articles(seeds: Path) -> list[Article]:
    return read_articles([seeds])


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return load_encoder()


@pytest.fixture(scope="session")
def built_index(tmp_path_factory: pytest.TempPathFactory, articles: list[Article], encoder: Encoder) -> Path:
    """An index of the seed articles with the built-in encoder; tests only read it."""
    index = tmp_path_factory.mktemp("seeds") / "index"
    build_index(index, articles, encoder)
    return index


@pytest.fixture(scope="session")
def snapshot(built_index: Path) -> Snapshot:
    return open_snapshot(built_index)


@pytest.fixture(scope="session")
def plain_environment() -> dict[str, str]:
    """The environment without settings of ours, in which `python -m yewen` finds this project from any folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("YEWEN_")}
    return kept | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


Yewen = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def yewen(tmp_path: Path, plain_environment: dict[str, str]) -> Yewen:
    """Run `python -m yewen ARGUMENTS` in the test's own folder."""

    def run(*arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "yewen", *map(str, arguments)],
            cwd=tmp_path,
            env=plain_environment | more,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run
