"""Element Finder in the page: a network receives a list step by step, and the reader changes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nmcourse.figures._arrays import to_numpy
from nmcourse.figures.frame import StillCurve, curve_entry, framed, packed, slider_entry, still
from nmcourse.figures.slider import Slider
from nmcourse.figures.style import GREY, MODELS, TARGET, Look
from nmcourse.figures.timing import NM_RNN, gain_entries
from nmcourse.figures.widget import Widget, required_alt, required_text


def interactive_elements(
    arrays: Mapping[str, Any],
    *,
    elements: Sequence[int],
    query: int,
    outputs: Any,
    course: Mapping[int, Mapping[str, Any]] | None = None,
    low: int = -10,
    high: int = 10,
    seed: int = 0,
    title: str,
    alt: str,
    key: str = "",
) -> Widget:
    """An NM-RNN finds an element in the page; the reader asks, steps, and changes the list.

    Args:
        arrays: The network, as ``nmcourse.analysis.nm_rnn_arrays`` gives it; one input, one output.
        elements: The list at the start.
        query: The place asked for at the start, counted from 0.
        outputs: Output of that trial, shape ``(time,)``, one step more than elements, for the
            static picture.
        course: The network at earlier stages of its training, number of training steps -> arrays,
            and at the last the same as `arrays`; the reader then moves through the training, too.
        low: Smallest element that the reader may put into the list.
        high: Largest element.
        seed: Of the other lists.
        title: Title above the figure.
        alt: What the figure shows and what moves, for readers who cannot see it.
        key: Any text that tells this figure from a second one with the very same content.

    Returns:
        A widget that the notebook shows.

    Raises:
        ValueError: If a text is empty, shapes do not fit, or the query is outside the list.
    """
    shape = (arrays["readout"].shape[0], arrays["input"].shape[1])
    if shape != (1, 1):
        raise ValueError(f"arrays: needs 1 output and 1 input (the number), got {shape}")
    y, numbers = to_numpy(outputs, "outputs", 1), [int(v) for v in elements]
    if len(y) != len(numbers) + 1:
        raise ValueError(f"outputs: {len(y)} steps, but {len(numbers)} elements need one more")
    steps, places = range(len(y)), range(len(numbers))
    colour = MODELS["nm-rnn"].colour
    sliders = {
        "step": Slider("step", list(steps), 0, "step"),
        "query": Slider("query", list(places), query, "query q"),
        "value": Slider("value", list(range(low, high + 1)), high, "number to put at this step"),
    }
    stages = dict(course or {})
    for trained, stage in stages.items():
        for name, array in arrays.items():
            found = np.shape(stage[name]) if name in stage else None
            if found != np.shape(array):
                raise ValueError(f"course[{trained}]: {name!r} is {found}, not {np.shape(array)}")
    if stages:
        sliders["trained"] = Slider("trained", [*stages], [*stages][-1], "training steps")
    spec: dict[str, Any] = {
        "title": required_text(title, "title", "give the figure a title"),
        "alt": required_alt(alt),
        "arrays": packed(arrays),
        "course": [packed(stage) for stage in stages.values()],
        "elements": numbers,
        "low": low,
        "high": high,
        "seed": seed,
        "sliders": {name: slider_entry(slider) for name, slider in sliders.items()},
        "looks": {
            "output": curve_entry("output", Look(colour)),
            "asked": curve_entry("asked element", TARGET),
            "now": curve_entry("this step", Look(GREY, "dotted")) | {"width": 1.6},
            "gains": gain_entries(len(arrays["gain_bias"])),
        },
    }
    asked = np.full(2, float(numbers[query]))
    curves = [
        StillCurve(np.array([0.0, len(numbers)]), asked, TARGET.colour, TARGET.line),
        StillCurve(np.arange(len(y), dtype=float), y, colour),
    ]
    span = (1.25 * low, 1.25 * high)
    picture = still(curves, (0.0, len(numbers)), span, spec["alt"], ("step", "output"))
    return framed(spec, picture, scripts=(*NM_RNN, "elements.js"), start="nmElements", key=key)
