import numpy as np
import pytest
from matplotlib.colors import to_hex

from nmcourse.figures import plot_line_states, use_style
from nmcourse.figures.memory import VALUE_COLOURS, _between


def faces(collection) -> list[str]:
    return [to_hex(face) for face in collection.get_facecolors()]


def test_larger_values_are_larger_and_in_order_along_the_line():
    values = np.array([5.0, -10.0, 10.0, 0.0, 0.0])
    ax = plot_line_states(np.stack([values, values**2], axis=1), values, name="element")
    (points,) = ax.collections
    sizes = points.get_sizes()
    assert list(np.argsort(values, kind="stable")) == list(np.argsort(sizes, kind="stable"))
    assert faces(points)[1] == VALUE_COLOURS[0]
    assert faces(points)[2] == VALUE_COLOURS[-1]
    (line,) = ax.lines
    assert list(line.get_xdata()) == [-10, 0, 5, 10]  # one mean per value
    assert [text.get_text() for text in ax.texts] == ["element −10", "element 10"]


def test_groups_of_values_have_a_line_each():
    places = np.random.default_rng(0).normal(size=(6, 2))
    groups = ["q = 5"] * 3 + ["q = 10"] * 3
    with use_style():
        ax = plot_line_states(places, [1, 2, 3] * 2, groups=groups)
        ax.figure.canvas.draw()
    assert len(ax.lines) == len(ax.collections) == 2
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["q = 5", "q = 10"]
    assert plot_line_states(places, np.ones(6)).texts[0].get_text() == "1"


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match=r"scores: shape \(3, 3\)"):
        plot_line_states(np.zeros((3, 3)), np.zeros(3))
    with pytest.raises(ValueError, match=r"value: shape \(2,\) does not fit scores"):
        plot_line_states(np.zeros((3, 2)), np.zeros(2))
    with pytest.raises(ValueError, match="scores: not every entry is finite"):
        plot_line_states(np.full((2, 2), np.inf), [1, 2])
    with pytest.raises(ValueError, match="value: not every entry is finite"):
        plot_line_states(np.zeros((2, 2)), [1, np.nan])
    with pytest.raises(ValueError, match="groups: 1 names for 3 trials"):
        plot_line_states(np.zeros((3, 2)), np.zeros(3), groups=["Pro"])
    with pytest.raises(ValueError, match="groups: 6 groups, but there are 5 markers"):
        plot_line_states(np.zeros((6, 2)), np.zeros(6), groups=list("abcdef"))


def test_mixed_colours_meet_the_ends():
    assert _between(["#000000", "#ffffff"], 0.0) == "#000000"
    assert _between(["#000000", "#ffffff"], 1.0) == "#ffffff"


def test_groups_that_end_at_one_place_share_its_text():
    places = np.array([[0.0, 0.0], [1.0, 0.0], [0.01, 0.0], [1.01, 0.0]])
    ax = plot_line_states(places, [1, 2, 1, 2], groups=["a", "a", "b", "b"])
    assert [text.get_text() for text in ax.texts] == ["1", "2"]
    apart = places + np.array([[0, 0], [0, 0], [0, 1], [0, 1]])
    ax = plot_line_states(apart, [1, 2, 1, 2], groups=["a", "a", "b", "b"])
    assert [text.get_text() for text in ax.texts] == ["1", "2", "1", "2"]
