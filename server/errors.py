"""Errors as HTTP: one place that gives each its status, its code and a message that says what to do.

Below ``/v1`` an error has the fields that clients of OpenAI's protocol read (``type`` and ``param`` beside ``code`` and
``message``) and a request that breaks the contract is 400; everywhere else it is 422.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from indexer.snapshot import SnapshotError
from server.engine import NotReadyError

log = logging.getLogger("yewen")

_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media"}
_TYPES = {401: "authentication_error", 429: "rate_limit_error"}  # of OpenAI's protocol; others by their hundreds


class NotFoundError(Exception):
    """What was asked for does not exist; ``code`` where the protocol has a code of its own for it."""

    def __init__(self, message: str, code: str = "not_found") -> None:
        super().__init__(message)
        self.code = code


class InvalidError(Exception):
    """A value passes the schema and still cannot be used; ``field`` names it."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class ConflictError(Exception):
    """What was asked for cannot be done to things as they are; the message says what to do first."""


class StorageError(Exception):
    """Something sent here could not be kept; the message says why and what to do."""


def is_openai(path: str) -> bool:
    """Does that path speak OpenAI's protocol?"""
    return path.startswith("/v1/")


def error_document(
    path: str, status: int, code: str, message: str, field: str | None = None
) -> dict[str, dict[str, str | None]]:
    """The body of an error for a request to ``path``."""
    if not is_openai(path):
        return {"error": {"code": code, "message": message}}
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": field, "code": code}}


def error_response(
    path: str,
    status: int,
    code: str,
    message: str,
    *,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The response to a request to ``path`` that failed."""
    return JSONResponse(error_document(path, status, code, message, field), status, headers=headers)


def install_error_handlers(app: FastAPI) -> None:
    """Answer every error in the one shape; nothing of the input is repeated where it could not be encoded."""

    @app.exception_handler(SnapshotError)  # a store that the snapshot needs went away
    @app.exception_handler(NotReadyError)
    async def not_ready(request: Request, error: Exception) -> JSONResponse:
        return error_response(request.url.path, 503, "not_ready", str(error), headers={"Retry-After": "5"})

    @app.exception_handler(NotFoundError)
    async def not_found(request: Request, error: Exception) -> JSONResponse:
        return error_response(request.url.path, 404, cast(NotFoundError, error).code, str(error))

    @app.exception_handler(ConflictError)
    async def conflict(request: Request, error: Exception) -> JSONResponse:
        return error_response(request.url.path, 409, "conflict", str(error))

    @app.exception_handler(InvalidError)
    async def unusable(request: Request, error: Exception) -> JSONResponse:
        path = request.url.path
        field = cast(InvalidError, error).field
        return error_response(path, 400 if is_openai(path) else 422, "invalid", str(error), field=field)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: Exception) -> JSONResponse:
        problems = cast(RequestValidationError, error).errors()
        path = request.url.path
        status = 400 if is_openai(path) else 422
        return error_response(path, status, "invalid", _explain(problems), field=_encodable(_place(problems[0])))

    @app.exception_handler(StorageError)
    async def not_kept(request: Request, error: Exception) -> JSONResponse:
        log.error("%s", error)
        return error_response(
            request.url.path, 507, "not_kept", "This could not be kept here; tell who runs the server."
        )

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: Exception) -> JSONResponse:
        known = cast(HTTPException, error)
        code = _CODES.get(known.status_code, "error")
        headers = _allow(request) if known.status_code == 405 else known.headers
        return error_response(request.url.path, known.status_code, code, str(known.detail), headers=headers)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        message = "Something failed here; try again, and tell us if it stays."
        return error_response(request.url.path, 500, "internal", message)


def _allow(request: Request) -> dict[str, str]:
    """The header that names a path's methods: those of all its routes, where the framework names the first one's."""
    methods: set[str] = set()
    for method in ("DELETE", "GET", "POST"):
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            methods.add(method)
    return {"Allow": ", ".join(sorted(methods))}


def _explain(problems: Sequence[Mapping[str, object]]) -> str:
    """The problems of a request in words, each with the field it is about; the input itself is left out."""
    sentences = []
    for problem in problems[:5]:
        place = _place(problem)
        if problem["type"] == "json_invalid":
            sentences.append("the body is not valid JSON")
        elif problem["type"] == "missing":
            sentences.append(f"{place or 'the JSON body'} is missing")
        else:
            sentences.append(f"{place or 'the body'}: {problem['msg']}")
    return _encodable("; ".join(sentences))


def _place(problem: Mapping[str, object]) -> str:
    return ".".join(str(part) for part in cast(Sequence[object], problem["loc"]) if part not in ("body", "query"))


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
