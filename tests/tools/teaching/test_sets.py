"""Sets that an instructor names: parts of several problems in one notebook."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import numpy as np
import pytest

from nmcourse.exercises.checking.engine import run
from tools.teaching import assignments
from tools.teaching.homework import PROBLEMS, problem
from tools.teaching.sets import Collection, _in_code, _in_text, _without_clashes, read_sets
from tools.teaching.settings import read_settings
from tools.teaching.simulated import notebook, right

MIXED = Collection(
    "midterm", "Two chapters", ("rates b", "low-rank a", "low-rank b", "rates c"), (1, 2, 3, 4)
)


@pytest.mark.parametrize("number", range(3))
def test_parts_of_a_set_mark_as_they_do_in_their_own_problems(number: int):
    homework = MIXED.homework()
    version = homework.build(**homework.draw(5, number))
    assert [part.name for part in version.parts] == ["a", "b", "c", "d"]
    assert [part.points for part in version.parts] == [1, 4, 2, 3]  # those of a problem together
    assert [bool(part.opening) for part in version.parts] == [True, False, True, False]
    for part in version.parts:
        exercise = version.exercise(part)
        for body in (part.body, part.another):
            assert run(exercise, version.compiled(part, body), 7, 60.0).passed
        for mistake in part.mistakes:
            result = run(exercise, version.compiled(part, mistake.body), 7, 60.0)
            assert result.misconception == mistake.name
        assert ": " in part.mistakes[0].read


def test_what_two_problems_call_alike_gets_names_of_its_own():
    homework = Collection("both", "Both", ("rates b", "low-rank b")).homework()
    settings = homework.draw(0) | {
        "rates: phi": _phi("rates", 0),
        "low-rank: phi": _phi("rates", 1),
    }
    version = homework.build(**settings)
    names: dict[str, object] = {"np": np}
    exec(version.common, names)
    assert names["phi"](0.7) != names["phi_2"](0.7)
    first, second = version.parts
    assert "phi_2" not in first.body
    assert "phi_2(L @ kappa)" in second.body
    assert "`phi_2`" in second.task


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_in_a_set_answers_as_it_does_by_itself(name: str):
    """Beside a problem with which it shares every name: itself, under another name."""
    one = problem(name)
    alone = one.build(**one.draw(3))
    twice = _without_clashes({"first": alone, "second": alone})["second"]
    for part, changed in zip(alone.parts, twice.parts, strict=True):
        assert changed.function == f"{part.function}_2"
        bodies = [(part.body, changed.body), (part.another, changed.another)]
        bodies += [(a.body, b.body) for a, b in zip(part.mistakes, changed.mistakes, strict=True)]
        for before, after in bodies:
            np.testing.assert_array_equal(
                alone.compiled(part, before)(*copy.deepcopy(part.example)),
                twice.compiled(changed, after)(*copy.deepcopy(part.example)),
            )


def _phi(name: str, number: int):
    return assignments.problem(name).settings["phi"][number]


def test_only_names_change():
    new = {"phi": "phi_2", "step": "step_2"}
    code = "x.phi + phi(step(x, phi=1), 'phi') + step.phi\nphi = [phi]\n"
    assert (
        _in_code(code, new)
        == "x.phi + phi_2(step_2(x, phi=1), 'phi') + step_2.phi\nphi_2 = [phi_2]\n"
    )
    assert _in_text(r"The step $\phi$ of `phi(x)` and `my_phi`", new) == (
        r"The step $\phi$ of `phi_2(x)` and `my_phi`"
    )


def test_a_set_is_read_made_and_loaded_again(tmp_path: Path, capsys):
    path = tmp_path / "class.toml"
    path.write_text(
        '[sets.midterm]\ntitle = "Two chapters"\n'
        'take = ["rates b", "low-rank a", "low-rank b", "rates c"]\npoints = [1, 2, 3, 4]\n'
    )
    assert read_sets(path) == [MIXED]
    out = tmp_path / "homework"
    arguments = ["--seed", "5", "--out", str(out), "--sets", str(path)]
    assert assignments.main(arguments) == 0
    hidden = assignments.load(out / "midterm.json")
    assert hidden.collection == MIXED
    assert list(hidden.versions) == list(assignments.make("5", MIXED).versions)
    assert assignments.main(arguments) == 0
    assert assignments.load(out / "midterm.json").key == hidden.key
    path.write_text(path.read_text().replace("1, 2, 3, 4", "1, 2, 3, 5"))
    assert assignments.main(arguments) == 0
    changed = assignments.load(out / "midterm.json")
    assert not changed.versions.keys() & hidden.versions.keys()  # nobody takes one for the other
    assert "rates.json" not in capsys.readouterr().out


def test_the_set_in_the_settings_that_instructors_copy_can_be_made(tmp_path: Path):
    text = Path(assignments.__file__).with_name("class.toml").read_text()
    path = tmp_path / "class.toml"
    path.write_text(re.sub(r"^# (?=\[sets|\w+ = )", "", text, flags=re.MULTILINE))
    [found] = read_sets(path)
    assert (found.name, len(found.take), len(found.points)) == ("midterm", 3, 3)
    assert read_settings(path).late.deadline is not None


def test_a_right_set_runs_from_top_to_bottom():
    [one] = assignments.make("5", MIXED).versions.values()
    names: dict[str, object] = {"print": lambda *_: None}
    for cell in notebook(one, right(one, "abcd"))["cells"]:
        if cell["cell_type"] == "code" and "%pip" not in cell["source"]:
            exec(cell["source"], names)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "no set; write"),
        ("[sets.x]\ntitle = 'X'", "sets.x must have title and take"),
        ("[sets.x]\ntitle = 'X'\ntake = []", "take must be 1 to 26 different parts"),
        ("[sets.x]\ntitle = 'X'\ntake = ['rates']", "take must hold parts such as"),
        ("[sets.x]\ntitle = 'X'\ntake = ['rates a', 'rates a']", "different parts"),
        ("[sets.x]\ntitle = 'X'\ntake = ['rate a']", "homework must be one of .*, got .rate.$"),
        ("[sets.x]\ntitle = 'X'\ntake = ['rates z']", "no part 'z' in rates; there are a, b, c"),
        ("[sets.x]\ntitle = 'X'\ntake = ['rates a']\npoints = [1, 2]", "points must be 1 numbers"),
        (
            "[sets.x]\ntitle = 'X'\ntake = ['rates a']\npoints = [0]",
            "points must be numbers above 0",
        ),
        ("[sets.x]\ntitle = 'X'\ntake = ['rates a']\nseed = 1", "title and take, and may have"),
        ("[sets.rates]\ntitle = 'X'\ntake = ['rates a']", "a problem has this name already"),
        ("[sets.X]\ntitle = 'X'\ntake = ['rates a']", "name must be small letters"),
    ],
)
def test_a_set_that_cannot_be_made_says_why(tmp_path: Path, table: str, message: str):
    path = tmp_path / "class.toml"
    path.write_text(table)
    with pytest.raises(ValueError, match=message):
        read_sets(path)
