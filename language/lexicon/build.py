"""Build ``lexicon.tsv``: one concept a line, all its written forms.

    python -m language.lexicon.build --terms TERMS --news NEWS.jsonl.xz

``aliases.tsv`` (written by this project: names, English names and words of the car industry) is taken whole. From the
regional tables a row is taken when its forms differ after folding, none is a single character, and no Taiwan or Hong
Kong form is an ordinary mainland word as well (程序, 资讯, 影片: forcing those together would merge two meanings);
that last is judged by how many mainland news articles use it. Names also get the damaged forms that a conversion to
Taiwan wording makes of them where a phrase straddles their edge (比|特朗普 → 位元朗普).
"""

import argparse
import csv
import json
import lzma
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from language.folding import converter, fold
from language.segmentation import words

HERE = Path(__file__).parent
NAME_GROUPS = {"People", "政治人物", "PresidentsUS", "Racing", "Transport", "Organization", "Economics"}
ORDINARY = 0.0005  # share of mainland articles from which a Taiwan or Hong Kong form counts as an ordinary word there
STRADDLES = 0.3  # share of a short form's occurrences across word edges from which it is no word of its own
HAN = re.compile(r"[一-鿿·\-]{2,}")
LATIN = re.compile(r"[A-Z][A-Za-z&.\- ]{2,30}")


def aliases() -> Iterator[list[str]]:
    """The project's own rows, folded."""
    for line in (HERE / "aliases.tsv").read_text(encoding="utf-8").splitlines():
        yield list(dict.fromkeys(fold(form.strip()) for form in line.split("\t") if form.strip()))


def regional(file: Path) -> Iterator[tuple[bool, str, list[str], str]]:
    """Rows of a regional table: is it a name, mainland form, other forms (all folded), English name or empty."""
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            mainland = fold(row["zh_cn"].strip())
            others = [fold(form.strip()) for column in ("zh_tw", "zh_hk") for form in re.split("[/、]", row[column])]
            others = [form for form in dict.fromkeys(others) if form != mainland and HAN.fullmatch(form)]
            name = row["group"] in NAME_GROUPS
            latin = fold(row["original"]) if name and LATIN.fullmatch(row["original"]) else ""
            if others and HAN.fullmatch(mainland):
                yield name, mainland, others, latin


def usage(forms: Iterable[str], news: Path) -> tuple[dict[str, float], set[str]]:
    """For each form the share of news articles that hold it; and the forms that mostly straddle words (公|布美|国)."""
    import ahocorasick

    automaton = ahocorasick.Automaton()
    for form in forms:
        automaton.add_word(form, form)
    automaton.make_automaton()
    counts, found, straddling = Counter[str](), Counter[str](), Counter[str]()
    articles = 0
    with lzma.open(news, "rt", encoding="utf-8") as lines:
        for line in lines:
            articles += 1
            folded = fold(json.loads(line)["text"])
            matches = [(last + 1 - len(form), last + 1, form) for last, form in automaton.iter(folded)]
            edges = {word.start for word in words(folded)} | {len(folded)} if matches else set()
            counts.update({form for _, _, form in matches})
            found.update(form for _, _, form in matches)
            straddling.update(form for start, end, form in matches if start not in edges or end not in edges)
    bad = {form for form, count in straddling.items() if len(form) < 4 and count > STRADDLES * found[form]}
    return {form: count / articles for form, count in counts.items()}, bad


def common_characters(news: Path, most: int = 2500) -> list[str]:
    """The most frequent Han characters of the first 4,000 articles, original script."""
    counts: Counter[str] = Counter()
    with lzma.open(news, "rt", encoding="utf-8") as lines:
        for line, _ in zip(lines, range(4000), strict=False):
            counts.update(json.loads(line)["text"])
    return [character for character, _ in counts.most_common() if "一" <= character <= "鿿"][:most]


def damaged(names: list[str], characters: list[str]) -> dict[str, list[str]]:
    """Folded forms that ``s2twp`` makes of a name beside another character, where the name itself is lost."""
    convert = converter("s2twp").convert
    left = {c: fold(convert(c)) for c in characters}
    found: dict[str, list[str]] = {}
    for name in names:
        converted = fold(convert(name))
        for before in (True, False):
            joined = "\n".join(c + name if before else name + c for c in characters)
            for character, result in zip(characters, fold(convert(joined)).split("\n"), strict=True):
                whole = left[character] + converted if before else converted + left[character]
                if result != whole and name not in result and converted not in result and len(result) > 3:
                    found.setdefault(name, []).append(result)
    return found


def build(terms: Path, news: Path) -> list[list[str]]:
    """All concepts: the first form is the concept's name."""
    rows = list(aliases())
    tables = [row for file in ("zhwiki_variants.tsv", "everyday_variants.tsv") for row in regional(terms / file)]
    share, straddling = usage({form for _, mainland, others, _ in tables for form in (mainland, *others)}, news)
    owner = {form: number for number, row in enumerate(rows) for form in row}
    names = {row[0] for row in rows}
    for name, mainland, others, latin in tables:
        kept = [f for f in others if share.get(f, 0) < ORDINARY and f not in owner and f not in straddling]
        number = owner.get(mainland)
        if number is None and kept and mainland not in straddling:
            owner[mainland] = number = len(rows)
            rows.append([mainland])
        if number is None:
            continue
        if name:
            names.add(rows[number][0])
        for form in (*kept, *([latin] if latin and latin not in owner else [])):
            owner[form] = number
            rows[number].append(form)
    for damaged_name, forms in damaged([row[0] for row in rows if row[0] in names], common_characters(news)).items():
        rows[owner[damaged_name]] += [form for form in dict.fromkeys(forms) if form not in owner]
    return [row for row in rows if len(row) > 1]


def main() -> None:
    """Parse the command line, build and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--terms", type=Path, required=True)
    parser.add_argument("--news", type=Path, required=True)
    arguments = parser.parse_args()
    rows = build(arguments.terms, arguments.news)
    (HERE / "lexicon.tsv").write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    print(f"{len(rows)} concepts, {sum(map(len, rows))} forms")


if __name__ == "__main__":
    main()
