from dataclasses import replace

import numpy as np
import pytest
import torch

from answerer.network import Network
from answerer.pieces import QUESTION_MARKS, SENTENCE_MARKS, Inputs, Pieces
from answerer.pretrain import SharedRows, initial_rows
from answerer.torch_network import Batch, TorchNetwork, export, restore

PIECES, FEATURES = 300, 7
LENGTHS = (5, 23, 64, 1)
BEFORE = (32, 0, 7, 1)  # pieces before each


@pytest.fixture(scope="module")
def network() -> TorchNetwork:
    torch.manual_seed(3)
    made = TorchNetwork(PIECES, FEATURES, dropout=0.1).eval()
    with torch.no_grad():
        for parameter in made.parameters():  # gains and biases too, which start as ones and zeros
            parameter.add_(torch.randn_like(parameter) * 0.05)
        made.mean.uniform_(-1, 1)
        made.scale.uniform_(0.5, 2)
    return made


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    rng = np.random.default_rng(5)

    def pieces(count: int) -> Pieces:
        return Pieces(rng.integers(0, PIECES, count), np.zeros((count, 2), np.int64))

    def marks(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return rng.random(shape, np.float32)

    return Inputs(
        pieces(9).ids,
        marks(len(LENGTHS), 9, QUESTION_MARKS),
        tuple(pieces(count).ids for count in BEFORE),
        tuple(map(pieces, LENGTHS)),
        tuple(marks(length, SENTENCE_MARKS) for length in LENGTHS),
        (marks(len(LENGTHS), FEATURES) * 12 - 6),
    )


def by_torch(network: TorchNetwork, inputs: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
    sentences = np.full((len(LENGTHS), max(LENGTHS)), network.padding)
    marks = np.zeros((len(LENGTHS), max(LENGTHS), SENTENCE_MARKS), np.float32)
    before = np.full((len(LENGTHS), max(BEFORE)), network.padding)
    for row, length in enumerate(LENGTHS):
        before[row, max(BEFORE) - BEFORE[row] :] = inputs.before[row]
        sentences[row, :length] = inputs.sentences[row].ids
        marks[row, :length] = inputs.sentence_marks[row]
    batch = Batch(
        torch.from_numpy(inputs.question[None]),
        torch.zeros(len(LENGTHS), dtype=torch.long),
        torch.from_numpy(inputs.question_marks),
        torch.from_numpy(before),
        torch.from_numpy(sentences),
        torch.from_numpy(marks),
        torch.from_numpy(inputs.features),
    )
    with torch.no_grad():
        scores, words = network(batch)
    return scores, words


def test_numpy_and_torch_give_the_same(network: TorchNetwork, inputs: Inputs) -> None:
    scores = Network(export(network)).read(inputs)
    torch_scores, _ = by_torch(network, inputs)
    spread = float(torch_scores.max() - torch_scores.min())
    assert spread > 0.1  # else anything would be close
    np.testing.assert_allclose(scores, torch_scores.numpy(), atol=0.02 * spread)


def test_a_remembered_sentence_reads_the_same_and_alone_as_among_others(network: TorchNetwork, inputs: Inputs) -> None:
    run = Network(export(network))
    first = run.read(inputs)
    again = run.read(inputs)
    np.testing.assert_allclose(again, first, atol=1e-5)
    for row in range(len(LENGTHS)):
        np.testing.assert_allclose(run.read(inputs.of([row])), first[row : row + 1], atol=1e-4)


def test_what_stands_before_a_sentence_changes_its_reading(network: TorchNetwork, inputs: Inputs) -> None:
    run = Network(export(network))
    alone = run.read(replace(inputs, before=(np.zeros(0, np.int64),) * len(LENGTHS)))
    assert [abs(a - b) > 1e-3 for a, b in zip(run.read(inputs), alone, strict=True)] == [True, False, True, True]


def test_an_exported_network_comes_back_for_training(network: TorchNetwork, inputs: Inputs) -> None:
    back = restore(export(network), dropout=0.1).eval()
    (scores, words), (first_scores, first_words) = by_torch(back, inputs), by_torch(network, inputs)
    np.testing.assert_allclose(scores, first_scores, atol=0.05)
    for row, length in enumerate(LENGTHS):
        np.testing.assert_allclose(words[row, :length], first_words[row, :length], atol=0.05)
    again, first = export(back), export(network)
    assert again.keys() == first.keys()
    for name, array in first.items():
        np.testing.assert_allclose(again[name].astype(float), array.astype(float), rtol=1e-3, atol=1e-5, err_msg=name)


def test_rows_shared_among_pieces_start_as_the_rows_given() -> None:
    rows = initial_rows()
    shared = SharedRows(rows, 2)
    chosen = torch.tensor([[0, 7], [len(rows) - 1, 7]])
    with torch.no_grad():
        assert torch.allclose(shared(chosen), rows[chosen], atol=1e-5)
        shared.characters.weight += 1  # what one piece teaches its characters, all pieces that have them share
        assert (shared(torch.arange(5, 2000)) - rows[5:2000]).mean() > 0.9
