"""The extractive answer: the sentences of the articles that answer, verbatim, each cited; or a refusal."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from answerer.answer import Answer, Citation
from answerer.asked import AnswerKind, Asked
from answerer.conflicts import conflicting
from answerer.features import Candidate
from answerer.lists import Body, announced, items, read_body
from answerer.reader import Reading
from indexer.articles import Article
from indexer.passages import Passage
from language.script import render
from language.sentences import SentenceKind
from prompts import differs_note, refusal_text
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
_FACT = Extent(2, 200, 2.5)
_BROAD = Extent(6, 420, 3.0, 2)
_BROAD_KINDS = frozenset((AnswerKind.WHY, AnswerKind.HOW, AnswerKind.COMPARE, AnswerKind.LIST, AnswerKind.SUMMARY))
_LEANS_BACK = re.compile(r"这(?:也|就)?(?:是|意味|解释|表明|说明|导致|让|使)|因此|所以|于是|对此|为此|由此")
_POINTS_BACK = re.compile(
    r"(?:他|她|它|该|此[人举次]|其(?![中他次实余一二三四五六])|这[家位款个项座些]|两者|双方|前者|后者)"
)
_EACH = re.compile("分别|各自?|相比|比较|对比|区别|不同|差别|谁更|哪个更|[和与跟同及、]")
_LISTED = 420  # characters at most of the items of a list, all told
_UNFINISHED = (";", "；", ",", "，", ":", "：")  # a sentence that ends so goes on in the next


@dataclass(frozen=True, slots=True)
class Quote:
    """``body[start:end]`` of an article: a sentence, or neighbours that make one claim, and its rank score."""

    article: Article
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a question asks for, the passages found for it, best first, and what was read in them."""

    wanted: Asked
    hits: tuple[Hit, ...]
    reading: Reading


def answer_extractively(
    question: Question,
    found: Found,
    threshold: float,
    passages_of: Callable[[Article], Sequence[Passage]],
) -> Answer:
    """Answer from what was found; refuse where it is less probable than ``threshold`` that it holds an answer.

    ``passages_of`` gives all passages of an article: an answer may quote beside the hits, and names the passage.
    """
    wanted, reading = found.wanted, found.reading
    if not reading.candidates or reading.probability < threshold:
        return refuse(question, found.hits, reading.probability)
    best = float(reading.scores[0])
    rival = conflicting(wanted, question.text, reading)
    quotes = [
        (part, passage_id)
        for quote in with_rival(choose(wanted, reading), reading, rival)
        for part, passage_id in _within_passages(quote, passages_of(quote.article))
    ]
    citations = tuple(
        Citation(
            marker,
            quote.article,
            passage_id,
            quote.start,
            quote.end,
            round(reading.probability * min(1.0, 2.0 ** (quote.score - best)), 4),
        )
        for marker, (quote, passage_id) in enumerate(quotes, 1)
    )
    text = "".join(f"{render(citation.quote, question.script)}[{citation.marker}]" for citation in citations)
    notes = (differs_note(question.script),) if rival else ()
    probability = round(reading.probability, 4)
    return Answer(text, True, probability, question.script, EXTRACTIVE, citations, notes=notes)


def refuse(question: Question, hits: Sequence[Hit], probability: float) -> Answer:
    """Say that the articles do not hold it, and offer the nearest passages."""
    text = refusal_text(question.script, question.typed)
    nearest = tuple(hits[:NEAREST])
    return Answer(text, False, round(probability, 4), question.script, EXTRACTIVE, (), nearest)


def choose(question: Asked, reading: Reading) -> list[Quote]:
    """What the answer quotes: the best sentence, what belongs to it, and others that the scores allow beside it.

    The best and what belongs to it come first, in reading order; the others follow, in reading order too. Where
    something is asked of several names (重慶和合肥各靠什麼), the best sentence on each comes before other ones.
    """
    extent = _BROAD if question.kind in _BROAD_KINDS else _FACT
    best = reading.candidates[0]
    body = read_body(best.article.body)
    block = _block(body, body.at(best.start), extent)
    taken = {(best.article.id, body.spans[row].start) for row in block}
    length = sum(body.spans[row].end - body.spans[row].start for row in block)
    floor = float(reading.scores[0]) - extent.margin
    others: list[Quote] = []
    rest = list(zip(reading.candidates[1:], reading.scores[1:].tolist(), strict=True))
    wanted = _of_each(question, [body.folded[row] for row in block], rest)
    for candidate, score in [*wanted, *rest]:
        longer = length + candidate.end - candidate.start
        if (score < floor and (candidate, score) not in wanted) or len(block) + len(others) >= extent.sentences:
            break
        if longer <= extent.characters and (candidate.article.id, candidate.start) not in taken:
            others.append(Quote(candidate.article, candidate.start, candidate.end, score))
            taken.add((candidate.article.id, candidate.start))
            length = longer
    spans = [body.spans[row] for row in block]
    first = [Quote(best.article, span.start, span.end, float(reading.scores[0])) for span in spans]
    others.sort(key=lambda q: (q.article.id != best.article.id, q.article.id, q.start))
    return [*_joined(first, always=True), *_joined(others, always=False)]


