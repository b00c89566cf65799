"""What is measured on the own set: every measure's name, what it is, and over which questions it is a mean.

``docs/evaluation.md`` defines each with its source. A figure is the mean of a value per question, so every figure has
an interval and every difference between two runs has a paired test.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure. ``over`` says over which questions; ``flag``: a question's value is 0 or 1; ``good``: 1 is better.

    ``paired``: the same questions count in every run, whatever the answers, so that two runs can be compared.
    """

    name: str
    title: str
    over: str
    flag: bool = True
    good: bool = True
    paired: bool = True


ANSWERABLE = "answerable"
ANSWERED = "answerable and answered"
GROUPS: dict[str, tuple[Measure, ...]] = {
    "Answer": (
        Measure("gold_words_held", "gold words in the cited sentences", ANSWERABLE),
        Measure("gold_words_share", "share of the groups of gold words cited", ANSWERABLE, flag=False),
        Measure("first_citation", "gold words in the first citation", ANSWERABLE),
        Measure("gold_span_cited", "a gold span is cited", ANSWERABLE),
        Measure("exact", "a citation is a gold span, character for character", ANSWERED, paired=False),
        Measure("span_f1", "character F1 of the cited words", ANSWERED, flag=False, paired=False),
    ),
    "Citations": (
        Measure("citation_precision", "citations on a gold span", ANSWERED, flag=False, paired=False),
        Measure("citation_recall", "statements borne out by a citation on a gold span", ANSWERED, False, paired=False),
        Measure("verbatim", "quotes that are the article's text", "answered", flag=False, paired=False),
    ),
    "Refusal": (
        Measure("refused", "unanswerable, refused (recall)", "unanswerable"),
        Measure("refusal_precision", "refused, unanswerable (precision)", "refused", paired=False),
        Measure("wrongly_refused", "answerable, refused all the same", ANSWERABLE, good=False),
    ),
    "Passages": (
        Measure("passage_r@1", "a gold passage first", ANSWERABLE),
        Measure("passage_r@5", "a gold passage among 5", ANSWERABLE),
        Measure("passage_r@10", "a gold passage among 10", ANSWERABLE),
        Measure("passage_mrr@10", "mean reciprocal rank of passages", ANSWERABLE, flag=False),
        Measure("passage_ndcg@10", "nDCG of passages", ANSWERABLE, flag=False),
    ),
    "Sentences": (
        Measure("sentence_r@1", "a gold sentence first", ANSWERABLE),
        Measure("sentence_r@5", "a gold sentence among 5", ANSWERABLE),
        Measure("sentence_r@10", "a gold sentence among 10", ANSWERABLE),
        Measure("sentence_recall@10", "share of gold sentences among 10", ANSWERABLE, flag=False),
        Measure("sentence_mrr@10", "mean reciprocal rank of sentences", ANSWERABLE, flag=False),
        Measure("sentence_ndcg@10", "nDCG of sentences", ANSWERABLE, flag=False),
    ),
    "Script": (
        Measure("right_region", "answered in the asker's region", "all"),
        Measure("right_characters", "text in the asker's characters", "answered", paired=False),
        Measure("parity_passage", "same first passage in the other scripts", "all with a variant", flag=False),
        Measure("parity_citation", "same citations in the other scripts", "all with a variant", flag=False),
    ),
    "Judge": (Measure("judged_right", "a language model finds the answer right", ANSWERED, flag=False, paired=False),),
}
MEASURES: dict[str, Measure] = {measure.name: measure for group in GROUPS.values() for measure in group}
