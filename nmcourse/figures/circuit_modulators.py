"""Drawn circuits of what a modulator receives, and of what gains do to a memory."""

from __future__ import annotations

from typing import Literal

from matplotlib.axes import Axes

from nmcourse.figures.circuit import Circuit
from nmcourse.figures.model_circuits import modulated_network
from nmcourse.figures.style import MODELS, gain_look


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
    circuit = modulated_network(rank, ax)
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
    circuit = modulated_network(rank, ax)
    circuit.arrow((1.6, 0.3), (3.55, 0.3))
    circuit.text((1.1, 0.3), "$u$")
    for k in range(6):
        circuit.arrow(f"rate {k}", (1.2, 1.5), look=MODELS["low-rank"], does="joins", faint=True)
    circuit.arrow((1.2, 1.6), (3.55, 0.75), look=MODELS["low-rank"], bend=0.25)
    circuit.text((1.75, 0.85), "$F$")
    return circuit.ax


def draw_gain_as_gate(
    *, gate: Literal["forget", "input"] = "forget", ax: Axes | None = None
) -> Axes:
    """Draw one memory cell of an LSTM whose forget gate or input gate is a gain.

    Args:
        gate: ``"forget"``: the gain multiplies what the cell keeps, and the cell is a mode.
            ``"input"``: it multiplies what is written, and the cells are those of one term.
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.

    Raises:
        ValueError: If `gate` is neither of the two.
    """
    if gate not in ("forget", "input"):
        raise ValueError(f"gate: {gate!r} cannot be drawn; allowed are 'forget' and 'input'")
    circuit = Circuit(9.0, 4.3, ax=ax)
    look, gain = MODELS["lstm"], gain_look(0)
    forgets = gate == "forget"
    circuit.box("candidate", (1.5, 2.8), r"$\ell_k^\top B_x u$" if forgets else "candidate")
    circuit.disc("input", (3.4, 2.8), r"$\times$", look if forgets else gain, 0.28)
    circuit.disc("cell", (5.6, 2.8), "$w_k$" if forgets else "$c^k$", look, 0.42)
    circuit.disc("forget", (5.6, 1.6), r"$\times$", gain if forgets else look, 0.28)
    circuit.box("modulator", (4.5, 0.45), "modulator $z$", MODELS["nm-rnn"], (3.0, 0.7))
    circuit.arrow("candidate", "input", look=look)
    circuit.arrow("input", "cell", look=look)
    circuit.arrow("cell", "forget", look=look, bend=-0.6)
    circuit.arrow("forget", "cell", look=look, bend=-0.6)
    across = 5.6 if forgets else 3.4
    circuit.arrow((across, 0.8), gate, look=gain)
    circuit.text((across - 0.35, 1.15), "$s_k$")
    if forgets:
        circuit.text((3.4, 3.35), "open: 1")
        circuit.arrow("cell", (7.7, 2.8), look=look)
        circuit.text((8.2, 2.8), "$w$")
    else:
        circuit.text((6.95, 1.6), r"constant: $1 - \alpha$")
        circuit.disc("state", (7.9, 2.8), "$x$", MODELS["low-rank"], 0.42)
        circuit.arrow("cell", "state", look=look)
        circuit.arrow("state", "candidate", look=MODELS["low-rank"], bend=0.2)
        circuit.text((4.7, 3.75), r"$\alpha\, g\, \ell_k\, r_k^\top$")
    return circuit.ax


