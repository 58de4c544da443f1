"""A page that shows which notebooks of a class share code: `make similarity ...`.

    python -m tools.teaching.similarity --homework ../homework/rates.json
        --submissions ../handed_in --out ../marks

It is made on this machine and sent nowhere; nothing that was handed in runs. Names, numbers, texts
and comments do not count, so renaming hides nothing. What the handed-out notebook, the solutions
of the course or much of the class have as well does not count either. The page passes no verdict:
it shows code beside code, for somebody to read.

The method is winnowing of hashed runs of tokens: Schleimer, Wilkerson and Aiken, Winnowing: Local
Algorithms for Document Fingerprinting, SIGMOD 2003.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import io
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from nmcourse._files import user_path, write_text
from tools.teaching.assignments import Hidden, load, refuse_tree
from tools.teaching.handed_in import collect
from tools.teaching.results import CLOSED
from tools.teaching.similarity_page import page
from tools.teaching.submission import read

RUN = 8  # tokens that are hashed together
WINDOW = 6  # hashes of which one is kept: 13 equal tokens in a row are always found
COMMON = 0.4  # of the class: what so many have is no sign of anything
LEAST = 4  # shared places of a pair that is shown
MOST_PAIRS = 60
_SKIPPED = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
_FOLDED = {tokenize.NUMBER: "0", tokenize.INDENT: ">", tokenize.DEDENT: "<"}
Prints = dict[int, set[int]]  # hash of a run, and the lines on which it begins


@dataclass(frozen=True)
class Pair:
    """Two notebooks that share code.

    Attributes:
        students: Who.
        shared: Number of places that they share.
        share: Share of the places of the shorter one.
        lines: The lines of each that hold them.
    """

    students: tuple[str, str]
    shared: int
    share: float
    lines: tuple[frozenset[int], frozenset[int]]


def tokens(code: str) -> list[tuple[str, int]]:
    """Return the tokens of plain Python and their lines, with names and comments folded.

    Names that the code itself gives are one name, numbers one number and texts one text. Names of
    others stay: ``np.exp`` and ``np.log`` differ.
    """
    own = _own_names(code)
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            kind, text = token.type, token.string
            if kind in _SKIPPED:
                continue
            if kind == tokenize.STRING or "STRING" in tokenize.tok_name[kind]:
                text = "s"
            elif kind == tokenize.NAME and text in own:
                text = "n"
            found.append((_FOLDED.get(kind, text), token.start[0]))
    except (tokenize.TokenError, SyntaxError, RecursionError):
        pass  # no Python from here on
    return found


def _own_names(code: str) -> set[str]:
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.alias(name=name, asname=other):
                found.add(other or name)
    return found


def runs(code: str) -> list[tuple[int, int]]:
    """Return the hash of each run of tokens and the line on which it begins."""
    found = tokens(code)
    rows = []
    for start in range(len(found) - RUN + 1):
        text = "\0".join(token for token, _ in found[start : start + RUN])
        digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
        rows.append((int.from_bytes(digest, "big"), found[start][1]))
    return rows


def fingerprint(code: str, without: Iterable[int] = ()) -> Prints:
    """Return the runs that stand for a code: of each window the smallest, the last of equals.

    Args:
        code: Plain Python.
        without: Hashes that do not count.
    """
    rows, no = runs(code), set(without)
    found: Prints = {}
    for start in range(max(1, len(rows) - WINDOW + 1)):
        window = rows[start : start + WINDOW]
        if window:
            smallest = min(reversed(window), key=lambda row: row[0])
            if smallest[0] not in no:
                found.setdefault(smallest[0], set()).add(smallest[1])
    return found


def compare(codes: dict[str, str], given: Sequence[str]) -> list[Pair]:
    """Return the pairs of notebooks that share code, those that share most of it first.

    Args:
        codes: Plain Python of each student.
        given: Code that everybody was given or may well arrive at: it does not count.
    """
    known = {one for code in given for one, _ in runs(code)}
    prints = {student: fingerprint(code, known) for student, code in codes.items()}
    counts = Counter(one for found in prints.values() for one in found)
    most = max(2.0, COMMON * len(codes))
    rare = {
        student: {one: lines for one, lines in found.items() if counts[one] <= most}
        for student, found in prints.items()
    }
    pairs = []
    for first, second in combinations(sorted(rare), 2):
        shared = rare[first].keys() & rare[second].keys()
        if len(shared) >= LEAST:
            least = min(len(rare[first]), len(rare[second]))
            lines = [
                frozenset(line for one in shared for line in rare[student][one])
                for student in (first, second)
            ]
            pairs.append(
                Pair((first, second), len(shared), len(shared) / least, (lines[0], lines[1]))
            )
    pairs.sort(key=lambda pair: (-pair.share * pair.shared, pair.students))
    return pairs[:MOST_PAIRS]


def given_code(hidden: Hidden) -> list[str]:
    """Return the code of the handed-out notebooks, and the solutions that the course has."""
    found = []
    for assignment in hidden.versions.values():
        version = assignment.version
        found.append(f"import numpy as np\n\n{assignment.marker()}\n\n\n{version.common}")
        for part in version.parts:
            found += [part.stub(), part.source(), part.source(part.another)]
    return found


def main(arguments: list[str]) -> int:
    """Write the page; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.teaching.similarity")
    parser.add_argument(
        "--homework", type=user_path, required=True, help="NAME.json of the assignment"
    )
    parser.add_argument(
        "--submissions", type=user_path, required=True, help="STUDENT.ipynb, or folders"
    )
    parser.add_argument("--out", type=user_path, required=True, help="where the page goes")
    options = parser.parse_args(arguments)
    try:
        refuse_tree(options.out)
        hidden, handed_in = load(options.homework), collect(options.submissions)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    codes, left_out = {}, list(handed_in.left_out)
    for found in handed_in.everybody:
        submission = read(found, hidden.versions)
        if submission.problem:
            left_out.append(f"{found.student}: {submission.problem}")
        else:
            codes[found.student] = "\n\n".join(code for _, code in submission.cells)
    pairs = compare(codes, given_code(hidden))
    title = next(iter(hidden.versions.values())).version.title
    path = options.out / "similarity.html"
    write_text(path, page(title, codes, pairs, left_out), mode=CLOSED)
    print(f"{len(codes)} notebooks, {len(pairs)} pairs to look at: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
