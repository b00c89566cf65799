"""What is counted, in the Prometheus text format: requests by route, answers by outcome, what is being searched.

Labels are routes, statuses and fixed words only; nothing that was asked, sent or configured is one.
"""

import time
from collections.abc import Iterator
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from answerer.respond import Done
from indexer.snapshot import Snapshot
from server.engine import Engine, NotReadyError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # bounds of the histograms' buckets
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


class Metrics:
    """The counters of one application."""

    def __init__(self, engine: Engine) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(_Index(engine))
        self._requests = Counter(
            "yewen_http_requests", "Requests", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "yewen_http_request_seconds",
            "Time to the end of a response",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._answers = Counter("yewen_answers", "Answers", ("outcome", "generator"), registry=self._registry)
        self._stages = Histogram(
            "yewen_answer_seconds", "Time of an answer", ("stage",), buckets=_SECONDS, registry=self._registry
        )
        self._feedback = Counter("yewen_feedback", "Opinions on answers", ("rating",), registry=self._registry)

    def requested(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; ``route`` is the route's template, never the path that was asked for."""
        self._requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def answered(self, done: Done) -> None:
        """Count an answer."""
        generator = "extractive" if done.answer.generator == "extractive" else "model"
        self._answers.labels("grounded" if done.answer.grounded else "refused", generator).inc()
        for stage, milliseconds in done.timings_ms.items():
            self._stages.labels(stage).observe(milliseconds / 1000)

    def rated(self, rating: str) -> None:
        """Count an opinion."""
        self._feedback.labels(rating).inc()

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)


class _Index(Collector):
    """The live snapshot."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        """Whether questions can be answered, and from what."""
        snapshot: Snapshot | None = None
        with suppress(NotReadyError):
            snapshot = self._engine.snapshot
        yield GaugeMetricFamily("yewen_ready", "1 where questions can be answered", value=float(snapshot is not None))
        if snapshot is not None:
            yield GaugeMetricFamily("yewen_articles", "Articles searched", value=len(snapshot.articles))
            yield GaugeMetricFamily("yewen_passages", "Passages searched", value=len(snapshot.passages))
            yield InfoMetricFamily("yewen_snapshot", "The snapshot searched", value={"id": snapshot.id})


class CountRequests:
    """ASGI middleware that counts every request when its response has ended."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.requested(scope["method"], route, status, time.perf_counter() - began)
