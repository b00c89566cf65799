"""A claim read, and the places of the articles that may tell of it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from answerer.asked import NAME_TAGS, ContentWord, asked
from answerer.checking import is_proper
from answerer.features import word_matches
from answerer.lists import read_body
from answerer.sentences import SentenceView, read_sentence
from indexer.articles import Article
from language.figures import Date, Figure, dates, figures
from language.folding import fold
from language.segmentation import tagged_words
from language.sentences import SentenceKind, Span
from retriever.hits import Hit

CLAUSE_END = re.compile(r"[,。;!?\n]")  # in folded text
LONGEST = 3  # sentences of a place
BEFORE = 4  # sentences before a place that tell what it is about
_TYPES = {"nr": "person", "ns": "place"}


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """``body[start:end]`` of an article, one to three sentences, and where what leads up to it begins.

    ``here`` and ``before`` say how well each word of the claim stands in it and in what leads up to it, 0 to 1.
    """

    hit: Hit
    lead: int
    start: int
    end: int
    sentences: int
    here: tuple[float, ...]
    before: tuple[float, ...]

    @property
    def text(self) -> str:
        """Exactly as the article has it."""
        return self.hit.article.body[self.start : self.end]

    @property
    def leading(self) -> str:
        """The sentences that lead up to it."""
        return self.hit.article.body[self.lead : self.start]


@dataclass(frozen=True, slots=True)
class ClaimedName:
    """A name in the claim; ``type`` is person, place or thing."""

    word: ContentWord
    type: str


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """The claim read: what of it can be compared, and the words that say what it is about."""

    text: str
    folded: str
    figures: tuple[Figure, ...]
    dates: tuple[Date, ...]
    names: tuple[ClaimedName, ...]
    words: tuple[ContentWord, ...]


@dataclass(frozen=True, slots=True)
class NamedThere:
    """A name in a place, folded, at ``start``."""

    text: str
    concept: str
    type: str
    start: int


def read_claim(claim: str) -> Claim:
    """Read a claim in its original text."""
    folded = fold(claim)
    when = tuple(dates(folded))
    numbers = tuple(
        figure
        for figure in figures(folded)
        if not figure.weak and not any(date.start <= figure.start < date.end for date in when)
    )
    taken = [*(folded[one.start : one.end] for one in numbers), *(folded[one.start : one.end] for one in when)]
    names, words = [], []
    for word in asked(claim).words:
        if word.is_number or any(word.text in one for one in taken):
            continue
        if word.is_name and (not word.concept or word.text.isascii() or is_proper(word.concept)):
            names.append(ClaimedName(word, _type_of(word.concept or word.text)))
        words.append(word)
    return Claim(claim, folded, numbers, when, tuple(names), tuple(words))


def _type_of(name: str) -> str:
    tags = [one.tag for one in tagged_words(name)]
    return _TYPES.get(tags[0][:2], "thing") if len(tags) == 1 else "thing"


def places(claim: Claim, hits: Sequence[Hit]) -> Iterator[Place]:
    """Every sentence of the hits, alone and with one and with two that follow it in the article, each once."""
    seen: set[tuple[str, int]] = set()
    met: dict[tuple[str, int], list[float]] = {}
    for hit in hits:
        article = hit.article
        spans = read_body(article.body).spans
        title = met_in(claim.words, read_sentence(f"{article.title}\n{hit.passage.context}"))

        def of(row: int, article: Article = article, spans: Sequence[Span] = spans) -> list[float]:
            key = (article.id, row)
            if key not in met:
                met[key] = met_in(claim.words, read_sentence(article.body[spans[row].start : spans[row].end]))
            return met[key]

        for first, span in enumerate(spans):
            held = hit.passage.start <= span.start < hit.passage.end
            if not held or span.kind is not SentenceKind.TEXT or (article.id, span.start) in seen:
                continue
            seen.add((article.id, span.start))
            lead = max(0, first - BEFORE)
            before = _best([title, *map(of, range(lead, first))])
            for last in range(first, min(first + LONGEST, len(spans))):
                here = _best(list(map(of, range(first, last + 1))))
                yield Place(hit, spans[lead].start, span.start, spans[last].end, last - first + 1, here, before)


def _best(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(map(max, zip(*rows, strict=True)))


def met_in(words: Sequence[ContentWord], view: SentenceView) -> list[float]:
    """How well each word stands in a text, 0 to 1: itself, its concept, most of its pairs, or one of like meaning."""
    return [float(value) for value in word_matches(words, [view])[1][0]] if words else []


def share(words: Sequence[ContentWord], met: Sequence[float]) -> float:
    """The share of the words' weight that is met; of no words, 0."""
    total = sum(word.weight for word in words)
    return sum(word.weight * one for word, one in zip(words, met, strict=True)) / total if total else 0.0


def is_claimed(claim: Claim, name: NamedThere) -> bool:
    """Is it one of the claim's names, in whatever word, or part of one?"""
    return any(
        name.text in one.word.text or one.word.text in name.text or (name.concept and name.concept == one.word.concept)
        for one in claim.names
    )


def names_of(view: SentenceView) -> Iterator[NamedThere]:
    """The lexicon's names in a sentence, then those that jieba tags."""
    covered: set[int] = set()
    for mention in view.mentions:
        text = view.folded[mention.start : mention.end]
        covered |= set(range(mention.start, mention.end))
        if text.isascii() or is_proper(mention.concept):
            yield NamedThere(text, mention.concept, _type_of(mention.concept), mention.start)
    for word in tagged_words(view.folded):
        if word.tag in NAME_TAGS and len(word.text) > 1 and word.start not in covered:
            yield NamedThere(word.text, "", _TYPES.get(word.tag[:2], "thing"), word.start)


def is_year(figure: Figure) -> bool:
    """Is it a year of our time?"""
    return figure.unit == "年" and 1900 <= figure.value <= 2100


def surroundings(text: str, known: Sequence[Figure], figure: Figure) -> tuple[int, int]:
    """What a figure of folded text is said of: from the last figure of the same unit to the end of the clause.

    A year comes first: from the beginning of its clause to the next year.
    """
    if is_year(figure):
        later = min((one.start for one in known if is_year(one) and one.start >= figure.end), default=len(text))
        return clause_around(text, figure)[0], later
    start = max((one.end for one in known if one.unit == figure.unit and one.end <= figure.start), default=0)
    return start, clause_around(text, figure)[1]


def clause_around(text: str, figure: Figure) -> tuple[int, int]:
    """The clause of folded text in which a figure stands."""
    start = max((mark.end() for mark in CLAUSE_END.finditer(text, 0, figure.start)), default=0)
    end = CLAUSE_END.search(text, figure.end)
    return start, end.start() if end else len(text)
