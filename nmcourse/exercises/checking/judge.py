"""Judge the results of an answer: right, right in another reading, or wrong in which way."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from nmcourse.exercises.checking.compare import (
    NotNumbers,
    as_array,
    compare,
    equal,
    integers,
    scale_of,
)
from nmcourse.exercises.checking.describe import call_text, in_words
from nmcourse.exercises.checking.limits import Outcome, protected
from nmcourse.exercises.checking.record import Exercise
from nmcourse.exercises.checking.result import Result

Case = tuple[Any, ...]
Lines = list[tuple[str, str]]
_SIMPLE = (
    "Each entry",
    "Your result has the wrong sign",
    "Your result is in reverse",
    "Your result is shifted",
)


@dataclass(frozen=True)
class Tried:
    """One call of an answer.

    Attributes:
        case: Its arguments as they were before.
        expected: What the reference makes of them.
        given: The arguments after the call.
        outcome: What came of it.
        note: How the arguments had to be converted; empty if they had not.
        printed: The beginning of what the answer printed.
    """

    case: Case
    expected: Any
    given: Case
    outcome: Outcome
    note: str
    printed: str

    @property
    def value(self) -> Any:
        """What was returned."""
        return self.outcome.value


def judge(exercise: Exercise, calls: Sequence[Tried], seed: int) -> tuple[Result, Tried | None]:
    """Compare all results with the expected ones and say what came of it."""
    notes = {one.note for one in calls if one.note}
    scale = scale_of([one.expected for one in calls])
    for one in calls:
        same, note, reason = _verdict(_in(exercise, one.case), one.value, one.expected, scale)
        notes |= {note} if note else set()
        if not same:
            if accepted := _other_reading(exercise, calls):
                notes = {note for note in notes if note.startswith("It was")} | {accepted}
                break
            return _wrong(exercise, calls, one, reason, seed), one
    touched = set().union(*(changed(exercise, one.case, one.given) for one in calls))
    if touched:
        names = " and ".join(sorted(touched))
        notes.add(f"It changes its argument {names}: whoever calls it may not expect that.")
    lines = [("Tried", f"{len(calls)} cases, all right")]
    lines += [("Note", note) for note in sorted(notes)]
    return Result(exercise.id, exercise.title, "correct", tuple(lines)), None


def _in(exercise: Exercise, case: Case) -> Exercise:
    """The exercise with the tolerance of one case."""
    if exercise.rtol_in is None:
        return exercise
    return dataclasses.replace(exercise, rtol=exercise.tolerance(case), rtol_in=None)


def _wrong(
    exercise: Exercise, calls: Sequence[Tried], one: Tried, reason: str, seed: int
) -> Result:
    """What to say of an answer whose result is wrong in one case, the first such one."""
    found, wanted = in_words(one.value), in_words(one.expected)
    if found == wanted and getattr(one.value, "shape", ()) == ():
        found = repr(one.value.item() if hasattr(one.value, "item") else one.value)  # all digits
    lines = [("Tried", call_text(exercise, one.case)), ("Came out", found)]
    if exercise.kind != "number":  # there it would be the solution
        lines.append(("Expected", wanted))
    if known := _misconception(exercise, calls):
        name, hint, read = known
        lines += [("This looks like", name), ("Think of", hint), ("Read again", read)]
        return not_right(exercise, lines, misconception=name, seed=seed)
    reason = (
        _remark(exercise, calls)
        or _over_all_cases(exercise, calls)
        or _in_other_cases(exercise, calls, reason)
    )
    return not_right(exercise, [*lines, ("Why", reason)], seed=seed)


def _verdict(
    exercise: Exercise, value: Any, wanted: Any, scale: float = 0.0
) -> tuple[bool, str, str]:
    """Whether a result is right, what is worth saying if it is, and how it differs if not."""
    if isinstance(value, NotNumbers):
        return False, "", f"Your function returned {value}."
    try:
        verdict = compare(value, wanted, exercise.rtol, exercise.axes, scale)
    except NotNumbers as error:
        ends = " Does each way through it end with `return`?" if value is None else ""
        return False, "", f"Your function returned {error}.{ends}"
    if verdict.same and exercise.integer and not integers(value):
        why = f"A whole number was asked for. The value is right, its type is {_type(value)}."
        return False, "", why
    if verdict.same or exercise.canonical is None:
        return verdict.same, verdict.note, verdict.reason
    found, loose = as_array(value)
    if found.shape != as_array(wanted)[0].shape:
        return False, "", verdict.reason
    one, other = exercise.canonical(found), exercise.canonical(as_array(wanted)[0])
    again = compare(one, other, max(exercise.rtol, loose), scale=scale)
    return again.same, again.note, verdict.reason


def _type(value: Any) -> str:
    return str(value.dtype) if hasattr(value, "dtype") else type(value).__name__


def _other_reading(exercise: Exercise, calls: Sequence[Tried]) -> str:
    """The note of another reading of the text that all results follow; empty if they do not."""
    close = dataclasses.replace(exercise, rtol=min(exercise.rtol, 1e-5), rtol_in=None)
    for other in exercise.also:
        if _agrees(close, other.answer, calls):
            return other.note
    return ""


def _misconception(exercise: Exercise, calls: Sequence[Tried]) -> tuple[str, str, str] | None:
    """Name, hint and section of the typical wrong answer that gives these very results."""
    for wrong in exercise.wrong:
        if _agrees(exercise, wrong.answer, calls):
            return wrong.name, wrong.hint, wrong.read
    return None


def _agrees(exercise: Exercise, other: Any, calls: Sequence[Tried]) -> bool:
    """Whether another function, or number, gives the results of an answer in all cases."""
    results = []
    for one in calls:
        with protected(), torch.enable_grad():
            try:
                given = copy.deepcopy(one.case)
                result = other(*given) if callable(other) else other
                if exercise.read is not None:
                    result = exercise.read(result, given)
                results.append(result)
            except Exception:
                return False
    try:
        scale = scale_of(results)
    except NotNumbers:
        return False
    plain = dataclasses.replace(exercise, integer=False)
    pairs = zip(calls, results, strict=True)
    return all(_verdict(_in(plain, one.case), one.value, result, scale)[0] for one, result in pairs)


def _remark(exercise: Exercise, calls: Sequence[Tried]) -> str:
    """What the exercise itself has to say of these results; empty if nothing."""
    if exercise.remark is None:
        return ""
    try:
        results = [as_array(one.value)[0] for one in calls]
    except NotNumbers:
        return ""
    return exercise.remark([one.case for one in calls], results)


def _over_all_cases(exercise: Exercise, calls: Sequence[Tried]) -> str:
    """How numbers differ, if they differ in one way in all cases; empty if not."""
    rtol = exercise.rtol
    try:
        found = [as_array(one.value) for one in calls]
        wanted = np.array([as_array(one.expected)[0] for one in calls])
        values = np.array([value.reshape(wanted.shape[1:]) for value, _ in found])
    except (NotNumbers, ValueError):
        return ""
    if wanted.ndim != 1 or len(wanted) < 3:
        return ""
    if exercise.integer and equal(values, wanted, rtol):
        return ""  # only the type is wrong
    reason = compare(values, wanted, max([rtol, *(loose for _, loose in found)])).reason
    if "wrong sign" in reason or "Each entry" in reason:
        return reason.replace("Each entry of your result", "Each of your results")
    tolerances = [exercise.tolerance(one.case) for one in calls]
    return _how_often(exercise, values, wanted, tolerances)


def _in_other_cases(exercise: Exercise, calls: Sequence[Tried], reason: str) -> str:
    """The reason of one case, with what to add if arrays differ in another way in another case."""
    if not reason.startswith(_SIMPLE):
        return reason
    others = {_verdict(_in(exercise, one.case), one.value, one.expected)[2] for one in calls}
    return reason if others <= {reason, ""} else f"In this case: {reason} In others it is not so."


def _rounded(values: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether all results are the expected ones, rounded in some way, and not to nothing."""
    rounded = [np.floor(wanted), np.ceil(wanted), *(np.round(wanted, k) for k in range(5))]
    left = len(set(values.tolist())) > 1
    return left and any(np.allclose(values, way, rtol=1e-9, atol=1e-12) for way in rounded)


