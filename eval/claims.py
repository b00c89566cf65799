"""Verdicts on claims: are those of ``POST /api/verify`` right?

    python -m eval.claims [--misses]

``eval/claims.jsonl`` holds claims written over the seed articles, half of them with one thing changed or told by no
article. Thresholds were chosen on the part ``develop``; ``held`` is for the figures alone, so --misses leaves it out.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.client import Client
from eval.gates import SEEDS
from indexer.articles import read_articles
from indexer.build import build_index
from indexer.encoder import load_encoder
from server.app import create_app
from server.engine import Engine, load_answerer
from server.settings import Settings

CLAIMS = Path(__file__).parent / "claims.jsonl"
VERDICTS = ("supported", "contradicted", "not_found")
PARTS = ("develop", "held")


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim and the right verdict on it; ``part`` is one of ``PARTS``."""

    id: str
    claim: str
    verdict: str
    script: str
    part: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim with the verdict it got and the quote that came first ("" if none did)."""

    claim: Claim
    verdict: str
    quote: str


def read_claims(file: Path = CLAIMS) -> list[Claim]:
    """The claims of a JSON Lines file."""
    return [Claim(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def judge_claims(client: Client, claims: Sequence[Claim]) -> list[Judged]:
    """Ask the endpoint about every claim."""
    judged = []
    for claim in claims:
        body = client.verify(claim.claim)
        quotes = [sentence["quote"] for sentence in body["sentences"]]
        judged.append(Judged(claim, body["verdict"], quotes[0] if quotes else ""))
    return judged


def table(judged: Sequence[Judged]) -> str:
    """Right verdicts of all, by part and right verdict, and wrong ones by what was said instead."""
    lines = [f"{'part':8} {'right verdict':13} {'right':>7}  said instead"]
    for part in PARTS:
        here = [one for one in judged if one.claim.part == part]
        for verdict in (*VERDICTS, "all"):
            rows = [one for one in here if verdict in ("all", one.claim.verdict)]
            wrong = [one.verdict for one in rows if one.verdict != one.claim.verdict]
            said = ", ".join(f"{wrong.count(other)} {other}" for other in VERDICTS if other in wrong)
            lines.append(f"{part:8} {verdict:13} {len(rows) - len(wrong):>3}/{len(rows):<3}  {said}".rstrip())
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure over an index of the seeds made for it; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--misses", action="store_true", help="show the wrong verdicts of the first part")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        build_index(Path(folder), read_articles([SEEDS]), load_encoder())
        with Client(create_app(Engine(lambda: load_answerer(Settings(index=Path(folder)))))) as client:
            judged = judge_claims(client, read_claims())
    for one in judged if options.misses else ():
        if one.claim.part == PARTS[0] and one.verdict != one.claim.verdict:
            print(f"{one.claim.id} {one.claim.verdict}, got {one.verdict}: {one.claim.claim}\n    {one.quote}")
    print(table(judged))
    return 0


if __name__ == "__main__":
    sys.exit(main())
