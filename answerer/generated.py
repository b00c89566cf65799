"""Generated answers: a language model writes from numbered sentences, and every sentence it writes is checked.

A sentence is shown once it is whole and checked, never before, so that what streams is what stays. Its markers are the
ones of the final answer. A sentence that its citations do not bear out is cited anew where the evidence has it;
otherwise it is left out and counted.
"""

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from statistics import fmean

from answerer.answer import Answer, Citation
from answerer.checking import Check, check
from answerer.conversation import Message, transcript
from answerer.evidence import Evidence, listing, number_sentences, visible
from answerer.language_model import LanguageModel
from answerer.markers import SentenceBuffer, cited_numbers, without_markers
from language.script import Script, render
from prompts import NOT_FOUND, answer_prompt, dropped_note, evidence_prompt, refusal_text
from retriever.hits import Hit
from retriever.question import Question

NEAREST = 3  # hits offered with a refusal
MOST_CITED = 6  # sentences one sentence may cite; more is citing at random
WINDOW = 3  # neighbouring sentences that a new citation may join
_SLACK = 0.05  # coverage that a citation may cost when it is left out as not needed
_RIVALS = 3  # sentences around which longer citations are tried

_LIST_MARK = re.compile(r"^\s*(?:[-*•#]+|\d+[.、)])\s+")
_WRAPPING = ' \n*`"“「[('  # what models put around the token that declines


async def generate(
    question: Question, hits: Sequence[Hit], history: Sequence[Message], model: LanguageModel
) -> AsyncGenerator[str | Answer, None]:
    """Yield the text of an answer as it grows, then the ``Answer``, whose text is all that was yielded before.

    A refusal is yielded as the ``Answer`` alone: the model declined, nothing it wrote was borne out, or there are no
    hits. ``confidence`` is the mean coverage of the sentences, 0 to 1.

    Raises:
        LanguageModelError: before the first text or after any.

    """
    evidence = number_sentences(hits)
    draft = _Draft(question.script, evidence)
    if evidence:
        buffer = SentenceBuffer()
        async with aclosing(model.stream(_messages(question, evidence, history))) as pieces:
            async for piece in pieces:
                for sentence in buffer.feed(piece):
                    if text := draft.add(sentence):
                        yield text
                if draft.declined(buffer.pending):
                    break
        for sentence in buffer.close():
            if text := draft.add(sentence):
                yield text
    yield draft.answer(question, hits, model.model)


def _messages(question: Question, evidence: Sequence[Evidence], history: Sequence[Message]) -> list[Message]:
    prompt = evidence_prompt(question.script, visible(question.typed), listing(evidence), transcript(history))
    return [Message("system", answer_prompt(question.script)), Message("user", prompt)]


