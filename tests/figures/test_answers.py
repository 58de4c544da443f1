import numpy as np
import pytest
from matplotlib.patches import Rectangle

from nmcourse.figures import (
    NEUTRAL,
    UNSTABLE,
    group_looks,
    plot_intervals,
    plot_size_map,
    use_style,
)

LOOKS = {"partly": NEUTRAL, "not decided": UNSTABLE}


def test_each_answer_has_its_row_dot_and_interval():
    with use_style():
        ax = plot_intervals(
            ["R1", "R2"],
            [0.5, 2.0],
            [0.2, 1.5],
            [0.8, 4.0],
            groups=["partly", "not decided"],
            looks=LOOKS,
        )
        ax.figure.canvas.draw()
    dots = [line for line in ax.lines if line.get_marker() not in ("", "None", None)]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in dots] == [(0.5, 0), (2.0, 1)]
    bars = [segment for bar in ax.collections for segment in bar.get_segments()]
    assert [list(bar[:, 0]) for bar in bars] == [[0.2, 0.8], [1.5, 4.0]]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["R1", "R2"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row is on top
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(LOOKS)
    assert ax.get_xscale() == "log"


def test_a_row_without_a_number_says_so():
    nan = float("nan")
    ax = plot_intervals(["R17"], [nan], [nan], [nan])
    assert [text.get_text() for text in ax.texts] == ["not measured"]
    assert not ax.collections
    assert plot_intervals(["a"], [-1.0], [-2.0], [0.0], log=False, equal=0).get_xlim()[0] < -1


def test_errors_of_intervals_name_the_argument():
    with pytest.raises(ValueError, match="labels: is empty"):
        plot_intervals([], [], [], [])
    with pytest.raises(ValueError, match="low"):
        plot_intervals(["a", "b"], [1, 2], [1], [1, 2])
    with pytest.raises(ValueError, match=r"low: 0.0 on a logarithmic axis"):
        plot_intervals(["a"], [1], [0], [1])
    with pytest.raises(ValueError, match="looks: none for partly"):
        plot_intervals(["a"], [1], [1], [1], groups=["partly"])
    with pytest.raises(ValueError, match="groups: 2 for 1 labels"):
        plot_intervals(["a"], [1], [1], [1], groups=["partly", "partly"], looks=LOOKS)


def sizes(values, **more):
    names = {"row_label": "rank K", "column_label": "units M", "colour_label": "MSE"}
    return plot_size_map(values, [1, 3], [2, 5], **names, **more)


def test_a_map_of_sizes_hatches_what_was_not_measured():
    with use_style():
        ax = sizes([[1e-3, np.nan], [1e-4, 1e-2]], notes={(3, 2): "5 of 5", (1, 5): "?"})
        ax.figure.canvas.draw()
    (hatched,) = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    assert hatched.get_xy() == (0.5, -0.5)
    found = {text.get_text(): (text.get_position(), text.get_color()) for text in ax.texts}
    assert found["5 of 5"] == ((0, 1), "white")  # the smallest error is dark
    assert found["?"][0] == (1, 0)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["1", "3"]


def test_errors_of_a_map_name_the_argument():
    with pytest.raises(ValueError, match=r"values: shape \(1, 2\), but 2 rows and 2 columns"):
        sizes([[1.0, 2.0]])
    with pytest.raises(ValueError, match="values: no finite number"):
        sizes(np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match=r"values: -1.0 has no place"):
        sizes([[1.0, -1.0], [1.0, 1.0]])
    with pytest.raises(ValueError, match=r"notes: \(7, 2\)"):
        sizes(np.ones((2, 2)), notes={(7, 2): "x"})


def test_groups_have_looks_of_their_own():
    looks = group_looks(["a", "b", "c"])
    assert list(looks) == ["a", "b", "c"]
    assert len({look.marker for look in looks.values()}) == 3
    assert len({look.colour for look in looks.values()}) == 3
    with pytest.raises(ValueError, match="names: 7 groups; there are looks for 6"):
        group_looks("abcdefg")
