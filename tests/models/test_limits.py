"""Cases whose answer is known from elsewhere: theory, torch's own networks, another model."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from torch import nn

from nmcourse.models import (
    LSTM,
    NMRNN,
    LowRankRNN,
    PrescribedGain,
    VanillaRNN,
    identity,
    orthonormal_columns,
)

EXACT = {"rtol": 0, "atol": 1e-12}
BATCH, STEPS, INPUTS, UNITS, OUTPUTS = 3, 15, 2, 6, 2


@pytest.fixture
def inputs():
    return torch.randn(BATCH, STEPS, INPUTS, dtype=torch.float64)


def set_weights(model: nn.Module, **values: torch.Tensor) -> None:
    with torch.no_grad():
        for name, value in values.items():
            model.get_parameter(name.replace("__", ".")).copy_(value)


# torch.nn


def test_lstm_equals_torch(inputs, generator):
    model = LSTM(INPUTS, UNITS, OUTPUTS, readout_bias=True, h0=0.3, c0=-0.4, generator=generator)
    model.double()
    theirs = nn.LSTM(INPUTS, UNITS, batch_first=True).double()
    set_weights(
        theirs,
        weight_ih_l0=model.input_weights,
        weight_hh_l0=model.recurrent_weights,
        bias_ih_l0=model.bias,
        bias_hh_l0=torch.zeros(4 * UNITS),
    )
    start = model.initial_state(BATCH)
    hidden, (_, cell) = theirs(inputs, (start.h.unsqueeze(0), start.c.unsqueeze(0)))
    found = model(inputs)
    torch.testing.assert_close(found.states[..., :UNITS], hidden, **EXACT)
    torch.testing.assert_close(found.states[:, -1, UNITS:], cell[0], **EXACT)
    expected = hidden @ model.output.weights.mT + model.output.bias
    torch.testing.assert_close(found.outputs, expected, **EXACT)


@pytest.mark.parametrize("phi", ["tanh", "relu"])
def test_rate_form_with_dt_equal_to_tau_is_the_textbook_rnn(inputs, phi, generator):
    """Without a leak r = phi(g W r + b + B u), which is torch.nn.RNN."""
    model = VanillaRNN(
        INPUTS,
        UNITS,
        OUTPUTS,
        form="rate",
        nonlinearity=getattr(torch, phi),
        bias=True,
        tau=10.0,
        dt=10.0,
        generator=generator,
    ).double()
    set_weights(model, bias=torch.randn(UNITS, generator=generator))
    theirs = nn.RNN(INPUTS, UNITS, nonlinearity=phi, batch_first=True).double()
    set_weights(
        theirs,
        weight_ih_l0=model.input_weights,
        weight_hh_l0=model.recurrent_weights / math.sqrt(UNITS),
        bias_ih_l0=model.bias,
        bias_hh_l0=torch.zeros(UNITS),
    )
    start = model.initial_state(BATCH).unsqueeze(0)
    torch.testing.assert_close(model(inputs).states, theirs(inputs, start)[0], **EXACT)


# one model is another


@pytest.mark.parametrize("scaling", ["none", "1/sqrt(N)", "1/N"])
@pytest.mark.parametrize("rank", [1, 3, UNITS])
def test_low_rank_network_is_a_vanilla_network(inputs, rank, scaling, generator):
    low = LowRankRNN(
        INPUTS,
        UNITS,
        OUTPUTS,
        rank,
        orthonormal=rank == 3,
        recurrent_scaling=scaling,
        generator=generator,
    ).double()
    full = VanillaRNN(INPUTS, UNITS, OUTPUTS, recurrent_scaling=scaling).double()
    left, right = low.factors()
    set_weights(
        full,
        recurrent_weights=left @ right.mT,
        input_weights=low.input_weights,
        output__weights=low.output.weights,
        output__bias=low.output.bias,
    )
    for ours, theirs in zip(low(inputs)[:2], full(inputs)[:2], strict=True):
        torch.testing.assert_close(ours, theirs, **EXACT)
    torch.testing.assert_close(
        low.connectivity(), full.scale * full.recurrent_weights, rtol=0, atol=1e-14
    )


@pytest.mark.parametrize(
    ("scaling", "factor"), [("none", 1.0), ("1/sqrt(N)", 1 / math.sqrt(UNITS)), ("1/N", 1 / UNITS)]
)
def test_recurrent_scaling_is_a_factor_on_the_recurrent_weights(inputs, scaling, factor):
    seeds = [torch.Generator().manual_seed(1) for _ in range(2)]
    scaled, none = (
        VanillaRNN(INPUTS, UNITS, OUTPUTS, recurrent_scaling=s, generator=g).double()
        for s, g in zip((scaling, "none"), seeds, strict=True)
    )
    set_weights(none, recurrent_weights=factor * scaled.recurrent_weights)
    torch.testing.assert_close(scaled(inputs).states, none(inputs).states, **EXACT)


def test_random_network_has_spectral_radius_one():
    """N(0, 1) weights over sqrt(N): the circular law."""
    model = VanillaRNN(1, 400, 1, generator=torch.Generator().manual_seed(0))
    eigenvalues = torch.linalg.eigvals(model.scale * model.recurrent_weights.detach())
    assert 0.9 < eigenvalues.abs().max() < 1.1


def test_current_and_rate_form_agree_for_constant_input(generator):
    """x = g W r + b + B u maps every state of the rate form onto one of the current form."""
    options = {"bias": True, "tau": 30.0, "dt": 3.0}
    rate = VanillaRNN(INPUTS, UNITS, 1, form="rate", **options, generator=generator).double()
    set_weights(rate, bias=torch.randn(UNITS, generator=generator))
    current = VanillaRNN(INPUTS, UNITS, 1, form="current", **options).double()
    current.load_state_dict(rate.state_dict())
    held = torch.randn(1, 1, INPUTS, dtype=torch.float64)

    def current_of(r: torch.Tensor) -> torch.Tensor:
        recurrent = rate.scale * r @ rate.recurrent_weights.mT
        return recurrent + rate.bias + held[0] @ rate.input_weights.mT

    with torch.no_grad():
        current.x0.copy_(current_of(rate.initial_state(1))[0])
    constant = held.expand(1, 40, INPUTS)
    states = rate(constant).states
    torch.testing.assert_close(current(constant).states[0], current_of(states[0]), **EXACT)
    other_input = torch.randn(1, 40, INPUTS, dtype=torch.float64)
    assert not torch.allclose(
        current(other_input).states[0], current_of(rate(other_input).states[0]), atol=1e-3
    )


# linear networks


def linear_vanilla(dt: float) -> VanillaRNN:
    return VanillaRNN(
        1, 4, 1, nonlinearity=identity, bias=True, tau=20.0, dt=dt,
        generator=torch.Generator().manual_seed(2),
    )  # fmt: skip


def linear_rate_form(dt: float) -> VanillaRNN:
    return VanillaRNN(
        1, 4, 1, nonlinearity=identity, form="rate", tau=20.0, dt=dt,
        generator=torch.Generator().manual_seed(2),
    )  # fmt: skip


def linear_low_rank(dt: float) -> LowRankRNN:
    return LowRankRNN(
        1, 4, 1, 2, nonlinearity=identity, tau=20.0, dt=dt,
        generator=torch.Generator().manual_seed(2),
    )  # fmt: skip


def linear_nm_rnn(dt: float) -> NMRNN:
    gains = torch.tensor([0.9, 0.4]).expand(2000, 2)
    return NMRNN(linear_low_rank(dt), PrescribedGain(gains, dt=dt))


@pytest.mark.parametrize(
    "build",
    [linear_vanilla, linear_rate_form, linear_low_rank, linear_nm_rnn],
    ids=lambda build: build.__name__,
)
def test_linear_network_against_the_matrix_exponential(build):
    """x' = A x + B u has a closed form; Euler comes closer in proportion to dt."""
    duration, u = 60.0, 0.7
    steps = [2.0, 1.0, 0.5, 0.25]
    errors = []
    for dt in steps:
        model = build(dt).double()
        if isinstance(model, NMRNN):
            network = model.output_network
            weights = network.connectivity(model.modulator.gains.reshape(-1, 2)[0])
        else:
            network = model
            low_rank = isinstance(model, LowRankRNN)
            weights = model.connectivity() if low_rank else model.scale * model.recurrent_weights
        n_units = network.n_units
        generator = np.zeros((n_units + 1, n_units + 1))  # of (x, 1): carries the constant drive
        generator[:n_units, :n_units] = (-np.eye(n_units) + weights.detach().numpy()) / network.tau
        generator[:n_units, -1] = (network.input_weights.detach().numpy() @ [u]) / network.tau
        start = np.append(network.x0.numpy(), 1.0)
        exact = (expm(duration * generator) @ start)[:n_units]

        inputs = torch.full((1, round(duration / dt), 1), u, dtype=torch.float64)
        found = model(inputs).states[0, -1].detach().numpy()
        errors.append(np.linalg.norm(found - exact) / np.linalg.norm(exact))
    order = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert errors[0] < 0.2
    assert 0.9 < order < 1.1


