"""The question set: what it holds, how it is read, and that it is sound."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from indexer.articles import Article

_T = TypeVar("_T")

QUESTIONS = Path(__file__).parent / "questions.jsonl"
FACTUAL = frozenset({"fact", "figure", "date", "person", "place"})


class QuestionSetError(ValueError):
    """A question set is not sound; the message names the line and what is wrong."""


@dataclass(frozen=True, slots=True)
class GoldSpan:
    """``body[start:end]`` of an article holds the answer, or a part of it."""

    article: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class EvalQuestion:
    """A question with what a right answer cites.

    Every group of ``words`` must be met by one of its forms; unanswerable questions have neither spans nor words.
    """

    id: str
    question: str
    kind: str
    script: str
    answerable: bool
    gold: tuple[GoldSpan, ...]
    words: tuple[tuple[str, ...], ...]
    history: tuple[Mapping[str, str], ...]


def read_questions(file: Path = QUESTIONS) -> list[EvalQuestion]:
    """The questions of a JSON Lines file.

    Raises:
        QuestionSetError: a line is no JSON, or lacks a field or has one of another type.
        FileNotFoundError: there is no such file.
    """
    questions = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            questions.append(_question(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise QuestionSetError(f"{file}:{number}: {type(error).__name__}: {error}") from None
    if not questions:
        raise QuestionSetError(f"{file}: no question in it")
    return questions


def _question(row: Mapping[str, Any]) -> EvalQuestion:
    def text(name: str) -> str:
        return _as(str, row[name], name)

    spans = [
        GoldSpan(_as(str, span["article"], "article"), _as(int, span["start"], "start"), _as(int, span["end"], "end"))
        for span in _as(list, row["gold"], "gold")
    ]
    groups = [_as(list, group, "words") for group in _as(list, row["words"], "words")]
    return EvalQuestion(
        text("id"),
        text("question"),
        text("kind"),
        text("script"),
        _as(bool, row["answerable"], "answerable"),
        tuple(spans),
        tuple(tuple(_as(str, form, "words") for form in group) for group in groups),
        tuple(_as(dict, turn, "history") for turn in _as(list, row.get("history", []), "history")),
    )


def _as(kind: type[_T], value: object, name: str) -> _T:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{name} must be of type {kind.__name__}, not {type(value).__name__}")
    return value


def problems(questions: list[EvalQuestion], articles: Mapping[str, Article]) -> list[str]:
    """What is wrong with the set: ids that come twice, spans outside their article, words that do not stand in one."""
    found = []
    seen: set[str] = set()
    for question in questions:
        if question.id in seen:
            found.append(f"{question.id}: the id comes twice")
        seen.add(question.id)
        if question.answerable != bool(question.gold) or question.answerable != bool(question.words):
            found.append(f"{question.id}: answerable and its gold spans and words do not agree")
        quotes = []
        for span in question.gold:
            article = articles.get(span.article)
            if article is None or not 0 <= span.start < span.end <= len(article.body):
                found.append(f"{question.id}: no text at {span.article} {span.start}:{span.end}")
            else:
                quotes.append(article.body[span.start : span.end])
        for group in question.words:
            if not any(form in quote for form in group for quote in quotes):
                found.append(f"{question.id}: none of {'/'.join(group)} stands in a gold span")
    return found
