"""Articles brought in by the page, with the key, in a real Chromium; and the filter by time."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from indexer.articles import Article
from indexer.build import build_index
from indexer.encoder import Encoder
from tests.indexer.test_formats import MARKDOWN
from tests.server.browsing import ask, kept_turns
from tests.server.conftest import a_free_port, serving
from tests.server.test_page_access import violations

KEY = "k3y"


@pytest.fixture(scope="module")
def keyed_server(tmp_path_factory: pytest.TempPathFactory, articles: list[Article], encoder: Encoder) -> Iterator[str]:
    index = tmp_path_factory.mktemp("keyed") / "index"
    build_index(index, articles[:2], encoder)
    with serving(index, a_free_port(), YEWEN_API_KEY=KEY) as url:
        yield url


def open_form(page: Page) -> None:
    page.click("#contents")
    page.click("#bring")
    page.wait_for_selector(".bring")


def a_file(name: str, content: str) -> dict[str, Any]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content.encode()}


def test_a_file_is_brought_in_asked_about_by_its_time_and_removed(
    open_page: Callable[..., Page], keyed_server: str, problems: list[str]
) -> None:
    page = open_page(keyed_server)
    expect(page.locator("#time")).to_be_hidden()
    open_form(page)
    page.set_input_files(".bring [type=file]", [a_file("電池.md", MARKDOWN), a_file("x.exe", "MZ")])
    page.fill(".bring [name=key]", "wrong")
    page.click(".bring .main")
    expect(page.locator(".brought li")).to_contain_text("不收 this server needs a key")
    assert [problem.startswith("Failed to load resource") for problem in problems] == [True]
    problems.clear()
    page.fill(".bring [name=key]", KEY)
    page.click(".bring .main")
    expect(page.locator(".brought li")).to_have_count(2)
    assert page.locator(".brought b").all_text_contents() == ["已加入", "不收"]
    assert "is of no kind that is read" in page.locator(".brought small").text_content()
    expect(page.locator("#shelf button", has_text="電池降價")).to_be_visible()

    expect(page.locator("#time")).to_be_visible()
    page.fill("#since", "2025-09-30")
    with page.expect_request("**/api/answer") as request:
        ask(page, "磷酸鐵鋰電池的均價跌到多少?")
    assert request.value.post_data_json["since"] == "2025-09-30"
    (turn,) = kept_turns(page)
    assert {hit["source"] for hit in turn["hits"]} == {"甲報"}

    page.click(".brought button")
    assert page.locator(".byline").text_content().startswith("甲報 · 2025-09-30 · ")
    assert page.locator(".byline a").get_attribute("href") == "https://a.example/1"
    page.click(".byline .remove")
    expect(page.locator(".byline .remove")).to_have_text("再按一次就刪除")
    page.click(".byline .remove")
    expect(page.locator("#notices")).to_have_text("文章已刪除。")
    expect(page.locator("#time")).to_be_hidden()
    assert "yewen.key" not in page.evaluate("Object.keys(localStorage)"), "the key is forgotten with the tab"


def test_the_form_can_be_used_by_all_and_keeps_what_was_typed(page: Page) -> None:
    open_form(page)
    page.fill(".bring [name=source]", "本報")
    page.click(".languages [lang=en]")
    expect(page.locator(".bring .main")).to_have_text("Add")
    expect(page.locator(".bring [name=source]")).to_have_value("本報")
    assert violations(page) == []


def test_paragraphs_are_set_apart_and_only_web_addresses_are_linked(page: Page) -> None:
    id = page.evaluate("fetch('/api/articles').then(r => r.json()).then(({articles}) => articles[0].id)")
    body = "第一段。\n第二段很短\n第三段。"
    article = {"id": "a", "title": "題", "source": "報", "industry": "業", "date": "", "body": body}
    page.route(f"**/api/articles/{id}", lambda route: route.fulfill(json=article))
    for url in ("javascript:alert(1)", "data:text/html,x", "//x.test", ""):
        article["url"] = url
        page.click("#contents")
        page.locator(".page .contents button").first.click()
        expect(page.locator(".page .rest")).to_have_count(2)
        assert page.locator(".page .body").text_content() == body
        expect(page.locator(".byline a")).to_have_count(0)
