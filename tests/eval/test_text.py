import pytest

from eval.text import comparable, holds


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("近250萬輛的整車產量", "250万辆"),
        ("索賠高達80億美元", "80 亿美元"),
        ("產銷1,490.7萬輛", "1490.7萬輛"),
        ("“歡迎中國企業來美國建廠”", "「欢迎中国企业来美国建厂」"),
        ("Vera Rubin架構", "vera rubin"),
        ("ＣＥＳ２０２６", "CES 2026"),
        ("首席執行長張學征(同時也是…)", "張學征（同時"),
    ],
)
def test_a_text_holds_a_form_in_any_script_width_and_quotation(text: str, form: str) -> None:
    assert holds(text, form)


@pytest.mark.parametrize(
    ("text", "form"),
    [("250萬輛", "350萬輛"), ("甲", ""), ("", "甲"), ("甲", " 、"), ("1.5萬", "15萬"), ("25%", "2.5%")],
)
def test_a_text_does_not_hold_what_is_not_there(text: str, form: str) -> None:
    assert not holds(text, form)


def test_comparable_drops_what_does_not_matter_and_nothing_else() -> None:
    assert comparable("「甲、乙」 (丙),1,000.5%!") == "甲乙丙1000.5%!"
    assert comparable("\ud800甲") == "\ufffd甲"
