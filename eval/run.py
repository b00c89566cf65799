"""``yewen eval``: the own question set through the answer endpoint, an outside set, or candidates from feedback."""

import argparse
import json
import resource
import sys
import time
from collections.abc import Sequence
from typing import Any

from answerer.language_model import LanguageModel, LanguageModelError
from eval.client import Client, EndpointError, Progress
from eval.comparison import differences
from eval.feedback import candidate_lines, candidates
from eval.judging import judge_answers, parse_judge
from eval.metrics import figures, interval, values_of
from eval.outside import run_outside
from eval.page import html_page
from eval.parity import parity_values
from eval.questions import QUESTIONS, EvalQuestion, read_questions
from eval.records import Record, judge, read_records, record_document
from eval.report import text_report
from server.app import create_app
from server.engine import Engine, load_answerer
from server.settings import Settings

WIDTH = 32  # characters of the progress bar


def evaluate(options: argparse.Namespace, settings: Settings) -> int:
    """Run what the options ask for, print a table, write the files; returns the exit status."""
    try:
        if options.from_feedback:
            return _candidates(options)
        if options.corpus:
            document = run_outside(options.corpus, options.queries, options.distractors, settings, progress)
            return _write(options, document, "", "")
        return _own(options, settings)
    except (EndpointError, LanguageModelError) as error:
        print(f"yewen: {error}", file=sys.stderr)
        return 1


def usage_problem(options: argparse.Namespace) -> str:
    """What is wrong with the options together, known before anything is measured; "" if nothing."""
    if bool(options.corpus) != bool(options.queries):
        return "--corpus and --queries go together: give both"
    own = {
        "--set": options.set,
        "--url": options.url,
        "--html": options.html,
        "--compare": options.compare,
        "--judge": options.judge,
        "--no-parity": options.no_parity,
    }
    given = [name for name, value in own.items() if value]
    if options.corpus and given:
        return f"{given[0]} is for the own question set, --corpus an outside set: leave one out"
    if options.from_feedback and (options.corpus or set(given) - {"--set"}):
        return "--from-feedback asks nothing: only --set and --json go with it"
    if options.judge and not all(parse_judge(options.judge)):
        return f"--judge {options.judge!r}: give MODEL@URL, such as qwen3:8b@http://127.0.0.1:11434/v1"
    return ""


def _candidates(options: argparse.Namespace) -> int:
    known = [question.question for question in read_questions(options.set or QUESTIONS)]
    lines = candidate_lines(candidates(options.from_feedback, known))
    if options.json and str(options.json) != "-":
        options.json.write_text(lines, encoding="utf-8")
    else:
        print(lines, end="")
    return 0


def _own(options: argparse.Namespace, settings: Settings) -> int:
    before = read_records(options.compare) if options.compare else []
    questions = read_questions(options.set or QUESTIONS)
    records, system = run_own(questions, options.url, settings, parity=not options.no_parity)
    if options.judge:
        model, url = parse_judge(options.judge)
        key = settings.llm_api_key if url.rstrip("/") == settings.llm_base_url.rstrip("/") else ""  # no other's
        records = judge_answers(records, LanguageModel(url, model, key, deadline_s=120.0), progress)
        system["judge"] = model
    changed = differences(before, records)
    if options.compare and not changed:
        raise ValueError(f"{options.compare} shares no question with this run: compare runs of the same set")
    page = html_page(records, system, before, changed, options.compare) if options.html else ""
    return _write(options, run_document(records, system), page, text_report(records, system, changed))


def _write(options: argparse.Namespace, document: dict[str, Any], page: str, text: str) -> int:
    if options.html:
        options.html.write_text(page, encoding="utf-8")
    shown = json.dumps(document, ensure_ascii=False, indent=1)
    if options.json and str(options.json) != "-":
        options.json.write_text(shown + "\n", encoding="utf-8")
    print(shown if str(options.json) == "-" or not text else text)
    return 0


def run_own(
    questions: Sequence[EvalQuestion], url: str | None, settings: Settings, *, parity: bool
) -> tuple[list[Record], dict[str, Any]]:
    """Ask every question through the endpoint, at ``url`` or in this process; the records and what was measured."""
    if url:
        with Client(url=url, key=settings.api_key) as client:
            return ask_all(client, questions, parity=parity)
    with Client(create_app(Engine(lambda: load_answerer(settings)))) as client:
        records, system = ask_all(client, questions, parity=parity)
    return records, system | {"rss_mb": resident_mb()}


def ask_all(
    client: Client, questions: Sequence[EvalQuestion], *, parity: bool, show: "Progress | None" = None
) -> tuple[list[Record], dict[str, Any]]:
    """Ask every question, and where ``parity`` is wanted its variants; judge the answers."""
    show = progress if show is None else show
    bodies: dict[str, str] = {}
    records = []
    generators: set[str] = set()
    index = client.index()
    for number, question in enumerate(questions, 1):
        began = time.perf_counter()
        hits, response = client.ask(question.question, question.history)
        milliseconds = (time.perf_counter() - began) * 1000
        needed = [*hits, *response["citations"], *({"article_id": span.article} for span in question.gold)]
        for id in {str(one["article_id"]) for one in needed} - bodies.keys():
            bodies[id] = client.article(id)["body"]
        record = judge(question, response, hits, bodies, milliseconds)
        if parity:
            record = record.with_values(parity_values(client, question, hits, response))
        records.append(record)
        generators.add(str(response["generator"]))
        show(number, len(questions))
    system = {"index": index["id"], "encoder": index["encoder"], "generator": ", ".join(sorted(generators))}
    return records, {"when": time.strftime("%Y-%m-%d %H:%M"), **system, "passages": index["passages"]}


def run_document(records: Sequence[Record], system: dict[str, Any]) -> dict[str, Any]:
    """The JSON file of a run."""
    found = figures(records)
    return {
        "figures": found,
        "intervals": {name: interval(values) for name in found if (values := values_of(records, name))},
        "system": system,
        "questions": [record_document(record) for record in records],
    }


def resident_mb() -> int:
    """The most memory that this process has held, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1024))


def progress(done: int, total: int) -> None:
    """A bar on a terminal; nothing elsewhere."""
    if sys.stderr.isatty():
        full = WIDTH * done // total
        bar = "█" * full + "·" * (WIDTH - full)
        print(f"\r{bar} {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
