"""Answers and hits as plain documents; pydantic is not needed, so the start is quick."""

from typing import Any

from answerer.answer import Citation
from answerer.respond import Done
from indexer.collect import Outcome, Taken
from indexer.snapshot import Manifest
from retriever import Hit

NO_BUFFER = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # headers of a stream


def hit_document(hit: Hit) -> dict[str, Any]:
    """A hit as the HTTP contract shows it."""
    passage, article = hit.passage, hit.article
    return {
        "passage_id": passage.id,
        "article_id": article.id,
        "title": article.title,
        "source": article.source,
        "industry": article.industry,
        "start": passage.start,
        "end": passage.end,
        "text": article.body[passage.start : passage.end],
        "score": round(hit.score, 4),
        "spans": [list(span) for span in hit.spans],
    }


def citation_document(citation: Citation) -> dict[str, Any]:
    """A citation as the HTTP contract shows it."""
    article = citation.article
    return {
        "marker": citation.marker,
        "article_id": article.id,
        "title": article.title,
        "source": article.source,
        "industry": article.industry,
        "passage_id": citation.passage_id,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
        "score": citation.score,
    }


def answer_document(done: Done, index: str) -> dict[str, Any]:
    """An answer as the HTTP contract shows it."""
    answer = done.answer
    return {
        "answer": answer.text,
        "grounded": answer.grounded,
        "confidence": answer.confidence,
        "script": answer.script,
        "generator": answer.generator,
        "citations": [citation_document(citation) for citation in answer.citations],
        "nearest": [hit_document(hit) for hit in answer.nearest],
        "notes": list(answer.notes),
        "timings_ms": dict(done.timings_ms),
        "index": index,
    }


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """What became of one file or address."""
    articles = [article.id for article in outcome.articles]
    told = {"name": outcome.name, "state": outcome.state, "reason": outcome.reason, "note": outcome.note}
    return {**told, "articles": articles}


def taken_document(taken: Taken, manifest: Manifest) -> dict[str, Any]:
    """What became of all that was to be indexed, and the index that it is in."""
    return {
        "index": manifest.id,
        "built": taken.built,
        "articles": manifest.articles,
        "passages": manifest.passages,
        "files": [outcome_document(outcome) for outcome in taken.outcomes],
    }
