"""The HTTP server: an app factory that takes what it needs, and the endpoints."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.routing import Route

from answerer.respond import Answerer, Delta, Done, Retrieved
from retriever import HITS, Scope, analyse_question
from server import schemas
from server.collection import Collection, collection_router
from server.documentation import documentation_router
from server.engine import Engine
from server.errors import InvalidError, NotFoundError, error_document, install_error_handlers
from server.feedback import FeedbackFile
from server.metrics import CONTENT_TYPE, CountRequests, Metrics
from server.openai_api import openai_router
from server.openai_schemas import OpenAIErrorBody
from server.presentation import NO_BUFFER, answer_document, hit_document
from server.protection import Protection
from server.tools import McpEndpoint
from server.verification import verify_router

STATIC = Path(__file__).parent / "static"

log = logging.getLogger("yewen")

_DESCRIPTION = """Ask an industry's articles a question, in any Chinese script; every sentence cites its words.

Every error is `{"error": {"code", "message"}}`, below `/v1` with `type` and `param` beside them. From another machine a
server may need a key (`Authorization: Bearer KEY`). The tools `search`, `answer` and `read_article` are at `/mcp` for
clients of the Model Context Protocol."""

_WHY = {
    400: "The body cannot be read",
    401: "This server needs a key",
    404: "There is no such thing",
    409: "That cannot be done to things as they are; the message says what to do first",
    413: "The request is too large",
    422: "A field is missing or wrong",
    429: "Too many requests; `Retry-After` says when to come back",
    500: "Something failed here",
    503: "There is no usable index; the message says how to build one",
    507: "The disk is full or failed",
}


def _errors(*statuses: int, body: type = schemas.ErrorBody) -> dict[int | str, dict[str, Any]]:
    """The errors of an endpoint for its description; those that every endpoint may answer with are always there."""
    return {status: {"model": body, "description": _WHY[status]} for status in sorted({401, 429, 500, *statuses})}


class _Application(FastAPI):
    """FastAPI, whose description says that a key may be needed."""

    def openapi(self) -> dict[str, Any]:
        """The description; no key is one of the two ways, since on this machine none is needed."""
        described = super().openapi()
        key = {"type": "http", "scheme": "bearer", "description": "The server's key, if it has one"}
        described["components"]["securitySchemes"] = {"key": key}
        described["security"] = [{}, {"key": []}]
        return described


def create_app(
    engine: Engine,
    api_key: str = "",
    rate_limit: int = 0,
    feedback: FeedbackFile | None = None,
    collection: Collection | None = None,
) -> FastAPI:
    """The application over one engine; ``rate_limit`` is requests a minute from one address, 0 for no limit.

    Without a ``feedback`` file opinions are not kept, without a ``collection`` articles not changed; their endpoints
    say so.
    """
    metrics = Metrics(engine)
    mcp = McpEndpoint(engine, metrics)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(engine.watch())
        async with mcp.running():
            yield
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await engine.close()

    app = _Application(
        lifespan=lifespan,
        title="業問 Yewen",
        version="0.1.0",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
    )
    install_error_handlers(app)
    app.add_middleware(Protection, api_key=api_key, rate_limit=rate_limit)
    app.add_middleware(CountRequests, metrics=metrics)
    app.include_router(_pages())
    app.include_router(documentation_router())
    app.include_router(_health(engine, metrics))
    app.include_router(_answers(engine, metrics))
    app.include_router(verify_router(engine), responses=_errors(400, 413, 422, 503))
    app.include_router(_articles(engine))
    app.include_router(collection_router(collection), responses=_errors(400, 404, 409, 413, 422, 503, 507))
    app.include_router(_feedback(feedback, metrics))
    errors = _errors(400, 404, 413, 503, body=OpenAIErrorBody)
    app.include_router(openai_router(engine, metrics), responses=errors)
    app.router.routes.append(Route("/mcp", mcp, methods=["POST"]))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _pages() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html", media_type="text/html; charset=utf-8")

    @router.get("/favicon.ico")
    def icon() -> FileResponse:
        return FileResponse(STATIC / "icon.svg", media_type="image/svg+xml")

    return router


def _health(engine: Engine, metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    def alive() -> schemas.HealthBody:
        """Is the process alive?"""
        return schemas.HealthBody()

    @router.get("/readyz", responses={503: {"model": schemas.ErrorBody, "description": _WHY[503]}})
    def ready() -> schemas.ReadyBody:
        """Can questions be answered?"""
        return schemas.ReadyBody(index=engine.snapshot.id)

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **_errors()},
    )
    def numbers() -> Response:
        """Counters of requests, answers and what is searched, in the Prometheus text format."""
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return router


def _answers(engine: Engine, metrics: Metrics) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["answers"])

    @router.post(
        "/answer",
        response_model=schemas.AnswerBody,
        responses={
            200: {"content": {"text/event-stream": {"schema": _EVENT, "example": _STREAM}}},
            **_errors(400, 413, 422, 503),
        },
    )
    async def answer(request: schemas.AnswerRequest) -> Response:
        """Answer a question from the articles, or refuse; with ``stream`` as server-sent events.

        The events are ``retrieved`` (``{"hits": [hit]}``), any number of ``delta`` (``{"text"}``), and ``answer`` (the
        whole object), which replaces what was streamed, or ``error`` (``{"error": {"code", "message"}}``).
        """
        answerer = engine.answerer
        if request.stream:
            events = _events(answerer, request, metrics)
            return StreamingResponse(events, media_type="text/event-stream", headers=NO_BUFFER)
        done = await answerer.answer(request.to_request())
        metrics.answered(done)
        return JSONResponse(answer_document(done, answerer.retriever.snapshot.id))

    @router.get("/search", response_model=schemas.SearchBody, responses=_errors(422, 503))
    def search(
        *,
        q: Annotated[
            str,
            Query(
                min_length=1,
                max_length=schemas.LONGEST_QUESTION,
                description="What to search for",
                json_schema_extra={"pattern": r"\S"},
                examples=["英伟达芯片"],
            ),
        ],
        k: Annotated[int, Query(ge=1, le=schemas.MOST_PASSAGES, description="How many passages")] = HITS,
        industry: Annotated[str | None, Query(max_length=200, description="Only of this industry")] = None,
        source: Annotated[str | None, Query(max_length=200, description="Only from this source")] = None,
        since: Annotated[schemas.Since, Query()] = None,
        until: Annotated[schemas.Until, Query()] = None,
    ) -> Response:
        """The passages nearest to a query, best first."""
        if not q.strip():
            raise InvalidError("q is blank: write what to search for")
        answerer = engine.answerer
        hits = answerer.search(analyse_question(q), k, Scope(industry, source, since, until))
        documents = [hit_document(hit) for hit in hits]
        return JSONResponse({"query": q, "hits": documents, "index": answerer.retriever.snapshot.id})

    return router


_EVENT = {
    "type": "object",
    "properties": {
        "event": {"enum": ["retrieved", "delta", "answer", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}
_STREAM = """event: retrieved
data: {"hits": []}

