from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from indexer.articles import Article
from indexer.build import build_index
from indexer.encoder import Encoder
from indexer.snapshot import Snapshot, open_snapshot
from language.analysis import terms
from language.folding import fold
from retriever import Hit, Retriever, Scope, analyse_question
from retriever.hits import merge_spans
from retriever.retrieve import fuse, query_weights

Search = Callable[..., list[Hit]]


@pytest.fixture(scope="module")
def search(snapshot: Snapshot, encoder: Encoder) -> Search:
    retriever = Retriever(snapshot, encoder)
    return lambda text, k=10, **filters: retriever.retrieve(analyse_question(text), k, Scope(**filters))


# The same question as written in Taiwan, on the mainland and in Hong Kong: other characters and other regional words.
WORDINGS = [
    ("重慶2025年整車產量是多少?", "重庆2025年整车产量是多少?", "重慶2025年整車產量是多少?"),
    ("輝達的演講說了什麼?", "英伟达的演讲说了什么?", "英偉達的演講說了甚麼?"),
    ("川普對中國車企的表態是什麼?", "特朗普对中国车企的表态是什么?", "特朗普對中國車企的表態是甚麼?"),
    ("賓士執行長怎麼看自動駕駛?", "奔驰首席执行官怎么看自动驾驶?", "平治行政總裁怎麼看自動駕駛?"),
    ("荷蘭政府為何接管安世半導體?", "荷兰政府为何接管安世半导体?", "荷蘭政府為何接管安世半導體?"),
    ("小鵬的人形機器人有幾顆晶片?", "小鹏的人形机器人有几颗芯片?", "小鵬的人形機械人有幾顆晶片?"),
    ("歐盟為什麼放寬禁售燃油車?", "欧盟为什么放宽禁售燃油车?", "歐盟為甚麼放寬禁售燃油車?"),
    ("日本車企2025年銷量多少?", "日本车企2025年销量多少?", "日本車企2025年銷量多少?"),
    ("馬斯克的人形機器人何時量產?", "马斯克的人形机器人何时量产?", "馬斯克的人形機械人何時量產?"),
    ("特斯拉的視訊展示了什麼?", "特斯拉的视频展示了什么?", "特斯拉的視頻展示了甚麼?"),
    ("豐田在東南亞向誰採購零件?", "丰田在东南亚向谁采购零件?", "豐田在東南亞向誰採購零件?"),
]


@pytest.mark.parametrize("wordings", WORDINGS, ids=[taiwan for taiwan, _, _ in WORDINGS])
def test_a_question_finds_the_same_first_passage_in_every_script(
    search: Search, wordings: tuple[str, str, str]
) -> None:
    first = {wording: search(wording, 1)[0] for wording in dict.fromkeys(wordings)}
    found = {wording: hit.article.body[hit.passage.start : hit.passage.end][:40] for wording, hit in first.items()}
    assert len({hit.passage.id for hit in first.values()}) == 1, found


@pytest.mark.parametrize(("english", "chinese"), [("Trump", "川普"), ("BYD", "比亞迪"), ("Tesla", "特斯拉")])
def test_an_english_name_finds_the_articles_that_use_the_chinese_one(
    search: Search, english: str, chinese: str
) -> None:
    article = search(english, 1)[0].article
    assert article.id == search(chinese, 1)[0].article.id
    assert fold(chinese) in fold(article.body)


@pytest.mark.parametrize(
    ("question", "held"),
    [
        ("重慶2025年整車產量是多少?", "近250萬輛"),
        ("聞泰科技向荷蘭政府索賠多少?", "80億美元"),
        ("NVIDIA在CES上发布了什么架构?", "Vera Rubin"),
        ("奇瑞的墨甲機器人交付了幾台?", "220台"),
        ("格里尔说过什么?", "格里爾"),
        ("特朗普政府的抵触情绪", "位元朗普政府"),
    ],
)
def test_the_passage_that_answers_is_among_the_first_three(search: Search, question: str, held: str) -> None:
    assert any(held in hit.article.body[hit.passage.start : hit.passage.end] for hit in search(question, 3))


@pytest.mark.parametrize("k", [1, 2, 12, 50])
def test_k_hits_come_best_first_and_each_once(search: Search, k: int) -> None:
    hits = search("中國汽車產業的電動化", k)
    assert len(hits) == k
    assert len({hit.passage.id for hit in hits}) == k
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert hits == search("中國汽車產業的電動化", 50)[:k]


