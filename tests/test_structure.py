"""The house itself: who may import whom, what lies in the repository, and that the README leaves nothing out."""

import argparse
import ast
import json
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

import yewen
from eval.measures import MEASURES
from server.app import create_app
from server.engine import Engine
from server.settings import PREFIX, Settings, read_settings

ROOT = Path(__file__).parents[1]

# Each room and the rooms it may import: one direction, from the page's end of the house to the language's.
ROOMS = {
    "language": set[str](),
    "prompts": set[str](),
    "indexer": {"language"},
    "retriever": {"indexer", "language"},
    "answerer": {"retriever", "indexer", "language", "prompts"},
    "server": {"answerer", "retriever", "indexer", "language", "prompts"},
    "eval": {"server", "answerer", "retriever", "indexer", "language", "prompts"},
}


def modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imports(file: Path) -> set[str]:
    """Top-level names that a module imports anywhere in it, inside functions and for type checking too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            found.add(str(node.module).split(".")[0])
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_behind_it(room: str) -> None:
    ours = ROOMS.keys() | {"yewen", "tests"}
    wrong = {str(file.relative_to(ROOT)): imports(file) & ours - {room} - ROOMS[room] for file in modules(room)}
    assert {file: names for file, names in wrong.items() if names} == {}


def test_every_room_is_listed_here_and_in_the_packaging() -> None:
    packages = {folder.name for folder in ROOT.iterdir() if (folder / "__init__.py").exists()}
    assert packages == ROOMS.keys()
    listed = re.search(r"^packages = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M | re.S)
    assert listed
    names = set(re.findall(r'"([^"]+)"', listed[1]))
    inner = {
        ".".join(file.parent.relative_to(ROOT).parts) for room in ROOMS for file in (ROOT / room).rglob("__init__.py")
    }
    assert names == inner


def test_every_library_that_is_imported_is_a_dependency() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    dependencies = {name.lower().replace("-", "_") for name in re.findall(r'^ +"([A-Za-z0-9_-]+)', text, re.M)}
    distributed = {
        "faiss": "faiss_cpu",
        "ahocorasick": "pyahocorasick",
        "starlette": "fastapi",
        "pydantic": "fastapi",
        "pydantic_core": "fastapi",
        "torch": "sentence_transformers",
        "grpc": "pymilvus",
        "docx": "python_docx",
        "markdown_it": "markdown_it_py",
        "yaml": "pyyaml",
    }
    used = {name for room in ROOMS for file in modules(room) for name in imports(file)}
    outside = used - sys.stdlib_module_names - ROOMS.keys()
    assert {name for name in outside if distributed.get(name, name) not in dependencies} == set()


def test_the_command_line_alone_is_a_module() -> None:
    assert [file.name for file in ROOT.glob("*.py")] == ["yewen.py"]
    assert imports(ROOT / "yewen.py") <= ROOMS.keys() | sys.stdlib_module_names


def files() -> Iterator[Path]:
    """Every file of the repository: what .gitignore names and version control's own are left out."""
    ignored = [
        line.strip().rstrip("/")
        for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]

    def walk(folder: Path) -> Iterator[Path]:
        for entry in sorted(folder.iterdir()):
            if entry.name == ".git" or any(fnmatch(entry.name, pattern) for pattern in ignored):
                continue
            if entry.is_dir():
                yield from walk(entry)
            elif entry.is_file():
                yield entry

    yield from walk(ROOT)


def test_no_file_is_larger_than_16_megabytes() -> None:
    assert {
        str(file.relative_to(ROOT)): file.stat().st_size for file in files() if file.stat().st_size > 16 * 10**6
    } == {}


def test_no_text_names_a_place_on_the_machine_it_was_written_on() -> None:
    place = re.compile(r"(?<![\w.:/>}])/(?:work|home|root|Users|mnt|media|scratch)/(?!\.\.\.)[\w.-]+")
    found = []
    for file in files():
        content = file.read_bytes()
        if b"\x00" in content[:8192]:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
            if match := place.search(line):
                found.append(f"{file.relative_to(ROOT)}:{number}: {match.group()}")
    assert found == []


