"""A chapter takes from an experiment what was decided there, never what computes.

Decided are constants and dataclasses, and two kinds of functions: one that builds a network which
was decided, and one that reads a stored result or says under which name it is stored. The types in
a function's first line tell: it takes numbers, texts, stored results and contenders, and gives back
plain values, or a network. A tensor, trials, a network or ``Any`` among its arguments, or tensors
and trials in its answer, mean that it computes: its place is ``tasks`` or ``analysis``.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from nmcourse import models

TOP = Path(__file__).resolve().parents[1]
EXPERIMENTS = TOP / "nmcourse" / "experiments"
PLAIN = {"int", "float", "str", "bool", "list", "tuple", "dict", "Sequence", "Mapping", "Counter"}
TAKES = PLAIN | {"Results", "Contender"}
GIVES = PLAIN | {name for name in models.__all__ if isinstance(getattr(models, name), type)}
GIVES |= {"nn", "Module", "Outcome"}  # an outcome is what a rule has counted


def taken(text: str) -> list[tuple[str, str]]:
    """Module and name of each import from an experiment, in a Python file or in code cells."""
    found, lines = [], text.splitlines()
    for number, line in enumerate(lines):
        if line.lstrip().startswith("from nmcourse.experiments"):
            end = number
            while "(" in line and ")" not in lines[end]:
                end += 1
            (node,) = ast.parse("\n".join(lines[number : end + 1]).strip()).body
            assert isinstance(node, ast.ImportFrom)
            found += [(str(node.module), alias.name) for alias in node.names]
    return found


def functions(path: Path) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def assigned(path: Path) -> set[str]:
    """Constants and classes of a file."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            found.add(node.name)
        for target in getattr(node, "targets", [getattr(node, "target", None)]):
            if target is not None:
                found |= words(target)
    return found


def words(annotation: ast.expr | None) -> set[str]:
    """Every name in an annotation; a missing one is ``Any``."""
    if annotation is None:
        return {"Any"}
    found = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}
    return found | {node.attr for node in ast.walk(annotation) if isinstance(node, ast.Attribute)}


def computes(function: ast.FunctionDef) -> bool:
    given = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
    takes = {word for argument in given for word in words(argument.annotation)}
    return not (takes <= TAKES and words(function.returns) <= GIVES)


def defined_in(module: str) -> Path:
    return TOP.joinpath(*module.split(".")).with_suffix(".py")


CHAPTERS = sorted((TOP / "book").rglob("*.md"))
TAKEN = [(page, *one) for page in CHAPTERS for one in taken(page.read_text(encoding="utf-8"))]


def test_chapters_take_something():
    assert len(TAKEN) > 20


@pytest.mark.parametrize(
    ("page", "module", "name"), TAKEN, ids=[f"{page.stem}:{name}" for page, _, name in TAKEN]
)
def test_a_chapter_takes_what_was_decided(page: Path, module: str, name: str):
    path = defined_in(module)
    function = functions(path).get(name)
    assert function is None or not computes(function), f"{module}.{name}: tasks or analysis"
    assert function is not None or name in assigned(path), f"{name} is not written in {module}"


def test_what_is_taken_from_outside_has_a_name_of_its_own():
    """Inside the room an import names the file; a reader of a chapter searches for the name."""
    files = set(TOP.joinpath("nmcourse").rglob("*.py")) - set(EXPERIMENTS.rglob("*.py"))
    files |= {path for folder in ("tools", "benchmarks") for path in (TOP / folder).rglob("*.py")}
    shared = {name for path in files for _, name in taken(path.read_text(encoding="utf-8"))}
    shared |= {name for _, _, name in TAKEN}
    places: dict[str, list[str]] = defaultdict(list)
    for path in EXPERIMENTS.rglob("*.py"):
        for name in functions(path).keys() & shared:
            places[name].append(str(path.relative_to(EXPERIMENTS)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("def draw(gain: float, seed: int) -> VanillaRNN: ...", False),
        ("def counts(results: Results, name: str) -> dict[str, list[int]]: ...", False),
        ("def keeps(norms: Tensor) -> float: ...", True),
        ("def keeps(norms: torch.Tensor) -> float: ...", True),
        ("def inputs(seed: int) -> Tensor: ...", True),
        ("def draw(seed: int, *, phi: Any = None) -> NMRNN: ...", True),
        ("def cut(model: NMRNN) -> float: ...", True),
        ("def untyped(results) -> int: ...", True),
    ],
)
def test_what_computes_is_seen(line: str, expected: bool):
    (function,) = ast.parse(line).body
    assert isinstance(function, ast.FunctionDef)
    assert computes(function) is expected
