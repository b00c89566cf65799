"""Two runs of the same questions, compared question by question."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.measures import MEASURES, Measure
from eval.metrics import RESAMPLES, SEED, interval
from eval.records import Record

SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one measure, over the ``n`` questions that count in both runs: the mean before, now, and what lies between.

    ``low`` and ``high`` bound the mean difference (95 %); ``p`` is the exact McNemar test's where values are 0 or 1,
    else that of a sign-flip permutation test; ``gained`` and ``lost`` are questions that went up and down.
    """

    measure: Measure
    n: int
    before: float
    now: float
    low: float
    high: float
    p: float
    gained: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def telling(self) -> bool:
        """Is it unlikely that chance made this difference?"""
        return self.p < SIGNIFICANT


def differences(before: Sequence[Record], now: Sequence[Record]) -> list[Difference]:
    """The difference of every measure that both runs have; questions are matched by id and wording."""
    earlier = {(record.id, record.question): record for record in before}
    pairs = [(earlier[key], record) for record in now if (key := (record.id, record.question)) in earlier]
    found = []
    for measure in MEASURES.values():
        name = measure.name
        both = [(a, b) for a, b in pairs if name in a.values and name in b.values] if measure.paired else []
        if both:
            found.append(_difference(measure, both))
    return found


def _difference(measure: Measure, pairs: Sequence[tuple[Record, Record]]) -> Difference:
    name = measure.name
    deltas = [b.values[name] - a.values[name] for a, b in pairs]
    gained = tuple(b.id for (_, b), delta in zip(pairs, deltas, strict=True) if delta > 0)
    lost = tuple(b.id for (_, b), delta in zip(pairs, deltas, strict=True) if delta < 0)
    before = sum(a.values[name] for a, _ in pairs) / len(pairs)
    now = sum(b.values[name] for _, b in pairs) / len(pairs)
    p = mcnemar(len(gained), len(lost)) if measure.flag else sign_flip(deltas)
    return Difference(measure, len(pairs), round(before, 4), round(now, 4), *interval(deltas), p, gained, lost)


def mcnemar(gained: int, lost: int) -> float:
    """The exact two-sided McNemar test (1947): a fair coin falling so unevenly; without a change, 1."""
    from scipy.stats import binomtest

    return round(float(binomtest(gained, gained + lost).pvalue), 4) if gained + lost else 1.0


def sign_flip(deltas: Sequence[float]) -> float:
    """Two-sided p of a paired permutation test (Fisher's randomisation): 2,000 random flips of the signs."""
    values = np.asarray([delta for delta in deltas if delta], np.float64)
    if not len(values):
        return 1.0
    signs = np.random.default_rng(SEED).choice((-1.0, 1.0), (RESAMPLES, len(values)))
    extreme = np.abs(signs @ values) >= abs(values.sum()) - 1e-9
    return round(float((extreme.sum() + 1) / (RESAMPLES + 1)), 4)
