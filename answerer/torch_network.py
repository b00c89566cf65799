"""The reading network for training, in torch; :func:`export` writes what ``network.py`` runs.

See ``network.py`` for what it computes. Here it also tells for each piece of a sentence whether it belongs to the
answering words: a second lesson for the same blocks, too weak yet to be asked for at run time (eval/LOG.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from answerer.network import BEFORE, QUESTION, SENTENCE, Floats
from answerer.pieces import QUESTION_MARKS, SENTENCE_MARKS, SENTENCE_PIECES
from answerer.reader import FARTHEST

WIDTH, HEADS, HIDDEN, LOWER, UPPER = 192, 6, 576, 2, 2
MASKED = -1e4  # added to the attention scores of padding
GROUPS = 3  # of texts of like length that are read together
SCORING = 64  # hidden units behind the score


class Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x`` [texts, pieces, WIDTH]; ``mask`` [texts, 1, 1, pieces] is added to the attention scores."""
        n, t, d = x.shape
        q, k, v = self.qkv(self.before(x)).view(n, t, 3, HEADS, d // HEADS).permute(2, 0, 3, 1, 4)
        attended = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + self.dropout(self.out(attended.transpose(1, 2).reshape(n, t, d)))
        return x + self.dropout(self.down(torch.relu(self.up(self.between(x)))))


class TorchNetwork(nn.Module):
    """The network; ``pieces`` in the vocabulary, of which the last two are padding and the mask of pretraining."""

    def __init__(self, pieces: int, features: int, dropout: float) -> None:
        super().__init__()
        self.padding, self.masked = pieces, pieces + 1
        self.rows = nn.Embedding(pieces + 2, WIDTH)
        self.position = nn.Parameter(torch.randn(SENTENCE_PIECES, WIDTH) * 0.02)
        self.kind = nn.Parameter(torch.randn(3, WIDTH) * 0.02)
        self.reader = nn.Parameter(torch.randn(WIDTH) * 0.05)
        self.lower = nn.ModuleList(Block(dropout) for _ in range(LOWER))
        self.upper = nn.ModuleList(Block(dropout) for _ in range(UPPER))
        self.last, self.dropout = nn.LayerNorm(WIDTH), nn.Dropout(dropout)
        self.question_marks = nn.Linear(QUESTION_MARKS, WIDTH)
        self.sentence_marks = nn.Linear(SENTENCE_MARKS, WIDTH)
        self.features = nn.Linear(features, WIDTH)
        self.inner, self.outer, self.word = nn.Linear(WIDTH, SCORING), nn.Linear(SCORING, 1), nn.Linear(WIDTH, 1)
        for part, deviation in ((self.question_marks, 0.05), (self.sentence_marks, 0.05), (self.features, 0.02)):
            nn.init.normal_(part.weight, std=deviation)
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))

    def alone(self, ids: Tensor, kind: int, before: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The lower blocks over texts [n, t] with what stands before them [n, b], padded on its left.

        Gives the texts' readings [n, t, WIDTH] and the mask [n, t] to add.
        """
        mask = self.mask(ids)
        x = self.rows(ids) + self.position[: ids.shape[1]] + self.kind[kind]
        if before is None:
            return packed(self.lower, self.dropout(x), mask), mask
        places = torch.arange(before.shape[1] - 1, -1, -1)
        x = torch.cat([self.rows(before) + self.position[places] + self.kind[BEFORE], x], dim=1)
        read = packed(self.lower, self.dropout(x), torch.cat([self.mask(before), mask], dim=1))
        return read[:, before.shape[1] :], mask

    def mask(self, ids: Tensor) -> Tensor:
        """What is added to the attention scores of texts [n, t]."""
        return torch.zeros(ids.shape).masked_fill(ids == self.padding, MASKED)

    def together(self, x: Tensor, mask: Tensor) -> Tensor:
        """The upper blocks."""
        return self.last(packed(self.upper, x, mask))

    def forward(self, batch: "Batch") -> tuple[Tensor, Tensor]:
        """Scores [sentences] and log-odds of pieces [sentences, s]."""
        asked, asked_mask = self.alone(batch.questions, QUESTION)
        read, read_mask = self.alone(batch.sentences, SENTENCE, batch.before)
        inputs = ((batch.rows - self.mean) * self.scale).clamp(-FARTHEST, FARTHEST)
        x = torch.cat(
            [
                (self.reader + self.features(inputs))[:, None],
                asked[batch.owner] + self.question_marks(batch.question_marks),
                read + self.sentence_marks(batch.marks),
            ],
            dim=1,
        )
        mask = torch.cat([torch.zeros(len(read), 1), asked_mask[batch.owner], read_mask], dim=1)
        y = self.together(x, mask)
        words = self.word(y[:, 1 + batch.questions.shape[1] :])
        return self.outer(torch.relu(self.inner(y[:, 0]))).squeeze(1), words.squeeze(2)


def packed(blocks: nn.ModuleList, x: Tensor, mask: Tensor) -> Tensor:
    """The blocks over texts [n, t, width] without most of the padding: like lengths together, padding cut off.

    What stands at padded places of the result is not defined.
    """
    lengths = (mask == 0).sum(1)
    order = (mask < 0).to(torch.int8).argsort(dim=1, stable=True)
    result = torch.zeros_like(x)
    for rows in lengths.argsort().tensor_split(GROUPS):
        if len(rows):
            places = order[rows, : int(lengths[rows].max())]
            read, hidden = x[rows[:, None], places], mask[rows[:, None], places][:, None, None, :]
            for block in blocks:
                read = block(read, hidden)
            result = result.index_put((rows[:, None], places), read)
    return result


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some questions, each beside some sentences, padded.

    ``questions`` int64 [questions, q]; ``owner`` int64 [sentences], the question of each sentence; ``question_marks``
    [sentences, q, QUESTION_MARKS]; ``before`` int64 [sentences, b], padded on the left, and ``sentences`` int64
    [sentences, s]; ``marks`` [sentences, s, SENTENCE_MARKS];
    ``rows`` [sentences, features].
    """

    questions: Tensor
    owner: Tensor
    question_marks: Tensor
    before: Tensor
    sentences: Tensor
    marks: Tensor
    rows: Tensor


def export(network: TorchNetwork) -> Mapping[str, npt.NDArray[np.generic]]:
    """The arrays that ``network.Network`` reads: int8 rows with a step each, everything else float16 or float32."""

    def array(tensor: Tensor) -> Floats:
        return np.asarray(tensor.detach().numpy(), np.float32)

    rows = array(network.rows.weight)[: network.padding]
    steps = np.maximum(np.abs(rows).max(axis=1), 1e-12) / 127
    saved: dict[str, npt.NDArray[np.generic]] = {
        "rows": np.rint(rows / steps[:, None]).astype(np.int8),
        "steps": steps.astype(np.float32),
        "heads": np.array(HEADS),
        "clip": np.array(FARTHEST, np.float32),
        "mean": array(network.mean),
        "scale": array(network.scale),
        "position": array(network.position),
        "kind": array(network.kind),
        "reader": array(network.reader),
    }

    def linear(name: str, layer: nn.Module, norm: nn.Module | None, bias: str) -> None:
        weight, offset = array(layer.weight).T, array(layer.bias)
        if norm is not None:
            offset = offset + array(norm.bias) @ weight
            weight = array(norm.weight)[:, None] * weight
        saved[name], saved[bias] = weight.astype(np.float16), offset

    for level, blocks in (("lower", network.lower), ("upper", network.upper)):
        for number, block in enumerate(blocks):
            for name, norm in (("qkv", block.before), ("out", None), ("up", block.between), ("down", None)):
                linear(f"{level}.{number}.{name}", getattr(block, name), norm, f"{level}.{number}.{name}_bias")
    for name in ("question_marks", "sentence_marks", "features"):
        linear(name, getattr(network, name), None, f"{name}_bias")
    linear("inner", network.inner, network.last, "inner_bias")
    for name, norm in (("outer", None), ("word", network.last)):  # the second only so that training can go on
        linear(name, getattr(network, name), norm, f"{name}_bias")
        saved[name], saved[f"{name}_bias"] = saved[name][:, 0], saved[f"{name}_bias"][0]
    return saved


def restore(weights: Mapping[str, npt.NDArray[np.generic]], dropout: float) -> TorchNetwork:
    """The network that :func:`export` wrote, to go on training; its normalisations have become plain ones."""
    pieces, features = len(weights["rows"]), len(weights["mean"])
    network = TorchNetwork(pieces, features, dropout)

    def put(parameter: Tensor, array: npt.NDArray[np.generic]) -> None:
        parameter[: len(array)] = torch.from_numpy(np.asarray(array, np.float32)).reshape(-1, *parameter.shape[1:])

    def linear(name: str, layer: nn.Module) -> None:
        put(layer.weight, np.atleast_2d(np.asarray(weights[name]).T))
        put(layer.bias, np.atleast_1d(weights[f"{name}_bias"]))

    with torch.no_grad():
        put(network.rows.weight, np.asarray(weights["rows"], np.float32) * np.asarray(weights["steps"])[:, None])
        for name in ("mean", "scale", "position", "kind", "reader"):
            put(getattr(network, name), weights[name])
        for level, blocks in (("lower", network.lower), ("upper", network.upper)):
            for number, block in enumerate(blocks):
                for name in ("qkv", "out", "up", "down"):
                    linear(f"{level}.{number}.{name}", getattr(block, name))
        for name in ("question_marks", "sentence_marks", "features", "inner", "outer", "word"):
            linear(name, getattr(network, name))
    return network
