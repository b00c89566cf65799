import math
from pathlib import Path

import pytest

from language import frequency
from language.folding import fold
from language.frequency import idf, listed

LINES = Path(frequency.__file__).with_name("frequency.tsv").read_text(encoding="utf-8").splitlines()
ARTICLES = int(LINES[0])
COUNTS = {word: int(count) for word, count in (line.split("\t") for line in LINES[1:])}


def test_idf_is_the_logarithm_of_how_rare_a_word_is() -> None:
    assert idf("的") == pytest.approx(math.log(64052 / 62487), abs=1e-12)


def test_a_rarer_word_never_weighs_less() -> None:
    by_count = sorted(COUNTS, key=COUNTS.__getitem__, reverse=True)
    weights = [idf(word) for word in by_count]
    assert weights == sorted(weights)
    assert weights[0] > 0


def test_an_unlisted_word_weighs_as_much_as_the_rarest_listed_one() -> None:
    assert not listed("沒有這個詞")
    assert idf("沒有這個詞") == max(map(idf, COUNTS)) == pytest.approx(math.log(ARTICLES / 15))


@pytest.mark.parametrize(
    ("ordinary", "telling"), [("的", "汽车"), ("汽车", "芯片"), ("什么", "上诉法院"), ("公司", "重庆")]
)
def test_ordinary_words_weigh_less_than_telling_ones(ordinary: str, telling: str) -> None:
    assert idf(ordinary) < idf(telling)


def test_words_are_listed_folded_and_once() -> None:
    assert len(COUNTS) == len(LINES) - 1
    assert [word for word in COUNTS if fold(word) != word] == []
    assert min(COUNTS.values()) >= 15
    assert max(COUNTS.values()) <= ARTICLES
