"""C13 and its networks: what they are asked, and what the rule makes of it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from nmcourse.evidence import Results
from nmcourse.experiments.from_pixels import comparison, networks
from nmcourse.experiments.from_pixels.rules import RULES, TASKS
from nmcourse.models import EyeThenRates
from nmcourse.pretrained import BUILDERS
from nmcourse.tasks import DotMotion, Numerosity, SpotDelayedResponse
from nmcourse.training import load_tensors

N = 5


def results(**scores: Any) -> Results:
    """Scores of the kinds, the same for every task unless they are given by task."""
    metrics = {
        task: {
            kind: {
                "score": (of[task] if isinstance(of, dict) else of),
                "learning_rate": 0.01,
                "error_by_delay": [[1.0, 2.0, 3.2, 9.0, 30.0]] * N,
            }
            for kind, of in ({k: [0.5] * N for k in networks.KINDS} | scores).items()
        }
        for task in TASKS
    }
    return Results(metrics, {"n_seeds": N, "size": 16, "n_steps": 500, "rates": [0.001, 0.01]})


@pytest.mark.parametrize(
    ("ours", "without", "status", "fair"),
    [
        ([0.9] * N, [0.5] * N, "reproduced", "reproduced"),
        ([0.9] * N, [0.9] * N, "reproduced", "not reproduced"),
        ([0.5] * N, [0.5] * N, "not reproduced", "not reproduced"),
        ([0.9, 0.9, 0.9, 0.5, 0.5], [0.5] * N, "not reproduced", "not reproduced"),
        ([0.9] * 4 + [0.5], [0.5] * N, "reproduced", "reproduced"),
        ({t: [0.9 if t == "dots" else 0.5] * N for t in TASKS}, [0.5] * N, "partly", "partly"),
    ],
)
def test_the_rule(ours: Any, without: Any, status: str, fair: str):
    judged = RULES["C13"].judge(results(cordsnet=ours, none=without))
    assert (judged.status, judged.fair_status) == (status, fair)
    assert "networks that solve a task: numerosity cordsnet" in judged.measured
    assert "the largest one tried for 20 of 20" in judged.caveats[2]
    assert "0 networks with frozen eyes score 0" in judged.caveats[3]
    assert "error is below 4 degrees" in judged.caveats[3]


def test_caveats_count_networks():
    spot = {task: [0.0, 0.9, 0.0, 0.9, 0.9] if task == "spot" else [0.85] * N for task in TASKS}
    judged = RULES["C13"].judge(
        results(digits=spot, cordsnet=[0.9] * N, none=[0.849, 0.85, 0.86, 0.8, 0.9])
    )
    assert "2 networks with frozen eyes score 0" in judged.caveats[3]
    assert "5/5/3/5 of 5 networks solve" in judged.caveats[5]
    assert "numerosity in 3 of 5 and dots in 3 of 5" in judged.caveats[6]


def test_a_perfect_and_a_blind_subject_are_told_apart():
    task = SpotDelayedResponse()

    class Subject(torch.nn.Module):
        def __init__(self, knows: bool) -> None:
            super().__init__()
            self.knows = knows

        def forward(self, inputs: torch.Tensor) -> Any:
            class Found:
                outputs = torch.zeros(*inputs.shape[:2], 3)

            pictures = inputs.unflatten(-1, (16, 16))
            lit = pictures[:, 7] - pictures[:, 0]  # the spot
            places = torch.arange(16) + 0.5 - 8
            row, column = (lit.sum(2) * places).sum(1), (lit.sum(1) * places).sum(1)
            angle = torch.atan2(-row, column) if self.knows else torch.zeros(len(inputs))
            found = Found()
            before = (pictures.amax(dim=(-2, -1)) > 0).float()
            found.outputs[..., 0] = 0.8 * before
            found.outputs[..., 1] = angle.sin()[:, None]
            found.outputs[..., 2] = angle.cos()[:, None]
            return found

    seeing, blind = (comparison._asked(task, Subject(knows), 200) for knows in (True, False))
    assert seeing["score"] > 0.98
    assert blind["score"] < 0.2
    assert max(seeing["error_by_delay"]) < 3
    assert min(blind["error_by_delay"]) > 45


def test_shares_of_choices_and_counts_are_those_of_the_outputs():
    task = DotMotion()
    trials = task.sample(80, generator=torch.Generator().manual_seed(0))
    found = comparison._chosen(task, trials, trials.targets)
    assert found["score"] == 1
    assert found["chosen"] == [0.0] * 4 + [1.0] * 4
    assert found["median_time"] == [task.dt] * 4
    counting = Numerosity()
    trials = counting.sample(50, generator=torch.Generator().manual_seed(0))
    assert comparison._counted(counting, trials, trials.targets)["by_number"] == [1.0] * 5
    always_one = torch.zeros_like(trials.targets)
    always_one[..., 0] = 1
    assert comparison._counted(counting, trials, always_one)["score"] == pytest.approx(0.2)


def test_all_kinds_have_as_many_parameters():
    sizes = {
        kind: sum(p.numel() for p in BUILDERS["film_network"](eye, 3).parameters())
        for kind, (eye, *_) in networks.KINDS.items()
    }
    assert max(sizes.values()) < 1.05 * min(sizes.values())


def test_an_unknown_eye_is_named():
    with pytest.raises(ValueError, match="eye must be one of"):
        BUILDERS["film_network"]("fly")
    with pytest.raises(ValueError, match="kind must be one of"):
        BUILDERS["film_eye"]("fly")


def test_a_small_version_runs(tmp_path, monkeypatch):
    def one_after_the_other(jobs):
        return {name: job() for name, job in jobs.items()}

    monkeypatch.setattr(comparison, "in_parallel", one_after_the_other)
    few = {kind: networks.KINDS[kind] for kind in ("digits", "none")}
    monkeypatch.setattr(comparison, "KINDS", few)
    monkeypatch.setattr(comparison, "DELAYS", (100.0, 400.0))
    found = comparison.run("smoke", tmp_path)
    settings = found["config"]
    for task in TASKS:
        for kind in few:
            assert len(found["metrics"][task][kind]["score"]) == settings["n_seeds"]
    assert len(found["metrics"]["spot"]["none"]["error_by_delay"][0]) == 2
    entry = networks.contender("dots", "digits", settings, tmp_path)
    built = entry.build(torch.Generator().manual_seed(3))
    again = entry.build(torch.Generator().manual_seed(3))
    assert isinstance(built, EyeThenRates)
    learned = [state["stem.direction"] for state in load_tensors(tmp_path / "eyes" / "weights.pt")]
    assert any(torch.equal(built.eye.stem.direction, stem) for stem in learned)
    assert all(
        torch.equal(a, b) for a, b in zip(built.parameters(), again.parameters(), strict=True)
    )
    assert found["metrics"]["dots"]["digits"]["n_trained"] < entry.n_parameters()
