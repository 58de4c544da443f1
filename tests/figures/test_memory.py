import numpy as np
import pytest
from matplotlib.colors import to_hex

from nmcourse.figures import (
    MODELS,
    angle_colour,
    plot_line_states,
    plot_percent_correct,
    plot_ring,
    use_style,
)
from nmcourse.figures.memory import VALUE_COLOURS, _between

ANGLES = np.arange(16) * (2 * np.pi / 16)
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


def faces(collection) -> list[str]:
    return [to_hex(face) for face in collection.get_facecolors()]


def test_a_full_turn_comes_back_to_the_same_colour():
    assert angle_colour(0.4) == angle_colour(0.4 + 2 * np.pi) == angle_colour(0.4 - 4 * np.pi)
    assert angle_colour(0.0) == angle_colour(2 * np.pi)
    assert len({angle_colour(angle) for angle in ANGLES}) == 16
    with pytest.raises(ValueError, match="angle: nan is not finite"):
        angle_colour(np.nan)


def test_points_of_a_ring_have_the_colour_of_their_angle_and_the_shape_of_their_task():
    order = np.array([3, 0, 9, 5])
    ax = plot_ring(CIRCLE[order], ANGLES[order], groups=["Pro", "Anti", "Pro", "Anti"])
    pro, anti = ax.collections
    assert faces(pro) == [angle_colour(a) for a in ANGLES[[3, 9]]]
    assert faces(anti) == [angle_colour(a) for a in ANGLES[[0, 5]]]
    np.testing.assert_allclose(pro.get_offsets(), CIRCLE[[3, 9]])
    shapes = [group.get_paths()[0].vertices.shape for group in (pro, anti)]
    assert shapes[0] != shapes[1]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Pro", "Anti"]


def test_quarter_turns_are_written_where_they_are_outside_the_ring():
    with use_style():
        ax = plot_ring(CIRCLE, ANGLES)
        ax.figure.canvas.draw()
    places = {text.get_text(): text for text in ax.texts}
    assert list(places) == ["0", "π/2", "π", "3π/2"]
    assert places["π"].xy == pytest.approx((-1, 0), abs=1e-9)
    assert places["π"].get_position()[0] < 0
    assert ax.get_legend() is None
    some = plot_ring(CIRCLE[:3], ANGLES[:3])  # none of them near a half turn
    assert [text.get_text() for text in some.texts] == ["0"]


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


def test_every_seed_of_every_task_is_a_point_with_the_look_of_its_model():
    values = {
        "NM-RNN": {"DelayPro": [99.0, 100.0, 41.0], "DelayAnti": [90.0, 95.0, np.nan]},
        "LSTM": {"DelayPro": [98.0], "DelayAnti": [0.0]},
    }
    with use_style():
        ax = plot_percent_correct(values, chance=10.0)
        ax.figure.canvas.draw()
    dots = [line for line in ax.lines if line.get_linestyle() == "None"]
    assert [sorted(line.get_ydata()) for line in dots] == [[41, 99, 100], [90, 95], [98], [0]]
    assert [line.get_marker() for line in dots] == ["o", "o", "D", "D"]
    assert dots[2].get_color() == MODELS["lstm"].colour
    medians = [ticks.get_paths()[0].vertices[0, 1] for ticks in ax.collections]
    assert medians == [99.0, 92.5, 98.0, 0.0]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["DelayPro", "DelayAnti"]
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["NM-RNN", "LSTM", "chance"]
    places = [np.asarray(line.get_xdata()).mean() for line in dots]
    assert places[0] < places[2] < places[1] < places[3]


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match=r"scores: shape \(3, 3\)"):
        plot_ring(np.zeros((3, 3)), np.zeros(3))
    with pytest.raises(ValueError, match=r"angle: shape \(2,\) does not fit scores"):
        plot_ring(np.zeros((3, 2)), np.zeros(2))
    with pytest.raises(ValueError, match="scores: not every entry is finite"):
        plot_line_states(np.full((2, 2), np.inf), [1, 2])
    with pytest.raises(ValueError, match="value: not every entry is finite"):
        plot_line_states(np.zeros((2, 2)), [1, np.nan])
    with pytest.raises(ValueError, match="groups: 1 names for 3 trials"):
        plot_ring(np.zeros((3, 2)), np.zeros(3), groups=["Pro"])
    with pytest.raises(ValueError, match="groups: 6 groups, but there are 5 markers"):
        plot_ring(np.zeros((6, 2)), np.zeros(6), groups=list("abcdef"))
    with pytest.raises(ValueError, match="values: is empty"):
        plot_percent_correct({})
    with pytest.raises(ValueError, match=r"values\['LSTM'\]: has tasks \['B'\], the first has"):
        plot_percent_correct({"NM-RNN": {"A": [1.0]}, "LSTM": {"B": [1.0]}})
    with pytest.raises(ValueError, match=r"values\['LSTM'\]\['A'\]: must lie between 0 and 100"):
        plot_percent_correct({"LSTM": {"A": [101.0]}})


def test_mixed_colours_meet_the_ends():
    assert _between(["#000000", "#ffffff"], 0.0) == "#000000"
    assert _between(["#000000", "#ffffff"], 1.0) == "#ffffff"
