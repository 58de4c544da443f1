import math

import numpy as np
import pytest
import torch

from nmcourse.analysis import (
    autocorrelation,
    eigenvalues,
    flatten_state,
    jacobian,
    lyapunov_exponents,
    participation_ratio,
    time_constants,
    unflatten_state,
)
from nmcourse.models import LSTM, NMRNN, LowRankRNN, Modulator, VanillaRNN, identity


def random_network(gain: float, n_units: int, seed: int = 0) -> VanillaRNN:
    model = VanillaRNN(1, n_units, 1, generator=torch.Generator().manual_seed(seed)).double()
    with torch.no_grad():
        model.recurrent_weights.mul_(gain)
    return model


def test_jacobian_of_the_current_form_is_the_textbook_one(generator):
    model = random_network(1.3, 7)
    x = torch.randn(3, 7, dtype=torch.float64, generator=generator)
    slopes = 1 - torch.tanh(x) ** 2
    weights = model.scale * model.recurrent_weights.detach()
    expected = (-torch.eye(7) + weights * slopes[:, None, :]) / model.tau
    torch.testing.assert_close(jacobian(model, x), expected, rtol=0, atol=1e-14)
    euler = torch.eye(7) + model.dt * expected
    torch.testing.assert_close(jacobian(model, x, of="step"), euler, rtol=0, atol=1e-13)


@pytest.mark.parametrize("of", ["velocity", "step"])
@pytest.mark.parametrize("name", ["nm with feedback", "lstm"])
def test_jacobian_equals_central_differences(name, of, generator):
    network = LowRankRNN(1, 6, 1, 2, generator=generator)
    model = {
        "nm with feedback": NMRNN(network, Modulator(1, 3, 2, n_feedback=6, generator=generator)),
        "lstm": LSTM(1, 4, 1, generator=generator),
    }[name].double()
    u = torch.tensor([0.3], dtype=torch.float64)
    like = model.initial_state(1)
    size = flatten_state(like).shape[1]
    flat = torch.randn(1, size, dtype=torch.float64, generator=generator)
    found = jacobian(model, unflatten_state(flat, like), u, of=of)[0]

    verb, h = getattr(model, of), 1e-6
    pushes = h * torch.eye(size, dtype=torch.float64)
    sides = [
        flatten_state(verb(unflatten_state(flat + sign * pushes, like), u.expand(size, 1)))
        for sign in (1, -1)
    ]
    expected = ((sides[0] - sides[1]) / (2 * h)).mT
    torch.testing.assert_close(found, expected.detach(), rtol=0, atol=1e-8)


def test_eigenvalues_come_least_stable_first():
    diagonal = torch.diag(torch.tensor([-3.0, 0.5, -0.2])).unsqueeze(0)
    assert eigenvalues(diagonal, "velocity").real.tolist() == [[0.5, pytest.approx(-0.2), -3.0]]
    assert eigenvalues(diagonal, "step").real.tolist() == [[-3.0, 0.5, pytest.approx(-0.2)]]


def test_time_constants_of_velocity_and_step():
    rates = torch.tensor([complex(-0.1, 2.0), complex(0.0, 1.0), complex(0.05, 0.0)])
    assert time_constants(rates).tolist() == pytest.approx([10.0, math.inf, -20.0])
    factors = torch.tensor([0.9, -0.9, 1.0])
    expected = [2 / -math.log(0.9)] * 2 + [math.inf]
    assert time_constants(factors, "step", dt=2.0).tolist() == pytest.approx(expected)
    with pytest.raises(ValueError, match="dt must be given for eigenvalues of a step"):
        time_constants(factors, "step")


def test_lyapunov_spectrum_of_a_linear_network_is_its_eigenvalues(generator):
    model = VanillaRNN(1, 5, 1, nonlinearity=identity, recurrent_scaling="none").double()
    axes = torch.linalg.qr(torch.randn(5, 5, dtype=torch.float64, generator=generator))[0]
    levels = torch.tensor([0.9, 0.5, 0.1, -0.4, -0.9], dtype=torch.float64)
    with torch.no_grad():
        model.recurrent_weights.copy_(axes * levels @ axes.mT)
    result = lyapunov_exponents(
        model, n_exponents=5, n_steps=100, n_transient=400, generator=generator
    )
    expected = torch.log(1 + model.dt / model.tau * (levels - 1)) / model.dt
    torch.testing.assert_close(result.exponents, expected, rtol=0, atol=1e-9)
    assert result.running.shape == (100, 5)
    assert result.largest == pytest.approx(float(expected[0]))


def test_lyapunov_spectrum_of_the_henon_map(hand_made, generator):
    # Its Jacobian has determinant -0.3 everywhere, so the exponents add up to log 0.3.
    def henon(s):
        x, y = s.unbind(-1)
        return torch.stack([1 - 1.4 * x**2 + y, 0.3 * x], dim=-1)

    model = hand_made(2, step=henon, dt=2.0)
    result = lyapunov_exponents(
        model, n_exponents=2, n_steps=2000, n_transient=100, generator=generator
    )
    assert float(result.exponents.sum()) == pytest.approx(math.log(0.3) / 2.0, abs=1e-12)
    assert result.largest == pytest.approx(0.419 / 2.0, abs=0.01)


