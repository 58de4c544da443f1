r"""The inverse stage: what one area learns, and why its recurrent weights are called an inverse.

A linear area that sees the current I settles where r = W r + b + I, which is

    r = (I - W)^-1 (b + I) = (b + I) + W (b + I) + W^2 (b + I) + ...        (Neumann series)

and the second convolution C of the CNN makes C I + C c + d of it (c, d: its two biases). So W has
to be near I - C^-1. The loss takes four terms of the series; the last of them must vanish, which
keeps the spectral radius of W below one, where the series converges and the area is stable:

    loss = mean_areas mean[(target - r)^2] + 10 mean_areas mean[(W^3 (b + I))^2]

Reference: Soo et al. 2024, released code (second stage). That W is near I - C^-1 is our reading.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from nmcourse._inputs import count, counts, pixels, whole
from nmcourse.models import CordsNet, TwinCNN, convolve

N_PRODUCTS = 3  # terms of the series after the first one
LAST_TERM_WEIGHT = 10.0


class InverseError(NamedTuple):
    """Mean squared error of an area's rates over the mean square of their target, per area.

    Attributes:
        series: of the four terms that are trained.
        settled: of the rates that the area settles at; infinite if it does not settle.
    """

    series: list[float]
    settled: list[float]


def neumann_series(weights: Tensor, current: Tensor, n_products: int) -> tuple[Tensor, Tensor]:
    """The first terms of (I - W)^-1 applied to a current, and the last of them.

    Args:
        weights: W, (channel, channel, kernel, kernel).
        current: b + I, (batch, channel, height, width).
        n_products: terms after the first one.

    Returns:
        Their sum and the last term, both with the shape of ``current``.
    """
    n_products = whole("n_products", n_products, least=0)
    total = term = current
    for _ in range(n_products):
        term = convolve(term, weights)
        total = total + term
    return total, term


def inverse_loss(model: CordsNet, images: Tensor, labels: Tensor, *, target: TwinCNN) -> Tensor:
    """The loss of the inverse stage.

    Args:
        model: its recurrent convolutions and biases are trained.
        images: (batch, channel, height, width).
        labels: not used: this stage learns from the CNN.
        target: the folded CNN.

    Returns:
        One number.

    Reference:
        Soo et al. 2024, released code.
    """
    del labels
    terms = []
    for area, (current, wanted) in enumerate(_area_problems(model, target, images)):
        weights, bias = model.recurrent[area].weights(), model.biases[area]  # type: ignore[operator]
        found, last = neumann_series(weights, current + bias, N_PRODUCTS)
        terms.append((wanted - found).square().mean() + LAST_TERM_WEIGHT * last.square().mean())
    return torch.stack(terms).mean()


@torch.no_grad()
def inverse_error(
    model: CordsNet, target: TwinCNN, images: Tensor, *, n_settle: int = 200
) -> InverseError:
    """How far the areas are from the CNN's second convolutions.

    Args:
        model: a CordsNet with the wiring of the CNN.
        target: the folded CNN.
        images: (batch, channel, height, width).
        n_settle: terms of the series after which the area counts as settled.
    """
    n_settle = count("n_settle", n_settle)
    found = InverseError([], [])
    for area, (current, wanted) in enumerate(_area_problems(model, target, images)):
        weights, bias = model.recurrent[area].weights(), model.biases[area]  # type: ignore[operator]
        for errors, n_products in ((found.series, N_PRODUCTS), (found.settled, n_settle)):
            rates, _ = neumann_series(weights, current + bias, n_products)
            error = ((wanted - rates).square().mean() / wanted.square().mean()).item()
            errors.append(error if error < 1e6 else float("inf"))
    return found


@torch.no_grad()
def growth_rate(
    weights: Tensor, size: tuple[int, int], *, n_products: int = 200, n_starts: int = 4
) -> float:
    """Spectral radius of a recurrent convolution, from how fast its products grow.

    ``|W^k x|^(1/k)`` tends to the spectral radius, whether the leading eigenvalues are real or not.
    The first half of the products is left out, and the largest of a few random starts counts.
    ``nmcourse.analysis`` has the eigenvalues themselves.

    Args:
        weights: W, (channel, channel, kernel, kernel).
        size: (height, width) of the maps.
        n_products: products in all.
        n_starts: random starts, always the same ones.

    Returns:
        The radius; accurate to about one per cent.
    """
    n_products, n_starts = counts(n_products=n_products, n_starts=n_starts)
    generator = torch.Generator().manual_seed(0)
    shape = (n_starts, weights.shape[1], *pixels("size", size))
    maps = torch.randn(shape, generator=generator).to(weights)
    logs = maps.new_zeros(n_starts)
    for product in range(n_products):
        maps = convolve(maps, weights)
        norms = torch.linalg.vector_norm(maps, dim=(1, 2, 3), keepdim=True)
        if not (norms > 0).all():
            return 0.0
        maps = maps / norms
        if product >= n_products // 2:
            logs += norms.flatten().log()
    return logs.max().div(n_products - n_products // 2).exp().item()


@torch.no_grad()
def _area_problems(model: CordsNet, target: TwinCNN, images: Tensor) -> list[tuple[Tensor, Tensor]]:
    """For each area the current I that reaches it in the CNN, and what the CNN makes of it.

    Stem, feed-forward convolutions and skips of ``model`` are those of the CNN.
    """
    problems = []
    for area, h in enumerate(model.area_inputs(tuple(target.activities(images)), images)):
        current = model.feedforward[area](h)
        wanted = target.recurrent[area](current + target.feedforward_biases[area])
        problems.append((current, wanted + target.biases[area]))
    return problems