def _how_often(
    exercise: Exercise, values: np.ndarray, wanted: np.ndarray, tolerances: Sequence[float]
) -> str:
    """In how many cases a number is right, or that all are too large or too small."""
    if not np.iscomplexobj(wanted) and not np.iscomplexobj(values) and _rounded(values, wanted):
        return "Your result is the expected one, rounded. Return it as it is."
    scale = scale_of(list(wanted))
    right = [
        compare(value, number, rtol, scale=scale).same
        for value, number, rtol in zip(values.tolist(), wanted.tolist(), tolerances, strict=True)
    ]
    if np.isfinite(values).all() and len(set(values.tolist())) == 1 < len(set(wanted.tolist())):
        return "Your result is the same in every case, and should not be."
    if exercise.example and right[0] and not any(right[1:]):
        return "Right for the example and for no other case. What in it holds for the example only?"
    if any(right):
        said = f"Right in {sum(right)} of {len(wanted)} cases."
        special = " What is special about this one?" if 2 * sum(right) > len(wanted) else ""
        return said + special
    if np.iscomplexobj(values) or not np.isfinite(values).all():
        return ""
    if (values > wanted).all():
        return "Your result is too large in every case."
    return "Your result is too small in every case." if (values < wanted).all() else ""


def changed(exercise: Exercise, before: Case, after: Case) -> set[str]:
    """Names of the arguments that a call has changed."""
    pairs = zip(exercise.arguments, before, after, strict=False)
    return {name for name, old, new in pairs if not _same_data(old, new)}


def _same_data(old: Any, new: Any) -> bool:
    """Whether a value holds the numbers that it held before a call, such as those of a network."""
    if isinstance(old, torch.nn.Module):
        old, new = (dict([*m.named_parameters(), *m.named_buffers()]) for m in (old, new))
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(_same_data(old[name], new[name]) for name in old)
    if isinstance(old, list | tuple):
        return len(old) == len(new) and all(map(_same_data, old, new))
    try:
        return equal(as_array(old)[0], as_array(new)[0], 1e-3)
    except NotNumbers:
        return True  # such as a function: it holds no numbers


def not_right(
    exercise: Exercise, lines: Lines, misconception: str = "", seed: int | None = None
) -> Result:
    """Return a result that says what is wrong, and how to get at the same case again."""
    if seed is not None and exercise.kind != "number":
        again = f'result = check("{exercise.id}", {exercise.function}, seed={seed}), and its '
        lines = [*lines, ("The same case again", f"{again}arguments are in result.case")]
    return Result(exercise.id, exercise.title, "not right", tuple(lines), misconception)
