"""What speaks for a sentence as the answer to a question, as numbers.

How much of the question's weight the sentence, its neighbours, its passage and its article cover, exactly and by
meaning; whether names and numbers asked about are there; whether it holds the kind of answer that is wanted. The same
numbers, taken at the best sentence, tell whether the articles hold an answer at all.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from answerer.asked import AnswerKind, Asked, ContentWord
from answerer.sentences import SentenceView, read_sentence, word_vectors
from indexer.articles import Article
from language import lexicon
from language.folding import fold
from language.segmentation import tagged_words
from language.sentences import SentenceKind
from retriever.hits import Hit

Floats = npt.NDArray[np.float32]

_KINDS = tuple(AnswerKind)

_UNIT = "万亿千百多余"
_QUANTITY = re.compile(rf"(?:\d[\d,.]*|[一二两三四五六七八九十百千万亿半数几]+)[{_UNIT}]*(?:[^\W\d_]|%)")
_HOLDS: dict[AnswerKind, re.Pattern[str]] = {
    AnswerKind.WHY: re.compile(
        r"因为|由于|原因|理由|因此|所以|为了|在于|缘于|源于|得益于|导致|使得|使|让|背后|因|才是|意味着|以便|来自|是因"
    ),
    AnswerKind.WHEN: re.compile(
        r"\d{4}年|\d{1,2}月|\d{1,2}日|周[一二三四五六日]|[去今明前后]年|年[底初末中]|季度"
        r"|[一二三四五六七八九十]+年|\d+(?:至|-|到)?\d*个?(?:月|年|天|周|小时)|世纪|年代|期间|当时"
    ),
    AnswerKind.MONEY: re.compile(
        rf"\d[\d,.]*[{_UNIT}]*(?:美元|元|欧元|人民币|日元|英镑|港元|美金|块)|\d[\d,.]*[万亿](?![辆台部架人名家个吨公座])"
    ),
    AnswerKind.PERCENT: re.compile(r"\d[\d.]*\s*(?:%|pct|个百分点|成|倍)|[一二三四五六七八九十]成|百分之|倍"),
    AnswerKind.NUMBER: _QUANTITY,
    AnswerKind.LIST: re.compile(r"、|包括|分别|其[一二三]|首先|第[一二三]|以及|和|与|等"),
    AnswerKind.COMPARE: re.compile(
        r"相比|比|而|则|高于|低于|超过|不及|超越|领先|分别|增长|下降|下滑|同比|与.{1,12}持平"
    ),
    AnswerKind.HOW: re.compile(
        r"通过|借助|利用|采用|采取|以.{1,20}(?:方式|形式)|先.{1,20}再|将|把|用|凭|依靠|开始|计划"
    ),
    AnswerKind.SUMMARY: re.compile(r"总之|整体来看|综上|意味着|核心|本质|关键|总结|换言之"),
}
_NAMED = {AnswerKind.WHO: "nr", AnswerKind.WHERE: "ns"}
_FOREIGN_NAME = re.compile("[一-鿿]{2,5}·[一-鿿]{2,5}")
_MEASURES = dict.fromkeys("辆架台部车", "辆台架部") | {"趴": "%", "成": "成%", "人": "人名位"}
_PLAIN_MEASURES = "岁天月年日号家座条款项次倍度分秒吨米公位名"
_STARTS_LEANING = re.compile(r"(?:它|他|她|这|那|该|其|此|但|而|不过|同时|并且|也就是说|换言之|对此|对于上述)")
_QUESTION_MARK = re.compile(r"\?")
HEARD = -9  # column: how much of the question's weight stands anywhere in what was found
HELD, UNIT = 0, 1  # columns of what _own gives
_NEIGHBOUR = 0.8  # a word in the next sentence counts this much beside one in the sentence itself
_SOFT_FLOOR = 0.45  # cosines of word vectors below this are taken for chance


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A sentence that may answer: its article, the hit it was found through, and its place in the body."""

    article: Article
    hit: Hit
    start: int
    end: int
    view: SentenceView


