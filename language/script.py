"""Which script a question is asked in, and text rendered into a script."""

from typing import Literal, cast, get_args

from language.folding import converter

Script = Literal["zh-TW", "zh-CN", "zh-HK"]
SCRIPTS: tuple[Script, ...] = get_args(Script)

_FROM_SIMPLIFIED: dict[Script, str] = {"zh-TW": "s2twp", "zh-HK": "s2hkp"}
_CANTONESE = ("點解", "點樣", "邊個", "邊度", "幾多", "幾時", "係咪", "而家", *"嘅咗喺冇嘢哋唔啲嚟乜佢")
_HONG_KONG_WORDS = ("的士", "平治", "特朗普", "英偉達", "互聯網", "數據", "資訊科技", "富豪汽車", "福士", "質素")


def detect_script(text: str, default: Script = "zh-TW") -> Script:
    """The script of a question, from the characters that only one script writes, then from regional words.

    Text that tells nothing (English, or characters that both scripts share) gets ``default``.
    """
    traditional = _distance(text, "t2s")
    simplified = _distance(text, "s2t")
    if simplified > traditional:
        return "zh-CN"
    if traditional == 0:
        return default
    return "zh-HK" if any(word in text for word in (*_CANTONESE, *_HONG_KONG_WORDS)) else "zh-TW"


def _distance(text: str, config: str) -> int:
    return sum(old != new for old, new in zip(text, converter(config).convert(text), strict=False))


def render(text: str, script: Script) -> str:
    """``text`` in the characters and regional words of ``script``.

    Text already in that script is left as it is, so that an article's own wording is not rewritten.
    """
    if detect_script(text, default=script) == script:
        return text
    mainland = cast(str, converter("tw2sp").convert(text)).replace("首席首席", "首席")  # 首席|執行長 → 首席执行官
    return mainland if script == "zh-CN" else cast(str, converter(_FROM_SIMPLIFIED[script]).convert(mainland))
