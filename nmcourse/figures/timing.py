"""A network that keeps time, in the page: cues, gains and transplants under the reader's hand."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from nmcourse.figures._arrays import same_length, to_numpy
from nmcourse.figures.frame import StillCurve, curve_entry, framed, packed, slider_entry, still
from nmcourse.figures.slider import Slider
from nmcourse.figures.style import GREY, MODELS, TARGET, Look, gain_look
from nmcourse.figures.widget import Widget, required_alt, required_text

#: Scripts that run an NM-RNN in the page.
NM_RNN = ("weights.js", "nm_rnn.js")

_INTERVALS = tuple(range(40, 270, 10))
_MEASURES = tuple(range(50, 210, 10))
_DELAYS = tuple(range(50, 310, 10))
_SCALES = tuple(np.linspace(0, 2, 41))


def interactive_timing(
    arrays: Mapping[str, Any],
    *,
    outputs: Any,
    targets: Any,
    interval: float = 160.0,
    measure: float = 150.0,
    delay: float = 150.0,
    donor: float = 120.0,
    amplitude: float = 10.0,
    title: str,
    alt: str,
    key: str = "",
) -> Widget:
    """An NM-RNN runs a Measure-Wait-Go trial in the page, and the reader interferes with it.

    The reader moves the three pulses, scales each gain, holds gains at their first value, and moves
    gains or state of another trial (the donor) into this one from its wait pulse on. The page shows
    output, gains and latent path.

    Args:
        arrays: The network, as ``nmcourse.analysis.nm_rnn_arrays`` gives it.
        outputs: Output of the trial at the start, shape ``(time,)``, for the static picture; the
            page runs trials of the same length.
        targets: Target of that trial, shape ``(time,)``.
        interval: Interval at the start in ms, a multiple of 10 from 40 to 260.
        measure: Time of the measure pulse in ms, from 50 to 200.
        delay: Time from wait to go in ms, from 50 to 300.
        donor: Interval of the donor in ms.
        amplitude: Height of a pulse.
        title: Title above the figure.
        alt: What the figure shows and what moves, for readers who cannot see it.
        key: Any text that tells this figure from a second one with the very same content.

    Returns:
        A widget that the notebook shows.

    Raises:
        ValueError: If a text is empty, a time is not among those of its slider, the lengths of
            `outputs` and `targets` differ, the network has not one output and three inputs, or the
            trial is too short for the latest pulses.
    """
    y, target = to_numpy(outputs, "outputs", 1), to_numpy(targets, "targets", 1)
    same_length(y, target, ("outputs", "targets"))
    dt = float(arrays["dt"])
    shape = (arrays["readout"].shape[0], arrays["input"].shape[1])
    if shape != (1, 3):
        raise ValueError(f"arrays: needs 1 output and 3 inputs (the pulses), got {shape}")
    longest = _MEASURES[-1] + _DELAYS[-1] + 2 * _INTERVALS[-1]
    if len(y) * dt < longest:
        raise ValueError(f"outputs: {len(y)} steps of {dt:g} ms are too few, needs {longest} ms")
    time = dt * np.arange(len(y))
    looks = _looks(len(arrays["gain_bias"]))
    spec: dict[str, Any] = {
        "title": required_text(title, "title", "give the figure a title"),
        "alt": required_alt(alt),
        "arrays": packed(arrays),
        "task": {"dt": dt, "steps": len(y), "amplitude": float(amplitude)},
        "looks": looks,
        "pairs": [list(pair) for pair in combinations(range(len(looks["gains"])), 2)] or [[0, 0]],
        "sliders": [
            slider_entry(Slider(name, values, start, label, "ms"))
            for name, values, start, label in (
                ("interval", _INTERVALS, interval, "interval"),
                ("measure", _MEASURES, measure, "measure pulse at"),
                ("delay", _DELAYS, delay, "from wait to go"),
                ("donor", _INTERVALS, donor, "donor's interval"),
            )
        ],
        "scales": [
            slider_entry(Slider(f"scale_{k + 1}", _SCALES, 1.0, f"{entry['name']} times"))
            for k, entry in enumerate(looks["gains"])
        ],
    }
    curves = [
        StillCurve(time, target, TARGET.colour, TARGET.line),
        StillCurve(time, y, looks["output"]["colour"]),
    ]
    picture = still(curves, (0.0, time[-1]), (-0.75, 0.85), spec["alt"], ("time (ms)", "output"))
    return framed(spec, picture, scripts=(*NM_RNN, "timing.js"), start="nmTiming", key=key)


def gain_entries(n_gains: int) -> list[dict[str, Any]]:
    """What the page is told of the looks of all gains."""
    looks = [gain_look(k) for k in range(n_gains)]
    return [curve_entry(look.label, look) for look in looks]


def _looks(n_gains: int) -> dict[str, Any]:
    colour = MODELS["nm-rnn"].colour
    return {
        "output": curve_entry("output", Look(colour)),
        "target": curve_entry("target", TARGET),
        "cues": curve_entry("pulses: measure, wait, go", Look(GREY, "dotted")) | {"width": 1.6},
        "path": curve_entry("latent path", Look(colour)),
        "pulses": curve_entry("at a pulse", Look(colour, "none", "D")),
        "gains": gain_entries(n_gains),
    }
