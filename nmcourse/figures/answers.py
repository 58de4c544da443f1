"""Many answers in one picture: a dot and an interval for each, and a map over two sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from nmcourse.figures._arrays import Array, axes_or_new, same_length, to_numpy
from nmcourse.figures.style import GAINS, GREY, NEUTRAL, Look

_MARKERS = "osD^vX"


def plot_intervals(
    labels: Sequence[str],
    middle: Any,
    low: Any,
    high: Any,
    *,
    groups: Sequence[str] | None = None,
    looks: Mapping[str, Look] | None = None,
    equal: float = 1.0,
    log: bool = True,
    x_label: str = "ratio",
    ax: Axes | None = None,
) -> Axes:
    """Draw one row per answer, the first on top: a dot at the answer, a bar over its interval.

    A row without a number (NaN) carries the words "not measured".

    Args:
        labels: What each row compares.
        middle: The answers, shape ``(row,)``; NaN where there is none.
        low: Lower end of each interval, shape ``(row,)``.
        high: Upper end of each interval, shape ``(row,)``.
        groups: Group of each row; the legend has them in the order of `looks`.
        looks: Look of each group.
        equal: Where both sides of a comparison are equal: a dashed line.
        log: Whether the horizontal axis is logarithmic.
        x_label: Label of the horizontal axis, with a unit if it has one.
        ax: Axes to draw on; by default a new figure that is as high as the rows need.

    Returns:
        The axes.

    Raises:
        ValueError: If there is no row, lengths differ, a group has no look, or a number is not
            positive on a logarithmic axis.
    """
    if not labels:
        raise ValueError("labels: is empty; give at least one row")
    rows = [to_numpy(v, n, 1) for v, n in ((middle, "middle"), (low, "low"), (high, "high"))]
    for name, row in zip(("middle", "low", "high"), rows, strict=True):
        same_length(np.zeros(len(labels)), row, ("labels", name))
        if log and (row[np.isfinite(row)] <= 0).any():
            raise ValueError(f"{name}: {np.nanmin(row)} on a logarithmic axis; use log=False")
    styles = _looks(groups, looks, len(labels))
    ax = axes_or_new(ax, figsize=(7.4, 0.9 + 0.27 * len(labels)))
    ax.axvline(equal, color=GREY, linestyle="dashed", linewidth=1.2)
    for place, (style, (at, left, right)) in enumerate(
        zip(styles, np.stack(rows, axis=1), strict=True)
    ):
        if np.isnan(at):
            ax.annotate(
                "not measured",
                (equal, place),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize="small",
            )
            continue
        ax.hlines(place, left, right, color=style.colour, linewidth=2.4, alpha=0.7)
        ax.plot(at, place, **style.marker_kwargs(), markersize=6)
    ax.set_yticks(range(len(labels)), list(labels))
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    if log:
        ax.set_xscale("log")
    ax.set_xlabel(x_label)
    if groups is not None:
        handles = [
            Line2D([], [], **style.marker_kwargs(), label=name)
            for name, style in (looks or {}).items()
            if name in groups
        ]
        # To the left, over the labels of the rows: the axes are narrow beside long labels.
        ax.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3)
    return ax


def group_looks(names: Sequence[str]) -> dict[str, Look]:
    """A look for each of up to six groups of answers, told apart by marker and colour.

    Raises:
        ValueError: If there are more names than looks.
    """
    if len(names) > len(_MARKERS):
        raise ValueError(f"names: {len(names)} groups; there are looks for {len(_MARKERS)}")
    chosen = zip(names, (*GAINS, NEUTRAL), _MARKERS, strict=False)
    return {name: Look(of.colour, "solid", marker, name) for name, of, marker in chosen}


def _looks(
    groups: Sequence[str] | None, looks: Mapping[str, Look] | None, count: int
) -> list[Look]:
    if groups is None:
        return [NEUTRAL] * count
    if len(groups) != count:
        raise ValueError(f"groups: {len(groups)} for {count} labels; give one for each")
    known = looks or {}
    missing = sorted(set(groups) - set(known))
    if missing:
        raise ValueError(f"looks: none for {', '.join(missing)}; there are {', '.join(known)}")
    return [known[name] for name in groups]


def plot_size_map(
    values: Any,
    rows: Sequence[int],
    columns: Sequence[int],
    *,
    notes: Mapping[tuple[int, int], str] | None = None,
    row_label: str,
    column_label: str,
    colour_label: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw one number for each pair of two sizes, dark where it is small, hatched where unknown.

    Args:
        values: Positive numbers, shape ``(row, column)``; NaN where nothing was measured. The
            colours are logarithmic.
        rows: Sizes along the vertical axis, in the order of `values`; the first is at the bottom.
        columns: Sizes along the horizontal axis.
        notes: Text for the cell of a row's and a column's size.
        row_label: Label of the vertical axis.
        column_label: Label of the horizontal axis.
        colour_label: Label of the colour bar, with a unit if the numbers have one.
        ax: Axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: If shapes do not fit, no number is known or one is not positive, or a note has
            no cell.
    """
    grid = to_numpy(values, "values", 2)
    if grid.shape != (len(rows), len(columns)):
        raise ValueError(
            f"values: shape {grid.shape}, but {len(rows)} rows and {len(columns)} columns"
        )
    known = grid[np.isfinite(grid)]
    if not known.size:
        raise ValueError("values: no finite number")
    if known.min() <= 0:
        raise ValueError(f"values: {known.min()} has no place on a logarithmic colour scale")
    for cell in notes or {}:
        if cell[0] not in rows or cell[1] not in columns:
            raise ValueError(f"notes: {cell} is no row and column of {rows} and {columns}")
    ax = axes_or_new(ax, figsize=(5.4, 3.6))
    ax.set_facecolor("none")
    for row, column in np.argwhere(~np.isfinite(grid)):
        ax.add_patch(_hatched(row, column))
    image = ax.imshow(grid, cmap="viridis", norm="log", origin="lower", aspect="auto")
    _write_notes(ax, grid, rows, columns, notes or {})
    ax.set_xticks(range(len(columns)), [str(size) for size in columns])
    ax.set_yticks(range(len(rows)), [str(size) for size in rows])
    ax.set(xlabel=column_label, ylabel=row_label)
    ax.figure.colorbar(image, ax=ax, label=colour_label)
    return ax


def _hatched(row: int, column: int) -> Rectangle:
    return Rectangle(
        (column - 0.5, row - 0.5), 1, 1, fill=False, hatch="///", edgecolor=GREY, linewidth=0
    )


def _write_notes(
    ax: Axes,
    grid: Array,
    rows: Sequence[int],
    columns: Sequence[int],
    notes: Mapping[tuple[int, int], str],
) -> None:
    """Write the notes, light on dark cells and dark on light ones."""
    known = grid[np.isfinite(grid)]
    middle = float(np.sqrt(known.min() * known.max()))
    for (row_size, column_size), text in notes.items():
        row, column = list(rows).index(row_size), list(columns).index(column_size)
        dark = np.isfinite(grid[row, column]) and grid[row, column] <= middle
        colour = "white" if dark else "black" if np.isfinite(grid[row, column]) else GREY
        ax.text(column, row, text, ha="center", va="center", color=colour, fontsize="small")
