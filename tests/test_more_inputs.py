"""Counts and seeds of what is seldom called by hand: analysis, instructions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from nmcourse import analysis, models, pretrained, tasks, training
from nmcourse._inputs import check_tensor
from tests.test_inputs import KINDS, WRONG, picture, seed


def instructed(answer: Any = 0, rule: Any = 0) -> training.InstructedTrial:
    return training.InstructedTrial(answers=((0, answer),) * 3, instructions=((0, rule),))


def psychometric(**options: Any) -> analysis.PsychometricCurve:
    choices = torch.tensor([1, -1]).repeat(10)
    return analysis.psychometric_curve(
        torch.linspace(-1, 1, 20), choices, **{"n_draws": 2} | options
    )


DISTANCES = torch.rand(6, 6, generator=seed()) + 1
CALLS: dict[str, Callable[[Any], Any]] = {
    "stride of a convolution": lambda n: models.convolve(picture(), torch.ones(2, 1, 3, 3), n),
    "place in a family": lambda n: analysis.family_ratio(DISTANCES, [0, n], [4, 5], n_draws=2),
    "squares of Gabor filters": lambda n: analysis.gabor_bank(torch.ones(1, 1, 16, 16), stride=n),
    "seed of a curve": lambda n: psychometric(seed=n),
    "draws of a curve": lambda n: psychometric(n_draws=n),
    "seed of a gating network": analysis.random_gating_network,
    "seed of a free network": analysis.random_free_network,
    "seed of gating inputs": analysis.random_gating_inputs,
    "steps of gating inputs": lambda n: analysis.random_gating_inputs(0, n),
    "answer of a rule": lambda n: instructed(answer=n),
    "rule of a phase": lambda n: instructed(rule=n),
    "units of a stored LSTM": lambda n: pretrained.multitask_lstm(n, 3),
    "context of a stored LSTM": lambda n: pretrained.multitask_lstm(2, n),
    "image number": lambda n: tasks.digit_images("test", 8).subset([n]),
}


@pytest.mark.parametrize("name", CALLS)
def test_whole_numbers_of_every_library_are_taken(name: str):
    for kind in KINDS.values():
        CALLS[name](kind(2))


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_whole_number_is_refused_by_name(name: str):
    for wrong in ("True", "True of NumPy", "True of torch", "2.0", "text"):
        if name != "image number" or wrong in ("2.0", "text"):  # truth values choose images
            with pytest.raises(ValueError, match="must"):
                CALLS[name](WRONG[wrong])


def test_a_large_seed_of_a_small_type_does_not_overflow():
    for found in (np.uint8(255), 255):
        assert (
            analysis.random_gating_inputs(found).sum() == analysis.random_gating_inputs(255).sum()
        )


def test_what_an_error_proposes_for_an_array_works():
    for dtype in ("<f4", ">f4", ">i8"):
        array = np.ones(3, dtype)
        with pytest.raises(ValueError, match=r"torch\.as_tensor\(array.* makes one of it") as error:
            check_tensor("images", array)
        proposed = str(error.value).split("; ")[1].removesuffix(" makes one of it")
        assert eval(proposed, {"torch": torch, "array": array}).tolist() == [1, 1, 1]
