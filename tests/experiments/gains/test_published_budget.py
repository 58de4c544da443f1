"""Questions to the networks of the paper's budget: what is transplanted, and rules that decide."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from nmcourse import pretrained
from nmcourse.evidence import LedgerError, Results
from nmcourse.experiments import block_training
from nmcourse.experiments.gains import pruning_and_dopamine
from nmcourse.experiments.gains.published_budget import keeps_of_list, lists, transplants
from nmcourse.experiments.gains.published_budget_rules import RULES
from nmcourse.experiments.timing import published_networks
from nmcourse.experiments.timing.published_budget import ARMS
from nmcourse.models import NMRNN
from nmcourse.tasks import apparent_interval, slope_against
from nmcourse.training import save_tensors

N = 10


def test_gains_and_state_together_carry_the_whole_interval():
    """The donor's state at go under the donor's gains makes the donor's ramp."""
    model = pretrained.load_all("mwg_nm_rnn", kind=NMRNN)[0]
    trials = pruning_and_dopamine.test_trials()
    with torch.no_grad():
        made = apparent_interval(model(trials.inputs).outputs, trials.conditions["go_time"])
    own = slope_against(made, trials.conditions["interval"]).item()
    found = transplants(model)
    assert found["both"] == pytest.approx(own, abs=1e-4)
    assert abs(found["gains"] - own) > 0.01  # neither alone
    assert abs(found["states"] - own) > 0.01


def test_what_a_list_keeps_is_counted_from_its_end():
    norms = torch.logspace(-5, 0, 26, dtype=torch.float64).repeat(2, 1)  # 10^-2 in ten steps
    assert keeps_of_list(norms, lists()).tolist() == pytest.approx([0.01, 0.01])


def test_networks_come_from_a_finished_run_and_never_from_half_of_one(tmp_path, monkeypatch):
    arm = "nm_rnn"
    folder, run_dir = tmp_path / "published_budget" / "cpu" / arm, tmp_path / "other" / "cpu"
    models = block_training.build_all(ARMS[arm], 3)[1:]
    save_tensors(
        folder / "state.pt", {"best": {f"{k}": m.state_dict() for k, m in enumerate(models)}}
    )
    monkeypatch.setattr(published_networks.pretrained, "available", list)
    with pytest.raises(LedgerError, match="no networks of the arm 'nm_rnn' of published_budget"):
        published_networks.published_networks(arm, "cpu", run_dir)
    (folder / "measured.json").write_text("{}")
    found: Any = published_networks.published_networks(arm, "cpu", run_dir)
    assert torch.equal(found[0].output_network.row_factors, models[0].output_network.row_factors)


def of_set(**changed: Any) -> dict[str, Any]:
    """What ten networks would give if all claims were true, but for some numbers."""
    values = {
        "intact": {"error": [1e-5] * N},
        "held": {
            "error": [[1e-3, 1e-4, 1e-4]] * N,
            "control": [[0.1, 0.9, 0.9]] * N,
            "rise": [[0.9, 1.0, 1.0]] * N,
        },
        "trained": {"shares": [[0.9, 0.1, 0.0]] * N},
        "untrained": {"shares": [[0.5, 0.3, 0.2]] * N},
        "transplant": [{"gains": 0.2, "states": 0.8, "both": 1.0}] * N,
        "whole": {"produced": [[[120.0] * 4, [130.0] * 4, [150.0] * 4] + [[None] * 4] * 4] * N},
    }
    values |= {"n_needed": [2] * N}
    return values | changed


def r12(held: list[float]) -> dict[str, Any]:
    """One quiet component and two others in each network."""
    n = len(held)
    return {
        "intact": [1e-5] * n,
        "held": [[error, 1e-3, 1e-3] for error in held],
        "mean": [[0.05, 0.5, 0.5]] * n,
        "range": [[0.5, 0.5, 0.5]] * n,
        "n_needed": [2] * n,
    }


def flows(levels: dict[str, float]) -> dict[str, Any]:
    return {
        name: {
            stage: {"keeps": [level * (1 + 0.01 * k) for k in range(N)]}
            for stage in ("start", "trained")
        }
        for name, level in levels.items()
    }


AHEAD = {"nm_rnn": 0.8, "low_rank_rnn": 0.3, "vanilla_rnn": 0.2, "lstm": 0.5}
BEHIND = AHEAD | {"vanilla_rnn": 0.9}
ALL_HURT = of_set()["held"]
NO_DIAL = {"shares": [[0.6, 0.2, 0.2]] * 3 + [[0.9, 0.1, 0.0]] * 7}


@pytest.mark.parametrize(
    ("claim", "metrics", "found"),
    [
        ("N7", of_set(), "reproduced"),
        (
            "N7",
            of_set(held=ALL_HURT | {"control": [[0.1] * 3] * 8 + [[0.9] * 3] * 2}),
            "reproduced",
        ),
        ("N7", of_set(held=ALL_HURT | {"control": [[0.1] * 3] * 7 + [[0.9] * 3] * 3}), "partly"),
        ("R12", r12([1.5e-5] * 10), "reproduced"),
        ("R12", r12([1.5e-5] * 7 + [1e-3] * 3), "partly"),
        ("R12", r12([1e-3] * 10), "not reproduced"),
        ("R12", r12([1.5e-5] * 2), "not decided"),
        ("R15", of_set(), "reproduced"),
        ("R15", of_set(trained=NO_DIAL), "partly"),
        ("R15", of_set(untrained={"shares": [[0.95, 0.05, 0.0]] * N}), "partly"),
        ("R15", of_set(trained={"shares": [[0.4, 0.3, 0.3]] * N}), "not reproduced"),
        ("R18", of_set(), "reproduced"),
        (
            "R18",
            of_set(whole={"produced": [[[150.0] * 4, [130.0] * 4, [120.0] * 4]] * N}),
            "not reproduced",
        ),
        ("R13", flows(AHEAD) | {"element_finder": flows(AHEAD)}, "reproduced"),
        ("R13", flows(BEHIND) | {"element_finder": flows(AHEAD)}, "partly"),
        ("R13", flows(BEHIND) | {"element_finder": flows(BEHIND)}, "not reproduced"),
    ],
    ids=str,
)
def test_rules(claim: str, metrics: dict[str, Any], found: str):
    config = {
        "n_seeds": N,
        "n_published": N,
        "n_fair": N,
        "factors": list(pruning_and_dopamine.FACTORS),
        "judged_at": 0.9,
        "near_zero": 0.1,
        "hardly_moves": 0.1,
        "hurts": 2.0,
    }
    if claim == "R18":
        config["factors"] = list(pruning_and_dopamine.FACTORS)[
            : len(metrics["whole"]["produced"][0])
        ]
    outcome = RULES[claim].judge(Results(metrics | {"fair": metrics}, config))
    came = outcome.status
    if came == "measured":
        words = {"holds.": "reproduced", "holds in part": "partly", "does not": "not reproduced"}
        came = next(
            v for k, v in words.items() if f"sentence of this course {k}" in outcome.measured
        )
    assert came == found
    assert outcome.fair_status == (found if claim == "N7" else "")
