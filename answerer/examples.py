"""Training examples: questions put to a real index, with what the reader sees of each candidate sentence.

Three kinds of questions: those of ``answer_sentence.jsonl.xz`` (CMRC2018 train; always answerable, about half of them
reworded with words of like meaning, as an encyclopedia's questions are close to its wording); those written for this
project over news (``news_questions.jsonl.xz``: near misses and false premises among them), which name their articles by
id and offsets; and questions on something else altogether, of ``pairs.jsonl.xz`` or written over news that the index
does not hold. The news are indexed in groups of articles, so that a near miss of one is hardly answered by another. A
third of the encyclopedia's questions pass through Taiwan wording.
"""

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
import numpy.typing as npt

from answerer.asked import asked
from answerer.features import Floats, candidates
from answerer.pieces import Inputs, Pieces, inputs
from answerer.reader import Ranker, see
from answerer.sentences import word_vectors
from indexer.articles import Article, article_id
from indexer.build import build_index
from indexer.encoder import load_encoder
from indexer.snapshot import open_snapshot
from language.folding import converter, fold
from language.frequency import listed_words
from retriever import HITS, Retriever, analyse_question

NEWS_QUESTIONS = Path(__file__).parent / "news_questions.jsonl.xz"
ENCYCLOPEDIA = "encyclopedia-"  # ids of its questions start so
OFF_TOPIC, ELSEWHERE = "off-topic-", "elsewhere-"  # ids of questions that nothing in the index answers
GROUP = 96  # news articles indexed together
OFF_TOPIC_SHARE, ELSEWHERE_SHARE = 24, 12  # one such question for so many on the group
HELD_BACK_SHARE = 40  # one of so many of them is held back
OFF_TOPIC_SOURCES = frozenset(("cmrc2018_train", "medical", "javaguide", "lctt_title", "dureader2_demo"))
PROCESSES, PARTS = 2, 8
SHOWN = 12  # candidates of a question that become inputs of the network, and at most two right ones beyond
COVERAGE = 11  # column of the features by which candidates are ordered as long as there is no ranker
REWORDED = 0.5  # share of the encyclopedia's questions that are reworded
TAIWAN_WORDED = 0.33
VOCABULARY = 30_000  # words that may come in
NEAR = 0.4  # least cosine of a word that may come in for another
NEWS = (30_000, 34_000)  # rows of the news file used as other articles: not those the development sets are hidden among
SEED = 20_261_124

Flags = npt.NDArray[np.bool_]

_OPENING = re.compile(r"([^,，。；;（(是为]{2,16})[（(,，是为]")