def test_more_than_there_is_gives_what_there_is(search: Search, snapshot: Snapshot) -> None:
    assert len(search("汽車", 10_000)) <= len(snapshot.passages)


@pytest.fixture(scope="module")
def two_industries(tmp_path_factory: pytest.TempPathFactory, articles: list[Article], encoder: Encoder) -> Retriever:
    """The seed articles, every second one under another industry."""
    given = [replace(article, industry="甲業" if row % 2 else "乙業") for row, article in enumerate(articles)]
    index = tmp_path_factory.mktemp("two") / "index"
    build_index(index, given, encoder)
    return Retriever(open_snapshot(index), encoder)


@pytest.mark.parametrize("question", ["中國汽車產業", "重慶2025年整車產量是多少?", "???"])
@pytest.mark.parametrize("source", [None, "功夫財經", "跬步書"])
@pytest.mark.parametrize("industry", [None, "甲業", "乙業"])
def test_filters_let_through_what_fits_and_nothing_else(
    two_industries: Retriever, question: str, industry: str | None, source: str | None
) -> None:
    everything = two_industries.snapshot.passages
    fitting = {
        article.id
        for article in two_industries.snapshot.articles
        if industry in (None, article.industry) and source in (None, article.source)
    }
    hits = two_industries.retrieve(analyse_question(question), 10, Scope(industry, source))
    assert {hit.article.id for hit in hits} <= fitting
    assert len(hits) == min(10, sum(passage.article_id in fitting for passage in everything))


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        (None, None, {"", "2025-01-31", "2025-09-30"}),
        ("2025-01-31", None, {"2025-01-31", "2025-09-30"}),
        ("2025-02-01", None, {"2025-09-30"}),
        (None, "2025-09-29", {"2025-01-31"}),
        ("2025-09-30", "2025-09-30", {"2025-09-30"}),
        ("2026-01-01", None, set()),
        ("2025-09-30", "2025-01-31", set()),
    ],
)
def test_a_time_lets_through_its_days_with_both_ends_and_nothing_without_a_date(
    tmp_path: Path, articles: list[Article], encoder: Encoder, since: str | None, until: str | None, days: set[str]
) -> None:
    dates = ("", "2025-01-31", "2025-09-30")
    build_index(tmp_path, [replace(a, date=day) for a, day in zip(articles[:3], dates, strict=True)], encoder)
    retriever = Retriever(open_snapshot(tmp_path), encoder)
    hits = retriever.retrieve(analyse_question("汽車產業"), 50, Scope(since=since, until=until))
    assert {hit.article.date for hit in hits} == days


@pytest.mark.parametrize("name", ["沒有這一業", "", "甲", "甲業 "])
def test_a_filter_that_nothing_fits_finds_nothing(two_industries: Retriever, name: str) -> None:
    assert two_industries.retrieve(analyse_question("汽車"), 5, Scope(industry=name)) == []
    assert two_industries.retrieve(analyse_question("汽車"), 5, Scope(source=name)) == []


def test_a_filter_does_not_change_what_passages_score(two_industries: Retriever) -> None:
    question = analyse_question("重慶2025年整車產量是多少?")
    free = {hit.passage.id: hit.lexical for hit in two_industries.retrieve(question, 50)}
    kept = {hit.passage.id: hit.lexical for hit in two_industries.retrieve(question, 50, Scope(source="功夫財經"))}
    both = free.keys() & kept.keys()
    assert len(both) > 5
    assert {id: free[id] for id in both} == {id: kept[id] for id in both}


@pytest.mark.parametrize(
    "question", ["???", "", " ", "\x00", "🚗", "。。。", "\u200b", "\u202e", "zzzz", "的" * 1000, "重慶" * 500]
)
def test_a_question_without_known_words_does_not_fail(search: Search, question: str) -> None:
    hits = search(question, 5)
    assert len(hits) <= 5
    assert all(np.isfinite([hit.score, hit.lexical, hit.dense]).all() for hit in hits)


def assert_spans_match(question: str, hit: Hit) -> None:
    wanted = {term.text for term in terms(question)}
    at = hit.passage.start
    for start, end in hit.spans:
        assert at <= start < end <= hit.passage.end
        assert wanted & {term.text for term in terms(hit.article.body[start:end])}, hit.article.body[start:end]
        at = end + 1


