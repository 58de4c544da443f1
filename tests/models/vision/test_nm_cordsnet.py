"""A CordsNet under a modulator: its limits, its paths, its gradient, and what does not fit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from nmcourse.models import (
    ClampedGain,
    CordsNet,
    GainSource,
    Modulator,
    NMCordsNet,
    PrescribedGain,
    sigmoid_to_two,
)
from nmcourse.models.vision.planning import Asked
from nmcourse.models.vision.stepwise import respond_by_steps
from tests.models.vision.conftest import STEPS, cordsnet, images, modulated, same, seeded

EVERY = ("recurrent", "feedforward", "current")
N_CHANNELS = 14


def cues(*shape: int) -> Tensor:
    return torch.randn(*shape, 2, generator=seeded(9), dtype=torch.float64)


def prescribed(values: Tensor, drives: tuple[str, ...] = EVERY[:2]) -> NMCordsNet:
    """Gains (K,) for all steps of a trial, and as many steps as a trial has."""
    return NMCordsNet(cordsnet(), PrescribedGain(values.expand(12, -1), dt=2.0), modulated=drives)


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_gains_of_one_are_a_cordsnet(slope: float):
    plain, shown = cordsnet(slope=slope), images()
    one = PrescribedGain(torch.ones(12, 28, dtype=torch.float64), dt=2.0)
    under = NMCordsNet(cordsnet(slope=slope), one).respond(shown, **STEPS)
    wanted = plain.respond(shown, **STEPS)
    torch.testing.assert_close(under.outputs, wanted.outputs, rtol=0, atol=1e-14)
    torch.testing.assert_close(under.state[:-1], wanted.state, rtol=0, atol=1e-14)


def test_constant_gains_are_the_lengths_of_the_convolutions():
    gains = 0.5 + torch.rand(28, generator=seeded(3), dtype=torch.float64)
    longer, shown = cordsnet(), images()
    with torch.no_grad():
        for drive, of_drive in zip(("recurrent", "feedforward"), gains.split(14), strict=True):
            for layer, g in zip(getattr(longer, drive), of_drive.split([3, 3, 4, 4]), strict=True):
                layer.length.mul_(g[:, None, None, None])
    model = prescribed(gains)
    found, wanted = (m.respond(shown, **STEPS) for m in (model, longer))
    torch.testing.assert_close(found.outputs, wanted.outputs)
    constant = model.network.respond(shown, gains=model.area_gains(gains), **STEPS)
    same(constant, wanted)  # the fast path of constant gains


def test_a_current_is_a_bias():
    current = torch.randn(N_CHANNELS, generator=seeded(3), dtype=torch.float64)
    other, shown = cordsnet(), images()
    with torch.no_grad():
        for bias, c in zip(other.biases, current.split([3, 3, 4, 4]), strict=True):
            bias.add_(c[:, None, None])
    model = prescribed(current, ("current",))
    found, wanted = (m.respond(shown, **STEPS) for m in (model, other))
    torch.testing.assert_close(found.outputs, wanted.outputs)
    same(model.network.respond(shown, gains=model.area_gains(current), **STEPS), wanted)


@pytest.mark.parametrize("drives", [("recurrent",), ("current",), EVERY])
@pytest.mark.parametrize("listens", [False, True])
@pytest.mark.parametrize("held", [False, True])
def test_a_trial_is_step_repeated_with_its_gradient(drives: Any, listens: bool, held: bool):
    model = modulated(drives=drives, n_cues=2, listens=listens, slope=0.3)
    told, shown = cues(3) if held else cues(3, 12), images()
    stream = torch.stack([shown, shown, images(3, 7)], dim=1)
    asked: dict[str, Any] = {"n_blank": 4, "n_after": 5, "n_departure": 2}
    whole = told.unsqueeze(1).expand(3, 12, 2) if held else told

    def by_hand() -> Tensor:
        state, found = model.initial_state(3), []
        frames = [0 * shown] * 4 + list(stream.unbind(1)) + [0 * shown] * 5
        for t, frame in enumerate(frames):
            with torch.set_grad_enabled(t >= 4):
                state = model.step(state, frame, cue=whole[:, t])
            found.append(model.readout(state))
        return torch.stack(found[4:], dim=1)

    response = model.respond(stream, cues=told, **asked)
    wanted = by_hand()
    torch.testing.assert_close(response.outputs, wanted)
    same(response, respond_by_steps(model, stream, Asked(cues=whole, **asked)))
    parameters = list(model.parameters())
    ours, theirs = (
        torch.autograd.grad(outputs.square().sum(), parameters, allow_unused=True)
        for outputs in (response.outputs, wanted)
    )
    torch.testing.assert_close(ours, theirs)
    assert all(g is not None for g in ours)


@pytest.mark.parametrize("piece", ["step", "readout", "area_gains", "initial_state"])
def test_a_subclass_is_obeyed(piece: str):
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = getattr(NMCordsNet, piece)(self, *args, **kwargs)
        if piece == "area_gains":
            return [None, *found[1:]]
        return tuple(0.9 * r for r in found) if isinstance(found, tuple) else 0.9 * found

    kind = type("Other", (NMCordsNet,), {piece: method, "__module__": "mine"})
    model, plain, shown = modulated(kind), modulated(), images()
    state = model.initial_state(3)
    for _ in range(5):
        state = model.step(state, shown)
    found = model.respond(shown, n_blank=0, n_steps=5).outputs[:, -1]
    torch.testing.assert_close(found, model.readout(state))
    assert not torch.allclose(found, plain.respond(shown, n_blank=0, n_steps=5).outputs[:, -1])


def test_a_modulator_of_ones_own_is_obeyed():
    class Hasty(Modulator):
        def gain(self, z: Tensor) -> Tensor:
            return 1.5 * super().gain(z)

    model, shown = modulated(), images()
    before = model.respond(shown, **STEPS).outputs
    model.modulator.__class__ = Hasty
    same(model.respond(shown, **STEPS), respond_by_steps(model, shown, Asked(**STEPS)))
    assert not torch.allclose(model.respond(shown, **STEPS).outputs, before)


def test_gradients_are_difference_quotients():
    model, shown, told = modulated(n_cues=2, listens=True), images(), cues(3)

    def total() -> Tensor:
        return model.respond(shown, n_blank=0, n_steps=6, cues=told).outputs.square().sum()

    for name in ("modulator.gain_weights", "modulator.input_weights", "network.recurrent.1.length"):
        values = model.get_parameter(name)
        (gradient,) = torch.autograd.grad(total(), values)
        place, sums = tuple(int(k) for k in gradient.abs().flatten().argmax().unsqueeze(0)), []
        for sign in (1, -1):
            with torch.no_grad():
                values.view(-1)[place] += sign * 1e-6
                sums.append(float(total()))
                values.view(-1)[place] -= sign * 1e-6
        wanted = (sums[0] - sums[1]) / 2e-6
        assert float(gradient.flatten()[place]) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("listens", [False, True])
def test_velocity_and_step_share_fixed_points(listens: bool):
    model, shown, told = modulated(n_cues=2, listens=listens), images(1), cues(1)
    with torch.no_grad():
        for layer in model.network.recurrent:
            layer.length.mul_(0.3)
        state = model.initial_state(1)
        for _ in range(4000):
            state = model.step(state, shown, cue=told)
        speed = max(float(v.abs().max()) for v in model.velocity(state, shown, cue=told))
    assert speed < 1e-10
    assert float(state[0].abs().max()) > 0


def test_stored_gains_give_the_same_answers_without_the_modulator():
    model, shown, told = modulated(n_cues=2), images(), cues(3)
    state, gains = model.initial_state(3), []
    for t in range(9):
        state = model.step(state, shown if t >= 4 else 0 * shown, cue=told)
        gains.append(model.gains(state))
    played = model.with_gains(PrescribedGain(torch.stack(gains, dim=1), dt=2.0))
    wanted = model.respond(shown, n_blank=4, n_steps=5, cues=told)
    torch.testing.assert_close(played.respond(shown, n_blank=4, n_steps=5).outputs, wanted.outputs)
    assert played.network is model.network


def test_forward_is_step_repeated_and_says_what_the_modulator_did():
    model, shown, told = modulated(n_cues=2, listens=True), images(), cues(3)
    found = model(shown, told, n_blank=4, n_steps=5)
    torch.testing.assert_close(
        found.outputs, model.respond(shown, cues=told, n_blank=4, n_steps=5).outputs
    )
    state = model.initial_state(3)
    for t in range(9):
        state = model.step(state, shown if t >= 4 else 0 * shown, told)
        if t >= 4:
            torch.testing.assert_close(found.outputs[:, t - 4], model.readout(state))
            torch.testing.assert_close(found.gains[:, t - 4], model.gains(state))
            torch.testing.assert_close(found.modulator_states[:, t - 4], state[-1][..., 0, 0])
    assert found.states is None
    assert found.gains.shape == (3, 5, 28)
    assert all(
        g is not None for g in torch.autograd.grad(found.gains.sum(), model.modulator.gain_bias)
    )


def test_noise_reaches_the_modulator_and_the_areas():
    model, shown = modulated(), images()
    noisy = model.respond(shown, noise_std=0.3, generator=seeded(1), **STEPS)
    again = respond_by_steps(model, shown, Asked(noise_std=0.3, generator=seeded(1), **STEPS))
    torch.testing.assert_close(noisy.state, again.state)
    plain = model.respond(shown, **STEPS)
    assert all(not torch.equal(a, b) for a, b in zip(noisy.state, plain.state, strict=True))


def test_many_seeds_at_once_are_each_seed_alone():
    models = [modulated(n_cues=2) for _ in range(2)]
    with torch.no_grad():
        models[1].modulator.gain_weights.mul_(3.0)
        models[1].network.recurrent[0].length.mul_(0.5)
    stacked = {
        name: torch.stack([model.state_dict()[name] for model in models])
        for name in models[0].state_dict()
    }
    shown, told = images(6).unflatten(0, (2, 3)), cues(2, 3)
    stream = shown.unsqueeze(2).expand(-1, -1, 5, -1, -1, -1)

    def together(which: Any) -> Tensor:
        return torch.func.functional_call(_Asked(models[0]), which, (stream, told))

    found = together({f"model.{name}": values for name, values in stacked.items()})
    for seed, model in enumerate(models):
        alone = model(shown[seed], told[seed], n_blank=4, n_steps=5)
        torch.testing.assert_close(found[seed], torch.cat([alone.outputs, alone.gains], dim=-1))


class _Asked(torch.nn.Module):
    def __init__(self, model: NMCordsNet) -> None:
        super().__init__()
        self.model = model

    def forward(self, stream: Tensor, told: Tensor) -> Tensor:
        found = self.model(stream, told, n_blank=4)
        return torch.cat([found.outputs, found.gains], dim=-1)


def test_a_modulator_that_says_nothing_leaves_the_network_alone():
    assert float(sigmoid_to_two(torch.zeros(()))) == 1.0
    silent = Modulator(2, 3, 28, dt=2.0, gain_nonlinearity=sigmoid_to_two).double()
    with torch.no_grad():
        silent.gain_weights.zero_()
        silent.gain_bias.zero_()
    shown = images()
    found = NMCordsNet(cordsnet(), silent).respond(shown, **STEPS)
    torch.testing.assert_close(found.outputs, cordsnet().respond(shown, **STEPS).outputs)


def test_parts_leave_the_modulator_alone():
    parts = modulated().parts()
    names = {name for name, _ in modulated().named_parameters()}
    assert set(parts["output network"]) | set(parts["modulator"]) == names
    assert not set(parts["output network"]) & set(parts["modulator"])
    assert parts["recurrent weights"][0].startswith("network.recurrent.")


def source(n_gains: int = 28, **options: Any) -> GainSource:
    return Modulator(2, 3, n_gains, **({"dt": 2.0, "tau": 20.0} | options))


@pytest.mark.parametrize(
    ("modulator", "message"),
    [
        (source(27), r"modulator.n_gains must be 28 \(one for each channel of the areas \[3, 3, 4"),
        (source(28, dt=1.0), r"modulator.dt must be 2.0 \(the dt of the network\), got 1.0"),
        (Modulator(1, 3, 28, dt=2.0), r"modulator.n_inputs must be 2 \(as an image\), got 1"),
        (source(28, n_feedback=8), r"modulator.n_feedback must be 14 .* or none\), got 8"),
        (PrescribedGain(torch.ones(5, 14), dt=2.0), "modulator.n_gains must be 28"),
        (ClampedGain(PrescribedGain(torch.ones(5, 3), dt=2.0), {}), "modulator.n_gains must be 28"),
        (
            torch.ones(28),
            "modulator must be a Modulator, PrescribedGain or ClampedGain, got Tensor",
        ),
    ],
)
def test_gains_that_do_not_fit_the_areas_are_named(modulator: Any, message: str):
    with pytest.raises(ValueError, match=message):
        NMCordsNet(cordsnet(), modulator)


@pytest.mark.parametrize(
    ("drives", "message"),
    [
        ("recurrent", "modulated must be one or more of"),
        ((), "modulated must be one or more of"),
        (("output",), "modulated must be one or more of"),
        (("recurrent", "recurrent"), "modulated must name each drive once"),
    ],
)
def test_drives_that_are_none(drives: Any, message: str):
    with pytest.raises(ValueError, match=message):
        NMCordsNet(cordsnet(), source(14), modulated=drives)


def test_a_network_that_is_no_cordsnet():
    with pytest.raises(ValueError, match="network must be a CordsNet, got Linear"):
        NMCordsNet(torch.nn.Linear(1, 1), source())


@pytest.mark.parametrize(
    ("n_cues", "told", "message"),
    [
        (2, None, "cues are needed: the modulator has 2 context channels"),
        (0, cues(3), "cues were given, but the modulator has no context channels"),
        (2, cues(4), r"cues must be torch.float64 of shape \(3, 2\) or \(3, 12, 2\)"),
        (2, cues(3, 11), r"cues must be torch.float64 of shape .* got .* shape \(3, 11, 2\)"),
        (2, cues(3).float(), r"got torch.float32 of shape \(3, 2\)"),
        (2, torch.full((3, 2), torch.nan, dtype=torch.float64), "cues must be finite"),
        (2, [1.0, 2.0], "cues must be a torch.Tensor"),
    ],
)
def test_cues_that_do_not_fit(n_cues: int, told: Any, message: str):
    with pytest.raises(ValueError, match=message):
        modulated(n_cues=n_cues).respond(images(), cues=told, **STEPS)


def test_a_network_without_a_modulator_has_no_place_for_cues():
    with pytest.raises(ValueError, match="cues must be None: the step of this network"):
        cordsnet().respond(images(), cues=cues(3, 12), **STEPS)
    with pytest.raises(ValueError, match="gains must be None: the step of this network"):
        modulated().respond(images(), gains=[None] * 5, **STEPS)


def test_images_are_checked_as_by_the_cordsnet():
    model = modulated()
    assert isinstance(model.network, CordsNet)
    with pytest.raises(ValueError, match=r"images must have shape \(batch, 2, 6, 6\)"):
        model.respond(torch.ones(3, 1, 6, 6, dtype=torch.float64))
