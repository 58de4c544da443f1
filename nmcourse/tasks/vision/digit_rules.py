"""Questions about digits with two answers, and images that come with an instruction.

    odd    is it odd?             large   is it 5 or more?         curved  is it all curves?

An *instruction* is a sequence of rules that hold one after the other while an image stays. Images
that are to be answered under several instructions are repeated, once for each.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nmcourse._inputs import count
from nmcourse.tasks.vision.images import ImageSet

#: rule -> answer (0 no, 1 yes) to each digit.
DIGIT_RULES: dict[str, tuple[int, ...]] = {
    "odd": (0, 1, 0, 1, 0, 1, 0, 1, 0, 1),
    "large": (0, 0, 0, 0, 0, 1, 1, 1, 1, 1),
    "curved": (1, 0, 0, 1, 0, 0, 1, 0, 1, 1),
}


def digit_answers(rules: Sequence[str]) -> Tensor:
    """Answers (rule, digit), 0 or 1.

    Args:
        rules: names of ``DIGIT_RULES``.

    Raises:
        ValueError: for an unknown rule, or none.
    """
    unknown = [rule for rule in rules if rule not in DIGIT_RULES]
    if isinstance(rules, str) or unknown or not rules:
        raise ValueError(f"rules must be some of {', '.join(DIGIT_RULES)}, got {rules!r}")
    return torch.tensor([DIGIT_RULES[rule] for rule in rules])


def under_rule(digits: ImageSet, rule: str) -> ImageSet:
    """Digits labelled by their answer to one rule.

    Raises:
        ValueError: for an unknown rule, or images of other classes than ten digits.
    """
    _check_digits(digits)
    answers = digit_answers([rule])[0]
    return ImageSet(digits.images, answers[digits.labels], ("no", "yes"))


def instructed(digits: ImageSet, n_instructions: int) -> ImageSet:
    """Each digit once under each instruction; its label is 10 * instruction + digit.

    Args:
        digits: of ten classes.
        n_instructions: how many.

    Raises:
        ValueError: for a number below one, or images of other classes than ten digits.
    """
    n = count("n_instructions", n_instructions)
    _check_digits(digits)
    labels = torch.cat([10 * k + digits.labels for k in range(n)])
    names = tuple(f"{k}: {name}" for k in range(n) for name in digits.class_names)
    return ImageSet(digits.images.repeat(n, 1, 1, 1), labels, names)


def _check_digits(digits: ImageSet) -> None:
    if not isinstance(digits, ImageSet):
        raise ValueError(f"digits must be an ImageSet, got {type(digits).__name__}")
    if digits.n_classes != 10:
        raise ValueError(f"digits must be of 10 classes, got {digits.n_classes}")
