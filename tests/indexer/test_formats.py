"""Every kind of file as a user has it, and as somebody who means harm makes it."""

import json
import zipfile
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from docx import Document
from hypothesis import given
from hypothesis import strategies as st

from indexer import formats
from indexer.formats import Draft, UnreadableError, day_of, read_drafts
from indexer.isolated import IsolatedReader

MARKDOWN = """---
title: 電池降價
publisher: 甲報
date: 2025-09-30
url: https://a.example/1
industry: 電池產業
tags: [a, b]
---
# 電池降價

2025年,磷酸鐵鋰電池的均價
跌到每千瓦時 52 美元。**粗體**與[連結](http://x)與 `碼`。

## 原因
- 鋰價下跌
1. 產能過剩

| 年 | 價 |
|---|---|
| 2024 | 60 |

<script>alert(1)</script>

![圖說](http://x/y.png)
"""

HTML = """<html><head><meta charset=utf-8><title>固態電池量產 | 乙網</title>
<meta property="og:site_name" content="乙網">
<meta property="article:published_time" content="2025-10-02T08:00:00+08:00">
<link rel=canonical href="https://b.example/2"></head><body><nav>首頁 財經</nav><article><h1>固態電池量產</h1>
<p>豐田計劃在2027年量產固態電池,續航達到1200公里。</p><p>第二段有<b>粗體</b>與<a href=x>連結</a>。</p></article>
<footer>版權所有</footer></body></html>"""

FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>丙報</title>
<item><title>甲</title><link>https://c.example/1</link><pubDate>Tue, 30 Sep 2025 08:00:00 GMT</pubDate></item>
<item><title>乙</title><link>https://c.example/2</link></item></channel></rss>"""


def pdf(*pages: str, title: str = "") -> bytes:
    """A PDF of pages of lines, written by hand."""
    font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))
    objects = ["<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>", font]
    for i, page in enumerate(pages):
        shown = "".join(f"({line}) Tj 0 -14 Td " for line in page.split("\n"))
        text = f"BT /F 12 Tf 50 700 Td {shown}ET"
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F 3 0 R>>>>/Contents {5 + 2 * i} 0 R>>"
        )
        objects.append(f"<</Length {len(text)}>>stream\n{text}\nendstream")
    objects.append(f"<</Title({title})>>")
    data, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += f"{number} 0 obj{content}endobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer<</Size {len(objects) + 1}/Root 1 0 R"
    return data + f"{end}/Info {len(objects)} 0 R>>\nstartxref\n{len(data)}\n%%EOF".encode()


