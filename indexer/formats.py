"""What a file tells of its articles: Markdown, HTML, PDF, DOCX, JSON Lines, feeds; ``articles`` has the seed format.

Files are hostile until shown otherwise: their size, pages, entries and unpacked size are capped here, and
:mod:`indexer.isolated` runs what heavy libraries read in a process of its own with limits of time and memory. Each
library is imported only when a file needs it. A body is made of paragraphs, one a line.
"""

import json
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any

from indexer.articles import read_seed

LARGEST_FILE = 32 << 20  # bytes
LARGEST_UNPACKED = 128 << 20  # bytes of all parts of a DOCX
LARGEST_RATIO = 100  # of a part's bytes to its packed ones, from LEAST_RATED on; Word's own XML has 5 to 30
LEAST_RATED = 1 << 20  # bytes
MOST_PARTS = 2000  # of a DOCX
MOST_PAGES = 1000  # of a PDF
MOST_ENTRIES = 50  # of a feed, the first
LONGEST_FRONT = 64 << 10  # characters of front matter
LONGEST_FIRST_LINE = 60  # characters of a first line that may be the title, or tell date and source
HEAD = 5  # lines at the top that may tell them

KINDS = {
    ".txt": "seed",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}

_FRONT = re.compile(r"---[ \t]*\r?\n(.*?)(?:\r?\n)?^(?:---|\.\.\.)[ \t]*$", re.S | re.M)
_DAY = re.compile(r"(?<!\d)(\d{4})(?:-|/|\.|年)(\d{1,2})(?:-|/|\.|月)(\d{1,2})(?!\d)")
_NAMED_SOURCE = re.compile(r"[來来]源\s*[:：]\s*([^\s|,，。]{2,20})")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_WIDE = "[⺀-鿿豈-\ufaff︰-\uff65、-〿]"  # written without spaces between
_BREAK = re.compile(rf"(?<={_WIDE}) *\n *(?={_WIDE})")
_SET_SPACE = re.compile(rf"(?<={_WIDE}) +| +(?={_WIDE}|[,;:!?%])")  # what a page set between scripts; the text had none
# Radicals that stand for whole characters in what browsers print (Unicode's EquivalentUnifiedIdeograph); those that
# NFKC knows (U+2F00-2FD5) need no table.
_RADICALS = str.maketrans(
    "⺟⺠⻁⻄⻅⻆⻉⻋⻑⻓⻔⻘⻚⻛⻜⻝⻢⻣⻤⻥⻦⻨⻩⻬⻮⻰⻳", "母民虎西见角贝车長长门青页风飞食马骨鬼鱼鸟麦黄齐齿龙龟"
) | {point: unicodedata.normalize("NFKC", chr(point)) for point in range(0x2F00, 0x2FD6)}
_ENDS = '。!?;…:！？；：.」』”")）'
_PAGE_NUMBER = re.compile(r"\W*\d{1,4}\W*")
_MADE_UP = re.compile(r"(?i)untitled|無標題|无标题|microsoft \w+ - |.*\.(?:docx?|pdf|indd|pptx?|html?)$")


class UnreadableError(ValueError):
    """A file cannot be taken; the message says why and what to do, without the file's name."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a file tells of one article; empty where it tells nothing. ``date`` is as it was written."""

    title: str = ""
    body: str = ""
    source: str = ""
    industry: str = ""
    date: str = ""
    url: str = ""


def read_drafts(kind: str, data: bytes, name: str = "") -> list[Draft]:
    """The articles of a file of one of ``KINDS``' kinds, or the entries of a ``feed``, which have no body.

    Raises:
        UnreadableError: the file breaks its form or one of the limits above, or holds no text.
        SeedFormatError: a seed file breaks its form; ``name`` stands in the message.
        Exception: whatever a library raises of a damaged file.
    """
    if len(data) > LARGEST_FILE:
        raise UnreadableError(f"has {len(data) >> 20} MiB; at most {LARGEST_FILE >> 20} are read")
    if kind == "seed":
        return [Draft(a.title, a.body, a.source, a.industry) for a in read_seed(data, name)]
    if kind not in _READERS:
        raise UnreadableError(f"is of no kind that is read: {', '.join(KINDS)}")
    return list(_READERS[kind](data))


def day_of(text: str) -> str:
    """The day of a date or time as ``2025-09-30``; empty for empty.

    Raises:
        UnreadableError: it is no date.
    """
    if not text.strip():
        return ""
    if found := _DAY.match(text.strip()):
        with suppress(ValueError):  # no such day
            return date(*map(int, found.groups())).isoformat()
    raise UnreadableError(f"{text[:40]!r} is no date: write it as 2025-09-30")


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UnreadableError(f"line {line}: not UTF-8 text; save the file as UTF-8") from None


