"""Newton's method without a Jacobian: the same points as with one, and those of large networks."""

from __future__ import annotations

import time

import pytest
import torch

from nmcourse import pretrained
from nmcourse.analysis import (
    find_fixed_points,
    find_large_fixed_points,
    jacobian,
    lyapunov_exponents,
    run_on,
)
from nmcourse.models import NMRNN, CordsNet, LowRankRNN, Modulator, Stem, VanillaRNN


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_points_and_eigenvalues_are_those_of_the_whole_matrix():
    model = VanillaRNN(2, 30, 1, generator=seeded())
    with torch.no_grad():
        model.recurrent_weights.mul_(1.6)
    start = torch.randn(12, 30, generator=seeded(1), dtype=torch.float64)
    u = torch.tensor([0.3, -0.2])
    large = find_large_fixed_points(model, u, candidates=start, n_eigenvalues=4)
    whole = find_fixed_points(model, u, candidates=start)
    assert len(large) >= 1
    for point, values in zip(large.points, large.step_eigenvalues, strict=True):
        distance, which = (whole.points - point).norm(dim=-1).min(dim=0)
        if distance > 1e-6:  # both lists hold what their candidates reached
            dense = jacobian(model, point.unsqueeze(0), u, of="step")[0]
            expected = torch.linalg.eigvals(dense)
        else:
            expected = whole.step_eigenvalues[which]
        expected = expected[expected.abs().argsort(descending=True)][:4]
        torch.testing.assert_close(values.abs(), expected.abs())
    velocity = VanillaRNN.velocity(model.double(), large.points, u.double().expand(len(large), -1))
    assert velocity.abs().max() < 1e-9


def test_the_focus_behind_the_limit_cycle_of_a_trained_network(monkeypatch):
    model = pretrained.load("digits_cordsnet_penalty_0")[0]
    rest = model.rest(400)
    looks = []
    look = CordsNet.velocity
    monkeypatch.setattr(
        CordsNet, "velocity", lambda *args, **kw: looks.append(1) or look(*args, **kw)
    )
    begin = time.process_time()
    found = find_large_fixed_points(model, candidates=rest, n_eigenvalues=2)
    seconds = time.process_time() - begin
    assert len(found) == 1
    assert not found.is_stable[0]
    first = found.step_eigenvalues[0, 0]
    assert first.imag.abs() > 0.1  # a focus: what leaves it turns
    assert found.speeds[0] < 1e-20
    assert len(looks) < 60  # products with the Jacobian look at no state: there are hundreds
    assert seconds < 3.0  # 0.3 on a free core


def test_ten_thousand_units():
    model = CordsNet("small-R2", 1, 10, image_size=28, generator=seeded())
    image = torch.rand(1, 28, 28, generator=seeded(1))
    state = model.respond(image.unsqueeze(0), n_steps=30).state
    found = find_large_fixed_points(model, image, candidates=state, n_eigenvalues=3)
    assert found.points.shape == (1, 12544)
    held = run_on(model, found.points, 5, input=image)
    torch.testing.assert_close(held[:, -1], held[:, 0])
    with pytest.raises(ValueError, match=r"model has 12544 state values.*find_large_fixed_points"):
        find_fixed_points(model, image)


def test_with_relu_the_last_step_is_exact():
    model = VanillaRNN(
        1, 40, 1, form="rate", nonlinearity=torch.relu, bias=True, generator=seeded()
    )
    with torch.no_grad():
        model.recurrent_weights.mul_(0.5)
        model.bias.normal_(generator=seeded(2))
    start = torch.zeros(1, 40, dtype=torch.float64)
    found = find_large_fixed_points(model, candidates=start, fixed_tolerance=1e-28)
    model, r = model.double(), found.points[0]
    weights = model.scale * model.recurrent_weights
    on = (r > 1e-12).double()
    expected = torch.linalg.solve(torch.eye(40) - on[:, None] * weights, on * model.bias)
    torch.testing.assert_close(r, expected.detach())


