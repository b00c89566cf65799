"""Collected thumbs-down as candidate questions, which a person fills in and moves into the question set."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from eval.readers import OutsideSetError, read_lines
from language.folding import without_surrogates
from language.script import detect_script

KIND = "candidate"  # no kind of the set: the checker refuses it until a person has chosen one


def candidates(file: Path, known: Iterable[str]) -> list[dict[str, Any]]:
    """One row of the question set's format for every question thumbed down that is neither known nor repeated.

    ``gold`` and ``words`` are empty; ``feedback`` holds what the asker saw and said, for whoever fills them in.

    Raises:
        OutsideSetError: a row has no question; the message names the line.
        FileNotFoundError: there is no such file.
    """
    seen = set(known)
    made: list[dict[str, Any]] = []
    for place, row in read_lines(file):
        question = row.get("question")
        if not isinstance(question, str) or not question.strip():
            raise OutsideSetError(f"{place}: feedback needs 'question'")
        text = without_surrogates(question).strip()
        if row.get("rating") != "down" or text in seen:
            continue
        seen.add(text)
        made.append(
            {
                "id": f"f-{len(made) + 1:03}",
                "question": text,
                "kind": KIND,
                "script": detect_script(text),
                "answerable": False,
                "gold": [],
                "words": [],
                "history": [],
                "tags": [],
                "feedback": {name: row.get(name) for name in ("time", "reason", "answer", "citations", "index")},
            }
        )
    return made


def candidate_lines(rows: Iterable[dict[str, Any]]) -> str:
    """The rows as JSON Lines; what is no text in them is replaced."""
    return "".join(without_surrogates(json.dumps(row, ensure_ascii=False)) + "\n" for row in rows)
