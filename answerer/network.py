"""The reading network at run time, in numpy: a small transformer that reads question and sentence together.

Its lower blocks read the question alone, and each sentence with the text before it, so that what they make of a
sentence is kept for later questions; its upper blocks read both side by side, with the marks of ``pieces.py`` and the
numbers of ``features.py`` added, and give a score. Texts lie one behind the other, so that nothing is computed for
padding. Pre-norm blocks as in GPT-2 (Radford et al. 2019) with ReLU; the split into separate and joint layers is that
of PreTTR (MacAvaney et al. 2020). ``torch_network.py`` is the same network for training, and a test proves that both
give the same numbers.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from answerer.pieces import Inputs, Ints

KEPT = 4_000  # sentences whose lower reading is remembered: about 40 MB
AT_ONCE = 64  # sentences read together when many are
QUESTION, SENTENCE, BEFORE = range(3)  # kinds of text, each with a row of its own added to its pieces
_EPSILON = 1e-5  # of the layer normalisation, as in torch

Floats = npt.NDArray[np.float32]

_NOTHING: Ints = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One transformer block; the gains and biases of its two normalisations are folded into ``qkv`` and ``up``.

    Weights float32 [in, out], biases float32 [out].
    """

    qkv: Floats
    qkv_bias: Floats
    out: Floats
    out_bias: Floats
    up: Floats
    up_bias: Floats
    down: Floats
    down_bias: Floats

    def __call__(self, x: Floats, ends: Sequence[int], heads: int) -> Floats:
        """Texts one behind the other, float32 [pieces, width] → the same; a text ends before each of ``ends``."""
        q, k, v = np.split(normalised(x) @ self.qkv + self.qkv_bias, 3, axis=1)
        attended = np.empty_like(x)
        for first, end in pairwise((0, *ends)):
            attended[first:end] = attention(q[first:end], k[first:end], v[first:end], heads)
        return self._after(x, attended)

    def first_of_each(self, x: Floats, ends: Sequence[int], heads: int) -> Floats:
        """The same for the first piece of each text alone, float32 [texts, width]."""
        firsts = [0, *ends[:-1]]
        width = x.shape[1]
        whole = normalised(x)
        q = whole[firsts] @ self.qkv[:, :width] + self.qkv_bias[:width]
        k, v = np.split(whole @ self.qkv[:, width:] + self.qkv_bias[width:], 2, axis=1)
        attended = np.concatenate(
            [attention(q[row : row + 1], k[a:b], v[a:b], heads) for row, (a, b) in enumerate(pairwise((0, *ends)))]
        )
        return self._after(x[firsts], attended)

    def _after(self, x: Floats, attended: Floats) -> Floats:
        x = x + attended @ self.out + self.out_bias
        hidden = np.maximum(normalised(x) @ self.up + self.up_bias, 0)
        return np.asarray(x + hidden @ self.down + self.down_bias, np.float32)


