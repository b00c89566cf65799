from itertools import pairwise

import pytest

from answerer.opposites import opposed, unsaid
from answerer.verifying import Compared, Verification, verify
from indexer.encoder import Encoder
from indexer.snapshot import Snapshot
from language.folding import fold
from retriever import HITS, Retriever, analyse_question


@pytest.fixture(scope="module")
def retriever(snapshot: Snapshot, encoder: Encoder) -> Retriever:
    return Retriever(snapshot, encoder)


def verified(retriever: Retriever, claim: str) -> Verification:
    return verify(claim, retriever.retrieve(analyse_question(claim), HITS))


def wrong(found: Verification) -> list[Compared]:
    return [one for one in found.checked if not one.agrees]


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param("聞泰科技計畫向荷蘭政府索賠80億美元。", id="as the article says"),
        pytest.param("闻泰科技打算向荷兰政府索赔八十亿美金。", id="another script, Han numerals, another word"),
        pytest.param("Wingtech將向荷蘭政府索賠US$8,000,000,000。", id="an English name, all digits"),
        pytest.param("聞泰科技計畫向荷蘭政府索賠約81億美元。", id="about"),
        pytest.param("聞泰科技向荷蘭政府索賠超過75億美元。", id="more than"),
        pytest.param("聞泰科技向荷蘭政府索賠８０億美元。", id="full width"),
    ],
)
def test_one_figure_written_in_many_ways_is_supported(retriever: Retriever, claim: str) -> None:
    found = verified(retriever, claim)
    assert (found.verdict, found.differs) == ("supported", False)
    assert "索賠高達80億美元" in found.sentences[0].quote
    assert wrong(found) == []


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("闻泰科技计划向荷兰政府索赔90亿美元。", Compared("figure", "90亿美元", "80億美元", agrees=False)),
        ("闻泰科技计划向荷兰政府索赔80亿欧元。", Compared("figure", "80亿欧元", "80億美元", agrees=False)),
        ("荷蘭政府在10月30日接管了安世半導體。", Compared("date", "10月30日", "9月30日", agrees=False)),
        ("聞泰科技與張學征承認了上述指控。", Compared("direction", "承认", "否认", agrees=False)),
        ("2024年上海以近300萬輛登頂。", Compared("name", "上海", "深圳", agrees=False)),
        ("2022年吳新宙加入輝達擔任汽車事業部副總裁。", Compared("date", "2022年", "2023年", agrees=False)),
    ],
)
def test_one_thing_said_otherwise_is_contradicted(retriever: Retriever, claim: str, expected: Compared) -> None:
    found = verified(retriever, claim)
    assert (found.verdict, wrong(found)) == ("contradicted", [expected])


def test_a_figure_that_belongs_to_another_is_contradicted_by_its_own(retriever: Retriever) -> None:
    found = verified(retriever, "吉利被歐盟加徵17%的關稅。")
    assert (found.verdict, wrong(found)) == ("contradicted", [Compared("figure", "17%", "18.8%", agrees=False)])


def test_a_year_that_belongs_to_another_is_contradicted_by_its_own(retriever: Retriever) -> None:
    found = verified(retriever, "小米計畫2027年推出能做飯的人形機器人。")
    assert (found.verdict, wrong(found)) == ("contradicted", [Compared("date", "2027年", "2026年", agrees=False)])


def test_a_claim_on_which_sources_differ_is_supported_and_shows_both(retriever: Retriever) -> None:
    found = verified(retriever, "2025年中国品牌在欧洲的销量约为230万辆。")
    assert (found.verdict, found.differs) == ("supported", True)
    assert [one.article.source for one in found.sentences] == ["中國新聞社", "愛駕天下"]


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param("重庆2025年新能源汽车出口了30万辆。", id="a figure of something else"),
        pytest.param("福特计划在墨西哥新建一座电池工厂。", id="a place that no article names with it"),
        pytest.param("安世半導體2025年的營收是20億美元。", id="the right company, another fact"),
        pytest.param("台積電第三季的毛利率是59.5%。", id="another company"),
        pytest.param("250萬輛", id="a figure alone"),
        pytest.param("?!", id="nothing"),
    ],
)
def test_what_the_articles_do_not_tell_is_not_found(retriever: Retriever, claim: str) -> None:
    assert verified(retriever, claim).verdict == "not_found"


def test_no_hits_tell_nothing() -> None:
    assert verify("聞泰科技計畫向荷蘭政府索賠80億美元。", []) == Verification("not_found", (), ())


def test_quotes_are_the_articles_own_and_do_not_overlap(retriever: Retriever) -> None:
    found = verified(retriever, "小鵬的IRON機器人全身有82個自由度，搭載三顆圖靈晶片。")
    assert [one.marker for one in found.sentences] == list(range(1, len(found.sentences) + 1))
    places = sorted((one.article.id, one.start, one.end) for one in found.sentences)
    assert all(a[0] != b[0] or a[2] <= b[1] for a, b in pairwise(places))
    assert all(one.quote and one.quote in one.article.body for one in found.sentences)


@pytest.mark.parametrize(
    ("claim", "text", "expected"),
    [
        ("銷量增長", "銷量下滑", [("增", "下滑")]),
        ("銷量沒有增長", "銷量下滑", []),
        ("銷量增長", "銷量先升後跌", []),
        ("買電池", "出售電池", [("买", "出售")]),
        ("支持關稅", "強烈反對", [("支持", "反对")]),
        ("增程式車型", "減排目標", []),
    ],
)
def test_opposites(claim: str, text: str, expected: list[tuple[str, str]]) -> None:
    assert list(opposed(fold(claim), fold(text))) == expected


def test_a_direction_that_a_text_does_not_have_is_unsaid() -> None:
    assert list(unsaid(fold("收緊要求"), fold("新的要求"))) == ["收紧"]
    assert list(unsaid(fold("收緊要求"), fold("放寬要求"))) == []
