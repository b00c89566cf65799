"""What every request passes: size limit, key, rate limit, security headers."""

import hmac
import time
from collections import deque
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import error_response, is_openai

LARGEST_BODY = 1 << 20  # bytes of a request
LARGEST_UPLOAD = 33 << 20  # bytes of one that brings articles: a file of the largest size that is read, and its form
_ADDRESSES_KEPT = 10_000
_OPEN_PATHS = frozenset({"/", "/healthz", "/readyz", "/favicon.ico"})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "testclient"})
_PASSED_ON = ("forwarded", "x-forwarded-for", "x-real-ip")  # a proxy on this machine asks for another one

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# Swagger's own code sets styles; its scripts come from here like all others.
_DOCS_POLICY = _HEADERS["Content-Security-Policy"].replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


class Protection:
    """ASGI middleware. With an ``api_key``, everything but the page from other machines needs it as a Bearer token.

    What changes the articles needs it from this machine as well, and without an ``api_key`` nothing may.

    A request that a proxy passed on counts as one from another machine. ``/mcp`` without the key must be called by an
    address or as ``localhost``, not by some other name, and not by another site's page: a site that lets its own name
    lead to this machine (DNS rebinding) is turned away.
    """

    def __init__(
        self, app: ASGIApp, api_key: str = "", rate_limit: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._key = api_key.encode()
        self._limit = rate_limit
        self._clock = clock
        self._recent: dict[str, deque[float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with an error."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, client = Headers(scope=scope), (scope.get("client") or ("",))[0]
        changing = _changes_articles(scope["method"], scope["path"])
        largest = LARGEST_UPLOAD if changing and self._has_key(headers) else LARGEST_BODY
        body = _LimitedBody(receive, largest)

        async def guarded_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                outgoing = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    outgoing.setdefault(name, value)
                if scope["path"] == "/docs":
                    outgoing["Content-Security-Policy"] = _DOCS_POLICY
            await send(message)

        if refused := _size_refusal(scope["path"], headers, largest) or self._refusal(
            scope["path"], headers, client, changing
        ):
            await refused(scope, receive, guarded_send)
            return
        await self._app(scope, body.receive, body.replacing(scope, guarded_send))

    def _refusal(self, path: str, headers: Headers, client: str, changing: bool) -> JSONResponse | None:
        if path in _OPEN_PATHS or path.startswith("/static/"):
            return None
        keyed = self._has_key(headers)
        near = client in _LOOPBACK and not any(name in headers for name in _PASSED_ON)
        if not keyed and (changing or (self._key and not near)):
            message = _NEEDS_KEY if self._key else _HAS_NO_KEY
            code = "invalid_api_key" if is_openai(path) else "unauthorized"
            return error_response(path, 401, code, message, headers={"WWW-Authenticate": "Bearer"})
        if path == "/mcp" and not keyed and not (_is_own_name(headers) and _is_own_origin(headers)):
            message = "call /mcp by this machine's address or as localhost, or send the key"
            return error_response(path, 403, "forbidden", message)
        wait = self._wait(client) if self._limit else 0
        if wait:
            message = f"over {self._limit} requests a minute; wait {wait} seconds"
            code = "rate_limit_exceeded" if is_openai(path) else "rate_limited"
            return error_response(path, 429, code, message, headers={"Retry-After": str(wait)})
        return None

    def _has_key(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        known = hmac.compare_digest(token.strip().encode(), self._key)
        return bool(self._key) and scheme.lower() == "bearer" and known

    def _wait(self, client: str) -> int:
        """Seconds until this address may ask again, 0 if now; counts the request."""
        now = self._clock()
        if len(self._recent) > _ADDRESSES_KEPT:
            self._recent = {a: times for a, times in self._recent.items() if times and now - times[-1] < 60}
        times = self._recent.setdefault(client, deque())
        while times and now - times[0] >= 60:
            times.popleft()
        if len(times) >= self._limit:
            return max(1, int(60 - (now - times[0])) + 1)
        times.append(now)
        return 0


def _is_own_name(headers: Headers) -> bool:
    """Is the server called by an address or as ``localhost``? No other site's name can lead here then."""
    try:
        name = urlsplit(f"//{headers.get('host', '')}").hostname
        return name == "localhost" or bool(ip_address(name or ""))
    except ValueError:  # no address, or no host at all
        return False


def _is_own_origin(headers: Headers) -> bool:
    """Does the request come from a page of this server, or from no page?"""
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == headers.get("host")


def _changes_articles(method: str, path: str) -> bool:
    return (method == "POST" and path == "/api/articles") or (
        method == "DELETE" and path.startswith("/api/articles/") and path != "/api/articles/"
    )


_NEEDS_KEY = "this server needs a key: send the header 'Authorization: Bearer KEY'"
_HAS_NO_KEY = (
    "articles are changed with a key only, and this server has none: set YEWEN_API_KEY, start it again, and send "
    "'Authorization: Bearer KEY'"
)


def _size_refusal(path: str, headers: Headers, largest: int) -> JSONResponse | None:
    length = headers.get("content-length", "0")
    over = length.isascii() and length.isdigit() and int(length) > largest
    return error_response(path, 413, "too_large", _too_large(largest)) if over else None


def _too_large(largest: int) -> str:
    return f"the request is larger than {largest // 1024} KiB; send less"


class _LimitedBody:
    """A request body without a declared length: past the limit it ends, and whatever the answer, 413 is sent."""

    def __init__(self, receive: Receive, largest: int) -> None:
        self._receive = receive
        self._largest = largest
        self._seen = 0
        self._replaced = False

    async def receive(self) -> Message:
        """The next piece; an empty last one where the limit is passed."""
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        return {"type": "http.request", "body": b"", "more_body": False} if self._over else message

    @property
    def _over(self) -> bool:
        return self._seen > self._largest

    def replacing(self, scope: Scope, send: Send) -> Send:
        """A ``send`` that puts the error in place of the answer where the limit was passed before it began."""

        async def replace(message: Message) -> None:
            if message["type"] == "http.response.start" and self._over:
                self._replaced = True
                refused = error_response(scope["path"], 413, "too_large", _too_large(self._largest))
                await refused(scope, self._receive, send)
            elif not self._replaced:
                await send(message)

        return replace
