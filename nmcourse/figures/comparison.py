"""Comparisons: seeds, losses, ablations, and produced against target intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from nmcourse.figures._arrays import Array, axes_or_new, same_length, to_numpy
from nmcourse.figures.activity import interval_kind, plot_by_interval
from nmcourse.figures.style import GREY, INTERVALS, NEUTRAL, TARGET, Look, gain_look, look


def plot_ramps(
    time: Any,
    outputs: Any,
    intervals: Any,
    *,
    trained: Sequence[float],
    targets: Any = None,
    go_times: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the output ramps of many intervals, with the targets they should follow.

    Args:
        time: Times in ms, shape ``(time,)``.
        outputs: Outputs, shape ``(trial, time)`` or ``(trial, time, 1)``.
        intervals: Interval of each trial in ms, shape ``(trial,)``.
        trained: Intervals in ms that the model was trained on.
        targets: Targets, shaped as the outputs.
        go_times: Time of the go cue of each trial in ms, shape ``(trial,)``; if given, time
            counts from it.
        ax: Axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: If shapes do not fit.
    """
    ramps = _one_output(outputs, "outputs")
    ax = axes_or_new(ax)
    if targets is not None:
        wanted, times = _one_output(targets, "targets"), to_numpy(time, "time", 1)
        if wanted.shape != ramps.shape:
            raise ValueError(f"targets: shape {wanted.shape} is not that of outputs {ramps.shape}")
        zeros = np.zeros(len(ramps)) if go_times is None else to_numpy(go_times, "go_times", 1)
        for k, (line, zero) in enumerate(zip(wanted, zeros, strict=True)):
            label = TARGET.label if k == 0 else None
            ax.plot(times - zero, line, **TARGET.line_kwargs(), linewidth=1.2, label=label)
    plot_by_interval(time, ramps, intervals, trained=trained, cue_times=go_times, ax=ax)
    if go_times is not None:
        longest = float(to_numpy(intervals, "intervals", 1).max())
        ax.set_xlim(-0.5 * longest, 2.0 * longest)
    ax.set_ylabel("output (ramp)")
    return ax


def _one_output(values: Any, name: str) -> Array:
    array = to_numpy(values, name, (2, 3))
    if array.ndim == 3 and array.shape[-1] != 1:
        raise ValueError(f"{name}: last axis is {array.shape[-1]}; choose one output first")
    return array[..., 0] if array.ndim == 3 else array


def plot_produced_intervals(
    target: Any,
    produced: Any,
    *,
    trained: Sequence[float] | None = None,
    model: str | None = None,
    label: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw produced against target intervals; on the dashed line they are equal.

    Args:
        target: Target intervals in ms, shape ``(trial,)``.
        produced: Produced intervals in ms, shape ``(trial,)`` or ``(seed, trial)``; NaN where
            nothing was produced (noted in the figure).
        trained: Intervals the model was trained on: points then have the looks of trained,
            shorter and longer intervals.
        model: Name of the model, for its look; not together with `trained`.
        label: Text for the legend; by default the label of the model's look.
        ax: Axes to draw on; a new square figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: If shapes do not fit, or both `trained` and `model` are given.
    """
    if trained is not None and model is not None:
        raise ValueError(f"model: {model!r} given with trained; colour shows one of the two")
    asked, done = to_numpy(target, "target", 1), to_numpy(produced, "produced", (1, 2))
    done = np.atleast_2d(done)
    same_length(asked, done, ("target", "produced"), axis=1)
    ax = axes_or_new(ax, figsize=(4.8, 4.4))
    ends = [float(min(asked.min(), np.nanmin(done))), float(max(asked.max(), np.nanmax(done)))]
    ax.plot(ends, ends, **TARGET.line_kwargs(), linewidth=1.3)
    if trained is None:
        style = look(model) if model is not None else NEUTRAL
        _interval_points(ax, asked, done, style, label or style.label or None)
    else:
        kinds = np.array([interval_kind(value, trained) for value in asked])
        for kind, style in INTERVALS.items():
            if (kinds == kind).any():
                _interval_points(ax, asked[kinds == kind], done[:, kinds == kind], style, kind)
    missing = int(np.isnan(done).sum())
    if missing:
        ax.annotate(
            f"{missing} of {done.size}: no interval produced",
            (0.98, 0.02),
            xycoords="axes fraction",
            ha="right",
            fontsize="small",
        )
    ax.set(xlabel="target interval (ms)", ylabel="produced interval (ms)")
    if ax.get_legend_handles_labels()[0]:
        ax.legend()
    return ax


def _interval_points(ax: Axes, asked: Array, done: Array, style: Look, label: str | None) -> None:
    shown = style.marker_kwargs()
    ax.plot(
        np.tile(asked, len(done)), done.reshape(-1), **shown, markersize=5, alpha=0.9, label=label
    )


def plot_seeds(
    values: Mapping[str, Any],
    *,
    y_label: str = "MSE",
    log: bool = True,
    looks: Mapping[str, Look] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one point per seed for each group, with median and quartiles beside the points.

    Every seed is shown, outliers too. A seed that diverged (not finite) is counted under its
    group's name.

    Args:
        values: One value per seed, shape ``(seed,)``, for each group's name.
        y_label: Label of the vertical axis, with a unit if it has one.
        log: Whether the vertical axis is logarithmic.
        looks: Look of each group; by default the one that its name has.
        ax: Axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: If there is no group, a group has no finite value, or a value is not
            positive on a logarithmic axis.
    """
    groups = _groups(values, log)
    ax = axes_or_new(ax)
    for place, (name, group) in enumerate(groups.items()):
        style = (looks or {}).get(name) or _look_or(name, gain_look(place))
        seeds = group[np.isfinite(group)]
        spread = 0.2 * _spread(len(seeds))
        dots = style.marker_kwargs()
        ax.plot(place - 0.14 + spread, seeds, **dots, markersize=5.5, alpha=0.85)
        low, middle, high = np.quantile(seeds, [0.25, 0.5, 0.75])
        ax.vlines(place + 0.22, low, high, color=style.colour, linewidth=4)
        ax.hlines(middle, place + 0.12, place + 0.32, color=style.colour, linewidth=2.5)
    names = [
        name
        if np.isfinite(group).all()
        else f"{name}\n({int((~np.isfinite(group)).sum())} diverged)"
        for name, group in groups.items()
    ]
    ax.set_xticks(range(len(groups)), names)
    ax.set_xlim(-0.5, len(groups) - 0.5)
    ax.tick_params(axis="x", length=0)
    if log:
        ax.set_yscale("log")
    ax.set_ylabel(y_label)
    _seed_legend(ax)
    return ax


def _seed_legend(ax: Axes) -> None:
    """Say what points, bars and ticks are, above the axes."""
    grey: dict[str, Any] = {"color": GREY, "linestyle": "none"}
    handles = [
        Line2D([], [], marker="o", markersize=5.5, label="one seed", **grey),
        Line2D([], [], marker="_", markersize=13, markeredgewidth=2.5, label="median", **grey),
        Line2D([], [], marker="|", markersize=13, markeredgewidth=4, label="quartiles", **grey),
    ]
    ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3)


