"""The HTTP endpoints as the evaluation uses them: in this process, or at a URL."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
from fastapi import FastAPI

TIMEOUT_S = 120.0


class EndpointError(RuntimeError):
    """The endpoint cannot be reached or answered with an error; the message says which and what it said."""


class Client:
    """A blocking client over ``app`` (in process) or the server at ``url``, which may want a ``key``.

    ``top_k`` passages are read for an answer; 0 leaves that to the server.
    """

    def __init__(self, app: FastAPI | None = None, url: str = "", key: str = "", top_k: int = 0) -> None:
        transport = httpx.ASGITransport(app) if app is not None else None
        base = url.rstrip("/") if app is None else "http://yewen.invalid"
        self._limits = {"top_k": top_k} if top_k else {}
        self._runner = asyncio.Runner()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.AsyncClient(
            transport=transport, base_url=base, timeout=TIMEOUT_S, trust_env=False, headers=headers
        )

    def __enter__(self) -> Self:
        """Nothing is sent yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._runner.run(self._client.aclose())
        self._runner.close()

    def answer(self, question: str, history: list[dict[str, str]]) -> dict[str, Any]:
        """``POST /api/answer``."""
        return self._send(
            self._client.build_request("POST", "/api/answer", json={"question": question, "history": history})
        )

    def ask(self, question: str, history: Sequence[Mapping[str, str]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """``POST /api/answer`` as a stream: the hits that the answer was read from, best first, and the answer."""
        body = {"question": question, "history": [dict(turn) for turn in history], "stream": True, **self._limits}
        response = self._response(self._client.build_request("POST", "/api/answer", json=body))
        if response.status_code != httpx.codes.OK:
            raise EndpointError(f"POST /api/answer answered {response.status_code}: {response.text[:300]}")
        events = _events(response.text)
        if "answer" not in events or "retrieved" not in events:
            said = events.get("error", {}).get("error", {}).get("message", "the stream broke off")
            raise EndpointError(f"POST /api/answer gave no answer: {str(said)[:300]}")
        return events["retrieved"]["hits"], events["answer"]

    def verify(self, claim: str) -> dict[str, Any]:
        """``POST /api/verify``."""
        return self._send(self._client.build_request("POST", "/api/verify", json={"claim": claim}))

    def index(self) -> dict[str, Any]:
        """``GET /api/index``."""
        return self._send(self._client.build_request("GET", "/api/index"))

    def search(self, query: str, k: int) -> dict[str, Any]:
        """``GET /api/search``."""
        return self._send(self._client.build_request("GET", "/api/search", params={"q": query, "k": k}))

    def article(self, id: str) -> dict[str, Any]:
        """``GET /api/articles/{id}``."""
        return self._send(self._client.build_request("GET", f"/api/articles/{quote(id, safe='')}"))

    def _send(self, request: httpx.Request) -> dict[str, Any]:
        path = request.url.path
        response = self._response(request)
        try:
            document = response.json()
        except ValueError:
            raise EndpointError(f"{request.method} {path} answered {response.status_code} without JSON") from None
        if response.status_code != httpx.codes.OK or not isinstance(document, dict):
            raise EndpointError(f"{request.method} {path} answered {response.status_code}: {str(document)[:300]}")
        return document

    def _response(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._runner.run(self._client.send(request))
        except httpx.HTTPError as error:
            raise EndpointError(f"{self._client.base_url} cannot be reached ({type(error).__name__})") from None


def _events(text: str) -> dict[str, dict[str, Any]]:
    """The last server-sent event of each name; ones that are no JSON object are passed over."""
    found = {}
    for block in text.replace("\r\n", "\n").split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        try:
            document = json.loads(lines.get("data", ""))
        except ValueError:
            continue
        if isinstance(document, dict):
            found[lines.get("event", "message")] = document
    return found


Progress = Callable[[int, int], None]
