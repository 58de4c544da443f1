"""Pictures of a dynamical system: flows, fixed points, trajectories and spectra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from nmcourse.figures._arrays import (
    axes_or_new,
    complex_to_numpy,
    same_length,
    to_numpy,
    with_unit,
)
from nmcourse.figures.style import GAINS, GREY, NEUTRAL, SADDLE, STABLE, UNSTABLE

_STABILITIES = {"stable": STABLE, "unstable": UNSTABLE, "saddle": SADDLE}


def plot_flow_1d(
    x: Any,
    velocity: Any,
    *,
    fixed_points: Any = None,
    stability: Sequence[str | bool] | None = None,
    symbol: str = "x",
    unit: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the velocity of one variable, and arrows for where it goes.

    Args:
        x: Values of the variable, shape ``(n,)``, increasing.
        velocity: Its rate of change there, per ms, shape ``(n,)``.
        fixed_points: Fixed points, shape ``(k,)``.
        stability: For each fixed point ``"stable"``, ``"unstable"`` or ``"saddle"``; True and
            False stand for the first two.
        symbol: Name of the variable on the axes.
        unit: Unit of the variable; empty for none.
        ax: Axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: If shapes do not fit or a stability is unknown.
    """
    positions, rates = to_numpy(x, "x", 1), to_numpy(velocity, "velocity", 1)
    same_length(positions, rates, ("x", "velocity"))
    ax = axes_or_new(ax)
    ax.axhline(0.0, color=GREY, linewidth=1.0)
    ax.plot(positions, rates, color=GAINS[1].colour, linestyle="solid")
    starts = np.linspace(positions[0], positions[-1], 15)[1:-1]
    pushes = np.interp(starts, positions, rates)
    moving = np.abs(pushes) > 0.02 * np.abs(rates).max()
    for direction, marker in ((1.0, ">"), (-1.0, "<")):
        chosen = starts[moving & (np.sign(pushes) == direction)]
        ax.plot(chosen, np.zeros_like(chosen), marker, color=GREY, linestyle="none", markersize=7)
    if fixed_points is not None:
        places = to_numpy(fixed_points, "fixed_points", 1)
        plane = np.stack([places, np.zeros_like(places)], axis=1)
        plot_fixed_points(plane, stability, ax=ax)
    ax.set_xlabel(with_unit(symbol, unit))
    ax.set_ylabel(f"d{symbol}/dt ({unit or '1'}/ms)")
    return ax


def plot_flow_2d(
    x: Any,
    y: Any,
    dx: Any,
    dy: Any,
    *,
    fixed_points: Any = None,
    stability: Sequence[str | bool] | None = None,
    nullclines: bool = True,
    x_label: str = "κ₁",
    y_label: str = "κ₂",
    ax: Axes | None = None,
) -> Axes:
    """Draw a flow in a plane: stream lines, nullclines and fixed points.

    The first nullcline (the horizontal variable rests) is dashed, the second dotted. Stream lines
    are wider where the flow is faster.

    Args:
        x: Horizontal values, shape ``(n_x,)``, evenly spaced and increasing.
        y: Vertical values, shape ``(n_y,)``, evenly spaced and increasing.
        dx: Rate of change of `x`, shape ``(n_y, n_x)``.
        dy: Rate of change of `y`, shape ``(n_y, n_x)``.
        fixed_points: Fixed points, shape ``(k, 2)``.
        stability: One entry for each fixed point, as in :func:`plot_fixed_points`.
        nullclines: Whether to draw the nullclines.
        x_label: Label of the horizontal axis, with a unit if it has one.
        y_label: Label of the vertical axis, with a unit if it has one.
        ax: Axes to draw on; a new square figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: If shapes do not fit or a stability is unknown.
    """
    xs, ys = to_numpy(x, "x", 1), to_numpy(y, "y", 1)
    us, vs = to_numpy(dx, "dx", 2), to_numpy(dy, "dy", 2)
    for name, field in (("dx", us), ("dy", vs)):
        if field.shape != (len(ys), len(xs)):
            raise ValueError(f"{name}: shape {field.shape}, but (n_y, n_x) is {len(ys), len(xs)}")
    ax = axes_or_new(ax, figsize=(5.6, 5.0))
    speed = np.hypot(us, vs)
    width = 0.5 + 1.3 * np.sqrt(speed / max(speed.max(), 1e-300))
    ax.streamplot(xs, ys, us, vs, color=GREY, linewidth=width, density=0.9, arrowsize=0.9)
    handles: list[Line2D] = []
    if nullclines:
        for field, style, name in ((us, GAINS[1], x_label), (vs, GAINS[2], y_label)):
            if field.min() < 0 < field.max():
                ax.contour(
                    xs,
                    ys,
                    field,
                    levels=[0.0],
                    colors=[style.colour],
                    linestyles=[style.line],
                    linewidths=2.0,
                )
                text = f"{name.split(' (')[0]} at rest"
                handles.append(Line2D([], [], **style.line_kwargs(), label=text))
    if fixed_points is not None:
        plot_fixed_points(fixed_points, stability, ax=ax)
    _legend_above(ax, handles)
    ax.set(xlabel=x_label, ylabel=y_label, xlim=(xs[0], xs[-1]), ylim=(ys[0], ys[-1]))
    return ax


