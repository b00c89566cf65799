"""Train the reader on questions whose answer sentence is known.

    python -m answerer.train --data ../shared/data/train

Each question of ``answer_sentence.jsonl.xz`` (CMRC2018 train) is put to a real index of all its contexts and some news.
The rank network learns to put a sentence of the evidence first. The answerability network learns from four versions
of every question: as it is; with the evidence sentences taken out of what was found (a near miss: the right article,
the wrong fact); with the whole article taken out; with one name or number replaced by another question's.
A third of the questions are asked in Taiwan wording.

Needs the ``train`` extra (torch). The seed is fixed.
"""

import argparse
import json
import lzma
import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from torch import nn

from answerer.asked import asked
from answerer.features import Candidate, candidates
from answerer.reader import FARTHEST, MODEL, Floats, Network, all_features, summary_features
from answerer.sentences import word_vectors
from indexer.articles import Article, article_id
from indexer.build import build_index
from indexer.encoder import load_encoder
from indexer.snapshot import open_snapshot
from language.folding import converter, fold
from language.frequency import listed_words
from retriever import HITS, Hit, Retriever, analyse_question

SEED = 20_261_122
HIDDEN = (48, 32)  # of the rank and the answerability network
PROCESSES = 2
REWORDED = 0.6  # share of the questions that are reworded
VOCABULARY = 30_000  # words that may come in
NEAR = 0.4  # least cosine of a word that may come in for another
NEWS = (30_000, 34_000)  # rows of the news file used as other articles: not those the development sets are hidden among
_OPENING = re.compile(r"([^,，。；;（(是为]{2,16})[（(,，是为]")


@dataclass(frozen=True)
class Example:
    """Features of one question's candidates; ``right`` marks those of the evidence (none: it has no answer here)."""

    features: Floats
    right: Floats


# A question as it is, as a near miss, out of scope, and with a name or number swapped; None where that cannot be made.
Versions = tuple[Example, Example | None, Example | None, Example | None]


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a packed JSON Lines file."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def make_article(text: str) -> Article:
    """A text as an article, with a title where it opens as an encyclopedia does (宝马7系(BMW 7 Series)是…)."""
    opening = _OPENING.match(text)
    title = opening.group(1) if opening else ""
    return Article(article_id(title, text), title, text, "", "")


def without(hits: Sequence[Hit], article: str, start: int, end: int) -> list[Hit]:
    """The hits with every sentence of that article that touches ``start:end`` taken out."""
    kept = []
    for hit in hits:
        spans = hit.passage.sentences
        if hit.article.id == article:
            spans = tuple(span for span in spans if span.end <= start or span.start >= end)
        if spans:
            kept.append(replace(hit, passage=replace(hit.passage, sentences=spans)))
    return kept


def prepare(data: Path, limit: int, folder: Path) -> list[dict[str, str]]:
    """Index the contexts and some news in ``folder``; the question rows, each with its article's id."""
    rows = list(read_rows(data / "answer_sentence.jsonl.xz"))[:limit]
    contexts = {row["context"]: make_article(row["context"]) for row in rows}
    news = [make_article(row["text"]) for row in read_rows(data / "news.jsonl.xz")][slice(*NEWS)]
    articles = {article.id: article for article in [*contexts.values(), *news] if article.body.strip()}
    build_index(folder, list(articles.values()), load_encoder())
    return [{**row, "article": contexts[row["context"]].id} for row in rows]


def examples(folder: Path, rows: Sequence[dict[str, str]], part: int, parts: int) -> list[Versions]:
    """The versions of every ``parts``-th question from ``part`` on."""
    rng = random.Random(SEED + part)
    retriever = Retriever(open_snapshot(folder), load_encoder())
    reworder = Reworder()
    made = []
    for row in rows[part::parts]:
        text = row["question"]
        if rng.random() < REWORDED:
            text = reworder.reworded(text, row["context"], rng)
        if rng.random() < 0.33:
            text = converter("s2twp").convert(text)
        start = int(row["sent_start"])
        gold = (row["article"], start, start + len(row["sentence"]))
        hits = retriever.retrieve(analyse_question(text), HITS)
        other = swapped(text, rng.choice(rows)["question"], rng)
        near = example(text, candidates(without(hits, *gold)), gold)
        far = example(text, candidates([hit for hit in hits if hit.article.id != gold[0]]), gold)
        false = example(other, candidates(retriever.retrieve(analyse_question(other), HITS)), None) if other else None
        whole = example(text, candidates(hits), gold)
        if whole is not None:
            made.append((whole, near, far, false))
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


def swapped(question: str, other: str, rng: random.Random) -> str:
    """The question with one of its names or numbers replaced by one of the other's; '' where there is none."""
    here = [word for word in asked(question).words if (word.is_name or word.is_number) and word.text in question]
    there = [word for word in asked(other).words if word.is_name or word.is_number]
    pairs = [(a, b) for a in here for b in there if a.is_number == b.is_number and a.text != b.text]
    if not pairs:
        return ""
    mine, theirs = rng.choice(pairs)
    return question.replace(mine.text, theirs.text)


def example(text: str, found: list[Candidate], gold: tuple[str, int, int] | None) -> Example | None:
    """Features and labels of one question's candidates; ``gold`` is the evidence's article, start and end."""
    question = asked(text)
    if not found or not question.words:
        return None
    article, start, end = gold or ("", 0, 0)
    right = [c.article.id == article and c.start < end and c.end > start for c in found]
    return Example(all_features(question, text, found), np.array(right, np.float32))


