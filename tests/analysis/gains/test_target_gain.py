"""Optimal gain: the ramp comes out as asked, and what cannot be asked is said."""

import math

import pytest
import torch

from nmcourse.analysis import optimal_gain
from nmcourse.models import NMRNN, LowRankRNN, PrescribedGain, identity

RAMP = torch.cat(
    [torch.linspace(-0.5, 0.5, 16, dtype=torch.float64), torch.full((10,), 0.5).double()]
)  # 15 steps, then a plateau


@torch.no_grad()
def network(*, overlap=6.0, d=-2.0, beside=0.3, dt=10.0, orthonormal=True):
    """20 units, tau of 10 steps of 10 ms, a start state that gives the output -0.5."""
    generator = torch.Generator().manual_seed(0)
    net = LowRankRNN(
        1,
        20,
        1,
        rank=1,
        orthonormal=orthonormal,
        nonlinearity=identity,
        tau=100.0,
        dt=dt,
        generator=generator,
    ).double()
    left, right = (factor[:, 0] for factor in net.factors())
    net.column_factors += (overlap - left @ right) / left.square().sum() * left[:, None]
    net.output.bias.fill_(d)
    c = net.output.weights[0]
    x0 = beside * torch.randn(20, generator=generator, dtype=torch.float64)
    x0 -= (x0 @ left) / left.square().sum() * left
    net.x0.copy_(x0 + (-0.5 - d - c @ x0) / (c @ left) * left)
    return net


@torch.no_grad()
def run(net, gain):
    """Output before the first and after every step."""
    silence = torch.zeros(1, gain.shape[-1], 1, dtype=torch.float64)
    y = NMRNN(net, PrescribedGain(gain[:, None], dt=net.dt))(silence).outputs[0, :, 0]
    return torch.cat([net.readout(net.x0[None])[0], y])


@pytest.mark.parametrize("orthonormal", [True, False])
def test_the_simulated_ramp_is_exact(orthonormal):
    net = network(orthonormal=orthonormal)
    found = optimal_gain(net, RAMP)
    torch.testing.assert_close(run(net, found.gain), RAMP, rtol=0, atol=1e-12)
    assert found.feasible.all()
    assert found.overlap == pytest.approx(6.0)
    assert found.start_error.abs() < 1e-12
    assert "feasible: the gain stays between" in found.report()


def test_on_the_plateau_the_network_is_a_line_attractor():
    """f' = 0 and nothing beside l: s l^T r = 1."""
    found = optimal_gain(network(beside=0.0), RAMP)
    torch.testing.assert_close(found.gain[15:], torch.full((10,), 1 / 6).double())
    hand = (1 + 100 * (1 / 150) / (RAMP[:15] + 2)) / 6
    torch.testing.assert_close(found.gain[:15], hand)


def test_eq_8_is_eq_7_with_nothing_beside():
    empty, full = network(beside=0.0), network()
    for clock in ("steps", "continuous"):
        exact = optimal_gain(empty, RAMP, clock=clock).gain
        short = optimal_gain(full, RAMP, form="approximate", clock=clock).gain
        torch.testing.assert_close(exact, short, rtol=1e-10, atol=0)
    gain = optimal_gain(full, RAMP, form="approximate").gain
    assert (run(full, gain) - RAMP).abs().max() > 0.05


def test_continuous_time_is_the_limit_of_small_steps():
    errors = []
    for dt in (10.0, 5.0, 2.5):
        net = network(dt=dt)
        time = dt * torch.arange(round(150 / dt) + 1, dtype=torch.float64)
        target, slope = torch.sin(time / 100) - 0.5, torch.cos(time[:-1] / 100) / 100
        found = optimal_gain(net, target, clock="continuous", slope=slope)
        kept = optimal_gain(net, target, clock="continuous").gain  # quotient in place of f'
        assert not torch.equal(kept, found.gain)
        errors.append((run(net, found.gain) - target).abs().max().item())
    assert math.log2(errors[0] / errors[1]) == pytest.approx(1, abs=0.15)
    assert math.log2(errors[1] / errors[2]) == pytest.approx(1, abs=0.1)


def test_with_its_own_output_eq_7_returns_the_gain_that_made_it():
    net = network()
    generator = torch.Generator().manual_seed(1)
    gain = 0.1 + 0.2 * torch.rand(25, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(optimal_gain(net, run(net, gain)).gain, gain)


def test_a_batch_of_targets_and_states():
    net = network()
    targets = torch.stack([RAMP, RAMP.flip(0)])
    states = torch.stack([net.x0, -net.x0])
    both = optimal_gain(net, targets, x0=states)
    for k in range(2):
        one = optimal_gain(net, targets[k], x0=states[k])
        torch.testing.assert_close(both.gain[k], one.gain)
        torch.testing.assert_close(both.start_error[k], one.start_error)
    assert both.start_error[1].abs() > 0.1


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        (
            {"overlap": 1.2},
            range(11),
        ),  # s < 1 needs 1.2 > 1 + tau f' / (f - d)
        ({"d": 0.0}, range(8)),  # f - d changes sign on the way
    ],
)
def test_infeasible_steps_are_named(settings, steps):
    found = optimal_gain(network(beside=0.0, **settings), RAMP, form="approximate")
    if "overlap" in settings:
        by_hand = 1 + 100 / 150 / (RAMP[:15] + 2) >= 1.2
        assert torch.equal(~found.feasible[:15], by_hand)
    assert not found.feasible[list(steps)].any()
    assert "infeasible in" in found.report()
    assert "more than" in found.report()


def linear(**changes):
    settings = {"rank": 1, "nonlinearity": identity} | changes
    return LowRankRNN(1, 4, settings.pop("n_outputs", 1), **settings)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: optimal_gain(linear(rank=2), RAMP), "network.rank must be 1, got 2"),
        (lambda: optimal_gain(linear(n_outputs=2), RAMP), "network.n_outputs must be 1, got 2"),
        (lambda: optimal_gain(linear(nonlinearity=torch.tanh), RAMP), "must be the identity"),
        (lambda: optimal_gain(torch.nn.Linear(1, 1), RAMP), "must be a LowRankRNN or an NMRNN"),
        (lambda: optimal_gain(linear(), RAMP[:1]), r"target must have shape \(.., time \+ 1\)"),
        (lambda: optimal_gain(linear(), RAMP * torch.nan), "target must be finite"),
        (lambda: optimal_gain(linear(), RAMP, x0=torch.zeros(3)), r"x0 must have shape \(.., 4\)"),
        (lambda: optimal_gain(linear(), RAMP, x0=torch.zeros(2, 4)), "x0 must be one state or one"),
        (lambda: optimal_gain(linear(), RAMP, form="eq7"), "form must be one of"),
        (lambda: optimal_gain(linear(), RAMP, clock="ms"), "clock must be one of"),
        (lambda: optimal_gain(linear(), RAMP, slope=RAMP[1:]), "slope is for clock='continuous'"),
        (
            lambda: optimal_gain(linear(), RAMP, slope=RAMP, clock="continuous"),
            r"slope must be \(25,\), got \(26,\)",
        ),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()
