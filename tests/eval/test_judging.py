import json
from collections.abc import Callable

import httpx
import pytest

from answerer.language_model import LanguageModel, LanguageModelError
from eval.judging import judge_answers, judge_prompt, parse_judge
from eval.records import Record
from tests.eval.asked import FIRST, SECOND, completion, judged, question, response


def model(reply: Callable[[str], str]) -> LanguageModel:
    def handle(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)["messages"][-1]["content"]
        return completion(reply(asked))

    return LanguageModel("http://judge.invalid/v1", "judge", transport=httpx.MockTransport(handle))


def records() -> list[Record]:
    return [
        judged(question(id="right"), response(FIRST)),
        judged(question(id="wrong"), response(SECOND)),
        judged(question(id="refused"), response()),
        judged(question(False, id="none"), response(FIRST)),
    ]


def test_only_answers_to_answerable_questions_are_judged() -> None:
    shown = []
    done = judge_answers(
        records(), model(lambda asked: "WRONG" if "124萬輛。[1]" in asked else "right."), lambda *at: shown.append(at)
    )
    assert [record.values.get("judged_right") for record in done] == [1.0, 0.0, None, None]
    assert shown == [(1, 2), (2, 2)]


def test_a_reply_without_a_verdict_counts_for_nothing() -> None:
    done = judge_answers(records(), model(lambda asked: "I cannot say"), lambda *at: None)
    assert all("judged_right" not in record.values for record in done)


def test_the_judge_sees_question_gold_and_answer_in_the_askers_characters() -> None:
    prompt = judge_prompt(records()[1])
    assert all(text in prompt for text in ("重慶?", "重慶產量近250萬輛。", "合肥產量124萬輛。[1]", "你是評分員"))
    assert "你是评分员" in judge_prompt(judged(question(script="zh-CN"), response(FIRST)))


def test_a_judge_that_fails_says_so() -> None:
    broken = LanguageModel(
        "http://judge.invalid/v1", "judge", transport=httpx.MockTransport(lambda request: httpx.Response(401))
    )
    with pytest.raises(LanguageModelError, match="401"):
        judge_answers(records(), broken, lambda *at: None)


@pytest.mark.parametrize("text", ["", "qwen3", "@http://x", "qwen3@"])
def test_a_judge_without_model_or_address_is_refused(text: str) -> None:
    assert not all(parse_judge(text))


def test_a_model_may_have_a_colon_and_an_address_a_port() -> None:
    assert parse_judge("qwen3:8b@http://127.0.0.1:11434/v1") == ("qwen3:8b", "http://127.0.0.1:11434/v1")
