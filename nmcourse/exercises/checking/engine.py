"""Check an answer: try it on random cases, compare it with the reference, and say what is wrong."""

from __future__ import annotations

import copy
import inspect
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from nmcourse.exercises.checking.compare import NotNumbers, as_array, compare, equal
from nmcourse.exercises.checking.describe import call_text, in_words, mistake, stub
from nmcourse.exercises.checking.limits import Outcome, call, protected
from nmcourse.exercises.checking.record import Draw, Exercise
from nmcourse.exercises.checking.result import Result

Case = tuple[Any, ...]
Lines = list[tuple[str, str]]


def run(exercise: Exercise, answer: Any, seed: int | None, seconds: float | None) -> Result:
    """Check an answer to an exercise that has a reference.

    Args:
        exercise: The exercise.
        answer: A function, or a number where a number was asked for.
        seed: Seed of the random cases; a new one each time by default.
        seconds: Time limit of one call; that of the exercise by default.
    """
    function = _callable(exercise, answer)
    if isinstance(function, Result):
        return function
    seed = random.randrange(10**6) if seed is None else seed
    with protected(), torch.enable_grad():
        cases = _cases(exercise, seed)
        expected = [_reference(exercise, case) for case in cases]
    tried: list[Outcome] = []
    changed, notes = set(), set()
    limit = exercise.seconds if seconds is None else seconds
    for case, wanted in zip(cases, expected, strict=True):
        with protected():
            outcome, given, note = _attempt(function, case, limit)
        tried.append(outcome)
        if note:
            notes.add(note)
        if outcome.timed_out or outcome.error is not None:
            return _failed(exercise, function, case, outcome, limit)
        if names := _changed(exercise, case, given):
            changed |= names
            if outcome.value is None and (inside := _in_place(exercise, given, wanted)):
                return _not_right(
                    exercise,
                    [
                        ("Tried", call_text(exercise, case)),
                        ("Came out", "None"),
                        ("Why", f"It changed {inside} in place and returned nothing: return it."),
                    ],
                )
    if all(outcome.value is None for outcome in tried):
        return _nothing(exercise, function)
    return _judge(exercise, cases, expected, tried, changed, notes, seed)


def _callable(exercise: Exercise, answer: Any) -> Callable[..., Any] | Result:
    """The answer as a function, or what to say if it is none."""
    if answer is None or answer is Ellipsis:
        return not_yet(exercise)
    if exercise.kind == "number" and not callable(answer):
        return lambda: answer
    if not callable(answer):
        wish = f'check("{exercise.id}", {exercise.function})'
        text = f"This is {in_words(answer)}, not a function. Give the function itself: {wish}"
        return _not_right(exercise, [("Came out", text)])
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):  # a function written in C tells nothing of its arguments
        return answer
    try:
        signature.bind(*exercise.arguments)
    except TypeError:
        wanted = ", ".join(exercise.arguments) or "nothing"
        text = f"Your function takes {signature}; it will be called with ({wanted}), in this order."
        return _not_right(exercise, [("Why", text)])
    return answer


def _cases(exercise: Exercise, seed: int) -> list[Case]:
    assert exercise.cases is not None
    first = [exercise.example] if exercise.example else []
    return [*first, *exercise.cases(Draw(seed))]


def _reference(exercise: Exercise, case: Case) -> Any:
    assert exercise.reference is not None
    return exercise.reference(*copy.deepcopy(case))


def _attempt(function: Callable[..., Any], case: Case, seconds: float) -> tuple[Outcome, Case, str]:
    """Call an answer; if it cannot take double precision or tensors, try it without them."""
    given = copy.deepcopy(case)
    first = call(function, given, seconds)
    if first.error is None or not isinstance(first.error, Exception) or first.timed_out:
        return first, given, ""
    for convert, note in (
        (_single, "It was tried in single precision (float32)."),
        (_numpy, "It was tried with NumPy arrays in place of tensors."),
    ):
        other = tuple(convert(argument) for argument in copy.deepcopy(case))
        if all(new is old for new, old in zip(other, given, strict=True)):
            continue
        again = call(function, other, seconds)
        if again.error is None and not again.timed_out and again.value is not None:
            return again, other, note
    return first, given, ""