def test_one_leaky_unit_decays_as_its_time_constant_says():
    model = LowRankRNN(1, 1, 1, 1, tau=20.0, dt=2.0, x0=1.0).double()
    set_weights(model, column_factors=torch.zeros(1, 1))
    states = model(torch.zeros(1, 30, 1, dtype=torch.float64)).states[0, :, 0]
    expected = (1 - 2.0 / 20.0) ** torch.arange(1, 31, dtype=torch.float64)
    torch.testing.assert_close(states, expected, rtol=0, atol=1e-14)


def test_a_constant_input_is_reached():
    """Without recurrence x settles at B u, and the output at C B u + d."""
    model = LowRankRNN(2, 5, 1, 1, tau=20.0, dt=10.0).double()
    set_weights(model, column_factors=torch.zeros(5, 1))
    u = torch.tensor([0.5, -1.0], dtype=torch.float64)
    found = model(u.expand(1, 100, 2))
    x = u @ model.input_weights.mT
    torch.testing.assert_close(found.states[0, -1], x, **EXACT)
    y = x @ model.output.weights.mT + model.output.bias
    torch.testing.assert_close(found.outputs[0, -1], y, **EXACT)


def test_velocity_is_per_ms():
    """With tau doubled everything takes twice as long."""
    fast, slow = (VanillaRNN(2, 5, 1, tau=tau, dt=1.0).double() for tau in (20.0, 40.0))
    slow.load_state_dict(fast.state_dict())
    x, u = torch.randn(3, 5, dtype=torch.float64), torch.randn(3, 2, dtype=torch.float64)
    torch.testing.assert_close(fast.velocity(x, u), 2 * slow.velocity(x, u), rtol=0, atol=1e-15)
    fast.dt = 2.0  # a longer step, the same velocity
    torch.testing.assert_close(fast.velocity(x, u), 2 * slow.velocity(x, u), rtol=0, atol=1e-15)


