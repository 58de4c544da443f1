"""A network that sees with a recurrent network behind it: one recurrent model like any other."""

from __future__ import annotations

import pytest
import torch

from nmcourse.models import (
    NMRNN,
    CordsNet,
    DiscreteNet,
    EyeThenRates,
    LowRankRNN,
    Modulator,
    Seeing,
    VanillaRNN,
    n_features,
)
from nmcourse.models.vision.eye_then_rates import grid_means
from nmcourse.tasks import DotMotion
from nmcourse.training import fit, fit_many


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def an_eye(kind: str = "leaky", generator: torch.Generator | None = None) -> Seeing:
    generator = generator or seeded()
    eye = an_untouched_eye(kind, generator)
    with torch.no_grad():
        for bias in eye.biases:  # so that blank steps lead away from silence
            bias.copy_(0.3 * torch.rand(bias.shape, generator=generator))
    return eye


def an_untouched_eye(kind: str, generator: torch.Generator) -> CordsNet | DiscreteNet:
    if kind == "discrete":
        return DiscreteNet("small-R2", 1, 2, image_size=8, dt=10.0, generator=generator)
    return CordsNet(
        "small-R2", 1, 2, image_size=8, tau=20.0, dt=10.0, bias="channel", generator=generator
    )


def a_network(
    kind: str = "leaky", behind: str = "rates", generator: torch.Generator | None = None
) -> EyeThenRates:
    generator = generator or seeded(1)
    eye = an_eye(kind, generator)
    n = n_features(eye, 2)
    if behind == "rates":
        return EyeThenRates(
            eye,
            VanillaRNN(n, 6, 1, form="rate", tau=20.0, dt=10.0, generator=generator),
            grid=2,
            n_blank=3,
        )
    low = LowRankRNN(n, 6, 1, rank=2, tau=20.0, dt=10.0, generator=generator)
    modulator = Modulator(n, 3, n_gains=2, tau=50.0, dt=10.0, generator=generator)
    return EyeThenRates(eye, NMRNN(low, modulator), grid=2, n_blank=3)


def films(n: int = 3, n_steps: int = 7) -> torch.Tensor:
    return torch.rand(n, n_steps, 64, generator=seeded(5))


def by_steps(model: EyeThenRates, inputs: torch.Tensor) -> torch.Tensor:
    state, outputs = model.initial_state(len(inputs)), []
    for t in range(inputs.shape[1]):
        state = model.step(state, inputs[:, t])
        outputs.append(model.readout(state))
    return torch.stack(outputs, dim=1)


@pytest.mark.parametrize("kind", ["leaky", "discrete"])
@pytest.mark.parametrize("behind", ["rates", "modulated"])
def test_a_trial_is_step_repeated(kind: str, behind: str):
    model, inputs = a_network(kind, behind).double(), films().double()
    found = model(inputs)
    torch.testing.assert_close(found.outputs, by_steps(model, inputs), atol=1e-12, rtol=0)
    assert found.states.shape == (3, 7, 6)
    assert (found.gains is not None) == (behind == "modulated")


def test_a_subclass_that_changes_the_equation_is_obeyed():
    class Blinking(EyeThenRates):
        def step(self, state, input, context=None):
            return super().step(state, 0 * input, context)

    plain = a_network()
    blinking = Blinking(plain.eye, plain.behind, grid=2, n_blank=3)
    with torch.no_grad():
        torch.testing.assert_close(blinking(films()).outputs, plain(0 * films()).outputs)
        assert not torch.allclose(blinking(films()).outputs, plain(films()).outputs)


def test_a_grid_tells_where_and_a_mean_does_not():
    left = torch.zeros(1, 1, 8, 8)
    left[..., 1, 1] = 1.0
    right = left.flip(-1)
    assert torch.equal(grid_means(left, 1), grid_means(right, 1))
    assert not torch.equal(grid_means(left, 2), grid_means(right, 2))
    assert grid_means(left, 2).flatten().tolist() == [1 / 16, 0, 0, 0]
    maps = torch.rand(2, 5, 3, 8, 8)
    torch.testing.assert_close(grid_means(maps, 1), maps.mean(dim=(-2, -1)))


def test_gradients_reach_the_eye_and_are_right():
    model, inputs = a_network().double(), films(2, 4).double()
    model.n_blank = 0  # blank steps have no gradient

    def loss() -> torch.Tensor:
        return model(inputs).outputs.square().sum()

    loss().backward()
    weight = model.eye.recurrent[0].direction
    gradient, place, step = weight.grad, (0, 1, 1, 1), 1e-6
    ends = []
    for sign in (1, -1):
        with torch.no_grad():
            weight[place] += sign * step
            ends.append(loss().item())
            weight[place] -= sign * step
    assert gradient[place].item() == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5)
    assert gradient[place].abs() > 0


def test_velocity_is_zero_only_where_a_step_changes_nothing():
    model = a_network().double()
    image = films(1)[:, 0].double()
    with torch.no_grad():
        state = model.initial_state(1)
        for _ in range(2000):
            state = model.step(state, image)
        velocity = model.velocity(state, image)
    assert max(v.abs().max() for v in (*velocity.maps, velocity.behind)) < 1e-9


def test_a_frozen_eye_stays_as_it_is():
    model, before = a_network(), a_network().state_dict()
    task = DotMotion(size=8, dt=10.0, duration=150.0, before=50.0, answer=50.0)
    fit(model, task, n_steps=2, batch_size=4, freeze=("eye",), progress=False)
    after = model.state_dict()
    changed = {name.split(".")[0] for name in after if not torch.equal(after[name], before[name])}
    assert changed == {"behind"}


def test_networks_trained_together_end_where_they_would_alone():
    task = DotMotion(size=8, dt=10.0, duration=150.0, before=50.0, answer=50.0)
    options = {"n_steps": 3, "batch_size": 4, "progress": False}
    build = lambda generator: a_network(generator=generator)  # noqa: E731
    many = fit_many(build, task, seeds=2, **options)
    alone = build(torch.Generator().manual_seed(1))
    result = fit(alone, task, seed=1, **options)
    torch.testing.assert_close(many.losses[:, 1], result.losses)
    for together, single in zip(many.models[1].parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(together, single, atol=1e-6, rtol=1e-5)


def test_what_does_not_fit_is_named():
    eye = an_eye()
    with pytest.raises(ValueError, match="behind must have 64 inputs"):
        EyeThenRates(eye, VanillaRNN(5, 6, 1, dt=10.0), grid=2)
    with pytest.raises(ValueError, match="behind must have the dt of the eye, 10 ms, got 5 ms"):
        EyeThenRates(eye, VanillaRNN(64, 6, 1, dt=5.0), grid=2)
    with pytest.raises(ValueError, match="eye must be a Seeing, got VanillaRNN"):
        EyeThenRates(VanillaRNN(64, 6, 1), VanillaRNN(64, 6, 1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="grid must be at most 8"):
        n_features(eye, 9)
    with pytest.raises(ValueError, match="64"):
        a_network()(torch.zeros(2, 3, 256))


def test_a_frame_of_another_size_is_named():
    model = a_network()
    start = model.initial_state(2)
    with pytest.raises(ValueError, match="no frame may have another size"):
        model.step(start, torch.zeros(2, 100))
    eye = an_eye()
    with pytest.raises(ValueError, match="input must have the size of the pictures before it: 6 x"):
        eye.step(eye.initial_state(2), torch.zeros(2, 1, 6, 6))
