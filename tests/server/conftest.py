"""A real server over a freshly built index, shared by the tests that need one."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start `yewen serve` over the seed articles with default settings; yield its address once it can answer."""
    index = tmp_path_factory.mktemp("live") / "index"
    plain = {name: value for name, value in os.environ.items() if not name.startswith("YEWEN_")}
    environment = plain | {"YEWEN_INDEX": str(index)}
    yewen = [sys.executable, "-m", "yewen"]
    subprocess.run([*yewen, "index", "--index", str(index)], cwd=ROOT, env=environment, check=True, timeout=300)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([*yewen, "serve", "--port", str(port)], cwd=ROOT, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(server, f"{url}/readyz")
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)


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
