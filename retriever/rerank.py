"""An optional reranker: a sentence-transformers ``CrossEncoder`` that reads question and passage together."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from retriever.hits import Hit
from retriever.question import Question

DEPTH = 30  # fused hits that the reranker reads


class RerankerError(RuntimeError):
    """A reranker cannot be loaded; the message names it and says what to set instead."""


class CrossEncoderReranker:
    """The cross-encoder of that path or name; imports torch when made."""

    def __init__(self, name: str) -> None:
        try:
            from sentence_transformers import CrossEncoder

            self._model = CrossEncoder(name, device="cpu", trust_remote_code=False, num_labels=1)
        except Exception as error:  # whatever the hub, the disk or the model's files raise is the same to the user
            raise RerankerError(
                f"reranker {name!r} could not be loaded ({type(error).__name__}): unset YEWEN_RERANKER, or set it to "
                "the folder of a cross-encoder or to a model name that this machine can download"
            ) from error

    def rerank(self, question: Question, hits: Sequence[Hit]) -> list[Hit]:
        """The hits, best first by the cross-encoder's score, which replaces the fused one."""
        if not hits:
            return []
        bodies = [hit.article.body[hit.passage.start : hit.passage.end] for hit in hits]
        pairs = [(question.text, f"{hit.passage.context}\n{body}") for hit, body in zip(hits, bodies, strict=True)]
        scores = np.asarray(self._model.predict(pairs, show_progress_bar=False), np.float32).reshape(len(hits))
        return [replace(hits[i], score=float(scores[i])) for i in np.argsort(-scores, kind="stable")]
