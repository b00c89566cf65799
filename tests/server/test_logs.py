import json
import logging

import pytest

from server.logs import configure_logs

FORGED = ["a\nb", "a\r\nb", "a\rb", "\n2025-01-01 ERROR yewen: forged", "a\x00b", "重慶\u202e\u2028x", "%s %d {}"]


@pytest.fixture
def restored() -> object:
    """Logging as it was, once the test is over."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("message", FORGED, ids=ascii)
def test_an_entry_is_one_line_whatever_is_logged(capsys: pytest.CaptureFixture[str], message: str) -> None:
    for log_format in ("text", "json"):
        configure_logs(log_format)
        logging.getLogger("yewen").warning("asked: %s", message)
        try:
            raise ValueError(message)
        except ValueError:
            logging.getLogger("yewen").exception("failed")
        errors = capsys.readouterr().err
        assert errors.count("\n") == 2
        assert "\r" not in errors
        assert errors.count("failed") == 1


@pytest.mark.usefixtures("restored")
def test_a_json_entry_holds_what_was_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json")
    logging.getLogger("yewen").error("not ready: %s", "重慶\n")
    entry = json.loads(capsys.readouterr().err)
    assert (entry["level"], entry["logger"], entry["message"]) == ("error", "yewen", "not ready: 重慶\n")
    assert entry["time"].endswith("Z")
