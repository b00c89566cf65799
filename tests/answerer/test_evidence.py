import pytest

from answerer.evidence import listing, number_sentences, visible
from indexer.articles import Article
from indexer.passages import build_passages
from language.sentences import SentenceKind
from retriever.hits import Hit
from retriever.question import analyse_question


def hits_of(article: Article, size: int = 240) -> list[Hit]:
    return [Hit(passage, article, 1.0, 1.0, 1.0, analyse_question("題")) for passage in build_passages(article, size)]


SALES = Article(
    "a1", "銷量", "比亞迪賣出3輛。特斯拉賣出2輛。01 鐵王座的歸屬2025年仍會成長。福特賣出1輛。", "來源", "汽車"
)
PLANT = Article("b2", "建廠", "奇瑞在西班牙建廠。", "報社", "汽車")


def test_overlapping_passages_give_each_sentence_once_in_the_order_of_the_article() -> None:
    passages = hits_of(SALES, size=16)
    assert len(passages) > 2
    evidence = number_sentences([passages[-1], *hits_of(PLANT), *passages])
    assert [(one.number, one.text) for one in evidence] == [
        (1, "比亞迪賣出3輛。"),
        (2, "特斯拉賣出2輛。"),
        (3, "2025年仍會成長。"),
        (4, "福特賣出1輛。"),
        (5, "奇瑞在西班牙建廠。"),
    ]


def test_headings_and_captions_are_no_evidence() -> None:
    kinds = {span.kind for hit in hits_of(SALES) for span in hit.passage.sentences}
    assert SentenceKind.HEADING in kinds
    assert all("鐵王座" not in one.text for one in number_sentences(hits_of(SALES)))


def test_neighbours_adjoin_unless_something_stands_between() -> None:
    one, two, three, four = number_sentences(hits_of(SALES))
    assert [one.adjoins(two), two.adjoins(three), three.adjoins(four), one.adjoins(three), two.adjoins(one)] == [
        True,
        False,
        True,
        False,
        False,
    ]


def test_the_budget_counts_characters_and_goes_by_rank() -> None:
    assert [one.text for one in number_sentences([*hits_of(PLANT), *hits_of(SALES)], budget=17)] == [
        "奇瑞在西班牙建廠。",
        "比亞迪賣出3輛。",
    ]


def test_listing() -> None:
    assert listing(number_sentences([*hits_of(PLANT), *hits_of(SALES)], budget=17)) == (
        "《建廠》 報社\n[1] 奇瑞在西班牙建廠。\n《銷量》 來源\n[2] 比亞迪賣出3輛。"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("甲\x00乙\x1b[31m", "甲乙〔31m", id="controls"),
        pytest.param("甲\u200b\u200d\ufeff\u2060乙\u00ad", "甲乙", id="zero width"),
        pytest.param("甲\u202e\u2066乙", "甲乙", id="bidi"),
        pytest.param("甲\U000e0049\U000e0047\U000e004e乙", "甲乙", id="tags block"),
        pytest.param("甲\ufe0f\U000e0101乙\u3164", "甲乙", id="selectors and fillers"),
        pytest.param("甲\ue000\ud800乙", "甲\ufffd乙", id="private use and lone surrogate"),
        pytest.param("甲\r\n\u2028\u3000 乙", "甲 乙", id="breaks"),
        pytest.param("甲[3]【4】<|im_start|>", "甲〔3〕〔4〕＜|im_start|＞", id="forged markers and tokens"),
        pytest.param("250萬🙂 café トヨタ", "250萬🙂 café トヨタ", id="ordinary text"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown
