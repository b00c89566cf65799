"""The reading network at run time, in numpy: a small transformer that reads question and sentence together.

Its lower blocks read the question and each sentence alone, so that what they make of a sentence is kept for later
questions; its upper blocks read both side by side, with the marks of ``pieces.py`` and the numbers of ``features.py``
added, and give a score (the log-odds that the sentence answers, against that nothing does) and for each piece the
log-odds that it belongs to the answering words. Pre-norm blocks as in GPT-2 (Radford et al. 2019) with ReLU; the split
into separate and joint layers is that of PreTTR (MacAvaney et al. 2020). ``torch_network.py`` is the same network for
training, and a test proves that both give the same numbers.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from answerer.pieces import Inputs, Ints

KEPT = 4_000  # sentences whose lower reading is remembered: about 40 MB
MASKED = np.float32(-1e4)
_EPSILON = 1e-5  # of the layer normalisation, as in torch

Floats = npt.NDArray[np.float32]


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

    def __call__(self, x: Floats, mask: Floats, heads: int) -> Floats:
        """``x`` float32 [texts, pieces, width] → the same; ``mask`` [texts, 1, 1, pieces] is added to the scores."""
        n, t, d = x.shape
        parts = (normalised(x).reshape(-1, d) @ self.qkv + self.qkv_bias).reshape(n, t, 3, heads, d // heads)
        q, k, v = parts.transpose(2, 0, 3, 1, 4)
        weights = q @ k.transpose(0, 1, 3, 2)
        weights *= np.float32((d // heads) ** -0.5)
        weights += mask
        weights -= weights.max(axis=3, keepdims=True)
        np.exp(weights, out=weights)
        weights /= weights.sum(axis=3, keepdims=True)
        attended = (weights @ v).transpose(0, 2, 1, 3).reshape(-1, d)
        x = x + (attended @ self.out + self.out_bias).reshape(n, t, d)
        hidden = np.maximum(normalised(x).reshape(-1, d) @ self.up + self.up_bias, 0)
        return np.asarray(x + (hidden @ self.down + self.down_bias).reshape(n, t, d), np.float32)


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
        self._word, self._word_bias = part("word"), float(weights["word_bias"])
        self._kept: OrderedDict[bytes, npt.NDArray[np.float16]] = OrderedDict()

    def read(self, inputs: Inputs) -> tuple[Floats, list[Floats]]:
        """Scores float32 [sentences] and for each sentence the log-odds of its pieces, float32 [pieces]."""
        sentences = [pieces.ids for pieces in inputs.sentences]
        n, q, s = len(sentences), len(inputs.question), max(map(len, sentences))
        x = np.zeros((n, 1 + q + s, self._reader.shape[0]), np.float32)
        mask = np.zeros((n, 1, 1, 1 + q + s), np.float32)
        rows = np.clip((inputs.features - self._mean) * self._scale, -self._clip, self._clip)
        x[:, 0] = self._reader + rows @ self._features + self._features_bias
        asked = self._lower_reading([inputs.question], 0)[0]
        x[:, 1 : 1 + q] = asked + (inputs.question_marks @ self._question_marks + self._question_bias)
        for row, (reading, marks) in enumerate(zip(self._readings(sentences), inputs.sentence_marks, strict=True)):
            end = 1 + q + len(reading)
            x[row, 1 + q : end] = reading + (marks @ self._sentence_marks + self._sentence_bias)
            mask[row, :, :, end:] = MASKED
        for block in self._upper:
            x = block(x, mask, self._heads)
        x = normalised(x)
        hidden = np.maximum(x[:, 0] @ self._inner + self._inner_bias, 0)
        words = x[:, 1 + q :] @ self._word + self._word_bias
        scores = np.asarray(hidden @ self._outer + self._outer_bias, np.float32)
        return scores, [words[row, : len(ids)] for row, ids in enumerate(sentences)]

    def _readings(self, sentences: Sequence[Ints]) -> list[Floats]:
        """What the lower blocks make of each sentence, float32 [pieces, width]; remembered."""
        keys = [ids.tobytes() for ids in sentences]
        new = {key: ids for key, ids in zip(keys, sentences, strict=True) if key not in self._kept}
        if new:
            for key, reading in zip(new, self._lower_reading(list(new.values()), 1), strict=True):
                self._kept[key] = reading.astype(np.float16)
        readings = []
        for key in keys:
            self._kept.move_to_end(key)
            readings.append(self._kept[key].astype(np.float32))
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return readings

    def _lower_reading(self, texts: Sequence[Ints], kind: int) -> list[Floats]:
        """Each text by itself; ``kind`` 0 is a question, 1 a sentence."""
        longest = max(map(len, texts))
        x = np.zeros((len(texts), longest, self._reader.shape[0]), np.float32)
        mask = np.zeros((len(texts), 1, 1, longest), np.float32)
        for row, ids in enumerate(texts):
            x[row, : len(ids)] = self._rows[ids].astype(np.float32) * self._steps[ids, None]
            mask[row, :, :, len(ids) :] = MASKED
        x += self._position[:longest] + self._kind[kind]
        for block in self._lower:
            x = block(x, mask, self._heads)
        return [x[row, : len(ids)] for row, ids in enumerate(texts)]
