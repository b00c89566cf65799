"""Train the reader on questions whose answer sentence is known.

    python -m answerer.pretrain --data DATA --minutes 48 --out pretrained.pt
    python -m answerer.train --data DATA --pretrained pretrained.pt

The questions are those of ``examples.py``. First the ranker: a small network over the candidates' numbers, of a part of
the questions (one made of still fewer chooses the candidates that are looked at). Then the reading network, from the
pretrained one, of all: for each question a softmax over some of its candidates and one more place, "no answer" with
score 0 (Devlin et al. 2019 for SQuAD 2.0), and for each piece of a right sentence, whether it belongs to the answering
words. The encyclopedia's questions all have answers, so for them there is no such place. Last, the answerability: a
logistic regression on the questions over some of the news articles, which the other two have not seen.

The questions of ``eval/questions.jsonl`` are never trained on. Needs torch, which sentence-transformers brings. The
seed is fixed.
"""

import argparse
import pickle
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from answerer.examples import ENCYCLOPEDIA, SEED, Example, encyclopedia, make_examples, news
from answerer.network import Network
from answerer.pieces import QUESTION_MARKS, SENTENCE_MARKS
from answerer.reader import FARTHEST, MODEL, READ, Floats, Linear, Ranker, Reader, joined, load_reader, summary
from answerer.sentences import word_vectors
from answerer.torch_network import Batch, TorchNetwork, export, restore

HIDDEN, RANK_EPOCHS, RANK_BATCH, RANK_RATE = 96, 10, 64, 2e-3
EPOCHS, BATCH, RATE, DROPOUT = 1.5, 16, 5e-4, 0.1
SEEN = 6  # candidates of a question that one step of the network sees: at most 3 right ones, the likeliest wrong ones
FIRST_ARTICLES, FIRST_ENCYCLOPEDIA = 4, 2  # a first ranker learns from one in so many groups and encyclopedia ones
RANKED_NEWS, RANKED_ENCYCLOPEDIA = (
    3,
    2,
)  # the ranker: one in so many questions on news, the encyclopedia's so many times
WORDS_WEIGHT = 0.5  # of the answering words' loss beside the sentences'
RIDGE = 0.01  # of the answerability


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """A batch and what is right in it.

    ``right`` bool [sentences]; ``words`` float32 [sentences, s], 1 for answering pieces; ``known`` bool [sentences]:
    the answering words are known.
    """

    batch: Batch
    right: Tensor
    words: Tensor
    known: Tensor


def standardisation(features: Floats) -> tuple[Floats, Floats]:
    """Mean and inverse deviation of each column, float32."""
    return features.mean(axis=0), (1 / np.maximum(features.std(axis=0), 1e-3)).astype(np.float32)


def against_nothing(scores: Tensor, right: Tensor, nothing_possible: bool) -> Tensor:
    """The loss of one question: minus the log-probability of the right candidates, or of "no answer"."""
    nothing = torch.zeros(1)
    everything = torch.cat([scores, nothing]) if nothing_possible else scores
    wanted = scores[right].logsumexp(0) if bool(right.any()) else nothing[0]
    return everything.logsumexp(0) - wanted


def may_lack(example: Example) -> bool:
    """Whether "no answer" is possible: encyclopedia questions were only asked where there is one."""
    return not example.id.startswith(ENCYCLOPEDIA)


def train_ranker(train: Sequence[Example]) -> Ranker:
    """A network of one hidden layer over the numbers of all candidates."""
    mean, scale = standardisation(np.concatenate([e.features for e in train]))
    rows = [torch.from_numpy(np.clip((e.features - mean) * scale, -FARTHEST, FARTHEST)) for e in train]
    right = [torch.from_numpy(e.right) for e in train]
    inner, outer = nn.Linear(len(mean), HIDDEN), nn.Linear(HIDDEN, 1)
    layers = nn.Sequential(inner, nn.ReLU(), nn.Dropout(0.3), outer)
    optimiser = torch.optim.AdamW(layers.parameters(), lr=RANK_RATE, weight_decay=1e-2)
    for epoch in range(RANK_EPOCHS):
        optimiser.param_groups[0]["lr"] = RANK_RATE * (1 - epoch / RANK_EPOCHS)
        for chosen in torch.randperm(len(train)).split(RANK_BATCH):
            scores = layers(torch.cat([rows[i] for i in chosen])).squeeze(1).split([len(rows[i]) for i in chosen])
            losses = [against_nothing(s, right[i], may_lack(train[i])) for s, i in zip(scores, chosen, strict=True)]
            optimiser.zero_grad()
            torch.stack(losses).mean().backward()
            optimiser.step()
    first, second = inner.weight.detach().numpy().T, outer.weight.detach().numpy()[0]
    return Ranker(mean, scale, first, inner.bias.detach().numpy(), second, float(outer.bias.detach()))