# ---- the README


@pytest.fixture(scope="module")
def readme() -> str:
    file = ROOT / "README.md"
    assert file.exists(), "there is no README.md"
    return file.read_text(encoding="utf-8")


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Every command of the command line with its parser."""
    (commands,) = (a for a in yewen._parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(commands.choices)


OPTIONS = sorted(
    {
        (command, option)
        for command, parser in parsers().items()
        for action in parser._actions
        for option in action.option_strings
    }
    - {(command, option) for command in parsers() for option in ("-h", "--help")}
)


@pytest.mark.parametrize("command", parsers())
def test_the_readme_names_every_command(readme: str, command: str) -> None:
    assert re.search(rf"\byewen {command}\b", readme)


@pytest.mark.parametrize(("command", "option"), OPTIONS, ids=[" ".join(pair) for pair in OPTIONS])
def test_the_readme_names_every_option(readme: str, command: str, option: str) -> None:
    """Beside its command, or, for one that most commands take, anywhere."""
    shared = sum(name == option for _, name in OPTIONS) > 2
    lines = [line for line in readme.split("\n") if shared or re.search(rf"\byewen {command}\b", line)]
    assert any(re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", line) for line in lines)


@pytest.mark.parametrize("setting", [PREFIX + name.upper() for name in Settings.__slots__])
def test_the_readme_names_every_setting(readme: str, setting: str) -> None:
    assert re.search(rf"\b{setting}\b", readme)


def test_the_readme_names_no_setting_that_does_not_exist(readme: str) -> None:
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", readme))
    assert named - {PREFIX + name.upper() for name in Settings.__slots__} == set()


def test_the_example_of_settings_names_every_one_with_its_default() -> None:
    example = ROOT / ".env.example"
    named = set(re.findall(rf"^{PREFIX}([A-Z_]+)=", example.read_text(encoding="utf-8"), re.M))
    assert named == {name.upper() for name in Settings.__slots__}
    assert read_settings({}, example) == Settings()


@pytest.mark.parametrize("file", ["Dockerfile", "compose.yaml", "deploy/yewen.service"])
def test_what_runs_the_server_sets_only_settings_that_exist(file: str) -> None:
    named = set(re.findall(rf"\b{PREFIX}([A-Z_]+)\b", (ROOT / file).read_text(encoding="utf-8")))
    assert named <= {name.upper() for name in Settings.__slots__}


def endpoints() -> list[str]:
    from indexer.snapshot import SnapshotError

    def nothing() -> None:
        raise SnapshotError("none is needed here")

    described = create_app(Engine(nothing)).openapi()["paths"]
    return [f"{method.upper()} {path}" for path, methods in described.items() for method in methods]


@pytest.mark.parametrize("endpoint", [*endpoints(), "GET /docs"])
def test_the_readme_names_every_endpoint(readme: str, endpoint: str) -> None:
    _, path = endpoint.split(" ")
    assert re.search(rf"(?<![\w/]){re.escape(path)}(?![\w/{{])", readme)


def test_the_documentation_defines_every_measure() -> None:
    text = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    assert {name for name in MEASURES if f"`{name}`" not in text} == set()


def test_the_readme_has_no_place_left_to_fill(readme: str) -> None:
    assert re.findall(r"@@\w*@@|\bTODO\b|\bTBD\b|\bXXX\b", readme) == []


def test_the_json_that_the_readme_shows_is_json(readme: str) -> None:
    blocks = re.findall(r"^```json\n(.*?)^```", readme, re.M | re.S)
    assert [json.loads(block) for block in blocks]


def test_every_file_that_the_readme_names_is_there(readme: str) -> None:
    rooms = "|".join([*ROOMS, "seeds", "docs"])
    named = set(re.findall(rf"`((?:{rooms})/[\w./-]*)`", readme))
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_the_defaults_that_the_readme_gives_are_the_real_ones(readme: str) -> None:
    settings = read_settings({}, Path("/nonexistent"))
    assert f"http://{settings.host}:{settings.port}" in readme
    assert f"`{settings.index}`" in readme
    assert f"`{settings.encoder}`" in readme
