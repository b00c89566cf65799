"""A real server over a freshly built index, and a real Chromium, shared by the tests that need them."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]

expect.set_options(timeout=30_000)  # milliseconds: a busy machine is slow, not wrong


@pytest.fixture(scope="session")
def live_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the seed articles, built by `yewen index` with default settings."""
    index = tmp_path_factory.mktemp("live") / "index"
    command = [sys.executable, "-m", "yewen", "index", "--index", str(index)]
    subprocess.run(command, cwd=ROOT, env=_environment(index), check=True, timeout=300)
    return index


@pytest.fixture(scope="session")
def live_server(live_index: Path) -> Iterator[str]:
    """Start `yewen serve` over the seed articles with default settings; yield its address once it can answer."""
    with serving(live_index, a_free_port()) as url:
        yield url


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(index: Path, port: int, **more: str) -> Iterator[str]:
    """Run `yewen serve` over that index, with more settings if wanted."""
    command = [sys.executable, "-m", "yewen", "serve", "--port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, env=_environment(index) | more)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(server, f"{url}/readyz")
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)


def _environment(index: Path) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("YEWEN_")}
    return plain | {"YEWEN_INDEX": str(index)}


def wait_until_ready(server: subprocess.Popen[bytes], probe: str, within: float = 60.0) -> None:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if server.poll() is not None:
            pytest.fail(f"yewen serve ended with status {server.returncode}")
        try:
            if httpx.get(probe, trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    pytest.fail(f"{probe} was not ready within {within:.0f} s")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    named = os.environ.get("YEWEN_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not named:
        pytest.fail("no Chromium for the page tests: apt-get install chromium, or set YEWEN_CHROMIUM to one")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=named, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def problems() -> list[str]:
    """Whatever the console or the page complained of; a test that provokes a failed request clears it."""
    return []


@pytest.fixture
def open_page(browser: Browser, live_server: str, problems: list[str]) -> Iterator[Callable[..., Page]]:
    """Open the page at ``url``, the live server's if none is given, in a browser that has never been here."""
    contexts = []

    def refuse(dialog: Dialog) -> None:
        problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def opened(url: str = live_server, **options: Any) -> Page:
        settings: dict[str, Any] = {"locale": "zh-TW", "viewport": {"width": 1280, "height": 800}} | options
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", refuse)
        page.route("**/nothing", lambda route: route.abort())  # interception turned on later could miss a request
        page.goto(url)
        page.wait_for_selector("#shelf li", state="attached")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()
