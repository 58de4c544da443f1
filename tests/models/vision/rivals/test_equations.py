"""Each rival is its equation: limits in which it is a network that is known already."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from nmcourse.models import (
    Area,
    CNNThenRNN,
    ConvGRU,
    CordsNet,
    DiscreteNet,
    FeedbackNet,
    SeeingNetwork,
    TwinCNN,
)
from nmcourse.models.vision.planning import Asked
from nmcourse.models.vision.stepwise import respond_by_steps
from tests.models.vision.conftest import (
    IN_TIME,
    NETWORKS,
    STEPS,
    cordsnet,
    images,
    seeded,
    wired,
)


def copied(source: Any, target: Any) -> Any:
    """The target with every parameter that both have."""
    ours = dict(source.named_parameters())
    with torch.no_grad():
        for name, parameter in target.named_parameters():
            if name in ours:
                parameter.copy_(ours[name].expand_as(parameter))
    return target


def test_without_leak_a_cordsnet_with_a_bias_per_channel_is_the_discrete_network():
    model, shown = wired(DiscreteNet), images()
    other = copied(model, cordsnet(bias="channel", tau=10.0, dt=10.0))
    ours, theirs = model.respond(shown, **STEPS), other.respond(shown, **STEPS)
    torch.testing.assert_close(ours.outputs, theirs.outputs)
    torch.testing.assert_close(ours.state, theirs.state)
    with_leak = copied(model, cordsnet(bias="channel", tau=10.0, dt=5.0))
    assert not torch.allclose(ours.outputs, with_leak.respond(shown, **STEPS).outputs)


class HeldGates(ConvGRU):
    """Gates that do not listen: the update gate of a leak, the reset gate open."""

    def gate_values(self, area, r, drive_v, drive_q):
        return torch.full_like(r, 0.8), torch.ones_like(r)


def test_a_gated_network_whose_gates_are_held_is_a_cordsnet():
    model, shown = wired(HeldGates, nonlinearity="relu"), images()
    other = cordsnet(bias="channel", tau=10.0, dt=2.0)
    with torch.no_grad():
        for area, width in enumerate(a.channels for a in model.wiring.areas):
            theirs, ours = other.feedforward[area], model.feedforward[area]
            theirs.direction.copy_(ours.direction[2 * width :])
            theirs.length.copy_(ours.length[2 * width :])
            other.biases[area].copy_(model.biases[area][2 * width :])
    for name in ("stem", "recurrent", "skips", "output"):
        copied(getattr(model, name), getattr(other, name))
    torch.testing.assert_close(
        model.respond(shown, **STEPS).outputs, other.respond(shown, **STEPS).outputs
    )


def test_open_and_closed_gates():
    model, shown = wired(ConvGRU), images()
    state = tuple(torch.rand_like(r) for r in model.initial_state(3))
    with torch.no_grad():
        for area, width in enumerate(a.channels for a in model.wiring.areas):
            model.biases[area][:width] = 1e3  # update gate: keep all
    torch.testing.assert_close(model.step(state, shown), state)
    with torch.no_grad():
        for area, width in enumerate(a.channels for a in model.wiring.areas):
            model.biases[area][: 2 * width] = -1e3  # keep nothing, and do not look at the state
    other = tuple(torch.rand_like(r) for r in state)
    # only what lies below is seen, and of it the shallowest area sees the image alone
    torch.testing.assert_close(model.step(state, shown)[0], model.step(other, shown)[0])


def test_feedback_by_hand():
    model, shown = wired(FeedbackNet), images()
    state = tuple(torch.rand_like(r) for r in model.initial_state(3))
    below, expected = model.stem_maps(shown), []
    for area, r in enumerate(state):
        forward, around = model.feedforward[area], model.recurrent[area].weights()
        current = F.conv2d(below, forward.weights(), stride=forward.stride, padding=1)
        current = current + F.conv2d(r, around, padding=1) + model.biases[area]
        if area < 3:
            above = state[area + 1]
            factor = r.shape[-1] // above.shape[-1]
            large = above.repeat_interleave(factor, -1).repeat_interleave(factor, -2)
            current = current + F.conv2d(large, model.feedback[area].weights(), padding=1)
        below = current.relu()
        expected.append(below)
    torch.testing.assert_close(model.step(state, shown), tuple(expected))


def test_an_image_is_read_out_at_once_only_where_bottom_up_input_takes_no_time():
    def steps_until_seen(name: str) -> int:
        model, first, second = NETWORKS[name](), images(1, 1), images(1, 2)
        outputs = [model.respond(shown, n_blank=3, n_steps=9).outputs for shown in (first, second)]
        differ = (outputs[0] - outputs[1]).abs().amax(dim=(0, 2)) > 1e-12
        return int(differ.nonzero()[0]) + 1

    seen = {name: steps_until_seen(name) for name in IN_TIME}
    # areas 2 and 3 are read out, and area 1 sees the stem: the second step changes area 2
    assert seen == {"discrete": 2, "feedback": 1, "gated": 2, "cnn_then_rnn": 2}


def test_a_cnn_then_a_rate_network_is_their_composition():
    model, shown = wired(CNNThenRNN), images()
    maps = model.activities(shown)
    dark = model.activities(0 * shown)
    z, z_dark = (sum(x.mean(dim=(-2, -1)) for x in found[-2:]) for found in (maps, dark))
    features = torch.stack([0 * z] + [z_dark] * 4 + [z] * 5, dim=1)  # a step later than the image
    trajectory = model.rates(features)
    ours = model.respond(shown, n_blank=4, n_steps=6)
    torch.testing.assert_close(ours.outputs, trajectory.outputs[:, 4:])
    torch.testing.assert_close(ours.state[:-1], tuple(maps))


def test_its_areas_are_those_of_the_folded_twin():
    model = wired(CNNThenRNN)
    folded = TwinCNN(model.wiring.areas, 2, 3, image_size=6, stem=model.wiring.stem, folded=True)
    twin, shown = copied(model, folded.double()), images()
    torch.testing.assert_close(model.activities(shown), twin.activities(shown))


@pytest.mark.parametrize("name", [n for n in NETWORKS if n != "twin"])
def test_the_gradient_of_a_trial_is_that_of_finite_differences(name: str):
    model, shown = NETWORKS[name](), images(2)
    rest = model.rest(3)
    names, values = zip(*model.named_parameters(), strict=True)

    def total() -> Tensor:
        response = model.respond(shown, n_blank=0, n_steps=3, n_after=1, state=rest)
        weights = torch.arange(1.0, 4.0, dtype=torch.float64)
        return (response.outputs * weights).square().sum()

    gradients = torch.autograd.grad(total(), values)
    for which, (parameter, gradient) in enumerate(zip(values, gradients, strict=True)):
        direction = torch.randn(parameter.shape, generator=seeded(which), dtype=torch.float64)
        found = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter.add_(sign * 1e-6 * direction)
                found.append(total().item())
                parameter.sub_(sign * 1e-6 * direction)
        expected = (found[0] - found[1]) / 2e-6
        ours = (gradient * direction).sum().item()
        assert ours == pytest.approx(expected, rel=1e-4, abs=1e-5), names[which]


@pytest.mark.parametrize("name", [n for n in NETWORKS if n != "pixels"])
def test_a_subclass_and_a_hook_are_obeyed(name: str):
    plain, shown = NETWORKS[name](), images()
    model = NETWORKS[name]()

    def step(self: Any, state: Any, image: Tensor) -> Any:
        return tuple(0.9 * r + 0.03 for r in type(plain).step(self, state, image))

    model.__class__ = type("Other", (type(model),), {"step": step, "__module__": "mine"})
    state = model.initial_state(3)
    for n in range(9):
        state = model.step(state, shown if n >= 4 else 0 * shown)
    response = model.respond(shown, n_blank=4, n_steps=5)
    torch.testing.assert_close(response.state, state)
    assert not torch.allclose(response.outputs, plain.respond(shown, n_blank=4, n_steps=5).outputs)

    before = plain.respond(shown, **STEPS)
    part = getattr(
        plain, {"equilibrium": "equation", "modulated": "network"}.get(name, ""), plain
    ).stem
    part.register_forward_hook(lambda part, args, result: 1.5 * result)
    after = plain.respond(shown, **STEPS)
    assert not torch.allclose(before.outputs, after.outputs)
    torch.testing.assert_close(
        after.outputs, respond_by_steps(plain, shown, Asked(**STEPS)).outputs
    )


@pytest.mark.parametrize("name", IN_TIME)
def test_a_stream_is_seen_frame_by_frame(name: str):
    model, first, second = NETWORKS[name](), images(3, 1), images(3, 2)
    stream = torch.stack([first, first, second, 0 * first], dim=1)
    state = model.initial_state(3)
    for image in (0 * first, 0 * first, first, first, second, 0 * first):
        state = model.step(state, image)
    torch.testing.assert_close(model.respond(stream, n_blank=2).state, state)


@pytest.mark.parametrize("name", [*IN_TIME, "equilibrium"])
@pytest.mark.parametrize(
    ("shown", "message"),
    [
        (
            torch.zeros(2, 2, 6, 7, dtype=torch.float64),
            r"images must have shape \(batch, 2, 6, 6\)",
        ),
        (torch.zeros(2, 1, 6, 6, dtype=torch.float64), r"got \(2, 1, 6, 6\)"),
        (torch.zeros(2, 6, 6, dtype=torch.float64), r"got \(2, 6, 6\)"),
        (torch.zeros(2, 2, 6, 6), "images must be torch.float64 as the model is"),
    ],
)
def test_images_that_do_not_fit(name: str, shown: Tensor, message: str):
    with pytest.raises(ValueError, match=message):
        NETWORKS[name]().respond(shown)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_stream_with_gaps_names_its_frames(name: str):
    stream = images().unsqueeze(1).repeat(1, 6, 1, 1, 1)
    stream[2, 1, 0, 3, 3] = float("nan")
    stream[0, 4] = float("inf")
    message = r"NaN or infinity in 2 of 6 frames of the stream \(1, 4\): a gap has to be filled"
    with pytest.raises(ValueError, match=message):
        NETWORKS[name]().respond(stream)
    with pytest.raises(ValueError, match="n_steps must be 6, the length of the stream, got 7"):
        NETWORKS[name]().respond(images().unsqueeze(1).repeat(1, 6, 1, 1, 1), n_steps=7)


def test_a_nonlinearity_that_is_none():
    with pytest.raises(ValueError, match=r"nonlinearity must be one of \['tanh', 'relu'\]"):
        ConvGRU([Area(2)], 1, 2, image_size=4, nonlinearity="sine")


def test_one_area_is_a_network_as_well():
    shown = torch.randn(2, 1, 5, 4, generator=seeded())
    for kind in (DiscreteNet, FeedbackNet, ConvGRU, CNNThenRNN, CordsNet):
        model = kind([Area(2)], 1, 3, image_size=(5, 4))
        assert isinstance(model, SeeingNetwork)
        assert model.respond(shown, n_blank=1, n_steps=2).outputs.shape == (2, 2, 3)
