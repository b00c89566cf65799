"""Fold text for matching: width, case and Traditional → Simplified, character for character.

The folded text has the same length as the original, so every offset into one is an offset into the other.
Folded text is only ever matched against; it is never shown.
"""

import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt
import opencc


class _CharacterFolds(dict[int, str]):
    """Code point → its compatibility form in lower case, where that form is one character; filled on demand."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        folded = unicodedata.normalize("NFKC", character).lower()
        self[code] = folded if len(folded) == 1 else character
        return self[code]


_FOLDS = _CharacterFolds()


@cache
def converter(config: str) -> opencc.OpenCC:
    """The OpenCC converter of that configuration (``t2s``, ``s2twp`` …), opened once."""
    return opencc.OpenCC(config)


def fold(text: str) -> str:
    """Fold ``text`` for matching; ``len(fold(text)) == len(text)`` always.

    Unicode compatibility forms and case are folded per character; Traditional characters become Simplified by
    OpenCC's ``t2s``, which knows phrases (乾隆 stays, 乾淨 → 干净). Should a phrase ever change the length, that
    text is converted character by character instead.

    Raises:
        UnicodeEncodeError: ``text`` holds a lone surrogate; see :func:`without_surrogates`.
    """
    plain = text.translate(_FOLDS)
    simplified = converter("t2s").convert(plain).replace("於", "于")  # OpenCC keeps it beside some surnames
    if len(simplified) != len(plain):
        convert = converter("t2s").convert
        simplified = "".join(new if len(new := convert(old)) == 1 else old for old in plain)
    return str(simplified)


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """The code points of a text without lone surrogates, uint32 [len(text)]."""
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def without_surrogates(text: str) -> str:
    """``text`` with each lone surrogate replaced by U+FFFD; the length stays."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if _has_surrogate(text) else text


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
