"""Drawn circuits of rate networks: one function for each model."""

from __future__ import annotations

from typing import Any, NamedTuple

from matplotlib.axes import Axes

from nmcourse.figures.circuit import Circuit
from nmcourse.figures.style import MODELS, NEUTRAL, Look, gain_look


class Rival(NamedTuple):
    """One of two units that inhibit each other; what is written is mathematics.

    Attributes:
        activity: what is written in it.
        across: where it stands.
        start: where its input comes from.
        own: weight on itself.
        other: weight on the other.
        look: its colour.
    """

    activity: str
    across: float
    start: float
    own: str
    other: str
    look: Look


def rivals(circuit: Circuit, units: tuple[Rival, Rival], level: float) -> None:
    """Draw two units that receive an input each, act on themselves and inhibit each other.

    Args:
        circuit: Where they are drawn, as parts "1" and "2".
        units: The two.
        level: Their height.
    """
    for name, unit in zip("12", units, strict=True):
        circuit.disc(name, (unit.across, level), f"${unit.activity}$", unit.look, 0.45)
        circuit.arrow((unit.start, level), name, f"$u_{name}$")
        circuit.loop(name, f"${unit.own}$", unit.look, size=0.45)
    for one, other, unit, side in (("1", "2", units[0], 0.3), ("2", "1", units[1], -0.3)):
        ways: dict[str, Any] = {"does": "inhibits", "bend": -0.25, "shift": (0, side)}
        circuit.arrow(one, other, f"${unit.other}$", unit.look, **ways)


def draw_two_units(*, ax: Axes | None = None) -> Axes:
    """Draw two units that receive an input each, act on themselves and inhibit each other.

    Args:
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.
    """
    circuit = Circuit(9.0, 3.2, ax=ax)
    unit = MODELS["vanilla"]
    rivals(
        circuit,
        (
            Rival("x_1", 3.2, 1.2, "W_{11}", "W_{21}", unit),
            Rival("x_2", 5.8, 7.8, "W_{22}", "W_{12}", unit),
        ),
        level=1.3,
    )
    return circuit.ax


def draw_rate_network(*, ax: Axes | None = None) -> Axes:
    """Draw a rate network: inputs, units that are all connected, and a readout.

    Args:
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.
    """
    circuit = Circuit(9.0, 3.6, ax=ax)
    inputs = circuit.column("input", (1.2, 1.75), 2, gap=0.9)
    units = circuit.ring("unit", (4.4, 1.75), 8, MODELS["vanilla"], 1.15)
    _all_to_all(circuit, units, MODELS["vanilla"])
    for one in inputs:
        for other in units[2:6]:
            circuit.arrow(one, other, faint=True)
    circuit.disc("output", (7.7, 1.75), "$y$")
    for one in (units[7], units[0], units[1], units[6]):
        circuit.arrow(one, "output", faint=True)
    circuit.text((1.2, 2.75), "$u$")
    circuit.text((2.35, 2.75), "$B$")
    circuit.text((4.4, 3.35), r"$N$ units, $W$")
    circuit.text((6.5, 2.55), "$C$")
    return circuit.ax


def draw_low_rank(*, rank: int = 2, ax: Axes | None = None) -> Axes:
    """Draw a low-rank network: all that its units send each other passes through a few sums.

    Args:
        rank: Number of sums, from 1 to 4.
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.

    Raises:
        ValueError: If `rank` is not from 1 to 4.
    """
    circuit = Circuit(9.0, 4.0, ax=ax)
    _bottleneck(circuit, rank, height=1.75, gains=False)
    return circuit.ax


def draw_nm_rnn(*, rank: int = 2, ax: Axes | None = None) -> Axes:
    """Draw an NM-RNN: a low-rank network, and a modulator that multiplies each of its sums.

    Args:
        rank: Number of sums and of gains, from 1 to 4.
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.

    Raises:
        ValueError: If `rank` is not from 1 to 4.
    """
    circuit = modulated_network(rank, ax)
    circuit.arrow((2.0, 0.55), "modulator", "its input", shift=(-0.45, 0.28))
    return circuit.ax


