"""Figures that respond on a static page: no kernel, no network, nothing to load.

The reader moves sliders; curves come from a table computed here (:func:`interactive_lines`) or
from a few lines of JavaScript that run in the page (:func:`interactive_simulation`). Both draw in
an inline SVG that follows the page's theme and width, and can be used with the keyboard and read
by a screen reader.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nmcourse.figures._arrays import Array, to_numpy
from nmcourse.figures.frame import StillCurve, curve_entry, framed, slider_entry, still
from nmcourse.figures.slider import Slider
from nmcourse.figures.style import NEUTRAL, Look, gain_look, look
from nmcourse.figures.widget import Widget, required_alt, required_text, safe_javascript

Range = tuple[float, float]


def interactive_lines(
    x: Any,
    curves: Mapping[str, Any],
    *,
    sliders: Sequence[Slider],
    title: str,
    alt: str,
    x_label: str,
    y_label: str,
    styles: Mapping[str, Look | str] | None = None,
    reference: Mapping[str, tuple[Any, Any]] | None = None,
    points: Mapping[str, tuple[Any, Any]] | None = None,
    readout: Callable[..., str] | None = None,
    x_range: Range | None = None,
    y_range: Range | None = None,
    y_scale: str = "linear",
    equal: bool = False,
    key: str = "",
) -> Widget:
    """A figure whose curves were computed here for every setting of one to three sliders.

    Args:
        x: Horizontal values, shape ``(point,)``; or, for curves in a plane, a mapping from each
            curve's name to an array shaped as that curve.
        curves: For each name an array of one axis per slider, then points:
            ``(n_values_1, ..., point)``. NaN leaves a gap.
        sliders: One to three sliders, in the order of those axes.
        title: Title above the figure.
        alt: What the figure shows and what moves, for readers who cannot see it.
        x_label: Label of the horizontal axis, with its unit.
        y_label: Label of the vertical axis, with its unit.
        styles: Look (or the name of one) for any curve, reference or points. A look with the line
            ``"none"`` draws markers only.
        reference: Curves that do not move: name to ``(x, y)``.
        points: Markers that do not move: name to ``(x, y)``.
        readout: A text for each setting: called with one number per slider.
        x_range: Range of the horizontal axis; by default that of all data.
        y_range: Range of the vertical axis; by default that of all data.
        y_scale: ``"linear"`` or ``"log"``.
        equal: Whether one unit has the same length on both axes (a phase plane).
        key: Any text that tells this figure from a second one with the very same content.

    Returns:
        A widget that the notebook shows.

    Raises:
        ValueError: If `alt` or `title` is empty, shapes do not fit the sliders, or the figure is
            larger than the limit.
    """
    _check_sliders(sliders)
    grid = tuple(len(slider.values) for slider in sliders)
    shared = None if isinstance(x, Mapping) else to_numpy(x, "x", 1)
    entries = []
    for place, (name, values) in enumerate(curves.items()):
        rows = _rows(values, grid, f"curves[{name!r}]")
        entry = curve_entry(name, _style(styles, name, gain_look(place))) | {
            "y": _rounded(rows, y_scale == "log")
        }
        if shared is None:
            entry["x"] = _rounded(_rows(x[name], grid, f"x[{name!r}]"))
            width, of = len(entry["x"][0]), f"x[{name!r}]"
        else:
            width, of = len(shared), "x"
        if rows.shape[1] != width:
            raise ValueError(f"curves[{name!r}]: {rows.shape[1]} points, but {of} has {width}")
        entries.append(entry)
    texts = None
    if readout is not None:
        settings = itertools.product(*(slider.values for slider in sliders))
        texts = [str(readout(*values)) for values in settings]
    spec = _spec(title, alt, x_label, y_label, sliders, x_range, y_range, y_scale, equal)
    spec |= {"curves": entries, "reference": _fixed(reference, points, styles, y_scale == "log")}
    spec |= {"x": None if shared is None else _rounded(shared), "readouts": texts}
    if y_range is None or x_range is None:
        _fill_ranges(spec, spec["curves"])
    return _figure(spec, "null", _picture(spec), key)


def interactive_simulation(
    javascript: str,
    *,
    sliders: Sequence[Slider],
    curves: Mapping[str, Look | str | None],
    title: str,
    alt: str,
    x_label: str,
    y_label: str,
    x: Any = None,
    python: Callable[..., Mapping[str, tuple[Any, Any]]],
    styles: Mapping[str, Look | str] | None = None,
    reference: Mapping[str, tuple[Any, Any]] | None = None,
    points: Mapping[str, tuple[Any, Any]] | None = None,
    x_range: Range | None = None,
    y_range: Range | None = None,
    y_scale: str = "linear",
    equal: bool = False,
    key: str = "",
) -> Widget:
    """A figure whose curves are computed in the page, by a few lines of JavaScript.

    The same computation is given in Python. It draws the static picture where no script runs,
    and `tools.parity` checks that both agree.

    Args:
        javascript: Body of a function of ``p`` (``p.name`` is the value of the slider of that
            name) and ``nm`` (``nm.range(low, high, n)``, ``nm.euler(f, x0, dt, n)``,
            ``nm.sigmoid``, ``nm.normal(seed)``, ``nm.fixed(value, digits)``). It returns
            ``{curves: {name: {x: [...], y: [...]}}, readout: "text"}``.
        sliders: One to three sliders.
        curves: Every curve that the function may return, with its look (or the name of one, or
            None for the next free one).
        title: Title above the figure.
        alt: What the figure shows and what moves, for readers who cannot see it.
        x_label: Label of the horizontal axis, with its unit.
        y_label: Label of the vertical axis, with its unit.
        x: Horizontal values for curves that are returned without ``x``.
        python: The same in Python: called with one number per slider, by name, it returns the
            curves, name to ``(x, y)``. NaN leaves a gap.
        styles: Look (or the name of one) for any reference or points.
        reference: Curves that do not move: name to ``(x, y)``.
        points: Markers that do not move: name to ``(x, y)``.
        x_range: Range of the horizontal axis; by default that of the corners of the sliders.
        y_range: Range of the vertical axis; by default that of the corners of the sliders.
        y_scale: ``"linear"`` or ``"log"``.
        equal: Whether one unit has the same length on both axes (a phase plane).
        key: Any text that tells this figure from a second one with the very same content.

    Returns:
        A widget that the notebook shows.

    Raises:
        ValueError: If `alt`, `title` or `javascript` is empty or would break the page, `python`
            returns other curves than `curves` names, or the figure is larger than the limit.
    """
    _check_sliders(sliders)
    required_text(javascript, "javascript", "give the body of a function that returns curves")
    code = safe_javascript(javascript, "javascript")
    if not curves:
        raise ValueError("curves: is empty; name every curve that the function returns")
    entries = []
    for place, (name, style) in enumerate(curves.items()):
        chosen = look(style) if isinstance(style, str) else style
        entries.append(curve_entry(name, chosen or gain_look(place)))
    spec = _spec(title, alt, x_label, y_label, sliders, x_range, y_range, y_scale, equal)
    spec |= {"curves": entries, "reference": _fixed(reference, points, styles, y_scale == "log")}
    spec |= {"x": None if x is None else _rounded(to_numpy(x, "x", 1))}
    twin = _twin(python, sliders, spec)
    if x_range is None or y_range is None:
        corners = itertools.product(*({0, len(slider.values) - 1} for slider in sliders))
        shown = [_computed(python, sliders, spec, list(corner)) for corner in corners]
        _fill_ranges(
            spec, [*twin[0]["curves"].values(), *(c for one in shown for c in one.values())]
        )
    known = {entry["name"]: entry for entry in spec["curves"]}
    start = [known[name] | curve for name, curve in twin[0]["curves"].items()]
    picture = _picture(spec | {"curves": start, "sliders": []})
    widget = _figure(spec, f"function (p, nm) {{\n{code}\n}}", picture, key)
    widget.twin = {"curves": twin}
    return widget


def _computed(
    python: Callable[..., Mapping[str, tuple[Any, Any]]],
    sliders: Sequence[Slider],
    spec: dict[str, Any],
    indices: Sequence[int],
) -> dict[str, dict[str, list[float | None]]]:
    """The curves that Python computes for one setting; None for what is not finite."""
    names = [entry["name"] for entry in spec["curves"]]
    chosen = zip(sliders, indices, strict=True)
    found = python(**{slider.name: slider.values[index] for slider, index in chosen})
    curves = {}
    for name, (x, y) in found.items():
        if name not in names:
            raise ValueError(f"python: returns {name!r}, which is not one of the curves {names}")
        xs, ys = (to_numpy(v, f"python: {axis} of {name!r}", 1) for axis, v in (("x", x), ("y", y)))
        if len(xs) != len(ys):
            raise ValueError(f"python: {name!r} has {len(xs)} x values, but {len(ys)} y values")
        pairs = {"x": xs, "y": ys}
        curves[name] = {
            axis: [float(f"{v:.9g}") if np.isfinite(v) else None for v in values]
            for axis, values in pairs.items()
        }
    if not curves:
        raise ValueError("python: returns no curve")
    return curves


def _twin(
    python: Callable[..., Mapping[str, tuple[Any, Any]]],
    sliders: Sequence[Slider],
    spec: dict[str, Any],
) -> list[dict[str, Any]]:
    """What Python computes at the start, with each slider at its ends, and with all at theirs."""
    start = [slider.start_index for slider in sliders]
    ends = [(0, len(slider.values) - 1) for slider in sliders]
    settings = [start, *(list(all_at) for all_at in zip(*ends, strict=True))]
    for place, both in enumerate(ends):
        settings += [[*start[:place], end, *start[place + 1 :]] for end in both]
    unlike = [one for place, one in enumerate(settings) if one not in settings[:place]]
    return [{"at": one, "curves": _computed(python, sliders, spec, one)} for one in unlike]


def _check_sliders(sliders: Sequence[Slider]) -> None:
    if not 1 <= len(sliders) <= 3:
        raise ValueError(f"sliders: {len(sliders)} given; a figure has one to three")
    names = [slider.name for slider in sliders]
    if len(set(names)) < len(names):
        raise ValueError(f"sliders: names must differ, got {names}")


def _rows(values: Any, grid: tuple[int, ...], name: str) -> Array:
    """An array of shape ``(setting, point)`` from one of shape ``(*grid, point)``."""
    array = to_numpy(values, name)
    if array.shape[:-1] != grid:
        raise ValueError(
            f"{name}: shape {array.shape} does not fit the sliders, which need {(*grid, 'points')}"
        )
    return array.reshape(-1, array.shape[-1])


def _rounded(values: Array, log: bool = False) -> list[Any]:
    """Nested lists of short numbers; None where not finite.

    Five digits of the largest value are kept; on a logarithmic axis, four digits of each value.
    """
    known = np.abs(values[np.isfinite(values)])
    largest = float(known.max()) if known.size else 0.0
    decimals = 4 - int(np.floor(np.log10(largest))) if largest > 0 else 0

    def convert(entry: Any) -> Any:
        if isinstance(entry, list):
            return [convert(item) for item in entry]
        if not np.isfinite(entry):
            return None
        rounded = float(f"{entry:.4g}") if log else round(entry, decimals)
        return int(rounded) if rounded == int(rounded) and abs(rounded) < 1e6 else rounded

    return list(convert(values.tolist()))


def _style(styles: Mapping[str, Look | str] | None, name: str, other: Look) -> Look:
    chosen = (styles or {}).get(name)
    if chosen is None:
        return other
    return look(chosen) if isinstance(chosen, str) else chosen


def _fixed(
    reference: Mapping[str, tuple[Any, Any]] | None,
    points: Mapping[str, tuple[Any, Any]] | None,
    styles: Mapping[str, Look | str] | None,
    log: bool,
) -> list[dict[str, Any]]:
    """Curves and markers that do not move."""
    fixed = []
    for group, kind in ((reference, "reference"), (points, "points")):
        for name, (x, y) in (group or {}).items():
            xs, ys = to_numpy(x, f"{kind}[{name!r}]", 1), to_numpy(y, f"{kind}[{name!r}]", 1)
            if len(xs) != len(ys):
                raise ValueError(f"{kind}[{name!r}]: {len(xs)} x values, but {len(ys)} y values")
            dashed = Look(NEUTRAL.colour, "dashed")
            entry = curve_entry(name, _style(styles, name, dashed)) | {"width": 1.8}
            entry |= {"x": _rounded(xs), "y": _rounded(ys, log)}
            fixed.append(entry | ({"line": "none"} if kind == "points" else {}))
    return fixed


def _spec(
    title: str,
    alt: str,
    x_label: str,
    y_label: str,
    sliders: Sequence[Slider],
    x_range: Range | None,
    y_range: Range | None,
    y_scale: str,
    equal: bool,
) -> dict[str, Any]:
    if y_scale not in ("linear", "log"):
        raise ValueError(f"y_scale: {y_scale!r} is not 'linear' or 'log'")
    for name, given in (("x_range", x_range), ("y_range", y_range)):
        if given is not None and not given[0] < given[1]:
            raise ValueError(f"{name}: {given} is not (low, high) with low < high")
    if y_scale == "log" and y_range is not None and y_range[0] <= 0:
        raise ValueError(f"y_range: {y_range} must be positive on a logarithmic axis")
    return {
        "title": required_text(title, "title", "give the figure a title"),
        "alt": required_alt(alt),
        "xLabel": required_text(x_label, "x_label", "name the axis and its unit"),
        "yLabel": required_text(y_label, "y_label", "name the axis and its unit"),
        "sliders": [slider_entry(slider) for slider in sliders],
        "xRange": None if x_range is None else [float(v) for v in x_range],
        "yRange": None if y_range is None else [float(v) for v in y_range],
        "yScale": y_scale,
        "equal": equal,
    }


def _fill_ranges(spec: dict[str, Any], curves: Sequence[Mapping[str, Any]]) -> None:
    """The ranges of these curves and of those that do not move, where none is given."""
    entries = [*curves, *spec["reference"]]
    for axis in ("x", "y"):
        if spec[f"{axis}Range"] is not None:
            continue
        parts = [np.array(e.get(axis) or spec[axis], dtype=float).reshape(-1) for e in entries]
        values = np.concatenate(parts)
        log = axis == "y" and spec["yScale"] == "log"
        values = values[np.isfinite(values) & ((values > 0) | (not log))]
        if not len(values):
            raise ValueError(f"{axis}_range: no finite value to take it from; give it")
        low, high = float(values.min()), float(values.max())
        moved = axis == "y" or spec["equal"] or low == high
        pad = (0.04 * (high - low) or 0.1 * abs(low) or 1.0) if moved and not log else 0.0
        ends = (low / 1.2, high * 1.2) if log else (low - pad, high + pad)
        spec[f"{axis}Range"] = [float(f"{end:.5g}") for end in ends]


def _picture(spec: dict[str, Any]) -> str:
    """A small static picture of the start, for places where no script runs."""
    start = 0
    for slider in spec["sliders"]:
        start = start * len(slider["values"]) + slider["start"]
    transform = np.log10 if spec["yScale"] == "log" else np.asarray
    lines = []
    for entry in [*spec["reference"], *spec["curves"]]:
        if not entry["y"]:
            continue  # no such point at the start
        moving = isinstance(entry["y"][0], list)
        xs = entry.get("x") or spec["x"]
        xs = np.array(xs[start] if isinstance(xs[0], list) else xs, dtype=float)
        ys = np.array(entry["y"][start] if moving else entry["y"], dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            lines.append(StillCurve(xs, transform(ys), entry["colour"], entry["line"]))
    y_range = [float(transform(end)) for end in spec["yRange"]]
    labels = (spec["xLabel"], spec["yLabel"])
    kind = {"log": spec["yScale"] == "log", "equal": spec["equal"]}
    return still(lines, spec["xRange"], y_range, spec["alt"], labels, **kind)


def _figure(spec: dict[str, Any], simulate: str, picture: str, key: str) -> Widget:
    return framed(
        spec, picture, scripts=("interactive.js",), start="nmMount", rest=simulate, key=key
    )
