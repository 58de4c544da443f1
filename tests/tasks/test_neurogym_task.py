"""neurogym's tasks: read through their interface, of the package itself where it is installed."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from nmcourse.models import NMRNN, LowRankRNN, Modulator
from nmcourse.tasks import NeurogymTask, right_decisions
from nmcourse.training import fit

INSTALLED = importlib.util.find_spec("neurogym") is not None


class LeftOrRight:
    """A stand-in with the interface of ``neurogym.TrialEnv``: which of two inputs is larger?

    Written after neurogym 2.3.1: ``seed`` sets ``rng``; ``new_trial`` draws, fills ``ob`` (time,
    channel) and ``gt`` (time,) and returns what it drew; spaces name their channels.
    """

    def __init__(self, dt: float = 20.0) -> None:
        self.dt = dt
        self.observation_space = SimpleNamespace(
            shape=(3,), name={"fixation": 0, "stimulus": [1, 2]}
        )
        self.action_space = SimpleNamespace(n=3, name={"fixation": 0, "choice": [1, 2]})
        self.seed(0)

    @property
    def unwrapped(self):
        return self

    def seed(self, seed=None):
        self.rng = np.random.RandomState(seed)
        return [seed]

    def new_trial(self, **kwargs):
        n_stimulus, n_decision = self.rng.randint(8, 12), 4
        truth = int(self.rng.choice(2))
        self.ob = np.zeros((n_stimulus + n_decision, 3), dtype=np.float32)
        self.gt = np.zeros(len(self.ob), dtype=np.int64)
        self.ob[:n_stimulus, 0] = 1.0
        self.ob[:n_stimulus, 1 + truth] = 1.0
        self.ob[:, 1:] += 0.1 * self.rng.randn(len(self.ob), 2)
        self.gt[n_stimulus:] = 1 + truth
        return {"ground_truth": np.int64(truth), "coh": 51.2, "kind": "easy"}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_trial_is_what_the_environment_shows():
    task = NeurogymTask(LeftOrRight(), n_steps=20, decision_weight=3.0)
    assert task.input_names == ("fixation", "stimulus_0", "stimulus_1")
    assert task.output_names == ("fixation", "choice_0", "choice_1")
    trials = task.sample(5, generator=seeded())
    other = LeftOrRight()
    other.seed(int(torch.randint(2**31 - 1, (1,), generator=seeded())))
    for trial in range(5):
        drawn = other.new_trial()
        length = len(other.gt)
        assert trials.conditions["length"][trial] == length
        assert trials.conditions["ground_truth"][trial] == drawn["ground_truth"]
        np.testing.assert_allclose(trials.inputs[trial, :length], other.ob)
        assert trials.targets[trial, :length].argmax(dim=-1).tolist() == other.gt.tolist()
        wanted = np.where(other.gt > 0, 3.0, 1.0)
        np.testing.assert_allclose(trials.mask[trial, :length, 0], wanted)
        assert not trials.inputs[trial, length:].any()
        assert not trials.mask[trial, length:].any()
    assert set(trials.conditions) == {"ground_truth", "coh", "length"}


def test_the_same_generator_gives_the_same_trials():
    task = NeurogymTask(LeftOrRight(), n_steps=20)
    one, other = (task.sample(4, generator=seeded(3)) for _ in range(2))
    assert torch.equal(one.inputs, other.inputs)
    assert not torch.equal(one.inputs, task.sample(4, generator=seeded(4)).inputs)


def test_channels_may_be_context():
    task = NeurogymTask(LeftOrRight(), n_steps=20, context=["fixation"])
    trials = task.sample(2, generator=seeded())
    assert (task.n_inputs, task.n_context) == (2, 1)
    assert trials.context is not None
    whole = NeurogymTask(LeftOrRight(), n_steps=20).sample(2, generator=seeded())
    assert torch.equal(trials.context, whole.inputs[..., :1])
    assert torch.equal(trials.inputs, whole.inputs[..., 1:])


def trained_on(task: NeurogymTask, n_steps: int) -> float:
    """Share of right decisions of an NM-RNN, on trials that it has not seen."""
    g = seeded()
    network = LowRankRNN(task.n_inputs, 40, task.n_outputs, rank=3, generator=g)
    model = NMRNN(network, Modulator(task.n_inputs, 6, 3, generator=g))
    fit(model, task, n_steps=n_steps, batch_size=32, learning_rate=2e-2, progress=False)
    trials = task.sample(200, generator=seeded(99))
    with torch.no_grad():
        return float(right_decisions(model(trials.inputs).outputs, trials).float().mean())


def test_an_nm_rnn_learns_the_stand_in():
    assert trained_on(NeurogymTask(LeftOrRight(), n_steps=16, decision_weight=5.0), 150) > 0.9


@pytest.mark.skipif(not INSTALLED, reason="neurogym is not installed")
def test_an_nm_rnn_learns_a_task_of_the_package():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of gymnasium, about how tasks are registered
        task = NeurogymTask("PerceptualDecisionMaking-v0", n_steps=110, dt=20, decision_weight=5.0)
        assert task.input_names == ("fixation", "stimulus_0", "stimulus_1")
        assert trained_on(task, 300) > 0.7  # some trials have next to no evidence: never all right
        for name in ("ContextDecisionMaking-v0", "GoNogo-v0", "ReadySetGo-v0"):
            trials = NeurogymTask(name, n_steps=400, dt=20).sample(3, generator=seeded())
            assert trials.mask.any()


@pytest.mark.skipif(INSTALLED, reason="neurogym is installed")
def test_a_name_needs_the_package():
    with pytest.raises(ImportError, match="neurogym is not installed, so 'GoNogo-v0' cannot be"):
        NeurogymTask("GoNogo-v0", n_steps=10)


def test_a_package_that_neurogym_needs_is_named(tmp_path, monkeypatch):
    (tmp_path / "neurogym.py").write_text("import a_package_that_nobody_has\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "neurogym", raising=False)
    with pytest.raises(ImportError, match="neurogym needs a_package_that_nobody_has, which is not"):
        NeurogymTask("GoNogo-v0", n_steps=10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"environment": 3}, "environment must be a task of neurogym: a int has no new_trial"),
        ({"n_steps": 0}, "n_steps must be a positive integer, got 0"),
        ({"context": ["colour"]}, "context must be of fixation, stimulus_0, stimulus_1"),
        ({"context": "fixation"}, "context must be names of channels, got the text"),
        ({"decision_weight": 0}, "decision_weight must be positive, got 0"),
        ({"dt": 3}, r"options are for an environment that is made by name, got \['dt'\]"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        NeurogymTask(**{"environment": LeftOrRight(), "n_steps": 20} | arguments)


def test_a_trial_that_is_too_long_is_named():
    task = NeurogymTask(LeftOrRight(), n_steps=5)
    with pytest.raises(ValueError, match=r"n_steps must be at least the 1\d steps of a trial"):
        task.sample(1)


def test_decisions_need_trials_of_such_a_task():
    task = NeurogymTask(LeftOrRight(), n_steps=20)
    trials = task.sample(2)
    assert right_decisions(trials.targets, trials).all()
    assert not right_decisions(-trials.targets, trials).any()
    with pytest.raises(ValueError, match="trials must be those of a NeurogymTask"):
        right_decisions(trials.targets[:1], trials)
