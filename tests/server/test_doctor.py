"""What the doctor finds, and what it says to do."""

import json
import shutil
import socket
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from indexer.encoder import EncoderError
from server import doctor
from server.doctor import Finding, examine
from server.settings import Settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def settings(built_index: Path) -> Settings:
    return Settings(index=built_index, port=free_port())


def findings(settings: Settings, transport: httpx.BaseTransport | None = None) -> dict[str, Finding]:
    return {finding.about: finding for finding in examine(settings, transport)}


def test_a_sound_set_up_has_no_fault(settings: Settings) -> None:
    found = findings(settings)
    assert list(found) == ["Python", "packages", "index", "search", "feedback", "port"]
    assert {finding.state for finding in found.values()} <= {"ok", "warning"}
    assert found["index"].state == found["search"].state == found["port"].state == "ok"
    assert "8 articles" in found["index"].found


def test_no_index_is_a_fault_with_the_command(settings: Settings, tmp_path: Path) -> None:
    index = findings(replace(settings, index=tmp_path / "none"))["index"]
    assert index.state == "fault"
    assert f"yewen index --index {tmp_path / 'none'}" in index.mend


def test_a_damaged_index_is_a_fault(settings: Settings, tmp_path: Path) -> None:
    shutil.copytree(settings.index, tmp_path / "copy")
    (articles,) = (tmp_path / "copy" / "snapshots").glob("*/articles.jsonl")
    articles.write_bytes(articles.read_bytes().replace("重慶".encode(), "重庆".encode(), 1))
    index = findings(replace(settings, index=tmp_path / "copy"))["index"]
    assert index.state == "fault"
    assert "checksum" in index.found


def test_another_encoder_is_a_fault(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        identity = "another"

    monkeypatch.setattr(doctor, "load_encoder", lambda name: Other())
    encoder = findings(settings)["encoder"]
    assert (encoder.state, "not 'another'" in encoder.found) == ("fault", True)
    assert "YEWEN_ENCODER" in encoder.mend


def test_an_encoder_that_cannot_be_loaded_is_a_fault(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise EncoderError(f"encoder {name!r} could not be loaded")

    monkeypatch.setattr(doctor, "load_encoder", fail)
    assert findings(settings)["encoder"].state == "fault"


def test_a_place_that_takes_no_feedback_is_a_warning(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    feedback = findings(settings)["feedback"]
    assert feedback.state == "warning"
    assert "YEWEN_FEEDBACK" in feedback.mend


def answering(status: int, body: object) -> httpx.MockTransport:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.MockTransport(lambda request: httpx.Response(status, stream=httpx.ByteStream(content)))


def refuses(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize(
    ("transport", "state", "said"),
    [
        pytest.param(answering(200, {"data": [{"id": "m"}]}), "ok", "has m", id="there"),
        pytest.param(answering(200, {"data": [{"id": "other"}]}), "fault", "other", id="another"),
        pytest.param(answering(401, b"no"), "fault", "YEWEN_LLM_API_KEY", id="key refused"),
        pytest.param(answering(404, b"no"), "warning", "404", id="no list"),
        pytest.param(answering(200, b"<html>"), "warning", "200", id="no JSON"),
        pytest.param(answering(200, {"data": 5}), "warning", "200", id="other JSON"),
        pytest.param(answering(200, b"[" * 100_000), "warning", "200", id="deep JSON"),
        pytest.param(answering(200, b"x" * (3 << 20)), "warning", "200", id="3 MB"),
        pytest.param(httpx.MockTransport(refuses), "fault", "YEWEN_LLM_BASE_URL", id="nothing there"),
    ],
)
def test_the_language_model_is_asked_what_it_has(
    settings: Settings, transport: httpx.MockTransport, state: str, said: str
) -> None:
    model = findings(replace(settings, llm_base_url="http://m.test/v1/", llm_model="m"), transport)["language model"]
    assert model.state == state
    assert said in model.found + model.mend


@pytest.mark.parametrize("url", ["nonsense", "http://[", "http://\ud800.test"])
def test_an_address_that_is_none_is_a_fault(settings: Settings, url: str) -> None:
    assert findings(replace(settings, llm_base_url=url, llm_model="m"))["language model"].state == "fault"


def test_a_port_that_is_taken_is_a_fault(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.port))  # bound and not listening: nothing answers there
        port = findings(settings)["port"]
    assert port.state == "fault"
    assert "YEWEN_PORT" in port.mend


def test_a_server_of_ours_is_known(settings: Settings, live_server: str) -> None:
    port = httpx.URL(live_server).port
    assert port
    found = findings(replace(settings, port=port))["port"]
    assert found.state == "ok"
    assert "already" in found.found


def test_an_open_port_without_a_key_is_a_warning(settings: Settings) -> None:
    assert findings(replace(settings, host="0.0.0.0"))["port"].state == "warning"
    assert findings(replace(settings, host="0.0.0.0", api_key="k"))["port"].state == "ok"


@pytest.mark.parametrize(
    ("required", "said"),
    [
        (["numpy>=2.0", "ray>=2.50; extra == 'ray'"], ""),
        (["numpy>=9999"], "older than 9999"),
        (["no-such-package-7531>=1"], "no-such-package-7531 is missing"),
        (["no-such-package-7531; extra == 'milvus'"], ""),
    ],
)
def test_packages_are_looked_at_by_name_and_version(
    monkeypatch: pytest.MonkeyPatch, required: list[str], said: str
) -> None:
    monkeypatch.setattr("importlib.metadata.requires", lambda name: required)
    found = doctor._packages("faiss")
    assert (found.state, said in found.found) == ("fault" if said else "ok", True)


def test_the_store_needs_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.requires", lambda name: ['no-such-package-7531; extra == "milvus"'])
    assert doctor._packages("milvus").state == "fault"
