"""What a question asks for: the kind of answer it wants, and the content words that an answer must be about."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from language import lexicon
from language.folding import fold
from language.frequency import idf, listed
from language.interrogatives import without_asking
from language.segmentation import Word, tagged_words


class AnswerKind(StrEnum):
    """The kind of answer a question wants."""

    SUMMARY = "summary"
    WHY = "why"
    WHEN = "when"
    MONEY = "money"
    PERCENT = "percent"
    NUMBER = "number"
    WHO = "who"
    WHERE = "where"
    LIST = "list"
    COMPARE = "compare"
    HOW = "how"
    YES_NO = "yes_no"
    WHAT = "what"


# Tried in this order on the folded question; Cantonese forms (点解, 边个, 几多, 咩) stand beside the Mandarin ones.
_KINDS: tuple[tuple[AnswerKind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (
            AnswerKind.SUMMARY,
            r"(?:讲|说|写|谈|介绍)(?:了|的是|的)?(?:些)?(?:什么|咩|啥)(?:内容|事情?)?[?。]*$|概括|总结|主要内容"
            r"|大意|摘要|重点是什么|主旨",
        ),
        (AnswerKind.WHY, r"为什么|为何|为啥|点解|何以|原因|怎么会|凭什么|干嘛|理由|缘由|因为什么|what.*reason|why"),
        (
            AnswerKind.LIST,
            r"哪些|哪几|边啲|边[几两二三四五六]|有什么|有咩|有啥|哪(?:两|三|四|五|六|\d)|(?:两|三|四|五|六|\d)(?:大|条|个|种"
            r"|项|点|方面|步).{0,12}(?:是什么|分别|是哪|有哪)|分别是(?!多少|几)|列出|包括什么|which .*s ",
        ),
        (
            AnswerKind.COMPARE,
            r"相比|比较|区别|差别|不同|差异|对比|哪个更|谁更|边个更|还是.*[?]|相差|差多少|差几|谁多|谁高|高还是"
            r"|多还是",
        ),
        (
            AnswerKind.WHEN,
            r"什么时候|何时|哪年|哪一年|几年(?!时间)|哪天|哪一天|几月|几号|哪个月|什么时间|哪(?:一|个)?(?:季度"
            r"|时候)|几时|边年|啥时|多久以?后|几点|when|何年|何月|何日|日期",
        ),
        (
            AnswerKind.PERCENT,
            r"百分|%|占比|比例|比重|增速|增幅|跌幅|涨幅|降幅|增长率|渗透率|市占率|良率|税率|同比|份额|(?:增长"
            r"|下滑|下降|上涨|上升|跌|涨|增|降)了?(?:多少|几多|几成)|几成|关税.{0,6}(?:多少|几多)",
        ),
        (
            AnswerKind.MONEY,
            r"(?:多少|几多|几)(?:钱|元|美元|美金|欧元|亿|块)|价格|售价|成本|金额|费用|市值|营收|收入|利润|索赔"
            r"|罚款|贵不贵|多贵|多便宜|价位|how much",
        ),
        (
            AnswerKind.NUMBER,
            r"多少|几多|几(?=[个辆台家款条项座间位名次倍岁人万千百亿张种年天])|多大|多高|多长|多久|多快|多远"
            r"|数量|销量|产量|规模|how many|第几|多重",
        ),
        (AnswerKind.WHO, r"谁|哪位|边个|边位|什么人|何人|哪个人|哪一位|是何许人|叫什么名|who"),
        (
            AnswerKind.WHERE,
            r"哪里|那里|哪儿|何处|什么地方|哪个(?:城市|国家|地区|省|地方|州|市|工厂)|哪座|边度|在哪|何地|哪国"
            r"|哪一(?:城|国|地|座)|where",
        ),
        (AnswerKind.HOW, r"怎么|怎样|如何|点样|点(?=做|整|搞|解决)|咋|方式|方法|步骤|how"),
        (AnswerKind.YES_NO, r"[吗嘛]|是否|有没有|有冇|是不是|会不会|能不能|可不可以|可否|系咪|会唔会"),
    )
)

_INTERROGATIVE = re.compile(
    r"什么(?:时候|时间|地方|样|人)?|为什么|为何|为啥|点解|何时|何处|哪[一二两三]?[年天个家位里儿些几种座国]?"
    r"|几时|边[个度啲]|(?:多少|几多)|多[久大高长快]"
    r"|几(?=[个辆台家款条项座间位名次倍岁人万千百亿张种年天月号分点趴字])|怎么样?|怎样|如何|点样|谁|咩|啥"
)
_UNIT = re.compile(r"(?:多少|几多|几)(?:个)?(?:百|千|万|亿)*([一-鿿]{1,2})")
_FOCUS = 2  # characters between a word and the interrogative within which the word says what is asked of
_DROPPED_TAGS = {"x", "u", "y", "p", "c", "e", "o", "k", "q", "w", "z", "r"}
NAME_TAGS = frozenset(("nr", "ns", "nt", "nz", "nrt", "nrfg", "eng"))
ORDINARY = 4.5  # weight of a number, and at most of a word that the news counts do not list (often a bad cut)
_NUMBER = re.compile(r"\d+(?:\.\d+)?%?")


@dataclass(frozen=True, slots=True)
class ContentWord:
    """A word the answer should be about. ``weight`` is its idf in general news; ``concept`` its lexicon concept or ''.

    ``is_focus``: it stands beside the interrogative (多少员工, 配额是几辆).
    """

    text: str
    concept: str
    weight: float
    is_name: bool
    is_number: bool
    is_verb: bool
    is_focus: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question asks: kind of answer, content words in order, and the folded question without asking words.

    ``unit`` is the counted noun or measure of a quantity question (几辆 → 辆), or ''.
    """

    kind: AnswerKind
    words: tuple[ContentWord, ...]
    folded: str
    unit: str


