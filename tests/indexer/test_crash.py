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
# done to a file of the index. With 0 live to the end and print how many things were done.
KILLED_AT = textwrap.dedent("""
    import os, signal, sys
    import yewen, indexer.articles, indexer.build, indexer.encoder.static
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

Killed = Callable[[Path, dict[Path, int]], int]


@pytest.fixture
def killed(plain_environment: dict[str, str], tmp_path: Path) -> Killed:
    """Build these seeds in each folder until its point; returns how many points the one without an end had."""

    def run(seeds: Path, until: dict[Path, int]) -> int:
        done = subprocess.run(
            [sys.executable, "-c", KILLED_AT, str(seeds)],
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

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    seeds = seed_file(tmp_path / "all.txt", articles)
    done = subprocess.run(
        [sys.executable, "-m", "yewen", "index", str(seeds), "--index", str(index)],
        env=plain_environment | {"PYTHONDONTWRITEBYTECODE": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=limited,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("yewen: ")
    assert done.stderr.count("\n") == 1, "one line that says what failed, no traceback"
    assert contents(index) == before
    assert open_snapshot(index).id in before["CURRENT"].decode()


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
