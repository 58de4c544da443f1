"""``torch.func`` passes through every model, and a derivative is right or refused, never zero."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Generator, Tensor
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vmap

from nmcourse.models import CordsNet, LowRankRNN, TwinCNN
from nmcourse.models.loops import compiled_loops

PICTURES = {
    "cordsnet": lambda: CordsNet("small-R2", 1, 3, image_size=8, generator=seeded()),
    "cordsnet-leaky": lambda: CordsNet("small-R4", 1, 3, image_size=8, bias="channel", slope=0.2),
    "twin": lambda: TwinCNN("small-R2", 1, 3, image_size=8, generator=seeded()).eval(),
}


def seeded(seed: int = 0) -> Generator:
    return torch.Generator().manual_seed(seed)


def loss_of(outputs: Tensor) -> Tensor:
    weights = torch.arange(outputs.numel(), dtype=outputs.dtype).cos().view(outputs.shape)
    return (weights * outputs).sum() + 0.1 * outputs.square().sum()


@pytest.fixture
def model_and_trial(config):
    return config.model(), config.trial()


def of_parameters(model, trial) -> Callable[[dict[str, Tensor]], Tensor]:
    return lambda values: loss_of(functional_call(model, values, trial).outputs)


def test_grad_is_the_gradient_of_backward(model_and_trial):
    model, trial = model_and_trial
    found = grad(of_parameters(model, trial))(dict(model.named_parameters()))
    loss_of(model(*trial).outputs).backward()
    for name, parameter in model.named_parameters():
        wanted = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        torch.testing.assert_close(found[name], wanted, msg=lambda text, n=name: f"{n}: {text}")


def test_jvp_and_grad_agree(model_and_trial):
    model, (inputs, context) = model_and_trial
    direction = torch.randn(inputs.shape, dtype=inputs.dtype, generator=seeded(4))

    def of_inputs(u: Tensor) -> Tensor:
        return loss_of(model(u, context).outputs)

    along = jvp(of_inputs, (inputs,), (direction,))[1]
    torch.testing.assert_close(along, (grad(of_inputs)(inputs) * direction).sum())


def test_vmap_over_trials_is_a_batch(model_and_trial):
    model, (inputs, context) = model_and_trial
    if getattr(getattr(model, "modulator", None), "gains", torch.zeros(0)).ndim == 3:
        pytest.skip("gains are prescribed for each trial of a batch")

    def alone(u: Tensor, c: Tensor | None = None) -> Tensor:
        return model(u[None], None if c is None else c[None]).outputs[0]

    given = (inputs,) if context is None else (inputs, context)
    torch.testing.assert_close(vmap(alone)(*given), model(inputs, context).outputs)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_jacobian_of_a_trial(compiled: bool):
    model, u = LowRankRNN(1, 6, 1, 2, generator=seeded()).double(), torch.ones(1, 4, 1).double()
    with compiled_loops(compiled):
        backwards = jacrev(lambda x: model(x).outputs)(u)
        torch.testing.assert_close(jacfwd(lambda x: model(x).outputs)(u), backwards)
        known = torch.autograd.functional.jacobian(lambda x: model(x).outputs, u)
    torch.testing.assert_close(backwards, known)


def test_second_derivatives(model_and_trial):
    model, (inputs, context) = model_and_trial
    u, delta = inputs[:1, :3], 1e-5
    c = None if context is None else context[:1, :3]
    if getattr(getattr(model, "modulator", None), "gains", torch.zeros(0)).ndim == 3:
        pytest.skip("gains are prescribed for each trial of a batch")
    slope = grad(lambda x: loss_of(model(x, c).outputs))
    found = hessian(lambda x: loss_of(model(x, c).outputs))(u)
    step = torch.zeros_like(u)
    step[0, 0, 0] = delta
    wanted = (slope(u + step) - slope(u - step)) / (2 * delta)
    torch.testing.assert_close(found[0, 0, 0], wanted, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize("name", PICTURES)
def test_grad_and_vmap_of_networks_that_see(name: str):
    model, images = PICTURES[name]().double(), torch.rand(2, 1, 8, 8, generator=seeded()).double()
    respond = partial(model.respond, n_steps=6, n_blank=2)
    found = grad(lambda x: loss_of(respond(x).outputs))(images)
    images.requires_grad_()
    (wanted,) = torch.autograd.grad(loss_of(respond(images).outputs), images)
    torch.testing.assert_close(found, wanted)
    one_by_one = vmap(lambda x: respond(x[None]).outputs[0])(images.detach())
    torch.testing.assert_close(one_by_one, respond(images.detach()).outputs)


def test_forward_mode_without_torch_func():
    model, u = LowRankRNN(1, 6, 1, 2, generator=seeded()), torch.ones(1, 4, 1)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(u, torch.ones_like(u))
        along = torch.autograd.forward_ad.unpack_dual(model(dual).outputs).tangent
    torch.testing.assert_close(
        along, jvp(lambda x: model(x).outputs, (u,), (torch.ones_like(u),))[1]
    )


def slope_squared(model, u: Tensor, c: Tensor | None, gradient: Callable) -> Tensor:
    """A penalty on a first derivative; the outputs' own weight in the loss is a constant."""
    (slope,) = gradient(lambda x: model(x, c).outputs.sum() + 0.5 * x.square().sum(), u)
    return slope.square().sum()


def by_create_graph(loss: Callable[[Tensor], Tensor], u: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss(u), u, create_graph=True)


def error_of(backward: Callable[[], None]) -> str:
    try:
        backward()
    except RuntimeError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("compiled", [True, False])
def test_a_second_derivative_by_create_graph_is_right_or_refused(model_and_trial, compiled: bool):
    """Refused also where the gradient that comes in is a constant: torch would take it as zero."""
    model, (inputs, context) = model_and_trial
    by_func = grad(lambda x: slope_squared(model, x, context, lambda f, u: (grad(f)(u),)))
    wanted = by_func(inputs)
    inputs.requires_grad_()
    with compiled_loops(compiled):
        said = error_of(slope_squared(model, inputs, context, by_create_graph).backward)
    if said:
        assert "first derivatives only. torch.func" in said
    else:
        torch.testing.assert_close(inputs.grad, wanted)


def test_a_second_derivative_through_a_trial_of_cordsnet_is_refused():
    model = PICTURES["cordsnet"]()
    images = torch.rand(1, 1, 8, 8, requires_grad=True)
    outputs = model.respond(images, n_steps=4, n_blank=1).outputs
    (first,) = torch.autograd.grad(outputs.sum(), images, create_graph=True)
    with pytest.raises(RuntimeError, match="first derivatives only"):
        first.square().sum().backward()


def test_several_gradients_in_one_pass_are_refused():
    model, u = LowRankRNN(1, 6, 1, 2, generator=seeded()), torch.ones(1, 4, 1, requires_grad=True)
    outputs = model(u).outputs.flatten()
    with pytest.raises(RuntimeError, match="one gradient at a time"):
        torch.autograd.grad(outputs, u, torch.eye(4), is_grads_batched=True)