event: delta
data: {"text": "近250萬輛。[1]"}

event: answer
data: {"answer": "近250萬輛。[1]", "grounded": true}

"""


async def _events(answerer: Answerer, request: schemas.AnswerRequest, metrics: Metrics) -> AsyncIterator[str]:
    """The answer as server-sent events; whatever fails becomes an ``error`` event and the stream ends."""
    try:
        async with aclosing(answerer.respond(request.to_request())) as events:
            async for event in events:
                match event:
                    case Retrieved(hits):
                        yield _event("retrieved", {"hits": [hit_document(hit) for hit in hits]})
                    case Delta(text):
                        yield _event("delta", {"text": text})
                    case Done():
                        metrics.answered(event)
                        yield _event("answer", answer_document(event, answerer.retriever.snapshot.id))
    except Exception:  # the response has begun: the client can only be told inside the stream
        log.exception("answering failed")
        yield _event("error", error_document("/api/answer", 500, "internal", "Answering failed; try again."))


def _event(name: str, document: object) -> str:
    return f"event: {name}\ndata: {json.dumps(document, ensure_ascii=False)}\n\n"


def _articles(engine: Engine) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["articles"])

    @router.get("/articles", responses=_errors(503))
    def articles() -> schemas.ArticlesBody:
        """All articles, without their bodies."""
        return schemas.ArticlesBody(articles=[schemas.ArticleSummary.of(a) for a in engine.snapshot.articles])

    @router.get("/articles/{id}", responses=_errors(404, 422, 503))
    def article(
        id: schemas.ArticleIdInPath,
    ) -> schemas.ArticleBody:
        """One article with its body exactly as it was given."""
        snapshot = engine.snapshot
        row = snapshot.article_rows.get(id)
        if row is None:
            raise NotFoundError(f"there is no article {id[:40]!r}; /api/articles lists them")
        return schemas.ArticleBody.of(snapshot.articles[row])

    @router.get("/index", responses=_errors(503))
    def index() -> schemas.IndexBody:
        """What is being searched."""
        snapshot = engine.snapshot
        manifest = snapshot.manifest
        return schemas.IndexBody(
            id=manifest.id,
            articles=manifest.articles,
            passages=manifest.passages,
            encoder=manifest.encoder,
            dimension=manifest.dimension,
            industries=sorted({article.industry for article in snapshot.articles}),
        )

    return router


def _feedback(file: FeedbackFile | None, metrics: Metrics) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["feedback"])

    @router.post("/feedback", status_code=204, response_class=Response, responses=_errors(400, 404, 413, 422, 507))
    def feedback(opinion: schemas.FeedbackRequest) -> None:
        """Keep an opinion on an answer; once this returns it is on the server's disk."""
        if file is None:
            raise NotFoundError("this server keeps no feedback")
        file.append(opinion.model_dump())
        metrics.rated(opinion.rating)

    return router
