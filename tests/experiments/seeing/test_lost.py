"""A training that ends early leaves its reason beside what it kept."""

from __future__ import annotations

from pathlib import Path

import torch

from nmcourse.evidence import plain
from nmcourse.experiments.cordsnet import staged_training
from nmcourse.experiments.seeing import networks
from nmcourse.experiments.training_runs import note_divergence
from nmcourse.models import EquilibriumNet, Seeing
from nmcourse.training import DivergenceError


def wild(name: str, settings: dict, generator: torch.Generator) -> Seeing:
    model = built(name, settings, generator)
    assert isinstance(model, EquilibriumNet)
    model.max_iterations = 5
    for layer in model.equation.recurrent:
        layer.length.data.mul_(40.0)
    return model


built = networks.build


def test_of_a_network_that_sees(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(networks, "build", wild)
    settings = networks.SETTINGS["smoke"] | {"n_seeds": 1, "n_test": 3}
    found = networks.trained("equilibrium", settings, tmp_path)
    assert found["lost"] == [0]
    assert set(found) == {"accuracy", "lost", "seconds", "learning_rate", "tuning"}
    assert plain(found["tuning"])  # a rate that loses its networks leaves no file
    reason = (tmp_path / "lost_0.txt").read_text()
    assert "training diverged at step 0" in reason
    assert "no equilibrium found in 5 iterations: the residual of area" in reason
    assert [path.name for path in tmp_path.glob("lost*")] == ["lost_0.txt"]


def test_what_was_written_first_stays(tmp_path: Path):
    for step in (3, 4):
        note_divergence(DivergenceError(step, torch.zeros(step)), tmp_path / "lost_0.txt")
    assert "at step 3" in (tmp_path / "lost_0.txt").read_text()


def test_of_a_control_of_training_by_stages(tmp_path: Path, monkeypatch):
    def diverges(*_args, **_options):
        raise DivergenceError(2, torch.ones(2))

    monkeypatch.setattr(staged_training, "_fit", diverges)
    settings = staged_training.SETTINGS["smoke"]
    kind = next(iter(staged_training.CONTROLS))
    found = staged_training._control(kind, 0, settings, 2, 1e-3, tmp_path)
    assert found["diverged"] == 1
    assert "training diverged at step 2" in (tmp_path / "diverged.txt").read_text()
