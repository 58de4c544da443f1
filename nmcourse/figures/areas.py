"""The look of an area of a network that sees."""

from __future__ import annotations

from nmcourse.figures.memory import VALUE_COLOURS, _between
from nmcourse.figures.style import Look

_LINES = ("solid", "dashed", "dotted", "dashdot")
_MARKERS = "osD^v"


def area_look(area: int, n_areas: int) -> Look:
    """The look of one area among several, from blue (shallow) to orange (deep).

    Neighbours differ in line and marker as well.

    Args:
        area: Number of the area, counted from 0.
        n_areas: How many areas there are.

    Returns:
        The look.

    Raises:
        ValueError: If there is no such area.
    """
    if not 0 <= area < n_areas:
        raise ValueError(f"area: {area} is not one of {n_areas} areas, which count from 0")
    colour = _between(VALUE_COLOURS, area / max(n_areas - 1, 1))
    line, marker = _LINES[area % len(_LINES)], _MARKERS[area % len(_MARKERS)]
    return Look(colour, line, marker, f"area {area}")
