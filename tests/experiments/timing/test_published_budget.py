"""The comparison at the paper's budget: it resumes to the same numbers, and its rules decide."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from nmcourse.evidence import Results
from nmcourse.experiments import block_training, registry
from nmcourse.experiments.timing import published_budget
from nmcourse.experiments.timing.networks import TEST_INTERVALS
from nmcourse.experiments.timing.published_budget_rules import RULES, lower

SETTINGS = {"n_seeds": 2, "block": 3, "scale": 6e-4}
ARM = published_budget.ARMS["low_rank_rnn_released"]


def test_a_killed_run_ends_at_the_same_networks(tmp_path, monkeypatch):
    whole = published_budget._blocks_done(ARM, SETTINGS, tmp_path)
    monkeypatch.setattr(block_training, "keep_best", stop_at(5))
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(KeyboardInterrupt):
        published_budget._blocks_done(ARM, SETTINGS, other)
    monkeypatch.undo()
    again = published_budget._blocks_done(ARM, SETTINGS, other)
    assert again["done"] == whole["done"] == 14
    torch.testing.assert_close(again["models"], whole["models"], rtol=0, atol=0)
    assert again["losses"] == whole["losses"]
    assert again["curve"].keys() == whole["curve"].keys() == {"1", "2", "3", "5", "8", "10", "14"}


def stop_at(block: int) -> Any:
    keep = block_training.keep_best

    def stop(kept: dict[str, Any]) -> None:
        if kept["done"] == block:
            raise KeyboardInterrupt
        keep(kept)

    return stop


def test_the_best_block_is_kept_for_each_seed():
    kept = {"losses": [], "best": {}, "models": []}
    for number, losses in enumerate([[3.0, 1.0], [2.0, 2.0], [4.0, 3.0]]):
        kept["losses"].append(losses)
        kept["models"] = [{"w": torch.tensor(float(number))} for _ in range(2)]
        block_training.keep_best(kept)
    assert kept["best"]["0"]["w"] == 1.0
    assert kept["best"]["1"]["w"] == 0.0


def test_a_block_without_a_loss_is_the_worst():
    kept = {"losses": [], "best": {}, "models": []}
    for number, loss in enumerate([float("nan"), 2.0, float("nan")]):
        kept["losses"].append([loss])
        kept["models"] = [{"w": torch.tensor(float(number))}]
        block_training.keep_best(kept)
        assert kept["best"]["0"]["w"] == min(number, 1.0)


def test_the_published_arms_are_those_of_the_released_code():
    model = ARM.build(torch.Generator().manual_seed(0))
    assert model.orthonormal == "raw"
    assert model.scale == pytest.approx(1 / 106)
    nm = published_budget.ARMS["nm_rnn_released"].build(torch.Generator().manual_seed(0))
    assert nm.output_network.orthonormal == "raw"
    assert [steps for steps, _, _ in published_budget.ARMS["nm_rnn_released"].stages] == [
        10_000,
        10_000,
        50_000,
    ]


def test_an_unknown_tier_is_refused(tmp_path):
    with pytest.raises(ValueError, match="tier must be one of cpu, smoke, gpu, got 'huge'"):
        published_budget.run("huge", tmp_path)


def made_up(levels: dict[str, float], n: int = 10, spread: float = 0.1) -> Results:
    """Results in which the errors of every arm lie around a level, trained and untrained alike."""

    def part(level: float) -> dict[str, Any]:
        errors = [level * (1 + spread * (k / n - 0.5)) for k in range(n)]
        produced = [[interval + 1e5 * error for interval in TEST_INTERVALS] for error in errors]
        return {"trained": errors, "extrapolated": errors, "produced": produced}

    metrics = {arm: part(levels[arm.split("_released")[0]]) for arm in published_budget.ARMS}
    metrics["lstm"]["at_50_blocks"] = part(levels["lstm"])
    return Results(metrics, {"n_seeds": n})


AS_CLAIMED = {"lstm": 1e-5, "nm_rnn": 2e-5, "vanilla_rnn": 2e-5, "low_rank_rnn": 1e-4}


@pytest.mark.parametrize(
    ("claim", "levels", "status"),
    [
        ("N4", {}, "reproduced"),
        ("N4", {"lstm": 5e-5}, "not reproduced"),
        ("N4", {"lstm": 2e-5}, "not decided"),
        ("N4", {"low_rank_rnn": 1e-3}, "not decided"),  # it did not learn
        ("N5", {"nm_rnn": 5e-6}, "reproduced"),
        ("N5", {}, "not reproduced"),
        ("N6", {}, "reproduced"),
        ("N6", {"nm_rnn": 3e-4}, "not reproduced"),
    ],
)
def test_rules(claim: str, levels: dict[str, float], status: str):
    outcome = RULES[claim].judge(made_up(AS_CLAIMED | levels))
    assert outcome.status == outcome.fair_status == status
    assert bool(outcome.reason) == (status == "not decided")


def test_lower_needs_the_median_and_the_seeds():
    assert lower([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == 1
    assert lower([6, 7, 8, 9, 10], [1, 2, 3, 4, 5]) == -1
    assert lower([1, 9, 3, 7], [2, 8, 4, 6]) == 0
    # lower by the ranks of many seeds, and not in the median
    assert lower([0] * 9 + [5] * 11, [4.9] * 11 + [100] * 9) == 0


def test_it_takes_its_claims_over_when_its_results_are_there(monkeypatch, tmp_path):
    name = "published_budget"
    monkeypatch.setattr(registry, "results_path", lambda name: tmp_path / f"{name}.json")
    assert "N4" not in registry.by_claim()  # nothing else settles it
    assert registry.by_claim(at_published_budget=True)["N4"].name == name
    (tmp_path / f"{name}.json").write_text("{}")
    assert registry.by_claim()["N4"].name == name
    assert registry.by_claim()["N7"].name != name
