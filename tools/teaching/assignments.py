"""Make homework for a class from a seed: `make assignments SEED=2026 OUT=../homework`.

    python -m tools.teaching.assignments --seed 2026 --out ../homework
    python -m tools.teaching.assignments --seed 2026 --out ../homework --homework rates --versions 3
    python -m tools.teaching.assignments --seed 2026 --out ../homework --sets class.toml

For each problem and version OUT/student holds the notebook to hand out, OUT/instructor the one with
solutions and hidden tests, OUT/nbgrader the same as a course of nbgrader, and OUT/NAME.json what
`make grade` needs. The same seed gives the same versions. The hidden tests come from a key that is
drawn once and kept in OUT/NAME.json: a seed that can be guessed does not give them away. Keep OUT
to yourself.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import secrets
import string
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from nmcourse._files import user_path, write_text
from nmcourse.exercises.checking.record import Draw
from tools.teaching import nbgrader_course
from tools.teaching.homework import PROBLEMS, Part, Version, problem
from tools.teaching.notebooks import ROOT, Assignment, instructor, student
from tools.teaching.sandbox.limits import Limits
from tools.teaching.sets import Collection, collection, read_sets
from tools.teaching.settings import read_settings

FORMAT = 1


@dataclass(frozen=True)
class Hidden:
    """What marks an assignment: its versions, and the seeds of their hidden tests.

    Attributes:
        homework: Name of the problem.
        versions: The assignments, by token.
        seed: Seed of the course, from which the versions come.
        key: Secret from which the hidden tests come.
        collection: The set that it is, if it is one.
    """

    homework: str
    versions: dict[str, Assignment]
    seed: str
    key: str
    collection: Collection | None = None

    def cases(self, token: str, part: Part) -> list[tuple[Any, ...]]:
        """Return the arguments of the hidden tests of a part."""
        return list(part.cases(Draw(self.case_seed(token, part))))

    def case_seed(self, token: str, part: Part) -> int:
        """Return the seed of the hidden tests of a part."""
        return _number(self.key, token, part.name)


def make(seed: str, name: str | Collection, versions: int = 1, key: str = "") -> Hidden:
    """Return the versions of a homework problem for a class.

    Args:
        seed: Seed of the course, any text.
        name: Name of the problem, or a set.
        versions: How many versions; students get different ones.
        key: Secret from which the hidden tests come; drawn if left out.

    Raises:
        ValueError: There is no such problem, or it has fewer versions.
    """
    collection = name if isinstance(name, Collection) else None
    chosen = collection.homework() if collection else problem(str(name))
    name = chosen.name
    if not 1 <= versions <= min(26, chosen.count()):
        most = min(26, chosen.count())
        raise ValueError(f"versions must be 1 to {most}, got {versions}")
    content = json.dumps(collection.record()) if collection else ""
    found = {}
    for number in range(versions):
        settings = chosen.draw(_number(seed, name), number)
        version = chosen.build(**settings)
        letter = string.ascii_uppercase[number]
        mark = _number(seed, name, letter, *filter(None, [content]))  # a changed set is another one
        token = f"{name}-{letter}-{mark:016x}"[: len(name) + 9]
        found[token] = Assignment(token, version)
    return Hidden(name, found, seed, key or secrets.token_hex(16), collection)


def write(hidden: Hidden, out: Path, limits: Limits | None = None) -> list[Path]:
    """Write the notebooks and the file that marks them; return their paths.

    Args:
        hidden: The homework.
        out: The folder.
        limits: What a submission may use when it is marked: the notebook says so.
    """
    refuse_tree(out)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = []
    for token, assignment in hidden.versions.items():
        cases = {p.name: hidden.cases(token, p) for p in assignment.version.parts}
        editions = {
            "student": student(assignment, limits),
            "instructor": instructor(assignment, cases),
        }
        for folder, notebook in editions.items():
            path = out / folder / f"{token}.ipynb"
            write_text(path, nbformat.writes(notebook) + "\n")
            written.append(path)
        written += nbgrader_course.write(assignment, cases, out, limits)
    path = out / f"{hidden.homework}.json"
    record = {
        "format": FORMAT,
        "homework": hidden.homework,
        "seed": hidden.seed,
        "key": hidden.key,
        "versions": len(hidden.versions),
        "tokens": list(hidden.versions),
        "points": {p.name: p.points for p in _first(hidden).parts},
        "set": hidden.collection.record() if hidden.collection else None,
    }
    write_text(path, json.dumps(record, indent=1) + "\n", mode=0o600)  # the key must not be lost
    return [*written, path]


def load(path: Path) -> Hidden:
    """Read what ``write`` wrote.

    Raises:
        ValueError: It is no such file, or the problem has changed since it was written.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        name: str | Collection = record["homework"]
        if table := record["set"]:
            name = collection(table.pop("name"), table)
        hidden = make(record["seed"], name, record["versions"], record["key"])
    except (OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path}: not a file that `make assignments` wrote ({error})") from error
    points = {p.name: p.points for p in _first(hidden).parts}
    if record.get("tokens") != list(hidden.versions) or record.get("points") != points:
        raise ValueError(
            f"{path}: the problem has changed since; use the course's version of that time"
        )
    return hidden


def refuse_tree(out: Path) -> None:
    """Raise an error if a folder lies in the tree of the course, which is public.

    Raises:
        ValueError: It does.
    """
    if out.resolve().is_relative_to(ROOT):
        raise ValueError(f"OUT must be a folder outside the course's own tree {ROOT}, got {out}")


def _key(path: Path) -> str:
    """Return the key of a file that is there already, so that making it again changes nothing."""
    return load(path).key if path.exists() else ""


def _first(hidden: Hidden) -> Version:
    return next(iter(hidden.versions.values())).version


def _number(*words: str) -> int:
    """Return a whole number below 2⁶² that follows from words, and tells nothing of them."""
    digest = hashlib.sha256("\0".join(words).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 2


def main(arguments: list[str]) -> int:
    """Make assignments; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.teaching.assignments")
    parser.add_argument("--seed", default="", help="any text; drawn if left out")
    parser.add_argument("--out", type=user_path, required=True, help="a folder outside the tree")
    parser.add_argument("--homework", nargs="*", help="all, if no sets are asked for either")
    parser.add_argument("--sets", type=user_path, help="a TOML file with [sets.NAME]")
    parser.add_argument("--settings", type=user_path, help="a TOML file: its limits are told")
    parser.add_argument("--versions", type=int, default=1, help="versions of each problem")
    options = parser.parse_args(arguments)
    seed = options.seed or secrets.token_hex(8)
    try:
        limits = read_settings(options.settings or options.sets).limits
        chosen: list[str | Collection] = list(options.homework or [])
        chosen += read_sets(options.sets) if options.sets else []
        for one in chosen or list(PROBLEMS):
            name = one.name if isinstance(one, Collection) else one
            hidden = make(seed, one, options.versions, _key(options.out / f"{name}.json"))
            for path in write(hidden, options.out, limits):
                print(path)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if not options.seed:
        print(f"seed: {seed} (drawn; keep it)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
