import inspect
from itertools import combinations

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_hex

from nmcourse import figures
from nmcourse.figures import GAINS, GREY, MODELS, Circuit, draw_low_rank, draw_nm_rnn, use_style

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
