"""Train the reader on questions whose answer sentence is known.

    python -m answerer.train --data DATA

The rank network learns to put a sentence of the evidence first, from two kinds of questions: those of
``answer_sentence.jsonl.xz`` (CMRC2018 train), put to a real index of their contexts and some news; and questions
written for this project over news. An encyclopedia's questions are close to its wording, so more than half of them are
reworded with words of like meaning, and the written ones count ten times. A third pass through Taiwan wording.

Answerability is a logistic regression on the written questions alone, 210 of whose 600 have no answer in the articles:
taught by encyclopedia questions with their evidence removed it learnt to refuse other wording, not other facts
(``eval/LOG.md``). ``news_questions.jsonl`` names 48 articles of the news file by id and offsets; of
``eval/questions.jsonl`` those whose id starts with ``b-`` are held back and reported.

Needs torch, which sentence-transformers brings. The seed is fixed.
"""

import argparse
import json
import lzma
import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from answerer.asked import asked
from answerer.features import Candidate, candidates
from answerer.reader import FARTHEST, MODEL, Floats, Linear, Network, considered, summary_features
from answerer.sentences import word_vectors
from indexer.articles import Article, article_id, read_articles
from indexer.build import build_index
from indexer.encoder import load_encoder
from indexer.snapshot import open_snapshot
from language.folding import converter, fold
from language.frequency import listed_words
from retriever import HITS, Retriever, analyse_question

SEED = 20_261_122
NETWORKS, HIDDEN, EPOCHS = 4, 24, 8  # of the rank
RIDGE = 0.5  # of the answerability; chosen with the news questions trained on and all others held back
SEEDS = Path(__file__).parents[1] / "seeds"
QUESTIONS = Path(__file__).parents[1] / "eval" / "questions.jsonl"
HELD_BACK = "b-"  # questions whose id starts so are never trained on
NEWS_QUESTIONS = Path(__file__).parent / "news_questions.jsonl"
WRITTEN = 10  # times that each written question counts beside one of the encyclopedia's
PROCESSES = 2
REWORDED = 0.6  # share of the encyclopedia's questions that are reworded
TAIWAN_WORDED = 0.33
VOCABULARY = 30_000  # words that may come in
NEAR = 0.4  # least cosine of a word that may come in for another
NEWS = (30_000, 34_000)  # rows of the news file used as other articles: not those the development sets are hidden among
_OPENING = re.compile(r"([^,，。；;（(是为]{2,16})[（(,，是为]")


@dataclass(frozen=True)
class Example:
    """Features of one question's candidates; ``right`` marks those of the evidence (none: it has no answer here)."""

    features: Floats
    right: Floats


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a packed JSON Lines file."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def make_article(text: str) -> Article:
    """A text as an article, with a title where it opens as an encyclopedia does (宝马7系(BMW 7 Series)是…)."""
    opening = _OPENING.match(text)
    title = opening.group(1) if opening else ""
    return Article(article_id(title, text), title, text, "", "")


def prepare(data: Path, limit: int, folder: Path) -> list[dict[str, str]]:
    """Index the contexts and some news in ``folder``; the question rows, each with its article's id."""
    rows = list(read_rows(data / "answer_sentence.jsonl.xz"))[:limit]
    contexts = {row["context"]: make_article(row["context"]) for row in rows}
    news = [make_article(row["text"]) for row in read_rows(data / "news.jsonl.xz")][slice(*NEWS)]
    articles = {article.id: article for article in [*contexts.values(), *news] if article.body.strip()}
    build_index(folder, list(articles.values()), load_encoder())
    return [{**row, "article": contexts[row["context"]].id} for row in rows]


def examples(folder: Path, rows: Sequence[dict[str, str]], part: int, parts: int) -> list[Example]:
    """Every ``parts``-th question from ``part`` on, whose evidence was found."""
    rng = random.Random(SEED + part)
    retriever = Retriever(open_snapshot(folder), load_encoder())
    reworder = Reworder()
    made = []
    for row in rows[part::parts]:
        text = row["question"]
        if rng.random() < REWORDED:
            text = reworder.reworded(text, row["context"], rng)
        if rng.random() < TAIWAN_WORDED:
            text = converter("s2twp").convert(text)
        start = int(row["sent_start"])
        hits = retriever.retrieve(analyse_question(text), HITS)
        one = example(text, candidates(hits), [(row["article"], start, start + len(row["sentence"]))])
        if one is not None and one.right.any():
            made.append(one)
    return made


