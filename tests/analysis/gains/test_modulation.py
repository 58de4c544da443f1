import copy
import math

import numpy as np
import pytest
import torch

from nmcourse.analysis import (
    ablate_gains,
    align_to,
    correlate_over_trials,
    effective_time_constant,
    euler_time_constant,
    initial_gains,
    mode_decay,
    switch_times,
)
from nmcourse.models import NMRNN, LowRankRNN, Modulator, PrescribedGain, VanillaRNN, identity


def nm_rnn(generator: torch.Generator) -> NMRNN:
    """A small NM-RNN whose gains differ clearly from each other and move in time."""
    network = LowRankRNN(2, 12, 1, 3, generator=generator)
    modulator = Modulator(2, 4, 3, tau=200.0, generator=generator)
    with torch.no_grad():
        modulator.gain_weights.mul_(20.0)
    return NMRNN(network, modulator).double()


def trials(generator: torch.Generator, n_steps: int = 30) -> torch.Tensor:
    return torch.randn(3, n_steps, 2, dtype=torch.float64, generator=generator)


def simulate_modes(gains: torch.Tensor, dt: float) -> torch.Tensor:
    """Activity of the modes of a linear symmetric NM-RNN under prescribed gains (time, K)."""
    network = LowRankRNN(
        1, 9, 1, gains.shape[1], symmetric=True, nonlinearity=identity, tau=10.0, dt=dt,
        generator=torch.Generator().manual_seed(0),
    ).double()  # fmt: skip
    left = network.factors()[0].detach()
    network.x0.copy_(left.sum(dim=1))  # w(0) = 1 in every mode
    model = NMRNN(network, PrescribedGain(gains, dt=dt))
    return (model(torch.zeros(1, len(gains), 1).double()).states[0] @ left).detach()


def test_time_constants_of_a_mode():
    gains = torch.tensor([0.0, 0.5, 0.9, 1.0, 1.5], dtype=torch.float64)
    assert effective_time_constant(gains, 10.0).tolist() == pytest.approx(
        [10, 20, 100, math.inf, -20]
    )
    assert float(euler_time_constant(0.0, 10.0, 1.0)) == pytest.approx(9.4912, abs=1e-4)
    assert float(euler_time_constant(1.0, 10.0, 1.0)) == math.inf
    assert float(euler_time_constant(0, 10.0, 10.0)) == 0.0


@pytest.mark.parametrize("gain", [0.0, 0.3, 0.95, 1.2])
def test_euler_time_constant_is_what_the_network_shows(gain):
    w = simulate_modes(torch.full((5, 1), gain, dtype=torch.float64), dt=2.0)[:, 0]
    shown = -2.0 / float(torch.log(w[4] / w[3]))
    assert float(euler_time_constant(torch.tensor(gain).double(), 10.0, 2.0)) == pytest.approx(
        shown
    )


def test_small_steps_recover_the_equation():
    gain = torch.tensor(0.4, dtype=torch.float64)
    exact = float(effective_time_constant(gain, 10.0))
    errors = [exact - float(euler_time_constant(gain, 10.0, dt)) for dt in (0.2, 0.1)]
    assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.02)
    assert errors[1] == pytest.approx(0.05, rel=0.02)  # dt / 2


def test_simulated_modes_equal_the_product_and_approach_the_closed_form():
    def modes(dt):
        t = torch.arange(1, int(60 / dt) + 1, dtype=torch.float64) * dt
        gains = torch.stack([0.5 + 0.4 * torch.sin(t / 9), 0.9 - 0.01 * t], dim=-1)
        w = simulate_modes(gains, dt)
        torch.testing.assert_close(
            w, (1 - dt / 10.0 * (1 - gains)).cumprod(dim=-2), rtol=0, atol=1e-12
        )
        return (w - mode_decay(gains, 10.0, dt)).abs().max()

    order = float(torch.log2(modes(0.5) / modes(0.25)))
    assert 0.9 < order < 1.1


