"""Opinions on answers, kept as JSON Lines: one object a line, in the order they came."""

import json
import os
import re
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from server.errors import StorageError

LARGEST_FILE = 64 << 20  # bytes; whoever runs the server moves the file away when it is full
_BREAKS = re.compile("[\x7f-\x9f\u2028\u2029]")  # what some readers take for the end of a line, and json leaves


class FeedbackFile:
    """A file that only grows, up to ``largest`` bytes; safe for several threads."""

    def __init__(self, file: Path, largest: int = LARGEST_FILE) -> None:
        self._file = file
        self._largest = largest
        self._lock = threading.Lock()

    def append(self, entry: Mapping[str, object]) -> None:
        """Write ``entry`` with the time (UTC) as one line, and return when the disk has it.

        Raises:
            StorageError: the disk failed or the file is full; nothing of the entry is left in the file.
        """
        timed = {"time": datetime.now(UTC).isoformat(timespec="seconds"), **entry}
        line = _BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(timed, ensure_ascii=False)) + "\n"
        try:
            self._write(line.encode("utf-8", "replace"))
        except OSError as error:
            raise StorageError(f"feedback cannot be written to {self._file} ({error.strerror}): mend that") from error

    def _write(self, line: bytes) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._lock:
            descriptor = os.open(self._file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                size = os.fstat(descriptor).st_size
                if size and os.pread(descriptor, 1, size - 1) != b"\n":
                    line = b"\n" + line  # a crash broke the last line off
                if size + len(line) > self._largest:
                    raise StorageError(f"{self._file} is full ({size} bytes): move it away")
                try:
                    written = os.write(descriptor, line)
                    if written != len(line):
                        raise OSError(0, f"only {written} of {len(line)} bytes were taken")
                    os.fsync(descriptor)
                except OSError:
                    os.ftruncate(descriptor, size)
                    raise
            finally:
                os.close(descriptor)