class Reworder:
    """Puts other words of like meaning for some words of a question, so that it is not told by its wording."""

    def __init__(self) -> None:
        self._words = tuple(word for word in listed_words() if len(word) > 1)
        self._vectors = word_vectors().of(self._words[:VOCABULARY])

    def reworded(self, question: str, context: str, rng: random.Random) -> str:
        """The folded question with about a third of its plain words replaced by ones the context does not have."""
        text, folded = fold(question), fold(context)
        for word in asked(question).words:
            if word.is_name or word.is_number or len(word.text) < 2 or rng.random() > 0.4:
                continue
            nearness = self._vectors @ word_vectors().of((word.text,))[0]
            near = [self._words[i] for i in np.argsort(-nearness)[1:10] if nearness[i] > NEAR]
            if near := [other for other in near if other not in folded and other != word.text]:
                text = text.replace(word.text, rng.choice(near))
        return text


def example(text: str, found: list[Candidate], gold: Sequence[tuple[str, int, int]]) -> Example | None:
    """Features and labels of one question's candidates; ``gold`` are the evidence's articles, starts and ends."""
    kept, features = considered(asked(text), text, found)
    right = [any(c.article.id == id and c.start < end and c.end > start for id, start, end in gold) for c in kept]
    return Example(features, np.array(right, np.float32)) if kept else None


def written_over(articles: Sequence[Article], questions: Sequence[dict[str, Any]]) -> list[Example]:
    """The examples of questions written over articles, which make up an index of their own."""
    made = []
    with tempfile.TemporaryDirectory() as folder:
        encoder = load_encoder()
        build_index(Path(folder), articles, encoder)
        retriever = Retriever(open_snapshot(Path(folder)), encoder)
        for question in questions:
            hits = retriever.retrieve(analyse_question(question["question"]), HITS)
            gold = [(str(span["article"]), span["start"], span["end"]) for span in question["gold"]]
            one = example(question["question"], candidates(hits), gold)
            if one is not None and one.right.any() == question["answerable"]:
                made.append(one)
    return made


def written_examples(data: Path) -> tuple[list[Example], list[Example]]:
    """The written questions to train on, and those held back."""
    questions = list(map(json.loads, NEWS_QUESTIONS.read_text(encoding="utf-8").splitlines()))
    used = {str(span["article"]) for question in questions for span in question["gold"]}
    news = [
        Article(id, "", row["text"], "", "")
        for row in read_rows(data / "news.jsonl.xz")
        if (id := str(row["id"])) in used
    ]
    own = list(map(json.loads, QUESTIONS.read_text(encoding="utf-8").splitlines()))
    held = [question for question in own if question["id"].startswith(HELD_BACK)]
    seeds = read_articles([SEEDS])
    used_own = [question for question in own if question not in held]
    return written_over(news, questions) + written_over(seeds, used_own), written_over(seeds, held)


def standardised(features: Floats, mean: Floats, scale: Floats) -> torch.Tensor:
    """The features as the reader will see them at run time."""
    return torch.from_numpy(np.clip((features - mean) * scale, -FARTHEST, FARTHEST))


def train_rank(train: Sequence[Example]) -> Network:
    """Softmax over the candidates of each question; the probability of all right ones together is raised.

    ``NETWORKS`` small networks are trained one by one and averaged: side by side they are one wider network.
    """
    features = np.concatenate([e.features for e in train])
    mean, scale = features.mean(axis=0), (1 / np.maximum(features.std(axis=0), 1e-3)).astype(np.float32)
    inputs = [standardised(e.features, mean, scale) for e in train]
    labels = [torch.from_numpy(e.right > 0) for e in train]
    members = [train_member(inputs, labels) for _ in range(NETWORKS)]
    return Network(
        mean,
        scale,
        np.concatenate([inner.weight.detach().numpy().T for inner, _ in members], axis=1),
        np.concatenate([inner.bias.detach().numpy() for inner, _ in members]),
        (np.concatenate([outer.weight.detach().numpy()[0] for _, outer in members]) / NETWORKS).astype(np.float32),
        float(np.mean([outer.bias.detach().numpy()[0] for _, outer in members])),
    )


