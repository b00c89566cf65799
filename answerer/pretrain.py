"""Pretrain the reading network on plain articles: masked pieces of two sentences that talk of the same.

    python -m answerer.pretrain --data DATA --minutes 48 --out pretrained.pt

Of two sentences of one article about a fifth of the pieces are masked, and the network guesses them (Devlin et al.
2019) among the true ones of the batch and some random ones. The second sentence is mostly the one of nine that shares
the most with the first, weighted by rarity, so that looking a masked word up in the other sentence pays: this is what
reading a sentence with a question beside it needs. The row of a piece is the sum of one of its own and those of its
characters (as Bojanowski et al. 2017 do with n-grams), so that rare pieces learn from like ones; what goes out are the
sums. They start as the built-in encoder's.

Needs torch and the corpora, which are not in the repository. The seed is fixed; as the budget is in minutes, the number
of steps depends on the machine.
"""

import argparse
import json
import lzma
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from answerer.pieces import SENTENCE_PIECES
from answerer.sentences import word_vectors
from answerer.torch_network import WIDTH, TorchNetwork
from indexer.encoder.static import MODEL
from language.folding import fold
from language.sentences import split_sentences

SEED = 20_261_124
FIRST_ROW = 20_000  # rows of the news file before it hide the development sets' documents and are not read
BATCH = 96  # pairs of sentences
RATE, WARM_UP = 1.5e-3, 200
MASKED_SHARE, RANDOM_SHARE = 0.22, 0.1
NEIGHBOURS = 0.3  # share of pairs that are simply neighbours
NEGATIVES = 3_000
SHARPNESS = 3.0
CHARACTERS = 6  # of a piece that count, from its beginning

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Corpus:
    """All sentences, piece after piece: sentence ``i`` is ``pieces[bounds[i]:bounds[i + 1]]``, of ``article[i]``."""

    pieces: npt.NDArray[np.uint16]
    bounds: Ints
    article: Ints

    def sentence(self, row: int) -> npt.NDArray[np.uint16]:
        """The pieces of one sentence."""
        return self.pieces[self.bounds[row] : self.bounds[row + 1]]


