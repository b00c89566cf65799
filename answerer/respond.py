"""From a question to its answer: retrieve, then write with the language model if there is one, else extract."""

import re
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from answerer.answer import Answer
from answerer.asked import NAME_TAGS, asked
from answerer.conversation import Message
from answerer.extractive import Found, answer_extractively
from answerer.features import candidates
from answerer.language_model_errors import LanguageModelError
from answerer.reader import Beside, Reader, rerank
from answerer.sentences import word_vectors
from language.folding import fold
from language.script import Script, detect_script
from language.segmentation import tagged_words
from prompts import fallback_note
from retriever import EVERYWHERE, HITS, Hit, Question, Retriever, Scope, analyse_question

if TYPE_CHECKING:
    from answerer.language_model import LanguageModel  # imports httpx, which only a model needs

_ELLIPSIS = re.compile(r"(?:那么?|那麽|至于|换成|咁|噉)?(.{1,12}?)(?:又?呢|又如何|又怎么样|点样?)[?？。!\s]*")
READ_AT_START = 1000  # sentences
EARLIER_WEIGHT = -0.5  # of how well a sentence answers the question before a follow-up; eval/LOG.md
LONGEST_EARLIER = 500  # characters of a question that a follow-up is read against: reading takes time
SAYS_LITTLE = 12.0  # summed idf of content words under which a question needs the whole one before it
SHORT = 4  # characters of a subject that is taken for a name
_COUNTED = frozenset(("m", "t"))  # jieba's tags of numbers and times
_POINTS_BACK = re.compile(
    r"[它他她佢]|其(?=[中他]|[^实次它])|该|[这那](?=[批个种些款家次位项辆台座]|$)|前者|后者|当时|同期|里面|当中|之后|此[前后外]|呢[个间种啲]|嗰"
)


@dataclass(frozen=True, slots=True)
class Request:
    """One question with its conversation and limits; ``top_k`` is how many passages are read."""

    question: str
    history: tuple[Message, ...] = ()
    script: Script | None = None
    top_k: int = HITS
    scope: Scope = EVERYWHERE


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The passages were found and put in order."""

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
        if self.model is not None and request.history:
            question = await self._rewritten(question, request.history, self.model)
        understood = time.perf_counter()
        found = self.find(question, request.top_k, request.scope)
        hits, ready = found.hits, time.perf_counter()
        yield Retrieved(hits)
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
                answer = self._extract(question, found)
                answer = replace(answer, notes=(note, *answer.notes))
        if answer is None:
            answer = self._extract(question, found)
            yield Delta(answer.text)
        ended = time.perf_counter()
        timings = {"retrieve": ready - understood, "answer": ended - ready, "total": ended - began}
        if self.model is not None and request.history:
            timings = {"rewrite": understood - began, **timings}
        yield Done(answer, {stage: round(seconds * 1000, 2) for stage, seconds in timings.items()})

    async def _rewritten(self, question: Question, history: Sequence[Message], model: "LanguageModel") -> Question:
        """The question as the model makes it whole; as the rules do where it cannot."""
        from answerer.rewriting import rewrite

        text = await rewrite(question.typed, history, question.script, model)
        return replace(analyse_question(text, question.script), typed=question.typed) if text else question

    def find(self, question: Question, k: int = HITS, scope: Scope = EVERYWHERE, read: int | None = None) -> Found:
        """The ``k`` best passages, the first ``read`` (all, if not given) read with the question.

        They come in the order of what was read in them, unless a cross-encoder has ordered them. What a follow-up asks
        for is read as it was typed too, and what answers the question before it counts against a sentence.
        """
        searched = question
        beside: Beside = ()
        if question.earlier:
            searched = analyse_question(f"{question.earlier} {question.typed}", question.script)
            beside = ((question.typed, 1.0), (question.earlier, EARLIER_WEIGHT))
        hits = self.retriever.retrieve(searched, k, scope)
        reading = self.reader.read(question.text, candidates(hits[:read]), beside)
        return Found(asked(question.text), tuple(hits if self.retriever.reranker else rerank(hits, reading)), reading)

    def search(self, question: Question, k: int, scope: Scope = EVERYWHERE) -> tuple[Hit, ...]:
        """The ``k`` best passages, in the order that an answer's have."""
        return self.find(question, max(k, HITS), scope, HITS).hits[:k]

    def _extract(self, question: Question, found: Found) -> Answer:
        return answer_extractively(question, found, self.threshold, self.retriever.passages_of)

    def warm_up(self) -> None:
        """Load dictionaries and models and read the first sentences now, not at a first question."""
        question = analyse_question("業問")
        self._extract(question, self.find(question))
        snapshot = self.retriever.snapshot
        places = (
            (snapshot.articles[snapshot.article_rows[passage.article_id]], span)
            for passage in snapshot.passages
            for span in passage.sentences
        )
        self.reader.remember(list(islice(places, READ_AT_START)))

    async def answer(self, request: Request) -> Done:
        """The last event alone."""
        async for event in self.respond(request):
            if isinstance(event, Done):
                return event
        raise AssertionError("respond always ends with Done")


def understand(request: Request) -> Question:
    """The question to search for, completed by the turns before it where it leans on them."""
    earlier, text = "", ""
    turns = [*request.history, Message("user", request.question)]
    for before, turn in zip([None, *turns], turns, strict=False):
        if turn.role == "user":
            reply = before.content if before is not None and before.role == "assistant" else ""
            earlier, text = text, complete(text, reply, turn.content) if text else turn.content
    script = request.script or detect_script(request.question)
    leans = text != request.question and len(earlier) <= LONGEST_EARLIER
    return replace(analyse_question(text, script), typed=request.question, earlier=earlier if leans else "")


def complete(earlier: str, reply: str, text: str) -> str:
    """A question made whole by the one before it, itself whole, and what was replied to that.

    那合肥呢? takes the earlier question and puts 合肥 in the place of the word most like it (重慶). One that points
    back (它什麼時候量產?) or names nothing is given what was named before; one that says little by itself, or where
    nothing was named, the whole earlier question.
    """
    folded = fold(text)
    if bare := _ELLIPSIS.fullmatch(folded):
        return _put_in(earlier, text[bare.start(1) : bare.end(1)])
    if not _POINTS_BACK.search(folded) and names(text):
        return text
    missing = dict.fromkeys(name for name in (*names(earlier), *names(reply)) if name not in folded)
    if not missing or sum(word.weight for word in asked(text).words) < SAYS_LITTLE:
        return f"{earlier} {text}"
    return " ".join([*missing, text])


def names(text: str) -> list[str]:
    """The people, places, firms and products that a text names, folded, as jieba tags them."""
    return [word.text for word in tagged_words(fold(text)) if word.tag in NAME_TAGS and len(word.text) > 1]


def _put_in(earlier: str, subject: str) -> str:
    """The earlier question about something else: ``subject`` in the place of the word that is most like it.

    A short subject is taken for a name or, with a digit in it, for a number: these then come before other words.
    """
    folded = fold(earlier)
    kinds = _COUNTED if any(c.isdigit() for c in subject) else NAME_TAGS if len(subject) <= SHORT else frozenset()
    words = [word.text for word in tagged_words(folded) if word.tag in kinds] or [
        word.text for word in asked(earlier).words if not word.is_number and word.text in folded
    ]
    if not words:
        return f"{earlier} {subject}"
    vectors = word_vectors().of((fold(subject), *words))
    replaced = words[int((vectors[1:] @ vectors[0]).argmax())]
    at = folded.index(replaced)
    return earlier[:at] + subject + earlier[at + len(replaced) :]
