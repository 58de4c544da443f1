"""What an exercise is: its place in the book, its reference, and its typical wrong answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

KINDS = {
    "derivation": "pencil and paper",
    "prediction": "an answer before the computation",
    "code": "a function to write",
    "number": "a number to find",
    "experiment": "something to try, measure and judge",
}
LEVELS = 4  # of a rubric
Answer = Callable[..., Any]


class Draw:
    """A source of random cases: everything it gives follows from one seed.

    Args:
        seed: Any whole number.
    """

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def uniform(self, low: float, high: float) -> float:
        """Return a number between two others, in double precision."""
        part = torch.rand((), generator=self._generator, dtype=torch.float64)
        return low + (high - low) * float(part)

    def integer(self, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``, both included."""
        return int(torch.randint(low, high + 1, (), generator=self._generator))

    def normal(self, *shape: int) -> torch.Tensor:
        """Return standard normal numbers of this shape, in double precision."""
        return torch.randn(shape, generator=self._generator, dtype=torch.float64)

    def source(self) -> torch.Generator:
        """Return the generator itself, for models that draw their weights."""
        return self._generator


@dataclass(frozen=True)
class Wrong:
    """A typical wrong answer.

    Attributes:
        name: The misconception in a few words, such as "Euler's step".
        answer: The function that somebody writes who has it, or the number for a number.
        hint: What to think about; it never gives the solution away.
        read: Heading of the section of the chapter to read again.
    """

    name: str
    answer: Any
    hint: str
    read: str


@dataclass(frozen=True)
class Also:
    """Another reading of the text that is as right as the reference.

    Attributes:
        answer: The function under this reading, or the number for a number.
        note: What is said to somebody who has read it so.
    """

    answer: Any
    note: str


@dataclass(frozen=True)
class Exercise:
    """One exercise of the book.

    Attributes:
        id: Short name, such as "low-rank-2".
        label: Label of the exercise in the chapter, such as "ex-overlap-tuning".
        chapter: Its page, such as "book/dynamics/low_rank_networks".
        title: Its title there.
        kind: A key of ``KINDS``.
        difficulty: 1 to 5.
        importance: 1 to 5.
        minutes: How long it may take.
        function: Name of the function to write; empty if there is none.
        arguments: Names of its arguments.
        reference: The trusted answer; for a number, a function without arguments. None: the
            answer cannot be checked, the reader marks it with the rubric.
        cases: Draws the arguments to try, simplest first.
        example: Arguments whose expected result is shown to everybody.
        wrong: Typical wrong answers, three or more if there is a reference.
        another: A correct answer written in another way.
        also: Other readings of the text, each accepted if it is followed in all cases.
        axes: Names of the axes of the result. Given: another order of axes is accepted, and named.
        canonical: Brings equivalent results to one form before they are compared.
        read: Takes the numbers to compare out of what an answer returned in a case, where that is
            no number itself, such as a network. Raises ``NotNumbers`` for anything else.
        remark: What to say of wrong results that no typical answer explains, given the arguments
            and the results of all cases; empty text for nothing.
        rtol: Relative tolerance in double precision; below 1e-6 where the result is whole.
        rtol_in: The same for one case, from its arguments, where one tolerance does not fit all.
        integer: Whether the text asks for a whole number, so that its type is judged as well.
        seconds: Time limit for one call.
        rubric: Four levels, from nothing to complete, to mark an answer that no check can.
        worked: Where the worked answer stands in the exercise, in words.
    """

    id: str
    label: str
    chapter: str
    title: str
    kind: str
    difficulty: int
    importance: int
    minutes: int
    function: str = ""
    arguments: tuple[str, ...] = ()
    reference: Answer | None = None
    cases: Callable[[Draw], Sequence[tuple[Any, ...]]] | None = None
    example: tuple[Any, ...] = ()
    wrong: tuple[Wrong, ...] = ()
    another: Answer | None = None
    also: tuple[Also, ...] = ()
    axes: tuple[str, ...] = ()
    canonical: Callable[[Any], Any] | None = None
    read: Callable[[Any, tuple[Any, ...]], Any] | None = None
    remark: Callable[[Sequence[tuple[Any, ...]], Sequence[np.ndarray]], str] | None = None
    rtol: float = 1e-5
    rtol_in: Callable[..., float] | None = None
    integer: bool = False
    seconds: float = 5.0
    rubric: tuple[str, ...] = ()
    worked: str = "in the folded solution below the exercise"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.id}: kind must be one of {list(KINDS)}, got {self.kind!r}")
        for name in ("difficulty", "importance"):
            if getattr(self, name) not in range(1, 6):
                raise ValueError(f"{self.id}: {name} must be 1 to 5, got {getattr(self, name)!r}")
        names = [wrong.name for wrong in self.wrong]
        if self.checkable and (len(names) < 3 or len(set(names)) < len(names)):
            raise ValueError(f"{self.id}: needs three wrong answers with different names: {names}")
        if self.checkable and (self.cases is None or self.another is None):
            raise ValueError(f"{self.id}: a reference needs cases and another correct answer")
        if self.rubric and len(self.rubric) != LEVELS:
            raise ValueError(f"{self.id}: rubric must have {LEVELS} levels, got {len(self.rubric)}")
        if not self.checkable and not self.rubric:
            raise ValueError(f"{self.id}: needs a reference or a rubric")

    @property
    def checkable(self) -> bool:
        """Whether ``check`` can judge an answer."""
        return self.reference is not None

    def tolerance(self, case: Sequence[Any]) -> float:
        """Relative tolerance in a case."""
        return self.rtol if self.rtol_in is None else self.rtol_in(*case)

    def as_dict(self) -> dict[str, Any]:
        """Return what the list of exercises says, without functions."""
        return {
            "id": self.id,
            "chapter": self.chapter,
            "label": self.label,
            "title": self.title,
            "kind": self.kind,
            "difficulty": self.difficulty,
            "importance": self.importance,
            "minutes": self.minutes,
            "checkable": self.checkable,
            "wrong_answers": len(self.wrong),
            "rubric": bool(self.rubric),
        }
