"""The description at /openapi.json against what the server does: schemathesis makes requests from it."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest


def test_schemathesis_finds_nothing_that_the_description_does_not_say(live_server: str, tmp_path: Path) -> None:
    """Its examples, its coverage of every field's bounds, random requests good and bad, and chains of them."""
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
    options = ["--max-examples", "10", "--seed", "1", "--generation-database", "none", "--no-color"]
    done = subprocess.run(
        [*command, "run", f"{live_server}/openapi.json", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


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
