"""Figures, dates and the words that place something in time, read from folded Chinese text so that they compare.

250萬輛, 2,500,000 辆 and 二百五十万辆 are one figure; 25% and 百分之二十五 too. A claim's figure stands in a text that
has the same value with the same unit. Not covered: rounding, unit conversion (公里 to 米), sums, minus signs, 半.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

_DIGITS = "〇零一二两三四五六七八九壹贰叁肆伍陆柒捌玖"
_TO_ASCII = str.maketrans(_DIGITS, "00122345678912345678" + "9")
_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8, "兆": 10**12}  # 兆 as in Taiwan: 万亿
_SCALE = r"(?:十|百(?!分)|千(?![瓦米克卡赫])|万|亿|兆(?![瓦赫字比]))"
_ARABIC = r"(?:\d{1,3}(?:,\d{3}){1,12}(?!\d)|\d{1,40})(?:\.\d{1,40})?"
_NUMBER = (
    rf"{_ARABIC}(?:\s?[多余几]?{_SCALE}(?:[多余几]?{_SCALE}){{0,4}}(?:(?:{_ARABIC}|[{_DIGITS}]){_SCALE}{{1,4}}){{0,4}})?"
    rf"|(?:[{_DIGITS}]|{_SCALE}){{1,24}}(?:点[{_DIGITS}]+{_SCALE}{{0,4}})?"
)

_COUNTED = {
    "辆": "辆台",
    "家": "家间",
    "人": "人名位",
    "个": "个款种类项条件大重部次届场期批步张颗片座份块只支套组级层代轮",
}
_MEASURED = {
    "%": "%", "百分点": "个百分点 百分点", "倍": "倍", "折": "折", "成": "成", "线": "线", "度": "度", "岁": "岁",
    "年": "年 年度", "个月": "个月", "月": "月 月份", "日": "日 天 号", "周": "周 星期 个星期",
    "季度": "季度 季 个季度", "h": "小时 个小时 h", "min": "分钟 min", "s": "秒 秒钟 s", "ms": "毫秒 ms",
    "元": "元 元人民币 人民币 rmb cny", "美元": "美元 美金 usd", "欧元": "欧元 eur", "日元": "日元 日圆 jpy",
    "英镑": "英镑 gbp", "港元": "港元 港币 hkd", "台币": "新台币 台币 元新台币 twd ntd", "韩元": "韩元 韩圆 krw",
    "km": "公里 千米 km", "m": "米 公尺 m", "cm": "厘米 公分 cm", "mm": "毫米 mm", "nm": "纳米 奈米 nm",
    "英里": "英里", "平方米": "平方米 平方公尺", "平方公里": "平方公里", "kg": "公斤 千克 kg", "g": "克 g",
    "t": "吨 公吨 t", "l": "升 公升 l", "kwh": "千瓦时 kwh", "wh": "瓦时 wh", "mwh": "兆瓦时 mwh",
    "gwh": "吉瓦时 gwh", "kw": "千瓦 kw", "mw": "兆瓦 mw", "gw": "吉瓦 gw", "hp": "马力 匹 hp", "v": "伏 伏特 v",
    "tops": "tops", "gb": "gb", "tb": "tb", "mb": "mb", "hz": "hz", "ghz": "ghz",
}  # fmt: skip
_UNITS = {form: unit for unit, forms in _COUNTED.items() for form in forms}
_UNITS |= {form: unit for unit, forms in _MEASURED.items() for form in forms.split()}
_SOFT = frozenset(_COUNTED)  # counters: a text may leave them out where a claim writes them
_NOT_BEFORE = {  # a unit before one of these characters is part of a word: 3成员, 50万大学生
    "成": "员为功立本交长果绩熟分",
    "大": "学于型约多小量",
    "线": "路",
    "位": "于置元",
    "重": "要大点新",
    "家": "庭",
}


def _unit_pattern(form: str) -> str:
    latin = form.isascii() and form.isalpha()
    barred = "[a-z]" if latin else f"[{_NOT_BEFORE[form]}]" if form in _NOT_BEFORE else ""
    return re.escape(form) + (f"(?!{barred})" if barred else "")


_UNIT = "|".join(map(_unit_pattern, sorted(_UNITS, key=len, reverse=True)))
_MONEY = {"us$": "美元", "$": "美元", "nt$": "台币", "hk$": "港元", "¥": "元", "€": "欧元", "£": "英镑", "rmb": "元"}
_MONEY_SIGN = "|".join(re.escape(sign) for sign in sorted(_MONEY, key=len, reverse=True))
_FIGURE = re.compile(
    rf"(?P<percent>百分之)?(?P<ordinal>第)?(?:(?P<money>{_MONEY_SIGN})\s?)?(?P<number>{_NUMBER})[多余几]?\s?(?P<unit>{_UNIT})?"
)
_PART = re.compile(r"\d+(?:\.\d+)?|[十百千万亿兆]")
_RANGE = re.compile(r"\s?(?:[-~–—至到]|乃至)\s?")

_MONTH = r"(?:1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])"
_DAY = r"(?:3[01]|[12]\d|0?[1-9]|三十一?|二?十[一二三四五六七八九]?|[一二三四五六七八九])"
_DATE = re.compile(
    rf"(?<![\d个第十])(?:(?P<year>\d{{4}}|\d{{2}}|[{_DIGITS}]{{4}})年度?\s?)?(?:(?P<from>{_MONTH})月?[-~–—至到])?"
    rf"(?P<month>{_MONTH})月(?:份)?(?:\s?(?P<day>{_DAY})(?:[日号]|(?=[-~–—至到]{_DAY}[日号]))"
    rf"(?:[-~–—至到](?P<until>{_DAY})[日号])?)?"
    r"|(?P<iso>(?<!\d)\d{4}(?P<mark>[-/.])\d{1,2}(?P=mark)\d{1,2}(?!\d))"
)
_RELATIVE = re.compile(
    r"(?<![以之目此])前年|去年|今年|本年|明年|上个?月|本月|这个月|下个?月|昨[天日]|今[天日]|明[天日]|上周|本周|这周|下周"
    r"|上半年|下半年|年初|年底|年末|月初|月底"
)
_SAME_TIME = str.maketrans({"本": "今", "这": "今", "个": None, "天": "日", "末": "底"})


@dataclass(frozen=True, slots=True)
class Figure:
    """A number at ``folded[start:end]`` with its unit ("" for none).

    ``weak`` marks a Han numeral that may be part of a word (三星, 一些): it can hold a claim up but makes none.
    """

    value: Decimal
    unit: str
    start: int
    end: int
    weak: bool


@dataclass(frozen=True, slots=True)
class Date:
    """A month, with its year and day where they are written, at ``folded[start:end]``."""

    year: int | None
    month: int
    day: int | None
    start: int
    end: int


def missing_figures(claim: str, text: str) -> list[str]:
    """List the figures, dates and time words of ``claim`` that ``text`` has not, as written; both are folded."""
    known = figures(text)
    known_dates = list(dates(text))
    if "首" in text or "冠军" in text:
        known.append(Figure(Decimal(1), "第", 0, 0, weak=True))
    claimed_dates = list(dates(claim))
    missing = [(date.start, date.end) for date in claimed_dates if not _has_date(date, known_dates, known)]
    for figure in figures(claim):
        inside_date = any(date.start <= figure.start < date.end for date in claimed_dates)
        if not (figure.weak or inside_date or any(_holds(other, figure) for other in known)):
            missing.append((figure.start, figure.end))
    times = {word.translate(_SAME_TIME) for word in _RELATIVE.findall(text)}
    missing += [word.span() for word in _RELATIVE.finditer(claim) if word[0].translate(_SAME_TIME) not in times]
    return [claim[start:end].strip() for start, end in sorted(missing)]


def figures(folded: str) -> list[Figure]:
    """List the figures of folded text in order; in 3-5万 the first takes over scale and unit of the second."""
    found = [(_figure(folded, match), match["number"]) for match in _FIGURE.finditer(folded)]
    result = []
    for at, (figure, number) in enumerate(found):
        follower = found[at + 1] if at + 1 < len(found) else None
        if follower and not figure.unit and _RANGE.fullmatch(folded, figure.end, follower[0].start):
            result.append(_within_range(figure, number, *follower))
        else:
            result.append(figure)
    return result


def _figure(folded: str, match: re.Match[str]) -> Figure:
    number, written = match["number"], match["unit"] or ""
    unit, value = _UNITS.get(written, ""), value_of(number)
    if match["percent"]:
        unit = "%"
    elif match["money"]:
        unit = _MONEY[match["money"]]
    elif match["ordinal"] and unit != "季度":
        unit = "第"
    elif unit == "成":
        unit, value = "%", value * 10
    glued = match.start() > 0 and folded[match.start() - 1].isascii() and folded[match.start() - 1].isalpha()
    enumerates = unit == "第" and folded[match.end() : match.end() + 1] in {",", "、", ":"}
    weak = glued or enumerates or _may_be_word(number, unit)
    return Figure(value, unit, match.start(), match.end(), weak)


def _may_be_word(number: str, unit: str) -> bool:
    if number[0].isdigit() and number[0].isascii():
        return False
    if number in {"一", "两"}:
        return not unit or unit in _SOFT
    if unit and not (unit in _SOFT and len(number) == 2 and not _SCALES.keys() & set(number)):
        return False
    return (number[0] in _SCALES or len(number) < 3) and not re.match(rf"[{_DIGITS}][万亿兆]", number)


def _within_range(figure: Figure, number: str, upper: Figure, upper_number: str) -> Figure:
    scaled = figure.value
    for scale in upper_number[len(upper_number.rstrip("".join(_SCALES))) :]:
        scaled *= _SCALES[scale]
    same_scale = number[-1] not in _SCALES and scaled < upper.value
    value = scaled if same_scale else figure.value
    return replace(figure, value=value, unit=upper.unit, weak=figure.weak and upper.weak)


def value_of(number: str) -> Decimal:
    """Read the value of a number as ``figures`` finds it: 2,500,000, 3亿5000万, 二百五十万, 三点五, 两万五."""
    plain = re.sub(r"[,\s多余几]", "", number.translate(_TO_ASCII)).replace("点", ".")
    total = section = Decimal(0)
    pending: Decimal | None = None
    before = 0
    for part in _PART.findall(plain):
        scale = _SCALES.get(part, 0)
        if not scale:
            shorthand = before >= 100 and len(part) == 1 and plain.endswith(part) and not number[-1].isascii()
            pending = Decimal(part) * (before // 10 if shorthand else 1)
            continue
        if scale < 10**4:
            section += (Decimal(1) if pending is None else pending) * scale
        else:
            chunk = section + (pending or 0)
            total = total + chunk * scale if chunk else (total or Decimal(1)) * scale
            section = Decimal(0)
        pending, before = None, scale
    return total + section + (pending or 0)


def dates(folded: str) -> Iterator[Date]:
    """Yield the dates of folded text in order; 1至11月 and 5日至9日 yield both ends."""
    for match in _DATE.finditer(folded):
        if match["iso"]:
            year, month, day = map(int, re.split(r"[-/.]", match["iso"]))
            yield Date(year, month, day, *match.span())
            continue
        written = match["year"]
        year_or_none = int(value_of(written)) + (2000 if len(written) == 2 else 0) if written else None
        day_or_none = int(value_of(match["day"])) if match["day"] else None
        if match["from"]:
            yield Date(year_or_none, int(value_of(match["from"])), None, *match.span())
        month = int(value_of(match["month"]))
        yield Date(year_or_none, month, day_or_none, *match.span())
        if match["until"]:
            yield Date(year_or_none, month, int(value_of(match["until"])), *match.span())


def _has_date(date: Date, known: list[Date], known_figures: list[Figure]) -> bool:
    for other in known:
        same_year = date.year in {None, other.year} or (other.year is None and _has_year(date.year, known_figures))
        if other.month == date.month and same_year and date.day in {None, other.day}:
            return True
    return False


def _has_year(year: int | None, known: list[Figure]) -> bool:
    return any(figure.unit == "年" and figure.value == year for figure in known)


def _holds(known: Figure, claimed: Figure) -> bool:
    """Tell whether a figure of the text holds up the claimed one."""
    if claimed.unit == "年" and 1900 <= claimed.value <= 2100:
        return known.value == claimed.value or (known.unit == "年" and known.value + 2000 == claimed.value)
    same_unit = not claimed.unit or known.unit == claimed.unit or (claimed.unit in _SOFT and not known.unit)
    return known.value == claimed.value and same_unit
