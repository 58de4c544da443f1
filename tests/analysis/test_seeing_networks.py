"""Fixed points, Jacobians and exponents of every network that sees, not of CordsNet alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from nmcourse.analysis import (
    find_fixed_points,
    find_large_fixed_points,
    flatten_state,
    jacobian,
    lyapunov_exponents,
    run_on,
)
from tests.models.vision.conftest import NETWORKS, equilibrium, images, modulated, seeded

IN_TIME = [name for name in NETWORKS if name != "equilibrium"]


def settled(model: Any, image: Tensor, n_steps: int = 400) -> tuple[Tensor, ...]:
    """Where repeated steps lead."""
    state = model.initial_state(1)
    for _ in range(n_steps):
        state = model.step(state, image)
    return tuple(r.detach() for r in state)


@pytest.mark.parametrize("name", IN_TIME)
def test_a_fixed_point_is_where_its_steps_lead(name: str):
    model, image = NETWORKS[name](), images(1)
    end = settled(model, image)
    torch.testing.assert_close(model.step(end, image), end)  # it does settle
    expected = flatten_state(end)
    whole = find_fixed_points(model, image[0], candidates=model.initial_state(1))
    torch.testing.assert_close(whole.points, expected)
    large = find_large_fixed_points(
        model, image[0], candidates=model.initial_state(1), n_eigenvalues=2
    )
    torch.testing.assert_close(large.points, expected)
    assert whole.is_stable.tolist() == large.is_stable.tolist() == [True]
    torch.testing.assert_close(large.step_eigenvalues[0].abs(), whole.step_eigenvalues[0, :2].abs())


@pytest.mark.parametrize("name", IN_TIME)
def test_velocity_and_jacobian_are_those_of_a_step(name: str):
    model, image = NETWORKS[name](), images(1)
    state = tuple(r + 0.1 for r in settled(model, image, 3))
    after = model.step(state, image)
    if name != "modulated":  # whose step takes the gain of the new modulator state, as the NM-RNN's
        for v, new, r in zip(model.velocity(state, image), after, state, strict=True):
            torch.testing.assert_close(v, (new - r) / model.dt)
    matrix = jacobian(model, state, image[0], of="step")[0]
    push = torch.randn(matrix.shape[0], generator=seeded(3), dtype=torch.float64)
    flat = flatten_state(state)
    moved = [run_on(model, flat + sign * 1e-6 * push, 1, input=image[0])[0, 1] for sign in (1, -1)]
    torch.testing.assert_close(matrix @ push, (moved[0] - moved[1]) / 2e-6, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", IN_TIME)
def test_exponents_are_those_of_the_fixed_point(name: str):
    model, image = NETWORKS[name](), images(1)
    end = settled(model, image)
    found = lyapunov_exponents(
        model, image[0], start=end, n_steps=300, n_transient=200, generator=seeded(4)
    )
    values = torch.linalg.eigvals(jacobian(model, end, image[0], of="step")[0]).abs()
    expected = values.max().log() / model.dt
    if expected.isinf():  # the twin forgets within a step
        assert found.exponents.isinf().all()
    else:
        assert found.largest == pytest.approx(expected.item(), rel=0.1)


def test_a_cue_is_the_context_of_a_modulated_network():
    model, image = modulated(n_cues=2), images(1)
    ends = []
    for cue in torch.eye(2, dtype=torch.float64):
        state = model.initial_state(1)
        for _ in range(2000):
            state = model.step(state, image, cue.unsqueeze(0))
        found = find_large_fixed_points(
            model, image[0], context=cue, candidates=model.initial_state(1), n_eigenvalues=2
        )
        ends.append(flatten_state(tuple(r.detach() for r in state)))
        torch.testing.assert_close(found.points, ends[-1])
    assert not torch.allclose(*ends)


def test_states_may_have_the_structure_of_the_model():
    model = NETWORKS["gated"]()
    rest, image = model.rest(3), images(1)[0]
    torch.testing.assert_close(
        run_on(model, rest, 4, input=image), run_on(model, flatten_state(rest), 4, input=image)
    )


@pytest.mark.parametrize("of", ["velocity", "step"])
def test_a_search_has_no_course_in_time(of: Any):
    model = equilibrium()
    with pytest.raises(ValueError, match=r"model must have a course in time.*model\.equation"):
        jacobian(model, model.initial_state(1), images(1)[0], of=of)
    found = find_fixed_points(
        model.equation, images(1)[0], candidates=model.initial_state(1), stability="velocity"
    )
    torch.testing.assert_close(
        found.points, flatten_state(settled(model, images(1), 1)), rtol=1e-6, atol=1e-6
    )


def test_a_context_that_has_no_place_is_refused():
    model = NETWORKS["pixels"]()
    with pytest.raises(ValueError, match=r"input and context must fit the model .* \(2,\)"):
        jacobian(model, model.rest(3), context=torch.ones(2))
