"""Logs on standard error, one line an entry, as text or JSON."""

import json
import logging
import sys
import time


class _Text(logging.Formatter):
    """``time level message`` with line breaks escaped, so that no input can forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        entry = {"time": when, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=True)


def configure_logs(log_format: str) -> None:
    """Send all logs to standard error in that format (``text`` or ``json``)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if log_format == "json" else _Text("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
