"""The page for every reader: contrast, editions, motion, keys, measure, and axe-core's rules."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.server.browsing import an_answer, answer_with, ask, kept_turns, serve_article

TRADITIONAL = "重慶2025年整車產量是多少?"


def test_the_night_edition_follows_the_system_until_chosen(open_page: Callable[..., Page]) -> None:
    page = open_page(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-edition", "night")
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-edition", "day")
    page.click("#edition")
    expect(page.locator("html")).to_have_attribute("data-edition", "night")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-edition", "night")


CONTRASTS = """() => {
    const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = (colour) => rgb(colour).slice(0, 3).map((v) => v / 255)
        .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const paper = (node) => {
        const { backgroundColor, backgroundImage } = getComputedStyle(node);
        const washed = backgroundImage.match(/rgba?\\([^)]*\\)/g)?.at(-1) ?? backgroundColor;
        return rgb(washed)[3] === 0 ? paper(node.parentElement) : washed;
    };
    const texts = [...document.querySelectorAll("body *")].filter((node) =>
        node.checkVisibility() && [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
    return texts.map((node) => {
        const [a, b] = [light(getComputedStyle(node).color), light(paper(node))].sort((x, y) => y - x);
        return [(a + 0.05) / (b + 0.05), node.outerHTML.slice(0, 80)];
    }).sort((x, y) => x[0] - y[0]);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(open_page: Callable[..., Page], scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    assert page.evaluate(CONTRASTS)[0][0] >= 4.5
    ask(page, TRADITIONAL)
    page.locator(".cite").first.click()
    expect(page.locator("mark")).to_be_visible()
    measured = page.evaluate(CONTRASTS)
    assert len(measured) > 20
    assert any("<mark" in html for _, html in measured)
    assert measured[0][0] >= 4.5, measured[0]


def test_motion_is_left_out_for_those_who_ask(open_page: Callable[..., Page]) -> None:
    page = open_page(reduced_motion="reduce")
    answer_with(page, an_answer())
    serve_article(page, "是也")
    ask(page, "?")
    page.click(".cite")
    assert page.locator("mark").evaluate("node => node.getAnimations().length") == 0


def violations(page: Page) -> list[str]:
    """The rules that axe-core finds broken, with the places."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']} ({rule['impact']}): {[node['html'] for node in rule['nodes']]}" for rule in found]


@pytest.mark.parametrize(
    ("locale", "width", "scheme"),
    [("zh-TW", 1440, "light"), ("zh-CN", 1440, "dark"), ("zh-TW", 390, "dark"), ("en-US", 390, "light")],
)
def test_axe_finds_nothing(open_page: Callable[..., Page], scheme: str, width: int, locale: str) -> None:
    page = open_page(
        locale=locale, color_scheme=scheme, viewport={"width": width, "height": 900}, reduced_motion="reduce"
    )
    assert violations(page) == []
    ask(page, TRADITIONAL)
    page.locator(".unfold").click()
    page.locator(".opinion [value=down]").click()
    assert violations(page) == []
    page.locator(".footnotes button").first.click()
    expect(page.locator("mark")).to_be_visible()
    assert violations(page) == []
    page.click(".close >> visible=true")
    for sheet in ["#contents", "#archive"]:
        page.click(sheet)
        expect(page.locator("#sheet .contents, #sheet .archive")).to_have_count(1)
        assert violations(page) == []
        page.click("#sheet .close")
    page.click("#export [value=link]")
    assert violations(page) == []
    page.click("#slip .close")
    ask(page, "台積電2024年的營收是多少?")
    page.locator(".edit").last.click()
    assert violations(page) == []


LINES = """(selector) => {
    const box = document.querySelector(selector);
    const lines = new Map();
    const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode()); ) {
        for (let i = 0; i < node.length; i++) {
            const range = document.createRange();
            range.setStart(node, i);
            range.setEnd(node, i + 1);
            const at = Math.round(range.getBoundingClientRect().bottom / 12);
            lines.set(at, (lines.get(at) ?? "") + node.data[i]);
        }
    }
    return { lines: [...lines.values()].map((line) => [...line].length),
             leading: parseFloat(getComputedStyle(box).lineHeight) / parseFloat(getComputedStyle(box).fontSize) };
}"""


@pytest.mark.parametrize(
    ("width", "selector"), [(1280, ".prose"), (1440, ".prose"), (1440, ".body")], ids=["1280", "1440", "article"]
)
def test_a_line_of_text_has_34_to_38_characters(page: Page, width: int, selector: str) -> None:
    body = "漢字排成一行有多長。" * 40
    page.set_viewport_size({"width": width, "height": 900})
    answer_with(page, an_answer(body))
    serve_article(page, body)
    ask(page, "?")
    if selector == ".body":
        page.locator(".footnotes button").click()
        expect(page.locator(".body")).to_be_visible()
    measured = page.evaluate(LINES, selector)
    full = measured["lines"][1:-1]
    assert len(full) > 5
    longest = max(full)
    assert 34 <= longest <= 38, measured
    assert measured["leading"] >= 1.9


def test_stops_are_set_full_width_and_stay_the_articles_own(open_page: Callable[..., Page]) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    body = "產量1,000輛,比A,B多:是!真的?12:30,完"
    citation = an_answer()["citations"][0] | {"start": 0, "end": len(body), "quote": body}
    answer_with(page, an_answer(f"{body}[1]", citations=[citation]))
    serve_article(page, body)
    ask(page, "?")
    page.click(".cite")
    expect(page.locator("mark")).to_be_visible()
    seen = "[...document.querySelectorAll('mark .wide')].map((node) => getComputedStyle(node, '::before').content[1])"
    assert "".join(page.evaluate(seen)) == "，：！？，"
    assert page.locator("mark").text_content() == body
    page.evaluate("getSelection().selectAllChildren(document.querySelector('mark'))")
    page.keyboard.press("Control+c")
    assert page.evaluate("navigator.clipboard.readText()") == body


def test_fonts_follow_the_script_of_each_text(page: Page) -> None:
    ask(page, "重庆2025年的整车产量是多少?")
    font = "node => getComputedStyle(node).fontFamily"
    assert "Noto Serif SC" in page.locator(".prose").evaluate(font)
    assert "Noto Serif TC" in page.locator(".footnotes q").first.evaluate(font)
    assert page.locator(".turn h2").get_attribute("lang") == "zh-Hans"
    page.click(".languages [lang=en]")
    assert "Noto Serif SC" in page.locator(".prose").evaluate(font)


def test_the_question_mark_shows_the_keys_but_not_while_writing(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.locator("#slip kbd").first).to_have_text("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#slip")).to_be_hidden()
    page.fill("#question", "")
    page.keyboard.type("?/")
    expect(page.locator("#question")).to_have_value("?/")
    expect(page.locator("#slip")).to_be_hidden()


def test_the_language_switches_at_once_in_an_open_sheet(page: Page) -> None:
    ask(page, TRADITIONAL)
    page.locator(".prose .cite").first.click()
    quote = kept_turns(page)[0]["answer"]["citations"][0]["quote"]
    expect(page.locator(".byline")).to_contain_text("字")
    page.click(".languages [lang=en]")
    expect(page.locator(".byline")).to_contain_text("characters")
    assert page.locator("mark").text_content() == quote
    expect(page.locator("mark")).to_be_in_viewport()


def test_focus_is_seen_on_everything_that_takes_it(page: Page) -> None:
    answer_with(page, an_answer())
    ask(page, "?")
    page.locator("#home").focus()
    seen = """() => {
        const { id, className, lang } = document.activeElement;
        const { outlineStyle, boxShadow } = getComputedStyle(document.activeElement);
        return [id || className || lang, outlineStyle !== "none" || boxShadow !== "none"];
    }"""
    stops = []
    while not stops or stops[-1][0] != "scope":  # the last but the exports
        page.keyboard.press("Tab")
        stops.append(page.evaluate(seen))
    passed = {name for name, _ in stops}
    assert passed >= {"contents", "archive", "fresh", "edition", "help", "en", "cite", "question", "send"}
    assert [name for name, visible in stops if not visible] == []
