"""The HTTP endpoints as the evaluation uses them: in this process, or at a URL."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
from fastapi import FastAPI

TIMEOUT_S = 120.0


class EndpointError(RuntimeError):
    """The endpoint cannot be reached or answered with an error; the message says which and what it said."""


class Client:
    """A blocking client over ``app`` (in process) or the server at ``url``."""

    def __init__(self, app: FastAPI | None = None, url: str = "") -> None:
        transport = httpx.ASGITransport(app) if app is not None else None
        base = url.rstrip("/") if app is None else "http://yewen.invalid"
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(transport=transport, base_url=base, timeout=TIMEOUT_S, trust_env=False)

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

    def search(self, query: str, k: int) -> dict[str, Any]:
        """``GET /api/search``."""
        return self._send(self._client.build_request("GET", "/api/search", params={"q": query, "k": k}))

    def article(self, id: str) -> dict[str, Any]:
        """``GET /api/articles/{id}``."""
        return self._send(self._client.build_request("GET", f"/api/articles/{quote(id, safe='')}"))

    def _send(self, request: httpx.Request) -> dict[str, Any]:
        path = request.url.path
        try:
            response = self._runner.run(self._client.send(request))
        except httpx.HTTPError as error:
            raise EndpointError(f"{self._client.base_url} cannot be reached ({type(error).__name__})") from None
        try:
            document = response.json()
        except ValueError:
            raise EndpointError(f"{request.method} {path} answered {response.status_code} without JSON") from None
        if response.status_code != httpx.codes.OK or not isinstance(document, dict):
            raise EndpointError(f"{request.method} {path} answered {response.status_code}: {str(document)[:300]}")
        return document


Progress = Callable[[int, int], None]