def test_quiet_network_decays_at_the_rate_of_its_slowest_mode(generator):
    model = random_network(0.6, 40)
    result = lyapunov_exponents(
        model, n_exponents=2, n_steps=1500, n_transient=300, generator=generator
    )
    weights = model.scale * model.recurrent_weights.detach()
    factors = 1 + model.dt / model.tau * (torch.linalg.eigvals(weights) - 1)
    expected = float(factors.abs().max().log()) / model.dt
    assert result.largest < 0
    assert result.largest == pytest.approx(expected, rel=0.02)


def test_chaotic_network_agrees_with_two_runs_that_drift_apart(generator):
    model = random_network(3.0, 100, seed=1)
    result = lyapunov_exponents(model, n_steps=1500, n_transient=500, generator=generator)

    u, distance, growth = torch.zeros(1, 1, dtype=torch.float64), 1e-7, 0.0
    pair = torch.cat([model.initial_state(1)] * 2)
    push = torch.randn(100, dtype=torch.float64, generator=generator)
    pair[1] += distance * push / push.norm()
    with torch.no_grad():
        for t in range(2000):
            pair = model.step(pair, u.expand(2, 1))
            apart = pair[1] - pair[0]
            if t >= 500:
                growth += float((apart.norm() / distance).log())
            pair[1] = pair[0] + distance * apart / apart.norm()
    assert result.largest > 5e-4
    assert result.largest == pytest.approx(growth / (1500 * model.dt), rel=0.02)


def test_a_drive_can_silence_chaos_and_must_cover_the_run(generator):
    model = random_network(3.0, 100, seed=1)
    strong = torch.full((800, 1), 30.0)
    options = {"n_steps": 500, "n_transient": 300}
    seeds = [torch.Generator().manual_seed(4) for _ in range(3)]
    alone = lyapunov_exponents(model, generator=seeds[0], **options)
    driven = lyapunov_exponents(model, strong, generator=seeds[1], **options)
    constant = lyapunov_exponents(model, strong[0], generator=seeds[2], **options)
    assert driven.largest < 0 < alone.largest
    assert driven.largest == constant.largest
    late = torch.cat([torch.zeros(1, 1), strong[1:]])  # the first entry is not the whole drive
    assert lyapunov_exponents(model, late, **options).largest < 0
    with pytest.raises(ValueError, match=r"input must have shape \(P,\) or \(800, P\)"):
        lyapunov_exponents(model, strong[:-1], **options)


def test_lyapunov_errors(hand_made):
    model = random_network(1.0, 4)
    with pytest.raises(ValueError, match="n_exponents must be at most 4, got 5"):
        lyapunov_exponents(model, n_exponents=5)
    with pytest.raises(ValueError, match="n_transient must be zero or a positive integer, got -1"):
        lyapunov_exponents(model, n_transient=-1)
    with pytest.raises(ValueError, match="start must hold at least one state, got none"):
        lyapunov_exponents(model, start=torch.zeros(0, 4))
    explosive = hand_made(1, step=lambda s: s**2, start=3.0)
    with pytest.raises(ValueError, match="overflowed at step"):
        lyapunov_exponents(explosive)
    with pytest.raises(ValueError, match="of must be one of"):
        jacobian(model, torch.zeros(1, 4), of="rate")
    with pytest.raises(ValueError, match="state must be finite"):
        jacobian(model, torch.full((1, 4), torch.nan))


def test_participation_ratio_counts_filled_dimensions(generator):
    line = torch.randn(50, 1, generator=generator) @ torch.randn(1, 8, generator=generator)
    assert participation_ratio(line) == pytest.approx(1.0)
    corners = torch.cat([torch.eye(4), -torch.eye(4)])
    assert participation_ratio(corners.reshape(2, 4, 4)) == pytest.approx(4.0)
    stretched = corners * torch.tensor([2.0, 1.0, 0.0, 0.0])  # variances 4 : 1
    assert participation_ratio(stretched) == pytest.approx(25 / 17)
    with pytest.raises(ValueError, match="states that are all equal"):
        participation_ratio(torch.ones(5, 3))


def test_autocorrelation_equals_direct_sums(generator):
    states = torch.randn(2, 30, 3, generator=generator).cumsum(dim=1).double()
    result = autocorrelation(states, dt=5.0, n_lags=12)
    x = (states - states.mean(dim=1, keepdim=True)).numpy()
    direct = np.array([(x[:, : 30 - k] * x[:, k:]).sum() / (30 - k) for k in range(12)])
    np.testing.assert_allclose(result.values.numpy(), direct / direct[0], atol=1e-12)
    assert result.lags.tolist() == [5.0 * k for k in range(12)]


def test_autocorrelation_of_a_sine_is_a_cosine():
    t = torch.arange(4000) * 1.0
    result = autocorrelation(torch.sin(2 * math.pi * t / 40)[None, :, None], dt=1.0, n_lags=60)
    expected = torch.cos(2 * math.pi * result.lags / 40).double()
    torch.testing.assert_close(result.values, expected, rtol=0, atol=2e-3)
    with pytest.raises(ValueError, match="constant states"):
        autocorrelation(torch.ones(1, 10, 2), dt=1.0)
    with pytest.raises(ValueError, match="n_lags must be at most 10, got 11"):
        autocorrelation(torch.ones(1, 10, 2), dt=1.0, n_lags=11)
