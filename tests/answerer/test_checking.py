from pathlib import Path

import pytest

from answerer.checking import check
from indexer.articles import read_articles
from language.figures import figures
from language.folding import fold
from language.script import Script, render
from language.sentences import split_sentences

SEEDS = [
    article.body[span.start : span.end]
    for article in read_articles([Path(__file__).parents[2] / "seeds"])
    for span in split_sentences(article.body)
]

SALES = "據《日經亞洲》1月19日報導,通用汽車股價累計下跌約3%,福特汽車下跌約4%,Stellantis跌幅更是達約11%。"
CHIP = "2025款奔馳CLA車型將全面搭載NVIDIA全端方案,整合AIpamayo自動駕駛模型、Halos安全作業系統與Thor晶片算力。"
TARIFF = "新的網路安全與資料監管規定,不會阻礙中國整車進入市場。"


@pytest.mark.parametrize(
    ("sentence", "cited"),
    [
        pytest.param("通用汽車股價下跌約3%,福特下跌約4%。", SALES, id="shortened"),
        pytest.param("通用汽车股价累计下跌约百分之三。", SALES, id="Simplified, percentage in words"),
        pytest.param("Stellantis 股價跌幅達約 11%。", SALES, id="spaces"),
        pytest.param("2025款奔驰CLA将搭载英伟达全端方案。", CHIP, id="mainland words for brands"),
        pytest.param("賓士CLA整合Thor芯片算力。", CHIP, id="other brand name and other word for chip"),
        pytest.param("銷量達2,500,000輛。", "全年銷量達二百五十萬輛。", id="numerals"),
        pytest.param("GPT4 模型", "他們用的是GPT-4模型。", id="hyphen in a name"),
        pytest.param("NVIDIA", "輝達今日表示", id="a name alone"),
    ],
)
def test_supported(sentence: str, cited: str) -> None:
    result = check(sentence, cited)
    assert (result.supported, result.missing) == (True, ())


@pytest.mark.parametrize(
    ("sentence", "cited", "missing"),
    [
        pytest.param("通用汽車股價累計下跌約5%。", SALES, ("5%",), id="wrong percentage"),
        pytest.param("據1月9日報導,福特汽車下跌約4%。", SALES, ("1月9日",), id="wrong date"),
        pytest.param("Tesla股價累計下跌約3%。", SALES, ("tesla",), id="a brand that is not there"),
        pytest.param("豐田汽車股價累計下跌約3%。", SALES, ("丰田",), id="a Han brand that is not there"),
        pytest.param("Reuters報導,福特汽車下跌約4%。", SALES, ("reuters",), id="a Latin name that is not there"),
        pytest.param("福特汽車股價上漲約4%。", SALES, ("福特汽车股价上涨约4%",), id="a fall told as a rise"),
        pytest.param("新的網路安全規定阻礙中國整車進入市場。", TARIFF, ("不会阻碍",), id="a denial told as a fact"),
        pytest.param("CLA整合Thor5晶片算力。", CHIP, ("thor5",), id="a name run on"),
    ],
)
def test_missing(sentence: str, cited: str, missing: tuple[str, ...]) -> None:
    result = check(sentence, cited)
    assert (result.supported, result.missing) == (False, missing)


def test_coverage_is_the_share_of_bigrams() -> None:
    # 比亚|亚迪 of 墨西|西哥|哥建|建厂 too; 将 and 在 do not count
    assert check("比亞迪將在墨西哥建廠", "比亞迪公布財報").coverage == pytest.approx(2 / 6)


def test_words_of_its_own_are_not_supported() -> None:
    result = check("專家認為這說明電池技術路線發生根本轉變。", SALES)
    assert (result.supported, result.missing, result.coverage) == (False, (), 0.0)


@pytest.mark.parametrize("sentence", ["", "。", "🙂", "\u200b"])
def test_nothing_said_is_not_supported(sentence: str) -> None:
    assert check(sentence, SALES).supported is False


def test_two_cited_sentences_support_together() -> None:
    first, second = "全新Vera Rubin架構已經發佈。", "相比前代,架構性能提升達到十倍。"
    claim = "Vera Rubin架構性能提升十倍。"
    assert check(claim, second).missing == ("vera", "rubin")
    assert check(claim, first + second).supported is True


@pytest.mark.parametrize("script", ["zh-TW", "zh-CN", "zh-HK"])
def test_every_seed_sentence_supports_itself_in_every_region(script: Script) -> None:
    assert [sentence for sentence in SEEDS if not check(render(sentence, script), sentence).supported] == []


def test_no_seed_sentence_supports_itself_with_one_digit_changed() -> None:
    changed = [(one, sentence) for sentence in SEEDS for one in _one_digit_changed(sentence)]
    assert len(changed) > 300
    assert [pair for pair in changed if check(*pair).supported] == []


def _one_digit_changed(sentence: str) -> list[str]:
    """The sentence with the first digit of each of its figures changed, where that makes a figure it does not have."""
    folded = fold(sentence)
    known = {figure.value for figure in figures(folded)}
    made = []
    for figure in figures(folded):
        at = figure.start
        if not figure.weak and folded[at].isdecimal():
            digit = next(digit for digit in "9876" if digit != folded[at])
            other = sentence[:at] + digit + sentence[at + 1 :]
            made += [other] if not {one.value for one in figures(fold(other))} <= known else []
    return made
