"""An answer is called first and alone: what else is in a notebook can cost only itself."""

from __future__ import annotations

import json
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tools.teaching import assignments, marking
from tools.teaching.handed_in import Found
from tools.teaching.marking import Mark, mark
from tools.teaching.sandbox.limits import Limits
from tools.teaching.sandbox.methods import Method
from tools.teaching.settings import Settings
from tools.teaching.simulated import Bodies, notebook, right
from tools.teaching.submission import read

HIDDEN = assignments.make("a seed", "rates", 1, "a key")
[ONE] = HIDDEN.versions.values()
FIRST = ONE.version.parts[0]
SETTINGS = Settings(limits=Limits(wall_s=200, cpu_s=30, cell_s=2))


def marked(
    method: Method,
    folder: Path,
    bodies: Bodies,
    before: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
    replaced: tuple[str, str] = ("", ""),
    settings: Settings = SETTINGS,
) -> Mark:
    """The mark of a notebook with cells of its own after the start and at the end."""
    made = notebook(ONE, bodies)
    own = [[{"cell_type": "code", "metadata": {}, "source": s} for s in c] for c in (before, after)]
    made["cells"] = [*made["cells"][:3], *own[0], *made["cells"][3:], *own[1]]
    text = json.dumps(made)
    if replaced[0]:
        assert replaced[0] in text
        text = text.replace(*replaced)
    (folder / "x.ipynb").write_text(text)
    submission = read(Found("x", (folder / "x.ipynb",)), HIDDEN.versions)
    return mark(submission, HIDDEN, settings, method)


def busy(seconds: float) -> str:
    return (
        "import time\nbegan = time.process_time()\n"
        f"while time.process_time() - began < {seconds}:\n    pass"
    )


