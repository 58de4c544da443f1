"""Two hand-built LSTMs: equal to their NM-RNN, each where its own assumptions hold."""

import pytest
import torch

from nmcourse.analysis import (
    LinearLSTM,
    lstm_assumptions,
    lstm_from_nm_rnn,
    random_free_network,
    random_gating_inputs,
    random_gating_network,
)
from nmcourse.experiments.gains.lstm_gates import BREAKS, HALF_A_TANH
from nmcourse.models import LSTM, NMRNN, LowRankRNN, Modulator, PrescribedGain, identity


def modulated(*, n_context=0, **changes):
    """A float32 NM-RNN as a user would make it."""
    generator = torch.Generator().manual_seed(5)
    settings = {"symmetric": True, "nonlinearity": identity, "tau": 10.0} | changes
    net = LowRankRNN(2, 12, 2, rank=2, generator=generator, **settings)
    return NMRNN(net, Modulator(2, 3, 2, n_context=n_context, generator=generator))


@pytest.mark.parametrize("tau_z", [10.0, 30.0, 1000.0])
@torch.no_grad()
def test_x_z_and_y_agree_from_the_first_step(tau_z):
    model = random_gating_network(0, tau_z=tau_z)
    built, inputs = lstm_from_nm_rnn(model), random_gating_inputs(0, 40)
    run, copy = model(inputs), built.lstm(inputs)
    x, z = built.read(copy.states)
    tight = {"rtol": 0, "atol": 1e-13 * run.states.abs().max().item()}
    torch.testing.assert_close(x, run.states, **tight)
    torch.testing.assert_close(z, run.modulator_states, **tight)
    torch.testing.assert_close(copy.outputs, run.outputs, **tight)
    assert run.gains.max() - run.gains.min() > 0.4  # the gates did move


@torch.no_grad()
def test_one_step_by_hand():
    """K = P = M = 1: every gate of the construction, written out."""
    net = LowRankRNN(1, 2, 1, rank=1, symmetric=True, nonlinearity=identity, tau=10.0).double()
    modulator = Modulator(1, 1, 1, tau=40.0).double()
    net.row_factors.copy_(torch.tensor([[0.6], [0.8]]))
    net.input_weights.copy_(torch.tensor([[1.0], [0.0]]))
    net.x0.copy_(torch.tensor([2.0, 0.0]))
    left = net.factors()[0][:, 0]  # QR may turn its sign
    values = {"recurrent_weights": 0.5, "input_weights": 2.0, "gain_weights": 3.0, "gain_bias": 0.1}
    for name, value in values.items():
        getattr(modulator, name).fill_(value)
    modulator.z0.fill_(0.4)
    u = torch.full((1, 1, 1), 0.7, dtype=torch.float64)
    built = lstm_from_nm_rnn(NMRNN(net, modulator))
    x, z = built.read(built.lstm(u).states)

    tanh_z = torch.tensor(0.4, dtype=torch.float64).tanh()
    z_by_hand = 0.75 * 0.4 + 0.25 * (0.5 * tanh_z + 2.0 * 0.7)
    gate = torch.sigmoid(3.0 * z_by_hand + 0.1)
    x_by_hand = gate * left * (left[0] * 2.0) + torch.tensor([0.7, 0.0], dtype=torch.float64)
    torch.testing.assert_close(z.flatten(), z_by_hand.reshape(1))
    torch.testing.assert_close(x.flatten(), x_by_hand)


def test_which_lstm_is_built():
    model = random_gating_network(1)
    exact, standard = lstm_from_nm_rnn(model), lstm_from_nm_rnn(model, candidates="small")
    assert type(exact.lstm) is LinearLSTM
    assert type(standard.lstm) is LSTM
    assert list(standard.blocks) == ["modes", "direct", "z", "rates"]
    assert exact.lstm.cell_weights.any()
    assert not lstm_from_nm_rnn(random_gating_network(1, tau_z=10.0)).lstm.cell_weights.any()


