"""Decode what a chat-completions endpoint sends, server-sent events or one JSON document, from bytes as they come."""

import json
from dataclasses import dataclass
from typing import Protocol

from answerer.language_model_errors import LanguageModelBadResponseError

LONGEST_LINE = 256 * 1024  # bytes of one line of a stream; a 10,000-token delta, JSON-escaped, is about 100 KiB

_NO_CHAT = "the language model's response is not a chat completion; does YEWEN_LLM_BASE_URL point to such an API?"
_TRUNCATED = "the language model's response broke off before its end; try again"


class CompletionDecoder(Protocol):
    """Takes the bytes of a response in order and gives the model's text."""

    finished: bool

    def feed(self, chunk: bytes) -> list[str]:
        """Take the next bytes; the pieces of text that they complete."""

    def close(self) -> list[str]:
        """Take note that no more bytes come; what was still held back."""


class EventDecoder:
    """Decodes a stream of server-sent events; ``finished`` at ``[DONE]`` or at a finish reason.

    ``feed`` and ``close`` raise ``LanguageModelBadResponseError``.
    """

    def __init__(self) -> None:
        self.finished = False
        self._tail = b""

    def feed(self, chunk: bytes) -> list[str]:
        """Take the next bytes; the pieces of text that they complete."""
        *lines, self._tail = (self._tail + chunk).split(b"\n")
        if max(map(len, [*lines, self._tail])) > LONGEST_LINE:
            raise LanguageModelBadResponseError(
                f"a line of the language model's response is longer than {LONGEST_LINE} bytes; gave it up"
            )
        return [text for line in lines if (text := self._text(line))]

    def close(self) -> list[str]:
        """Take note that the stream ended, which it may not before it is finished."""
        text = self._text(self._tail)
        if not self.finished:
            raise LanguageModelBadResponseError(_TRUNCATED)
        return [text] if text else []

    def _text(self, line: bytes) -> str:
        field, _, value = line.strip().partition(b":")
        if self.finished or field in {b"event", b"id", b"retry"} or not field:
            return ""
        if field != b"data":
            raise LanguageModelBadResponseError(_NO_CHAT)
        if value.strip() == b"[DONE]":
            self.finished = True
            return ""
        choice = _choice(value)
        self.finished = choice.finished
        return choice.text


class DocumentDecoder:
    """Decodes one JSON document, from a server that does not stream; ``close`` gives its text.

    ``close`` raises ``LanguageModelBadResponseError``.
    """

    def __init__(self) -> None:
        self.finished = False
        self._chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> list[str]:
        """Keep the next bytes."""
        self._chunks.append(chunk)
        return []

    def close(self) -> list[str]:
        """Take note that the document is whole; its text."""
        return [_choice(b"".join(self._chunks)).text]


@dataclass(frozen=True, slots=True)
class _Choice:
    text: str
    finished: bool


def _choice(document: bytes) -> _Choice:
    """Read the first choice of a completion or of a chunk; a chunk without one, as usage comes, has no text."""
    try:
        read = json.loads(document)
    except (ValueError, RecursionError):
        raise LanguageModelBadResponseError(_NO_CHAT) from None
    match read:
        case {"choices": [{**choice}, *_]}:
            said = choice.get("delta") or choice.get("message") or {}
            text = said.get("content") if isinstance(said, dict) else None
            return _Choice(text if isinstance(text, str) else "", bool(choice.get("finish_reason")))
        case {"choices": []}:
            return _Choice("", finished=False)
        case {"error": _}:
            raise LanguageModelBadResponseError("the language model reported an error of its own; see its log")
    raise LanguageModelBadResponseError(_NO_CHAT)
