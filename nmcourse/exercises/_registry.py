"""All exercises of the book, and ``check``, which judges an answer to one of them."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Any

from nmcourse.exercises.checking.engine import not_yet, run
from nmcourse.exercises.checking.record import Exercise
from nmcourse.exercises.checking.result import Result

# The pages of the book that hold exercises, in its order; each has a file of the same name here.
# This is the list of chapters: homework follows it, and a test compares it with `_toc.yml`.
PAGES = (
    "start/before_you_start",
    "dynamics/rate_networks",
    "dynamics/low_rank_networks",
    "neuromodulation/learning_to_keep_time",
    "neuromodulation/gain_as_neuromodulation",
    "neuromodulation/keeping_time_with_gain",
    "neuromodulation/why_gain_gates",
    "neuromodulation/one_network_many_tasks",
    "neuromodulation/remembering_one_of_many",
    "neuromodulation/reviewers_ask",
    "neuromodulation/project_reaching",
    "vision/convolution_as_connectivity",
    "vision/building_cordsnet",
    "vision/training_by_stages",
    "vision/what_the_loss_is_for",
    "vision/seeing_over_time",
    "vision/seeing_through_noise",
    "vision/attractors_and_ambiguity",
    "vision/from_pixels_to_decisions",
    "vision/comparing_with_a_brain",
    "vision/a_modulated_eye",
    "vision/the_reviewers_ask_again",
)
_CHAPTERS = tuple(import_module(f"nmcourse.exercises.{page.replace('/', '.')}") for page in PAGES)
_EXERCISES = {one.id: one for chapter in _CHAPTERS for one in chapter.EXERCISES}
_NO_ANSWER: Any = object()


def exercises() -> list[Exercise]:
    """Return all exercises, in the order of the book."""
    return list(_EXERCISES.values())


def exercise(exercise_id: str) -> Exercise:
    """Return one exercise.

    Args:
        exercise_id: Such as "low-rank-2".

    Raises:
        KeyError: There is no such exercise.
    """
    if exercise_id not in _EXERCISES:
        raise KeyError(f"no exercise {exercise_id!r}; there are {', '.join(_EXERCISES)}")
    return _EXERCISES[exercise_id]


def check(
    exercise_id: str,
    answer: Any = _NO_ANSWER,
    *,
    seed: int | None = None,
    seconds: float | None = None,
) -> Result:
    """Check an answer, and say what is wrong if something is.

    A function is called on random arguments, each time on copies, and compared with a trusted
    reference. It may return tensors, arrays or numbers, in single or double precision, and it may
    work in place. What it prints is shown for the case that failed, and for no other; the arguments
    of this case are in ``result.case``. It is stopped when it takes too long, except inside a
    single call that Python cannot interrupt.

    Args:
        exercise_id: Such as "low-rank-2"; it stands below the title of the exercise.
        answer: Your function (itself, not its result), or your number where one was asked for.
            Without it, the exercise says what it expects.
        seed: Seed of the random cases, to try the same ones again; a new one by default.
        seconds: Time limit of one call; that of the exercise by default.

    Returns:
        The result. It displays itself, and is true if the answer is correct.
    """
    found = _EXERCISES.get(exercise_id) if isinstance(exercise_id, str) else None
    if found is None:
        return _unknown(exercise_id)
    if not found.checkable:
        return _to_mark(found)
    if answer is _NO_ANSWER:
        return not_yet(found)
    return run(found, answer, seed, seconds)


def _unknown(exercise_id: Any) -> Result:
    near = difflib.get_close_matches(str(exercise_id), _EXERCISES, n=3, cutoff=0.3)
    text = f"There is no exercise {exercise_id!r}."
    lines = [("Why", text), ("Did you mean", ", ".join(near or _EXERCISES))]
    return Result(str(exercise_id), "", "not right", tuple(lines))


def _to_mark(found: Exercise) -> Result:
    levels = [
        (f"{level} of {len(found.rubric) - 1}", text) for level, text in enumerate(found.rubric)
    ]
    lines = [("Worked answer", found.worked), *levels]
    return Result(found.id, found.title, "your turn", tuple(lines))