def test_closed_form_by_hand_and_with_starts():
    gains = torch.tensor([[0.0, 1.0], [0.5, 1.0]])
    w = mode_decay(gains, tau=2.0, dt=1.0, w0=torch.tensor([1.0, 3.0]))
    expected = [[math.exp(-0.5), 3.0], [math.exp(-0.75), 3.0]]
    torch.testing.assert_close(w, torch.tensor(expected))


@pytest.mark.parametrize("held", [0.0, 0.37])
def test_ablated_gain_equals_rescaled_columns(held, generator):
    model, inputs = nm_rnn(generator), trials(generator)
    with torch.no_grad():
        network = copy.deepcopy(model.output_network)
        network.column_factors[:, 1] *= held
    # Component 1 carries its constant in R, so its gain must be 1 there.
    twin = NMRNN(network, ablate_gains(model, 1, 1.0).modulator)
    ablated = ablate_gains(model, 1, held)(inputs)
    torch.testing.assert_close(ablated.outputs, twin(inputs).outputs, rtol=0, atol=1e-12)
    assert (ablated.outputs - model(inputs).outputs).abs().max() > 1e-3


def test_initial_ablation_holds_the_gain_of_the_first_state(generator):
    model, inputs = nm_rnn(generator), trials(generator)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    full, ablated = model(inputs), ablate_gains(model, [0, 2])(inputs)
    start = model.modulator.gain(model.initial_state(1).z)[0]
    torch.testing.assert_close(initial_gains(model), start.detach(), rtol=0, atol=0)
    for k in (0, 2):
        assert (ablated.gains[..., k] == start[k]).all()  # to the last digit of float64
        assert full.gains[..., k].std() > 1e-2
    # to rounding: a clamped network takes another loop than a free one
    torch.testing.assert_close(ablated.gains[..., 1], full.gains[..., 1])
    torch.testing.assert_close(ablated.modulator_states, full.modulator_states)
    assert isinstance(model.modulator, Modulator)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_ablations_can_be_stacked(generator):
    model, inputs = nm_rnn(generator), trials(generator)
    twice = ablate_gains(ablate_gains(model, 0, 0.2), 1, 0.7)(inputs)
    assert (twice.gains[..., 0] == 0.2).all()
    assert (twice.gains[..., 1] == 0.7).all()


def test_prescribed_gains_are_held_at_their_first_value():
    network = LowRankRNN(1, 4, 1, 2)
    gains = torch.rand(5, 2)
    ablated = ablate_gains(NMRNN(network, PrescribedGain(gains)), 0)
    shown = ablated(torch.zeros(2, 5, 1)).gains
    assert (shown[..., 0] == gains[0, 0]).all()
    assert torch.equal(shown[1, :, 1], gains[:, 1])
    with pytest.raises(ValueError, match="gains are prescribed for 3"):
        ablate_gains(NMRNN(network, PrescribedGain(torch.rand(3, 5, 2))), 0)


def test_alignment_by_hand():
    series = torch.arange(10.0).reshape(2, 5, 1)
    aligned = align_to(series, torch.tensor([10.0, 30.0]), dt=10.0, window=(-20, 10))
    assert aligned.times.tolist() == [-20, -10, 0, 10]
    first, second = aligned.values[..., 0].tolist()
    assert math.isnan(first[0])
    assert first[1:] == [0, 1, 2]
    assert second == [6, 7, 8, 9]
    beyond = align_to(series, torch.tensor([40.0, 0.0]), dt=10.0, window=(10, 20))
    assert beyond.values[0].isnan().all()
    assert beyond.values[1, :, 0].tolist() == [6, 7]


