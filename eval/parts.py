"""How good each part of the retriever is alone on an outside set: lexical, dense, fused.

python -m eval.parts --corpus FILE --queries FILE [--distractors FILE[:N]]
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eval.outside import Query, read_queries, read_set
from eval.ranking import Ranking, rank, retrieval_figures
from indexer.build import build_index
from indexer.encoder import BUILT_IN, load_encoder
from indexer.snapshot import open_snapshot
from retriever import Retriever, analyse_question
from retriever.retrieve import ARTICLE_WEIGHT, query_weights

DEPTH = 100  # passages of each ranking, from which the first ten documents are taken


def rankings(retriever: Retriever, query: Query, ids: dict[str, set[str]]) -> dict[str, Ranking]:
    """The rank of the gold documents in each part's own ranking."""
    snapshot = retriever.snapshot
    weights = query_weights(analyse_question(query.text))
    lexical = snapshot.lexical.scores(weights)
    lexical += ARTICLE_WEIGHT * snapshot.article_lexical.scores(weights)[snapshot.owners]
    near = snapshot.vectors.search(retriever.encoder.encode_queries([query.text])[0], DEPTH)
    hits = retriever.retrieve(analyse_question(query.text), DEPTH)
    found = {
        "lexical": [snapshot.passages[row].article_id for row in np.argsort(-lexical, kind="stable")[:DEPTH]],
        "dense": [snapshot.passages[row].article_id for row in near],
        "fused": [hit.article.id for hit in hits],
    }
    return {
        part: rank([ids.get(one, set()) for one in dict.fromkeys(order)], query.gold) for part, order in found.items()
    }


def measure(corpus: Path, queries: Path, distractors: str | None) -> dict[str, dict[str, float]]:
    """Retrieval figures of each part."""
    articles, ids = read_set(corpus, distractors)
    encoder = load_encoder(BUILT_IN)
    parts: defaultdict[str, list[Ranking]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        build_index(Path(folder), articles, encoder)
        retriever = Retriever(open_snapshot(Path(folder)), encoder)
        for query in read_queries(queries):
            if query.gold:
                for part, ranking in rankings(retriever, query, ids).items():
                    parts[part].append(ranking)
    return {part: retrieval_figures(made) for part, made in parts.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--distractors", metavar="FILE[:N]")
    options = parser.parse_args(arguments)
    for part, figures in measure(options.corpus, options.queries, options.distractors).items():
        print(f"{part:8}" + "  ".join(f"{name} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
