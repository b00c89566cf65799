"""A language model as a judge of answers: optional, and none of the other figures needs it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from answerer.language_model import LanguageModel, Message
from eval.client import Progress
from eval.records import Record
from prompts import Script, fill

VERDICTS = {"RIGHT": 1.0, "PARTLY": 0.5, "WRONG": 0.0}

_FOLDER = Path(__file__).parent


def parse_judge(text: str) -> tuple[str, str]:
    """The model and the address of ``MODEL@URL``; "" for one that is missing."""
    model, _, url = text.partition("@")
    return model, url


def judge_answers(records: Sequence[Record], model: LanguageModel, progress: Progress) -> list[Record]:
    """The records with ``judged_right`` on those that are answerable and answered; a reply without verdict gives none.

    Raises:
        LanguageModelError: the endpoint fails.
    """
    asked = [record for record in records if record.answerable and not record.refused]
    verdicts: dict[str, float] = {}
    with asyncio.Runner() as runner:
        try:
            for number, record in enumerate(asked, 1):
                reply = runner.run(_reply(model, judge_prompt(record)))
                verdict = next((word for word in VERDICTS if word in reply.upper()), "")
                if verdict:
                    verdicts[record.id] = VERDICTS[verdict]
                progress(number, len(asked))
        finally:
            runner.run(model.aclose())
    return [
        record.with_values({"judged_right": verdicts[record.id]}) if record.id in verdicts else record
        for record in records
    ]


def judge_prompt(record: Record) -> str:
    """What the judge is asked about one answer, in the question's script."""
    values = {"question": record.question, "gold": "\n".join(record.gold), "answer": record.answer}
    return fill("judge", cast(Script, record.script), values, _FOLDER)


async def _reply(model: LanguageModel, prompt: str) -> str:
    return "".join([piece async for piece in model.stream([Message("user", prompt)])])