def candidates(hits: Sequence[Hit]) -> list[Candidate]:
    """The text sentences of all hits, each once, in the order of the hits."""
    seen: set[tuple[str, int]] = set()
    found = []
    for hit in hits:
        for span in hit.passage.sentences:
            key = (hit.article.id, span.start)
            if span.kind is SentenceKind.TEXT and key not in seen:
                seen.add(key)
                text = hit.article.body[span.start : span.end]
                found.append(Candidate(hit.article, hit, span.start, span.end, read_sentence(text)))
    return found


def in_their_words(text: str, found: Sequence[Candidate]) -> str:
    """A question, folded, with each concept in the word that the candidates most often use for it.

    So that a question reads the same in every region's words, and in the articles' own.
    """
    used: dict[str, Counter[str]] = {}
    for candidate in found:
        for concept, start, end in candidate.view.mentions:
            used.setdefault(concept, Counter())[candidate.view.folded[start:end]] += 1
    words = {concept: min(counts, key=lambda word: (-counts[word], word)) for concept, counts in used.items()}
    return lexicon.reworded(fold(text), words)


def asks(candidate: Candidate) -> bool:
    """Is the sentence itself a question?"""
    return candidate.view.folded.rstrip("”」』’\"') ").endswith("?")


def _strength(word: ContentWord, view: SentenceView) -> float:
    """Does the sentence hold this word: 1 if so, less for part of it, 0 if not."""
    if word.is_number:
        return float(re.search(rf"(?<![\d.]){re.escape(word.text)}(?![\d])", view.folded) is not None)
    if word.text in view.folded or (word.concept and word.concept in view.concepts):
        return 1.0
    if len(word.text) < 3 or word.text.isascii():
        return 0.0
    pairs = [word.text[i : i + 2] for i in range(len(word.text) - 1)]
    return 0.7 * sum(pair in view.folded for pair in pairs) / len(pairs)


def word_matches(words: Sequence[ContentWord], views: Sequence[SentenceView]) -> tuple[Floats, Floats]:
    """Exact and soft match of every word with every sentence, float32 [sentences, words]; soft is at least exact."""
    exact = np.array([[_strength(word, view) for word in words] for view in views], np.float32)
    exact = exact.reshape(-1, len(words))
    soft = exact.copy()
    loose = np.array([not (word.is_number or word.is_name) for word in words])
    rows = [row for row, view in enumerate(views) if len(view.words)]
    if rows and loose.any():
        cosines = np.concatenate([views[row].vectors for row in rows]) @ word_vectors().of([w.text for w in words]).T
        firsts = np.cumsum([0, *(len(views[row].words) for row in rows[:-1])])
        nearest = np.maximum.reduceat(cosines, firsts, axis=0)
        scaled = np.minimum(np.maximum((nearest - _SOFT_FLOOR) / (1 - _SOFT_FLOOR), 0), 1) * loose
        soft[rows] = np.maximum(soft[rows], scaled)
    return exact, soft


def _neighbours(found: Sequence[Candidate]) -> "npt.NDArray[np.int64]":
    """The candidates whose sentences stand before and after each in its passage, or itself; int64 [2, candidates]."""
    place = {(c.article.id, c.start): row for row, c in enumerate(found)}
    near = np.tile(np.arange(len(found)), (2, 1))
    for hit in {id(c.hit): c.hit for c in found}.values():
        rows = [place.get((hit.article.id, span.start)) for span in hit.passage.sentences]
        for before, after in pairwise(rows):
            if before is not None and after is not None:
                near[1, before] = after if found[before].hit is hit else near[1, before]
                near[0, after] = before if found[after].hit is hit else near[0, after]
    return near


def _groups(match: Floats, keys: Sequence[str]) -> Floats:
    """For each sentence the best match of each word anywhere in its group."""
    members: dict[str, list[int]] = {}
    for row, key in enumerate(keys):
        members.setdefault(key, []).append(row)
    wide = np.empty_like(match)
    for rows in members.values():
        wide[rows] = match[rows].max(axis=0)
    return wide


def _covered(match: Floats, weights: Floats) -> Floats:
    total = float(weights.sum())
    return match @ weights / total if total > 0 else np.ones(len(match), np.float32)


