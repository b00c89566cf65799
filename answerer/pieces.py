"""Question and sentences as the reading network sees them: pieces, and marks of what matches what.

A piece is a unigram of the built-in encoder's tokenizer. A sentence is read with the text before it, which says who 它
and 該公司 are, and in which year. The marks tell the network what small data cannot teach it:
where a word of the question stands in the sentence or near it, how rare it is, and where an answer of the asked kind
may stand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from answerer.asked import Asked
from answerer.features import Candidate, Floats, Matches, kind_spans
from answerer.sentences import word_vectors
from language.folding import fold

QUESTION_PIECES, SENTENCE_PIECES = 32, 64  # what lies beyond is not read
BEFORE_PIECES, BEFORE_CHARACTERS = 32, 80  # of the text before a sentence, the nearest
QUESTION_MARKS, SENTENCE_MARKS = 10, 5
HEAVIEST = 8.0  # the weight (idf) that counts as 1

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Piece ids, int64 [pieces], and their places in the folded text, int64 [pieces, 2]."""

    ids: Ints
    places: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """A question beside some sentences, as the network takes them.

    ``question`` int64 [q], ``question_marks`` float32 [sentences, q, QUESTION_MARKS]; for each sentence the pieces
    before it, int64 [at most BEFORE_PIECES], its own and their marks float32 [pieces, SENTENCE_MARKS]; ``features``
    float32 [sentences, columns of ``sentence_features``].
    """

    question: Ints
    question_marks: Floats
    before: tuple[Ints, ...]
    sentences: tuple[Pieces, ...]
    sentence_marks: tuple[Floats, ...]
    features: Floats

    def of(self, rows: Sequence[int]) -> "Inputs":
        """The question beside those sentences alone."""
        at = list(rows)
        return Inputs(
            self.question,
            self.question_marks[at],
            tuple(self.before[row] for row in at),
            tuple(self.sentences[row] for row in at),
            tuple(self.sentence_marks[row] for row in at),
            self.features[at],
        )


def inputs(question: Asked, text: str, found: Sequence[Candidate], matches: Matches, features: Floats) -> Inputs:
    """What the network reads of the candidates ``found``; ``matches`` and ``features`` are theirs, in order."""
    asked_pieces, marks = question_marks(question, text, matches)
    read = [sentence_marks(question, candidate) for candidate in found]
    before = tuple(pieces_before(candidate.article.body, candidate.start) for candidate in found)
    return Inputs(asked_pieces.ids, marks, before, tuple(p for p, _ in read), tuple(m for _, m in read), features)


@lru_cache(maxsize=20_000)
def pieces(folded: str, most: int) -> Pieces:
    """The first ``most`` pieces of a folded text."""
    ids, places = word_vectors().encoder.pieces(folded)
    return Pieces(np.array(ids[:most], np.int64), np.array(places[:most], np.int64).reshape(-1, 2))


def pieces_before(body: str, start: int) -> Ints:
    """The ids of the last pieces of an article's body before the sentence that starts there."""
    return pieces(fold(body[max(0, start - BEFORE_CHARACTERS) : start]), BEFORE_CHARACTERS).ids[-BEFORE_PIECES:]


def question_marks(question: Asked, text: str, matches: Matches) -> tuple[Pieces, Floats]:
    """The pieces of a question and their marks beside every candidate, float32 [candidates, pieces, QUESTION_MARKS]."""
    folded = fold(text)
    found = pieces(folded, QUESTION_PIECES)
    over = np.zeros((len(found.ids), len(question.words)), bool)  # does the piece overlap the word
    for column, word in enumerate(question.words):
        at = folded.find(word.text)
        while at >= 0:
            over[:, column] |= (found.places[:, 0] < at + len(word.text)) & (found.places[:, 1] > at)
            at = folded.find(word.text, at + 1)
    fixed = np.array(
        [(1, w.weight / HEAVIEST, w.is_focus, w.is_name, w.is_number, w.is_verb) for w in question.words], np.float32
    ).reshape(-1, 6)
    still = np.where(over[:, :, None], fixed[None], 0).max(axis=1, initial=0.0)
    levels = np.stack([matches.exact, matches.soft, matches.near, matches.article], axis=2)  # [candidates, words, 4]
    moving = np.where(over[None, :, :, None], levels[:, None], 0).max(axis=2, initial=0.0)
    marks = np.concatenate([np.broadcast_to(still, (len(moving), *still.shape)), moving], axis=2)
    return found, np.ascontiguousarray(marks, np.float32)


def sentence_marks(question: Asked, candidate: Candidate) -> tuple[Pieces, Floats]:
    """The pieces of a sentence and their marks beside the question, float32 [pieces, SENTENCE_MARKS]."""
    folded = candidate.view.folded
    found = pieces(folded, SENTENCE_PIECES)
    characters = np.zeros((len(folded) + 1, SENTENCE_MARKS), np.float32)
    for word in question.words:
        at = folded.find(word.text)
        while at >= 0:
            characters[at : at + len(word.text), 0] = np.maximum(
                characters[at : at + len(word.text), 0], word.weight / HEAVIEST
            )
            at = folded.find(word.text, at + 1)
    weights = {word.concept: word.weight for word in question.words if word.concept}
    for mention in candidate.view.mentions if weights else ():
        if mention.concept in weights:
            characters[mention.start : mention.end, 0] = weights[mention.concept] / HEAVIEST
    asked_for = question.folded
    for at in range(len(folded) - 1):
        if folded[at : at + 2] in asked_for and not folded[at : at + 2].isspace():
            characters[at : at + 2, 1] = 1.0
    for start, end, fresh in kind_spans(question.kind, folded, asked_for):
        characters[start:end, 2 if fresh else 3] = 1.0
    characters[:-1, 4] = [character.isdigit() for character in folded]
    if not len(found.ids):
        return found, np.zeros((0, SENTENCE_MARKS), np.float32)
    return found, np.maximum.reduceat(characters, found.places.ravel())[::2]  # of start to end; between pieces left out
