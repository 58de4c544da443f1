"""A subclass, a part or a hook that changes the equation of a network that sees is obeyed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nmcourse.models import (
    GRU,
    LSTM,
    NMRNN,
    ConvGRU,
    CordsNet,
    DiscreteNet,
    EquilibriumNet,
    EyeThenRates,
    LowRankRNN,
    NMCordsNet,
    PixelRNN,
    TwinCNN,
    VanillaRNN,
)
from nmcourse.models.vision.layers import NormalisedConvolution
from nmcourse.models.vision.planning import Asked
from nmcourse.models.vision.stepwise import respond_by_steps
from nmcourse.training import ImageTrial, rest_penalty, trial_loss, windowed_cross_entropy
from tests.models.vision.conftest import NETWORKS, STEPS, by_hand, cordsnet, images, same, twin


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
    same(model.respond(shown, **STEPS), respond_by_steps(model, shown, Asked(**STEPS)))
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
    slow = gradients(lambda shown, **kw: respond_by_steps(model, shown, Asked(**kw)))
    for one, other in zip(fast, slow, strict=True):
        if one is not None and other is not None:
            torch.testing.assert_close(one, other)


OF_THE_TWIN = ("activities", "initial_state", "readout", "step")
PARTS_OF_THE_TWIN = {
    "normalisation of the stem": lambda model: model.stem_norm,
    "normalisation": lambda model: model.recurrent_norms[2],
    "convolution": lambda model: model.feedforward[1],
}


@pytest.mark.parametrize("piece", OF_THE_TWIN)
def test_every_piece_of_a_twin_is_obeyed(piece: str):
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return changed(getattr(TwinCNN, piece)(self, *args, **kwargs))

    model, plain, shown = twin(), twin(), images()
    model.__class__ = type("Other", (TwinCNN,), {piece: method, "__module__": "mine"})
    expected = by_hand(model, shown, 4, 5)
    torch.testing.assert_close(model.respond(shown, n_blank=4, n_steps=5).outputs, expected)
    if piece != "initial_state":  # of which nothing is left after a step
        assert not torch.allclose(plain.respond(shown, n_blank=4, n_steps=5).outputs, expected)


class CountingNorm(nn.BatchNorm2d):
    """It is louder every time that it is looked through."""

    looks = 0

    def forward(self, maps: Tensor) -> Tensor:
        self.looks += 1
        return (1.0 + 0.1 * self.looks) * super().forward(maps)


def count_by_subclass(part: nn.Module) -> None:
    if not isinstance(part, nn.BatchNorm2d):
        pytest.skip("a normalisation is replaced")
    part.__class__ = CountingNorm


def count_by_hook(part: nn.Module) -> None:
    looks: list[int] = []

    def louder(part: nn.Module, args: Any, result: Tensor) -> Tensor:
        looks.append(1)
        return (1.0 + 0.1 * len(looks)) * result

    part.register_forward_hook(louder)


def count_by_attribute(part: Any) -> None:
    original, looks = part.forward, []

    def louder(maps: Tensor) -> Tensor:
        looks.append(1)
        return (1.0 + 0.1 * len(looks)) * original(maps)

    part.forward = louder


@pytest.mark.parametrize("how", [count_by_subclass, count_by_hook, count_by_attribute])
@pytest.mark.parametrize("which", PARTS_OF_THE_TWIN)
def test_every_part_of_a_twin_that_changes_is_obeyed_at_each_step(how: Any, which: str):
    model, other, shown = twin(), twin(), images()
    for one in (model, other):
        how(PARTS_OF_THE_TWIN[which](one))
    expected = by_hand(other, shown, 4, 5)
    torch.testing.assert_close(model.respond(shown, n_blank=4, n_steps=5).outputs, expected)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("piece", ["step", "readout"])
def test_the_verbs_of_every_network_that_sees_are_obeyed(name: str, piece: str):
    model, plain, shown = NETWORKS[name](), NETWORKS[name](), images()
    kind = type(model)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return changed(getattr(kind, piece)(self, *args, **kwargs))

    model.__class__ = type("Other", (kind,), {piece: method, "__module__": "mine"})
    expected = by_hand(model, shown, 4, 5)
    torch.testing.assert_close(model.respond(shown, n_blank=4, n_steps=5).outputs, expected)
    assert not torch.allclose(plain.respond(shown, n_blank=4, n_steps=5).outputs, expected)


@pytest.mark.parametrize("name", ["CordsNet", "PixelRNN"])
def test_a_velocity_of_state_and_image_is_enough(name: str):
    def build(kind: Any) -> Any:
        if name == "CordsNet":
            return cordsnet(kind)
        generator = torch.Generator().manual_seed(0)
        sizes = {"n_units": 3, "n_channels": 1, "n_classes": 2, "image_size": 4}
        return kind(**sizes, generator=generator).double()

    home = CordsNet if name == "CordsNet" else PixelRNN

    class Half(home):  # type: ignore[misc, valid-type]
        def velocity(self, state, image):
            return tuple(0.5 * v for v in super().velocity(state, image))

    model, plain = build(Half), build(home)
    shown = images() if name == "CordsNet" else torch.rand(2, 1, 4, 4).double()
    found = model.respond(shown, n_blank=4, n_steps=5).outputs
    torch.testing.assert_close(found, by_hand(model, shown, 4, 5))
    assert not torch.allclose(found, plain.respond(shown, n_blank=4, n_steps=5).outputs)


@pytest.mark.parametrize(
    "kind",
    [LSTM, GRU, NMRNN, NMCordsNet, EyeThenRates, TwinCNN, DiscreteNet, ConvGRU, EquilibriumNet],
    ids=lambda kind: kind.__name__,
)
def test_a_velocity_that_no_trial_would_obey_is_refused(kind):
    def velocity(self, state, *given):
        return state

    said = rf"Other must override step.*a step of {kind.__name__} does not call it"
    with pytest.raises(TypeError, match=said):
        type("Other", (kind,), {"velocity": velocity})
    mixin = type("Other", (), {"velocity": velocity})
    with pytest.raises(TypeError, match=said):
        type("Mixed", (mixin, kind), {})
    own = {"velocity": velocity, "step": lambda self, state, *given: state}
    both = type("Both", (kind,), own)  # it says what a step is
    assert type("Third", (both,), {"velocity": velocity}).velocity is velocity  # and may use it
    assert type("Plain", (kind,), {}).velocity is kind.velocity


def test_a_velocity_that_steps_follow_may_be_overridden():
    for kind in (VanillaRNN, LowRankRNN, CordsNet, PixelRNN):
        type("Other", (kind,), {"velocity": lambda self, state, *given: state})