def _body(lines: Iterable[str], title: str = "") -> str:
    """Paragraphs, one a line: without controls, blank lines and, where it comes first, the title."""
    kept = [line for raw in lines for piece in raw.splitlines() if (line := _CONTROLS.sub("", piece).strip())]
    return "\n".join(kept[1:] if kept and kept[0] == title else kept)


def _one_line(text: object) -> str:
    return " ".join(_CONTROLS.sub(" ", str(text or "")).split())


# ---- Markdown


def _markdown(text: str) -> Draft:
    front: dict[str, str] = {}
    if found := _FRONT.match(text):
        front = _front_matter(found[1])
        text = text[found.end() :]
    heading, lines = _markdown_lines(text)
    title = front.get("title") or heading
    return Draft(
        title,
        _body(lines, title),
        _first(front, "source", "publisher", "site", "author"),
        _first(front, "industry", "category"),
        _first(front, "date", "published"),
        _first(front, "url", "link"),
    )


def _first(front: dict[str, str], *names: str) -> str:
    return next((front[name] for name in names if front.get(name)), "")


def _front_matter(text: str) -> dict[str, str]:
    import yaml

    if len(text) > LONGEST_FRONT:
        raise UnreadableError(f"has {len(text)} characters of front matter; at most {LONGEST_FRONT} are read")
    try:
        front = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise UnreadableError(f"line {mark.line + 2 if mark else 1}: the front matter is not YAML") from None
    if not isinstance(front, dict):
        raise UnreadableError("the front matter must be lines such as 'title: 標題'")
    return {str(name).lower(): _one_line(value) for name, value in front.items() if isinstance(value, str | int | date)}


def _markdown_lines(text: str) -> tuple[str, list[str]]:
    """The first top heading, and the lines of text without Markdown's marks, images and HTML."""
    from markdown_it import MarkdownIt

    heading, lines, row = "", list[str](), list[str]()
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "inline":
            line = _inline(token.children or [])
            if before is not None and before.tag == "h1":
                heading = heading or line
            (row if before is not None and before.tag in {"td", "th"} else lines).append(line)
        elif token.type == "tr_close":
            lines.append(" ".join(row))
            row.clear()
        elif token.type in {"fence", "code_block"}:
            lines.append(token.content)
    return heading, lines


def _inline(children: Iterable[Any]) -> str:
    kinds = {"softbreak": "\n", "hardbreak": "\n\n"}
    pieces = (kinds.get(c.type) or (c.content if c.type in {"text", "code_inline"} else "") for c in children)
    paragraphs = "".join(pieces).split("\n\n")
    return "\n".join(_joined(paragraph) for paragraph in paragraphs)


def _joined(text: str) -> str:
    """Lines made one: with a space between, but none between Chinese characters."""
    return _BREAK.sub("", text.strip("\n")).replace("\n", " ")


# ---- HTML and feeds


def _html(data: bytes) -> Draft:
    from trafilatura import bare_extraction
    from trafilatura.settings import use_config

    config = use_config()
    config.set("DEFAULT", "MIN_EXTRACTED_SIZE", "20")  # for the 250 characters of English that are a paragraph
    config.set("DEFAULT", "EXTENSIVE_DATE_SEARCH", "off")  # a date guessed from the text is worse than none
    found: Any = bare_extraction(data, with_metadata=True, include_comments=False, config=config)
    if found is None or not found.text:
        raise UnreadableError("no article was found on this page")
    title = _one_line(found.title)
    return Draft(
        title,
        _body(found.text.split("\n"), title),
        _one_line(found.sitename),
        date=_one_line(found.date),
        url=_one_line(found.url),
    )


def _feed(data: bytes) -> Iterator[Draft]:
    import feedparser

    feed = feedparser.parse(data)
    if not feed.entries:
        raise UnreadableError("the feed has no entries")
    for entry in feed.entries[:MOST_ENTRIES]:
        when = entry.get("published_parsed") or entry.get("updated_parsed")
        day = date(*when[:3]).isoformat() if when else ""
        title, source = _one_line(entry.get("title")), _one_line(feed.feed.get("title"))
        yield Draft(title, "", source, date=day, url=_one_line(entry.get("link")))


# ---- PDF


def _pdf(data: bytes) -> Draft:
    from pypdf import PasswordType, PdfReader

    reader = PdfReader(BytesIO(data))
    if reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED:
        raise UnreadableError("is locked with a password: save it without one")
    tree: Any = reader.root_object["/Pages"].get_object()
    claimed = int(tree.get("/Count", 0))  # known at once; to count 10,000 takes pypdf 25 s
    if (pages := claimed if claimed > MOST_PAGES else len(reader.pages)) > MOST_PAGES:
        raise UnreadableError(f"has {pages} pages; at most {MOST_PAGES} are read: split it")
    lines = [line for page in reader.pages for line in _page_lines(page.extract_text())]
    paragraphs = _body(_reflowed(lines)).split("\n")
    if not any(paragraphs):
        raise UnreadableError("holds no text, only pictures of it: run it through a text recognition first")
    told = reader.metadata
    return _from_paragraphs(_one_line(told.title if told else ""), paragraphs)


