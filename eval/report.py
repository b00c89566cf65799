"""A run of the own set as text for a terminal."""

from collections.abc import Callable, Sequence
from typing import Any

from eval.comparison import Difference
from eval.measures import GROUPS
from eval.metrics import figures, interval, means, values_of
from eval.records import Record

COLUMNS = ("gold_words_held", "first_citation", "citation_precision", "wrongly_refused", "refused", "passage_r@5")


def groups(records: Sequence[Record]) -> list[tuple[str, list[Record]]]:
    """All questions, then by kind, by script and by tag; kinds with an answer come before those without."""
    kinds = sorted({(not record.answerable, record.kind) for record in records})
    found = [("all", list(records))]
    found += [(kind, [r for r in records if r.kind == kind]) for _, kind in kinds]
    keys: tuple[Callable[[Record], tuple[str, ...]], ...] = (lambda r: (r.script,), lambda r: r.tags)
    for key in keys:
        names = sorted({name for record in records for name in key(record)})
        found += [(name, [r for r in records if name in key(r)]) for name in names]
    return found


def misses(records: Sequence[Record]) -> list[Record]:
    """Answerable questions without all gold words, and unanswerable ones that were answered."""
    return [record for record in records if not record.right]


def text_report(records: Sequence[Record], system: dict[str, Any], changed: Sequence[Difference] = ()) -> str:
    """All figures with their intervals, a table by kind, script and tag, the difference, and the misses."""
    found = figures(records)
    lines = [" ".join(f"{name} {value}" for name, value in system.items())]
    for group, measures in GROUPS.items():
        shown = [measure for measure in measures if measure.name in found]
        lines += [group] if shown else []
        for measure in shown:
            values = values_of(records, measure.name)
            low, high = interval(values)
            lines.append(
                f"  {measure.name:19} {found[measure.name]:.3f}  [{low:.3f}, {high:.3f}]  {measure.title}"
                f" (n {len(values)}: {measure.over})"
            )
    lines.append(
        f"coverage {found['coverage']:.3f}; {found['citations']} citations; area under the refusal curve "
        f"{found['refusal_area']:.3f}; p50 {found['p50_ms']} ms, p95 {found['p95_ms']} ms; an answer to a factual "
        f"question has {found['factual_length']} characters"
    )
    lines.append("".join(f"{name:>20}" for name in ("", "n", *COLUMNS)))
    for name, members in groups(records):
        figure = means(members)
        cells = [str(len(members)), *(f"{figure[c]:.3f}" if c in figure else "-" for c in COLUMNS)]
        lines.append(f"{name:>20}" + "".join(f"{cell:>20}" for cell in cells))
    lines += difference_lines(changed)
    for record in misses(records):
        wanted = "; ".join("/".join(group) for group in record.words) or "a refusal"
        shown_answer = "refused" if record.refused else record.answer[:120]
        lines.append(f"miss {record.id} [{record.kind}] {record.question}\n  wanted {wanted}\n  got    {shown_answer}")
    return "\n".join(lines)


def difference_lines(changed: Sequence[Difference]) -> list[str]:
    """One line a measure, and the questions that went up and down."""
    lines = []
    for one in changed:
        lines.append(
            f"{one.measure.name:>20}: {one.before:.3f} → {one.now:.3f}, difference {one.now - one.before:+.3f} "
            f"[{one.low:+.3f}, {one.high:+.3f}], p {one.p:.3f}{' *' if one.telling else ''}"
        )
        if one.measure.flag and (one.gained or one.lost):
            up, down = (one.gained, one.lost) if one.measure.good else (one.lost, one.gained)
            lines.append(f"{'':22}better: {' '.join(up) or 'none'}; worse: {' '.join(down) or 'none'}")
    return lines
