"""The HTTP server: an app factory that takes what it needs, and the endpoints."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles

from answerer.respond import Answerer, Delta, Done, Retrieved
from retriever import HITS, analyse_question
from server import schemas
from server.engine import Engine
from server.errors import InvalidError, NotFoundError, error_response, install_error_handlers
from server.presentation import answer_document, hit_document
from server.protection import Protection

STATIC = Path(__file__).parent / "static"

log = logging.getLogger("yewen")

_ERRORS: dict[int | str, dict[str, object]] = {
    status: {"model": schemas.ErrorBody} for status in (400, 401, 404, 405, 413, 415, 422, 429, 500, 503)
}


def create_app(engine: Engine, api_key: str = "", rate_limit: int = 0) -> FastAPI:
    """The application over one engine; ``rate_limit`` is requests a minute from one address, 0 for no limit."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await engine.close()

    app = FastAPI(
        lifespan=lifespan,
        title="業問 Yewen",
        version="0.1.0",
        description="Ask an industry's articles a question, in any Chinese script; every sentence cites its words.",
        redoc_url=None,
    )
    install_error_handlers(app)
    app.add_middleware(Protection, api_key=api_key, rate_limit=rate_limit)
    app.include_router(_pages())
    app.include_router(_health(engine))
    app.include_router(_answers(engine), prefix="/api", responses=_ERRORS)
    app.include_router(_articles(engine), prefix="/api", responses=_ERRORS)
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


def _health(engine: Engine) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    def alive() -> dict[str, str]:
        """Is the process alive?"""
        return {"status": "ok"}

    @router.get("/readyz", responses={503: {"model": schemas.ErrorBody}})
    def ready() -> dict[str, str]:
        """Can questions be answered?"""
        return {"status": "ready", "index": engine.snapshot.id}

    return router


def _answers(engine: Engine) -> APIRouter:
    router = APIRouter(tags=["answers"])

    @router.post("/answer", response_model=schemas.AnswerBody)
    async def answer(request: schemas.AnswerRequest) -> Response:
        """Answer a question from the articles, or refuse; with ``stream`` as server-sent events."""
        answerer = engine.answerer
        if request.stream:
            return StreamingResponse(_events(answerer, request), media_type="text/event-stream", headers=_NO_BUFFER)
        done = await answerer.answer(request.to_request())
        return JSONResponse(answer_document(done, answerer.retriever.snapshot.id))

    @router.get("/search", response_model=schemas.SearchBody)
    def search(
        q: Annotated[str, Query(min_length=1, max_length=schemas.LONGEST_QUESTION)],
        k: Annotated[int, Query(ge=1, le=schemas.MOST_PASSAGES)] = HITS,
        industry: Annotated[str | None, Query(max_length=200)] = None,
        source: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        """The passages nearest to a query, best first."""
        if not q.strip():
            raise InvalidError("q is blank: write what to search for")
        retriever = engine.answerer.retriever
        hits = retriever.retrieve(analyse_question(q), k, industry, source)
        documents = [hit_document(hit) for hit in hits]
        return JSONResponse({"query": q, "hits": documents, "index": retriever.snapshot.id})

    return router


_NO_BUFFER = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def _events(answerer: Answerer, request: schemas.AnswerRequest) -> AsyncIterator[str]:
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
                        yield _event("answer", answer_document(event, answerer.retriever.snapshot.id))
    except Exception:  # the response has begun: the client can only be told inside the stream
        log.exception("answering failed")
        yield _event("error", error_response("internal", "Answering failed; try again."))


def _event(name: str, document: object) -> str:
    return f"event: {name}\ndata: {json.dumps(document, ensure_ascii=False)}\n\n"


def _articles(engine: Engine) -> APIRouter:
    router = APIRouter(tags=["articles"])

    @router.get("/articles")
    def articles() -> schemas.ArticlesBody:
        """All articles, without their bodies."""
        return schemas.ArticlesBody(articles=[schemas.ArticleSummary.of(a) for a in engine.snapshot.articles])

    @router.get("/articles/{id}")
    def article(id: str, request: Request) -> schemas.ArticleBody:
        """One article with its body exactly as it was given."""
        snapshot = engine.snapshot
        row = snapshot.article_rows.get(id)
        if row is None:
            raise NotFoundError(f"there is no article {id[:40]!r}; /api/articles lists them")
        found = snapshot.articles[row]
        return schemas.ArticleBody(
            id=found.id, title=found.title, source=found.source, industry=found.industry, body=found.body
        )

    @router.get("/index")
    def index() -> schemas.IndexBody:
        """What is being searched."""
        manifest = engine.snapshot.manifest
        return schemas.IndexBody(
            id=manifest.id,
            articles=manifest.articles,
            passages=manifest.passages,
            encoder=manifest.encoder,
            dimension=manifest.dimension,
            industries=sorted({article.industry for article in engine.snapshot.articles}),
        )

    return router
