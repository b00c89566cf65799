"""Figures over many questions: means with their intervals, percentiles, the operating curve of refusal."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.measures import MEASURES
from eval.questions import FACTUAL
from eval.records import Record, statements

RESAMPLES = 2000
CONFIDENCE = 0.95
SEED = 20261125


def share(flags: Collection[bool]) -> float:
    """The share that is true; of nothing, 0."""
    return round(sum(flags) / len(flags), 4) if flags else 0.0


def percentile(values: Sequence[float], q: float) -> float:
    """The nearest-rank percentile; of nothing, 0."""
    ordered = sorted(values)
    return round(ordered[max(0, math.ceil(q * len(ordered)) - 1)], 2) if ordered else 0.0


def values_of(records: Sequence[Record], name: str) -> list[float]:
    """The values of a measure over the questions that it counts."""
    return [record.values[name] for record in records if name in record.values]


def means(records: Sequence[Record]) -> dict[str, float]:
    """Every measure that counts any of these questions, to four digits."""
    found = {name: values_of(records, name) for name in MEASURES}
    return {name: round(sum(values) / len(values), 4) for name, values in found.items() if values}


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The percentile bootstrap interval of a mean (Efron 1979): 2,000 resamples with a fixed seed, 95 %."""
    if not values:
        return 0.0, 0.0
    sample = np.asarray(values, np.float64)
    drawn = np.random.default_rng(SEED).integers(0, len(sample), (RESAMPLES, len(sample)))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(sample[drawn].mean(axis=1), (tail, 1 - tail))
    return round(float(low), 4), round(float(high), 4)


@dataclass(frozen=True, slots=True)
class Operating:
    """Where only answers of at least ``threshold`` confidence are given: the shares refused of both kinds."""

    threshold: float
    refused: float
    wrongly_refused: float


def operating_curve(records: Sequence[Record]) -> list[Operating]:
    """The points that a threshold over ``confidence`` can reach, from answering everything to nothing.

    At every threshold, what is below it counts as refused; what the endpoint itself did is left out.
    """
    none = np.array([record.confidence for record in records if not record.answerable])
    some = np.array([record.confidence for record in records if record.answerable])
    if not len(none) or not len(some):
        return []
    steps = [*sorted({record.confidence for record in records}), math.inf]
    return [
        Operating(step, round(float((none < step).mean()), 4), round(float((some < step).mean()), 4)) for step in steps
    ]


def curve_area(records: Sequence[Record]) -> float:
    """The area under the operating curve (ROC): how often an answerable question is the more confident of a pair."""
    none = np.array([record.confidence for record in records if not record.answerable])
    some = np.array([record.confidence for record in records if record.answerable])
    if not len(none) or not len(some):
        return 0.0
    above = (some[:, None] > none).mean() + (some[:, None] == none).mean() / 2
    return round(float(above), 4)


def figures(records: Sequence[Record]) -> dict[str, Any]:
    """All figures of a run, by name."""
    times = [record.ms for record in records]
    factual = [record for record in records if record.answerable and record.kind in FACTUAL and not record.refused]
    lengths = [sum(len(text) for text, _ in statements(record.answer)) for record in factual]
    return {
        "n": len(records),
        "answerable": sum(record.answerable for record in records),
        "unanswerable": sum(not record.answerable for record in records),
        **means(records),
        "coverage": share([not record.refused for record in records if record.answerable]),
        "citations": sum(len(record.cited) for record in records),
        "refusal_area": curve_area(records),
        "factual_length": round(sum(lengths) / len(lengths), 1) if lengths else 0.0,
        "p50_ms": percentile(times, 0.5),
        "p95_ms": percentile(times, 0.95),
    }
