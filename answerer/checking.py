"""Check one generated sentence against the text it cites, so that a language model cannot say what no article says.

Every figure, date, unit and Latin name of the sentence must stand in the cited text, what the text denies must not be
affirmed, nor what falls be told to rise, and enough of the sentence's wording must be the text's. Both are folded and
the lexicon's regional words unified first: 晶片 covers 芯片 and NVIDIA covers 輝達. Not covered: who did what to whom,
two cited figures exchanged, or a Han name that the lexicon does not know.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from language import lexicon
from language.figures import Figure, figures, missing_figures
from language.folding import converter, fold
from language.frequency import idf
from language.script import render
from language.segmentation import tagged_words

# Of a sentence's bigrams. Measured on 1,069 sentences of model-written news summaries (CRUD-RAG) against all runs of
# one to three sentences: at 0.5 the check passes .88 of them on their own article (a date that leads a summary taken
# off) and .036 on the article most like it, which is often about the same event.
MIN_COVERAGE = 0.5

_HAN = "㐀-鿿豈-﫿\U00020000-\U000323af"
_HAN_RUN = re.compile(f"[{_HAN}]+")
_LETTER = rf"[^\W\d_{_HAN}]"
_NAME = re.compile(rf"{_LETTER}[^\W_{_HAN}]*")
_JOINTS = re.compile(r"[\s\-·.'’&]+")  # GPT-4 and GPT4, CES 2026 and CES2026 are one name
_PROPER = ("nr", "ns", "nt", "nz", "j")  # jieba's tags of people, places, organisations, brands and short names
_RARE = 6.5  # idf from which a noun is as telling as a name (火星 6.9; 工厂 4.4)
_FUNCTION = re.compile(
    "表示|指出|认为|报道|显示|目前|其中|因此|由于|以及|同时|此外|另外|然而|不过|如果|虽然|因为|所以|根据|为了|通过|进行|关于|对于|已经|这些|那些|一个"
    "|[的了着过地得是在和与及以而也就都还又被把对从向于为之其这那该此并且但或等所由将会能可要让使更最较约仅只已曾则即若如据至到出来去上下中内后前时]"
)
_NOT = re.compile(r"(?:没有|并非|绝不|无法|尚未|从未|不会|不是|不能|不再|不|没|未)(?=([㐀-鿿]{2}))")
_NEGATORS = frozenset("不没未无")
_NEGATOR_REACH = 5  # characters in front of a word in which a negator denies it
_RISE = re.compile(r"涨|升(?!级)|增(?!程)|提高|走高|扩大")
_FALL = re.compile(r"跌|降(?!级|噪)|减(?!排|碳)|下滑|走低|回落|萎缩|缩小")
_TIMES = frozenset({"年", "月", "日", "季度"})  # much happens in one year
_CLAUSE_END = re.compile(r"[,。;、!?\n]")


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found: ``missing`` are the words (folded) that the text lacks; ``coverage`` is 0 to 1."""

    supported: bool
    missing: tuple[str, ...]
    coverage: float


@dataclass(frozen=True, slots=True)
class _Wording:
    """A text ready to compare: folded, and with every regional variant replaced by its concept."""

    folded: str
    unified: str


def check(sentence: str, cited: str, min_coverage: float = MIN_COVERAGE) -> Check:
    """Check ``sentence`` (without markers) against ``cited``, one or more sentences of articles.

    Coverage is the share of the sentence's distinct Han bigrams, function words left out, that stand in the cited text.
    A sentence without Han text is covered wholly when it has a name or figure and none is missing, otherwise not at
    all.
    """
    claim, text = _wording(sentence), _wording(cited)
    missing = (
        *missing_figures(claim.folded, text.folded),
        *_missing_names(claim, text),
        *_missing_words(sentence, cited),
        *_contradictions(claim.unified, text.unified),
        *_turned_figures(claim.folded, text.folded),
    )
    coverage = _coverage(claim, text, bool(missing))
    return Check(not missing and coverage >= min_coverage, missing, coverage)


def denied(sentence: str, cited: str) -> list[str]:
    """What ``sentence`` affirms and ``cited`` only denies, or the reverse, folded."""
    return list(_contradictions(_wording(sentence).unified, _wording(cited).unified))


