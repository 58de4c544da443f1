"""Rivals by name, and widths that make them comparable."""

from __future__ import annotations

import pytest
import torch

from nmcourse.models import (
    RIVALS,
    CordsNet,
    SeeingNetwork,
    count_parameters,
    matched_rival,
    rival,
)


@pytest.mark.parametrize(
    ("preset", "size"), [("native-R4", None), ("small-R2", 8), ("small-R2", 14)]
)
@pytest.mark.parametrize("name", RIVALS)
def test_every_rival_has_as_many_parameters_as_the_cordsnet(name, preset, size):
    model = CordsNet(preset, 1, 10, image_size=size)
    found = matched_rival(name, model, generator=torch.Generator().manual_seed(0))
    assert isinstance(found, SeeingNetwork)
    assert found.image_size == model.image_size
    assert count_parameters(found) == pytest.approx(count_parameters(model), rel=0.05)
    again = matched_rival(name, model, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(dict(found.named_parameters()), dict(again.named_parameters()))


def test_the_equilibrium_network_has_the_equation_of_the_cordsnet():
    model = CordsNet("small-R2", 1, 10, bias="channel", slope=0.2)
    found = matched_rival("equilibrium", model)
    found.equation.load_state_dict(model.state_dict())
    assert (found.equation.bias_kind, found.equation.slope) == ("channel", 0.2)


def test_a_rival_that_is_unknown():
    message = r"name must be one of \['twin', 'discrete', .*\], got 'lstm'"
    with pytest.raises(ValueError, match=message):
        rival("lstm", "small-R1", 1, 10)
    with pytest.raises(ValueError, match=message):
        matched_rival("lstm", CordsNet("small-R1", 1, 10))


def test_a_size_that_cannot_be_matched():
    model = CordsNet("small-R1", 1, 10)
    with pytest.raises(ValueError, match="parameters cannot be matched within 5%: the nearest"):
        matched_rival("cnn_then_rnn", model, n_units=100)