def _single(argument: Any) -> Any:
    if isinstance(argument, torch.Tensor) and argument.dtype == torch.float64:
        return argument.float()
    if isinstance(argument, torch.Tensor) and argument.dtype == torch.complex128:
        return argument.to(torch.complex64)
    return argument.float() if isinstance(argument, torch.nn.Module) else argument


def _numpy(argument: Any) -> Any:
    return argument.detach().numpy() if isinstance(argument, torch.Tensor) else argument


def _changed(exercise: Exercise, before: Case, after: Case) -> set[str]:
    """Names of the arguments that a call has changed."""
    names = exercise.arguments
    return {
        name
        for name, old, new in zip(names, before, after, strict=False)
        if isinstance(old, torch.Tensor | np.ndarray | list) and not _same_data(old, new)
    }


def _same_data(old: Any, new: Any) -> bool:
    try:
        return equal(as_array(old)[0], as_array(new)[0], 1e-3)
    except NotNumbers:
        return bool(old == new)


def _in_place(exercise: Exercise, given: Case, wanted: Any) -> str:
    """Name of the argument that holds the right result after the call; empty if none does."""
    for name, argument in zip(exercise.arguments, given, strict=False):
        try:
            if compare(argument, wanted, exercise.rtol, exercise.axes).same:
                return name
        except NotNumbers:
            continue
    return ""


def _judge(
    exercise: Exercise,
    cases: Sequence[Case],
    expected: Sequence[Any],
    tried: Sequence[Outcome],
    changed: set[str],
    notes: set[str],
    seed: int | None,
) -> Result:
    """Compare all results with the expected ones and say what came of it."""
    for case, wanted, outcome in zip(cases, expected, tried, strict=True):
        try:
            same, note, reason = _verdict(exercise, outcome.value, wanted)
        except NotNumbers as error:
            same, note, reason = False, "", f"Your function returned {error}."
        if note:
            notes.add(note)
        if not same:
            lines = [
                ("Tried", call_text(exercise, case)),
                ("Came out", in_words(outcome.value)),
            ]
            if exercise.kind != "number":  # there it would be the solution
                lines.append(("Expected", in_words(wanted)))
            if found := _misconception(exercise, cases, [one.value for one in tried]):
                name, hint, read = found
                lines += [("This looks like", name), ("Think of", hint), ("Read again", read)]
                return _not_right(exercise, lines, misconception=name)
            reason = _over_all_cases(expected, tried, exercise.rtol) or reason
            seed = None if exercise.kind == "number" else seed
            return _not_right(exercise, [*lines, ("Why", reason)], seed=seed)
    if changed:
        names = " and ".join(sorted(changed))
        notes.add(f"It changes its argument {names}: whoever calls it may not expect that.")
    lines = [("Tried", f"{len(cases)} cases, all right")]
    lines += [("Note", note) for note in sorted(notes)]
    return Result(exercise.id, exercise.title, "correct", tuple(lines))


def _verdict(exercise: Exercise, value: Any, wanted: Any) -> tuple[bool, str, str]:
    verdict = compare(value, wanted, exercise.rtol, exercise.axes)
    if verdict.same or exercise.canonical is None:
        return verdict.same, verdict.note, verdict.reason
    found, loose = as_array(value)
    if found.shape != as_array(wanted)[0].shape:
        return False, "", verdict.reason
    one, other = exercise.canonical(found), exercise.canonical(as_array(wanted)[0])
    again = compare(one, other, max(exercise.rtol, loose))
    return again.same, again.note, verdict.reason


def _misconception(
    exercise: Exercise, cases: Sequence[Case], values: Sequence[Any]
) -> tuple[str, str, str] | None:
    """Name, hint and section of the typical wrong answer that gives these very results."""
    for wrong in exercise.wrong:
        if _agrees(exercise, wrong.answer, cases, values):
            return wrong.name, wrong.hint, wrong.read
    return None


