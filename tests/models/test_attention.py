"""The attention reader: built by hand it finds the element, and it says what it cannot do."""

from __future__ import annotations

import re

import pytest
import torch

from nmcourse.models import AttentionReader
from nmcourse.tasks import ElementFinder
from nmcourse.training import fit_many


def test_weights_by_hand_solve_the_task(generator):
    """Keys on a parabola (2i, -i^2): the score against (q + 1, 1) is largest at i = q + 1."""
    task = ElementFinder(6)
    model = AttentionReader(7, width=2, n_hidden=1)
    place, small = torch.arange(7.0), 1e-3
    with torch.no_grad():
        model.keys.copy_(200 * torch.stack([2 * place, -place.square()], dim=1))
        model.input_weights.fill_(small)
        model.input_bias.zero_()
        model.look_weights.copy_(torch.tensor([[1 / small], [0.0]]))
        model.look_bias.fill_(1.0)
    trials = task.sample(200, generator=generator)
    trajectory = model(trials.inputs)
    torch.testing.assert_close(trajectory.outputs[:, -1], trials.targets[:, -1], atol=1e-4, rtol=0)
    assert torch.equal(trajectory.outputs[:, 0], trajectory.outputs[:, -1])
    assert trajectory.states is None
    weights = model.weights(trials.inputs)
    torch.testing.assert_close(weights.sum(-1), torch.ones(200))
    assert torch.equal(weights.argmax(-1), trials.conditions["query"] + 1)


def test_it_learns_a_short_list():
    result = fit_many(
        lambda generator: AttentionReader(5, generator=generator),
        ElementFinder(4),
        seeds=2,
        n_steps=300,
        batch_size=64,
        learning_rate=3e-2,
        progress=False,
    )
    assert (result.losses[-20:].mean(dim=0) < 0.3 * ElementFinder(4).chance).all()


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 8, 1), "inputs have 8 steps, but there are keys for n_places=7"),
        ((2, 7, 2), "inputs must have shape (batch, time, 1), got (2, 7, 2)"),
    ],
)
def test_bad_inputs(shape, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        AttentionReader(7)(torch.zeros(shape))


def test_bad_sizes():
    with pytest.raises(ValueError, match="width must be a positive integer, got 0"):
        AttentionReader(7, width=0)
