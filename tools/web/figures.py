"""Figures that a code cell draws: each one gets an address that stays when others are added.

A cell says what to see in its picture, in its metadata: `mystnb: {figure: {caption: ...}}`. MyST-NB
makes a figure of that, and Sphinx numbers it and calls it `id3`. Here its address is made from the
page and the title of the cell: "# @title Plot: twins" gives `fig-low-rank-networks-plot-twins`. A
cell whose code the page leaves out has its place in the notebook instead: `..-cell-4`. A second
picture of a cell ends in `-2`.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

TITLE = re.compile(r"^# @title (.+)$", re.MULTILINE)

WIDGET = "application/vnd.jupyter.widget-view+json"


def slug(code: str) -> str:
    """Return the part of an address that the title of a cell gives; empty if it has none."""
    title = TITLE.search(code)
    return nodes.make_id(title[1]) if title else ""


def address(page: str, cell: nodes.container, number: int) -> str:
    """Return the address of one of the figures that a cell draws; no other page has it."""
    code = "\n".join(block.astext() for block in cell.findall(nodes.literal_block))
    name = slug(code) or f"cell-{cell['cell_index']}"
    return nodes.make_id(f"fig-{page.split('/')[-1]}-{name}" + f"-{number}" * (number > 1))


def _unframe(figure: nodes.figure) -> None:
    """Take the frame from what only a running notebook shows: beside it stands its picture."""
    inside = [part for part in figure if not isinstance(part, nodes.caption | nodes.legend)]
    kinds = {str(part.get("mime_type")) for part in figure.findall(nodes.container)} - {"None"}
    if WIDGET in kinds and kinds <= {WIDGET, "text/plain"}:
        figure.parent.replace(figure, inside)


class NumberFigures(SphinxTransform):
    """Give an address to every captioned figure of a code cell that has none."""

    default_priority = 200  # before Sphinx gives addresses that are numbers (210)

    def apply(self, **kwargs: Any) -> None:
        """Do it for one page."""
        for cell in self.document.findall(nodes.container):
            if cell.get("nb_element") != "cell_code":
                continue
            for figure in list(cell.findall(nodes.figure)):
                _unframe(figure)
            captioned = [
                figure
                for figure in cell.findall(nodes.figure)
                if not figure["ids"] and any(isinstance(n, nodes.caption) for n in figure)
            ]
            for number, figure in enumerate(captioned, start=1):
                figure["names"].append(address(self.env.docname, cell, number))
                self.document.note_explicit_target(figure, figure)


def setup(app: Any) -> None:
    """Tell Sphinx when to ask."""
    app.add_transform(NumberFigures)