def _agrees(exercise: Exercise, wrong: Any, cases: Sequence[Case], values: Sequence[Any]) -> bool:
    for case, value in zip(cases, values, strict=True):
        with protected(), torch.enable_grad():
            try:
                result = wrong(*copy.deepcopy(case)) if callable(wrong) else wrong
                if not _verdict(exercise, value, result)[0]:
                    return False
            except Exception:
                return False
    return True


def _over_all_cases(expected: Sequence[Any], tried: Sequence[Outcome], rtol: float) -> str:
    """How numbers differ, if they differ in one way in all cases; empty if not."""
    try:
        found = [as_array(outcome.value) for outcome in tried]
        wanted = np.array([as_array(value)[0] for value in expected])
        values = np.array([value.reshape(wanted.shape[1:]) for value, _ in found])
    except (NotNumbers, ValueError):
        return ""
    if wanted.ndim != 1 or len(wanted) < 3:
        return ""
    reason = compare(values, wanted, max([rtol, *(loose for _, loose in found)])).reason
    if "wrong sign" in reason or "Each entry" in reason:
        return reason.replace("Each entry of your result", "Each of your results")
    return _how_often(values, wanted, rtol)


def _how_often(values: np.ndarray, wanted: np.ndarray, rtol: float) -> str:
    """In how many cases a number is right, or that all are too large or too small."""
    pairs = zip(values.tolist(), wanted.tolist(), strict=True)
    if right := sum(compare(value, number, rtol).same for value, number in pairs):
        return f"Right in {right} of {len(wanted)} cases. What is special about this one?"
    if np.iscomplexobj(values) or not np.isfinite(values).all():
        return ""
    if (values > wanted).all():
        return "Your result is too large in every case."
    return "Your result is too small in every case." if (values < wanted).all() else ""


def _failed(
    exercise: Exercise, function: Any, case: Case, outcome: Outcome, seconds: float
) -> Result:
    """What to say of an answer that raised or ran out of time."""
    tried = [("Tried", call_text(exercise, case))]
    if outcome.timed_out:
        text = f"It had not come back after {seconds:g} s. Is there a loop that never ends?"
        lines = [*tried, ("Came out", text)]
        if outcome.stuck:
            lines.append(("Note", "It could not be stopped. Restart the notebook to be rid of it."))
        return _not_right(exercise, lines)
    assert outcome.error is not None
    if isinstance(outcome.error, NotImplementedError):
        return not_yet(exercise)
    return _not_right(exercise, [*tried, *mistake(function, outcome.error)])


def _nothing(exercise: Exercise, function: Any) -> Result:
    """What to say of an answer that returns None."""
    if stub(function):
        return not_yet(exercise)
    why = "Every call returned None. Does each way through your function end with `return`?"
    return _not_right(exercise, [("Came out", "None"), ("Why", why)])


def not_yet(exercise: Exercise) -> Result:
    """Return what to say of a stub: what is to come out, for an example."""
    lines: Lines = []
    if exercise.kind == "number":
        lines.append(("To do", f'Find the number, then check("{exercise.id}", your_number).'))
    elif exercise.example:
        with protected(), torch.enable_grad():
            wanted = in_words(_reference(exercise, exercise.example))
        lines.append(("Example", call_text(exercise, exercise.example)))
        lines.append(("Expected", wanted))
    else:
        arguments = ", ".join(exercise.arguments)
        lines.append(("To do", f"Write {exercise.function}({arguments})."))
    return Result(exercise.id, exercise.title, "not yet", tuple(lines))


def _not_right(
    exercise: Exercise, lines: Lines, misconception: str = "", seed: int | None = None
) -> Result:
    if seed is not None:
        lines = [*lines, ("The same cases again", f"seed={seed}")]
    return Result(exercise.id, exercise.title, "not right", tuple(lines), misconception)
