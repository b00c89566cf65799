"""Is a claim what the articles say? Its figures, dates, names and directions beside those of the sentences about it.

A place is a sentence or up to three neighbours. It is about the claim as far as the words of the claim, weighed by how
telling they are, stand in it, or for less in what comes before it. A claim is supported where such a place has
everything that can be compared; contradicted where it has all but one thing and says otherwise about that: the same
unit with another value, another date, another name in the role, the reverse direction. In all other cases the articles
do not tell.
Not covered: conversion of units, sums, shares written as 半 or 三分之一, two claims of which one is wrong.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from answerer.answer import Citation
from answerer.asked import ORDINARY, ContentWord
from answerer.checking import denied
from answerer.claims import (
    CLAUSE_END,
    Claim,
    NamedThere,
    Place,
    clause_around,
    is_claimed,
    is_year,
    met_in,
    names_of,
    places,
    read_claim,
    share,
    surroundings,
)
from answerer.opposites import directions, opposed, unsaid
from answerer.sentences import SentenceView, read_sentence
from language.figures import Date, Figure, dates, figures
from language.folding import fold
from retriever.hits import Hit

Verdict = Literal["supported", "contradicted", "not_found"]
Kind = Literal["figure", "date", "name", "direction"]

# Shares of the claim's weight that a place must cover; chosen on the first half of eval/claims.jsonl.
SUPPORTS = 0.6
SUPPORTS_PLAIN = 0.7  # where no figure and no date agrees
CONTRADICTS = 0.75
NAMED_OTHERWISE = 0.8  # to contradict by a name, since of many things more than one has a name
NEAR = 0.45  # to be looked at, and shown where nothing else is found
ITSELF = 0.4  # that must stand in the place itself, not in what leads up to it
COMPARED = 40  # places at most that are looked at closely
BEHIND = 0.1  # coverage by which a place that supports may lie behind one of its article that contradicts
LONGER = 0.05  # coverage that another sentence must bring
SHOWN = 2  # places shown with a verdict
CONTEXT = 0.85  # a word that stands there counts this much beside one in the place itself
_LEAST_AFFINITY = 0.34  # of the words around a figure that must stand around another for the two to be of one thing
_NEARER = 0.2  # by which another figure's surroundings must be nearer to contradict one that stands there as well

_OVER = re.compile(r"(?:超过?|逾|多于|高于|不止|至少|突破)$")
_UNDER = re.compile(r"(?:不到|不足|低于|少于|未满|未及)$")
_ABOUT = re.compile(r"(?:约|近|大约|将近|接近|差不多|几乎|约为|逼近)$")
_MORE, _LESS, _ROUGHLY = re.compile(r"^(?:以上|多)"), re.compile(r"^以下"), re.compile(r"^(?:左右|上下)")
_MONEY = frozenset(("元", "美元", "欧元", "日元", "英镑", "港元", "台币", "韩元"))
_TIMES = frozenset(("年", "个月", "日", "周", "季度", "h", "min", "s"))
_CLASSES = (_MONEY, _TIMES, frozenset(("%", "百分点", "倍")), frozenset(("km", "m", "cm", "mm", "nm", "英里")))
_COUNTERS = frozenset(("辆", "家", "人", "个"))  # a text may leave them out where a claim writes them
_ANYTHING = "个"  # counts anything, so what is counted must be the same
_ROLE = re.compile(
    r"总裁|首席|执行官|执行长|创始|创办|董事|主任|总经理|总监|院士|教授|主席|部长|代表|位于|总部|工厂|称为|搭载|是(?!否)"
)


@dataclass(frozen=True, slots=True)
class Compared:
    """One thing of the claim beside what the place says of it (``found``, "" where it says nothing), as written."""

    kind: Kind
    claimed: str
    found: str
    agrees: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """A verdict with the places that it rests on, best first, and what was compared at the first of them.

    Of ``not_found`` the places are the nearest, if any is near. ``differs`` tells that another place says otherwise.
    """

    verdict: Verdict
    sentences: tuple[Citation, ...]
    checked: tuple[Compared, ...]
    differs: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Finding:
    place: Place
    coverage: float
    checked: tuple[Compared, ...] = ()

    @property
    def rank(self) -> float:
        """The coverage, less for every sentence more than one: a citation is as short as the claim allows."""
        return self.coverage - LONGER * (self.place.sentences - 1)

    @property
    def agrees(self) -> bool:
        """Nothing is missing or said otherwise."""
        return all(one.agrees for one in self.checked)

    @property
    def enough(self) -> float:
        """The coverage from which it supports."""
        return SUPPORTS if any(one.kind in ("figure", "date") for one in self.checked) else SUPPORTS_PLAIN

    @property
    def contradicts(self) -> bool:
        """Something is said otherwise, and nothing is missing; of a name, nothing else is said otherwise."""
        wrong = [one for one in self.checked if not one.agrees]
        return bool(wrong) and all(one.found for one in wrong) and (not self.renames or len(wrong) == 1)

    @property
    def renames(self) -> bool:
        """A name of the claim is not there, or another in its place."""
        return any(one.kind == "name" and not one.agrees for one in self.checked)

    @property
    def recounts(self) -> bool:
        """All that is said otherwise are figures: another year is another event, not another account."""
        return all(one.agrees or one.kind == "figure" for one in self.checked)

    @property
    def least(self) -> float:
        """The coverage from which it contradicts."""
        return NAMED_OTHERWISE if self.renames else CONTRADICTS

    def yields_to(self, other: "_Finding") -> bool:
        """Is the other place of the same article, and clearly more of what the claim is about?"""
        same = self.place.hit.article.id == other.place.hit.article.id
        return same and self.rank < other.rank - BEHIND

    def overlaps(self, other: "_Finding") -> bool:
        """Do the two places share text?"""
        same = self.place.hit.article.id == other.place.hit.article.id
        return same and self.place.start < other.place.end and other.place.start < self.place.end


def verify(claim: str, hits: Sequence[Hit]) -> Verification:
    """Compare a claim with the sentences of the hits."""
    read = read_claim(claim)
    rated = [_Finding(place, _coverage(read, place)) for place in places(read, hits)]
    near = sorted((one for one in rated if one.coverage >= NEAR), key=lambda one: -one.rank)[:COMPARED]
    found = sorted((_compare(read, one.place) for one in near), key=lambda one: -one.rank)
    supporting = [one for one in found if one.agrees and one.coverage >= one.enough]
    contradicting = [one for one in found if one.contradicts and one.coverage >= one.least]
    if supporting and not any(supporting[0].yields_to(one) for one in contradicting):
        first = supporting[0]
        others = [one for one in contradicting if one.recounts and not first.overlaps(one)]
        return _verification("supported", [first, *others[:1]] if others else supporting, differs=bool(others))
    if contradicting:
        return _verification("contradicted", contradicting)
    return _verification("not_found", found)


def _verification(verdict: Verdict, found: Sequence[_Finding], differs: bool = False) -> Verification:
    shown: list[_Finding] = []
    for one in found:
        if len(shown) < SHOWN and not any(map(one.overlaps, shown)):
            shown.append(one)
    citations = tuple(_citation(marker, one) for marker, one in enumerate(shown, 1))
    return Verification(verdict, citations, shown[0].checked if shown else (), differs)


def _citation(marker: int, found: _Finding) -> Citation:
    """The place; its passage is that in which it begins."""
    place = found.place
    return Citation(marker, place.hit.article, place.hit.passage.id, place.start, place.end, round(found.coverage, 4))


# ---- the comparison


def _coverage(claim: Claim, place: Place) -> float:
    """The share of the claim's weight that the place covers; 0 where it rests on what leads up to it."""
    return share(claim.words, _known(place)) if share(claim.words, place.here) >= ITSELF else 0.0


