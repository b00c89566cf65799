"""The extractive answer: the sentences of the articles that answer, verbatim, each cited; or a refusal."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from answerer.answer import Answer, Citation
from answerer.asked import AnswerKind, asked
from answerer.features import Candidate, candidates
from answerer.reader import Reader, Reading
from language.script import render
from prompts import refusal_text
from retriever import Hit, Question

EXTRACTIVE = "extractive"
NEAREST = 3  # passages offered with a refusal


@dataclass(frozen=True, slots=True)
class Extent:
    """How much an answer may hold: sentences, characters, how far below the best score another sentence may lie.

    ``following`` sentences after the best one belong to it: they say what it only announces.
    """

    sentences: int
    characters: int
    margin: float
    following: int = 0


# Chosen on the questions of eval/questions.jsonl that are not held back; figures in eval/LOG.md.
_FACT = Extent(2, 160, 1.2)
_BROAD = Extent(5, 320, 1.6, 2)
_BROAD_KINDS = frozenset((AnswerKind.WHY, AnswerKind.HOW, AnswerKind.COMPARE, AnswerKind.LIST, AnswerKind.SUMMARY))
_ITEM = re.compile(
    r"其[一二三四五六]|第[一二三四五六][,、是条种个]|首先|其次|再次|再者|最后|路径[一二三四五六]|一是|二是|三是|一方面|另一方面"
)
_COUNTED = re.compile(r"[两二三四五六七八九2-9](?:大|个|种|条|点|项|重|步|类|方面)|[原理]?由有[二三四五]|首先|其一|:$")
_LEANS_BACK = re.compile(r"这(?:也|就)?(?:是|意味|解释|表明|说明|导致|让|使)|因此|所以|于是|对此|为此|由此")
_REACH = 14  # sentences after the best one in which the items of a list are looked for


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
    """The sentences of the answer: the best, what belongs to it, and others that the scores allow beside it.

    The best and what belongs to it come first, in reading order; the others follow, in reading order too.
    """
    extent = _BROAD if kind in _BROAD_KINDS else _FACT
    best = reading.candidates[0]
    chosen = [best]
    length = best.end - best.start
    for other in _belonging(best, reading.candidates, extent.following) if extent.following else []:
        if length + other.end - other.start <= extent.characters and len(chosen) < extent.sentences:
            chosen.append(other)
            length += other.end - other.start
    block = len(chosen)
    floor = float(reading.scores[0]) - extent.margin
    for candidate, score in zip(reading.candidates[1:], reading.scores[1:], strict=True):
        longer = length + candidate.end - candidate.start
        if score < floor or len(chosen) >= extent.sentences:
            break
        if longer <= extent.characters and candidate not in chosen:
            chosen.append(candidate)
            length = longer
    first = sorted(chosen[:block], key=lambda c: c.start)
    return first + sorted(chosen[block:], key=lambda c: (c.article.id != best.article.id, c.article.id, c.start))


def _belonging(best: Candidate, found: Sequence[Candidate], following: int) -> list[Candidate]:
    """Sentences that the best one cannot do without: the items it announces, else those just before or after it."""
    here = sorted((c for c in found if c.article.id == best.article.id), key=lambda c: c.start)
    at = here.index(best)
    if _COUNTED.search(best.view.folded) or _ITEM.match(best.view.folded):
        items = [c for c in here[max(0, at - 3) : at + _REACH] if c is not best and _ITEM.match(c.view.folded)]
        if items:
            return items
    if _LEANS_BACK.match(best.view.folded) and at:
        return here[at - 1 : at]
    return here[at + 1 : at + 1 + following]
