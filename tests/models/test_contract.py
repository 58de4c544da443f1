"""What every model promises, shown for every model."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call

from nmcourse.models import NMRNN, LowRankRNN, Modulator, NMState, RecurrentModel
from nmcourse.training._networks import Networks

EXACT = {"rtol": 0, "atol": 1e-12}


def loss_of(trajectory, seed=2):
    """A number that every entry of the trajectory's outputs and states moves."""
    generator = torch.Generator().manual_seed(seed)
    total = 0.0
    for values in (trajectory.outputs, trajectory.states):
        weights = torch.randn(values.shape[-3:], dtype=values.dtype, generator=generator)
        total = total + (weights * values).sum(dim=(-3, -2, -1))
    return total


def test_forward_equals_step_repeated(config, states_of):
    model, (inputs, context) = config.model(), config.trial()
    trajectory = model(inputs, context)

    state, states, outputs, gains = model.initial_state(len(inputs)), [], [], []
    for t in range(inputs.shape[1]):
        now = None if context is None else context[:, t]
        state = model.step(state, inputs[:, t], now)
        states.append(state)
        outputs.append(model.readout(state))
        if config.is_nm_rnn:
            gains.append(model.modulator.gain(state.z))

    torch.testing.assert_close(trajectory.states, states_of(states), **EXACT)
    torch.testing.assert_close(trajectory.outputs, torch.stack(outputs, 1), **EXACT)
    if config.is_nm_rnn:
        z = torch.stack([state.z for state in states], 1)
        torch.testing.assert_close(trajectory.modulator_states, z, **EXACT)
        torch.testing.assert_close(trajectory.gains, torch.stack(gains, 1), **EXACT)
    else:
        assert trajectory.modulator_states is None
        assert trajectory.gains is None


