r"""One network on several workers: every worker takes a share of each step's trials.

    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")    of lightning-fabric
    fabric.launch()                                                  torchrun has started workers
    fit_across(fabric, model, MeasureWaitGo(), n_steps=1000)         torch averages gradients

All workers draw the same trials from the same generator, and each computes the gradient on its
share. The loss is a weighted mean over items (trials, images): worker r has weight w_r of W and
loss L_r, and what is followed is

    L = sum_r w_r L_r / W

so that it does not matter how a step is dealt out: any number of workers, and any number of parts
that a worker takes one after the other (``accumulate``), gives the step of a single process but for
rounding. A checkpoint therefore knows nothing of workers, and a run may go on with another number.

The models' own written-out gradients and compiled loops run inside each worker as they do alone. In
mixed precision they step aside: see ``nmcourse.models.loops``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm

from nmcourse._files import user_path
from nmcourse._inputs import check_function, count, whole
from nmcourse.models import DivergingActivity
from nmcourse.tasks import Task, Trials
from nmcourse.training._alike import settings_text
from nmcourse.training._networks import Networks, outputs_of
from nmcourse.training._reasons import divergence, reason_of
from nmcourse.training._shared_statistics import shared_statistics
from nmcourse.training.checkpoints import load_checkpoint, save_tensors
from nmcourse.training.fit import FitResult, TrialStream
from nmcourse.training.losses import cross_entropy_at_end, masked_mse
from nmcourse.training.options import FitOptions, OptimiserOptions, frozen_parameters

Weigh = Callable[[Trials], Tensor]
PRECISIONS = ("32-true", "64-true", "bf16-mixed")


class Step(NamedTuple):
    """The items of one gradient step, before they are dealt out.

    Attributes:
        weights: (item,), what each counts in the loss.
        take: some of the items, by their numbers, as arguments of the loss on a device.
    """

    weights: Tensor
    take: Callable[[Tensor, torch.device], tuple[Tensor, ...]]


class Source(Protocol):
    """Where the items of each step come from.

    Attributes:
        generator: source of all that is drawn; a checkpoint keeps where it stands.
        description: text that changes when the data or the loss do.
    """

    generator: torch.Generator
    description: str

    def next(self) -> Step:
        """The items of the next step, the same for every worker."""


def fit_across(
    fabric: Any,
    model: nn.Module,
    data: Task | Trials,
    *,
    seed: int = 0,
    accumulate: int = 1,
    weigh: Weigh | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 500,
    progress: bool = True,
    **options: Any,
) -> FitResult:
    """Train one network in place, on all workers of a Fabric.

    Args:
        fabric: ``lightning.fabric.Fabric``, launched; with one worker this is what
            :func:`nmcourse.training.fit` does.
        model: as for ``fit``, equal on every worker.
        data: a task, or trials of one, equal on every worker.
        seed: seed of the drawn trials.
        accumulate: parts in which a worker takes its share, one after the other, to save memory.
        weigh: what each trial counts in the loss, trials -> (trial,). Known for ``masked_mse`` and
            ``cross_entropy_at_end``; a loss of another name needs it.
        checkpoint: file to resume from and to save to, on the first worker; or None.
        checkpoint_every: steps between two checkpoints.
        progress: show a progress bar, on the first worker.
        **options: see ``FitOptions``; ``device``, ``keep_best`` and ``capture`` are not among
            them here.

    Returns:
        The model, equal on every worker, with its history.

    Raises:
        ValueError: for bad settings, more parts than trials, or a loss whose weights are unknown.
        DivergenceError: when loss or gradient stop being finite; the model keeps the last state.
        CheckpointError: for a damaged checkpoint or one of another run.
    """
    settings = FitOptions(**options)
    source = _TrialSource(model, data, whole("seed", seed), settings, weigh)
    loss = _OfTrials(model, settings.loss)
    run = Across(fabric, loss, source, settings, accumulate)
    return run.train(checkpoint, checkpoint_every, progress)


class LossOf(nn.Module):
    """A loss with its network inside, so that a worker's forward pass is the loss of its share."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.items: tuple[Tensor, ...] = ()

    def share(self, *items: Tensor) -> Tensor:
        """The loss of these items."""
        raise NotImplementedError

    def forward(self) -> Tensor:
        """The loss of ``items``, which are not passed: in mixed precision Fabric would round them.

        Every trained parameter takes part, so that no worker waits for a gradient.
        """
        loss = self.share(*self.items)
        trained = [p for p in self.model.parameters() if p.requires_grad]
        return loss + sum((0.0 * p.sum() for p in trained), start=loss.new_zeros(()))


