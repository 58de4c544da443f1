import inspect
from itertools import combinations

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch

from nmcourse import figures
from nmcourse.figures import (
    GAINS,
    GREY,
    MODELS,
    Circuit,
    draw_convolution,
    draw_cordsnet,
    draw_low_rank,
    draw_nm_rnn,
    use_style,
)

DRAWINGS = [name for name in figures.__all__ if name.startswith("draw_")]


@pytest.fixture(params=DRAWINGS)
def drawing(request):
    """The axes of one drawing, laid out."""
    with use_style():
        ax = getattr(figures, request.param)()
        ax.figure.canvas.draw()  # a missing glyph is a warning, hence an error
    return ax


def test_every_text_is_inside_the_picture_and_on_no_other(drawing):
    page = drawing.figure.bbox
    boxes = {text: text.get_window_extent() for text in drawing.texts}
    for text, box in boxes.items():
        assert page.x0 <= box.x0 < box.x1 <= page.x1, text
        assert page.y0 <= box.y0 < box.y1 <= page.y1, text
    for one, other in combinations(boxes, 2):
        assert not boxes[one].overlaps(boxes[other]), (one, other)


def test_a_drawing_uses_the_colours_of_the_course_only(drawing):
    known = {GREY, *(look.colour for look in (*MODELS.values(), *GAINS))}
    assert {to_hex(patch.get_edgecolor()) for patch in drawing.patches} <= known
    assert {text.get_color() for text in drawing.texts} == {GREY}


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
