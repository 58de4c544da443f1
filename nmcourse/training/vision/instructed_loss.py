"""The loss of a network that is told by a cue which rule holds, also while the image stays.

An instruction is a sequence of rules; each holds for one phase of the trial. The cue is the number
of the rule, one channel for each, and it is there from the first blank step on. What counts is the
answer in the last part of each phase.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nmcourse._inputs import number, whole
from nmcourse.models import NMCordsNet
from nmcourse.tasks import whole_steps


@dataclass(frozen=True, kw_only=True)
class InstructedTrial:
    """A trial with one image and the rules that hold in its phases; times in ms.

    Attributes:
        answers: answer to each class under each rule, (rule, class), a tuple of tuples.
        instructions: rules of each phase, (instruction, phase), a tuple of tuples.
        blank: time before the image.
        phase: time that each rule holds.
        window: the last part of a phase, in which the answer counts.

    Raises:
        ValueError: for instructions of different lengths or of rules that there are not, answers
            that are no classes, a time that is not positive, or a window longer than a phase.
    """

    answers: tuple[tuple[int, ...], ...]
    instructions: tuple[tuple[int, ...], ...]
    blank: float = 20.0
    phase: float = 50.0
    window: float = 10.0

    def __post_init__(self) -> None:
        number("blank", self.blank, "zero or positive", least=0)
        for name in ("phase", "window"):
            number(name, getattr(self, name), "positive", above=0)
        if self.window > self.phase:
            raise ValueError(f"window must not exceed phase={self.phase} ms, got {self.window} ms")
        lengths = {len(phases) for phases in self.instructions}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError(
                f"instructions must have one length, at least 1 phase, got {self.instructions!r}"
            )
        lengths = {len(classes) for classes in self.answers}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError(
                f"answers must be as many under each rule, at least 1, got {self.answers!r}"
            )
        last_rule = len(self.answers) - 1
        for name, most in (("answers", None), ("instructions", last_rule)):
            rows = getattr(self, name)
            numbers = tuple(tuple(whole(name, one, 0, most) for one in row) for row in rows)
            object.__setattr__(self, name, numbers)

    def rules(self, labels: Tensor) -> Tensor:
        """Rule of each phase, (.., phase), for labels 10 * instruction + class."""
        table = torch.tensor(self.instructions, device=labels.device)
        return table[labels // len(self.answers[0])]

    def wanted(self, labels: Tensor) -> Tensor:
        """Right answer of each phase, (.., phase)."""
        classes = (labels % len(self.answers[0])).unsqueeze(-1)
        return torch.tensor(self.answers, device=labels.device)[self.rules(labels), classes]

    def steps(self, dt: float) -> tuple[int, int, int]:
        """Steps of the blank, of a phase and of its window.

        Raises:
            ValueError: if one is not a whole number of steps.
        """
        blank, phase, window = (
            whole_steps(name, getattr(self, name), dt) for name in ("blank", "phase", "window")
        )
        return blank, phase, window

    def cues(self, labels: Tensor, n_cues: int, dt: float, like: Tensor) -> Tensor:
        """What is told at each step, blank ones included, (.., batch, time, cue)."""
        blank, phase, _ = self.steps(dt)
        rules = self.rules(labels)
        told = torch.nn.functional.one_hot(rules, n_cues).to(like.dtype)
        whole = told.repeat_interleave(phase, dim=-2)
        before = told[..., :1, :].expand(*told.shape[:-2], blank, n_cues)
        return torch.cat([before, whole], dim=-2)


def instructed_outputs(
    model: NMCordsNet, images: Tensor, labels: Tensor, trial: InstructedTrial, **options: Any
) -> Tensor:
    """Outputs (.., batch, phase, step, class) of each phase.

    Args:
        model: a network with a modulator, told ``model.n_cues`` cues.
        images: (batch, channel, height, width), with a seed axis in front where there is one.
        labels: 10 * instruction + class, (.., batch).
        trial: what holds when.
        **options: further arguments of ``respond``.
    """
    blank, phase, _ = trial.steps(model.dt)
    n_phases = len(trial.instructions[0])
    if images.ndim == 5:
        images = images.unsqueeze(2).expand(-1, -1, phase * n_phases, -1, -1, -1)
    if model.n_cues:
        options["cues"] = trial.cues(labels, model.n_cues, model.dt, images)
    response = model.respond(images, n_steps=phase * n_phases, n_blank=blank, **options)
    return response.outputs.unflatten(-2, (n_phases, phase))


def instructed_loss(
    model: NMCordsNet, images: Tensor, labels: Tensor, *, trial: InstructedTrial
) -> Tensor:
    """Cross entropy of the answers in the window of each phase, one number for each network.

    Args:
        model: as in :func:`instructed_outputs`, and so are ``images``, ``labels`` and ``trial``.
        images: the images.
        labels: of the images.
        trial: what holds when.
    """
    outputs = instructed_outputs(model, images, labels, trial, check_finite=False)
    window = outputs[..., -trial.steps(model.dt)[2] :, :].log_softmax(dim=-1)
    wanted = trial.wanted(labels)[..., None, None].expand(*window.shape[:-1], 1)
    return -window.gather(-1, wanted).squeeze(-1).mean(dim=(-3, -2, -1))


@torch.no_grad()
def instructed_accuracy(
    model: NMCordsNet, images: Tensor, labels: Tensor, trial: InstructedTrial
) -> Tensor:
    """Share of right answers at the end of each phase, (phase,)."""
    outputs = instructed_outputs(model, images, labels, trial, check_finite=False)
    right = outputs[..., -1, :].argmax(dim=-1) == trial.wanted(labels)
    return right.double().mean(dim=-2)
