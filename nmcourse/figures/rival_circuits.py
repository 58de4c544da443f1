"""Drawn circuits: one area of CordsNet and of each rival, side by side.

As in :mod:`nmcourse.figures.circuit`, these are pictures of equations and take no data.
"""

from __future__ import annotations

from matplotlib.axes import Axes

from nmcourse.figures.circuit import Circuit
from nmcourse.figures.style import GAINS, NEUTRAL

_RECURRENT, _FORWARD, _OTHER = GAINS[:3]
_WIDE, _HIGH = 4.6, 3.3  # of one panel


def draw_rivals(*, ax: Axes | None = None) -> Axes:
    """Draw one area of CordsNet and of five rivals: what keeps activity from step to step.

    Args:
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.
    """
    circuit = Circuit(3 * _WIDE, 2 * _HIGH, ax=ax)
    panels = (_cordsnet, _discrete, _feedback, _gated, _equilibrium, _cnn_then_rnn)
    for place, draw in enumerate(panels):
        draw(circuit, _WIDE * (place % 3), _HIGH * (1 - place // 3))
    return circuit.ax


def _area(circuit: Circuit, name: str, x: float, y: float, text: str = "$r_i$") -> str:
    """The input of an area, the area, and an arrow between; returns the name of the area."""
    circuit.text((x + 2.3, y + 2.95), name)
    circuit.box(f"{name} input", (x + 0.9, y + 1.1), "$h_i$", size=(0.9, 0.8))
    circuit.box(name, (x + 3.0, y + 1.1), text, _RECURRENT, (1.2, 0.9))
    circuit.arrow(f"{name} input", name, "$V_i$", _FORWARD)
    return name


def _recurrence(circuit: Circuit, name: str, side: float = 90.0) -> None:
    circuit.loop(name, "$W_i$", _RECURRENT, side=side, size=0.45, reach=0.55, shift=(0.0, 0.22))


def _cordsnet(circuit: Circuit, x: float, y: float) -> None:
    name = _area(circuit, "CordsNet", x, y)
    _recurrence(circuit, name)
    circuit.loop(
        name, r"leak $1-\alpha$", NEUTRAL, side=-90, size=0.45, reach=0.4, shift=(-1.15, 0.1)
    )


def _discrete(circuit: Circuit, x: float, y: float) -> None:
    _recurrence(circuit, _area(circuit, "discrete time", x, y))


def _feedback(circuit: Circuit, x: float, y: float) -> None:
    name = _area(circuit, "feedback", x, y)
    circuit.loop(name, "$W_i$", _RECURRENT, side=-90, size=0.45, reach=0.4, shift=(-0.5, 0.1))
    circuit.box("above", (x + 3.0, y + 2.35), "$r_{i+1}$", size=(1.2, 0.6))
    circuit.arrow("above", name, "$U_i$", _OTHER, shift=(0.35, 0.0))


def _gated(circuit: Circuit, x: float, y: float) -> None:
    name = _area(circuit, "gated", x, y)
    _recurrence(circuit, name)
    circuit.loop(name, "gate $v_i$", _OTHER, side=-90, size=0.45, reach=0.4, shift=(-1.0, 0.1))


def _equilibrium(circuit: Circuit, x: float, y: float) -> None:
    name = _area(circuit, "equilibrium", x, y, "$r_i^*$")
    circuit.loop(
        name, "solved, not run", _OTHER, does="joins", size=0.45, reach=0.55, shift=(0.0, 0.22)
    )


def _cnn_then_rnn(circuit: Circuit, x: float, y: float) -> None:
    circuit.text((x + 2.3, y + 2.95), "CNN, then rates")
    circuit.box("areas", (x + 1.1, y + 1.1), "$s_i$\nno time", size=(1.4, 0.9))
    circuit.box("rates", (x + 3.3, y + 1.1), "$r$", _RECURRENT, (1.0, 0.9))
    circuit.arrow("areas", "rates", "$B$", _FORWARD)
    circuit.loop("rates", "$W$", _RECURRENT, size=0.45, reach=0.55, shift=(0.0, 0.22))