@pytest.mark.parametrize("question", [wording for wordings in WORDINGS for wording in dict.fromkeys(wordings)])
def test_matched_spans_are_question_words_in_the_passage(search: Search, question: str) -> None:
    hits = search(question)
    for hit in hits:
        assert_spans_match(question, hit)
    assert hits[0].spans


@pytest.fixture(scope="module")
def assert_piece(search: Search, articles: list[Article]) -> Callable[[int, int], None]:
    """One fixture for the property below, which prints what it was given when it fails."""
    text = "\n".join(article.body for article in articles)

    def check(start: int, length: int) -> None:
        question = text[start % len(text) :][:length]
        for hit in search(question, 5):
            assert_spans_match(question, hit)

    return check


@hypothesis_settings(max_examples=40)
@given(start=st.integers(0, 30_000), length=st.integers(1, 60))
def test_matched_spans_of_any_piece_of_an_article_lie_in_the_passage(
    assert_piece: Callable[[int, int], None], start: int, length: int
) -> None:
    assert_piece(start, length)


@pytest.mark.parametrize(
    ("question", "marked"), [("Trump", "川普"), ("英伟达", "輝達"), ("芯片", "晶片"), ("视频", "視訊")]
)
def test_a_regional_word_is_marked_where_the_article_has_its_own(search: Search, question: str, marked: str) -> None:
    hit = search(question, 1)[0]
    assert marked in {hit.article.body[start:end] for start, end in hit.spans}


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8)).map(lambda pair: (pair[0], sum(pair))), max_size=10))
def test_merged_spans_cover_the_same_places_apart_and_in_order(spans: list[tuple[int, int]]) -> None:
    merged = merge_spans(spans)
    assert {at for span in merged for at in range(*span)} == {at for span in spans for at in range(*span)}
    assert all(before[1] < after[0] for before, after in pairwise(merged))


SCORES = st.lists(st.tuples(st.floats(0, 100, width=32), st.floats(0, 1, width=32)), min_size=1, max_size=20).map(
    lambda pairs: np.array(pairs, np.float32).T
)


@given(SCORES)
def test_fusion_never_puts_a_passage_that_is_worse_in_both_first(scores: np.ndarray) -> None:
    lexical, dense = scores
    fused = fuse(lexical, dense)
    assert (fused.dtype, fused.shape) == (np.float32, lexical.shape)
    assert np.isfinite(fused).all()
    for one in range(len(fused)):
        beaten = (lexical <= lexical[one]) & (dense <= dense[one])
        assert (fused[beaten] <= fused[one] + 1e-6).all()


@given(SCORES)
def test_fusion_of_one_ranking_alone_keeps_its_order(scores: np.ndarray) -> None:
    for ranking in scores:
        for fused in (fuse(ranking, np.zeros_like(ranking)), fuse(np.zeros_like(ranking), ranking)):
            assert (np.diff(fused[np.argsort(ranking, kind="stable")]) >= -1e-5).all()


def test_every_distinct_term_of_a_question_has_one_weight() -> None:
    question = analyse_question("輝達輝達晶片")
    weights = query_weights(question)
    assert {"#英伟达": 2.0, "#芯片": 2.0, "达辉": 1.0, "达晶": 1.0}.items() <= weights.items()
    assert set(weights) < {term.text for term in question.terms}


def test_the_words_inside_a_concept_weigh_nothing_beside_it() -> None:
    weights = [query_weights(analyse_question(f"{name}的關稅")) for name in ("川普", "特朗普", "Trump")]
    assert all(weight["#特朗普"] == 2.0 and "特朗" not in weight and "trump" not in weight for weight in weights)


@pytest.mark.parametrize("script", ["zh-TW", "zh-CN", "zh-HK"])
def test_the_script_asked_for_overrides_the_one_written_in(script: str) -> None:
    assert analyse_question("重庆的产量", script).script == script
    assert analyse_question("重庆的产量").script == "zh-CN"


def test_a_question_keeps_its_text_and_the_places_of_its_terms() -> None:
    question = analyse_question(" Ｔesla的晶片? ")
    assert question.text == " Ｔesla的晶片? "
    assert [(term.text, term.start, term.end) for term in question.terms if term.text[0] == "#"] == [
        ("#特斯拉", 1, 6),
        ("#芯片", 7, 9),
    ]
