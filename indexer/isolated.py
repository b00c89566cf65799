"""Reads files in a process of its own, so that a hostile one costs a bounded time and memory and no more."""

import logging
import multiprocessing
import resource
import signal
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from indexer.formats import Draft, UnreadableError, read_drafts

SECONDS = 30.0  # for one file, with the import of the library that reads it
MEMORY = 2 << 30  # bytes of address space
_SIMPLE = frozenset({"seed", "jsonl"})  # read here: nothing but the standard library sees them


class IsolatedReader:
    """Calls :func:`indexer.formats.read_drafts` elsewhere, in a process that starts with the first file.

    A file that takes too long or kills its reader costs the process, and the next file gets a new one.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None

    def __call__(self, kind: str, data: bytes, name: str = "") -> list[Draft]:
        """The articles of a file.

        Raises:
            UnreadableError: it cannot be read, or not within the limits.
            SeedFormatError: a seed file breaks its form.
        """
        if kind in _SIMPLE:
            return read_drafts(kind, data, name)
        pipe = self._pipe or self._start()
        try:
            pipe.send((kind, data))
            if not pipe.poll(self._seconds):
                raise UnreadableError(f"takes longer than {self._seconds:.0f} s to read")
            result: list[Draft] | UnreadableError = pipe.recv()
        except (EOFError, OSError):
            self.close()
            raise UnreadableError(f"cannot be read as {kind}: it brought its reader down") from None
        except BaseException:
            self.close()
            raise
        if isinstance(result, UnreadableError):
            raise result
        return result

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")  # a server has threads, which fork would not survive
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        return self._pipe

    def close(self) -> None:
        """End the process."""
        if self._pipe is not None and self._process is not None:
            self._pipe.close()
            self._process.kill()
            self._process.join()
            self._pipe = self._process = None


def _serve(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it ends it
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    logging.disable()  # libraries complain of every damaged file at length
    while True:
        try:
            kind, data = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(read_drafts(kind, data))
        except UnreadableError as error:
            pipe.send(error)
        except MemoryError:
            pipe.send(UnreadableError(f"needs more than {MEMORY >> 30} GiB of memory to read"))
        except Exception as error:  # whatever a library raises of a damaged file
            pipe.send(UnreadableError(f"cannot be read as {kind} ({type(error).__name__}): is it damaged?"))
