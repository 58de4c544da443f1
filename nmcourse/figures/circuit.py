"""A drawing of named parts and arrows: what is connected to what in a model.

A :class:`Circuit` holds named parts (discs, boxes, groups of units) and arrows between them. Those
of rate networks are drawn in ``model_circuits.py``, those of networks that see in
``vision_circuits.py``. They are pictures of an equation, so they take no data. Colours and greys
are those of :mod:`nmcourse.figures.style`: one picture is legible
on a light and on a dark page, in the book and in a notebook. Its alternative text stands in the
cell that draws it, as for every figure. It consists of lines and not of pixels: a notebook gets an
SVG of it beside the usual picture, and the pages of the book show that one, sharp at every size.
"""

from __future__ import annotations

import io
import math
from typing import Any, Literal

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Patch

from nmcourse.figures.style import GREY, NEUTRAL, Look

Place = tuple[float, float]

#: What an arrow does to the part that it reaches, and the head that says so.
HEADS = {"drives": "-|>,head_length=0.45,head_width=0.22", "inhibits": "]-", "joins": "-"}
_INCHES = 0.62  # length of one unit of the drawing
_FILL = 0.16  # opacity of what fills a part


class Drawing(Figure):
    """A figure that a notebook shows as lines and texts, SVG, wherever it can."""

    def _repr_svg_(self) -> str:
        """The drawing on a transparent page, the same at every call."""
        file = io.StringIO()
        nobody = {"Date": None, "Creator": None}
        with mpl.rc_context({"svg.hashsalt": "nmcourse"}):  # otherwise names within are drawn
            self.savefig(file, format="svg", bbox_inches="tight", transparent=True, metadata=nobody)
        return file.getvalue()


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
        if ax is None:
            size = (_INCHES * width, _INCHES * height)
            ax = plt.figure(FigureClass=Drawing, figsize=size).add_subplot()
        self.ax = ax
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