def collate(examples: Sequence[Example], network: TorchNetwork, rng: random.Random) -> Lesson:
    """One batch; of each question at most 3 right candidates, the two likeliest wrong ones and others by chance."""
    chosen: list[tuple[int, int]] = []
    for number, example in enumerate(examples):
        right = [at for at, row in enumerate(example.rows) if example.right[row]][:3]
        wrong = [at for at, row in enumerate(example.rows) if not example.right[row]]
        later = wrong[2:]
        rng.shuffle(later)
        chosen += [(number, at) for at in [*right, *(wrong[:2] + later)[: max(2, SEEN - len(right))]]]
    asked = [example.inputs.question for example in examples]
    q = max(map(len, asked))
    s = max(len(examples[number].inputs.sentences[at].ids) for number, at in chosen)
    questions = np.full((len(asked), q), network.padding, np.int64)
    for number, ids in enumerate(asked):
        questions[number, : len(ids)] = ids
    n = len(chosen)
    question_marks = np.zeros((n, q, QUESTION_MARKS), np.float32)
    b = max(len(examples[number].inputs.before[at]) for number, at in chosen)
    before = np.full((n, b), network.padding, np.int64)
    sentences, marks = np.full((n, s), network.padding, np.int64), np.zeros((n, s, SENTENCE_MARKS), np.float32)
    words, right_ones = np.zeros((n, s), np.float32), np.zeros(n, bool)
    for row, (number, at) in enumerate(chosen):
        example = examples[number]
        length = len(example.inputs.sentences[at].ids)
        question_marks[row, : len(asked[number])] = example.inputs.question_marks[at]
        context = example.inputs.before[at]
        before[row, b - len(context) :] = context
        sentences[row, :length] = example.inputs.sentences[at].ids
        marks[row, :length] = example.inputs.sentence_marks[at]
        words[row, :length] = example.words[at]
        right_ones[row] = example.right[example.rows[at]]
    rows = np.stack([examples[number].inputs.features[at] for number, at in chosen])
    owner = np.array([number for number, _ in chosen])
    batch = Batch(*map(torch.from_numpy, (questions, owner, question_marks, before, sentences, marks, rows)))
    return Lesson(batch, *map(torch.from_numpy, (right_ones, words, words.any(axis=1))))


def batches(examples: Sequence[Example], rng: random.Random) -> Iterator[list[Example]]:
    """All examples once, in batches of like length, in random order."""
    order = list(examples)
    rng.shuffle(order)
    made = []
    for first in range(0, len(order), BATCH * 16):
        near = sorted(order[first : first + BATCH * 16], key=lambda e: max(len(p.ids) for p in e.inputs.sentences))
        made += [near[at : at + BATCH] for at in range(0, len(near), BATCH)]
    rng.shuffle(made)
    yield from made


def new_network(train: Sequence[Example], pretrained: Path | None) -> TorchNetwork:
    """An untaught reading network, from the pretrained one if given."""
    mean, scale = standardisation(np.concatenate([e.inputs.features for e in train]))
    network = TorchNetwork(pieces=len(word_vectors().encoder), features=len(mean), dropout=DROPOUT)
    if pretrained is not None:
        saved = {k: v for k, v in torch.load(pretrained).items() if not k.startswith(("features", "mean", "scale"))}
        network.load_state_dict(saved, strict=False)
    network.mean.copy_(torch.from_numpy(mean))
    network.scale.copy_(torch.from_numpy(scale))
    return network