HARMLESS = {
    "eight that take long": (busy(5),) * 8,
    "three that take longer": (busy(20),) * 3,
    "one that waits": ("import time\ntime.sleep(600)",),
    "one that never ends": (
        "while True:\n    try:\n        pass\n    except BaseException:\n        0",
    ),
    "one that ends the program": ("import os\nos._exit(1)",),
    "one that takes all memory": ("kept = [bytes([1]) * 10**8 for _ in range(10**4)]",),
    "one that prints without end": ("while True:\n    print('x' * 1000)",),
    "one with an error": ("1 / 0", "def broken(:"),
    "one that needs another package": ("import pandass as pd\nimport jaxx.numpy as jnp",),
    "one that installs": ("!pip install pandas\n%pip install \\\n    jax",),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_cells_of_the_students_own_cost_no_answer(method, tmp_path: Path, name: str):
    found = marked(method, tmp_path, right(ONE), HARMLESS[name])
    assert found.total == ONE.version.points
    assert found.stopped == ()
    assert found.seconds < 60


def test_names_that_change_after_an_answer_cost_it_nothing(method, tmp_path: Path):
    after = ("np = None", "phi = lambda x: 0\ntau = dt = W = 0")
    assert marked(method, tmp_path, right(ONE), after=after).total == ONE.version.points


def test_a_package_that_is_missing_costs_what_needs_it_and_is_named(method, tmp_path: Path):
    in_start = ("import numpy as np\\n", "import pandass as pd\\nimport numpy as np\\n")
    assert marked(method, tmp_path, right(ONE), replaced=in_start).total == ONE.version.points
    bodies = right(ONE) | {"a": "return pd.DataFrame()", "b": "import jaxx.numpy\nreturn 1"}
    found = marked(method, tmp_path, bodies, replaced=in_start)
    assert found.total == ONE.version.parts[2].points
    assert any(
        note.endswith("needs the package pandass, " + marking._NO_PACKAGE) for note in found.notes
    )
    assert "It needs the package jaxx in cell" in found.parts[1].lines[0]


def test_an_answer_may_need_other_cells(method, tmp_path: Path):
    """A helper below it, a table that is filled, a timed constant, and what no name leads to."""
    helper = f"def helper({', '.join(FIRST.arguments)}):\n" + textwrap.indent(FIRST.body, "    ")
    call = f"helper({', '.join(FIRST.arguments)})"
    bodies = right(ONE) | {"a": f"return {call} * FACTOR * TABLE[0]"}
    before = ("%time FACTOR = 1.0", "TABLE = []\nTABLE.append(1.0)")
    assert marked(method, tmp_path, bodies, before, (helper,)).total == ONE.version.points
    hidden = f"exec({helper!r})"
    bodies = right(ONE) | {"a": f"return {call}"}
    assert marked(method, tmp_path, bodies, (hidden,)).total == ONE.version.points


def test_a_part_that_takes_everything_costs_no_other(method, tmp_path: Path):
    endless = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
    for body in (endless, "import os\nos._exit(1)", "return [bytes(10**8) for _ in range(10**4)]"):
        settings = replace(SETTINGS, limits=replace(SETTINGS.limits, cpu_s=8))
        found = marked(method, tmp_path, right(ONE) | {"a": body}, settings=settings)
        assert found.total == ONE.version.points - FIRST.points
        assert found.parts[0].status == "failed"


def test_every_kind_of_number_earns_the_points(method, tmp_path: Path):
    inner = textwrap.indent(FIRST.body, "    ")
    start = f"from decimal import Decimal\nfrom fractions import Fraction\ndef inner():\n{inner}\n"
    for kind in ("Fraction", "Decimal"):
        body = start + (
            f"found = np.asarray(inner())\n"
            f"return np.array([{kind}(float(v)) for v in found.ravel()]).reshape(found.shape)"
        )
        found = marked(method, tmp_path, right(ONE) | {"a": body})
        assert found.total == ONE.version.points, found.parts[0]


# What a student is told


def test_an_error_is_told_in_full_where_the_example_has_it(method, tmp_path: Path):
    found = marked(method, tmp_path, right(ONE) | {"a": "x = 1\nraise KeyError(x)"})
    assert found.parts[0].lines == ("It raised KeyError in cell 5, line 4.",)


LEAKS = {
    "the kind of the error": "raise (KeyError if TEST else ValueError)",
    "the line of the error": "if TEST:\n    1 / 0\nx = 1\n1 / 0",
    "what ended it": "import os\nos._exit(1) if TEST else [bytes(10**8) for _ in range(9999)]",
    "a package": "raise ModuleNotFoundError(name='yes' if TEST else 'no')",
    "how long it takes": "while TEST: pass\nraise ValueError",
    "what it returns": "return 'text' if TEST else print",
}


@pytest.mark.parametrize("name", LEAKS)
def test_what_fails_in_hidden_tests_only_tells_nothing_of_their_arguments(
    method, tmp_path: Path, name: str
):
    """One submission fails in one way and another in another: both are told the same."""
    told = []
    name_of, given = FIRST.arguments[0], np.asarray(FIRST.example[0]).tolist()
    for test in ("True", "False"):
        attack = textwrap.indent(LEAKS[name].replace("TEST", test), "    ")
        body = f"if not np.array_equal({name_of}, {given}):\n{attack}\n{FIRST.body}"
        found = marked(method, tmp_path, right(ONE) | {"a": body})
        assert found.total == ONE.version.points - FIRST.points
        assert found.private
        told.append((found.parts[0], found.notes))
    assert told[0] == told[1]


def test_what_one_part_has_seen_is_not_told_by_another(method, tmp_path: Path):
    """Part a remembers the hidden arguments; part b would tell them by the error of its example."""
    spy = f"global seen\nseen = {FIRST.arguments[0]}\n{FIRST.body}"
    tell = "raise KeyError if 'seen' in globals() else ValueError"
    exec_it = "exec('x = 1')"  # no name leads to it, so that the whole notebook runs as well
    found = marked(method, tmp_path, right(ONE) | {"a": spy, "b": tell}, (exec_it,))
    assert found.parts[1].lines[0].startswith("It raised ValueError")
