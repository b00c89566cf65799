from pathlib import Path
from string import Template
from typing import get_args

import pytest

import prompts
from language.folding import converter
from language.script import Script
from prompts import (
    NOT_FOUND,
    PromptError,
    answer_prompt,
    dropped_note,
    evidence_prompt,
    fallback_note,
    fill,
    refusal_text,
)

FOLDER = Path(prompts.__file__).parent
PLACEHOLDERS: dict[str, set[str]] = {
    "answer": {"not_found", "language"},
    "evidence": {"sentences", "question"},
    "history": {"turns"},
    "rewrite": {"language"},
    "follow_up": {"turns", "question"},
    "refusal": {"asked"},
    "dropped": {"count"},
    "fallback": {"code"},
    "differs": set(),
    "nearby": set(),
    "sources": {"listing"},
    "nearest": {"listing"},
}


def test_every_purpose_has_both_scripts() -> None:
    expected = {f"{purpose}.{script}.txt" for purpose in PLACEHOLDERS for script in ("zh-Hant", "zh-Hans")}
    assert {path.name for path in FOLDER.glob("*.txt")} == expected


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.name)
def test_placeholders(path: Path) -> None:
    assert set(Template(path.read_text(encoding="utf-8")).get_identifiers()) == PLACEHOLDERS[path.name.split(".")[0]]


@pytest.mark.parametrize("purpose", PLACEHOLDERS)
def test_the_scripts_say_the_same(purpose: str) -> None:
    traditional, simplified = (
        (FOLDER / f"{purpose}.{script}.txt").read_text(encoding="utf-8") for script in ("zh-Hant", "zh-Hans")
    )
    to_simplified = converter("t2s").convert
    assert to_simplified(simplified) == simplified
    assert traditional.count("\n") == simplified.count("\n")


def test_the_scripts_are_those_of_language() -> None:
    assert get_args(prompts.Script) == get_args(Script)


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("zh-TW", "文章裡沒有找到「誰發明了電話？」的答案。"),
        ("zh-HK", "文章裡沒有找到「誰發明了電話？」的答案。"),
        ("zh-CN", "文章里没有找到“誰發明了電話？”的答案。"),
    ],
)
def test_refusal_names_what_was_asked(script: Script, text: str) -> None:
    assert refusal_text(script, " 誰發明了\n電話？ ".replace("\n", "")) == text


def test_refusal_shortens_a_long_question_and_keeps_to_one_line() -> None:
    assert refusal_text("zh-TW", "甲\n乙" + "丙" * 100) == f"文章裡沒有找到「甲 乙{'丙' * 56}…」的答案。"


def test_a_question_is_never_read_as_a_template() -> None:
    assert refusal_text("zh-TW", "$asked ${x} $$") == "文章裡沒有找到「$asked ${x} $$」的答案。"


def test_answer_prompt_names_token_and_region() -> None:
    assert f"只輸出 {NOT_FOUND} " in answer_prompt("zh-TW")
    assert "用香港的繁體中文寫" in answer_prompt("zh-HK")
    assert "用中国大陆的简体中文写" in answer_prompt("zh-CN")


def test_evidence_prompt() -> None:
    plain = "<文章句子>\n[1] 甲。\n</文章句子>\n\n<問題>\n乙？\n</問題>"
    assert evidence_prompt("zh-TW", "乙？", "[1] 甲。") == plain
    history = "<先前的對話>\nuser: 丙\n</先前的對話>\n\n"
    assert evidence_prompt("zh-TW", "乙？", "[1] 甲。", "user: 丙") == history + plain


def test_notes() -> None:
    assert fallback_note("zh-TW", "timeout") == "語言模型沒能作答（timeout），這裡改以文章原句回答。"
    assert dropped_note("zh-CN", 2) == "模型写的 2 句话在文章里找不到依据，已经删去。"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("沒有佔位", r"refusal.zh-Hant.txt: the placeholder \$asked is missing"),
        ("$asked $extra", r"refusal.zh-Hant.txt: nothing fills the placeholder \$extra"),
        ("$asked 5$", r"refusal.zh-Hant.txt: a '\$' stands without a name"),
    ],
    ids=["missing", "unknown", "lone dollar"],
)
def test_a_template_that_does_not_fit_is_refused(tmp_path: Path, template: str, message: str) -> None:
    (tmp_path / "refusal.zh-Hant.txt").write_text(template, encoding="utf-8")
    with pytest.raises(PromptError, match=message):
        fill("refusal", "zh-TW", {"asked": "甲"}, folder=tmp_path)


def test_a_template_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"refusal.zh-Hans.txt: there is no such template"):
        fill("refusal", "zh-CN", {"asked": "甲"}, folder=tmp_path)
