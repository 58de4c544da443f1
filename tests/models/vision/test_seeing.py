"""The protocol of networks that see: one answer for all of them."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nmcourse.models import DivergingActivity, SeeingNetwork
from nmcourse.models.vision.planning import Asked
from nmcourse.models.vision.seeing import Seeing
from nmcourse.models.vision.stepwise import respond_by_steps
from nmcourse.tasks import ImageSet
from nmcourse.training import accuracy
from tests.models.vision.conftest import NETWORKS, STEPS, images, same, twin


@pytest.mark.parametrize("name", NETWORKS)
def test_everybody_answers_the_protocol(name: str):
    model, shown = NETWORKS[name](), images()
    assert isinstance(model, SeeingNetwork)
    assert not isinstance(nn.Linear(1, 1), SeeingNetwork)
    same(model.respond(shown, **STEPS), respond_by_steps(model, shown, Asked(**STEPS)))
    rest = model.rest(4)
    assert {len(r) for r in rest} == {1}
    assert model.readout(rest).shape == (1, 3)
    recorded = model.record(shown, n_blank=4, n_steps=5, n_after=3)
    assert all(r.shape[:2] == (3, 12) and r.ndim == 5 for r in recorded)
    response = model.respond(shown, **STEPS)
    torch.testing.assert_close([r[:, -1] for r in recorded], list(response.state))
    names = {name for part in model.parts().values() for name in part}
    assert names <= {name for name, _ in model.named_parameters()}


@pytest.mark.parametrize("name", NETWORKS)
def test_features_are_what_the_readout_reads_with_gradient(name: str):
    model, shown = NETWORKS[name](), images()
    found = model.features(shown, n_blank=4, n_steps=6, every=2)
    assert len(found) == model.n_read
    recorded = model.record(shown, n_blank=4, n_steps=6)[areas_read(name, model)]
    for ours, theirs in zip(found, recorded, strict=True):
        torch.testing.assert_close(ours.detach(), theirs[:, [5, 7, 9]])
    read = tuple(r[:, -1] for r in found)
    if name == "modulated":  # whose readout expects the modulator behind the areas
        read = (*read, torch.zeros(3, 3, 1, 1, dtype=torch.float64))
    torch.testing.assert_close(
        model.readout(read), model.respond(shown, n_blank=4, n_steps=6).outputs[:, -1]
    )
    ours = torch.autograd.grad(sum(r.square().sum() for r in found), list(model.parameters()),
                               allow_unused=True)  # fmt: skip
    slow = respond_features(name, model, shown)
    theirs = torch.autograd.grad(slow, list(model.parameters()), allow_unused=True)
    torch.testing.assert_close(ours, theirs)
    assert any(g is not None and g.abs().sum() > 0 for g in ours)


def areas_read(name: str, model: Any) -> slice:
    """Where in a state the areas stand that are read out; a modulator comes behind them."""
    return slice(-model.n_read - 1, -1) if name == "modulated" else slice(-model.n_read, None)


def respond_features(name: str, model: Any, shown: Tensor) -> Tensor:
    """The same sum of squares by hand."""
    with torch.no_grad():
        state = model.initial_state(len(shown))
        for _ in range(4):
            state = model.step(state, 0 * shown)
    total = torch.zeros((), dtype=torch.float64)
    for step in range(1, 7):
        state = model.step(state, shown)
        if step % 2 == 0:
            total = total + sum(r.square().sum() for r in state[areas_read(name, model)])
    return total


@pytest.mark.parametrize("name", ["CordsNet", "pixels"])
def test_activity_that_diverges_is_named_and_counts_as_an_accuracy_of_zero(name: str):
    model, shown = NETWORKS[name](), images()
    with torch.no_grad():
        weights = (
            model.recurrent[0].length if name == "CordsNet" else model.network.recurrent_weights
        )
        weights.fill_(1e200)
    with pytest.raises(DivergingActivity, match="activity diverged in area 0"):
        model.respond(shown, n_steps=40)
    assert not model.respond(shown, n_steps=40, check_finite=False).outputs.isfinite().all()
    assert accuracy(model, ImageSet(shown, torch.tensor([0, 1, 2]), ("a", "b", "c"))) == 0.0


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("n_blank", [0, 3])
def test_every_network_that_diverges_says_so(name: str, n_blank: int):
    model, shown = NETWORKS[name](), images()
    weights = {
        n: parameter
        for n, parameter in model.named_parameters()
        if not n.endswith("direction") and "output" not in n
    }
    with torch.no_grad():
        for n, parameter in weights.items():  # a gated network is bounded: its image is spoilt
            parameter.mul_(torch.inf if name == "gated" and n.startswith("stem") else 1e200)
    with pytest.raises(DivergingActivity):
        model.respond(shown, n_blank=n_blank, n_steps=40)
    with pytest.raises(DivergingActivity):
        model.record(shown, n_blank, 40)
    with pytest.raises(DivergingActivity):
        model.features(shown, n_blank=n_blank, n_steps=40)
    response = model.respond(shown, n_blank=n_blank, n_steps=40, check_finite=False)
    assert not response.outputs.isfinite().all()
    assert accuracy(model, ImageSet(shown, torch.tensor([0, 1, 2]), ("a", "b", "c"))) == 0.0


def test_a_twin_that_diverges_says_so_as_the_others_do():
    model, shown = twin().fold(), images()
    with torch.no_grad():
        model.recurrent[0].length.fill_(float("inf"))
    with pytest.raises(DivergingActivity, match="area 0 at step 0 after image onset"):
        model.respond(shown, n_steps=4)
    assert not model.respond(shown, n_steps=4, check_finite=False).outputs.isfinite().all()
    assert accuracy(model, ImageSet(shown, torch.tensor([0, 1, 2]), ("a", "b", "c"))) == 0.0


@pytest.mark.parametrize("folded", [False, True])
def test_a_twin_looks_at_an_image_once_however_long_it_stays(folded: bool, monkeypatch):
    model = twin().fold() if folded else twin()
    looks = []
    look = type(model).activities
    monkeypatch.setattr(
        type(model), "activities", lambda self, shown: looks.append(1) or look(self, shown)
    )
    model.respond(images(), n_steps=50, n_after=20, n_departure=5)
    assert len(looks) == 3  # rest, image, blank


def test_a_twin_in_training_moves_its_normalisations_at_each_step():
    one, other, shown = twin().train(), twin().train(), images()
    same(one.respond(shown, **STEPS), respond_by_steps(other, shown, Asked(**STEPS)))
    assert one.stem_norm.num_batches_tracked == sum((4, 5, 3))
    for ours, theirs in zip(one.buffers(), other.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_twin_answers_for_the_image_of_the_step():
    model, shown = twin(), images()
    response = model.respond(shown, n_steps=7, n_after=2)
    torch.testing.assert_close(response.outputs[:, 3], model(shown))
    torch.testing.assert_close(response.outputs[:, -1], model(0 * shown))
    stream = torch.stack([shown, shown, images(3, 8)], dim=1)
    torch.testing.assert_close(model.respond(stream).outputs[:, 2], model(images(3, 8)))


def test_what_respond_is_asked_and_what_a_trial_is_told_are_the_same(monkeypatch):
    inner = ("see", "see_every")  # of record and features alone
    asked = {field.name: field.default for field in fields(Asked) if field.name not in inner}
    takes = inspect.signature(Seeing.respond).parameters.values()
    taken = {p.name: p.default for p in takes if p.kind is p.KEYWORD_ONLY}
    assert list(taken.items()) == list(asked.items())

    told: list[Asked] = []
    shown = images()
    model = NETWORKS["CordsNet"]()
    monkeypatch.setattr(type(model), "_trial", lambda self, shown, asked: told.append(asked))
    given: dict[str, Any] = {name: number for number, name in enumerate(taken, start=2)}
    given |= {
        "state": model.rest,
        "gains": [None] * 4,
        "cues": shown,
        "generator": torch.Generator(),
    }
    given |= {"noise_std": 0.0, "image_noise_std": 0.0}
    model.respond(shown, **given)
    given |= {"noise_std": 0.5, "image_noise_std": 0.25, "checkpoint_every": None}
    model.respond(shown, **given)
    found = {name: getattr(told[-1], name) for name in taken}
    assert found.pop("cues") is given.pop("cues")
    assert found == given
    assert told[-2].checkpoint_every == list(taken).index("checkpoint_every") + 2
