import asyncio
import json
from pathlib import Path

import httpx
import pytest

from answerer.language_model import Message
from eval.ablations import RepromptedModel, document, main, plot, results, table, variants
from eval.questions import QUESTIONS, read_questions
from prompts import answer_prompt
from server.settings import Settings
from tests.eval.asked import completion

IDS = ("a-001", "a-024", "a-061")


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Three of the set's questions, the last without an answer."""
    rows = QUESTIONS.read_text(encoding="utf-8").splitlines()
    file = tmp_path / "few.jsonl"
    file.write_text("\n".join(row for row in rows if json.loads(row)["id"] in IDS), encoding="utf-8")
    return file


def test_every_stage_is_taken_out_in_turn() -> None:
    names = [variant.name for variant in variants("", "", None, Settings())]
    assert len(names) == len(set(names)) == 12
    assert {name.removeprefix("without ") for name in names if name.startswith("without ")} == {
        "lexical search",
        "dense search",
        "concepts",
        "whole articles",
        "the reader's ranking",
        "refusal",
    }


def test_other_models_are_measured_where_they_are_named() -> None:
    settings = Settings(llm_base_url="http://model.invalid/v1", llm_model="m")
    made = {variant.name: variant for variant in variants("./encoder", "./reranker", None, settings)}
    assert made["encoder ./encoder"].encoder == "./encoder"
    assert made["reranker ./reranker"].reranker == "./reranker"
    assert "without the language model" in made


def test_a_variant_differs_from_the_system_in_what_it_is_named_for(few: Path) -> None:
    wanted = [v for v in variants("", "", None, Settings()) if v.name in {"as it is", "without refusal"}]
    measured = results(wanted, read_questions(few), Settings())
    assert [[record.refused for record in result.records] for result in measured] == [[False, False, True], [False] * 3]
    assert measured[1].changed["refused"].lost == ("a-061",)
    assert table(measured).splitlines()[2].startswith("without refusal")
    assert document(measured)["without refusal"]["figures"]["refused"] == 0.0
    assert "without refusal" in plot(measured)


def test_the_command_writes_a_table_and_the_files(
    few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--json", str(tmp_path / "a.json"), "--svg", str(tmp_path / "a.svg")]
    assert main(["--set", str(few), "--only", "passages of 120", *files]) == 0
    assert "passages of 120" in capsys.readouterr().out
    assert list(json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))) == ["as it is", "passages of 120"]
    assert (tmp_path / "a.svg").read_text(encoding="utf-8").startswith("<svg")


def test_prompts_without_a_language_model_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YEWEN_LLM_BASE_URL", raising=False)
    with pytest.raises(SystemExit):
        main(["--prompts", str(tmp_path)])


def test_another_prompt_takes_the_place_of_the_usual_one(tmp_path: Path) -> None:
    for script in ("zh-Hant", "zh-Hans"):
        (tmp_path / f"answer.{script}.txt").write_text("答 $language,或 $not_found", encoding="utf-8")
    sent = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content)["messages"])
        return completion("好")

    settings = Settings(llm_base_url="http://model.invalid/v1", llm_model="m")
    model = RepromptedModel(settings, tmp_path, httpx.MockTransport(handle))

    async def ask() -> list[str]:
        turns = [Message("system", answer_prompt("zh-CN")), Message("user", "问")]
        return [piece async for piece in model.stream(turns)]

    assert asyncio.run(ask()) == ["好"]
    assert [turn["content"] for turn in sent[0]] == ["答 中国大陆的简体中文,或 NOT_FOUND", "问"]
