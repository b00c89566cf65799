"""Run the server, on a port or on standard input and output."""

import asyncio
import logging
import sys

import uvicorn

from server.app import create_app
from server.collection import Collection
from server.engine import Engine, live_snapshot, load_answerer
from server.feedback import FeedbackFile
from server.logs import configure_logs
from server.metrics import Metrics
from server.settings import Settings
from server.tools import create_tools


class _Server(uvicorn.Server):
    """Says where it can be reached once it can."""

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            shown = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
            print(f"業問 Yewen: http://{shown}:{self.config.port}", flush=True)


def serve(settings: Settings) -> int:
    """Serve until interrupted; returns the exit status."""
    configure_logs(settings.log_format)
    engine = _engine(settings)
    feedback, collection = FeedbackFile(settings.feedback_file), Collection(settings, engine)
    app = create_app(engine, settings.api_key, settings.rate_limit, feedback, collection)
    config = uvicorn.Config(
        app, settings.host, settings.port, log_config=None, access_log=False, timeout_graceful_shutdown=5
    )
    server = _Server(config)
    try:
        server.run()
    except SystemExit:  # uvicorn's way to say that it could not listen; it has logged why
        print(f"yewen: cannot listen on {settings.host}:{settings.port}; choose another --port", file=sys.stderr)
    logging.shutdown()
    return 0 if server.started else 1


def serve_tools(settings: Settings) -> int:
    """Serve the tools on standard input and output until the input ends; returns the exit status."""
    configure_logs(settings.log_format)
    asyncio.run(_serve_tools(_engine(settings)))
    return 0


async def _serve_tools(engine: Engine) -> None:
    watching = asyncio.create_task(engine.watch())
    await create_tools(engine, Metrics(engine)).run_stdio_async()
    watching.cancel()
    await engine.close()


def _engine(settings: Settings) -> Engine:
    return Engine(lambda: load_answerer(settings), lambda: live_snapshot(settings))
