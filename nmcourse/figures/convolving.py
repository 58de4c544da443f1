"""A convolution that slides over its map, beside its row of the matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nmcourse.figures._arrays import Array, to_numpy
from nmcourse.figures.frame import framed, packed, slider_entry
from nmcourse.figures.slider import Slider
from nmcourse.figures.squares import squares
from nmcourse.figures.widget import Widget, required_alt, required_text

CONVOLVING = ("weights.js", "heat.js", "grid.js", "convolving.js")
#: Largest side of a map: its matrix has the fourth power of it entries, and they are drawn.
MAX_SIDE = 12


def interactive_convolution(
    image: Any,
    kernels: Mapping[str, Any],
    *,
    start: tuple[int, int],
    title: str,
    alt: str,
    key: str = "",
) -> Widget:
    """The window of a kernel is moved over a map; its row of the matrix moves along.

    Four pictures: the map with the window, the map that results, the matrix with the row of the
    unit in the window's middle, and this row beside the map as one long vector. The reader also
    chooses the kernel, and whether edges are padded with zeros or joined to a ring.

    Args:
        image: The map, shape ``(height, width)``, at most 12 pixels wide and high.
        kernels: Kernels by name, each square and of odd width, no wider than the map; the first
            one is shown at the start.
        start: Row and column of the window's middle at the start, counted from 0.
        title: Title above the figure.
        alt: What the figure shows and what moves, for readers who cannot see it.
        key: Any text that tells this figure from a second one with the very same content.

    Returns:
        A widget that the notebook shows.

    Raises:
        ValueError: If a text is empty, the map is too large, a kernel is not square, even or wider
            than the map, or `start` lies outside.
    """
    map_ = to_numpy(image, "image", 2)
    height, width = map_.shape
    if not 1 < min(height, width) <= max(height, width) <= MAX_SIDE:
        raise ValueError(f"image: shape {map_.shape}; it needs 2 to {MAX_SIDE} rows and columns")
    if not kernels:
        raise ValueError("kernels: is empty; give at least one")
    weights = {name: to_numpy(kernel, f"kernels[{name!r}]", 2) for name, kernel in kernels.items()}
    for name, kernel in weights.items():
        if kernel.shape[0] != kernel.shape[1] or not kernel.shape[0] % 2:
            raise ValueError(f"kernels[{name!r}]: shape {kernel.shape} is not square and odd")
        if len(kernel) > min(height, width):
            raise ValueError(f"kernels[{name!r}]: {len(kernel)} wide, but the map is {map_.shape}")
    for name, place, size in zip(("row", "column"), start, map_.shape, strict=True):
        if not 0 <= place < size:
            raise ValueError(f"start: {name} {place} is not one of 0 to {size - 1}")
    sliders = [
        Slider(name, range(size), place, f"{name} of the window")
        for name, size, place in zip(("row", "column"), map_.shape, start, strict=True)
    ]
    spec: dict[str, Any] = {
        "title": required_text(title, "title", "give the figure a title"),
        "alt": required_alt(alt),
        "image": packed({"image": map_})["image"],
        "kernels": packed({"kernels": list(weights.values())})["kernels"],
        "names": list(weights),
        "start": 0,
        "sliders": [slider_entry(slider) for slider in sliders],
    }
    matrix = _matrix(next(iter(weights.values())), height, width)
    made = (matrix @ map_.reshape(-1)).reshape(height, width)
    unit = start[0] * width + start[1]
    picture = squares([map_, made, matrix, matrix[unit].reshape(height, width)], spec["alt"])
    return framed(spec, picture, scripts=CONVOLVING, start="nmConvolving", key=key)


def _matrix(kernel: Array, height: int, width: int) -> Array:
    """The matrix of a convolution with zero padding, shape (unit, unit)."""
    half = len(kernel) // 2
    units = np.arange(height * width)
    down = np.subtract.outer(units // width, units // width).T + half  # of sender from receiver
    right = np.subtract.outer(units % width, units % width).T + half
    near = (down >= 0) & (down < len(kernel)) & (right >= 0) & (right < len(kernel))
    size = len(kernel) - 1
    return np.where(near, kernel[np.clip(down, 0, size), np.clip(right, 0, size)], 0.0)
