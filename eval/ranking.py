"""Measures of a ranked list, computed by ir-measures; the definitions are trec_eval's."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import ir_measures
from ir_measures import RR, Qrel, R, ScoredDoc, Success, nDCG

DEPTH = 10  # ranks that the outside sets' measures look at

# Success@k is what question answering calls R@k: is there a right one among the first k? R@10 is recall proper.
RANKING_MEASURES = {
    "r@1": Success @ 1,
    "r@5": Success @ 5,
    "r@10": Success @ 10,
    "recall@10": R @ 10,
    "mrr@10": RR @ 10,
    "ndcg@10": nDCG @ 10,
}
CONTRACT = ("r@1", "r@5", "r@10", "mrr@10", "ndcg@10")  # of an outside set's document


@dataclass(frozen=True, slots=True)
class Ranking:
    """The ranks (from 1) at which right items stand in one list, and how many right ones there are."""

    ranks: tuple[int, ...]
    gold: int


def rank(found: Sequence[Collection[str]], gold: Collection[str]) -> Ranking:
    """``found``: for each document found, best first, the ids its text has in the set; copies count as one document."""
    shared = [set(ids) & set(gold) for ids in found[:DEPTH]]
    copies = sum(len(ids) - 1 for ids in shared if ids)
    return Ranking(tuple(r for r, ids in enumerate(shared, 1) if ids), len(set(gold)) - copies)


def ranking_values(rankings: Mapping[str, Ranking]) -> dict[str, dict[str, float]]:
    """Every measure of every list, by the list's name and the measure's."""
    qrels = [Qrel(name, f"right {i}", 1) for name, one in rankings.items() for i in range(one.gold)]
    run = [
        ScoredDoc(name, f"right {i}", -float(rank))
        for name, one in rankings.items()
        for i, rank in enumerate(one.ranks)
    ]
    names = {measure: name for name, measure in RANKING_MEASURES.items()}
    values = {name: dict.fromkeys(RANKING_MEASURES, 0.0) for name in rankings}
    for metric in ir_measures.iter_calc(list(names), qrels, filled(run, rankings)):
        values[metric.query_id][names[metric.measure]] = float(metric.value)
    return values


def filled(run: list[ScoredDoc], rankings: Mapping[str, Ranking]) -> list[ScoredDoc]:
    """The run with a wrong item at every rank that holds no right one: trec_eval counts places, not scores."""
    wrong = [
        ScoredDoc(name, f"wrong {place}", -float(place))
        for name, one in rankings.items()
        for place in range(1, max(one.ranks, default=0) + 1)
        if place not in one.ranks
    ]
    return [*run, *wrong]


def retrieval_figures(rankings: Sequence[Ranking]) -> dict[str, float]:
    """The means of the contract's measures over queries."""
    values = ranking_values({str(number): ranking for number, ranking in enumerate(rankings)}).values()
    return {"n": len(rankings)} | {
        name: round(sum(one[name] for one in values) / len(rankings), 4) if rankings else 0.0 for name in CONTRACT
    }
