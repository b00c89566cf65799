"""A follow-up made whole by the language model, for searching: 那合肥呢? after a question about 重慶's output.

One short call. What comes back is used only if it is one line made of the conversation's own words that keeps those of
the question; otherwise, and where the endpoint fails, the completion by rules stands.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from answerer.asked import asked
from answerer.checking import check
from answerer.conversation import Message, transcript
from answerer.evidence import visible
from answerer.language_model_errors import LanguageModelError
from language.folding import fold
from language.script import Script
from prompts import follow_up_prompt, rewrite_prompt

if TYPE_CHECKING:
    from answerer.language_model import LanguageModel  # imports httpx, which only a model needs

LONGEST = 200  # characters of a question; more is no question
DEADLINE_S = 8.0  # for the call; the answer itself has its own
KEPT = 0.5  # of the weight of the question's words that must stand in the rewritten one

_WRAPPING = ' *`"“”「」'


async def rewrite(question: str, history: Sequence[Message], script: Script, model: "LanguageModel") -> str | None:
    """The question as it would be asked without the turns before it; None where the model gives none that serves."""
    prompt = follow_up_prompt(script, transcript(history), visible(question))
    written = ""
    try:
        async with (
            asyncio.timeout(DEADLINE_S),
            aclosing(model.stream([Message("system", rewrite_prompt(script)), Message("user", prompt)])) as pieces,
        ):
            async for piece in pieces:
                written += piece
                if len(written) > LONGEST:
                    return None
    except (LanguageModelError, TimeoutError):
        return None
    text = written.strip().strip(_WRAPPING).strip()
    return text if serves(text, question, history) else None


def serves(text: str, question: str, history: Sequence[Message]) -> bool:
    """Is it one line that keeps the question's words and says nothing that is not in the conversation?"""
    if not text or "\n" in text:
        return False
    words = asked(question).words
    kept = fold(text)
    weight = sum(word.weight for word in words)
    if sum(word.weight for word in words if word.text in kept) < KEPT * weight:
        return False
    return check(text, "\n".join([*(turn.content for turn in history), question])).supported
