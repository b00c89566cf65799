"""The one analysis that articles and questions share: folded text → terms.

Three kinds of terms, told apart by their first character so that one vocabulary holds them all: character bigrams of
Han runs, and Latin words and numbers as they are (no mark); jieba words of two characters or more (``/``); concepts of
the lexicon (``#``). Bigrams find what no dictionary knows, words weigh real units above accidental pairs, concepts
join regional words and English names.
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import version
from itertools import pairwise
from typing import NamedTuple

from language import lexicon
from language.folding import fold
from language.segmentation import SEGMENTER, word_texts, words

VERSION = "2"

_RUN = re.compile(r"[㐀-鿿豈-﫿\U00020000-\U000323af]+|[a-zà-ɏ]+|[0-9]+(?:[.,][0-9]+)*")
_WORD = re.compile(r"[㐀-鿿豈-﫿\U00020000-\U000323af]{2,}")


class Term(NamedTuple):
    """A term and the place in the text it came from."""

    text: str
    start: int
    end: int


def fingerprint() -> str:
    """What must be equal between the analysis that built a snapshot and the one that searches it."""
    parts = (VERSION, SEGMENTER, version(SEGMENTER), version("opencc"), lexicon.fingerprint())
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


def terms(text: str) -> list[Term]:
    """The terms of an original text with their places in it."""
    folded = fold(text)
    return [*_pieces(folded), *_words(folded), *_concepts(folded)]


def term_texts(text: str) -> list[str]:
    """The terms of an original text without their places: what an index needs, some times faster."""
    folded = fold(text)
    found: list[str] = []
    for run in _RUN.findall(folded):
        if run[0] < "㐀":
            found.append(run.replace(",", ""))
        elif len(run) == 1:
            found.append(run)
        else:
            found += map("".join, pairwise(run))
    found += ["/" + word for word in word_texts(folded) if len(word) > 1 and word[0] >= "㐀" and _WORD.fullmatch(word)]
    found += ["#" + mention.concept for mention in lexicon.mentions(folded)]
    return found


def _pieces(folded: str) -> Iterator[Term]:
    for run in _RUN.finditer(folded):
        text, start = run.group(), run.start()
        if text[0] < "㐀":
            yield Term(text.replace(",", ""), start, run.end())
        elif len(text) == 1:
            yield Term(text, start, start + 1)
        else:
            for at in range(len(text) - 1):
                yield Term(text[at : at + 2], start + at, start + at + 2)


def _words(folded: str) -> Iterator[Term]:
    for word in words(folded):
        if _WORD.fullmatch(word.text):
            yield Term("/" + word.text, word.start, word.end)


def _concepts(folded: str) -> Iterator[Term]:
    for mention in lexicon.mentions(folded):
        yield Term("#" + mention.concept, mention.start, mention.end)
