"""``yewen eval``: the own question set through the answer endpoint, or an outside set."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from eval.client import Client, EndpointError
from eval.metrics import Outcome, judge, own_figures
from eval.outside import run_outside
from eval.questions import QUESTIONS, EvalQuestion, read_questions
from eval.report import html_report, text_report
from server.app import create_app
from server.engine import Engine, load_answerer
from server.settings import Settings


def evaluate(options: argparse.Namespace, settings: Settings) -> int:
    """Run what the options ask for, print a table, write the files; returns the exit status."""
    try:
        if options.corpus:
            if options.url or options.set:
                raise ValueError("an outside set is indexed in this process: leave --url and --set out")
            document = run_outside(options.corpus, options.queries, options.distractors, settings, _progress)
            page = text = ""
        else:
            outcomes = run_own(read_questions(options.set or QUESTIONS), options.url, settings)
            document = {"figures": own_figures(outcomes), "questions": [outcome_document(o) for o in outcomes]}
            page, text = html_report(outcomes) if options.html else "", text_report(outcomes)
    except EndpointError as error:
        print(f"yewen: {error}", file=sys.stderr)
        return 1
    if options.html and not page:
        raise ValueError("--html is for the own question set")
    if options.html:
        options.html.write_text(page, encoding="utf-8")
    if options.json and str(options.json) != "-":
        options.json.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if options.json and str(options.json) == "-":
        print(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        print(text or json.dumps(document, ensure_ascii=False, indent=1))
    return 0


def run_own(questions: Sequence[EvalQuestion], url: str | None, settings: Settings) -> list[Outcome]:
    """Ask every question through the endpoint, at ``url`` or in this process, and judge the answers."""
    app = None if url else create_app(Engine(lambda: load_answerer(settings)))
    outcomes = []
    with Client(app, url or "") as client:
        bodies: dict[str, str] = {}
        for number, question in enumerate(questions, 1):
            began = time.perf_counter()
            response = client.answer(question.question, [dict(turn) for turn in question.history])
            milliseconds = (time.perf_counter() - began) * 1000
            for citation in response["citations"]:
                if citation["article_id"] not in bodies:
                    bodies[citation["article_id"]] = client.article(citation["article_id"])["body"]
            outcomes.append(judge(question, response, bodies, milliseconds))
            _progress(number, len(questions))
    return outcomes


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """One question's outcome for the JSON file."""
    question = outcome.question
    return {
        "id": question.id,
        "question": question.question,
        "kind": question.kind,
        "script": question.script,
        "answerable": question.answerable,
        "words": [list(group) for group in question.words],
        "refused": outcome.refused,
        "held": outcome.held,
        "first": outcome.first,
        "located": outcome.located,
        "confidence": outcome.response["confidence"],
        "answer": outcome.response["answer"],
        "quotes": [citation["quote"] for citation in outcome.response["citations"]],
        "ms": round(outcome.milliseconds, 2),
    }


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
