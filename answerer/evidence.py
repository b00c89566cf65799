"""Evidence: the numbered sentences that a language model may answer from, and the copy of them that it reads.

The copy is for the prompt alone: hidden characters are left out and brackets replaced, so that no article can forge a
marker, a delimiter of the prompt or a chat token. What is quoted is always taken from the article by offset.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from language.folding import without_surrogates
from language.sentences import SentenceKind
from retriever.hits import Hit

BUDGET = 6_000  # characters of all sentences together

_BRACKETS = str.maketrans("[]［］【】<>", "〔〕〔〕〔〕＜＞")
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cn", "Zl", "Zp"})  # controls, zero-width, bidi, Tags block, private use
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # seen as nothing, though not in those classes


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sentence ``hit.article.body[start:end]`` under its number; ``text`` is the prompt's copy."""

    number: int
    hit: Hit
    start: int
    end: int
    text: str

    def adjoins(self, other: "Evidence") -> bool:
        """Tell whether ``other`` comes next in the same article with at most white space between."""
        article = self.hit.article
        if article.id != other.hit.article.id or other.start < self.end:
            return False
        return not article.body[self.end : other.start].strip()


def number_sentences(hits: Sequence[Hit], budget: int = BUDGET) -> tuple[Evidence, ...]:
    """Give numbers to the text sentences of the hits, from 1, each once, within ``budget`` characters.

    Sentences are taken by the rank of their hit, then put in the order of their article, so that neighbours get
    neighbouring numbers.
    """
    taken: dict[str, dict[int, Evidence]] = {}
    for hit in hits:
        sentences = taken.setdefault(hit.article.id, {})
        for span in hit.passage.sentences:
            length = span.end - span.start
            if span.kind is SentenceKind.TEXT and span.start not in sentences and length <= budget:
                budget -= length
                text = visible(hit.article.body[span.start : span.end])
                sentences[span.start] = Evidence(0, hit, span.start, span.end, text)
    ordered = [sentences[start] for sentences in taken.values() for start in sorted(sentences)]
    return tuple(Evidence(at, one.hit, one.start, one.end, one.text) for at, one in enumerate(ordered, 1))


def listing(evidence: Sequence[Evidence]) -> str:
    """Write the numbered sentences out for the prompt, under the title and source of their article."""
    lines: list[str] = []
    shown = ""
    for one in evidence:
        article = one.hit.article
        if article.id != shown:
            shown = article.id
            lines.append(f"《{visible(article.title)}》 {visible(article.source)}")
        lines.append(f"[{one.number}] {one.text}")
    return "\n".join(lines)


def visible(text: str) -> str:
    """Return what a reader would see of ``text``, on one line, its brackets made harmless to the prompt."""
    spaced = "".join(" " if character.isspace() else character for character in without_surrogates(text))
    shown = "".join(character for character in spaced if not _is_hidden(character))
    return " ".join(shown.translate(_BRACKETS).split())


def _is_hidden(character: str) -> bool:
    selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    return selector or character in _BLANKS or unicodedata.category(character) in _HIDDEN
