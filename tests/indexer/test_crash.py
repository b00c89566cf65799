"""A builder that is killed, or whose disk fails, leaves an index that opens, or none; and the next build succeeds."""

import random
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.articles import Article, read_articles
from indexer.build import build_index
from indexer.encoder import Encoder
from indexer.snapshot import SnapshotError, open_snapshot

# Fork once for each "FOLDER N" of standard input; there run the command line and die, as by kill -9, at the Nth thing
# done to a file of the index. With 0 live to the end and print how many things were done. A snapshot gets changes from
# as many passages on as the second argument says.
KILLED_AT = textwrap.dedent("""
    import os, signal, sys
    import yewen, indexer.articles, indexer.build, indexer.encoder.static
    indexer.build.CHANGED_FROM, indexer.build.CHANGED_MOST = int(sys.argv[2]), 9.0
    import language.analysis, language.sentences
    language.analysis.terms(language.sentences.tagged_words("開始")[0].text)  # what loads slowly loads once
    EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.listdir", "os.scandir", "shutil.rmtree"}
    def run(index, last):
        done = 0
        def watch(event, details):
            nonlocal done
            if event in EVENTS and details and index in str(details[0]):
                done += 1
                if done == last:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.stdout = sys.stderr
        sys.addaudithook(watch)
        status = yewen.main(["index", "--index", index, sys.argv[1]])
        os.write(1, f"{done}\\n".encode())
        os._exit(status)
    for line in sys.stdin:
        index, last = line.split()
        if not (child := os.fork()):
            run(index, int(last))
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == (-signal.SIGKILL if int(last) else 0), (line, status)
""")

Killed = Callable[..., int]
NEVER = 1 << 30