def draw_catch_and_hold(*, ax: Axes | None = None) -> Axes:
    """Draw two linear units whose three connections are under gain: clear, write and hold.

    Args:
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.
    """
    circuit = Circuit(9.0, 3.4, ax=ax)
    unit = MODELS["low-rank"]
    clear, hold, write = (gain_look(k) for k in range(3))
    circuit.disc("ear", (2.6, 1.5), "$a$", unit, 0.42)
    circuit.disc("write", (4.4, 1.5), r"$\times$", write, 0.28)
    circuit.disc("memory", (6.2, 1.5), "$m$", unit, 0.42)
    circuit.arrow((1.0, 1.5), "ear", "$u$")
    circuit.arrow("ear", "write", look=unit)
    circuit.arrow("write", "memory", look=unit)
    circuit.arrow("memory", (8.0, 1.5), "$y$", unit)
    circuit.arrow((4.4, 0.6), "write", look=write)
    circuit.text((4.4, 0.35), "$s_3$: write")
    circuit.loop("ear", "$s_1$: clear", clear, does="inhibits", size=0.42)
    circuit.loop("memory", "$s_2$: hold", hold, size=0.42)
    return circuit.ax


def draw_closed_loop(*, ax: Axes | None = None) -> Axes:
    """Draw a network that moves a hand and receives, with a delay, where the hand is.

    Args:
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.
    """
    circuit = Circuit(9.4, 3.6, ax=ax)
    look = MODELS["nm-rnn"]
    circuit.box("network", (3.4, 2.3), "NM-RNN", look, (1.9, 0.8))
    circuit.box("hand", (7.2, 2.3), "hand $p, v$", size=(1.9, 0.8))
    circuit.box("delay", (5.3, 0.7), "50 ms late", size=(2.0, 0.7))
    circuit.arrow((1.6, 2.3), "network")
    circuit.text((0.8, 2.3), "target,\ngo")
    circuit.arrow("network", "hand", "force $F$", look)
    circuit.arrow((7.2, 3.2), "hand")
    circuit.text((7.2, 3.4), "push $D$")
    circuit.arrow("hand", "delay", bend=-0.2)
    circuit.arrow("delay", "network", bend=-0.2)
    return circuit.ax


def draw_nm_cordsnet(*, ax: Axes | None = None) -> Axes:
    """Draw one area of an NM-CordsNet: a modulator's gains scale both drives of the area.

    Args:
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.
    """
    circuit = Circuit(11.0, 4.6, ax=ax)
    forward, recurrent, look = gain_look(1), gain_look(0), MODELS["nm-rnn"]
    circuit.box("input", (1.2, 3.2), "input $h_i$\n(maps)", size=(1.8, 1.1))
    circuit.disc("forward", (3.9, 3.2), r"$\times$", forward, 0.28)
    circuit.disc("sum", (5.9, 3.2), r"$\Sigma$", size=0.36)
    circuit.box("rates", (8.7, 3.2), "rates $r_i$\n(maps)", MODELS["low-rank"], (1.9, 1.1))
    circuit.disc("recurrent", (7.1, 1.9), r"$\times$", recurrent, 0.28)
    circuit.box("modulator", (5.1, 0.5), "modulator $z$", look, (3.0, 0.7))
    circuit.arrow("input", "forward", "$V_i *$", shift=(0.0, 0.3))
    circuit.arrow("forward", "sum", look=forward)
    circuit.arrow("sum", "rates", r"$\phi$", shift=(0.0, 0.3))
    circuit.arrow("rates", "recurrent", "$W_i *$", bend=-0.2, shift=(0.45, -0.25))
    circuit.arrow("recurrent", "sum", look=recurrent, bend=-0.1)
    circuit.arrow((3.9, 0.9), "forward", look=forward)
    circuit.arrow((6.4, 0.9), "recurrent", look=recurrent)
    circuit.text((3.2, 1.9), r"$s_i^{\mathrm{ff}}$")
    circuit.text((5.9, 1.6), r"$s_i^{\mathrm{rec}}$")
    circuit.arrow("rates", (10.7, 3.2))
    circuit.text((10.35, 3.55), "$r_i$")
    circuit.arrow((1.9, 0.5), "modulator", look=look)
    circuit.text((1.0, 0.5), "cue,\nbrightness")
    return circuit.ax
