"""The description at /openapi.json against what the server does: schemathesis makes requests from it."""

import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.server.conftest import a_free_port, serving


def assert_as_described(server: str, folder: Path, *more: str) -> None:
    """Its examples, its coverage of every field's bounds, random requests good and bad, and chains of them."""
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
    options = ["--max-examples", "10", "--seed", "1", "--generation-database", "none", "--no-color", *more]
    done = subprocess.run(
        [*command, "run", f"{server}/openapi.json", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_schemathesis_finds_nothing_that_the_description_does_not_say(live_server: str, tmp_path: Path) -> None:
    assert_as_described(live_server, tmp_path)


def test_nor_where_articles_are_changed(live_index: Path, tmp_path: Path) -> None:
    """With the key. No schema tells a readable file from others, so that one is refused is no contradiction."""
    index = tmp_path / "index"
    shutil.copytree(live_index, index)
    only = ["--include-path-regex", "^/api/articles", "--exclude-checks", "positive_data_acceptance"]
    with serving(index, a_free_port(), YEWEN_API_KEY="geheim") as server:
        assert_as_described(server, tmp_path, *only, "--header", "Authorization: Bearer geheim")


@pytest.mark.parametrize("path", ["/docs", "/docs/start.js", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"])
def test_the_documentation_is_whole_and_comes_from_here(live_server: str, path: str) -> None:
    response = httpx.get(live_server + path, trust_env=False)
    assert response.status_code == 200
    if path in ("/docs", "/docs/start.js"):
        assert "://" not in response.text


def test_every_field_and_error_is_described(live_server: str) -> None:
    described = httpx.get(f"{live_server}/openapi.json", trust_env=False).json()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], (method, path)
            if path not in ("/healthz", "/readyz"):
                assert {"401", "429", "500"} <= set(operation["responses"]), (method, path)
    shapes = described["components"]["schemas"]
    assert {"ErrorBody", "OpenAIErrorBody", "FeedbackRequest", "AnswerRequest", "ChatRequest"} <= set(shapes)
    assert any("重慶" in str(example) for example in shapes["AnswerRequest"]["examples"])
