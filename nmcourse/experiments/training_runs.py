"""What the experiments that train networks have in common.

Each architecture gets the peak learning rate that suits it, chosen on seeds that are not used
again. Then the seeds that count are trained, measured, and shipped as pretrained weights.
"""

from __future__ import annotations

import math
import os
import statistics
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from nmcourse import pretrained
from nmcourse._files import write_text
from nmcourse.evidence import Results, plain, remember
from nmcourse.experiments.scale.jobs import JobsFailed, launcher_of_jobs, submitted
from nmcourse.tasks import Task, Trials
from nmcourse.training import (
    DivergenceError,
    FitManyResult,
    fit_many,
    load_tensors,
    save_tensors,
    tier,
    tier_device,
)

T = TypeVar("T")
WORKERS = "NMCOURSE_WORKERS"  # trainings at a time, where that is not the number of cores
Build = Callable[[torch.Generator], nn.Module]


def in_parallel(jobs: Mapping[str, partial[T]]) -> dict[str, T]:
    """Run independent trainings, one process and one thread each on as many cores as it may use.

    Small recurrent networks gain nothing from a second thread; a second training does. Every job
    starts with a default seed of its own, made from its name: without it each process would draw
    the same numbers, and other ones than a single process does.
    """
    seeded = {
        name: partial(_with_own_seed, name, number, job)
        for number, (name, job) in enumerate(jobs.items())
    }
    launcher = launcher_of_jobs()
    if launcher is not None:
        outcomes = submitted(seeded, launcher)
        if outcomes.failed:
            raise JobsFailed(outcomes)
        return {name: outcomes.done[name] for name in jobs}
    workers = min(len(jobs), n_workers())
    if workers == 1:
        with torch.random.fork_rng(devices=[]):
            return {name: job() for name, job in seeded.items()}
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        futures = {name: pool.submit(job) for name, job in seeded.items()}
        return {name: future.result() for name, future in futures.items()}


def n_cores() -> int:
    """Cores that this process may use: ``taskset`` and the like leave it fewer than there are."""
    if hasattr(os, "sched_getaffinity"):  # not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def n_workers() -> int:
    """Trainings at a time: what ``NMCOURSE_WORKERS`` says, or the number of cores.

    Raises:
        ValueError: it says something else than a positive whole number.
    """
    said = os.environ.get(WORKERS)
    if said is None:
        return n_cores()
    if not said.isdecimal() or int(said) < 1:
        raise ValueError(f"{WORKERS} must be a positive integer, got {said!r}")
    return int(said)


def _with_own_seed(name: str, number: int, job: partial[T]) -> T:
    """What the job gives, with torch's default generator seeded by the name.

    Where a run is meant for GPUs and there are several, the jobs take them in turn.
    """
    if tier_device() == "cuda":
        torch.cuda.set_device(number % torch.cuda.device_count())
    torch.manual_seed(zlib.crc32(name.encode()))
    return job()


