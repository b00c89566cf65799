from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.articles import Article
from language import lexicon
from language.folding import fold
from language.lexicon import Mention, mentions


def read_lexicon() -> dict[str, str]:
    """Form → concept, read here from the file."""
    lines = (Path(lexicon.__file__).parent / "lexicon.tsv").read_text(encoding="utf-8").splitlines()
    return {form: line.split("\t")[0] for line in lines for form in line.split("\t")}


FORMS = read_lexicon()
LONGEST_FIRST: dict[str, list[str]] = {}
for form in sorted(FORMS, key=len, reverse=True):
    LONGEST_FIRST.setdefault(form[0], []).append(form)


def plain_mentions(folded: str) -> list[Mention]:
    """What the room promises, written plainly: from the left, the longest form that is no part of a Latin word."""

    def cuts(at: int) -> bool:
        return 0 < at < len(folded) and all(c.isascii() and c.isalnum() for c in folded[at - 1 : at + 1])

    found, at = [], 0
    while at < len(folded):
        here = (
            f
            for f in LONGEST_FIRST.get(folded[at], ())
            if folded.startswith(f, at) and not cuts(at) and not cuts(at + len(f))
        )
        if form := next(here, ""):
            found.append(Mention(FORMS[form], at, at + len(form)))
        at += len(form) or 1
    return found


@pytest.mark.parametrize(
    "variants",
    [
        ("川普", "特朗普", "Trump", "位元朗普", "Donald Trump", "TRUMP", "Ｔｒｕｍｐ"),
        ("輝達", "英伟达", "英偉達", "NVIDIA", "nVidia"),
        ("賓士", "平治", "奔驰", "奔馳", "Benz", "Mercedes-Benz"),
        ("晶片", "芯片"),
        ("視訊", "视频", "視頻"),
        ("軟體", "软件", "軟件"),
        ("資料", "數據", "数据"),
        ("處理程序", "进程"),
        ("組態", "配置"),
        ("比亞迪", "比亚迪", "BYD"),
        ("豐田", "丰田", "Toyota"),
        ("人工智慧", "人工智能", "AI"),
        ("電動車", "电动汽车", "EV"),
    ],
    ids=lambda variants: variants[0],
)
def test_regional_variants_and_english_names_are_one_concept(variants: tuple[str, ...]) -> None:
    found = {variant: [mention.concept for mention in mentions(fold(variant))] for variant in variants}
    assert all(len(concepts) == 1 for concepts in found.values()), found
    assert len({concepts[0] for concepts in found.values()}) == 1, found


@pytest.mark.parametrize("text", ["level", "EVs", "trumpet", "CEV2", "abyde", "Benzin", "nvidias", "BYD2"])
def test_a_latin_name_inside_another_word_is_no_mention(text: str) -> None:
    assert mentions(fold(text)) == []


@pytest.mark.parametrize("text", ["EV,", "買EV車", "(EV)", "EV", "一台 EV"])
def test_a_latin_name_that_stands_alone_is_a_mention(text: str) -> None:
    at = text.index("EV")
    assert mentions(fold(text)) == [Mention("电动汽车", at, at + 2)]


def test_the_longest_name_wins() -> None:
    assert mentions("donald trump") == [Mention("特朗普", 0, 12)]


@pytest.mark.parametrize("text", ["光纖分散式", "光纖分散式溫度感測"])
def test_a_longer_name_that_breaks_off_does_not_hide_a_shorter_one(text: str) -> None:
    """光纤分散式数据介面 is a form and so is 分散式: the text starts like the first and holds the second."""
    assert "光纤分散式数据介面" in FORMS
    assert Mention("分布式", 2, 5) in mentions(fold(text))


def test_a_longer_name_inside_a_latin_word_does_not_hide_a_shorter_one() -> None:
    assert Mention(FORMS["mercedes"], 0, 8) in mentions("mercedes-benzol")


def test_the_seed_articles_hold_the_mentions_that_a_plain_search_finds(articles: list[Article]) -> None:
    for article in articles:
        assert mentions(fold(article.body)) == plain_mentions(fold(article.body))


@given(
    st.lists(
        st.sampled_from(sorted(FORMS))
        | st.sampled_from(["trump", "byd", "ev", "mercedes"])
        | st.sampled_from(" s-的2,、"),
        max_size=6,
    ).map("".join)
)
def test_any_run_of_names_holds_the_mentions_that_a_plain_search_finds(text: str) -> None:
    assert mentions(text) == plain_mentions(text)


def test_every_form_stands_in_the_lexicon_once_and_folded() -> None:
    lines = (Path(lexicon.__file__).parent / "lexicon.tsv").read_text(encoding="utf-8").splitlines()
    forms = [form for line in lines for form in line.split("\t")]
    assert len(forms) == len(set(forms))
    assert [form for form in forms if fold(form) != form or form != form.strip() or not form] == []


def test_concepts_are_reworded_in_mainland_words_or_in_those_given() -> None:
    assert lexicon.reworded("川普谈byd与晶片") == "特朗普谈比亚迪与芯片"
    assert lexicon.reworded("川普谈byd与晶片", {"特朗普": "川普"}) == "川普谈比亚迪与芯片"
    assert lexicon.reworded("") == ""
