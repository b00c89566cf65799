"""A client for any OpenAI-compatible chat-completions endpoint, made to survive what such endpoints do.

One total deadline covers connecting, retries and the whole stream, because httpx's read timeout never fires on a stream
that drips. Nothing is decompressed, what is read is capped, redirects and the environment's proxies are not followed,
and no error carries the key or any text of the upstream.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import cast

import httpx

from answerer.completions import CompletionDecoder, DocumentDecoder, EventDecoder
from answerer.conversation import Message
from answerer.language_model_errors import (
    LanguageModelBadResponseError,
    LanguageModelError,
    LanguageModelRateLimitedError,
    LanguageModelRejectedError,
    LanguageModelTimeoutError,
    LanguageModelUnauthorizedError,
    LanguageModelUnavailableError,
    LanguageModelUnreachableError,
)
from language.folding import without_surrogates

__all__ = ["LanguageModel", "LanguageModelError", "Message"]

RETRIES = 2
CONNECT_S = 5.0  # seconds for one attempt to connect
LONGEST_BODY = 8 * 1024 * 1024  # bytes of a whole response
_RETRIED = frozenset({429, 500, 502, 503})
_OPTIONS = {"temperature": 0, "max_tokens": 2048}  # left out on a second try where a model does not take them


class LanguageModel:
    """A model behind ``{base_url}/chat/completions``.

    ``deadline_s`` is in seconds and counts from the start of ``stream`` to its end, the consumer's pauses included.
    ``transport`` replaces the network; ``backoff_s`` is the first pause before a retry, doubled for the second, where
    the server names none. One instance belongs to one event loop; close it with ``aclose``.

    Raises:
        ValueError: the address is no bare http(s) URL, or the key holds what a header cannot carry.

    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str = "",
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        deadline_s: float = 30.0,
        backoff_s: float = 0.5,
    ) -> None:
        self.model = model
        self._url = _endpoint(base_url)
        self._place = f"{self._url.scheme}://{self._url.netloc.decode('ascii')}"
        self._deadline_s = deadline_s
        self._backoff_s = backoff_s
        if not all("!" <= character <= "~" for character in api_key):
            raise ValueError("the language model's key holds a space, line break or non-ASCII character; copy it again")
        self._client = httpx.AsyncClient(
            transport=transport,
            headers={"Accept": "text/event-stream, application/json", "Accept-Encoding": "identity"}
            | ({"Authorization": f"Bearer {api_key}"} if api_key else {}),
            timeout=httpx.Timeout(None, connect=min(CONNECT_S, deadline_s)),
            follow_redirects=False,
            trust_env=False,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        """Ask the model and yield its answer in pieces as it comes; closing the generator closes the connection.

        Raises:
            LanguageModelError: one of its kinds; pieces may have been yielded before.

        """
        deadline = asyncio.get_running_loop().time() + self._deadline_s
        response = await self._open(messages, deadline)
        said = False
        try:
            async with aclosing(self._pieces(response, deadline)) as pieces:
                async for piece in pieces:
                    said = said or bool(piece.strip())
                    yield without_surrogates(piece)
        finally:
            await response.aclose()
        if not said:
            raise LanguageModelBadResponseError("the language model returned no text; try again, or another model")

    async def _open(self, messages: Sequence[Message], deadline: float) -> httpx.Response:
        """Return a response of status 200 whose body has not been read, after at most ``RETRIES`` retries."""
        options: dict[str, object] = dict(_OPTIONS)
        for attempt in range(RETRIES + 1):
            last = attempt == RETRIES
            pause_s = self._backoff_s * 2**attempt
            try:
                response = await self._attempt(messages, options, deadline)
            except LanguageModelUnreachableError:
                if last:
                    raise
            else:
                if response.status_code == 200:
                    return response
                await response.aclose()
                again = response.status_code in _RETRIED
                if response.status_code in {400, 422} and options:
                    again, pause_s, options = True, 0.0, {}
                elif again:
                    pause_s = _retry_after_s(response.headers.get("Retry-After", ""), pause_s)
                if last or not again or asyncio.get_running_loop().time() + pause_s >= deadline:
                    raise self._refused(response.status_code)
            await self._sleep(pause_s, deadline)
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(
        self, messages: Sequence[Message], options: dict[str, object], deadline: float
    ) -> httpx.Response:
        turns = [{"role": message.role, "content": message.content} for message in messages]
        body = {"model": self.model, "messages": turns, "stream": True, **options}
        request = self._client.build_request("POST", self._url, json=body)
        try:
            async with asyncio.timeout_at(deadline):
                return await self._client.send(request, stream=True)
        except TimeoutError:
            raise self._timed_out() from None
        except httpx.TransportError as error:
            raise LanguageModelUnreachableError(
                f"no connection to {self._place} ({type(error).__name__}): is the language model running there?"
            ) from None

    async def _sleep(self, pause_s: float, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await asyncio.sleep(pause_s)
        except TimeoutError:
            raise self._timed_out() from None

    async def _pieces(self, response: httpx.Response, deadline: float) -> AsyncGenerator[str, None]:
        """Yield the text of a response, within deadline and cap."""
        decoder = self._decoder(response)
        total = 0
        async with aclosing(cast(AsyncGenerator[bytes, None], response.aiter_raw())) as chunks:
            while not decoder.finished and (chunk := await self._next(chunks, deadline)) is not None:
                total += len(chunk)
                if total > LONGEST_BODY:
                    raise LanguageModelBadResponseError(f"{self._place} sent over {LONGEST_BODY} bytes; gave it up")
                for piece in decoder.feed(chunk):
                    yield piece
        for piece in decoder.close():
            yield piece

    async def _next(self, chunks: AsyncIterator[bytes], deadline: float) -> bytes | None:
        try:
            async with asyncio.timeout_at(deadline):
                return await anext(chunks, None)
        except TimeoutError:
            raise self._timed_out() from None
        except httpx.TransportError:
            raise LanguageModelBadResponseError(
                f"{self._place} broke off before the end of its response; try again"
            ) from None

    def _decoder(self, response: httpx.Response) -> CompletionDecoder:
        """Choose how to read a response, by what its headers say it is."""
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise LanguageModelBadResponseError(
                f"{self._place} compresses its response unasked; turn compression off there"
            )
        content_type = response.headers.get("Content-Type", "").lower()
        if "html" in content_type:
            raise LanguageModelBadResponseError(
                f"{self._place} answered with a web page; does YEWEN_LLM_BASE_URL end in the API's path, often /v1?"
            )
        return DocumentDecoder() if "json" in content_type else EventDecoder()

    def _timed_out(self) -> LanguageModelTimeoutError:
        return LanguageModelTimeoutError(
            f"{self._place} did not finish within {self._deadline_s:g} s; try again, or use a faster model"
        )

    def _refused(self, status: int) -> LanguageModelError:
        """Name the error for a status other than 200."""
        if status == 429:
            return LanguageModelRateLimitedError(f"{self._place} answered 429, too many requests; try again later")
        if status in {401, 403}:
            return LanguageModelUnauthorizedError(f"{self._place} answered {status}; check YEWEN_LLM_API_KEY")
        if status >= 500:
            return LanguageModelUnavailableError(f"{self._place} answered {status}; try again later")
        if status >= 400:
            return LanguageModelRejectedError(
                f"{self._place} answered {status}; check YEWEN_LLM_BASE_URL and YEWEN_LLM_MODEL"
            )
        return LanguageModelBadResponseError(
            f"{self._place} answered {status} instead of 200; set YEWEN_LLM_BASE_URL to the address it ends up at"
        )


def _endpoint(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url.rstrip("/") + "/chat/completions")
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo or url.query:
        raise ValueError(
            "the language model's address must be an http(s) URL such as http://127.0.0.1:11434/v1, without user,"
            " password or query; the key goes into YEWEN_LLM_API_KEY"
        )
    return url


def _retry_after_s(header: str, default_s: float) -> float:
    """Read the seconds to wait from a Retry-After header, which holds seconds or a date."""
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return default_s