class _OfTrials(LossOf):
    def __init__(self, model: nn.Module, loss: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        super().__init__(model)
        self.loss = loss

    def share(self, *items: Tensor) -> Tensor:
        inputs, targets, mask, *context = items
        return self.loss(outputs_of(self.model, self.model(inputs, *context)), targets, mask)


class _TrialSource:
    """Trials of each step, drawn exactly as ``fit`` draws them."""

    def __init__(
        self,
        model: nn.Module,
        data: Task | Trials,
        seed: int,
        settings: FitOptions,
        weigh: Weigh | None,
    ) -> None:
        known: dict[Any, Weigh] = {masked_mse: _of_mask, cross_entropy_at_end: _of_last_step}
        if weigh is None:
            weigh = known.get(settings.loss)
        if weigh is None:
            names = ", ".join(loss.__name__ for loss in known)
            raise ValueError(
                "weigh must say what each trial counts in a loss that is not one of "
                f"{names}, got None for {settings.loss!r}"
            )
        check_function("weigh", weigh, "lambda trials: torch.ones(len(trials))")
        self.weigh = weigh
        self.stream = TrialStream(data, Networks([model], "cpu"), [seed], settings)
        self.generator, self.description = self.stream.generators[0], self.stream.description

    def next(self) -> Step:
        """The trials of the next step."""
        trials = self.stream.next()

        def take(which: Tensor, device: torch.device) -> tuple[Tensor, ...]:
            some = trials[which].to(device)
            context = () if some.context is None else (some.context,)
            return (some.inputs, some.targets, some.mask, *context)

        return Step(self.weigh(trials), take)


def _of_mask(trials: Trials) -> Tensor:
    return trials.mask.sum(dim=(1, 2))


def _of_last_step(trials: Trials) -> Tensor:
    return trials.mask[:, -1, 0]


class Across:
    """What ``fit_across`` does, for any source of items: a run on all workers of a Fabric."""

    def __init__(
        self, fabric: Any, loss: LossOf, source: Source, settings: OptimiserOptions, accumulate: int
    ) -> None:
        if settings.device is not None:
            raise ValueError(
                f"device must be None where a Fabric places the network, got {settings.device!r}"
            )
        if settings.keep_best:
            raise ValueError("keep_best must be False across workers, got True")
        if settings.capture:  # nothing is recorded here: to take it and do nothing would mislead
            raise ValueError("capture must be False across workers, got True; fit records steps")
        self.fabric, self.loss, self.source = fabric, loss, source
        self.settings, self.parts = settings, count("accumulate", accumulate)
        model = loss.model
        frozen = frozen_parameters(model, settings.freeze)
        self.names = [
            name
            for name, parameter in model.named_parameters()
            if name not in frozen and parameter.requires_grad
        ]
        if not self.names:
            raise ValueError("model has nothing to train: every parameter is frozen")
        self.losses: list[float] = []
        self.norms: list[float] = []

    def train(
        self, checkpoint: str | Path | None, checkpoint_every: int, progress: bool
    ) -> FitResult:
        """Run to the end, or to ``stop_below``."""
        path = None if checkpoint is None else user_path(checkpoint, "checkpoint")
        checkpoint_every = count("checkpoint_every", checkpoint_every)
        model, settings = self.loss.model, self.settings
        home = next(model.parameters()).device
        trained = [dict(model.named_parameters())[name] for name in self.names]
        others = [p for p in model.parameters() if all(p is not t for t in trained)]
        with _without_gradient(others), shared_statistics(model, self.fabric.world_size):
            self.optimizer = settings.optimizer(trained)
            self.scheduler = settings.scheduler(self.optimizer)
            self.module, self.wrapped = self.fabric.setup(self.loss, self.optimizer)
            self._restore(path)
            quiet = not (progress and self.fabric.is_global_zero)
            bar = tqdm(total=settings.n_steps, initial=len(self.losses), disable=quiet)
            try:
                while not self._finished():
                    self._update(trained)
                    bar.update()
                    if len(self.losses) % checkpoint_every == 0 or self._finished():
                        self._save(path)
            finally:
                bar.close()
                self.optimizer.zero_grad()
                model.to(home)
        like = trained[0].dtype
        losses, norms = (torch.tensor(kept, dtype=like) for kept in (self.losses, self.norms))
        return FitResult(model, losses, norms)

    def _finished(self) -> bool:
        limit = self.settings.stop_below
        below = bool(limit and self.losses and self.losses[-1] < limit)
        return len(self.losses) >= self.settings.n_steps or below

    def _update(self, trained: list[nn.Parameter]) -> None:
        """One gradient step: this worker's share, part by part, and what all of them say."""
        fabric, step = self.fabric, self.source.next()
        n_parts = fabric.world_size * self.parts
        if len(step.weights) < n_parts:
            raise ValueError(
                f"batch_size must be at least the {n_parts} parts that {fabric.world_size} workers "
                f"take, {self.parts} each, got {len(step.weights)}"
            )
        numbers = torch.arange(len(step.weights)).tensor_split(n_parts)
        mine = numbers[fabric.global_rank * self.parts :][: self.parts]
        weights = step.weights.double()
        found = torch.zeros((), device=fabric.device, dtype=torch.float64)
        for number, which in enumerate(mine):
            share = float(weights[which].sum() / weights.sum())
            waits = number + 1 < len(mine)
            self.loss.items = step.take(which, fabric.device)
            with fabric.no_backward_sync(self.module, enabled=waits):
                loss = self.module()
                # torch averages over workers; a sum is meant
                fabric.backward(loss * (share * fabric.world_size))
            found += share * loss.detach().double()
        loss_of_all = float(fabric.all_reduce(found, reduce_op="sum"))
        clip = self.settings.clip_norm
        limit = float("inf") if clip is None else clip
        norm = float(torch.nn.utils.clip_grad_norm_(trained, limit, error_if_nonfinite=False))
        if not (_finite(loss_of_all) and _finite(norm)):
            reason = self._reason(step, mine)
            raise divergence(len(self.losses), torch.tensor(self.losses), reason)
        if self.settings.clip_value is not None:
            torch.nn.utils.clip_grad_value_(trained, self.settings.clip_value)
        self.wrapped.step()
        self.scheduler.step()
        self.wrapped.zero_grad()
        self.losses.append(loss_of_all)
        self.norms.append(norm)

    def _reason(self, step: Step, mine: Sequence[Tensor]) -> DivergingActivity | None:
        """Why the loss of a step was not finite, if the network can tell.

        Of several workers only some have an error to tell, and within a loss one may wait for the
        others (for their share of a batch normalisation): so none of them asks.
        """
        if self.fabric.world_size > 1:
            return None
        for which in mine:
            self.loss.items = step.take(which, self.fabric.device)
            if (reason := reason_of(self.loss)) is not None:
                return reason
        return None

    def _fingerprint(self) -> dict[str, str]:
        """What a checkpoint must agree in: everything but the workers."""
        shapes = {
            name: (tuple(p.shape), str(p.dtype)) for name, p in self.loss.model.named_parameters()
        }
        return self.settings.fingerprint() | {
            "parameters": repr(shapes),
            "data": self.source.description,
            **settings_text(self.loss.model),
            "precision": str(getattr(self.fabric.strategy.precision, "precision", "")),
        }

    def _save(self, path: Path | None) -> None:
        if path is None or not self.fabric.is_global_zero:
            return
        content = {
            "fingerprint": self._fingerprint(),
            "model": {name: v.cpu() for name, v in self.loss.model.state_dict().items()},
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "generator": self.source.generator.get_state(),
            "losses": torch.tensor(self.losses, dtype=torch.float64),
            "norms": torch.tensor(self.norms, dtype=torch.float64),
        }
        save_tensors(path, content)

    def _restore(self, path: Path | None) -> None:
        """Go on where the first worker's checkpoint ends; no other worker needs to see the file."""
        content: Any = None
        if path is not None and self.fabric.is_global_zero and path.exists():
            try:
                content = load_checkpoint(path, self._fingerprint())
            except Exception as error:  # every worker has to hear of it, or they would wait
                content = error
        content = self.fabric.broadcast(content)
        if isinstance(content, Exception):
            raise content
        if content is None:
            return
        self.loss.model.load_state_dict(content["model"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.scheduler.load_state_dict(content["scheduler"])
        self.source.generator.set_state(content["generator"])
        self.losses, self.norms = content["losses"].tolist(), content["norms"].tolist()


def _finite(value: float) -> bool:
    return value - value == 0.0


@contextlib.contextmanager
def _without_gradient(parameters: list[nn.Parameter]) -> Iterator[None]:
    """Leave parameters out of the gradient for a while: torch then waits for none of them."""
    wanted = [p.requires_grad for p in parameters]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter, before in zip(parameters, wanted, strict=True):
            parameter.requires_grad_(before)
