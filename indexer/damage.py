"""Words that a machine's conversion to Taiwan wording has damaged: 全球化進程 written as 全球化處理程序.

Searching finds them all the same (``language/lexicon`` knows both forms); this tells whoever brings the articles in.
Only words that hardly stand in a news text for themselves: 支援 and 資料 may be meant so.
"""

import re
from collections import Counter
from collections.abc import Iterable

from indexer.articles import Article

MOST = 4  # words named
_DAMAGED = {
    r"(?<!作業系統)(?<!電腦)處理程序": "進程",
    r"組態": "配置",
    r"位元組(?=跳動)": "字節",
    r"(?<![0-9０-９一二三四六八十百量子])位元(?=[一-鿿])(?![組率數址串運算幣寬])": "位",
    r"巨集觀": "宏觀",
    r"迴圈(?=經濟|利用|發展|使用)|(?<=[良惡雙內外])[性]?迴圈": "循環",
    r"執行緒(?!式)": "線程",
    r"引數": "參數",
    r"例項": "實例",
    r"那裡(?=[^。！!；;\n]{0,10}[?？])": "哪裡",
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
    return f"{found.total()} words look damaged by conversion and are found all the same ({named}{more})"
