"""Ablations: what each stage is worth, by taking it out, and what another model, limit or size would give.

    python -m eval.ablations [--encoder NAME] [--reranker NAME] [--prompts FOLDER] [--json FILE] [--svg FILE]

Every variant answers the own question set through the endpoint in this process; the table compares it with the system
as it is. A prompt is swapped where YEWEN_LLM_BASE_URL names a language model.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import numpy as np

from answerer.features import Candidate
from answerer.language_model import LanguageModel, Message
from answerer.reader import Beside, Reader, Reading
from answerer.respond import Answerer
from eval.client import Client
from eval.comparison import Difference, differences
from eval.metrics import interval, means, values_of
from eval.plots import standalone, whiskers
from eval.questions import QUESTIONS, EvalQuestion, read_questions
from eval.records import Record
from eval.run import ask_all
from indexer.articles import read_articles
from indexer.build import build_index
from indexer.encoder import BUILT_IN, load_encoder
from indexer.passages import SIZE
from language.script import SCRIPTS
from prompts import answer_prompt
from server.app import create_app
from server.engine import Engine, load_answerer
from server.settings import Settings, read_settings

SEEDS = Path(__file__).parents[1] / "seeds"
SIZES = (120, 480)  # characters of a passage, beside the usual
LIMITS = (3, 6, 24)  # passages read, beside the usual
COLUMNS = ("gold_words_held", "first_citation", "wrongly_refused", "refused", "passage_r@1", "passage_r@5")
PLOTTED = "gold_words_held"

Change = Callable[[Answerer], Answerer]


@dataclass(frozen=True, slots=True)
class Variant:
    """One system to measure: what is changed in the answerer, or what it is built and asked with."""

    name: str
    change: Change = field(default=lambda answerer: answerer)
    encoder: str = BUILT_IN
    reranker: str = ""
    size: int = SIZE
    top_k: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """What a variant reached, and how that differs from the system as it is, measure by measure."""

    variant: Variant
    records: tuple[Record, ...]
    changed: dict[str, Difference]


class UnrankedReader(Reader):
    """Leaves the candidates in the order they were found in; what it takes for answerable is the real reader's."""

    def read(self, text: str, found: Sequence[Candidate], beside: Beside = ()) -> Reading:
        """The real reading with its ranking taken out."""
        reading = Reader.read(self, text, found, beside)
        places = {(candidate.article.id, candidate.start): at for at, candidate in enumerate(found)}
        order = sorted(reading.candidates, key=lambda c: places[c.article.id, c.start])
        return replace(reading, candidates=tuple(order), scores=-np.arange(len(order), dtype=np.float32))


class RepromptedModel(LanguageModel):
    """The same model told something else: ``answer.zh-Hant.txt`` and ``answer.zh-Hans.txt`` come from a folder."""

    def __init__(self, settings: Settings, folder: Path, transport: httpx.AsyncBaseTransport | None = None) -> None:
        super().__init__(settings.llm_base_url, settings.llm_model, settings.llm_api_key, transport=transport)
        self._prompts = {answer_prompt(script): answer_prompt(script, folder) for script in SCRIPTS}

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        """Ask with the other system prompt."""
        told = [replace(message, content=self._prompts.get(message.content, message.content)) for message in messages]
        async for piece in super().stream(told):
            yield piece


def without(**weights: float) -> Change:
    """The retriever with other weights."""
    return lambda answerer: replace(answerer, retriever=replace(answerer.retriever, **weights))  # type: ignore[arg-type]


def unranked(answerer: Answerer) -> Answerer:
    """The reader's network taken out."""
    reader = UnrankedReader(**{name: getattr(answerer.reader, name) for name in Reader.__dataclass_fields__})
    return replace(answerer, reader=reader)


def variants(encoder: str, reranker: str, prompts: Path | None, settings: Settings) -> list[Variant]:
    """The system as it is, then every change of it."""
    usual = Variant("as it is")
    found = [
        usual,
        Variant("without lexical search", without(lexical_weight=0.0)),
        Variant("without dense search", without(dense_weight=0.0)),
        Variant("without concepts", without(concept_weight=0.0)),
        Variant("without whole articles", without(article_weight=0.0)),
        Variant("without the reader's ranking", unranked),
        Variant("without refusal", lambda answerer: replace(answerer, threshold=0.0)),
        *(Variant(f"{limit} passages read", top_k=limit) for limit in LIMITS),
        *(Variant(f"passages of {size}", size=size) for size in SIZES),
    ]
    if encoder:
        found.append(Variant(f"encoder {encoder}", encoder=encoder))
    if reranker:
        found.append(Variant(f"reranker {reranker}", reranker=reranker))
    if settings.llm_base_url:
        found.append(Variant("without the language model", lambda answerer: replace(answerer, model=None)))
    if prompts is not None:
        reprompted = RepromptedModel(settings, prompts)
        found.append(Variant(f"prompts of {prompts.name}", lambda answerer: replace(answerer, model=reprompted)))
    return found


