"""`python -m yewen` as a user runs it: what it prints, where, and with which exit status."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.articles import Article
from indexer.damage import damage
from indexer.snapshot import Snapshot, open_snapshot
from tests.conftest import Yewen
from yewen import main

QUESTION = "重慶2025年整車產量是多少?"
COMMANDS = ["index", "search", "ask", "serve", "mcp", "doctor", "completion", "eval"]


@pytest.fixture
def inside(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Yewen:
    """The same as the fixture ``yewen`` without a process of its own, which costs most of a second."""
    for name in os.environ:
        if name.startswith("YEWEN_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        for name, value in more.items():
            monkeypatch.setenv(name, value)
        try:
            status = main(list(map(str, arguments)))
        except SystemExit as end:  # how argparse ends
            status = int(end.code or 0)
        output, errors = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, status, output, errors)

    return run


def one_document(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    """The one JSON document that is all of standard output; nothing was said on standard error."""
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def assert_failed(done: subprocess.CompletedProcess[str], status: int, said: str) -> None:
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory, articles: list[Article]) -> Path:
    """A question set of one question with its answer and one that must be refused."""
    article = next(article for article in articles if article.title.startswith("中國汽車第一城"))
    start = article.body.index("重慶以近250萬輛")
    gold = [{"article": article.id, "start": start, "end": start + 20}]
    common = {"kind": "figure", "script": "zh-TW"}
    rows = [
        common | {"id": "1", "question": QUESTION, "answerable": True, "gold": gold, "words": [["250萬輛"]]},
        common | {"id": "2", "question": "台積電2024年的營收是多少?", "answerable": False, "gold": [], "words": []},
    ]
    file = tmp_path_factory.mktemp("questions") / "questions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


# ---- what is printed


def test_index_prints_one_document(yewen: Yewen, seeds: Path, tmp_path: Path) -> None:
    first = one_document(yewen("index", seeds, "--index", "here", "--json"))
    snapshot = open_snapshot(tmp_path / "here")
    ids = [article.id for article in snapshot.articles]
    told = {"reason": "", "note": damage(snapshot.articles)}
    files = [{"name": str(next(seeds.glob("*.txt"))), "state": "indexed", **told, "articles": ids}]
    counts = {"articles": 8, "passages": len(snapshot.passages)}
    assert first == {"index": snapshot.id, "built": True, **counts, "files": files}
    assert one_document(yewen("index", seeds, "--index", "here", "--json")) == first | {"built": False}


def test_index_without_a_path_takes_the_seeds_and_the_setting(yewen: Yewen, tmp_path: Path, snapshot: Snapshot) -> None:
    assert one_document(yewen("index", "--json", YEWEN_INDEX="there"))["index"] == snapshot.id
    assert (tmp_path / "there" / "CURRENT").exists()


def test_the_snapshot_does_not_depend_on_the_hash_seed(yewen: Yewen, seeds: Path, snapshot: Snapshot) -> None:
    assert one_document(yewen("index", seeds, "--index", "a", "--json", PYTHONHASHSEED="1"))["index"] == snapshot.id


def test_search_prints_one_document(yewen: Yewen, built_index: Path, snapshot: Snapshot) -> None:
    document = one_document(yewen("search", QUESTION, "-k", "3", "--index", built_index, "--json"))
    assert list(document) == ["query", "hits", "index"]
    assert (document["query"], document["index"]) == (QUESTION, snapshot.id)
    assert document["hits"][0]["title"] == "中國汽車第一城,變了!"
    assert len(document["hits"]) == 3


def test_what_is_given_is_indexed_added_skipped_or_refused_and_found_by_its_scope(
    inside: Yewen, tmp_path: Path
) -> None:
    front = "---\nsource: 甲報\nindustry: 電池\ndate: 2025-09-30\n---\n"
    (tmp_path / "a.md").write_text(f"{front}# 題\n重慶的產量是250萬輛。", encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('{"title": "另題", "text": "合肥的產量是137萬輛。"}', encoding="utf-8")
    first = one_document(inside("index", "a.md", "--index", "here", "--json"))
    assert [(f["name"], f["state"]) for f in first["files"]] == [("a.md", "indexed")]
    assert_failed(inside("index", "--add", "b.jsonl", "--index", "here"), 1, "b.jsonl: does not tell its industry")
    added = ("index", "--add", "a.md", "b.jsonl", "--index", "here", "--industry", "汽車", "--source", "乙報")
    done = inside(*added)
    assert (done.returncode, done.stderr) == (
        0,
        f"yewen: a.md: '題' is a duplicate of {first['files'][0]['articles'][0]}\n",
    )
    assert "files indexed 1, skipped 1, refused 0" in done.stdout
    for scope, sources in (
        (("--industry", "汽車"), {"乙報"}),
        (("--source", "甲報"), {"甲報"}),
        (("--since", "2025-09-30"), {"甲報"}),
        (("--until", "2025-01-01"), set()),
        ((), {"甲報", "乙報"}),
    ):
        hits = one_document(inside("search", "產量", *scope, "--index", "here", "--json"))["hits"]
        assert {hit["source"] for hit in hits} == sources
    replaced = inside("index", "a.md", "--index", "here")
    assert "1 articles of the old index are gone from it" in replaced.stdout


def test_ask_prints_one_document_of_the_http_contract(yewen: Yewen, built_index: Path, articles: list[Article]) -> None:
    document = one_document(yewen("ask", QUESTION, "--index", built_index, "--json"))
    assert list(document) == [
        "answer",
        "grounded",
        "confidence",
        "script",
        "generator",
        "citations",
        "nearest",
        "notes",
        "timings_ms",
        "index",
    ]
    bodies = {article.id: article.body for article in articles}
    assert document["citations"]
    for citation in document["citations"]:
        assert citation["quote"] == bodies[citation["article_id"]][citation["start"] : citation["end"]]


@pytest.mark.parametrize("script", ["zh-TW", "zh-CN", "zh-HK"])
def test_ask_answers_in_the_script_asked_for(inside: Yewen, built_index: Path, script: str) -> None:
    assert (
        one_document(inside("ask", QUESTION, "--script", script, "--index", built_index, "--json"))["script"] == script
    )


def test_eval_prints_one_document(yewen: Yewen, built_index: Path, questions: Path) -> None:
    document = one_document(yewen("eval", "--set", questions, "--index", built_index, "--json", "-"))
    assert list(document) == ["figures", "intervals", "system", "questions"]
    assert document["figures"]["n"] == 2
    assert document["figures"]["verbatim"] == 1.0
    assert [row["id"] for row in document["questions"]] == ["1", "2"]


def test_eval_writes_the_files_it_is_asked_for(
    yewen: Yewen, built_index: Path, questions: Path, tmp_path: Path
) -> None:
    done = yewen("eval", "--set", questions, "--index", built_index, "--json", "figures.json", "--html", "report.html")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))["figures"]["n"] == 2
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "answerable" in done.stdout or "gold_words_held" in done.stdout


def test_eval_compares_with_an_earlier_run(inside: Yewen, built_index: Path, questions: Path, tmp_path: Path) -> None:
    ask = ("eval", "--set", questions, "--index", built_index, "--no-parity")
    assert inside(*ask, "--json", "earlier.json").returncode == 0
    done = inside(*ask, "--compare", "earlier.json", "--html", "report.html")
    assert (done.returncode, done.stderr) == (0, "")
    assert "gold_words_held: 1.000 → 1.000, difference +0.000" in done.stdout
    assert "compared with earlier.json" in (tmp_path / "report.html").read_text(encoding="utf-8")
    other = questions.read_text(encoding="utf-8").replace('"id": "', '"id": "other-')
    (tmp_path / "other.jsonl").write_text(other, encoding="utf-8")
    apart = ("eval", "--set", "other.jsonl", "--index", built_index, "--no-parity", "--compare", "earlier.json")
    assert_failed(inside(*apart), 1, "shares no question")


def test_eval_makes_candidates_of_thumbs_down(inside: Yewen, questions: Path, tmp_path: Path) -> None:
    rows = [{"question": QUESTION, "rating": "down"}, {"question": "合肥?", "rating": "down"}]
    (tmp_path / "feedback.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    done = inside("eval", "--from-feedback", "feedback.jsonl", "--set", questions)
    assert [json.loads(line)["question"] for line in done.stdout.splitlines()] == ["合肥?"], "the first is in the set"
    done = inside("eval", "--from-feedback", "feedback.jsonl", "--json", "candidates.jsonl")
    assert (done.returncode, done.stdout) == (0, "")
    assert "合肥?" in (tmp_path / "candidates.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--compare", "missing.json"), "missing.json"),
        (("--from-feedback", "missing.jsonl"), "missing.jsonl"),
        (("--url", "http://127.0.0.1:9"), "cannot be reached"),
        (("--index", "nowhere"), "yewen index"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_eval_says_what_is_wrong_before_it_asks(inside: Yewen, arguments: tuple[str, ...], said: str) -> None:
    assert_failed(inside("eval", *arguments), 1, said)


def test_eval_of_an_outside_set_prints_one_document(yewen: Yewen, tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"id": "d", "text": "重慶生產了250萬輛整車。"}\n', encoding="utf-8")
    (tmp_path / "queries.jsonl").write_text(
        '{"qid": "q", "query": "重庆生产了多少辆?", "gold": ["d"], "answers": ["250万"]}\n'
    )
    (tmp_path / "others.jsonl").write_text('{"text": "天氣很好。"}\n{"text": "足球。"}\n', encoding="utf-8")
    files = ("--corpus", "corpus.jsonl", "--queries", "queries.jsonl", "--distractors", "others.jsonl:1")
    document = one_document(yewen("eval", *files, "--json", "-"))
    assert list(document) == ["retrieval", "answer", "refusal", "timing"]
    assert document["retrieval"]["r@1"] == 1.0
    assert not (tmp_path / ".yewen").exists(), "an outside set does not touch the own index"


def test_without_json_the_answer_and_its_sources_are_printed_as_text(yewen: Yewen, built_index: Path) -> None:
    done = yewen("ask", QUESTION, "--index", built_index)
    assert (done.returncode, done.stderr) == (0, "")
    assert "[1] 中國汽車第一城,變了! (功夫財經)" in done.stdout
    found = yewen("search", QUESTION, "-k", "1", "--index", built_index)
    assert found.stdout.startswith("1. 中國汽車第一城,變了! (功夫財經)")


def test_text_is_printed_where_the_locale_knows_no_chinese(yewen: Yewen, built_index: Path) -> None:
    done = yewen("ask", QUESTION, "--index", built_index, "--json", LC_ALL="C", LANG="C")
    assert done.returncode == 0, done.stderr


def test_the_doctor_prints_one_document_and_fails_where_something_is_to_mend(
    inside: Yewen, built_index: Path, tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    document = one_document(inside("doctor", "--index", built_index, "--json", YEWEN_PORT=port))
    assert document["well"] is True
    assert all(list(finding) == ["about", "state", "found", "mend"] for finding in document["findings"])
    done = inside("doctor", "--index", "nowhere", YEWEN_PORT=port)
    assert done.returncode == 1
    assert "✗ index: there is no index in nowhere" in done.stdout
    assert "  → run 'yewen index --index nowhere' with your articles" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_is_a_script_that_names_commands_and_options(inside: Yewen, shell: str) -> None:
    done = inside("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(command in done.stdout for command in COMMANDS)
    assert "--script" in done.stdout
    assert "zh-HK" in done.stdout


def test_bash_completes_commands_options_and_values(inside: Yewen, tmp_path: Path) -> None:
    (tmp_path / "complete.bash").write_text(inside("completion", "bash").stdout, encoding="utf-8")
    code = (
        'source complete.bash; try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _shtab_yewen; '
        'echo "${COMPREPLY[@]}"; }; try yewen se; try yewen ask --scr; try yewen ask --script zh-H'
    )
    done = subprocess.run(["bash", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.splitlines() == ["search serve", "--script", "zh-HK"]


# ---- what fails, and how


@pytest.mark.parametrize("command", ["search", "ask"])
def test_without_an_index_it_fails_and_says_how_to_build_one(inside: Yewen, command: str) -> None:
    assert_failed(
        inside(command, QUESTION, "--index", "nowhere"),
        1,
        "there is no index in nowhere: build one with 'yewen index --index nowhere'",
    )


def test_eval_without_an_index_fails_and_says_how_to_build_one(inside: Yewen, questions: Path) -> None:
    done = inside("eval", "--set", questions, "--index", "nowhere", "--json", "-")
    assert (done.returncode, done.stdout) == (1, "")
    assert "yewen index" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_malformed_seed_file_is_refused_with_its_line_and_nothing_is_indexed(yewen: Yewen, tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("#業\n題\n文。 (源)\n題二\n沒有來源\n", encoding="utf-8")
    assert_failed(yewen("index", "bad.txt", "--index", "here"), 1, "yewen: bad.txt:5: ")
    assert not (tmp_path / "here" / "CURRENT").exists()


def test_a_malformed_seed_file_leaves_the_live_index_alone(yewen: Yewen, seeds: Path, tmp_path: Path) -> None:
    live = one_document(yewen("index", seeds, "--index", "here", "--json"))["index"]
    (tmp_path / "bad.txt").write_text("題\n", encoding="utf-8")
    assert_failed(yewen("index", seeds, "bad.txt", "--index", "here"), 1, "bad.txt:1: ")
    assert open_snapshot(tmp_path / "here").id == live


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("index", "nowhere.txt"), "nowhere.txt", id="no such seed file"),
        pytest.param(("index", "empty"), "empty", id="a folder without seeds"),
        pytest.param(("eval", "--set", "nowhere.jsonl"), "nowhere.jsonl", id="no such question set"),
        pytest.param(
            ("eval", "--corpus", "nowhere.jsonl", "--queries", "nowhere.jsonl"), "nowhere.jsonl", id="no such corpus"
        ),
        pytest.param(("eval", "--set", "broken.jsonl"), "broken.jsonl:1", id="a broken question set"),
    ],
)
def test_what_cannot_be_read_fails_by_name(
    inside: Yewen, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.jsonl").write_text("{\n")
    assert_failed(inside(*arguments), 1, said)


def test_the_process_ends_with_the_status(yewen: Yewen) -> None:
    assert_failed(yewen("search", ""), 2, "the question is empty")
    assert_failed(yewen("search", QUESTION), 1, "there is no index")
    assert_failed(yewen("nonsense"), 2, "nonsense")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param((), "COMMAND", id="no command"),
        pytest.param(("nonsense",), "nonsense", id="unknown command"),
        pytest.param(("ask",), "QUESTION", id="no question"),
        pytest.param(("ask", ""), "the question is empty", id="empty question"),
        pytest.param(("ask", " \n\u3000"), "the question is empty", id="blank question"),
        pytest.param(("search", ""), "the question is empty", id="empty search"),
        pytest.param(("ask", "車" * 1001), "1001 characters; at most 1000", id="too long a question"),
        pytest.param(("ask", "x", "--script", "en"), "en", id="unknown script"),
        pytest.param(("ask", "x", "--nonsense"), "--nonsense", id="unknown option"),
        pytest.param(("search", "x", "-k", "0"), "1 to 50", id="k 0"),
        pytest.param(("search", "x", "-k", "51"), "1 to 50", id="k 51"),
        pytest.param(("search", "x", "-k", "ten"), "1 to 50", id="k a word"),
        pytest.param(("search", "x", "-k", "²"), "1 to 50", id="k a superscript"),
        pytest.param(("search", "x", "-k", "999999"), "1 to 50", id="k too high"),
        pytest.param(("search", "x", "--since", "2025-13-01"), "2025-09-30", id="a day that is none"),
        pytest.param(("ask", "x", "--until", "soon"), "2025-09-30", id="until soon"),
        pytest.param(("serve", "--port", "0"), "1 to 65535", id="port 0"),
        pytest.param(("serve", "--port", "65536"), "1 to 65535", id="port too high"),
        pytest.param(("serve", "--port", "-5"), "1 to 65535", id="port negative"),
        pytest.param(("serve", "--port", "http"), "http", id="port a word"),
        pytest.param(("completion", "fish"), "fish", id="unknown shell"),
        pytest.param(("eval", "--corpus", "x"), "--queries", id="corpus without queries"),
        pytest.param(("eval", "--queries", "x"), "--corpus", id="queries without corpus"),
        pytest.param(
            ("eval", "--corpus", "x", "--queries", "y", "--html", "z"),
            "--html is for the own question set",
            id="eval html of an outside set",
        ),
        pytest.param(
            ("eval", "--corpus", "x", "--queries", "y", "--judge", "m@http://z"),
            "--judge is for the own question set",
            id="eval judge of an outside set",
        ),
        pytest.param(
            ("eval", "--from-feedback", "x", "--url", "http://z"),
            "--from-feedback asks nothing",
            id="eval feedback and url",
        ),
        pytest.param(("eval", "--judge", "model"), "MODEL@URL", id="eval judge without url"),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_is_wrong(inside: Yewen, arguments: tuple[str, ...], said: str) -> None:
    assert_failed(inside(*arguments), 2, said)


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("YEWEN_PORT", "http", "YEWEN_PORT"),
        ("YEWEN_PORT", "70000", "65535"),
        ("YEWEN_RATE_LIMIT", "-1", "YEWEN_RATE_LIMIT"),
        ("YEWEN_STORE", "oracle", "faiss, milvus"),
        ("YEWEN_LOG_FORMAT", "xml", "text, json"),
        ("YEWEN_LLM_MODEL", "m", "YEWEN_LLM_BASE_URL"),
    ],
)
def test_a_setting_that_cannot_be_used_is_status_2_and_named(
    inside: Yewen, setting: str, value: str, said: str
) -> None:
    assert_failed(inside("ask", "x", **{setting: value}), 2, said)


def test_a_setting_is_read_from_the_env_file_and_the_environment_wins(inside: Yewen, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# ours\nexport YEWEN_INDEX='from file'\n", encoding="utf-8")
    assert_failed(inside("ask", "x"), 1, "no index in from file:")
    assert_failed(inside("ask", "x", YEWEN_INDEX="from environment"), 1, "no index in from environment:")
    assert_failed(inside("ask", "x", "--index", "from option"), 1, "no index in from option:")


def test_a_broken_env_file_is_named_with_its_line(inside: Yewen, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("YEWEN_HOST=x\nnonsense\n", encoding="utf-8")
    assert_failed(inside("ask", "x"), 2, ".env:2")


def test_eval_without_its_extra_says_what_to_install(inside: Yewen, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in {"eval", "ir_measures"}]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    assert_failed(inside("eval"), 2, "eval needs ir_measures: pip install 'yewen[eval]'")


def test_an_unknown_encoder_is_status_1_and_says_what_to_set(inside: Yewen, built_index: Path) -> None:
    """A path that does not exist: nothing is downloaded, and the message stays one line."""
    done = inside("ask", QUESTION, "--index", built_index, YEWEN_ENCODER="./no-such-model", HF_HUB_OFFLINE="1")
    assert_failed(done, 1, "yewen: encoder './no-such-model' could not be loaded")
    assert "YEWEN_ENCODER" in done.stderr


def test_arguments_that_are_no_text_do_not_end_in_a_traceback(yewen: Yewen, built_index: Path) -> None:
    """Bytes that are no UTF-8 reach Python as lone surrogates."""
    done = yewen("search", "\udcff重慶", "--index", built_index, "--json")
    assert one_document(done)["query"] == "\ufffd重慶"


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_everywhere(inside: Yewen, command: str) -> None:
    done = inside(*([command] if command else []), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: yewen {command}".rstrip())
    if not command:
        assert all(re.search(rf"^    {name}\s", done.stdout, re.M) for name in COMMANDS)


# ---- start


def imported(yewen_arguments: list[str], environment: dict[str, str], folder: Path) -> set[str]:
    """Top-level names of everything that one run of the command line imported."""
    code = (
        "import sys, yewen; yewen.main(sys.argv[1:]); "
        "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *yewen_arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("command", ["ask", "search"])
def test_a_question_imports_neither_torch_nor_a_web_server(
    built_index: Path, tmp_path: Path, plain_environment: dict[str, str], command: str
) -> None:
    names = imported([command, QUESTION, "--index", str(built_index)], plain_environment, tmp_path)
    assert {"numpy", "faiss"} <= names
    assert (
        names
        & {
            "torch",
            "sentence_transformers",
            "transformers",
            "fastapi",
            "uvicorn",
            "starlette",
            "ray",
            "pymilvus",
            "mcp",
            "pydantic",
            "httpx",
        }
        == set()
    )


def test_indexing_does_not_import_torch(seeds: Path, tmp_path: Path, plain_environment: dict[str, str]) -> None:
    names = imported(["index", str(seeds), "--index", "here"], plain_environment, tmp_path)
    assert names & {"torch", "sentence_transformers", "transformers"} == set()
