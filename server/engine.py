"""Put together what answers questions, as the settings say, and change over when another snapshot becomes live."""

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from threadpoolctl import threadpool_limits

from answerer.reader import REFUSE_BELOW, load_reader
from answerer.respond import Answerer
from indexer.encoder import EncoderError, load_encoder
from indexer.snapshot import Snapshot, SnapshotError, open_snapshot, read_manifest
from retriever import CrossEncoderReranker, RerankerError, Retriever
from server.settings import Settings

LOOK_EVERY_S = 1.0  # between looks at which snapshot is live
LONGEST_PAUSE_S = 60.0  # between tries to load one that cannot be loaded

log = logging.getLogger("yewen")

# Models are loaded once and serve every snapshot after the first.
shared_encoder = lru_cache(maxsize=1)(load_encoder)
_reranker = lru_cache(maxsize=1)(CrossEncoderReranker)


class NotReadyError(Exception):
    """There is no usable snapshot; the message says how to build one."""


def load_retriever(settings: Settings) -> Retriever:
    """The live snapshot and the encoder it was built with.

    Raises:
        SnapshotError: there is no usable snapshot, or another encoder built it.
        EncoderError: the encoder cannot be loaded.
        RerankerError: the reranker cannot be loaded.
    """
    snapshot = open_snapshot(settings.index, log.warning, settings.milvus_uri)
    encoder = shared_encoder(settings.encoder)
    if snapshot.manifest.encoder != encoder.identity:
        raise SnapshotError(
            f"the index in {settings.index} was built with the encoder {snapshot.manifest.encoder!r}, not "
            f"{encoder.identity!r}: rebuild with 'yewen index --index {settings.index}', or set YEWEN_ENCODER back"
        )
    return Retriever(snapshot, encoder, _reranker(settings.reranker) if settings.reranker else None)


def load_answerer(settings: Settings) -> Answerer:
    """Everything that answers questions; raises as :func:`load_retriever` does.

    From here on numpy multiplies with one thread: the reader's matrices are small, two threads hardly gain on an idle
    machine and wait for each other on a busy one (the network's p95 beside other work: 31 ms with one, 206 with two).
    """
    threadpool_limits(1, user_api="blas")
    model = None
    if settings.llm_base_url:
        from answerer.language_model import LanguageModel

        model = LanguageModel(settings.llm_base_url, settings.llm_model, settings.llm_api_key)
    return Answerer(load_retriever(settings), load_reader(), REFUSE_BELOW, model)


def live_snapshot(settings: Settings) -> str:
    """The id of the snapshot that is live on disk, or "" where there is none that can be read."""
    manifest = read_manifest(settings.index)
    return manifest.id if manifest else ""


class Engine:
    """What the endpoints answer from. Without a usable snapshot it says why, and how to build one.

    ``live`` names the snapshot that is live on disk; when it names another one, ``refresh`` changes over. A request
    takes ``answerer`` once and keeps it to its end, so that no answer comes from two snapshots.
    """

    def __init__(self, load: Callable[[], Answerer], live: Callable[[], str] = lambda: "") -> None:
        self._load = load
        self._live = live
        self._answerer: Answerer | None = None
        self._problem = ""
        self._seen: str | None = None  # what ``live`` named when the last attempt to load succeeded
        self._taking = threading.Lock()
        self._take(live())

    @property
    def answerer(self) -> Answerer:
        """The answerer.

        Raises:
            NotReadyError: there is no usable snapshot.
        """
        if self._answerer is None:
            raise NotReadyError(self._problem)
        return self._answerer

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot that answers come from; raises as ``answerer`` does."""
        return self.answerer.retriever.snapshot

    def refresh(self) -> bool:
        """Change over if another snapshot is live; False where it cannot be used, and then the old one stays."""
        with self._taking:  # whoever changed the index waits for the new one, and two do not load it
            live = self._live()
            return live == self._seen or self._take(live)

    def _take(self, live: str) -> bool:
        try:
            fresh = self._load()
        except (SnapshotError, EncoderError, RerankerError) as error:
            if str(error) != self._problem:
                log.error("%s: %s", "not ready" if self._answerer is None else "the old snapshot stays", error)
            self._problem = str(error)
            return False
        fresh.warm_up()
        old = self._answerer
        self._answerer = fresh if old is None else replace(fresh, model=old.model)  # its connections are in use
        self._seen, self._problem = live, ""
        if old is not None:
            log.info("answering from snapshot %s", fresh.retriever.snapshot.id)
        return True

    async def watch(self, every_s: float = LOOK_EVERY_S) -> None:
        """Refresh for ever, in a thread, so that answers go on meanwhile."""
        pause_s = every_s
        while True:
            await asyncio.sleep(pause_s)
            try:
                taken = await asyncio.to_thread(self.refresh)
            except Exception:  # the disk, or a library: what answers now goes on answering
                log.exception("looking for another snapshot failed")
                taken = False
            pause_s = every_s if taken else min(pause_s * 2, LONGEST_PAUSE_S)

    async def close(self) -> None:
        """Close the connections to a language model."""
        if self._answerer is not None and self._answerer.model is not None:
            await self._answerer.model.aclose()
