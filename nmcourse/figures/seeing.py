"""Draw a digit and watch a CordsNet see it: the network runs in the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nmcourse.figures._arrays import Array, same_length, to_numpy
from nmcourse.figures.areas import area_look
from nmcourse.figures.frame import StillCurve, curve_entry, framed, packed, slider_entry, still
from nmcourse.figures.slider import Slider
from nmcourse.figures.style import GAINS, GREY, Look
from nmcourse.figures.widget import Widget, required_alt, required_text

#: Scripts that run a CordsNet in the page.
CORDSNET = ("weights.js", "cordsnet.js", "heat.js", "worker.js")
SEEING = (*CORDSNET, "pad.js", "seeing.js")
REST_MS = 200.0  # of blank before an image, as in the trials of the package

_DT = (0.5, 1.0, 2.0, 4.0, 5.0, 8.0, 10.0)
_BLANK = (0.0, 50.0, 100.0, 200.0, 300.0, 400.0, 600.0, 800.0)
_NOISE = tuple(np.linspace(0, 1, 21))


def interactive_seeing(
    arrays: Mapping[str, Any],
    *,
    images: Any,
    labels: Sequence[int],
    outputs: Any,
    trained: float = 200.0,
    blank: float = 200.0,
    margin: float = 0.0,
    pen: float = 0.09,
    title: str,
    alt: str,
    key: str = "",
) -> Widget:
    """A CordsNet runs in the page on what the reader draws, in a worker beside the page.

    The reader draws a digit or chooses one of the images, sets how long it is shown and how long
    the screen is blank afterwards, adds noise, and changes dt. The page shows the outputs, the mean
    activity of each area, and the maps of each area at any moment.

    Args:
        arrays: The network, as ``nmcourse.analysis.cordsnet_arrays`` gives it; one grey channel.
        images: Images to choose from, shape ``(image, height, width)`` or
            ``(image, 1, height, width)``, brightness 0 to 1; the first one is shown at the start.
        labels: The digit in each image.
        outputs: Outputs of the trial with the first image, shape ``(time, class)``, for the static
            picture.
        trained: For how long images were shown in training, in ms.
        blank: Time without an image after it, at the start, in ms.
        margin: Empty border of the images, as a share of their width; a drawing gets the same.
        pen: Half the width of the pen, as a share of the width of an image.
        title: Title above the figure.
        alt: What the figure shows and what moves, for readers who cannot see it.
        key: Any text that tells this figure from a second one with the very same content.

    Returns:
        A widget that the notebook shows.

    Raises:
        ValueError: If a text is empty, shapes do not fit the network, or `trained`, `blank` or dt
            are not among the values of their sliders.
    """
    pixels = grey_images(arrays, images)
    same_length(pixels, to_numpy(labels, "labels", 1), ("images", "labels"))
    y = to_numpy(outputs, "outputs", 2)
    n_classes, n_areas = len(arrays["readout_bias"]), len(arrays["areas"])
    if y.shape[1] != n_classes:
        raise ValueError(f"outputs: shape {y.shape}, but the network has {n_classes} classes")
    shown = sorted({trained * share for share in (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5)})
    values = (
        ("shown", shown, trained, "image stays for", "ms"),
        (
            "after",
            sorted({0.0, 50.0, 100.0, 200.0, 300.0, 400.0, 600.0, 800.0}),
            blank,
            "blank after it",
            "ms",
        ),
        ("noise", _NOISE, 0.0, "noise in every pixel", ""),
        ("dt", _DT, float(arrays["dt"]), "step dt", "ms"),
        ("moment", tuple(range(0, 105, 5)), 50, "maps at", "% of the trial"),
    )
    spec: dict[str, Any] = {
        "title": required_text(title, "title", "give the figure a title"),
        "alt": required_alt(alt),
        "arrays": packed(arrays),
        "examples": packed({"images": pixels.astype(np.float32)})["images"],
        "labels": [int(label) for label in labels],
        "labelNames": [str(k) for k in range(n_classes)],
        "before": REST_MS,
        "trained": float(trained),
        "margin": float(margin),
        "pen": float(pen),
        "looks": _looks(n_areas),
        "sliders": [slider_entry(Slider(*entry)) for entry in values],
    }
    time = float(arrays["dt"]) * np.arange(len(y))
    best = int(y[min(len(y) - 1, round(trained / float(arrays["dt"])))].argmax())
    order = [k for k in range(n_classes) if k != best] + [best]
    curves = [StillCurve(time, y[:, k], GAINS[0].colour if k == best else GREY) for k in order]
    axes = ("time from image onset (ms)", "output")
    span = (float(y.min()), float(y.max()))
    picture = still(curves, (0.0, time[-1]), span, spec["alt"], axes)
    return framed(spec, picture, scripts=SEEING, start="nmSeeing", key=key)


def grey_images(arrays: Mapping[str, Any], images: Any) -> Array:
    """Images as (image, height, width), if they fit the network.

    Raises:
        ValueError: If they do not.
    """
    pixels = to_numpy(images, "images", (3, 4))
    height, width = arrays["image_size"]
    if arrays["channels"] != 1 or (pixels.ndim == 4 and pixels.shape[1] != 1):
        raise ValueError(
            f"images: shape {pixels.shape}, and the network has {arrays['channels']} channels; "
            "both must have one, as grey images have"
        )
    if not len(pixels) or pixels.shape[-2:] != (height, width):
        raise ValueError(f"images: shape {pixels.shape}, but the network sees {height} x {width}")
    return pixels.reshape(-1, height, width)


def _looks(n_areas: int) -> dict[str, Any]:
    return {
        "best": curve_entry("the answer", Look(GAINS[0].colour)) | {"width": 3},
        "second": curve_entry("next", Look(GAINS[1].colour, "dashed")),
        "other": curve_entry("other digits", Look(GREY)) | {"width": 1.1},
        "trained": curve_entry("end of the trained time", Look(GREY, "dotted")) | {"width": 1.6},
        "off": curve_entry("image goes", Look(GREY, "dashed")) | {"width": 1.6},
        "areas": [curve_entry(f"area {k}", area_look(k, n_areas)) for k in range(n_areas)],
    }
