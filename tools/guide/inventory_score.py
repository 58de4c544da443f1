"""Score the concept inventory: shares right before and after, and the gain of each concept.

    python -m tools.guide.inventory score OUT FILES

OUT is the folder with the key, FILES the CSV files that students handed in (a folder, or several).
Nobody is named: answers before and after are joined by the code name.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from nmcourse._files import user_path

LARGEST_FILE = 1_000_000  # bytes
COLUMNS = ["form", "code_name", "question", "answer"]
Answers = dict[tuple[str, str], dict[str, str]]  # (form, code name) -> id of question -> letter


def read(files: Sequence[Path], forms: dict[str, dict]) -> tuple[Answers, list[str]]:
    """Read answers; return them, and one message for each file or line that could not be used.

    The files come from students: one that cannot be read stops none of the others.
    """
    answers: Answers = {}
    problems = []
    for path in files:
        try:
            problems += _read(path, forms, answers)
        except (OSError, ValueError, csv.Error) as error:
            problems.append(f"{path.name}: cannot be read ({error})")
    return answers, problems


def _read(path: Path, forms: dict[str, dict], answers: Answers) -> list[str]:
    """Add the answers of a file; return a message for each line that could not be used."""
    if not path.is_file():
        raise ValueError("not a file")
    if (size := path.stat().st_size) > LARGEST_FILE:
        raise ValueError(f"it must have at most {LARGEST_FILE} bytes, got {size}")
    problems = []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.DictReader(stream, restval="")
        if rows.fieldnames != COLUMNS:
            return [f"{path.name}: columns must be {COLUMNS}, got {rows.fieldnames}"]
        for row in rows:
            known = forms.get(row["form"])
            if known is None:
                problems.append(f"{path.name}: no form {row['form']!r} in this key")
                break
            number = int(row["question"]) if re.fullmatch("[0-9]{1,9}", row["question"]) else 0
            if not 1 <= number <= len(known["questions"]):
                problems.append(f"{path.name}: there is no question {row['question'][:20]}")
                continue
            who = (known["form"], row["code_name"].strip().lower())
            question = known["questions"][number - 1]["id"]
            answers.setdefault(who, {})[question] = row["answer"].strip().upper()
    return problems


def shares(answers: Answers, forms: dict[str, dict]) -> dict[str, dict[str, tuple[int, int]]]:
    """Return, for each question and form, how many of those who did both forms were right, of all.

    Somebody who did only one form does not count: a class that has shrunk is another class.
    """
    keys = {
        form["form"]: {one["id"]: one["key"] for one in form["questions"]}
        for form in forms.values()
    }
    both = {who for _, who in answers if all((name, who) in answers for name in keys)}
    result: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for name, key in keys.items():
        for question, letter in key.items():
            right = sum(answers[name, who].get(question) == letter for who in both)
            result[question][name] = (right, len(both))
    return dict(result)


def normalised_gain(before: float, after: float) -> float:
    """Return the part of what could be gained that was gained; NaN if nothing could be."""
    return (after - before) / (1 - before) if before < 1 else float("nan")


def main(arguments: Sequence[str]) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=user_path, help="the folder that holds key/")
    parser.add_argument("files", type=user_path, nargs="+", help="CSV files, or folders of them")
    options = parser.parse_args(arguments)
    forms = json.loads((options.out / "key" / "key.json").read_text(encoding="utf-8"))["forms"]
    files = [
        file
        for path in options.files
        for file in (sorted(path.rglob("*.csv")) if path.is_dir() else [path])
    ]
    answers, problems = read(files, forms)
    table = shares(answers, forms)
    concepts = {one["id"]: one["concept"] for form in forms.values() for one in form["questions"]}
    count = next(iter(table.values()))["before"][1]
    print(f"{count} students did both forms")
    if count:
        print("before  after   gain  concept")
        for question, (before, after) in (
            (q, (t["before"][0] / count, t["after"][0] / count)) for q, t in table.items()
        ):
            gain = normalised_gain(before, after)
            print(f"{before:6.0%} {after:6.0%} {gain:6.2f}  {concepts[question]}")
    for problem in problems:
        print(problem)
    return 1 if problems else 0
