"""Held states, against networks whose manifolds are known."""

from __future__ import annotations

import math

import pytest
import torch

from nmcourse.analysis import decay_rates, held_states, largest_gap, tangents_of
from nmcourse.models import LowRankRNN, identity
from nmcourse.tasks import MemoryGuided


def line_network(feedback: float = 1.0) -> LowRankRNN:
    """Linear, rank one: along l the leak is paid back, across it tau = 100 ms."""
    model = LowRankRNN(
        3,
        8,
        2,
        1,
        nonlinearity=identity,
        symmetric=True,
        readout_bias=False,
        x0=0.0,
        dt=20.0,
        generator=torch.Generator().manual_seed(0),
    ).double()
    with torch.no_grad():
        model.input_weights[:, 0] = 0.0  # fixation drives nothing
        model.scale = feedback
    return model


def test_a_line_attractor_keeps_what_lies_along_it():
    model, task = line_network(), MemoryGuided("line", noise=0.0)
    trials = task.probe(5)
    states = held_states(model, task, trials, n_delays=2)
    assert states.shape == (5, 61, 8)
    direct = model(trials.inputs.double()).states
    end = round(float(trials.conditions["go_time"][0]) / 20) - 1
    torch.testing.assert_close(states[:, 0], direct[:, end])
    axis = model.factors()[0][:, 0].detach()
    torch.testing.assert_close(states[:, 0] @ axis, states[:, -1] @ axis)
    left = (states[:, -1] - (states[:, -1] @ axis)[:, None] * axis).norm()
    assert left < 1e-4


@pytest.mark.parametrize(("feedback", "slowest"), [(0.5, None), (1.0, math.inf)])
def test_time_constants_along_and_across(feedback, slowest):
    model = line_network(feedback)
    axis = model.factors()[0].detach().mT
    found = decay_rates(model, 0.3 * axis, torch.zeros(3), tangents=axis)
    expected = -20 / math.log(1 - 0.2 + 0.2 * feedback) if slowest is None else slowest
    if math.isinf(expected):  # an eigenvalue of one, up to rounding
        assert found.slowest.item() > 1e10
    else:
        assert found.slowest.item() == pytest.approx(expected)
    assert found.second.item() == pytest.approx(-20 / math.log(0.8))
    assert found.alignment.item() == pytest.approx(1.0)
    beside = torch.linalg.svd(axis)[2][1:2]
    assert decay_rates(model, axis, torch.zeros(3), tangents=beside).alignment.item() < 1e-6


def test_gaps():
    even = torch.arange(12, dtype=torch.float64) * 2 * math.pi / 12
    assert largest_gap(even, 2 * math.pi) == pytest.approx(1 / 12)
    assert largest_gap(even + 11.0, 2 * math.pi) == pytest.approx(1 / 12)
    four = torch.tensor([0.0, 0.01, 1.57, 3.14, 3.15, 4.71])
    assert largest_gap(four, 2 * math.pi) == pytest.approx(0.25, abs=0.01)
    assert largest_gap(torch.tensor([0.0, 0.25, 0.5, 1.0])) == pytest.approx(0.5)
    assert largest_gap(torch.tensor([2.0, 2.0])) == 1.0


def test_tangents_go_from_one_neighbour_to_the_other():
    angles = torch.arange(8) * 2 * math.pi / 8
    ring = torch.stack([angles.cos(), angles.sin()], dim=-1)
    along = torch.stack([-angles.sin(), angles.cos()], dim=-1)
    found = tangents_of(ring, closed=True)
    torch.testing.assert_close(found / found.norm(dim=-1, keepdim=True), along)
    line = torch.tensor([[0.0], [1.0], [4.0]])
    assert tangents_of(line, closed=False)[:, 0].tolist() == [1.0, 4.0, 3.0]


def test_what_does_not_fit_is_named():
    model, task = line_network(), MemoryGuided("line")
    drawn = task.sample(20, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match="trials must share one delay"):
        held_states(model, task, drawn)
    with pytest.raises(ValueError, match="n_delays must be positive, got 0"):
        held_states(model, task, task.probe(3), n_delays=0)
    with pytest.raises(ValueError, match=r"places must be two or more, .* got \(1,\)"):
        largest_gap(torch.zeros(1))
    with pytest.raises(ValueError, match=r"tangents must have shape \(2, 8\)"):
        decay_rates(model, torch.zeros(2, 8), torch.zeros(3), tangents=torch.zeros(1, 8))
    with pytest.raises(ValueError, match="three or more"):
        tangents_of(torch.zeros(2, 8), closed=True)
