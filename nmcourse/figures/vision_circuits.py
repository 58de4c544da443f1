"""Drawn circuits of networks that see: a convolution, an area, its twin, noise, a chain of areas.

As in :mod:`nmcourse.figures.circuit`, these are pictures of equations and take no data.
"""

from __future__ import annotations

from matplotlib.axes import Axes

from nmcourse.figures.circuit import Circuit
from nmcourse.figures.model_circuits import Rival, rivals
from nmcourse.figures.style import GAINS, GREY, Look

_RECURRENT, _FORWARD, _SKIP = GAINS[:3]
_WEIGHTS = (GAINS[0], Look(GREY, "dashed"), GAINS[1])  # the three weights of a kernel


def draw_convolution(*, size: int = 6, ax: Axes | None = None) -> Axes:
    """Draw a convolution on a line of pixels: each unit receives from three neighbours.

    Arrows with the same weight have the same colour, so that three numbers are seen to be enough.

    Args:
        size: Number of pixels, from 3 to 8.
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.

    Raises:
        ValueError: If `size` is not from 3 to 8.
    """
    if not 3 <= size <= 8:
        raise ValueError(f"size: {size} pixels cannot be drawn; allowed are 3 to 8")
    circuit = Circuit(1.3 * size + 1.3, 3.9, ax=ax)
    places = [1.7 + 1.3 * k for k in range(size)]
    for k, across in enumerate(places):
        circuit.disc(f"from {k}", (across, 3.3), f"$r_{k}$", size=0.34)
        circuit.disc(f"to {k}", (across, 0.9), look=_RECURRENT, size=0.34)
    for k in range(size):
        for place, look in enumerate(_WEIGHTS):
            if 0 <= k + place - 1 < size:
                circuit.arrow(f"from {k + place - 1}", f"to {k}", look=look)
    circuit.text((0.55, 3.3), "sends")
    circuit.text((0.55, 0.9), "receives")
    middle, width = sum(places) / size, 2.6
    for place, (name, look) in enumerate(zip(("w_{-1}", "w_0", "w_1"), _WEIGHTS, strict=True)):
        start = middle + width * (place - 1) - 0.75
        circuit.arrow((start - 0.35, 0.2), (start + 0.35, 0.2), look=look)
        circuit.text((start + 0.8, 0.2), f"${name}$")
    return circuit.ax


def draw_area(*, ax: Axes | None = None) -> Axes:
    """Draw one area of CordsNet: its input, feed-forward and recurrent convolution, bias, rates.

    Args:
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.
    """
    circuit = Circuit(10.4, 2.6, ax=ax)
    circuit.box("input", (1.3, 1.2), "input $h$\n(maps)", size=(1.9, 1.1))
    circuit.disc("sum", (4.6, 1.2), r"$\Sigma$", _RECURRENT, 0.4)
    circuit.box("rates", (7.4, 1.2), "rates $r$\n(maps)", _RECURRENT, (1.9, 1.1))
    circuit.arrow("input", "sum", "$V *$", _FORWARD)
    circuit.arrow((4.6, 0.15), "sum", "$b$", shift=(0.3, -0.1))
    circuit.arrow("sum", "rates", r"$\phi$", _RECURRENT, shift=(0.0, 0.3))
    circuit.arrow("rates", "sum", "$W *$", _RECURRENT, bend=0.55, shift=(0, 0.3))
    circuit.arrow("rates", (10.0, 1.2))
    circuit.text((9.15, 1.5), "next area")
    return circuit.ax


def draw_twin_area(*, ax: Axes | None = None) -> Axes:
    """Draw one area of the feed-forward twin: two convolutions in a row, each normalised.

    Args:
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.
    """
    circuit = Circuit(13.9, 2.0, ax=ax)
    circuit.box("input", (1.3, 0.8), "input $h$\n(maps)", size=(1.9, 1.1))
    circuit.box("first", (4.9, 0.8), "norm", _FORWARD, (1.3, 0.8))
    circuit.box("second", (7.7, 0.8), "norm", _RECURRENT, (1.3, 0.8))
    circuit.box("activity", (10.5, 0.8), "activity $x$\n(maps)", _RECURRENT, (2.1, 1.1))
    circuit.arrow("input", "first", "$V *$", _FORWARD)
    circuit.arrow("first", "second", "$U *$", _RECURRENT)
    circuit.arrow("second", "activity", r"$\phi$", _RECURRENT)
    circuit.arrow("activity", (13.5, 0.8))
    circuit.text((12.6, 1.1), "next area")
    return circuit.ax


def draw_pair(*, ax: Axes | None = None) -> Axes:
    """Draw two units that excite themselves, inhibit each other and receive an image each.

    Args:
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.
    """
    circuit = Circuit(8.4, 3.0, ax=ax)
    rivals(
        circuit,
        (Rival("r_1", 2.8, 0.7, "a", "-c", GAINS[0]), Rival("r_2", 5.6, 7.7, "a", "-c", GAINS[1])),
        level=1.2,
    )
    return circuit.ax


