import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.articles import Article
from language.folding import fold, without_surrogates

ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
HARD_CHARACTERS = "於單乾隆著名後裡係准準\x00\u3000ＡｂＣ１２㎞㈱ﷺﬁıİſßẞ\u0301\u200b\u202e𝟚𠮷𪜀臺台干幹乾后發髮" + "中"
HARD_TEXT = st.text(st.sampled_from(HARD_CHARACTERS), max_size=40)


@given(ANY_TEXT | HARD_TEXT)
@example("\x00")
@example("乾\x00淨")
@example("𠮷野家ＡＢＣ\U000e0041")
@example("e\u0301가ﬁ")
def test_folded_text_has_the_length_of_the_original(text: str) -> None:
    assert len(fold(text)) == len(text)


def test_every_seed_article_keeps_its_length(articles: list[Article]) -> None:
    texts = [text for article in articles for text in (article.title, article.body, article.source, article.industry)]
    assert [len(fold(text)) for text in texts] == [len(text) for text in texts]


@given(ANY_TEXT | HARD_TEXT, ANY_TEXT | HARD_TEXT)
def test_lines_are_folded_independently(first: str, second: str) -> None:
    assert fold(f"{first}\n{second}") == f"{fold(first)}\n{fold(second)}"


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [
        ("乾淨的廚房", "干净的厨房"),
        ("乾隆皇帝", "乾隆皇帝"),
        ("後來發現頭髮", "后来发现头发"),
        ("皇后鎮", "皇后镇"),
        ("里程與裡面", "里程与里面"),
        ("著名的著作", "著名的著作"),
        ("歐盟撤回“禁令”", "欧盟撤回“禁令”"),
        ("重慶2025年整車產量", "重庆2025年整车产量"),
        ("准入標準", "准入标准"),
        ("瞭解並徵收", "了解并征收"),
        ("臺灣與台灣", "台湾与台湾"),
        ("電動車佔比,週期", "电动车占比,周期"),
    ],
)
def test_both_scripts_fold_to_the_same_text(traditional: str, simplified: str) -> None:
    assert fold(traditional) == fold(simplified) == simplified


def test_an_article_rewritten_in_simplified_folds_to_the_same_text(articles: list[Article]) -> None:
    """Folding what was folded is how a Simplified copy of the article would be folded."""
    for article in articles:
        once = fold(article.body)
        twice = fold(once)
        different = [once[at - 3 : at + 3] for at in range(len(once)) if once[at] != twice[at]]
        assert different == [], f"{article.title}: not yet Simplified after one folding"


@pytest.mark.parametrize(
    ("original", "folded"),
    [
        pytest.param("ＡＢＣ１２３", "abc123", id="full width"),
        pytest.param("NVIDIA Tesla", "nvidia tesla", id="case"),
        pytest.param("，！？；：（）", ",!?;:()", id="punctuation"),
        pytest.param("80\u3000億\xa0元", "80 亿 元", id="spaces"),
        pytest.param("5㎞", "5㎞", id="a form of two characters stays"),
        pytest.param("İstanbul", "İstanbul", id="a lower case of two characters stays"),
        pytest.param("①②", "12", id="circled"),
        pytest.param("a\x00B", "a\x00b", id="NUL"),
        pytest.param("", "", id="empty"),
    ],
)
def test_width_and_case_fold_character_by_character(original: str, folded: str) -> None:
    assert fold(original) == folded


def test_a_lone_surrogate_is_refused_by_name() -> None:
    with pytest.raises(UnicodeEncodeError):
        fold("\ud800x")


@given(st.lists(st.sampled_from(["a", "中", "𠮷", "\ud800", "x\udc80"]), max_size=12).map("".join))
def test_lone_surrogates_are_replaced_one_for_one(text: str) -> None:
    cleaned = without_surrogates(text)
    assert cleaned == "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    assert len(fold(cleaned)) == len(text)