@pytest.mark.parametrize("tau_z", [10.0, 100.0])
def test_a_standard_lstm_converges_at_second_order(tau_z):
    model, inputs = random_gating_network(2, tau_z=tau_z), random_gating_inputs(2, 50)
    errors = [
        lstm_from_nm_rnn(model, candidates="small", epsilon=epsilon).largest_difference(
            model, inputs
        )
        for epsilon in (1.0, 4e-3, 2e-3, 1e-3)
    ]
    assert errors[0] > 0.1
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.02)
    assert errors[2] / errors[3] == pytest.approx(4, rel=0.02)


@torch.no_grad()
def test_context_and_float32():
    model = modulated(n_context=2)
    inputs = torch.randn(3, 30, 2, generator=torch.Generator().manual_seed(0))
    context = torch.ones(3, 30, 2)
    built = lstm_from_nm_rnn(model)
    copy, run = built.lstm(inputs, context), model(inputs, context)
    torch.testing.assert_close(built.read(copy.states).x, run.states)
    torch.testing.assert_close(copy.outputs, run.outputs)


@pytest.mark.parametrize(
    ("change", "name", "found"),
    [
        ("tanh_in_the_output_network", "linear output network", "phi = tanh"),
        ("R_turned_away_from_L", "symmetric factors, R = L", "differ by"),
        ("L_not_orthonormal", "orthonormal factors, L.T L = 1", "off by 0.5"),
        ("recurrence_divided_by_sqrt_N", "recurrent scaling of 1", "g = 0.158"),
        ("tau_x_twice_dt", "tau_x = dt", "tau_x = 20 ms, dt = 10 ms"),
        ("gain_through_a_clipped_line", "gain through a sigmoid", "sigma = <lambda>"),
        ("linear_modulator", "modulator with tanh", "phi_z = identity"),
        ("feedback_to_the_modulator", "no feedback", "from 40 units"),
    ],
)
def test_each_assumption_is_checked_and_needed_by_the_gain_as_forget_gate(change, name, found):
    model, inputs = random_gating_network(3, **BREAKS[change]), random_gating_inputs(3, 50)
    assert sum(not assumption.holds for assumption in lstm_assumptions(model)) == 1
    with pytest.raises(ValueError, match=f"breaks the assumption '{name}': .*{found}"):
        lstm_from_nm_rnn(model)
    with pytest.raises(ValueError, match=name):
        lstm_from_nm_rnn(model, candidates="small")
    assert lstm_from_nm_rnn(model, strict=False).largest_difference(model, inputs) > 0.03


def test_half_a_tanh_is_a_sigmoid():
    """1/2 + 1/2 tanh(v) = sigma(2 v)."""
    model, inputs = random_gating_network(3, **HALF_A_TANH), random_gating_inputs(3, 50)
    assert all(assumption.holds for assumption in lstm_assumptions(model))
    assert lstm_from_nm_rnn(model).largest_difference(model, inputs) < 1e-13
    shifted = random_gating_network(3, gain_nonlinearity=lambda v: 1 / (1 + torch.exp(1 - 0.5 * v)))
    assert lstm_from_nm_rnn(shifted).largest_difference(shifted, inputs) < 1e-13


def as_input_gate(model, epsilon):
    return lstm_from_nm_rnn(model, gain_as="input gate", candidates="small", epsilon=epsilon)


FREE = [
    random_free_network(0),
    random_free_network(1, n_feedback=40),
    random_gating_network(2, angle=0.5),
    random_gating_network(2, skew=0.1),
    random_gating_network(2, recurrent_scaling="1/sqrt(N)"),
    random_gating_network(2, tau_x=20.0),
    random_gating_network(3, tau_z=10.0, tau_x=20.0, **HALF_A_TANH),
]


