"""The command line: wires the rooms together and holds no logic of its own."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from indexer.articles import is_day
from indexer.encoder import EncoderError
from indexer.engines import ENGINES, EngineError
from indexer.snapshot import SnapshotError
from language.folding import without_surrogates
from language.script import SCRIPTS
from retriever import RerankerError, Scope
from server.completion import SHELLS, completion_script
from server.settings import STORES, Settings, SettingsError, read_settings

SEEDS = Path(__file__).parent / "seeds"


class UsageError(Exception):
    """The command line asks for something it cannot have."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 (failed) or 2 (usage)."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        settings = read_settings()
        if getattr(options, "index", None):
            settings = replace(settings, index=options.index)
        return int(options.run(options, settings))
    except (SettingsError, UsageError) as error:
        print(f"yewen: {error}", file=sys.stderr)
        return 2
    except (EncoderError, EngineError, RerankerError, SnapshotError, OSError, ValueError) as error:
        print(f"yewen: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("yewen: stopped; the index is as it was", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="yewen", description="業問: ask an industry's articles, in any Chinese script."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    _add_index(commands)

    search = commands.add_parser("search", help="find passages")
    search.add_argument("question", metavar="QUESTION")
    search.add_argument("-k", type=_count, default=5, metavar="N", help="passages to show (default: 5)")
    search.set_defaults(run=_search)

    ask = commands.add_parser("ask", help="answer a question")
    ask.add_argument("question", metavar="QUESTION")
    ask.add_argument("--script", choices=("auto", *SCRIPTS), default="auto", help="script of the answer")
    ask.set_defaults(run=_ask)
    for command in (search, ask):
        command.add_argument("--industry", metavar="NAME", help="only articles of this industry")
        command.add_argument("--source", metavar="NAME", help="only articles from this source")
        command.add_argument("--since", type=_day, metavar="DATE", help="only articles of this day or later")
        command.add_argument("--until", type=_day, metavar="DATE", help="only articles of this day or earlier")
        command.add_argument("--index", type=Path, metavar="DIR", help="where the index is kept (default: .yewen)")
        command.add_argument("--json", action="store_true", help="print one JSON document")

    serve = commands.add_parser("serve", help="serve the chat page and the HTTP endpoints")
    serve.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (default: 8000)")
    serve.add_argument("--index", type=Path, metavar="DIR", help="where the index is kept (default: .yewen)")
    serve.set_defaults(run=_serve)

    tools = commands.add_parser("mcp", help="serve the tools for language models on standard input and output")
    tools.add_argument("--index", type=Path, metavar="DIR", help="where the index is kept (default: .yewen)")
    tools.set_defaults(run=_mcp)

    doctor = commands.add_parser("doctor", help="check the set-up and say what to mend")
    doctor.add_argument("--index", type=Path, metavar="DIR", help="where the index is kept (default: .yewen)")
    doctor.add_argument("--json", action="store_true", help="print one JSON document")
    doctor.set_defaults(run=_doctor)

    completion = commands.add_parser("completion", help="print a script that completes commands in a shell")
    completion.add_argument("shell", choices=SHELLS)
    completion.set_defaults(run=_completion)

    evaluate = commands.add_parser("eval", help="measure on a question set, through the answer endpoint")
    evaluate.add_argument("--set", type=Path, metavar="FILE", help="question set (default: eval/questions.jsonl)")
    evaluate.add_argument("--url", help="a running server to ask (default: one inside this process)")
    evaluate.add_argument("--corpus", type=Path, metavar="FILE", help="an outside set's documents, .jsonl or .jsonl.xz")
    evaluate.add_argument("--queries", type=Path, metavar="FILE", help="an outside set's questions")
    evaluate.add_argument("--distractors", metavar="FILE[:N]", help="other documents, the first N of the file")
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write the figures there ('-': standard output)")
    evaluate.add_argument("--html", type=Path, metavar="FILE", help="write a report there")
    evaluate.add_argument("--compare", type=Path, metavar="EARLIER.json", help="an earlier run's --json file")
    evaluate.add_argument("--no-parity", action="store_true", help="do not ask again in the other scripts")
    evaluate.add_argument("--judge", metavar="MODEL@URL", help="a language model judges the answers too")
    evaluate.add_argument("--from-feedback", type=Path, metavar="FILE", help="thumbs-down as candidate questions")
    evaluate.add_argument("--index", type=Path, metavar="DIR", help="where the index is kept (default: .yewen)")
    evaluate.set_defaults(run=_eval)
    return parser


def _add_index(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    index = commands.add_parser("index", help="index articles")
    index.add_argument("paths", nargs="*", metavar="PATH", help="files, folders, addresses (default: seeds/)")
    index.add_argument("--add", action="store_true", help="keep the articles that the index has")
    index.add_argument("--industry", default="", metavar="NAME", help="industry of articles that do not tell theirs")
    index.add_argument("--source", default="", metavar="NAME", help="source of articles that do not tell theirs")
    index.add_argument("--index", type=Path, metavar="DIR", help="where the index is kept (default: .yewen)")
    index.add_argument("--store", choices=STORES, help="where the vectors go (default: YEWEN_STORE, or faiss)")
    index.add_argument("--engine", choices=ENGINES, default="local", help="where the work is done (default: local)")
    index.add_argument("--json", action="store_true", help="print one JSON document")
    index.set_defaults(run=_index)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 50:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 50")
    return int(text)


def _day(text: str) -> str:
    if not is_day(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no date: write it as 2025-09-30")
    return text


def _scope(options: argparse.Namespace) -> Scope:
    return Scope(options.industry, options.source, options.since, options.until)


def _question(options: argparse.Namespace) -> str:
    text = without_surrogates(options.question).strip()
    if not text:
        raise UsageError("the question is empty: write what you want to know")
    if len(text) > 1000:
        raise UsageError(f"the question has {len(text)} characters; at most 1000 are read")
    return text


def _print_json(document: object) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=1))


def _index(options: argparse.Namespace, settings: Settings) -> int:
    from indexer.build import update_index
    from indexer.collect import gather, take_in
    from indexer.encoder import load_encoder
    from indexer.formats import Draft
    from server.presentation import taken_document
    from server.terminal import progress_on, taken_text

    progress = progress_on(sys.stderr)
    defaults = Draft(industry=options.industry, source=options.source)
    found = gather(options.paths or [str(SEEDS)], defaults, progress, apart=settings.index)
    build = partial(
        update_index,
        settings.index,
        encoder=load_encoder(settings.encoder),
        progress=progress,
        store=options.store or settings.store,
        milvus_uri=settings.milvus_uri,
        engine=options.engine,
    )
    taken = take_in(settings.index, found, build, keep=options.add, progress=progress)
    if options.json and taken.manifest:
        _print_json(taken_document(taken, taken.manifest))
    summary, troubles = taken_text(taken)
    for line in troubles:
        print(line, file=sys.stderr)
    if not options.json and taken.manifest:
        print(summary, file=sys.stderr if taken.refused else sys.stdout)
    return 1 if taken.refused else 0


def _search(options: argparse.Namespace, settings: Settings) -> int:
    from retriever import analyse_question
    from server.engine import load_answerer
    from server.presentation import hit_document
    from server.terminal import hit_text, paint_for

    question = _question(options)
    answerer = load_answerer(settings)
    hits = answerer.search(analyse_question(question), options.k, _scope(options))
    if options.json:
        documents = [hit_document(hit) for hit in hits]
        _print_json({"query": question, "hits": documents, "index": answerer.retriever.snapshot.id})
    else:
        paint = paint_for(sys.stdout)
        print("\n\n".join(hit_text(number, hit, paint) for number, hit in enumerate(hits, 1)))
    return 0


def _ask(options: argparse.Namespace, settings: Settings) -> int:
    from answerer.respond import Request
    from server.engine import load_answerer
    from server.presentation import answer_document
    from server.terminal import answer_text, paint_for

    script = None if options.script == "auto" else options.script
    request = Request(_question(options), script=script, scope=_scope(options))
    answerer = load_answerer(settings)
    done = asyncio.run(answerer.answer(request))
    if options.json:
        _print_json(answer_document(done, answerer.retriever.snapshot.id))
    else:
        print(answer_text(done.answer, paint_for(sys.stdout)))
    return 0


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    from server.run import serve

    if options.port is not None and not 0 < options.port < 65536:
        raise UsageError(f"--port {options.port} is no port: give a number from 1 to 65535")
    return serve(replace(settings, host=options.host or settings.host, port=options.port or settings.port))


def _mcp(options: argparse.Namespace, settings: Settings) -> int:
    from server.run import serve_tools

    return serve_tools(settings)


def _doctor(options: argparse.Namespace, settings: Settings) -> int:
    from server.doctor import examine, finding_text
    from server.terminal import paint_for

    findings = []
    paint = paint_for(sys.stdout)
    for finding in examine(settings):
        findings.append(finding)
        if not options.json:
            print(finding_text(finding, paint), flush=True)
    well = all(finding.state != "fault" for finding in findings)
    if options.json:
        _print_json({"well": well, "findings": [asdict(finding) for finding in findings]})
    return 0 if well else 1


def _completion(options: argparse.Namespace, settings: Settings) -> int:
    print(completion_script(_parser(), options.shell))
    return 0


def _eval(options: argparse.Namespace, settings: Settings) -> int:
    try:
        from eval.run import evaluate, usage_problem
    except ModuleNotFoundError as error:
        raise UsageError(f"eval needs {error.name}: pip install 'yewen[eval]'") from None
    if problem := usage_problem(options):
        raise UsageError(problem)
    return evaluate(options, settings)


if __name__ == "__main__":
    sys.exit(main())
