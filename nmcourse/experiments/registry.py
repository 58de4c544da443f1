"""All experiments of the course, and the claims that they settle.

A new experiment is a module with a tuple ``EXPERIMENTS``; add it to the tuple below.
"""

from __future__ import annotations

from collections.abc import Iterable

from nmcourse.evidence import Experiment, results_path
from nmcourse.experiments.attractors import (
    longer_delays,
    memory_shapes,
    mixtures,
    moving_alike,
    same_computation,
    windows,
)
from nmcourse.experiments.convolution import regimes, spectra
from nmcourse.experiments.cordsnet import (
    lasting_answers,
    native_images,
    native_loss,
    native_stages,
    native_step_size,
    return_to_rest,
    staged_training,
    step_size,
)
from nmcourse.experiments.digits import row_by_row
from nmcourse.experiments.element_finder import comparison as element_finder
from nmcourse.experiments.element_finder import lengths, lengths_published_budget
from nmcourse.experiments.element_finder import published_budget as element_finder_published_budget
from nmcourse.experiments.eye import gain_clock, new_lessons, rule_switch
from nmcourse.experiments.from_pixels import comparison as from_pixels
from nmcourse.experiments.gains import (
    ablation,
    gradient_flow,
    lstm_gates,
    prediction,
    prediction_published_budget,
    prescribed,
    pruning_and_dopamine,
    structured_flexibility,
)
from nmcourse.experiments.gains import published_budget as gains_published_budget
from nmcourse.experiments.multitask import comparison as multitask
from nmcourse.experiments.multitask import constant_gains, states, training_cost
from nmcourse.experiments.multitask import published_budget as multitask_published_budget
from nmcourse.experiments.neurons import (
    alike_images,
    made_neurons,
    turning_code,
    v4_prediction,
)
from nmcourse.experiments.reviewed_eye import attacks, averaged_time, in_place_of_rest
from nmcourse.experiments.seeing import crossing, equal_accuracy, native, noise, over_time
from nmcourse.experiments.timing import (
    column_signs,
    equal_terms,
    people_keep_time,
    published_budget,
    random_output_network,
    random_output_network_published_budget,
    released_training,
    resets_published_budget,
    variants,
    variants_published_budget,
)
from nmcourse.experiments.timing import comparison as timing

EXPERIMENTS: tuple[Experiment, ...] = (
    *from_pixels.EXPERIMENTS,
    *prescribed.EXPERIMENTS,
    *timing.EXPERIMENTS,
    *ablation.EXPERIMENTS,
    *prediction.EXPERIMENTS,
    *lstm_gates.EXPERIMENTS,
    *multitask.EXPERIMENTS,
    *states.EXPERIMENTS,
    *released_training.EXPERIMENTS,
    *column_signs.EXPERIMENTS,
    *training_cost.EXPERIMENTS,
    *random_output_network.EXPERIMENTS,
    *pruning_and_dopamine.EXPERIMENTS,
    *structured_flexibility.EXPERIMENTS,
    *gradient_flow.EXPERIMENTS,
    *variants.EXPERIMENTS,
    *constant_gains.EXPERIMENTS,
    *row_by_row.EXPERIMENTS,
    *element_finder.EXPERIMENTS,
    *lengths.EXPERIMENTS,
    *spectra.EXPERIMENTS,
    *regimes.EXPERIMENTS,
    *step_size.EXPERIMENTS,
    *return_to_rest.EXPERIMENTS,
    *staged_training.EXPERIMENTS,
    *lasting_answers.EXPERIMENTS,
    *native_images.EXPERIMENTS,
    *crossing.EXPERIMENTS,
    *over_time.EXPERIMENTS,
    *noise.EXPERIMENTS,
    *equal_accuracy.EXPERIMENTS,
    *same_computation.EXPERIMENTS,
    *memory_shapes.EXPERIMENTS,
    *windows.EXPERIMENTS,
    *mixtures.EXPERIMENTS,
    *longer_delays.EXPERIMENTS,
    *moving_alike.EXPERIMENTS,
    *made_neurons.EXPERIMENTS,
    *people_keep_time.EXPERIMENTS,
    *turning_code.EXPERIMENTS,
    *v4_prediction.EXPERIMENTS,
    *alike_images.EXPERIMENTS,
    *gain_clock.EXPERIMENTS,
    *rule_switch.EXPERIMENTS,
    *new_lessons.EXPERIMENTS,
    *in_place_of_rest.EXPERIMENTS,
    *attacks.EXPERIMENTS,
    *averaged_time.EXPERIMENTS,
)


# At the paper's own budget, or on images of native size: an experiment takes its claims over as
# soon as its results are stored.
SUCCESSORS: tuple[Experiment, ...] = (
    *published_budget.EXPERIMENTS,
    *element_finder_published_budget.EXPERIMENTS,
    *lengths_published_budget.EXPERIMENTS,
    *prediction_published_budget.EXPERIMENTS,
    *gains_published_budget.EXPERIMENTS,
    *variants_published_budget.EXPERIMENTS,
    *random_output_network_published_budget.EXPERIMENTS,
    *equal_terms.EXPERIMENTS,
    *multitask_published_budget.EXPERIMENTS,
    *resets_published_budget.EXPERIMENTS,
    *native_loss.EXPERIMENTS,
    *native_step_size.EXPERIMENTS,
    *native_stages.EXPERIMENTS,
    *native.EXPERIMENTS,
)


def by_claim(
    experiments: Iterable[Experiment] = EXPERIMENTS,
    *,
    at_published_budget: bool = False,
    at_course_budget: bool = False,
) -> dict[str, Experiment]:
    """Return the experiment that settles each claim.

    Args:
        experiments: The experiments to choose from; successors with stored results come on top
            where these are all of them.
        at_published_budget: Take every successor, with results or without: what a run asks for.
        at_course_budget: Take no successor: the experiment that settled the claim first.

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
    for successor in SUCCESSORS if experiments is EXPERIMENTS and not at_course_budget else ():
        if at_published_budget or results_path(successor.name).exists():
            found |= dict.fromkeys(successor.rules, successor)
    return found


def own_option(experiment: Experiment) -> str:
    """What the command that runs a claim has to add to run this experiment and no other one."""
    if experiment in SUCCESSORS:
        return " --published-budget"
    followed = {claim for successor in SUCCESSORS for claim in successor.rules}
    return " --course-budget" if followed & set(experiment.rules) else ""
