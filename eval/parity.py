"""Parity: does the same question in another region's script find the same passage and the same words?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from eval.client import Client
from eval.questions import EvalQuestion
from eval.records import Hit
from language.folding import converter
from language.script import SCRIPTS

# OpenCC's configurations with regional words, over Simplified with mainland words.
_TO_SIMPLIFIED = {"zh-TW": "tw2sp", "zh-HK": "hk2s", "zh-CN": ""}
_FROM_SIMPLIFIED = {"zh-TW": "s2twp", "zh-HK": "s2hk", "zh-CN": ""}


def regional(text: str, source: str, target: str) -> str:
    """A text written in one script in the characters and the words of another."""
    for config in (_TO_SIMPLIFIED[source], _FROM_SIMPLIFIED[target]):
        text = converter(config).convert(text) if config else text
    return text


def variants(question: EvalQuestion) -> list[EvalQuestion]:
    """The question and the turns before it in the other two scripts, where the wording differs."""

    def convert(text: str, script: str) -> str:
        return regional(text, question.script, script)

    made: list[EvalQuestion] = []
    for script in SCRIPTS:
        text = convert(question.question, script)
        turns = tuple({**turn, "content": convert(turn["content"], script)} for turn in question.history)
        if script != question.script and text not in {question.question, *(other.question for other in made)}:
            made.append(replace(question, question=text, script=script, history=turns))
    return made


def parity_values(
    client: Client, question: EvalQuestion, hits: Sequence[Hit], response: Mapping[str, Any]
) -> dict[str, float]:
    """Shares of the variants with the same first passage and with the same cited places; nothing without variants."""
    asked = [client.ask(variant.question, variant.history) for variant in variants(question)]
    if not asked:
        return {}
    passages = [_first(found) == _first(hits) for found, _ in asked]
    citations = [_cited(answer) == _cited(response) for _, answer in asked]
    return {
        "parity_passage": round(sum(passages) / len(passages), 4),
        "parity_citation": round(sum(citations) / len(citations), 4),
    }


def _first(hits: Sequence[Hit]) -> str:
    return str(hits[0]["passage_id"]) if hits else ""


def _cited(response: Mapping[str, Any]) -> set[tuple[str, int, int]]:
    return {(c["article_id"], c["start"], c["end"]) for c in response["citations"]}
