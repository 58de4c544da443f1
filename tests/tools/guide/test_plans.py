"""tools.guide.plans: every chapter can be taught tomorrow, and what a plan names exists."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nmcourse.exercises import exercises
from tools import pairs
from tools.guide import plans
from tools.guide.chapters import Chapter, course

EVERY = pytest.mark.parametrize("chapter", course(), ids=lambda one: one.page)


@EVERY
def test_a_chapter_has_a_plan_that_fits_it(chapter: Chapter):
    assert plans.problems(plans.load(chapter.page), chapter) == []


@EVERY
def test_a_plan_says_enough(chapter: Chapter):
    plan = plans.load(chapter.page)
    assert len(plan.discuss) >= 2
    assert len(plan.adapt) >= 2
    for question, good in plan.discuss:
        assert question.endswith("?") or "." in question
        assert len(good.split()) >= 12, f"what does a good answer contain? {question}"
    for length in plans.LENGTHS:
        used = [step for step in plan.steps if step.minutes[plans.LENGTHS.index(length)]]
        assert len(used) >= 4
        assert all(3 <= step.minutes[plans.LENGTHS.index(length)] <= 30 for step in used)


@EVERY
def test_the_text_has_every_step_and_every_wrong_answer(chapter: Chapter):
    plan = plans.load(chapter.page)
    text = plans.chapter_text(plan, chapter)
    own = [one for one in exercises() if one.chapter == chapter.page]
    assert text.count("\n| ") >= len(plan.steps) + 1 + bool(own)
    if not own:  # a page beside a chapter may have none
        assert chapter.number is None
        return
    count = sum(len(one.wrong) for one in own)
    assert count > 0
    assert f"{count} typical wrong answers" in text
    for one in own:
        assert all(wrong.hint.replace("|", "\\|") in text for wrong in one.wrong)


def test_a_plan_that_fits_no_more_is_found():
    chapter = next(one for one in course() if one.number == 1)
    plan = plans.load(chapter.page)
    first = plan.steps[0]

    def found(**changes: object) -> list[str]:
        return plans.problems(
            replace(plan, steps=(replace(first, **changes), *plan.steps[1:])), chapter
        )

    assert found() == []
    assert found(minutes=(8, 10)) == ["the steps of 50 minutes take 51"]
    assert "no heading 'Nowhere'" in found(section="Nowhere")[0]
    assert "no cell 'Plot: none' under 'One leaky unit'" in found(show=("Plot: none",))[0]
    assert plans.problems(replace(plan, page="x"), chapter)[0].startswith("page is x, not")


def test_times_run_on_and_steps_left_out_take_none():
    plan = plans.load("book/dynamics/rate_networks")
    short, long = (
        [time.replace(plans._TO, "–") for time in plans._clock(plan, length)] for length in (50, 90)
    )
    assert short[:5] == ["0–7", "7–17", "17–27", "–", "27–37"]
    assert long[-1] == "86–90"


def test_a_chapter_without_a_plan_is_an_error():
    with pytest.raises(FileNotFoundError, match=r"no plan: write tools/guide/plans/x\.toml"):
        plans.load("book/x")


def test_no_plan_is_misspelt():
    """A plan belongs to a chapter in the book's folders, even if the contents do not list it."""
    for path in plans.FOLDER.glob("*.toml"):
        page = plans.load(f"/{path.stem}").page
        assert page.rsplit("/", 1)[-1] == path.stem
        assert (pairs.ROOT / page).parent.is_dir()
