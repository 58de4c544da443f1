"""A look at a notebook before it is handed in: would the grader find every answer?"""

from __future__ import annotations

import ast
import contextlib
import importlib
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nmcourse.exercises.checking.limits import call, protected
from nmcourse.exercises.handing_in.needs import Cells, missing_packages, needed
from nmcourse.exercises.handing_in.notebook import NotANotebook, code_cells, sources
from nmcourse.exercises.handing_in.plain_python import plain, syntax_tree

COMPLETE_HEADING = "# Is my notebook complete? Run this cell before you hand in. It sends nothing."
_TEST = re.compile(r"# Test of part (?P<part>\w+) \(leave it as it is\)")
_MARKER = re.compile(r"^ASSIGNMENT *= *[\"'](?P<token>[\w-]+)[\"']", re.MULTILINE)
_COLAB_SECONDS = 20


@dataclass(frozen=True)
class Completeness:
    """What ``complete`` found. As the last value of a cell it displays itself.

    Attributes:
        complete: Whether every answer is there and gives what its example asks for.
        lines: What was found, a sentence each.
    """

    complete: bool
    lines: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether nothing is missing."""
        return self.complete

    def __repr__(self) -> str:
        """The sentences, one below the other."""
        last = (
            "Complete: it can be handed in. More examples are tried when it is marked."
            if self.complete
            else "Not complete. It can be handed in all the same; what works earns its points."
        )
        return "\n".join([*self.lines, last])


def complete(
    assignment: str,
    parts: Mapping[str, str],
    seconds: float = 15.0,
    path: str | Path | None = None,
) -> Completeness:
    """Look through a notebook as the grader will, and say what is missing.

    Each answer is tried in an empty memory, after those statements of the notebook that it needs
    and no others. So an answer that works only because of a cell that has been deleted shows. The
    example of its test is computed; the hidden tests are not here. Nothing leaves the machine.

    Args:
        assignment: The assignment, such as "rates-A-3f2a9c".
        parts: Name of the function of each part.
        seconds: Time limit of what a part needs, and of its example.
        path: The file to look through; by default the notebook in which this is called.
    """
    try:
        cells, lines = _notebook(path)
    except (OSError, NotANotebook) as error:
        return Completeness(False, (f"The notebook could not be read: {error}.",))
    tests = {}
    own = []
    for number, source in cells:
        heading = source.lstrip().split("\n", 1)[0].rstrip()
        if found := _TEST.fullmatch(heading):
            tests[found["part"]] = source
        elif heading != COMPLETE_HEADING:
            own.append((number, plain(source)))
    good = True
    tokens = {found["token"] for _, code in own for found in _MARKER.finditer(code)}
    if tokens != {assignment}:
        lines.append(f'The line ASSIGNMENT = "{assignment}" is missing or was changed.')
        good = False
    for name, function in parts.items():
        problem = _part(own, function, tests.get(name, ""), seconds)
        lines.append(f"Part {name}: {problem or 'its example is right.'}")
        good = good and not problem
    for package, number in missing_packages(own).items():
        lines.append(
            f"Cell {number} imports {package}, which is not there when the notebook is marked: "
            "no answer may need it."
        )
    return Completeness(good, tuple(lines))


def _part(cells: Cells, function: str, test: str, seconds: float) -> str:
    """What is wrong with a part; empty if its example is right."""
    chosen = needed(cells, function)
    if not chosen:
        broken = [number for number, code in cells if f"def {function}" in code]
        more = f" Cell {broken[-1]} has a mistake in its syntax." if broken else ""
        return f"there is no function {function}.{more}"
    names: dict[str, Any] = {"__name__": "__main__"}
    errors: list[str] = []
    with protected():
        ran = call(lambda: _run(cells, chosen, names, errors), (), seconds)
        tried = call(lambda: _try(test, names), (), seconds)
    if ran.timed_out:
        return f"what {function} needs takes longer than {seconds:g} s."
    if tried.timed_out:
        return f"{function} had not come back from its example after {seconds:g} s."
    if function not in names:
        return f"{function} could not be defined. {' '.join(errors)}".strip()
    if not test:
        return "its test is missing. It is not needed for marking, but nothing could be tried."
    if isinstance(tried.error, NotImplementedError):
        return "not answered yet."
    if isinstance(tried.error, AssertionError):
        return "its example does not come out right."
    if tried.error is None:
        return ""
    return " ".join([f"its example raised {_said(tried.error)}.", *errors])


def _try(test: str, names: Mapping[str, Any]) -> None:
    """Run the test of a part; the array library it compares with is not lent to the answer."""
    exec(compile(test, "<test>", "exec"), {**names, "np": np})


def _run(
    cells: Cells, chosen: Mapping[int, Sequence[int]], names: dict[str, Any], errors: list[str]
) -> None:
    """Run the chosen statements; one that fails costs itself."""
    for number, code in cells:
        for index in chosen.get(number, ()):
            statement = ast.Module([syntax_tree(code).body[index]], [])
            try:
                exec(compile(statement, f"<cell {number}>", "exec", dont_inherit=True), names)
            except Exception as error:
                errors.append(f"Cell {number} raised {_said(error)}.")


def _said(error: BaseException) -> str:
    """Kind and message of an error, and where in the notebook it arose."""
    place, step = "", error.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if file.startswith("<cell "):
            place = f" in {file[1:-1]}, line {step.tb_lineno}"
        step = step.tb_next
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}{place}" if text else type(error).__name__ + place


def _notebook(path: str | Path | None) -> tuple[list[tuple[int, str]], list[str]]:
    """The code cells of the notebook, and what was looked at, if that has to be said."""
    if path is not None:
        return code_cells(Path(path).expanduser().read_bytes()), []
    if "google.colab" in sys.modules:
        with contextlib.suppress(Exception):  # whatever it raises, there is another way
            messages = importlib.import_module("google.colab._message")
            answer = messages.blocking_request("get_ipynb", timeout_sec=_COLAB_SECONDS)
            return sources(answer["ipynb"]), []
    shell = _shell()
    names = shell.user_ns if shell else {}
    for file in (names.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME")):
        if file and Path(file).is_file():
            cells = code_cells(Path(file).read_bytes())
            return cells, [f"Read {Path(file).name}, as it was last saved."]
    if shell:
        run = shell.history_manager.input_hist_raw[1:]
        return list(enumerate(run, start=1)), [
            "The file was not found. So this is about the cells that were run since the start, "
            "numbered as they ran."
        ]
    raise OSError("no notebook runs here; give its file as path=")


def _shell() -> Any:
    with contextlib.suppress(ImportError):
        from IPython.core.getipython import get_ipython

        return get_ipython()
    return None