@pytest.mark.parametrize("dense", [False, True])
def test_nothing_found_is_an_empty_result(dense: bool):
    network = LowRankRNN(1, 6, 1, 2, generator=seeded())
    model = NMRNN(network, Modulator(1, 3, 2, generator=seeded()))
    start = 5.0 + torch.randn(3, 9, generator=seeded(), dtype=torch.float64)
    if dense:
        found = find_fixed_points(
            model, candidates=start, n_iterations=1, fixed_tolerance=1e-40, slow_tolerance=1e-39
        )
    else:
        found = find_large_fixed_points(
            model, candidates=start, n_iterations=1, fixed_tolerance=1e-40, n_eigenvalues=2
        )
    assert len(found) == 0
    assert len(found.not_converged) == 3
    assert found.is_stable.shape == (0,)
    assert found.states.x.shape == (0, 6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"candidates": torch.zeros(0, 5)}, "candidates must hold at least one state"),
        ({"candidates": torch.full((1, 5), torch.nan)}, "candidates must be finite"),
        ({"candidates": torch.zeros(1, 5), "n_eigenvalues": 4}, "n_eigenvalues must be at most 3"),
        ({"candidates": torch.zeros(1, 5), "fixed_tolerance": 0.0}, "fixed_tolerance must be"),
    ],
)
def test_bad_arguments(options, message):
    options = {"n_eigenvalues": 2} | options
    with pytest.raises(ValueError, match=message):
        find_large_fixed_points(VanillaRNN(1, 5, 1), **options)


def test_exponents_of_several_starts_are_those_of_each():
    model = VanillaRNN(1, 12, 1, generator=seeded())
    with torch.no_grad():
        model.recurrent_weights.mul_(2.0)
    starts = torch.randn(3, 12, generator=seeded(3), dtype=torch.float64)
    options = {"n_exponents": 2, "n_steps": 40, "n_transient": 5}
    together = lyapunov_exponents(model, start=starts, generator=seeded(4), **options)
    assert together.exponents.shape == (3, 2)
    assert together.running.shape == (3, 40, 2)
    for number in range(3):
        alone = lyapunov_exponents(
            model, start=starts[number : number + 1], generator=seeded(4), **options
        )
        torch.testing.assert_close(together.exponents[number], alone.exponents)
        torch.testing.assert_close(together.end[number], alone.end)


def test_jacobians_a_few_at_a_time():
    model = CordsNet("small-R1", 1, 2, image_size=4, stem=Stem(2, 3, 1, False), generator=seeded())
    states = torch.rand(3, 128, generator=seeded(), dtype=torch.float64)
    image = torch.rand(1, 4, 4, generator=seeded(1))
    all_at_once = jacobian(model, states, image)
    torch.testing.assert_close(jacobian(model, states, image, batch_size=2), all_at_once)
    with pytest.raises(ValueError, match="batch_size must be a positive integer, got 0"):
        jacobian(model, states, image, batch_size=0)


def test_a_network_that_sees_runs_on_under_an_image():
    model = CordsNet("small-R1", 1, 2, image_size=6, generator=seeded()).double()
    image = torch.rand(1, 6, 6, generator=seeded(1), dtype=torch.float64)
    state = model.rest(5)
    flat = torch.cat([r.flatten(1) for r in state], dim=1)
    held = run_on(model, flat, 3, input=image)
    for _ in range(3):
        state = model.step(state, image.unsqueeze(0))
    torch.testing.assert_close(held[:, -1], torch.cat([r.flatten(1) for r in state], dim=1))
    two = run_on(model, flat.expand(2, -1), 3, input=torch.stack([image, 0 * image]))
    torch.testing.assert_close(two[0], held[0])
    torch.testing.assert_close(two[1], run_on(model, flat, 3)[0])
    with pytest.raises(ValueError, match=r"input must have shape \(channel, height, width\) or"):
        run_on(model, flat, 3, input=torch.zeros(2, 3))
