"""Each version of each homework problem: references pass, every wrong answer has its own hint."""

from __future__ import annotations

import pickle

import pytest

from nmcourse.exercises.checking.engine import run
from tools.teaching.homework import PROBLEMS, Homework, problem
from tools.teaching.homework._record import Part, Version
from tools.teaching.notebooks import ROOT

EVERY = [
    pytest.param(one.build(**one.draw(0, number)), id=f"{one.name}-{number}")
    for one in PROBLEMS.values()
    for number in range(0, one.count(), 13)
]


def judged(version: Version, part: Part, body: str):
    return run(version.exercise(part), version.compiled(part, body), 7, 60.0)


@pytest.mark.parametrize("version", EVERY)
def test_reference_and_another_right_answer_pass_and_the_stub_does_not(version: Version):
    for part in version.parts:
        assert judged(version, part, part.body).passed
        assert judged(version, part, part.another).passed
        assert judged(version, part, "raise NotImplementedError").status == "not yet"


@pytest.mark.parametrize("version", EVERY)
def test_a_version_can_be_sent_to_the_processes_that_mark(version: Version):
    assert pickle.loads(pickle.dumps(version)).statement == version.statement


@pytest.mark.parametrize("version", EVERY)
def test_each_wrong_answer_fails_with_its_own_hint(version: Version):
    for part in version.parts:
        for mistake in part.mistakes:
            result = judged(version, part, mistake.body)
            assert result.misconception == mistake.name, (part.name, mistake.name, result)


@pytest.mark.parametrize("one", PROBLEMS.values(), ids=lambda one: one.name)
def test_numbers_draw_versions_that_differ(one: Homework):
    drawn = [repr(one.draw(3, number)) for number in range(one.count())]
    assert len(set(drawn)) == one.count() >= 20
    assert one.draw(3) == one.draw(3)
    assert len({repr(one.draw(seed)) for seed in range(40)}) > 10


@pytest.mark.parametrize("one", PROBLEMS.values(), ids=lambda one: one.name)
def test_all_versions_ask_for_the_same_parts_and_points(one: Homework):
    versions = [one.build(**one.draw(0, number)) for number in range(one.count())]
    asked = {tuple((p.name, p.points, p.function, p.arguments) for p in v.parts) for v in versions}
    assert len(asked) == 1


@pytest.mark.parametrize("one", PROBLEMS.values(), ids=lambda one: one.name)
def test_feedback_sends_the_student_to_a_section_that_the_chapter_has(one: Homework):
    version = one.build(**one.draw(0))
    page = (ROOT / f"{version.chapter}.md").read_text(encoding="utf-8")
    headings = {line.lstrip("#").strip() for line in page.splitlines() if line.startswith("##")}
    assert {mistake.read for part in version.parts for mistake in part.mistakes} <= headings


def test_an_unknown_problem_is_an_error_that_names_those_there_are():
    with pytest.raises(ValueError, match=f"homework must be one of {', '.join(PROBLEMS)}, got"):
        problem("rate")
    with pytest.raises(ValueError, match="number of a version of rates must be 0 to 35, got 99"):
        problem("rates").draw(0, 99)


@pytest.mark.parametrize("seed", range(5))
def test_an_answer_that_leaves_out_an_end_of_the_target_is_wrong(seed: int):
    gates = PROBLEMS["gates"]
    version = gates.build(**gates.draw(0, 1))
    [part] = [part for part in version.parts if part.title == "Room for a gain"]
    for left in ("target[:-1]", "target[1:]"):
        body = f"target = {left}\n{part.body}"
        answer = version.compiled(part, body)
        assert not run(version.exercise(part), answer, seed, 60.0).passed, left
