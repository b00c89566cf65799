"""How good each part of the retriever is on an outside set, and the whole in each script.

    python -m eval.parts --corpus FILE --queries FILE [--distractors FILE[:N]] [--most N]

Lexical and dense search alone, both fused, fused without the lexicon's concepts, and as the reader reorders them; the
last also with the queries put into the characters and words of Taiwan, Hong Kong and the mainland, and how many of the
queries find the same first passage in all three.
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from answerer.reader import REFUSE_BELOW, load_reader
from answerer.respond import Answerer
from eval.outside import Query, add_set_options, queries_with_gold, read_set
from eval.parity import regional
from eval.ranking import Ranking, rank, retrieval_figures
from indexer.build import build_index
from indexer.encoder import BUILT_IN, load_encoder
from indexer.snapshot import open_snapshot
from language.script import SCRIPTS, detect_script
from retriever import Retriever, analyse_question
from retriever.retrieve import ARTICLE_WEIGHT, query_weights

DEPTH = 100  # passages of each ranking, from which the first ten documents are taken


def orders(answerer: Answerer, query: Query) -> dict[str, list[str]]:
    """The ids of the articles as each part finds them, one for each passage."""
    retriever, question = answerer.retriever, analyse_question(query.text)
    snapshot = retriever.snapshot
    weights = query_weights(question)
    lexical = snapshot.lexical.scores(weights)
    lexical += ARTICLE_WEIGHT * snapshot.article_lexical.scores(weights)[snapshot.owners]
    near = snapshot.vectors.search(retriever.encoder.encode_queries([query.text])[0], DEPTH)
    plain = replace(retriever, concept_weight=0.0)
    return {
        "lexical": [snapshot.passages[row].article_id for row in np.argsort(-lexical, kind="stable")[:DEPTH]],
        "dense": [snapshot.passages[row].article_id for row in near],
        "fused, without concepts": [hit.article.id for hit in plain.retrieve(question, DEPTH)],
        "fused": [hit.article.id for hit in retriever.retrieve(question, DEPTH)],
    }


def measure(
    corpus: Path, queries: Path, distractors: str | None, most: int | None
) -> tuple[dict[str, dict[str, float]], float]:
    """Retrieval figures of each part, and the share of queries with the same first passage in every script."""
    articles, ids = read_set(corpus, distractors)
    encoder = load_encoder(BUILT_IN)
    parts: defaultdict[str, list[Ranking]] = defaultdict(list)

    def note(part: str, order: Iterable[str], query: Query) -> None:
        parts[part].append(rank([ids.get(one, set()) for one in dict.fromkeys(order)], query.gold))

    same = []
    with tempfile.TemporaryDirectory() as folder:
        build_index(Path(folder), articles, encoder)
        answerer = Answerer(Retriever(open_snapshot(Path(folder)), encoder), load_reader(), REFUSE_BELOW)
        for query in queries_with_gold(queries, most):
            for part, order in orders(answerer, query).items():
                note(part, order, query)
            written, firsts = detect_script(query.text), set()
            for script in (written, *(other for other in SCRIPTS if other != written)):
                hits = answerer.search(analyse_question(regional(query.text, written, script)), DEPTH)
                firsts.add(hits[0].passage.id if hits else "")
                found = [hit.article.id for hit in hits]
                note(f"reranked, {script}", found, query)
                if script == written:
                    note("reranked", found, query)
            same.append(len(firsts) == 1)
    return {part: retrieval_figures(made) for part, made in parts.items()}, float(np.mean(same)) if same else 1.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_set_options(parser)
    options = parser.parse_args(arguments)
    figures, same = measure(options.corpus, options.queries, options.distractors, options.most)
    for part in sorted(figures, key=lambda part: part.startswith("reranked, ")):
        print(f"{part:24}" + "  ".join(f"{name} {value}" for name, value in figures[part].items()))
    print(f"the same first passage in every script: {same:.4f}")


if __name__ == "__main__":
    main()
