"""All experiments of the course, and the claims that they settle.

A new experiment is a module with a tuple ``EXPERIMENTS``; add it to the tuple below.
"""

from __future__ import annotations

from collections.abc import Iterable

from nmcourse.claims import (
    constant_gains,
    conv_regimes,
    conv_spectra,
    cost,
    digits,
    element_finder,
    element_finder_training,
    gain_ablation,
    gain_prediction,
    gating,
    gradient_flow,
    lasting_answers,
    multitask,
    multitask_states,
    prescribed_gain,
    random_output_network,
    released_training,
    return_to_rest,
    reviewed_timing,
    staged_training,
    step_size,
    structured_flexibility,
    timing_comparison,
    variants,
)
from nmcourse.evidence.record import Experiment

EXPERIMENTS: tuple[Experiment, ...] = (
    *prescribed_gain.EXPERIMENTS,
    *timing_comparison.EXPERIMENTS,
    *gain_ablation.EXPERIMENTS,
    *gain_prediction.EXPERIMENTS,
    *gating.EXPERIMENTS,
    *multitask.EXPERIMENTS,
    *multitask_states.EXPERIMENTS,
    *released_training.EXPERIMENTS,
    *cost.EXPERIMENTS,
    *random_output_network.EXPERIMENTS,
    *reviewed_timing.EXPERIMENTS,
    *structured_flexibility.EXPERIMENTS,
    *gradient_flow.EXPERIMENTS,
    *variants.EXPERIMENTS,
    *constant_gains.EXPERIMENTS,
    *digits.EXPERIMENTS,
    *element_finder.EXPERIMENTS,
    *element_finder_training.EXPERIMENTS,
    *conv_spectra.EXPERIMENTS,
    *conv_regimes.EXPERIMENTS,
    *step_size.EXPERIMENTS,
    *return_to_rest.EXPERIMENTS,
    *staged_training.EXPERIMENTS,
    *lasting_answers.EXPERIMENTS,
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
