"""Texts compared as the measures compare them: whatever differs only in script, width or quotation is the same."""

import re

from language.folding import fold, without_surrogates

_NOISE = re.compile(r"[\s,，、·“”\"'「」『』《》()（）]+")


def comparable(text: str) -> str:
    """Folded, without white space, quotation marks, brackets and thousands separators."""
    return _NOISE.sub("", fold(without_surrogates(text)))


def holds(text: str, form: str) -> bool:
    """Does ``text`` contain ``form`` when both are made comparable? An empty form is contained in nothing."""
    wanted = comparable(form)
    return bool(wanted) and wanted in comparable(text)
