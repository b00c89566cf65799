import pytest

from answerer.conversation import Message
from answerer.respond import Request, complete, understand

CHONGQING = "重慶2025年的整車產量是多少?"


def asked(*turns: str) -> str:
    """What is searched for, of turns that are the user's and the assistant's in alternation."""
    *history, question = turns
    roles = ("user", "assistant")
    messages = tuple(Message(roles[number % 2], text) for number, text in enumerate(history))  # type: ignore[arg-type]
    return understand(Request(question, messages)).text


def test_another_subject_takes_the_place_of_the_one_most_like_it() -> None:
    assert asked(CHONGQING, "近250萬輛。", "那合肥呢?") == "合肥2025年的整車產量是多少?"


def test_a_question_that_points_back_is_given_what_was_named() -> None:
    text = asked("福特在跟哪家公司談買電池?", "比亞迪。", "那批電池會裝在哪種混合動力車上?")
    assert text.endswith("那批電池會裝在哪種混合動力車上?")
    assert "福特" in text
    assert "比亚迪" in text  # folded: it is only searched for


def test_a_question_that_names_something_stands_alone() -> None:
    alone = "廣州的傳統汽車產量下滑了多少?"
    assert asked(CHONGQING, "近250萬輛。", alone) == alone


def test_a_short_question_takes_the_whole_one_before_it() -> None:
    assert asked("歐盟何時終裁徵反補貼稅?", "2024年10月。", "要收幾年?") == "歐盟何時終裁徵反補貼稅? 要收幾年?"


def test_each_turn_leans_on_the_one_before_made_whole() -> None:
    text = asked("小米的機器人進了哪個工廠?", "亦莊工廠。", "首批幾台?", "10台。", "它們做什麼?")
    assert text.startswith("小米的機器人進了哪個工廠? 首批幾台?")


def test_without_history_the_question_is_as_typed() -> None:
    assert asked("它什麼時候量產?") == "它什麼時候量產?"


@pytest.mark.parametrize("text", ["", "?", "那呢?"])
def test_nothing_to_complete_does_not_fail(text: str) -> None:
    assert complete(CHONGQING, "", text)


def test_what_a_follow_up_leans_on_is_kept_beside_it() -> None:
    history = (Message("user", CHONGQING), Message("assistant", "近250萬輛。"))
    leaning, alone = (understand(Request(text, history)) for text in ("那合肥呢?", "廣州的傳統汽車產量下滑了多少?"))
    assert (leaning.typed, leaning.earlier) == ("那合肥呢?", CHONGQING)
    assert alone.earlier == ""
