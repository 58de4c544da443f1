"""The page of shared code: renaming hides nothing, common code is none, no verdict is passed."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from tools.teaching import assignments
from tools.teaching.similarity import compare, fingerprint, main, tokens
from tools.teaching.simulated import notebook, right

CODE = """def area(radius, times):
    # the whole disc
    total = 0.0
    for k in range(times):
        part = np.sin(radius * k) / (1 + k ** 2)
        total += part if part > 0.1 else -part
    return [total, "sum", np.cumsum(total)]
"""
RENAMED = """def a(r, n):
    '''Text.'''
    s = 7
    for j in range(n):

        q = np.sin(r * j) / (3 + j ** 4)  # another comment
        s += q if q > 5 else -q
    return [s, 'x', np.cumsum(s)]
"""
OTHER = """def area(radius, times):
    steps = np.arange(times)
    parts = np.cos(steps) * radius
    keep = parts[parts < 3].mean(axis=0)
    return np.concatenate([keep[None], parts])
"""


def test_names_numbers_texts_and_comments_do_not_count():
    first, second = [[text for text, _ in tokens(code)] for code in (CODE, RENAMED)]
    second.remove("s")  # the text at its beginning
    assert first == second
    assert [t for t, _ in tokens("x = np.exp(y)")] != [t for t, _ in tokens("x = np.log(y)")]


def test_shared_code_is_found_with_its_lines_and_other_code_is_not():
    [pair] = compare({"ada": CODE, "bob": "x = 1\n\n" + RENAMED, "eve": OTHER}, [])
    assert pair.students == ("ada", "bob")
    assert pair.share > 0.7
    assert {5, 6} <= pair.lines[0]
    assert {8, 9} <= pair.lines[1]


def test_what_was_given_or_is_common_does_not_count():
    assert compare({"ada": CODE, "bob": RENAMED}, [CODE]) == []
    everybody = {f"student {k}": CODE for k in range(10)}
    assert compare(everybody, []) == []


def test_what_is_no_python_and_what_is_short_has_no_fingerprint():
    for code in ("", "x = 1", "if (", "'''", "\0", "\t x\n  y"):
        assert isinstance(fingerprint(code), dict)
    assert fingerprint("x = 1") == {}


def test_the_page_shows_code_beside_code_and_passes_no_verdict(tmp_path: Path, capsys):
    hidden = assignments.make("a seed", "rates", 1, "a key")
    [one] = hidden.versions.values()
    assignments.write(hidden, tmp_path / "private")
    folder = tmp_path / "in"
    folder.mkdir()
    for name, before in (("ada", CODE), ("bob", RENAMED + "\n# <script>"), ("eve", OTHER)):
        (folder / f"{name}.ipynb").write_text(json.dumps(notebook(one, right(one), before)))
    (folder / "mia.ipynb").write_text("no notebook")
    arguments = ["--homework", str(tmp_path / "private" / "rates.json")]
    arguments += ["--submissions", str(folder), "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    assert "3 notebooks, 1 pairs" in capsys.readouterr().out
    path = tmp_path / "out" / "similarity.html"
    text = path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "ada and bob" in text
    assert "<mark>" in text
    assert "<script>" not in text
    assert "mia: not a notebook" in text
    assert "no evidence of copying" in text
    for word in ("plagiar", "cheat", "suspicious", "guilty", "http:", "https:"):
        assert word not in text.lower()