def train_member(inputs: Sequence[torch.Tensor], labels: Sequence[torch.Tensor]) -> tuple[nn.Linear, nn.Linear]:
    """One network's two layers."""
    inner, outer = nn.Linear(inputs[0].shape[1], HIDDEN), nn.Linear(HIDDEN, 1)
    layers = nn.Sequential(inner, nn.ReLU(), nn.Dropout(0.3), outer)
    optimiser = torch.optim.AdamW(layers.parameters(), lr=2e-3, weight_decay=1e-2)
    order = list(range(len(inputs)))
    for epoch in range(EPOCHS):
        random.shuffle(order)
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * (1 - epoch / EPOCHS)
        for first in range(0, len(order), 64):
            chosen = order[first : first + 64]
            scores = layers(torch.cat([inputs[i] for i in chosen])).squeeze(1)
            parts = zip(scores.split([len(inputs[i]) for i in chosen]), chosen, strict=True)
            loss = torch.stack([s.logsumexp(0) - s[labels[i]].logsumexp(0) for s, i in parts]).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return inner, outer


def summarise(rank: Network, example: Example) -> Floats:
    """What the answerability of one question is judged by."""
    scores = rank(example.features)
    order = np.argsort(-scores, kind="stable")
    return summary_features(example.features[order], scores[order])


def train_answerable(rank: Network, train: Sequence[Example]) -> Linear:
    """Logistic regression with a ridge penalty, to convergence; both classes weigh the same."""
    features = np.stack([summarise(rank, e) for e in train])
    labels = torch.tensor([float(e.right.any()) for e in train])
    mean, scale = features.mean(axis=0), (1 / np.maximum(features.std(axis=0), 1e-3)).astype(np.float32)
    inputs = standardised(features, mean, scale)
    weights, bias = torch.zeros(inputs.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    balance = torch.where(labels > 0, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=200)

    def objective() -> torch.Tensor:
        optimiser.zero_grad()
        losses = nn.functional.binary_cross_entropy_with_logits(inputs @ weights + bias, labels, balance)
        total = losses + RIDGE / 2 * weights.square().sum()
        total.backward()
        return total

    optimiser.step(objective)
    return Linear(mean, scale, weights.detach().numpy(), float(bias.detach()[0]))


def report(name: str, rank: Network, answerable: Linear, asked_of: Sequence[Example]) -> None:
    """Figures on some questions."""
    first = [bool(e.right[np.argmax(rank(e.features))]) for e in asked_of if e.right.any()]
    logits = np.array([answerable(summarise(rank, e)) for e in asked_of])
    has = np.array([e.right.any() for e in asked_of])
    print(f"{name}: right sentence first {np.mean(first):.3f} of {len(first)}", end="")
    if has.all():
        print()
        return
    area = np.mean(logits[has][:, None] > logits[~has][None])
    print(f"; area under the curve {area:.3f}", end="")
    for allowed in (0.05, 0.1):
        threshold = np.quantile(logits[has], allowed)
        share, odds = np.mean(logits[~has] < threshold), 1 / (1 + np.exp(-threshold))
        print(f"; refusing {allowed:.0%} of answerable (below {odds:.2f}) refuses {share:.2f} of the others", end="")
    print()


def main() -> None:
    """Make examples, train, report, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=MODEL)
    parser.add_argument("--limit", type=int, default=6000, help="encyclopedia questions to use")
    arguments = parser.parse_args()
    random.seed(SEED)
    torch.manual_seed(SEED)
    with tempfile.TemporaryDirectory() as folder:
        rows = prepare(arguments.data, arguments.limit, Path(folder))
        with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
            jobs = [pool.submit(examples, Path(folder), rows, part, PROCESSES) for part in range(PROCESSES)]
            made = [one for job in jobs for one in job.result()]
    written, held = written_examples(arguments.data)
    rank = train_rank(made[len(made) // 10 :] + [e for e in written if e.right.any()] * WRITTEN)
    answerable = train_answerable(rank, written)
    report("encyclopedia, held back", rank, answerable, made[: len(made) // 10])
    report("written, trained on", rank, answerable, written)
    report("written, held back", rank, answerable, held)
    arguments.out.parent.mkdir(exist_ok=True)
    saved = {f"rank.{part}": np.asarray(getattr(rank, part), np.float32) for part in Network.__slots__}
    saved |= {f"answerable.{part}": np.asarray(getattr(answerable, part), np.float32) for part in Linear.__slots__}
    np.savez(arguments.out, allow_pickle=False, **saved)


if __name__ == "__main__":
    main()
