"""Training in blocks: stages, data, given networks. Resuming stands in test_published_budget."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from nmcourse.experiments.block_training import Arm, blocks_of, build_all, train_in_blocks
from nmcourse.experiments.registry import SUCCESSORS
from nmcourse.tasks import ElementFinder

STAGES = [(2, 1e-2, ()), (1, 1e-3, ("readout",))]
ARM = Arm("arm", "element_finder_vanilla_rnn", "arm", stages=STAGES)
SETTINGS = {"n_seeds": 2, "block": 1, "scale": 1.0}


def nothing(models: Any) -> dict[str, Any]:
    return {}


def train(path: Any, **options: Any) -> dict[str, Any]:
    return train_in_blocks(
        ARM, ElementFinder(3), nothing, settings=SETTINGS, path=path, batch_size=4, **options
    )


def test_stages_become_blocks_with_their_rates_and_frozen_parts(tmp_path):
    assert blocks_of(ARM.stages, SETTINGS) == [(1e-2, ()), (1e-2, ()), (1e-3, ("readout",))]
    kept = train(tmp_path / "state.pt")
    early = train_in_blocks(
        replace(ARM, stages=STAGES[:1]),
        ElementFinder(3),
        nothing,
        settings=SETTINGS,
        path=tmp_path / "early.pt",
        batch_size=4,
    )
    for end, before in zip(kept["models"], early["models"], strict=True):
        assert torch.equal(end["output.weights"], before["output.weights"])  # frozen at last
        assert not torch.equal(end["recurrent_weights"], before["recurrent_weights"])


def test_blocks_see_the_same_trials_unless_fresh_ones_are_asked_for(tmp_path, monkeypatch):
    drawn: list[float] = []
    sample = ElementFinder.sample

    def noted(self, n_trials, *, generator=None):
        trials = sample(self, n_trials, generator=generator)
        drawn.append(trials.inputs.sum().item())
        return trials

    monkeypatch.setattr(ElementFinder, "sample", noted)
    train(tmp_path / "same.pt")
    same = drawn.copy()
    drawn.clear()
    train(tmp_path / "fresh.pt", fresh_data=True)
    assert len(set(same)) * 3 <= len(same) + 2
    assert len(set(drawn)) > len(set(same))


def test_given_networks_are_trained_on_and_best_ones_kept(tmp_path):
    start = build_all(ARM, 4)[2:]
    first = [model.recurrent_weights.detach().clone() for model in start]  # type: ignore[union-attr]
    kept = train(tmp_path / "state.pt", start=start, snapshot=2)
    for seed, weights in enumerate(first):
        assert (kept["models"][seed]["recurrent_weights"] - weights).abs().max() < 0.1
    assert set(kept["best_at_2"]) == {"0", "1"}
    best = min(range(2), key=lambda block: kept["losses"][block][0])
    assert kept["losses"][best][0] == min(losses[0] for losses in kept["losses"][:2])


def test_no_claim_is_settled_by_two_successors():
    claims = [claim for successor in SUCCESSORS for claim in successor.rules]
    assert len(claims) == len(set(claims))
    names = [successor.name for successor in SUCCESSORS]
    assert len(names) == len(set(names))
