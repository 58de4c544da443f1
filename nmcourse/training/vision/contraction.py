r"""A penalty that keeps a network near a fixed point: the contraction of C-RBP.

Around a state, the map r -> phi(W r + b + V h) of an area has a Jacobian J. If its column sums
1^T J stay below a limit under one, and no entry is negative, every step brings two states closer
together, whatever they are. The penalty asks for the first and hopes for the second:

    P = mean_j max(0, (1^T J)_j - limit)^2,   mean over areas and images

With entries of both signs a column may sum to nothing and J still stretch: the penalty then sees
less than an eigenvalue does.

Reference: Linsley et al. 2020.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nmcourse._inputs import number
from nmcourse.models import CordsNet


def column_sums(model: CordsNet, state: Sequence[Tensor], images: Tensor) -> tuple[Tensor, ...]:
    """1^T J of every area's own map at a state, each (.., batch, channel, height, width).

    Args:
        model: the network.
        state: rates of each area; no gradient flows into them.
        images: held images (batch, channel, height, width), or with a seed axis in front.

    Returns:
        One number for each unit; they have a gradient with respect to the weights.
    """
    with torch.enable_grad():
        held = tuple(r.detach().requires_grad_() for r in state)
        moved = model.velocity(held, images)
        found = []
        for area, r in enumerate(held):
            (slope,) = torch.autograd.grad(moved[area].sum(), r, create_graph=True)
            found.append(model.tau * slope + 1)
    return tuple(found)


def contraction_penalty(
    model: CordsNet, state: Sequence[Tensor], images: Tensor, *, limit: float = 0.9
) -> Tensor:
    """How far column sums exceed a limit, squared; mean over units, images and areas.

    Args:
        model: as in :func:`column_sums`, and so are ``state`` and ``images``.
        state: rates of each area.
        images: held images.
        limit: what a column may sum to, positive; 0.9 as published.

    Returns:
        (..), one number for each network.

    Raises:
        ValueError: for a limit that is not positive.

    Reference:
        Linsley et al. 2020; there the root of a sum, here a mean of squares.
    """
    limit = number("limit", limit, "positive", above=0)
    sums = column_sums(model, state, images)
    excess = [(total - limit).relu().square().mean(dim=(-4, -3, -2, -1)) for total in sums]
    return torch.stack(excess).mean(dim=0)
