import math
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.articles import Article
from indexer.lexical import K1, B, LexicalIndex, build_lexical, combine_lexical
from indexer.snapshot import Snapshot
from language.analysis import TermLists, terms
from language.sentences import split_sentences

QUESTIONS = [
    "重慶2025年整車產量是多少?",
    "英伟达的演讲",
    "荷蘭政府為何接管安世?",
    "Tesla Optimus",
    "沒有這種東西zzz",
    "",
]


def term_texts(*texts: str) -> list[str]:
    return [term.text for text in texts for term in terms(text)]


def index(documents: list[list[str]]) -> LexicalIndex:
    """The index of documents given as their terms."""
    vocabulary = sorted({term for document in documents for term in document})
    ids = [vocabulary.index(term) for document in documents for term in document]
    ends = np.cumsum([len(document) for document in documents], dtype=np.int64)
    return build_lexical(TermLists(vocabulary, np.array(ids, np.int32), ends))


def plain_bm25(documents: list[list[str]], query: dict[str, float]) -> list[float]:
    """Robertson & Zaragoza (2009) with the idf of Lucene, written as in the paper."""
    counts = [Counter(document) for document in documents]
    mean = sum(map(len, documents)) / len(documents)
    scores = []
    for document, count in zip(documents, counts, strict=True):
        score = 0.0
        for term, weight in query.items():
            n = sum(term in other for other in counts)
            idf = math.log(1 + (len(documents) - n + 0.5) / (n + 0.5))
            tf = count[term]
            score += weight * idf * tf * (K1 + 1) / (tf + K1 * (1 - B + B * len(document) / mean))
        scores.append(score)
    return scores


@pytest.fixture(scope="module")
def passage_terms(snapshot: Snapshot) -> list[list[str]]:
    bodies = {article.id: article.body for article in snapshot.articles}
    return [
        term_texts(passage.context, *(bodies[passage.article_id][span.start : span.end] for span in passage.sentences))
        for passage in snapshot.passages
    ]


@pytest.mark.parametrize("question", QUESTIONS)
def test_scores_of_the_real_passages_are_bm25(
    snapshot: Snapshot, passage_terms: list[list[str]], question: str
) -> None:
    query = {term: 1.0 + number / 10 for number, term in enumerate(dict.fromkeys(term_texts(question)))}
    expected = plain_bm25(passage_terms, query)
    assert snapshot.lexical.scores(query) == pytest.approx(np.array(expected, np.float32), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("question", QUESTIONS)
def test_scores_of_the_real_articles_are_bm25(snapshot: Snapshot, articles: list[Article], question: str) -> None:
    documents = [
        term_texts(article.title, *(article.body[span.start : span.end] for span in split_sentences(article.body)))
        for article in articles
    ]
    query = dict.fromkeys(term_texts(question), 1.0)
    expected = plain_bm25(documents, query)
    assert snapshot.article_lexical.scores(query) == pytest.approx(np.array(expected, np.float32), rel=1e-4, abs=1e-5)


@given(st.lists(st.lists(st.sampled_from(["甲乙", "/甲乙", "#丙", "a", "1"]), max_size=8), min_size=1, max_size=8))
def test_scores_of_any_documents_are_bm25(documents: list[list[str]]) -> None:
    query = {"甲乙": 1.0, "#丙": 0.5, "a": 2.0, "nowhere": 1.0}
    expected = plain_bm25(documents, query) if any(documents) else [0.0] * len(documents)
    assert index(documents).scores(query) == pytest.approx(np.array(expected, np.float32), rel=1e-4, abs=1e-5)


def test_the_matrix_is_as_described() -> None:
    made = index([["b", "a", "b"], [], ["b"]])
    assert made.vocabulary == ["a", "b"]
    assert made.starts.tolist() == [0, 1, 3]
    assert made.passages.tolist() == [0, 0, 2]
    assert made.size == 3
    assert made.idf == pytest.approx([math.log(1 + 2.5 / 1.5), math.log(1 + 1.5 / 2.5)])
    assert [array.dtype.name for array in (made.idf, made.starts, made.passages, made.impacts, made.counts)] == [
        "float32",
        "int64",
        "int32",
        "float32",
        "uint8",
    ]


DOCUMENTS = st.lists(st.lists(st.sampled_from(["甲乙", "/甲乙", "#丙", "a", "1", "𠮷"]), max_size=8), max_size=8)


@given(DOCUMENTS, DOCUMENTS, st.randoms(use_true_random=False))
def test_combined_indexes_are_those_of_all_their_texts(
    one: list[list[str]], other: list[list[str]], rng: random.Random
) -> None:
    """In any order, and with any left out."""
    both = [*one, *other]
    rows = rng.sample(range(len(both)), rng.randint(0, len(both)))
    combined, wanted = (
        combine_lexical(index(one), index(other), np.array(rows, np.int64)),
        index([both[r] for r in rows]),
    )
    assert (combined.vocabulary, combined.size) == (wanted.vocabulary, wanted.size)
    for part in ("idf", "starts", "passages", "impacts", "counts", "lengths"):
        here, there = getattr(combined, part), getattr(wanted, part)
        assert (here.dtype, here.tolist()) == (there.dtype, there.tolist())


def test_a_term_seen_nowhere_weighs_most() -> None:
    made = index([["a"], ["a", "b"]])
    assert made.weight("a") == pytest.approx(math.log(1 + 0.5 / 2.5))
    assert made.weight("b") == pytest.approx(math.log(1 + 1.5 / 1.5))
    assert made.weight("nowhere") == pytest.approx(math.log(1 + 2.5 / 0.5))
