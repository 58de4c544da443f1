"""References of the first homework and of four later ones against what they must agree with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import conv1d, pad

from nmcourse.analysis import kept_from_go
from nmcourse.tasks import MeasureWaitGo
from tools.teaching.homework import PROBLEMS, Version
from tools.teaching.homework._nonlinearities import Nonlinearity
from tools.teaching.homework.neuromodulation import reviewers_ask
from tools.teaching.homework.vision import building_cordsnet, convolution_as_connectivity
from tools.teaching.notebooks import ROOT

NUMBERS = (0, 11, 19)


def functions(version: Version) -> list:
    return [version.compiled(part) for part in version.parts]


def drawn(name: str, number: int) -> tuple[dict, list]:
    chosen = PROBLEMS[name].draw(1, number)
    return chosen, functions(PROBLEMS[name].build(**chosen))


@pytest.mark.parametrize("name", PROBLEMS)
def test_sections_to_read_again_are_in_the_chapter(name: str):
    version = PROBLEMS[name].build(**PROBLEMS[name].draw(0))
    lines = (ROOT / f"{version.chapter}.md").read_text(encoding="utf-8").splitlines()
    headings = {line.lstrip("#").strip() for line in lines if line.startswith("#")}
    assert {mistake.read for part in version.parts for mistake in part.mistakes} <= headings


@pytest.mark.parametrize("number", NUMBERS)
def test_a_unit_obeys_its_equation_and_fine_steps_come_near_it(number: int):
    chosen, (decays, after_steps, slope) = drawn("start", number)
    leak, rest = chosen["leak"], chosen["rest"]
    start, tau, time, late = np.array([1.3, -2.0]), np.array([40.0, 90.0]), 25.0, 1e-4
    x, soon = (decays(start, tau, np.array([t]))[:, 0] for t in (time, time + late))
    np.testing.assert_allclose((soon - x) / late, -leak * (x - rest) / tau, rtol=1e-4)
    np.testing.assert_allclose(decays(start, tau, np.zeros(1))[:, 0, 1], start)
    np.testing.assert_allclose(after_steps(1.3, tau, 0.01, time), x[0], rtol=1e-3, atol=5e-4)

    def error(time_constant: float) -> float:
        at_end = after_steps(1.3, np.array([time_constant]), 5.0, 35.0)
        return float((at_end[0] + 1.0) ** 2)

    measured = (error(60.001) - error(59.999)) / 0.002
    assert slope(1.3, 60.0, 5.0, 7, -1.0) == pytest.approx(measured, rel=1e-6)


def test_the_reviewers_homework_is_the_chapter_where_nothing_is_changed():
    kept, _, low_dopamine = functions(reviewers_ask.HOMEWORK.build(leak=1.0, scale=1.0, span=100))
    task = MeasureWaitGo((120,), measure_times=[150]).enumerate()
    norms = torch.rand(1, task.inputs.shape[1], dtype=torch.float64) + 0.1
    go = float(task.conditions["go_time"][0]) - 10
    assert kept(norms[0].numpy(), 10.0, 150.0, go) == pytest.approx(
        float(kept_from_go(norms, task)[0])
    )

    gains, before = torch.rand(30, 1, dtype=torch.float64), torch.arange(30)[:, None] < 12
    early = before.double()
    scales = (0.7, 1 - 0.3 * early, 0.7 + 0.3 * early)
    wanted = [float((1 - 10.0 / 100.0 * (1 - gains * s)).prod()) for s in scales]
    found = low_dopamine(1.0, gains[:, 0].numpy(), 0.7, 120.0, 10.0, 100.0)
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_leak_alone_is_kept_as_a_power_and_sizes_are_lengths_for_orthonormal_columns(number: int):
    chosen, (kept, change_size, low_dopamine) = drawn("reviewers", number)
    factor = 1 - chosen["leak"] * 10.0 / 100.0  # of a step without recurrence
    norms = factor ** np.arange(40)[::-1]
    assert kept(norms, 10.0, 100.0, 300.0) == pytest.approx(factor ** (chosen["span"] / 10))
    silent = low_dopamine(2.0, np.zeros(5), 0.5, 20.0, 10.0, 100.0)
    np.testing.assert_allclose(silent, 2 * factor**5)

    random = np.random.default_rng(0)
    left, right, delta = (
        np.linalg.qr(random.normal(size=(9, 3)))[0],
        random.normal(size=(9, 3)),
        0.1,
    )
    by_chapter = np.sqrt(((np.linalg.norm(right, axis=0) * delta) ** 2).sum())
    found = change_size(left, right, np.full(3, delta))
    assert found == pytest.approx(chosen["scale"] * by_chapter)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_matrix_of_a_ring_is_the_convolution_and_waves_have_its_eigenvalues(number: int):
    chosen, (matrix, wave_matrix, _) = drawn("convolution", number)
    random = np.random.default_rng(number)
    kernel, rates = random.normal(size=(2, 2, 5)), random.normal(size=(2, 17))
    dilation = chosen["dilation"]
    around = pad(torch.tensor(rates)[None], (2 * dilation, 2 * dilation), mode="circular")
    wanted = conv1d(around, torch.tensor(kernel), dilation=dilation)[0].flatten()
    found = matrix(kernel, 17)
    np.testing.assert_allclose(found @ rates.flatten(), wanted, atol=1e-12)

    by_waves = [np.linalg.eigvals(wave_matrix(kernel, f / 17)) for f in range(17)]
    gaps = np.abs(np.linalg.eigvals(found)[:, None] - np.concatenate(by_waves))
    assert gaps.min(axis=0).max() < 1e-8
    assert gaps.min(axis=1).max() < 1e-8


@pytest.mark.parametrize("number", NUMBERS)
def test_silence_ends_in_a_swing_of_this_period(number: int):
    chosen, (_, _, first_swing) = drawn("convolution", number)
    matrix = np.array([[1.0, -2.0, 0.0], [2.0, 1.0, 0.5], [0.0, 0.0, -4.0]])
    gain, period = first_swing(matrix, 10.0)
    phi: Nonlinearity = chosen["phi"]
    activity, moment = np.zeros(3), 1e-6
    jacobian = np.empty((3, 3))
    for unit in range(3):  # of the velocity, measured at silence
        push = moment * np.eye(3)[unit]
        rates = eval(phi.code, {"np": np, "v": gain * matrix @ (activity + push)})
        jacobian[:, unit] = (-chosen["leak"] * push + rates) / 10.0 / moment
    values = np.linalg.eigvals(jacobian)
    leader = values[values.real.argmax()]
    assert abs(leader.real) < 1e-5
    assert 2 * np.pi / abs(leader.imag) == pytest.approx(period, rel=1e-4)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_chain_arrives_after_its_mean_delay(number: int):
    chosen, (network_step, mean_delay, _) = drawn("building", number)
    leak, recurrence, depth, dt = chosen["leak"], 0.3, 7, 0.2
    # one unit per area; a positive current, so that phi is a line of slope 1
    ones = np.ones((depth, 1, 1))
    rates, course = np.zeros((depth, 1)), []
    for _ in range(5000):
        course.append(rates[:, 0])
        weights = (recurrence * ones, (leak - recurrence) * ones)
        rates = network_step(rates, np.ones(1), *weights, np.zeros((depth, 1)), dt, 10.0)
    delays = dt * (1 - np.array(course)).sum(axis=0)
    wanted = [mean_delay(area, 10.0, recurrence) for area in range(depth)]
    np.testing.assert_allclose(delays, wanted, rtol=1e-3)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_step_a_little_too_long_leaves_the_fixed_point(number: int):
    chosen, (network_step, _, longest_step) = drawn("building", number)
    weights = np.array([[-3.0, 2.0, 0.3], [-2.0, -3.0, 0.1], [0.5, 0.2, -1.0]])
    active = np.array([1, 0, 1])
    slopes = np.where(active, 1.0, chosen["slope"])
    current = np.where(active, 1.0, -1.0)  # at the fixed point; it is far from 0
    fixed = slopes * current / chosen["leak"]
    bias = current - weights @ fixed
    longest = longest_step(weights, active, 10.0)
    for part, grows in ((0.98, False), (1.02, True)):
        away = np.array([1e-9, 2e-9, -1e-9])
        rates = (fixed + away)[None]
        for _ in range(400):
            none = np.zeros((1, 3, 3))
            rates = network_step(
                rates, np.zeros(3), weights[None], none, bias[None], part * longest, 10.0
            )
        assert (np.abs(rates[0] - fixed).max() > 1e-8) == grows


def test_the_homework_of_chapters_10_and_11_has_changed_what_it_says():
    """No version is the chapter's own equation."""
    assert 1.0 not in convolution_as_connectivity.HOMEWORK.settings["leak"]
    assert 1 not in convolution_as_connectivity.HOMEWORK.settings["dilation"]
    assert 2 not in building_cordsnet.HOMEWORK.settings["reach"]
    assert 0.5 not in building_cordsnet.HOMEWORK.settings["share"]
    assert 100 not in reviewers_ask.HOMEWORK.settings["span"]
