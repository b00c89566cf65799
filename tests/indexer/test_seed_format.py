from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.articles import Article, SeedFormatError, article_id, parse_seed, read_articles, read_seed_file

SEED = "#汽車產業\n標題甲\n正文甲。 (甲報)\n標題乙\n正文乙(附註)。 (乙網)\n#電池產業\n標題丙\n 正文丙\u3000。 (丙 社)\n"


def written(folder: Path, content: str | bytes, name: str = "seed.txt") -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def test_the_real_seed_file_holds_its_eight_articles(articles: list[Article]) -> None:
    assert [(article.id, article.source) for article in articles] == [
        ("ddc389a23746", "觀出行"),
        ("1e528f4f7c32", "跬步書"),
        ("ccb5f581e7f4", "功夫財經"),
        ("4222a0573bac", "辣筆小星"),
        ("87643e4fcfd0", "錦緞"),
        ("49836d8068c5", "鈦媒體AGI"),
        ("617dae371577", "愛駕天下"),
        ("d62afd41b618", "中國新聞社"),
    ]
    assert {article.industry for article in articles} == {"汽車產業"}
    assert [len(article.body) for article in articles] == [3631, 1909, 3217, 2272, 5468, 6210, 2550, 1351]


def test_a_real_body_is_its_line_without_the_source(articles: list[Article], seeds: Path) -> None:
    lines = next(seeds.glob("*.txt")).read_text(encoding="utf-8").splitlines()
    assert [f"{article.body} ({article.source})" for article in articles] == lines[2::2]
    assert [article.title for article in articles] == lines[1::2]


def test_the_form_is_read_as_described(tmp_path: Path) -> None:
    assert [(a.industry, a.title, a.body, a.source) for a in read_seed_file(written(tmp_path, SEED))] == [
        ("汽車產業", "標題甲", "正文甲。", "甲報"),
        ("汽車產業", "標題乙", "正文乙(附註)。", "乙網"),
        ("電池產業", "標題丙", " 正文丙\u3000。", "丙 社"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(SEED.replace("\n", "\r\n"), id="CRLF"),
        pytest.param("\ufeff" + SEED, id="BOM"),
        pytest.param("\ufeff" + SEED.replace("\n", "\r\n"), id="BOM and CRLF"),
        pytest.param(SEED.removesuffix("\n"), id="no line break at the end"),
        pytest.param("\n\n" + SEED.replace("\n", "\n\n  \n"), id="blank lines"),
    ],
)
def test_how_an_editor_saved_it_makes_no_difference(tmp_path: Path, content: str) -> None:
    assert read_seed_file(written(tmp_path, content)) == list(parse_seed(SEED, "seed"))


@pytest.mark.parametrize("ending", ["(甲報)", " (甲報) ", "（甲報）", "\u3000（甲報）", "  ( 甲報 )"])
def test_the_source_is_taken_off_however_its_brackets_are_written(ending: str) -> None:
    (article,) = parse_seed(f"#業\n題\n文。{ending}", "seed")
    assert (article.body, article.source) == ("文。", "甲報")