def plot_fixed_points(
    points: Any, stability: Sequence[str | bool] | None = None, *, ax: Axes
) -> Axes:
    """Mark fixed points: a filled disc is stable, an open one unstable, an open diamond a saddle.

    Args:
        points: Positions, shape ``(k, 2)``.
        stability: For each point ``"stable"``, ``"unstable"`` or ``"saddle"``; True and False
            stand for the first two; None marks all as stable.
        ax: Axes to draw on.

    Returns:
        The axes.

    Raises:
        ValueError: If there are not as many entries as points, or an entry is unknown.
    """
    places = to_numpy(points, "points", 2)
    entries = list(stability) if stability is not None else ["stable"] * len(places)
    if len(entries) != len(places):
        raise ValueError(f"stability: {len(entries)} entries for {len(places)} fixed points")
    names = [_stability_name(entry) for entry in entries]
    for name, style in _STABILITIES.items():
        chosen = places[[entry == name for entry in names]]
        if len(chosen):
            ax.plot(
                chosen[:, 0],
                chosen[:, 1],
                **style.marker_kwargs(),
                markersize=9,
                markeredgewidth=2.2,
                zorder=5,
                clip_on=False,
                label=style.label,
            )
    return ax


def _stability_name(entry: str | bool) -> str:
    if isinstance(entry, str):
        if entry not in _STABILITIES:
            raise ValueError(f"stability: {entry!r} is not one of {', '.join(_STABILITIES)}")
        return entry
    return "stable" if bool(entry) else "unstable"


def plot_spectrum(
    eigenvalues: Any, *, boundary: str | None = "velocity", ax: Axes | None = None
) -> Axes:
    """Draw eigenvalues in the complex plane, with the boundary of stability.

    Args:
        eigenvalues: Complex values, any shape.
        boundary: What the eigenvalues belong to. ``"velocity"``: the Jacobian of the velocity,
            per ms, stable left of Re λ = 0. ``"weights"``: connectivity W of ``τ ẋ = -x + W x``,
            stable left of Re λ = 1. ``"step"``: the Jacobian of one step, stable inside the unit
            circle. None draws no boundary.
        ax: Axes to draw on; a new square figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: If `boundary` is unknown or there are no eigenvalues.
    """
    values = complex_to_numpy(eigenvalues, "eigenvalues")
    if boundary not in ("velocity", "weights", "step", None):
        raise ValueError(f"boundary: {boundary!r} is not 'velocity', 'weights', 'step' or None")
    ax = axes_or_new(ax, figsize=(4.8, 4.4))
    inside = np.ones(len(values), dtype=bool)
    if boundary == "step":
        angle = np.linspace(0.0, 2.0 * np.pi, 200)
        ax.plot(np.cos(angle), np.sin(angle), color=GREY, linestyle="dashed", linewidth=1.4)
        inside = np.abs(values) < 1.0
    elif boundary is not None:
        edge = 1.0 if boundary == "weights" else 0.0
        ax.axvline(edge, color=GREY, linestyle="dashed", linewidth=1.4)
        inside = values.real < edge
    for chosen, style in ((inside, STABLE), (~inside, UNSTABLE)):
        style = NEUTRAL if boundary is None else style
        if chosen.any():
            ax.plot(
                values.real[chosen],
                values.imag[chosen],
                **style.marker_kwargs(),
                markersize=5,
                label=style.label or None,
            )
    if boundary is not None:
        _legend_above(ax, [])
    unit = "1/ms" if boundary == "velocity" else ""
    ax.set_aspect("equal", adjustable="datalim")
    ax.set(xlabel=with_unit("real part of λ", unit), ylabel=with_unit("imaginary part of λ", unit))
    return ax


def _legend_above(ax: Axes, handles: list[Line2D]) -> None:
    """A legend in one row above the axes, of `handles` and of whatever has a label."""
    labelled = [*handles, *ax.get_legend_handles_labels()[0]]
    if labelled:
        ax.legend(
            handles=labelled,
            loc="lower left",
            bbox_to_anchor=(0, 1.0),
            ncols=3,
            borderaxespad=0.2,
            columnspacing=1.2,
        )