# factors


def test_row_factors_are_orthonormalised(generator):
    model = LowRankRNN(2, 9, 1, 3, generator=generator).double()
    left, right = model.factors()
    torch.testing.assert_close(left.mT @ left, torch.eye(3, dtype=torch.float64), **EXACT)
    assert right is model.column_factors
    triangular = left.mT @ model.row_factors  # the other factor of the QR decomposition
    torch.testing.assert_close(triangular, triangular.triu(), **EXACT)
    torch.testing.assert_close(left @ triangular, model.row_factors, **EXACT)


def test_orthonormal_columns_point_the_way_of_their_originals(generator):
    matrices = torch.randn(20, 9, 3, generator=generator, dtype=torch.float64)
    columns = orthonormal_columns(matrices)
    triangular = columns.mT @ matrices
    torch.testing.assert_close(columns @ triangular, matrices, **EXACT)  # the same span
    assert (triangular.diagonal(dim1=-2, dim2=-1) > 0).all()
    turned = torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64)
    torch.testing.assert_close(orthonormal_columns(turned * matrices), turned * columns, **EXACT)


def test_orthonormal_columns_are_continuous_and_raw_ones_are_not():
    """The first entry, on which a QR decomposition bases its sign, passes through zero."""
    matrix = torch.eye(5, dtype=torch.float64)[:, [1, 2]] + 0.1
    below, above = matrix.clone(), matrix.clone()
    below[0, 0], above[0, 0] = -1e-7, 1e-7
    assert (orthonormal_columns(above) - orthonormal_columns(below)).abs().max() < 1e-6
    raw = [torch.linalg.qr(m)[0] for m in (below, above)]
    assert (raw[1] - raw[0]).abs().max() > 1