def _pairs(question: str) -> frozenset[str]:
    """The pairs of neighbouring letters, digits and characters."""
    return frozenset(pair for i in range(len(question) - 1) if (pair := question[i : i + 2]).isalnum())


def _longest_run(question: str, text: str) -> int:
    best = 0
    for start in range(len(question)):
        while (
            start + best < len(question)
            and question[start : start + best + 1] in text
            and (" " not in question[start : start + best + 1])
        ):
            best += 1
    return best


@lru_cache(maxsize=20_000)
def _names(folded: str, tag: str) -> tuple[str, ...]:
    """The names in folded text that jieba tags so: ``nr`` people, ``ns`` places."""
    found = [word.text for word in tagged_words(folded) if word.tag.startswith(tag) and len(word.text) > 1]
    return (*found, *_FOREIGN_NAME.findall(folded)) if tag == "nr" else tuple(found)


def kind_spans(kind: AnswerKind, folded: str, question: str) -> Iterator[tuple[int, int, bool]]:
    """Where folded text holds an expression of that kind, and whether the question lacks it; nothing for ``WHAT``."""
    if kind in _NAMED:
        for name in _names(folded, _NAMED[kind]):
            at = folded.find(name)
            yield at, at + len(name), name not in question
    elif kind in _HOLDS:
        for match in _HOLDS[kind].finditer(folded):
            yield match.start(), match.end(), match.group() not in question


def holds_kind(kind: AnswerKind, folded: str, question: str) -> float:
    """Does folded text hold an expression of that kind which the question does not itself contain?"""
    if kind not in _NAMED and kind not in _HOLDS:
        return 1.0
    return float(any(fresh for _, _, fresh in kind_spans(kind, folded, question)))


def _unit_match(unit: str, folded: str) -> float:
    """1 if a number stands before what is asked to be counted, 0.5 if nothing countable is asked for, else 0."""
    measure = _MEASURES.get(unit[:1], unit[:1] if unit[:1] in _PLAIN_MEASURES else "")
    if not measure and len(unit) < 2:
        return 0.5
    wanted = f"[{measure}]" if measure else f"(?:[个名家座款条项位]|种)?{re.escape(unit)}"
    number = rf"(?:\d|[一二两三四五六七八九十百千万亿半数])[{_UNIT}]*"
    return float(re.search(number + wanted, folded) is not None)


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """How well each content word of the question is met, float32 [candidates, words] each, 0 to 1.

    ``exact`` and ``soft`` (by meaning) in the sentence itself, ``near`` there or softly in its neighbours and title,
    ``article`` softly anywhere in what was found of its article.
    """

    exact: Floats
    soft: Floats
    near: Floats
    article: Floats

    def of(self, rows: "npt.NDArray[np.int64]") -> "Matches":
        """Those of some candidates alone."""
        return Matches(self.exact[rows], self.soft[rows], self.near[rows], self.article[rows])


