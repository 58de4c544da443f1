"""Moving dots and a network that decides: it runs in the page on films that the reader asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from nmcourse.figures._arrays import same_length, to_numpy
from nmcourse.figures.frame import StillCurve, curve_entry, framed, packed, slider_entry, still
from nmcourse.figures.seeing import CORDSNET
from nmcourse.figures.slider import Slider
from nmcourse.figures.style import GAINS, GREY, STABLE, Look
from nmcourse.figures.widget import Widget, required_alt, required_text

DECIDING = (*CORDSNET, "deciding.js")


class DotPlan(NamedTuple):
    """How films of moving dots are drawn, as in ``nmcourse.tasks.DotMotion``.

    Attributes:
        size: height and width of a picture in pixels.
        n_dots: dots in each frame.
        shift: how far a dot of the signal moves from frame to frame, in pixels.
        radius: of a dot, in pixels.
        before: black frames before the dots.
        frames: of a film, the black ones included.
        dt: time of a frame in ms.
        bound: that the size of the output has to reach for an answer.
    """

    size: int = 16
    n_dots: int = 10
    shift: float = 1.0
    radius: float = 0.7
    before: int = 10
    frames: int = 60
    dt: float = 10.0
    bound: float = 0.5


def interactive_deciding(
    networks: Mapping[str, Mapping[str, Any]],
    *,
    strengths: Sequence[float],
    strength: float,
    shares: Mapping[str, Any],
    fitted_at: Any,
    plan: DotPlan | None = None,
    title: str,
    alt: str,
    key: str = "",
) -> Widget:
    """Networks run in the page, in a worker beside it, on films of moving dots.

    The reader chooses a network and a signed coherence, plays the film, and asks for more films.
    The page draws the output up to the moment that is shown, and counts choices and times.

    Args:
        networks: Name -> arrays of ``nmcourse.analysis.film_network_arrays``.
        strengths: Signed coherences to choose from, -1 to 1.
        strength: The one at the start.
        shares: For the same names, shares of choices to the right at the coherences `fitted_at`:
            a curve that was measured before, to compare with.
        fitted_at: Coherences of these curves, (point,).
        plan: How the films are drawn; that of training if None.
        title: Title above the figure.
        alt: What the figure shows and what moves, for readers who cannot see it.
        key: Any text that tells this figure from a second one with the very same content.

    Returns:
        A widget that the notebook shows.

    Raises:
        ValueError: If there is no network, a text is empty, shapes do not fit, or the start is not
            among the coherences.
    """
    plan = plan or DotPlan()
    if not networks:
        raise ValueError("networks: is empty; give one at least")
    for name, arrays in networks.items():
        n_pixels = plan.size**2
        sees = arrays["eye"]["image_size"] if arrays["eye"] else [plan.size, plan.size]
        reads = n_pixels if arrays["eye"] else arrays["input"].shape[1]
        if list(sees) != [plan.size, plan.size] or reads != n_pixels:
            raise ValueError(f"networks[{name!r}]: does not see {plan.size} x {plan.size} pixels")
    places = to_numpy(fitted_at, "fitted_at", 1)
    if set(shares) != set(networks):
        raise ValueError(f"shares: needs a curve for each of {list(networks)}, got {list(shares)}")
    curves = {name: to_numpy(shares[name], f"shares[{name!r}]", 1) for name in networks}
    for name, curve in curves.items():
        same_length(places, curve, ("fitted_at", f"shares[{name!r}]"))
    times = [plan.dt * k for k in range(1, plan.frames + 1)]
    sliders = [
        Slider("strength", strengths, strength, "coherence, right is positive", ""),
        Slider("moment", times, times[-1], "time in the film", "ms"),
    ]
    looks = {
        "output": curve_entry("output", GAINS[0]) | {"width": 3},
        "bound": curve_entry("bounds", Look(GREY, "dotted")) | {"width": 1.6},
        "now": curve_entry("dots appear", Look(GREY, "dashed")) | {"width": 1.6},
        "mine": curve_entry("your films", Look(STABLE.colour, "none", "o")),
        "fit": curve_entry("fitted before", Look(GREY, "dashed")) | {"width": 1.6},
    }
    spec: dict[str, Any] = {
        "title": required_text(title, "title", "give the figure a title"),
        "alt": required_alt(alt),
        "names": list(networks),
        "networks": [packed(_compact(arrays)) for arrays in networks.values()],
        "plan": plan._asdict(),
        "fits": {
            "strengths": [round(float(v), 4) for v in places],
            "shares": [[round(float(v), 4) for v in curves[name]] for name in networks],
        },
        "looks": looks,
        "sliders": [slider_entry(slider) for slider in sliders],
    }
    lines = [
        StillCurve(100 * places, curve, GAINS[k].colour, GAINS[k].line)
        for k, curve in enumerate(curves.values())
    ]
    axes = ("coherence (% to the right)", "share of choices to the right")
    picture = still(lines, (-85.0, 85.0), (0.0, 1.0), spec["alt"], axes)
    return framed(spec, picture, scripts=DECIDING, start="nmDeciding", key=key)


def _compact(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The two large matrices in half precision, to keep the page light; the rest as it was."""
    large = ("input", "recurrent")
    return {
        name: to_numpy(value, name).astype(np.float16) if name in large else value
        for name, value in arrays.items()
    }
