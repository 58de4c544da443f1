"""Drawn circuits of NM-RNNs that differ in what their modulator receives."""

from __future__ import annotations

from matplotlib.axes import Axes

from nmcourse.figures.circuit import _modulated
from nmcourse.figures.style import MODELS


def draw_context_nm_rnn(*, rank: int = 3, ax: Axes | None = None) -> Axes:
    """Draw an NM-RNN whose modulator alone receives the context; the input goes to both networks.

    Args:
        rank: Number of sums and of gains, from 1 to 4.
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.

    Raises:
        ValueError: If `rank` is not from 1 to 4.
    """
    circuit = _modulated(rank, ax)
    circuit.arrow((1.6, 0.8), (3.55, 0.8))
    circuit.text((1.1, 0.8), "$u$")
    circuit.arrow((1.6, 0.3), (3.55, 0.3), look=MODELS["nm-rnn"])
    circuit.text((0.8, 0.3), "context $c$")
    return circuit.ax


def draw_feedback_nm_rnn(*, rank: int = 3, ax: Axes | None = None) -> Axes:
    """Draw an NM-RNN whose modulator also receives the rates of the output network.

    Args:
        rank: Number of sums and of gains that are drawn, from 1 to 4.
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.

    Raises:
        ValueError: If `rank` is not from 1 to 4.
    """
    circuit = _modulated(rank, ax)
    circuit.arrow((1.6, 0.3), (3.55, 0.3))
    circuit.text((1.1, 0.3), "$u$")
    for k in range(6):
        circuit.arrow(f"rate {k}", (1.2, 1.5), look=MODELS["low-rank"], does="joins", faint=True)
    circuit.arrow((1.2, 1.6), (3.55, 0.75), look=MODELS["low-rank"], bend=0.25)
    circuit.text((1.75, 0.85), "$F$")
    return circuit.ax
