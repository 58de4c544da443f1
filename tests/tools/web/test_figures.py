"""tools/web/figures.py: figures have addresses that stay."""

from __future__ import annotations

from types import SimpleNamespace

from docutils import nodes
from docutils.utils import new_document

from tools.web.figures import NumberFigures, slug


def drawing(code: str, captioned: bool = True) -> nodes.container:
    """A code cell, with its code unless the page leaves it out, and with the figure it drew."""
    cell = nodes.container(nb_element="cell_code", cell_index=4)
    cell += nodes.literal_block(code, code) if code else []
    cell += nodes.figure("", nodes.image(), *([nodes.caption("", "See.")] if captioned else []))
    return cell


def addresses(*cells: nodes.container) -> list[list[str]]:
    document = new_document("chapter")
    document += cells
    document.settings.env = SimpleNamespace(docname="book/dynamics/rate_networks")
    NumberFigures(document).apply()
    return [figure["ids"] for figure in document.findall(nodes.figure)]


def test_the_title_of_a_cell_is_the_address_of_its_figure():
    assert addresses(drawing("# @title Plot: Euler's step\nplot()")) == [
        ["fig-rate-networks-plot-euler-s-step"]
    ]
    assert slug("plot()") == ""


def test_a_cell_without_visible_code_has_its_place():
    assert addresses(drawing("")) == [["fig-rate-networks-cell-4"]]


def test_a_second_figure_of_a_cell_has_a_number():
    cell = drawing("# @title Two")
    cell += nodes.figure("", nodes.image(), nodes.caption("", "See."))
    assert addresses(cell) == [["fig-rate-networks-two"], ["fig-rate-networks-two-2"]]


def test_a_figure_without_caption_or_outside_a_cell_keeps_what_it_has():
    elsewhere = nodes.container()
    elsewhere += nodes.figure("", nodes.image(), nodes.caption("", "See."))
    assert addresses(drawing("# @title Plot: x", captioned=False), elsewhere) == [[], []]


def test_what_only_a_running_notebook_shows_is_no_second_figure():
    cell = drawing("# @title Plot: x")
    view = nodes.container(nb_element="mime_bundle")
    view += nodes.container(mime_type="application/vnd.jupyter.widget-view+json")
    view += nodes.container(mime_type="text/plain")
    cell += nodes.figure("", view, nodes.caption("", "See."))
    picture = nodes.container(nb_element="mime_bundle")
    picture += nodes.container(mime_type="image/png")
    assert addresses(cell) == [["fig-rate-networks-plot-x"]]
    assert view.parent is cell
    framed = drawing("# @title Plot: y", captioned=False)
    framed += nodes.figure("", picture, nodes.caption("", "See."))
    assert addresses(framed)[1] == ["fig-rate-networks-plot-y"]
    assert isinstance(picture.parent, nodes.figure)
