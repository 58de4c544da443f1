"""Activity against time: units, trials, gains and decays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from nmcourse.figures._arrays import axes_or_new, same_length, to_numpy
from nmcourse.figures.style import GREY, INTERVALS, NEUTRAL, TARGET, gain_look

TIME_LABEL = "time (ms)"


def plot_raster(
    time: Any, activity: Any, *, label: str = "activity", ax: Axes | None = None
) -> Axes:
    """Draw the activity of every unit as a heat map, one row per unit.

    Args:
        time: Times in ms, evenly spaced, shape ``(time,)``.
        activity: Activity, shape ``(time, unit)``.
        label: Label of the colour bar, with a unit if it has one.
        ax: Axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: If shapes do not fit.
    """
    times, units = to_numpy(time, "time", 1), to_numpy(activity, "activity", 2)
    same_length(times, units, ("time", "activity"))
    ax = axes_or_new(ax)
    extent = (times[0], times[-1], units.shape[1] + 0.5, 0.5)
    image = ax.imshow(units.T, aspect="auto", interpolation="nearest", extent=extent)
    ax.figure.colorbar(image, ax=ax, label=label)
    ax.set(xlabel=TIME_LABEL, ylabel="unit")
    return ax


def plot_trial(
    time: Any,
    inputs: Any,
    *,
    names: Sequence[str] = ("measure", "wait", "go"),
    target: Any = None,
    output: Any = None,
    mask: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one trial: each input in a lane of its own, and target and output in the lowest lane.

    Args:
        time: Times in ms, shape ``(time,)``.
        inputs: Input channels, shape ``(time, channel)``.
        names: Name of each channel.
        target: Target of the output, shape ``(time,)`` or ``(time, 1)``.
        output: Output of a model, of the same shape.
        mask: Where the error counts, of the same shape; drawn as a light band.
        ax: Axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: If shapes do not fit or there is not one name per channel.
    """
    times, channels = to_numpy(time, "time", 1), to_numpy(inputs, "inputs", 2)
    same_length(times, channels, ("time", "inputs"))
    if len(names) != channels.shape[1]:
        raise ValueError(f"names: {len(names)} names for {channels.shape[1]} input channels")
    given = {"target": target, "output": output, "mask": mask}
    traces = {
        name: to_numpy(value, name).reshape(-1)
        for name, value in given.items()
        if value is not None
    }
    for name, trace in traces.items():
        same_length(times, trace, ("time", name))
    ax = axes_or_new(ax)
    lanes = [*names, "output"] if traces else list(names)
    heights = {name: 1.4 * (len(lanes) - 1 - k) for k, name in enumerate(lanes)}
    for k, name in enumerate(names):
        ax.plot(times, heights[name] + _unit_range(channels[:, k]), **_plain(gain_look(k).colour))
    if "mask" in traces:
        low, high = heights["output"] - 0.1, heights["output"] + 1.1
        counted = traces["mask"] > 0
        ax.fill_between(times, low, high, where=counted, color=GREY, alpha=0.18, linewidth=0)
    if "output" in traces or "target" in traces:
        both = np.concatenate([traces[name] for name in ("target", "output") if name in traces])
        bottom, span = np.nanmin(both), max(np.nanmax(both) - np.nanmin(both), 1e-12)
        for name, style in (("output", INTERVALS["trained"]), ("target", TARGET)):
            if name in traces:
                trace = heights["output"] + (traces[name] - bottom) / span
                ax.plot(times, trace, **style.line_kwargs(), label=name)
        ax.legend(loc="lower left", bbox_to_anchor=(1.0, 0.0))
    ax.set_yticks([heights[name] + 0.5 for name in lanes], lanes)
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel=TIME_LABEL, ylabel="channel (each scaled)", xlim=(times[0], times[-1]))
    return ax


def _plain(colour: str) -> dict[str, Any]:
    """A solid line whatever line style the colour cycle is at."""
    return {"color": colour, "linestyle": "solid"}


def _unit_range(channel: np.ndarray) -> np.ndarray:
    """A channel divided by its largest absolute value; a silent channel stays 0."""
    largest = np.abs(channel).max()
    return channel / largest if largest > 0 else channel


