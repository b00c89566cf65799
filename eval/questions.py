"""The question set: what it holds, how it is read, and that it is sound.

Nothing is trained on these questions.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from eval.text import comparable
from indexer.articles import Article
from language.script import SCRIPTS

_T = TypeVar("_T")

QUESTIONS = Path(__file__).parent / "questions.jsonl"
FACTUAL = frozenset({"fact", "figure", "date", "person", "place"})
BROAD = frozenset({"why", "how", "list", "comparison", "summary", "conflict"})
UNANSWERABLE = frozenset({"near_miss", "false_premise", "out_of_scope"})
TAGS = frozenset({"follow_up", "colloquial", "typo", "regional", "english"})
LONGEST_SHARED = 12  # Han characters in a row that a question may share with an article; more is copied, not asked

_HAN = re.compile(r"[㐀-鿿豈-﫿]")


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
    ``kind`` is one of ``FACTUAL``, ``BROAD`` or ``UNANSWERABLE``; ``tags`` (of ``TAGS``) say what makes it hard.
    """

    id: str
    question: str
    kind: str
    script: str
    answerable: bool
    gold: tuple[GoldSpan, ...]
    words: tuple[tuple[str, ...], ...]
    history: tuple[Mapping[str, str], ...]
    tags: tuple[str, ...] = ()


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
        tuple(_as(str, tag, "tags") for tag in _as(list, row.get("tags", []), "tags")),
    )


def _as(kind: type[_T], value: object, name: str) -> _T:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{name} must be of type {kind.__name__}, not {type(value).__name__}")
    return value


def problems(questions: Sequence[EvalQuestion], articles: Mapping[str, Article]) -> list[str]:
    """What is wrong with the set, one sentence each, beginning with the question's id; nothing if it is sound."""
    texts = [comparable(f"{article.title}\n{article.body}") for article in articles.values()]
    found = []
    ids: set[str] = set()
    asked: set[str] = set()
    for question in questions:
        wrong = [*_labels(question), *_gold(question, articles)]
        words = "\n".join([*(turn.get("content", "") for turn in question.history), question.question])
        if question.id in ids:
            wrong.append("the id comes twice")
        if words in asked:
            wrong.append("the question comes twice")
        if run := copied(question.question, texts):
            wrong.append(f"copies the article's {run!r}")
        ids.add(question.id)
        asked.add(words)
        found += [f"{question.id}: {problem}" for problem in wrong]
    return found


def _labels(question: EvalQuestion) -> list[str]:
    """Problems of kind, script, tags and history."""
    wrong = []
    if question.kind not in FACTUAL | BROAD | UNANSWERABLE:
        wrong.append(f"the kind {question.kind!r} is none of the set's")
    if question.script not in SCRIPTS:
        wrong.append(f"the script {question.script!r} is none of {', '.join(SCRIPTS)}")
    if unknown := sorted(set(question.tags) - TAGS):
        wrong.append(f"the tag {unknown[0]!r} is none of the set's")
    if ("follow_up" in question.tags) != bool(question.history):
        wrong.append("follow_up and the turns before do not agree")
    if question.answerable == (question.kind in UNANSWERABLE):
        wrong.append("answerable and the kind do not agree")
    return wrong


def _gold(question: EvalQuestion, articles: Mapping[str, Article]) -> list[str]:
    """Problems of spans and words: where they should stand they do not."""
    wrong = []
    if question.answerable != bool(question.gold) or question.answerable != bool(question.words):
        wrong.append("answerable and its gold spans and words do not agree")
    quotes = []
    for span in question.gold:
        article = articles.get(span.article)
        if article is None or not 0 <= span.start < span.end <= len(article.body):
            wrong.append(f"no text at {span.article} {span.start}:{span.end}")
        else:
            quotes.append(article.body[span.start : span.end])
    for group in question.words:
        if not any(form in quote for form in group for quote in quotes):
            wrong.append(f"none of {'/'.join(group)} stands in a gold span")
    return wrong


def copied(question: str, texts: Sequence[str]) -> str:
    """The first run of more than ``LONGEST_SHARED`` Han characters that also stands in a text, or "".

    ``texts`` are :func:`eval.text.comparable`; Latin letters and digits in the run (names, figures) do not count.
    """
    plain = comparable(question)
    places = [match.start() for match in _HAN.finditer(plain)]
    for first, last in zip(places, places[LONGEST_SHARED:], strict=False):
        run = plain[first : last + 1]
        if any(run in text for text in texts):
            return run
    return ""
