"""All experiments of the course, and the claims that they settle.

A new experiment is a module with a tuple ``EXPERIMENTS``; add it to the tuple below.
"""

from __future__ import annotations

from collections.abc import Iterable

from nmcourse.claims import (
    gain_ablation,
    prescribed_gain,
    released_training,
    timing_comparison,
)
from nmcourse.claims.record import Experiment

EXPERIMENTS: tuple[Experiment, ...] = (
    *prescribed_gain.EXPERIMENTS,
    *timing_comparison.EXPERIMENTS,
    *gain_ablation.EXPERIMENTS,
    *released_training.EXPERIMENTS,
)


def by_claim(experiments: Iterable[Experiment] = EXPERIMENTS) -> dict[str, Experiment]:
    """Return the experiment that settles each claim.

    Raises:
        ValueError: Two experiments have one name, or settle the same claim.
    """
    names: set[str] = set()
    found: dict[str, Experiment] = {}
    for experiment in experiments:
        if experiment.name in names:
            raise ValueError(f"two experiments are named {experiment.name!r}")
        names.add(experiment.name)
        for claim in experiment.rules:
            if claim in found:
                raise ValueError(
                    f"claim {claim} is settled twice: {found[claim].name}, {experiment.name}"
                )
            found[claim] = experiment
    return found
