import inspect
import re
from itertools import combinations
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import select_figure_formats
from matplotlib.colors import to_hex
from matplotlib.patches import Circle, FancyArrowPatch

from nmcourse import figures
from nmcourse.figures import (
    GAINS,
    GREY,
    MODELS,
    Circuit,
    draw_convolution,
    draw_cordsnet,
    draw_gain_as_gate,
    draw_low_rank,
    draw_nm_rnn,
    use_style,
)
from nmcourse.figures.style import BACKGROUNDS
from tests.figures.test_style import contrast

DRAWINGS = [name for name in figures.__all__ if name.startswith("draw_")]


@pytest.fixture(params=DRAWINGS)
def drawing(request):
    """The axes of one drawing, laid out."""
    with use_style():
        ax = getattr(figures, request.param)()
        ax.figure.canvas.draw()  # a missing glyph is a warning, hence an error
    return ax


def test_every_text_is_inside_the_picture_and_on_no_other(drawing):
    _texts_apart(drawing)


def _texts_apart(ax):
    page = ax.figure.bbox
    boxes = {text: text.get_window_extent() for text in ax.texts}
    for text, box in boxes.items():
        assert page.x0 <= box.x0 < box.x1 <= page.x1, text
        assert page.y0 <= box.y0 < box.y1 <= page.y1, text
    for one, other in combinations(boxes, 2):
        assert not boxes[one].overlaps(boxes[other]), (one, other)


def test_a_drawing_uses_the_colours_of_the_course_only(drawing):
    known = {GREY, *(look.colour for look in (*MODELS.values(), *GAINS))}
    assert {to_hex(patch.get_edgecolor()) for patch in drawing.patches} <= known
    assert {text.get_color() for text in drawing.texts} == {GREY}


def test_a_notebook_gets_lines_beside_pixels(drawing):
    shell = InteractiveShell.instance()
    select_figure_formats(shell, {"retina"})
    data, _ = shell.display_formatter.format(drawing.figure)
    assert {"image/svg+xml", "image/png"} <= data.keys()
    fig, ax = plt.subplots()
    ax.plot([0, 1])
    assert "image/svg+xml" not in shell.display_formatter.format(fig)[0]  # points by the thousand


def test_a_drawing_is_the_same_at_every_run():
    with use_style():
        one, other = (draw_low_rank().figure._repr_svg_() for _ in range(2))
    assert one == other  # without a date, or names that are drawn by lot


def test_a_drawing_of_lines_has_no_page_and_is_legible_on_both(drawing):
    root = ElementTree.fromstring(drawing.figure._repr_svg_())
    assert not [tag for tag in root.iter() if tag.tag.endswith("}image")]
    page = root.find(".//*[@id='patch_1']/*")
    assert page is None or "fill: none" in page.get("style") or "opacity: 0" in page.get("style")
    drawn = root.iter()
    styles = ";".join(tag.get("style", "") for tag in drawn)
    inks = {*re.findall(r"(?:stroke|fill): (#[0-9a-f]{6})", styles)}
    assert inks
    assert min(contrast(ink, page) for ink in inks for page in BACKGROUNDS.values()) >= 3.0


@pytest.mark.parametrize("name", DRAWINGS)
def test_axes_are_taken_by_name_and_returned(name):
    draw = getattr(figures, name)
    assert inspect.signature(draw).parameters["ax"].kind is inspect.Parameter.KEYWORD_ONLY
    _, ax = plt.subplots()
    assert draw(ax=ax) is ax
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize("draw", [draw_low_rank, draw_nm_rnn])
def test_there_are_as_many_sums_as_the_rank(draw):
    for rank in (1, 4):
        sums = [text for text in draw(rank=rank).texts if text.get_text() == r"$\Sigma$"]
        assert len(sums) == rank
    for rank in (0, 5):
        with pytest.raises(ValueError, match=f"rank: {rank} cannot be drawn; allowed are 1 to 4"):
            draw(rank=rank)


def test_a_convolution_has_three_weights_and_a_chain_its_skips():
    arrows = [p for p in draw_convolution(size=5).patches if isinstance(p, FancyArrowPatch)]
    assert len(arrows) == 3 * 5 - 2 + 3  # two are missing at the ends, three are the key
    assert len({arrow.get_edgecolor() for arrow in arrows}) == 3
    for n_areas in (2, 5):
        texts = [text.get_text() for text in draw_cordsnet(n_areas=n_areas).texts]
        assert sum(text.startswith("$S_") for text in texts) == n_areas - 1
        assert sum(text.startswith("area") for text in texts) == n_areas
    with pytest.raises(ValueError, match="size: 9 pixels cannot be drawn; allowed are 3 to 8"):
        draw_convolution(size=9)
    with pytest.raises(ValueError, match="n_areas: 6 cannot be drawn; allowed are 2 to 5"):
        draw_cordsnet(n_areas=6)


def test_mistakes_in_a_drawing_are_named():
    circuit = Circuit(4, 2)
    circuit.disc("a", (1, 1))
    with pytest.raises(ValueError, match="has a part 'a' already"):
        circuit.box("a", (3, 1), "again")
    with pytest.raises(ValueError, match="no part 'b'; parts: a"):
        circuit.arrow("a", "b")
    with pytest.raises(ValueError, match="does: 'excites' is none of drives, inhibits, joins"):
        circuit.arrow("a", (3, 1), does="excites")
    assert len(circuit.ax.patches) == 1  # nothing half-drawn


@pytest.mark.parametrize("gate", ["forget", "input"])
def test_a_gain_reaches_the_gate_that_it_is_read_as(gate):
    with use_style():
        ax = draw_gain_as_gate(gate=gate)
        ax.figure.canvas.draw()
    gain = [patch for patch in ax.patches if to_hex(patch.get_edgecolor()) == GAINS[0].colour]
    (product,) = (patch for patch in gain if isinstance(patch, Circle))
    (arrow,) = (patch for patch in gain if isinstance(patch, FancyArrowPatch))
    assert arrow.patchB is product
    (cell,) = (text for text in ax.texts if text.get_text() in ("$w_k$", "$c^k$"))
    beneath = product.center[0] == cell.get_position()[0]  # on the way from the cell to itself
    assert beneath == (gate == "forget")


def test_a_gain_is_no_other_gate():
    with pytest.raises(ValueError, match="gate: 'output' cannot be drawn; allowed are 'forget'"):
        draw_gain_as_gate(gate="output")


def test_texts_of_both_readings_are_apart():
    for gate in ("forget", "input"):
        with use_style():
            ax = draw_gain_as_gate(gate=gate)
            ax.figure.canvas.draw()
        _texts_apart(ax)
