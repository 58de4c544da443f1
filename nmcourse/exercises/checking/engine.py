"""Check an answer: try it on random cases, compare it with the reference, and say what is wrong."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import random
import re
import sys
from collections.abc import Callable
from typing import Any

import torch

from nmcourse._inputs import whole
from nmcourse.exercises.checking.compare import NotNumbers, compare
from nmcourse.exercises.checking.describe import call_text, in_words, mistake, stub
from nmcourse.exercises.checking.judge import Case, Lines, Tried, changed, judge, not_right
from nmcourse.exercises.checking.limits import Outcome, call, protected
from nmcourse.exercises.checking.record import Draw, Exercise
from nmcourse.exercises.checking.result import Result

# What is said where single and double precision, or arrays and tensors, meet.
_ABOUT_TYPES = re.compile(r"dtype|scalar type|same type|Double|float64|'Tensor' object|ndarray")


def run(exercise: Exercise, answer: Any, seed: int | None, seconds: float | None) -> Result:
    """Check an answer to an exercise that has a reference.

    Args:
        exercise: The exercise.
        answer: A function, or a number where a number was asked for.
        seed: Seed of the random cases; a new one each time by default.
        seconds: Time limit of one call; that of the exercise by default.
    """
    seed = random.randrange(10**6) if seed is None else whole("seed", seed)
    function = _callable(exercise, answer)
    if isinstance(function, Result):
        return function
    limit = exercise.seconds if seconds is None else seconds
    result, failed = _tried(exercise, function, seed, limit)
    if failed is None or result.status != "not right":
        return result
    if failed.printed:
        sys.stdout.write(failed.printed)  # of the case that failed, and of no other
    return dataclasses.replace(result, case=copy.deepcopy(failed.case))


def _tried(
    exercise: Exercise, function: Callable[..., Any], seed: int, seconds: float
) -> tuple[Result, Tried | None]:
    """Try an answer on all cases; return what to say of it, and the call that failed."""
    with protected(), torch.enable_grad():
        cases = _cases(exercise, seed)
        expected = [_reference(exercise, case) for case in cases]
    calls: list[Tried] = []
    for case, wanted in zip(cases, expected, strict=True):
        with protected() as printed:
            outcome, given, note = _attempt(exercise, function, case, seconds)
        one = Tried(case, wanted, given, outcome, note, printed.text)
        calls.append(one)
        if outcome.timed_out or outcome.error is not None:
            return _failed(exercise, function, one, seconds, seed), one
        if outcome.value is None and (inside := _in_place(exercise, one)):
            why = f"It changed {inside} in place and returned nothing: return it."
            lines = [("Tried", call_text(exercise, case)), ("Came out", "None"), ("Why", why)]
            return not_right(exercise, lines, seed=seed), one
    if all(one.value is None for one in calls):
        return _nothing(exercise, function, calls[0].printed), calls[0]
    return judge(exercise, calls, seed)


def _callable(exercise: Exercise, answer: Any) -> Callable[..., Any] | Result:
    """The answer as a function, or what to say if it is none."""
    if answer is None or answer is Ellipsis:
        return not_yet(exercise)
    if exercise.kind == "number" and not callable(answer):
        return lambda: answer
    if not callable(answer):
        wish = f'check("{exercise.id}", {exercise.function})'
        text = f"This is {in_words(answer)}, not a function. Give the function itself: {wish}"
        return not_right(exercise, [("Came out", text)])
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):  # a function written in C tells nothing of its arguments
        return answer
    names = list(signature.parameters)
    try:
        signature.bind(*exercise.arguments)
        exchanged = sorted(names) == sorted(exercise.arguments) and names != [*exercise.arguments]
    except TypeError:
        exchanged = True
    if exchanged:
        wanted = ", ".join(exercise.arguments) or "nothing"
        text = f"Your function takes {signature}; it will be called with ({wanted}), in this order."
        return not_right(exercise, [("Why", text)])
    return answer


def _cases(exercise: Exercise, seed: int) -> list[Case]:
    assert exercise.cases is not None
    first = [exercise.example] if exercise.example else []
    return [*first, *exercise.cases(Draw(seed))]


def _reference(exercise: Exercise, case: Case) -> Any:
    assert exercise.reference is not None
    given = copy.deepcopy(case)
    result = exercise.reference(*given)
    return result if exercise.read is None else exercise.read(result, given)


def _attempt(
    exercise: Exercise, function: Callable[..., Any], case: Case, seconds: float
) -> tuple[Outcome, Case, str]:
    """Call an answer; if it cannot take double precision or tensors, try it without them."""
    given = copy.deepcopy(case)
    first = _call(exercise, function, given, seconds)
    if first.error is None or not isinstance(first.error, Exception) or first.timed_out:
        return first, given, ""
    told = first
    for convert, note in (
        (_single, "It was tried in single precision (float32)."),
        (_numpy, "It was tried with NumPy arrays in place of tensors."),
    ):
        other = tuple(convert(argument) for argument in copy.deepcopy(case))
        if all(new is old for new, old in zip(other, case, strict=True)):
            continue
        again = _call(exercise, function, other, seconds)
        if again.error is None and not again.timed_out:
            return again, other, note
        if _about_types(told.error) and not _about_types(again.error):
            told = again  # the error of somebody who works as the page does
    return told, given, ""


def _call(exercise: Exercise, function: Callable[..., Any], given: Case, seconds: float) -> Outcome:
    outcome = call(function, given, seconds)
    if exercise.read is not None and outcome.value is not None:
        with torch.enable_grad():
            outcome.value = _what_is_compared(exercise, outcome.value, given)
    return outcome


def _what_is_compared(exercise: Exercise, value: Any, case: Case) -> Any:
    """The numbers in what an answer returned, or what it returned if it holds none."""
    assert exercise.read is not None
    try:
        return exercise.read(value, case)
    except NotNumbers as error:
        return error
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        return NotNumbers(f"{in_words(value)}, which fails when it is used ({said})")


def _about_types(error: BaseException | None) -> bool:
    """Whether an error is about the types of the arguments rather than about the answer."""
    kinds = RuntimeError | TypeError | AttributeError | ValueError
    return isinstance(error, kinds) and _ABOUT_TYPES.search(str(error)) is not None


def _single(argument: Any) -> Any:
    if isinstance(argument, torch.Tensor) and argument.dtype == torch.float64:
        return argument.float()
    if isinstance(argument, torch.Tensor) and argument.dtype == torch.complex128:
        return argument.to(torch.complex64)
    return argument.float() if isinstance(argument, torch.nn.Module) else argument


def _numpy(argument: Any) -> Any:
    return argument.detach().numpy() if isinstance(argument, torch.Tensor) else argument


def _in_place(exercise: Exercise, one: Tried) -> str:
    """Name of the changed argument that holds the right result after the call, or nothing."""
    touched = changed(exercise, one.case, one.given)
    for name, argument in zip(exercise.arguments, one.given, strict=False):
        try:
            if (
                name in touched
                and compare(argument, one.expected, exercise.tolerance(one.case)).same
            ):
                return name
        except NotNumbers:
            continue
    return ""


def _failed(exercise: Exercise, function: Any, one: Tried, seconds: float, seed: int) -> Result:
    """What to say of an answer that raised or ran out of time."""
    tried, outcome = [("Tried", call_text(exercise, one.case))], one.outcome
    if outcome.timed_out:
        text = f"It had not come back after {seconds:g} s. Is there a loop that never ends?"
        lines = [*tried, ("Came out", text)]
        if outcome.stuck:
            lines.append(("Note", "It could not be stopped. Restart the notebook to be rid of it."))
        return not_right(exercise, lines, seed=seed)
    assert outcome.error is not None
    if isinstance(outcome.error, NotImplementedError):
        return not_yet(exercise)
    return not_right(exercise, [*tried, *mistake(function, outcome.error)], seed=seed)


def _nothing(exercise: Exercise, function: Any, printed: str) -> Result:
    """What to say of an answer that returns None."""
    if stub(function):
        return not_yet(exercise)
    why = "Every call returned None. Does each way through your function end with `return`?"
    if printed:
        why = "It prints its result and returns None. End it with `return` in place of `print`."
    return not_right(exercise, [("Came out", "None"), ("Why", why)])


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