def docx(*paragraphs: str, title: str = "") -> bytes:
    document, file = Document(), BytesIO()
    document.core_properties.title = title
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    table = document.add_table(1, 2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "城市", "上海"
    document.save(file)
    return file.getvalue()


def with_part(data: bytes, name: str, content: bytes, packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A DOCX with one part replaced or added."""
    file = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(file, "w", packed) as new:
        for part in old.infolist():
            if part.filename != name:
                new.writestr(part, old.read(part))
        new.writestr(name, content)
    return file.getvalue()


def test_markdown_tells_by_its_front_matter_and_becomes_paragraphs() -> None:
    body = "2025年,磷酸鐵鋰電池的均價跌到每千瓦時 52 美元。粗體與連結與 碼。\n原因\n鋰價下跌\n產能過剩\n年 價\n2024 60"
    wanted = Draft("電池降價", body, "甲報", "電池產業", "2025-09-30", "https://a.example/1")
    assert read_drafts("markdown", MARKDOWN.encode()) == [wanted]


def test_markdown_without_front_matter_is_entitled_by_its_heading() -> None:
    (draft,) = read_drafts("markdown", "# 題\r\n\r\none\ntwo。\r\n\r\n---\r\n末段。".encode())
    assert draft == Draft("題", "one two。\n末段。")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("---\ntitle: [\n---\n文", "not YAML"),
        ("---\n- a\n---\n文", "title: 標題"),
        ("---\nx: " + "y" * 70_000 + "\n---\n文", "front matter; at most"),
        ("---\n!!python/object/apply:os.system ['true']\n---\n文", "not YAML"),
        (b"\xff\xfe", "line 1: not UTF-8"),
    ],
    ids=["broken", "a list", "too long", "code", "UTF-16"],
)
def test_markdown_that_cannot_be_read_says_why(text: str | bytes, said: str) -> None:
    with pytest.raises(UnreadableError, match=said):
        read_drafts("markdown", text if isinstance(text, bytes) else text.encode())


def test_the_article_of_a_page_is_read_without_what_surrounds_it() -> None:
    body = "豐田計劃在2027年量產固態電池,續航達到1200公里。\n第二段有粗體與連結。"
    wanted = Draft("固態電池量產", body, "乙網", date="2025-10-02", url="https://b.example/2")
    assert read_drafts("html", HTML.encode()) == [wanted]


def test_a_page_without_an_article_is_refused() -> None:
    with pytest.raises(UnreadableError, match="no article"):
        read_drafts("html", b"<html><body><script>x</script></body></html>")


def test_a_pdf_is_read_without_page_numbers_and_with_its_lines_joined() -> None:
    lines = [
        "Chery builds cars in Spain and wants to build many",
        "more of them there.",
        "A second paragraph begins on this line of text.",
        "1",
    ]
    (draft,) = read_drafts("pdf", pdf("\n".join(lines), title="Chery goes abroad"))
    body = (
        "Chery builds cars in Spain and wants to build many more of them there.\n"
        "A second paragraph begins on this line of text."
    )
    assert draft == Draft("Chery goes abroad", body)


def test_a_pdf_without_a_title_of_its_own_takes_its_first_line_and_date_and_source_from_the_next() -> None:
    paragraphs = ["固態電池量產", "2025年9月30日 來源:乙網 記者甲", "豐田計劃在2027年量產。"]
    assert formats._from_paragraphs("Microsoft Word - x.docx", paragraphs) == Draft(
        "固態電池量產", "\n".join(paragraphs[1:]), "乙網", date="2025年9月30"
    )


def test_what_a_page_set_between_scripts_and_its_radicals_are_taken_back() -> None:
    assert formats._page_lines("同⽐增⻑ 60 % , ⼀半\n 12 ") == ["同比增長60%,一半"]


def test_a_pdf_of_pictures_or_too_many_pages_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnreadableError, match="no text"):
        read_drafts("pdf", pdf("", ""))
    monkeypatch.setattr(formats, "MOST_PAGES", 1)
    with pytest.raises(UnreadableError, match="has 2 pages; at most 1"):
        read_drafts("pdf", pdf("a", "b"))


def test_a_docx_is_read_with_its_tables() -> None:
    wanted = Draft("換電站擴張", "蔚來在2025年建成3000座換電站。\n城市 上海")
    assert read_drafts("docx", docx("換電站擴張", "蔚來在2025年建成3000座換電站。")) == [wanted]
    assert read_drafts("docx", docx("換電站擴張", "蔚來在2025年建成3000座換電站。", title="換電站擴張")) == [wanted]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"PK nonsense", "no DOCX", id="no zip"),
        pytest.param(with_part(docx("x"), "word/bomb.xml", b"0" * (200 << 20)), "MiB unpacked", id="bomb"),
        pytest.param(with_part(docx("x"), "word/bomb.xml", b"0" * (2 << 20)), "100 to 1", id="ratio"),
    ],
)
def test_a_docx_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(data: bytes, said: str) -> None:
    with pytest.raises(UnreadableError, match=said):
        read_drafts("docx", data)


def test_a_docx_of_too_many_parts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MOST_PARTS", 5)
    with pytest.raises(UnreadableError, match="parts; at most 5"):
        read_drafts("docx", docx("x"))


def docx_with_entities(entities: str, used: str) -> bytes:
    with zipfile.ZipFile(BytesIO(docx("第一段本文。"))) as plain:
        document = plain.read("word/document.xml").decode()
    document = document.replace("<w:document", f"<!DOCTYPE d [{entities}]><w:document", 1)
    return with_part(docx("x"), "word/document.xml", document.replace("本文", f"本{used}文").encode())


def test_a_docx_cannot_read_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("機密")
    evil = docx_with_entities(f'<!ENTITY x SYSTEM "file://{tmp_path}/secret">', "&x;")
    assert read_drafts("docx", evil) == [Draft("第一段本", "城市 上海")], "what names the file is left out"


def test_a_docx_cannot_grow_by_entities() -> None:
    bomb = '<!ENTITY a0 "aaaaaaaaaa">' + "".join(f'<!ENTITY a{i + 1} "{f"&a{i};" * 10}">' for i in range(9))
    with closing(IsolatedReader()) as read, pytest.raises(UnreadableError, match="is it damaged"):
        read("docx", docx_with_entities(bomb, "&a9;"))


def test_json_lines_keep_bodies_as_given() -> None:
    rows = [
        {
            "title": "題 一",
            "text": "文。\n\n二。 ",
            "source": "甲",
            "date": "2025/9/3",
            "url": "https://x.example",
            "industry": "業",
        },
        {"title": "題\n二", "body": "文"},
    ]
    data = "\n\n".join(json.dumps(row) for row in rows).encode()
    assert read_drafts("jsonl", data) == [
        Draft("題 一", "文。\n\n二。 ", "甲", "業", "2025/9/3", "https://x.example"),
        Draft("題 二", "文"),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: not JSON"),
        ("[" * 100_000, "line 2: not JSON"),
        ("[1]", "line 2: not an object"),
        ('{"title": "題"}', "line 2: 'text' is missing"),
        ('{"title": " ", "text": "文"}', "line 2: 'title' is missing"),
        ('{"title": 1, "text": "文"}', "line 2: 'title' must be a text"),
        ('{"title": "題", "text": "文", "date": "soon"}', "'soon' is no date"),
    ],
)
def test_a_broken_line_of_json_is_named(line: str, said: str) -> None:
    with pytest.raises(UnreadableError, match=said):
        read_drafts("jsonl", f'{{"title": "題", "text": "文"}}\n{line}'.encode())


def test_a_feed_lists_its_entries() -> None:
    assert read_drafts("feed", FEED.encode()) == [
        Draft("甲", "", "丙報", date="2025-09-30", url="https://c.example/1"),
        Draft("乙", "", "丙報", url="https://c.example/2"),
    ]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2025-09-30", "2025-09-30"),
        (" 2025-09-30T08:00:00+08:00", "2025-09-30"),
        ("2025年9月3日", "2025-09-03"),
        ("2025/9/3 10:00", "2025-09-03"),
        ("", ""),
    ],
)
def test_a_day_is_read_however_it_is_written(text: str, day: str) -> None:
    assert day_of(text) == day


@pytest.mark.parametrize("text", ["2025", "2025-13-01", "30.9.2025", "2025-09-311"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError, match="write it as 2025-09-30"):
        day_of(text)


def test_too_large_a_file_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "LARGEST_FILE", 3)
    with pytest.raises(UnreadableError, match="at most"):
        read_drafts("pdf", b"1234")


@given(st.sampled_from(["markdown", "jsonl"]), st.text(max_size=200))
def test_any_text_is_read_or_refused(kind: str, text: str) -> None:
    try:
        drafts = read_drafts(kind, text.encode("utf-8", "replace"))
    except UnreadableError:
        return
    assert all(isinstance(draft.body, str) for draft in drafts)


# ---- in a process of its own


def test_the_isolated_reader_reads_the_same_refuses_the_same_and_survives_a_slow_file() -> None:
    with closing(IsolatedReader()) as read:
        assert read("markdown", MARKDOWN.encode()) == read_drafts("markdown", MARKDOWN.encode())
        with pytest.raises(UnreadableError, match="no DOCX"):
            read("docx", b"x")
        with pytest.raises(UnreadableError, match=r"cannot be read as pdf \(.*\): is it damaged\?"):
            read("pdf", b"%PDF-1.4\nnonsense")
        read._seconds = 0.0
        with pytest.raises(UnreadableError, match="takes longer than 0 s"):
            read("pdf", pdf("a"))
        read._seconds = 60.0
        assert read("markdown", "# 題\n文".encode()) == [Draft("題", "文")]
        assert read._process is not None
        read._process.kill()
        with pytest.raises(UnreadableError, match="brought its reader down"):
            read("markdown", b"x")
