"""What holds for every CordsNet, whatever its areas, images and type."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nmcourse.models import Area, CordsNet, Stem
from nmcourse.published import cordsnet, cordsnet_state_dict

PRESETS = ("small-R1", "small-R2")


@dataclass(frozen=True)
class Case:
    """A network and a stream of images for it, (batch, time, channel, height, width)."""

    model: CordsNet
    images: Tensor

    def outputs(self, images: Tensor, **options) -> Tensor:
        return self.model(images, **({"n_blank": 0} | options)).outputs

    def steps(self) -> list[tuple[Tensor, ...]]:
        """The states of ``step`` repeated."""
        state, found = self.model.initial_state(len(self.images)), []
        for t in range(self.images.shape[1]):
            state = self.model.step(state, self.images[:, t])
            found.append(state)
        return found


def same(one: Tensor, two: Tensor) -> None:
    tolerance = 1e-9 if one.dtype == torch.float64 else 1e-4
    torch.testing.assert_close(
        one, two, rtol=tolerance, atol=tolerance * (1.0 + float(two.abs().max()))
    )


@st.composite
def wirings(draw) -> tuple[str | list[Area], Stem | None]:
    """A small preset, or up to three areas of any kind; the last two have equal channels."""
    if draw(st.booleans()):
        return draw(st.sampled_from(PRESETS)), None
    channels = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))
    if draw(st.booleans()):
        channels.append(channels[-1])
    elif len(channels) == 2:
        channels[1] = channels[0]
    odd = st.sampled_from((1, 3, 5))
    areas = [Area(n, draw(st.integers(1, 2)), draw(odd)) for n in channels]
    stem = Stem(draw(st.integers(1, 3)), draw(odd), draw(st.integers(1, 2)), draw(st.booleans()))
    return areas, stem


@st.composite
def cases(draw) -> Case:
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    areas, stem = draw(wirings())
    n_channels, size = draw(st.integers(1, 3)), (draw(st.integers(2, 7)), draw(st.integers(2, 7)))
    dt = draw(st.floats(0.1, 10.0))
    model = CordsNet(
        areas,
        n_channels,
        draw(st.integers(1, 4)),
        image_size=size,
        stem=stem,
        bias=draw(st.sampled_from(("map", "channel"))),
        slope=draw(st.sampled_from((0.0, 0.3, 1.0))),
        dt=dt,
        tau=dt * draw(st.floats(1.0, 20.0)),
        generator=generator,
    )
    with torch.no_grad():  # they start at zero, where a forgotten bias would not show
        for bias in (*model.biases, model.output_bias):
            bias.copy_(0.1 * torch.randn(bias.shape, generator=generator))
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 5)), n_channels, *size)
    dtype = draw(st.sampled_from((torch.float64, torch.float32)))
    images = torch.randn(shape, generator=generator).to(dtype)
    return Case(model.to(dtype).requires_grad_(False), images)


@given(cases())
def test_a_trial_is_its_steps(case):
    states = case.steps()
    same(case.outputs(case.images), torch.stack([case.model.readout(s) for s in states], dim=1))
    recorded = case.model.record(case.images, n_blank=0)
    for area, maps in enumerate(recorded):
        same(maps, torch.stack([state[area] for state in states], dim=1))


@given(cases(), st.data())
def test_a_trial_goes_on_from_the_state_where_it_was_cut(case, data):
    n_steps = case.images.shape[1]
    half = data.draw(st.integers(0, n_steps - 1))
    state = case.model.respond(case.images[:, :half], n_blank=0).state if half else None
    same(case.outputs(case.images)[:, half:], case.outputs(case.images[:, half:], state=state))


@given(cases(), st.integers(0, 4))
def test_blank_steps_are_images_of_zeros(case, n_blank):
    blank = torch.zeros_like(case.images[:, :1]).expand(-1, n_blank, -1, -1, -1)
    shown = case.outputs(torch.cat([blank, case.images], dim=1))[:, n_blank:]
    same(case.outputs(case.images, n_blank=n_blank), shown)


@given(cases(), st.integers(1, 4))
def test_a_held_image_is_a_stream_that_does_not_change(case, n_steps):
    held = case.images[:, 0]
    stream = held.unsqueeze(1).expand(-1, n_steps, -1, -1, -1)
    same(case.outputs(held, n_steps=n_steps), case.outputs(stream))


@given(cases(), st.data())
def test_images_know_nothing_of_each_other_or_of_their_order(case, data):
    order = data.draw(st.permutations(range(len(case.images))))
    some = order[: data.draw(st.integers(1, len(order)))]
    same(case.outputs(case.images)[some], case.outputs(case.images[some]))


@given(cases(), st.data())
def test_what_comes_later_changes_nothing_before(case, data):
    until = data.draw(st.integers(1, case.images.shape[1]))
    same(case.outputs(case.images)[:, :until], case.outputs(case.images[:, :until]))


@given(cases())
def test_weights_are_all_that_a_network_is(case):
    before = case.outputs(case.images)
    state = {key: values.clone() for key, values in case.model.state_dict().items()}
    for parameter in case.model.parameters():
        parameter.add_(1.0)
    case.model.load_state_dict(state)
    assert torch.equal(case.outputs(case.images), before)


@cache  # no fixture: Hypothesis would print it
def released() -> dict[str, Tensor]:
    """A state dict under the authors' names."""
    model = CordsNet("R2", 1, 3, image_size=8, generator=torch.Generator().manual_seed(0))
    return cordsnet_state_dict(model)


ODD = {
    "integers": torch.ones(2, 2, dtype=torch.int64),
    "text": "text",
    "nothing": None,
    "ragged": [[1.0], [2.0, 3.0]],
    "mapping": {"a": 1},
    "sparse": torch.ones(2, 2).to_sparse(),
}


@given(
    number=st.integers(0, 10**6),
    damage=st.sampled_from(("missing", "renamed", "shape", "nan", "repeated", *ODD)),
    name=st.text(max_size=12),
)
def test_a_state_dict_with_a_wrong_key_or_array_is_refused_by_its_name(number, damage, name):
    state = dict(released())
    key = sorted(state)[number % len(state)]
    values = state.pop(key)
    if damage == "renamed":
        state[f"area_conv.{name}"] = values
    elif damage == "shape":
        state[key] = torch.cat([values, values], dim=number % values.ndim)
    elif damage == "nan":
        state[key] = values.clone()
        state[key].view(-1)[number % values.numel()] = torch.nan
    elif damage == "repeated":
        state[key] = torch.zeros([1] * values.ndim).expand(2**40, *[1] * (values.ndim - 1))
    elif damage in ODD:
        state[key] = ODD[damage]
    with pytest.raises(ValueError, match=key.split(".")[0]):
        cordsnet(state, image_size=8)


def test_every_area_word_is_read_or_refused():
    """Digits that are none of ours, and numbers without end, are unknown keys like others."""
    for word, part in itertools.product(
        ("²", "٣", "9" * 5000, "-1", ""), ("area_conv", "conv_bias")
    ):
        with pytest.raises(ValueError, match="missing"):
            cordsnet({f"{part}.{word}": torch.zeros(1)})