def _known(place: Place) -> list[float]:
    return [max(here, CONTEXT * before) for here, before in zip(place.here, place.before, strict=True)]


def _compare(claim: Claim, place: Place) -> _Finding:
    known = dict(zip((word.text for word in claim.words), _known(place), strict=True))
    view = read_sentence(place.text)
    turned = list(_turned(claim, place, view))
    checked = [*_numbers(claim, place, view), *_days(claim, place, view), *turned]
    names = list(_named(claim, view, known, anchored=any(one.agrees for one in checked)))
    said = [one.claimed for one in (*names, *turned) if one.found and not one.agrees]
    words = [word for word in claim.words if not any(one in word.text for one in said)]
    agreeing = ORDINARY * sum(one.agrees for one in checked)  # a figure that agrees is a word that is there
    weight = sum(word.weight for word in words)
    met = sum(word.weight * known[word.text] for word in words)
    coverage = (met + agreeing) / (weight + agreeing) if weight else 0.0
    return _Finding(place, coverage, (*checked, *names))


@dataclass(frozen=True, slots=True)
class _Rated:
    """A figure of the place: whose it is (see ``_whose``), and how near what is said of it comes to the claim."""

    whose: int
    affinity: float
    figure: Figure


def _numbers(claim: Claim, place: Place, view: SentenceView) -> Iterator[Compared]:
    """Every figure of the claim beside that of the place which is said of the same thing."""
    there = figures(view.folded)
    names = sorted(names_of(view), key=lambda name: name.start)
    whose = {other.start: _whose(claim, names, view.folded, there, other) for other in there}
    for figure in claim.figures:
        around = _words_around(claim, figure)
        rated = [
            _Rated(whose[other.start], _affinity(around, place, view.folded, there, other), other) for other in there
        ]
        other, agrees = _figure(claim, figure, rated, view.folded)
        kind: Kind = "date" if is_year(figure) else "figure"
        written = claim.text[figure.start : figure.end].strip()
        if kind == "date" and not agrees and _year_before(figure, place, there):
            yield Compared(kind, written, written, agrees=True)
        elif other is not None:
            yield Compared(kind, written, place.text[other.start : other.end].strip(), agrees)
        elif figure.unit != "第":  # 第一城, 第三次: more often part of a name than a figure
            yield Compared(kind, written, "", agrees=False)


