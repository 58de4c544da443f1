"""Questions about digits, and images that come with an instruction."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from nmcourse.tasks import (
    DIGIT_RULES,
    ImageSet,
    digit_answers,
    digit_images,
    instructed,
    under_rule,
)


def test_rules_say_of_every_digit_yes_or_no():
    assert [sum(answers) for answers in DIGIT_RULES.values()] == [5, 5, 5]
    odd, large = digit_answers(["odd", "large"])
    assert odd.tolist() == [digit % 2 for digit in range(10)]
    assert large.tolist() == [int(digit >= 5) for digit in range(10)]


def test_no_rule_tells_another_one():
    """Their answers agree for four to six digits of ten: knowing one hardly helps with another."""
    names = list(DIGIT_RULES)
    for one in names:
        for other in names:
            agree = int((digit_answers([one]) == digit_answers([other])).sum())
            assert agree == 10 if one == other else 4 <= agree <= 6


def test_images_are_labelled_by_their_answer():
    digits = digit_images("test", size=8).subset(slice(20))
    asked = under_rule(digits, "large")
    assert asked.labels.tolist() == [int(label >= 5) for label in digits.labels]
    assert asked.n_classes == 2
    assert asked.images is digits.images


def test_each_image_comes_once_under_each_instruction():
    digits = digit_images("test", size=8).subset(slice(7))
    told = instructed(digits, 3)
    assert len(told) == 21
    assert (told.labels % 10).tolist() == digits.labels.tolist() * 3
    assert (told.labels // 10).tolist() == [0] * 7 + [1] * 7 + [2] * 7
    torch.testing.assert_close(told.images[7:14], digits.images)


def test_what_does_not_fit_is_named():
    digits = digit_images("test", size=8).subset(slice(7))
    with pytest.raises(ValueError, match=r"rules must be some of odd, large, curved, got \['even'"):
        digit_answers(["even"])
    with pytest.raises(ValueError, match="rules must be some of"):
        digit_answers("odd")
    with pytest.raises(ValueError, match="n_instructions must be"):
        instructed(digits, 0)
    with pytest.raises(ValueError, match="digits must be of 10 classes, got 2"):
        instructed(replace(under_rule(digits, "odd")), 2)
    with pytest.raises(ValueError, match="digits must be an ImageSet, got Tensor"):
        under_rule(digits.images, "odd")  # type: ignore[arg-type]
    assert isinstance(digits, ImageSet)