def tune_and_train(
    build: Build,
    data: Task | Trials,
    measure: Callable[[Sequence[nn.Module]], Mapping[str, Any]],
    *,
    settings: Mapping[str, Any],
    folder: Path,
    **options: Any,
) -> dict[str, Any]:
    """Choose the peak learning rate of an architecture, train its seeds, measure them.

    Every finished part is kept in ``folder``: a killed run goes on with the next. The trained
    weights are in ``folder/weights.pt``, see ``trained_models``.

    Args:
        build: Makes a network from a generator.
        data: What it is trained on.
        measure: Trained networks -> results, one entry per network in each list.
        settings: ``rates``, ``tuning_seeds``, ``tuning_steps``, ``n_seeds``, ``n_steps``, and
            whatever else the results depend on.
        folder: Where this architecture keeps its parts.
        **options: Of ``nmcourse.training.FitOptions``, the same for tuning and training.

    Returns:
        The results of ``measure``, and beside them ``training_loss`` (mean of the last 50 steps,
        per seed), ``diverged`` (seeds), ``learning_rate`` and ``tuning`` (loss of each tuning
        seed under each rate).
    """

    def train(rate: float, **more: Any) -> FitManyResult:
        return fit_many(build, data, learning_rate=rate, progress=False, **more, **options)

    def tune(rate: float) -> list[float]:
        result = train(rate, seeds=settings["tuning_seeds"], n_steps=settings["tuning_steps"])
        return [
            1e9 if seed in result.diverged else loss  # a rate that diverges is not chosen
            for seed, loss in zip(result.seeds, _final_losses(result), strict=True)
        ]

    def train_seeds(rate: float) -> dict[str, Any]:
        result = train(
            rate,
            seeds=settings["n_seeds"],
            n_steps=settings["n_steps"],
            checkpoint=folder / "checkpoint.pt",
        )
        save_tensors(folder / "weights.pt", [model.state_dict() for model in result.models])
        measured: dict[str, Any] = plain(measure(result.models))
        return measured | {
            "training_loss": _final_losses(result),
            "diverged": sorted(result.diverged),
        }

    tuning = {
        rate: remember(
            folder / f"tuning_{rate:g}.json", partial(tune, rate), {"rate": rate, **settings}
        )
        for rate in settings["rates"]
    }
    medians = {rate: statistics.median(losses) for rate, losses in tuning.items()}
    rate = min(medians, key=medians.__getitem__)
    measured = remember(
        folder / "measured.json", partial(train_seeds, rate), {"rate": rate, **settings}
    )
    return measured | {
        "learning_rate": rate,
        "tuning": {f"rate_{rate:g}".replace(".", "_"): losses for rate, losses in tuning.items()},
    }


def trained_models(build: Build, folder: Path) -> list[nn.Module]:
    """The networks that ``tune_and_train`` left in its folder."""
    models = []
    for state in load_tensors(folder / "weights.pt"):
        model = build(torch.Generator().manual_seed(0))
        model.load_state_dict(state)
        models.append(model)
    return models


def ship(
    name: str,
    models: Sequence[nn.Module],
    *,
    builder: str,
    kwargs: Mapping[str, Any],
    command: str,
    metrics: Mapping[str, Sequence[float]],
    data: str = "",
    seeds: Sequence[int] | None = None,
) -> None:
    """Store networks as pretrained weights, with medians of ``metrics``.

    Their seeds are 0, 1, ... where none are given.

    At the tier ``gpu`` nothing is stored: the weights of the course are those of the tier ``cpu``,
    which its chapters were written with. Networks that see need ``data``: the images that they
    learnt from, in words.
    """
    if tier() == "gpu":
        return
    pretrained.save(
        name,
        list(models),
        command=command,
        metrics={key: statistics.median(values) for key, values in metrics.items()},
        config={
            "build": builder,
            "kwargs": dict(kwargs),
            "seeds": list(range(len(models)) if seeds is None else seeds),
        },
        licence="CC BY 4.0",
        data=data,
    )


def note_divergence(error: DivergenceError, path: Path) -> None:
    """Write down why a training ended early: what is measured knows only that it did.

    What was written first stays: a run that goes on from its checkpoint is told that a network
    diverged, and no more why.
    """
    if not path.exists():
        write_text(path, f"{error}\n")


def is_lower(results: Results, path: str, than: str, *, share: float) -> bool:
    """Is one error below another, in the median and seed by seed in a share of the seeds?

    Args:
        results: Of an experiment whose networks share their seeds.
        path: Where the errors are, one per seed; None stands for a seed that diverged.
        than: Where those they are compared with are.
        share: Of the seeds, between 0 and 1.
    """
    ours, theirs = (
        [math.inf if error is None else error for error in results.value(p)] for p in (path, than)
    )
    wins = sum(our < their for our, their in zip(ours, theirs, strict=True))
    median, other = (results.summary(p).median for p in (path, than))
    return median < other and wins >= share * len(ours)


def _final_losses(result: FitManyResult) -> list[float]:
    """Training loss of each seed, mean of the last 50 steps."""
    losses: list[float] = result.losses[-50:].mean(dim=0).tolist()
    return losses
