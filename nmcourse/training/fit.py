"""One training loop for every model and task: ``fit`` for one network, ``fit_many`` for many.

Both run the same loop. ``fit_many`` stacks the parameters of its networks along a seed axis, so
that one batched product serves them all; each network sees its own data, its own clipping and its
own moments, and ends where it would have ended alone.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nmcourse._inputs import check_function, check_tensor, is_whole, whole
from nmcourse.models import DivergingActivity
from nmcourse.tasks import Task, Trials
from nmcourse.training._networks import Networks
from nmcourse.training._reasons import divergence, in_words
from nmcourse.training._run import Objective, Run, data_generators
from nmcourse.training.options import FitOptions, OptimiserOptions
from nmcourse.training.tiers import tier_device

MakeObjective = Callable[[Networks, list[int]], Objective]
Start = Callable[[torch.Generator], nn.Module] | Sequence[nn.Module]


@dataclass(frozen=True)
class FitResult:
    """What training one network gave.

    Attributes:
        model: the trained model (the one that was passed in).
        losses: (step,), loss before each update.
        gradient_norms: (step,), norm of the gradient before clipping.
        best: name -> trained parameter at the lowest loss; empty without ``keep_best``.
    """

    model: nn.Module
    losses: Tensor
    gradient_norms: Tensor
    best: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class FitManyResult:
    """What training many networks gave.

    Attributes:
        models: one trained model per seed; a diverged one holds its last good state.
        seeds: the seeds.
        losses: (step, seed), loss before each update.
        gradient_norms: (step, seed), before clipping.
        diverged: seed -> step at which its loss or gradient stopped being finite.
        best: for each seed, name -> trained parameter at its lowest loss; empty mappings without
            ``keep_best``. ``model.load_state_dict(best, strict=False)`` sets them.
    """

    models: list[nn.Module]
    seeds: list[int]
    losses: Tensor
    gradient_norms: Tensor
    diverged: dict[int, int]
    best: list[dict[str, Tensor]] = field(default_factory=list)


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
    settings = FitOptions(**options)
    objective = partial(TrialStream, data, options=settings)
    return train_one(model, objective, seed, settings, checkpoint, checkpoint_every, progress)


def fit_many(
    build: Start,
    data: Task | Trials,
    *,
    seeds: int | Iterable[int] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 500,
    progress: bool = True,
    **options: Any,
) -> FitManyResult:
    """Train one network per seed, all in one batch.

    Args:
        build: makes a network from a generator, which is seeded with the network's seed; or
            networks that exist, one per seed, which are trained in place.
        data: a task, or trials of one. Drawn trials differ from seed to seed.
        seeds: the seeds, or how many (0, 1, ...); None for ten, or for one per given network.
        checkpoint: file to resume from and to save to, or None.
        checkpoint_every: steps between two checkpoints.
        progress: show a progress bar.
        **options: see ``FitOptions``; ``n_steps`` must be given.

    Returns:
        The networks with their histories. A seed that diverges is stopped, keeps its last good
        state, and is reported in ``diverged`` and by a warning; the others go on.

    Raises:
        ValueError: for bad settings, no seed or a repeated one, or networks that are not one per
            seed.
        CheckpointError: for a damaged checkpoint or one of another run.
    """
    settings = FitOptions(**options)
    objective = partial(TrialStream, data, options=settings)
    return train_many(build, objective, seeds, settings, checkpoint, checkpoint_every, progress)


def train_one(
    model: nn.Module,
    objective: MakeObjective,
    seed: int,
    settings: OptimiserOptions,
    checkpoint: str | Path | None,
    checkpoint_every: int,
    progress: bool,
) -> FitResult:
    """What ``fit`` does, for any objective."""
    seed = whole("seed", seed)
    networks, seeds = Networks([model], _device(settings)), [seed]
    run = Run(networks, objective(networks, seeds), seeds, settings, checkpoint)
    run.train(checkpoint_every, progress)
    losses, norms = run.history()
    if run.diverged:
        raise divergence(run.diverged[seed], losses[:-1, 0], _reason(run, seed))
    return FitResult(model, losses[:, 0], norms[:, 0], run.best_states()[0])


def train_many(
    build: Start,
    objective: MakeObjective,
    seeds: int | Iterable[int] | None,
    settings: OptimiserOptions,
    checkpoint: str | Path | None,
    checkpoint_every: int,
    progress: bool,
) -> FitManyResult:
    """What ``fit_many`` does, for any objective."""
    if seeds is None:
        seeds = len(build) if isinstance(build, Sequence) else 10
    seeds = _seeds(seeds)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be at least one and all different, got {seeds}")
    models = _start(build, seeds)
    networks = Networks(models, _device(settings))
    run = Run(networks, objective(networks, seeds), seeds, settings, checkpoint)
    run.train(checkpoint_every, progress)
    for seed, step in run.diverged.items():
        why = in_words(_reason(run, seed))
        warnings.warn(f"seed {seed} diverged at step {step} and was stopped{why}", stacklevel=3)
    return FitManyResult(models, seeds, *run.history(), run.diverged, run.best_states())


def _reason(run: Run, seed: int) -> DivergingActivity | None:
    """Why the network of a seed diverged, where its objective can tell."""
    reason = getattr(run.objective, "reason", None)
    return None if reason is None else reason(run.seeds.index(seed))


def _device(settings: OptimiserOptions) -> str | torch.device | None:
    """Where to compute: as asked, or on the GPU of the tier, or (None) where the model is."""
    if settings.device is None and tier_device() == "cuda":
        return "cuda"
    return settings.device


def _seeds(seeds: Any) -> list[int]:
    """Seeds from themselves or from their number."""
    if is_whole(seeds):
        return list(range(whole("seeds", seeds)))
    if not isinstance(seeds, Iterable):
        raise ValueError(f"seeds must be a whole number or several of them, got {seeds!r}")
    return [whole("seeds", seed) for seed in seeds]


def _start(build: Start, seeds: list[int]) -> list[nn.Module]:
    """One network per seed: made from the seed, or given."""
    if not isinstance(build, Sequence):
        check_function("build", build, "one that makes a network from a generator")
        return [build(torch.Generator().manual_seed(seed)) for seed in seeds]
    for model in build:
        if not isinstance(model, nn.Module):
            raise ValueError(f"networks must be modules of torch, got {type(model).__name__}")
    if len({id(model) for model in build}) < len(build):
        raise ValueError("networks must all be different objects: each is trained in place")
    if len(build) != len(seeds):
        raise ValueError(f"networks must be one per seed, got {len(build)} for {len(seeds)} seeds")
    return list(build)


class TrialStream:
    """The objective of trials: all of them at each step, or a fresh draw for each network."""

    def __init__(
        self, data: Task | Trials, networks: Networks, seeds: list[int], options: FitOptions
    ) -> None:
        like = next(iter(networks.parameters.values()))
        self.data, self.batch_size, self.like = data, options.batch_size, like
        self.loss, batch_size = options.loss, options.batch_size
        self.generators = data_generators(seeds)
        self.fixed: Trials | None = None
        self.drawn: Trials | None = None
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
            everything = everything.to(like.dtype)
            if batch_size is None:
                self.fixed = everything.to(like.device)
            self.data = everything
        self.description = f"{type(data).__name__} {self._digest()}"

    def draw(self, stay: bool = False) -> None:
        """Draw the trials of the next step; with ``stay`` to where those of the last one lie."""
        drawn, there = self.next(), self.drawn
        if stay and there is not None and there is not drawn:
            _copy_trials(there, drawn)
        else:
            self.drawn = drawn

    def losses(self, networks: Networks) -> Tensor:
        """Losses (seed,) on the trials that were drawn last."""
        trials = self.drawn
        assert trials is not None
        losses = self.loss(networks.outputs(trials), trials.targets, trials.mask)
        check_tensor("loss(outputs, targets, mask)", losses)
        return losses

    def next(self) -> Trials:
        """Trials of the next step; drawn ones have a seed axis if there is more than one seed."""
        if self.fixed is not None:
            return self.fixed
        drawn = [self._drawn(generator).to(self.like.device) for generator in self.generators]
        return drawn[0] if len(drawn) == 1 else _stack_trials(drawn)

    def _digest(self) -> str:
        """Short text that changes when the task does: of all trials, or of a first draw."""
        trials = self.data
        if isinstance(trials, Task):
            trials = self._drawn(torch.Generator().manual_seed(0))
        digest = hashlib.sha256()
        for values in (trials.inputs, trials.targets, trials.mask, trials.context):
            if values is not None:
                digest.update(values.cpu().numpy().tobytes())
        return digest.hexdigest()[:12]

    def _drawn(self, generator: torch.Generator) -> Trials:
        assert self.batch_size is not None
        if isinstance(self.data, Task):
            return self.data.sample(self.batch_size, generator=generator).to(self.like.dtype)
        return self.data[torch.randperm(len(self.data), generator=generator)[: self.batch_size]]


def _stack_trials(drawn: list[Trials]) -> Trials:
    contexts = [trials.context for trials in drawn if trials.context is not None]
    return Trials(
        torch.stack([trials.inputs for trials in drawn]),
        torch.stack([trials.targets for trials in drawn]),
        torch.stack([trials.mask for trials in drawn]),
        torch.stack(contexts) if contexts else None,
    )


def _copy_trials(there: Trials, new: Trials) -> None:
    """Write new trials to where others lie."""
    for name in ("inputs", "targets", "mask", "context"):
        place, values = getattr(there, name), getattr(new, name)
        if place is not None:
            place.copy_(values)
