from typing import NamedTuple

import pytest
import torch

from nmcourse.analysis import flatten_state, sample_states, trajectory_states, unflatten_state
from nmcourse.models import LSTM, NMRNN, LowRankRNN, Modulator, Trajectory, VanillaRNN


class Areas(NamedTuple):
    v1: torch.Tensor
    v4: torch.Tensor


def models():
    g = torch.Generator().manual_seed(0)
    return {
        "vanilla": VanillaRNN(2, 6, 1, generator=g),
        "nm": NMRNN(LowRankRNN(2, 7, 1, 2, generator=g), Modulator(2, 3, 2, generator=g)),
        "lstm": LSTM(2, 4, 1, generator=g),
    }


@pytest.mark.parametrize(
    "state",
    [
        torch.arange(6.0).reshape(2, 3),
        Areas(torch.arange(16.0).reshape(2, 2, 2, 2), torch.arange(100.0, 106.0).reshape(2, 3)),
        (torch.zeros(2, 1), torch.ones(2, 4)),
    ],
    ids=["tensor", "named tuple of maps", "plain tuple"],
)
def test_flat_states_come_back_with_their_structure(state):
    flat = flatten_state(state)
    back = unflatten_state(flat, state)
    assert type(back) is type(state)
    parts = (state,) if isinstance(state, torch.Tensor) else state
    returned = (back,) if isinstance(back, torch.Tensor) else back
    assert flat.shape == (2, sum(part[0].numel() for part in parts))
    for part, again in zip(parts, returned, strict=True):
        assert torch.equal(part, again)


def test_components_stand_in_the_order_of_the_state():
    flat = flatten_state(Areas(torch.zeros(1, 2), torch.ones(1, 3)))
    assert flat.tolist() == [[0, 0, 1, 1, 1]]


@pytest.mark.parametrize("name", ["vanilla", "nm", "lstm"])
def test_trajectory_states_equal_flattened_steps(name):
    model = models()[name]
    inputs = torch.randn(3, 5, 2, generator=torch.Generator().manual_seed(1))
    visited = trajectory_states(model(inputs))
    state = model.initial_state(3)
    for t in range(5):
        state = model.step(state, inputs[:, t])
        torch.testing.assert_close(visited[:, t], flatten_state(state), rtol=1e-5, atol=1e-6)


def test_sampled_states_were_visited(generator):
    visited = torch.arange(24.0).reshape(2, 3, 4)
    drawn = sample_states(Trajectory(visited, visited), 40, generator=generator)
    rows = {tuple(row) for row in visited.reshape(-1, 4).tolist()}
    assert {tuple(row) for row in drawn.tolist()} == rows


def test_noise_has_the_given_spread(generator):
    still = torch.zeros(1, 1, 50)
    drawn = sample_states(Trajectory(still, still), 400, noise_std=0.3, generator=generator)
    assert drawn.std().item() == pytest.approx(0.3, rel=0.03)


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match=r"state must be a tensor .* got dict"):
        flatten_state({"x": torch.zeros(1, 2)})
    with pytest.raises(
        ValueError, match=r"shape \(batch, unit\) in each component, got \[\(3,\)\]"
    ):
        flatten_state(torch.zeros(3))
    with pytest.raises(ValueError, match=r"one batch size in all components, got \[1, 2\]"):
        flatten_state((torch.zeros(1, 2), torch.zeros(2, 2)))
    with pytest.raises(ValueError, match=r"flat must have shape \(batch, 3\), got \(2, 4\)"):
        unflatten_state(torch.zeros(2, 4), torch.zeros(1, 3))
    with pytest.raises(ValueError, match="trajectory must hold states, got None"):
        trajectory_states(Trajectory(torch.zeros(1, 1, 1), None))
    nan = torch.full((1, 2, 3), torch.nan)
    with pytest.raises(ValueError, match=r"trajectory\.states must be finite"):
        sample_states(Trajectory(nan, nan), 2)
    with pytest.raises(ValueError, match="noise_std must be zero or positive, got -1"):
        sample_states(Trajectory(nan, nan), 2, noise_std=-1.0)
    with pytest.raises(ValueError, match="n_states must be a positive integer, got 0"):
        sample_states(Trajectory(nan, nan), 0)
