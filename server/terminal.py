"""Answers, passages and progress for people at a terminal."""

import os
import re
import time
from collections import Counter
from collections.abc import Callable
from typing import TextIO

from answerer.answer import Answer
from indexer.collect import Progress, Taken
from retriever import Hit

Paint = Callable[[str, str], str]  # text, style → text

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
_MARKER = re.compile(r"\[\d+\]")
# What a terminal would obey rather than show: controls, and what reorders the letters around it.
_OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_WIDTH = 28  # cells of a progress bar


def paint_for(stream: TextIO) -> Paint:
    """Colours where ``stream`` is a terminal and the user has not refused them (``NO_COLOR``, https://no-color.org)."""
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return lambda text, style: text
    return lambda text, style: f"\x1b[{_STYLES[style]}m{text}\x1b[0m"


def shown(text: str) -> str:
    """``text`` with all that a terminal would obey written as an escape; line breaks stay."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def hit_text(number: int, hit: Hit, paint: Paint) -> str:
    """A passage with its title, source and score."""
    text = hit.article.body[hit.passage.start : hit.passage.end]
    title = paint(shown(hit.article.title), "bold")
    return f"{number}. {title} ({shown(hit.article.source)}) {hit.score:.3f}\n{shown(text)}"


def answer_text(answer: Answer, paint: Paint) -> str:
    """An answer with its sources, or a refusal with the nearest passages."""
    text = shown(answer.text)
    told = _MARKER.sub(lambda found: paint(found[0], "red"), text) if answer.grounded else paint(text, "yellow")
    lines = [told, *(paint(f"* {shown(note)}", "dim") for note in answer.notes), ""]
    for citation in answer.citations:
        title = paint(shown(citation.article.title), "bold")
        lines.append(f"{paint(f'[{citation.marker}]', 'red')} {title} ({shown(citation.article.source)})")
        lines.append(f"    {paint(f'「{shown(citation.quote)}」', 'dim')}")
    lines += [hit_text(number, hit, paint) for number, hit in enumerate(answer.nearest, 1)]
    return "\n".join(lines).rstrip()


def taken_text(taken: Taken) -> tuple[str, list[str]]:
    """What became of what was to be indexed: one line of all, and one for each file of which something was left out."""
    troubles = []
    for outcome in taken.outcomes:
        if outcome.state == "refused":
            troubles.append(f"yewen: {shown(outcome.reason)}")
        elif outcome.reason:
            troubles.append(f"yewen: {shown(f'{outcome.name}: {outcome.reason}')}")
    if taken.manifest is None:
        return "", troubles
    done = "indexed" if taken.built else "up to date:"
    summary = f"{done} {taken.manifest.articles} articles, {taken.manifest.passages} passages"
    notes = [f"snapshot {taken.manifest.id}"]
    if len(taken.outcomes) > 1:
        counts = Counter(outcome.state for outcome in taken.outcomes)
        notes.append("files " + ", ".join(f"{state} {counts[state]}" for state in ("indexed", "skipped", "refused")))
    if taken.left:
        notes.append(f"{taken.left} articles of the old index are gone from it: --add would have kept them")
    damaged = [outcome.note for outcome in taken.outcomes if outcome.note]
    notes += [shown(note) for note in damaged[:1]] if len(damaged) < 2 else [f"{len(damaged)} files have damaged words"]
    return f"{summary} ({'; '.join(notes)})", troubles


def progress_on(stream: TextIO, clock: Callable[[], float] = time.monotonic) -> Progress:
    """A bar for each stage of long work where ``stream`` is a terminal, nothing elsewhere."""
    if not stream.isatty():
        return lambda stage, done, total: None
    began: dict[str, float] = {}

    def show(stage: str, done: int, total: int) -> None:
        seconds = clock() - began.setdefault(stage, clock())
        full = _WIDTH * done // total if total else _WIDTH
        bar = "█" * full + "░" * (_WIDTH - full)
        end = "\n" if done >= total else ""
        print(f"\r{stage:<8} {bar} {done}/{total} {seconds:.0f} s", end=end, file=stream, flush=True)

    return show
