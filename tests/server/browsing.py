"""What the page's tests do in the browser, and answers that the real server would never send."""

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from playwright.sync_api import Page, expect


def ask(page: Page, question: str) -> None:
    page.fill("#question", question)
    page.press("#question", "Enter")
    expect(page.locator(".turn").last.locator(".answer")).to_have_attribute("aria-busy", "false", timeout=30_000)


def kept_turns(page: Page) -> list[dict[str, Any]]:
    """The turns of the conversation that this tab shows, as the browser keeps them."""
    turns: list[dict[str, Any]] = page.evaluate("""() => {
        const id = JSON.parse(sessionStorage.getItem("yewen.current"));
        return JSON.parse(localStorage.getItem(`yewen.talk.${id}`))?.turns ?? [];
    }""")
    return turns


def an_answer(text: str = "是。[1]", **other: Any) -> dict[str, Any]:
    citation = {
        "marker": 1, "article_id": "a", "title": "題", "source": "報", "industry": "業",
        "passage_id": "p", "start": 0, "end": 1, "quote": "是", "score": 1.0,
    }  # fmt: skip
    return {
        "answer": text, "grounded": True, "confidence": 0.5, "script": "zh-TW", "generator": "extractive",
        "citations": [citation], "nearest": [], "notes": [], "timings_ms": {"total": 1.0}, "index": "i",
    } | other  # fmt: skip


def stream(*events: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    body = "".join(f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n" for name, data in events)
    return {"body": body, "content_type": "text/event-stream; charset=utf-8"}


def answer_with(page: Page, answer: dict[str, Any]) -> None:
    page.route("**/api/answer", lambda route: route.fulfill(**stream(("answer", answer))))


def serve_article(page: Page, body: str, **other: str) -> None:
    article = {"id": "a", "title": "題", "source": "報", "industry": "業", "body": body} | other
    page.route("**/api/articles/a", lambda route: route.fulfill(json=article))


class SlowStream:
    """A server that answers one question as slowly as the test wishes: piece by piece, as :meth:`send` is called."""

    def __init__(self) -> None:
        self.reader_left = threading.Event()
        self._pieces: queue.Queue[bytes] = queue.Queue()
        stream = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                try:
                    while piece := stream._pieces.get(timeout=30):
                        self.wfile.write(piece)
                except (ConnectionError, queue.Empty):
                    stream.reader_left.set()

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> "SlowStream":
        return self

    def __exit__(self, *_: object) -> None:
        self._pieces.put(b"")
        self._server.shutdown()
        self._server.server_close()

    def answer_for(self, page: Page) -> None:
        """Let the page's questions come here."""
        url = f"http://127.0.0.1:{self._server.server_port}/"
        page.route("**/api/answer", lambda route: route.continue_(url=url))

    def send(self, *events: tuple[str, dict[str, Any]]) -> None:
        self._pieces.put(stream(*events)["body"].encode())

    def end(self) -> None:
        self._pieces.put(b"")
