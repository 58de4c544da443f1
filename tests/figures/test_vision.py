"""Figures of networks that see: what is drawn is what was given, and wrong arrays are named."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.text import Annotation

from nmcourse.figures import (
    area_look,
    plot_areas,
    plot_wiring,
    shade_images,
    show_connectivity,
    show_images,
    show_maps,
    show_maps_in_time,
)

RANDOM = np.random.default_rng(0)
TIMES = np.arange(0.0, 100.0, 2.0)


def pictures(figure) -> list[np.ndarray]:
    return [np.asarray(ax.images[0].get_array()) for ax in figure.axes if ax.images]


@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
def test_images_are_drawn_as_they_are(convert):
    images = RANDOM.random((3, 1, 4, 5))
    images[0, 0, 0, 0], images[1, 0, 0, 0] = 0.0, 1.0
    figure = show_images(convert(images), titles=["3", "1", "4"])
    np.testing.assert_allclose(pictures(figure), images[:, 0])
    assert [ax.get_title() for ax in figure.axes] == ["3", "1", "4"]


def test_coloured_images_have_their_colours_last():
    figure = show_images(RANDOM.random((2, 3, 4, 5)))
    assert pictures(figure)[0].shape == (4, 5, 3)
    assert pictures(show_images(np.zeros((1, 2, 2))))[0].max() == 0.0


def test_maps_share_a_scale_around_zero_or_have_one_for_each_row():
    rows = [RANDOM.normal(size=(3, 4, 4)), 10 * RANDOM.normal(size=(2, 2, 2))]
    figure = show_maps(rows, row_labels=["first", "second"], signed=True, label="bias")
    limits = {ax.images[0].get_clim() for ax in figure.axes if ax.images}
    edge = np.abs(rows[1]).max()
    assert limits == {(-edge, edge)}
    assert [len(part) for part in pictures(figure)] == [4, 4, 4, 2, 2]
    assert figure.axes[0].get_ylabel() == "first"
    rates = [np.abs(row) for row in rows]
    scales = show_maps(rates, each_row=True)
    found = {ax.images[0].get_clim()[1] for ax in scales.axes[:6] if ax.images}
    assert found == {rates[0].max(), rates[1].max()}


def test_maps_in_time_take_the_nearest_moments():
    course = TIMES[:, None, None] * np.ones((1, 3, 3))
    figure = show_maps_in_time([course, 2 * course], TIMES, at=[0, 10.9, 98])
    assert [float(part[0, 0]) for part in pictures(figure)] == [0, 10, 98, 0, 20, 196]
    assert [ax.get_title() for ax in figure.axes[:3]] == ["0 ms", "10 ms", "98 ms"]
    assert figure.axes[3].get_ylabel() == "area 1"


def test_areas_have_a_curve_each_and_a_dot_where_asked():
    activity = np.stack([TIMES, TIMES**2])
    ax = plot_areas(TIMES, torch.as_tensor(activity), marked=[10.0, 20.0], images=[(0, 50)])
    curves, dots = ax.lines[::2], ax.lines[1::2]
    for curve, row in zip(curves, activity, strict=True):
        np.testing.assert_array_equal(curve.get_ydata(), row)
    assert [float(dot.get_ydata()[0]) for dot in dots] == [10.0, 400.0]
    assert len(ax.patches) == 1
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["area 0", "area 1"]


def test_neighbouring_areas_differ_in_more_than_colour():
    looks = [area_look(area, 8) for area in range(8)]
    assert len({look.colour for look in looks}) == 8
    pairs = itertools.pairwise(looks)
    assert all(one.line != two.line and one.marker != two.marker for one, two in pairs)
    assert area_look(0, 1).colour == looks[0].colour


def test_connectivity_keeps_rows_as_receivers():
    matrix = np.array([[0.0, 2.0], [-1.0, 0.0]])
    figure = show_connectivity([matrix], titles=["W"])
    np.testing.assert_array_equal(pictures(figure)[0], matrix)
    assert figure.axes[0].images[0].get_clim() == (-2.0, 2.0)
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("from unit", "to unit")


def test_wiring_has_a_box_for_each_size_and_an_arrow_for_each_connection():
    shapes = [(4, 16, 16), (4, 16, 16), (4, 16, 16), (8, 8, 6)]
    ax = plot_wiring(shapes, [None, "convolution", "identity"])
    assert len(ax.patches) == 4
    arrows = [text.arrow_patch for text in ax.texts if isinstance(text, Annotation)]
    assert len(arrows) == 3 + 3 + 2 + 2  # chain, recurrence, skips, readout
    assert sum(arrow.get_linestyle() in (":", "dotted") for arrow in arrows) == 1
    heights = [box.get_height() for box in ax.patches]
    assert heights[0] == heights[2] > heights[3]
    assert [text.get_text() for text in ax.texts if text.get_text()] == [
        "stem\n4 × 16²",
        "area 0\n4 × 16²",
        "area 1\n4 × 16²",
        "area 2\n8 × 8 × 6",
        "mean,\nreadout",
    ]


SHAPES = [(4, 8, 8)] * 3
MAP = np.zeros((2, 3, 3))
WRONG = {
    "images with two channels": (lambda: show_images(np.zeros((1, 2, 3, 3))), "images: 2 channels"),
    "an image alone": (lambda: show_images(np.zeros((3, 3))), "images: needs 3 or 4"),
    "a title too few": (lambda: show_images(MAP, titles=["one"]), "titles: 1 texts for 2"),
    "no rows": (lambda: show_maps([]), "rows: is empty"),
    "a row of numbers": (lambda: show_maps([np.zeros(3)]), r"rows\[0\]: needs 3"),
    "a label too many": (lambda: show_maps([MAP], row_labels=["a", "b"]), "row_labels: 2 texts"),
    "a moment outside": (
        lambda: show_maps_in_time([np.zeros((50, 2, 2))], TIMES, at=[200]),
        "at: 200 ms lies outside",
    ),
    "another number of times": (
        lambda: show_maps_in_time([MAP], TIMES, at=[0]),
        r"areas\[0\]: shape .* does not fit times",
    ),
    "curves of another length": (lambda: plot_areas(TIMES, np.zeros((2, 3))), "activity: shape"),
    "a dot too few": (
        lambda: plot_areas(TIMES, np.zeros((2, 50)), marked=[1.0]),
        "marked: shape",
    ),
    "no such area": (lambda: area_look(8, 8), "area: 8 is not one of 8"),
    "an image that ends first": (
        lambda: shade_images(plt.gca(), [(10, 5)]),
        "comes at 10 and goes at 5",
    ),
    "a skip too few": (lambda: plot_wiring(SHAPES, [None]), "skips: 1 for 2 areas"),
    "a skip of area 0": (lambda: plot_wiring(SHAPES, ["identity"] * 2), "area 0 has None"),
    "another skip": (lambda: plot_wiring(SHAPES, [None, "pool"]), "skips: .pool. in"),
    "a matrix of maps": (lambda: show_connectivity([MAP]), r"matrices\[0\]: needs 2"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_drawn_is_named(case: str):
    call, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        call()
