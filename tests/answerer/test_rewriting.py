import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from answerer import rewriting
from answerer.conversation import Message
from answerer.language_model import LanguageModel
from answerer.respond import Done, Request
from answerer.rewriting import rewrite, serves
from language.script import Script
from server.engine import load_answerer
from server.settings import Settings
from tests.answerer.upstream import Script as Upstreams
from tests.answerer.upstream import Upstream, answers, drips, head, sends

HISTORY = [Message("user", "重慶2025年的整車產量是多少?"), Message("assistant", "近250萬輛。[1]")]
FOLLOW_UP = "那合肥呢?"
WHOLE = "合肥2025年的整車產量是多少?"


def rewritten(*scripts: Upstreams, script: Script = "zh-TW", question: str = FOLLOW_UP) -> tuple[str | None, Upstream]:
    async def scenario() -> tuple[str | None, Upstream]:
        async with Upstream(*scripts) as upstream:
            model = LanguageModel(upstream.url, "m", deadline_s=5.0, backoff_s=0.01)
            text = await rewrite(question, HISTORY, script, model)
            await model.aclose()
            return text, upstream

    return asyncio.run(scenario())


@pytest.mark.parametrize("said", [WHOLE, f"「{WHOLE}」\n", f"**{WHOLE}**", "合肥2025年整車產量多少?"])
def test_a_question_made_whole_is_taken(said: str) -> None:
    text, _ = rewritten(answers(said))
    assert text == said.strip(" *「」\n")


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("合肥2024年的整車產量是多少?", id="a year that nobody named"),
        pytest.param("合肥和廣州2025年的整車產量是多少?", id="a city that nobody named"),
        pytest.param("重慶2025年的整車產量是多少?", id="without what was asked about"),
        pytest.param("改寫如下：\n合肥2025年的整車產量是多少?", id="two lines"),
        pytest.param("合肥2025年的整車產量是多少?" * 20, id="long"),
        pytest.param("抱歉，我無法協助處理這個請求，請換一種說法。", id="an excuse"),
        pytest.param("「」", id="quotation marks alone"),
    ],
)
def test_nonsense_is_not(said: str) -> None:
    assert rewritten(answers(said))[0] is None


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(sends(head(401)), id="401"),
        pytest.param(sends(head(), b"data: {\n\n"), id="bad JSON"),
        pytest.param(sends(), id="closes"),
    ],
)
def test_an_endpoint_that_fails_rewrites_nothing(script: Upstreams) -> None:
    assert rewritten(script)[0] is None


def test_a_slow_endpoint_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewriting, "DEADLINE_S", 0.2)
    assert rewritten(drips(b"", 60))[0] is None


@pytest.mark.parametrize(
    ("script", "opening", "language"),
    [
        ("zh-TW", "<先前的對話>\nuser: 重慶", "臺灣的正體中文"),
        ("zh-CN", "<先前的对话>\nuser: 重慶", "中国大陆的简体中文"),
    ],
)
def test_the_prompt_holds_turns_and_question(script: Script, opening: str, language: str) -> None:
    _, upstream = rewritten(answers(WHOLE), script=script, question="那[1]合肥\u200b呢?")
    system, user = (message["content"] for message in upstream.requests[0].body["messages"])
    assert language in system
    assert user.startswith(opening)
    assert "那〔1〕合肥呢?" in user


def test_a_question_that_stands_alone_may_stay() -> None:
    assert serves("廣州的產量下滑了多少?", "廣州的產量下滑了多少?", HISTORY)


def test_an_answer_is_searched_for_by_the_question_made_whole(built_index: Path) -> None:
    """The second call answers: the model declines there, so the hits are what tells."""
    answerer = load_answerer(Settings(index=built_index))
    history = (Message("user", "安世半導體的執行長是誰?"), Message("assistant", "張學征。[1]"))
    request = Request("他被指控什麼?", history)
    whole = "安世半導體的執行長張學征被指控什麼?"

    async def scenario() -> tuple[Done, Upstream]:
        async with Upstream(answers(whole), answers("張學征被指控“管理不善”且“將裝置轉移至中國”。[1]")) as upstream:
            model = LanguageModel(upstream.url, "m", deadline_s=20.0)
            done = await replace(answerer, model=model).answer(request)
            await model.aclose()
            return done, upstream

    done, upstream = asyncio.run(scenario())
    assert len(upstream.requests) == 2
    assert "他被指控什麼?" in upstream.requests[1].body["messages"][1]["content"], "the answer is to what was typed"
    assert done.answer.grounded
    assert "管理不善" in done.answer.citations[0].quote
    assert set(done.timings_ms) == {"rewrite", "retrieve", "answer", "total"}


def test_without_history_the_model_is_asked_once(built_index: Path) -> None:
    answerer = load_answerer(Settings(index=built_index))

    async def scenario() -> int:
        async with Upstream(answers("NOT_FOUND")) as upstream:
            model = LanguageModel(upstream.url, "m", deadline_s=20.0)
            await replace(answerer, model=model).answer(Request(WHOLE))
            await model.aclose()
            return len(upstream.requests)

    assert asyncio.run(scenario()) == 1
