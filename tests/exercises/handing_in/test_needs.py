"""An answer needs what leads to its function, and nothing else."""

from __future__ import annotations

from nmcourse.exercises.handing_in import missing_packages, needed

START = (
    1,
    "import numpy as np, os\nimport pandas as pd\nLEAK = 2.5\ndef phi(x): return np.tanh(x)",
)


def test_an_answer_needs_what_its_names_lead_to_and_nothing_else():
    cells = [
        START,
        (2, "import time\ntime.sleep(20)"),
        (3, "def f(x):\n    y = x * LEAK\n    return phi(y) + TABLE[0]"),
        (4, "TABLE = list(range(3))\nTABLE.append(5)\nprint(TABLE)\nwhile True: pass"),
    ]
    assert needed(cells, "f") == {1: [0, 2, 3], 3: [0], 4: [0, 1]}
    assert needed(cells, "g") == {}


def test_a_name_has_the_value_that_it_has_at_the_answer():
    cells = [START, (2, "def f(x): return x * LEAK"), (3, "LEAK = 5\nphi = None")]
    assert needed(cells, "f") == {1: [2], 2: [0]}
    cells = [(1, "A = 1"), (2, "def f(x): return x + A + B\nB = 2"), (3, "A = 3\nB = 3")]
    assert needed(cells, "f") == {1: [0], 2: [0, 1]}


def test_the_last_definition_counts_however_it_is_written():
    for code in (
        "f = lambda x: x",
        "from helper import f",
        "@cached\ndef f(x): return x",
        "f, g = 1, 2",
    ):
        cells = [(1, "def f(x): raise NotImplementedError"), (2, f"cached = str\n{code}")]
        assert 2 in needed(cells, "f")


def test_what_changes_a_needed_object_is_needed():
    code = (
        "kept = []\nfor k in range(3):\n    kept.append(k)\nkept[0] = 7\nkept += [1]\n"
        "other = kept.copy()\ndef f(x): return x + kept[0]"
    )
    assert needed([(1, code)], "f") == {1: [0, 1, 2, 3, 5]}


def test_settings_of_a_needed_package_are_needed_and_pictures_are_not():
    code = (
        "import torch\nimport numpy as np\nimport matplotlib.pyplot as plt\n"
        "torch.set_default_dtype(torch.float64)\nnp.random.seed(0)\nplt.plot([1, 2])\n"
        "torch.save(slow(), 'x')\ndef f(x): return torch.as_tensor(x)"
    )
    assert needed([(1, code)], "f") == {1: [0, 3, 7]}


def test_local_names_are_no_needs_and_names_of_inner_functions_are():
    code = "x = slow()\ny = 2\ndef f(x):\n    def g(): return y\n    return [x for k in x], g()"
    assert needed([(1, code)], "f") == {1: [1, 2]}
    code = "def put():\n    global W\n    W = 1\ndef f(x): return W"
    assert needed([(1, code)], "f") == {1: [0, 1]}


def test_a_cell_that_is_no_python_is_no_need():
    assert needed([(1, "if"), (2, "def f(x): return x"), (3, "return 1")], "f") == {2: [0]}


def test_packages_that_nobody_promised_are_found():
    cells = [START, (3, "from seaborn.x import y\nimport os.path\ndef f():\n    import jax, torch")]
    assert missing_packages(cells) == {"pandas": 1, "seaborn": 3, "jax": 3}
