r"""Do two networks move alike? Dynamical similarity analysis, where its package is installed.

A distance between shapes asks where states are. This one asks how they move: a linear map is fitted
that takes a window of past states to the next (dynamic mode decomposition of delays), and two
networks are compared by the angle between their maps, after the best rotation. Two networks may
visit one and the same ring and move on it in different ways.

The work is done by the package ``dsa-metric``, an extra of this one (``similarity``). Trajectories
are brought to their leading principal components first.

Reference: Ostrow et al. 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import torch
from torch import Tensor

from nmcourse._inputs import counts
from nmcourse.analysis._checks import check_finite
from nmcourse.analysis.subspaces import principal_subspace


def dynamical_distances(
    trajectories: Sequence[Tensor],
    *,
    n_components: int = 10,
    n_delays: int = 5,
    rank: int = 20,
    n_iterations: int = 300,
) -> Tensor:
    """Angles between the linear maps of networks, (network, network), in radians, float64.

    The best rotation is searched by descent from a fixed start, so values are upper
    bounds.

    Args:
        trajectories: states of each network on the same trials, (condition, time, unit).
        n_components: principal components that are kept of each.
        n_delays: steps in a window of past states.
        rank: of the fitted map.
        n_iterations: of the descent, for each pair.

    Raises:
        ImportError: ``dsa-metric`` is not installed.
        ValueError: for fewer than two networks, trajectories of other lengths or conditions, too
            few states, or a number that is out of range.

    Reference:
        Ostrow et al. 2023; ``DSA.DSA`` with the score ``"angular"``.
    """
    n_components, n_delays, rank, n_iterations = counts(
        n_components=n_components, n_delays=n_delays, rank=rank, n_iterations=n_iterations
    )
    if len(trajectories) < 2:
        raise ValueError(f"trajectories must be of two networks or more, got {len(trajectories)}")
    reduced = []
    for k, states in enumerate(trajectories):
        check_finite(f"trajectories[{k}]", states)
        if states.ndim != 3 or states.shape[:2] != trajectories[0].shape[:2]:
            raise ValueError(
                "trajectories must be (condition, time, unit) with the same conditions and times, "
                f"got {tuple(trajectories[0].shape)} and, at {k}, {tuple(states.shape)}"
            )
        if n_delays >= states.shape[1]:
            raise ValueError(f"n_delays must be below {states.shape[1]} times, got {n_delays}")
        points = states.detach().double()
        kept = min(n_components, states.shape[-1])
        reduced.append(principal_subspace(points, kept).project(points).numpy())
    try:
        module = import_module("DSA")
    except ImportError as error:
        raise ImportError(
            "dynamical_distances needs the package dsa-metric: pip install 'nmcourse[similarity]'"
        ) from error
    # the descent follows a gradient, and starts from a random rotation
    with torch.enable_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = module.DSA(
            reduced,
            n_delays=n_delays,
            rank=min(rank, n_delays * reduced[0].shape[-1]),
            score_method="angular",
            iters=n_iterations,
            lr=1e-2,
            verbose=False,
        ).fit_score()
    return torch.as_tensor(found, dtype=torch.float64)
