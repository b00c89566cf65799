"""The own set's outcome as text for a terminal and as one self-contained HTML page."""

from collections.abc import Callable, Sequence
from html import escape

from eval.metrics import Outcome, own_figures

_COLUMNS = ("n", "gold_words_held", "first_citation", "wrongly_refused", "refused", "factual_length")

_STYLE = """
body{font:16px/1.7 "Noto Serif CJK TC","Songti TC",serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#2b2620;
background:#fbf8f1}h1,h2{font-weight:600}table{border-collapse:collapse;margin:1rem 0}
td,th{border-bottom:1px solid #d8d0c0;
padding:.3rem .8rem;text-align:right}td:first-child,th:first-child{text-align:left}article{border-top:1px solid #d8d0c0;
padding:.8rem 0}b{color:#a32a1e}q{quotes:none;background:#fff3b8}
"""


def _groups(outcomes: Sequence[Outcome]) -> list[tuple[str, list[Outcome]]]:
    """All, then by kind, then by script."""
    keys: tuple[Callable[[Outcome], str], ...] = (lambda o: o.question.kind, lambda o: o.question.script)
    groups = [("all", list(outcomes))]
    for key in keys:
        groups += [(name, [o for o in outcomes if key(o) == name]) for name in sorted(set(map(key, outcomes)))]
    return groups


def misses(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Answerable questions without all gold words, and unanswerable ones that were answered."""
    return [o for o in outcomes if (not o.held if o.question.answerable else not o.refused)]


def text_report(outcomes: Sequence[Outcome]) -> str:
    """A table by kind and script, and the misses."""
    lines = ["".join(f"{name:>18}" for name in ("", *_COLUMNS))]
    for name, group in _groups(outcomes):
        figures = own_figures(group)
        lines.append(f"{name:>18}" + "".join(f"{figures[column]:>18}" for column in _COLUMNS))
    figures = own_figures(outcomes)
    lines.append(
        f"verbatim {figures['verbatim']:.0%} of {figures['citations']} citations; "
        f"p50 {figures['p50_ms']} ms, p95 {figures['p95_ms']} ms"
    )
    for o in misses(outcomes):
        wanted = "; ".join("/".join(group) for group in o.question.words) or "a refusal"
        shown = "refused" if o.refused else o.response["answer"][:120]
        lines.append(
            f"miss {o.question.id} [{o.question.kind}] {o.question.question}\n  wanted {wanted}\n  got    {shown}"
        )
    return "\n".join(lines)


def html_report(outcomes: Sequence[Outcome]) -> str:
    """The same as a page that needs nothing else."""
    head = "".join(f"<th>{escape(name)}</th>" for name in ("", *_COLUMNS))
    rows = []
    for name, group in _groups(outcomes):
        figures = own_figures(group)
        rows.append(f"<tr><td>{escape(name)}</td>" + "".join(f"<td>{figures[c]}</td>" for c in _COLUMNS) + "</tr>")
    missed = "".join(_miss(outcome) for outcome in misses(outcomes))
    return (
        f'<!doctype html><html lang="zh-Hant"><meta charset="utf-8"><title>Yewen evaluation</title>'
        f"<style>{_STYLE}</style>"
        f"<h1>業問 evaluation</h1><table><tr>{head}</tr>{''.join(rows)}</table><h2>Misses</h2>{missed}</html>\n"
    )


def _miss(outcome: Outcome) -> str:
    question = outcome.question
    wanted = "; ".join("/".join(group) for group in question.words) or "a refusal"
    quotes = "".join(f"<p><q>{escape(citation['quote'])}</q></p>" for citation in outcome.response["citations"])
    return (
        f"<article><b>{escape(question.id)}</b> {escape(question.kind)} {escape(question.script)}: "
        f"{escape(question.question)}<p>wanted: {escape(wanted)}</p><p>answer: {escape(outcome.response['answer'])}</p>"
        f"{quotes}</article>"
    )
