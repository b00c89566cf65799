"""What a sentence announces: the items of a list that follow it in the article (三條路徑 … 路徑一 … 路徑二 …)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from language.folding import fold
from language.sentences import SentenceKind, Span, split_sentences

_DIGITS = {digit: number for number, digit in enumerate("一二三四五六七八九", 1)} | {"两": 2}
_COUNT = re.compile(
    r"([两二三四五六七八九2-9])(?:大|个|种|条|点|项|重|步|类|方面|方向|层)|(?:有|分为|如下)([两二三四五六七八九])"
)
_REACH = 3  # sentences behind the announcing one within which the first item must stand
_APART = 8  # sentences at most between an item and the next
# Each family numbers its items in its own way; a group holds the numeral, where there is one.
_FAMILIES = tuple(
    re.compile(pattern)
    for pattern in (
        r"其([一二三四五六])",
        r"第([一二三四五六])(?:[,、是条种个点步类大]|方面)",
        r"([一二三四五六])[是、]",
        r"(?:路径|方案|阶段|模式|趋势)([一二三四五六])",
        r"(?:最?(首先|显而易见)|(其次)|(再次|再者|此外)|(最后))",
        r"(?:(一方面)|(另一方面))",
    )
)


@dataclass(frozen=True, slots=True)
class Body:
    """An article's sentences in order, captions left out, with the folded text of each."""

    spans: tuple[Span, ...]
    folded: tuple[str, ...]

    def at(self, start: int) -> int:
        """The row of the sentence that starts there, or of the last before it."""
        return max((row for row, span in enumerate(self.spans) if span.start <= start), default=0)


@lru_cache(maxsize=512)
def read_body(text: str) -> Body:
    """The sentences of an article's original text."""
    spans = tuple(span for span in split_sentences(text) if span.kind is not SentenceKind.CAPTION)
    return Body(spans, tuple(fold(text[span.start : span.end]) for span in spans))


def announced(folded: str) -> int:
    """How many items a sentence says there are; 1 if it ends in a colon, 0 if it announces nothing."""
    if match := _COUNT.search(folded):
        numeral = match.group(1) or match.group(2)
        return _DIGITS.get(numeral) or int(numeral)
    return int(folded.endswith(":"))


def items(body: Body, row: int) -> list[list[int]]:
    """Rows of the items that the sentence of ``row`` announces or is one of, each a run; empty if there are none.

    As many are wanted as are announced; the first may stand in the announcing sentence itself (原因有三:首先…).
    """
    if found := _family(body, row):
        return found
    count = announced(body.folded[row])
    for first in range(row + 1, min(row + 1 + _REACH, len(body.folded))) if count else ():
        if found := _family(body, first):
            return found if count in {1, len(found), len(found) + 1} else []
    return []


def _family(body: Body, row: int) -> list[list[int]]:
    """The items of the family that the sentence of ``row`` belongs to; empty if it is no item or the only one."""
    for family in _FAMILIES:
        if family.match(body.folded[row]):
            members = [*reversed(list(_members(body, family, row, -1))), row, *_members(body, family, row, 1)]
            members = _distinct(body, family, members)
            return [_run(body, member) for member in members] if len(members) > 1 else []
    return []


def _members(body: Body, family: re.Pattern[str], row: int, step: int) -> Iterator[int]:
    """Rows of the family before or behind ``row``, as long as they follow each other closely."""
    apart = 60 if body.spans[row].kind is SentenceKind.HEADING else _APART
    last, at = row, row + step
    while 0 <= at < len(body.folded) and abs(at - last) <= apart:
        if family.match(body.folded[at]):
            last = at
            yield at
        at += step


def _distinct(body: Body, family: re.Pattern[str], rows: Sequence[int]) -> list[int]:
    """Rows whose numeral did not come before: a second 首先 opens another list."""
    seen: set[object] = set()
    kept = []
    for row in rows:
        match = family.match(body.folded[row])
        numeral = match.lastindex if match and match.lastindex != 1 else match and match.group(1)
        if numeral not in seen:
            seen.add(numeral)
            kept.append(row)
    return kept


def _run(body: Body, row: int) -> list[int]:
    """An item is its sentence; a heading takes the sentence under it along."""
    heading = body.spans[row].kind is SentenceKind.HEADING
    return [row, row + 1] if heading and row + 1 < len(body.spans) else [row]
