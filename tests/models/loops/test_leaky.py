"""The written-out gradient of the time loop: against finite differences and against autograd."""

from __future__ import annotations

import pytest
import torch

from nmcourse.models import identity
from nmcourse.models.loops.leaky import leaky_scan
from nmcourse.models.loops.phi import BACKWARD, rate_into

STEPS, BATCH, UNITS, INPUTS, RANK, SEEDS = 5, 3, 4, 3, 2, 2
KEEP = 0.8
SHAPES = {
    "full": (False, False),
    "low rank": (True, False),
    "low rank with gains": (True, True),
}


def name_of(phi) -> str:
    return getattr(phi, "__name__", str(phi))


def arguments(left: bool, gains: bool, seeded: bool = False):
    """Random tensors with a gradient; ``None`` where the loop has no such factor."""

    def draw(*shape: int) -> torch.Tensor:
        shape = (SEEDS, *shape) if seeded else shape
        return (0.5 * torch.randn(*shape, dtype=torch.float64)).requires_grad_()

    width = RANK if left else UNITS
    return (
        draw(BATCH, UNITS),
        draw(STEPS, BATCH, INPUTS),
        draw(INPUTS, UNITS),
        draw(UNITS, width),
        draw(RANK, UNITS) if left else None,
        draw(STEPS, BATCH, width) if gains else None,
    )


def run(phi, start, inputs, weights, right, left=None, gains=None):
    return leaky_scan(start, inputs, weights, KEEP, phi, right, left, gains)


def plain(phi):
    """The same nonlinearity under a name without a gradient: takes autograd's loop."""
    return lambda x: phi(x)


def gradients(states, given):
    weights = torch.randn(states.shape, dtype=states.dtype, generator=torch.Generator())
    return torch.autograd.grad((weights * states).sum(), [a for a in given if a is not None])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("phi", BACKWARD, ids=name_of)
def test_the_loop_is_its_equation(phi, shape):
    start, inputs, weights, right, left, gains = arguments(*SHAPES[shape])
    states = run(phi, start, inputs, weights, right, left, gains)
    x = start
    for t in range(STEPS):
        latent = phi(x) @ right
        latent = latent if gains is None else gains[t] * latent
        x = KEEP * x + inputs[t] @ weights + (latent if left is None else latent @ left)
        torch.testing.assert_close(states[t], x, rtol=0, atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("phi", BACKWARD, ids=name_of)
def test_gradient_against_finite_differences(phi, shape):
    given = [a for a in arguments(*SHAPES[shape]) if a is not None]
    assert torch.autograd.gradcheck(lambda *a: run(phi, *a), given)


@pytest.mark.parametrize("seeded", [False, True], ids=["one network", "seed axis"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("phi", BACKWARD, ids=name_of)
def test_gradient_against_the_plain_loop(phi, shape, seeded):
    given = arguments(*SHAPES[shape], seeded=seeded)
    fast, slow = run(phi, *given), run(plain(phi), *given)
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-13)
    for ours, theirs in zip(gradients(fast, given), gradients(slow, given), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_gains_belong_to_a_low_rank_network():
    given = arguments(left=False, gains=True)
    for phi in (torch.tanh, plain(torch.tanh)):
        with pytest.raises(ValueError, match="gains scale the K latent sums: left must be given"):
            run(phi, *given)


@pytest.mark.parametrize(
    "which", range(6), ids=["start", "inputs", "weights", "right", "left", "gains"]
)
def test_any_one_argument_may_carry_the_seed_axis(which):
    given = list(arguments(True, True))
    given[which] = arguments(True, True, seeded=True)[which]
    states = run(torch.tanh, *given)
    assert states.shape == (SEEDS, STEPS, BATCH, UNITS)
    for seed in range(SEEDS):
        alone = [a[seed] if number == which else a for number, a in enumerate(given)]
        expected = run(torch.tanh, *alone)
        torch.testing.assert_close(states[seed], expected, rtol=0, atol=1e-13)
    for gradient, argument in zip(gradients(states, given), given, strict=True):
        assert gradient.shape == argument.shape


def test_arguments_in_any_memory_order():
    """Slices and transposes reach the loop from the models: only the values may count."""
    given = start, inputs, weights, right, left, gains = arguments(True, True)
    odd = (
        start[:1].expand(BATCH, UNITS),
        inputs.transpose(0, 2).contiguous().transpose(0, 2),
        weights.mT.contiguous().mT,
        right.mT.contiguous().mT,
        left.mT.contiguous().mT,
        gains.transpose(0, 1).contiguous().transpose(0, 1),
    )
    expected = (odd[0].clone(), *given[1:])
    torch.testing.assert_close(run(torch.tanh, *odd), run(torch.tanh, *expected))
    for ours, theirs in zip(
        gradients(run(torch.tanh, *odd), given),
        gradients(run(plain(torch.tanh), *expected), given),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_arguments_are_left_as_they_were():
    given = arguments(True, True)
    before = [a.detach().clone() for a in given]
    gradients(run(torch.tanh, *given), given)
    for argument, copy in zip(given, before, strict=True):
        assert torch.equal(argument, copy)


def test_two_backward_passes_give_the_same():
    given = arguments(True, True)
    states = run(torch.tanh, *given)
    first, second = (
        torch.autograd.grad(states.square().sum(), given, retain_graph=True) for _ in range(2)
    )
    for one, two in zip(first, second, strict=True):
        assert torch.equal(one, two)


def test_gradients_of_some_arguments_only():
    given = arguments(True, True)
    everything = torch.autograd.grad(run(torch.tanh, *given).square().sum(), given)
    for number in range(len(given)):
        alone = [a if n == number else a.detach() for n, a in enumerate(given)]
        (one,) = torch.autograd.grad(run(torch.tanh, *alone).square().sum(), [given[number]])
        torch.testing.assert_close(one, everything[number], rtol=0, atol=1e-13)


@pytest.mark.parametrize("phi", BACKWARD, ids=name_of)
def test_gradients_through_the_nonlinearities(phi):
    x = torch.linspace(-3, 3, 50, dtype=torch.float64).requires_grad_()  # relu's corner not hit
    rates, grad = phi(x), torch.randn(50, dtype=torch.float64)
    expected = torch.autograd.grad(rates, x, grad)[0]
    torch.testing.assert_close(BACKWARD[phi](grad, rates.detach()), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_rate_is_tanh_to_the_last_digits(dtype):
    x = torch.linspace(-30, 30, 10_001, dtype=dtype)
    found = rate_into(torch.tanh, x, torch.empty_like(x))
    eps = torch.finfo(dtype).eps
    torch.testing.assert_close(found, torch.tanh(x), rtol=0, atol=1.5 * eps)
    zeros = torch.zeros(3, dtype=dtype)
    assert (rate_into(torch.tanh, zeros, torch.empty_like(zeros)) == 0).all()


def test_the_plain_loop_is_what_other_nonlinearities_take():
    assert identity in BACKWARD
    assert torch.nn.functional.softplus not in BACKWARD
