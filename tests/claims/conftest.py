"""A ledger of its own for tests: two invented claims and one experiment that settles the first."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nmcourse.claims import judging, ledger, runner
from nmcourse.evidence import store
from nmcourse.evidence.record import Claim, Experiment, Judgement, Rule
from nmcourse.evidence.store import Results, remember
from nmcourse.experiments import registry


@pytest.fixture
def small_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Claims "T1" and "T2"; the experiment "weights" measures T1 in three parts.

    ``calls`` counts the parts that were computed, and ``kill_at`` stops the run at a part.
    """
    state = SimpleNamespace(calls=[], kill_at=None, values=[1.0, 2.0, 4.0], folder=tmp_path / "l")

    def run(tier: str, run_dir: Path) -> dict[str, Any]:
        def part(index: int) -> float:
            if state.kill_at == index:
                raise KeyboardInterrupt
            state.calls.append(index)
            return state.values[index]

        parts = [
            remember(run_dir / f"{index}.json", lambda index=index: part(index), {"tier": tier})
            for index in range(3)
        ]
        return {"config": {"tier": tier}, "metrics": {"net": {"error": parts}}}

    def judge(results: Results) -> Judgement:
        error = results.summary("net.error")
        status = "reproduced" if error.median <= 2.0 else "not reproduced"
        return Judgement(status, f"median {error}", error.quartiles, error.n, ("A <caveat>.",))

    rules = {"T1": Rule(judge, "2", "reproduced up to 2")}
    experiment = Experiment("weights", run, rules, tiers=("smoke", "cpu"))
    claims = (
        Claim("T1", "It is small & light.", "Somebody 1999", "<not published>", "book/a/some_page"),
        Claim("T2", "It is round.", "Somebody 1999", "round"),
    )
    monkeypatch.setattr(store, "FOLDER", state.folder / "results")
    monkeypatch.setattr(ledger, "FOLDER", state.folder)
    monkeypatch.setattr(judging, "CLAIMS", claims)
    monkeypatch.setattr(judging, "EXPERIMENTS", (experiment,))
    for module in (judging, runner):
        monkeypatch.setattr(module, "by_claim", lambda **_: registry.by_claim((experiment,)))
    state.folder.mkdir()
    judging.update()
    state.experiment = experiment
    state.runs = tmp_path / "runs"
    return state
