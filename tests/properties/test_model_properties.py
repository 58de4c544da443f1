"""What holds for every recurrent model, whatever its sizes, weights, times and type."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nmcourse.models import (
    NMRNN,
    ClampedGain,
    LowRankRNN,
    Modulator,
    PrescribedGain,
    ScalarGainRNN,
)


@given(data=st.data())
def test_a_trial_is_its_steps(cases_of, data):
    case = data.draw(cases_of)
    found = case.run()
    states = case.steps(case.model.initial_state(len(case.inputs)))
    case.same(found.states, case.stacked(states))
    case.same(found.outputs, torch.stack([case.model.readout(state) for state in states], dim=1))


@given(data=st.data())
def test_a_trial_goes_on_from_the_state_that_it_holds(cases_of, data):
    case = data.draw(cases_of)
    n_steps = case.inputs.shape[1]
    half = data.draw(st.integers(1, n_steps))
    rest = case.steps(case.state_after(half), half)
    if rest:
        case.same(case.run().states[:, half:], case.stacked(rest))


@given(data=st.data())
def test_trials_know_nothing_of_each_other_or_of_their_order(cases_of, data):
    case = data.draw(cases_of)
    order = data.draw(st.permutations(range(len(case.inputs))))
    some = order[: data.draw(st.integers(1, len(order)))]
    for whole, chosen in zip(case.run(), case.run(some), strict=True):
        if whole is not None:
            case.same(whole[some], chosen)


@given(data=st.data())
def test_what_comes_later_changes_nothing_before(cases_of, data):
    case = data.draw(cases_of)
    until = data.draw(st.integers(1, case.inputs.shape[1]))
    for whole, first in zip(case.run(), case.run(until=until), strict=True):
        if whole is not None:
            case.same(whole[:, :until], first)


@given(data=st.data())
def test_the_readout_is_affine(cases_of, data):
    case = data.draw(cases_of)
    weight, n_steps = data.draw(st.floats(-2, 2)), case.inputs.shape[1]
    first, last = case.state_after(1), case.state_after(n_steps)
    if isinstance(case.model, NMRNN):  # under the gains of one moment
        last = last._replace(z=first.z)

    def mixed(one, two):
        if isinstance(one, tuple):
            return type(one)(*map(mixed, one, two))
        return weight * one + (1 - weight) * two

    one, two, of_mixed = map(case.model.readout, (first, last, mixed(first, last)))
    case.same(of_mixed, mixed(one, two))


@given(data=st.data())
def test_weights_are_all_that_a_model_is(cases_of, data):
    """Another model with this one's state dict is this one."""
    case = data.draw(cases_of)
    state = {key: values.clone() for key, values in case.model.state_dict().items()}
    before = case.run().outputs
    with torch.no_grad():
        for parameter in case.model.parameters():
            parameter.add_(1.0)
    case.model.load_state_dict(state)
    assert torch.equal(case.run().outputs, before)


@given(data=st.data())
def test_results_have_the_type_and_the_axes_of_the_inputs(cases_of, data):
    case = data.draw(cases_of)
    found = case.run()
    assert found.outputs.shape == (*case.inputs.shape[:2], case.model.n_outputs)
    for values in found:
        if values is not None:
            assert values.dtype == case.inputs.dtype
            assert values.shape[:2] == case.inputs.shape[:2]
            assert torch.isfinite(values).all()


@given(data=st.data())
def test_a_context_is_more_inputs_unless_it_has_a_meaning_of_its_own(cases_of, data):
    case = data.draw(cases_of)
    model, inputs = case.model, case.inputs
    if isinstance(model, NMRNN | ScalarGainRNN):
        other = inputs if case.context is None else None
        with pytest.raises(ValueError, match="context"):
            model(inputs, other)
        return
    n_first = data.draw(st.integers(1, model.n_inputs))
    rest = inputs[..., n_first:] if n_first < model.n_inputs else None
    case.same(case.run().states, model(inputs[..., :n_first], rest).states)


sizes = st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 3))


@st.composite
def low_rank_trials(draw) -> tuple[LowRankRNN, torch.Tensor, torch.Generator]:
    """A low-rank network in double precision and inputs for it."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    n_inputs, n_units, n_outputs = draw(sizes)
    dt = draw(st.floats(0.1, 50.0))
    model = LowRankRNN(
        n_inputs,
        n_units,
        n_outputs,
        draw(st.integers(1, n_units)),
        orthonormal=draw(st.booleans()),
        symmetric=draw(st.booleans()),
        dt=dt,
        tau=dt * draw(st.floats(1.0, 100.0)),
        generator=generator,
    ).double()
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 8)), n_inputs)
    return model, torch.randn(shape, dtype=torch.float64, generator=generator), generator


@given(low_rank_trials(), st.booleans())
def test_gains_of_one_leave_the_low_rank_network(trials, clamp):
    network, inputs, generator = trials
    ones = torch.ones(inputs.shape[1], network.rank, dtype=torch.float64)
    source = PrescribedGain(ones, dt=network.dt)
    if clamp:
        free = Modulator(
            network.n_inputs, 3, network.rank, dt=network.dt, generator=generator
        ).double()
        source = ClampedGain(free, dict.fromkeys(range(network.rank), 1.0))
    found, expected = NMRNN(network, source)(inputs), network(inputs)
    torch.testing.assert_close(found.states, expected.states, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found.outputs, expected.outputs, rtol=1e-9, atol=1e-9)


@given(low_rank_trials(), st.data())
def test_a_gain_of_zero_is_a_rank_less(trials, data):
    network, inputs, _ = trials
    off = data.draw(st.integers(0, network.rank - 1))
    gains = torch.ones(inputs.shape[1], network.rank, dtype=torch.float64)
    gains[:, off] = 0.0
    found = NMRNN(network, PrescribedGain(gains, dt=network.dt))(inputs)
    left, right = network.factors()
    kept = [k for k in range(network.rank) if k != off]
    matrix = network.scale * left[:, kept] @ right[:, kept].mT
    state = network.initial_state(len(inputs))
    for t in range(inputs.shape[1]):
        drive = torch.tanh(state) @ matrix.mT + inputs[:, t] @ network.input_weights.mT
        state = state + network.dt / network.tau * (-state + drive)
        torch.testing.assert_close(found.states[:, t], state, rtol=1e-9, atol=1e-9)


@given(low_rank_trials(), st.floats(0.01, 100.0))
def test_only_the_ratio_of_the_two_times_counts(trials, factor):
    network, inputs, _ = trials
    before = network(inputs).states
    network.dt, network.tau = factor * network.dt, factor * network.tau
    torch.testing.assert_close(network(inputs).states, before, rtol=1e-9, atol=1e-9)
