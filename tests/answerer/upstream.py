"""A language model's endpoint that does as it is told: a real server on 127.0.0.1, in the loop of the test."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

Script = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Request:
    """What the endpoint was sent; header names in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class Upstream:
    """Answers the first request by the first script and so on, all further ones by the last; keeps the requests."""

    def __init__(self, *scripts: Script) -> None:
        self.requests: list[Request] = []
        self.client_left = asyncio.Event()
        self.clients_left = 0
        self._scripts = scripts
        self._handlers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Upstream":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    @property
    def url(self) -> str:
        """The base URL to give to a ``LanguageModel``."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.requests.append(Request(first.split()[1], headers, json.loads(body)))
            script = self._scripts[min(len(self.requests), len(self._scripts)) - 1]
            watch = asyncio.create_task(self._watch(reader))
            try:
                await script(writer)
            finally:
                watch.cancel()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.client_left.set()
        except asyncio.CancelledError:  # the test is over
            pass
        finally:
            writer.close()
            self._handlers.discard(task)

    async def _watch(self, reader: asyncio.StreamReader) -> None:
        await reader.read()
        self.clients_left += 1
        self.client_left.set()


def head(status: int = 200, content_type: str = "text/event-stream", **headers: str) -> bytes:
    """The head of a response whose body ends with the connection."""
    named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\n{named}Connection: close\r\n\r\n".encode()


def event(text: str | None, finish: str | None = None) -> bytes:
    """One event of a stream."""
    chunk = {"choices": [{"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish}]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


DONE = event(None, "stop") + b"data: [DONE]\n\n"


def sends(*parts: bytes) -> Script:
    """Send these bytes and close."""

    async def script(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return script


def answers(*texts: str) -> Script:
    """Stream these pieces of text and end as one should."""
    return sends(head(), *map(event, texts), DONE)


def drips(part: bytes, every_s: float, first: bytes = b"") -> Script:
    """Send ``first``, then ``part`` for ever; with an ``every_s`` beyond the test's time, hang."""

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            await writer.drain()
            await asyncio.sleep(every_s)
            writer.write(part)

    return script
