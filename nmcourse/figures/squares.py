"""Maps and matrices as coloured squares: the static picture of figures that show them."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from nmcourse.figures._arrays import Array

_SIDE, _GAP = 260.0, 20.0


def squares(maps: Sequence[Array], alt: str) -> str:
    """An SVG with maps two in a row; orange above zero, blue below, as in ``heat.js``.

    Args:
        maps: Arrays of shape ``(row, column)``; each one is scaled to its own largest value.
        alt: What they show.

    Returns:
        The SVG.
    """
    drawn = []
    across = min(2, len(maps))
    for place, values in enumerate(maps):
        largest = float(np.abs(values).max()) or 1.0
        paths: dict[str, str] = {}
        for (row, column), value in np.ndenumerate(values):
            if value:
                share = np.sqrt(min(1.0, abs(value) / largest))
                colour = "60,120,215" if value < 0 else "221,105,20"
                paths.setdefault(f"rgba({colour},{share:.2f})", "")
                paths[f"rgba({colour},{share:.2f})"] += f"M{column} {row}h1v1h-1z"
        scale = _SIDE / max(values.shape)
        x, y = (place % across) * (_SIDE + _GAP), (place // across) * (_SIDE + _GAP)
        rows, columns = values.shape
        drawn.append(
            f'<g transform="translate({x:g},{y:g}) scale({scale:.4f})">'
            + "".join(f'<path d="{d}" fill="{fill}"/>' for fill, d in paths.items())
            + f'<path d="M0 0H{columns}V{rows}H0z" fill="none" stroke="currentColor" '
            'vector-effect="non-scaling-stroke"/></g>'
        )
    wide = across * (_SIDE + _GAP)
    high = (len(maps) + across - 1) // across * (_SIDE + _GAP)
    return (
        f'<svg class="nm-squares" viewBox="-2 -2 {wide:g} {high:g}" role="img" '
        f'aria-label="{html.escape(alt)}">{"".join(drawn)}</svg>\n'
    )