MALFORMED = [
    pytest.param("標題\n正文 (源)\n", 1, "industry", id="no industry"),
    pytest.param("\n\n標題\n正文 (源)\n", 3, "industry", id="no industry after blank lines"),
    pytest.param("#\n標題\n正文 (源)\n", 1, "industry", id="industry without a name"),
    pytest.param("#業\n標題\n", 2, "no body", id="title without body at the end"),
    pytest.param("#業\n標題\n#另一業\n標題\n正文 (源)\n", 3, "no body", id="title without body before an industry"),
    pytest.param("#業\n標題\n正文沒有來源。\n", 3, "source", id="body without source"),
    pytest.param("#業\n標題\n正文 ()\n", 3, "source", id="source without a name"),
    pytest.param("#業\n標題\n正文 ( )\n", 3, "source", id="source of white space"),
    pytest.param("#業\n標題\n正文 (源\n", 3, "source", id="source left open"),
    pytest.param("#業\n題一\n文。 (源)\n題二\n文。 (源)\n題三\n無源\n", 7, "source", id="the third of three"),
    pytest.param("#業\n標題\n (源)\n", 3, "empty", id="body of nothing but its source"),
    pytest.param("", 1, "empty", id="empty file"),
    pytest.param("\n \n\u3000\n", 1, "empty", id="blank file"),
    pytest.param("\ufeff", 1, "empty", id="nothing but a BOM"),
    pytest.param("#業\n標\x00題\n正文 (源)\n", 2, "NUL", id="NUL"),
    pytest.param("#業\n標題\n正文 (源)\n\x00", 4, "NUL", id="NUL at the end"),
    pytest.param("#業\n標題\n".encode() + "正文 (源)\n".encode("gb18030"), 3, "UTF-8", id="half of it in GB 18030"),
    pytest.param(SEED.encode("utf-16"), 1, "", id="UTF-16"),
    pytest.param("#業\n標題\n正".encode()[:-1], 3, "UTF-8", id="cut inside a character"),
]


@pytest.mark.parametrize(("content", "line", "said"), MALFORMED)
def test_a_broken_form_is_refused_with_its_line(tmp_path: Path, content: str | bytes, line: int, said: str) -> None:
    file = written(tmp_path, content)
    with pytest.raises(SeedFormatError) as caught:
        read_seed_file(file)
    assert str(caught.value).startswith(f"{file}:{line}: ")
    assert said in str(caught.value)


def test_nothing_of_a_broken_file_is_returned_with_whole_ones(tmp_path: Path) -> None:
    written(tmp_path, SEED, "a.txt")
    written(tmp_path, "#業\n題\n無源\n", "b.txt")
    with pytest.raises(SeedFormatError, match=r"b\.txt:3: "):
        read_articles([tmp_path])


def test_an_article_keeps_its_id_when_others_come_and_go(tmp_path: Path, articles: list[Article]) -> None:
    def as_seed(chosen: list[Article]) -> str:
        return "#汽車產業\n" + "".join(f"{a.title}\n{a.body} ({a.source})\n" for a in chosen)

    for chosen in (articles[::-1], articles[2:5], articles[7:]):
        assert read_seed_file(written(tmp_path, as_seed(chosen))) == chosen


def test_a_folder_is_read_in_the_order_of_its_names_and_an_article_once(tmp_path: Path) -> None:
    written(tmp_path, "#業\n題二\n文二 (源)\n題一\n文一 (另一源)\n", "2.txt")
    written(tmp_path, "#業\n題一\n文一 (源)\n", "1.txt")
    written(tmp_path, "不是種子", "note.md")
    assert [(a.title, a.source) for a in read_articles([tmp_path])] == [("題一", "源"), ("題二", "源")]


def test_a_missing_path_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_articles([tmp_path / "nowhere"])
    with pytest.raises(SeedFormatError, match=tmp_path.name):
        read_articles([tmp_path])


LINE = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\x00"), min_size=1, max_size=30)


@given(
    title=LINE.filter(lambda t: t.strip() and not t.startswith("#")),
    body=LINE.filter(lambda b: b.strip() and not b.startswith("#")),
)
def test_any_title_and_body_come_back_as_they_were(title: str, body: str) -> None:
    (article,) = parse_seed(f"#業\n{title}\n{body}。 (源)", "seed")
    assert article == Article(article_id(title.strip(), f"{body}。"), title.strip(), f"{body}。", "源", "業")


@given(st.text(st.sampled_from("#業題文() (源)\n\r\u3000"), max_size=40))
def test_any_text_is_read_or_refused_with_a_line_that_exists(text: str) -> None:
    try:
        found = list(parse_seed(text, "seed"))
    except SeedFormatError as error:
        name, number, _ = str(error).split(":", 2)
        assert name == "seed"
        assert 1 <= int(number) <= text.count("\n") + 1
    else:
        assert all(a.industry and a.title and a.body.strip() and a.source for a in found)
