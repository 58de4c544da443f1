"""A model computes where its weights are, in the number type that it is given, and repeatably.

There need be no GPU for this. Tensors on the device "meta" have a shape and no values: a result
that is fetched to the processor, or a tensor that is made elsewhere, stops the computation there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nmcourse.models import Area, AttentionReader, CordsNet, RecurrentModel, TwinCNN
from tests.models.conftest import BATCH, STEPS, Config

IMAGE = 10
# The number that bfloat16 keeps: eight significant bits.
BFLOAT16 = {"rtol": 0.05, "atol": 0.05}


def other(name: str) -> tuple[nn.Module, Tensor, dict[str, int]]:
    """A network that is not in the list of recurrent models, its inputs, and options of a trial."""
    generator = torch.Generator().manual_seed(3)
    if name == "attention":
        reader = AttentionReader(STEPS, 4, 5, generator=generator)
        shape: tuple[int, ...] = (BATCH, STEPS, reader.n_inputs)
        model, options = reader, {}
    else:
        build, options = (CordsNet, {"n_steps": 6}) if name == "cordsnet" else (TwinCNN, {})
        model = build([Area(3), Area(3, 2)], 2, 5, image_size=IMAGE, generator=generator)
        shape = (BATCH, 2, IMAGE, IMAGE)
    inputs = torch.randn(*shape, dtype=torch.float64, generator=generator)
    return model.double(), inputs, options


def answers(result: Tensor | tuple) -> Tensor:
    """The outputs of a trial, or of a network without time."""
    return result if isinstance(result, Tensor) else result[0]


def moved(value: Tensor | None, device: str) -> Tensor | None:
    return None if value is None else value.to(device)


def held_by(trajectory: tuple) -> Iterator[Tensor]:
    """Every tensor of a trajectory."""
    for value in trajectory:
        if isinstance(value, Tensor):
            yield value


@contextlib.contextmanager
def elsewhere() -> Iterator[None]:
    """Make every tensor whose device is not named on a device that has no values."""
    with torch.device("meta"):
        yield


def test_a_trial_on_another_device_stays_there_and_has_the_same_shapes(config: Config):
    model, (inputs, context) = config.model(), config.trial()
    expected = [value.shape for value in held_by(model(inputs, context))]
    trajectory = model.to("meta")(inputs.to("meta"), moved(context, "meta"))
    assert [value.shape for value in held_by(trajectory)] == expected
    assert {value.device.type for value in held_by(trajectory)} == {"meta"}


def test_steps_on_another_device_stay_there(config: Config):
    model, (inputs, context) = config.model().to("meta"), config.trial()
    now = None if context is None else context[:, 0].to("meta")
    state = model.step(model.initial_state(BATCH), inputs[:, 0].to("meta"), now)
    velocity = model.velocity(state, inputs[:, 0].to("meta"), now)
    tensors = [model.readout(state)]
    for part in (state, velocity):
        tensors += [part] if isinstance(part, Tensor) else list(part)
    assert {value.device.type for value in tensors} == {"meta"}


def test_a_trial_makes_no_tensor_on_the_default_device(config: Config):
    model, (inputs, context) = config.model(), config.trial()
    expected = model(inputs, context)
    with elsewhere():
        trajectory = model(inputs, context)
        state = model.initial_state(BATCH)
        state = model.step(state, inputs[:, 0], None if context is None else context[:, 0])
        outputs = model.readout(state)
    for value, right in zip(held_by(trajectory), held_by(expected), strict=True):
        torch.testing.assert_close(value, right, rtol=0, atol=0)
    torch.testing.assert_close(outputs, expected.outputs[:, 0], rtol=0, atol=1e-12)


def test_the_default_device_shows_a_tensor_made_without_a_device():
    """The check above can fail."""

    class Careless(RecurrentModel):
        def forward(self, inputs: Tensor, context: Tensor | None = None) -> Tensor:
            return inputs + torch.zeros(inputs.shape[-1], dtype=inputs.dtype)

    with elsewhere(), pytest.raises(RuntimeError, match="device"):
        Careless.forward(None, torch.ones(1, 2, 3, device="cpu"))  # type: ignore[arg-type]


@pytest.mark.parametrize("where", ["meta", "default device"])
@pytest.mark.parametrize("name", ["cordsnet", "twin", "attention"])
def test_the_other_networks_compute_where_their_weights_are(name: str, where: str):
    model, inputs, options = other(name)
    expected = answers(model(inputs, **options))
    if where == "meta":
        outputs = answers(model.to("meta")(inputs.to("meta"), **options))
        assert (outputs.device.type, outputs.shape) == ("meta", expected.shape)
    else:
        with elsewhere():
            outputs = answers(model(inputs, **options))
        torch.testing.assert_close(outputs, expected, rtol=0, atol=0)


def small(config: Config) -> tuple[RecurrentModel, Tensor, Tensor | None]:
    """Return a model and its trial in single precision."""
    model, (inputs, context) = config.model().float(), config.trial()
    return model, inputs.float(), None if context is None else context.float()


@torch.no_grad()
def test_mixed_precision_gives_nearly_the_same(config: Config):
    model, inputs, context = small(config)
    expected = model(inputs, context).outputs
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = model(inputs, context).outputs
    torch.testing.assert_close(outputs.float(), expected, **BFLOAT16)


def trained_in(dtype: torch.dtype, model: nn.Module, *trial: Any, **options: int) -> list[Tensor]:
    """Outputs and gradients of one training step whose forward pass is in autocast."""
    model.zero_grad()
    with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
        outputs = answers(model(*trial, **options))
    outputs.float().square().mean().backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert gradients
    assert {gradient.dtype for gradient in gradients} == {torch.float32}
    return [outputs.detach().float(), *gradients]


def assert_nearly_the_same(found: list[Tensor], expected: list[Tensor]) -> None:
    """Outputs entry by entry; a gradient to a tenth of its length."""
    torch.testing.assert_close(found[0], expected[0], **BFLOAT16)
    for one, right in zip(found[1:], expected[1:], strict=True):
        assert (one - right).norm() <= 0.1 * right.norm() + 1e-3


def test_networks_can_be_trained_in_mixed_precision(config: Config):
    model, inputs, context = small(config)
    runs = [trained_in(dtype, model, inputs, context) for dtype in (torch.bfloat16, torch.float32)]
    assert_nearly_the_same(*runs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = model(inputs, context).states
    parts = [states] if isinstance(states, Tensor) else list(states)
    assert {part.dtype for part in parts} == {torch.float32}  # a small step would else be lost


@pytest.mark.parametrize("name", ["cordsnet", "twin", "attention"])
def test_the_other_networks_can_be_trained_in_mixed_precision(name: str):
    model, inputs, options = other(name)
    model, inputs = model.float(), inputs.float()
    dtypes = (torch.bfloat16, torch.float32)
    assert_nearly_the_same(*(trained_in(dtype, model, inputs, **options) for dtype in dtypes))


@pytest.fixture
def deterministic() -> Iterator[None]:
    """Let torch refuse every operation that need not give the same twice."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("deterministic")
def test_the_same_trial_gives_the_same_bits_and_gradients(config: Config):
    results = []
    for _ in range(2):
        model, inputs, context = small(config)
        outputs = model(inputs, context).outputs
        outputs.square().sum().backward()
        results.append([outputs, *(p.grad for p in model.parameters() if p.grad is not None)])
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)
