from collections import Counter
from decimal import Decimal
from itertools import accumulate, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.articles import Article
from language import lexicon
from language.analysis import fingerprint, list_terms, merge_terms, terms
from language.figures import figures
from language.folding import fold

NAMES = ["特朗普", "川普", "Trump", "輝達", "晶片", "重慶", "EV", "level", "𠮷野家", "㐀"]
NUMBERS = ["2025年", "1,234.5", "１２３", "3.", ".5"]
PIECES = st.sampled_from(NAMES) | st.sampled_from(NUMBERS) | st.sampled_from(" ,。\n\x00、%-的①٣𞥐ーéﬁ")
TEXTS = st.lists(PIECES, max_size=20).map("".join) | st.text(st.characters(codec="utf-8"), max_size=60)


def term_texts(text: str) -> list[str]:
    return [term.text for term in terms(text)]


def assert_listed(parts: list[list[str]]) -> None:
    """Many texts at once have the terms that each has alone, and are merged in order over a sorted vocabulary."""
    merged = merge_terms(list_terms(texts) for texts in parts)
    assert merged.vocabulary == sorted(set(merged.vocabulary))
    firsts = [0, *merged.ends.tolist()]
    found = [[merged.vocabulary[id] for id in merged.ids[a:b]] for a, b in pairwise(firsts)]
    assert list(map(Counter, found)) == [Counter(term_texts(text)) for texts in parts for text in texts]


@given(st.lists(st.lists(TEXTS, max_size=4), max_size=3))
@example([])
@example([[""], ["一\n二", "\n"], []])
def test_many_texts_at_once_have_the_terms_of_each(parts: list[list[str]]) -> None:
    assert_listed(parts)


def test_the_seed_articles_at_once_have_the_terms_of_each(articles: list[Article]) -> None:
    bodies = [article.body for article in articles]
    assert_listed([bodies[:3], bodies[3:]])


def test_texts_join_to_longer_ones() -> None:
    texts = ("晶片。重慶", "", "", "重慶。2025年。重慶")
    joined = list_terms(["重慶", "", "晶片", "2025年"]).joined([[2, 0], [], [1], [0, 3, 0]])
    assert joined.ends.tolist() == list(accumulate(len(term_texts(text)) for text in texts))
    last = [joined.vocabulary[id] for id in joined.ids[joined.ends[2] :]]
    assert Counter(last) == Counter(term_texts(texts[-1]))


def assert_stands_where_it_says(text: str) -> None:
    folded = fold(text)
    for term in terms(text):
        assert 0 <= term.start < term.end <= len(text)
        here = folded[term.start : term.end]
        if term.text.startswith("#"):
            assert [mention.concept for mention in lexicon.mentions(here)] == [term.text[1:]]
        elif term.text.startswith("/"):
            assert here == term.text[1:]
            assert len(here) >= 2
        elif term.text[0].isdigit():
            assert here.replace(",", "") == term.text or Decimal(term.text) in {f.value for f in figures(here)}
        else:
            assert here == term.text


@given(TEXTS)
@example("𞥐1,234.5")
@example("1,٣٤")
def test_a_term_stands_in_the_folded_text_where_it_says(text: str) -> None:
    assert_stands_where_it_says(text)


def test_a_term_of_a_seed_article_stands_where_it_says(articles: list[Article]) -> None:
    for article in articles:
        assert_stands_where_it_says(article.body)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("合肥", ["合肥", "/合肥"], id="one word of two characters"),
        pytest.param("的", ["的"], id="a single character"),
        pytest.param("1,490.7 萬", ["1490.7", "万"], id="thousands separator"),
        pytest.param("CES２０２６", ["ces", "2026"], id="letters and figures part"),
        pytest.param("輝達", ["辉达", "/辉达", "#英伟达"], id="regional name"),
        pytest.param("Trump", ["trump", "#特朗普"], id="English name"),
        pytest.param("。、!?", [], id="marks"),
        pytest.param("", [], id="empty"),
    ],
)
def test_terms_of_a_text(text: str, expected: list[str]) -> None:
    assert Counter(term_texts(text)) == Counter(expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("重慶2025年整車產量是多少?", "重庆2025年整车产量是多少?"),
        ("歐盟為什麼放寬禁售燃油車?", "欧盟为什么放宽禁售燃油车?"),
        ("荷蘭政府何時接管安世半導體?", "荷兰政府何时接管安世半导体?"),
        ("人形機器人的觸覺感測器", "人形机器人的触觉感测器"),
    ],
)
def test_a_question_has_the_same_terms_in_both_scripts(one: str, other: str) -> None:
    assert Counter(term_texts(one)) == Counter(term_texts(other))


@pytest.mark.parametrize(
    ("number", "forms"),
    [
        ("2500000", ["250萬輛", "250万", "2,500,000", "２５０萬", "二百五十萬"]),
        ("2800000000000", ["2.8兆元", "2.8万亿", "二點八兆"]),
        ("16", ["1月16日", "一月十六日"]),
        ("36", ["24至36個月", "三十六個月"]),
        ("25", ["25%", "百分之二十五"]),
        ("1998", ["1998年", "一九九八年"]),
    ],
)
def test_a_number_is_one_term_however_it_is_written(number: str, forms: list[str]) -> None:
    assert [form for form in forms if number not in term_texts(form)] == []


def test_a_number_beyond_all_bounds_is_no_trouble() -> None:
    assert term_texts("9" * 100_000 + "万")[-1].endswith("0000")


@pytest.mark.parametrize("text", ["三星", "萬科", "一些", "千萬", "十分"])
def test_a_numeral_in_a_word_is_no_number(text: str) -> None:
    assert [term for term in term_texts(text) if term[0].isdigit()] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [("川普的關稅", "特朗普的关税"), ("輝達晶片", "英伟达芯片"), ("賓士視訊", "奔驰视频"), ("平治軟件", "賓士軟體")],
)
def test_regional_wordings_share_their_concepts(one: str, other: str) -> None:
    def concepts(text: str) -> set[str]:
        return {term for term in term_texts(text) if term.startswith("#")}

    assert concepts(one) == concepts(other) != set()


def test_the_fingerprint_is_sixteen_hexadecimal_digits_and_stays() -> None:
    assert len(fingerprint()) == 16
    assert int(fingerprint(), 16) >= 0
    assert fingerprint() == fingerprint()
