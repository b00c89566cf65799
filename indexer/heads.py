"""Heads: what is known of a snapshot's articles without reading what they say.

Every snapshot keeps them in a small file of their own. From them alone a writer knows what a snapshot was built from,
so that a change on it is written without opening it.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from indexer.articles import Article
from indexer.passages import Passage


class Head(NamedTuple):
    """An article without its body, and how many passages it has."""

    id: str
    title: str
    source: str
    industry: str
    date: str
    url: str
    passages: int


def key_of(article: Article | Head) -> str:
    """What an article's passages, terms and vectors depend on; its id stands for its body."""
    return f"{article.id}\n{article.title}"


def heads_of(articles: Iterable[Article], passages: Iterable[Passage], base: Iterable[Head] = ()) -> list[Head]:
    """The heads of articles: those that ``base`` has as well have as many passages as there, others those given."""
    counts = Counter(passage.article_id for passage in passages)
    known = {key_of(head): head.passages for head in base}
    return [
        Head(a.id, a.title, a.source, a.industry, a.date, a.url, known.get(key_of(a), counts[a.id])) for a in articles
    ]


def articles_of(heads: Iterable[Head], articles: Iterable[Article]) -> list[Article]:
    """The articles that the heads tell of; ``articles`` have their bodies. KeyError where one is not among them."""
    bodies = {key_of(article): article.body for article in articles}
    return [Article(h.id, h.title, bodies[key_of(h)], h.source, h.industry, h.date, h.url) for h in heads]


def write_heads(file: Path, heads: Sequence[Head]) -> None:
    """Write heads, in their order."""
    file.write_text(json.dumps(heads, ensure_ascii=False), encoding="utf-8")


def read_heads(file: Path) -> list[Head]:
    """The heads of a file whose checksum was verified before."""
    return [Head(*row) for row in json.loads(file.read_text(encoding="utf-8"))]
