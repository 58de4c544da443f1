"""Gains of an area: constant or changing at every step, with gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from nmcourse.models import AreaGains, Response
from nmcourse.models.vision.planning import Asked
from nmcourse.models.vision.stepwise import respond_by_steps
from tests.models.vision.conftest import NETWORKS, STEPS, cordsnet, images, same, seeded


def ones(model: Any, shape: tuple[int, ...] = ()) -> list[AreaGains]:
    return [
        AreaGains(*(torch.ones(*shape, area.channels, dtype=torch.float64) for _ in range(3)))
        for area in model.wiring.areas
    ]


@pytest.mark.parametrize("shape", [(), (3,), (3, 12)])
@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_gains_of_one_give_the_network_itself(shape: tuple[int, ...], slope: float):
    model, shown = cordsnet(slope=slope), images()
    same(model.respond(shown, gains=ones(model, shape), **STEPS), model.respond(shown, **STEPS))
    same(model.respond(shown, gains=[None] * 4, **STEPS), model.respond(shown, **STEPS))


def test_a_gain_of_a_drive_is_the_length_of_its_convolution():
    model, other, shown = cordsnet(), cordsnet(), images()
    gains = ones(model)
    gains[1] = AreaGains(recurrent=torch.tensor([0.5, 1.2, 2.0], dtype=torch.float64))
    gains[2] = AreaGains(feedforward=torch.tensor([0.5, 1.2, 2.0, 0.0], dtype=torch.float64))
    with torch.no_grad():
        other.recurrent[1].length.mul_(gains[1].recurrent[:, None, None, None])
        other.feedforward[2].length.mul_(gains[2].feedforward[:, None, None, None])
    same(model.respond(shown, gains=gains, **STEPS), other.respond(shown, **STEPS))


def test_a_gain_of_the_output_is_what_others_and_the_readout_see():
    model, shown = cordsnet(), images()
    g = torch.tensor([0.5, 2.0, 0.0, 1.0], dtype=torch.float64)
    gains = [None, None, None, AreaGains(output=g)]
    plain, state = model.respond(shown, **STEPS), model.respond(shown, gains=gains, **STEPS).state
    torch.testing.assert_close(state, plain.state)  # nothing lies above the last area
    seen = (*state[:-1], state[-1] * g[:, None, None])
    response = model.respond(shown, gains=gains, **STEPS)
    torch.testing.assert_close(response.outputs[:, -1], model.readout(seen))


def test_gains_that_change_at_every_step_with_their_gradient():
    model, shown = cordsnet(), images(2)
    drive = torch.rand(2, 6, 3, generator=seeded(4), dtype=torch.float64, requires_grad=True)
    plan = {"n_blank": 2, "n_steps": 4}

    def outputs(drive: Tensor) -> Tensor:
        gains = [AreaGains(recurrent=drive, feedforward=drive), None, None, None]
        return model.respond(shown, gains=gains, **plan).outputs

    state = model.initial_state(2)
    for t in range(6):
        now = [AreaGains(recurrent=drive[:, t], feedforward=drive[:, t]), None, None, None]
        state = model.step(state, shown if t >= 2 else 0 * shown, gains=now)
    torch.testing.assert_close(outputs(drive)[:, -1], model.readout(state))
    late = drive.detach().clone().requires_grad_()

    def after_onset(values: Tensor) -> Tensor:  # blank steps carry no gradient
        return outputs(torch.cat([late.detach()[:, :2], values], dim=1))

    assert torch.autograd.gradcheck(after_onset, (late.detach()[:, 2:].requires_grad_(),))


@pytest.mark.parametrize(
    ("gains", "message"),
    [
        ([None], "gains must have one entry for each of 4 areas, got 1"),
        ([torch.ones(3), None, None, None], r"gains\[0\] must be AreaGains or None"),
        (
            [AreaGains(output=torch.ones(4)), None, None, None],
            r"gains\[0\].output must have shape \(3,\) or \(3, 3\) or \(3, 9, 3\)",
        ),
        (
            [AreaGains(recurrent=torch.tensor([1.0, float("nan"), 1.0])), None, None, None],
            r"gains\[0\].recurrent must be finite",
        ),
        (
            [AreaGains(np.ones(3)), None, None, None],
            r"gains\[0\].recurrent must be a torch.Tensor, got ndarray; torch.as_tensor\(array\)",
        ),
        ([AreaGains([1.0] * 3), None, None, None], r"gains\[0\].recurrent must be a torch.Tensor"),
        ([AreaGains(2.0), None, None, None], r"gains\[0\].recurrent must be a torch.Tensor"),
        (
            [AreaGains(torch.ones(3, dtype=torch.complex64)), None, None, None],
            r"gains\[0\].recurrent must be torch.float64 as the model is, or whole numbers",
        ),
        (AreaGains(torch.ones(3)), "gains must be a list with AreaGains or None for each area"),
        ({0: AreaGains(torch.ones(3))}, "gains must be a list .* got dict"),
        (3, "gains must be a list .* got int"),
    ],
)
def test_gains_that_do_not_fit(gains: Any, message: str):
    with pytest.raises(ValueError, match=message):
        cordsnet().respond(images(), n_blank=4, n_steps=5, gains=gains)


@pytest.mark.parametrize("output", [None, torch.ones(3, dtype=torch.int64)])
def test_gains_of_another_precision_do_not_fit(output: Tensor | None):
    model, gains = cordsnet().float(), AreaGains(torch.ones(3, dtype=torch.float64), None, output)
    message = r"gains\[0\].recurrent must be torch.float32 as the model is, .* got torch.float64"
    with pytest.raises(ValueError, match=message):
        model.respond(images().float(), gains=[gains, None, None, None], **STEPS)


@pytest.mark.parametrize("shape", [(), (3,), (3, 12)])
@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool, torch.float32])
def test_whole_numbers_and_lower_precision_are_gains(dtype: torch.dtype, shape: tuple[int, ...]):
    model, shown = cordsnet(), images()
    gains = [
        AreaGains(*(None if g is None else g.to(dtype) for g in area))
        for area in ones(model, shape)
    ]
    same(model.respond(shown, gains=gains, **STEPS), model.respond(shown, **STEPS))


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "CordsNet"])
def test_a_network_without_a_place_for_gains_says_so(name: str):
    model = NETWORKS[name]()
    with pytest.raises(ValueError, match="gains must be None: the step of this network"):
        model.respond(images(), gains=[None] * 4, **STEPS)


def of_drives(requires_grad: bool = False) -> list[AreaGains | None]:
    """Constant gains of some drives."""
    draw = seeded(7)

    def gain(channels: int) -> Tensor:
        drawn = 0.5 + torch.rand(channels, generator=draw, dtype=torch.float64)
        return drawn.requires_grad_(requires_grad)

    return [AreaGains(gain(3)), AreaGains(gain(3), gain(3)), None, AreaGains(feedforward=gain(4))]


@pytest.mark.parametrize("slope", [0.0, 0.3])
@pytest.mark.parametrize("options", [{}, {"checkpoint_every": 2}, {"gradient_steps": 3}])
def test_constant_gains_of_drives_are_fast_and_the_same(slope, options, monkeypatch):
    model, shown = cordsnet(slope=slope), images()

    def run(answer: Any) -> Any:
        gains = of_drives(requires_grad=True)
        response = answer(gains=gains, **STEPS, **options)
        total = response.outputs.square().sum() + response.departure.sum()
        wanted = [g for area in gains if area is not None for g in area if g is not None]
        kernels = [model.recurrent[1].direction, model.feedforward[3].direction]
        return response, torch.autograd.grad(total, [*wanted, *kernels])

    slow, slow_grads = run(lambda **asked: respond_by_steps(model, shown, Asked(**asked)))

    def refused(*args: Any) -> Response:
        raise AssertionError("the general path was taken")

    monkeypatch.setattr("nmcourse.models.vision.cordsnet.respond_by_steps", refused)
    fast, fast_grads = run(lambda **asked: model.respond(shown, **asked))
    same(fast, slow)
    torch.testing.assert_close(fast_grads, slow_grads)


def test_the_gradient_of_constant_gains_is_a_difference_quotient():
    model, shown, gains = cordsnet(), images(), of_drives(requires_grad=True)
    step = 1e-5

    def total() -> Tensor:
        return model.respond(shown, gains=gains, n_blank=0, n_steps=8).outputs.square().sum()

    for area, drive in ((0, "recurrent"), (1, "feedforward"), (3, "feedforward")):
        gain = getattr(gains[area], drive)
        (gradient,) = torch.autograd.grad(total(), gain)
        sums = []
        for sign in (1, -1):
            with torch.no_grad():
                gain[1] += sign * step
                sums.append(float(total()))
                gain[1] -= sign * step
        assert float(gradient[1]) == pytest.approx((sums[0] - sums[1]) / (2 * step), rel=1e-5)


@pytest.mark.parametrize(
    "gains",
    [AreaGains(output=torch.ones(3)), AreaGains(torch.ones(3, 3)), AreaGains(torch.ones(3, 12, 3))],
)
def test_other_gains_repeat_the_step(gains: AreaGains, monkeypatch):
    called = []
    monkeypatch.setattr(
        "nmcourse.models.vision.cordsnet.respond_by_steps", lambda *_: called.append(1)
    )
    cordsnet().respond(images(), gains=[gains, None, None, None], **STEPS)
    assert called
