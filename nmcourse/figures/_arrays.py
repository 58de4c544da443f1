"""The border of the figures: arrays of any kind come in, NumPy arrays and axes go on."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

Array = NDArray[np.float64]


def to_numpy(values: Any, name: str, n_dims: int | tuple[int, ...] | None = None) -> Array:
    """Convert a tensor, an array or a list to a NumPy array of floats.

    Args:
        values: Torch tensor (any device, with or without gradient), array, list or number.
        name: Name of the argument, for the error.
        n_dims: Allowed number or numbers of dimensions; None allows all.

    Returns:
        The values as float64.

    Raises:
        ValueError: If the number of dimensions is not allowed.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    array = np.asarray(values, dtype=np.float64)
    allowed = (n_dims,) if isinstance(n_dims, int) else n_dims
    if allowed is not None and array.ndim not in allowed:
        wanted = " or ".join(str(n) for n in allowed)
        raise ValueError(f"{name}: needs {wanted} dimension(s), got shape {array.shape}")
    return array


def complex_to_numpy(values: Any, name: str) -> NDArray[np.complex128]:
    """Convert complex values to a flat NumPy array; `name` is the argument, for the error."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    array = np.asarray(values, dtype=np.complex128)
    if array.size == 0:
        raise ValueError(f"{name}: is empty; give at least one value")
    return array.reshape(-1)


def same_length(a: Array, b: Array, names: tuple[str, str], axis: int = 0) -> None:
    """Check that `b` has as many entries along `axis` as `a` has; ValueError if not."""
    if len(a) != b.shape[axis]:
        raise ValueError(
            f"{names[1]}: shape {b.shape} does not fit {names[0]}, which has {len(a)} entries; "
            f"axis {axis} must have as many"
        )


def axes_or_new(ax: Axes | None, **options: Any) -> Axes:
    """The axes given, or those of a new figure made with `options`."""
    if ax is not None:
        return ax
    _, new = plt.subplots(**options)
    return new


def with_unit(text: str, unit: str) -> str:
    """An axis label with its unit in brackets, or alone when it has none."""
    return f"{text} ({unit})" if unit else text
