"""Markers such as [3], [3-4] or 【3】 in a language model's text: find and remove them; cut a stream by sentence."""

import re

LONGEST_SENTENCE = 2_000  # characters after which a sentence without an end is cut
_LONGEST_MARKER = 40

_MARKER = r"[\[【［]\s*\^?\d+(?:\s*[-–—~～至,，、]\s*\d+)*\s*(?:†[^\]】］]{0,30})?[\]】］]"
_MARKERS = re.compile(rf"[ \t\u3000]*{_MARKER}(?:[ \t\u3000]*[,，、]?[ \t\u3000]*{_MARKER})*")
_PART = re.compile(r"(\d+)(?:\s*[-–—~～至]\s*(\d+))?")
_END = re.compile(rf"(?:[。！？!?；;…]+[”」』’\"')）】》]*|\n+)(?:{_MARKERS.pattern})*")
_OPENERS, _CLOSERS = "[【［", re.compile(r"[\]】］]")
_THINK, _THOUGHT = "<think>", "</think>"


def cited_numbers(text: str, last: int) -> list[int]:
    """List the numbers from 1 to ``last`` that the markers of ``text`` name, in order, each once; ranges are filled."""
    numbers: list[int] = []
    for markers in _MARKERS.finditer(text):
        for part in _PART.finditer(markers.group()):
            first = min(int(part[1][:9]), last + 1)
            until = min(int(part[2][:9]), last) if part[2] else first
            numbers += range(first, until + 1)
    return [number for number in dict.fromkeys(numbers) if 1 <= number <= last]


def without_markers(text: str) -> str:
    """Take every marker out of ``text``, those left by taking one out of another included."""
    while (shorter := _MARKERS.sub("", text)) != text:
        text = shorter
    return text.replace("[]", "")


class SentenceBuffer:
    """Takes a stream piece by piece and gives whole sentences, each with the markers that stand behind it.

    A leading ``<think>`` block, as reasoning models send it, is left out.
    """

    def __init__(self) -> None:
        self._text = ""
        self._thinking = False

    @property
    def pending(self) -> str:
        """What has come and has not been given."""
        return "" if self._thinking else self._text

    def feed(self, piece: str) -> list[str]:
        """Take the next piece; the sentences that are now certain to be whole."""
        self._text += piece
        self._leave_out_thinking()
        sentences = []
        while length := self._whole():
            sentences.append(self._text[:length])
            self._text = self._text[length:]
        return sentences

    def close(self) -> list[str]:
        """Take note that the stream ended; what is left."""
        left, self._text = self.pending, ""
        return [left] if left.strip() else []

    def _leave_out_thinking(self) -> None:
        self._thinking = self._thinking or self._text.lstrip().startswith(_THINK)
        if self._thinking:
            _, closed, after = self._text.partition(_THOUGHT)
            self._thinking = not closed
            self._text = after if closed else self._text[-len(_THOUGHT) :]

    def _whole(self) -> int:
        """Length of the whole sentence at the front, 0 while more of it may come."""
        if self._thinking or _THINK.startswith(self._text.lstrip()):
            return 0
        end = _END.search(self._text)
        if end is None:
            return LONGEST_SENTENCE if len(self._text) > LONGEST_SENTENCE else 0
        rest = self._text[end.end() :].lstrip(" \t\u3000")
        if rest in {"", ",", "，", "、"}:
            return 0
        begins_marker = rest[0] in _OPENERS and not _CLOSERS.search(rest) and len(rest) < _LONGEST_MARKER
        return 0 if begins_marker else end.end()
