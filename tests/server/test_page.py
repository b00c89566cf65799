"""The chat page in a real Chromium, against the real server.

What the server would never send (hostile markup, astral characters, failures) is put in its place by
intercepting the page's own requests. Every test also fails on a console error, a breach of the content
security policy or an exception in the page.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Dialog, Page, Route, expect, sync_playwright

TRADITIONAL = "重慶2025年整車產量是多少?"
SIMPLIFIED = "重庆2025年的整车产量是多少?"
UNANSWERABLE = "台積電2024年的營收是多少?"

MARKUP = [
    f"{opening}{call}{closing}"
    for call in (
        "window.hit=1",
        "alert(1)",
        "import('//x.test/x.js')",
        "document.body.innerHTML=''",
        "fetch('//x.test')",
        "location='//x.test'",
        "eval(name)",
        "top.hit=1",
    )
    for opening, closing in [
        ("<script>", "</script>"),
        ('<img src=x onerror="', '">'),
        ('<svg onload="', '">'),
        ('<iframe srcdoc="<script>parent.', '</script>"></iframe>'),
        ('<a href="javascript:', '" autofocus onfocus=alert(1)>x</a>'),
        ('"><details open ontoggle="', '">'),
        ("</textarea></title><script>", "</script>"),
        ("<style>@import '//x.test/", "'</style>"),
        ("[x](javascript:", ")"),
        ("${", "}{{constructor.constructor('alert(1)')()}}"),
        ('<!--><body onload="', '">-->'),
        ("&lt;script&gt;", "&lt;/script&gt;"),
        ('<math><mtext></mtext><mglyph><style><img src=x onerror="', '">'),
    ]
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    named = os.environ.get("YEWEN_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not named:
        pytest.fail("no Chromium for the page tests: apt-get install chromium, or set YEWEN_CHROMIUM to one")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=named, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def problems() -> list[str]:
    """Whatever the console or the page complained of; a test that provokes a failed request clears it."""
    return []


@pytest.fixture
def open_page(browser: Browser, live_server: str, problems: list[str]) -> Iterator[Callable[..., Page]]:
    contexts = []

    def refuse(dialog: Dialog) -> None:
        problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def opened(**options: Any) -> Page:
        settings: dict[str, Any] = {"locale": "zh-TW", "viewport": {"width": 1280, "height": 800}} | options
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", refuse)
        page.goto(live_server)
        page.wait_for_selector("#shelf li")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()


def ask(page: Page, question: str) -> None:
    page.fill("#question", question)
    page.press("#question", "Enter")
    expect(page.locator(".turn").last.locator(".answer")).to_have_attribute("aria-busy", "false", timeout=30_000)


def kept_turns(page: Page) -> list[dict[str, Any]]:
    """The turns of the conversation that this tab shows, as the browser keeps them."""
    turns: list[dict[str, Any]] = page.evaluate("""() => {
        const id = JSON.parse(sessionStorage.getItem("yewen.current"));
        return JSON.parse(localStorage.getItem(`yewen.talk.${id}`))?.turns ?? [];
    }""")
    return turns


def an_answer(text: str = "是。[1]", **other: Any) -> dict[str, Any]:
    citation = {
        "marker": 1, "article_id": "a", "title": "題", "source": "報", "industry": "業",
        "passage_id": "p", "start": 0, "end": 1, "quote": "是", "score": 1.0,
    }  # fmt: skip
    return {
        "answer": text, "grounded": True, "confidence": 0.5, "script": "zh-TW", "generator": "extractive",
        "citations": [citation], "nearest": [], "notes": [], "timings_ms": {"total": 1.0}, "index": "i",
    } | other  # fmt: skip


def stream(*events: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    body = "".join(f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n" for name, data in events)
    return {"body": body, "content_type": "text/event-stream; charset=utf-8"}


def answer_with(page: Page, answer: dict[str, Any]) -> None:
    page.route("**/api/answer", lambda route: route.fulfill(**stream(("answer", answer))))


def serve_article(page: Page, body: str, **other: str) -> None:
    article = {"id": "a", "title": "題", "source": "報", "industry": "業", "body": body} | other
    page.route("**/api/articles/a", lambda route: route.fulfill(json=article))


@pytest.mark.parametrize("question", [TRADITIONAL, SIMPLIFIED], ids=["traditional", "simplified"])
def test_every_citation_opens_its_article_at_exactly_its_quote(page: Page, live_server: str, question: str) -> None:
    ask(page, question)
    (turn,) = kept_turns(page)
    citations = turn["answer"]["citations"]
    assert citations
    for citation in citations:
        body = httpx.get(f"{live_server}/api/articles/{citation['article_id']}", trust_env=False).json()["body"]
        page.locator(".prose .cite", has_text=str(citation["marker"])).first.click()
        mark = page.locator(f"mark[data-marker='{citation['marker']}']")
        expect(mark).to_be_in_viewport()
        assert mark.text_content() == citation["quote"] == body[citation["start"] : citation["end"]]
        assert page.locator(".body").text_content() == body
    assert page.locator(".footnotes li").count() == len(citations)


def test_the_answer_is_in_the_askers_script_and_the_quote_in_the_articles(page: Page) -> None:
    ask(page, SIMPLIFIED)
    assert page.locator(".prose").get_attribute("lang") == "zh-Hans"
    expect(page.locator(".prose")).to_contain_text("重庆")
    assert page.locator(".footnotes button").first.get_attribute("lang") == "zh-Hant"


def test_an_unanswerable_question_shows_a_refusal_with_the_nearest_passages(page: Page) -> None:
    ask(page, UNANSWERABLE)
    expect(page.locator(".refusal")).to_be_visible()
    assert page.locator(".cite, .footnotes").count() == 0
    (turn,) = kept_turns(page)
    hit = turn["answer"]["nearest"][0]
    nearest = page.locator(".refusal li button").first
    assert nearest.locator(".passage").text_content() == hit["text"]
    nearest.click()
    assert page.locator("mark").text_content() == hit["text"]


@pytest.mark.parametrize("before", ["😀𠮷", "e\u0301\u200b", "a\r\nb\u2028"], ids=["astral", "combining", "breaks"])
def test_offsets_count_code_points(page: Page, before: str) -> None:
    body = before * 60 + "漢字𠮷野家。後文"
    start, end = len(before) * 60, len(before) * 60 + 6
    citation = an_answer()["citations"][0] | {"start": start, "end": end, "quote": body[start:end]}
    answer_with(page, an_answer(citations=[citation]))
    serve_article(page, body)
    ask(page, "?")
    page.click(".cite")
    assert page.locator("mark").text_content() == "漢字𠮷野家。"


def test_an_article_changed_since_is_not_marked_in_the_wrong_place(page: Page) -> None:
    answer_with(page, an_answer())
    serve_article(page, "改過的內文")
    ask(page, "?")
    page.click(".cite")
    expect(page.locator("#sheet .note")).to_contain_text("是")
    assert page.locator("mark").count() == 0


def test_markup_in_every_field_stays_text(page: Page) -> None:
    body = "。".join(MARKUP)
    places = []
    for number, text in enumerate(MARKUP, 1):
        start = body.index(text)
        place = {"article_id": "a", "title": text, "source": text, "industry": text, "passage_id": text}
        places.append(place | {"marker": number, "start": start, "end": start + len(text), "quote": text, "score": 1.0})
    prose = "".join(f"{text}[{number}]" for number, text in enumerate(MARKUP, 1))
    hits = [place | {"text": place["quote"], "spans": [[place["start"], place["end"]]]} for place in places]
    articles = [{"id": "a", "title": text, "source": text, "industry": text, "chars": 1} for text in MARKUP]
    page.route("**/api/articles", lambda route: route.fulfill(json={"articles": articles}))
    serve_article(page, body, title=MARKUP[0], source=MARKUP[1], industry=MARKUP[2])

    answer_with(page, an_answer(prose, citations=places, notes=MARKUP, generator=MARKUP[0]))
    ask(page, body)
    assert page.locator(".turn h2").text_content() == body
    assert page.locator(".footnotes cite").all_text_contents() == MARKUP
    page.locator(".cite").first.click()
    assert page.locator("mark").text_content() == MARKUP[0]
    assert page.locator(".body").text_content() == body
    answer_with(page, an_answer(body, grounded=False, citations=[], nearest=hits, script=MARKUP[0]))
    ask(page, MARKUP[0])
    assert page.locator(".passage").all_text_contents() == MARKUP
    page.click("#contents")
    expect(page.locator("#sheet .contents button")).to_have_count(len(MARKUP))
    assert page.locator("#sheet .contents button").all_text_contents() == MARKUP
    made = "script, img, svg, iframe, a, details, style, math, object, form"
    assert page.locator(f":is(#turns, #sheet, #shelf) :is({made})").count() == 0
    assert page.evaluate("window.hit") is None


def test_a_marker_without_a_citation_stays_text(page: Page) -> None:
    answer_with(page, an_answer("甲[1]乙[7]。"))
    ask(page, "?")
    assert page.locator(".prose").text_content() == "甲1乙[7]。"
    assert page.locator(".cite").count() == 1


@pytest.mark.parametrize("locale", ["zh-TW", "zh-CN", "en-US"])
def test_nothing_overflows_a_phone(open_page: Callable[..., Page], locale: str) -> None:
    page = open_page(locale=locale, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    overflow = "document.documentElement.scrollWidth - innerWidth"
    assert page.evaluate(overflow) == 0
    answer_with(page, an_answer("長" * 50 + "x" * 300 + "[1]" * 9 + "。" * 99))
    serve_article(page, "是" + "x" * 300)
    ask(page, "https://x.test/" + "y" * 200)
    assert page.evaluate(overflow) == 0
    page.locator(".cite").first.click()
    expect(page.locator("mark")).to_be_visible()
    assert page.locator(".page").evaluate("node => node.scrollWidth - node.clientWidth") == 0
    page.click(".close")
    expect(page.locator("#sheet")).to_be_hidden()


@pytest.mark.parametrize(
    ("locale", "language", "label"),
    [
        ("zh-TW", "zh-Hant", "目錄"),
        ("zh-HK", "zh-Hant", "目錄"),
        ("zh-CN", "zh-Hans", "目录"),
        ("fr-FR", "en", "Contents"),
    ],
)
def test_the_interface_speaks_the_browsers_language(
    open_page: Callable[..., Page], locale: str, language: str, label: str
) -> None:
    page = open_page(locale=locale)
    assert page.locator("html").get_attribute("lang") == language
    expect(page.locator("#contents")).to_have_text(label)


def test_the_language_switch_changes_every_label_and_is_remembered(page: Page) -> None:
    ask(page, TRADITIONAL)
    page.click(".languages [lang=en]")
    expect(page.locator("#contents")).to_have_text("Contents")
    expect(page.locator(".again")).to_have_text("Answer again")
    expect(page.locator("#question")).to_have_attribute("placeholder", "Ask these articles…")
    page.reload()
    expect(page.locator("#contents")).to_have_text("Contents")
    expect(page.locator(".languages [lang=en]")).to_have_attribute("aria-pressed", "true")


def test_every_language_has_every_string(page: Page) -> None:
    keys = """async () => {
        const { speak } = await import("/static/strings.js");
        const strings = await import("/static/strings.js");
        return ["zh-Hant", "zh-Hans", "en"].map((language) => (speak(language),
            [strings.t, strings.t.advice, strings.t.unsent, strings.t.why, strings.t.keys].map(Object.keys)));
    }"""
    traditional, simplified, english = page.evaluate(keys)
    assert traditional == simplified == english


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("locale", ["zh-TW", "zh-CN", "en-US"])
def test_suggested_questions_are_answered_and_then_gone(
    open_page: Callable[..., Page], locale: str, number: int
) -> None:
    page = open_page(locale=locale)
    page.locator("#leads button").nth(number).click()
    expect(page.locator("#front")).to_be_hidden()
    expect(page.locator(".cite").first).to_be_visible(timeout=30_000)


def test_earlier_turns_go_along_as_history_until_a_new_conversation(page: Page) -> None:
    sent: list[Any] = []

    def answered(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(**stream(("answer", an_answer("答。[1]"))))

    page.route("**/api/answer", answered)
    page.select_option("#script", "zh-HK")
    ask(page, "一")
    ask(page, "二")
    page.reload()
    expect(page.locator(".turn h2")).to_have_text(["一", "二"])
    page.locator(".again").last.click()
    expect(page.locator(".turn .cite")).to_have_count(2)
    turn = [{"role": "user", "content": "一"}, {"role": "assistant", "content": "答。[1]"}]
    assert sent[0] == {"question": "一", "history": [], "script": "zh-HK", "stream": True}
    assert [request["history"] for request in sent[1:]] == [turn, turn]
    page.keyboard.press("Control+Shift+O")
    expect(page.locator("#front")).to_be_visible()
    assert kept_turns(page) == []


def test_keys_newline_focus_and_escape(page: Page) -> None:
    page.keyboard.press("/")
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type("甲")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("乙/丙")
    expect(page.locator("#question")).to_have_value("甲\n乙/丙")
    answer_with(page, an_answer())
    serve_article(page, "是也")
    page.keyboard.press("Enter")
    page.locator(".cite").focus()
    page.keyboard.press("Enter")
    expect(page.locator("mark")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_be_hidden()
    expect(page.locator(".cite")).to_be_focused()


def test_enter_that_ends_a_composition_does_not_ask(page: Page) -> None:
    page.fill("#question", "ㄓㄨ")
    page.dispatch_event("#question", "keydown", {"key": "Enter", "isComposing": True})
    expect(page.locator("#question")).to_have_value("ㄓㄨ")


@pytest.mark.parametrize("stop", ["Escape", "click"])
def test_an_answer_under_way_can_be_stopped(page: Page, stop: str) -> None:
    page.route("**/api/answer", lambda _: None)  # never answers
    page.fill("#question", "問")
    page.press("#question", "Enter")
    expect(page.locator(".waiting")).to_be_visible()
    page.keyboard.press("Escape") if stop == "Escape" else page.click("#send")
    expect(page.locator(".meta")).to_contain_text("已停止作答")
    expect(page.locator("#send")).to_have_text("問")


@pytest.mark.parametrize(
    ("response", "advice"),
    [
        ({"status": 429, "headers": {"retry-after": "7"}, "json": {"error": {"code": "c", "message": "慢"}}}, "7 秒"),
        ({"status": 503, "json": {"error": {"code": "c", "message": "建立索引"}}}, "建立索引"),
        ({"status": 502, "body": "<h1>Bad gateway</h1>"}, "HTTP 502"),
        (stream(("delta", {"text": "半"}), ("error", {"error": {"code": "c", "message": "模型"}})), "模型"),
        (stream(("delta", {"text": "半"})), "斷了"),
        (None, "連不上"),
    ],
    ids=["rate-limited", "unready", "proxy", "error-event", "cut-stream", "offline"],
)
def test_a_failure_says_what_to_do_and_keeps_the_question(
    page: Page, problems: list[str], response: dict[str, Any] | None, advice: str
) -> None:
    page.route("**/api/answer", lambda route: route.fulfill(**response) if response else route.abort())
    ask(page, "問")
    expect(page.locator(".error")).to_contain_text(advice)
    expect(page.locator("#question")).to_have_value("問")
    page.unroute("**/api/answer")
    answer_with(page, an_answer())
    page.press("#question", "Enter")
    expect(page.locator(".cite")).to_be_visible()
    assert page.locator(".turn").count() == 1
    assert [text for text in problems if "Failed to load resource" not in text] == []
    problems.clear()


def test_the_stream_decoder_keeps_its_tail(page: Page) -> None:
    """Every cut of a stream with multi-byte characters, comments and all three line ends reads the same."""
    decoded = page.evaluate("""async () => {
        const { events } = await import("/static/stream.js");
        const bytes = new TextEncoder().encode(
            'event: delta\\ndata: {"text":"漢😀"}\\n\\n: ping\\n\\n' +
            'event: delta\\r\\ndata: {"text":\\r\\ndata: "乙"}\\r\\n\\r\\ndata:[1]\\r\\rdata: 5\\n');
        const seen = new Set();
        for (let cut = 0; cut <= bytes.length; cut++) {
            const body = new ReadableStream({ start(controller) {
                controller.enqueue(bytes.slice(0, cut));
                controller.enqueue(bytes.slice(cut));
                controller.close();
            } });
            const all = [];
            for await (const event of events(body)) all.push(event);
            seen.add(JSON.stringify(all));
        }
        return [...seen].map(JSON.parse);
    }""")
    assert decoded == [
        [
            {"event": "delta", "data": {"text": "漢😀"}},
            {"event": "delta", "data": {"text": "乙"}},
            {"event": "message", "data": [1]},
        ]
    ]


def test_the_contents_open_any_article_whole(page: Page, live_server: str) -> None:
    articles = httpx.get(f"{live_server}/api/articles", trust_env=False).json()["articles"]
    page.click("#contents")
    expect(page.locator("#sheet .contents button")).to_have_text([article["title"] for article in articles])
    page.locator("#sheet .contents button").last.click()
    expect(page.locator("#sheet h2")).to_have_text(articles[-1]["title"])
    body = httpx.get(f"{live_server}/api/articles/{articles[-1]['id']}", trust_env=False).json()["body"]
    assert page.locator(".body").text_content() == body
    assert page.locator(".body .rest").count() > len(body) / 400


def test_copy_and_export_carry_the_sources(open_page: Callable[..., Page]) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"], accept_downloads=True)
    answer_with(page, an_answer())
    ask(page, "問")
    page.locator(".meta button").first.click()
    expect(page.locator(".meta button").first).to_have_text("已複製")
    assert page.evaluate("navigator.clipboard.readText()") == "是。[1]\n\n[1] 《題》 (報) 是"
    with page.expect_download() as download:
        page.click("#export [value=md]")
    assert download.value.path().read_text("utf-8") == "## 問\n\n是。[1]\n\n[1] 《題》 (報) 是\n"
    with page.expect_download() as download:
        page.click("#export [value=json]")
    assert json.loads(download.value.path().read_text("utf-8")) == {
        "name": "問",
        "turns": [{"question": "問", "answer": an_answer()}],
    }


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
