"""For each exercise: the stub fails, right answers pass, each wrong one fails with its own hint."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from nmcourse.exercises import Exercise, Wrong, check, exercise, exercises
from nmcourse.exercises._registry import _CHAPTERS

CHECKABLE = [one for one in exercises() if one.checkable]
SEEDS = (0, 1)
PROJECTS = {
    "nmcourse.exercises.neuromodulation.project_reaching"
}  # started, for the reader to finish


def each(values: list[Exercise]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("one", values, ids=lambda one: one.id)


def with_arguments(one: Exercise, body: str) -> object:
    scope: dict[str, object] = {}
    exec(f"def answer({', '.join(one.arguments)}):\n    {body}", scope)
    return scope["answer"]


@each(CHECKABLE)
def test_the_stub_fails_and_shows_no_more_than_an_example(one: Exercise):
    for body in ("...", "pass", "raise NotImplementedError"):
        result = check(one.id, with_arguments(one, body))
        assert result.status == "not yet"
        assert not result
    assert check(one.id).status == check(one.id, None).status == "not yet"


@each(CHECKABLE)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_reference_and_another_right_answer_pass(one: Exercise, seed: int):
    for answer in (one.reference, one.another):
        result = check(one.id, answer, seed=seed, seconds=60)
        assert result.passed, result


WRONG = [
    pytest.param(one, wrong, id=f"{one.id}: {wrong.name}")
    for one in CHECKABLE
    for wrong in one.wrong
]


@pytest.mark.parametrize(("one", "wrong"), WRONG)
@pytest.mark.parametrize("seed", SEEDS)
def test_each_wrong_answer_fails_with_its_own_hint(one: Exercise, wrong: Wrong, seed: int):
    result = check(one.id, wrong.answer, seed=seed, seconds=60)
    assert result.status == "not right"
    assert result.misconception == wrong.name, result
    assert ("Think of", wrong.hint) in result.lines
    assert ("Read again", wrong.read) in result.lines


@each(CHECKABLE)
def test_the_hints_of_an_exercise_differ(one: Exercise):
    assert len({wrong.hint for wrong in one.wrong}) == len(one.wrong) >= 3


@each([one for one in exercises() if not one.checkable])
def test_what_no_check_can_judge_has_a_rubric_of_four_levels(one: Exercise):
    result = check(one.id, lambda: None)
    assert result.status == "your turn"
    assert [label for label, _ in result.lines][1:] == ["0 of 3", "1 of 3", "2 of 3", "3 of 3"]


@each([one for one in exercises() if one.kind in ("derivation", "experiment")])
def test_derivations_and_experiments_have_a_rubric_and_a_worked_answer(one: Exercise):
    assert len(one.rubric) == 4
    assert one.worked


def test_each_chapter_has_four_exercises_of_different_kinds():
    for chapter in _CHAPTERS[1:]:
        if chapter.__name__ in PROJECTS:
            continue
        kinds = [one.kind for one in chapter.EXERCISES]
        assert len(kinds) >= 4
        assert {"derivation", "prediction"} & set(kinds)
        assert "experiment" in kinds
        assert sum(one.checkable for one in chapter.EXERCISES) >= 2


def test_ids_and_labels_are_unique():
    for key in ("id", "label"):
        found = [getattr(one, key) for one in exercises()]
        assert len(set(found)) == len(found)


def test_the_command_line_lists_every_exercise():
    command = [sys.executable, "-m", "nmcourse.exercises"]
    listed = json.loads(
        subprocess.run([*command, "--json"], capture_output=True, check=True).stdout
    )
    assert [entry["id"] for entry in listed] == [one.id for one in exercises()]
    for entry in listed:
        assert {"id", "chapter", "checkable", "wrong_answers"} <= entry.keys()
        assert entry["wrong_answers"] >= 3 or not entry["checkable"]
    table = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert all(one.title in table for one in exercises())


def test_an_unknown_exercise_is_an_error_that_names_those_there_are():
    with pytest.raises(KeyError, match="no exercise 'low-rank-99'; there are start-1"):
        exercise("low-rank-99")
    assert "low-rank-2" in repr(check("low-rank2", len))
