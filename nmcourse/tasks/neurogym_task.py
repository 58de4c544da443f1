"""Tasks of neurogym as tasks of this course.

    task = NeurogymTask("PerceptualDecisionMaking-v0", n_steps=120, dt=20)
    fit(network, task, n_steps=500, batch_size=32)

neurogym (Molano-Mazón and colleagues) collects tasks of cognitive neuroscience. A trial of one has
observations (time, channel) and, at each step, the number of the right action. Here the action
becomes a target with one channel for each action, and trials of different lengths get a common one:
steps after the end have a mask of zero.

Any environment with ``new_trial``, ``ob``, ``gt``, ``seed``, ``dt``, ``observation_space`` and
``action_space`` can be given, so that no package is needed to read an own one.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nmcourse._inputs import check_generator, check_tensor, count, number
from nmcourse.tasks._base import Task, Trials

_NEEDED = ("new_trial", "seed", "observation_space", "action_space", "dt")
_MOST_SEED = 2**31 - 1


class NeurogymTask(Task):
    """A task of neurogym.

    Args:
        environment: an environment, or the name of one if neurogym is installed.
        n_steps: steps of every trial here; shorter ones are filled with zeros.
        context: names of input channels that are context: they go to a modulator, not to the
            network that is read out.
        decision_weight: what a step counts in the loss at which another action than 0 (usually:
            keep fixation) is right; other steps count 1.
        **options: arguments of the environment, if a name is given, such as ``dt``.

    Attributes:
        environment: the environment itself, without wrappers.

    Raises:
        ImportError: a name is given, and neurogym, or what it needs, is not installed.
        ValueError: for an object that is no environment of neurogym, an unknown name, actions that
            are no numbers from 0 on, or a channel that is not there.
    """

    def __init__(
        self,
        environment: Any,
        n_steps: int,
        *,
        context: Iterable[str] = (),
        decision_weight: float = 1.0,
        **options: Any,
    ) -> None:
        self.environment = _environment(environment, options)
        self.n_steps = count("n_steps", n_steps)
        self.dt = number("environment.dt", self.environment.dt, "a positive time in ms", above=0)
        self.decision_weight = number("decision_weight", decision_weight, "positive", above=0)
        observed, actions = self.environment.observation_space, self.environment.action_space
        n_actions = getattr(actions, "n", None)
        if n_actions is None or len(observed.shape) != 1:
            raise ValueError(
                "environment must have actions that are numbers and observations of one axis, got "
                f"{actions} and {observed}"
            )
        channels = _names(getattr(observed, "name", None), observed.shape[0], "input")
        if isinstance(context, str):
            raise ValueError(f"context must be names of channels, got the text {context!r}")
        self.context_names = tuple(context)
        unknown = [name for name in self.context_names if name not in channels]
        if unknown:
            raise ValueError(f"context must be of {', '.join(channels)}, got {unknown[0]!r}")
        self.input_names = tuple(name for name in channels if name not in self.context_names)
        self.output_names = _names(getattr(actions, "name", None), int(n_actions), "action")
        self._inputs = [channels.index(name) for name in self.input_names]
        self._context = [channels.index(name) for name in self.context_names]

    def sample(self, n_trials: int, *, generator: torch.Generator | None = None) -> Trials:
        """Draw ``n_trials`` random trials.

        Args:
            n_trials: how many.
            generator: decides the seed of the environment.

        Returns:
            Trials whose conditions are the numbers that the environment names for every trial, and
            ``length``, the steps of each.

        Raises:
            ValueError: for a number below one, or a trial longer than ``n_steps``.
        """
        n_trials = count("n_trials", n_trials)
        check_generator(generator)
        seed = int(torch.randint(_MOST_SEED, (1,), generator=generator))
        self.environment.seed(seed)
        shape = (n_trials, self.n_steps)
        observed = torch.zeros(*shape, self.n_inputs + self.n_context)
        targets, mask = torch.zeros(*shape, self.n_outputs), torch.zeros(*shape, 1)
        named: list[Mapping[str, Any]] = []
        for trial in range(n_trials):
            found = self.environment.new_trial()
            named.append(found if isinstance(found, Mapping) else {})
            values = torch.as_tensor(np.asarray(self.environment.ob), dtype=observed.dtype)
            right = torch.as_tensor(np.asarray(self.environment.gt)).long()
            length = len(values)
            if length > self.n_steps:
                raise ValueError(
                    f"n_steps must be at least the {length} steps of a trial that was drawn, "
                    f"got {self.n_steps}"
                )
            observed[trial, :length] = values
            targets[trial, torch.arange(length), right] = 1.0
            mask[trial, :length, 0] = torch.where(right > 0, self.decision_weight, 1.0)
        context = observed[..., self._context] if self._context else None
        conditions = _conditions(named) | {"length": (mask > 0).sum(dim=(1, 2))}
        return Trials(observed[..., self._inputs], targets, mask, context, conditions)


def right_decisions(outputs: Tensor, trials: Trials) -> Tensor:
    """Whether the largest output is the right action at the last step of each trial.

    Args:
        outputs: (.., trial, time, action).
        trials: of a :class:`NeurogymTask`.

    Returns:
        (.., trial), boolean.

    Raises:
        ValueError: if the shapes do not fit, or the trials have no condition ``length``.
    """
    check_tensor("outputs", outputs)
    if "length" not in trials.conditions or outputs.shape[-3:] != trials.targets.shape:
        raise ValueError(
            "trials must be those of a NeurogymTask that gave the outputs, got conditions "
            f"{sorted(trials.conditions)} and outputs {tuple(outputs.shape)}"
        )
    last = trials.conditions["length"] - 1
    where = torch.arange(len(trials)), last
    chosen = outputs.argmax(dim=-1)[..., where[0], where[1]]
    return chosen == trials.targets.argmax(dim=-1)[where]


def _environment(given: Any, options: Mapping[str, Any]) -> Any:
    """The environment itself, below all wrappers."""
    if isinstance(given, str):
        try:
            import neurogym
        except ImportError as error:
            other = isinstance(error, ModuleNotFoundError) and error.name != "neurogym"
            what = f"neurogym needs {error.name}, which" if other else "neurogym"
            raise ImportError(
                f"{what} is not installed, so {given!r} cannot be made: pip install neurogym, or "
                "give an environment in place of a name"
            ) from error
        try:
            given = neurogym.make(given, **options)
        except Exception as error:  # gymnasium has an error of its own for each case
            raise ValueError(f"environment must be a task of neurogym: {error}") from error
    elif options:
        raise ValueError(
            f"options are for an environment that is made by name, got {sorted(options)}"
        )
    found = getattr(given, "unwrapped", given)
    missing = [name for name in _NEEDED if not hasattr(found, name)]
    if missing:
        raise ValueError(
            f"environment must be a task of neurogym: a {type(found).__name__} has no {missing[0]}"
        )
    return found


def _names(named: Any, n_channels: int, word: str) -> tuple[str, ...]:
    """A name for every channel, from what a space of neurogym says of itself."""
    found = [f"{word}_{channel}" for channel in range(n_channels)]
    for name, channels in named.items() if isinstance(named, Mapping) else ():
        several = [channels] if isinstance(channels, numbers.Integral) else list(channels)
        for place, channel in enumerate(several):
            if int(channel) < n_channels:
                found[int(channel)] = name if len(several) == 1 else f"{name}_{place}"
    return tuple(found)


def _conditions(named: list[Mapping[str, Any]]) -> dict[str, Tensor]:
    """What every trial has a number for."""
    shared = set.intersection(*(set(one) for one in named)) if named else set()
    return {
        str(name): torch.tensor([float(one[name]) for one in named])
        for name in sorted(shared)
        if all(isinstance(one[name], numbers.Real) for one in named)
    }
