"""Delayed response: look where the stimulus was, or away from it, once you may.

    channel    what happens
    fixation   1 until go, then 0
    sin, cos   the stimulus angle, from stimulus on to stimulus off
    outputs    fixation 0.8 until go, then 0; sin and cos of the asked angle from go to the end,
               0 before

    task         stimulus            asked angle
    DelayPro     stays to the end    that of the stimulus
    DelayAnti    stays to the end    opposite
    MemoryPro    goes before go      that of the stimulus
    MemoryAnti   goes before go      opposite
    DM1          two, one after the other, strengths 1 + c and 1 - c     that of the stronger
    DM2          the same in a second pair of channels

Nothing in the inputs tells the tasks apart but the context, one channel per task.

Phases are drawn in seconds, and the whole trial is then stretched to ``n_steps`` steps. So a step
of dt has no fixed length in seconds: only proportions of a trial matter. Both decision tasks draw
the size of the coherence c and its sign independently (the released code draws both from one key).

Reference: Duncker et al. 2020; Driscoll et al. 2024; stretched as in the released code of
Costacurta et al. 2024 (chapter *One network, many tasks*).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, check_tensor, count, number, whole
from nmcourse.tasks._base import Task, Trials, check_time_step, whole_steps

TASK_NAMES = ("DelayPro", "DelayAnti", "MemoryPro", "MemoryAnti", "DM1", "DM2")
_BEFORE, _AFTER = (0.3, 0.7), (0.3, 0.7)  # seconds before the stimulus, and after go
_DELAY, _STIMULUS, _WAIT = (0.2, 1.5), (0.2, 1.6), (0.2, 1.6)
_COHERENCE = (0.1, 0.8)


class DelayedResponse(Task):
    """A set of delayed-response tasks, told apart by a context.

    Args:
        tasks: names of the tasks that are drawn, of ``TASK_NAMES``.
        contexts: names of the context channels; default: ``tasks``. More names leave channels
            for tasks to come.
        n_steps: steps to which every trial is stretched.
        input_noise: standard deviation of Gaussian noise on the inputs (not on the context).
        dt: time step in ms.

    Raises:
        ValueError: for an unknown or repeated name, a task without a context, fewer than 10
            steps, or negative noise.
    """

    output_names = ("fixation", "sin", "cos")

    def __init__(
        self,
        tasks: Sequence[str] = ("DelayPro", "DelayAnti", "MemoryPro"),
        *,
        contexts: Sequence[str] | None = None,
        n_steps: int = 100,
        input_noise: float = 0.0,
        dt: float = 10.0,
    ) -> None:
        contexts = tasks if contexts is None else contexts
        for argument, names in (("tasks", tasks), ("contexts", contexts)):
            _check_names(argument, names)
        if missing := [name for name in tasks if name not in contexts]:
            raise ValueError(f"contexts must hold every task, {missing} missing in {contexts}")
        n_steps = whole("n_steps", n_steps, least=10)
        number("input_noise", input_noise, "zero or positive", least=0)
        check_time_step(dt)
        self.tasks, self.context_names = tuple(tasks), tuple(contexts)
        self.n_steps, self.input_noise, self.dt = n_steps, input_noise, dt
        self.input_names: tuple[str, ...] = ("fixation", "sin", "cos")
        if any(_decides(name) for name in contexts):
            self.input_names = ("fixation", "sin 1", "cos 1", "sin 2", "cos 2")

    def sample(self, n_trials: int, *, generator: torch.Generator | None = None) -> Trials:
        """Draw task, angle and timing of each trial independently."""
        n_trials = count("n_trials", n_trials)
        check_generator(generator)
        return self._draw(
            torch.randint(len(self.tasks), (n_trials,), generator=generator), generator
        )

    def balanced(self, n_per_task: int, *, generator: torch.Generator | None = None) -> Trials:
        """Draw ``n_per_task`` trials of each task, in the order of ``tasks``."""
        n_per_task = count("n_per_task", n_per_task)
        check_generator(generator)
        return self._draw(torch.arange(len(self.tasks)).repeat_interleave(n_per_task), generator)

    def arranged(
        self,
        task: str,
        angles: Tensor,
        *,
        stimulus_time: float = 200.0,
        stimulus_end: float = 500.0,
        go_time: float = 750.0,
    ) -> Trials:
        """Trials of one delayed-response task with given angles and one timing for all.

        Args:
            task: one of ``tasks``, not a decision task.
            angles: stimulus angles in radians, (trial,).
            stimulus_time: when the stimulus comes on, in ms.
            stimulus_end: when it goes off, in ms; in a Delay task it stays to the end.
            go_time: when fixation ends, in ms.

        Raises:
            ValueError: for a task that is not in ``tasks``, angles that are not finite, or times
                that are not in this order within the trial.
        """
        if task not in self.tasks or _decides(task):
            allowed = [name for name in self.tasks if not _decides(name)]
            raise ValueError(f"task must be one of {allowed}, got {task!r}")
        check_tensor("angles", angles)
        if angles.ndim != 1 or len(angles) == 0 or not torch.isfinite(angles).all():
            raise ValueError(f"angles must be finite, one per trial, got {angles}")
        on, off, go = (
            whole_steps(name, time, self.dt)
            for name, time in (
                ("stimulus_time", stimulus_time),
                ("stimulus_end", stimulus_end),
                ("go_time", go_time),
            )
        )
        off = self.n_steps if task.startswith("Delay") else off
        if not on < go < self.n_steps or not on < off or not (off <= go or off == self.n_steps):
            raise ValueError(
                "times must keep the order stimulus_time < stimulus_end <= go_time < "
                f"{self.n_steps * self.dt:g} ms, got {stimulus_time}, {stimulus_end}, {go_time}"
            )
        which = torch.full((len(angles),), self.tasks.index(task))
        steps = torch.tensor([on, off, go]).expand(len(angles), 3)
        angles = angles.to(torch.get_default_dtype())
        return self._trials(which, angles, angles, torch.zeros_like(angles), steps, None)

    def _draw(self, which: Tensor, generator: torch.Generator | None) -> Trials:
        """Random trials of the given tasks (index into ``tasks``)."""
        n_trials = len(which)

        def uniform(bounds: tuple[float, float]) -> Tensor:
            low, high = bounds
            return low + (high - low) * torch.rand(n_trials, generator=generator)

        delayed = self._marks("Delay")[which]
        before, delay, shown, wait, after = (
            uniform(bounds) for bounds in (_BEFORE, _DELAY, _STIMULUS, _WAIT, _AFTER)
        )
        go = before + torch.where(delayed, delay, shown + wait)
        end = go + after
        steps = torch.stack([before, before + shown, go], dim=1) / end[:, None] * self.n_steps
        steps = steps.ceil().long()  # the first step that is not before the time
        steps[delayed, 1] = self.n_steps
        angle = uniform((0.0, 2 * math.pi))
        second, coherence = angle, torch.zeros(n_trials)
        if any(_decides(name) for name in self.tasks):
            decides = self._marks("DM")[which]
            second = (angle + uniform((math.pi / 2, 3 * math.pi / 2))).remainder(2 * math.pi)
            sign = 2.0 * torch.randint(2, (n_trials,), generator=generator) - 1.0
            coherence = torch.where(decides, sign * uniform(_COHERENCE), 0.0)
        return self._trials(which, angle, second, coherence, steps, generator)

    def _trials(
        self,
        which: Tensor,
        angle: Tensor,
        second: Tensor,
        coherence: Tensor,
        steps: Tensor,
        generator: torch.Generator | None,
    ) -> Trials:
        """Trials from tasks, angles, coherence, and steps of stimulus on, off, go (trial, 3)."""
        on, off, go = steps.unbind(1)
        time = torch.arange(self.n_steps)
        anti, decides = self._marks("Anti")[which], self._marks("DM")[which]
        asked = torch.where(decides & (coherence < 0), second, angle)
        asked = (asked + math.pi * anti).remainder(2 * math.pi)

        before_go = (time < go[:, None]).to(angle.dtype)[..., None]  # (trial, time, 1)
        first_on = ((time >= on[:, None]) & (time < off[:, None])).to(angle.dtype)
        second_on = ((time >= off[:, None]) & (time < go[:, None]) & decides[:, None]).to(
            angle.dtype
        )
        stimulus = ((1 + coherence)[:, None] * first_on)[..., None] * _direction(angle)
        stimulus = stimulus + ((1 - coherence)[:, None] * second_on)[..., None] * _direction(second)
        inputs = torch.cat([before_go, stimulus], dim=-1)
        if self.n_inputs > 3:
            in_second = self._marks("DM2")[which][:, None, None]
            pairs = [torch.where(in_second == k, stimulus, 0.0) for k in (False, True)]
            inputs = torch.cat([before_go, *pairs], dim=-1)
        if self.input_noise:
            inputs = inputs + self.input_noise * torch.randn(inputs.shape, generator=generator)

        targets = torch.cat([0.8 * before_go, (1 - before_go) * _direction(asked)], dim=-1)
        channels = torch.tensor([self.context_names.index(name) for name in self.tasks])
        context = (channels[which][:, None] == torch.arange(self.n_context)).to(angle.dtype)
        conditions = {"task": which, "angle": angle, "asked_angle": asked}
        times = {"stimulus_time": on, "stimulus_end": off, "go_time": go}
        conditions |= {name: self.dt * step for name, step in times.items()}
        if any(_decides(name) for name in self.tasks):
            conditions |= {"second_angle": second, "coherence": coherence}
        return Trials(
            inputs,
            targets,
            torch.ones_like(before_go),
            context[:, None, :].expand(-1, self.n_steps, -1),
            conditions,
        )

    def _marks(self, word: str) -> Tensor:
        """Which of ``tasks`` have ``word`` in their name, (task,)."""
        return torch.tensor([word in name for name in self.tasks])


def _direction(angle: Tensor) -> Tensor:
    """Sine and cosine of (trial,) angles, (trial, 1, 2)."""
    return torch.stack([angle.sin(), angle.cos()], dim=-1)[:, None, :]


def _decides(name: str) -> bool:
    return name.startswith("DM")


def _check_names(argument: str, names: Sequence[str]) -> None:
    if isinstance(names, str):
        raise ValueError(f"{argument} must be a sequence of names, got the text {names!r}")
    unknown = [name for name in names if name not in TASK_NAMES]
    if unknown or not names or len(set(names)) < len(names):
        raise ValueError(
            f"{argument} must be different names of {', '.join(TASK_NAMES)}, got {list(names)}"
        )