def _figure(claim: Claim, figure: Figure, rated: Sequence[_Rated], text: str) -> tuple[Figure | None, bool]:
    """The figure of the place that is of the same thing as the claim's, and whether the two agree."""
    same = [one for one in rated if _agree(claim.folded, figure, one.figure)]
    rivals = [
        one
        for one in rated
        if one.whose >= 0
        and not one.figure.weak
        and _comparable(claim.folded, figure, text, one.figure)
        and not any(_agree(claim.folded, own, one.figure) for own in claim.figures)
    ]
    best = max(rivals, key=lambda one: (one.whose, one.affinity), default=None)
    if same:
        own = max(same, key=lambda one: (one.whose, one.affinity))
        ranked = best is not None and best.whose > own.whose and not is_year(figure)
        nearer = best is not None and best.affinity >= own.affinity + _NEARER
        return (best.figure, False) if best and (ranked or nearer) else (own.figure, True)
    if best is None or best.affinity < _LEAST_AFFINITY or figure.unit == "第":
        return None, False
    return best.figure, False


def _year_before(figure: Figure, place: Place, there: Sequence[Figure]) -> bool:
    """Does the place name no year, and its article this one?"""
    named = any(is_year(other) for other in there)
    return not named and str(figure.value) in f"{place.hit.article.title}\n{place.hit.article.body}"


def _agree(claim: str, figure: Figure, other: Figure) -> bool:
    """Is the other figure what the claim's says, read with its 逾, 不到, 約?"""
    if is_year(figure) and other.unit == "年" and other.value + 2000 == figure.value:
        return True
    if figure.unit and other.unit != figure.unit and (other.unit or figure.unit not in _COUNTERS):
        return False
    if figure.value == other.value:
        return True
    before, behind = claim[max(0, figure.start - 4) : figure.start], claim[figure.end : figure.end + 2]
    ratio = float(other.value / figure.value) if figure.value else 0.0
    if _OVER.search(before) or _MORE.match(behind):
        return 1 <= ratio <= 1.25
    if _UNDER.search(before) or _LESS.match(behind):
        return 0.75 <= ratio <= 1
    return bool(_ABOUT.search(before) or _ROUGHLY.match(behind)) and 0.95 <= ratio <= 1.05


