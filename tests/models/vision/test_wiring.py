"""The table of areas: as published, and counted right."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from nmcourse.models import PRESETS, Area, CordsNet, Stem, TwinCNN, count_parameters
from nmcourse.models.vision.wiring import Convolution, Wiring

R8 = [  # area: channels and pixels of its maps; its convolution; its skip (None: identity)
    ((64, 56, 56), Convolution(64, 64, 3, 1), None),
    ((64, 56, 56), Convolution(64, 64, 3, 1), Convolution(64, 64, 3, 1)),
    ((128, 28, 28), Convolution(64, 128, 3, 2), None),
    ((128, 28, 28), Convolution(128, 128, 3, 1), Convolution(64, 128, 1, 2)),
    ((256, 14, 14), Convolution(128, 256, 3, 2), None),
    ((256, 14, 14), Convolution(256, 256, 3, 1), Convolution(128, 256, 1, 2)),
    ((512, 7, 7), Convolution(256, 512, 3, 2), None),
    ((512, 7, 7), Convolution(512, 512, 3, 1), Convolution(256, 512, 1, 2)),
]
# neurons; parameters in millions with 1000 and 10 classes; 10^9 multiply-adds per step with the
# stem once, as released, and as left by what is constant (by hand: R2 is 3 x 64 x 64 x 9 x 56^2)
PUBLISHED = {
    "R2": (401_408, 0.66, 0.60, 0.70, 0.81, 0.347),
    "R4": (602_112, 1.45, 1.32, 1.11, 1.46, 0.758),
    "R6": (702_464, 3.78, 3.52, 1.52, 2.11, 1.169),
    "R8": (752_640, 12.48, 11.97, 1.93, 2.76, 1.580),
}


def wiring(preset: str, n_channels: int = 3) -> Wiring:
    return Wiring(n_channels, *PRESETS[preset][:2])


@pytest.mark.parametrize("depth", [2, 4, 6, 8])
def test_the_published_table(depth):
    table = wiring(f"R{depth}")
    assert len(table) == depth
    assert table.image_convolution() == Convolution(3, 64, 7, 2)
    assert table.stem_shape((224, 224)) == (64, 56, 56)
    assert list(table.shapes((224, 224))) == [shape for shape, _, _ in R8[:depth]]
    for area, (shape, forward, skip) in enumerate(R8[:depth]):
        assert table.feedforward(area) == forward
        assert table.recurrent(area) == Convolution(shape[0], shape[0], 3, 1)
        assert table.skip(area) == skip


@pytest.mark.parametrize("preset", PUBLISHED)
def test_neurons_parameters_and_multiply_adds_are_the_published_ones(preset):
    n_units, many, few, stem_once, released, left = PUBLISHED[preset]
    sizes = CordsNet(preset, 3, 1000).sizes()
    assert sizes.n_units == n_units
    assert round(sizes.n_parameters / 1e6, 2) == many
    assert round(CordsNet(preset, 3, 10).sizes().n_parameters / 1e6, 2) == few
    assert round(sizes.per_step_stem_once / 1e9, 2) == stem_once
    assert round(sizes.per_step_released / 1e9, 2) == released
    assert round(sizes.per_step / 1e9, 3) == left


@pytest.mark.parametrize("size", [15, (20, 13)])
def test_the_counts_are_those_of_the_operations(size):
    stem = Stem(channels=3, kernel=5, stride=2, pool=True)
    areas = [Area(4), Area(4, 2, kernel=5), Area(6, 2), Area(6)]
    model = CordsNet(areas, 2, 3, image_size=size, stem=stem).double()
    image, sizes = torch.zeros(1, 2, *model.image_size, dtype=torch.float64), model.sizes()
    with FlopCounterMode(display=False) as step:
        model.step(model.initial_state(1), image)
    assert step.get_total_flops() == 2 * sizes.per_step_stem_once
    with FlopCounterMode(display=False) as trial, torch.no_grad():
        model(image, n_steps=3, n_blank=0)
    readout = 3 * 2 * model.wiring.areas[-1].channels * model.n_outputs
    assert trial.get_total_flops() == 2 * (sizes.per_stimulus + 3 * sizes.per_step) + readout
    assert sizes.n_units == sum(r.numel() for r in model.initial_state(1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"areas": "R3"}, r"areas must be one of \['R2', .*, got 'R3'"),
        ({"areas": ()}, "at least one area"),
        ({"areas": [Area(4), Area(5)], "image_size": 8}, "equal channels, got 4 and 5"),
        ({"areas": [Area(4)]}, "image_size must be given"),
        ({"areas": [3, 4], "image_size": 8}, r"areas must be the name .*, got \[3, 4\]"),
        ({"areas": Area(4), "image_size": 8}, "areas must be the name of a preset or a list of"),
        ({"stem": 3}, "stem must be a Stem or None, got 3"),
        (
            {"image_size": 0},
            "image_size must be a positive integer or two of them, height and width, got 0",
        ),
        ({"n_channels": 0}, "n_channels must be a positive integer, got 0"),
        ({"n_classes": 2.0}, "n_classes must be a positive integer, got 2.0"),
        ({"bias": "pixel"}, "bias must be 'map' or 'channel', got 'pixel'"),
        ({"slope": 1.5}, "slope must be from 0 to 1, got 1.5"),
        ({"dt": 12.0}, "dt must not exceed tau: got dt=12.0 ms and tau=10.0 ms"),
    ],
)
def test_impossible_networks(change, message):
    arguments = {"areas": "small-R2", "n_channels": 1, "n_classes": 2} | change
    if arguments["areas"] == ():
        arguments["image_size"] = 8
    with pytest.raises(ValueError, match=message):
        CordsNet(**arguments)


def test_a_kernel_has_a_centre():
    with pytest.raises(ValueError, match="kernel must be odd, got 4"):
        Area(8, kernel=4)


def test_the_preset_for_images_of_28_to_32_pixels():
    model = CordsNet("native-R4", 1, 10)
    sizes = model.sizes()
    assert model.image_size == (28, 28)
    assert (sizes.n_units, sizes.n_parameters) == (9_408, 54_692)
    twin = TwinCNN("native-R4", 1, 10)
    assert twin.wiring == model.wiring
    # instead of a bias for each unit: two numbers for each normalised channel, of the stem, of the
    # two convolutions of each area, and of the one skip that is normalised
    assert count_parameters(twin) == 54_692 - 9_408 + 2 * (16 + 2 * 96 + 32)
    assert CordsNet("native-R4", 3, 10, image_size=32).sizes().n_units == 12_288
