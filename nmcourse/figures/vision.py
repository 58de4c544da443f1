"""Pictures of networks that see: images, maps of areas, areas in time, connectivity as squares.

Maps are drawn in their own colours, on squares that cover the page, so they look the same on a
light and on a dark page. Curves of areas go from blue (shallow) to orange (deep), each with its own
line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from nmcourse.figures._arrays import Array, axes_or_new, same_length, to_numpy
from nmcourse.figures.areas import area_look
from nmcourse.figures.style import GAINS, GREY

RATES, SIGNED, PICTURES = "viridis", "PuOr", "gray"  # colour maps of matplotlib
_SKIPS = {"convolution": "solid", "identity": "dotted"}  # how a skip is drawn


def shade_images(ax: Axes, spans: Iterable[tuple[float, float]]) -> None:
    """Shade the times at which an image is on.

    Args:
        ax: Axes with time across.
        spans: First and last moment of each image, in the unit of the axis.

    Raises:
        ValueError: If an image ends before it comes.
    """
    for start, end in spans:
        if end < start:
            raise ValueError(f"spans: an image comes at {start:g} and goes at {end:g}, before that")
        ax.axvspan(start, end, color=GREY, alpha=0.18, linewidth=0)


def plot_areas(
    times: Any,
    activity: Any,
    *,
    marked: Any = None,
    images: Iterable[tuple[float, float]] = (),
    y_label: str = "share of the final level",
    ax: Axes | None = None,
) -> Axes:
    """Draw one curve for each area against time.

    Args:
        times: Times, shape ``(time,)``, in ms.
        activity: One number for each area and time, shape ``(area, time)``.
        marked: A time for each area at which its curve gets a dot, shape ``(area,)``, for instance
            the half-time.
        images: First and last moment of each image; these times are shaded.
        y_label: Label of the vertical axis.
        ax: Axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: If shapes do not fit.
    """
    x, curves = to_numpy(times, "times", 1), to_numpy(activity, "activity", 2)
    same_length(x, curves, ("times", "activity"), axis=1)
    dots = None if marked is None else to_numpy(marked, "marked", 1)
    if dots is not None:
        same_length(curves, dots, ("activity", "marked"))
    ax = axes_or_new(ax, figsize=(6.8, 3.4))
    shade_images(ax, images)
    for area, curve in enumerate(curves):
        look = area_look(area, len(curves))
        ax.plot(x, curve, **look.line_kwargs(), label=look.label)
        if dots is not None:
            height = float(np.interp(dots[area], x, curve))
            ax.plot([dots[area]], [height], **look.marker_kwargs())
    ax.set(xlabel="time since the image came (ms)", ylabel=y_label)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def plot_wiring(
    shapes: Sequence[tuple[int, int, int]], skips: Sequence[str | None], *, ax: Axes | None = None
) -> Axes:
    """Draw a chain of areas: stem, areas, skips above, recurrence below, readout of the last two.

    Args:
        shapes: Sizes ``(channel, height, width)`` of the stem and then of each area. Taller boxes
            have taller maps.
        skips: For each area the skip that arrives at it: ``"convolution"`` (solid), ``"identity"``
            (dotted), or None.
        ax: Axes to draw on; a new figure by default.

    Returns:
        The axes, without ticks.

    Raises:
        ValueError: If there are fewer than two areas, a skip of area 0, another number of skips
            than areas, or another word for one.
    """
    n_areas = len(shapes) - 1
    if n_areas < 2 or len(skips) != n_areas:
        raise ValueError(
            f"skips: {len(skips)} for {n_areas} areas; one for each is needed, and two areas"
        )
    wrong = [skip for skip in skips if skip not in (*_SKIPS, None)]
    if wrong or skips[0] is not None:
        raise ValueError(
            f"skips: {wrong[0] if wrong else skips[0]!r} in {list(skips)}; area 0 has None, the "
            f"others {', '.join(_SKIPS)} or None"
        )
    ax = axes_or_new(ax, figsize=(0.95 * len(shapes) + 1.0, 3.2))
    tallest = max(height for _, height, _ in shapes)
    for k, (channels, height, width) in enumerate(shapes):
        side = 0.2 + 0.3 * height / tallest
        colour = area_look(k - 1, n_areas).colour if k else GREY
        ax.add_patch(Rectangle((k - 0.2, -side), 0.4, 2 * side, color=colour, alpha=0.85))
        name = f"area {k - 1}" if k else "stem"
        size = f"{channels} × {height}²" if height == width else f"{channels} × {height} × {width}"
        ax.text(k, -0.95, f"{name}\n{size}", ha="center", va="center", fontsize="small")
        if k:
            _arrow(ax, (k - 0.78, 0), (k - 0.22, 0))
            _arrow(ax, (k - 0.1, -side), (k + 0.1, -side), bend=1.6, colour=GAINS[0].colour)
            if (skip := skips[k - 1]) is not None:
                _arrow(ax, (k - 2, 0.55), (k - 0.1, 0.55), bend=-0.35, line=_SKIPS[skip])
    _arrow(ax, (n_areas + 0.22, 0), (n_areas + 0.55, 0))
    _arrow(ax, (n_areas - 0.8, -0.3), (n_areas + 0.62, -0.2), bend=0.35)
    ax.text(n_areas + 0.85, 0, "mean,\nreadout", ha="center", va="center", fontsize="small")
    ax.set(xlim=(-0.5, n_areas + 1.25), ylim=(-1.2, 1.1))
    ax.axis("off")
    return ax


def show_images(images: Any, titles: Sequence[str] | None = None) -> Figure:
    """Draw images in a row, as the network gets them: dark is 0.

    Args:
        images: Shape ``(image, height, width)``, or ``(image, channel, height, width)`` with one
            channel (grey) or three (red, green and blue).
        titles: A text above each image.

    Returns:
        The figure.

    Raises:
        ValueError: If the shape is another one, or there are more or fewer titles than images.
    """
    pictures = to_numpy(images, "images", (3, 4))
    if pictures.ndim == 4:
        if pictures.shape[1] not in (1, 3):
            raise ValueError(f"images: {pictures.shape[1]} channels; 1 or 3 can be drawn")
        pictures = np.moveaxis(pictures, 1, -1)  # matplotlib wants colours last
        pictures = pictures[..., 0] if pictures.shape[-1] == 1 else pictures
    low, high = float(pictures.min()), float(pictures.max())
    shown = (pictures - low) / (high - low if high > low else 1.0)
    figure, axes = _grid([len(shown)], [None], titles)
    for ax, picture in zip(axes[0], shown, strict=True):
        _square(ax, picture, PICTURES, 0.0, 1.0)
    return figure


def show_maps(
    rows: Sequence[Any],
    *,
    row_labels: Sequence[str] | None = None,
    column_labels: Sequence[str] | None = None,
    signed: bool = False,
    each_row: bool = False,
    label: str = "rate",
) -> Figure:
    """Draw maps side by side: one row for each area (or network), one column for each channel.

    Args:
        rows: One array ``(map, height, width)`` for each row. Rows may differ in all three sizes.
        row_labels: A text before each row.
        column_labels: A text above each map of the first row.
        signed: Whether the values have a sign: zero is then pale, negative values are orange and
            positive ones purple. Without it colours go from dark (0) to bright.
        each_row: Whether each row has a colour scale of its own, for areas of different activity.
        label: What the colours mean, with a unit if there is one.

    Returns:
        The figure, with a colour bar for each scale.

    Raises:
        ValueError: If there is no row, a shape does not fit, or the number of labels is another
            one.
    """
    maps = [to_numpy(row, f"rows[{k}]", 3) for k, row in enumerate(rows)]
    if not maps:
        raise ValueError("rows: is empty; give at least one array (map, height, width)")
    labels = _labels(row_labels, len(maps), "row_labels")
    figure, axes = _grid([len(row) for row in maps], labels, column_labels)
    edge = max(float(np.abs(row).max()) for row in maps)
    for row, places in zip(maps, axes, strict=True):
        limit = (float(np.abs(row).max()) if each_row else edge) or 1.0
        colours, low = (SIGNED, -limit) if signed else (RATES, 0.0)
        drawn = [
            _square(ax, one, colours, low, limit)
            for ax, one in zip(places[: len(row)], row, strict=True)
        ]
        if each_row:
            figure.colorbar(drawn[-1], ax=list(places), label=label, shrink=0.9, pad=0.01)
    if not each_row:
        every = [ax for places in axes for ax in places]
        figure.colorbar(drawn[-1], ax=every, label=label, shrink=0.9, pad=0.01)
    return figure


def show_maps_in_time(
    areas: Sequence[Any],
    times: Any,
    at: Sequence[float],
    *,
    labels: Sequence[str] | None = None,
    label: str = "rate",
) -> Figure:
    """Draw activity on the map of each area at some moments: areas downwards, time to the right.

    Args:
        areas: One array ``(time, height, width)`` for each area, for instance the mean over its
            channels. Each area has a colour scale of its own.
        times: Times, shape ``(time,)``, in ms.
        at: The moments to draw, in ms: for each the nearest time is taken.
        labels: A text before each row; "area 0" and so on by default.
        label: What the colours mean.

    Returns:
        The figure.

    Raises:
        ValueError: If shapes do not fit, or a moment lies outside the times.
    """
    x = to_numpy(times, "times", 1)
    courses = [to_numpy(area, f"areas[{k}]", 3) for k, area in enumerate(areas)]
    for k, course in enumerate(courses):
        same_length(x, course, ("times", f"areas[{k}]"))
    outside = [moment for moment in at if not x.min() <= moment <= x.max()]
    if outside:
        first, last = x.min(), x.max()
        raise ValueError(
            f"at: {outside[0]:g} ms lies outside the times, which go from {first:g} to {last:g} ms"
        )
    steps = [int(np.abs(x - moment).argmin()) for moment in at]
    return show_maps(
        [course[steps] for course in courses],
        row_labels=labels or [f"area {k}" for k in range(len(courses))],
        column_labels=[f"{x[step]:g} ms" for step in steps],
        each_row=True,
        label=label,
    )


def show_connectivity(matrices: Sequence[Any], titles: Sequence[str] | None = None) -> Figure:
    """Draw connectivity matrices as squares: a row for each unit that receives.

    Args:
        matrices: Matrices ``(unit, unit)``; each has its own colour scale, zero is pale.
        titles: A text above each matrix.

    Returns:
        The figure.

    Raises:
        ValueError: If a shape does not fit, or there are more or fewer titles than matrices.
    """
    squares = [to_numpy(matrix, f"matrices[{k}]", 2) for k, matrix in enumerate(matrices)]
    figure, axes = _grid([len(squares)], [None], titles, side=2.5)
    for ax, square in zip(axes[0], squares, strict=True):
        limit = float(np.abs(square).max()) or 1.0
        _square(ax, square, SIGNED, -limit, limit)
        ax.set_xlabel("from unit")
    axes[0][0].set_ylabel("to unit")
    return figure


def _labels(labels: Sequence[str] | None, n: int, name: str) -> list[str | None]:
    """Return a label for each of `n` places, None where there is none."""
    if labels is None:
        return [None] * n
    if len(labels) != n:
        raise ValueError(f"{name}: {len(labels)} texts for {n} places")
    return list(labels)


def _grid(
    n_columns: Sequence[int],
    row_labels: Sequence[str | None],
    column_labels: Sequence[str] | None,
    side: float = 0.95,
) -> tuple[Figure, list[list[Axes]]]:
    """A figure of squares with `n_columns` in each row, and their axes; `side` in inches."""
    widest = max(n_columns)
    titles = _labels(column_labels, n_columns[0], "titles" if len(n_columns) == 1 else "columns")
    size = (min(side * widest + 1.2, 9.0), side * len(n_columns) + 0.3)
    figure, axes = plt.subplots(len(n_columns), widest, figsize=size, squeeze=False)
    for places, used, label in zip(axes, n_columns, row_labels, strict=True):
        for ax in places[used:]:
            ax.axis("off")
        if label is not None:
            places[0].set_ylabel(label, rotation=0, ha="right", va="center")
    for ax, title in zip(axes[0], titles, strict=False):
        if title is not None:
            ax.set_title(title, fontsize="medium", loc="center")
    return figure, [list(places) for places in axes]


def _arrow(
    ax: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    bend: float = 0.0,
    line: str = "solid",
    colour: str = GREY,
) -> None:
    """An arrow from one place to another; `bend` is its height over its length."""
    style = {"arrowstyle": "-|>", "connectionstyle": f"arc3,rad={bend}", "linestyle": line}
    style |= {"color": colour}
    ax.annotate("", end, start, arrowprops=style | {"shrinkA": 0.0, "shrinkB": 0.0})


def _square(ax: Axes, values: Array, colours: str, low: float, high: float) -> AxesImage:
    """One map without ticks; every pixel keeps its edges."""
    drawn = ax.imshow(values, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(True)
    return drawn
