"""Small plots as inline SVG text, without a library: an interval, bars, a curve. Colours come from the page's CSS.

Every function gives one ``<svg>`` element with a title that a screen reader speaks; texts are escaped here.
"""

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 420, 250  # of a plot, in SVG units
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 30, 40  # margins inside it


def dot(value: float, low: float, high: float, before: float | None = None) -> str:
    """A value from 0 to 1 with its interval, and where it was before, on a line of 160 units."""

    def x(share: float) -> float:
        return round(4 + 152 * min(max(share, 0.0), 1.0), 1)

    ring = f'<circle class="before" cx="{x(before)}" cy="9" r="3.5"/>' if before is not None else ""
    return (
        f'<svg class="dot" viewBox="0 0 160 18" role="img" aria-label="{value:.3f}, {low:.3f} to {high:.3f}">'
        f'<path class="axis" d="M4 9H156M4 6V12M80 7V11M156 6V12"/><path class="range" d="M{x(low)} 9H{x(high)}"/>'
        f'{ring}<circle class="point" cx="{x(value)}" cy="9" r="3.5"/></svg>'
    )


def bars(
    title: str,
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[float]]],
    below: str,
    beside: str = "questions",
) -> str:
    """Bars side by side, one colour a series; ``below`` names the horizontal axis, ``beside`` the vertical."""
    most = max((max(counts, default=0) for _, counts in series), default=0) or 1
    ticks = _ticks(most)
    top = ticks[-1]
    step = (WIDTH - _LEFT - _RIGHT) / max(len(labels), 1)
    wide = step * 0.76 / max(len(series), 1)
    parts = [_grid([(tick / top, f"{tick:g}") for tick in ticks])]
    for number, (_, counts) in enumerate(series):
        for i, count in enumerate(counts):
            tall = (HEIGHT - _TOP - _BOTTOM) * count / top
            x = _LEFT + i * step + step * 0.12 + number * wide
            parts.append(
                f'<rect class="s{number}" x="{x:.1f}" y="{HEIGHT - _BOTTOM - tall:.1f}" width="{wide:.1f}" '
                f'height="{tall:.1f}"><title>{escape(labels[i])}: {count}</title></rect>'
            )
    every = max(1, round(len(labels) / 13))
    for i in range(0, len(labels), every):
        parts.append(
            f'<text x="{_LEFT + (i + 0.5) * step:.1f}" y="{HEIGHT - _BOTTOM + 14}" text-anchor="middle">'
            f"{escape(labels[i])}</text>"
        )
    return _plot(title, parts, below, beside, [name for name, _ in series] if len(series) > 1 else [])


def curve(
    title: str,
    lines: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    below: str,
    beside: str,
    point: tuple[float, float, str] | None = None,
) -> str:
    """Lines of (x, y) from 0 to 1, one colour each, and a named point."""
    parts = [_grid([(share, f"{share:g}") for share in (0, 0.25, 0.5, 0.75, 1)])]
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(f'<text x="{_x(share)}" y="{HEIGHT - _BOTTOM + 14}" text-anchor="middle">{share:g}</text>')
    for number, (_, places) in enumerate(lines):
        path = "L".join(f"{_x(x)} {_y(y)}" for x, y in places)
        parts.append(f'<path class="line s{number}" d="M{path}"/>' if path else "")
    if point is not None:
        x, y, name = point
        side, shift = ("end", -9) if x > 0.6 else ("start", 9)
        parts.append(
            f'<circle class="point" cx="{_x(x)}" cy="{_y(y)}" r="4.5"/>'
            f'<text class="name" x="{_x(x) + shift:.1f}" y="{_y(y) + 16:.1f}" text-anchor="{side}">'
            f"{escape(name)}</text>"
        )
    return _plot(title, parts, below, beside, [name for name, _ in lines] if len(lines) > 1 else [])


def whiskers(title: str, rows: Sequence[tuple[str, float, float, float]]) -> str:
    """One line a row: its name, and a value from 0 to 1 with its interval; a dashed line at the first row's value."""
    names, wide, tall = 230, 330, 24

    def x(share: float) -> float:
        return round(names + wide * share, 1)

    height = 34 + tall * len(rows) + 26
    foot = height - 24
    parts = [
        f'<path class="axis" d="M{x(tick)} 30V{foot}"/><text x="{x(tick)}" y="{foot + 16}" text-anchor="middle">'
        f"{tick:g}</text>"
        for tick in (0, 0.25, 0.5, 0.75, 1)
    ]
    if rows:
        parts.append(f'<path class="line s1" d="M{x(rows[0][1])} 30V{foot}"/>')
    for number, (name, value, low, high) in enumerate(rows):
        y = 34 + tall * (number + 0.5)
        parts.append(
            f'<text class="name" x="{names - 12}" y="{y + 4}" text-anchor="end">{escape(name)}</text>'
            f'<path class="range" d="M{x(low)} {y}H{x(high)}"/><circle class="point" cx="{x(value)}" cy="{y}" r="4"/>'
            f'<text class="name" x="{x(1) + 12}" y="{y + 4}">{value:.3f}</text>'
        )
    return (
        f'<svg class="plot" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {names + wide + 64} {height}" role="img">'
        f'<title>{escape(title)}</title><text class="name" x="{names}" y="16">{escape(title)}</text>'
        f"{''.join(parts)}</svg>"
    )


def standalone(plot: str) -> str:
    """A plot as a file of its own, with its colours and its paper."""
    style = (
        "<style>svg{background:#f7f1e4;font-family:'Songti TC','Songti SC','Noto Serif CJK TC',SimSun,serif}"
        "text{font-size:11px;fill:#6f665a}.name{fill:#2b2620}.axis{stroke:#ddd2bd;fill:none}"
        ".range{stroke:#2b2620;stroke-width:2;opacity:.55}.point{fill:#a5302a}.line{fill:none;stroke:#6d7f86;"
        "stroke-dasharray:4 4}</style>"
    )
    return plot.replace("</title>", f"</title>{style}", 1) + "\n"


def _x(share: float) -> float:
    return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * share, 1)


def _y(share: float) -> float:
    return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * share, 1)


def _grid(ticks: Sequence[tuple[float, str]]) -> str:
    """Horizontal lines at shares of the height, with their labels."""
    return "".join(
        f'<path class="axis" d="M{_LEFT} {_y(share)}H{WIDTH - _RIGHT}"/>'
        f'<text x="{_LEFT - 6}" y="{_y(share) + 3.5:.1f}" text-anchor="end">{label}</text>'
        for share, label in ticks
    )


def _ticks(most: float) -> list[float]:
    """Round numbers from 0 to at least ``most``, four or five steps."""
    step = 1.0
    while step * 5 < most:
        step *= 2.5 if str(step)[0] == "2" else 2
    return [step * i for i in range(int(-(-most // step)) + 1)]


def _plot(title: str, parts: Sequence[str], below: str, beside: str, names: Sequence[str]) -> str:
    legend = "".join(
        f'<rect class="s{i}" x="{_LEFT + 110 * i}" y="7" width="9" height="9"/>'
        f'<text x="{_LEFT + 14 + 110 * i}" y="15.5">{escape(name)}</text>'
        for i, name in enumerate(names)
    )
    return (
        f'<svg class="plot" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f"<title>{escape(title)}</title>{''.join(parts)}{legend}"
        f'<text x="{(WIDTH + _LEFT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{escape(below)}</text>'
        f'<text transform="rotate(-90)" x="{-(HEIGHT - _BOTTOM + _TOP) / 2}" y="12" text-anchor="middle">'
        f"{escape(beside)}</text></svg>"
    )
