"""Two images mixed: a CordsNet sees w A + (1 - w) B in the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nmcourse.figures._arrays import same_length, to_numpy
from nmcourse.figures.frame import StillCurve, curve_entry, framed, packed, slider_entry, still
from nmcourse.figures.seeing import CORDSNET, REST_MS, grey_images
from nmcourse.figures.slider import Slider
from nmcourse.figures.style import GAINS, GREY, Look
from nmcourse.figures.widget import Widget, required_alt, required_text

MIXTURE = (*CORDSNET, "mixture.js")
#: Parts of the first image that the reader can choose.
PARTS = tuple(round(0.05 * k, 2) for k in range(21))


def interactive_mixture(
    arrays: Mapping[str, Any],
    *,
    images: Any,
    labels: Sequence[int],
    shares: Any,
    pair: tuple[int, int] = (0, 1),
    part: float = 0.5,
    trained: float = 200.0,
    title: str,
    alt: str,
    key: str = "",
) -> Widget:
    """A CordsNet runs in the page, in a worker beside it, on mixtures of two images.

    The reader chooses two images, the part w of the first one, for how long the mixture is shown,
    and what is shown before it. The page draws the outputs over time, and for every w the shares
    (softmax of the outputs) of both digits when the image goes.

    Args:
        arrays: The network, as ``nmcourse.analysis.cordsnet_arrays`` gives it; one grey channel.
        images: Images to choose from, shape ``(image, height, width)`` or
            ``(image, 1, height, width)``, brightness 0 to 1.
        labels: The digit in each image.
        shares: Shares of both digits of `pair` for each w of ``PARTS``, shape ``(2, 21)``, for
            the static picture.
        pair: Places in `images` of the two that are mixed at the start.
        part: Part w of the first one at the start, one of ``PARTS``.
        trained: For how long the mixture is shown at the start, in ms.
        title: Title above the figure.
        alt: What the figure shows and what moves, for readers who cannot see it.
        key: Any text that tells this figure from a second one with the very same content.

    Returns:
        A widget that the notebook shows.

    Raises:
        ValueError: If a text is empty, shapes do not fit the network, or a start is not there.
    """
    pixels = grey_images(arrays, images)
    same_length(pixels, to_numpy(labels, "labels", 1), ("images", "labels"))
    table = to_numpy(shares, "shares", 2)
    if table.shape != (2, len(PARTS)):
        raise ValueError(f"shares: needs shape {(2, len(PARTS))}, got {table.shape}")
    for place in pair:
        if not 0 <= place < len(pixels):
            raise ValueError(f"pair: {place} is not one of the {len(pixels)} images, from 0 on")
    shown = [trained * share for share in (0.25, 0.5, 1, 2)]
    sliders = [
        Slider("part", PARTS, part, "part w of the first image"),
        Slider("shown", shown, trained, "mixture stays for", "ms"),
    ]
    looks = {
        "first": curve_entry("digit of the first image", Look(GAINS[0].colour)) | {"width": 3},
        "second": curve_entry("digit of the second", Look(GAINS[1].colour, "dashed")),
        "other": curve_entry("other digits", Look(GREY)) | {"width": 1.1},
        "rest": curve_entry("all other digits", Look(GREY, "dotted")) | {"width": 1.6},
        "now": curve_entry("w now", Look(GREY, "dashed")) | {"width": 1.6},
    }
    spec: dict[str, Any] = {
        "title": required_text(title, "title", "give the figure a title"),
        "alt": required_alt(alt),
        "arrays": packed(arrays),
        "examples": packed({"images": pixels.astype(np.float32)})["images"],
        "labels": [int(label) for label in labels],
        "labelNames": [str(k) for k in range(len(arrays["readout_bias"]))],
        "pair": [int(place) for place in pair],
        "before": REST_MS,
        "dt": float(arrays["dt"]),
        "looks": looks,
        "sliders": [slider_entry(slider) for slider in sliders],
    }
    curves = [
        StillCurve(np.array(PARTS), row, str(looks[name]["colour"]), str(looks[name]["line"]))
        for name, row in zip(("first", "second"), table, strict=True)
    ]
    axes = ("part w of the first image", "share of the outputs")
    picture = still(curves, (0.0, 1.0), (0.0, 1.0), spec["alt"], axes)
    return framed(spec, picture, scripts=MIXTURE, start="nmMixture", key=key)
