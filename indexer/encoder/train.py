"""Train the built-in encoder: a static embedding over unigram pieces of folded text.

    python -m indexer.encoder.train --data DATA --minutes 30

Each text becomes the mean of the vectors of its pieces. Training pulls a question towards its passage and away
from the other passages of the batch (InfoNCE, van den Oord et al. 2018), at every prefix length of the vector
(Matryoshka, Kusupati et al. 2022); a second stage adds to each batch the passages that the first stage's model
confuses with the right one. A third of the texts pass through Taiwan wording (OpenCC ``s2twp``) before folding,
so that 软件 and 軟體 land together. The row norms learn how much a piece matters: no separate weighting is kept.

Needs torch, which sentence-transformers brings, and the corpora, which are not in the repository. The seed is fixed;
the result is reproducible up to the order of floating-point sums and, as the budget is in minutes, the number of steps.
"""

import argparse
import json
import lzma
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
from torch import nn

from indexer.encoder.static import save
from language.folding import converter, fold

DIMENSION = 256
MATRYOSHKA = (256, 128, 64)
SCALE = 20.0  # 1 / temperature; the value sentence-transformers uses for cosine similarities
BATCH = 1024
WINDOW = 320  # characters of a passage shown at once: about the size of an indexed passage
VOCABULARY = 40_000
UNKNOWN = "[UNK]"
SEED = 20_261_122


@dataclass(frozen=True)
class Pair:
    """A question and the text that answers it; ``anchor`` is a string the shown window must hold, or empty."""

    question: str
    passage: str
    anchor: str = ""


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a packed JSON Lines file."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def read_pairs(data: Path) -> list[Pair]:
    """Labelled pairs (human questions three times: they are what will be asked), and sentence → article pairs."""
    pairs = []
    for row in read_rows(data / "pairs.jsonl.xz"):
        anchor = row.get("evidence") or row.get("answer") or ""
        pairs += [Pair(row["q"], row["p"], anchor)] * (3 if row["kind"] == "qa" else 1)
    return pairs


def read_articles(data: Path) -> list[str]:
    """Plain articles, for pairs of a sentence and the text around it (inverse cloze, Lee et al. 2019)."""
    return [row["text"] for row in read_rows(data / "news.jsonl.xz") if len(row["text"]) > 120]


def train_tokenizer(texts: Iterable[str]) -> Tokenizer:
    """A unigram tokenizer (Kudo 2018) over runs of Han characters, Latin letters and digits of folded text."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"[^\p{Han}a-z0-9]+"), "removed"),
            pre_tokenizers.Split(Regex(r"[a-z]+|[0-9]+"), "isolated"),
        ]
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=VOCABULARY, unk_token=UNKNOWN, special_tokens=[UNKNOWN], max_piece_length=6, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def tokenizer_texts(data: Path) -> Iterator[str]:
    """About 9 million folded characters of news, questions and speech; three times as many took over ten minutes."""
    for number, row in enumerate(read_rows(data / "news.jsonl.xz")):
        if number % 12 == 0:
            yield fold(row["text"][:600])
    for number, row in enumerate(read_rows(data / "pairs.jsonl.xz")):
        if number % 6 == 0:
            yield fold(row["q"] + "\n" + row["p"][:500])
    for row in read_rows(data / "traditional_text.jsonl.xz"):
        yield fold(row["text"][:7_000])


def window(text: str, anchor: str, rng: random.Random) -> str:
    """A random stretch of ``WINDOW`` characters that holds the anchor if there is one."""
    if len(text) <= WINDOW:
        return text
    at = text.find(anchor) if anchor else -1
    if at < 0:
        start = rng.randrange(len(text) - WINDOW // 2)
        return text[start : start + WINDOW]
    low = max(0, at + len(anchor) - WINDOW)
    return text[(start := rng.randint(min(low, at), at)) : start + WINDOW]


def cloze(article: str, rng: random.Random) -> Pair | None:
    """A sentence of the article as the question, the text around it as the passage (one time in ten with it)."""
    sentences = [s for s in article.replace("\n", "。").split("。") if 8 <= len(s) <= 80]
    if len(sentences) < 3:
        return None
    chosen = rng.choice(sentences)
    at = article.find(chosen)
    around = article[max(0, at - WINDOW // 2) : at + len(chosen) + WINDOW // 2]
    return Pair(chosen, around if rng.random() < 0.1 else around.replace(chosen, ""))


def worded(text: str, rng: random.Random) -> str:
    """The folded text, one time in three by way of Taiwan wording."""
    return fold(converter("s2twp").convert(text) if rng.random() < 0.33 else text)


@dataclass(frozen=True)
class Bags:
    """Token ids of many texts: ``ids[starts[i]:starts[i + 1]]`` are those of text i."""

    ids: torch.Tensor  # int32 [total]
    starts: torch.Tensor  # int64 [texts + 1]

    def take(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and offsets of those rows, as ``nn.EmbeddingBag`` wants them."""
        pieces = [self.ids[self.starts[r] : self.starts[r + 1]] for r in rows.tolist()]
        lengths = torch.tensor([0] + [len(p) for p in pieces[:-1]])
        return torch.cat(pieces), lengths.cumsum(0)


