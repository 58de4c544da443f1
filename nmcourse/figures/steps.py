"""Where Euler's steps are stable: eigenvalues, the disc of the step, and the end of silence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nmcourse.figures._arrays import complex_to_numpy
from nmcourse.figures.frame import StillCurve, curve_entry, framed, packed, slider_entry, still
from nmcourse.figures.slider import Slider
from nmcourse.figures.style import GREY, INTERVALS, STABLE, UNSTABLE, Look
from nmcourse.figures.widget import Widget, required_alt, required_text

STEPS = ("weights.js", "steps.js")


def interactive_steps(
    eigenvalues: Any,
    *,
    gains: Sequence[float],
    gain: float,
    dts: Sequence[float] = (0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15),
    dt: float = 2.0,
    tau: float = 10.0,
    title: str,
    alt: str,
    key: str = "",
) -> Widget:
    """Eigenvalues under a gain, the disc in which Euler's steps die out, and where silence ends.

    Three pictures: the eigenvalues of g W with the line of the equation and the disc of the steps;
    the factors 1 - alpha + alpha g lambda with the unit circle; and the gain at which silence ends
    against the step dt, with a mark to drag.

    Args:
        eigenvalues: Eigenvalues of W, complex, any shape.
        gains: Values of the gain g.
        gain: Gain at the start.
        dts: Values of Euler's step in ms, each above 0 and below 2 `tau`.
        dt: Step at the start in ms.
        tau: Time constant in ms.
        title: Title above the figure.
        alt: What the figure shows and what moves, for readers who cannot see it.
        key: Any text that tells this figure from a second one with the very same content.

    Returns:
        A widget that the notebook shows.

    Raises:
        ValueError: If a text is empty, a step is out of range, or a start is not among its values.
    """
    values = complex_to_numpy(eigenvalues, "eigenvalues")
    sliders = [Slider("gain", gains, gain, "gain g"), Slider("dt", dts, dt, "step dt", "ms")]
    if not tau > 0:
        raise ValueError(f"tau: {tau} is not above 0 ms")
    for step in sliders[1].values:
        if not 0 < step < 2 * tau:
            raise ValueError(f"dts: {step:g} ms is not between 0 and 2 tau = {2 * tau:g} ms")
    reach = max(1.3, 1.1 * max(sliders[0].values) * float(np.abs(values).max()))
    low, high = min(sliders[0].values), max(sliders[0].values)
    spec: dict[str, Any] = {
        "title": required_text(title, "title", "give the figure a title"),
        "alt": required_alt(alt),
        "modes": packed({"re": values.real, "im": values.imag}),
        "tau": float(tau),
        "dts": list(sliders[1].values),
        "gainRange": [low - 0.06 * (high - low), high + 0.06 * (high - low)],
        "plane": [-reach, reach],
        "looks": {
            "inside": curve_entry("dies out with steps", Look(STABLE.colour, "none", "o")),
            "outside": curve_entry("grows with steps", Look(UNSTABLE.colour, "none", "x")),
            "line": curve_entry("equation: real part 1", Look(GREY, "dashed")) | {"width": 1.6},
            "disc": curve_entry("steps: disc of radius 1/α", INTERVALS["trained"]),
            "unit": curve_entry("unit circle", INTERVALS["trained"]),
            "steps": curve_entry("with steps", INTERVALS["trained"]),
            "equation": curve_entry("by the equation", Look(GREY, "dashed")) | {"width": 1.6},
            "now": curve_entry("dt and g now", Look(UNSTABLE.colour, "none", "D")),
        },
        "sliders": [slider_entry(slider) for slider in sliders],
    }
    turn, radius = np.linspace(-np.pi, np.pi, 2001), tau / dt
    disc = 1 - radius + radius * np.exp(1j * turn)
    disc[(np.abs(disc.real) > 2 * reach) | (np.abs(disc.imag) > reach)] = np.nan
    curves = [
        StillCurve(np.ones(2), np.array([-reach, reach]), GREY, "dashed"),
        StillCurve(disc.real, disc.imag, INTERVALS["trained"].colour),
        StillCurve(gain * values.real, gain * values.imag, STABLE.colour, "none"),
    ]
    labels = ("real part of g λ", "imaginary part")
    picture = still(
        curves, (-2 * reach, 2 * reach), (-reach, reach), spec["alt"], labels, equal=True
    )
    return framed(spec, picture, scripts=STEPS, start="nmSteps", key=key)
