"""The articles as the server changes them: what is sent is read, indexed beside the others, and answered from at once.

Both ways in need the server's key; :class:`server.protection.Protection` sees to that.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from indexer.articles import Article
from indexer.build import NoArticlesError, update_index
from indexer.collect import Fetch, Found, Taken, article_of, fetched, from_bytes, take_in
from indexer.fetch import fetch
from indexer.formats import Draft, UnreadableError
from indexer.isolated import IsolatedReader
from indexer.snapshot import Manifest, live_articles
from server import schemas
from server.engine import Engine, shared_encoder
from server.errors import ConflictError, InvalidError, NotFoundError, StorageError
from server.settings import Settings

log = logging.getLogger("yewen")

LONGEST_FILE_NAME = 200  # characters kept
_TOLD = ("title", "source", "industry", "date", "url")  # what may stand beside files in a form

Choose = Callable[[], Iterable[Article]]
T = TypeVar("T")


class Collection:
    """The articles of one index, changed here and by ``yewen index``; ``engine`` answers from them.

    Changes wait for each other: each is made to what the one before it left, and none is lost.
    """

    def __init__(self, settings: Settings, engine: Engine, fetch: Fetch = fetch) -> None:
        self._settings = settings
        self._engine = engine
        self._fetch = fetch
        self._changing = threading.Lock()

    def add_files(self, files: Iterable[tuple[str, bytes]], told: Draft) -> Taken:
        """Add the articles of files (name and contents); ``told`` says what they do not tell themselves."""
        with closing(IsolatedReader()) as read:
            return self._add([from_bytes(name, data, told, read) for name, data in files])

    def add_page(self, url: str, told: Draft) -> Taken:
        """Add the article at an address, or all those that the feed there lists."""
        with closing(IsolatedReader()) as read:
            return self._add(fetched(url, told, read, self._fetch))

    def add_text(self, draft: Draft) -> Taken:
        """Add one article as it is."""
        try:
            found = Found(draft.title, (article_of(draft, Draft()),))
        except UnreadableError as error:
            found = Found(draft.title, refused=f"{draft.title}: {error}")
        return self._add([found])

    def remove(self, id: str) -> None:
        """Remove an article.

        Raises:
            NotFoundError: there is none of that id.
            ConflictError: it is the only one.
        """

        def others() -> list[Article]:
            articles = live_articles(self._settings.index)
            kept = [article for article in articles if article.id != id]
            if len(kept) == len(articles):
                raise NotFoundError(f"there is no article {id[:40]!r}; /api/articles lists them")
            return kept

        try:
            self._changed(lambda: self._build(others))
        except NoArticlesError:
            raise ConflictError("this is the only article, and an index needs one: add another first") from None

    def _add(self, found: list[Found]) -> Taken:
        return self._changed(lambda: take_in(self._settings.index, found, self._build, keep=True))

    def _build(self, choose: Choose) -> tuple[Manifest, bool]:
        settings = self._settings
        encoder = shared_encoder(settings.encoder)
        return update_index(settings.index, choose, encoder, store=settings.store, milvus_uri=settings.milvus_uri)

    def _changed(self, change: Callable[[], T]) -> T:
        """What ``change`` returns, once the engine answers from what it made."""
        with self._changing:
            try:
                changed = change()
            except OSError as error:
                raise StorageError(f"{self._settings.index} cannot be written ({error.strerror}): mend that") from error
            self._engine.refresh()
            return changed


def collection_router(collection: Collection | None) -> APIRouter:
    """``POST /api/articles`` and ``DELETE /api/articles/{id}``."""
    router = APIRouter(prefix="/api", tags=["articles"])

    @router.post(
        "/articles",
        status_code=201,
        response_model=schemas.AddedBody,
        responses={200: {"model": schemas.AddedBody, "description": "Nothing was new: all were there already"}},
        openapi_extra={"requestBody": _BODY, "security": [{"key": []}]},
    )
    async def add(request: Request) -> Response:
        """Add articles: files, one as JSON, or a page or feed by its address. Answers are made from them at once.

        Files may be in Yewen's own form (`.txt`), Markdown, HTML, PDF, DOCX or JSON Lines; what they do not tell
        (title, source, industry, date, url) may stand beside them in the form. Each file ends as indexed, skipped (its
        articles, or nearly the same ones, are there already) or refused; 422 where all are refused.
        """
        if collection is None:
            raise NotFoundError("this server takes no articles")
        add = await _wanted(collection, request)
        taken = await run_in_threadpool(add)
        if all(outcome.state == "refused" for outcome in taken.outcomes):
            raise InvalidError("; ".join(outcome.reason for outcome in taken.outcomes[:5]))
        body = schemas.AddedBody.of(taken)
        new = any(outcome.articles for outcome in taken.outcomes)
        return JSONResponse(body.model_dump(), 201 if new else 200)

    @router.delete(
        "/articles/{id}", status_code=204, response_class=Response, openapi_extra={"security": [{"key": []}]}
    )
    def remove(id: schemas.ArticleIdInPath) -> None:
        """Remove an article; no answer is made from it any more. If its file is indexed again, it comes back."""
        if collection is None:
            raise NotFoundError("this server changes no articles")
        collection.remove(id)

    return router


async def _wanted(collection: Collection, request: Request) -> Callable[[], Taken]:
    """What the request asks for, its body read and checked."""
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        async with request.form(max_files=schemas.MOST_FILES, max_fields=len(_TOLD)) as form:
            files = [(_name(file), await file.read()) for _, file in form.multi_items() if isinstance(file, UploadFile)]
        if not files:
            raise InvalidError("the form holds no file: send at least one, as 'file'", "file")
        return partial(collection.add_files, files, _told(form))
    try:
        given = schemas.ArticleRequest.model_validate_json(await request.body())
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**problem, "loc": ("body", *problem["loc"])} for problem in problems]) from None
    draft = given.to_draft()
    return (
        partial(collection.add_text, draft) if draft.body else partial(collection.add_page, draft.url, given.beside())
    )


def _name(file: UploadFile) -> str:
    """A file's name without folders, on one line; its ending says what kind of file it is."""
    plain = " ".join((file.filename or "file").replace("\\", "/").rpartition("/")[2].split())
    return plain[-LONGEST_FILE_NAME:]


def _told(form: FormData) -> Draft:
    values = {name: form.get(name) for name in _TOLD}
    return Draft(**{name: value.strip() for name, value in values.items() if isinstance(value, str)})


def _body_schema() -> dict[str, Any]:
    told = schemas.ArticleRequest.model_json_schema()
    beside = {name: told["properties"][name] for name in _TOLD}
    files = {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}
    form = {"type": "object", "properties": {"file": files, **beside}, "required": ["file"]}
    return {"application/json": {"schema": told}, "multipart/form-data": {"schema": form}}


_BODY = {"required": True, "content": _body_schema()}