def answer_kind(folded: str) -> AnswerKind:
    """The kind of answer that a folded question wants; ``WHAT`` where nothing else shows."""
    return next((kind for kind, pattern in _KINDS if pattern.search(folded)), AnswerKind.WHAT)


@lru_cache(maxsize=512)
def asked(text: str) -> Asked:
    """Read a question in its original text."""
    folded = fold(text)
    content = without_asking(folded)
    marks = [match.span() for match in _INTERROGATIVE.finditer(folded)]
    found: list[ContentWord] = []
    covered = [False] * len(content)
    for mention in lexicon.mentions(content):
        covered[mention.start : mention.end] = [True] * (mention.end - mention.start)
        found.append(_word(content[mention.start : mention.end], mention.concept, "nz", _beside(mention, marks)))
    for word in tagged_words(content):
        if any(covered[word.start : word.end]) or not any(c.isalnum() for c in word.text):
            continue
        number = _NUMBER.fullmatch(word.text)
        if number or (word.tag[:1] not in _DROPPED_TAGS and idf(word.text) > 1.0) or word.tag in NAME_TAGS:
            found.append(_word(word.text, "", word.tag, _beside(word, marks)))
    unique = {word.text: word for word in found}
    unit = _UNIT.search(folded)
    return Asked(answer_kind(folded), tuple(unique.values()), content, unit.group(1) if unit else "")


def _beside(place: "lexicon.Mention | Word", marks: Sequence[tuple[int, int]]) -> bool:
    return any(start - place.end <= _FOCUS and place.start - end <= _FOCUS for start, end in marks)


def _word(text: str, concept: str, tag: str, focus: bool) -> ContentWord:
    number = _NUMBER.fullmatch(text) is not None
    name = tag in NAME_TAGS and not number
    weight = max(idf(text), idf(concept)) if concept else idf(text)
    if number or not (name or listed(text)):
        weight = min(weight, ORDINARY)
    return ContentWord(text, concept, weight, name, number, tag[:1] == "v", focus)
