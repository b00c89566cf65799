"""Fetches a public page: http(s) only, and never from this machine or its own network.

The address that a name resolves to is checked and then connected to itself, so that no second look-up can lead
elsewhere; every redirect passes the same check. Size, redirects and time are capped.
"""

import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from ssl import SSLContext
from typing import TYPE_CHECKING, Any

from indexer.formats import LARGEST_FILE, UnreadableError

if TYPE_CHECKING:
    import httpcore
    import httpx

SECONDS = 30.0  # for a page with its redirects
MOST_REDIRECTS = 5

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], list[str]]  # a host's name and port → its addresses

_TRANSLATED = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits
_HEADERS = [
    ("User-Agent", "Yewen"),
    ("Accept", "text/html,application/rss+xml,application/atom+xml,*/*;q=0.5"),
    ("Accept-Encoding", "identity"),
]


class FetchError(UnreadableError):
    """An address cannot be fetched, or must not be; the message says why."""


@dataclass(frozen=True, slots=True)
class Page:
    """What was found: the address after redirects, the media type in small letters, the bytes."""

    url: str
    media_type: str
    data: bytes


def fetch(url: str, *, resolve: Resolve | None = None, allowed: Callable[[Address], bool] | None = None) -> Page:
    """Fetch ``url``; ``resolve`` and ``allowed`` are for tests.

    Raises:
        FetchError: it is no public http(s) address, does not answer well, or is too large or too slow.
    """
    import httpcore
    import httpx

    deadline = time.monotonic() + SECONDS
    backend = _guarded(resolve or _resolved, allowed or is_public, deadline)
    with httpcore.ConnectionPool(network_backend=backend) as pool:
        for _ in range(MOST_REDIRECTS + 1):
            try:
                target = _target(url)
                with pool.stream("GET", _core_url(target), headers=_HEADERS) as response:
                    headers = {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in response.headers}
                    if response.status in {301, 302, 303, 307, 308} and "location" in headers:
                        url = str(target.join(headers["location"]))
                        continue
                    return Page(str(target), _media_type(headers), _read(response, headers))
            except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
                raise FetchError(f"cannot be fetched ({type(error).__name__}): does it open in a browser?") from None
            except (httpx.InvalidURL, UnicodeError, ValueError) as error:
                if isinstance(error, FetchError):
                    raise
                raise FetchError("is no address: write it as http://… or https://…") from None
    raise FetchError(f"redirects more than {MOST_REDIRECTS} times")


def is_public(address: Address) -> bool:
    """Is it an address of the public internet? What an IPv6 address carries of an IPv4 one must be public as well."""
    carried: list[Address | None] = []
    if isinstance(address, IPv6Address):
        if address in _TRANSLATED:
            carried.append(IPv4Address(int(address) & 0xFFFFFFFF))
        carried += [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
    return address.is_global and not address.is_multicast and all(is_public(inner) for inner in carried if inner)


def _target(url: str) -> "httpx.URL":
    import httpx

    target = httpx.URL(url.strip())
    if target.scheme not in {"http", "https"} or not target.host or (target.port or 0) > 65535:
        raise FetchError("is no address that is fetched: only http:// and https:// are")
    if target.userinfo:
        raise FetchError("holds a user's name: give an address that opens without one")
    return target.copy_with(fragment=None)


def _core_url(target: "httpx.URL") -> "httpcore.URL":
    import httpcore

    return httpcore.URL(scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path)


def _media_type(headers: dict[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _read(response: "httpcore.Response", headers: dict[str, str]) -> bytes:
    if response.status != 200:
        raise FetchError(f"answers {response.status}: does it open in a browser?")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchError("sends its page packed, though asked not to: save it as a file and give that")
    data = bytearray()
    for piece in response.iter_stream():
        data += piece
        if len(data) > LARGEST_FILE:
            raise FetchError(f"has more than {LARGEST_FILE >> 20} MiB")
    return bytes(data)


def _resolved(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def _checked(host: str, addresses: Iterable[str], allowed: Callable[[Address], bool]) -> str:
    """The first of the addresses; one that is not allowed among them refuses them all."""
    parsed = [ip_address(text.partition("%")[0]) for text in addresses]
    if not parsed:
        raise FetchError(f"the name {host[:80]!r} leads nowhere")
    if not all(map(allowed, parsed)):
        raise FetchError(f"{host[:80]!r} is on this machine or its own network: nothing is fetched from there")
    return str(parsed[0])


def _guarded(resolve: Resolve, allowed: Callable[[Address], bool], deadline: float) -> "httpcore.NetworkBackend":
    """Connections to checked addresses only, every wait of theirs bounded by the one deadline."""
    import httpcore

    def left(timeout: float | None) -> float:
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise FetchError(f"takes longer than {SECONDS:.0f} s")
        return min(seconds, timeout or seconds)

    class Stream(httpcore.NetworkStream):
        def __init__(self, inner: httpcore.NetworkStream) -> None:
            self._inner = inner

        def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
            return self._inner.read(max_bytes, left(timeout))

        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            self._inner.write(buffer, left(timeout))

        def close(self) -> None:
            self._inner.close()

        def start_tls(
            self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
        ) -> httpcore.NetworkStream:
            return Stream(self._inner.start_tls(ssl_context, server_hostname, left(timeout)))

        def get_extra_info(self, info: str) -> Any:  # noqa: ANN401  (httpcore's own signature)
            return self._inner.get_extra_info(info)

    class Backend(httpcore.NetworkBackend):
        def __init__(self) -> None:
            self._inner = httpcore.SyncBackend()

        def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,
            local_address: str | None = None,
            socket_options: Iterable[Any] | None = None,
        ) -> httpcore.NetworkStream:
            address = _checked(host, resolve(host.strip("[]"), port), allowed)
            return Stream(self._inner.connect_tcp(address, port, left(timeout), local_address, socket_options))

    return Backend()
