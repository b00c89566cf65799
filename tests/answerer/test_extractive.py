"""Which sentences an extractive answer quotes, given what the reader thinks of them."""

import numpy as np
import pytest

from answerer.asked import asked
from answerer.extractive import choose
from answerer.features import Candidate
from answerer.reader import Reading
from answerer.sentences import read_sentence
from indexer.articles import Article
from language.sentences import split_sentences


def reading_of(body: str, scores: dict[int, float]) -> Reading:
    """A reading of one article: the score of the sentence with each number, best first."""
    article = Article("a", "標題", body, "某報", "汽車產業")
    spans = split_sentences(body)
    ordered = sorted(scores, key=lambda number: -scores[number])
    found = tuple(
        Candidate(article, None, spans[n].start, spans[n].end, read_sentence(body[spans[n].start : spans[n].end]))
        for n in ordered
    )
    return Reading(found, np.array([scores[n] for n in ordered], np.float32), 0.9)


def quoted(question: str, body: str, scores: dict[int, float]) -> list[str]:
    """The quotes that are chosen."""
    return [q.article.body[q.start : q.end] for q in choose(asked(question), reading_of(body, scores))]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("吳新宙加入了輝達。他主導開發了NDAS。", "吳新宙加入了輝達。他主導開發了NDAS。"),
        ("工廠在合肥開工。該廠年產三十萬輛。", "工廠在合肥開工。該廠年產三十萬輛。"),
        ("工廠在合肥開工。其中三成出口。", "其中三成出口。"),
        ("工廠在合肥開工。年產三十萬輛。", "年產三十萬輛。"),
    ],
)
def test_a_sentence_that_points_back_is_quoted_with_the_one_before(body: str, wanted: str) -> None:
    assert quoted("誰開發了NDAS？", body, {1: 2.0, 0: -5.0}) == [wanted]


def test_what_is_asked_of_two_names_is_answered_for_both() -> None:
    body = "重慶靠的是傳統工業。上海靠的是政府投資。重慶還有長江水運。重慶也有摩托車廠。"
    scores = {0: 3.0, 2: 2.5, 3: 2.4, 1: -1.0}
    assert "上海靠的是政府投資。" in "".join(quoted("重慶和上海的產量分別是多少？", body, scores))
    assert "上海" not in "".join(quoted("重慶的產量是多少？", body, scores))
