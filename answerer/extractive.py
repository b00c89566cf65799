"""The extractive answer: the sentences of the articles that answer, verbatim, each cited; or a refusal."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from answerer.answer import Answer, Citation
from answerer.asked import AnswerKind, asked
from answerer.features import Candidate, candidates
from answerer.reader import Reader, Reading
from language.folding import fold
from language.script import render
from prompts import refusal_text
from retriever import Hit, Question

EXTRACTIVE = "extractive"
NEAREST = 3  # passages offered with a refusal


@dataclass(frozen=True, slots=True)
class Extent:
    """How much an answer may hold: sentences, characters, and how far below the best score a sentence may lie."""

    sentences: int
    characters: int
    margin: float


_FACT = Extent(2, 90, 0.5)
_BROAD = Extent(5, 320, 2.5)
_EXTENTS = {
    AnswerKind.WHY: Extent(3, 220, 1.6),
    AnswerKind.HOW: Extent(3, 220, 1.6),
    AnswerKind.COMPARE: Extent(3, 200, 1.2),
    AnswerKind.LIST: _BROAD,
    AnswerKind.SUMMARY: _BROAD,
}
_ITEM = re.compile(
    r"其[一二三四五]|第[一二三四五][,、是条种个]|首先|其次|再次|再者|最后|最显而易见|路径[一二三四五]|[一二三四五]是|一方面|另一方面"
)
_ANNOUNCES = re.compile(
    r"(?:有|分为|包括|如下)?[两二三四五六]?(?:点|个|条|大|方面|项|种)?[::]$|(?:原因|理由|依据|特点|路径|方面)有[二三四五两]|集中在[两三]点"
)


def answer_extractively(question: Question, hits: Sequence[Hit], reader: Reader, threshold: float) -> Answer:
    """Answer from the hits; refuse where the reader finds it less probable than ``threshold`` that they hold one."""
    wanted = asked(question.text)
    reading = reader.read(wanted, question.text, candidates(hits))
    if not reading.candidates or reading.probability < threshold:
        return refuse(question, hits, reading.probability)
    chosen = choose(wanted.kind, reading)
    scores = dict(zip((id(c) for c in reading.candidates), reading.scores, strict=True))
    best = float(reading.scores[0])
    citations = tuple(
        Citation(
            marker,
            c.article,
            c.hit.passage.id,
            c.start,
            c.end,
            round(reading.probability * min(1.0, 2.0 ** (float(scores[id(c)]) - best)), 4),
        )
        for marker, c in enumerate(chosen, 1)
    )
    text = "".join(f"{render(citation.quote, question.script)}[{citation.marker}]" for citation in citations)
    return Answer(text, True, round(reading.probability, 4), question.script, EXTRACTIVE, citations)


def refuse(question: Question, hits: Sequence[Hit], probability: float) -> Answer:
    """Say that the articles do not hold it, and offer the nearest passages."""
    text = refusal_text(question.script, question.typed)
    nearest = tuple(hits[:NEAREST])
    return Answer(text, False, round(probability, 4), question.script, EXTRACTIVE, (), nearest)


def choose(kind: AnswerKind, reading: Reading) -> list[Candidate]:
    """The sentences of the answer: the best, and what the kind of question and the scores allow beside it.

    A fact comes best first; anything longer comes in reading order, the best sentence's article first.
    """
    extent = _EXTENTS.get(kind, _FACT)
    best = reading.candidates[0]
    chosen = [best]
    length = best.end - best.start
    if kind in _EXTENTS:
        for item in _enumeration(best, reading.candidates, extent.sentences):
            if length + item.end - item.start <= extent.characters:
                chosen.append(item)
                length += item.end - item.start
    floor = float(reading.scores[0]) - extent.margin
    for candidate, score in zip(reading.candidates[1:], reading.scores[1:], strict=True):
        longer = length + candidate.end - candidate.start
        if score < floor or len(chosen) >= extent.sentences:
            break
        if longer <= extent.characters and candidate not in chosen:
            chosen.append(candidate)
            length = longer
    if kind not in _EXTENTS:
        return chosen
    return sorted(chosen, key=lambda c: (c.article.id != best.article.id, c.article.id, c.start))


def _enumeration(best: Candidate, found: Sequence[Candidate], most: int) -> list[Candidate]:
    """The items of a list that the best sentence announces or is itself part of, in reading order."""
    here = sorted((c for c in found if c.article.id == best.article.id), key=lambda c: c.start)
    at = here.index(best)
    text = fold(best.article.body[best.start : best.end])
    if not (_ITEM.match(text) or _ANNOUNCES.search(text)):
        return []
    items = [c for c in here[max(0, at - 12) : at + 13] if c is not best and _ITEM.match(c.view.folded)]
    return items[:most]
