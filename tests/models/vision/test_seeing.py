"""The protocol of networks that see: one answer for all, and the general path obeys everybody."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nmcourse.models import (
    Area,
    AreaGains,
    CordsNet,
    DivergingActivity,
    PixelRNN,
    Response,
    SeeingNetwork,
    Stem,
    TwinCNN,
)
from nmcourse.models.vision.layers import NormalisedConvolution
from nmcourse.models.vision.seeing import respond_by_steps
from nmcourse.tasks import ImageSet
from nmcourse.training import (
    ImageTrial,
    accuracy,
    rest_penalty,
    trial_loss,
    windowed_cross_entropy,
)

AREAS = (Area(3), Area(3), Area(4, 2), Area(4))
STEM = Stem(channels=2, kernel=3, stride=1, pool=False)
STEPS = {"n_blank": 4, "n_steps": 5, "n_after": 3, "n_departure": 2}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def cordsnet(kind: type[CordsNet] = CordsNet, **options: Any) -> Any:
    model = kind(AREAS, 2, 3, image_size=6, stem=STEM, generator=seeded(), **options).double()
    with torch.no_grad():
        for number, bias in enumerate(model.biases):
            bias.copy_(0.1 * torch.randn(bias.shape, generator=seeded(number)))
    return model


def twin() -> TwinCNN:
    return TwinCNN(AREAS, 2, 3, image_size=6, stem=STEM, generator=seeded()).double().eval()


def pixels() -> PixelRNN:
    return PixelRNN(7, 2, 3, image_size=(6, 6), generator=seeded()).double()


def images(n: int = 3, seed: int = 1) -> Tensor:
    return torch.randn(n, 2, 6, 6, generator=seeded(seed), dtype=torch.float64)


NETWORKS = {"CordsNet": cordsnet, "twin": twin, "pixels": pixels}


def same(one: Response, other: Response) -> None:
    torch.testing.assert_close(one.outputs, other.outputs)
    torch.testing.assert_close(one.departure, other.departure)
    torch.testing.assert_close(one.state, other.state)


@pytest.mark.parametrize("name", NETWORKS)
def test_everybody_answers_the_protocol(name: str):
    model, shown = NETWORKS[name](), images()
    assert isinstance(model, SeeingNetwork)
    assert not isinstance(nn.Linear(1, 1), SeeingNetwork)
    same(model.respond(shown, **STEPS), respond_by_steps(model, shown, **STEPS))
    rest = model.rest(4)
    assert {len(r) for r in rest} == {1}
    assert model.readout(rest).shape == (1, 3)
    recorded = model.record(shown, n_blank=4, n_steps=5, n_after=3)
    assert all(r.shape[:2] == (3, 12) and r.ndim == 5 for r in recorded)
    response = model.respond(shown, **STEPS)
    torch.testing.assert_close([r[:, -1] for r in recorded], list(response.state))
    names = {name for part in model.parts().values() for name in part}
    assert names <= {name for name, _ in model.named_parameters()}


@pytest.mark.parametrize("name", NETWORKS)
def test_features_are_what_the_readout_reads_with_gradient(name: str):
    model, shown = NETWORKS[name](), images()
    found = model.features(shown, n_blank=4, n_steps=6, every=2)
    assert len(found) == model.n_read
    recorded = model.record(shown, n_blank=4, n_steps=6)[-model.n_read :]
    for ours, theirs in zip(found, recorded, strict=True):
        torch.testing.assert_close(ours.detach(), theirs[:, [5, 7, 9]])
    read = tuple(r[:, -1] for r in found)
    torch.testing.assert_close(
        model.readout(read), model.respond(shown, n_blank=4, n_steps=6).outputs[:, -1]
    )
    ours = torch.autograd.grad(sum(r.square().sum() for r in found), list(model.parameters()),
                               allow_unused=True)  # fmt: skip
    slow = respond_features(model, shown)
    theirs = torch.autograd.grad(slow, list(model.parameters()), allow_unused=True)
    torch.testing.assert_close(ours, theirs)
    assert any(g is not None and g.abs().sum() > 0 for g in ours)


def respond_features(model: Any, shown: Tensor) -> Tensor:
    """The same sum of squares by hand."""
    with torch.no_grad():
        state = model.initial_state(len(shown))
        for _ in range(4):
            state = model.step(state, 0 * shown)
    total = torch.zeros((), dtype=torch.float64)
    for step in range(1, 7):
        state = model.step(state, shown)
        if step % 2 == 0:
            total = total + sum(r.square().sum() for r in state[-model.n_read :])
    return total


def by_hand(model: Any, shown: Tensor, n_blank: int, n_steps: int) -> Tensor:
    state = model.initial_state(len(shown))
    for _ in range(n_blank):
        state = model.step(state, torch.zeros_like(shown))
    outputs = []
    for _ in range(n_steps):
        state = model.step(state, shown)
        outputs.append(model.readout(state))
    return torch.stack(outputs, dim=1)


def changed(value: Any) -> Any:
    if isinstance(value, Tensor):
        return 0.9 * value + 0.03
    return type(value)(changed(part) for part in value)


PIECES = (
    *("initial_state", "area_inputs", "velocity", "step", "readout"),
    *("phi", "stem_maps", "classify", "seen_of"),
)


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_every_piece_of_a_subclass_is_obeyed(piece: str, slope: float):
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return changed(getattr(CordsNet, piece)(self, *args, **kwargs))

    kind = type("Other", (CordsNet,), {piece: method, "__module__": "mine"})
    model, plain, shown = cordsnet(kind, slope=slope), cordsnet(slope=slope), images()
    expected = by_hand(model, shown, 4, 5)
    torch.testing.assert_close(model.respond(shown, n_blank=4, n_steps=5).outputs, expected)
    torch.testing.assert_close(model(shown, n_blank=4, n_steps=5).outputs, expected)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(plain(shown, n_blank=4, n_steps=5).outputs, expected)
    recorded = model.record(shown, 4, 5)
    torch.testing.assert_close(
        model.readout(tuple(r[:, -1] for r in recorded)), expected[:, -1].detach()
    )


class Louder(NormalisedConvolution):
    def forward(self, maps: Tensor) -> Tensor:
        return 1.5 * super().forward(maps)


def hook(part: nn.Module, args: Any, result: Tensor) -> Tensor:
    return 1.5 * result


def replace_by_subclass(model: CordsNet, part: Any) -> None:
    part.__class__ = Louder


def replace_by_hook(model: CordsNet, part: Any) -> None:
    part.register_forward_hook(hook)


def replace_by_attribute(model: CordsNet, part: Any) -> None:
    original = part.forward
    part.forward = lambda maps: 1.5 * original(maps)


@pytest.mark.parametrize("how", [replace_by_subclass, replace_by_hook, replace_by_attribute])
@pytest.mark.parametrize(
    "which",
    [
        lambda model: model.stem,
        lambda model: model.recurrent[1],
        lambda model: model.feedforward[2],
        lambda model: model.skips["1"],
    ],
    ids=["stem", "recurrent", "feedforward", "skip"],
)
def test_every_part_that_changes_is_obeyed(how: Any, which: Any):
    model, plain, shown = cordsnet(), cordsnet(), images()
    how(model, which(model))
    expected = by_hand(model, shown, 4, 5)
    torch.testing.assert_close(model.respond(shown, n_blank=4, n_steps=5).outputs, expected)
    assert not torch.allclose(plain.respond(shown, n_blank=4, n_steps=5).outputs, expected)


def test_a_convolution_of_torch_in_the_place_of_ours_is_obeyed():
    model, shown = cordsnet(), images()
    model.recurrent[0] = nn.Conv2d(3, 3, 5, padding=2, bias=True).double()
    expected = by_hand(model, shown, 4, 5)
    torch.testing.assert_close(model.respond(shown, n_blank=4, n_steps=5).outputs, expected)


def test_the_loss_obeys_a_subclass_and_so_does_its_gradient():
    class Half(CordsNet):
        def velocity(self, state, input, context=None):
            return tuple(0.5 * v for v in super().velocity(state, input, context))

    model, shown, labels = cordsnet(Half), images(), torch.tensor([0, 1, 2])
    trial = ImageTrial(blank=8, stimulus=10, after=4, window=6, rest_window=4)
    same(model.respond(shown, **STEPS), respond_by_steps(model, shown, **STEPS))
    loss = trial_loss(model, shown, labels, trial)
    loss.backward()
    parameter = model.recurrent[0].direction
    gradient, index, step = parameter.grad[0, 0, 0, 0].item(), (0, 0, 0, 0), 1e-6
    # blank steps before the image carry no gradient: the difference is taken from this rest
    rest = model.rest(4)
    values = []
    for sign in (1, -1):
        with torch.no_grad():
            parameter[index] += sign * step
            trial_from_rest = model.respond(
                shown, n_steps=5, n_blank=0, n_after=2, n_departure=2, state=rest
            )
            parameter[index] -= sign * step
        values.append(trial_from_rest)
    numbers = [
        (windowed_cross_entropy(r.outputs[:, 2:5], labels) + rest_penalty(r.departure, 1e-3)).item()
        for r in values
    ]
    assert gradient == pytest.approx((numbers[0] - numbers[1]) / (2 * step), rel=1e-4)


@pytest.mark.parametrize("options", [{"checkpoint_every": 2}, {"gradient_steps": 3}])
def test_checkpoints_and_short_gradients_agree_on_both_paths(options: dict[str, int]):
    model, shown = cordsnet(), images()

    def gradients(run: Any) -> Any:
        response = run(shown, **STEPS, **options)
        total = response.outputs.square().sum() + response.departure.sum()
        return torch.autograd.grad(total, list(model.parameters()), allow_unused=True)

    fast = gradients(model.respond)
    slow = gradients(lambda *args, **kw: respond_by_steps(model, *args, **kw))
    for one, other in zip(fast, slow, strict=True):
        if one is not None and other is not None:
            torch.testing.assert_close(one, other)


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
    ],
)
def test_gains_that_do_not_fit(gains: Any, message: str):
    with pytest.raises(ValueError, match=message):
        cordsnet().respond(images(), n_blank=4, n_steps=5, gains=gains)


@pytest.mark.parametrize("name", NETWORKS)
def test_noise_is_drawn_from_its_generator(name: str):
    model, shown = NETWORKS[name](), images()
    for noise in ({"noise_std": 0.2}, {"image_noise_std": 0.5}):
        one, other = (model.respond(shown, generator=seeded(2), **noise, **STEPS) for _ in range(2))
        same(one, other)
        quiet = model.respond(shown, **STEPS)
        assert not torch.allclose(one.outputs[:, 4], quiet.outputs[:, 4])


def test_noise_of_the_areas_has_the_variance_of_the_leak():
    model = CordsNet([Area(20)], 1, 2, image_size=12, stem=STEM, slope=1.0).double()
    for part in (model.recurrent[0], model.feedforward[0]):
        nn.init.zeros_(part.length)
    dark = torch.zeros(4, 1, 12, 12, dtype=torch.float64)
    (rates,) = model.record(dark, 40, 20, noise_std=0.7, generator=seeded())
    alpha = model.dt / model.tau
    expected = 0.7**2 * alpha / (2.0 - alpha)
    assert rates[:, 40:].var().item() == pytest.approx(expected, rel=0.03)


def test_noise_on_the_image_is_new_at_each_step_and_falls_on_no_blank_one():
    model, shown = twin(), images()
    response = model.respond(shown, image_noise_std=0.3, generator=seeded(), **STEPS)
    first, second = response.outputs[:, 0], response.outputs[:, 1]
    assert not torch.allclose(first, second)
    torch.testing.assert_close(response.outputs[:, -1], response.outputs[:, -2])
    noise = torch.randn(shown.shape, generator=seeded(), dtype=torch.float64)
    torch.testing.assert_close(first, model(shown + 0.3 * noise))


@pytest.mark.parametrize("value", [-1.0, float("nan")])
@pytest.mark.parametrize("name", ["noise_std", "image_noise_std"])
def test_noise_that_makes_no_sense(name: str, value: float):
    with pytest.raises(ValueError, match=f"{name} must be finite and not negative"):
        cordsnet().respond(images(), **{name: value})


@pytest.mark.parametrize("name", ["CordsNet", "pixels"])
def test_activity_that_diverges_is_named_and_counts_as_an_accuracy_of_zero(name: str):
    model, shown = NETWORKS[name](), images()
    with torch.no_grad():
        weights = (
            model.recurrent[0].length if name == "CordsNet" else model.network.recurrent_weights
        )
        weights.fill_(1e200)
    with pytest.raises(DivergingActivity, match="activity diverged in area 0"):
        model.respond(shown, n_steps=40)
    assert not model.respond(shown, n_steps=40, check_finite=False).outputs.isfinite().all()
    assert accuracy(model, ImageSet(shown, torch.tensor([0, 1, 2]), ("a", "b", "c"))) == 0.0


def test_the_twin_answers_for_the_image_of_the_step():
    model, shown = twin(), images()
    response = model.respond(shown, n_steps=7, n_after=2)
    torch.testing.assert_close(response.outputs[:, 3], model(shown))
    torch.testing.assert_close(response.outputs[:, -1], model(0 * shown))
    stream = torch.stack([shown, shown, images(3, 8)], dim=1)
    torch.testing.assert_close(model.respond(stream).outputs[:, 2], model(images(3, 8)))
