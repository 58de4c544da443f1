"""Any model state as one flat vector, and back.

The state of a ``VanillaRNN`` is a tensor (batch, N), that of an ``NMRNN`` the pair (x, z), that
of an ``LSTM`` the pair (h, c). The analysis tools see one vector per item instead: all
components side by side, (batch, n_total), in the order in which the state names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, count, number
from nmcourse.analysis._checks import check_finite
from nmcourse.models import Trajectory

State = Any  # a tensor, or a (named) tuple of tensors, first axis = batch


def components(state: State) -> tuple[Tensor, ...]:
    """The tensors of a state; a tensor is its own only component.

    Raises:
        ValueError: if ``state`` is neither a tensor nor a tuple or list of tensors.
    """
    if isinstance(state, Tensor):
        return (state,)
    if (
        isinstance(state, (tuple, list))
        and state
        and all(isinstance(part, Tensor) for part in state)
    ):
        return tuple(state)
    raise ValueError(
        f"state must be a tensor or a (named) tuple of tensors, got {type(state).__name__}"
    )


def component_names(state: State) -> tuple[str, ...]:
    """Names of the components: the fields of a named tuple, otherwise "0", "1", ..."""
    fields = getattr(state, "_fields", None)
    return tuple(fields) if fields else tuple(str(i) for i in range(len(components(state))))


def rebuild(like: State, parts: Sequence[Tensor]) -> State:
    """A state of the structure of ``like`` from its components."""
    if isinstance(like, Tensor):
        return parts[0]
    if hasattr(like, "_fields"):
        return type(like)(*parts)
    return type(like)(parts)


def flatten_state(state: State) -> Tensor:
    """All components of a state side by side.

    Args:
        state: tensor (batch, ...) or (named) tuple of such tensors with the same batch.

    Returns:
        (batch, n_total), n_total the number of values of one state.

    Raises:
        ValueError: for another type, a component without a unit axis, or batches that differ.
    """
    parts = components(state)
    if any(part.ndim < 2 for part in parts):
        shapes = [tuple(part.shape) for part in parts]
        raise ValueError(f"state must have shape (batch, unit) in each component, got {shapes}")
    if len({part.shape[0] for part in parts}) > 1:
        sizes = [part.shape[0] for part in parts]
        raise ValueError(f"state must have one batch size in all components, got {sizes}")
    return torch.cat([part.flatten(start_dim=1) for part in parts], dim=-1)


def unflatten_state(flat: Tensor, like: State) -> State:
    """The inverse of :func:`flatten_state`.

    Args:
        flat: (batch, n_total).
        like: a state of the wanted structure, of any batch size (``model.initial_state(1)``).

    Returns:
        A state with the structure of ``like`` and the batch of ``flat``.

    Raises:
        ValueError: if ``flat`` does not have as many columns as a state has values.
    """
    shapes = [part.shape[1:] for part in components(like)]
    sizes = [shape.numel() for shape in shapes]
    if flat.ndim != 2 or flat.shape[1] != sum(sizes):
        raise ValueError(f"flat must have shape (batch, {sum(sizes)}), got {tuple(flat.shape)}")
    parts = [
        part.reshape(flat.shape[0], *shape)
        for part, shape in zip(flat.split(sizes, dim=1), shapes, strict=True)
    ]
    return rebuild(like, parts)


def trajectory_states(trajectory: Trajectory) -> Tensor:
    """Flat states along a trial, modulator included.

    Args:
        trajectory: result of ``model(inputs)``.

    Returns:
        (batch, time, n_total), each entry in the order of :func:`flatten_state`.

    Raises:
        ValueError: if the trajectory keeps no states.
    """
    if trajectory.states is None:
        raise ValueError("trajectory must hold states, got None")
    if trajectory.modulator_states is None:
        return trajectory.states
    return torch.cat([trajectory.states, trajectory.modulator_states], dim=-1)


def sample_states(
    trajectory: Trajectory,
    n_states: int,
    *,
    noise_std: float = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """States visited during trials: the usual candidates of a search for fixed points.

    Args:
        trajectory: result of ``model(inputs)``.
        n_states: how many to draw, with replacement.
        noise_std: standard deviation of the Gaussian noise added to each value.
        generator: source of the draw and of the noise.

    Returns:
        (n_states, n_total), detached.

    Raises:
        ValueError: for fewer than one state, a negative ``noise_std``, states that are not finite.

    Reference:
        Sussillo and Barak 2013.
    """
    n_states = count("n_states", n_states)
    number("noise_std", noise_std, "zero or positive", least=0)
    check_generator(generator)
    visited = trajectory_states(trajectory).detach().flatten(end_dim=-2)
    check_finite("trajectory.states", visited)
    chosen = visited[torch.randint(len(visited), (n_states,), generator=generator)]
    noise = torch.randn(chosen.shape, generator=generator, dtype=chosen.dtype)
    return chosen + noise_std * noise
