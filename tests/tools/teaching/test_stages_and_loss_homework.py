"""References of the homework on stages and loss against torch, the package, simulations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import batch_norm, cross_entropy

from nmcourse.training.vision.trial_loss import rest_penalty as rest_penalty_of_the_package
from tools.teaching.homework import Homework
from tools.teaching.homework.vision import training_by_stages, what_the_loss_is_for

NUMBERS = (0, 7, 23)


def drawn(one: Homework, number: int) -> tuple[dict, list]:
    chosen = one.draw(1, number)
    version = one.build(**chosen)
    return chosen, [version.compiled(part) for part in version.parts]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_normalisation_before_the_weights_is_folded(number: int):
    chosen, (fold_before, _, _) = drawn(training_by_stages.HOMEWORK, number)
    random = torch.Generator().manual_seed(number)
    x, U = (torch.randn(*n, generator=random, dtype=torch.float64) for n in ((7, 4), (4, 4)))
    gamma, beta, mean, variance = torch.rand(4, 4, generator=random, dtype=torch.float64) + 0.2
    normalised = batch_norm(x, mean, variance, gamma, beta, eps=chosen["epsilon"])
    arrays = (value.numpy() for value in (U, gamma, beta, mean, variance))
    folded = torch.from_numpy(fold_before(*arrays))
    torch.testing.assert_close(x @ folded[:, :-1].T + folded[:, -1], normalised @ U.T)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_area_settles_at_what_the_twin_computes_and_so_does_the_series(number: int):
    chosen, (_, recurrent_weights, partial_sum) = drawn(training_by_stages.HOMEWORK, number)
    leak, scale = chosen["leak"], chosen["scale"]
    random = np.random.default_rng(number)
    U = (np.eye(5) + 0.15 * random.normal(size=(5, 5))) / leak
    current, rates = random.normal(size=5), np.zeros(5)
    W = recurrent_weights(U)
    for _ in range(3000):
        rates = rates + 0.05 * (-leak * rates + scale * W @ rates + current)
    np.testing.assert_allclose(rates, U @ current, rtol=1e-8)
    assert np.abs(np.linalg.eigvals(scale * W / leak)).max() < 1
    np.testing.assert_allclose(partial_sum(W, current, 400), rates, rtol=1e-6)
    np.testing.assert_allclose(partial_sum(W, current, 1), current / leak)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_answer_is_a_weighted_cross_entropy(number: int):
    chosen, (window_loss, _, _) = drawn(what_the_loss_is_for.HOMEWORK, number)
    random = torch.Generator().manual_seed(number)
    outputs = torch.randn(9, 4, generator=random, dtype=torch.float64)
    entropies = cross_entropy(outputs, torch.full((9,), 2), reduction="none")
    weights = (torch.arange(1, 10, dtype=torch.float64) / 9) ** chosen["power"]
    found = window_loss(outputs.numpy(), 2)
    assert found == pytest.approx(float((weights * entropies).mean()), rel=1e-12)
    assert window_loss(outputs[:1].numpy(), 2) == pytest.approx(float(entropies[0]))


@pytest.mark.parametrize("number", NUMBERS)
def test_the_penalty_is_that_of_the_package_where_images_move_areas_by_one(number: int):
    chosen, (_, rest_penalty, _) = drawn(what_the_loss_is_for.HOMEWORK, number)
    random = np.random.default_rng(number)
    rest, rates = random.normal(size=(3, 6)), random.normal(size=(20, 3, 6))
    signs = np.sign(random.normal(size=(3, 6)))
    departure = ((rates - rest) ** 2).mean(axis=(1, 2))[-chosen["window"] :]
    wanted = float(rest_penalty_of_the_package(torch.from_numpy(departure)[None], 0.02))
    assert rest_penalty(rates, rest + signs, rest, 0.02) == pytest.approx(wanted)
    moved = rest + 3 * (rates[5] - rest)
    stays = np.repeat(moved[None], 20, axis=0)
    assert rest_penalty(stays, moved, rest, 0.02) == pytest.approx(0.02)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(("n_units", "inhibition"), [(2, 0.6), (2, 1.4), (4, 0.6), (4, 1.4)])
def test_rates_long_after_the_image_are_those_of_a_simulation(
    number: int, n_units: int, inhibition: float
):
    chosen, (_, _, left_by_image) = drawn(what_the_loss_is_for.HOMEWORK, number)
    leak = chosen["leak"]
    excitation, bias = 0.4 * leak, 0.3
    inhibition *= leak - excitation  # below or above what the leak leaves
    rates, step = np.zeros(n_units), 0.05
    for k in range(12_000):
        image = 20.0 * (4000 <= k < 6000) * (np.arange(n_units) == 0)
        current = (excitation + inhibition) * rates - inhibition * rates.sum() + bias + image
        rates = rates + step * (-leak * rates + np.maximum(current, 0))
    found = left_by_image(excitation, inhibition, bias, n_units)
    np.testing.assert_allclose(found, rates, atol=1e-6)
