"""Drawn circuits: four families of networks that differ in what connects their units."""

from __future__ import annotations

from itertools import permutations

from matplotlib.axes import Axes

from nmcourse.figures.circuit import Circuit
from nmcourse.figures.style import GAINS, MODELS, NEUTRAL

_WIDE, _HIGH = 3.6, 4.0  # of one panel
_SPARSE = ((0, 2), (1, 4), (2, 5), (3, 1), (4, 0), (5, 3))
_CONV = GAINS[0]


def draw_families(*, ax: Axes | None = None) -> Axes:
    """Draw the connections of a dense, a sparse, a low-rank and a convolutional network.

    Args:
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.
    """
    circuit = Circuit(4 * _WIDE, _HIGH, ax=ax)
    for place, (name, draw) in enumerate(
        (("dense", _dense), ("sparse", _sparse), ("low-rank", _low_rank), ("conv", _conv))
    ):
        centre = _WIDE * (place + 0.5)
        circuit.text((centre, _HIGH - 0.3), name)
        draw(circuit, name, centre)
    return circuit.ax


def _dense(circuit: Circuit, name: str, x: float) -> None:
    units = circuit.ring(name, (x, 1.7), 6, MODELS["vanilla"], 1.15)
    for one, other in permutations(units, 2):
        circuit.arrow(one, other, look=NEUTRAL, faint=True)


def _sparse(circuit: Circuit, name: str, x: float) -> None:
    units = circuit.ring(name, (x, 1.7), 6, MODELS["vanilla"], 1.15)
    for one, other in _SPARSE:
        circuit.arrow(units[one], units[other], look=NEUTRAL)


def _low_rank(circuit: Circuit, name: str, x: float) -> None:
    units = circuit.ring(name, (x, 1.7), 6, MODELS["low-rank"], 1.25)
    circuit.disc(f"{name} sum", (x, 1.7), r"$\kappa$", GAINS[1])
    for unit in units:
        circuit.arrow(unit, f"{name} sum", look=NEUTRAL, bend=0.3)
        circuit.arrow(f"{name} sum", unit, look=NEUTRAL, bend=0.3)


def _conv(circuit: Circuit, name: str, x: float) -> None:
    """A map of three by three; the unit in the middle gets the nine weights of the kernel."""
    for row in range(3):
        for column in range(3):
            at = (x + 1.1 * (column - 1), 1.7 + 1.1 * (row - 1))
            circuit.disc(f"{name} {row} {column}", at, "", _CONV, 0.3)
    for row in range(3):
        for column in range(3):
            if (row, column) != (1, 1):
                circuit.arrow(f"{name} {row} {column}", f"{name} 1 1", look=_CONV)
