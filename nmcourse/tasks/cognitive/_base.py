"""What the cognitive tasks share: periods in ms, noise of each step, a probe, and who is right.

A network is shown short trials in which it sees something, perhaps waits, and answers when the
fixation signal goes. All channels are numbers: no image is needed.

Reference: Soo et al. 2024, Appendix B, trains on five such tasks. Three of them are named there
(perceptual decision, multisensory decision, memory-guided response); *delayed comparison* and
*flip-flop* are choices of this course.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, check_tensor, number
from nmcourse.tasks._base import Task, Trials, check_time_step, whole_steps

GRACE = 60.0  # ms after go in which the answer does not count yet


class CognitiveTask(Task):
    """A task with periods of fixed or drawn length.

    Attributes:
        noise: standard deviation of Gaussian noise on every input but fixation, new at each step.
        level: share of right trials from which a network counts as one that has learnt the task.
    """

    noise: float
    level: float = 0.9

    @abstractmethod
    def probe(self) -> Trials:
        """Every condition once, with one timing and without noise: for comparing trajectories."""

    @abstractmethod
    def right(self, outputs: Tensor, trials: Trials) -> Tensor:
        """Whether each trial was answered right, (trial,).

        Args:
            outputs: (trial, time, output).
            trials: the trials that were answered.

        Raises:
            ValueError: for outputs of another shape than the targets.
        """

    def _set_step(self, dt: float, noise: float) -> None:
        check_time_step(dt)
        self.dt, self.noise = dt, number("noise", noise, "zero or positive", least=0)

    def _steps(self, times: Mapping[str, float]) -> list[int]:
        """Times in ms as steps, at least one each.

        Raises:
            ValueError: for a period shorter than a step, or not a multiple of it.
        """
        for name, time in times.items():
            if number(name, time, "a time in ms") < self.dt:
                raise ValueError(f"{name} must be at least one step of dt={self.dt} ms, got {time}")
        return [whole_steps(name, time, self.dt) for name, time in times.items()]

    def _periods(
        self,
        before: float,
        stimulus: float,
        shortest_delay: float,
        longest_delay: float,
        response: float,
    ) -> list[int]:
        """The periods of a trial with a delay, as steps in this order.

        Raises:
            ValueError: for a period that is too short, or delays out of order.
        """
        times = {"before": before, "stimulus": stimulus, "shortest_delay": shortest_delay}
        steps = self._steps(times | {"longest_delay": longest_delay, "response": response})
        if shortest_delay > longest_delay:
            raise ValueError(
                f"shortest_delay must not exceed longest_delay={longest_delay} ms, "
                f"got {shortest_delay} ms"
            )
        check_response(response)
        return steps

    def _noisy(self, inputs: Tensor, generator: torch.Generator | None, noise: bool) -> Tensor:
        """Inputs (trial, time, channel) with noise on all channels but the first, fixation."""
        check_generator(generator)
        if not (noise and self.noise):
            return inputs
        drawn = self.noise * torch.randn(inputs.shape, generator=generator)
        drawn[..., : int(self.input_names[0] == "fixation")] = 0.0
        return inputs + drawn


def check_response(response: float) -> None:
    """Raise ``ValueError`` unless something of the response counts."""
    if response <= GRACE:
        raise ValueError(f"response must be longer than {GRACE:g} ms, got {response} ms")


def drawn_delays(
    shortest: int, longest: int, n_trials: int, generator: torch.Generator | None
) -> Tensor:
    """Whole delays in steps, all equally likely, (trial,)."""
    return torch.randint(shortest, longest + 1, (n_trials,), generator=generator)


def during(start: Tensor, stop: Tensor, n_steps: int) -> Tensor:
    """1 at the steps start <= t < stop of each trial, else 0: (trial, time, 1)."""
    t = torch.arange(n_steps)
    inside = (t >= start[:, None]) & (t < stop[:, None])
    return inside.to(torch.get_default_dtype()).unsqueeze(-1)


def mask_around_go(go: Tensor, n_steps: int, grace: int) -> Tensor:
    """All steps count once, but for the grace after go: (trial, time, 1)."""
    return 1.0 - during(go, go + grace, n_steps)


def answers(outputs: Tensor, trials: Trials, dt: float) -> Tensor:
    """Mean output from the end of the grace on, (trial, output).

    Args:
        outputs: (trial, time, output).
        trials: with ``conditions["go_time"]`` in ms.
        dt: time step in ms.
    """
    check_outputs(outputs, trials)
    begin = ((trials.conditions["go_time"] + GRACE) / dt).round().long()
    counted = during(begin, torch.full_like(begin, outputs.shape[1]), outputs.shape[1])
    return (outputs * counted).sum(dim=1) / counted.sum(dim=1)


def check_outputs(outputs: Tensor, trials: Trials) -> None:
    """Raise ``ValueError`` unless outputs have the shape of the targets."""
    check_tensor("outputs", outputs)
    if outputs.shape != trials.targets.shape:
        raise ValueError(
            f"outputs must have shape {tuple(trials.targets.shape)} as the targets do, got "
            f"{tuple(outputs.shape)}"
        )


def check_coherences(values: Sequence[float]) -> tuple[float, ...]:
    """Coherences as positive numbers, all different.

    Raises:
        ValueError: for none, a repeated one, or one that is not positive.
    """
    found = tuple(number("coherences", value, "positive", above=0) for value in values)
    if not found or len(set(found)) < len(found):
        raise ValueError(f"coherences must be at least one and all different, got {list(values)}")
    return found
