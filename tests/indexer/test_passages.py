from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.articles import Article
from indexer.passages import OVERLAP, SIZE, build_passages
from language.sentences import SentenceKind, split_sentences

SENTENCE = st.integers(1, 300).map(lambda length: "甲" * length + "。") | st.sampled_from(
    ["01 標題", "\n", "02 另一題2025年", "圖:產量,來源:乘聯會"]
)
BODIES = st.lists(SENTENCE, max_size=25).map("".join) | st.text(st.characters(codec="utf-8"), max_size=200)


def article(body: str) -> Article:
    return Article("a" * 12, "題", body, "源", "業")


def assert_passages_hold_all(seed: Article) -> None:
    sentences = split_sentences(seed.body)
    rank = {span: number for number, span in enumerate(sentences)}
    covered: Counter[int] = Counter()
    for passage in build_passages(seed):
        numbers = [rank[span] for span in passage.sentences]
        assert numbers == list(range(numbers[0], numbers[-1] + 1)), "whole sentences that follow each other"
        assert (passage.start, passage.end) == (passage.sentences[0].start, passage.sentences[-1].end)
        assert passage.end - passage.start <= SIZE or len(numbers) == 1
        assert passage.id == f"{seed.id}:{passage.start}-{passage.end}"
        assert passage.article_id == seed.id
        later = passage.sentences[1:]
        assert all(span.kind is not SentenceKind.HEADING for span in later), (
            "a passage does not run into the next section"
        )
        covered.update(numbers)
    assert sorted(covered) == list(range(len(sentences))), "every sentence is in a passage"
    assert max(covered.values(), default=0) <= OVERLAP + 1


@given(BODIES)
@example("甲" * 1000)
@example("甲" * 239 + "。" + "乙" * 239 + "。")
@example("甲" * 200 + "。" + "乙" * 30 + "。" + "丙" * 230 + "。")
def test_passages_are_whole_sentences_within_the_size_and_hold_all(body: str) -> None:
    assert_passages_hold_all(article(body))


def test_the_passages_of_the_seed_articles_hold_all(articles: list[Article]) -> None:
    for seed in articles:
        assert_passages_hold_all(seed)


@given(st.lists(st.integers(1, 300), max_size=25))
@example([200, 30, 230])
def test_no_passage_is_a_part_of_the_one_before(lengths: list[int]) -> None:
    """Such a passage says nothing new and takes a place among the hits."""
    passages = build_passages(article("".join("甲" * length + "。" for length in lengths)))
    assert [p.id for before, p in pairwise(passages) if p.end <= before.end] == []


def test_no_passage_of_the_seed_articles_is_a_part_of_another(articles: list[Article]) -> None:
    for seed in articles:
        passages = build_passages(seed)
        assert [p.id for before, p in pairwise(passages) if p.end <= before.end] == []


def test_ids_are_unique(articles: list[Article]) -> None:
    ids = [passage.id for seed in articles for passage in build_passages(seed)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("lengths", "spans"),
    [
        pytest.param([], [], id="none"),
        pytest.param([100], [(0, 101)], id="one"),
        pytest.param([100, 100], [(0, 202)], id="two that fit"),
        pytest.param([119, 119, 119], [(0, 240), (120, 360)], id="exactly the size, one shared"),
        pytest.param([119, 120, 10], [(0, 120), (120, 252)], id="one character more than the size"),
        pytest.param([300, 300], [(0, 301), (301, 602)], id="longer than the size stand alone"),
    ],
)
def test_where_passages_begin_and_end(lengths: list[int], spans: list[tuple[int, int]]) -> None:
    body = "".join("甲" * length + "。" for length in lengths)
    assert [(p.start, p.end) for p in build_passages(article(body))] == spans


def test_a_section_is_searched_under_its_heading(articles: list[Article]) -> None:
    seed = next(a for a in articles if a.title.startswith("中國汽車第一城"))
    contexts = list(dict.fromkeys(passage.context for passage in build_passages(seed)))
    assert contexts[:3] == [seed.title, f"{seed.title}\n01 鐵王座的歸屬", f"{seed.title}\n02 隱形冠軍"]
