"""Gates: the seed set must not get worse than ``expected.json`` says, and if it does, which questions flipped.

    python -m eval.gates            measure and compare; exit status 1 if a figure fell
    python -m eval.gates --write    measure and make that the expectation

The file holds a floor for each figure (for one where less is better, a ceiling) and, for each question, its outcome in
every measure that is 0 or 1. It is generated, never edited: after a change that is meant to move figures, write it
anew and let the difference be read in review. Answers in other scripts, times and memory are not gated.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.client import Client
from eval.measures import MEASURES
from eval.metrics import means
from eval.questions import read_questions
from eval.records import Record
from eval.run import ask_all, progress
from indexer.articles import read_articles
from indexer.build import build_index
from indexer.encoder import load_encoder
from server.app import create_app
from server.engine import Engine, load_answerer
from server.settings import Settings

EXPECTED = Path(__file__).parent / "expected.json"
SEEDS = Path(__file__).parents[1] / "seeds"
WRITE = "python -m eval.gates --write"

GATED = (
    "gold_words_held",
    "gold_words_share",
    "first_citation",
    "gold_span_cited",
    "citation_precision",
    "verbatim",
    "refused",
    "wrongly_refused",
    "passage_r@1",
    "passage_r@5",
    "passage_r@10",
    "sentence_r@1",
    "sentence_r@5",
    "sentence_r@10",
    "right_region",
    "right_characters",
)
FLAGS = tuple(name for name in GATED if MEASURES[name].flag)
ABSENT = "-"  # the measure does not count the question


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a run must reach: a bound for every gated figure; ``outcomes``: by id, one character a measure of FLAGS."""

    bounds: dict[str, float]
    outcomes: dict[str, str]


def expectation(records: Sequence[Record]) -> Expectation:
    """What these records reach."""
    found = means(records)
    return Expectation(
        {name: found[name] for name in GATED if name in found},
        {record.id: "".join(_outcome(record, name) for name in FLAGS) for record in records},
    )


def _outcome(record: Record, name: str) -> str:
    return str(int(record.values[name])) if name in record.values else ABSENT


def failures(expected: Expectation, now: Expectation) -> list[str]:
    """What got worse, one line a figure, each naming the questions that flipped; nothing if the gates hold."""
    if expected.outcomes.keys() != now.outcomes.keys():
        odd = sorted(expected.outcomes.keys() ^ now.outcomes.keys())
        return [f"the question set has changed ({', '.join(odd[:5])}): write the expectation anew with '{WRITE}'"]
    found = []
    for name, bound in expected.bounds.items():
        measure = MEASURES[name]
        value = now.bounds.get(name, 0.0 if measure.good else 1.0)
        if (value < bound) if measure.good else (value > bound):
            text = f"{name} was {bound:.4f} and is {value:.4f}"
            if name in FLAGS:
                worse, better = _flipped(expected, now, FLAGS.index(name), "10" if measure.good else "01")
                text += f"; worse: {' '.join(worse) or 'none'}; better: {' '.join(better) or 'none'}"
            found.append(text)
    return found


def _flipped(expected: Expectation, now: Expectation, column: int, worse: str) -> tuple[list[str], list[str]]:
    """Ids whose outcome went from ``worse[0]`` to ``worse[1]`` (or was not counted before or now), and the reverse."""
    down: list[str] = []
    up: list[str] = []
    for id, before in expected.outcomes.items():
        old, new = before[column], now.outcomes[id][column]
        if old != new:
            (down if old == worse[0] or new == worse[1] else up).append(id)
    return down, up


def read_expectation(file: Path = EXPECTED) -> Expectation:
    """The expectation of a file.

    Raises:
        ValueError: it was written for other measures.
    """
    document = json.loads(file.read_text(encoding="utf-8"))
    if tuple(document["measures"]) != FLAGS:
        raise ValueError(f"{file} was written for other measures: write it anew with '{WRITE}'")
    return Expectation(document["floors"], document["questions"])


def write_expectation(expected: Expectation, file: Path = EXPECTED) -> None:
    """Write the file: one line a question, so that a difference names the questions."""
    document = {"floors": expected.bounds, "measures": FLAGS, "questions": expected.outcomes}
    file.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def measure(index: Path) -> list[Record]:
    """The records of the question set over an index of the seeds."""
    with Client(create_app(Engine(lambda: load_answerer(Settings(index=index))))) as client:
        return ask_all(client, read_questions(), parity=False, show=progress)[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; compare or write. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="make what is measured the expectation")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        build_index(Path(folder), read_articles([SEEDS]), load_encoder())
        now = expectation(measure(Path(folder)))
    if options.write:
        write_expectation(now)
        print(f"wrote {EXPECTED.name}: {len(now.outcomes)} questions")
        return 0
    failed = failures(read_expectation(), now)
    print("\n".join(failed) or "the gates hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
