"""Words that a machine's conversion to Taiwan wording has damaged: 全球化進程 written as 全球化處理程序.

Searching finds them all the same (``language/lexicon`` knows both forms); this tells whoever brings the articles in.
Only words, beside the characters that give them away, that hardly stand in a news text for themselves.
"""

import re
from collections import Counter
from collections.abc import Iterable

from indexer.articles import Article

MOST = 4  # words named
_DAMAGED = {
    r"(?<=[化革設進轉歷])處理程序": "進程",
    r"(?<![體硬])組態(?=\d|了|有|[一二兩三四五六七八九十])": "配置",
    r"位元組(?=跳動)": "字節",
    r"位元(?=朗普)": "位",
    r"巨集觀": "宏觀",
    r"迴圈(?=經濟|利用|發展|使用)|(?<=[良惡]性)迴圈|(?<=[雙內外])迴圈": "循環",
}
_PATTERN = re.compile("|".join(f"({pattern})" for pattern in _DAMAGED))
_MEANT = tuple(_DAMAGED.values())


def damage(articles: Iterable[Article]) -> str:
    """What looks damaged in some articles, in one line; "" if nothing does."""
    found: Counter[tuple[str, str]] = Counter()
    for article in articles:
        for match in _PATTERN.finditer(f"{article.title}\n{article.body}"):
            found[match.group(), _MEANT[(match.lastindex or 1) - 1]] += 1
    if not found:
        return ""
    named = ", ".join(f"{word} {count} × for {meant}" for (word, meant), count in found.most_common(MOST))
    more = ", …" if len(found) > MOST else ""
    words = "1 word looks" if found.total() == 1 else f"{found.total()} words look"
    return f"{words} damaged by conversion and found all the same ({named}{more})"
