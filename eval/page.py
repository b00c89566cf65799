"""A run of the own set as one HTML page that needs nothing else: no script, no font, no picture from elsewhere."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from eval.comparison import Difference
from eval.measures import GROUPS, MEASURES
from eval.metrics import figures, interval, means, operating_curve, values_of
from eval.plots import bars, curve, dot
from eval.records import Record
from eval.report import COLUMNS, groups, misses

HEADLINES = (
    "gold_words_held",
    "first_citation",
    "citation_precision",
    "wrongly_refused",
    "refused",
    "passage_r@5",
    "sentence_r@5",
)
RANKS = 12  # passages that are read, so the last rank at which one can stand
STEPS = 16  # bars of the latency plot

_STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
_SEAL = (
    '<svg viewBox="0 0 66 66" aria-hidden="true"><rect x="2" y="2" width="62" height="62" rx="7" fill="#a5302a"/>'
    '<rect x="6" y="6" width="54" height="54" rx="4" fill="none" stroke="#f7f1e4" stroke-width="1.5"/>'
    '<text x="33" y="30" text-anchor="middle" style="font-size:23px;fill:#f7f1e4">業</text>'
    '<text x="33" y="54" text-anchor="middle" style="font-size:23px;fill:#f7f1e4">問</text></svg>'
)


def html_page(
    records: Sequence[Record],
    system: dict[str, Any],
    before: Sequence[Record] = (),
    changed: Sequence[Difference] = (),
    earlier: Path | None = None,
) -> str:
    """The page; with an earlier run, also what changed since, question by question."""
    about = " · ".join(f"{escape(str(name))} {escape(str(value))}" for name, value in system.items())
    compared = f"<p>compared with {escape(earlier.name)}</p>" if earlier is not None else ""
    changes = {one.measure.name: one for one in changed}
    sections = [
        _cards(records, changes),
        "<h2>Figures</h2>" + _figures(records, changes),
        _differences(before, records, changed),
        "<h2>Plots</h2>" + _plots(records),
        "<h2>By kind, script and tag</h2>" + _table(records),
        "<h2>Misses</h2>" + _misses(records),
    ]
    return (
        '<!doctype html>\n<html lang="zh-Hant"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><title>業問 Yewen: evaluation</title>'
        f"<style>{_STYLE}</style></head><body><header>{_SEAL}<div><h1>業問 evaluation</h1>"
        f"<p>{len(records)} questions · {about}</p>{compared}</div></header>{''.join(sections)}"
        "<footer>Every measure is defined in docs/evaluation.md. Intervals: bootstrap over questions, 95 %.</footer>"
        "</body></html>\n"
    )


def _cards(records: Sequence[Record], changes: dict[str, Difference]) -> str:
    found = figures(records)
    cards = []
    for name in HEADLINES:
        if name in found:
            low, high = interval(values_of(records, name))
            first = ' class="main"' if name == HEADLINES[0] else ""
            beside = f" · of the {found['coverage']:.0%} answered" if name == "citation_precision" else ""
            cards.append(
                f"<div{first}><b>{_percent(found[name])}</b><span>{escape(MEASURES[name].title)}{beside}</span>"
                f"<span>{_percent(low)} to {_percent(high)}{_change(changes.get(name))}</span></div>"
            )
    cards.append(
        f"<div><b>{found['p50_ms']:.0f}<small> ms</small></b><span>median latency</span>"
        f"<span>95th percentile {found['p95_ms']:.0f} ms</span></div>"
    )
    return f'<div class="cards">{"".join(cards)}</div>'


def _percent(share: float) -> str:
    return f"{share * 100:.1f}"


def _change(one: Difference | None) -> str:
    """How much a figure rose or fell, in points."""
    if one is None or one.now == one.before:
        return ""
    better = (one.now > one.before) == one.measure.good
    return f' <span class="{"up" if better else "down"}">{(one.now - one.before) * 100:+.1f} (p {one.p:.3f})</span>'


def _figures(records: Sequence[Record], changes: dict[str, Difference]) -> str:
    rows = []
    found = means(records)
    for group, measures in GROUPS.items():
        shown = [measure for measure in measures if measure.name in found]
        if shown:
            rows.append(f'<tr class="group"><td colspan="6">{escape(group)}</td></tr>')
        for measure in shown:
            values = values_of(records, measure.name)
            low, high = interval(values)
            change = changes.get(measure.name)
            drawn = dot(found[measure.name], low, high, None if change is None else change.before)
            rows.append(
                f"<tr><td>{escape(measure.title)}{'' if measure.good else ' ↓'}</td><td>{found[measure.name]:.3f}</td>"
                f"<td>{low:.3f}–{high:.3f}</td><td>{drawn}</td><td>{len(values)}</td>"
                f'<td class="text">{escape(measure.over)}</td></tr>'
            )
    return (
        _scrolled(
            "<tr><th></th><th>figure</th><th>interval</th><th>0 to 1</th><th>n</th>"
            f'<th class="text">over questions</th></tr>{"".join(rows)}'
        )
        + '<p class="note">↓ less is better. Every rate stands beside the number of questions it is taken over.</p>'
    )


def _scrolled(rows: str) -> str:
    return f'<div class="scroll"><table>{rows}</table></div>'


def _plots(records: Sequence[Record]) -> str:
    plots = [_rank_plot(records), _latency_plot(records)]
    if operating_curve(records):
        plots.insert(0, _refusal_plot(records))
    return f'<div class="plots">{"".join(plots)}</div>'


def _refusal_plot(records: Sequence[Record]) -> str:
    points = operating_curve(records)
    found = figures(records)
    here = (found["wrongly_refused"], found["refused"], "as it answers now")
    line = [(point.wrongly_refused, point.refused) for point in points]
    drawn = curve(
        "Refusal",
        [("by confidence", line), ("by chance", [(0, 0), (1, 1)])],
        "answerable, refused",
        "unanswerable, refused",
        here,
    )
    return (
        f"<figure>{drawn}<figcaption>Refusal: every threshold over <i>confidence</i>. Area under the curve "
        f"{found['refusal_area']:.3f}; the point is what the endpoint itself refuses.</figcaption></figure>"
    )


def _rank_plot(records: Sequence[Record]) -> str:
    asked = [record for record in records if record.answerable]
    labels = [*map(str, range(1, RANKS + 1)), "later"]

    def counts(ranks: Iterable[int]) -> list[int]:
        seen = Counter(rank if 0 < rank <= RANKS else RANKS + 1 for rank in ranks)
        return [seen[rank] for rank in range(1, RANKS + 2)]

    series = [("passage", counts(r.passage_rank for r in asked)), ("sentence", counts(r.sentence_rank for r in asked))]
    drawn = bars("Rank of the first gold passage and sentence", labels, series, "rank of the first gold one")
    return (
        f"<figure>{drawn}<figcaption>Where the first gold passage and sentence stand among what was found, "
        f"{len(asked)} answerable questions; <i>later</i>: behind rank {RANKS}, or not found.</figcaption></figure>"
    )


def _latency_plot(records: Sequence[Record]) -> str:
    times = sorted(record.ms for record in records)
    most = times[max(0, math.ceil(0.99 * len(times)) - 1)]
    step = max(most / STEPS, 0.1)
    seen = Counter(min(int(ms / step), STEPS - 1) for ms in times)
    labels = [f"{step * (i + 1):.0f}" for i in range(STEPS)]
    drawn = bars("Latency", labels, [("latency", [seen[i] for i in range(STEPS)])], "milliseconds, up to")
    return (
        f"<figure>{drawn}<figcaption>Latency of one answer, through the endpoint. The last bar holds the slowest "
        "too.</figcaption></figure>"
    )


def _table(records: Sequence[Record]) -> str:
    head = "".join(f"<th>{escape(MEASURES[name].title)}</th>" for name in COLUMNS)
    rows = []
    for name, members in groups(records):
        found = means(members)
        cells = "".join(f"<td>{found[c]:.3f}</td>" if c in found else "<td>–</td>" for c in COLUMNS)
        rows.append(f"<tr><td>{escape(name.replace('_', ' '))}</td><td>{len(members)}</td>{cells}</tr>")
    return _scrolled(f"<tr><th></th><th>n</th>{head}</tr>{''.join(rows)}")


def _differences(before: Sequence[Record], records: Sequence[Record], changed: Sequence[Difference]) -> str:
    if not changed:
        return ""
    rows = "".join(
        f"<tr><td>{escape(one.measure.title)}</td><td>{one.before:.3f}</td><td>{one.now:.3f}</td>"
        f"<td>{_change(one) or '0'}</td><td>{one.low:+.3f} to {one.high:+.3f}</td>"
        f"<td>{len(one.gained) + len(one.lost)}</td></tr>"
        for one in changed
    )
    earlier = {record.id: record for record in before}
    pairs = [(earlier[r.id], r) for r in records if r.id in earlier and earlier[r.id].question == r.question]
    better = [(a, b) for a, b in pairs if b.right and not a.right]
    worse = [(a, b) for a, b in pairs if a.right and not b.right]
    return (
        "<h2>Since the earlier run</h2>"
        + _scrolled(
            "<tr><th></th><th>before</th><th>now</th><th>points</th><th>interval of the difference</th>"
            f"<th>questions changed</th></tr>{rows}"
        )
        + _flips("Went wrong", worse)
        + _flips("Came right", better)
    )


def _flips(title: str, pairs: Sequence[tuple[Record, Record]]) -> str:
    items = "".join(
        f'<article class="miss">{_asked(now)}<div class="sides"><div><h4>BEFORE</h4>{_answer(before)}</div>'
        f"<div><h4>NOW</h4>{_answer(now)}</div><div><h4>GOLD</h4>{_gold(now)}</div></div></article>"
        for before, now in pairs
    )
    return f"<details><summary>{title}<small>{len(pairs)}</small></summary>{items}</details>"


def _misses(records: Sequence[Record]) -> str:
    missed = misses(records)
    blocks = []
    for kind in sorted({record.kind for record in missed}):
        of_kind = [record for record in missed if record.kind == kind]
        asked = sum(record.kind == kind for record in records)
        items = "".join(map(_miss, of_kind))
        blocks.append(
            f"<details><summary>{escape(kind.replace('_', ' '))}<small>{len(of_kind)} of {asked}</small></summary>"
            f"{items}</details>"
        )
    return "".join(blocks) or "<p>None.</p>"


def _miss(record: Record) -> str:
    cited = "".join(
        f'<p class="quote{" gold" if gold else ""}">{_marked(quote, record)}</p>'
        for quote, gold in zip(record.cited, record.on_gold, strict=True)
    )
    return (
        f'<article class="miss">{_asked(record)}<div class="sides"><div><h4>ANSWER</h4>{_answer(record)}</div>'
        f"<div><h4>CITED</h4>{cited or '<p class=refusal>nothing</p>'}</div>"
        f"<div><h4>GOLD</h4>{_gold(record)}</div></div></article>"
    )


def _asked(record: Record) -> str:
    turns = "".join(f'<p class="turn">{escape(turn)}</p>' for turn in record.history)
    labels = " ".join([record.id, record.script, *record.tags])
    return f"{turns}<h3><small>{escape(labels)}</small>{escape(record.question)}</h3>"


def _answer(record: Record) -> str:
    held = "refused" if record.refused else "answered"
    style = ' class="refusal"' if record.refused else ""
    return f"<p{style}>{escape(record.answer)}</p><p class=turn>{held}, confidence {record.confidence:.2f}</p>"


def _gold(record: Record) -> str:
    if not record.gold:
        return '<p class="refusal">a refusal</p>'
    return "".join(f'<p class="quote gold">{_marked(text, record)}</p>' for text in record.gold)


def _marked(text: str, record: Record) -> str:
    """The text with the gold words marked."""
    forms = sorted({form for group in record.words for form in group if form}, key=len, reverse=True)
    if not forms:
        return escape(text)
    pieces = re.split("(" + "|".join(map(re.escape, forms)) + ")", text)
    return "".join(f"<mark>{escape(p)}</mark>" if i % 2 else escape(p) for i, p in enumerate(pieces))
