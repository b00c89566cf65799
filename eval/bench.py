"""Yewen beside LangChain, LlamaIndex, Haystack and txtai: the same documents, questions and encoder, in one run.

    python -m eval.bench --corpus FILE --queries FILE [--distractors FILE[:N]] [--most N] [--systems NAME …]

Files as ``yewen eval`` takes them. Each system runs in a process of its own, the others in environments of their own,
which are made under ``.bench/`` the first time (about 1 GB each, from the package index). Times depend on the machine;
the ratios beside them, all of one run, hardly.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

from eval import bench_system
from eval.outside import add_set_options, queries_with_gold, read_set
from indexer.encoder.static import to_sentence_transformers
from language.folding import fold

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".bench"
REQUIREMENTS = {
    "langchain": ("langchain-huggingface", "langchain-community", "langchain-classic", "faiss-cpu", "rank_bm25"),
    "llamaindex": (
        "llama-index-core",
        "llama-index-vector-stores-faiss",
        "llama-index-retrievers-bm25",
        "faiss-cpu",
    ),
    "haystack": ("haystack-ai",),
    "txtai": ("txtai", "faiss-cpu"),
}
FIGURES = {"build_s": "build, s", "p50_ms": "p50, ms", "p95_ms": "p95, ms", "rss_mb": "memory, MB"}
QUALITY = ("r@1", "r@5")


def python_of(system: str) -> Path:
    """The interpreter that a system runs in; its environment is made if need be."""
    if system not in REQUIREMENTS:
        return Path(sys.executable)
    folder = ENVIRONMENTS / system
    python = folder / "bin" / "python"
    if not (folder / ".installed").exists():
        print(f"making the environment {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        wanted = ["jieba", "sentence-transformers", "torch", *REQUIREMENTS[system]]
        options = ["--quiet", "--disable-pip-version-check", "--constraint", str(ROOT / "constraints.txt")]
        subprocess.run([str(python), "-m", "pip", "install", *options, *wanted], check=True)  # noqa: S603  (names of this file)
        (folder / ".installed").touch()
    return python


def write_work(folder: Path, corpus: Path, queries: Path, distractors: str | None, most: int | None) -> tuple[int, int]:
    """Write what every system reads; returns the number of documents and of characters."""
    articles, ids = read_set(corpus, distractors)
    texts = [f"{article.title}\n{article.body}".strip() for article in articles]
    asked = queries_with_gold(queries, most)
    right = [[number for number, a in enumerate(articles) if ids.get(a.id, set()) & query.gold] for query in asked]
    for which, form in (("original-", str), ("", fold)):
        questions = [[form(query.text), gold] for query, gold in zip(asked, right, strict=True)]
        for name, content in (("documents", [form(text) for text in texts]), ("questions", questions)):
            (folder / f"{which}{name}.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    to_sentence_transformers().save(str(folder / "encoder"))
    return len(texts), sum(map(len, texts))


def run(system: str, folder: Path) -> dict[str, float]:
    """The figures of one system."""
    here = {"PYTHONPATH": str(ROOT)} if system not in REQUIREMENTS else {}
    command = [str(python_of(system)), bench_system.__file__, system, str(folder)]
    done = subprocess.run(  # noqa: S603  (this file's neighbour)
        command, check=True, stdout=subprocess.PIPE, env={**os.environ, **here}, text=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def table(figures: Mapping[str, Mapping[str, float]]) -> str:
    """The figures, each with its ratio to Yewen's; for times and memory more than 1 means more than Yewen."""
    lines = [
        f"| | {' | '.join([*FIGURES.values(), *map(str.upper, QUALITY)])} |",
        "|---" * (1 + len(FIGURES) + len(QUALITY)) + "|",
    ]
    for system, row in figures.items():
        own = figures.get("yewen", row)
        cells = [f"{row[name]:.3g} (× {row[name] / own[name]:.2g})" for name in FIGURES]
        lines.append(f"| {system} | {' | '.join([*cells, *(f'{row[name]:.3f}' for name in QUALITY)])} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run every system and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_set_options(parser)
    parser.add_argument("--systems", nargs="+", choices=[*bench_system.SYSTEMS], default=[*bench_system.SYSTEMS])
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        documents, chars = write_work(folder, options.corpus, options.queries, options.distractors, options.most)
        for system in options.systems:
            python_of(system)
        print(f"{documents} documents, {chars / 1e6:.1f} million characters\n")
        print(table({system: run(system, folder) for system in options.systems}))


if __name__ == "__main__":
    main()
