"""The chat page in a real Chromium, against the real server.

What the server would never send (hostile markup, astral characters, failures) is put in its place by
intercepting the page's own requests. Every test also fails on a console error, a breach of the content
security policy or an exception in the page.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.server.browsing import SlowStream, an_answer, answer_with, ask, kept_turns, serve_article, stream
from tests.server.conftest import a_free_port, serving

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


@pytest.mark.parametrize(
    "question",
    [TRADITIONAL, SIMPLIFIED, "Nexperia內鬥令邊個行業受影響?", "Nexperia 的晶圓在哪裡生產?"],
    ids=["traditional", "simplified", "hongkong", "english name"],
)
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


@pytest.mark.parametrize("locale", ["zh-TW", "zh-CN", "en-US"])
def test_every_question_that_a_title_suggests_is_answered_from_its_article(
    open_page: Callable[..., Page], live_server: str, locale: str
) -> None:
    page = open_page(locale=locale)
    articles = httpx.get(f"{live_server}/api/articles", trust_env=False).json()["articles"]
    days = page.evaluate(
        """async (articles) => {
            const { leads } = await import("/static/suggest.js");
            return [0, 1].map((day) => leads(articles, day));
        }""",
        articles,
    )
    assert [len(set(questions)) for questions in days] == [4, 4]
    asked = [question for questions in days for question in questions]
    script = {"zh-TW": "zh-TW", "zh-CN": "zh-CN", "en-US": "auto"}[locale]
    for question, article in zip(asked, articles, strict=True):
        body = {"question": question, "script": script}
        answer = httpx.post(f"{live_server}/api/answer", json=body, trust_env=False, timeout=60).json()
        assert article["id"] in {citation["article_id"] for citation in answer["citations"]}, question
    lead = page.locator("#leads button").first
    question = lead.text_content()
    lead.click()
    expect(page.locator("#front")).to_be_hidden()
    expect(page.locator(".cite").first).to_be_visible(timeout=30_000)
    assert page.locator(".turn h2").text_content() == question
    assert kept_turns(page)[0]["answer"]["script"] == {"zh-CN": "zh-CN"}.get(locale, "zh-TW")


@pytest.mark.parametrize(
    ("title", "question"),
    [
        ("歐盟撤回“禁令”,中國汽車還有多少機會?", "「歐盟撤回『禁令』，中國汽車還有多少機會」是怎麼回事？"),
        ("國產晶片如何突圍?三家公司的答案", "國產晶片如何突圍？"),
        ("【專欄】2025,車企跨界造“人”", "「2025，車企跨界造『人』」是怎麼回事？"),
        ("国产芯片突围了!", "“国产芯片突围了”是怎么回事？"),
        ("誰贏了?", "「誰贏了」是怎麼回事？"),
        ("Who wins?", "Who wins?"),
        ("The chip war", "What is “The chip war” about?"),
        ("", "What is “” about?"),
    ],
)
def test_a_title_becomes_a_question(page: Page, title: str, question: str) -> None:
    ask_of = "async (title) => (await import('/static/suggest.js')).questionOf(title)"
    assert page.evaluate(ask_of, title) == question


def test_follow_up_questions_come_from_the_quotes_and_titles_and_are_asked(page: Page) -> None:
    quote = "所謂“換電”與“超級快充”都在爭。"
    citation = an_answer()["citations"][0] | {"quote": quote, "title": "快充之戰,誰能先到終點?"}
    answer_with(page, an_answer(citations=[citation], script="zh-HK"))
    ask(page, "換電是什麼？")
    follow = page.locator(".follow button")
    assert follow.all_text_contents() == ["「超級快充」指的是什麼？", "「快充之戰，誰能先到終點」是怎麼回事？"]
    sent: list[Any] = []
    page.on("request", lambda request: sent.append(request.post_data_json) if request.method == "POST" else None)
    follow.first.click()
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn .answer[aria-busy=false]")).to_have_count(2)
    assert (sent[0]["question"], sent[0]["script"]) == ("「超級快充」指的是什麼？", "zh-HK")
    assert page.locator(".follow:visible button").all_text_contents() == ["「快充之戰，誰能先到終點」是怎麼回事？"]


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


def test_an_answer_is_shown_as_it_comes(page: Page) -> None:
    with SlowStream() as slow:
        slow.answer_for(page)
        page.fill("#question", "問")
        page.press("#question", "Enter")
        hit = {**an_answer()["citations"][0], "text": "是", "spans": [[0, 1]]}
        slow.send(("retrieved", {"hits": [hit]}))
        expect(page.locator(".waiting")).to_contain_text("《題》")
        slow.send(("delta", {"text": "先到的。[1"}))
        expect(page.locator(".prose")).to_have_text("先到的。")
        expect(page.locator(".answer")).to_have_attribute("aria-busy", "true")
        expect(page.locator("#send")).to_have_text("停")
        slow.send(("delta", {"text": "]後到的。"}))
        expect(page.locator(".prose")).to_have_text("先到的。1後到的。")
        expect(page.locator(".cite")).to_be_disabled()
        slow.send(("answer", an_answer("先到的。[1]後到的。")))
        slow.end()
        expect(page.locator(".cite")).to_be_enabled()
        expect(page.locator("#notices")).to_contain_text("1 個出處")


def test_stop_keeps_what_has_come_and_lets_the_server_go(page: Page) -> None:
    with SlowStream() as slow:
        slow.answer_for(page)
        page.fill("#question", "問")
        page.press("#question", "Enter")
        slow.send(("delta", {"text": "才說一半"}))
        expect(page.locator(".prose")).to_have_text("才說一半")
        page.click("#send")
        expect(page.locator(".meta")).to_contain_text("已停止作答")
        expect(page.locator(".prose")).to_have_text("才說一半")
        for _ in range(50):
            slow.send(("delta", {"text": "沒人聽"}))
            if slow.reader_left.wait(0.1):
                break
        assert slow.reader_left.is_set()
    page.reload()
    expect(page.locator(".prose")).to_have_text("才說一半")


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


def test_the_search_box_finds_titles_and_words_in_either_script(page: Page, live_server: str) -> None:
    page.click("#contents")
    page.fill("#find", "车企")
    passages = page.locator("#sheet .passages button")
    hits = httpx.get(f"{live_server}/api/search", params={"q": "车企", "k": 12}, trust_env=False).json()["hits"]
    expect(passages).to_have_count(len(hits))
    assert page.locator("#sheet .passage").all_text_contents() == [hit["text"] for hit in hits]
    assert page.locator("#sheet .score").first.text_content() == f"相關 {hits[0]['score']:.2f}"
    passages.first.click()
    expect(page.locator("mark")).to_be_in_viewport()
    assert page.locator("mark").text_content() == hits[0]["text"]
    page.click("#contents")
    page.fill("#find", "錦緞")
    expect(page.locator("#sheet .contents button")).to_have_count(1)
    page.fill("#find", "")
    expect(page.locator("#sheet .contents button")).to_have_count(8)


def test_the_passages_considered_are_shown_with_scores_on_demand(page: Page) -> None:
    ask(page, TRADITIONAL)
    hits = kept_turns(page)[0]["hits"]
    rows = page.locator(".considered .passage")
    expect(rows.first).to_be_hidden()
    page.click(".unfold")
    expect(page.locator(".unfold")).to_have_attribute("aria-expanded", "true")
    assert rows.all_text_contents() == [hit["text"] for hit in hits]
    assert page.locator(".considered .score").all_text_contents() == [f"相關 {hit['score']:.2f}" for hit in hits]
    rows.nth(1).click()
    assert page.locator("mark").text_content() == hits[1]["text"]


def test_a_scope_is_sent_along_and_remembered(page: Page, live_server: str) -> None:
    article = httpx.get(f"{live_server}/api/articles", trust_env=False).json()["articles"][2]
    page.select_option("#scope", label=article["source"])
    page.reload()
    page.wait_for_selector("#shelf li")
    with page.expect_request("**/api/answer") as request:
        ask(page, TRADITIONAL)
    assert request.value.post_data_json["source"] == article["source"]
    assert {hit["source"] for hit in kept_turns(page)[0]["hits"]} == {article["source"]}


def test_hovering_shows_the_card_and_escape_takes_it_away(page: Page) -> None:
    ask(page, TRADITIONAL)
    citation = kept_turns(page)[0]["answer"]["citations"][0]
    cite, card = page.locator(".prose .cite").first, page.locator("#card")
    cite.hover()
    expect(card).to_be_visible()
    assert card.locator("q").text_content() == citation["quote"]
    assert card.locator("cite").text_content() == citation["title"]
    card.hover()
    page.wait_for_timeout(400)
    expect(card).to_be_visible()
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    page.mouse.move(0, 0)
    page.locator(".footnotes button").first.focus()
    page.keyboard.press("Shift+Tab")
    expect(card).to_be_visible()
    expect(cite).to_have_attribute("aria-describedby", "card")


def test_the_first_tap_shows_the_card_and_the_second_the_article_from_below(open_page: Callable[..., Page]) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = open_page(**phone, reduced_motion="reduce")  # the sheet is measured where it comes to rest
    ask(page, TRADITIONAL)
    page.locator(".prose .cite").first.tap()
    expect(page.locator("#card")).to_be_visible()
    expect(page.locator("#sheet")).to_be_hidden()
    page.locator(".prose .cite").first.tap()
    expect(page.locator("mark")).to_be_in_viewport()
    expect(page.locator("#card")).to_be_hidden()
    sheet = page.locator("#sheet").bounding_box()
    assert sheet is not None
    assert (sheet["x"], sheet["width"], sheet["y"] + sheet["height"]) == (0, 390, 844)
    assert sheet["y"] > 100


def test_a_server_that_restarts_is_waited_for_and_the_draft_kept(
    open_page: Callable[..., Page], live_index: Path, problems: list[str]
) -> None:
    port = a_free_port()
    with serving(live_index, port) as url:
        page = open_page(url)
        ask(page, TRADITIONAL)
        page.fill("#question", "下一問的草稿")
    page.locator(".again").click()
    expect(page.locator("#notices")).to_contain_text("連不上伺服器")
    expect(page.locator(".prose .cite").first).to_be_visible()  # the answer there was
    with serving(live_index, port):
        expect(page.locator("#notices")).to_contain_text("又連上了", timeout=30_000)
        page.reload()
        expect(page.locator("#question")).to_have_value("下一問的草稿")
        expect(page.locator(".prose .cite").first).to_be_visible()
        page.press("#question", "Enter")
        expect(page.locator(".turn .answer[aria-busy=false]")).to_have_count(2)
    assert [text for text in problems if "Failed to load resource" not in text] == []
    problems.clear()


def test_a_server_with_a_key_asks_for_it_and_gets_it(page: Page, problems: list[str]) -> None:
    def guard(route: Route) -> None:
        if route.request.headers.get("authorization") == "Bearer s3cret":
            route.fulfill(**stream(("answer", an_answer())))
        else:
            route.fulfill(status=401, json={"error": {"code": "unauthorized", "message": "this server needs a key"}})

    page.route("**/api/answer", guard)
    ask(page, "問")
    expect(page.locator(".error")).to_contain_text("金鑰")
    page.fill(".key input", "s3cret")
    page.press(".key input", "Enter")
    expect(page.locator(".cite")).to_be_visible()
    assert page.evaluate("Object.values(localStorage).some((value) => value.includes('s3cret'))") is False
    problems.clear()
