"""How telling a word is in general: inverse document frequency over a large body of news.

A small collection of articles cannot tell that 什么 is ordinary and 上诉法院 is not; these counts can. They come from
64,052 mainland news articles of 2023 (see NOTICE) and were written by this module:

    python -m language.frequency --news NEWS.jsonl.xz
"""

import argparse
import json
import lzma
import math
from collections import Counter
from functools import cache
from hashlib import sha256
from pathlib import Path

from language.folding import fold
from language.segmentation import word_texts

_FILE = Path(__file__).parent / "frequency.tsv"
_FEWEST = 15  # articles a word must stand in to be listed


@cache
def _counts() -> tuple[dict[str, int], int]:
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    total = int(lines[0])
    return {word: int(count) for word, _, count in (line.partition("\t") for line in lines[1:])}, total


def idf(word: str) -> float:
    """ln(N / n) of a folded word over the news; that of a word it does not list is the highest, about 8.4."""
    counts, total = _counts()
    return math.log(total / counts.get(word, _FEWEST))


def listed_words() -> tuple[str, ...]:
    """All words listed, the most frequent first."""
    return tuple(_counts()[0])


def listed(word: str) -> bool:
    """Does the folded word stand in at least 15 of the news articles?"""
    return word in _counts()[0]


def fingerprint() -> str:
    """SHA-256 of the counts, hexadecimal."""
    return sha256(_FILE.read_bytes()).hexdigest()


def main() -> None:
    """Count and write."""
    parser = argparse.ArgumentParser(description="Count in how many news articles each word stands.")
    parser.add_argument("--news", type=Path, required=True)
    counts: Counter[str] = Counter()
    total = 0
    with lzma.open(parser.parse_args().news, "rt", encoding="utf-8") as lines:
        for line in lines:
            total += 1
            counts.update(set(word_texts(fold(json.loads(line)["text"]))))
    kept = [
        (w, n) for w, n in counts.most_common() if n >= _FEWEST and w.strip() and w[0].isalnum() and not w[0].isdigit()
    ]
    _FILE.write_text(f"{total}\n" + "".join(f"{word}\t{count}\n" for word, count in kept), encoding="utf-8")


if __name__ == "__main__":
    main()
