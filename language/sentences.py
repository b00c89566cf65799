"""Split an article's text into sentences, each a span of it; headings and captions are set apart.

Every character except white space between sentences belongs to exactly one span, and nothing is changed.
"""

import re
from enum import StrEnum
from typing import NamedTuple

from language.folding import fold
from language.segmentation import tagged_words

LONGEST_NESTING = 120  # characters after which an opened bracket is taken to have been left unclosed

_ENDS = "。!?;…\n"  # folded: full-width forms arrive here as these
_BRACKETS = {"(": ")", "[": "]", "【": "】", "《": "》"}
_MARK = re.compile(r"[()\[\]【】《》]|[。!?;…\n][。!?;…\n”」』’\"')\]】》]*")
_HEADING = re.compile(
    r"(?:0\d|第[一二三四五六七八九十]{1,2}[章节部]|[一二三四五六七八九十]{1,2}、)[.、:]?\s*(?=\S)|路径[一二三四五六]:"
)
_HEADING_OPENERS = {"p", "c", "r"}  # preposition, conjunction, pronoun: words that open a sentence
_LINKS = frozenset(["以", "与", "和", "及", "或", "对", "周期", "元年"])  # of the same kinds, but as often inside one
_CREDITED_TITLE = re.compile("《[^》]{1,30}》(?:报导|报道)?(?:截图)?")
_LATIN_NAME = re.compile("[a-z]{3}$")
_ORDINAL = re.compile("第[一二三四五六]")
_YEAR = re.compile(r"\d{4}年")
_CREDIT = (
    r"(?:美国之音|(?:[一-鿿]{1,6}?(?:社|早报|日报|晚报|时报|新闻|官网|网|ic|图库))|视觉中国|东方ic|shutterstock"
    r"|getty(?: images)?|reuters"
    r"|afp|bloomberg|unsplash|[一-鿿]{2,4} 摄)"
)
_IMAGE_CAPTION = re.compile(rf"[^,。!?;:“”\n]{{4,40}}[一-鿿0-9] {_CREDIT}|(?:[一-鿿]{{2,6}}社?记者 [一-鿿]{{2,4}} 摄)")
_FIGURE_CAPTION = re.compile(
    r"(?:图表?\d*|表\d+|资料图)[::][^。!?;\n]{2,60}?来源[::]|[^。!?;,\n]{0,20}[,,]?图片来源[::]|图片由ai生成"
    r"|作者依据公开资料整理"
)
_CAPTION_WORD = re.compile("来源[::]|图片|整理")  # cheap to look for; without it there is no figure caption


class SentenceKind(StrEnum):
    """What a span of the body is."""

    TEXT = "text"
    HEADING = "heading"
    CAPTION = "caption"


class Span(NamedTuple):
    """``body[start:end]`` and what it is."""

    start: int
    end: int
    kind: SentenceKind


def split_sentences(body: str) -> list[Span]:
    """The sentences of ``body`` in order, with leading and trailing white space left out of each."""
    folded = fold(body)
    spans: list[Span] = []
    at = 0
    for end in _sentence_ends(folded):
        spans += _set_apart(folded, at, end)
        at = end
    return spans


def _sentence_ends(folded: str) -> list[int]:
    """Offsets just behind each sentence: after a terminator and what closes with it, outside brackets."""
    ends: list[int] = []
    opened: list[tuple[str, int]] = []
    for mark in _MARK.finditer(folded):
        at, character = mark.start(), folded[mark.start()]
        while opened and at - opened[0][1] > LONGEST_NESTING:
            opened.pop(0)
        if character in _BRACKETS:
            opened.append((_BRACKETS[character], at))
        elif opened and character == opened[-1][0]:
            opened.pop()
        elif opened and character in _ENDS and character != "\n":
            if opened[-1][0] in mark.group():
                opened.pop()
        elif character in _ENDS:
            opened.clear()
            ends.append(mark.end())
    if not ends or ends[-1] < len(folded):
        ends.append(len(folded))
    return ends


def _set_apart(folded: str, start: int, end: int) -> list[Span]:
    """One sentence as its heading, captions and text, where it carries any unmarked in front of or inside it."""
    spans: list[Span] = []
    while start < end and folded[start].isspace():
        start += 1
    if heading := _HEADING.match(folded, start, end):
        cut = _heading_end(folded, heading.end(), end)
        spans.append(_span(folded, start, cut, SentenceKind.HEADING))
        start = cut
    if " " in folded[start : start + 48] and (caption := _IMAGE_CAPTION.match(folded, start, end)):
        spans.append(_span(folded, start, caption.end(), SentenceKind.CAPTION))
        start = caption.end()
    elif _CAPTION_WORD.search(folded, start, end) and (caption := _FIGURE_CAPTION.search(folded, start, end)):
        cut = _credit_end(folded, caption.end(), end) if caption.group().endswith(":") else caption.end()
        spans.append(_span(folded, start, caption.start(), SentenceKind.TEXT))
        spans.append(_span(folded, caption.start(), cut, SentenceKind.CAPTION))
        start = cut
    spans.append(_span(folded, start, end, SentenceKind.TEXT))
    return [span for span in spans if any(c.isalnum() for c in folded[span.start : span.end])]


def _span(folded: str, start: int, end: int, kind: SentenceKind) -> Span:
    while start < end and folded[start].isspace():
        start += 1
    while end > start and folded[end - 1].isspace():
        end -= 1
    return Span(start, end, kind)


def _heading_end(folded: str, start: int, end: int) -> int:
    """Where a numbered heading that runs on without a mark stops: before the word that opens a sentence.

    Where no such word shows it, only the number is the heading.
    """
    for word in tagged_words(folded[start : min(end, start + 48)]):
        at = start + word.start
        timed = word.tag == "t" or _YEAR.match(folded, at) is not None
        opens = timed or word.tag[:1] in _HEADING_OPENERS or _ORDINAL.match(folded, at) is not None
        longest = 40 if timed or word.tag == "c" else 14
        if 4 <= word.start <= longest and opens and word.text not in _LINKS and folded[at - 1] not in ",、:“的是":
            return at
    return start


def _credit_end(folded: str, start: int, end: int) -> int:
    """Where the source named in a figure line stops: its leading nouns, or one title in 《》."""
    if title := _CREDITED_TITLE.match(folded, start, end):
        return title.end()
    for number, word in enumerate(tagged_words(folded[start : min(end, start + 24)])):
        noun = word.tag[:1] in {"n", "j", "e"} or word.text in {"@", "x"}
        before = folded[start : start + word.start]
        if number and (not noun or before[-1] in "网社报" or (_LATIN_NAME.search(before) and word.text > "㐀")):
            return start + word.start
    return min(end, start + 24)
