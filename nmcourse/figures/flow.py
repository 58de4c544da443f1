"""A flow in the plane whose start the reader drags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nmcourse.figures._arrays import to_numpy
from nmcourse.figures.frame import StillCurve, curve_entry, framed, packed, slider_entry, still
from nmcourse.figures.slider import Slider
from nmcourse.figures.style import GAINS, GREY, Look
from nmcourse.figures.widget import Widget, required_alt, required_text, safe_javascript

FLOW = ("weights.js", "flow.js")


def interactive_flow(
    velocity: str,
    *,
    path: Any,
    sliders: Sequence[Slider] = (),
    arrays: Mapping[str, Any] | None = None,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    x_label: str,
    y_label: str,
    tau: float,
    dt: float,
    steps: int,
    rest_labels: tuple[str, str],
    equal: bool = True,
    title: str,
    alt: str,
    key: str = "",
) -> Widget:
    """The flow of two variables: arrows, nullclines, and the path from a start that is dragged.

    Args:
        velocity: Body of a JavaScript function of ``x``, ``y``, ``p`` (the sliders by name, and
            the arrays) and ``nm`` (see :func:`interactive_simulation`) that returns
            ``[dx, dy]``, per ms.
        path: Path from the start, shape ``(2, step)``, for the static picture; its first point is
            where the start stands at first.
        sliders: Up to three sliders of the flow.
        arrays: Arrays that `velocity` uses, by name; each is flat and has a ``shape``.
        x_range: Range of the first variable.
        y_range: Range of the second variable.
        x_label: Label of the horizontal axis.
        y_label: Label of the vertical axis.
        tau: Time constant in ms; a state whose speed times `tau` is below 0.001 is at rest.
        dt: Euler's step in ms.
        steps: Number of steps of the path.
        rest_labels: Names of the curves on which the first and the second variable rest.
        equal: Whether one unit has the same length on both axes.
        title: Title above the figure.
        alt: What the figure shows and what moves, for readers who cannot see it.
        key: Any text that tells this figure from a second one with the very same content.

    Returns:
        A widget that the notebook shows.

    Raises:
        ValueError: If a text is empty or would break the page, the path has another shape or
            starts outside the ranges, or there are more than three sliders.
    """
    line = to_numpy(path, "path", 2)
    if line.shape[0] != 2 or not line.shape[1]:
        raise ValueError(f"path: needs shape (2, step), got {line.shape}")
    if len(sliders) > 3:
        raise ValueError(f"sliders: {len(sliders)} given; a flow has up to three")
    required_text(velocity, "velocity", "give the body of a function that returns [dx, dy]")
    code = safe_javascript(velocity, "velocity")
    axes = zip(("x", "y"), (x_range, y_range), (x_label, y_label), line[:, 0], strict=True)
    spec: dict[str, Any] = {
        "title": required_text(title, "title", "give the figure a title"),
        "alt": required_alt(alt),
        "xLabel": required_text(x_label, "x_label", "name the axis and its unit"),
        "yLabel": required_text(y_label, "y_label", "name the axis and its unit"),
        "x": [float(v) for v in x_range],
        "y": [float(v) for v in y_range],
        "equal": equal,
        "arrays": packed(arrays or {}),
        "tau": float(tau),
        "dt": float(dt),
        "steps": int(steps),
        "looks": _looks(rest_labels),
        "sliders": [slider_entry(slider) for slider in sliders],
        "starts": [slider_entry(_start(*axis)) for axis in axes],
    }
    curves = [StillCurve(line[0], line[1], GAINS[0].colour)]
    labels = (spec["xLabel"], spec["yLabel"])
    picture = still(curves, x_range, y_range, spec["alt"], labels, equal=equal)
    rest = f"function (x, y, p, nm) {{\n{code}\n}}"
    widget = framed(spec, picture, scripts=FLOW, start="nmFlow", rest=rest, key=key)
    widget.twin = {"path": line.tolist()}
    return widget


def _start(name: str, limits: tuple[float, float], label: str, start: float) -> Slider:
    """The slider of one coordinate of the start, with the start among its values."""
    low, high = limits
    if not low <= start <= high:
        raise ValueError(f"path: starts at {name} = {start:g}, outside {limits}")
    values = sorted({*np.linspace(low, high, 53).round(6).tolist(), float(f"{start:.6g}")})
    return Slider(f"start_{name}", values, float(f"{start:.6g}"), f"start of {label}")


def _looks(rest_labels: tuple[str, str]) -> dict[str, Any]:
    first, second = rest_labels
    return {
        "arrows": curve_entry("flow", Look(GREY)) | {"width": 1.1},
        "path": curve_entry("path", Look(GAINS[0].colour)) | {"width": 3},
        "start": curve_entry("start: drag it", Look(GAINS[0].colour, "none", "o")),
        "end": curve_entry("end", Look(GAINS[0].colour, "none", "D", filled=False)),
        "first": curve_entry(first, Look(GAINS[1].colour, "dashed")),
        "second": curve_entry(second, Look(GAINS[2].colour, "dotted")),
    }
