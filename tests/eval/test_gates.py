from dataclasses import replace
from pathlib import Path

import pytest

from eval.gates import EXPECTED, FLAGS, Expectation, expectation, failures, measure, read_expectation, write_expectation
from eval.records import Record
from tests.eval.asked import FIRST, SECOND, hit, judged, question, response


def test_the_seed_set_is_answered_no_worse_than_expected(built_index: Path) -> None:
    """Where a change is meant to move figures: python -m eval.gates --write, and read the difference."""
    assert failures(read_expectation(), expectation(measure(built_index))) == []


def run(*right: bool) -> list[Record]:
    answers = [
        judged(question(id=f"q{n}"), response(FIRST if flag else SECOND), [hit(0, 21)]) for n, flag in enumerate(right)
    ]
    return [*answers, judged(question(False, id="n"), response())]


def test_a_run_passes_its_own_gates() -> None:
    assert failures(expectation(run(True, False)), expectation(run(True, False))) == []


def test_a_figure_that_rises_passes() -> None:
    assert failures(expectation(run(True, False)), expectation(run(True, True))) == []


def test_a_figure_that_falls_fails_and_names_the_questions_that_flipped() -> None:
    failed = failures(expectation(run(True, True, False)), expectation(run(False, False, True)))
    assert "gold_words_held was 0.6667 and is 0.3333; worse: q0 q1; better: q2" in failed
    assert "citation_precision was 0.6667 and is 0.3333" in failed
    assert not any(line.startswith(("refused", "passage_r@1")) for line in failed)


def test_a_wrong_refusal_is_worse_though_its_figure_rises() -> None:
    before = run(True, True)
    now = [judged(question(id="q0"), response(), [hit(0, 21)]), *before[1:]]
    failed = failures(expectation(before), expectation(now))
    assert "wrongly_refused was 0.0000 and is 0.5000; worse: q0; better: none" in failed
    assert failures(expectation(now), expectation(before)) == []


def test_an_answer_where_a_refusal_was_right_fails() -> None:
    now = [*run(True)[:1], judged(question(False, id="n"), response(FIRST))]
    assert "refused was 1.0000 and is 0.0000; worse: n; better: none" in failures(
        expectation(run(True)), expectation(now)
    )


def test_another_set_is_told_apart_from_a_worse_system() -> None:
    (line,) = failures(expectation(run(True)), expectation(run(True, True)))
    assert line.startswith("the question set has changed (q1)")
    assert "--write" in line


def test_an_expectation_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "expected.json"
    made = expectation(run(True, False))
    write_expectation(made, file)
    assert read_expectation(file) == made
    assert made.outcomes["n"] == "".join("1" if name in {"refused", "right_region"} else "-" for name in FLAGS)


def test_an_expectation_of_other_measures_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "expected.json"
    file.write_text(EXPECTED.read_text(encoding="utf-8").replace('"gold_words_held",', "", 1), encoding="utf-8")
    with pytest.raises(ValueError, match="written for other measures"):
        read_expectation(file)


def test_a_figure_that_is_no_longer_measured_fails() -> None:
    made = expectation(run(True))
    gone = replace(made, bounds={name: value for name, value in made.bounds.items() if name != "verbatim"})
    assert failures(made, gone) == ["verbatim was 1.0000 and is 0.0000"]
    assert isinstance(gone, Expectation)
