"""The deep equilibrium network: the root of a CordsNet's equation, and its implicit gradient."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from nmcourse.models import CordsNet, DivergingActivity, EquilibriumNet, NoEquilibrium
from nmcourse.models.vision.planning import Asked
from nmcourse.models.vision.stepwise import respond_by_steps
from nmcourse.tasks import ImageSet
from nmcourse.training import accuracy
from tests.models.vision.conftest import STEPS, equilibrium, images, wired


def long_run(model: EquilibriumNet, dt: float = 2.0) -> CordsNet:
    """The CordsNet with its weights, in continuous time."""
    other = wired(CordsNet, tau=10.0, dt=dt)
    other.load_state_dict(model.equation.state_dict())
    return other


def test_it_is_the_state_in_which_the_cordsnet_of_the_same_weights_comes_to_rest():
    model, shown = equilibrium(), images()
    response = model.respond(shown, n_steps=1)
    settled = long_run(model).respond(shown, n_steps=400)
    torch.testing.assert_close(response.outputs[:, -1], settled.outputs[:, -1])
    torch.testing.assert_close(response.state, settled.state)
    dark = long_run(model).rest(400)
    torch.testing.assert_close(model.rest(1), dark)
    assert not torch.allclose(response.state[0], dark[0])


def test_however_long_the_image_stays_the_answer_is_that_of_the_first_step():
    model, shown = equilibrium(), images()
    response = model.respond(shown, **STEPS)
    torch.testing.assert_close(response.outputs[:, :5], response.outputs[:, :1].expand(-1, 5, -1))
    slow = respond_by_steps(model, shown, Asked(**STEPS))
    torch.testing.assert_close(response.outputs, slow.outputs)
    torch.testing.assert_close(response.departure, slow.departure, atol=1e-9, rtol=0)
    assert response.departure.shape == (3, 2)
    held = model.respond(shown, n_blank=4, n_steps=5, n_departure=4)
    assert held.departure.shape == (3, 4)
    assert (held.departure > 1e-4).all()


def test_the_implicit_gradient_is_that_of_the_whole_time_course():
    model, shown = equilibrium(), images().requires_grad_()
    settled = long_run(model, dt=10.0)
    ours = model.respond(shown, n_blank=0, n_steps=1).outputs.square().sum()
    theirs = settled.respond(shown, n_blank=0, n_steps=200).outputs[:, -1].square().sum()
    torch.testing.assert_close(ours, theirs)
    ours = torch.autograd.grad(ours, [*model.parameters(), shown])
    theirs = torch.autograd.grad(theirs, [*settled.parameters(), shown])
    torch.testing.assert_close(ours, theirs)


def test_the_gradient_with_respect_to_the_image_is_that_of_finite_differences():
    model = equilibrium()

    def outputs(shown: Tensor) -> Tensor:
        return model.respond(shown, n_blank=1, n_steps=1).outputs

    assert torch.autograd.gradcheck(outputs, (images(1).requires_grad_(),), fast_mode=True)


def test_one_step_would_not_be_the_gradient():
    model, shown = equilibrium(), images()
    state = tuple(r.detach() for r in model.respond(shown, n_steps=1).state)
    parameter = model.equation.recurrent[3].length
    one = torch.autograd.grad(model.readout(model.f(state, shown)).square().sum(), parameter)[0]
    whole = torch.autograd.grad(model.readout(model.step(state, shown)).square().sum(), parameter)
    assert not torch.allclose(one, whole[0], rtol=0.01)


def test_the_norm_of_the_jacobian_is_estimated_without_bias():
    model, shown = equilibrium(), images()
    state = tuple(r.detach() for r in model.respond(shown, n_steps=1).state)
    exact = 0.0
    for k in range(len(shown)):
        one = tuple(r[k : k + 1] for r in state)
        of = partial(lambda image, *r: model.f(r, image), shown[k : k + 1])
        parts = torch.autograd.functional.jacobian(of, one)
        exact += sum(block.square().sum().item() for row in parts for block in row)
    n_units = sum(r[0].numel() for r in state)
    exact /= len(shown) * n_units
    source = torch.Generator().manual_seed(0)
    draws = torch.stack(
        [model.jacobian_norm(state, shown, generator=source).detach() for _ in range(400)]
    )
    error = (draws.std() / len(draws) ** 0.5).item()
    assert error < 0.02 * exact
    assert draws.mean().item() == pytest.approx(exact, abs=4 * error)


def test_the_penalty_makes_the_jacobian_smaller():
    model, shown = equilibrium(), images()
    state = tuple(r.detach() for r in model.respond(shown, n_steps=1).state)
    before = model.jacobian_norm(state, shown, generator=torch.Generator().manual_seed(0))
    weights = model.equation.recurrent[2].length
    (slope,) = torch.autograd.grad(before, weights)
    with torch.no_grad():
        weights -= 1e-3 * slope / slope.norm()
    after = model.jacobian_norm(state, shown, generator=torch.Generator().manual_seed(0))
    assert (before - after).item() == pytest.approx(1e-3 * slope.norm().item(), rel=0.05)


@pytest.mark.parametrize("scale", [6.0, 1e200])
def test_a_search_that_fails_names_area_and_residual(scale: float):
    model, shown = equilibrium(), images()
    model.max_iterations = 8
    with torch.no_grad():
        model.equation.recurrent[2].length.mul_(scale)
    message = (
        r"no equilibrium found in 8 iterations: the residual of area [23] is \S+, with "
        "tolerance=1e-10; make the recurrent weights smaller, or max_iterations larger"
    )
    with pytest.raises(NoEquilibrium, match=message) as caught:
        model.respond(shown, n_steps=3)
    assert isinstance(caught.value, DivergingActivity)
    assert caught.value.area in (2, 3)
    assert not caught.value.residual <= 1e-10
    unchecked = model.respond(shown, n_steps=3, check_finite=False).outputs
    assert unchecked.shape == (3, 3, 3)
    assert unchecked.isnan().all()
    names = ("a", "b", "c")
    assert accuracy(model, ImageSet(shown, torch.tensor([0, 1, 2]), names)) == 0.0


def test_the_residual_is_how_far_the_worst_unit_is_from_standing_still():
    model, shown = equilibrium(), images()
    model.max_iterations = 1
    with pytest.raises(NoEquilibrium) as caught:
        model.respond(shown, n_blank=0, n_steps=1)
    found = model._search(model.initial_state(1), shown)
    changes = [
        (new - r).abs().max().item() for new, r in zip(model.f(found, shown), found, strict=True)
    ]
    assert caught.value.residual == pytest.approx(max(changes))
    assert caught.value.area == changes.index(max(changes))


def test_a_gradient_that_is_not_found_is_named(monkeypatch):
    model, shown = equilibrium(), images()
    state = model.step(model.initial_state(3), shown)
    monkeypatch.setattr("nmcourse.models.vision.rivals.equilibrium.RESTART", 1)
    monkeypatch.setattr("nmcourse.models.vision.rivals.equilibrium.RESTARTS", 1)
    with pytest.raises(NoEquilibrium, match="no gradient found in 1 iterations: the residual of"):
        model.readout(state).sum().backward()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerance": 0.0}, "tolerance must be positive"),
        ({"max_iterations": 0}, "max_iterations must be a positive integer"),
        ({"dt": -1.0}, "dt must be a positive time in ms"),
        ({"slope": 2}, "slope must be from 0 to 1"),
    ],
)
def test_settings_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        EquilibriumNet("small-R1", 1, 2, **options)