class _Draft:
    """The answer so far."""

    def __init__(self, script: Script, evidence: Sequence[Evidence]) -> None:
        self._script = script
        self._evidence = evidence
        self._texts: list[str] = []
        self._said: set[str] = set()
        self._coverages: list[float] = []
        self._citations: dict[tuple[str, int, int], Citation] = {}
        self._dropped = 0
        self._declined = False
        self._new_line = False

    def declined(self, pending: str) -> bool:
        """Tell whether the model began by saying that the sentences do not hold the answer."""
        self._declined |= not self._said and not self._dropped and pending.lstrip(_WRAPPING).startswith(NOT_FOUND)
        return self._declined

    def add(self, written: str) -> str:
        """Check one sentence as the model wrote it; return it as it is shown, "" if it is not."""
        sentence = _LIST_MARK.sub("", without_markers(written)).replace("**", "").strip()
        if not any(character.isalnum() for character in sentence):
            self._new_line |= "\n" in written
            return ""
        if NOT_FOUND in sentence:
            self.declined(sentence)
            return ""
        if self._declined or sentence in self._said:
            return ""
        self._said.add(sentence)
        numbers = cited_numbers(written, len(self._evidence))
        support = _support(sentence, [self._evidence[number - 1] for number in numbers], self._evidence)
        if support is None:
            self._dropped += 1
            return ""
        cited, found = support
        self._coverages.append(found.coverage)
        markers = dict.fromkeys(self._cite(sentence, run) for run in _runs(cited))
        text = render(sentence, self._script) + "".join(f"[{marker}]" for marker in markers)
        text = "\n" + text if self._texts and (self._new_line or written.startswith("\n")) else text
        self._new_line = written.endswith("\n")
        self._texts.append(text)
        return text

    def _cite(self, sentence: str, run: Sequence[Evidence]) -> int:
        """Return the marker of the span that a run of adjoining sentences makes."""
        first, last = run[0], run[-1]
        place = (first.hit.article.id, first.start, last.end)
        score = round(check(sentence, _text_of(run)).coverage, 4)
        known = self._citations.get(place)
        if known is None:
            marker = len(self._citations) + 1
            known = Citation(marker, first.hit.article, first.hit.passage.id, first.start, last.end, score)
        self._citations[place] = replace(known, score=max(known.score, score))
        return known.marker

    def answer(self, question: Question, hits: Sequence[Hit], generator: str) -> Answer:
        """Put the answer together, or the refusal if nothing stands."""
        notes = (dropped_note(self._script, self._dropped),) if self._dropped else ()
        if not self._texts:
            text = refusal_text(self._script, visible(question.typed))
            return Answer(text, False, 0.0, self._script, generator, (), tuple(hits[:NEAREST]), notes)
        citations = tuple(self._citations.values())
        confidence = round(fmean(self._coverages), 4)
        return Answer("".join(self._texts), True, confidence, self._script, generator, citations, (), notes)


def _support(
    sentence: str, cited: Sequence[Evidence], evidence: Sequence[Evidence]
) -> tuple[Sequence[Evidence], Check] | None:
    """Find what bears a sentence out: the cited sentences that it needs, otherwise the best of the others."""
    if 1 <= len(cited) <= MOST_CITED:
        found = check(sentence, _text_of(cited))
        if found.supported:
            return _fewest(sentence, cited, found)
    return _match(sentence, evidence)


def _fewest(sentence: str, cited: Sequence[Evidence], found: Check) -> tuple[Sequence[Evidence], Check]:
    """Leave out cited sentences as long as the rest bears the sentence out as well."""
    for one in cited:
        fewer = [other for other in cited if other is not one]
        if fewer:
            without = check(sentence, _text_of(fewer))
            if without.supported and without.coverage >= found.coverage - _SLACK:
                cited, found = fewer, without
    return cited, found


def _match(sentence: str, evidence: Sequence[Evidence]) -> tuple[Sequence[Evidence], Check] | None:
    """Find the sentence of the evidence, or else the shortest run of adjoining ones, that bears a sentence out best."""
    singles = [((one,), check(sentence, one.text)) for one in evidence]
    if passing := [single for single in singles if single[1].supported]:
        return max(passing, key=lambda single: single[1].coverage)
    rivals = sorted(singles, key=lambda single: -single[1].coverage)[:_RIVALS]
    for size in range(2, WINDOW + 1):
        runs = {run[0].number: run for (one,), _ in rivals for run in _runs_around(one, evidence, size)}
        tried = [(run, check(sentence, _text_of(run))) for run in runs.values()]
        if passing_runs := [run for run in tried if run[1].supported]:
            return max(passing_runs, key=lambda run: run[1].coverage)
    return None


def _runs_around(one: Evidence, evidence: Sequence[Evidence], size: int) -> Iterator[Sequence[Evidence]]:
    """Yield the runs of ``size`` adjoining sentences that hold ``one``."""
    for first in range(max(0, one.number - size), one.number):
        run = evidence[first : first + size]
        if len(run) == size and len(list(_runs(run))) == 1:
            yield run


def _runs(cited: Sequence[Evidence]) -> Iterator[Sequence[Evidence]]:
    """Yield the cited sentences in order of number, those that adjoin joined."""
    run: list[Evidence] = []
    for one in sorted(cited, key=lambda one: one.number):
        if run and not run[-1].adjoins(one):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _text_of(evidence: Sequence[Evidence]) -> str:
    return "\n".join(one.text for one in evidence)
