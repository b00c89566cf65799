"""Conversations in the page: kept, renamed, deleted, edited, exported, shared, judged."""

import base64
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.server.browsing import an_answer, answer_with, ask, kept_turns, serve_article, stream


def shared_link(url: str, document: object) -> str:
    """What the page makes of a conversation, made here: raw deflate in base64 for addresses."""
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(json.dumps(document).encode()) + packer.flush()
    return f"{url}/#share={base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


def names(page: Page) -> list[str]:
    page.click("#archive")
    return page.locator(".archive .name").all_text_contents()


def test_conversations_are_kept_apart_and_found_again(page: Page) -> None:
    answer_with(page, an_answer())
    ask(page, "甲？")
    page.click("#fresh")
    ask(page, "乙？")
    assert names(page) == ["乙？", "甲？"]
    expect(page.locator(".archive .name").first).to_have_attribute("aria-current", "true")
    page.locator(".archive .name").last.click()
    expect(page.locator("#sheet")).to_be_hidden()
    expect(page.locator(".turn h2")).to_have_text(["甲？"])
    page.reload()
    expect(page.locator(".turn h2")).to_have_text(["甲？"])


def test_a_second_tab_does_not_overwrite_the_first(page: Page, live_server: str) -> None:
    answer_with(page, an_answer())
    ask(page, "甲？")
    other = page.context.new_page()
    other.goto(live_server)
    expect(other.locator("#front")).to_be_visible()
    answer_with(other, an_answer())
    ask(other, "乙？")
    ask(page, "丙？")
    assert names(other) == ["甲？", "乙？"]
    assert [turn["question"] for turn in kept_turns(page)] == ["甲？", "丙？"]


def test_a_conversation_is_renamed(page: Page) -> None:
    answer_with(page, an_answer())
    ask(page, "甲？")
    page.click("#archive")
    page.click(".rename")
    page.keyboard.press("Escape")
    expect(page.locator(".archive .name")).to_have_text("甲？")
    expect(page.locator("#sheet")).to_be_visible()
    page.click(".rename")
    page.keyboard.type("給<b>主編</b>")
    page.keyboard.press("Enter")
    expect(page.locator(".archive .name")).to_have_text("給<b>主編</b>")
    ask(page, "乙？")
    page.reload()
    expect(page).to_have_title("給<b>主編</b> · 業問 Yewen")


def test_a_deleted_conversation_can_be_had_back_for_a_while(page: Page) -> None:
    answer_with(page, an_answer())
    ask(page, "甲？")
    page.click("#archive")
    page.click(".remove")
    expect(page.locator(".archive li")).to_have_count(0)
    expect(page.locator("#front")).to_be_visible()
    page.click("#notices button")
    expect(page.locator(".archive .name")).to_have_text("甲？")
    page.click(".remove")
    page.reload()
    assert names(page) == []


def test_an_answer_under_way_does_not_bring_a_deleted_conversation_back(page: Page) -> None:
    answer_with(page, an_answer())
    ask(page, "甲？")
    page.unroute("**/api/answer")
    page.route("**/api/answer", lambda _: None)  # never answers
    page.fill("#question", "乙？")
    page.press("#question", "Enter")
    page.click("#archive")
    page.click(".remove")
    expect(page.locator("#send")).to_have_text("問")
    page.wait_for_timeout(200)
    assert page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('yewen.talk.'))") == []


def test_a_full_storage_is_told(page: Page) -> None:
    answer_with(page, an_answer())
    page.evaluate("for (let size = 2 ** 22; size > 0; size >>= 1) try { localStorage.x += 'x'.repeat(size) } catch {}")
    ask(page, "甲？")
    expect(page.locator("#notices")).to_contain_text("存不下")


@pytest.mark.parametrize("kept", ['{"turns":[{}]}', '{"turns":[{"question":1}]}', "[]", "x", '{"turns":7}'])
def test_a_spoilt_storage_is_passed_over(page: Page, kept: str) -> None:
    page.evaluate(
        """(kept) => {
            for (const name of ["yewen.talk.1", "yewen.settings", "yewen.draft"]) localStorage.setItem(name, kept);
            sessionStorage.setItem("yewen.current", '"1"');
        }""",
        kept,
    )
    page.reload()
    expect(page.locator("#shelf li")).to_have_count(8)
    answer_with(page, an_answer())
    ask(page, "甲？")
    expect(page.locator(".cite")).to_be_visible()