def draw_noisy_areas(*, ax: Axes | None = None) -> Axes:
    """Draw where noise enters a network of two areas: on the pixels, or as a current into an area.

    Args:
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.
    """
    circuit = Circuit(12.4, 3.4, ax=ax)
    circuit.box("image", (1.0, 1.2), "image", size=(1.4, 0.8))
    circuit.disc("pixels", (3.2, 1.2), "+", size=0.34)
    circuit.arrow("image", "pixels")
    circuit.arrow((3.2, 2.9), "pixels", "noise on\npixels", _SKIP, shift=(0.85, 0.3))
    before = "pixels"
    for k, across in enumerate((5.6, 8.0)):
        name = f"area {k}"
        circuit.box(name, (across, 1.2), f"{name}\n$r_{k}$", _RECURRENT, (1.3, 1.0))
        circuit.loop(name, f"$W_{k}$", _RECURRENT, side=-90, size=0.5, reach=0.4, shift=(-0.6, 0.2))
        circuit.arrow(before, name, look=_FORWARD)
        circuit.arrow((across, 2.9), name, look=_SKIP)
        before = name
    circuit.text((6.8, 2.7), "noise in\nareas")
    circuit.box("readout", (10.6, 1.2), "readout", size=(1.6, 0.8))
    circuit.arrow("area 1", "readout")
    circuit.arrow("readout", (12.2, 1.2), "$y$", shift=(0.3, 0.28))
    return circuit.ax


def draw_cordsnet(*, n_areas: int = 4, ax: Axes | None = None) -> Axes:
    """Draw a CordsNet: image, stem, areas with recurrence, skips, and the readout of the last two.

    Args:
        n_areas: Number of areas, from 2 to 5.
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.

    Raises:
        ValueError: If `n_areas` is not from 2 to 5.
    """
    if not 2 <= n_areas <= 5:
        raise ValueError(f"n_areas: {n_areas} cannot be drawn; allowed are 2 to 5")
    gap, level = 2.2, 2.1
    last = 2.9 + gap * n_areas
    circuit = Circuit(last + 4.6, 3.5, ax=ax)
    circuit.box("image", (0.9, level), "image", size=(1.3, 0.8))
    circuit.box("stem", (2.9, level), "stem", size=(1.3, 0.8))
    circuit.arrow("image", "stem")
    names = ["stem"]
    for k in range(n_areas):
        across = 2.9 + gap * (k + 1)
        circuit.box(f"{k}", (across, level), f"area {k}\n$r_{k}$", _RECURRENT, (1.3, 1.0))
        circuit.loop(
            *(f"{k}", f"$W_{k}$", _RECURRENT),
            side=-90,
            size=0.5,
            reach=0.4,
            shift=(-0.6, 0.25),
        )
        circuit.arrow(names[-1], f"{k}", f"$V_{k}$", _FORWARD)
        names.append(f"{k}")
    for k in range(1, n_areas):  # a skip goes around area k - 1
        start, end = circuit.centre(names[k - 1])[0], circuit.centre(names[k + 1])[0]
        ends = (start + 0.2, level + (0.45 if k == 1 else 0.55)), (end - 0.2, level + 0.55)
        circuit.arrow(*ends, f"$S_{k}$", _SKIP, bend=-0.3, shift=(0, 0.2))
    circuit.box("readout", (last + 2.4, level), "mean and\nreadout", size=(1.8, 1.0))
    circuit.arrow(names[-1], "readout", "$C$")
    circuit.arrow((last - gap + 0.5, level - 0.55), (last + 2.2, level - 0.55), bend=0.55)
    circuit.arrow("readout", (last + 4.4, level), "$y$", shift=(0.4, 0.28))
    return circuit.ax


def draw_eye_then_rates(*, ax: Axes | None = None) -> Axes:
    """Draw an eye of two areas, means over a grid of fields, and a rate network that decides.

    Args:
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.
    """
    circuit, level = Circuit(15.2, 3.6, ax=ax), 1.75
    for k in (2, 1, 0):  # the film: frames behind each other
        circuit.box(f"frame {k}", (1.0 + 0.22 * k, level + 0.22 * k), "", size=(1.1, 1.1))
    circuit.text((1.0, level), "$u$")
    circuit.text((1.1, level - 1.0), "film")
    for k, across in enumerate((3.9, 6.1)):
        circuit.box(f"area {k}", (across, level), f"area {k}\n$r_{k}$", _RECURRENT, (1.3, 1.0))
        circuit.loop(
            *(f"area {k}", f"$W_{k}$", _RECURRENT),
            side=-90,
            size=0.5,
            reach=0.4,
            shift=(-0.6, 0.25),
        )
    circuit.arrow((1.95, level), "area 0", "stem", _FORWARD, shift=(-0.12, 0.28))
    circuit.arrow("area 0", "area 1", "$V_1$", _FORWARD)
    circuit.text((5.0, level + 1.6), "eye")
    for row in range(3):
        for column in range(3):
            at = (8.1 + 0.36 * column, level + 0.36 * (1 - row))
            circuit.box(f"field {row} {column}", at, "", _SKIP, (0.3, 0.3))
    circuit.text((8.46, level + 1.0), "means $z$")
    circuit.arrow("area 1", "field 1 0")
    circuit.arrow((4.2, level + 0.5), (8.1, level + 0.56), bend=-0.2)
    units = circuit.ring("unit", (11.4, level), 6, Look(GREY), 0.95)
    for one, other in ((0, 2), (1, 4), (2, 5), (3, 1), (4, 0), (5, 3)):
        circuit.arrow(units[one], units[other], faint=True)
    circuit.arrow("field 1 2", (10.3, level), "$B$")
    circuit.text((11.4, level + 1.4), "rates $q$")
    circuit.arrow((12.5, level), (14.3, level), "$C$")
    circuit.text((14.7, level), "$y$")
    return circuit.ax
