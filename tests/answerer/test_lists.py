import pytest

from answerer.lists import announced, items, read_body

THREE = "影響有三重:對誰都一樣。其一,門檻低了;其二,資料多了;其三,車成了空間。最後,觀察家看好。"
PATHS = (
    "這種探索存在著三條潛在的路徑。路徑一:供應鏈先行在當前制度之前,先賣零件。這很慢。路徑二:以本土製造替代出口。"
    "這要錢。路徑三:堅持外圍生態第三種路徑,是在周邊設廠。結論還早。"
)
INSIDE = "增速趨緩的原因有三:首先是補貼的退坡。這影響很大。其次是保有量到頂。最後是滲透率過半。"


def quoted(body: str, start: str) -> list[str]:
    read = read_body(body)
    row = read.at(body.index(start))
    return ["".join(body[read.spans[at].start : read.spans[at].end] for at in run) for run in items(read, row)]


def test_an_announcing_sentence_gives_the_items_behind_it() -> None:
    expected = ["其一,門檻低了;", "其二,資料多了;", "其三,車成了空間。"]
    assert quoted(THREE, "影響有三重") == expected
    assert quoted(THREE, "其二") == expected  # so does every item


def test_headings_take_the_sentence_under_them_along() -> None:
    found = quoted(PATHS, "這種探索")
    assert [text[:4] for text in found] == ["路徑一:", "路徑二:", "路徑三:"]
    assert "先賣零件" in found[0]
    assert "第三種路徑,是在周邊設廠。" in found[2]
    assert all("這很慢" not in text and "結論" not in text for text in found)


def test_the_first_item_may_stand_in_the_announcing_sentence() -> None:
    assert quoted(INSIDE, "增速") == ["其次是保有量到頂。", "最後是滲透率過半。"]


@pytest.mark.parametrize(
    ("body", "start"),
    [
        ("他有三個問題。其一,錢不夠。", "他有"),  # one of three: not this list
        ("股價跌了3%。其中福特跌了4%。", "股價"),
        ("公司分為五個部門。人都在這裡。", "公司"),
    ],
    ids=["too few", "no list", "announced and not given"],
)
def test_no_items(body: str, start: str) -> None:
    assert quoted(body, start) == []


@pytest.mark.parametrize(
    ("sentence", "count"),
    [("有三大影响。", 3), ("分为两", 2), ("原因有三:首先是钱。", 3), ("共4项", 4), ("例如:", 1), ("车卖得好。", 0)],
)
def test_announced(sentence: str, count: int) -> None:
    assert announced(sentence) == count
