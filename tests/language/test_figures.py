from decimal import Decimal

import pytest

from language.figures import dates, figures, missing_figures, value_of
from language.folding import fold


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2,500,000", "2500000"),
        ("250万", "2500000"),
        ("二百五十万", "2500000"),
        ("3亿5000万", "350000000"),
        ("三点五", "3.5"),
        ("1.5万亿", "1500000000000"),
        ("1.5兆", "1500000000000"),
        ("两万五", "25000"),
        ("两万零五", "20005"),
        ("二〇二六", "2026"),
        ("十一", "11"),
        ("百", "100"),
        ("10多万", "100000"),
        ("1,234,567.89", "1234567.89"),
    ],
)
def test_value(written: str, value: str) -> None:
    assert value_of(written) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("250萬輛", [(2500000, "辆")]),
        ("２５０ 萬台", [(2500000, "辆")]),
        ("百分之二十五", [(25, "%")]),
        ("２５％", [(25, "%")]),
        ("三成", [(30, "%")]),
        ("3個百分點", [(3, "百分点")]),
        ("3-5萬元", [(30000, "元"), (50000, "元")]),
        ("25%乃至100%", [(25, "%"), (100, "%")]),
        ("2019-2024年", [(2019, "年"), (2024, "年")]),
        ("US$5億", [(500000000, "美元")]),
        ("80億美元", [(8000000000, "美元")]),
        ("第三季度", [(3, "季度")]),
        ("第三代", [(3, "第")]),
        ("三重影響", [(3, "个")]),
        ("兩年", [(2, "年")]),
        ("100kWh", [(100, "kwh")]),
        ("100千瓦時", [(100, "kwh")]),
        ("30秒", [(30, "s")]),
        ("2026年全球", [(2026, "年")]),
        ("2025一汽", [(2025, "")]),
    ],
)
def test_figures_that_make_a_claim(text: str, expected: list[tuple[int, str]]) -> None:
    assert [(int(figure.value), figure.unit) for figure in figures(fold(text)) if not figure.weak] == expected


@pytest.mark.parametrize(
    "text",
    [
        "一些企業",
        "三星電子",
        "十分重要",
        "統一",
        "一汽",
        "GB300晶片",
        "一個模型",
        "兩家公司",
        "唯一一個",
        "第一,成本低",
    ],
)
def test_numerals_inside_words_make_no_claim(text: str) -> None:
    assert [figure for figure in figures(fold(text)) if not figure.weak] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026年1月19日", [(2026, 1, 19)]),
        ("二〇二六年十二月三十一日", [(2026, 12, 31)]),
        ("26年1月", [(2026, 1, None)]),
        ("11月", [(None, 11, None)]),
        ("十一月二十三日", [(None, 11, 23)]),
        ("1-11月", [(None, 1, None), (None, 11, None)]),
        ("1月5日至9日", [(None, 1, 5), (None, 1, 9)]),
        ("2026-01-19", [(2026, 1, 19)]),
        ("3個月", []),
    ],
)
def test_dates(text: str, expected: list[tuple[int | None, int, int | None]]) -> None:
    assert [(date.year, date.month, date.day) for date in dates(fold(text))] == expected


SOURCE = "據《日經亞洲》2026年1月19日報導,通用汽車股價累計下跌約3%,去年銷量達250萬輛,售價80億美元,為期五年。"


@pytest.mark.parametrize(
    "claim",
    [
        "2026年1月19日",
        "1月19日",
        "2026年",
        "1月",
        "3%",
        "百分之三",
        "2,500,000辆",
        "二百五十万台",
        "80億美金",
        "5年",
        "去年",
    ],
)
def test_figures_that_stand(claim: str) -> None:
    assert missing_figures(fold(claim), fold(SOURCE)) == []


@pytest.mark.parametrize(
    ("claim", "missing"),
    [
        ("2025年1月19日", "2025年1月19日"),
        ("1月3日", "1月3日"),
        ("19%", "19%"),
        ("3個百分點", "3个百分点"),
        ("250輛", "250辆"),
        ("250萬元", "250万元"),
        ("80億元", "80亿元"),
        ("80億歐元", "80亿欧元"),
        ("5個月", "5个月"),
        ("今年", "今年"),
        ("五倍", "五倍"),
    ],
)
def test_figures_that_are_missing(claim: str, missing: str) -> None:
    assert missing_figures(fold(claim), fold(SOURCE)) == [missing]


def test_a_date_is_not_put_together_from_two() -> None:
    assert missing_figures(fold("1月19日"), fold("1月5日開幕,3月19日閉幕")) == ["1月19日"]


def test_a_wild_number_is_read_in_time() -> None:
    assert len(figures("兆" * 100_000)) > 0
    assert figures("9" * 100_000)[0].unit == ""
