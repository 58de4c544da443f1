"""Stored gains of one task swapped into a trial of another, in the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nmcourse.figures._arrays import to_numpy
from nmcourse.figures.frame import StillCurve, curve_entry, framed, packed, slider_entry, still
from nmcourse.figures.slider import Slider
from nmcourse.figures.style import GAINS, GREY, MODELS, Look
from nmcourse.figures.timing import NM_RNN, gain_entries
from nmcourse.figures.widget import Widget, required_alt, required_text


def interactive_stored_gains(
    arrays: Mapping[str, Any],
    *,
    tasks: Sequence[str],
    angles: Any,
    inputs: Any,
    gains: Any,
    outputs: Any,
    swap: float,
    start: tuple[int, int] = (0, 1),
    title: str,
    alt: str,
    key: str = "",
) -> Widget:
    """An output network under stored gains; from a moment on, those of another task.

    Args:
        arrays: The network, as ``nmcourse.analysis.nm_rnn_arrays`` gives it, with three outputs
            (fixation, sine, cosine). Its modulator has no part in the figure.
        tasks: Names of the tasks.
        angles: Stimulus angles in degrees, shape ``(angle,)``.
        inputs: Of a trial of each task with each angle, shape ``(task, angle, time, input)``.
        gains: Stored gains of those trials, shape ``(task, angle, time, K)``.
        outputs: Outputs of the trial at the start, shape ``(time, 3)``, for the static picture.
        swap: When the gains are swapped at first, in ms, a multiple of five steps.
        start: Places in `tasks` of the trial and of the swapped gains at the start.
        title: Title above the figure.
        alt: What the figure shows and what moves, for readers who cannot see it.
        key: Any text that tells this figure from a second one with the very same content.

    Returns:
        A widget that the notebook shows.

    Raises:
        ValueError: If a text is empty or shapes do not fit.
    """
    u, s = to_numpy(inputs, "inputs", 4), to_numpy(gains, "gains", 4)
    n_inputs = arrays["input"].shape[1]
    degrees = to_numpy(angles, "angles", 1).tolist()
    trial = (len(tasks), len(degrees))
    for name, table, last in (("inputs", u, n_inputs), ("gains", s, len(arrays["gain_bias"]))):
        if table.shape != (*trial, u.shape[2], last):
            raise ValueError(f"{name}: needs shape {(*trial, u.shape[2], last)}, got {table.shape}")
    y, dt = to_numpy(outputs, "outputs", 2), float(arrays["dt"])
    if y.shape != (u.shape[2], 3) or arrays["readout"].shape[0] != 3:
        raise ValueError(f"outputs: needs shape {(u.shape[2], 3)}, got {y.shape}")
    swaps = [dt * step for step in range(0, u.shape[2] + 1, 5)]
    sliders = {
        "angle": Slider("angle", degrees, degrees[0], "stimulus angle", "°"),
        "swap": Slider("swap", swaps, swap, "swapped at", "ms"),
    }
    styles = [Look(GREY), Look(MODELS["nm-rnn"].colour), Look(GAINS[1].colour, "dashed")]
    names = ("fixation", "sin", "cos")
    colour = MODELS["nm-rnn"].colour
    spec: dict[str, Any] = {
        "title": required_text(title, "title", "give the figure a title"),
        "alt": required_alt(alt),
        "arrays": packed(arrays),
        "noModulatorInput": packed({"zero": np.zeros((len(arrays["z0"]), n_inputs))})["zero"],
        "inputs": packed({"inputs": u.astype(np.float32)})["inputs"],
        "gains": packed({"gains": s.astype(np.float32)})["gains"],
        "names": [str(task) for task in tasks],
        "start": list(start),
        "sliders": {name: slider_entry(slider) for name, slider in sliders.items()},
        "looks": {
            "outputs": [curve_entry(name, look) for name, look in zip(names, styles, strict=True)],
            "gains": gain_entries(s.shape[-1]),
            "swap": curve_entry("swap: drag it", Look(GREY, "dotted")),
            "path": curve_entry("path of the answer", Look(colour)),
            "ring": curve_entry("circle", Look(GREY, "dotted")) | {"width": 1.2},
            "stimulus": curve_entry("stimulus", Look(GAINS[1].colour, "none", "s")),
            "end": curve_entry("answer at the end", Look(colour, "none", "D")),
        },
    }
    time = dt * np.arange(len(y))
    curves = [StillCurve(time, y[:, k], look.colour, look.line) for k, look in enumerate(styles)]
    picture = still(curves, (0.0, time[-1]), (-1.5, 1.5), spec["alt"], ("time (ms)", "output"))
    return framed(
        spec, picture, scripts=(*NM_RNN, "stored_gains.js"), start="nmStoredGains", key=key
    )