def attention(q: Floats, k: Floats, v: Floats, heads: int) -> Floats:
    """Scaled dot-product attention (Vaswani et al. 2017) of one text; float32 [queries, width] and [pieces, width]."""
    width = q.shape[1]
    parts = (m.reshape(len(m), heads, width // heads).transpose(1, 0, 2) for m in (q, k, v))
    queries, keys, values = parts
    weights = queries @ keys.transpose(0, 2, 1) * np.float32((width // heads) ** -0.5)
    weights = np.exp(weights - weights.max(axis=2, keepdims=True))
    weights /= weights.sum(axis=2, keepdims=True)
    return np.asarray((weights @ values).transpose(1, 0, 2).reshape(len(q), width), np.float32)


def normalised(x: Floats) -> Floats:
    """Zero mean and unit variance over the last axis."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.einsum("...d,...d->...", centred, centred)[..., None] / x.shape[-1]
    return np.asarray(centred / np.sqrt(variance + _EPSILON), np.float32)


class Network:
    """The trained network; ``weights`` as ``torch_network.export`` writes them."""

    def __init__(self, weights: Mapping[str, npt.NDArray[np.generic]]) -> None:
        def part(name: str) -> Floats:
            return np.asarray(weights[name], np.float32)

        def blocks(level: str) -> list[Block]:
            count = sum(name.startswith(f"{level}.") and name.endswith(".qkv") for name in weights)
            return [Block(*(part(f"{level}.{row}.{name}") for name in Block.__slots__)) for row in range(count)]

        self._rows = np.asarray(weights["rows"])  # int8 [pieces, width], each row with its own step
        self._steps = part("steps")
        self._position, self._kind, self._reader = part("position"), part("kind"), part("reader")
        self._lower, self._upper = blocks("lower"), blocks("upper")
        self._heads = int(weights["heads"])
        self._question_marks, self._question_bias = part("question_marks"), part("question_marks_bias")
        self._sentence_marks, self._sentence_bias = part("sentence_marks"), part("sentence_marks_bias")
        self._mean, self._scale, self._clip = part("mean"), part("scale"), float(weights["clip"])
        self._features, self._features_bias = part("features"), part("features_bias")
        self._inner, self._inner_bias = part("inner"), part("inner_bias")
        self._outer, self._outer_bias = part("outer"), float(weights["outer_bias"])
        self._kept: OrderedDict[tuple[bytes, bytes], npt.NDArray[np.float16]] = OrderedDict()
        self._reading = threading.Lock()

    def read(self, inputs: Inputs) -> Floats:
        """The score of each sentence, float32 [sentences]: the log-odds that it answers against that nothing does."""
        rows = np.clip((inputs.features - self._mean) * self._scale, -self._clip, self._clip)
        readers = self._reader + rows @ self._features + self._features_bias
        asked = self._alone([inputs.question], [_NOTHING], QUESTION)[0]
        asked = asked + (inputs.question_marks @ self._question_marks + self._question_bias)
        sentences = self._readings(inputs.before, [pieces.ids for pieces in inputs.sentences])
        parts: list[Floats] = []
        for reader, question, sentence, marks in zip(readers, asked, sentences, inputs.sentence_marks, strict=True):
            parts += [reader[None], question, sentence + (marks @ self._sentence_marks + self._sentence_bias)]
        x = np.concatenate(parts)
        ends = np.cumsum([1 + len(inputs.question) + len(sentence) for sentence in sentences]).tolist()
        for block in self._upper[:-1]:
            x = block(x, ends, self._heads)
        read = normalised(self._upper[-1].first_of_each(x, ends, self._heads))
        hidden = np.maximum(read @ self._inner + self._inner_bias, 0)
        return np.asarray(hidden @ self._outer + self._outer_bias, np.float32)

    def remember(self, before: Sequence[Ints], sentences: Sequence[Ints]) -> None:
        """Read sentences, and what stands before each, now and not at the first question that needs them."""
        for first in range(0, len(sentences), AT_ONCE):
            self._readings(before[first : first + AT_ONCE], sentences[first : first + AT_ONCE])

    def _readings(self, before: Sequence[Ints], sentences: Sequence[Ints]) -> list[Floats]:
        """What the lower blocks make of each sentence, float32 [pieces, width]; remembered."""
        keys = [(context.tobytes(), ids.tobytes()) for context, ids in zip(before, sentences, strict=True)]
        with self._reading:  # endpoints ask from several threads
            new = {
                key: (context, ids)
                for key, context, ids in zip(keys, before, sentences, strict=True)
                if key not in self._kept
            }
            if new:
                contexts, texts = zip(*new.values(), strict=True)
                for key, reading in zip(new, self._alone(texts, contexts, SENTENCE), strict=True):
                    self._kept[key] = reading.astype(np.float16)
            readings = []
            for key in keys:
                self._kept.move_to_end(key)
                readings.append(self._kept[key].astype(np.float32))
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return readings

    def _alone(self, texts: Sequence[Ints], before: Sequence[Ints], kind: int) -> list[Floats]:
        """What the lower blocks make of each text after what stands ``before`` it, float32 [pieces, width]."""
        both = [part for pair in zip(before, texts, strict=True) for part in pair]
        ids = np.concatenate(both)
        places = np.concatenate(
            [np.arange(len(part))[::-1] if i % 2 == 0 else np.arange(len(part)) for i, part in enumerate(both)]
        )
        kinds = np.repeat([BEFORE, kind] * len(texts), [len(part) for part in both])
        x = self._rows[ids].astype(np.float32) * self._steps[ids, None] + self._position[places] + self._kind[kinds]
        bounds = np.cumsum([len(part) for part in both]).tolist()
        for block in self._lower:
            x = block(x, bounds[1::2], self._heads)
        return [x[first:end] for first, end in zip(bounds[::2], bounds[1::2], strict=True)]