def network(features: Floats, hidden: int) -> tuple[nn.Sequential, Floats, Floats]:
    """A fresh network and the standardisation of its inputs."""
    mean, scale = features.mean(axis=0), 1 / np.maximum(features.std(axis=0), 1e-3)
    layers = nn.Sequential(nn.Linear(features.shape[1], hidden), nn.ReLU(), nn.Dropout(0.1), nn.Linear(hidden, 1))
    return layers, mean.astype(np.float32), scale.astype(np.float32)


def standardised(features: Floats, mean: Floats, scale: Floats) -> torch.Tensor:
    """The features as the network will see them at run time."""
    return torch.from_numpy(np.clip((features - mean) * scale, -FARTHEST, FARTHEST))


def exported(layers: nn.Sequential, mean: Floats, scale: Floats) -> Network:
    """The trained network in numpy."""
    inner, outer = layers[0], layers[3]
    return Network(
        mean,
        scale,
        inner.weight.detach().numpy().T.copy(),
        inner.bias.detach().numpy(),
        outer.weight.detach().numpy()[0].copy(),
        float(outer.bias.detach()[0]),
    )


def train_rank(train: Sequence[Example], epochs: int = 12) -> Network:
    """Softmax over the candidates of each question; the probability of all right ones together is raised."""
    answered = [e for e in train if e.right.any()]
    layers, mean, scale = network(np.concatenate([e.features for e in answered]), HIDDEN[0])
    inputs = [standardised(e.features, mean, scale) for e in answered]
    labels = [torch.from_numpy(e.right > 0) for e in answered]
    optimiser = torch.optim.AdamW(layers.parameters(), lr=2e-3, weight_decay=1e-3)
    order = list(range(len(answered)))
    for epoch in range(epochs):
        random.shuffle(order)
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * (1 - epoch / epochs)
        for first in range(0, len(order), 64):
            chosen = order[first : first + 64]
            scores = layers(torch.cat([inputs[i] for i in chosen])).squeeze(1)
            parts = scores.split([len(inputs[i]) for i in chosen])
            loss = torch.stack(
                [s.logsumexp(0) - s[labels[i]].logsumexp(0) for s, i in zip(parts, chosen, strict=True)]
            ).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    layers.eval()
    return exported(layers, mean, scale)


def summarise(rank: Network, example: Example) -> tuple[Floats, bool]:
    """The second network's input for one question, and whether the best candidate is right."""
    scores = rank(example.features)
    order = np.argsort(-scores, kind="stable")
    return summary_features(example.features[order], scores[order]), bool(example.right[order[0]])


def train_answerable(rank: Network, train: Sequence[Example], epochs: int = 30) -> Network:
    """Cross-entropy on whether the best candidate is right."""
    pairs = [summarise(rank, e) for e in train]
    features = np.stack([pair[0] for pair in pairs])
    labels = torch.tensor([float(pair[1]) for pair in pairs])
    layers, mean, scale = network(features, HIDDEN[1])
    inputs = standardised(features, mean, scale)
    optimiser = torch.optim.AdamW(layers.parameters(), lr=2e-3, weight_decay=1e-2)
    for epoch in range(epochs):
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * (1 - epoch / epochs)
        for rows in torch.randperm(len(inputs)).split(256):
            loss = nn.functional.binary_cross_entropy_with_logits(layers(inputs[rows]).squeeze(1), labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    layers.eval()
    return exported(layers, mean, scale)


def report(rank: Network, answerable: Network, held: Sequence[Versions]) -> None:
    """Figures on the held-back tenth."""
    reachable = [versions[0] for versions in held if versions[0].right.any()]
    first = [summarise(rank, e)[1] for e in reachable]
    print(f"right sentence first: {np.mean(first):.3f} of {len(first)}; reachable {len(reachable) / len(held):.3f}")
    logits = [
        np.array([answerable(summarise(rank, e)[0][None])[0] for made in held if (e := made[version]) is not None])
        for version in range(4)
    ]
    for allowed in (0.05, 0.1, 0.2):
        threshold = np.quantile(logits[0], allowed)
        near, far, false = (float(np.mean(refused < threshold)) for refused in logits[1:])
        print(
            f"refusing {allowed:.0%} of answerable: near misses {near:.3f}, out of scope {far:.3f}, swapped {false:.3f}"
        )


def main() -> None:
    """Make examples, train, report, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=MODEL)
    parser.add_argument("--limit", type=int, default=1_000_000, help="questions to use")
    arguments = parser.parse_args()
    random.seed(SEED)
    torch.manual_seed(SEED)
    with tempfile.TemporaryDirectory() as folder:
        rows = prepare(arguments.data, arguments.limit, Path(folder))
        with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
            jobs = [pool.submit(examples, Path(folder), rows, part, PROCESSES) for part in range(PROCESSES)]
            made = [versions for job in jobs for versions in job.result()]
    held, used = made[::10], [versions for number, versions in enumerate(made) if number % 10]
    rank = train_rank([versions[0] for versions in used])
    answerable = train_answerable(rank, [e for versions in used for e in versions if e is not None])
    report(rank, answerable, held)
    saved = {
        f"{name}.{part}": np.asarray(getattr(part_of, part), np.float32)
        for name, part_of in (("rank", rank), ("answerable", answerable))
        for part in Network.__slots__
    }
    arguments.out.parent.mkdir(exist_ok=True)
    np.savez(arguments.out, allow_pickle=False, **saved)


if __name__ == "__main__":
    main()
