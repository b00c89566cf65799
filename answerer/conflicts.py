"""Another article with another figure for what is asked: both are shown, so that the asker sees that sources differ.

Two sentences conflict where the reader puts both high, each holds one figure that is plainly the one asked for, of the
same unit and, as far as they say, of the same year, said of nothing that the question does not name, and the figures
are not nearly equal. In doubt there is no conflict: a doubled answer is worse than none. Not covered: two sentences of
one article, periods shorter than a year, dates, and figures in different units.
"""

import re
from dataclasses import dataclass

from answerer.asked import AnswerKind, Asked
from answerer.claims import Claim, clause_around, is_claimed, is_year, met_in, names_of, read_claim, share, surroundings
from answerer.features import Candidate
from answerer.reader import Reading
from answerer.sentences import read_sentence
from language.figures import Figure, figures
from language.segmentation import tagged_words

MARGIN = 4.0  # below the best sentence's score within which another is taken for an answer
COVERED = 0.5  # of the question's weight that must stand around a figure for it to be the one asked for
NEARLY = 0.03  # relative difference under which two figures are one, rounded
_KINDS = frozenset((AnswerKind.NUMBER, AnswerKind.MONEY, AnswerKind.PERCENT))
_RELATIVE = frozenset(("", "%", "百分点", "倍", "第"))  # units that no 多少 without a unit asks for
_MONEY = re.compile(r"元$")


@dataclass(frozen=True, slots=True)
class _Said:
    """The figure that is asked for, and the noun that it measures (汽车销量), as far as there is one."""

    figure: Figure
    noun: str


def conflicting(question: Asked, text: str, reading: Reading) -> Candidate | None:
    """The best candidate of another article that gives another figure than the best one; ``text`` is the question."""
    if question.kind not in _KINDS or not reading.candidates:
        return None
    best, *others = reading.candidates
    floor = float(reading.scores[0]) - MARGIN
    elsewhere = [
        other
        for other, score in zip(others, reading.scores[1:], strict=True)
        if score >= floor and other.article.id != best.article.id and any(_fits(question, f) for f in _figures(other))
    ]
    if not elsewhere or not any(_fits(question, figure) for figure in _figures(best)):
        return None
    claim = read_claim(text)
    own = _asked_figure(question, claim, best)
    if own is None:
        return None
    for other in elsewhere:
        there = _asked_figure(question, claim, other) if _same_years(claim, best, other) else None
        if there is not None and _conflict(own, there):
            return other
    return None


def _figures(candidate: Candidate) -> list[Figure]:
    return [figure for figure in figures(candidate.view.folded) if not figure.weak and not is_year(figure)]


def _conflict(own: _Said, there: _Said) -> bool:
    """The same unit and a pair of characters of the noun in common (汽车销量, 总销量), but another value."""
    pairs = {own.noun[at : at + 2] for at in range(len(own.noun) - 1)}
    same = own.figure.unit == there.figure.unit and any(pair in there.noun for pair in pairs)
    return same and not _nearly(own.figure, there.figure)


def _asked_figure(question: Asked, claim: Claim, candidate: Candidate) -> _Said | None:
    """The one figure of a sentence that is said of what is asked; None if there is none, or more than one may be it."""
    text = candidate.view.folded
    there = _figures(candidate)
    said = []
    for figure in there:
        if _fits(question, figure) and _only_of_the_asked(claim, candidate, figure):
            start, end = surroundings(text, there, figure)
            view = read_sentence(candidate.article.body[candidate.start + start : candidate.start + end])
            if share(claim.words, met_in(claim.words, view)) >= COVERED:
                said.append(_Said(figure, _noun(text[start : figure.start]) or _noun(text[figure.end : end])))
    return said[0] if len(said) == 1 else None


def _noun(text: str) -> str:
    """The last common noun of folded text, or ""."""
    nouns = [word.text for word in tagged_words(text) if word.tag in {"n", "vn"} and len(word.text) > 1]
    return nouns[-1] if nouns else ""


def _fits(question: Asked, figure: Figure) -> bool:
    """Has the figure a unit that the question may want?"""
    if question.kind is AnswerKind.PERCENT:
        return figure.unit == "%"
    if question.kind is AnswerKind.MONEY:
        return bool(_MONEY.search(figure.unit))
    wanted = {one.unit for one in figures(f"1{question.unit}")} if question.unit else set()
    return figure.unit in wanted if wanted - {""} else figure.unit not in _RELATIVE


def _only_of_the_asked(claim: Claim, candidate: Candidate, figure: Figure) -> bool:
    """Does the figure's clause name nothing that the question does not name?"""
    start, end = clause_around(candidate.view.folded, figure)
    return all(is_claimed(claim, name) for name in names_of(candidate.view) if start <= name.start < end)


def _same_years(claim: Claim, one: Candidate, other: Candidate) -> bool:
    """Do both name the question's year, if it names one, or none, and no two different ones?"""
    asked = {figure.value for figure in claim.figures if is_year(figure)}
    years = [{figure.value for figure in figures(c.view.folded) if is_year(figure)} for c in (one, other)]
    if asked and not all(asked & named or not named for named in years):
        return False
    return not all(years) or bool(years[0] & years[1])


def _nearly(one: Figure, other: Figure) -> bool:
    larger = max(abs(one.value), abs(other.value))
    return not larger or abs(one.value - other.value) <= larger * type(larger)(str(NEARLY))
