"""The NM-RNN: what its gain does, and how its published step differs from plain Euler."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.func import functional_call

from nmcourse.models import (
    NMRNN,
    ClampedGain,
    LowRankRNN,
    Modulator,
    NMState,
    PrescribedGain,
    VanillaRNN,
)
from nmcourse.training._networks import Networks

EXACT = {"rtol": 0, "atol": 1e-12}
BATCH, STEPS, INPUTS, UNITS, RANK = 3, 15, 2, 6, 3


@pytest.fixture
def inputs():
    return torch.randn(BATCH, STEPS, INPUTS, dtype=torch.float64)


@pytest.fixture
def network(generator):
    return LowRankRNN(INPUTS, UNITS, 2, RANK, tau=50.0, generator=generator).double()


@pytest.fixture
def modulator(generator):
    source = Modulator(INPUTS, 4, RANK, tau=80.0, generator=generator)
    with torch.no_grad():
        source.gain_weights.mul_(10)
    return source.double()


# gains


@pytest.mark.parametrize("kind", ["clamped", "prescribed", "clamped prescription"])
def test_gains_of_one_leave_the_low_rank_network(inputs, network, modulator, kind):
    ones = dict.fromkeys(range(RANK), 1.0)
    source = {
        "clamped": ClampedGain(modulator, ones),
        "prescribed": PrescribedGain(torch.ones(STEPS, RANK)),
        "clamped prescription": ClampedGain(PrescribedGain(torch.rand(STEPS, RANK)), ones),
    }[kind].double()
    found, expected = NMRNN(network, source)(inputs), network(inputs)
    torch.testing.assert_close(found.outputs, expected.outputs, **EXACT)
    torch.testing.assert_close(found.states, expected.states, **EXACT)
    assert (found.gains == 1).all()
    assert not torch.allclose(NMRNN(network, modulator)(inputs).states, expected.states, atol=1e-3)


def test_constant_gains_scale_the_rank_one_terms(inputs, network):
    gain = torch.tensor([0.2, 0.7, 1.3], dtype=torch.float64)
    found = NMRNN(network, PrescribedGain(gain.expand(STEPS, RANK)))(inputs)
    full = VanillaRNN(INPUTS, UNITS, 2, recurrent_scaling="none", tau=50.0).double()
    with torch.no_grad():
        full.recurrent_weights.copy_(network.connectivity(gain))
        full.input_weights.copy_(network.input_weights)
    torch.testing.assert_close(found.states, full(inputs).states, **EXACT)


def test_gain_is_the_nonlinear_readout_of_the_modulator(inputs, network, modulator):
    trajectory = NMRNN(network, modulator)(inputs)
    z = trajectory.modulator_states
    expected = torch.sigmoid(z @ modulator.gain_weights.mT + modulator.gain_bias)
    torch.testing.assert_close(trajectory.gains, expected, **EXACT)
    assert (trajectory.gains > 0).all()
    assert (trajectory.gains < 1).all()


def test_a_clamp_holds_its_components_and_no_others(inputs, network, modulator):
    free = NMRNN(network, modulator)(inputs)
    held = NMRNN(network, ClampedGain(modulator, {1: 0.25}))(inputs)
    assert (held.gains[..., 1] == 0.25).all()
    torch.testing.assert_close(held.gains[..., [0, 2]], free.gains[..., [0, 2]], **EXACT)
    torch.testing.assert_close(held.modulator_states, free.modulator_states, **EXACT)
    assert not torch.allclose(held.states, free.states)


def test_clamps_may_be_laid_over_one_another(inputs, network, modulator):
    twice = ClampedGain(ClampedGain(modulator, {0: 0.125, 1: 0.25}), {1: 0.75})
    gains = NMRNN(network, twice)(inputs).gains
    assert (gains[..., 0] == 0.125).all()
    assert (gains[..., 1] == 0.75).all()


def test_clamps_may_differ_from_seed_to_seed(inputs):
    models = []
    for seed in range(RANK):
        draw = torch.Generator().manual_seed(seed)
        source = Modulator(INPUTS, 4, RANK, generator=draw)
        low_rank = LowRankRNN(INPUTS, UNITS, 1, RANK, generator=draw)
        models.append(NMRNN(low_rank, ClampedGain(source, {seed: 0.0})).double())
    networks = Networks(models)
    state = networks._shared_buffers(networks.parameters | networks.buffers)
    together = functional_call(models[0], state, (inputs,))
    for name in ("gains", "states"):
        expected = torch.stack([getattr(model(inputs), name) for model in models])
        torch.testing.assert_close(getattr(together, name), expected, **EXACT)


def test_prescribed_gain_t_is_that_of_step_t(inputs, network):
    gains = torch.rand(STEPS, RANK, dtype=torch.float64)
    found = NMRNN(network, PrescribedGain(gains))(inputs)
    assert torch.equal(found.gains, gains.expand(BATCH, STEPS, RANK))
    x = network.initial_state(BATCH)
    for t in range(STEPS):
        x = network.step(x, inputs[:, t], gain=gains[t])
        torch.testing.assert_close(found.states[:, t], x, **EXACT)
    elapsed = 10.0 * torch.arange(1, STEPS + 1, dtype=torch.float64)
    assert torch.equal(found.modulator_states, elapsed[:, None].expand(BATCH, STEPS, 1))


def test_prescribed_gains_of_each_trial(inputs, network):
    gains = torch.rand(BATCH, STEPS, RANK, dtype=torch.float64)
    found = NMRNN(network, PrescribedGain(gains))(inputs)
    assert torch.equal(found.gains, gains)
    for trial in range(BATCH):
        alone = NMRNN(network, PrescribedGain(gains[trial]))(inputs[trial : trial + 1])
        torch.testing.assert_close(found.states[trial], alone.states[0], **EXACT)


def test_prescribed_gain_from_a_function_of_time():
    source = PrescribedGain.from_function(
        lambda t: torch.stack([t, -2 * t], dim=1), n_steps=4, dt=5.0
    )
    model = NMRNN(LowRankRNN(1, 3, 1, 2, dt=5.0), source)
    expected = torch.tensor([[0.0, 0.0], [5.0, -10.0], [10.0, -20.0], [15.0, -30.0]])
    assert torch.equal(model(torch.zeros(1, 4, 1)).gains[0], expected)


def test_step_holds_the_last_prescribed_gain(network):
    gains = torch.rand(2, RANK, dtype=torch.float64)
    model = NMRNN(network, PrescribedGain(gains))
    state, u = model.initial_state(1), torch.zeros(1, INPUTS, dtype=torch.float64)
    seen = []
    for _ in range(4):
        state = model.step(state, u)
        seen.append(model.modulator.gain(state.z)[0])
    assert torch.equal(torch.stack(seen), gains[[0, 1, 1, 1]])


def test_context_reaches_the_modulator_only(inputs, network, generator):
    modulator = Modulator(INPUTS, 4, RANK, n_context=2, generator=generator).double()
    model = NMRNN(network, modulator)
    context = torch.randn(BATCH, STEPS, 2, dtype=torch.float64)
    found, other = model(inputs, context), model(inputs, -context)
    assert not torch.allclose(found.modulator_states, other.modulator_states)
    z = model.initial_state(BATCH).z
    x = model.initial_state(BATCH).x
    for t in range(STEPS):  # the output network never sees it: gains and inputs explain x
        x = network.step(x, inputs[:, t], gain=found.gains[:, t])
        z = modulator.step(z, inputs[:, t], context[:, t], None)
    torch.testing.assert_close(found.states[:, -1], x, **EXACT)
    torch.testing.assert_close(found.modulator_states[:, -1], z, **EXACT)


def test_feedback_is_the_rate_before_the_step(network, generator):
    """tau_z z' = -z + W_z phi(z) + B_z u + F phi(x) + f, with the x that the step starts from."""
    modulator = Modulator(INPUTS, 4, RANK, n_feedback=UNITS, tau=80.0, generator=generator)
    with torch.no_grad():
        modulator.feedback_bias.copy_(torch.tensor([0.1, -0.2, 0.3, 0.0]))
    model = NMRNN(network, modulator.double())
    x = torch.randn(BATCH, UNITS, dtype=torch.float64)
    z = torch.randn(BATCH, 4, dtype=torch.float64)
    u = torch.randn(BATCH, INPUTS, dtype=torch.float64)
    m = modulator
    change = -z + torch.tanh(z) @ m.recurrent_weights.mT + u @ m.input_weights.mT
    change = change + torch.tanh(x) @ m.feedback_weights.mT + m.feedback_bias
    new_z = z + 10.0 / 80.0 * change
    s = torch.sigmoid(new_z @ m.gain_weights.mT + m.gain_bias)
    left, right = network.factors()
    recurrent = (s * (torch.tanh(x) @ right)) @ left.mT
    new_x = x + 10.0 / 50.0 * (-x + recurrent + u @ network.input_weights.mT)
    found = model.step(NMState(x, z), u)
    torch.testing.assert_close(found.z, new_z, **EXACT)
    torch.testing.assert_close(found.x, new_x, **EXACT)


