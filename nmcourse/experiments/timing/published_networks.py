"""The networks of ``published_budget``: taken from its finished run, or from the stored weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from nmcourse import pretrained
from nmcourse.evidence import LedgerError
from nmcourse.experiments.block_training import build_all, networks_of
from nmcourse.experiments.timing import published_budget
from nmcourse.experiments.timing.networks import trained_and_extrapolated
from nmcourse.experiments.timing.published_budget import ARMS, COMMAND, weights_of_arm
from nmcourse.tasks import learned_to_measure
from nmcourse.training import load_tensors


def state_of(arm: str, run_dir: Path) -> dict[str, Any] | None:
    """What the run of ``published_budget`` kept of an arm, if it is finished.

    Args:
        arm: Key of ``published_budget.ARMS``.
        run_dir: Of the experiment that asks; both lie in one folder for unfinished work.
    """
    folder = run_dir.parent.parent / "published_budget" / run_dir.name
    if not (folder / arm / "measured.json").exists():
        return None
    kept: dict[str, Any] = load_tensors(folder / arm / "state.pt")
    return kept


def published_networks(arm: str, tier: str, run_dir: Path) -> list[nn.Module]:
    """The trained networks of an arm, by seed: of a finished run if it is there, or as stored.

    At the tier smoke two networks with random weights stand for them.

    Raises:
        LedgerError: There is neither a finished run nor stored weights.
    """
    if tier == "smoke":
        return build_all(ARMS[arm], 2)
    kept = state_of(arm, run_dir)
    if kept is not None:
        return networks_of(ARMS[arm], kept["best"])
    if weights_of_arm(arm) not in pretrained.available():
        raise LedgerError(
            f"no networks of the arm {arm!r} of {published_budget.__name__.rpartition('.')[2]}: "
            f"first {COMMAND}, with the same --resume-dir"
        )
    return pretrained.load_all(weights_of_arm(arm), kind=nn.Module)


def those_that_learned(models: list[nn.Module]) -> list[nn.Module]:
    """The networks that learned to measure."""
    with torch.no_grad():
        errors = trained_and_extrapolated(models)["trained"]
    return [m for m, error in zip(models, errors, strict=True) if learned_to_measure(error)]
