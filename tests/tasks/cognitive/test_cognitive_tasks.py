"""The cognitive tasks against their definition, on trials small enough to write out."""

from __future__ import annotations

import math

import pytest
import torch

from nmcourse.tasks import (
    DelayedComparison,
    FlipFlop,
    MemoryGuided,
    MultisensoryDecision,
    PerceptualDecision,
)

ALL = [
    PerceptualDecision(),
    MultisensoryDecision(),
    MemoryGuided("ring"),
    MemoryGuided("line"),
    MemoryGuided("points"),
    DelayedComparison(),
    FlipFlop(),
]


def named(task) -> str:
    return type(task).__name__ + getattr(task, "stimuli", "")


def seeded(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def test_a_decision_by_hand():
    task = PerceptualDecision([0.4], before=20, stimulus=40, response=80)
    trials = task.probe()
    assert trials.conditions["coherence"].tolist() == pytest.approx([-0.4, 0.4])
    assert trials.inputs[1, :, 0].tolist() == [1, 1, 1, 0, 0, 0, 0]
    assert trials.inputs[1, :, 1].tolist() == pytest.approx([0, 0.4, 0.4, 0, 0, 0, 0])
    assert trials.targets[0, :, 0].tolist() == [0, 0, 0, -1, -1, -1, -1]
    assert trials.mask[0, :, 0].tolist() == [1, 1, 1, 0, 0, 0, 1]
    assert trials.conditions["go_time"].tolist() == [60, 60]


def test_one_sense_or_both_speak():
    trials = MultisensoryDecision([0.2], noise=0.0).sample(60, generator=seeded())
    speaks = (trials.inputs[..., 1:].abs().sum(dim=1) > 0).tolist()
    for senses, pair in zip(trials.conditions["senses"].tolist(), speaks, strict=True):
        assert pair == [[True, False], [False, True], [True, True]][senses]
    assert len(MultisensoryDecision().probe()) == 3 * 6


def test_an_observer_who_adds_the_evidence_reaches_the_level():
    """The sum of the evidence is what can be known: the level of 0.9 lies below it."""
    for task in (PerceptualDecision(), MultisensoryDecision()):
        trials = task.sample(4000, generator=seeded())
        senses = trials.conditions["senses"] if task.n_inputs == 3 else None
        shown = trials.inputs[..., 1:] * trials.inputs[..., :1]
        total = shown.sum(dim=1)
        if senses is not None:
            total = total * torch.stack([senses != 1, senses != 0], dim=-1)
        choice = total.sum(dim=-1).sign()
        share = (choice == trials.conditions["coherence"].sign()).double().mean()
        assert 0.95 < share < 0.995


def test_a_memory_trial_by_hand():
    times = {"before": 20, "stimulus": 20, "shortest_delay": 20, "longest_delay": 40}
    task = MemoryGuided("ring", response=80, **times)
    trials = task.arranged(torch.tensor([0.5]), delay=40)
    sin, cos = math.sin(0.5), math.cos(0.5)
    shown = [[0, 0], [cos, sin], *[[0, 0]] * 6]
    torch.testing.assert_close(trials.inputs[0, :, 1:], torch.tensor(shown, dtype=torch.float32))
    assert trials.inputs[0, :, 0].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    answer = [[0, 0]] * 4 + [[cos, sin]] * 4
    torch.testing.assert_close(trials.targets[0], torch.tensor(answer, dtype=torch.float32))
    assert trials.mask[0, :, 0].tolist() == [1, 1, 1, 1, 0, 0, 0, 1]


def test_stimuli_lie_on_a_ring_a_line_or_two_points():
    def places(stimuli):
        trials = MemoryGuided(stimuli, noise=0.0).sample(300, generator=seeded())
        return trials.inputs[:, 6, 1:]

    assert torch.allclose(places("ring").norm(dim=-1), torch.ones(300))
    assert (places("ring") < -0.9).any(dim=0).all()
    line = places("line")
    assert (line[:, 1] == 0).all()
    assert line[:, 0].min() < -0.95
    assert line[:, 0].max() > 0.95
    assert {tuple(place) for place in places("points").tolist()} == {(-1, 0), (1, 0)}


def test_every_delay_between_the_two_comes():
    trials = MemoryGuided(shortest_delay=100, longest_delay=200).sample(400, generator=seeded())
    assert trials.conditions["delay"].unique().tolist() == [100, 120, 140, 160, 180, 200]
    gone = trials.conditions["delay_start"] + trials.conditions["delay"]
    assert torch.equal(gone, trials.conditions["go_time"])


def test_a_comparison_asks_for_the_sign_of_the_difference():
    trials = DelayedComparison(noise=0.0).probe()
    assert len(trials) == 20
    first, second = trials.inputs[:, 5, 1], trials.inputs[:, -11, 1]
    assert torch.equal(first, trials.conditions["first"])
    assert torch.equal(second, trials.conditions["second"])
    assert torch.equal(trials.targets[:, -1, 0], (second - first).sign())


def test_a_flip_flop_holds_the_last_sign():
    trials = FlipFlop(noise=0.0).sample(20, generator=seeded())
    held = torch.zeros(20, 2)
    for t in range(trials.inputs.shape[1]):
        held = torch.where(trials.inputs[:, t] != 0, trials.inputs[:, t], held)
        assert torch.equal(held, trials.targets[:, t])
    turned = FlipFlop().probe().targets
    assert torch.equal(turned[:, -1], -turned[:, 0])


@pytest.mark.parametrize("task", ALL, ids=named)
def test_right_is_who_gives_the_targets_and_nobody_who_gives_the_opposite(task):
    trials = task.sample(50, generator=seeded())
    assert task.right(trials.targets, trials).all()
    assert not task.right(-trials.targets, trials).any() or named(task) == "MemoryGuidedline"
    with pytest.raises(ValueError, match=r"outputs must have shape \(50"):
        task.right(trials.targets[:, :-1], trials)


@pytest.mark.parametrize("task", ALL, ids=named)
def test_silence_does_not_reach_the_level(task):
    trials = task.sample(500, generator=seeded())
    share = task.right(torch.zeros_like(trials.targets), trials).double().mean()
    assert share < 0.5 < task.level


@pytest.mark.parametrize("task", ALL, ids=named)
def test_noise_spares_fixation_and_the_probe(task):
    noisy = type(task)(**({"stimuli": task.stimuli} if hasattr(task, "stimuli") else {}), noise=0.5)
    trials = noisy.sample(30, generator=seeded())
    if task.input_names[0] == "fixation":
        assert set(trials.inputs[..., 0].unique().tolist()) == {0, 1}
    quiet = trials.inputs[..., 1:].diff(dim=1)
    assert 0.6 < quiet.std() < 0.85  # sqrt(2) times 0.5, and steps of the stimulus
    assert torch.equal(noisy.probe().inputs, task.probe().inputs)


def test_what_does_not_fit_is_named():
    task = MemoryGuided()
    with pytest.raises(ValueError, match=r"stimuli must be one of .*got 'square'"):
        MemoryGuided("square")
    with pytest.raises(ValueError, match="shortest_delay must be at least one step of dt=20"):
        MemoryGuided(shortest_delay=10.0)
    with pytest.raises(ValueError, match="delay must be at least one step of dt=20"):
        task.arranged(torch.zeros(1), delay=5.0)
    with pytest.raises(ValueError, match=r"delay must be at most 600"):
        task.arranged(torch.zeros(1), delay=620.0)
    with pytest.raises(ValueError, match="value must be finite, one per trial"):
        task.arranged(torch.tensor([math.nan]), delay=200.0)
    with pytest.raises(ValueError, match="coherences must be at least one and all different"):
        PerceptualDecision([0.1, 0.1])
    with pytest.raises(ValueError, match="pulse must be shorter than interval"):
        FlipFlop(pulse=400.0)
