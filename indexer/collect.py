"""From files, folders and addresses to articles; each file ends as indexed, skipped or refused."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from indexer.articles import Article, SeedFormatError, article_id
from indexer.damage import damage
from indexer.duplicates import KnownArticles, kept_signatures
from indexer.fetch import Page, fetch
from indexer.formats import KINDS, LARGEST_FILE, Draft, UnreadableError, day_of
from indexer.isolated import IsolatedReader
from indexer.snapshot import Manifest, SnapshotError, live_articles
from language.folding import without_surrogates

SIGNATURES = "signatures"  # the file beside an index that keeps those of its articles
LONGEST_TITLE = 300  # characters
LONGEST_NAME = 100  # characters of a source or an industry
LONGEST_URL = 2000
LONGEST_BODY = 1_000_000  # characters

Progress = Callable[[str, int, int], None]
Fetch = Callable[[str], Page]
Build = Callable[[Callable[[], Iterable[Article]]], tuple[Manifest, bool]]

_MEDIA_TYPES = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/pdf": "pdf",
    "text/markdown": "markdown",
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
}
_FEED_STARTS = (b"<rss", b"<feed", b"<rdf:RDF")


def _silent(stage: str, done: int, total: int) -> None:
    """No progress is shown."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one file or address holds: its articles, or why it is refused."""

    name: str
    articles: tuple[Article, ...] = ()
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one file or address ended; ``articles`` are those that are new.

    ``reason`` says why others are not, ``note`` what looks damaged in the new ones.
    """

    name: str
    state: Literal["indexed", "skipped", "refused"]
    reason: str
    articles: tuple[Article, ...]
    note: str = ""


def gather(
    given: Iterable[str],
    defaults: Draft,
    progress: Progress = _silent,
    fetch: Fetch = fetch,
    apart: Path | None = None,
) -> list[Found]:
    """Read files, folders with all in them but what is in ``apart``, and addresses of pages or feeds; none raises.

    ``defaults`` says what they do not tell themselves.
    """
    names = [name for place in given for name in _names(place, apart)]
    found: list[Found] = []
    with closing(IsolatedReader()) as read:
        for number, name in enumerate(names):
            progress("read", number, len(names))
            if is_address(name):
                found += fetched(name, defaults, read, fetch)
            else:
                found.append(_from_disk(Path(name), defaults, read))
    progress("read", len(names), len(names))
    return found


def is_address(text: str) -> bool:
    """Is it meant to be fetched, not a path?"""
    return "://" in text


def _names(place: str, apart: Path | None) -> list[str]:
    folder = Path(place)
    if is_address(place) or not folder.is_dir():
        return [place]
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in KINDS and file.is_file())
    shown = [file for file in files if not any(part.startswith(".") for part in file.relative_to(folder).parts)]
    own = apart.resolve() if apart else None
    return [str(file) for file in shown if own not in file.resolve().parents] or [place]


def _from_disk(file: Path, defaults: Draft, read: IsolatedReader) -> Found:
    try:
        if file.is_dir():
            return Found(str(file), refused=f"{file} holds no file that can be read: {', '.join(KINDS)}")
        if not file.exists():
            return Found(str(file), refused=f"{file} does not exist: name a file or a folder of them")
        if not file.is_file():
            return Found(str(file), refused=f"{file} is no file")
        with file.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        return Found(str(file), refused=f"{file} cannot be read: {error.strerror}")
    return from_bytes(str(file), data, defaults, read)


def from_bytes(name: str, data: bytes, defaults: Draft, read: IsolatedReader) -> Found:
    """What a file of that name and contents holds."""
    kind = KINDS.get(Path(name).suffix.lower(), "")
    return _found(name, lambda: [article_of(d, defaults, name) for d in read(kind, data, name)])


def fetched(url: str, defaults: Draft, read: IsolatedReader, fetch: Fetch) -> list[Found]:
    """What stands at an address: an article, or all those that a feed lists."""
    try:
        page = fetch(url)
        if not _is_feed(page):
            return [_found(url, lambda: _page_articles(page, defaults, read, Draft()))]
        entries = read("feed", page.data)
    except UnreadableError as error:
        return [Found(url, refused=f"{url}: {error}")]
    return [_found(e.url or url, partial(_entry_articles, e, defaults, read, fetch)) for e in entries]


def _entry_articles(entry: Draft, defaults: Draft, read: IsolatedReader, fetch: Fetch) -> list[Article]:
    return _page_articles(fetch(entry.url), defaults, read, entry)


def _page_articles(page: Page, defaults: Draft, read: IsolatedReader, entry: Draft) -> list[Article]:
    kind = _MEDIA_TYPES.get(page.media_type) or KINDS.get(Path(urlsplit(page.url).path).suffix.lower(), "html")
    drafts = read(kind, page.data, page.url)
    told = [_filled(_filled(draft, Draft(url=page.url)), entry) for draft in drafts]
    return [article_of(draft, defaults, page.url) for draft in told]


def _is_feed(page: Page) -> bool:
    start = page.data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    return page.media_type not in {"text/html", "application/pdf"} and any(tag in start for tag in _FEED_STARTS)


def _found(name: str, articles: Callable[[], Iterable[Article]]) -> Found:
    try:
        return Found(name, tuple(articles()))
    except SeedFormatError as error:
        return Found(name, refused=str(error))  # it begins with the name
    except UnreadableError as error:
        return Found(name, refused=f"{name}: {error}")


def _filled(draft: Draft, defaults: Draft) -> Draft:
    """A draft with what it leaves empty taken from another."""
    return Draft(*(getattr(draft, name) or getattr(defaults, name) for name in Draft.__slots__))


def article_of(draft: Draft, defaults: Draft, name: str = "") -> Article:
    """The article that a draft tells of; what it leaves open is as ``defaults`` say, its title then as ``name``.

    Raises:
        UnreadableError: something is missing, too long, or cannot be what it is said to be.
    """
    filled = _filled(draft, defaults)
    told = Draft(*(without_surrogates(getattr(filled, field)) for field in Draft.__slots__))
    title, url = told.title or Path(name).stem, told.url.strip()
    if not any(c.isalnum() for c in told.body):
        raise UnreadableError("holds no text")
    if len(told.body) > LONGEST_BODY:
        raise UnreadableError(f"has {len(told.body)} characters; at most {LONGEST_BODY} are taken: split it")
    address = urlsplit(url)
    if url and (address.scheme not in {"http", "https"} or not address.netloc or len(url) > LONGEST_URL):
        raise UnreadableError(f"{url[:60]!r} is no address: write it as https://…")
    source, industry = (told.source or address.hostname or "").strip(), told.industry.strip()
    for what, value in (("industry", industry), ("source", source)):
        if not value:
            raise UnreadableError(f"does not tell its {what}: say it in the file or with --{what} NAME")
        if len(value) > LONGEST_NAME:
            raise UnreadableError(f"has {what} of {len(value)} characters; at most {LONGEST_NAME} are taken")
    if len(title) > LONGEST_TITLE:
        raise UnreadableError(f"has a title of {len(title)} characters; at most {LONGEST_TITLE} are taken")
    return Article(article_id(title, told.body), title, told.body, source, industry, day_of(told.date), url)


def admit(
    found: Sequence[Found], known: Iterable[Article], progress: Progress = _silent, seen: KnownArticles | None = None
) -> list[Outcome]:
    """Who is new: not among ``known``, and not like one of them or one found before. ``seen`` takes up all of them."""
    seen = KnownArticles() if seen is None else seen
    for article in known:
        seen.add(article)
    outcomes = []
    for number, one in enumerate(found):
        progress("compare", number, len(found))
        outcomes.append(_admitted(one, seen))
    progress("compare", len(found), len(found))
    return outcomes


def _admitted(found: Found, seen: KnownArticles) -> Outcome:
    if found.refused:
        return Outcome(found.name, "refused", found.refused, ())
    new, repeated = list[Article](), list[tuple[Article, Article, float]]()
    for article in found.articles:
        if like := seen.like(article):
            repeated.append((article, *like))
        else:
            seen.add(article)
            new.append(article)
    return Outcome(found.name, "indexed" if new else "skipped", _reason(repeated), tuple(new), damage(new))


def _reason(repeated: Sequence[tuple[Article, Article, float]]) -> str:
    """Which articles are left out, and for which: the same ones in short, of those that are alike the first three."""
    same = [(article, other) for article, other, _ in repeated if article.id == other.id]
    said = [f"{article.title[:30]!r} is a duplicate of {other.id}" for article, other in same]
    if len(same) > 1:
        said = [f"{len(same)} articles are there already"]
    near = [
        f"{article.title[:30]!r} is a near-duplicate ({likeness:.2f}) of {other.id} {other.title[:30]!r}"
        for article, other, likeness in repeated
        if article.id != other.id
    ]
    return "; ".join([*said, *near[:3], *([f"{len(near) - 3} more near-duplicates"] if len(near) > 3 else [])])


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of what was found. ``manifest`` is that of the index, None where nothing could be indexed.

    ``built`` says whether anything had to be; ``left`` counts articles that the index held before and holds no more.
    """

    outcomes: tuple[Outcome, ...]
    manifest: Manifest | None = None
    built: bool = False
    left: int = 0

    @property
    def refused(self) -> list[Outcome]:
        """Those that could not be read."""
        return [outcome for outcome in self.outcomes if outcome.state == "refused"]


def take_in(index: Path, found: Sequence[Found], build: Build, *, keep: bool, progress: Progress = _silent) -> Taken:
    """Index what was found, in place of what the index holds or, with ``keep``, beside it.

    ``build`` makes the snapshot of the articles that the function it is given chooses
    (:func:`indexer.build.update_index`); raises as that does, and SnapshotError where the index is damaged.
    """
    if not any(one.articles for one in found):
        return Taken(tuple(admit(found, [])))
    taken, seen = Taken(()), KnownArticles(kept_signatures(index / SIGNATURES))

    def choose() -> list[Article]:
        nonlocal taken
        try:
            old = live_articles(index)
        except SnapshotError:
            if keep:
                raise
            old = []  # what it held cannot be read, and is replaced
        outcomes = admit(found, old if keep else [], progress, seen)
        new = [article for outcome in outcomes for article in outcome.articles]
        left = 0 if keep else len({article.id for article in old} - {article.id for article in new})
        taken = Taken(tuple(outcomes), left=left)
        return [*old, *new] if keep else new

    manifest, built = build(choose)
    seen.keep(index / SIGNATURES)
    return replace(taken, manifest=manifest, built=built)
