"""The frame of a figure that responds: what stands there without JavaScript, and what starts it."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmcourse.figures._arrays import to_numpy
from nmcourse.figures.slider import Slider
from nmcourse.figures.style import Look
from nmcourse.figures.widget import Widget, assemble, identifier, to_script

#: Scripts that every framed figure uses, in the order they build on each other.
FRAME = ("mount.js", "arithmetic.js", "drawing.js", "frame.js")

_DASHES = {"solid": "none", "dashed": "9 5", "dotted": "2 4", "dashdot": "9 4 2 4"}


class StillCurve(NamedTuple):
    """A curve of the static picture: places in data units and its look."""

    x: NDArray[np.floating[Any]]
    y: NDArray[np.floating[Any]]
    colour: str
    line: str = "solid"


def framed(
    spec: dict[str, Any],
    picture: str,
    *,
    scripts: Sequence[str],
    start: str,
    rest: str = "",
    key: str = "",
) -> Widget:
    """A figure that responds, with a picture and a text in its place where no script runs.

    Args:
        spec: What the script is given; ``"title"`` and ``"alt"`` are in it.
        picture: SVG or images of the start.
        scripts: Names of the scripts after those of the frame.
        start: Name of the JavaScript function that starts it; it is called with id and `spec`.
        rest: JavaScript of a third argument.
        key: Any text that tells this figure from a second one with the very same content.

    Returns:
        The widget.
    """
    title, alt = spec["title"], spec["alt"]
    name = identifier(json.dumps(spec, sort_keys=True), start, rest, key)
    body = (
        f'<div class="nm-fallback">\n{picture}<p><strong>{html.escape(title)}.</strong> '
        f"{html.escape(alt)}</p>\n"
        "<noscript><p>The controls of this figure need JavaScript.</p></noscript>\n</div>"
    )
    third = f", {rest}" if rest else ""
    return assemble(
        id=name,
        kind="nm-interactive",
        label=title,
        body=body,
        scripts=(*FRAME, *scripts),
        call=f'{start}("{name}", {to_script(spec)}{third});',
        text=f"[figure that responds: {title}. {alt}]",
    )


def still(
    curves: Sequence[StillCurve],
    x_range: Sequence[float],
    y_range: Sequence[float],
    alt: str,
    labels: tuple[str, str],
    *,
    log: bool = False,
    equal: bool = False,
) -> str:
    """A small static picture of curves, as SVG; a place that is not finite is left out.

    Args:
        curves: The curves. On a logarithmic axis `y` holds logarithms of base 10.
        x_range: Ends of the horizontal axis.
        y_range: Ends of the vertical axis.
        alt: What the picture shows.
        labels: Names of the horizontal and of the vertical axis.
        log: Whether the vertical axis is logarithmic.
        equal: Whether one unit has the same length on both axes.

    Returns:
        The SVG.
    """
    (x0, x1), (y0, y1) = x_range, y_range
    wide, high = x1 - x0 or 1.0, y1 - y0 or 1.0
    across_all, up_all = 600.0, 300.0
    if equal:
        scale = min(across_all / wide, up_all / high)
        across_all, up_all = wide * scale, high * scale
    lines = []
    for curve in curves:
        across, up = across_all * (curve.x - x0) / wide, up_all * (y1 - curve.y) / high
        runs = _runs(across, up)
        if curve.line == "none":  # points, not joined
            dots = "".join(f"M{a:.0f} {b:.0f}h0" for run in runs for a, b in run)
            lines.append(
                f'<path d="{dots}" stroke="{curve.colour}" stroke-width="7" '
                'stroke-linecap="round"/>'
            )
            continue
        for run in runs:
            places = " ".join(f"{a:.0f},{b:.0f}" for a, b in run)
            lines.append(
                f'<polyline points="{places}" fill="none" stroke="{curve.colour}" '
                f'stroke-width="3" stroke-dasharray="{_DASHES[curve.line]}"/>'
            )
    return (
        f'<svg viewBox="-70 -34 690 396" role="img" aria-label="{html.escape(alt)}">'
        f'<path d="M0 0V{up_all:.0f}H{across_all:.0f}" fill="none" stroke="currentColor"/>'
        f'<svg width="{across_all:.0f}" height="{up_all:.0f}" overflow="hidden">'
        f'{"".join(lines)}</svg><g fill="currentColor" font-size="16">'
        f"{_axis_texts(x_range, y_range, labels, (across_all, up_all), log)}</g></svg>\n"
    )


def _runs(
    across: NDArray[np.floating[Any]], up: NDArray[np.floating[Any]]
) -> list[list[tuple[float, float]]]:
    """Places (x, y) between the gaps; what lies far outside is brought near, a short text."""
    runs: list[list[tuple[float, float]]] = [[]]
    for a, b in zip(across, up, strict=True):
        if np.isfinite(a) and np.isfinite(b):
            runs[-1].append((min(max(a, -2000), 2000), min(max(b, -2000), 2000)))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _axis_texts(
    x_range: Sequence[float],
    y_range: Sequence[float],
    labels: tuple[str, str],
    size: tuple[float, float],
    log: bool,
) -> str:
    """Both ends of both axes in numbers, and their names; `size` is that of the plot."""

    def number(value: float) -> str:
        return f"{float(f'{value:.3g}'):g}".replace("-", "\u2212")

    right, low = size
    (x0, x1), (y0, y1) = x_range, [10**end for end in y_range] if log else y_range
    texts = (
        (0, low + 20, "middle", number(x0)),
        (right, low + 20, "middle", number(x1)),
        (-8, low + 5, "end", number(y0)),
        (-8, 6, "end", number(y1)),
        (right / 2, low + 46, "middle", labels[0]),
        (-66, -16, "start", labels[1]),
    )
    return "".join(
        f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{html.escape(text)}</text>'
        for x, y, anchor, text in texts
    )


def slider_entry(slider: Slider) -> dict[str, Any]:
    """What the page is told of a slider."""
    return {
        "name": slider.name,
        "label": slider.label,
        "values": list(slider.values),
        "texts": [slider.text(k) for k in range(len(slider.values))],
        "start": slider.start_index,
    }


def curve_entry(name: str, style: Look) -> dict[str, Any]:
    """What the page is told of a curve's look."""
    return {
        "name": name,
        "colour": style.colour,
        "line": style.line,
        "marker": style.marker or "o",
        "filled": style.filled,
    }


def packed(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays and numbers for ``weights.js``: as many bits as they have, none lost.

    Args:
        arrays: For each name an array, a tensor, a number, a text or None, or a list or mapping of
            such.

    Returns:
        The same with arrays as ``{"shape", "type", "data"}``, little-endian and in base64.
    """
    return {name: _packed(value, name) for name, value in arrays.items()}


def _packed(value: Any, name: str) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {key: _packed(entry, f"{name}[{key!r}]") for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_packed(entry, f"{name}[{place}]") for place, entry in enumerate(value)]
    precision = str(getattr(value, "dtype", "")).removeprefix("torch.")
    kind = {"float16": "f2", "float32": "f4"}.get(precision, "f8")
    array = to_numpy(value, name)
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: holds values that are not finite")
    data = array.astype(f"<{kind}").tobytes()
    return {
        "shape": list(array.shape),
        "type": kind,
        "data": base64.b64encode(data).decode(),
    }
