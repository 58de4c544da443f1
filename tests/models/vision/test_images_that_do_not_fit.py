"""An image that does not fit is refused by every verb of every network that sees, in one way."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from nmcourse.models import TwinCNN
from nmcourse.tasks import ImageSet
from nmcourse.training import ImageTrial, accuracy, class_loss, fit_images, trial_loss
from tests.models.vision.conftest import NETWORKS, images, twin


def of_shape(*shape: int) -> Tensor:
    return torch.zeros(*shape, dtype=torch.float64)


WRONG = {
    "more pixels": of_shape(3, 2, 9, 9),
    "fewer pixels": of_shape(3, 2, 5, 5),
    "wider": of_shape(3, 2, 6, 7),
    "one channel": of_shape(3, 1, 6, 6),
    "three channels": of_shape(3, 3, 6, 6),
    "no batch": of_shape(2, 6, 6),
    "a vector": of_shape(6),
    "no image": of_shape(0, 2, 6, 6),
}
OTHERWISE = {
    "another type": (images().float(), "images must be torch.float64 as the model is, got"),
    "a gap": (images() * torch.nan, "images must be finite, got NaN or infinity"),
    "a list": ([0.0], "images must be a torch.Tensor, got list"),
}
BRIEF = {"n_blank": 1, "n_steps": 2}
ASKED: dict[str, Any] = {
    "respond": lambda model, shown: model.respond(shown, **BRIEF),
    "record": lambda model, shown: model.record(shown, **BRIEF),
    "features": lambda model, shown: model.features(shown, **BRIEF),
    "step": lambda model, shown: model.step(model.initial_state(3), shown),
    "velocity": lambda model, shown: model.velocity(model.initial_state(3), shown),
}


@pytest.mark.parametrize(
    ("name", "verb"),
    [
        pair for pair in product(NETWORKS, ASKED) if pair != ("equilibrium", "velocity")
    ],  # it has none
)
def test_by_every_verb(name: str, verb: str):
    model = NETWORKS[name]()
    for what, shown in WRONG.items():
        with pytest.raises(ValueError) as error:
            ASKED[verb](model, shown)
        said = str(error.value)
        assert said.startswith("images must have shape (batch, 2, 6, 6)"), what
        assert said.endswith(f", got {tuple(shown.shape)}"), what
    for shown, message in OTHERWISE.values():
        with pytest.raises(ValueError, match=message):
            ASKED[verb](model, shown)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_takes_no_stream(name: str):
    model = NETWORKS[name]()
    with pytest.raises(ValueError, match=r"shape \(batch, 2, 6, 6\), got \(3, 4, 2, 6, 6\)"):
        model.step(model.initial_state(3), of_shape(3, 4, 2, 6, 6))


@pytest.mark.parametrize("name", NETWORKS)
def test_by_training_and_by_what_it_is_judged_with(name: str):
    model = NETWORKS[name]()
    larger = ImageSet(of_shape(3, 2, 9, 9), torch.arange(3), ("a", "b", "c"))
    trial = ImageTrial(blank=10, stimulus=20, after=10, window=10, rest_window=10)
    losses = [partial(trial_loss, trial=trial)] + [class_loss] * isinstance(model, TwinCNN)
    with pytest.raises(ValueError, match=r"got \(3, 2, 9, 9\)"):
        accuracy(model, larger)
    for loss in losses:
        with pytest.raises(ValueError, match=r"images must have shape .*, got \(3, 2, 9, 9\)"):
            fit_images(model, larger, loss, n_steps=1, batch_size=3, progress=False)


@pytest.mark.parametrize("folded", [False, True])
def test_folding_leaves_the_sizes_that_a_twin_takes_as_they_were(folded: bool):
    model = twin().fold() if folded else twin()
    for ask in (model, model.activities):
        with pytest.raises(ValueError, match=r"shape \(batch, 2, 6, 6\), got \(3, 2, 9, 9\)"):
            ask(of_shape(3, 2, 9, 9))
    with pytest.raises(TypeError):
        model.initial_state(3, 9)  # a state of another size would be one that no step leads to
