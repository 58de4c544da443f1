"""A slider of a figure that responds: in the page or in a live notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nmcourse.figures._arrays import to_numpy


@dataclass(frozen=True)
class Slider:
    """One slider: a name and the list of values it can take.

    Args:
        name: Name of the value, for the code: a plain identifier.
        values: At least two values, in the order of the slider.
        start: Value at the start; it must be one of `values`. The middle one by default.
        label: Text beside the slider; by default the name.
        unit: Unit, shown after the value.

    Raises:
        ValueError: If there are fewer than two values, `start` is not among them, or the name is
            not an identifier.
    """

    name: str
    values: Sequence[float]
    start: float | None = None
    label: str = ""
    unit: str = ""

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"name: {self.name!r} is not a plain name such as 'gain'")
        values = [float(value) for value in to_numpy(self.values, f"values of {self.name}", 1)]
        if len(values) < 2 or not np.isfinite(values).all():
            raise ValueError(f"values of {self.name}: needs two or more finite numbers: {values}")
        object.__setattr__(self, "values", tuple(float(f"{value:.10g}") for value in values))
        object.__setattr__(self, "label", self.label or self.name)
        _ = self.start_index

    @property
    def start_index(self) -> int:
        """Position of the value at the start."""
        if self.start is None:
            return len(self.values) // 2
        distance = np.abs(np.asarray(self.values) - self.start)
        nearest = int(distance.argmin())
        if distance[nearest] > 1e-9 * max(1.0, abs(self.start)):
            raise ValueError(
                f"start of {self.name}: {self.start} is not one of its values {self.values}"
            )
        return nearest

    def text(self, index: int) -> str:
        """One value as the reader sees it, with its unit."""
        number = f"{self.values[index]:.4g}".replace("-", "−")
        return f"{number} {self.unit}".strip()
