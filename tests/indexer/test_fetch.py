"""Addresses: what may be fetched is, from a server in this process; what must not be is not even connected to."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest

from indexer import fetch as fetching
from indexer.fetch import FetchError, Page, fetch, is_public


class Site(ThreadingHTTPServer):
    """Serves ``pages``: path → (status, headers, body); remembers what was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://news.example:{self.server_address[1]}"

    def fetch(self, path: str, **more: object) -> Page:
        """With every name leading here, and here allowed."""
        options = {"resolve": lambda host, port: ["127.0.0.1"], "allowed": lambda address: True} | more
        return fetch(self.url + path, **options)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Site)
        self.server.asked.append(self.path)
        status, headers, body = self.server.pages[self.path]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        for at in range(0, len(body), 1 << 16):
            self.wfile.write(body[at : at + (1 << 16)])
        if self.path == "/drip":
            while True:
                self.wfile.write(b"x")
                time.sleep(0.05)

    def log_message(self, *parts: object) -> None:
        """Say nothing."""

    def handle(self) -> None:
        with suppress(OSError):  # the client had enough
            super().handle()


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def test_a_page_is_fetched_with_its_type_and_where_it_was_in_the_end(site: Site) -> None:
    site.pages = {
        "/a": (302, {"Location": "/b?x=1"}, b""),
        "/b?x=1": (200, {"Content-Type": "Text/HTML; charset=utf-8"}, "頁".encode()),
    }
    assert site.fetch("/a#part") == Page(f"{site.url}/b?x=1", "text/html", "頁".encode())


PRIVATE = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://017700000001/",
    "http://0/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://１２７.0.0.1/",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_this_machine_and_its_network_are_never_connected_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*arguments: object, **more: object) -> socket.socket:
        raise AssertionError(f"connected to {arguments}")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(FetchError, match=r"own network|cannot be fetched \(gaierror\)|no address"):
        fetch(url)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://x/",
        "gopher://x/",
        "http://",
        "http:///x",
        "nonsense",
        "http://a@b/",
        "http://x:99999/",
    ],
)
def test_what_is_no_plain_http_address_is_refused(url: str) -> None:
    with pytest.raises(FetchError):
        fetch(url, resolve=lambda host, port: pytest.fail("looked up"))


def test_a_redirect_to_a_private_address_is_not_followed(site: Site) -> None:
    site.pages = {"/a": (302, {"Location": f"http://inside.example:{site.server_address[1]}/secret"}, b"")}
    outside = {"news.example": ["127.0.0.1"], "inside.example": ["127.0.0.2"]}
    with pytest.raises(FetchError, match=r"'inside\.example' is on this machine"):
        site.fetch("/a", resolve=lambda host, port: outside[host], allowed=lambda a: str(a) == "127.0.0.1")
    assert site.asked == ["/a"]


def test_a_name_is_looked_up_once_and_the_address_that_was_checked_is_the_one_used(site: Site) -> None:
    """Rebinding: the second answer would be another one."""
    site.pages = {"/": (200, {}, b"page")}
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    assert site.fetch("/", resolve=lambda host, port: next(answers)).data == b"page"
    assert next(answers) == ["10.0.0.1"], "nobody asked again"


def test_one_private_address_among_public_ones_refuses_the_name(site: Site) -> None:
    with pytest.raises(FetchError, match="own network"):
        site.fetch("/", resolve=lambda host, port: ["93.184.216.34", "10.0.0.1"], allowed=is_public)
    assert site.asked == []


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ((404, {}, b""), "answers 404"),
        ((200, {"Content-Encoding": "gzip"}, b"x"), "packed"),
        ((302, {"Location": "/"}, b""), "redirects more than 5 times"),
        ((302, {"Location": "file:///etc/passwd"}, b""), "only http:// and https://"),
        ((200, {}, b"x" * 5000), "more than"),
    ],
    ids=["not found", "packed", "a ring", "to a file", "too large"],
)
def test_what_does_not_answer_well_is_refused(
    site: Site, page: tuple[int, dict[str, str], bytes], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "LARGEST_FILE", 4000)
    site.pages = {"/": page}
    with pytest.raises(FetchError, match=said):
        site.fetch("/")


def test_a_page_that_drips_ends_at_the_deadline(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.5)
    site.pages = {"/drip": (200, {}, b"x")}
    began = time.monotonic()
    with pytest.raises(FetchError, match=r"takes longer|Timeout"):
        site.fetch("/drip")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))