def sentence_features(question: Asked, found: Sequence[Candidate], cosines: Floats) -> tuple[Floats, Matches]:
    """One row of numbers a candidate, float32 [candidates, FEATURES], and the matches of the question's words.

    ``cosines`` (question · sentence) float32 [candidates].
    """
    words = question.words
    weights = np.array([word.weight for word in words], np.float32)
    names = weights * np.array([word.is_name for word in words], np.float32)
    numbers = weights * np.array([word.is_number for word in words], np.float32)
    plain = weights - names - numbers
    focus = weights * np.array([word.is_focus for word in words], np.float32)
    verbs = weights * np.array([word.is_verb for word in words], np.float32)
    exact, soft = word_matches(words, [c.view for c in found])
    near = _neighbours(found)  # a word met in a neighbour counts a little less
    exact_near = np.maximum(exact, _NEIGHBOUR * exact[near].max(axis=0))
    soft_near = np.maximum(soft, _NEIGHBOUR * soft[near].max(axis=0))
    contexts = [read_sentence(c.hit.passage.context) for c in found]
    context = np.array([[_strength(w, v) for w in words] for v in contexts], np.float32).reshape(exact.shape)
    passage = np.maximum(_groups(soft, [c.hit.passage.id for c in found]), context)
    article = np.maximum(_groups(soft, [c.article.id for c in found]), context)
    heavy = weights >= 4.0
    missing = (1 - soft_near) * weights
    best = max((c.hit.score for c in found), default=1.0) or 1.0
    columns = [
        _covered(exact, weights),
        _covered(soft, weights),
        _covered(exact_near, weights),
        _covered(soft_near, weights),
        _covered(passage, weights),
        _covered(article, weights),
        _covered(exact, names),
        _covered(np.maximum(exact_near, context), names),
        _covered(article, names),
        _covered(exact, numbers),
        _covered(exact_near, numbers),
        _covered(article, numbers),
        _covered(soft, plain),
        _covered(np.maximum(soft_near, context), plain),
        _covered(article, plain),
        _covered(exact, focus),
        _covered(soft, focus),
        _covered(exact_near, focus),
        _covered(soft_near, focus),
        _covered(article, focus),
        _covered(exact_near, verbs),
        _covered(soft_near, verbs),
        missing.max(axis=1, initial=0.0) / 8.4,
        ((1 - np.maximum(soft_near, context)) * weights).max(axis=1, initial=0.0) / 8.4,
        ((1 - article) * weights).max(axis=1, initial=0.0) / 8.4,
        soft[:, heavy].min(axis=1, initial=1.0),
        soft_near[:, heavy].min(axis=1, initial=1.0),
        cosines,
        np.array([c.hit.score / best for c in found]),
        np.array([c.hit.dense for c in found]),
    ]
    shared = np.stack(columns, axis=1).astype(np.float32) if found else np.zeros((0, len(columns)), np.float32)
    pairs = _pairs(question.folded)
    own = np.array([_own(question, pairs, candidate) for candidate in found], np.float32).reshape(len(found), -1)
    held, unit = own[:, HELD], own[:, UNIT]
    named = np.maximum(exact_near, context)
    both = [
        _covered(exact, names) * held,
        _covered(named, names) * held,
        _covered(named, names) * held * unit,
        _covered(soft_near, weights) * held,
        _covered(soft_near, focus) * held * unit,
        _covered(named, names) * _covered(exact_near, numbers),
        _covered(named, names) * _covered(soft_near, verbs),
        _covered(named, names) * _covered(soft_near, focus),
    ]
    joint = np.stack(both, axis=1).astype(np.float32).reshape(len(found), len(both))
    kind = np.zeros((len(found), len(_KINDS)), np.float32)
    kind[:, _KINDS.index(question.kind)] = 1.0
    heard = np.maximum(exact.max(axis=0, initial=0.0), context.max(axis=0, initial=0.0))[None, :]  # anywhere at all
    asked_for = np.tile(
        np.array(
            [
                _covered(heard, weights)[0],
                _covered(heard, weights)[0] < 0.3,
                _covered(heard, names)[0],
                names.sum() > 0,
                numbers.sum() > 0,
                focus.sum() > 0,
                verbs.sum() > 0,
                len(words) / 10,
                weights.sum() / 50,
            ],
            np.float32,
        ),
        (len(found), 1),
    )
    rows = np.concatenate([joint, shared, own, kind, asked_for], axis=1)
    return rows, Matches(exact, soft, np.maximum(soft_near, context), article)


def _own(question: Asked, pairs: frozenset[str], candidate: Candidate) -> list[float]:
    """Numbers of one sentence by itself; ``pairs`` are those of the question."""
    text = candidate.view.folded
    run = _longest_run(question.folded, text)
    held = holds_kind(question.kind, text, question.folded)
    counted = question.kind in (AnswerKind.NUMBER, AnswerKind.MONEY, AnswerKind.PERCENT, AnswerKind.WHEN)
    return [
        held,
        _unit_match(question.unit, text),
        sum(pair in text for pair in pairs) / len(pairs) if pairs else 0.0,
        min(run, 10) / 10,
        held * counted,
        held * (question.kind is AnswerKind.WHY),
        held * (question.kind in (AnswerKind.WHO, AnswerKind.WHERE)),
        held * (question.kind is AnswerKind.LIST),
        math.log1p(len(text)) / 5,
        float(_STARTS_LEANING.match(text) is not None),
        float(_QUESTION_MARK.search(text) is not None),
    ]