def run(variant: Variant, questions: Sequence[EvalQuestion], settings: Settings) -> list[Record]:
    """The records of one variant over the seed articles."""
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder)
        build_index(index, read_articles([SEEDS]), load_encoder(variant.encoder), size=variant.size)
        changed = replace(
            settings, index=index, encoder=variant.encoder, reranker=variant.reranker, store="faiss", milvus_uri=""
        )
        with Client(create_app(Engine(lambda: variant.change(load_answerer(changed)))), top_k=variant.top_k) as client:
            return ask_all(client, questions, parity=False)[0]


def results(wanted: Sequence[Variant], questions: Sequence[EvalQuestion], settings: Settings) -> list[Result]:
    """Every variant measured; the first is what the others are compared with."""
    measured: list[Result] = []
    for variant in wanted:
        records = run(variant, questions, settings)
        base = measured[0].records if measured else records
        changed = {one.measure.name: one for one in differences(base, records)}
        measured.append(Result(variant, tuple(records), changed))
        print(f"{variant.name}: done", file=sys.stderr, flush=True)
    return measured


def table(measured: Sequence[Result]) -> str:
    """One line a variant; a star where the difference is unlikely to be chance (p < .05)."""
    width = max(len(result.variant.name) for result in measured) + 2
    lines = [" " * width + "".join(f"{name:>17}" for name in COLUMNS)]
    for result in measured:
        found = means(result.records)
        cells = (
            f"{found[name]:.3f}{'*' if name in result.changed and result.changed[name].telling else ' '}"
            if name in found
            else "- "
            for name in COLUMNS
        )
        lines.append(f"{result.variant.name:{width}}" + "".join(f"{cell:>17}" for cell in cells))
    return "\n".join([*lines, "* differs from the first line, p < .05 (exact McNemar test, question by question)"])


def plot(measured: Sequence[Result]) -> str:
    """The plot as an SVG file."""
    rows = []
    for result in measured:
        values = values_of(result.records, PLOTTED)
        rows.append((result.variant.name, sum(values) / max(len(values), 1), *interval(values)))
    return standalone(whiskers("Ablations: gold words in the cited sentences", rows))


def document(measured: Sequence[Result]) -> dict[str, object]:
    """The JSON file: figures and tests of every variant by name."""
    return {
        result.variant.name: {
            "figures": means(result.records),
            "p": {name: one.p for name, one in result.changed.items()},
            "worse": sorted(result.changed[PLOTTED].lost) if PLOTTED in result.changed else [],
            "better": sorted(result.changed[PLOTTED].gained) if PLOTTED in result.changed else [],
        }
        for result in measured
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every variant and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--set", type=Path, default=QUESTIONS, metavar="FILE", help="question set")
    parser.add_argument("--encoder", default="", metavar="NAME", help="also another encoder")
    parser.add_argument("--reranker", default="", metavar="NAME", help="also a reranker")
    parser.add_argument("--prompts", type=Path, metavar="FOLDER", help="also other templates answer.zh-Han?.txt")
    parser.add_argument("--only", default="", metavar="TEXT", help="only variants whose name holds this")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write figures and tests there")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write a plot there")
    options = parser.parse_args(arguments)
    settings = read_settings()
    if options.prompts is not None and not settings.llm_base_url:
        parser.error("--prompts needs a language model: set YEWEN_LLM_BASE_URL and YEWEN_LLM_MODEL")
    every = variants(options.encoder, options.reranker, options.prompts, settings)
    wanted = [every[0], *(variant for variant in every[1:] if options.only in variant.name)]
    measured = results(wanted, read_questions(options.set), settings)
    print(table(measured))
    if options.json:
        options.json.write_text(json.dumps(document(measured), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if options.svg:
        options.svg.write_text(plot(measured), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
