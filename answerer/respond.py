"""From a question to its answer: retrieve, then write with the language model if there is one, else extract."""

import re
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from answerer.answer import Answer
from answerer.asked import asked
from answerer.conversation import Message
from answerer.extractive import answer_extractively
from answerer.language_model_errors import LanguageModelError
from answerer.reader import Reader
from answerer.sentences import read_sentence, word_vectors
from language.folding import fold
from language.script import Script, detect_script
from prompts import fallback_note
from retriever import HITS, Hit, Question, Retriever, analyse_question

if TYPE_CHECKING:
    from answerer.language_model import LanguageModel  # imports httpx, which only a model needs

_ELLIPSIS = re.compile(r"(?:那么?|那麽|至于|换成|咁)?(.{1,12}?)(?:又?呢|又如何|又怎么样|点样?)[?？。!\s]*")
READ_AT_START = 1000  # sentences
LEANING_WEIGHT = 12.0  # summed idf of content words under which a question leans on the one before it


@dataclass(frozen=True, slots=True)
class Request:
    """One question with its conversation and limits; ``top_k`` is how many passages are read."""

    question: str
    history: tuple[Message, ...] = ()
    script: Script | None = None
    top_k: int = HITS
    industry: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The passages were found."""

    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer's text, to be appended to those before it."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The whole answer, which replaces what was streamed; ``timings_ms`` are wall-clock milliseconds a stage."""

    answer: Answer
    timings_ms: Mapping[str, float]


Event = Retrieved | Delta | Done


@dataclass(frozen=True, slots=True)
class Answerer:
    """What answering needs: a retriever, the reader, the refusal threshold and perhaps a language model."""

    retriever: Retriever
    reader: Reader
    threshold: float
    model: "LanguageModel | None" = None

    async def respond(self, request: Request) -> AsyncGenerator[Event, None]:
        """The events of one answer: ``Retrieved``, any number of ``Delta``, ``Done``."""
        began = time.perf_counter()
        question = understand(request)
        hits = self.retriever.retrieve(question, request.top_k, request.industry, request.source)
        found = time.perf_counter()
        yield Retrieved(tuple(hits))
        answer = None
        if self.model is not None and hits:
            from answerer.generated import generate

            try:
                async with aclosing(generate(question, hits, request.history, self.model)) as parts:
                    async for part in parts:
                        if isinstance(part, Answer):
                            answer = part
                        else:
                            yield Delta(part)
            except LanguageModelError as error:
                note = fallback_note(question.script, error.code)
                answer = replace(self._extract(question, hits), notes=(note,))
        if answer is None:
            answer = self._extract(question, hits)
            yield Delta(answer.text)
        ended = time.perf_counter()
        timings = {"retrieve": found - began, "answer": ended - found, "total": ended - began}
        yield Done(answer, {stage: round(seconds * 1000, 2) for stage, seconds in timings.items()})

    def _extract(self, question: Question, hits: Sequence[Hit]) -> Answer:
        return answer_extractively(question, hits, self.reader, self.threshold, self.retriever.passages_of)

    def warm_up(self) -> None:
        """Load dictionaries and models and read the first sentences now, not at a first question."""
        question = analyse_question("業問")
        self._extract(question, self.retriever.retrieve(question, 1))
        spans = ((p, span) for p in self.retriever.snapshot.passages for span in p.sentences)
        views = []
        for passage, span in islice(spans, READ_AT_START):
            article = self.retriever.snapshot.articles[self.retriever.snapshot.article_rows[passage.article_id]]
            views.append(read_sentence(article.body[span.start : span.end]))
        self.reader.remember(views)

    async def answer(self, request: Request) -> Done:
        """The last event alone."""
        async for event in self.respond(request):
            if isinstance(event, Done):
                return event
        raise AssertionError("respond always ends with Done")


def understand(request: Request) -> Question:
    """The question to search for, completed by the one before it where it leans on that."""
    earlier = [turn.content for turn in request.history if turn.role == "user"]
    text = request.question
    if earlier and sum(word.weight for word in asked(text).words) < LEANING_WEIGHT:
        text = carry_over(earlier[-1], text)
    script = request.script or detect_script(request.question)
    return replace(analyse_question(text, script), typed=request.question)


def carry_over(earlier: str, text: str) -> str:
    """A short question completed by the one before it.

    那合肥呢? takes the earlier question and puts 合肥 in the place of the word most like it (重慶); one that asks
    something of its own (它什麼時候量產?) is put behind the earlier question.
    """
    bare = _ELLIPSIS.fullmatch(fold(text))
    if bare is None:
        return f"{earlier} {text}"
    subject = text[bare.start(1) : bare.end(1)]
    folded = fold(earlier)
    words = [word.text for word in asked(earlier).words if not word.is_number and word.text in folded]
    if not words:
        return f"{earlier} {text}"
    vectors = word_vectors().of((fold(subject), *words))
    replaced = words[int((vectors[1:] @ vectors[0]).argmax())]
    at = folded.index(replaced)
    return earlier[:at] + subject + earlier[at + len(replaced) :]
