"""What became of each question: judged once, kept in the JSON file, and all that reports and comparisons read."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from eval.questions import EvalQuestion, GoldSpan
from eval.ranking import Ranking, ranking_values
from eval.text import holds
from language.script import detect_script
from language.sentences import SentenceKind, split_sentences

HALF = 0.5  # of the shorter of two spans that must be shared for one to stand on the other

_STATEMENT = re.compile(r"(.*?)((?:\[\d+\])+|$)", re.S)
_MARKER = re.compile(r"\[(\d+)\]")

Hit = Mapping[str, Any]
Place = tuple[str, int, int]  # article, start, end


class RunFileError(ValueError):
    """A file is no JSON file of an earlier run; the message names it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One question, the answer it got, and the value of every measure that counts it.

    ``passage_rank`` and ``sentence_rank`` are those of the first gold one, 0 where none was found; ``gold`` and
    ``cited`` are texts of the articles, ``on_gold`` says which of the cited stand on a gold span.
    """

    id: str
    question: str
    kind: str
    script: str
    answerable: bool
    tags: tuple[str, ...]
    history: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]
    gold: tuple[str, ...]
    refused: bool
    confidence: float
    answer: str
    cited: tuple[str, ...]
    on_gold: tuple[bool, ...]
    passage_rank: int
    sentence_rank: int
    ms: float
    values: Mapping[str, float] = field(default_factory=dict)

    @property
    def right(self) -> bool:
        """Answered with all gold words, or refused where there is no answer."""
        return self.values["gold_words_held"] == 1 if self.answerable else self.refused

    def with_values(self, values: Mapping[str, float]) -> "Record":
        """The same record with more values."""
        return replace(self, values={**self.values, **values})


def judge(
    question: EvalQuestion,
    response: Mapping[str, Any],
    hits: Sequence[Hit],
    bodies: Mapping[str, str],
    milliseconds: float,
) -> Record:
    """Judge one response (the answer endpoint's object) and the hits it was read from, best first.

    ``bodies`` are the bodies of all articles that are cited, found or gold, by id.
    """
    citations = response["citations"]
    quotes = tuple(str(citation["quote"]) for citation in citations)
    on_gold = tuple(any(stands_on(_place(c), span) for span in question.gold) for c in citations)
    passages = _passages(question, hits)
    sentences = _sentences(question, hits, bodies)
    refused = not response["grounded"]
    record = Record(
        question.id,
        question.question,
        question.kind,
        question.script,
        question.answerable,
        question.tags,
        tuple(str(turn["content"]) for turn in question.history),
        question.words,
        tuple(bodies[span.article][span.start : span.end] for span in question.gold),
        refused,
        float(response["confidence"]),
        str(response["answer"]),
        quotes,
        on_gold,
        min(passages.ranks, default=0),
        min(sentences.ranks, default=0),
        round(milliseconds, 2),
    )
    values = _refusal_values(record) | _script_values(record, str(response["script"]))
    if question.answerable:
        values |= _words_values(record)
        ranked = ranking_values({"passage": passages, "sentence": sentences})
        values |= {f"{unit}_{name}": round(v, 4) for unit, found in ranked.items() for name, v in found.items()}
        values.pop("passage_recall@10")  # how many gold passages an index has is not known here
    if not refused:
        verbatim = [bodies[c["article_id"]][c["start"] : c["end"]] == c["quote"] for c in citations]
        values["verbatim"] = _mean(verbatim)
    if question.answerable and not refused:
        numbered = {int(c["marker"]): flag for c, flag in zip(citations, on_gold, strict=True)}
        values["citation_precision"] = _mean(on_gold)
        values["citation_recall"] = _mean(
            [any(numbered.get(number, False) for number in numbers) for _, numbers in statements(record.answer)]
        )
        exact = {(span.article, span.start, span.end) for span in question.gold}
        values["exact"] = float(any(_place(citation) in exact for citation in citations))
        values["span_f1"] = span_f1([_place(citation) for citation in citations], question.gold)
    return record.with_values(values)


def _refusal_values(record: Record) -> dict[str, float]:
    values = {("wrongly_refused" if record.answerable else "refused"): float(record.refused)}
    return values | ({"refusal_precision": float(not record.answerable)} if record.refused else {})


def _script_values(record: Record, script: str) -> dict[str, float]:
    """The region that was answered for; and whether the text, if it tells, is in the asker's characters."""
    values = {"right_region": float(script == record.script)}
    if not record.refused:
        written = detect_script(
            _MARKER.sub("", record.answer), default="zh-CN" if record.script == "zh-CN" else "zh-TW"
        )
        values["right_characters"] = float((written == "zh-CN") == (record.script == "zh-CN"))
    return values


def _words_values(record: Record) -> dict[str, float]:
    met = [any(holds(quote, form) for quote in record.cited for form in group) for group in record.words]
    first = any(holds(quote, form) for quote in record.cited[:1] for group in record.words for form in group)
    return {
        "gold_words_held": float(bool(met) and all(met)),
        "gold_words_share": _mean(met),
        "first_citation": float(first),
        "gold_span_cited": float(any(record.on_gold)),
    }


def _place(span: Mapping[str, Any]) -> Place:
    return str(span["article_id"]), int(span["start"]), int(span["end"])


def shared(place: Place, span: GoldSpan) -> int:
    """Characters of the article that both hold."""
    article, start, end = place
    return max(0, min(end, span.end) - max(start, span.start)) if article == span.article else 0


def stands_on(place: Place, span: GoldSpan) -> bool:
    """Do they share at least half of the shorter one?"""
    return shared(place, span) >= HALF * min(place[2] - place[1], span.end - span.start) > 0


def span_f1(cited: Sequence[Place], gold: Sequence[GoldSpan]) -> float:
    """F1 of the cited characters against those of the gold span nearest to each citation, by place; 0 to 1.

    Gold spans are alternatives as often as parts, so only those that a citation touches are asked for; if none is
    touched, F1 is 0.
    """
    marked = {(article, at) for article, start, end in cited for at in range(start, end)}
    touched = [span for span in gold if any(shared(place, span) for place in cited)]
    wanted = {(span.article, at) for span in touched for at in range(span.start, span.end)}
    both = len(marked & wanted)
    return round(2 * both / (len(marked) + len(wanted)), 4) if both else 0.0


def statements(answer: str) -> list[tuple[str, tuple[int, ...]]]:
    """The statements of an answer, each the text before a run of markers, and the numbers of those markers."""
    found = []
    for match in _STATEMENT.finditer(answer):
        text, markers = match.group(1).strip(), match.group(2)
        if any(character.isalnum() for character in text):
            found.append((text, tuple(map(int, _MARKER.findall(markers)))))
    return found


def _passages(question: EvalQuestion, hits: Sequence[Hit]) -> Ranking:
    """Gold passages are judged in the pool of what was found; at least one is taken to exist."""
    ranks = [r for r, hit in enumerate(hits, 1) if any(stands_on(_place(hit), span) for span in question.gold)]
    return Ranking(tuple(ranks), max(1, len(ranks)))


def _sentences(question: EvalQuestion, hits: Sequence[Hit], bodies: Mapping[str, str]) -> Ranking:
    """Sentences in the order of their passages; within one, those with more characters that matched first."""
    order: dict[Place, None] = {}
    for hit in hits:
        article, start, end = _place(hit)
        inside = [s for s in sentence_places(bodies[article]) if start <= s[0] and s[1] <= end]
        matched = {s: sum(max(0, min(s[1], e) - max(s[0], b)) for b, e in hit["spans"]) for s in inside}
        for place in sorted(inside, key=lambda s: -matched[s]):
            order.setdefault((article, *place))
    gold = {
        (span.article, *place)
        for span in question.gold
        for place in sentence_places(bodies[span.article])
        if stands_on((span.article, *place), span)
    }
    return Ranking(tuple(r for r, place in enumerate(order, 1) if place in gold), max(1, len(gold)))


@lru_cache(maxsize=1024)
def sentence_places(body: str) -> list[tuple[int, int]]:
    """Start and end of every sentence of a body that is text."""
    return [(span.start, span.end) for span in split_sentences(body) if span.kind is SentenceKind.TEXT]


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4) if values else 0.0


def record_document(record: Record) -> dict[str, Any]:
    """One question for the JSON file."""
    return {one.name: getattr(record, one.name) for one in fields(Record)}


def read_records(file: Path) -> list[Record]:
    """The questions of an earlier run's JSON file.

    Raises:
        RunFileError: the file is no such file.
        FileNotFoundError: there is no such file.
    """
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))["questions"]
        return [_record(row) for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunFileError(
            f"{file}: not a file that 'yewen eval --json' wrote ({type(error).__name__}: {str(error)[:80]})"
        ) from None


def _record(row: Mapping[str, Any]) -> Record:
    given = {one.name: row[one.name] for one in fields(Record)}
    for name in ("tags", "history", "gold", "cited", "on_gold"):
        given[name] = tuple(given[name])
    given["words"] = tuple(tuple(group) for group in given["words"])
    given["values"] = {str(name): float(value) for name, value in given["values"].items()}
    return Record(**given)
