"""Cells of a notebook as plain Python: what only a notebook understands, and nothing else, goes."""

from __future__ import annotations

import ast

import pytest

from nmcourse.exercises.handing_in import plain


def test_commands_of_a_notebook_are_left_out():
    source = "try:\n    import x\nexcept ImportError:\n    %pip install x\n!ls\nhelp?\na = !ls\n"
    expected = "try:\n    import x\nexcept ImportError:\n    pass\npass\npass\na = []"
    assert plain(source) == expected
    assert plain("%%bash\nrm -rf x") == ""
    assert plain("%%time\nx = 1") == "\nx = 1"
    assert plain("text = '''\n%d\n!\n'''") == "text = '''\n%d\n!\n'''"
    assert plain("if") == "if"


KEPT = {
    "a line that goes on with %": ("%matplotlib inline\nx = (7\n  % 4)", {"x": 3}),
    "the same with a backslash": ("!ls\nx = 7 \\\n  % 4", {"x": 3}),
    "a line of a text": ("!ls\nx = '''\n%d\n!?\n'''", {"x": "\n%d\n!?\n"}),
    "a question in a text": ("!ls\nx = 'why?'  # or not?", {"x": "why?"}),
    "a timed statement": ("%time LEAK = 2.5", {"LEAK": 2.5}),
    "a timed value": ("x = %time 2 + 3", {"x": 5}),
    "a timed loop": ("x = 0\nfor k in range(3):\n    %time x += k", {"x": 3}),
    "a timed cell with a command": ("%%time\n%matplotlib inline\nx = 1", {"x": 1}),
    "cell commands on top of each other": ("%%time\n%%capture out\n!ls\nx = 1", {"x": 1}),
    "a command that goes on in the next line": ("!pip install \\\n    a b\nx = 1", {"x": 1}),
    "a command inside a block": ("if True:\n    %pip install y\n    x = 1", {"x": 1}),
    "the output of a command": ("x = !ls\ny = len(x)", {"x": [], "y": 0}),
    "an indented cell": ("    x = 1\n    y = 2", {"x": 1, "y": 2}),
    "prompts of Python": (">>> x = 0\n>>> for k in [1, 2]:\n...     x += k", {"x": 3}),
    "prompts of IPython": ("In [3]: x = 1\n   ...: y = 2", {"x": 1, "y": 2}),
    "an exported notebook": ("get_ipython().run_line_magic('time', 'x = 1')", {"x": 1}),
    "line ends of Windows": ("%pip install y\r\nx = 1\r\n", {"x": 1}),
    "a form of Colab": ("#@title Answer\n%cd /content\nx = 1  #@param", {"x": 1}),
    "help, automatic calls": ("?len\nlen?\n,print a b\nx = 1", {"x": 1}),
    "options of a command": ("%prun -l 10 x = 1", {"x": 1}),
}


@pytest.mark.parametrize("name", KEPT)
def test_python_between_commands_stays(name: str):
    source, wanted = KEPT[name]
    names: dict[str, object] = {"print": lambda *_: None}
    exec(plain(source), names)
    assert {key: names[key] for key in wanted} == wanted


@pytest.mark.parametrize(
    "source",
    [
        "!pip install \\\n  a b\n1 / 0",
        "\n\n  !ls\n  1 / 0",
        "%%time\n\n%cd x\n1 / 0",
        "try:\n    %pip install a \\\n        b \\\n        c\nfinally:\n    1 / 0",
    ],
)
def test_lines_keep_their_numbers(source: str):
    line = 1 + source[: source.index("1 / 0")].count("\n")
    found = [n.lineno for n in ast.walk(ast.parse(plain(source))) if isinstance(n, ast.BinOp)]
    assert found == [line]


def test_what_runs_elsewhere_is_left_out_and_a_file_is_written():
    for head in ("%%bash", "%%html", "%%javascript", "%%timeit", "%%script sh", "%%R", "%%"):
        assert plain(f"{head}\nx = 1") == ""
    assert plain("%%writefile a.py\nx = 1") == "open('a.py', 'w').write('x = 1\\n')"


@pytest.mark.parametrize(
    "source",
    [
        "if",
        "(" * 5000,
        "%" * 5000,
        "!\n" * 3000,
        "\0",
        "'",
        "%time (",
        "x = %time )",
        "\\",
        "?" * 99,
    ],
)
def test_nothing_in_a_cell_stops_the_grader(source: str):
    assert isinstance(plain(source), str)
