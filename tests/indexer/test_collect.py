"""From what is given to what is indexed, skipped or refused."""

from functools import partial
from pathlib import Path

import pytest

from indexer.articles import Article, read_articles
from indexer.build import build_index, update_index
from indexer.collect import Found, Outcome, admit, article_of, gather, take_in
from indexer.duplicates import NEAR, KnownArticles, jaccard, kept_signatures, shingles
from indexer.fetch import FetchError, Page
from indexer.formats import Draft, UnreadableError
from indexer.snapshot import live_articles
from tests.indexer.test_formats import FEED, HTML, MARKDOWN
from tests.indexer.test_snapshot import Recorder

ALL = Draft(industry="業", source="源")


def article(body: str, title: str = "題") -> Article:
    return article_of(Draft(title, body), ALL)


def written(folder: Path, **files: str) -> None:
    for name, content in files.items():
        file = folder / name.replace("_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")


def test_a_folder_is_read_with_all_kinds_in_it_and_no_file_loses_the_others(tmp_path: Path, seeds: Path) -> None:
    written(tmp_path, a_md=MARKDOWN, b_html=HTML, c_jsonl="{", d_log="not read")
    written(tmp_path / "inner", e_txt="#業\n題\n文 (源)\n")
    written(tmp_path / ".hidden", f_md=MARKDOWN)
    written(tmp_path / "index", g_jsonl="not read either")
    found = gather([str(tmp_path)], Draft(), apart=tmp_path / "index")
    assert {Path(one.name).name: (len(one.articles), one.refused) for one in found} == {
        "a.md": (1, ""),
        "b.html": (0, f"{tmp_path}/b.html: does not tell its industry: say it in the file or with --industry NAME"),
        "c.jsonl": (0, f"{tmp_path}/c.jsonl: line 1: not JSON; write one object a line"),
        "e.txt": (1, ""),
    }
    assert gather([str(seeds)], Draft())[0].articles == tuple(read_articles([seeds]))


def test_what_is_not_there_or_not_read_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    given = [tmp_path / "nowhere.md", tmp_path / "empty", "/dev/zero", Path(__file__)]
    said = ["does not exist", "holds no file that can be read: .txt, .md", "is no file", "is of no kind that is read"]
    found = gather(map(str, given), ALL)
    assert [word in one.refused for one, word in zip(found, said, strict=True)] == [True] * 4


