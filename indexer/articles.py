"""Articles and the seed format they come in.

``#產業`` starts an industry; under it a title line and a body line alternate; a body ends with `` (source)``.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

_SOURCE = re.compile(r"[ \u3000]*[(\uff08]([^()\uff08\uff09\n]{1,60})[)\uff09]\s*$")  # half or full width


class SeedFormatError(ValueError):
    """A file breaks the seed format; the message names the file, the line and what to mend."""


@dataclass(frozen=True, slots=True)
class Article:
    """One article as it was given: ``body`` is never changed, every quote is a slice of it.

    ``date`` is when it came out (``2025-09-30``) and ``url`` where (http or https); both are empty where not known.
    """

    id: str
    title: str
    body: str
    source: str
    industry: str
    date: str = ""
    url: str = ""


def is_day(text: str) -> bool:
    """Is it a day as ``2025-09-30``, which sorts as it passes?"""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def article_id(title: str, body: str) -> str:
    """Twelve hexadecimal digits of the SHA-256 of title and body: the same wherever and with whatever it is indexed."""
    return sha256(f"{title}\n{body}".encode()).hexdigest()[:12]


def read_articles(paths: Iterable[Path]) -> list[Article]:
    """The articles of all seed files, folders searched for ``*.txt``; an article that comes twice is kept once.

    Raises:
        SeedFormatError: a file breaks the form, is not UTF-8, or there is none.
        FileNotFoundError: a path does not exist.
    """
    articles: dict[str, Article] = {}
    given = list(paths)
    files = [file for path in given for file in _files(path)]
    if not files:
        raise SeedFormatError(f"no .txt file in {', '.join(map(str, given))}: name a seed file or a folder of them")
    for file in files:
        for article in read_seed_file(file):
            articles.setdefault(article.id, article)
    return list(articles.values())


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.glob("*.txt"))
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: name a seed file or a folder of them")
    return [path]


def read_seed_file(path: Path) -> list[Article]:
    """The articles of one seed file.

    Raises:
        SeedFormatError: with the number of the first line that breaks the form; nothing of the file is then returned.
    """
    return read_seed(path.read_bytes(), str(path))


def read_seed(data: bytes, name: str) -> list[Article]:
    """As :func:`read_seed_file`, of a file's contents; ``name`` stands in error messages."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SeedFormatError(f"{name}:{line}: not UTF-8 text; save the file as UTF-8") from None
    return list(parse_seed(text, name))


def parse_seed(text: str, name: str) -> Iterator[Article]:
    """The articles of a seed text; ``name`` stands in error messages. Blank lines are passed over."""
    industry = title = ""
    titled = 0  # the line of a title that waits for its body
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.removesuffix("\r")
        if "\x00" in line:
            raise SeedFormatError(f"{name}:{number}: a NUL character; is this a text file?")
        if not line.strip():
            continue
        if line.startswith("#"):
            if title:
                raise SeedFormatError(
                    f"{name}:{number}: title {title[:20]!r} has no body line before the next industry"
                )
            industry = line[1:].strip()
            if not industry:
                raise SeedFormatError(f"{name}:{number}: '#' without an industry; write '#汽車產業'")
        elif not industry:
            raise SeedFormatError(f"{name}:{number}: the file must start with an industry line such as '#汽車產業'")
        elif not title:
            title, titled = line.strip(), number
        else:
            yield _article(industry, title, line, f"{name}:{number}")
            title = ""
    if title:
        raise SeedFormatError(f"{name}:{titled}: title {title[:20]!r} has no body line")
    if not industry:
        raise SeedFormatError(f"{name}:1: the file is empty; it must start with an industry line such as '#汽車產業'")


def _article(industry: str, title: str, line: str, place: str) -> Article:
    closing = _SOURCE.search(line)
    if not closing or not closing.group(1).strip():
        raise SeedFormatError(f"{place}: the body of {title[:20]!r} does not end with ' (source)'")
    body = line[: closing.start()]
    if not body.strip():
        raise SeedFormatError(f"{place}: the body of {title[:20]!r} is empty")
    return Article(article_id(title, body), title, body, closing.group(1).strip(), industry)