def _page_lines(text: str) -> list[str]:
    """The lines of a page without its number."""
    plain = text.translate(_RADICALS)
    lines = [_SET_SPACE.sub("", line.strip()) for line in plain.splitlines() if line.strip()]
    for end in (0, -1):
        if lines and _PAGE_NUMBER.fullmatch(lines[end]):
            lines.pop(end)
    return lines


def _reflowed(lines: list[str]) -> Iterator[str]:
    """Lines as they were set on a page, joined to paragraphs: one ends with a mark on a line that is not full."""
    widths = sorted(map(len, lines))
    full = 0.8 * widths[int(len(widths) * 0.9)] if widths else 0
    paragraph: list[str] = []
    for line in lines:
        paragraph.append(line)
        if len(line) < full and (line[-1] in _ENDS or len(paragraph) == 1):
            yield _joined("\n".join(paragraph))
            paragraph = []
    if paragraph:
        yield _joined("\n".join(paragraph))


def _from_paragraphs(title: str, paragraphs: list[str]) -> Draft:
    """The title told, unless a program made that up, or a first short line; date and source as other such lines tell.

    When the file was made, which its properties tell, is not when the article came out.
    """
    if (not title or _MADE_UP.match(title)) and len(paragraphs) > 1 and len(paragraphs[0]) <= LONGEST_FIRST_LINE:
        title = paragraphs[0]
    head = [line for line in paragraphs[:HEAD] if len(line) <= LONGEST_FIRST_LINE]
    sources = [found[1] for line in head if (found := _NAMED_SOURCE.search(line))]
    days = [found[0] for line in head if (found := _DAY.search(line))]
    return Draft(title, _body(paragraphs, title), next(iter(sources), ""), date=next(iter(days), ""))


# ---- DOCX


def _docx(data: bytes) -> Draft:
    _check_parts(data)
    from docx import Document
    from docx.text.paragraph import Paragraph

    document = Document(BytesIO(data))
    lines = list[str]()
    for block in document.iter_inner_content():
        if isinstance(block, Paragraph):
            lines.append(block.text)
        else:
            lines += [" ".join(dict.fromkeys(cell.text for cell in row.cells)) for row in block.rows]
    return _from_paragraphs(_one_line(document.core_properties.title), _body(lines).split("\n"))


def _check_parts(data: bytes) -> None:
    """Refuse what would be too large unpacked; nothing more than the declared size is ever unpacked of a part."""
    try:
        parts = zipfile.ZipFile(BytesIO(data)).infolist()
    except zipfile.BadZipFile:
        raise UnreadableError("is no DOCX file, or is damaged: save it again as .docx") from None
    if len(parts) > MOST_PARTS:
        raise UnreadableError(f"has {len(parts)} parts; at most {MOST_PARTS} are read")
    if (unpacked := sum(part.file_size for part in parts)) > LARGEST_UNPACKED:
        raise UnreadableError(f"has {unpacked >> 20} MiB unpacked; at most {LARGEST_UNPACKED >> 20} are read")
    for part in parts:
        if part.file_size > max(LEAST_RATED, LARGEST_RATIO * part.compress_size):
            raise UnreadableError(f"its part {part.filename[:40]!r} is packed more than {LARGEST_RATIO} to 1")


# ---- JSON Lines


def _json_lines(text: str) -> Iterator[Draft]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise UnreadableError(f"line {number}: not JSON; write one object a line") from None
        if not isinstance(row, dict):
            raise UnreadableError(f'line {number}: not an object; write {{"title": …, "text": …}}')
        yield draft_of(row, f"line {number}: ")


def draft_of(row: dict[str, object], place: str = "") -> Draft:
    """The article of a JSON object; its body is kept as given.

    Raises:
        UnreadableError: ``title`` or ``text`` is missing, or a field is no text; ``place`` stands in the message.
    """
    wrong = [name for name in (*Draft.__slots__, "text") if not isinstance(row.get(name) or "", str)]
    if wrong:
        raise UnreadableError(f"{place}{wrong[0]!r} must be a text")
    told = {name: str(row.get(name) or "") for name in (*Draft.__slots__, "text")}
    body = told["body"] or told["text"]
    for name, value in (("title", told["title"]), ("text", body)):
        if not value.strip():
            raise UnreadableError(f"{place}{name!r} is missing or empty")
    day_of(told["date"])
    return Draft(_one_line(told["title"]), body, told["source"], told["industry"], told["date"], told["url"])


_READERS: dict[str, Callable[[bytes], Iterable[Draft]]] = {
    "markdown": lambda data: [_markdown(_decoded(data))],
    "html": lambda data: [_html(data)],
    "feed": _feed,
    "pdf": lambda data: [_pdf(data)],
    "docx": lambda data: [_docx(data)],
    "jsonl": lambda data: _json_lines(_decoded(data)),
}
