"""Errors as HTTP: one place that gives each its status, its code and a message that says what to do."""

import logging
from collections.abc import Sequence
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from indexer.snapshot import SnapshotError
from server.engine import NotReadyError

log = logging.getLogger("yewen")

_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media"}


class NotFoundError(Exception):
    """What was asked for does not exist."""


class InvalidError(Exception):
    """A value passes the schema and still cannot be used."""


def error_response(code: str, message: str) -> dict[str, dict[str, str]]:
    """The body of every error."""
    return {"error": {"code": code, "message": message}}


def install_error_handlers(app: FastAPI) -> None:
    """Answer every error in the one shape; nothing of the input is repeated where it could not be encoded."""

    @app.exception_handler(SnapshotError)  # a store that the snapshot needs went away
    @app.exception_handler(NotReadyError)
    async def not_ready(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse(error_response("not_ready", str(error)), 503, headers={"Retry-After": "5"})

    @app.exception_handler(NotFoundError)
    async def not_found(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse(error_response("not_found", str(error)), 404)

    @app.exception_handler(InvalidError)
    async def unusable(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse(error_response("invalid", str(error)), 422)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse(error_response("invalid", _explain(cast(RequestValidationError, error).errors())), 422)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: Exception) -> JSONResponse:
        known = cast(HTTPException, error)
        code = _CODES.get(known.status_code, "error")
        return JSONResponse(error_response(code, str(known.detail)), known.status_code, headers=known.headers)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse(
            error_response("internal", "Something failed here; try again, and tell us if it stays."), 500
        )


def _explain(problems: Sequence[dict[str, object]]) -> str:
    """The problems of a request in words, each with the field it is about; the input itself is left out."""
    sentences = []
    for problem in problems[:5]:
        place = ".".join(str(part) for part in cast(Sequence[object], problem["loc"]) if part not in ("body", "query"))
        if problem["type"] == "json_invalid":
            sentences.append("the body is not valid JSON")
        elif problem["type"] == "missing":
            sentences.append(f"{place or 'the JSON body'} is missing")
        else:
            sentences.append(f"{place or 'the body'}: {problem['msg']}")
    return "; ".join(sentences).encode("utf-8", "replace").decode()
