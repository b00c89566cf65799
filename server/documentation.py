"""``/docs``: Swagger's page over ``/openapi.json``, served whole from here (``fastapi-offline`` brings its files)."""

from pathlib import Path

import fastapi_offline
from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response

_FILES = Path(fastapi_offline.__file__).parent / "static"

_PAGE = """<!doctype html>
<html lang="zh-Hant">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>業問 Yewen: HTTP</title>
<link rel="icon" href="/favicon.ico">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
"""
_START = 'SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null });\n'


def documentation_router() -> APIRouter:
    """The page and its files; no script stands in the page and nothing comes from elsewhere."""
    router = APIRouter(prefix="/docs", include_in_schema=False)

    @router.get("")
    def page() -> HTMLResponse:
        return HTMLResponse(_PAGE)

    @router.get("/start.js")
    def start() -> Response:
        return Response(_START, media_type="text/javascript")

    @router.get("/swagger-ui-bundle.js")
    def script() -> FileResponse:
        return FileResponse(_FILES / "swagger-ui-bundle.js")

    @router.get("/swagger-ui.css")
    def style() -> FileResponse:
        return FileResponse(_FILES / "swagger-ui.css")

    return router
