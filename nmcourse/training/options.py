"""How to train: one frozen record of settings, checked when it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal

import torch
from torch import Tensor, nn

from nmcourse._inputs import check_function, count, number
from nmcourse.models import RecurrentModel, Seeing
from nmcourse.training.losses import masked_mse

Schedule = Literal["one-cycle", "constant"] | Callable[[int], float]


@dataclass(frozen=True, kw_only=True)
class OptimiserOptions:
    """Settings of any training run.

    Attributes:
        n_steps: gradient steps.
        learning_rate: of AdamW; the peak if the schedule is ``"one-cycle"``.
        schedule: ``"one-cycle"`` (rises for 30 % of the steps, then falls to almost nothing),
            ``"constant"``, or a function step -> factor on ``learning_rate``.
        batch_size: trials or images drawn for each step; None trains on all of them at once.
        clip_norm: largest norm of the gradient, per network; None does not clip.
        clip_value: largest absolute value of each gradient entry; None does not clip. (The
            released NM-RNN code clips so, at 1.)
        weight_decay: of AdamW, decoupled from the gradient.
        freeze: parts of the model that stay as they are, see ``model.parts()``.
        stop_below: stop once the loss of every network still in training is below this.
        keep_best: also keep the parameters whose loss, on the one batch that it was taken of, was
            the lowest (the released Element Finder code takes these for the result).
        device: where to compute, such as ``"cuda"``; None computes where the model is, or at
            the tier ``gpu`` on a GPU if there is one. The model itself stays where it is.
        capture: record a step once as a CUDA graph, and replay it: a small network then waits no
            more for the launches of its operations. On a CPU it changes nothing.
    """

    n_steps: int
    learning_rate: float = 1e-2
    schedule: Schedule = "one-cycle"
    batch_size: int | None = None
    clip_norm: float | None = 1.0
    clip_value: float | None = None
    weight_decay: float = 0.0
    freeze: tuple[str, ...] = ()
    stop_below: float | None = None
    keep_best: bool = False
    device: str | torch.device | None = None
    capture: bool = False

    def __post_init__(self) -> None:
        freeze: object = self.freeze
        if isinstance(freeze, str):  # tuple() would take it apart into its letters
            raise ValueError(f"freeze must be a tuple of part names, got the text {freeze!r}")
        if not isinstance(freeze, Iterable):
            raise ValueError(f"freeze must be a tuple of part names, got {freeze!r}")
        object.__setattr__(self, "freeze", tuple(self.freeze))
        checked: dict[str, Any] = {"n_steps": count("n_steps", self.n_steps)}
        if self.batch_size is not None:
            checked["batch_size"] = count("batch_size", self.batch_size)
        for name in ("learning_rate", "clip_norm", "clip_value", "stop_below"):
            value = getattr(self, name)
            if value is not None or name == "learning_rate":
                checked[name] = number(name, value, "positive", above=0)
        checked["weight_decay"] = number("weight_decay", self.weight_decay, "at least 0", least=0)
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if self.schedule not in ("one-cycle", "constant") and not callable(self.schedule):
            raise ValueError(
                f"schedule must be 'one-cycle', 'constant' or a function, got {self.schedule!r}"
            )
        if not isinstance(self.capture, bool):
            raise ValueError(f"capture must be True or False, got {self.capture!r}")
        check_device(self.device)

    def fingerprint(self) -> dict[str, str]:
        """Every setting as text: a checkpoint is only resumed by a run with the same settings.

        A function counts by its name. Device and capture do not count: a run may go on elsewhere.
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        del values["device"], values["capture"]
        if not self.keep_best:  # as in the files of older runs
            del values["keep_best"]
        return {
            name: getattr(value, "__qualname__", type(value).__qualname__)  # no memory addresses
            if callable(value)
            else repr(value)
            for name, value in values.items()
        }

    def optimizer(self, parameters: Iterable[Tensor]) -> torch.optim.AdamW:
        """AdamW on the given tensors."""
        return torch.optim.AdamW(
            list(parameters),
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            fused=True,  # one operation
        )

    def scheduler(self, optimizer: torch.optim.AdamW) -> Any:
        """The learning-rate schedule."""
        if self.schedule == "one-cycle":
            return torch.optim.lr_scheduler.OneCycleLR(
                optimizer, self.learning_rate, total_steps=self.n_steps, cycle_momentum=False
            )
        factor = (lambda step: 1.0) if self.schedule == "constant" else self.schedule
        return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


@dataclass(frozen=True, kw_only=True)
class FitOptions(OptimiserOptions):
    """Settings of a training run on trials: those of ``OptimiserOptions``, and the loss.

    Attributes:
        loss: ``loss(outputs, targets, mask)``, see ``nmcourse.training.losses``.
    """

    loss: Callable[[Tensor, Tensor, Tensor], Tensor] = masked_mse

    def __post_init__(self) -> None:
        super().__post_init__()
        check_function("loss", self.loss, "nmcourse.training.masked_mse")


def check_device(device: str | torch.device | None) -> None:
    """Raise ``ValueError`` unless this torch knows the device and can compute on it."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:  # torch's own, with long texts
        reason = str(error).splitlines()[0]
        raise ValueError(f"device {str(device)!r} cannot be used here: {reason}") from error


def frozen_parameters(model: nn.Module, parts: Iterable[str]) -> set[str]:
    """Names of the parameters that belong to the given parts.

    Raises:
        ValueError: for a part that the model does not have, or if nothing would be left to train.
    """
    parts = tuple(parts)
    if not parts:
        return set()
    available = model.parts() if isinstance(model, RecurrentModel | Seeing) else {}
    unknown = [part for part in parts if part not in available]
    if unknown:
        raise ValueError(f"freeze: unknown part {unknown}; this model has {sorted(available)}")
    frozen = {name for part in parts for name in available[part]}
    if frozen >= {name for name, _ in model.named_parameters()}:
        raise ValueError(f"freeze={list(parts)} freezes everything: nothing is left to train")
    return frozen