def test_gradient_of_forward_equals_that_of_step_repeated(config, states_of):
    model, (inputs, context) = config.model(), config.trial()
    parameters = list(model.parameters())
    fast = torch.autograd.grad(loss_of(model(inputs, context)), parameters)

    state, states = model.initial_state(len(inputs)), []
    for t in range(inputs.shape[1]):
        state = model.step(state, inputs[:, t], None if context is None else context[:, t])
        states.append(state)
    outputs = torch.stack([model.readout(state) for state in states], 1)
    trajectory = model(inputs, context)._replace(outputs=outputs, states=states_of(states))
    slow = torch.autograd.grad(loss_of(trajectory), parameters)
    for ours, theirs in zip(fast, slow, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def test_axes_are_batch_time_unit(config):
    model, (inputs, context) = config.model(), config.trial()
    trajectory = model(inputs, context)
    batch, steps, _ = inputs.shape
    assert trajectory.outputs.shape == (batch, steps, model.n_outputs)
    n_state = (2 if config.name.startswith("lstm") else 1) * 7
    assert trajectory.states.shape == (batch, steps, n_state)
    if config.is_nm_rnn:
        assert trajectory.gains.shape == (batch, steps, model.modulator.n_gains)
        n_modulator = 1 if "prescribed" in config.name else 4
        assert trajectory.modulator_states.shape == (batch, steps, n_modulator)


def test_a_trial_does_not_touch_its_neighbours(config):
    model, (inputs, context) = config.model(), config.trial()
    changed = inputs.clone()
    changed[0] += 1.0
    before, after = model(inputs, context).outputs, model(changed, context).outputs
    assert not torch.allclose(before[0], after[0])
    torch.testing.assert_close(before[1:], after[1:], **EXACT)


def test_nothing_happens_before_its_cause(config):
    model, (inputs, context) = config.model(), config.trial()
    changed = inputs.clone()
    changed[:, 5] += 1.0
    before, after = model(inputs, context).states, model(changed, context).states
    torch.testing.assert_close(before[:, :5], after[:, :5], **EXACT)
    assert not torch.allclose(before[:, 5], after[:, 5])


def test_context_matters_where_there_is_one(context_config):
    model, (inputs, context) = context_config.model(), context_config.trial()
    assert not torch.allclose(model(inputs, context).outputs, model(inputs, context + 1.0).outputs)


def test_the_generator_decides_all_initial_weights(config):
    global_state = torch.get_rng_state()
    first, again, other = config.model(0), config.model(0), config.model(1)
    assert torch.equal(global_state, torch.get_rng_state())
    for (name, one), two in zip(first.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two), name
    changed = [
        not torch.equal(one, two)
        for one, two in zip(first.parameters(), other.parameters(), strict=True)
    ]
    assert sum(changed) >= len(changed) - 2  # biases may start at zero whatever the seed


def test_state_dict_carries_the_model(config):
    model, other = config.model(0), config.model(1)
    trial = config.trial()
    assert not torch.equal(model(*trial).outputs, other(*trial).outputs)
    other.load_state_dict(model.state_dict())
    assert torch.equal(model(*trial).outputs, other(*trial).outputs)


def test_gradients_reach_every_parameter(config):
    model = config.model()
    loss_of(model(*config.trial())).backward()
    dead = [
        name
        for name, p in model.named_parameters()
        if p.grad is None or not p.grad.isfinite().all() or p.grad.abs().max() < 1e-6
    ]
    assert dead == []


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_dtype_of_the_parameters_is_that_of_everything(config, dtype):
    inputs, context = config.trial()
    exact = config.model()(inputs, context)
    model = config.model().to(dtype)
    trial = (inputs.to(dtype), None if context is None else context.to(dtype))
    found = model(*trial)
    for values, expected in zip(found, exact, strict=True):
        if expected is not None:
            assert values.dtype == dtype
            torch.testing.assert_close(values.double(), expected, rtol=1e-4, atol=1e-4)
    state = model.initial_state(len(inputs))
    assert {part.dtype for part in (state if isinstance(state, tuple) else (state,))} == {dtype}


@pytest.mark.parametrize("own_trials", [False, True], ids=["shared trials", "own trials"])
def test_a_seed_axis_runs_each_network_as_if_alone(config, own_trials):
    models = [config.model(seed) for seed in range(3)]
    if "prescribed" in config.name:  # a given s(t) is the same for every seed
        for model in models[1:]:
            for buffer, first in zip(model.buffers(), models[0].buffers(), strict=True):
                buffer.copy_(first)
    trials = [config.trial(seed if own_trials else 0) for seed in range(3)]
    alone = [model(*trial) for model, trial in zip(models, trials, strict=True)]

    networks = Networks(models)
    parameters = {name: values.requires_grad_() for name, values in networks.parameters.items()}
    if own_trials:
        inputs, context = (
            None if values[0] is None else torch.stack(values)
            for values in zip(*trials, strict=True)
        )
    else:
        inputs, context = trials[0]
    state = networks._shared_buffers(parameters | networks.buffers)
    together = functional_call(models[0], state, (inputs, context))

    for name in ("outputs", "states"):
        expected = torch.stack([getattr(trajectory, name) for trajectory in alone])
        torch.testing.assert_close(getattr(together, name), expected, **EXACT)
    gradients = torch.autograd.grad(loss_of(together).sum(), list(parameters.values()))
    for number, (model, trajectory) in enumerate(zip(models, alone, strict=True)):
        expected = torch.autograd.grad(loss_of(trajectory), list(model.parameters()))
        for stacked, one in zip(gradients, expected, strict=True):
            torch.testing.assert_close(stacked[number], one, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("bias", [True, False])
def test_readout_has_a_seed_axis_too(bias):
    readouts = [LowRankRNN(2, 5, 3, 2, readout_bias=bias).double().output for _ in range(3)]
    states = torch.randn(3, 4, 5, dtype=torch.float64)
    together = functional_call(readouts[0], Networks(readouts).parameters, (states,))
    alone = [readout(one) for readout, one in zip(readouts, states, strict=True)]
    torch.testing.assert_close(together, torch.stack(alone), **EXACT)


def test_start_vectors_may_differ_from_seed_to_seed():
    models = [
        NMRNN(
            LowRankRNN(2, 5, 1, 2, x0=0.1 * seed, generator=torch.Generator().manual_seed(seed)),
            Modulator(2, 3, 2, z0=-0.1 * seed, generator=torch.Generator().manual_seed(seed)),
        ).double()
        for seed in range(3)
    ]
    inputs = torch.randn(4, 6, 2, dtype=torch.float64)
    networks = Networks(models)
    state = networks._shared_buffers(networks.parameters | networks.buffers)
    together = functional_call(models[0], state, (inputs,)).outputs
    torch.testing.assert_close(
        together, torch.stack([model(inputs).outputs for model in models]), **EXACT
    )


def test_step_is_an_euler_step_of_velocity(euler_config):  # for the NM-RNN see test_nm_rnn
    model, (inputs, context) = euler_config.model(), euler_config.trial()
    state = model.initial_state(len(inputs))
    for t in range(3):  # also away from the start
        now = (inputs[:, t], None if context is None else context[:, t])
        velocity, new = model.velocity(state, *now), model.step(state, *now)
        assert type(velocity) is type(state)
        parts = zip(state, velocity, new, strict=True)
        for x, change, expected in parts if isinstance(state, tuple) else [(state, velocity, new)]:
            torch.testing.assert_close(x + model.dt * change, expected, **EXACT)
        state = new


def test_velocity_has_the_shape_of_the_state(config):
    model, (inputs, context) = config.model(), config.trial()
    state = model.initial_state(len(inputs))
    velocity = model.velocity(state, inputs[:, 0], None if context is None else context[:, 0])
    assert type(velocity) is type(state)
    if isinstance(state, tuple):
        assert [part.shape for part in velocity] == [part.shape for part in state]
    else:
        assert velocity.shape == state.shape


def test_parts_name_every_parameter(config):
    model = config.model()
    assert isinstance(model, RecurrentModel)
    parts, names = model.parts(), {name for name, _ in model.named_parameters()}
    assert {name for part in parts.values() for name in part} == names
    needed = {"input weights", "recurrent weights", "readout"}
    if config.is_nm_rnn:
        of_one = {"input weights of the output network"}
        assert set(parts) == needed | {"output network", "modulator"} | of_one
        assert parts["input weights of the output network"] == ["output_network.input_weights"]
        assert set(parts["output network"]) | set(parts["modulator"]) == names
        assert not set(parts["output network"]) & set(parts["modulator"])
        with_modulator = "prescribed" not in config.name
        assert len(parts["input weights"]) == 1 + with_modulator
    else:
        assert set(parts) == needed
        assert sum(len(part) for part in parts.values()) == len(names)  # no parameter twice


def test_initial_state_is_the_one_that_was_asked_for():
    start = torch.linspace(-1.0, 1.0, 5)
    model = NMRNN(LowRankRNN(2, 5, 1, 2, x0=start), Modulator(2, 3, 2, z0=0.25))
    state = model.initial_state(4)
    assert isinstance(state, NMState)
    assert torch.equal(state.x, start.expand(4, 5))
    assert torch.equal(state.z, torch.full((4, 3), 0.25))
