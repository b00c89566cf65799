"""Run an outside set: index its documents as articles are, ask its queries through the endpoints, measure."""

import argparse
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.client import Client, Progress
from eval.metrics import percentile, share
from eval.ranking import Ranking, rank, retrieval_figures
from eval.readers import OutsideSetError, document_rows, query_rows
from eval.text import holds
from indexer.articles import Article, article_id
from indexer.build import build_index
from indexer.encoder import load_encoder
from language.folding import without_surrogates
from server.app import create_app
from server.engine import Engine, load_answerer
from server.settings import Settings

DEPTH = 50  # passages asked for, so that at least ten documents are among them as a rule


@dataclass(frozen=True, slots=True)
class Query:
    """One query; ``answerable`` is false where it must be refused."""

    id: str
    text: str
    gold: frozenset[str]
    answers: tuple[str, ...]
    answerable: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """How one query went."""

    query: Query
    ranking: Ranking
    grounded: bool
    first_right: bool
    contained: bool
    milliseconds: float


def read_documents(file: Path, most: int | None = None) -> Iterator[tuple[str, Article]]:
    """Ids and articles of a corpus, the first ``most``; rows without a text are passed over."""
    for count, (place, row) in enumerate(document_rows(file)):
        if most is not None and count >= most:
            return
        text = row.get("text")
        if not isinstance(text, str):
            raise OutsideSetError(f"{place}: a document needs 'text'")
        title, body = without_surrogates(str(row.get("title") or "")), without_surrogates(text)
        if body.strip():
            yield str(row.get("id", f"{file.name}#{count}")), Article(article_id(title, body), title, body, "", "")


def read_set(corpus: Path, distractors: str | None) -> tuple[list[Article], dict[str, set[str]]]:
    """The corpus and the distractors (``FILE`` or ``FILE:N``) as articles, and the corpus ids that share each text."""
    ids: defaultdict[str, set[str]] = defaultdict(set)
    articles: dict[str, Article] = {}
    for id, article in read_documents(corpus):
        ids[article.id].add(id)
        articles[article.id] = article
    if distractors:
        for _, article in read_documents(*_split(distractors)):
            articles.setdefault(article.id, article)
    return list(articles.values()), ids


def read_queries(file: Path) -> list[Query]:
    """The queries of a set; one without gold and answers counts as unanswerable."""
    queries: list[Query] = []
    for place, row in query_rows(file):
        text = row.get("query")
        if not isinstance(text, str) or not text.strip():
            raise OutsideSetError(f"{place}: a query needs 'query'")
        gold = frozenset(map(str, row.get("gold") or ()))
        answers = tuple(map(str, row.get("answers") or ()))
        answerable = bool(row.get("answerable", bool(gold or answers)))
        queries.append(
            Query(str(row.get("qid", len(queries))), without_surrogates(text)[:1000], gold, answers, answerable)
        )
    if not queries:
        raise OutsideSetError(f"{file}: no query in it")
    return queries


def queries_with_gold(file: Path, most: int | None) -> list[Query]:
    """The queries of a set that have a right document, the first ``most``."""
    return [query for query in read_queries(file) if query.gold][:most]


def add_set_options(parser: argparse.ArgumentParser) -> None:
    """What names a set, for commands that measure the retriever alone."""
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--distractors", metavar="FILE[:N]")
    parser.add_argument("--most", type=int, help="ask only the first so many queries with gold")


def run_outside(
    corpus: Path, queries: Path, distractors: str | None, settings: Settings, progress: Progress
) -> dict[str, Any]:
    """Index, ask, and return the figures of the contract."""
    wanted = read_queries(queries)
    articles, ids = read_set(corpus, distractors)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        build_index(Path(folder), articles, load_encoder(settings.encoder))
        index_s = time.perf_counter() - began
        engine = Engine(lambda: load_answerer(_at(settings, Path(folder))))
        with Client(create_app(engine)) as client:
            asked = []
            for number, query in enumerate(wanted, 1):
                asked.append(_ask(client, query, ids))
                progress(number, len(wanted))
    return figures(asked, index_s, sum(len(article.body) for article in articles))


def _at(settings: Settings, index: Path) -> Settings:
    return Settings(index=index, encoder=settings.encoder, reranker=settings.reranker)


def _split(distractors: str) -> tuple[Path, int | None]:
    name, colon, count = distractors.rpartition(":")
    if colon and count.isascii() and count.isdigit():
        return Path(name), int(count)
    return Path(distractors), None


def _ask(client: Client, query: Query, ids: dict[str, set[str]]) -> Asked:
    found = client.search(query.text, DEPTH)["hits"]
    documents = list(dict.fromkeys(hit["article_id"] for hit in found))
    began = time.perf_counter()
    response = client.answer(query.text, [])
    milliseconds = (time.perf_counter() - began) * 1000
    citations = response["citations"]
    gold_first = bool(citations) and bool(ids.get(citations[0]["article_id"], set()) & query.gold)
    return Asked(
        query,
        rank([ids.get(document, set()) for document in documents], query.gold),
        response["grounded"],
        gold_first and any(holds(citations[0]["quote"], answer) for answer in query.answers),
        gold_first and any(holds(response["answer"], answer) for answer in query.answers),
        milliseconds,
    )


def figures(asked: Sequence[Asked], index_s: float, chars: int) -> dict[str, Any]:
    """The document of the contract (design.md, command line)."""
    answered = [a for a in asked if a.query.gold and a.query.answers]
    answerable = [a for a in asked if a.query.answerable]
    unanswerable = [a for a in asked if not a.query.answerable]
    times = [a.milliseconds for a in asked]
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20)
    return {
        "retrieval": retrieval_figures([a.ranking for a in asked if a.query.gold]),
        "answer": {
            "n": len(answered),
            "sentence_accuracy": share([a.first_right for a in answered]),
            "answer_contained": share([a.contained for a in answered]),
        },
        "refusal": {
            "n_unanswerable": len(unanswerable),
            "refused": share([not a.grounded for a in unanswerable]),
            "n_answerable": len(answerable),
            "wrongly_refused": share([not a.grounded for a in answerable]),
        },
        "timing": {
            "index_s": round(index_s, 2),
            "chars": chars,
            "query_p50_ms": percentile(times, 0.5),
            "query_p95_ms": percentile(times, 0.95),
            "rss_mb": round(rss),
        },
    }
