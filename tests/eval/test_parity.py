from dataclasses import replace
from typing import Any, cast

import pytest

from eval.client import Client
from eval.parity import parity_values, variants
from tests.eval.asked import FIRST, SECOND, hit, question, response


@pytest.mark.parametrize(
    ("script", "text", "others"),
    [
        ("zh-TW", "輝達的晶片有幾個?", {"zh-CN": "英伟达的芯片有几个?"}),
        ("zh-CN", "这个软件的视频", {"zh-TW": "這個軟體的影片", "zh-HK": "這個軟件的視頻"}),
        ("zh-HK", "呢個軟件", {"zh-CN": "呢个软件", "zh-TW": "呢個軟體"}),
        ("zh-CN", "Waymo 2025?", {}),
    ],
)
def test_a_question_in_the_other_scripts_with_their_words(script: str, text: str, others: dict[str, str]) -> None:
    made = {v.script: v.question for v in variants(replace(question(script=script), question=text))}
    assert {name: made.get(name) for name in others} == others
    assert text not in made.values()
    assert bool(made) == bool(others)


def test_the_turns_before_are_converted_too() -> None:
    asked = replace(question(), history=({"role": "user", "content": "軟體?"},))
    (turn,) = next(v for v in variants(asked) if v.script == "zh-CN").history
    assert turn == {"role": "user", "content": "软件?"}


class Stub:
    """Answers the Simplified question otherwise than the rest."""

    def ask(self, text: str, history: object) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        return ([hit(11, 21)], response(SECOND)) if "庆" in text else ([hit(0, 11)], response(FIRST))


def test_parity_is_the_share_of_variants_with_the_same_passage_and_citations() -> None:
    client = cast(Client, Stub())
    assert len(variants(replace(question(), question="重慶軟體?"))) == 2
    asked = replace(question(), question="重慶軟體?")
    same = {"parity_passage": 0.5, "parity_citation": 0.5}
    assert parity_values(client, asked, [hit(0, 11)], response(FIRST)) == same
    assert parity_values(client, asked, [], response()) == {"parity_passage": 0.0, "parity_citation": 0.0}
    assert parity_values(client, replace(asked, question="Waymo?"), [], response()) == {}
