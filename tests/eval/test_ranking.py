import math

import pytest

from eval.ranking import Ranking, rank, ranking_values, retrieval_figures


@pytest.mark.parametrize(
    ("found", "gold", "ranking"),
    [
        pytest.param([{"a"}, {"b"}], {"a"}, Ranking((1,), 1), id="first"),
        pytest.param([{"x"}, {"b"}, {"a"}], {"a", "b"}, Ranking((2, 3), 2), id="second and third of two"),
        pytest.param([set(), {"x"}], {"a"}, Ranking((), 1), id="not found"),
        pytest.param([{"a", "copy"}], {"copy"}, Ranking((1,), 1), id="a document under two ids"),
        pytest.param([set()] * 10 + [{"a"}], {"a"}, Ranking((), 1), id="eleventh does not count"),
        pytest.param([set()] * 9 + [{"a"}], {"a"}, Ranking((10,), 1), id="tenth counts"),
        pytest.param([], {"a"}, Ranking((), 1), id="nothing found"),
    ],
)
def test_ranks_of_gold_documents(found: list[set[str]], gold: set[str], ranking: Ranking) -> None:
    assert rank(found, gold) == ranking


def test_figures_of_four_queries_worked_out_by_hand() -> None:
    rankings = [Ranking((1,), 1), Ranking((3,), 1), Ranking((6, 10), 2), Ranking((), 3)]
    third = 1 / math.log2(4)
    two = (1 / math.log2(7) + 1 / math.log2(11)) / (1 + 1 / math.log2(3))
    assert retrieval_figures(rankings) == {
        "n": 4,
        "r@1": 0.25,
        "r@5": 0.5,
        "r@10": 0.75,
        "mrr@10": round((1 + 1 / 3 + 1 / 6) / 4, 4),
        "ndcg@10": round((1 + third + two) / 4, 4),
    }
    assert retrieval_figures(rankings)["ndcg@10"] == 0.4739


def test_a_perfect_ranking_of_twelve_gold_documents_is_one() -> None:
    assert retrieval_figures([Ranking(tuple(range(1, 11)), 12)])["ndcg@10"] == 1.0


def test_copies_of_one_gold_text_are_found_together_and_never_count_above_one() -> None:
    """Two gold ids that share one text stand at one rank: finding it first is a perfect ranking."""
    figures = retrieval_figures([rank([{"a", "copy"}], {"a", "copy"})])
    assert figures["ndcg@10"] == 1.0


def test_figures_of_nothing_are_nothing() -> None:
    assert retrieval_figures([]) == {"n": 0, "r@1": 0.0, "r@5": 0.0, "r@10": 0.0, "mrr@10": 0.0, "ndcg@10": 0.0}


def test_recall_counts_every_right_item_where_r_at_10_asks_for_one() -> None:
    values = ranking_values({"a": Ranking((2, 11), 4), "b": Ranking((), 1)})
    assert values["a"]["recall@10"] == 0.25
    assert (values["a"]["r@1"], values["a"]["r@5"], values["a"]["mrr@10"]) == (0.0, 1.0, 0.5)
    assert set(values["b"].values()) == {0.0}