def plot_gains(
    time: Any,
    gains: Any,
    *,
    cues: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw every component of the gain s(t) of one trial.

    Args:
        time: Times in ms, shape ``(time,)``.
        gains: Gains, shape ``(time, component)``.
        cues: Time in ms of each cue to mark, by name.
        ax: Axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: If shapes do not fit.
    """
    times, components = to_numpy(time, "time", 1), to_numpy(gains, "gains", 2)
    same_length(times, components, ("time", "gains"))
    ax = axes_or_new(ax)
    for k in range(components.shape[1]):
        style = gain_look(k)
        ax.plot(times, components[:, k], **style.line_kwargs(), label=style.label)
    _mark_cues(ax, cues or {})
    _gain_axis(ax, components)
    ax.set(xlabel=TIME_LABEL, ylabel="gain s(t)", xlim=(times[0], times[-1]))
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def plot_gain_by_interval(
    time: Any,
    gain: Any,
    intervals: Any,
    *,
    trained: Sequence[float],
    cue_times: Any = None,
    cue: str = "go",
    name: str = "s₁",
    ax: Axes | None = None,
) -> Axes:
    """Draw one component of the gain for many intervals, aligned to a cue.

    Args:
        time: Times in ms, shape ``(time,)``.
        gain: The component, shape ``(trial, time)``.
        intervals: Interval of each trial in ms, shape ``(trial,)``.
        trained: Intervals in ms that the model was trained on.
        cue_times: Time of the cue in each trial in ms, shape ``(trial,)``; None aligns to the
            start of the trial.
        cue: Name of that cue.
        name: Name of the component.
        ax: Axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: If shapes do not fit.
    """
    traces = to_numpy(gain, "gain", 2)
    ax = plot_by_interval(
        time, traces, intervals, trained=trained, cue_times=cue_times, cue=cue, ax=ax
    )
    _gain_axis(ax, traces)
    ax.set_ylabel(f"gain {name}")
    return ax


def plot_by_interval(
    time: Any,
    traces: Any,
    intervals: Any,
    *,
    trained: Sequence[float],
    cue_times: Any = None,
    cue: str = "go",
    ax: Axes | None = None,
) -> Axes:
    """Draw one trace per trial, with the look of trained, shorter or longer intervals.

    Among the intervals of one kind, the longer the interval the thicker the line.

    Args:
        time: Times in ms, shape ``(time,)``.
        traces: One trace per trial, shape ``(trial, time)``.
        intervals: Interval of each trial in ms, shape ``(trial,)``.
        trained: Intervals in ms that the model was trained on.
        cue_times: Time in ms, in each trial, that becomes 0; None keeps the time of the trial.
        cue: Name of that time, for the axis.
        ax: Axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: If shapes do not fit.
    """
    times, lines = to_numpy(time, "time", 1), to_numpy(traces, "traces", 2)
    same_length(times, lines, ("time", "traces"), axis=1)
    lengths = to_numpy(intervals, "intervals", 1)
    same_length(lengths, lines, ("intervals", "traces"))
    zeros = np.zeros(len(lines)) if cue_times is None else to_numpy(cue_times, "cue_times", 1)
    same_length(zeros, lines, ("cue_times", "traces"))
    ax = axes_or_new(ax)
    shown: set[str] = set()
    for line, length, zero in sorted(zip(lines, lengths, zeros, strict=True), key=lambda t: t[1]):
        kind = interval_kind(length, trained)
        style = INTERVALS[kind]
        rank = np.searchsorted(np.unique(lengths), length) / max(len(np.unique(lengths)) - 1, 1)
        label = None if kind in shown else f"{style.label} interval"
        ax.plot(times - zero, line, **style.line_kwargs(), linewidth=1.1 + 1.3 * rank, label=label)
        shown.add(kind)
    if cue_times is not None:
        ax.axvline(0.0, color=GREY, linewidth=1.0)
    ax.set_xlabel(TIME_LABEL if cue_times is None else f"time from {cue} (ms)")
    ax.legend()
    return ax


def interval_kind(interval: float, trained: Sequence[float]) -> str:
    """``"trained"``, ``"shorter"`` or ``"longer"``: where an interval in ms lies.

    An interval between the shortest and the longest trained one counts as trained.

    Args:
        interval: The interval in ms.
        trained: Intervals in ms that the model was trained on.

    Returns:
        The name of the kind.

    Raises:
        ValueError: If `trained` is empty.
    """
    if len(trained) == 0:
        raise ValueError("trained: is empty; give the intervals (ms) the model was trained on")
    if interval < min(trained):
        return "shorter"
    return "longer" if interval > max(trained) else "trained"


def plot_decays(
    time: Any,
    simulated: Any,
    closed_form: Any = None,
    *,
    labels: Sequence[str],
    y_label: str = "mode activity",
    ax: Axes | None = None,
) -> Axes:
    """Draw decays: dots where simulated, lines where the closed form is known.

    Args:
        time: Times in ms, shape ``(time,)``.
        simulated: Simulated activity, shape ``(time, curve)``.
        closed_form: The solution of the equation, shape ``(time, curve)``; None draws the
            simulation as lines.
        labels: Name of each curve.
        y_label: Label of the vertical axis, with a unit if it has one.
        ax: Axes to draw on; a new figure by default.

    Returns:
        The axes.

    Raises:
        ValueError: If shapes do not fit or there is not one label per curve.
    """
    times, values = to_numpy(time, "time", 1), to_numpy(simulated, "simulated", 2)
    same_length(times, values, ("time", "simulated"))
    if len(labels) != values.shape[1]:
        raise ValueError(f"labels: {len(labels)} labels for {values.shape[1]} curves")
    exact = None if closed_form is None else to_numpy(closed_form, "closed_form", 2)
    if exact is not None and exact.shape != values.shape:
        raise ValueError(
            f"closed_form: shape {exact.shape} is not that of simulated {values.shape}"
        )
    ax = axes_or_new(ax)
    every = max(1, len(times) // 24)
    for k, label in enumerate(labels):
        style = gain_look(k)
        if exact is None:
            ax.plot(times, values[:, k], **style.line_kwargs(), label=label)
            continue
        ax.plot(times, exact[:, k], **_plain(style.colour), linewidth=1.5)
        dots = style.marker_kwargs()
        ax.plot(times[::every], values[::every, k], **dots, markersize=4.5, label=label)
    if exact is not None:
        ax.plot([], [], **_plain(NEUTRAL.colour), linewidth=1.5, label="closed form")
    ax.set(xlabel=TIME_LABEL, ylabel=y_label)
    ax.legend()
    return ax


def _mark_cues(ax: Axes, cues: Mapping[str, float]) -> None:
    for cue, when in cues.items():
        ax.axvline(when, color=GREY, linewidth=1.0, linestyle="dotted")
        ax.annotate(
            cue,
            (when, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(3, 0),
            textcoords="offset points",
            va="bottom",
            fontsize="small",
        )


def _gain_axis(ax: Axes, gains: np.ndarray) -> None:
    """The range 0 to 1 for gains of a sigmoid; the range of the values for any other gain."""
    if np.nanmin(gains) >= 0 and np.nanmax(gains) <= 1:
        ax.set_ylim(-0.03, 1.03)