def train_network(network: TorchNetwork, train: Sequence[Example], minutes: float) -> None:
    """Teach the reading network in place, for ``EPOCHS`` or at most that many minutes."""
    rng = random.Random(SEED)
    read = [
        p for name, p in network.named_parameters() if name.startswith(("lower", "upper", "last", "position", "kind"))
    ]
    new = [p for p in network.parameters() if not any(p is other for other in [*read, network.rows.weight])]
    groups = [
        {"params": [network.rows.weight], "lr": 0.3 * RATE, "weight_decay": 0.0},
        {"params": read, "lr": RATE},
        {"params": new, "lr": 2 * RATE},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.02, betas=(0.9, 0.98))
    rates = [group["lr"] for group in optimiser.param_groups]
    steps, losses, began = int(EPOCHS * len(train) / BATCH), list[float](), time.monotonic()
    network.train()
    for step, examples in enumerate(chain.from_iterable(batches(train, rng) for _ in count())):
        done = max(step / steps, (time.monotonic() - began) / (60 * minutes))
        if done >= 1:
            break
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * min(1, step / 100) * max(0.02, 1 - done)
        loss = loss_of(network, examples, collate(examples, network, rng))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
        if step % 200 == 199:
            print(f"step {step + 1}, {done:.0%}: loss {np.mean(losses[-200:]):.3f}", flush=True)
    network.eval()


