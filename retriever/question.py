"""A question as the retriever and the answerer see it."""

from dataclasses import dataclass

from language.analysis import Term, terms
from language.script import Script, detect_script


@dataclass(frozen=True, slots=True)
class Question:
    """The question as it is searched for, the script to answer in, its terms (places are offsets into ``text``).

    ``typed`` is what the asker wrote; ``text`` differs from it where the conversation completes it, by ``earlier``, the
    question before it made whole in the same way, or "".
    """

    text: str
    script: Script
    terms: tuple[Term, ...]
    typed: str
    earlier: str = ""


def analyse_question(text: str, script: Script | None = None) -> Question:
    """Analyse a question; ``script`` overrides the one it is written in."""
    return Question(text, script or detect_script(text), tuple(terms(text)), text)