@pytest.fixture
def killed(plain_environment: dict[str, str], tmp_path: Path) -> Killed:
    """Build these seeds in each folder until its point; returns how many points the one without an end had."""

    def run(seeds: Path, until: dict[Path, int], changed_from: int = NEVER) -> int:
        done = subprocess.run(
            [sys.executable, "-c", KILLED_AT, str(seeds), str(changed_from)],
            input="".join(f"{index} {last}\n" for index, last in until.items()),
            env=plain_environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return int(done.stdout.split()[-1]) if done.stdout else 0

    return run


def seed_file(file: Path, articles: list[Article]) -> Path:
    file.write_text("#汽車產業\n" + "".join(f"{a.title}\n{a.body} ({a.source})\n" for a in articles), encoding="utf-8")
    return file


def opened(index: Path) -> str:
    """The id of what opens, or '' where it is said that there is nothing."""
    try:
        return open_snapshot(index).id
    except SnapshotError as error:
        assert "yewen index" in str(error)
        return ""


def entries(index: Path) -> set[str]:
    return {entry.name for entry in (index / "snapshots").iterdir()}


def points(most: int, count: int, seed: int) -> list[int]:
    """Seeded moments, one from each of ``count`` equal stretches, so that no stage is left out."""
    rng = random.Random(seed)
    return [1 + int((at + rng.random()) * most / count) for at in range(count)]


def test_a_first_build_killed_anywhere_leaves_a_whole_index_or_none(
    tmp_path: Path, articles: list[Article], killed: Killed, encoder: Encoder
) -> None:
    seeds = seed_file(tmp_path / "seed.txt", articles[7:])
    most = killed(seeds, {tmp_path / "whole": 0})
    wanted = open_snapshot(tmp_path / "whole").id
    until = {tmp_path / f"index{point}": point for point in points(most, 9, seed=1)}
    killed(seeds, until)
    for index, point in until.items():
        assert opened(index) in {wanted, ""}, point
        manifest, _ = build_index(index, read_articles([seeds]), encoder)
        assert manifest.id == wanted == open_snapshot(index).id
        assert entries(index) == {wanted}, f"killed at {point}: something is left over"


def test_an_update_killed_anywhere_serves_the_old_or_the_new(
    tmp_path: Path, articles: list[Article], killed: Killed, encoder: Encoder
) -> None:
    old_seeds, new_seeds = seed_file(tmp_path / "old.txt", articles[7:]), seed_file(tmp_path / "new.txt", articles[6:])
    whole = tmp_path / "whole"
    old = build_index(whole, read_articles([old_seeds]), encoder)[0].id
    before = tmp_path / "before"
    shutil.copytree(whole, before)
    most = killed(new_seeds, {whole: 0})
    new = open_snapshot(whole).id
    until = {tmp_path / f"index{point}": point for point in points(most, 9, seed=2)}
    for index in until:
        shutil.copytree(before, index)
    killed(new_seeds, until)
    for index, point in until.items():
        live = (index / "CURRENT").read_text().strip()
        assert opened(index) == live, point
        assert live in {old, new}
        manifest, _ = build_index(index, read_articles([new_seeds]), encoder)
        assert manifest.id == new == open_snapshot(index).id
        assert entries(index) == {old, new}, f"killed at {point}: something is left over"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param([slice(6, 8)], slice(5, 8), id="the first change"),
        pytest.param([slice(6, 8), slice(5, 8)], slice(5, 7), id="another change"),
        pytest.param([slice(6, 8), slice(5, 8)], slice(6, 8), id="back to the base"),
    ],
)
def test_a_change_killed_anywhere_serves_the_old_or_the_new(
    tmp_path: Path,
    articles: list[Article],
    killed: Killed,
    encoder: Encoder,
    monkeypatch: pytest.MonkeyPatch,
    before: list[slice],
    after: slice,
) -> None:
    monkeypatch.setattr("indexer.build.CHANGED_FROM", 1)
    monkeypatch.setattr("indexer.build.CHANGED_MOST", 9.0)
    old_seeds = [seed_file(tmp_path / f"old{at}.txt", articles[chosen]) for at, chosen in enumerate(before)]
    new_seeds = seed_file(tmp_path / "new.txt", articles[after])
    whole, started = tmp_path / "whole", tmp_path / "started"
    ids = [build_index(started, read_articles([seeds]), encoder)[0].id for seeds in old_seeds]
    shutil.copytree(started, whole)
    most = killed(new_seeds, {whole: 0}, 1)
    new = open_snapshot(whole)
    assert new.id == ids[0] or new.manifest.base[:12] == ids[0]
    until = {tmp_path / f"index{point}": point for point in points(most, 12, seed=3)}
    for index in until:
        shutil.copytree(started, index)
    killed(new_seeds, until, 1)
    for index, point in until.items():
        live = (index / "CURRENT").read_text().strip()
        assert opened(index) == live, point
        assert live in {ids[-1], new.id}
        manifest, _ = build_index(index, read_articles([new_seeds]), encoder)
        assert manifest.id == new.id == open_snapshot(index).id
        assert entries(index) == {*ids, new.id}, f"killed at {point}: something is left over"


