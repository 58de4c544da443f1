"""The references of the homework against the package's own models, simulations and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from nmcourse.analysis import optimal_gain
from nmcourse.models import NMRNN, LowRankRNN, Modulator, NMState, PrescribedGain, identity
from nmcourse.tasks import (
    DelayedResponse,
    ElementFinder,
    MeasureWaitGo,
    apparent_interval,
    decode_angle,
)
from nmcourse.tasks import percent_correct as score_of_the_package
from nmcourse.training import masked_mse
from tools.teaching.homework import Version
from tools.teaching.homework.neuromodulation import (
    gain_as_neuromodulation,
    keeping_time_with_gain,
    learning_to_keep_time,
    one_network_many_tasks,
    remembering_one_of_many,
    why_gain_gates,
)


def functions(version: Version) -> dict[str, Any]:
    """The reference of each part, by the name of its function."""
    return {part.function: version.compiled(part) for part in version.parts}


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


# *Learning to keep time*


def test_the_ramp_of_the_chapter_is_a_special_case():
    ours = functions(learning_to_keep_time.HOMEWORK.build((-0.5, 0.5), 1.0, 0.0))
    trials = MeasureWaitGo().enumerate()
    t = 10.0 * np.arange(trials.targets.shape[1])
    found = [
        ours["target"](t, float(go), float(interval))
        for go, interval in zip(
            trials.conditions["go_time"], trials.conditions["interval"], strict=True
        )
    ]
    np.testing.assert_allclose(found, trials.targets[..., 0], atol=1e-6)
    guess, wanted = torch.randn(2, *trials.targets.shape, generator=torch.Generator())
    arrays = (value[..., 0].numpy() for value in (guess, wanted, trials.mask))
    same = masked_mse(guess, wanted, trials.mask).item()  # all windows are equally long here
    assert ours["relative_error"](*arrays) == pytest.approx(same, rel=1e-5)


@pytest.mark.parametrize("made", [70.0, 130.0])
@pytest.mark.parametrize("share", [0.8, 2.5])
def test_the_error_of_a_miss_is_the_integral_and_goes_both_ways(made: float, share: float):
    ours = functions(learning_to_keep_time.HOMEWORK.build((-1.0, 2.0), share, 60.0))
    t = np.linspace(0.0, 1000.0, 200_001)
    ramps = [ours["target"](t, 100.0, interval)[None] for interval in (made, 100.0)]
    integral = ours["relative_error"](*ramps, np.ones((1, len(t))))
    formula = ours["error_of"](100.0, made, 1000.0)
    assert formula == pytest.approx(integral, rel=1e-3)
    both = ours["made_intervals"](formula, 100.0, 1000.0)
    assert both[int(made > 100)] == pytest.approx(made)
    np.testing.assert_allclose([ours["error_of"](100.0, one, 1000.0) for one in both], formula)


# *Gain as neuromodulation*


@pytest.mark.parametrize("formula", gain_as_neuromodulation._GAINS)
def test_the_steps_are_the_published_one_and_eulers(formula: str):
    k, m, dt, tau_w, tau_z = 3, 4, 10.0, 30.0, 200.0
    gamma: dict[str, Any] = {"np": np}
    exec(gain_as_neuromodulation.HOMEWORK.build(1.0, formula, "modes").common, gamma)
    net = LowRankRNN(
        1, k, 1, rank=k, symmetric=True, orthonormal=False, nonlinearity=identity, tau=tau_w, dt=dt
    ).double()
    mod = Modulator(
        1,
        m,
        n_gains=k,
        tau=tau_z,
        dt=dt,
        gain_nonlinearity=lambda v: torch.from_numpy(gamma["gamma"](v.numpy())),
    ).double()
    w, z, W_z, A, b = (noise(*s, seed=i) for i, s in enumerate([(k,), (m,), (m, m), (k, m), (k,)]))
    with torch.no_grad():
        net.row_factors.copy_(torch.eye(k))
        for weights, values in (
            (net.input_weights, np.ones((k, 1))),
            (mod.input_weights, np.ones((m, 1))),
            (mod.recurrent_weights, W_z),
            (mod.gain_weights, A),
            (mod.gain_bias, b),
        ):
            weights.copy_(torch.from_numpy(values))
        model, state = (
            NMRNN(net, mod),
            NMState(torch.from_numpy(w)[None], torch.from_numpy(z)[None]),
        )
        u = torch.full((1, 1), 0.7, dtype=torch.float64)
        new, speed = model.step(state, u), model.velocity(state, u)
    for first, wanted in (
        ("modulator", (new.x, new.z)),
        ("modes", (state.x + dt * speed.x, state.z + dt * speed.z)),
    ):
        step = functions(gain_as_neuromodulation.HOMEWORK.build(1.0, formula, first))["step"]
        found = step(w, z, 0.7, W_z, A, b, dt, tau_w, tau_z)
        np.testing.assert_allclose(found, torch.cat(wanted, dim=1)[0], atol=1e-12)


def test_what_gains_leave_is_the_limit_of_short_steps_and_rest_is_lost_at_the_factor():
    leak, formula = 0.5, next(iter(gain_as_neuromodulation._GAINS))
    ours = functions(gain_as_neuromodulation.HOMEWORK.build(leak, formula, "modes"))
    gains = np.array([[0.3, 1.8], [1.2, 0.1]])
    fine = np.repeat(gains, 100_000, axis=0)
    steps = np.exp(np.log1p(1e-4 / 30 * (fine - leak)).sum(axis=0))
    np.testing.assert_allclose(ours["part_left"](gains, 10.0, 30.0), steps, rtol=1e-4)
    overlap, s = 2 * np.eye(3) + noise(3, 3), np.array([0.4, 0.9, 0.6])
    factor = ours["largest_factor"](s, overlap)
    growth = np.linalg.eigvals(np.diag(factor * s) @ overlap).real.max() - leak
    assert factor > 0
    assert growth == pytest.approx(0, abs=1e-12)


# *Keeping time with gain*


def test_the_apparent_interval_is_that_of_the_chapter_and_a_straight_ramp_has_its_own():
    ours = functions(
        keeping_time_with_gain.HOMEWORK.build((-0.5, 0.5, 1.0), "donor", "2/N", (0.9, 0.999))
    )
    outputs = noise(4, 31)
    outputs[:, 0], outputs[:, -1] = -0.5, 0.5  # what the package's half step assumes
    package = apparent_interval(torch.from_numpy(outputs)[..., None], torch.zeros(4), dt=10.0)
    np.testing.assert_allclose(ours["apparent"](outputs, 10.0), package, atol=1e-9)
    other = functions(
        keeping_time_with_gain.HOMEWORK.build((-1.0, 1.0, 0.75), "donor", "2/N", (0.9, 0.999))
    )
    asked = np.array([[80.0], [160.0]])
    straight = np.clip(5.0 * np.arange(60) / (0.75 * asked), 0, 1) * 2 - 1
    np.testing.assert_allclose(other["apparent"](straight, 5.0), asked[:, 0])


def test_without_gaps_the_plane_has_the_slopes_of_the_chapter():
    donors, receivers = np.array([120.0, 140, 160, 180]), np.array([110.0, 150, 170, 200])
    table = noise(4, 4)
    wanted = np.polyfit(donors, table.mean(1), 1)[0], np.polyfit(receivers, table.mean(0), 1)[0]
    for first, turned in (("donor", table), ("receiver", table.T)):
        ours = functions(
            keeping_time_with_gain.HOMEWORK.build((0.0, 2.0, 1.5), first, "2/N", (0.8, 0.99))
        )
        every = np.ones((4, 4), dtype=bool)
        np.testing.assert_allclose(ours["decides"](turned, every, donors, receivers), wanted)


def test_the_radius_is_that_of_the_whole_matrix_and_the_second_step_is_pytorchs():
    ours = functions(
        keeping_time_with_gain.HOMEWORK.build((0.0, 2.0, 1.5), "donor", "3/sqrt(N)", (0.7, 0.95))
    )
    L, R, s = noise(30, 3), noise(30, 3, seed=1), np.array([0.2, 0.5, 0.9])
    whole = 3 / np.sqrt(30) * L @ np.diag(s) @ R.T
    assert ours["radius"](L, R, s) == pytest.approx(np.abs(np.linalg.eigvals(whole)).max())
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimiser = torch.optim.Adam([weight], lr=0.02, betas=(0.7, 0.95))
    path = [0.0]
    for gradient in (0.8, -0.3):
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        optimiser.step()
        path.append(weight.item())
    assert ours["second_step"](0.8, -0.3, 0.02) == pytest.approx(path[2] - path[1])


# *Why gain gates*


def test_the_gates_solve_the_implicit_step_and_the_readout_error_is_the_simulated_one():
    ours = functions(why_gain_gates.HOMEWORK.build(1.5, 2.0, 0.1))
    forget, inward = ours["gates"](0.4, 10.0, 30.0)
    new = forget * 0.7 + inward * 1.3
    assert new == pytest.approx(0.7 + 10 / 30 * ((0.4 - 1.5) * new + 1.3))
    item, *rest = noise(9, 200_000)
    w = item
    for distractor, jitter in zip(rest[:4], rest[4:], strict=True):
        w = 0.9 * w + 0.5 * np.sqrt(2.0) * distractor + np.sqrt(0.1) * jitter
    left = item - (w @ item) / (w @ w) * w
    assert ours["readout_error"](0.9, 0.5, 4) == pytest.approx(np.mean(left**2), rel=0.01)


def test_the_gains_make_the_target():
    target = np.concatenate([np.linspace(-0.5, 0.5, 16), np.full(10, 0.5)])
    chapter = functions(why_gain_gates.HOMEWORK.build(1.0, 2.0, 0.1))
    network = LowRankRNN(1, 20, 1, rank=1, nonlinearity=identity, tau=100.0, dt=10.0).double()
    with torch.no_grad():
        ell, c = network.factors()[0][:, 0], network.output.weights[0]
        network.output.bias.fill_(-2.0)
        network.x0.copy_(1.5 / (c @ ell) * ell)  # nothing beside it
        overlap = float(ell @ network.factors()[1][:, 0])
        package = optimal_gain(network, torch.from_numpy(target)).gain
    np.testing.assert_allclose(
        chapter["gain_for"](target, overlap, -2.0, 10.0, 100.0), package, rtol=1e-9
    )
    other = functions(why_gain_gates.HOMEWORK.build(0.75, 2.0, 0.1))
    a, made = target[0] + 2.0, []
    for s in other["gain_for"](target, 5.0, -2.0, 10.0, 100.0):
        a = a + 10 / 100 * (-0.75 * a + s * 5.0 * a)
        made.append(a - 2.0)
    np.testing.assert_allclose(made, target[1:])
    needed = other["overlap_needed"](target, 0.6, -2.0, 10.0, 100.0)
    assert other["gain_for"](target, needed, -2.0, 10.0, 100.0).max() == pytest.approx(0.6)


# *One network, many tasks*


def test_the_angle_of_the_chapter_is_a_figure_without_symmetry(monkeypatch):
    monkeypatch.setitem(one_network_many_tasks._FIGURES, 1, "arrow")
    ours = functions(one_network_many_tasks.HOMEWORK.build(1, "sine", 20, 0))
    outputs = noise(30, 3)
    package = decode_angle(torch.from_numpy(outputs)).numpy() % (2 * np.pi)
    np.testing.assert_allclose(ours["orientation"](outputs), package)
    trials = DelayedResponse(["DelayPro", "MemoryAnti"]).balanced(
        100, generator=torch.Generator().manual_seed(0)
    )
    made = trials.targets + 0.25 * torch.from_numpy(noise(*trials.targets.shape))
    made[..., 0] += 0.4  # fixation holds in some trials, and is lost in others
    wanted = score_of_the_package(made, trials).item()
    fixation, go = made[..., 0].numpy(), (trials.targets[..., 0] > 0).sum(dim=1).numpy()
    answered = ours["orientation"](made[:, -1].numpy())
    errors = ours["distance"](answered, trials.conditions["asked_angle"].numpy())
    assert 5 < wanted < 95
    assert ours["percent_correct"](fixation, go, errors) == pytest.approx(wanted)


@pytest.mark.parametrize("fold", [3, 6])
def test_the_share_that_was_known_comes_back_from_a_simulated_score(fold: int):
    ours = functions(one_network_many_tasks.HOMEWORK.build(fold, "cosine", 8, 3))
    random, period = np.random.default_rng(0), 2 * np.pi / fold
    asked, guess = random.uniform(0, period, (2, 200_000))
    answer = np.where(random.random(200_000) < 0.35, asked, guess)
    tolerance = period / 7
    score = 100 * np.mean(ours["distance"](answer, asked) <= tolerance)
    assert ours["share_known"](score, tolerance) == pytest.approx(0.35, abs=0.01)


# *Remembering one of many*


def by_hand(ear: float, clear: float, write: float, tau: float) -> LowRankRNN:
    """The network of *Remembering one of many* with other weights; its readout shows the memory."""
    network = LowRankRNN(
        1,
        3,
        1,
        rank=3,
        orthonormal=False,
        nonlinearity=identity,
        readout_bias=False,
        tau=tau,
        dt=10.0,
        x0=0,
    ).double()
    with torch.no_grad():
        network.row_factors.copy_(torch.tensor([[1.0, 0, 0], [0, 1, 1], [0, 0, 0]]))
        network.column_factors.copy_(torch.tensor([[-clear, 0, write], [0, 1, 0], [0, 0, 0]]))
        network.input_weights.copy_(torch.tensor([[ear], [0], [0]]))
        network.output.weights.copy_(torch.tensor([[0.0, 1, 0]]))
    return network


def test_the_run_is_that_of_the_network_built_by_hand():
    ours = functions(remembering_one_of_many.HOMEWORK.build(2, 3.0, 0.4))
    inputs, gains = noise(12), np.random.default_rng(1).random((12, 3))
    network = NMRNN(by_hand(3.0, 1.2, 5.0, 40.0), PrescribedGain(torch.from_numpy(gains), dt=10.0))
    with torch.no_grad():
        wanted = network(torch.from_numpy(inputs)[None, :, None]).outputs[0, -1, 0].item() / 0.4
    assert ours["answer"](inputs, gains, 1.2, 5.0, 10.0, 40.0) == pytest.approx(wanted)


def test_the_weights_solve_the_task_and_the_leaking_hold_costs_what_is_said():
    ours = functions(remembering_one_of_many.HOMEWORK.build(3, 2.0, 1.5))
    dt, tau, length = 10.0, 35.0, 6
    clear, write = ours["weights"](dt, tau)
    for hold in (1.0, 0.7):
        total = 0.0
        for q in range(length):
            gains = np.ones((length + 1, 3))
            gains[:, 2] = np.arange(length + 1) == q + 2
            gains[q + 3 :, 1] = hold
            for place in range(length):  # the answer is linear in each element
                inputs = np.zeros(length + 1)
                inputs[place + 1] = 1.0
                y = ours["answer"](inputs, gains, clear, write, dt, tau)
                total += (y - (place == q)) ** 2 / length
        assert ours["error"](hold, length, 1.0, dt, tau) == pytest.approx(total)


def test_the_numbers_of_the_chapter_come_out_with_its_settings():
    ours = functions(remembering_one_of_many.HOMEWORK.build(1, 1.0, 1.0))
    np.testing.assert_allclose(ours["weights"](10.0, 20.0), [1, 4])
    assert ours["chance"](-10, 21) == pytest.approx(ElementFinder(25).chance)
