"""What a sample of networks can exclude, with sliders."""

from __future__ import annotations

from typing import Any

import numpy as np

from nmcourse.figures.interactive import interactive_simulation
from nmcourse.figures.slider import Slider
from nmcourse.figures.style import GAINS, STABLE, TARGET, Look
from nmcourse.figures.widget import Widget, asset

_SHARES = (1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 40, 50)
_SIZES = (*range(1, 21), 25, 30, 40, 50, 60, 80, 100)


def power_calculator(
    *, n: int = 10, share: float = 10.0, doubt: float = 5.0, title: str, alt: str, key: str = ""
) -> Widget:
    """The probability that none of n networks is of a kind, (1 - p)^n, against the true share p.

    The reader sets the number of networks, a true share, and the doubt that is allowed. Below the
    figure stand the probability, the largest share that such a sample leaves possible, and the
    number of networks that the share would need.

    Args:
        n: Number of networks at the start, from 1 to 20, or 25, 30, 40, 50, 60, 80 or 100.
        share: True share at the start in percent, one of 1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 40
            and 50.
        doubt: Probability in percent that is too small to believe in: 1, 2, 5, 10 or 20.
        title: Title above the figure.
        alt: What the figure shows and what moves, for readers who cannot see it.
        key: Any text that tells this figure from a second one with the very same content.

    Returns:
        A widget that the notebook shows.

    Raises:
        ValueError: If a text is empty or a value is not among those of its slider.
    """
    return interactive_simulation(
        f"{asset('power.js')}\nreturn nmPowerCurves(p, nm);",
        sliders=[
            Slider("n", _SIZES, n, "networks n"),
            Slider("share", _SHARES, share, "true share p", "%"),
            Slider("doubt", (1, 2, 5, 10, 20), doubt, "doubt", "%"),
        ],
        curves={
            "none of n": GAINS[0],
            "doubt": TARGET,
            "chosen share": Look(GAINS[1].colour, "none", "o", "chosen share"),
            "largest share left": Look(STABLE.colour, "none", "D", "largest share left"),
        },
        title=title,
        alt=alt,
        python=_curves,
        x_label="true share of the kind (%)",
        y_label="samples with none of it (%)",
        x_range=(0.0, 60.0),
        y_range=(0.0, 100.0),
        key=key,
    )


def _curves(n: float, share: float, doubt: float) -> dict[str, tuple[Any, Any]]:
    """The curves of one setting: name to places (share, probability), both in percent."""
    shares = np.linspace(0, 60, 121)
    return {
        "none of n": (shares, 100 * (1 - shares / 100) ** n),
        "doubt": ([0.0, 60.0], [doubt, doubt]),
        "chosen share": ([share], [100 * (1 - share / 100) ** n]),
        "largest share left": ([100 * (1 - (doubt / 100) ** (1 / n))], [doubt]),
    }
