"""Students see before they hand in what the grader will see, and why an answer is not there."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import pytest

from nmcourse.exercises import complete
from nmcourse.exercises.handing_in import COMPLETE_HEADING

START = 'import numpy as np\n\nASSIGNMENT = "rates-A-000000"\nLEAK = 2'
ANSWER = "def f(x):\n    return LEAK * np.asarray(x)"
TEST = (
    "# Test of part a (leave it as it is)\nresult = f(x=3)\nassert np.allclose(result, 6), result"
)
LAST = f"{COMPLETE_HEADING}\n1 / 0"


def look(folder: Path, *cells: str, seconds: float = 5.0):
    made = [{"cell_type": "code", "source": source} for source in cells]
    (folder / "x.ipynb").write_text(json.dumps({"cells": made}))
    return complete("rates-A-000000", {"a": "f"}, seconds, folder / "x.ipynb")


def test_a_complete_notebook_is_complete_whatever_else_it_holds(tmp_path: Path):
    own = ["%matplotlib inline\n!ls", "while True:\n    pass", "LEAK = 5", "import os\nos._exit(1)"]
    found = look(tmp_path, START, ANSWER, TEST, *own, LAST)
    assert found
    assert found.lines == ("Part a: its example is right.",)
    assert "More examples are tried" in repr(found)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ((START, TEST), "there is no function f."),
        ((START, "def f(x):\n    return (", TEST), "Cell 2 has a mistake in its syntax"),
        ((START, "def f(x):\n    raise NotImplementedError", TEST), "not answered yet"),
        ((START, "def f(x):\n    return 5", TEST), "does not come out right"),
        (
            (START, "def f(x):\n    return gone", TEST),
            "name 'gone' is not defined in cell 2, line 2",
        ),
        ((START, "def f(x):\n    while True:\n        pass", TEST), "had not come back"),
        (
            (START, "T = sum(k for k in iter(int, 1))\ndef f(x):\n    return T", TEST),
            "takes longer",
        ),
        ((START, "f = gone", TEST), "f could not be defined. Cell 2 raised NameError"),
        ((START, ANSWER), "its test is missing"),
        ((ANSWER, TEST), 'The line ASSIGNMENT = "rates-A-000000" is missing'),
        (
            (START, "import pandass as pd\ndef f(x):\n    return pd.x", TEST),
            "Cell 2 imports pandass",
        ),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, cells: tuple[str, ...], said: str):
    found = look(tmp_path, *cells, seconds=1.0)
    assert not found
    assert said in repr(found)
    assert "Not complete" in repr(found)


def test_an_answer_that_needs_a_deleted_cell_shows(tmp_path: Path):
    """In the memory of the notebook W is still there; in the notebook it is not."""
    found = look(tmp_path, START, "def f(x):\n    return W * x", TEST)
    assert "name 'W' is not defined" in repr(found)


def test_a_file_that_is_no_notebook_is_said(tmp_path: Path):
    (tmp_path / "x.ipynb").write_text("no")
    assert "could not be read" in repr(complete("x", {"a": "f"}, path=tmp_path / "x.ipynb"))
    assert "could not be read" in repr(complete("x", {"a": "f"}, path=tmp_path / "none"))
    assert "no notebook runs here" in repr(complete("x", {"a": "f"}))


class Shell:
    """A notebook that runs somewhere, as far as it is asked."""

    def __init__(self, *run: str) -> None:
        self.user_ns: dict[str, object] = {}
        self.history_manager = self
        self.input_hist_raw = ["", *run]


def test_the_notebook_is_found_in_colab_in_editors_and_else_by_what_has_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    cells = [START, ANSWER, TEST]
    look(tmp_path, *cells)
    shell = Shell(*cells, LAST)
    monkeypatch.setattr("nmcourse.exercises.handing_in.completeness._shell", lambda: shell)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    found = complete("rates-A-000000", {"a": "f"})
    assert found
    assert "cells that were run" in repr(found)
    shell.user_ns["__vsc_ipynb_file__"] = str(tmp_path / "x.ipynb")
    assert "Read x.ipynb, as it was last saved" in repr(complete("rates-A-000000", {"a": "f"}))
    asked = []
    message = types.ModuleType("google.colab._message")
    notebook = {"cells": [{"cell_type": "code", "source": [source]} for source in cells]}
    message.blocking_request = lambda name, **_: asked.append(name) or {"ipynb": notebook}
    for name in ("google", "google.colab"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, message.__name__, message)
    assert complete("rates-A-000000", {"a": "f"}).lines == ("Part a: its example is right.",)
    assert asked == ["get_ipynb"]
