"""Pictures of what a network remembers: lines of a value.

Colour follows the value, and never alone: it also sets the size of the marker, and groups differ in
shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from nmcourse.figures._arrays import Array, axes_or_new, same_length, to_numpy
from nmcourse.figures.style import GREY

#: From the lowest value to the highest.
VALUE_COLOURS = ("#4a66e0", "#6f7fb8", "#8c8c8c", "#ad7f4e", "#c9660f")

_SHAPES = "osD^v"
_SIZES = (18.0, 70.0)  # areas of the markers of the lowest and the highest value


def plot_line_states(
    scores: Any,
    value: Any,
    *,
    groups: Sequence[str] | None = None,
    name: str = "",
    x_label: str = "PC 1",
    y_label: str = "PC 2",
    ax: Axes | None = None,
) -> Axes:
    """Draw states in a plane in the order of a value; a thin line joins the mean of each value.

    Larger values have larger markers and go from blue to orange. The lowest and the highest value
    are written at their ends.

    Args:
        scores: Coordinates, shape ``(trial, 2)``.
        value: Value of each trial, shape ``(trial,)``.
        groups: Name of each trial's group, for instance the query: each group has its own marker
            and its own line.
        name: What the value is called, written before it at the two ends.
        x_label: Label of the horizontal axis, with a unit if it has one.
        y_label: Label of the vertical axis, with a unit if it has one.
        ax: Axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: If shapes do not fit, a value is not finite, or there are more groups than
            markers.
    """
    places, values = _plane(scores), to_numpy(value, "value", 1)
    same_length(places, values, ("scores", "value"))
    if not np.isfinite(values).all():
        raise ValueError("value: not every entry is finite")
    low, high = float(values.min()), float(values.max())
    shares = (values - low) / (high - low) if high > low else np.full_like(values, 0.5)
    ax = axes_or_new(ax, figsize=(5.2, 4.2))
    members = _members(groups, len(places))
    span = float(np.ptp(places, axis=0).max())
    written: list[tuple[str, Array]] = []
    for (group, chosen), shape in zip(members.items(), _SHAPES, strict=False):
        means = np.array(
            [places[chosen][values[chosen] == v].mean(axis=0) for v in np.unique(values[chosen])]
        )
        ax.plot(*means.T, color=GREY, linestyle="solid", linewidth=1.0, zorder=1)
        ax.scatter(
            *(places[chosen, 0], places[chosen, 1]),
            s=[_SIZES[0] + (_SIZES[1] - _SIZES[0]) * shares[k] for k in chosen],
            marker=shape,
            c=[_between(VALUE_COLOURS, shares[k]) for k in chosen],
            label=group,
        )
        ends = dict.fromkeys((values[chosen].min(), values[chosen].max()))
        for end, mean in zip(ends, (means[0], means[-1]), strict=False):
            text = f"{name} {end:g}".strip().replace("-", "−")
            # Groups that end at one place need one text.
            if all(text != t or np.linalg.norm(mean - m) > 0.1 * span for t, m in written):
                _write(ax, text, mean, mean - means.mean(axis=0))
                written.append((text, mean))
    ax.margins(0.2, 0.15)
    _finish(ax, members, x_label, y_label)
    return ax


def _plane(scores: Any) -> Array:
    places = to_numpy(scores, "scores", 2)
    if places.shape[1] != 2 or not len(places):
        raise ValueError(f"scores: shape {places.shape}, but (trial, 2) is needed")
    if not np.isfinite(places).all():
        raise ValueError("scores: not every entry is finite")
    return places


def _members(groups: Sequence[str] | None, n_trials: int) -> dict[str, list[int]]:
    """Group -> its trials, in order of appearance; one nameless group without names."""
    names = [""] * n_trials if groups is None else [str(group) for group in groups]
    if len(names) != n_trials:
        raise ValueError(f"groups: {len(names)} names for {n_trials} trials")
    members: dict[str, list[int]] = {}
    for k, name in enumerate(names):
        members.setdefault(name, []).append(k)
    if len(members) > len(_SHAPES):
        raise ValueError(f"groups: {len(members)} groups, but there are {len(_SHAPES)} markers")
    return members


def _between(colours: Sequence[str], share: float) -> str:
    """Colour at a share of the way from the first to the last colour."""
    rgb = np.array([[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour in colours])
    steps = np.linspace(0.0, 1.0, len(colours))
    mixed = [round(float(np.interp(share, steps, channel))) for channel in rgb.T]
    return "#" + "".join(f"{level:02x}" for level in mixed)


def _write(ax: Axes, text: str, place: Array, away: Array) -> None:
    """Text beside a place, on the side it is ``away`` to."""
    length = float(np.linalg.norm(away))
    shift = 13.0 * away / length if length > 0 else np.array([0.0, 13.0])
    ax.annotate(
        text,
        (float(place[0]), float(place[1])),
        xytext=(float(shift[0]), float(shift[1])),
        textcoords="offset points",
        ha="left" if shift[0] > 4 else "right" if shift[0] < -4 else "center",
        va="bottom" if shift[1] > 4 else "top" if shift[1] < -4 else "center",
        fontsize="small",
    )


def _finish(ax: Axes, members: dict[str, list[int]], x_label: str, y_label: str) -> None:
    """Axis labels, and a legend of the shapes if there are names."""
    ax.set(xlabel=x_label, ylabel=y_label)
    if list(members) != [""]:
        handles = [
            Line2D([], [], color=GREY, linestyle="none", marker=shape, label=name)
            for name, shape in zip(members, _SHAPES, strict=False)
        ]
        ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3)
