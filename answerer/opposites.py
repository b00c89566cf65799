"""Words that say the reverse of each other (增 and 減, 買 and 賣, 支持 and 反對), and where two texts do."""

import re
from collections.abc import Iterator

_NO_FIGURE = r"(?!\s?[约近]?[\d一二两三四五六七八九十百千])"  # 超过 before a figure bounds it

# Both sides folded; each side is what a clause says, in whatever word.
_PAIRS = tuple(
    (re.compile(one), re.compile(other))
    for one, other in (
        (
            r"涨|升(?!级)|增(?!程)|提高|走高|扩大|成长(?!性)|上调|扩张",
            r"跌|降(?!级|噪)|减(?!排|碳|速|配)|下滑|走低|回落|萎缩|缩小|衰退|下调|缩水",
        ),
        (r"放宽|放松|松绑", r"收紧|加严|从严"),
        (r"支持|赞成|赞同|欢迎|拥护", r"反对|抵制|抵触|抗议"),
        (r"买|采购|购入|收购|买进", r"卖|出售|抛售|售出|销量|销售(?!商|网)"),
        (r"承认|坦承", r"否认"),
        (r"同意|批准|获批|允许|通过了", r"拒绝|驳回|否决|禁止"),
        (r"取消|撤销|解除|废除|免除", r"恢复征|维持|新增|加征|实施"),
        (r"提前", r"推迟|延后|延迟|延期|押后"),
        (rf"(?:高于|超过|多于){_NO_FIGURE}|超越|领先|优于|胜过", rf"(?:低于|不及|少于){_NO_FIGURE}|落后|逊于|不如"),
        (r"加快|加速|提速", r"放缓|减速|放慢|趋缓"),
        (r"盈利|赚|获利", r"亏"),
        (r"增持|加仓", r"减持|减仓"),
        (r"进口", r"出口"),
        (r"乐观|看好", r"悲观|看淡|看衰"),
        (r"加入|入职|上任|出任", r"离开|离职|辞去|卸任|退出"),
        (r"最高|最大|最多", r"最低|最小|最少"),
        (r"投产|开工|复工", r"停产|停工"),
        (r"成功", r"失败"),
    )
)
_NEGATORS = frozenset("不没未无非")
_REACH = 3  # characters before a word in which a negator turns it


def opposed(claim: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield what the claim says and the text says the reverse of, as written in each; both are folded.

    A side counts where it is said, not denied, and the same text does not say its reverse as well.
    """
    for pair in _PAIRS:
        for one, other in (pair, pair[::-1]):
            said, here = _said(one, claim), _said(other, text)
            if said and here and not _mentions(other, claim) and not _mentions(one, text):
                yield said, here


def unsaid(claim: str, text: str) -> Iterator[str]:
    """Yield what of these the claim says and the text says neither so nor in reverse; both are folded."""
    for pair in _PAIRS:
        if not any(_mentions(side, text) for side in pair):
            yield from (said for side in pair if (said := _said(side, claim)))


def directions(folded: str) -> list[tuple[int, int]]:
    """Where folded text has such words."""
    return [match.span() for pair in _PAIRS for side in pair for match in side.finditer(folded)]


def _said(side: re.Pattern[str], text: str) -> str:
    """The first word of that side that stands undenied in a text, or ""."""
    for match in side.finditer(text):
        if not _NEGATORS & set(text[max(0, match.start() - _REACH) : match.start()]):
            return match[0]
    return ""


def _mentions(side: re.Pattern[str], text: str) -> bool:
    return side.search(text) is not None