# step and velocity


def build(dt: float, feedback: bool = False) -> NMRNN:
    """The same weights for every dt; contracting, so that it settles."""
    draw = torch.Generator().manual_seed(4)
    network = LowRankRNN(INPUTS, UNITS, 1, RANK, tau=20.0, dt=dt, generator=draw)
    modulator = Modulator(
        INPUTS, 4, RANK, tau=30.0, dt=dt, n_feedback=UNITS if feedback else 0, generator=draw
    )
    with torch.no_grad():
        network.column_factors.mul_(0.3)
        modulator.gain_weights.mul_(10)
    return NMRNN(network, modulator).double()


@pytest.mark.parametrize("feedback", [False, True])
def test_step_differs_from_euler_by_the_square_of_dt(feedback):
    """z is plain Euler; x uses the gain of the new z, which is the old one plus O(dt)."""
    x, z, u = (torch.randn(BATCH, n, dtype=torch.float64) for n in (UNITS, 4, INPUTS))
    steps, differences = [4.0, 2.0, 1.0, 0.5], []
    for dt in steps:
        model = build(dt, feedback)
        new, velocity = model.step(NMState(x, z), u), model.velocity(NMState(x, z), u)
        torch.testing.assert_close(new.z, z + dt * velocity.z, **EXACT)
        differences.append((new.x - x - dt * velocity.x).norm().item())
    order = np.polyfit(np.log(steps), np.log(differences), 1)[0]
    assert differences[-1] > 1e-6  # they do differ
    assert 1.9 < order < 2.1


@pytest.mark.parametrize("feedback", [False, True])
def test_step_and_velocity_share_their_fixed_points(feedback):
    model, u = build(5.0, feedback), torch.randn(1, INPUTS, dtype=torch.float64)
    state = model.initial_state(1)
    assert model.velocity(state, u).x.abs().max() > 1e-3
    with torch.no_grad():
        for _ in range(600):
            state = model.step(state, u)
    for part in model.velocity(state, u):
        assert part.abs().max() < 1e-13

    euler = model.initial_state(1)  # and the other way round
    with torch.no_grad():
        for _ in range(600):
            change = model.velocity(euler, u)
            euler = NMState(euler.x + 5.0 * change.x, euler.z + 5.0 * change.z)
    for part, moved in zip(euler, model.step(euler, u), strict=True):
        torch.testing.assert_close(part, moved, **EXACT)