def _groups(values: Mapping[str, Any], log: bool) -> dict[str, Array]:
    if not values:
        raise ValueError("values: is empty; give at least one group")
    groups = {
        name: to_numpy(group, f"values[{name!r}]").reshape(-1) for name, group in values.items()
    }
    for name, group in groups.items():
        finite = group[np.isfinite(group)]
        if not len(finite):
            raise ValueError(f"values[{name!r}]: no finite value among {len(group)} seeds")
        if log and finite.min() <= 0:
            raise ValueError(
                f"values[{name!r}]: {finite.min()} on a logarithmic axis; use log=False"
            )
    return groups


def _spread(count: int) -> Array:
    """Evenly spread offsets in [-1, 1] in an order that keeps neighbours apart; no randomness."""
    if count < 2:
        return np.zeros(count)
    golden = (np.arange(count) * 0.6180339887) % 1.0
    return 2.0 * np.argsort(np.argsort(golden)) / (count - 1) - 1.0


def _look_or(name: str, other: Look) -> Look:
    try:
        return look(name)
    except ValueError:
        return other


def plot_losses(
    losses: Mapping[str, Any],
    *,
    y_label: str = "training loss (MSE)",
    every: int = 1,
    looks: Mapping[str, Look] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw loss curves: a thin line for each seed, a thick one for their median.

    Args:
        losses: For each group's name, losses of shape ``(step,)`` or ``(step, seed)``; NaN after
            a seed diverged.
        y_label: Label of the vertical axis.
        every: Number of optimiser steps between two entries.
        looks: Look of each group; by default the one that its name has.
        ax: Axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: If there is no group, or `every` is not positive.
    """
    if not losses:
        raise ValueError("losses: is empty; give at least one group")
    if every < 1:
        raise ValueError(f"every: {every} is not positive")
    ax = axes_or_new(ax)
    for place, (name, group) in enumerate(losses.items()):
        curves = to_numpy(group, f"losses[{name!r}]", (1, 2))
        curves = curves[:, None] if curves.ndim == 1 else curves
        style = (looks or {}).get(name) or _look_or(name, gain_look(place))
        steps = every * np.arange(1, len(curves) + 1)
        if curves.shape[1] > 1:
            ax.plot(steps, curves, color=style.colour, linestyle="solid", linewidth=0.7, alpha=0.3)
        known = np.isfinite(curves).any(axis=1)
        middle = np.nanmedian(curves[known], axis=1)
        text = name if curves.shape[1] == 1 else f"{name}, median of {curves.shape[1]}"
        ax.plot(steps[known], middle, **style.line_kwargs(), linewidth=2.4, label=text)
    ax.set(xlabel="optimiser step", ylabel=y_label, yscale="log")
    ax.legend()
    return ax
