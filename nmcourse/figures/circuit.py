"""Drawn circuits: what is connected to what in a model.

A :class:`Circuit` holds named parts (discs, boxes, groups of units) and arrows between them. The
functions below it draw the circuit of one model each. They are pictures of an equation, so they
take no data. Colours and greys are those of :mod:`nmcourse.figures.style`: one picture is legible
on a light and on a dark page, in the book and in a notebook. Its alternative text stands in the
cell that draws it, as for every figure.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Patch

from nmcourse.figures._arrays import axes_or_new
from nmcourse.figures.style import GREY, MODELS, NEUTRAL, Look, gain_look

Place = tuple[float, float]

#: What an arrow does to the part that it reaches, and the head that says so.
HEADS = {"drives": "-|>,head_length=0.45,head_width=0.22", "inhibits": "]-", "joins": "-"}
_INCHES = 0.62  # length of one unit of the drawing
_FILL = 0.16  # opacity of what fills a part


class Circuit:
    """A drawing of named parts and the arrows between them.

    Args:
        width: Width of the drawing. One unit is 0.62 inches on a figure of its own.
        height: Height of the drawing.
        ax: Axes to draw on; a new figure of fitting size if None.

    Attributes:
        ax: The axes that hold the drawing; (0, 0) is its lower left corner.
    """

    def __init__(self, width: float, height: float, *, ax: Axes | None = None) -> None:
        self.ax = axes_or_new(ax, figsize=(_INCHES * width, _INCHES * height))
        self.ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        self.ax.set_axis_off()
        self._parts: dict[str, Patch] = {}
        self._centres: dict[str, Place] = {}

    def disc(
        self, name: str, at: Place, text: str = "", look: Look = NEUTRAL, size: float = 0.36
    ) -> None:
        """Draw a disc: one unit, one number, or a product.

        Args:
            name: Name of the part, for arrows.
            at: Its centre.
            text: What is written in it; mathematics between dollar signs.
            look: Its colour.
            size: Its radius.

        Raises:
            ValueError: If the drawing has a part of this name.
        """
        self._add(name, at, Circle(at, size, **_face(look)))
        self.text(at, text)

    def box(
        self, name: str, at: Place, text: str, look: Look = NEUTRAL, size: Place = (1.6, 0.8)
    ) -> None:
        """Draw a box with a text; `size` is its width and height, the rest as for :meth:`disc`."""
        corner = (at[0] - size[0] / 2, at[1] - size[1] / 2)
        style = "round,pad=0,rounding_size=0.15"
        self._add(name, at, FancyBboxPatch(corner, *size, boxstyle=style, **_face(look)))
        self.text(at, text)

    def column(
        self, name: str, at: Place, n: int, look: Look = NEUTRAL, gap: float = 0.55
    ) -> list[str]:
        """Draw `n` units one below the other.

        Args:
            name: The units are called name 0, name 1, ...
            at: Centre of the column.
            n: Number of units.
            look: Their colour.
            gap: Distance between two units.

        Returns:
            Their names, from the top.
        """
        names = [f"{name} {k}" for k in range(n)]
        for k, unit in enumerate(names):
            height = at[1] + gap * ((n - 1) / 2 - k)
            self.disc(unit, (at[0], height), look=look, size=0.36 * gap)
        return names

    def ring(
        self, name: str, at: Place, n: int, look: Look = NEUTRAL, radius: float = 1.0
    ) -> list[str]:
        """Draw `n` units on a ring of this radius; returns their names, as :meth:`column` does."""
        names = [f"{name} {k}" for k in range(n)]
        for k, unit in enumerate(names):
            angle = 2 * math.pi * (k + 0.5) / n
            place = (at[0] + radius * math.cos(angle), at[1] + radius * math.sin(angle))
            self.disc(unit, place, look=look, size=0.18)
        return names

    def arrow(
        self,
        start: str | Place,
        end: str | Place,
        text: str = "",
        look: Look = NEUTRAL,
        *,
        does: Literal["drives", "inhibits", "joins"] = "drives",
        bend: float = 0.0,
        shift: Place = (0.0, 0.28),
        faint: bool = False,
    ) -> None:
        """Draw an arrow from one part or place to another.

        Args:
            start: Name of a part, or a place.
            end: Name of a part, or a place.
            text: What is written beside it.
            look: Its colour.
            does: ``"drives"`` ends in a point, ``"inhibits"`` in a bar, ``"joins"`` in nothing.
            bend: How far it bends to the right of its way, as a fraction of its length.
            shift: Where the text stands, from the middle of the arrow.
            faint: Whether it is one of many, thinner and paler.

        Raises:
            ValueError: If a part is not in the drawing, or `does` is none of the three.
        """
        if does not in HEADS:
            raise ValueError(f"does: {does!r} is none of {', '.join(HEADS)}")
        (x0, y0), (x1, y1) = self.centre(start), self.centre(end)
        # Matplotlib draws the bar of "]-" at the start, so that arrow is drawn from its end.
        turned = does == "inhibits"
        ends, bent = ((end, start), -bend) if turned else ((start, end), bend)
        self.ax.add_patch(
            FancyArrowPatch(
                *((x1, y1), (x0, y0)) if turned else ((x0, y0), (x1, y1)),
                arrowstyle="]-,widthA=0.35,lengthA=0" if turned else HEADS[does],
                connectionstyle=f"arc3,rad={bent}",
                patchA=self._parts.get(ends[0]) if isinstance(ends[0], str) else None,
                patchB=self._parts.get(ends[1]) if isinstance(ends[1], str) else None,
                shrinkA=2.5,
                shrinkB=2.5,
                mutation_scale=14,
                linewidth=0.8 if faint else 1.6,
                color=to_rgba(look.colour, 0.45 if faint else 1.0),
                zorder=1 if faint else 2,
            )
        )
        middle = ((x0 + x1 + bend * (y1 - y0)) / 2, (y0 + y1 - bend * (x1 - x0)) / 2)
        self.text((middle[0] + shift[0], middle[1] + shift[1]), text)

    def loop(
        self,
        name: str,
        text: str = "",
        look: Look = NEUTRAL,
        *,
        side: float = 90.0,
        does: Literal["drives", "inhibits", "joins"] = "drives",
        shift: Place = (0.0, 0.25),
        size: float = 0.36,
        reach: float = 0.75,
    ) -> None:
        """Draw an arrow from a part back to itself.

        Args:
            name: Name of the part.
            text: What is written beside the arrow.
            look: Its colour.
            side: Where the loop stands, in degrees: 0 on the right, 90 on top.
            does: As for :meth:`arrow`.
            shift: Where the text stands, from the far end of the loop.
            size: Distance from the centre of the part to its edge, on that side.
            reach: How far the loop leads from the edge of the part.

        Raises:
            ValueError: If the part is not in the drawing.
        """
        x, y = self.centre(name)
        turn = math.radians(side)

        def beside(distance: float, across: float) -> Place:
            return (
                x + distance * math.cos(turn) - across * math.sin(turn),
                y + distance * math.sin(turn) + across * math.cos(turn),
            )

        edge = size * 0.95 + 0.05
        start, end = beside(edge, 0.25), beside(edge, -0.25)
        self.arrow(start, end, look=look, does=does, bend=-4 * reach)
        far = beside(size + reach, 0.0)
        self.text((far[0] + shift[0], far[1] + shift[1]), text)

    def text(self, at: Place, text: str, size: Any = None) -> None:
        """Write a text, centred; `size` is a font size of Matplotlib."""
        if text:
            self.ax.text(*at, text, ha="center", va="center", color=GREY, fontsize=size, zorder=4)

    def centre(self, where: str | Place) -> Place:
        """The centre of a part, or the place itself; ValueError if there is no such part."""
        if not isinstance(where, str):
            return where
        if where not in self._centres:
            known = ", ".join(self._centres) or "none yet"
            raise ValueError(f"the drawing has no part {where!r}; parts: {known}")
        return self._centres[where]

    def _add(self, name: str, at: Place, patch: Patch) -> None:
        if name in self._parts:
            raise ValueError(f"name: the drawing has a part {name!r} already; give another name")
        self._parts[name], self._centres[name] = patch, at
        self.ax.add_patch(patch)


def _face(look: Look) -> dict[str, Any]:
    """Edge and filling of a part."""
    return {
        "edgecolor": look.colour,
        "facecolor": to_rgba(look.colour, _FILL),
        "linewidth": 1.6,
        "zorder": 3,
    }


def draw_two_units(*, ax: Axes | None = None) -> Axes:
    """Draw two units that receive an input each, act on themselves and inhibit each other.

    Args:
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.
    """
    circuit = Circuit(9.0, 3.2, ax=ax)
    unit = MODELS["vanilla"]
    circuit.disc("1", (3.2, 1.3), "$x_1$", unit, 0.45)
    circuit.disc("2", (5.8, 1.3), "$x_2$", unit, 0.45)
    for name, start, side in (("1", 1.2, 0.0), ("2", 7.8, 0.0)):
        circuit.arrow((start, 1.3), name, f"$u_{name}$", shift=(side, 0.28))
        circuit.loop(name, f"$W_{{{name}{name}}}$", unit, size=0.45)
    circuit.arrow("1", "2", "$W_{21}$", unit, does="inhibits", bend=-0.25, shift=(0, 0.3))
    circuit.arrow("2", "1", "$W_{12}$", unit, does="inhibits", bend=-0.25, shift=(0, -0.3))
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
    circuit = _modulated(rank, ax)
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


def _modulated(rank: int, ax: Axes | None) -> Circuit:
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