def draw_timing_networks(*, ax: Axes | None = None) -> Axes:
    """Draw the four networks that learn Measure-Wait-Go, side by side.

    Args:
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.
    """
    circuit = Circuit(12.4, 4.3, ax=ax)
    for name, across in zip(
        ("vanilla", "low-rank", "nm-rnn", "lstm"), (1.5, 4.5, 7.7, 10.9), strict=True
    ):
        circuit.text((across, 4.0), MODELS[name].label)
    full = circuit.ring("full", (1.5, 2.4), 8, MODELS["vanilla"], 1.05)
    _all_to_all(circuit, full, MODELS["vanilla"])
    for name, across in (("low", 4.5), ("modulated", 7.7)):
        units = circuit.ring(name, (across, 2.4), 8, MODELS["low-rank"], 1.05)
        for k in range(3):
            look = gain_look(k) if name == "modulated" else MODELS["low-rank"]
            hub, place = f"{name} term {k}", (across + 0.17 * (k - 1), 2.85 - 0.45 * k)
            circuit.disc(hub, place, look=look, size=0.13)
            for unit in units:
                circuit.arrow(unit, hub, look=MODELS["low-rank"], does="joins", faint=True)
            if name == "modulated":
                circuit.arrow((place[0], 0.8), hub, look=look)
    circuit.box("modulator", (7.7, 0.5), "modulator", MODELS["nm-rnn"], (1.9, 0.6))
    look = MODELS["lstm"]
    circuit.disc("cell", (10.9, 2.4), "$c$", look, 0.4)
    circuit.disc("input gate", (9.75, 2.4), "$i$", look, 0.26)
    circuit.disc("output gate", (12.05, 2.4), "$o$", look, 0.26)
    circuit.disc("forget gate", (10.9, 3.42), "$f$", look, 0.26)
    circuit.arrow("input gate", "cell", look=look)
    circuit.arrow("cell", "output gate", look=look)
    circuit.arrow("cell", "forget gate", look=look, bend=-0.5)
    circuit.arrow("forget gate", "cell", look=look, bend=-0.5)
    for text, across in (
        ("$N^2$ weights", 1.5),
        ("three sums", 4.5),
        ("each unit has\nthree gates", 10.9),
    ):
        circuit.text((across, 0.65), text)
    return circuit.ax


def _all_to_all(circuit: Circuit, units: list[str], look: Look) -> None:
    """Join every pair of units."""
    for k, one in enumerate(units):
        for other in units[k + 1 :]:
            circuit.arrow(one, other, look=look, does="joins", faint=True)


def modulated_network(rank: int, ax: Axes | None) -> Circuit:
    """Draw output network, modulator and gains; what the modulator receives is still to draw."""
    circuit = Circuit(9.0, 5.7, ax=ax)
    products = _bottleneck(circuit, rank, height=3.3, gains=True)
    look = MODELS["nm-rnn"]
    circuit.box("modulator", (4.8, 0.55), "modulator $z$", look, (2.4, 0.8))
    circuit.loop("modulator", "$W_z$", look, side=0, size=1.2, shift=(0.35, 0), reach=0.5)
    for k, product in enumerate(products):
        across, level = circuit.centre(product)
        circuit.arrow((across, 0.95), product, look=gain_look(k))
        circuit.text((across + 0.27, level - 0.5), f"$s_{k + 1}$")
    return circuit


def _bottleneck(circuit: Circuit, rank: int, height: float, gains: bool) -> list[str]:
    """Draw units, K sums over them, and the same units again; return the names of the products."""
    if not 1 <= rank <= 4:
        raise ValueError(f"rank: {rank} cannot be drawn; allowed are 1 to 4")
    look = MODELS["low-rank"]
    rates = circuit.column("rate", (1.2, height), 6, look)
    currents = circuit.column("current", (7.0, height), 6, look)
    products = []
    gap = min(1.1, 2.9 / rank)
    for k in range(rank):
        level = height + gap * ((rank - 1) / 2 - k)
        circuit.disc(f"sum {k}", (3.4, level), r"$\Sigma$", look, 0.32)
        last = f"sum {k}"
        if gains:
            last = f"product {k}"
            # One to the right of the other, so that a gain can come up to each from below.
            across = 4.8 + 0.6 * (k - (rank - 1) / 2)
            circuit.disc(last, (across, level), r"$\times$", gain_look(k), 0.28)
            circuit.arrow(f"sum {k}", last, look=look)
            products.append(last)
        for unit in rates:
            circuit.arrow(unit, f"sum {k}", look=look, faint=True)
        for unit in currents:
            circuit.arrow(last, unit, look=look, faint=True)
    circuit.arrow((8.7, height), (7.35, height), look=NEUTRAL)
    circuit.text((8.35, height + 0.28), "$B u$")
    top = height + 1.95
    circuit.text((1.2, top), r"rates $\phi(x)$")
    circuit.text((2.5, top), r"$R^\top$")
    circuit.text((3.4, top), "$K$ sums")
    circuit.text((5.6, top), "$L$")
    circuit.text((7.1, top), "the same units")
    return products
