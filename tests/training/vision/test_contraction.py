"""The contraction penalty against a Jacobian that is built, and what its gradient does."""

from __future__ import annotations

import pytest
import torch

from nmcourse.models import CordsNet
from nmcourse.training import column_sums, contraction_penalty


@pytest.fixture
def network() -> CordsNet:
    source = torch.Generator().manual_seed(3)
    return CordsNet("small-R2", 1, 3, image_size=5, generator=source).double()


@pytest.fixture
def images() -> torch.Tensor:
    source = torch.Generator().manual_seed(4)
    return torch.randn(2, 1, 5, 5, generator=source, dtype=torch.float64)


def test_column_sums_are_those_of_the_jacobian_of_each_area(
    network: CordsNet, images: torch.Tensor
):
    one = images[:1]
    state = network.respond(one, n_steps=8).state
    sums = column_sums(network, state, one)
    for area, r in enumerate(state):

        def own(rates: torch.Tensor, area: int = area) -> torch.Tensor:
            others = [*state[:area], rates, *state[area + 1 :]]
            velocity = network.velocity(tuple(others), one)[area]
            return rates + network.tau * velocity  # the map itself

        jacobian = torch.autograd.functional.jacobian(own, r.detach())
        built = jacobian.reshape(r.numel(), r.numel()).sum(dim=0)
        torch.testing.assert_close(sums[area].flatten().detach(), built)


def test_the_penalty_is_the_mean_of_squared_excess(network: CordsNet, images: torch.Tensor):
    state = network.respond(images, n_steps=8).state
    sums = column_sums(network, state, images)
    wanted = sum((total - 0.3).clamp(min=0).square().mean() for total in sums) / len(sums)
    torch.testing.assert_close(contraction_penalty(network, state, images, limit=0.3), wanted)
    assert contraction_penalty(network, state, images, limit=100.0) == 0


def test_a_step_against_its_gradient_lowers_it(network: CordsNet, images: torch.Tensor):
    state = network.respond(images, n_steps=8).state
    before = contraction_penalty(network, state, images, limit=0.1)
    before.backward()
    with torch.no_grad():
        for parameter in network.recurrent.parameters():
            parameter -= 0.05 * parameter.grad
    assert contraction_penalty(network, state, images, limit=0.1) < before


def test_a_limit_must_be_positive(network: CordsNet, images: torch.Tensor):
    state = network.respond(images, n_steps=2).state
    with pytest.raises(ValueError, match="limit must be positive, got 0"):
        contraction_penalty(network, state, images, limit=0)
