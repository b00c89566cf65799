import pytest

from answerer.markers import LONGEST_SENTENCE, SentenceBuffer, cited_numbers, without_markers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("甲[3]。", [3]),
        ("甲[3-5]。", [3, 4, 5]),
        ("甲[1][5]。", [1, 5]),
        ("甲【3】乙［４］。", [3, 4]),
        ("甲[1, 3、5]。", [1, 3, 5]),
        ("甲[2–3]。", [2, 3]),
        ("甲【3†source】。", [3]),
        ("甲[^2]。", [2]),
        ("甲[2][2]。", [2]),
        ("甲[0][10][999999999999999999999]。", []),
        ("甲[8-99999999999]。", [8, 9]),
        ("甲[5-3]。", []),
        ("甲[注]（3）。", []),
    ],
)
def test_cited_numbers_of_nine(text: str, numbers: list[int]) -> None:
    assert cited_numbers(text, 9) == numbers


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("甲[3]。", "甲。"),
        ("甲 [1], [5]。", "甲。"),
        ("甲【3】乙［４］。", "甲乙。"),
        ("甲[[3]]。", "甲。"),
        ("甲[1[2]]。", "甲。"),
        ("甲[99999]。", "甲。"),
        ("甲[注]。", "甲[注]。"),
    ],
)
def test_without_markers(text: str, plain: str) -> None:
    assert without_markers(text) == plain


SENTENCES = ["甲說:“好。”[1]", "乙3.5%[2-3]。", "丙！", "\n", "- 丁。[4][5]"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_a_stream_is_cut_into_the_same_sentences_whatever_its_pieces(size: int) -> None:
    buffer, text = SentenceBuffer(), "".join(SENTENCES)
    found = [sentence for at in range(0, len(text), size) for sentence in buffer.feed(text[at : at + size])]
    assert found + buffer.close() == SENTENCES


def test_a_half_written_marker_is_waited_for() -> None:
    buffer = SentenceBuffer()
    assert buffer.feed("甲。[3") == []
    assert buffer.feed("]乙") == ["甲。[3]"]
    assert buffer.close() == ["乙"]


def test_a_bracket_that_is_no_marker_is_not_waited_for_long() -> None:
    assert SentenceBuffer().feed("甲。【" + "乙" * 60) == ["甲。"]


@pytest.mark.parametrize("pieces", [["<think>想。[1]\n</think>甲。乙"], ["<th", "ink>想。", "</thi", "nk>甲。", "乙"]])
def test_thinking_is_left_out(pieces: list[str]) -> None:
    buffer = SentenceBuffer()
    assert [sentence for piece in pieces for sentence in buffer.feed(piece)] == ["甲。"]


def test_thinking_without_end_is_left_out() -> None:
    buffer = SentenceBuffer()
    assert (buffer.feed("<think>想。想。"), buffer.pending, buffer.close()) == ([], "", [])


def test_a_sentence_without_end_is_cut() -> None:
    assert [len(sentence) for sentence in SentenceBuffer().feed("甲" * 5_000)] == [LONGEST_SENTENCE] * 2