def test_editing_an_earlier_question_replaces_what_followed_and_can_be_undone(page: Page) -> None:
    sent: list[Any] = []

    def answered(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(**stream(("answer", an_answer("答。[1]"))))

    page.route("**/api/answer", answered)
    for question in ["甲？", "乙？", "丙？"]:
        ask(page, question)
    page.locator(".edit").nth(1).click()
    expect(page.locator(".headline")).to_have_value("乙？")
    page.keyboard.press("Escape")
    expect(page.locator(".turn h2")).to_have_count(3)
    page.locator(".edit").nth(1).click()
    page.keyboard.type("丁？")
    page.keyboard.press("Enter")
    expect(page.locator(".turn h2")).to_have_text(["甲？", "丁？"])
    assert [message["content"] for message in sent[-1]["history"]] == ["甲？", "答。[1]"]
    page.click("#notices button")
    expect(page.locator(".turn h2")).to_have_text(["甲？", "乙？", "丙？"])
    assert [turn["question"] for turn in kept_turns(page)] == ["甲？", "乙？", "丙？"]


def test_an_answer_that_cannot_be_given_again_stays(page: Page, problems: list[str]) -> None:
    answer_with(page, an_answer("舊的。[1]"))
    ask(page, "甲？")
    page.unroute("**/api/answer")
    page.route("**/api/answer", lambda route: route.fulfill(status=429, headers={"retry-after": "7"}))
    page.click(".again")
    expect(page.locator("#notices")).to_contain_text("7 秒")
    expect(page.locator(".prose")).to_have_text("舊的。1")
    assert kept_turns(page)[0]["answer"]["answer"] == "舊的。[1]"
    expect(page.locator("#question")).to_have_value("")
    page.unroute("**/api/answer")
    answer_with(page, an_answer("新的。[1]"))
    page.click(".again")
    expect(page.locator(".prose")).to_have_text("新的。1")
    assert len(kept_turns(page)) == 1
    problems.clear()


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


def test_a_link_shows_the_conversation_to_others_who_may_keep_it(
    open_page: Callable[..., Page], live_server: str
) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    question = "重慶2025年整車產量是多少?"
    ask(page, question)
    page.click("#export [value=link]")
    link = page.locator(".link input").input_value()
    page.click(".link button")
    assert page.evaluate("navigator.clipboard.readText()") == link
    assert link.startswith(f"{live_server}/#share=")

    other = open_page(link)
    expect(other.locator("#shared")).to_be_visible()
    expect(other.locator("#question")).to_be_hidden()
    assert other.locator(".again, .edit, .opinion, .follow").count() == 0
    assert other.locator(".prose").text_content() == page.locator(".prose").text_content()
    other.locator(".prose .cite").first.click()
    quote = kept_turns(page)[0]["answer"]["citations"][0]["quote"]
    expect(other.locator("mark")).to_be_in_viewport()
    assert other.locator("mark").text_content() == quote
    assert kept_turns(other) == []
    other.click("#keep")
    expect(other.locator("#question")).to_be_visible()
    expect(other.locator(".again")).to_be_visible()
    other.reload()
    expect(other.locator(".turn h2")).to_have_text(question)
    assert "#" not in other.url


@pytest.mark.parametrize(
    "document",
    [
        {"name": "", "turns": [{"question": "甲", "answer": {"answer": "<b>"}}]},
        {"name": "", "turns": [{"question": "甲", "answer": an_answer(citations=[{"marker": "1"}])}]},
        {"name": {}, "turns": []},
        ["甲"],
        None,
        {"name": "長" * 2**21, "turns": []},
    ],
    ids=["short", "citation", "name", "list", "null", "bomb"],
)
def test_a_link_that_is_not_one_of_ours_is_told_and_shows_nothing(
    page: Page, live_server: str, document: object
) -> None:
    page.goto(shared_link(live_server, document))
    expect(page.locator("#notices")).to_contain_text("不完整")
    assert page.locator(".turn").count() == 0
    page.goto(f"{live_server}/#share=%%%")
    expect(page.locator("#notices")).to_contain_text("不完整")


def test_what_a_link_holds_stays_text_and_its_quotes_are_held_against_the_article(page: Page, live_server: str) -> None:
    markup = "<img src=x onerror=alert(1)>"
    citation = an_answer()["citations"][0] | {"title": markup, "quote": "從沒說過的話", "start": 0, "end": 6}
    turns = [{"question": markup, "answer": an_answer(f"{markup}[1]", citations=[citation])}]
    serve_article(page, "真正寫的是別的。")
    page.goto(shared_link(live_server, {"name": markup, "turns": turns}))
    assert page.locator(".turn h2").text_content() == markup
    page.click(".cite")
    expect(page.locator("#sheet .note")).to_contain_text("從沒說過的話")
    assert page.locator("mark, #turns img").count() == 0


@pytest.mark.parametrize("rating", ["up", "down"])
def test_an_opinion_is_sent_with_its_reason(page: Page, rating: str) -> None:
    sent: list[Any] = []

    def take(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(status=204)

    page.route("**/api/feedback", take)
    answer_with(page, an_answer())
    ask(page, "甲？")
    page.click(f".opinion [value={rating}]")
    page.keyboard.type("引文不對")
    page.keyboard.press("Enter")
    expect(page.locator("#notices")).to_contain_text("謝謝")
    assert sent == [
        {
            "question": "甲？",
            "answer": "是。[1]",
            "grounded": True,
            "citations": [{"article_id": "a", "start": 0, "end": 1, "quote": "是"}],
            "rating": rating,
            "reason": "引文不對",
            "index": "i",
        }
    ]
    page.reload()
    expect(page.locator(f".opinion [value={rating}]")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize(
    ("status", "words"), [(404, "還不收意見"), (401, "金鑰"), (500, "稍後"), (0, "連不上")], ids=str
)
def test_an_opinion_that_is_not_taken_is_told_kindly(page: Page, problems: list[str], status: int, words: str) -> None:
    page.route("**/api/feedback", lambda route: route.fulfill(status=status) if status else route.abort())
    answer_with(page, an_answer())
    ask(page, "甲？")
    page.click(".opinion [value=up]")
    page.keyboard.press("Enter")
    expect(page.locator("#notices")).to_contain_text(words)
    expect(page.locator(".opinion [value=up]")).to_have_attribute("aria-pressed", "false")
    assert [text for text in problems if "Failed to load resource" not in text] == []
    problems.clear()