def loss_of(network: TorchNetwork, examples: Sequence[Example], lesson: Lesson) -> Tensor:
    """Of the right sentences, and of the answering words where they are known."""
    scores, words = network(lesson.batch)
    losses = []
    for number, example in enumerate(examples):
        mine = lesson.batch.owner == number
        losses.append(against_nothing(scores[mine], lesson.right[mine], may_lack(example)))
    loss = torch.stack(losses).mean()
    if bool(lesson.known.any()):
        read = (lesson.batch.sentences != network.padding)[lesson.known].float()
        of_words = nn.functional.binary_cross_entropy_with_logits(
            words[lesson.known], lesson.words[lesson.known], weight=read, pos_weight=torch.tensor(3.0)
        )
        loss = loss + WORDS_WEIGHT * of_words
    return loss


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What the answerability is judged by, whether there is an answer, and whether a right sentence came first."""

    summary: Floats
    answerable: bool
    first: bool


def judge(example: Example, ranker: Ranker, network: Network) -> Judged:
    """Read one example as :meth:`Reader.read` does at run time."""
    ranks = ranker(example.features)[example.rows]
    top = np.argsort(-ranks, kind="stable")[:READ]
    scores = network.read(example.inputs.of(top.tolist()))
    best = top[int(joined(scores, ranks[top]).argmax())]
    return Judged(summary(scores, ranks[top]), bool(example.right.any()), bool(example.right[example.rows[best]]))


def train_answerable(judged: Sequence[Judged]) -> Linear:
    """Logistic regression with a ridge penalty, to convergence.

    Those with and those without an answer weigh the same.
    """
    features = np.stack([one.summary for one in judged])
    answerable = np.array([one.answerable for one in judged])
    labels = torch.from_numpy(answerable.astype(np.float32))
    balance = torch.from_numpy(np.where(answerable, 0.5 / answerable.mean(), 0.5 / (1 - answerable.mean()))).float()
    mean, scale = standardisation(features)
    rows = torch.from_numpy(np.clip((features - mean) * scale, -FARTHEST, FARTHEST))
    weights, bias = torch.zeros(rows.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=200)

    def objective() -> Tensor:
        optimiser.zero_grad()
        losses = nn.functional.binary_cross_entropy_with_logits(rows @ weights + bias, labels, balance)
        total = losses + RIDGE / 2 * weights.square().sum()
        total.backward()
        return total

    optimiser.step(objective)
    return Linear(mean, scale, weights.detach().numpy(), float(bias.detach()[0]))


def report(name: str, judged: Sequence[Judged], answerable: Linear) -> None:
    """Figures on some questions."""
    first = [one.first for one in judged if one.answerable]
    logits = np.array([answerable(one.summary) for one in judged])
    has = np.array([one.answerable for one in judged])
    print(f"{name}: right sentence first {np.mean(first):.3f} of {len(first)}", end="")
    if not has.all():
        print(f"; area under the curve {np.mean(logits[has][:, None] > logits[~has][None]):.3f}", end="")
        for allowed in (0.05, 0.1):
            threshold = np.quantile(logits[has], allowed)
            share, odds = np.mean(logits[~has] < threshold), 1 / (1 + np.exp(-threshold))
            print(f"; refusing {allowed:.0%} of answerable (below {odds:.2f}) refuses {share:.2f} of others", end="")
    print()


def ranked(examples: Sequence[Example]) -> list[Example]:
    """What the ranker learns from. With more news beside the encyclopedia it is worse on other articles (eval/LOG.md).

    Questions that nothing in the index answers are left to the network.
    """
    taught = [example for example in examples if not example.held_back]
    on_news = [example for example in taught if example.id.startswith(tuple("0123456789"))]
    rest = [example for example in taught if example.id.startswith(ENCYCLOPEDIA)]
    return on_news[::RANKED_NEWS] + rest * RANKED_ENCYCLOPEDIA


def prepared(data: Path, most: int, keep: Path | None, start: Reader | None) -> tuple[Ranker, list[Example]]:
    """The ranker, that of ``start`` if given, and the examples as it orders their candidates.

    Both are kept in the file ``keep`` for the next time.
    """
    if keep is not None and keep.exists():
        ranker, examples = pickle.loads(keep.read_bytes())  # noqa: S301  (a file of one's own)
        return ranker, examples
    groups, (articles, askings) = list(news(data)), encyclopedia(data, most)
    if start is not None:
        ranker = start.ranker
    else:
        few = [*groups[::FIRST_ARTICLES], (articles, askings[::FIRST_ENCYCLOPEDIA])]
        first = [example for group in few for example in make_examples(*group, None)]
        ranker = train_ranker([example for example in first if not example.held_back])
    examples = [example for group in [*groups, (articles, askings)] for example in make_examples(*group, ranker)]
    if start is None:
        ranker = train_ranker(ranked(examples))
    if keep is not None:
        keep.write_bytes(pickle.dumps((ranker, examples)))
    return ranker, examples


def main() -> None:
    """Make examples, train, report, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pretrained", type=Path)
    parser.add_argument("--start", type=Path, help="go on from this reader: its ranker as it is, its network taught on")
    parser.add_argument("--out", type=Path, default=MODEL)
    parser.add_argument("--minutes", type=float, default=120, help="at most so long for the network (default: 120)")
    parser.add_argument("--most", type=int, default=4000, help="encyclopedia questions to use")
    parser.add_argument("--keep", type=Path, help="where the examples are kept for another run of your own")
    arguments = parser.parse_args()
    torch.manual_seed(SEED)
    start = load_reader(arguments.start) if arguments.start else None
    ranker, examples = prepared(arguments.data, arguments.most, arguments.keep, start)
    train = [example for example in examples if not example.held_back]
    if arguments.start:
        of_start = {name.removeprefix("network."): array for name, array in np.load(arguments.start).items()}
        taught = restore(of_start, DROPOUT)
    else:
        taught = new_network(train, arguments.pretrained)
    train_network(taught, train, arguments.minutes)
    weights = export(taught)
    network = Network(weights)
    judged = [judge(example, ranker, network) for example in examples if example.held_back]
    answerable = train_answerable(judged)
    report("questions held back from ranker and network", judged, answerable)
    arguments.out.parent.mkdir(exist_ok=True)
    saved = {f"ranker.{part}": np.asarray(getattr(ranker, part), np.float32) for part in Ranker.__slots__}
    saved |= {f"answerable.{part}": np.asarray(getattr(answerable, part), np.float32) for part in Linear.__slots__}
    of_network = {f"network.{name}": array for name, array in weights.items()}
    np.savez(arguments.out, allow_pickle=False, **saved, **of_network)


if __name__ == "__main__":
    main()
