"""What is measured, each measure with its definition."""

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from eval.questions import FACTUAL, EvalQuestion
from language.folding import fold, without_surrogates

_MARKER = re.compile(r"\[\d+\]")
_NOISE = re.compile(r"[\s,，、·“”\"'「」『』《》()（）]+")


def comparable(text: str) -> str:
    """Folded, without white space, quotation marks, brackets and thousands separators."""
    return _NOISE.sub("", fold(without_surrogates(text)))


def holds(text: str, form: str) -> bool:
    """Does ``text`` contain ``form`` when both are made comparable? An empty form is contained in nothing."""
    wanted = comparable(form)
    return bool(wanted) and wanted in comparable(text)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one question of the own set went.

    ``held``: all groups of gold words stand in the citations' quotes; ``first``: a group stands in the first citation's
    quote; ``located``: a citation overlaps a gold span; ``length``: characters of the answer without markers.
    """

    question: EvalQuestion
    response: dict[str, Any]
    refused: bool
    held: bool
    first: bool
    located: bool
    verbatim: int
    citations: int
    length: int
    milliseconds: float


def judge(question: EvalQuestion, response: dict[str, Any], bodies: dict[str, str], milliseconds: float) -> Outcome:
    """Judge one response; ``bodies`` are the articles' bodies by id, against which every quote is compared."""
    citations = response["citations"]
    quotes = [citation["quote"] for citation in citations]
    met = [any(holds(quote, form) for quote in quotes for form in group) for group in question.words]
    met_first = [any(holds(quote, form) for quote in quotes[:1] for form in group) for group in question.words]
    overlaps = [
        citation["article_id"] == span.article and citation["start"] < span.end and citation["end"] > span.start
        for citation in citations
        for span in question.gold
    ]
    verbatim = [bodies[c["article_id"]][c["start"] : c["end"]] == c["quote"] for c in citations]
    return Outcome(
        question,
        response,
        not response["grounded"],
        bool(met) and all(met),
        any(met_first),
        any(overlaps),
        sum(verbatim),
        len(citations),
        len(_MARKER.sub("", response["answer"])),
        milliseconds,
    )


def share(flags: Collection[bool]) -> float:
    """The share that is true; of nothing, 0."""
    return round(sum(flags) / len(flags), 4) if flags else 0.0


def percentile(values: Sequence[float], q: float) -> float:
    """The nearest-rank percentile; of nothing, 0."""
    ordered = sorted(values)
    return round(ordered[max(0, math.ceil(q * len(ordered)) - 1)], 2) if ordered else 0.0


def own_figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures of the own set."""
    answerable = [o for o in outcomes if o.question.answerable]
    unanswerable = [o for o in outcomes if not o.question.answerable]
    factual = [o.length for o in answerable if o.question.kind in FACTUAL and not o.refused]
    citations = sum(o.citations for o in outcomes)
    return {
        "n": len(outcomes),
        "answerable": len(answerable),
        "gold_words_held": share([o.held for o in answerable]),
        "first_citation": share([o.first for o in answerable]),
        "gold_span_cited": share([o.located for o in answerable]),
        "wrongly_refused": share([o.refused for o in answerable]),
        "unanswerable": len(unanswerable),
        "refused": share([o.refused for o in unanswerable]),
        "citations": citations,
        "verbatim": round(sum(o.verbatim for o in outcomes) / citations, 4) if citations else 1.0,
        "factual_length": round(sum(factual) / len(factual), 1) if factual else 0.0,
        "p50_ms": percentile([o.milliseconds for o in outcomes], 0.5),
        "p95_ms": percentile([o.milliseconds for o in outcomes], 0.95),
    }


@dataclass(frozen=True, slots=True)
class Ranking:
    """Of one outside query, the ranks (1 to 10) at which gold documents stand, and how many there are."""

    ranks: tuple[int, ...]
    gold: int


def rank(found: Sequence[Collection[str]], gold: Collection[str]) -> Ranking:
    """``found``: for each document found, best first, the ids its text has in the set; copies count as one document."""
    shared = [set(ids) & set(gold) for ids in found[:10]]
    copies = sum(len(ids) - 1 for ids in shared if ids)
    return Ranking(tuple(r for r, ids in enumerate(shared, 1) if ids), len(set(gold)) - copies)


def retrieval_figures(rankings: Sequence[Ranking]) -> dict[str, float]:
    """Share of queries with a gold document among the first k; mean reciprocal rank; nDCG with binary gains at 10."""

    def at(k: int) -> float:
        return share([any(r <= k for r in ranking.ranks) for ranking in rankings])

    def ndcg(ranking: Ranking) -> float:
        ideal = sum(1 / math.log2(r + 1) for r in range(1, min(ranking.gold, 10) + 1))
        return sum(1 / math.log2(r + 1) for r in ranking.ranks) / ideal if ideal else 0.0

    count = max(len(rankings), 1)
    return {
        "n": len(rankings),
        "r@1": at(1),
        "r@5": at(5),
        "r@10": at(10),
        "mrr@10": round(sum(1 / min(r.ranks) for r in rankings if r.ranks) / count, 4),
        "ndcg@10": round(sum(map(ndcg, rankings)) / count, 4),
    }