def _comparable(claim: str, figure: Figure, text: str, other: Figure) -> bool:
    """May the other figure be of the same thing: the same unit, or the same number of another one of its kind?"""
    if not figure.unit or not other.unit:
        return False
    if figure.unit == other.unit:
        same = claim[figure.end : figure.end + 2] == text[other.end : other.end + 2]
        return is_year(figure) == is_year(other) and (figure.unit != _ANYTHING or same)
    return figure.value == other.value and any({figure.unit, other.unit} <= kind for kind in _CLASSES)


def _words_around(claim: Claim, figure: Figure) -> list[ContentWord]:
    start, end = surroundings(claim.folded, claim.figures, figure)
    return [word for word in claim.words if claim.folded.find(word.text, start, end) >= 0]


def _affinity(around: Sequence[ContentWord], place: Place, text: str, there: Sequence[Figure], other: Figure) -> float:
    """How far the words around a figure of the claim stand around a figure of the place, 0 to 1."""
    start, end = surroundings(text, there, other)
    return share(around, met_in(around, read_sentence(place.text[start:end])))


def _whose(claim: Claim, names: Sequence["NamedThere"], text: str, there: Sequence[Figure], other: Figure) -> int:
    """Is a figure of the place said of what the claim names (1), of another of that type (-1), or can it not be told?

    A name in the figure's own clause tells, otherwise the last one before it behind the last figure of its unit.
    """
    start, end = surroundings(text, there, other)
    clause = max(start, clause_around(text, other)[0])
    types = {name.type for name in claim.names}
    inside = [name for name in names if name.type in types and clause <= name.start < end]
    earlier = [name for name in names if name.type in types and start <= name.start < clause][-1:]
    told = [is_claimed(claim, name) for name in inside or earlier]
    return (1 if any(told) else -1) if told else 0


def _days(claim: Claim, place: Place, view: SentenceView) -> Iterator[Compared]:
    there = list(dates(view.folded))
    for date in claim.dates:
        written = claim.text[date.start : date.end].strip()
        same = [one for one in there if _same_day(date, one)]
        others = [one for one in there if (one.day is None) == (date.day is None)]
        if same:
            yield Compared("date", written, place.text[same[0].start : same[0].end].strip(), agrees=True)
        elif any(_same_day(date, one) for one in dates(fold(place.leading))):
            yield Compared("date", written, written, agrees=True)
        else:
            found = place.text[others[0].start : others[0].end].strip() if len(others) == 1 else ""
            yield Compared("date", written, found, agrees=False)


def _same_day(date: Date, other: Date) -> bool:
    same_year = date.year is None or other.year in {None, date.year}
    return same_year and date.month == other.month and date.day in {None, other.day}


def _turned(claim: Claim, place: Place, view: SentenceView) -> Iterator[Compared]:
    """The directions and denials of the claim that the place says the reverse of."""
    for said, there in opposed(claim.folded, _nearest_clause(claim, view.folded)):
        yield Compared("direction", said, there, agrees=False)
    for said in unsaid(claim.folded, view.folded):
        yield Compared("direction", said, "", agrees=False)
    for word in denied(claim.text, place.text):
        yield Compared("direction", word, word, agrees=False)


def _nearest_clause(claim: Claim, text: str) -> str:
    """The clause of the place that has most of the claim's words; where it has no direction, the whole place."""
    clauses = [clause for clause in CLAUSE_END.split(text) if clause.strip()]
    ranked = [(sum(word.weight for word in claim.words if word.text in clause), clause) for clause in clauses]
    best = max(ranked, default=(0.0, ""))[1]
    return best if directions(best) else text


def _named(claim: Claim, view: SentenceView, known: dict[str, float], anchored: bool) -> Iterator[Compared]:
    """The claim's names; one that is not there is replaced by another of its type only in a role or beside a figure."""
    exclusive = anchored or (_ROLE.search(claim.folded) and _ROLE.search(view.folded))
    for name in claim.names:
        if known[name.word.text] >= CONTEXT:
            yield Compared("name", name.word.text, name.word.text, agrees=True)
        else:
            others = [one for one in names_of(view) if one.type == name.type and not is_claimed(claim, one)]
            yield Compared("name", name.word.text, others[0].text if others and exclusive else "", agrees=False)
