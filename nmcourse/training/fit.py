"""One training loop for every model and task: ``fit`` for one network, ``fit_many`` for many.

Both run the same loop. ``fit_many`` stacks the parameters of its networks along a seed axis, so
that one batched product serves them all; each network sees its own data, its own clipping and its
own moments, and ends where it would have ended alone.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from nmcourse.tasks import Task, Trials
from nmcourse.training._networks import Networks
from nmcourse.training.checkpoints import load_checkpoint, save_checkpoint
from nmcourse.training.options import FitOptions, frozen_parameters

_DATA_SEED = 1_000_000_007  # trials are drawn from another stream than the initial weights


class DivergenceError(RuntimeError):
    """Training diverged. The model holds the last state whose loss was finite.

    Attributes:
        step: the step at which loss or gradient stopped being finite.
        losses: (step,), the losses before.
    """

    def __init__(self, step: int, losses: Tensor) -> None:
        last = f"{losses[-1].item():.3g}" if len(losses) else "none"
        super().__init__(
            f"training diverged at step {step}: loss or gradient is not finite "
            f"(last loss: {last}). "
            "The model holds the last good state; try a smaller learning_rate or clip_norm"
        )
        self.step, self.losses = step, losses


@dataclass(frozen=True)
class FitResult:
    """What training one network gave.

    Attributes:
        model: the trained model (the one that was passed in).
        losses: (step,), loss before each update.
        gradient_norms: (step,), norm of the gradient before clipping.
    """

    model: nn.Module
    losses: Tensor
    gradient_norms: Tensor


@dataclass(frozen=True)
class FitManyResult:
    """What training many networks gave.

    Attributes:
        models: one trained model per seed; a diverged one holds its last good state.
        seeds: the seeds.
        losses: (step, seed), loss before each update.
        gradient_norms: (step, seed), before clipping.
        diverged: seed -> step at which its loss or gradient stopped being finite.
    """

    models: list[nn.Module]
    seeds: list[int]
    losses: Tensor
    gradient_norms: Tensor
    diverged: dict[int, int]


def fit(
    model: nn.Module,
    data: Task | Trials,
    *,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 500,
    progress: bool = True,
    **options: Any,
) -> FitResult:
    """Train one network in place.

    Args:
        model: any module that maps inputs (and context) to outputs or to a ``Trajectory``.
        data: a task, or trials of one.
        seed: seed of the drawn trials; the initial weights are the model's own.
        checkpoint: file to resume from and to save to, or None.
        checkpoint_every: steps between two checkpoints.
        progress: show a progress bar.
        **options: see ``FitOptions``; ``n_steps`` must be given.

    Returns:
        The model with its history.

    Raises:
        ValueError: for bad settings.
        DivergenceError: when loss or gradient stop being finite; the model keeps its last good
            state.
        CheckpointError: for a damaged checkpoint or one of another run.
    """
    run = _Run(Networks([model]), data, [seed], FitOptions(**options), checkpoint)
    run.train(checkpoint_every, progress)
    losses, norms = run.history()
    if run.diverged:
        raise DivergenceError(run.diverged[seed], losses[:-1, 0])
    return FitResult(model, losses[:, 0], norms[:, 0])


def fit_many(
    build: Callable[[torch.Generator], nn.Module],
    data: Task | Trials,
    *,
    seeds: int | Iterable[int] = 10,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 500,
    progress: bool = True,
    **options: Any,
) -> FitManyResult:
    """Train one network per seed, all in one batch.

    Args:
        build: makes a network from a generator, which is seeded with the network's seed.
        data: a task, or trials of one. Drawn trials differ from seed to seed.
        seeds: the seeds, or how many (0, 1, ...).
        checkpoint: file to resume from and to save to, or None.
        checkpoint_every: steps between two checkpoints.
        progress: show a progress bar.
        **options: see ``FitOptions``; ``n_steps`` must be given.

    Returns:
        The networks with their histories. A seed that diverges is stopped, keeps its last good
        state, and is reported in ``diverged`` and by a warning; the others go on.

    Raises:
        ValueError: for bad settings, no seed or a repeated one.
        CheckpointError: for a damaged checkpoint or one of another run.
    """
    seeds = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be at least one and all different, got {seeds}")
    models = [build(torch.Generator().manual_seed(seed)) for seed in seeds]
    run = _Run(Networks(models), data, seeds, FitOptions(**options), checkpoint)
    run.train(checkpoint_every, progress)
    for seed, step in run.diverged.items():
        warnings.warn(f"seed {seed} diverged at step {step} and was stopped", stacklevel=2)
    return FitManyResult(models, seeds, *run.history(), run.diverged)


class _Run:
    """A training run: parameters, optimiser, data stream and history, all of it resumable."""

    def __init__(
        self,
        networks: Networks,
        data: Task | Trials,
        seeds: list[int],
        options: FitOptions,
        checkpoint: str | Path | None,
    ) -> None:
        self.networks, self.seeds, self.options = networks, seeds, options
        self.path = None if checkpoint is None else Path(checkpoint)
        frozen = frozen_parameters(networks.models[0], options.freeze)
        self.trainable = [
            values.requires_grad_()
            for (name, values), parameter in zip(
                networks.parameters.items(), networks.models[0].parameters(), strict=True
            )
            if name not in frozen and parameter.requires_grad
        ]
        if not self.trainable:
            raise ValueError("model has nothing to train: every parameter is frozen")
        self.stream = _Stream(data, seeds, options.batch_size, like=self.trainable[0])
        self.optimizer = options.optimizer(self.trainable)
        self.scheduler = options.scheduler(self.optimizer)
        self.active = torch.ones(len(seeds), dtype=torch.bool, device=self.trainable[0].device)
        self.last_good = [values.detach().clone() for values in self.trainable]
        self.step = 0
        # in one piece: thousands of small tensors would keep freed memory from being used again
        self.losses = self.trainable[0].new_zeros(options.n_steps, len(seeds), requires_grad=False)
        self.norms = torch.zeros_like(self.losses)
        self.diverged: dict[int, int] = {}

    def train(self, checkpoint_every: int, progress: bool) -> None:
        """Run to the end (or to ``stop_below``) and write the result into the models."""
        if checkpoint_every < 1:
            raise ValueError(f"checkpoint_every must be at least 1, got {checkpoint_every!r}")
        if self.path is not None and self.path.exists():
            self._restore(load_checkpoint(self.path, self._fingerprint()))
        bar = tqdm(total=self.options.n_steps, initial=self.step, disable=not progress)
        try:
            with bar:
                while not self._finished():
                    self._update()
                    bar.update()
                    if self.step % 50 == 0:
                        bar.set_postfix_str(f"loss {self.losses[self.step - 1].median():.2e}")
                    if self.step % checkpoint_every == 0:
                        self._save()
        except BaseException:  # an interrupt, too: keep what was learnt
            self._take_back(torch.ones_like(self.active))
            raise
        else:
            if self.path is not None and self.step % checkpoint_every:
                self._save()
        finally:
            self.networks.write_back(self.networks.parameters)

    def history(self) -> tuple[Tensor, Tensor]:
        """Losses and gradient norms, (step, seed)."""
        return self.losses[: self.step].clone().cpu(), self.norms[: self.step].clone().cpu()

    def _finished(self) -> bool:
        if self.step >= self.options.n_steps or not self.active.any():
            return True
        limit = self.options.stop_below
        return bool(limit and self.step and (self.losses[self.step - 1, self.active] < limit).all())

    def _update(self) -> None:
        """One gradient step of every network that is still in training."""
        options = self.options
        trials = self.stream.next()
        losses = options.loss(self.networks.outputs(trials), trials.targets, trials.mask)
        if losses.shape != self.active.shape:
            raise ValueError(
                "loss must reduce (trial, time, output) and keep the seed axis in front: expected "
                f"shape {tuple(self.active.shape)}, got {tuple(losses.shape)}"
            )
        gradients = torch.autograd.grad(losses.sum(), self.trainable, materialize_grads=True)
        norms = torch.stack([g.flatten(1).square().sum(1) for g in gradients]).sum(0).sqrt()
        losses = losses.detach()
        self.losses[self.step], self.norms[self.step] = losses, norms

        healthy = losses.isfinite() & norms.isfinite()
        if not healthy[self.active].all():
            for number in torch.nonzero(self.active & ~healthy).flatten().tolist():
                self.diverged[self.seeds[number]] = self.step
            self.active = self.active & healthy
            self._take_back(~self.active)
        factor = torch.ones_like(norms)
        if options.clip_norm is not None:
            factor = (options.clip_norm / (norms + 1e-6)).clamp(max=1.0)
        for values, good, gradient in zip(self.trainable, self.last_good, gradients, strict=True):
            shape = (-1, *[1] * (gradient.ndim - 1))
            gradient = gradient * factor.view(shape)
            if options.clip_value is not None:
                gradient = gradient.clamp(-options.clip_value, options.clip_value)
            values.grad = torch.where(self.active.view(shape), gradient, 0.0)
            good.copy_(values.detach())
        self.optimizer.step()
        self.scheduler.step()
        if not self.active.all():
            self._take_back(~self.active)
        self.step += 1

    def _take_back(self, which: Tensor) -> None:
        """Set the networks marked in ``which`` (seed,) to their last good parameters."""
        with torch.no_grad():
            for values, good in zip(self.trainable, self.last_good, strict=True):
                values.copy_(torch.where(which.view(-1, *[1] * (values.ndim - 1)), good, values))

    def _fingerprint(self) -> dict[str, str]:
        parameters = {
            name: (tuple(values.shape), str(values.dtype))
            for name, values in self.networks.parameters.items()
        }
        return self.options.fingerprint() | {
            "seeds": repr(self.seeds),
            "parameters": repr(parameters),
            "data": self.stream.description,
        }

    def _save(self) -> None:
        if self.path is None:
            return
        losses, norms = self.history()
        content = {
            "fingerprint": self._fingerprint(),
            "step": self.step,
            "parameters": [values.detach().cpu() for values in self.trainable],
            "last_good": [values.cpu() for values in self.last_good],
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "generators": [generator.get_state() for generator in self.stream.generators],
            "active": self.active.cpu(),
            "losses": losses,
            "norms": norms,
            "diverged": self.diverged,
        }
        save_checkpoint(self.path, content)

    def _restore(self, content: dict[str, Any]) -> None:
        with torch.no_grad():
            for values, saved in zip(self.trainable, content["parameters"], strict=True):
                values.copy_(saved)
            for values, saved in zip(self.last_good, content["last_good"], strict=True):
                values.copy_(saved)
        self.optimizer.load_state_dict(content["optimizer"])
        self.scheduler.load_state_dict(content["scheduler"])
        for generator, saved in zip(self.stream.generators, content["generators"], strict=True):
            generator.set_state(saved)
        self.step, self.diverged = content["step"], content["diverged"]
        self.active = content["active"].to(self.active.device)
        self.losses[: self.step], self.norms[: self.step] = content["losses"], content["norms"]


class _Stream:
    """The trials of each step: all of them, or a fresh draw for each network."""

    def __init__(
        self, data: Task | Trials, seeds: list[int], batch_size: int | None, like: Tensor
    ) -> None:
        self.data, self.batch_size, self.like = data, batch_size, like
        self.generators = [torch.Generator().manual_seed(_DATA_SEED + seed) for seed in seeds]
        self.fixed: Trials | None = None
        if not isinstance(data, Task | Trials):
            raise ValueError(f"data must be a Task or Trials, got {type(data).__name__}")
        everything = data
        if batch_size is None and isinstance(data, Task):
            try:
                everything = data.enumerate()
            except NotImplementedError as error:
                raise ValueError(f"batch_size must be given: {error}") from error
        if isinstance(everything, Trials):
            if batch_size is not None and batch_size > len(everything):
                raise ValueError(
                    f"batch_size must be at most the {len(everything)} trials given, "
                    f"got {batch_size}"
                )
            everything = everything.to(like.dtype).to(like.device)
            if batch_size is None:
                self.fixed = everything
            self.data = everything
        self.description = f"{type(data).__name__} {self._digest()}"

    def next(self) -> Trials:
        """Trials of the next step; drawn ones have a seed axis if there is more than one seed."""
        if self.fixed is not None:
            return self.fixed
        drawn = [self._draw(generator) for generator in self.generators]
        return drawn[0] if len(drawn) == 1 else _stack_trials(drawn)

    def _digest(self) -> str:
        """Short text that changes when the task does: of all trials, or of a first draw."""
        trials = self.data
        if isinstance(trials, Task):
            trials = self._draw(torch.Generator().manual_seed(0))
        digest = hashlib.sha256()
        for values in (trials.inputs, trials.targets, trials.mask, trials.context):
            if values is not None:
                digest.update(values.cpu().numpy().tobytes())
        return digest.hexdigest()[:12]

    def _draw(self, generator: torch.Generator) -> Trials:
        assert self.batch_size is not None
        if isinstance(self.data, Task):
            trials = self.data.sample(self.batch_size, generator=generator)
            return trials.to(self.like.dtype).to(self.like.device)
        return self.data[torch.randperm(len(self.data), generator=generator)[: self.batch_size]]


def _stack_trials(drawn: list[Trials]) -> Trials:
    contexts = [trials.context for trials in drawn if trials.context is not None]
    return Trials(
        torch.stack([trials.inputs for trials in drawn]),
        torch.stack([trials.targets for trials in drawn]),
        torch.stack([trials.mask for trials in drawn]),
        torch.stack(contexts) if contexts else None,
    )