def test_a_page_and_the_pages_of_a_feed_are_fetched_and_told_what_they_do_not_tell() -> None:
    bare = "<html><body><article><h1>標題</h1><p>第一段的文字在這裡。</p><p>第二段的文字。</p></article></body></html>"
    pages = {
        "https://c.example/feed": Page("https://c.example/feed", "application/rss+xml", FEED.encode()),
        "https://c.example/1": Page("https://c.example/one.html", "text/html", bare.encode()),
        "https://b.example/2": Page("https://b.example/2", "text/html", HTML.encode()),
    }

    def fetch(url: str) -> Page:
        if url not in pages:
            raise FetchError("answers 404")
        return pages[url]

    feed, gone, page = gather(["https://c.example/feed", "https://b.example/2"], Draft(industry="業"), fetch=fetch)
    (first,) = feed.articles
    assert (first.title, first.source, first.date, first.url) == (
        "標題",
        "丙報",
        "2025-09-30",
        "https://c.example/one.html",
    )
    assert gone == Found("https://c.example/2", refused="https://c.example/2: answers 404")
    assert [(a.source, a.date, a.url) for a in page.articles] == [("乙網", "2025-10-02", "https://b.example/2")]


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        (Draft("題", "。"), "no text"),
        (Draft("題", "文" * 1_000_001), "1000001 characters"),
        (Draft("題" * 301, "文"), "a title of 301"),
        (Draft("題", "文", url="javascript:alert(1)"), "is no address"),
        (Draft("題", "文", url="https:///x"), "is no address"),
        (Draft("題", "文", date="soon"), "is no date"),
        (Draft("題", "文", source="源" * 101), "source of 101"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_an_article_is_refused(draft: Draft, said: str) -> None:
    with pytest.raises(UnreadableError, match=said):
        article_of(draft, ALL)


def test_source_and_title_are_taken_from_the_address_and_the_file_at_last() -> None:
    made = article_of(Draft(body="文", url="https://news.example/1"), Draft(industry="業"), "folder/名.pdf")
    assert (made.title, made.source) == ("名", "news.example")
    with pytest.raises(UnreadableError, match="--source NAME"):
        article_of(Draft("題", "文"), Draft(industry="業"))


# ---- duplicates


def test_the_same_and_nearly_the_same_article_is_skipped_in_any_script(articles: list[Article]) -> None:
    known = articles[2]
    cut = article(known.body[: int(len(known.body) * 0.8)], "另題")
    other = article("合肥2025年的產量是137萬輛。")
    outcomes = admit(
        [Found("a", (known,)), Found("b", (cut,)), Found("c", (other, cut)), Found("d", refused="d: x")], [known]
    )
    assert [(o.name, o.state, len(o.articles)) for o in outcomes] == [
        ("a", "skipped", 0),
        ("b", "skipped", 0),
        ("c", "indexed", 1),
        ("d", "refused", 0),
    ]
    assert outcomes[0].reason == "'中國汽車第一城,變了!' is a duplicate of ccb5f581e7f4"
    assert outcomes[1].reason == "'另題' is a near-duplicate (0.80) of ccb5f581e7f4 '中國汽車第一城,變了!'"


def test_many_that_are_left_out_are_told_in_short(articles: list[Article]) -> None:
    copies = [article(a.body + f"{number}。", f"另{number}") for number, a in enumerate(articles[:5])]
    (outcome,) = admit([Found("a", (*articles[:2], *copies))], articles)
    same, *near, more = outcome.reason.split("; ")
    assert (same, more) == ("2 articles are there already", "2 more near-duplicates")
    assert [text.startswith(f"'另{number}' is a near-duplicate (1.00) of") for number, text in enumerate(near)] == [
        True
    ] * 3


def test_half_a_character_in_a_title_is_replaced() -> None:
    """YAML and JSON can name a lone surrogate, which no file can hold."""
    assert article_of(Draft("題\ud800", "文\udfff。", "源", "業"), Draft()).title == "題\ufffd"


def test_different_articles_and_short_ones_are_not_taken_for_the_same(articles: list[Article]) -> None:
    known = KnownArticles()
    for one in [*articles, article("文"), article("文一", "甲"), article("文二", "乙")]:
        assert known.like(one) is None
        known.add(one)


def test_likeness_is_that_of_five_grams_of_folded_letters() -> None:
    assert jaccard(shingles("重慶,汽車2025!"), shingles("重庆汽车2025")) == 1.0
    assert jaccard(shingles("abcdef"), shingles("abcdeg")) == 1 / 3
    assert jaccard(shingles("abc"), shingles("abc")) == 0.0, "too short to tell"
    assert 0.5 < NEAR < 0.8


# ---- into an index


def test_what_is_taken_in_replaces_or_is_added(tmp_path: Path, articles: list[Article]) -> None:
    build = partial(update_index, tmp_path, encoder=Recorder())
    one, two, three = (Found(a.id, (a,)) for a in articles[:3])
    first = take_in(tmp_path, [one, two], build, keep=True)
    assert (first.built, first.left, first.refused) == (True, 0, [])
    added = take_in(tmp_path, [two, three, Found("x", refused="x: y")], build, keep=True)
    assert [o.state for o in added.outcomes] == ["skipped", "indexed", "refused"]
    assert live_articles(tmp_path) == articles[:3]
    again = take_in(tmp_path, [one], build, keep=True)
    assert (again.manifest, again.built) == (added.manifest, False)
    replaced = take_in(tmp_path, [three], build, keep=False)
    assert (replaced.left, live_articles(tmp_path)) == (2, articles[2:3])


def test_where_all_is_refused_nothing_is_built(tmp_path: Path, articles: list[Article]) -> None:
    build_index(tmp_path, articles[:1], Recorder())
    taken = take_in(tmp_path, [Found("x", refused="x: y")], lambda choose: pytest.fail("built"), keep=False)
    assert (taken.manifest, taken.outcomes) == (None, (Outcome("x", "refused", "x: y", ()),))


def test_signatures_are_kept_beside_the_index_and_computed_once(
    tmp_path: Path, articles: list[Article], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[str] = []
    monkeypatch.setattr(
        "indexer.duplicates.shingles", lambda text, shingles=shingles: measured.append(text) or shingles(text)
    )
    build = partial(update_index, tmp_path, encoder=Recorder())
    take_in(tmp_path, [Found("a", tuple(articles[:6]))], build, keep=False)
    measured.clear()
    copy = article(articles[2].body + "。", "另題")
    added = take_in(tmp_path, [Found("b", (articles[6],)), Found("c", (copy,))], build, keep=True)
    assert [o.state for o in added.outcomes] == ["indexed", "skipped"]
    assert set(measured) == {articles[6].body, copy.body, articles[2].body}
    assert set(kept_signatures(tmp_path / "signatures")) == {a.id for a in articles[:7]}
    take_in(tmp_path, [Found("a", tuple(articles[1:3]))], build, keep=False)
    assert set(kept_signatures(tmp_path / "signatures")) == {a.id for a in articles[1:3]}


def test_signatures_that_are_lost_damaged_or_of_another_version_are_computed_again(
    tmp_path: Path, articles: list[Article], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, known = tmp_path / "signatures", KnownArticles()
    assert kept_signatures(file) == {}
    known.add(articles[0])
    known.keep(file)
    assert list(kept_signatures(file)) == [articles[0].id]
    whole = file.read_bytes()
    for content in (b"", whole[:-1], whole[:40] + b"x" + whole[41:], b"x" * 100):
        file.write_bytes(content)
        assert kept_signatures(file) == {}
    file.write_bytes(whole)
    monkeypatch.setattr("language.analysis.VERSION", "other")
    assert kept_signatures(file) == {}
    known.keep(tmp_path / "nowhere" / "signatures")
    again = KnownArticles(kept_signatures(file))
    again.add(articles[0])
    assert again.like(article(articles[0].body + "。", "另題")) == (articles[0], pytest.approx(1.0, abs=0.01))