def bags(tokenizer: Tokenizer, texts: Sequence[str]) -> Bags:
    """Tokenize; a text without a known piece becomes the unknown piece."""
    ids = [e.ids or [0] for e in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]
    starts = np.zeros(len(ids) + 1, dtype=np.int64)
    np.cumsum([len(i) for i in ids], out=starts[1:])
    return Bags(torch.from_numpy(np.concatenate(ids).astype(np.int32)), torch.from_numpy(starts))


def matryoshka_loss(question: torch.Tensor, passage: torch.Tensor) -> torch.Tensor:
    """Mean InfoNCE over the prefix lengths; ``question`` [b, d], ``passage`` [b + negatives, d], row i answers i."""
    target = torch.arange(len(question))
    total = torch.zeros(())
    for width in MATRYOSHKA:
        q = nn.functional.normalize(question[:, :width], dim=1)
        p = nn.functional.normalize(passage[:, :width], dim=1)
        scores = q @ p.T * SCALE
        total = total + nn.functional.cross_entropy(scores, target)
        total = total + nn.functional.cross_entropy(scores[:, : len(q)].T, target)
    return total / (2 * len(MATRYOSHKA))


def hard_negatives(embed: nn.EmbeddingBag, pairs: Sequence[tuple[str, str]], q: Bags, p: Bags) -> torch.Tensor:
    """For each pair one passage of another text among the 2nd to 12th nearest to its question; int64 [pairs]."""
    with torch.no_grad():
        rows = torch.arange(len(pairs))
        vectors = [
            torch.cat([nn.functional.normalize(embed(*side.take(part)), dim=1) for part in rows.split(4096)])
            for side in (q, p)
        ]
        owners: dict[str, int] = {}
        owner = torch.tensor([owners.setdefault(passage[:60], len(owners)) for _, passage in pairs])
        chosen = []
        for part in rows.split(1024):
            scores = vectors[0][part] @ vectors[1].T
            scores[owner[part][:, None] == owner[None, :]] = -1.0
            near = scores.topk(12, dim=1).indices
            chosen.append(near.gather(1, torch.randint(1, 12, (len(part), 1))).squeeze(1))
    return torch.cat(chosen)


def epoch_texts(
    pairs: Sequence[Pair], articles: Sequence[str], clozes: int, rng: random.Random
) -> list[tuple[str, str]]:
    """One epoch's folded (question, passage window) texts, newly cropped and worded."""
    drawn = list(pairs)
    drawn += [pair for article in rng.sample(articles, min(clozes, len(articles))) if (pair := cloze(article, rng))]
    rng.shuffle(drawn)
    return [(worded(p.question[:200], rng), worded(window(p.passage, p.anchor, rng), rng)) for p in drawn]


def train(data: Path, out: Path, minutes: float, rate: float) -> None:
    """Train within the budget and write the model files to ``out``."""
    random.seed(SEED)
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    tokenizer_file = out / "tokenizer.json"
    if tokenizer_file.exists():
        tokenizer = Tokenizer.from_file(str(tokenizer_file))
    else:
        tokenizer = train_tokenizer(tokenizer_texts(data))
        out.mkdir(parents=True, exist_ok=True)
        tokenizer.save(str(tokenizer_file))
    pairs, articles = read_pairs(data), read_articles(data)
    embed = nn.EmbeddingBag(tokenizer.get_vocab_size(), DIMENSION, mode="mean")
    nn.init.normal_(embed.weight, std=DIMENSION**-0.5)
    optimiser = torch.optim.Adam(embed.parameters(), lr=rate)
    began, step = time.monotonic(), 0
    while (spent := (time.monotonic() - began) / 60 / minutes) < 1:
        late = spent > 0.5
        texts = epoch_texts(pairs, articles, 10_000 if late else 40_000, rng)
        q, p = bags(tokenizer, [t[0] for t in texts]), bags(tokenizer, [t[1] for t in texts])
        negatives = hard_negatives(embed, texts, q, p) if late else None
        for rows in torch.randperm(len(texts)).split(BATCH):
            spent = (time.monotonic() - began) / 60 / minutes
            if spent >= 1 or len(rows) < BATCH:
                break
            for group in optimiser.param_groups:
                group["lr"] = rate * min(1.0, 1.05 - spent) * min(1.0, (step + 1) / 50)
            wanted = rows if negatives is None else torch.cat([rows, negatives[rows]])
            loss = matryoshka_loss(embed(*q.take(rows)), embed(*p.take(wanted)))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
            if step % 20 == 0:
                print(f"{spent:5.1%} step {step} loss {loss.item():.3f}", flush=True)
        save(out, embed.weight.detach().numpy())
    print(f"{step} steps, {(time.monotonic() - began) / 60:.1f} minutes")


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with pairs.jsonl.xz, news.jsonl.xz …")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "model")
    parser.add_argument("--minutes", type=float, default=30.0, help="training time after the tokenizer")
    parser.add_argument("--rate", type=float, default=0.01, help="Adam's step size at the start")
    arguments = parser.parse_args()
    train(arguments.data, arguments.out, arguments.minutes, arguments.rate)


if __name__ == "__main__":
    main()
