"""What a homework problem is: a family of versions, each with parts, points and wrong answers.

A version is drawn from a seed. Its functions are kept as text, so that the reference that marks,
the solution in the instructor's notebook and the catalogued wrong answers are one source.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw, Exercise, Wrong

STUB = "raise NotImplementedError  # your code here"
Cases = Callable[[Draw], Sequence[tuple[Any, ...]]]


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer.

    Attributes:
        name: The misconception in a few words.
        body: The body of the function that somebody writes who has it.
        hint: What to think about; it never gives the solution away.
        read: Heading of the section of the chapter to read again.
    """

    name: str
    body: str
    hint: str
    read: str


@dataclass(frozen=True)
class Part:
    """A part of a homework problem: one function to write.

    Attributes:
        name: "a", "b", ...
        title: A few words.
        points: What it is worth.
        task: What is asked, in Markdown.
        function: Name of the function.
        arguments: Names of its arguments.
        describes: First line of its docstring.
        body: Body of the reference.
        another: Body of a correct answer written in another way.
        mistakes: Typical wrong answers, three or more.
        cases: Draws the arguments of the hidden tests.
        example: Arguments of the test that everybody sees.
        canonical: A function of NumPy that brings equivalent results to one form before they are
            compared, such as ``np.sort_complex``.
        seconds: Time limit of one call.
        opening: What stands before the part, in Markdown.
    """

    name: str
    title: str
    points: float
    task: str
    function: str
    arguments: tuple[str, ...]
    describes: str
    body: str
    another: str
    mistakes: tuple[Mistake, ...]
    cases: Cases
    example: tuple[Any, ...]
    canonical: Callable[[Any], Any] | None = None
    seconds: float = 5.0
    opening: str = ""

    def __post_init__(self) -> None:
        names = [mistake.name for mistake in self.mistakes]
        if len(names) < 3 or len(set(names)) < len(names):
            raise ValueError(f"part {self.name}: mistakes must be three with names of their own")
        if self.points <= 0:
            raise ValueError(f"part {self.name}: points must be above 0, got {self.points!r}")
        if self.canonical is not None and getattr(np, self.canonical.__name__, None) is None:
            raise ValueError(f"part {self.name}: canonical must be a function of NumPy")

    def brought(self, name: str) -> str:
        """Return the code that brings a variable to the form in which results are compared."""
        return name if self.canonical is None else f"np.{self.canonical.__name__}({name})"

    def source(self, body: str | None = None) -> str:
        """Return the function as text, with the body of the reference or another one."""
        head = f"def {self.function}({', '.join(self.arguments)}):"
        text = body if body is not None else self.body
        return f'{head}\n    """{self.describes}"""\n{textwrap.indent(text, "    ")}\n'

    def stub(self) -> str:
        """Return the function as the student finds it."""
        return self.source(STUB)


@dataclass(frozen=True)
class Version:
    """One version of a homework problem.

    Attributes:
        homework: Name of the problem, such as "rates".
        chapter: Its page.
        title: Title of the problem.
        statement: The setting, in Markdown.
        common: Code that all parts use and the student is given.
        parts: The parts.
    """

    homework: str
    chapter: str
    title: str
    statement: str
    common: str
    parts: tuple[Part, ...]

    @property
    def points(self) -> float:
        """All points together."""
        return sum(part.points for part in self.parts)

    def compiled(self, part: Part, body: str | None = None) -> Callable[..., Any]:
        """Return a function of a part, by default the reference."""
        names: dict[str, Any] = {}
        exec(f"import numpy as np\n{self.common}\n{part.source(body)}", names)
        function: Callable[..., Any] = names[part.function]
        return function

    def exercise(self, part: Part) -> Exercise:
        """Return a part as an exercise, so that the course's own engine judges it."""
        return Exercise(
            id=f"{self.homework}-{part.name}",
            label="",
            chapter=self.chapter,
            title=part.title,
            kind="code",
            difficulty=3,
            importance=3,
            minutes=20,
            function=part.function,
            arguments=part.arguments,
            reference=self.compiled(part),
            cases=part.cases,
            wrong=tuple(
                Wrong(one.name, self.compiled(part, one.body), one.hint, one.read)
                for one in part.mistakes
            ),
            another=self.compiled(part, part.another),
            canonical=part.canonical,
            rtol=1e-5,
            seconds=part.seconds,
        )


@dataclass(frozen=True)
class Homework:
    """A homework problem with all its versions.

    Attributes:
        name: Short name, such as "rates".
        settings: The choices of which a version takes one each; all are equally hard.
        build: Makes a version of one value for each of them.
    """

    name: str
    settings: dict[str, tuple[Any, ...]]
    build: Callable[..., Version]

    def __post_init__(self) -> None:
        if not re.fullmatch("[a-z]+(-[a-z]+)*", self.name):
            raise ValueError(f"name must be small letters and hyphens, got {self.name!r}")

    def count(self) -> int:
        """Return how many versions there are."""
        number = 1
        for values in self.settings.values():
            number *= len(values)
        return number

    def draw(self, seed: int, number: int = 0) -> dict[str, Any]:
        """Return the settings of a version; different numbers give different versions.

        Args:
            seed: Any whole number.
            number: 0, 1, ... up to the number of versions.

        Raises:
            ValueError: There are not so many versions.
        """
        if not 0 <= number < self.count():
            raise ValueError(
                f"number of a version of {self.name} must be 0 to {self.count() - 1}, got {number}"
            )
        index = (Draw(seed).integer(0, self.count() - 1) + number) % self.count()
        chosen = {}
        for name, values in self.settings.items():
            index, here = divmod(index, len(values))
            chosen[name] = values[here]
        return chosen
