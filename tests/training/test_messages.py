"""What cannot be trained is named by its cause, and not by what torch stumbled over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nmcourse import models, training
from nmcourse.models import CordsNet, LowRankRNN, Modulator, TwinCNN, VanillaRNN
from nmcourse.tasks import ImageSet, MeasureWaitGo, Trials, digit_images
from nmcourse.training import fit, fit_images, fit_many, masked_mse
from nmcourse.training.vision.cnn_stages import class_loss

TASK = MeasureWaitGo([120, 140], duration=700)
SETTINGS: dict[str, Any] = {"n_steps": 2, "progress": False}


class Dictionary(nn.Linear):
    """A module whose outputs have a name."""

    def forward(self, inputs: torch.Tensor) -> Any:
        return {"outputs": super().forward(inputs)}


class Pair(nn.Linear):
    """A module that also returns a state, as ``nn.RNN`` does."""

    def forward(self, inputs: torch.Tensor) -> Any:
        return super().forward(inputs), inputs


def rnn() -> VanillaRNN:
    return VanillaRNN(3, 2, 1, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_a_module_that_also_returns_its_state(kind: type[nn.Module]):
    message = f"^model must return outputs .* but {kind.__name__} returns a tuple of 2 .as torch.nn"
    with pytest.raises(ValueError, match=message):
        fit(kind(3, 1, batch_first=True), TASK, **SETTINGS)
    with pytest.raises(ValueError, match=f"^{kind.__name__} cannot be trained for several seeds"):
        fit_many(lambda generator: kind(3, 1, batch_first=True), TASK, seeds=2, **SETTINGS)


def test_other_things_than_outputs():
    with pytest.raises(ValueError, match=r"but Pair returns a tuple of 2 \(as torch.nn.RNN does"):
        fit_many(lambda generator: Pair(3, 1), TASK, seeds=2, **SETTINGS)
    with pytest.raises(ValueError, match="but Dictionary returns a dict; a module around it"):
        fit(Dictionary(3, 1), TASK, **SETTINGS)
    images = digit_images("test", 2).subset(slice(4))
    flat = ImageSet(images.images.reshape(4, 1, 1, 4), images.labels, images.class_names)
    for use in (
        lambda: fit_images(Pair(4, 10), flat, class_loss, **SETTINGS),
        lambda: training.accuracy(Pair(4, 10), flat),
    ):
        with pytest.raises(ValueError, match="but Pair returns a tuple of 2"):
            use()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Identity(), "model must have parameters to train, but Identity has none"),
        (nn.Sequential(), "model must have parameters to train, but Sequential has none"),
        (lambda inputs: inputs, "model must be a torch.nn.Module, got function"),
        (VanillaRNN, "model must be a torch.nn.Module, got the class VanillaRNN: call it"),
        (None, "model must be a torch.nn.Module, got NoneType"),
    ],
)
def test_what_has_nothing_to_train(model: Any, message: str):
    images = digit_images("test", 8).subset(slice(4))
    for train in (
        lambda: fit(model, TASK, **SETTINGS),
        lambda: fit_many(lambda generator: model, TASK, seeds=2, **SETTINGS),
        lambda: fit_images(model, images, class_loss, **SETTINGS),
    ):
        with pytest.raises(ValueError, match=f"^{message}"):
            train()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning_rate": "1e-3"}, "learning_rate must be positive, got '1e-3', which is text"),
        ({"learning_rate": True}, "learning_rate must be positive, got True"),
        ({"clip_norm": "1"}, "clip_norm must be positive, got '1', which is text"),
        ({"clip_value": [1.0]}, r"clip_value must be positive, got \[1.0\]"),
        ({"stop_below": "low"}, "stop_below must be positive, got 'low'"),
        ({"weight_decay": "0.1"}, "weight_decay must be at least 0, got '0.1', which is text"),
        ({"loss": "mse"}, "loss must be a function, such as nmcourse.training.masked_mse"),
        ({"freeze": 3}, "freeze must be a tuple of part names, got 3"),
        ({"device": 3.5}, "device '3.5' cannot be used here"),
        (
            {"loss": lambda *_: 0.5},
            "loss.outputs, targets, mask. must be a torch.Tensor",
        ),
        ({"loss": lambda o, t, m: masked_mse(o.detach(), t, m)}, "loss must depend on the param"),
    ],
)
def test_settings_of_another_kind(options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=f"^{message}"):
        fit(rnn(), TASK, **SETTINGS, **options)


def test_a_loss_of_images_that_is_none():
    images = digit_images("test", 8).subset(slice(4))
    with pytest.raises(ValueError, match=r"^loss\(model, images, labels\) must be a torch.Tensor"):
        fit_images(TwinCNN("small-R1", 1, 10, image_size=8), images, lambda *_: 0.5, **SETTINGS)
    with pytest.raises(ValueError, match=r"^loss must be a function, such as trial_loss"):
        fit_images(TwinCNN("small-R1", 1, 10, image_size=8), images, None, **SETTINGS)
    with pytest.raises(ValueError, match=r"^model must be a network that sees, .* Linear is none"):
        training.trial_loss(nn.Linear(1, 1), images.images, images.labels, training.ImageTrial())


def test_training_without_gradients_is_named():
    with (
        torch.no_grad(),
        pytest.raises(ValueError, match=r"torch\.no_grad\(\) around the training"),
    ):
        fit(rnn(), TASK, **SETTINGS)


def test_arrays_of_numpy_are_named():
    array = np.zeros((2, 3, 1))
    tensor = torch.zeros(2, 3, 1)
    hint = r"must be a torch.Tensor, got ndarray; torch.as_tensor\(array\) makes one of it"
    for name in ("inputs", "targets", "mask", "context"):
        given = {"inputs": tensor, "targets": tensor, "mask": tensor} | {name: array}
        with pytest.raises(ValueError, match=f"^{name} {hint}"):
            Trials(**given)
    with pytest.raises(ValueError, match=rf"^conditions\['angle'\] {hint}"):
        Trials(tensor, tensor, tensor, conditions={"angle": np.zeros(2)})
    with pytest.raises(ValueError, match=f"^images {hint}"):
        ImageSet(np.zeros((2, 1, 4, 4), np.float32), torch.zeros(2).long(), ("a",))
    with pytest.raises(ValueError, match=f"^labels {hint}"):
        ImageSet(torch.zeros(2, 1, 4, 4), np.zeros(2, int), ("a",))
    with pytest.raises(ValueError, match=f"^targets {hint}"):
        masked_mse(tensor, array, tensor)
    with pytest.raises(ValueError, match=f"^inputs {hint}"):
        rnn()(np.zeros((2, 3, 3), np.float32))
    with pytest.raises(ValueError, match=f"^images {hint}"):
        CordsNet("small-R1", 1, 2, image_size=4)(np.zeros((1, 1, 4, 4), np.float32))


def test_another_byte_order_is_read():
    numbers = np.array([0.5, -0.25], dtype=">f4")
    assert VanillaRNN(1, 2, 1, x0=numbers).x0.tolist() == [0.5, -0.25]
    with pytest.raises(ValueError, match=r"^x0 must hold numbers, got '0.1'"):
        VanillaRNN(1, 2, 1, x0="0.1")


@pytest.mark.parametrize(
    "build",
    [
        lambda **more: VanillaRNN(3, 2, 1, **more),
        lambda **more: LowRankRNN(3, 4, 1, 2, **more),
        lambda **more: models.SparseTerms(3, 4, 1, 2, **more),
        lambda **more: Modulator(3, 2, 2, **more),
    ],
)
def test_a_nonlinearity_is_a_function(build: Any):
    with pytest.raises(ValueError, match=r"^nonlinearity must be a function, such as torch.tanh"):
        build(nonlinearity="tanh")
    with pytest.raises(ValueError, match=r"^generator must be a torch.Generator or None, got 3; "):
        build(generator=3)


@pytest.mark.parametrize(
    "build",
    [
        rnn,
        lambda: LowRankRNN(3, 4, 1, 2),
        lambda: models.NMRNN(LowRankRNN(3, 4, 1, 2), Modulator(3, 2, 2)),
        lambda: models.NMRNN(LowRankRNN(3, 4, 1, 2), Modulator(3, 2, 2, n_feedback=4)),
        lambda: models.SparseTerms(3, 4, 1, 2),
        lambda: models.LSTM(3, 2, 1),
        lambda: models.GRU(3, 2, 1),
    ],
)
def test_every_model_trains_under_autocast(build: Any):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = fit(build(), TASK, batch_size=3, **SETTINGS)
    assert torch.isfinite(result.losses).all()
    assert {p.dtype for p in result.model.parameters()} == {torch.float32}
