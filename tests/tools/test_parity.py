"""JavaScript and Python of a figure are compared, and a difference is found."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

from nmcourse.figures import GAINS, STABLE, Slider, interactive_flow, interactive_simulation
from nmcourse.figures.widget import TWIN
from tools import parity

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

TEXTS: dict[str, Any] = {"title": "T", "alt": "A line.", "x_label": "x", "y_label": "y"}
CODE = (
    "return {curves: {line: {x: [0, 1, null, 2], y: [0, p.s, null, 4]}, dot: {x: [1], y: [p.s]}}};"
)


def simulation(code: str = CODE) -> dict[str, Any]:
    """The output of a cell with a small simulation."""

    def python(s: float) -> dict[str, tuple[Any, Any]]:
        return {"line": ([0, 1, np.nan, 2], [0, s, np.nan, 4]), "dot": ([1], [s])}

    curves = {"line": GAINS[0], "dot": replace(STABLE, line="none")}
    slider = Slider("s", [1, 2, 3])
    return interactive_simulation(
        code, python=python, sliders=[slider], curves=curves, **TEXTS
    )._repr_mimebundle_()


def flow(velocity: str) -> dict[str, Any]:
    """The output of a cell with a small flow."""
    path = [[1.0, 0.9, 0.81], [0.5, 0.5, 0.5]]
    plane: dict[str, Any] = {"x_range": (-2, 2), "y_range": (-2, 2), "rest_labels": ("a", "b")}
    run: dict[str, Any] = {"tau": 10, "dt": 1, "steps": 2}
    return interactive_flow(velocity, path=path, **run, **plane, **TEXTS)._repr_mimebundle_()


def test_figures_that_agree_have_no_problem():
    assert parity.problems(simulation()) == []
    assert parity.problems(flow("return [-x / 10, 0];")) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[0, p.s,", "[0, p.s + 5e-6,", r"sliders at \[1\]: 'line': point 1"),
        ("[0, p.s,", "[0, p.s < 3 ? p.s : 0,", r"sliders at \[2\]: 'line': point 1"),
        ("2], y: [0, p.s, null", "2], y: [0, p.s, 3", None),  # no place without its x
        ("1, null, 2], y: [0, p.s, null", "1, 3, 2], y: [0, p.s, 3", "'line': point 2"),
        ("x: [1], y: [p.s]", "x: [], y: []", "'dot': 0 and 1 points"),
        ("y: [p.s]}", "y: [0]}", "'dot': .* only in the page"),
        ("dot: {x: [1], y: [p.s]}", "", "'dot': 0 and 1 points"),
    ],
)
def test_a_difference_is_found(old: str, new: str, message: str | None):
    assert old in CODE
    found = "\n".join(parity.problems(simulation(CODE.replace(old, new, 1))))
    assert re.search(message, found) if message else not found


def test_a_flow_that_differs_is_found():
    assert "'path': point 1" in parity.problems(flow("return [-x / 10, 1e-5];"))[0]


def test_a_figure_without_python_is_found():
    output = simulation()
    del output[TWIN]
    assert parity.problems(output) == ["nothing was computed in Python"]


def test_only_figures_with_javascript_of_their_own_are_asked_for(tmp_path: Path):
    cells = [nbformat.v4.new_code_cell("figure")]
    plain = {"text/html": "<p>nothing</p>"}
    cells[0].outputs = [nbformat.v4.new_output("display_data", d) for d in (plain, simulation())]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "one.ipynb")
    assert [title for title, _ in parity.outputs(tmp_path / "one.ipynb")] == ["T"]
