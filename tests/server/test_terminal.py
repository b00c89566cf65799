"""What people see at a terminal: colours only there, and nothing that a terminal would obey."""

import io
from pathlib import Path

import pytest

from answerer.answer import Answer, Citation
from indexer.articles import Article
from indexer.passages import build_passages
from retriever import Hit, analyse_question
from server.terminal import answer_text, hit_text, paint_for, progress_on, shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


ARTICLE = Article("a", "題\x1b[2J目", "第一句。\x1b]0;x\x07第二句。", "源", "業")
GROUNDED = Answer("答。[1]", True, 0.9, "zh-TW", "extractive", (Citation(1, ARTICLE, "a:0-4", 0, 4, 0.9),), (), ("註",))
HIT = Hit(build_passages(ARTICLE)[0], ARTICLE, 1.0, 1.0, 1.0, analyse_question("題"))
REFUSED = Answer("沒有。", False, 0.1, "zh-TW", "extractive", (), (HIT,))


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_a_terminal_gets_colours() -> None:
    assert answer_text(GROUNDED, paint_for(Terminal())) == (
        "答。\x1b[31m[1]\x1b[0m\n\x1b[2m* 註\x1b[0m\n\n"
        "\x1b[31m[1]\x1b[0m \x1b[1m題\\x1b[2J目\x1b[0m (源)\n    \x1b[2m「第一句。」\x1b[0m"
    )
    assert answer_text(REFUSED, paint_for(Terminal())).startswith("\x1b[33m沒有。\x1b[0m\n\n1. \x1b[1m題")


@pytest.mark.parametrize("off", ["pipe", "NO_COLOR", "TERM"])
def test_elsewhere_the_text_is_plain(monkeypatch: pytest.MonkeyPatch, off: str) -> None:
    if off != "pipe":
        monkeypatch.setenv(off, "dumb")
    paint = paint_for(io.StringIO() if off == "pipe" else Terminal())
    assert answer_text(GROUNDED, paint) == "答。[1]\n* 註\n\n[1] 題\\x1b[2J目 (源)\n    「第一句。」"
    assert "\x1b" not in answer_text(REFUSED, paint)


def test_an_empty_no_color_means_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    assert paint_for(Terminal())("x", "red") == "\x1b[31mx\x1b[0m"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("a\rb\x07\x08", "a\\rb\\x07\\x08"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202e量產", "\\u202e量產"),
        ("\ud800", "\\ud800"),
        ("重慶\n產量😀", "重慶\n產量😀"),
    ],
    ids=ascii,
)
def test_what_a_terminal_would_obey_is_shown_instead(text: str, seen: str) -> None:
    assert shown(text) == seen


def test_a_hit_is_shown_with_its_score() -> None:
    assert hit_text(3, HIT, paint_for(io.StringIO())).startswith("3. 題\\x1b[2J目 (源) 1.000\n第一句。\\x1b]0;x\\x07")


def test_a_bar_is_drawn_on_a_terminal_alone() -> None:
    now = 0.0
    stream, pipe = Terminal(), io.StringIO()
    progress = progress_on(stream, lambda: now)
    progress("terms", 0, 4)
    now = 2.0
    progress("terms", 2, 4)
    progress("terms", 4, 4)
    assert stream.getvalue() == (
        f"\rterms    {'░' * 28} 0/4 0 s\rterms    {'█' * 14}{'░' * 14} 2/4 2 s\rterms    {'█' * 28} 4/4 2 s\n"
    )
    progress_on(pipe)("terms", 4, 4)
    assert pipe.getvalue() == ""


def test_nothing_to_do_is_a_full_bar() -> None:
    stream = Terminal()
    progress_on(stream, lambda: 0.0)("vectors", 0, 0)
    assert stream.getvalue() == f"\rvectors  {'█' * 28} 0/0 0 s\n"


def test_the_modules_for_a_terminal_need_no_web_server() -> None:
    text = (Path(__file__).parents[2] / "server" / "terminal.py").read_text(encoding="utf-8")
    assert "fastapi" not in text