@lru_cache(maxsize=4096)
def _wording(text: str) -> _Wording:
    folded = fold(text)
    parts, at = [], 0
    for mention in lexicon.mentions(folded):
        parts += [folded[at : mention.start], mention.concept]
        at = mention.end
    return _Wording(folded, "".join([*parts, folded[at:]]))


def _missing_names(claim: _Wording, text: _Wording) -> Iterator[str]:
    """Yield Latin names, units aside, and the lexicon's proper names that the claim has and the text has not."""
    units = [range(figure.start, figure.end) for figure in figures(claim.unified)]
    both = f"{text.folded}\n{text.unified}"
    places = (both, _JOINTS.sub("", both))
    for name in _NAME.finditer(claim.unified):
        edge = r"(?!\d)" if name[0][-1].isdigit() else f"(?!{_LETTER})"
        pattern = re.compile(f"(?<!{_LETTER}){re.escape(name[0])}{edge}")
        if not (any(name.start() in unit for unit in units) or any(map(pattern.search, places))):
            yield name[0]
    for mention in lexicon.mentions(claim.folded):
        is_name = claim.folded[mention.start].isascii() or is_proper(mention.concept)
        if is_name and mention.concept not in text.unified:
            yield claim.folded[mention.start : mention.end]


def _missing_words(claim: str, text: str) -> Iterator[str]:
    """Yield names and rare nouns outside the lexicon that the claim has and the text has not, in mainland words."""
    here, there = (fold(converter("hk2sp").convert(render(side, "zh-CN"))) for side in (claim, text))
    concepts = [range(mention.start, mention.end) for mention in lexicon.mentions(here)]
    for word in tagged_words(here):
        telling = word.tag.startswith(_PROPER) or (word.tag == "n" and idf(word.text) >= _RARE)
        known = word.text in there or any(word.start in concept for concept in concepts)
        if telling and len(word.text) > 1 and word.text[0] >= "㐀" and not known:
            yield word.text


@lru_cache(maxsize=4096)
def is_proper(concept: str) -> bool:
    """Does a concept of the lexicon name someone or something, as 台积电 does and 芯片 does not?"""
    return any(word.tag.startswith(_PROPER) for word in tagged_words(concept))


def _contradictions(claim: str, text: str) -> Iterator[str]:
    """Yield what the claim affirms and the text only denies, or the reverse."""
    for one, other in ((claim, text), (text, claim)):
        for denial in _NOT.finditer(one):
            word = denial[1]
            if not _FUNCTION.search(word) and _polarities(word, one) == {False} and _polarities(word, other) == {True}:
                yield denial[0] + word


def _turned_figures(claim: str, text: str) -> Iterator[str]:
    """Yield the clauses of the claim in which a figure rises that only falls in the text, or the reverse."""
    known = figures(text)
    for figure in figures(claim):
        if figure.unit in _TIMES:
            continue
        clause = _clause(claim, figure)
        same = {_direction(_clause(text, other)) for other in known if other.value == figure.value}
        if _direction(clause) and same == {-_direction(clause)}:
            yield clause.strip()


def _clause(text: str, figure: Figure) -> str:
    before = [mark.end() for mark in _CLAUSE_END.finditer(text, 0, figure.start)]
    after = _CLAUSE_END.search(text, figure.end)
    return text[before[-1] if before else 0 : after.start() if after else len(text)]


def _direction(clause: str) -> int:
    """Tell whether a clause speaks of a rise (1) or a fall (-1); 0 for neither and for both."""
    return bool(_RISE.search(clause)) - bool(_FALL.search(clause))


def _polarities(word: str, text: str) -> set[bool]:
    """Tell whether ``word`` is affirmed (true), denied (false) or both in the text."""
    found = set()
    for place in re.finditer(re.escape(word), text):
        found.add(not _NEGATORS & set(text[max(0, place.start() - _NEGATOR_REACH) : place.start()]))
    return found


def _coverage(claim: _Wording, text: _Wording, lacks: bool) -> float:
    bigrams = _bigrams(claim.unified)
    if not bigrams:
        return float(not lacks and bool(_NAME.search(claim.unified) or figures(claim.folded)))
    return sum(bigram in text.unified for bigram in bigrams) / len(bigrams)


def _bigrams(text: str) -> set[str]:
    pairs = set()
    for run in _HAN_RUN.findall(_FUNCTION.sub(" ", text)):
        pairs |= {run} if len(run) == 1 else {run[at : at + 2] for at in range(len(run) - 1)}
    return pairs
