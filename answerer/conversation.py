"""Turns of a conversation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from answerer.evidence import visible

TURNS = 4  # last turns of the conversation that a model sees
LONGEST_TURN = 400  # characters of each


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


def transcript(history: Sequence[Message]) -> str:
    """The last turns as a prompt shows them, one a line."""
    return "\n".join(f"{turn.role}: {visible(turn.content)[:LONGEST_TURN]}" for turn in history[-TURNS:])
