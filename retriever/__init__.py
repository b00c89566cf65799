"""From a question to the passages that may answer it."""

from retriever.hits import Hit
from retriever.question import Question, analyse_question
from retriever.rerank import CrossEncoderReranker, RerankerError
from retriever.retrieve import Retriever
from retriever.scope import EVERYWHERE, Scope

HITS = 12  # passages that the answerer reads

__all__ = [
    "EVERYWHERE",
    "HITS",
    "CrossEncoderReranker",
    "Hit",
    "Question",
    "RerankerError",
    "Retriever",
    "Scope",
    "analyse_question",
]
