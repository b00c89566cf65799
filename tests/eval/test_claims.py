from collections import Counter
from pathlib import Path

from eval.claims import PARTS, VERDICTS, Claim, Judged, judge_claims, read_claims, table
from eval.client import Client
from language.script import SCRIPTS
from server.app import create_app
from server.engine import Engine, load_answerer
from server.settings import Settings


def test_the_claims_are_sound() -> None:
    claims = read_claims()
    assert len({claim.id for claim in claims}) == len({claim.claim for claim in claims}) == len(claims) == 68
    parts = {part: Counter(claim.verdict for claim in claims if claim.part == part) for part in PARTS}
    assert parts["develop"] == parts["held"] == {"supported": 14, "contradicted": 11, "not_found": 9}
    assert {claim.script for claim in claims} == set(SCRIPTS)


def test_nine_in_ten_verdicts_of_the_first_part_are_right(built_index: Path) -> None:
    claims = [claim for claim in read_claims() if claim.part == "develop"]
    with Client(create_app(Engine(lambda: load_answerer(Settings(index=built_index))))) as client:
        judged = judge_claims(client, claims)
    assert [one for one in judged if one.verdict == "contradicted" and one.claim.verdict != "contradicted"] == []
    assert sum(one.verdict == one.claim.verdict for one in judged) >= 0.9 * len(claims)


def test_the_table_counts_by_part_and_verdict() -> None:
    rows = [
        Judged(Claim("1", "a", "supported", "zh-TW", "develop"), "supported", ""),
        Judged(Claim("2", "b", "supported", "zh-TW", "develop"), "not_found", ""),
        Judged(Claim("3", "c", "not_found", "zh-TW", "held"), "contradicted", ""),
    ]
    lines = table(rows).split("\n")
    assert len(lines) == 1 + len(PARTS) * (len(VERDICTS) + 1)
    assert lines[1].split() == ["develop", "supported", "1/2", "1", "not_found"]
    assert lines[-1].split() == ["held", "all", "0/1", "1", "contradicted"]
