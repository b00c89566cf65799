import pytest

from eval.comparison import differences, mcnemar, sign_flip
from eval.records import Record
from tests.eval.asked import FIRST, SECOND, hit, judged, question, response


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 5, 1.0), (6, 0, 2 / 2**6), (10, 0, 2 / 2**10), (8, 1, 2 * (1 + 9) / 2**9)],
)
def test_the_exact_test_of_mcnemar_is_a_binomial_with_a_fair_coin(gained: int, lost: int, p: float) -> None:
    assert mcnemar(gained, lost) == mcnemar(lost, gained) == round(p, 4)


def test_sign_flips() -> None:
    assert sign_flip([]) == sign_flip([0.0, 0.0]) == 1.0
    assert sign_flip([0.5, -0.5]) == 1.0
    assert sign_flip([0.1] * 20) < 0.005
    assert 0.4 < sign_flip([0.3, 0.3]) < 0.6  # two of the four ways to flip are as far out


def run(*right: bool) -> list[Record]:
    return [
        judged(question(id=str(n)), response(FIRST if flag else SECOND), [hit(0, 21)]) for n, flag in enumerate(right)
    ]


def test_two_runs_are_compared_question_by_question() -> None:
    found = {one.measure.name: one for one in differences(run(True, True, False, False), run(True, False, True, True))}
    held = found["gold_words_held"]
    assert (held.n, held.before, held.now, held.gained, held.lost, held.p) == (4, 0.5, 0.75, ("2", "3"), ("1",), 1.0)
    assert held.low < 0.25 < held.high
    assert not held.telling
    assert "citation_precision" not in found, "over what was answered, which differs from run to run"
    assert found["passage_r@1"].gained == found["passage_r@1"].lost == ()


def test_a_change_of_every_question_is_telling() -> None:
    found = {one.measure.name: one for one in differences(run(*[False] * 8), run(*[True] * 8))}
    assert (found["gold_words_held"].p, found["gold_words_held"].telling) == (round(2 / 2**8, 4), True)


def test_only_the_questions_of_both_runs_count() -> None:
    before = [*run(True, True), judged(question(id="gone"), response(FIRST))]
    assert {one.n for one in differences(before, run(True, True, True))} == {2}
    assert differences(before, [judged(question(id="new"), response(FIRST))]) == []
