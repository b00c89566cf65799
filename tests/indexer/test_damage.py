"""Which words are told to be damaged by conversion, and which stand for themselves."""

import pytest

from indexer.articles import Article
from indexer.damage import damage
from language.analysis import terms


def article(body: str) -> Article:
    return Article("a", "題", body, "源", "業")


@pytest.mark.parametrize(
    ("body", "word", "meant"),
    [
        ("中國汽車產業在全球化處理程序中的動能", "處理程序", "進程"),
        ("機器人IRON,組態82個關節", "組態", "配置"),
        ("面臨著位元朗普政府的關稅", "位元", "位"),
        ("位元組跳動的大模型", "位元組", "字節"),
        ("巨集觀經濟", "巨集觀", "宏觀"),
        ("形成良性迴圈", "迴圈", "循環"),
    ],
)
def test_a_damaged_word_is_told_with_what_was_meant(body: str, word: str, meant: str) -> None:
    assert f"{word} 1 × for {meant}" in damage([article(body)])


@pytest.mark.parametrize(
    "body",
    [
        "64 位元架構,量子位元運算",
        "各位元首與這位元老看著每位元件",
        "人註冊地在那裡。你去過那裡嗎?",
        "電腦的處理程序與記憶體組態",
        "程式裡的迴圈",
        "政府支援車廠,網路資料",
    ],
)
def test_a_word_that_may_be_meant_is_not(body: str) -> None:
    assert damage([article(body)]) == ""


def test_the_damaged_words_of_the_seeds_are_told(articles: list[Article]) -> None:
    assert damage(articles).startswith("4 words look damaged by conversion")


@pytest.mark.parametrize(("written", "meant"), [("處理程序", "進程"), ("組態", "配置"), ("位元朗普", "特朗普")])
def test_they_are_found_all_the_same(written: str, meant: str) -> None:
    concepts = [{term.text for term in terms(text) if term.text[0] == "#"} for text in (written, meant)]
    assert concepts[0] == concepts[1] != set()