def _of_each(
    question: Asked, chosen: Sequence[str], rest: Sequence[tuple[Candidate, float]]
) -> list[tuple[Candidate, float]]:
    """Of several names asked about side by side, the best other sentence on each that the chosen ones do not name."""
    names = [word for word in question.words if word.is_name and not word.is_number]
    if len(names) < 2 or not _EACH.search(question.folded):
        return []
    found = []
    for name in names:
        if not any(name.text in text for text in chosen):
            on_it = (one for one in rest if name.text in one[0].view.folded or name.concept in one[0].view.concepts)
            found += [one for one in islice(on_it, 1) if one not in found]
    return found


def with_rival(quotes: list[Quote], reading: Reading, rival: Candidate | None) -> list[Quote]:
    """The quotes, and the sentence of another article that gives another figure, if they do not hold it."""
    if rival is None or any(q.article.id == rival.article.id and q.start <= rival.start < q.end for q in quotes):
        return quotes
    score = float(reading.scores[reading.candidates.index(rival)])
    return [*quotes, Quote(rival.article, rival.start, rival.end, score)]


def _block(body: Body, row: int, extent: Extent) -> list[int]:
    """Rows of the best sentence and of what it cannot do without, in order.

    These are the items that it announces or is one of; else the sentence that it leans on, or those that go on with it.
    """
    if not extent.following:
        before = body.spans[row - 1] if row else None
        leans = before is not None and before.kind is SentenceKind.TEXT and _POINTS_BACK.match(body.folded[row])
        fits = before is not None and body.spans[row].end - before.start <= extent.characters
        return [row - 1, row] if leans and fits else [row]
    if found := items(body, row):
        first = found[0][0]
        opening = [row] if row < first else [first - 1] if first and announced(body.folded[first - 1]) else []
        rows, length = opening, 0
        for run in found:
            length += sum(body.spans[item].end - body.spans[item].start for item in run)
            if length <= _LISTED or row in run:
                rows = rows + run
        return sorted({*rows, row})
    if _LEANS_BACK.match(body.folded[row]) and row:
        return [row - 1, row]
    rows, length = [row], body.spans[row].end - body.spans[row].start
    for after in range(row + 1, min(row + 1 + extent.following, len(body.spans))):
        length += body.spans[after].end - body.spans[after].start
        if length > extent.characters or body.spans[after].kind is SentenceKind.HEADING:
            break
        rows.append(after)
    return rows


def _joined(quotes: Sequence[Quote], always: bool) -> list[Quote]:
    """Neighbours as one quote: ``always``, or only where the first goes on in the second."""
    joined: list[Quote] = []
    for quote in quotes:
        before = joined[-1] if joined else None
        text = quote.article.body
        if (
            before is not None
            and before.article.id == quote.article.id
            and not text[before.end : quote.start].strip()
            and (always or text[before.start : before.end].endswith(_UNFINISHED))
        ):
            joined[-1] = Quote(before.article, before.start, quote.end, max(before.score, quote.score))
        else:
            joined.append(quote)
    return joined


def _within_passages(quote: Quote, passages: Sequence[Passage]) -> list[tuple[Quote, str]]:
    """The quote with the id of the passage that holds it; one that no passage holds whole is cut where they end."""
    parts = []
    start = quote.start
    while start < quote.end:
        holding = max((p for p in passages if p.start <= start < p.end), key=lambda passage: passage.end)
        end = min(quote.end, max(s.end for s in holding.sentences if s.start < quote.end))
        parts.append((Quote(quote.article, start, end, quote.score), holding.id))
        start = min((s.start for p in passages for s in p.sentences if s.start >= end), default=quote.end)
    return parts
