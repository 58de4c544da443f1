"""The homework problems, one file per chapter.

These files hold families of problems. Which version a class gets, and what it is tested with, comes
from the seed of the course, and is written where the instructor says.
"""

from tools.teaching.homework._record import Homework, Mistake, Part, Version
from tools.teaching.homework.dynamics import low_rank_networks, rate_networks
from tools.teaching.homework.neuromodulation import (
    gain_as_neuromodulation,
    keeping_time_with_gain,
    learning_to_keep_time,
    one_network_many_tasks,
    remembering_one_of_many,
    reviewers_ask,
    why_gain_gates,
)
from tools.teaching.homework.start import before_you_start
from tools.teaching.homework.vision import (
    building_cordsnet,
    convolution_as_connectivity,
    training_by_stages,
    what_the_loss_is_for,
)

PROBLEMS: dict[str, Homework] = {
    one.name: one
    for one in (
        before_you_start.HOMEWORK,
        rate_networks.HOMEWORK,
        low_rank_networks.HOMEWORK,
        learning_to_keep_time.HOMEWORK,
        gain_as_neuromodulation.HOMEWORK,
        keeping_time_with_gain.HOMEWORK,
        why_gain_gates.HOMEWORK,
        one_network_many_tasks.HOMEWORK,
        remembering_one_of_many.HOMEWORK,
        reviewers_ask.HOMEWORK,
        convolution_as_connectivity.HOMEWORK,
        building_cordsnet.HOMEWORK,
        training_by_stages.HOMEWORK,
        what_the_loss_is_for.HOMEWORK,
    )
}

__all__ = ["PROBLEMS", "Homework", "Mistake", "Part", "Version", "problem"]


def problem(name: str) -> Homework:
    """Return a homework problem.

    Raises:
        ValueError: There is none of this name.
    """
    if name not in PROBLEMS:
        raise ValueError(f"homework must be one of {', '.join(PROBLEMS)}, got {name!r}")
    return PROBLEMS[name]
