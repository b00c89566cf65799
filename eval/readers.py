"""Outside sets in the forms they are published in, as rows of the one form that the runner reads.

Rows are ``{id, text, title}`` for documents and ``{qid, query, gold, answers, answerable}`` for queries. They come from
``.jsonl`` and ``.jsonl.xz`` files as they are, from SQuAD-style JSON (DRCD, CMRC2018, XQuAD), from BEIR folders
(``corpus.jsonl``, ``queries.jsonl``, ``qrels/*.tsv``) and from CRUD-RAG's question JSON. One published file holds
documents and queries: give it for both.
"""

import csv
import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Row = tuple[str, dict[str, Any]]  # where it stands, for error messages, and what it holds

CRUD_TASKS = ("questanswer_1doc", "questanswer_2docs", "questanswer_3docs")
NEWS = ("news1", "news2", "news3")
JUDGEMENTS = "test.tsv"  # of a BEIR folder, where none is named


class OutsideSetError(ValueError):
    """An outside set cannot be read; the message names the file, the line and what is missing."""


def document_rows(path: Path) -> Iterator[Row]:
    """The documents of a set, whichever form it is published in.

    Raises:
        OutsideSetError: a file cannot be read, or has none of the forms.
        FileNotFoundError: there is no such file.
    """
    if folder := _beir(path):
        rows = read_lines(folder / "corpus.jsonl")
        return ((place, {**row, "id": row.get("_id", place)}) for place, row in rows)
    if path.suffix == ".json":
        return (row for row in _published(path) if "text" in row[1])
    return read_lines(path)


def query_rows(path: Path) -> Iterator[Row]:
    """The queries of a set, whichever form it is published in; raises as :func:`document_rows` does."""
    if folder := _beir(path):
        return _beir_queries(folder, path if path.suffix == ".tsv" else folder / "qrels" / JUDGEMENTS)
    if path.suffix == ".json":
        return (row for row in _published(path) if "query" in row[1])
    return read_lines(path)


def read_lines(file: Path) -> Iterator[Row]:
    """Each row of a ``.jsonl`` or ``.jsonl.xz`` file."""
    packed = file.suffix == ".xz"
    with lzma.open(file, "rt", encoding="utf-8") if packed else file.open(encoding="utf-8") as lines:
        number = 0
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise OutsideSetError(f"{file}:{number}: not a JSON object")
                    yield f"{file}:{number}", row
        except json.JSONDecodeError as error:
            raise OutsideSetError(f"{file}:{number}: not JSON ({error})") from None
        except (lzma.LZMAError, EOFError, UnicodeDecodeError) as error:
            raise OutsideSetError(f"{file}:{number + 1}: cannot be read ({error})") from None


def _beir(path: Path) -> Path | None:
    """The BEIR folder that is meant by itself or by one of its files of judgements."""
    folder = path.parent.parent if path.suffix == ".tsv" and path.parent.name == "qrels" else path
    return folder if folder.is_dir() else None


def _beir_queries(folder: Path, judgements: Path) -> Iterator[Row]:
    """The queries that have a relevant document, each with all of them."""
    gold: dict[str, list[str]] = {}
    with judgements.open(encoding="utf-8", newline="") as lines:
        table = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        for number, row in enumerate(table, 2):
            try:
                if float(row["score"]) > 0:
                    gold.setdefault(row["query-id"], []).append(row["corpus-id"])
            except (KeyError, TypeError, ValueError):
                raise OutsideSetError(
                    f"{judgements}:{number}: a judgement needs query-id, corpus-id and a score, parted by tabs"
                ) from None
    for place, row in read_lines(folder / "queries.jsonl"):
        id = str(row.get("_id", place))
        if id in gold:
            yield place, {"qid": id, "query": row.get("text"), "gold": gold[id]}


def _published(file: Path) -> Iterator[Row]:
    """Documents and queries of one JSON file, SQuAD-style or CRUD-RAG's."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise OutsideSetError(f"{file}: not JSON ({error})") from None
    squad = isinstance(content, dict) and isinstance(content.get("data"), list)
    if not squad and not (isinstance(content, dict) and any(task in content for task in CRUD_TASKS)):
        raise OutsideSetError(f"{file}: neither SQuAD-style ('data') nor CRUD-RAG's ({', '.join(CRUD_TASKS)})")
    at = str(file)
    try:
        for at, row in _squad(content["data"]) if squad else _crud(content):
            yield f"{file}: {at}", row
    except (KeyError, TypeError, AttributeError) as error:
        raise OutsideSetError(f"{file}: after {at}: {type(error).__name__} {error}") from None


def _squad(articles: list[dict[str, Any]]) -> Iterator[Row]:
    for i, article in enumerate(articles):
        for j, paragraph in enumerate(article["paragraphs"]):
            id = f"{i}-{j}"
            yield f"paragraph {id}", {"id": id, "title": article.get("title", ""), "text": paragraph["context"]}
            for asked in paragraph["qas"]:
                answers = list(dict.fromkeys(answer["text"] for answer in asked.get("answers") or ()))
                none = bool(asked.get("is_impossible")) or not answers
                row = {"qid": asked["id"], "query": asked["question"], "answers": [] if none else answers}
                yield f"question {asked['id']}", row | {"gold": [] if none else [id], "answerable": not none}


def _crud(tasks: dict[str, Any]) -> Iterator[Row]:
    for task in CRUD_TASKS:
        for i, asked in enumerate(tasks.get(task, ())):
            name = f"{task} {asked.get('ID', i)}"
            news = {f"{name} {part}": asked[part] for part in NEWS if asked.get(part)}
            for id, text in news.items():
                yield id, {"id": id, "text": text}
            yield name, {"qid": name, "query": asked["questions"], "gold": list(news), "answers": [asked["answers"]]}