def texts(data: Path) -> Iterator[str]:
    """News, transcripts and encyclopedia contexts."""
    with lzma.open(data / "news.jsonl.xz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number >= FIRST_ROW:
                yield json.loads(line)["text"]
    with lzma.open(data / "traditional_text.jsonl.xz", "rt", encoding="utf-8") as lines:
        yield from (json.loads(line)["text"] for line in lines)
    with lzma.open(data / "answer_sentence.jsonl.xz", "rt", encoding="utf-8") as lines:
        yield from dict.fromkeys(json.loads(line)["context"] for line in lines)


def read_corpus(data: Path) -> Corpus:
    """The sentences of five pieces and more."""
    encoder = word_vectors().encoder
    found: list[npt.NDArray[np.uint16]] = []
    article: list[int] = []
    for number, text in enumerate(texts(data)):
        for span in split_sentences(text):
            ids, _ = encoder.pieces(fold(text[span.start : span.end]))
            if len(ids) >= 5:
                found.append(np.array(ids[:SENTENCE_PIECES], np.uint16))
                article.append(number)
    bounds = np.concatenate([[0], np.cumsum([len(ids) for ids in found])])
    return Corpus(np.concatenate(found), bounds, np.array(article))


class Pairs:
    """Batches of two sentences, of like length within a batch."""

    def __init__(self, corpus: Corpus, padding: int) -> None:
        self._corpus, self._padding = corpus, padding
        self._rng = np.random.default_rng(SEED)
        counts = np.bincount(corpus.pieces, minlength=padding) + 1
        self.rarity = np.log(counts.sum() / counts)
        self.frequency = counts**0.75 / (counts**0.75).sum()
        self._first = np.searchsorted(corpus.article, np.arange(corpus.article.max() + 2))
        self._waiting: list[list[tuple[int, int]]] = []

    def batch(self) -> tuple[Ints, Ints]:
        """Padded ids of the first and of the second sentences, int64 [BATCH, pieces] each."""
        if not self._waiting:
            lengths = np.diff(self._corpus.bounds)
            pool = sorted((self._pair() for _ in range(BATCH * 8)), key=lambda pair: int(lengths[list(pair)].sum()))
            self._waiting = [pool[at : at + BATCH] for at in range(0, len(pool), BATCH)]
            self._rng.shuffle(self._waiting)
        firsts, seconds = zip(*self._waiting.pop(), strict=True)
        return self._padded(firsts), self._padded(seconds)

    def _pair(self) -> tuple[int, int]:
        while True:
            row = int(self._rng.integers(len(self._corpus.article)))
            first, end = self._first[self._corpus.article[row]], self._first[self._corpus.article[row] + 1]
            if end - first < 3:
                continue
            if self._rng.random() < NEIGHBOURS:
                return row, row + 1 if row + 1 < end else row - 1
            others = [int(other) for other in self._rng.integers(first, end, 9) if other != row]
            if others:
                mine = set(self._corpus.sentence(row).tolist())
                return row, max(others, key=lambda other: self._shared(mine, other))

    def _shared(self, mine: set[int], other: int) -> float:
        ids = self._corpus.sentence(other)
        return float(sum(self.rarity[piece] for piece in mine.intersection(ids.tolist())) / (8 + len(ids)))

    def _padded(self, rows: tuple[int, ...]) -> Ints:
        sentences = [self._corpus.sentence(row) for row in rows]
        padded = np.full((len(rows), max(map(len, sentences))), self._padding, np.int64)
        for at, ids in enumerate(sentences):
            padded[at, : len(ids)] = ids
        return padded


class SharedRows(nn.Module):
    """Rows of pieces as sums of an own row and the rows of the piece's characters, divided by √(their number)."""

    def __init__(self, rows: Tensor, extra: int) -> None:
        super().__init__()
        vocabulary = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
        numbers: dict[str, int] = {}
        held = torch.zeros(len(rows) + extra, CHARACTERS, dtype=torch.long)  # 0: none
        for piece in range(len(rows)):
            for at, character in enumerate((vocabulary.id_to_token(piece) or "").replace("▁", "")[:CHARACTERS]):
                held[piece, at] = numbers.setdefault(character, len(numbers) + 1)
        self.held: Tensor
        self.register_buffer("held", held, persistent=False)
        self.own = nn.Embedding(len(rows) + extra, WIDTH)
        self.characters = nn.Embedding(len(numbers) + 1, WIDTH, padding_idx=0)
        with torch.no_grad():
            total = torch.zeros(len(numbers) + 1, WIDTH)
            for at in range(CHARACTERS):
                total.index_add_(0, held[: len(rows), at], rows)
            total /= torch.bincount(held[: len(rows)].flatten(), minlength=len(total)).clamp(min=1)[:, None]
            total[0] = 0
            self.characters.weight.copy_(total)
            self.own.weight.normal_(0, 0.05)
            self.own.weight[: len(rows)] = rows - self._shared(torch.arange(len(rows)))

    def _shared(self, ids: Tensor) -> Tensor:
        held = self.held[ids]
        return self.characters(held).sum(-2) / held.ne(0).sum(-1, keepdim=True).clamp(min=1).sqrt()

    def forward(self, ids: Tensor) -> Tensor:
        """Rows of the pieces, float32 [..., WIDTH]."""
        unique, places = torch.unique(ids, return_inverse=True)
        return (self.own(unique) + self._shared(unique))[places]


def initial_rows() -> Tensor:
    """The encoder's rows in their ``WIDTH`` main directions, long ones shortened; float32 [pieces, WIDTH]."""
    rows = np.load(MODEL / "rows.npy").astype(np.float32) * np.load(MODEL / "steps.npy")[:, None]
    rows /= np.sqrt(np.linalg.norm(rows, axis=1, keepdims=True)) + 1e-6
    rows -= rows.mean(axis=0)
    _, _, directions = np.linalg.svd(rows, full_matrices=False)
    rows = rows @ directions[:WIDTH].T
    return torch.from_numpy(rows * (0.06 / rows.std()))


def pretrain(corpus: Corpus, network: TorchNetwork, minutes: float) -> None:
    """Train in place for that long; prints the loss now and then."""
    pairs = Pairs(corpus, network.padding)
    shared = SharedRows(network.rows.weight.detach()[: network.padding], 2)
    plain, network.rows = network.rows, cast(nn.Embedding, shared)
    rng = np.random.default_rng(SEED)
    frequency = torch.from_numpy(pairs.frequency.astype(np.float32))
    decayed = [p for name, p in network.named_parameters() if p.ndim == 2 and not name.startswith("rows")]
    others = [p for name, p in network.named_parameters() if p.ndim != 2 or name.startswith("rows")]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.98))
    began, step, losses = time.monotonic(), 0, list[float]()
    while (elapsed := (time.monotonic() - began) / (60 * minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, step / WARM_UP) * max(0.03, 1 - elapsed)
        true = pairs.batch()
        (shown, hidden) = zip(*(masked(ids, network, rng) for ids in true), strict=True)
        (first, first_mask), (second, second_mask) = (
            network.alone(torch.from_numpy(ids), kind) for kind, ids in enumerate(shown)
        )
        read = network.together(torch.cat([first, second], 1), torch.cat([first_mask, second_mask], 1))
        places = torch.from_numpy(np.concatenate(hidden, 1))
        wanted = torch.from_numpy(np.concatenate(true, 1))[places]
        negatives = torch.multinomial(frequency, NEGATIVES, replacement=True)
        choices, place = torch.unique(torch.cat([wanted, negatives]), return_inverse=True)
        scores = read[places] @ shared(choices).T * SHARPNESS
        loss = nn.functional.cross_entropy(scores, place[: len(wanted)])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        step += 1
        losses.append(float(loss.detach()))
        if step % 100 == 0:
            print(f"step {step}, {elapsed:.0%} of the time: loss {np.mean(losses[-100:]):.3f}", flush=True)
    with torch.no_grad():
        plain.weight.copy_(shared(torch.arange(len(plain.weight))))
    network.rows = plain


def masked(ids: Ints, network: TorchNetwork, rng: np.random.Generator) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """The ids with some hidden behind the mask or a random piece, and which ones."""
    hidden = (rng.random(ids.shape) < MASKED_SHARE) & (ids != network.padding)
    shown = np.where(hidden, network.masked, ids)
    swapped = hidden & (rng.random(ids.shape) < RANDOM_SHARE)
    shown[swapped] = rng.integers(0, network.padding, swapped.sum())
    return shown, hidden


def main() -> None:
    """Read, pretrain, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=48)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    random.seed(SEED)
    torch.manual_seed(SEED)
    rows = initial_rows()
    network = TorchNetwork(pieces=len(rows), features=1, dropout=0.0)
    with torch.no_grad():
        network.rows.weight.normal_(0, 0.05)
        network.rows.weight[: len(rows)] = rows
    pretrain(read_corpus(arguments.data), network, arguments.minutes)
    torch.save(network.state_dict(), arguments.out)


if __name__ == "__main__":
    main()