def test_a_row_factor_of_zero_keeps_its_column():
    """The sign of zero is one: no column is lost where the decomposition leaves the sign open."""
    columns = orthonormal_columns(torch.zeros(4, 2, dtype=torch.float64))
    torch.testing.assert_close(columns.mT @ columns, torch.eye(2, dtype=torch.float64))


def test_raw_signs_are_kept_where_asked_for(generator):
    model = LowRankRNN(2, 9, 1, 3, orthonormal="raw", generator=generator)
    assert torch.equal(model.factors()[0], torch.linalg.qr(model.row_factors)[0])
    with pytest.raises(ValueError, match="orthonormal must be True, False or 'raw', got 'qr'"):
        LowRankRNN(2, 9, 1, 3, orthonormal="qr")


def test_free_and_symmetric_factors(generator):
    free = LowRankRNN(2, 9, 1, 3, orthonormal=False, generator=generator)
    assert free.factors()[0] is free.row_factors
    symmetric = LowRankRNN(2, 9, 1, 3, symmetric=True, generator=generator)
    left, right = symmetric.factors()
    assert right is left
    assert symmetric.column_factors is None
    torch.testing.assert_close(symmetric.connectivity(), symmetric.connectivity().mT)


@pytest.mark.parametrize("orthonormal", [True, "raw", False])
@pytest.mark.parametrize("scaling", ["none", "1/N"])
def test_connectivity_is_the_matrix_in_the_velocity(orthonormal, scaling, generator):
    model = LowRankRNN(
        2,
        9,
        1,
        3,
        orthonormal=orthonormal,
        recurrent_scaling=scaling,
        nonlinearity=identity,
        generator=generator,
    ).double()
    x, u = torch.eye(9, dtype=torch.float64), torch.zeros(9, 2, dtype=torch.float64)
    gain = torch.tensor([0.2, 1.0, -0.5], dtype=torch.float64)
    for s in (None, gain):
        recurrent = model.tau * model.velocity(x, u, gain=s) + x  # W e_j in row j
        torch.testing.assert_close(model.connectivity(s), recurrent.mT, **EXACT)
    assert torch.linalg.matrix_rank(model.connectivity()) == 3
    two = torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)
    assert torch.linalg.matrix_rank(model.connectivity(two)) == 2


# the LSTM as a map


def test_lstm_velocity_is_the_change_of_one_update_over_dt(generator):
    model = LSTM(2, 5, 1, dt=4.0, generator=generator).double()
    state, u = model.initial_state(3), torch.randn(3, 2, dtype=torch.float64)
    new, velocity = model.step(state, u), model.velocity(state, u)
    for before, after, change in zip(state, new, velocity, strict=True):
        torch.testing.assert_close(change, (after - before) / 4.0, rtol=0, atol=1e-15)


def test_lstm_does_not_depend_on_dt(inputs):
    one, two = LSTM(2, 5, 1, dt=1.0).double(), LSTM(2, 5, 1, dt=20.0).double()
    two.load_state_dict(one.state_dict())
    assert torch.equal(one(inputs).outputs, two(inputs).outputs)