def test_the_real_command_killed_at_any_moment_leaves_a_whole_index_or_none(
    tmp_path: Path, seeds: Path, articles: list[Article], plain_environment: dict[str, str], encoder: Encoder
) -> None:
    command = [sys.executable, "-m", "yewen", "index", str(seeds), "--index", str(tmp_path / "index")]
    rng = random.Random(4)
    for _ in range(4):
        builder = subprocess.Popen(command, env=plain_environment, cwd=tmp_path, stdout=subprocess.DEVNULL)
        try:
            builder.wait(timeout=rng.uniform(0.2, 1.6))
        except subprocess.TimeoutExpired:
            builder.kill()
            builder.wait()
        assert builder.returncode in {0, -signal.SIGKILL}
        assert opened(tmp_path / "index") in {
            "",
            *(entries(tmp_path / "index") if (tmp_path / "index/snapshots").exists() else ()),
        }
    manifest, _ = build_index(tmp_path / "index", articles, encoder)
    assert open_snapshot(tmp_path / "index").id == manifest.id
    assert entries(tmp_path / "index") == {manifest.id}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def index_with_a_limit(
    index: Path, seeds: Path, limit: int, environment: dict[str, str], changed_from: int = NEVER
) -> None:
    """Run the command where no file may have more than ``limit`` bytes; it must fail with one line."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    code = "import indexer.build, sys, yewen; "
    code += f"indexer.build.CHANGED_FROM, indexer.build.CHANGED_MOST = {changed_from}, 9.0; sys.exit(yewen.main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "index", str(seeds), "--index", str(index)],
        env=environment | {"PYTHONDONTWRITEBYTECODE": "1"},
        cwd=index.parent,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=limited,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("yewen: ")
    assert done.stderr.count("\n") == 1, "one line that says what failed, no traceback"


@pytest.mark.parametrize(
    ("largest", "lacking"),
    [
        pytest.param("CURRENT", 1, id="CURRENT"),
        pytest.param("manifest.json", 1, id="manifest"),
        pytest.param("articles.idf.npy", 1, id="array"),
        pytest.param("passages.vocabulary.txt", 1, id="vocabulary"),
        pytest.param("articles.jsonl", 1, id="articles"),
        pytest.param("vectors.faiss", 20_000, id="much of the vectors"),
        pytest.param("vectors.faiss", 1, id="the last byte of the vectors"),
    ],
)
def test_a_disk_that_takes_no_more_is_an_error_and_the_live_snapshot_stays(
    tmp_path: Path,
    articles: list[Article],
    built_index: Path,
    plain_environment: dict[str, str],
    encoder: Encoder,
    largest: str,
    lacking: int,
) -> None:
    """No file may grow to the size that this one will need: the kernel refuses the write."""
    index = tmp_path / "index"
    build_index(index, articles[7:], encoder)
    before = contents(index)
    (folder,) = (built_index / "snapshots").iterdir()
    limit = (built_index / "CURRENT" if largest == "CURRENT" else folder / largest).stat().st_size - lacking

    index_with_a_limit(index, seed_file(tmp_path / "all.txt", articles), limit, plain_environment)
    assert contents(index) == before
    assert open_snapshot(index).id in before["CURRENT"].decode()


@pytest.mark.parametrize("largest", ["CURRENT", "manifest.json", "heads.json", "passages.starts.npy", "vectors.faiss"])
def test_a_disk_that_takes_no_more_of_a_change_is_an_error_and_the_live_snapshot_stays(
    tmp_path: Path,
    articles: list[Article],
    plain_environment: dict[str, str],
    killed: Killed,
    encoder: Encoder,
    largest: str,
) -> None:
    index, whole, seeds = tmp_path / "index", tmp_path / "whole", seed_file(tmp_path / "seeds.txt", articles[6:])
    build_index(index, articles[7:], encoder)
    before = contents(index)
    shutil.copytree(index, whole)
    killed(seeds, {whole: 0}, 1)
    manifest = open_snapshot(whole).manifest
    assert manifest.base
    limit = (whole if largest == "CURRENT" else whole / "snapshots" / manifest.id) / largest
    index_with_a_limit(index, seeds, limit.stat().st_size - 1, plain_environment, changed_from=1)
    assert contents(index) == before
    assert open_snapshot(index).id == manifest.base[:12]


def test_a_place_where_no_folder_can_be_is_an_error(tmp_path: Path, articles: list[Article], encoder: Encoder) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        build_index(tmp_path / "file" / "index", articles[7:], encoder)


def test_two_builders_at_once_both_succeed(tmp_path: Path, seeds: Path, plain_environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "yewen", "index", str(seeds), "--index", str(tmp_path / "index"), "--json"]
    builders = [
        subprocess.Popen(command, env=plain_environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    ended = [(*builder.communicate(timeout=60), builder.returncode) for builder in builders]
    assert [(status, errors) for _, errors, status in ended] == [(0, b""), (0, b"")]
    assert sorted(b'"built": true' in output for output, _, _ in ended) == [False, True]
    assert entries(tmp_path / "index") == {open_snapshot(tmp_path / "index").id}