@dataclass(frozen=True, slots=True)
class Asking:
    """A question with its evidence (article, start, end) and answering words; without evidence it has no answer.

    ``held_back``: not for ranker and network, but for the answerability and the report.
    """

    id: str
    text: str
    gold: tuple[tuple[str, int, int], ...]
    words: tuple[str, ...]
    held_back: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One question's candidates: features float32 [candidates, columns] and which are of the evidence, bool.

    ``rows`` int64: the candidates that ``inputs`` shows, likely ones first; ``words``: the answering pieces of each.
    """

    id: str
    held_back: bool
    features: Floats
    right: Flags
    inputs: Inputs
    rows: npt.NDArray[np.int64]
    words: tuple[Flags, ...]


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a packed JSON Lines file."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def make_article(text: str, id: str = "") -> Article:
    """A text as an article, with a title where it opens as an encyclopedia does (宝马7系(BMW 7 Series)是…)."""
    opening = _OPENING.match(text)
    title = "" if id or not opening else opening.group(1)
    return Article(id or article_id(title, text), title, text, "", "")


def encyclopedia(data: Path, most: int) -> tuple[list[Article], list[Asking]]:
    """The first ``most`` questions of CMRC2018 train, their contexts, and some news beside them."""
    rng = random.Random(SEED)
    reworder = Reworder()
    rows = list(read_rows(data / "answer_sentence.jsonl.xz"))[:most]
    contexts = {row["context"]: make_article(row["context"]) for row in rows}
    news = [make_article(row["text"]) for row in read_rows(data / "news.jsonl.xz")][slice(*NEWS)]
    askings = []
    for number, row in enumerate(rows):
        text = row["question"]
        if rng.random() < REWORDED:
            text = reworder.reworded(text, row["context"], rng)
        if rng.random() < TAIWAN_WORDED:
            text = converter("s2twp").convert(text)
        start = int(row["sent_start"])
        gold = (contexts[row["context"]].id, start, start + len(row["sentence"]))
        askings.append(Asking(f"{ENCYCLOPEDIA}{number}", text, (gold,), (row["answer"],)))
    return [*contexts.values(), *news], askings


def news(data: Path) -> Iterator[tuple[list[Article], list[Asking]]]:
    """The questions written over news with their articles, group by group, and some that the group cannot answer."""
    rng = random.Random(SEED)
    of_article: dict[str, list[Asking]] = {}
    used: dict[str, set[str]] = {}
    for row in map(dict[str, Any], read_rows(NEWS_QUESTIONS)):
        gold = tuple((str(span["article"]), int(span["start"]), int(span["end"])) for span in row["gold"])
        key = row["id"].split("-")[0]
        key = key if key.isdigit() else "first"  # the first questions written do not name their articles
        asking = Asking(row["id"], row["question"], gold, tuple(row["words"]), row["held_back"])
        of_article.setdefault(key, []).append(asking)
        used.setdefault(key, {key} if key.isdigit() else set()).update(article for article, _, _ in gold)
    wanted = set().union(*used.values())
    found = ((str(row["id"]), row["text"]) for row in read_rows(data / "news.jsonl.xz"))
    articles = {id: make_article(text, id) for id, text in found if id in wanted}
    off_topic = [row["q"] for row in read_rows(data / "pairs.jsonl.xz") if row["src"] in OFF_TOPIC_SOURCES]
    keys = sorted(of_article)
    rng.shuffle(keys)
    for first in range(0, len(keys), GROUP):
        here = keys[first : first + GROUP]
        askings = [asking for key in here for asking in of_article[key]]
        others = [asking.text for key in keys if key not in here for asking in of_article[key] if asking.gold]
        unanswered = [
            *_unanswered(ELSEWHERE, rng.sample(others, min(len(others), len(askings) // ELSEWHERE_SHARE)), first),
            *_unanswered(OFF_TOPIC, rng.sample(off_topic, len(askings) // OFF_TOPIC_SHARE), first),
        ]
        yield [articles[id] for key in here for id in sorted(used[key])], [*askings, *unanswered]


def _unanswered(prefix: str, texts: Sequence[str], group: int) -> Iterator[Asking]:
    """Questions without evidence; a third in Taiwan wording."""
    for number, text in enumerate(texts):
        shown = converter("s2twp").convert(text) if number % 3 == 0 else text
        yield Asking(f"{prefix}{group}-{number}", shown, (), (), number % HELD_BACK_SHARE == 0)


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


def make_examples(articles: Sequence[Article], askings: Sequence[Asking], ranker: Ranker | None) -> list[Example]:
    """Index the articles, ask every question, and keep what is seen; a question whose evidence is not found falls out.

    The network is shown the candidates that ``ranker`` puts first, as at run time.
    """
    with tempfile.TemporaryDirectory() as folder:
        unique = {article.id: article for article in articles if article.body.strip()}
        build_index(Path(folder), list(unique.values()), load_encoder())
        with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
            jobs = [pool.submit(_examples, Path(folder), askings[part::PARTS], ranker) for part in range(PARTS)]
            return [one for job in jobs for one in job.result()]


def _examples(folder: Path, askings: Sequence[Asking], ranker: Ranker | None) -> list[Example]:
    retriever = Retriever(open_snapshot(folder), load_encoder())
    made = []
    for asking in askings:
        hits = retriever.retrieve(analyse_question(asking.text), HITS)
        seen = see(asking.text, candidates(hits))
        right = np.array(
            [any(c.article.id == id and c.start < e and c.end > s for id, s, e in asking.gold) for c in seen.candidates]
        )
        if not len(right) or right.any() != bool(asking.gold):
            continue
        ranks = seen.features[:, COVERAGE] if ranker is None else ranker(seen.features)
        order = np.argsort(-ranks, kind="stable")
        rows = np.array([*order[:SHOWN], *[row for row in order[SHOWN:] if right[row]][:2]])
        shown = [seen.candidates[row] for row in rows]
        taken = inputs(seen.question, seen.text, shown, seen.matches.of(rows), seen.features[rows])
        words = tuple(
            _answering(candidate.view.folded, pieces, asking.words if right[row] else ())
            for row, candidate, pieces in zip(rows, shown, taken.sentences, strict=True)
        )
        made.append(Example(asking.id, asking.held_back, seen.features, right, taken, rows, words))
    return made


def _answering(folded: str, pieces: Pieces, words: Sequence[str]) -> Flags:
    """Which pieces of a sentence belong to the answering words."""
    flags = np.zeros(len(pieces.ids), bool)
    for word in map(fold, words):
        at = folded.find(word) if word else -1
        if at >= 0:
            flags |= (pieces.places[:, 0] < at + len(word)) & (pieces.places[:, 1] > at)
    return flags