def test_time_zero_is_the_first_step_that_the_cue_changes(generator):
    model = nm_rnn(generator)
    inputs, cue_steps = torch.zeros(2, 20, 2).double(), torch.tensor([6, 11])
    inputs[torch.arange(2), cue_steps, 0] = 10.0
    change = (model(inputs).gains - model(torch.zeros_like(inputs)).gains).detach()
    aligned = align_to(change, cue_steps * model.dt, model.dt, (-50, 50))
    moved = aligned.values.abs().amax(dim=(0, 2)) > 1e-6
    assert moved.tolist() == (aligned.times >= 0).tolist()


def test_correlation_equals_numpy_on_what_is_present(generator):
    interval = torch.tensor([120.0, 140, 160, 180, 140])
    values = torch.randn(5, 4, 2, generator=generator)
    values[1, 2, 0] = torch.nan
    values[:3, 3] = torch.nan  # two trials left: too few
    values[:, 0, 1] = 0.3  # constant
    r = correlate_over_trials(values, interval)
    for t, k in [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1)]:
        kept = ~values[:, t, k].isnan()
        expected = np.corrcoef(values[kept, t, k].numpy(), interval[kept].numpy())[0, 1]
        assert float(r[t, k]) == pytest.approx(expected)
    assert r[3].isnan().all()
    assert r[0, 1].isnan()
    exact = correlate_over_trials(-2.0 * interval[:, None, None], interval)
    assert exact.item() == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: effective_time_constant(math.nan, 10.0), "gain must be finite"),
        (lambda: effective_time_constant(0.5, 0.0), r"tau must be a positive number, got 0\.0"),
        (
            lambda: euler_time_constant(-2.0, 10.0, 5.0),
            r"dt must be at most .*=3\.333 ms, got 5\.0: the step overshoots",
        ),
        (lambda: mode_decay(torch.zeros(3), 10.0, 1.0), r"gains must have shape \(\.\., time, K\)"),
        (lambda: mode_decay(torch.full((3, 1), torch.inf), 10.0, 1.0), "gains must be finite"),
        (lambda: ablate_gains(VanillaRNN(1, 2, 1), 0), "model must be an NMRNN, got VanillaRNN"),
        (
            lambda: align_to(torch.zeros(1, 3, 1), torch.tensor([5.0]), 10.0, (0, 10)),
            r"cue_times must be whole numbers of steps of dt=10\.0 ms, got \[5\.0\]",
        ),
        (
            lambda: align_to(torch.zeros(1, 3, 1), torch.tensor([torch.nan]), 10.0, (0, 10)),
            "cue_times must be finite",
        ),
        (
            lambda: align_to(torch.zeros(2, 3, 1), torch.zeros(1), 10.0, (0, 10)),
            r"cue_times must have shape \(2,\), got \(1,\)",
        ),
        (
            lambda: align_to(torch.zeros(1, 3, 1), torch.zeros(1), 10.0, (10, 0)),
            r"window must run from an earlier to a later time, got \(10, 0\)",
        ),
        (
            lambda: correlate_over_trials(torch.zeros(2, 3, 1), torch.zeros(3)),
            r"got \(2, 3, 1\) and \(3,\)",
        ),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("component", "value", "message"),
    [
        (3, 0.0, r"component must be from 0 to 2, got 3"),
        ([], 0.0, r"component must be one or more whole numbers from 0 to 2, got \[\]"),
        (0, "zero", r"value must be one of \('initial',\), got 'zero'"),
        (0, math.nan, "gain 0 must be finite"),
    ],
)
def test_ablation_errors(component, value, message, generator):
    with pytest.raises(ValueError, match=message):
        ablate_gains(nm_rnn(generator), component, value)


def test_switch_times_by_hand():
    gains = torch.zeros(2, 8, 2)
    gains[:, :2] = 9.0  # the query's own jump does not count
    gains[0, 4:, 0], gains[1, 6:, 0] = 0.5, -0.25
    steps, spans = switch_times(gains)
    assert steps[:, 0].tolist() == [4, 6]
    assert spans.tolist() == [0.75, 0.0]
