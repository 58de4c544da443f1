"""Training a modulated network to follow an instruction."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from nmcourse.models import NMCordsNet
from nmcourse.pretrained.builders.vision import modulated_cordsnet
from nmcourse.tasks import digit_answers, digit_images, instructed
from nmcourse.training import (
    InstructedTrial,
    fit_many_images,
    instructed_accuracy,
    instructed_loss,
    instructed_outputs,
    kept_parts,
    with_new_context,
)

ANSWERS = tuple(tuple(row) for row in digit_answers(["odd", "large"]).tolist())
TRIAL = InstructedTrial(
    answers=ANSWERS, instructions=((0, 1, 0), (1, 0, 1)), blank=4, phase=8, window=4
)


def network(seed: int = 0, n_cues: int = 2) -> NMCordsNet:
    return modulated_cordsnet(n_cues=n_cues, generator=torch.Generator().manual_seed(seed))


def digits(n: int = 6):
    return digit_images("test", size=8).subset(slice(n))


def test_an_instruction_says_which_answer_is_right_in_which_phase():
    told = instructed(digits(), 2)
    rules = TRIAL.rules(told.labels)
    assert rules[0].tolist() == [0, 1, 0]
    assert rules[-1].tolist() == [1, 0, 1]
    for label, wanted, rule in zip(told.labels, TRIAL.wanted(told.labels), rules, strict=True):
        digit = int(label) % 10
        for answer, which in zip(wanted.tolist(), rule.tolist(), strict=True):
            assert answer == (digit % 2 if which == 0 else int(digit >= 5))


def test_a_cue_is_told_from_the_first_blank_step_on():
    told = instructed(digits(1), 2)
    cues = TRIAL.cues(told.labels, 2, 2.0, told.images)
    assert cues.shape == (2, 2 + 3 * 4, 2)
    first = [0] * 6 + [1] * 4 + [0] * 4
    assert cues[0].argmax(dim=-1).tolist() == first
    assert cues[1].argmax(dim=-1).tolist() == [1 - rule for rule in first]
    assert cues.sum(dim=-1).eq(1).all()


def test_the_loss_is_the_cross_entropy_of_the_windows():
    model, told = network(), instructed(digits(), 2)
    outputs = instructed_outputs(model, told.images, told.labels, TRIAL)
    assert outputs.shape == (12, 3, 4, 2)
    wanted, total = TRIAL.wanted(told.labels), 0.0
    for image in range(12):
        for phase in range(3):
            for step in (2, 3):
                scores = outputs[image, phase, step].log_softmax(dim=-1)
                total -= float(scores[wanted[image, phase]].detach())
    loss = instructed_loss(model, told.images, told.labels, trial=TRIAL)
    assert loss.item() == pytest.approx(total / (12 * 3 * 2), rel=1e-5)
    right = outputs[:, :, -1].argmax(dim=-1) == wanted
    accuracy = instructed_accuracy(model, told.images, told.labels, TRIAL)
    torch.testing.assert_close(accuracy, right.double().mean(dim=0))


def test_the_modulator_alone_is_trained_and_learns():
    models = [network(seed) for seed in range(2)]
    before = [{name: p.clone() for name, p in model.named_parameters()} for model in models]
    trial = InstructedTrial(answers=ANSWERS, instructions=((0,), (1,)), blank=4, phase=16, window=4)
    told = instructed(digit_images("train", size=8).subset(slice(40)).normalised(), 2)
    result = fit_many_images(
        models,
        told,
        partial(instructed_loss, trial=trial),
        n_steps=25,
        batch_size=16,
        learning_rate=3e-2,
        seeds=range(2),
        freeze=kept_parts(models[0]),
        progress=False,
    )
    for model, old in zip(models, before, strict=True):
        for name, values in model.named_parameters():
            assert torch.equal(values, old[name]) == name.startswith("network."), name
    assert (result.losses[-5:].mean(dim=0) < result.losses[:5].mean(dim=0)).all()


def test_a_new_cue_leaves_the_old_ones_as_they_were():
    model, told = network(), instructed(digits(), 2)
    wider = with_new_context(model)
    assert wider.n_cues == 3
    torch.testing.assert_close(
        instructed_outputs(wider, told.images, told.labels, TRIAL),
        instructed_outputs(model, told.images, told.labels, TRIAL),
    )
    assert kept_parts(wider) == ("output network",)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"window": 60}, "window must not exceed phase=8"),
        ({"phase": 0}, "phase must be positive"),
        ({"instructions": ((0, 1), (1,))}, "instructions must have one length"),
        ({"instructions": ((),)}, "instructions must have one length"),
        ({"instructions": ((0, 2),)}, "instructions must be from 0 to 1, got 2"),
    ],
)
def test_a_trial_that_does_not_fit(changed: dict, message: str):
    options = {"answers": ANSWERS, "instructions": ((0, 1),), "phase": 8, "window": 4}
    with pytest.raises(ValueError, match=message):
        InstructedTrial(**(options | changed))