@pytest.mark.parametrize("model", FREE)
def test_as_input_gate_the_gain_asks_nothing_of_factors_scaling_and_time_constant(model):
    inputs = random_gating_inputs(2, 50)
    assert not all(assumption.holds for assumption in lstm_assumptions(model))
    asked = lstm_assumptions(model, gain_as="input gate", candidates="small")
    assert all(assumption.holds for assumption in asked)
    errors = [
        as_input_gate(model, epsilon).largest_difference(model, inputs)
        for epsilon in (4e-3, 2e-3, 1e-3)
    ]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.05)
    assert as_input_gate(model, 1e-6).largest_difference(model, inputs) < 1e-8


@torch.no_grad()
def test_each_block_holds_its_term():
    """The sum of a term's own equation, step by step, stands in its N cells."""
    model, inputs = random_free_network(4), random_gating_inputs(4, 20)
    built, run = as_input_gate(model, 1e-6), model(inputs)
    net = model.output_network
    left, right = net.factors()
    cells = built.lstm(inputs).states[..., built.lstm.n_units :] / built.scale
    terms = cells[..., built.blocks["terms"]].unflatten(-1, (3, 40))
    assert built.blocks["terms"] == slice(0, 120)
    before = torch.cat([net.x0.expand(5, 1, 40), run.states[:, :-1]], dim=1)
    kept = 0.9 * torch.cat([torch.zeros(5, 1, 3, 40, dtype=terms.dtype), terms[:, :-1]], dim=1)
    kept[:, 0, 0] = 0.9 * net.x0  # the first term keeps the start
    added = 0.1 / 40 * torch.einsum("btk,nk->btkn", run.gains * (before @ right), left)
    torch.testing.assert_close(terms, kept + added, rtol=0, atol=1e-8)


def test_a_nonlinear_output_network_is_refused_in_either_reading():
    model = random_gating_network(0, nonlinearity=torch.tanh)
    with pytest.raises(ValueError, match="breaks the assumption 'linear output network'"):
        as_input_gate(model, 1e-3)


def test_without_peepholes_the_modulator_must_be_memoryless():
    slow, inputs = random_gating_network(4), random_gating_inputs(4, 50)
    with pytest.raises(ValueError, match=r"'tau_z = dt, or peepholes': tau_z = 100 ms, dt = 10 ms"):
        lstm_from_nm_rnn(slow, peephole=False)
    blind = lstm_from_nm_rnn(slow, peephole=False, strict=False)
    assert blind.largest_difference(slow, inputs) > 0.03
    assert lstm_from_nm_rnn(slow, candidates="small", peephole=False)
    fast = random_gating_network(4, tau_z=10.0)
    assert lstm_from_nm_rnn(fast, peephole=False).largest_difference(fast, inputs) < 1e-13


def test_bad_arguments():
    model = modulated()
    with pytest.raises(ValueError, match=r"candidates must be one of \('linear', 'small'\)"):
        lstm_from_nm_rnn(model, candidates="tanh")
    with pytest.raises(ValueError, match=r"gain_as must be one of \('forget gate', 'input gate'\)"):
        lstm_from_nm_rnn(model, gain_as="output gate")
    with pytest.raises(ValueError, match="candidates must be 'small' with gain_as='input gate'"):
        lstm_from_nm_rnn(model, gain_as="input gate")
    with pytest.raises(ValueError, match=r"epsilon must be in \(0, 1\], got 0"):
        lstm_from_nm_rnn(model, candidates="small", epsilon=0)
    with pytest.raises(ValueError, match="model must be an NMRNN, got LowRankRNN"):
        lstm_from_nm_rnn(model.output_network)
    prescribed = NMRNN(model.output_network, PrescribedGain(torch.ones(5, 2)))
    with pytest.raises(ValueError, match="modulator must be a Modulator, got PrescribedGain"):
        lstm_from_nm_rnn(prescribed)
    more = NMRNN(model.output_network, Modulator(2, 3, 4), modulated=("recurrent", "input"))
    with pytest.raises(ValueError, match=r"modulated must be \('recurrent',\)"):
        lstm_from_nm_rnn(more)
