"""Put together what answers questions, as the settings say."""

import logging
from collections.abc import Callable

from answerer.reader import REFUSE_BELOW, load_reader
from answerer.respond import Answerer
from indexer.encoder import EncoderError, load_encoder
from indexer.snapshot import Snapshot, SnapshotError, open_snapshot
from retriever import CrossEncoderReranker, RerankerError, Retriever
from server.settings import Settings

log = logging.getLogger("yewen")


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
    encoder = load_encoder(settings.encoder)
    if snapshot.manifest.encoder != encoder.identity:
        raise SnapshotError(
            f"the index in {settings.index} was built with the encoder {snapshot.manifest.encoder!r}, not "
            f"{encoder.identity!r}: rebuild with 'yewen index --index {settings.index}', or set YEWEN_ENCODER back"
        )
    reranker = CrossEncoderReranker(settings.reranker) if settings.reranker else None
    return Retriever(snapshot, encoder, reranker)


def load_answerer(settings: Settings) -> Answerer:
    """Everything that answers questions; raises as :func:`load_retriever` does."""
    model = None
    if settings.llm_base_url:
        from answerer.language_model import LanguageModel

        model = LanguageModel(settings.llm_base_url, settings.llm_model, settings.llm_api_key)
    return Answerer(load_retriever(settings), load_reader(), REFUSE_BELOW, model)


class Engine:
    """What the endpoints answer from. Without a usable snapshot it says why, and how to build one."""

    def __init__(self, load: Callable[[], Answerer]) -> None:
        self._answerer: Answerer | None = None
        self._problem = ""
        try:
            self._answerer = load()
        except (SnapshotError, EncoderError, RerankerError) as error:
            self._problem = str(error)
            log.error("not ready: %s", error)
            return
        self._answerer.warm_up()

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

    async def close(self) -> None:
        """Close the connections to a language model."""
        if self._answerer is not None and self._answerer.model is not None:
            await self._answerer.model.aclose()
