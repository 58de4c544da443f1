"""tools/web/expected.py: what an answer should give stands below the place for it."""

from __future__ import annotations

from docutils import nodes
from docutils.utils import new_document

from tools.web.expected import TITLE, show


def cell(code: str, *outputs: nodes.Node, solution: bool = False) -> nodes.container:
    made = nodes.container(nb_element="cell_code", classes=["tag_solution"] if solution else [])
    source = nodes.container(nb_element="cell_code_source")
    source += nodes.literal_block(code, code)
    made += source
    if outputs:
        output = nodes.container(nb_element="cell_code_output")
        output += list(outputs)
        made += output
    return made


def page(*cells: nodes.Node) -> nodes.document:
    document = new_document("page")
    document += list(cells)
    return document


STUB = "def f():\n    ...  # your answer here"


def test_the_output_of_the_solution_stands_after_the_stub():
    printed = nodes.literal_block("", "12.5 ms")
    document = page(cell(STUB), cell("check(f)"), cell("def f(): ...", printed, solution=True))
    assert show(document) == 1
    assert TITLE in document[1].astext()
    assert "12.5 ms" in document[1].astext()
    assert "12.5 ms" in document[3].astext()  # and in its place


def test_a_picture_is_shown_without_its_number_and_its_address():
    figure = nodes.figure("", nodes.image(alt="A line."), nodes.caption("", "See."), ids=["fig-1"])
    document = page(cell(STUB), cell("plot()", figure, solution=True))
    assert show(document) == 1
    (image,) = document[1].findall(nodes.image)
    assert image["alt"] == "A line."
    assert not list(document[1].findall(nodes.caption))
    assert [node["ids"] for node in document.findall(nodes.figure)] == [["fig-1"]]


def test_a_solution_without_output_or_with_a_live_figure_shows_nothing():
    live = nodes.raw("", "<div id='a'></div><script>f('a')</script>", format="html")
    document = page(
        cell(STUB), cell("x = 1", solution=True), cell(STUB), cell("w", live, solution=True)
    )
    assert show(document) == 0
    assert len(document) == 4


def test_the_output_of_a_solution_belongs_to_the_stub_before_it_only():
    first, second = nodes.literal_block("", "one"), nodes.literal_block("", "two")
    document = page(cell(STUB), cell("1", first, solution=True), cell("2", second, solution=True))
    assert show(document) == 1
    assert "two" not in document[1].astext()
