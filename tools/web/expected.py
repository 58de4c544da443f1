"""Below an empty answer stands what comes out once it is right, before the reader opens a solution.

It is the output of the solution, which was run when the page was made. The sources hold it once.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes

from tools.web.glossary import LINKED_PAGES

STUB = "your answer here"
TITLE = "What the cells of the solution show"


def _code(cell: nodes.container) -> str:
    return "\n".join(block.astext() for block in cell.findall(nodes.literal_block))


def _outputs(cell: nodes.container) -> list[nodes.container]:
    return [
        part
        for part in cell.findall(nodes.container)
        if part.get("nb_element") == "cell_code_output" and part.children
    ]


def _plain(output: nodes.container) -> nodes.container | None:
    """Return a copy without addresses, numbers and captions; None if it holds a live figure."""
    if any("<script" in raw.astext() for raw in output.findall(nodes.raw)):
        return None
    kept = output.deepcopy()  # not of the copy module: that takes the whole page along
    for figure in list(kept.findall(nodes.figure)):
        figure.parent.replace(figure, list(figure.findall(nodes.image)))
    for part in kept.findall(nodes.Element):
        part["ids"], part["names"] = [], []
    return kept


def show(page: nodes.document) -> int:
    """Add to each empty answer what its solution shows, in place; return to how many."""
    cells = [
        cell for cell in page.findall(nodes.container) if cell.get("nb_element") == "cell_code"
    ]
    stub, added = None, 0
    for cell in cells:
        if "tag_solution" in cell["classes"]:
            shown = [plain for part in _outputs(cell) if (plain := _plain(part)) is not None]
            if stub is not None and shown:
                box = nodes.container(classes=["nm-expected"])
                box += nodes.paragraph("", "", nodes.strong("", TITLE))
                box += shown
                stub.parent.insert(stub.parent.index(stub) + 1, box)
                added += 1
            stub = None
        elif STUB in _code(cell):
            stub = stub or cell
    return added


def _resolved(app: Any, page: nodes.document, name: str) -> None:
    if app.builder.format == "html" and LINKED_PAGES.match(name):
        show(page)


def setup(app: Any) -> None:
    """Tell Sphinx when to ask: outputs are chosen by then, and words are not yet links."""
    app.connect("doctree-resolved", _resolved, priority=700)
