"""A form of the concept inventory: its questions and their options, as they were drawn."""

from __future__ import annotations

from dataclasses import dataclass

LETTERS = "ABCDEFGH"


@dataclass(frozen=True)
class Option:
    """One option of a drawn question: its text, and what somebody thinks who takes it."""

    text: str
    thinks: str
    right: bool


@dataclass(frozen=True)
class Question:
    """A question as it stands in one form.

    Attributes:
        id: Its name in the source; the same before and after.
        chapter: Address of the chapter that teaches it.
        concept: What it tests.
        stem: The question.
        options: The options in their drawn order.
        why: Why the right one is right.
    """

    id: str
    chapter: str
    concept: str
    stem: str
    options: tuple[Option, ...]
    why: str

    @property
    def key(self) -> str:
        """The letter of the right option."""
        return next(LETTERS[k] for k, option in enumerate(self.options) if option.right)


@dataclass(frozen=True)
class Form:
    """One form of the inventory: "before" or "after", a code that tells it, its questions."""

    name: str
    code: str
    questions: tuple[Question, ...]
