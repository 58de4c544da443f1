"""What each kind of run does: a claim, CordsNet in stages, one network on one task, a sweep."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nmcourse import tasks
from nmcourse._files import write_text
from nmcourse.evidence import plain
from nmcourse.experiments.scale.alone import Alone
from nmcourse.experiments.scale.configuration import Configuration, ConfigurationError
from nmcourse.experiments.scale.engines import (
    engine,
    executor,
    fabric_of,
    is_worker,
    resolved_accelerator,
    torchrun,
)
from nmcourse.experiments.scale.jobs import JOBS, JobsFailed, Outcomes, one_line, run_command
from nmcourse.experiments.scale.sweep import RESULT, run_sweep
from nmcourse.experiments.training_runs import WORKERS
from nmcourse.models import PRESETS
from nmcourse.pretrained import BUILDERS
from nmcourse.tasks import ImageFolder, ImageSet, ShardedImages, Task, digit_images, mnist_images
from nmcourse.training import (
    FitOptions,
    Recipe,
    Stage,
    fit_across,
    fit_images_across,
    for_tier,
    save_tensors,
    train_in_stages,
)

#: Stages at the sizes of the tiers; the last one as published, as far as it is known.
STAGES_BY_TIER: dict[str, dict[str, Any]] = {
    "smoke": {
        "areas": "small-R1",
        "size": 6,
        "n_images": 40,
        "n_held_out": 20,
        "recipe": {
            "cnn_steps": 4,
            "inverse_steps": 4,
            "linear_steps": 2,
            "steps_per_slope": 1,
            "fine_tune_steps": 2,
            "cnn_batch": 8,
            "batch_size": 4,
            "slopes": [0.5, 0.0],
        },
    },
    "cpu": {"areas": "small-R2", "size": 8, "n_images": None, "n_held_out": None, "recipe": {}},
    "gpu": {"areas": "R8", "size": 224, "n_images": None, "n_held_out": 1000, "recipe": {}},
}


def execute(configuration: Configuration, stored: Path) -> int:
    """Run what a stored configuration says; returns the exit status.

    Raises:
        MissingEngine: a package of the extra ``scale`` is needed and not installed.
        ConfigurationError: for settings that cannot be run.
        JobsFailed: members of a sweep failed.
    """
    if configuration.what == "sweep":
        run_sweep(configuration)
        return 0
    if configuration.what == "claim":
        return _claim(configuration, stored)
    alone = configuration.workers == 1 or is_worker()
    if configuration.launcher != "here" and not is_worker():
        return _as_a_job(configuration, stored)
    if not alone:
        engine("lightning_fabric")  # before workers are started that would all say so
        return subprocess.run(torchrun(configuration, ["run", str(stored)])).returncode
    fabric = _fabric(configuration)
    _introduce(fabric)
    train: Callable[..., dict[str, Any]] = _stages if configuration.what == "stages" else _train
    result = train(configuration, fabric)
    if fabric.is_global_zero:
        write_text(configuration.path / RESULT, json.dumps(plain(result), indent=1) + "\n")
    fabric.barrier()
    return 0


def _fabric(configuration: Configuration) -> Any:
    """Fabric where it is needed or installed; else the stand-in for one worker."""
    plain_run = configuration.workers == 1 and configuration.strategy == "auto"
    if plain_run and configuration.precision == "32-true":
        wanted = configuration.accelerator
        on_gpu = resolved_accelerator(wanted) == "cuda"
        return Alone("cuda" if on_gpu else "cpu")
    return fabric_of(configuration)


def _introduce(fabric: Any) -> None:
    """One line by each worker: who it is, so that a person can find its process."""
    sys.stdout.write(
        f"worker {fabric.global_rank} of {fabric.world_size}: process {os.getpid()} on "
        f"{fabric.device}\n"
    )
    sys.stdout.flush()


def _claim(configuration: Configuration, stored: Path) -> int:
    """An experiment of the course by its own command; its trainings are spread over workers."""
    settings = configuration.settings
    command = [sys.executable, "-m", "nmcourse.claims", "run", str(settings["claim"])]
    command += ["--tier", configuration.tier, "--resume-dir", configuration.folder]
    command += ["--fresh"] if settings["fresh"] else []
    environment = os.environ | {
        "NMCOURSE_TIER": configuration.tier,
        WORKERS: str(configuration.devices),
    }
    if configuration.launcher != "here":
        engine("submitit")
        environment[JOBS] = str(stored)
    status = subprocess.run(command, env=environment).returncode
    if status == 0:
        write_text(configuration.path / RESULT, json.dumps({"claim": settings["claim"]}) + "\n")
    return status


def _as_a_job(configuration: Configuration, stored: Path) -> int:
    """All workers of all machines as one job of submitit, which runs this command again."""
    inside = ["run", str(stored), "--inside"]
    command = [sys.executable, "-m", "nmcourse.experiments", *inside]
    tasks = configuration.devices
    if configuration.launcher == "local":  # no SLURM that would start one process for each worker
        tasks = 1
        if configuration.workers > 1:
            engine("lightning_fabric")
            command = torchrun(configuration, inside)
    log = str(configuration.path / "log.txt")
    work = partial(run_command, command, log, dict(os.environ))
    job = executor(configuration, tasks=tasks, nodes=configuration.nodes).submit(work)
    error = job.exception()
    if error is None:
        return 0
    raise JobsFailed(Outcomes({}, {configuration.what: one_line(error)}))


def _train(configuration: Configuration, fabric: Any) -> dict[str, Any]:
    """One network on one task."""
    settings = configuration.settings
    if settings["network"] not in BUILDERS:
        raise ConfigurationError(
            f"settings of train: network must be one of {', '.join(sorted(BUILDERS))}, "
            f"got {settings['network']!r}"
        )
    known = [one.name for one in fields(FitOptions)]
    unknown = sorted(set(settings["options"]) - set(known))
    if unknown:
        raise ConfigurationError(
            f"settings of train: options must be of {', '.join(known)}, got {unknown[0]!r}"
        )
    generator = torch.Generator().manual_seed(configuration.seed)
    try:
        model = BUILDERS[settings["network"]](**settings["kwargs"], generator=generator)
        task = _task(settings["task"], settings["task_kwargs"])
        if configuration.precision == "64-true":
            model = model.double()
        result = fit_across(
            fabric,
            model,
            task,
            seed=configuration.seed,
            accumulate=configuration.accumulate,
            checkpoint=configuration.path / "checkpoint.pt",
            checkpoint_every=configuration.checkpoint_every,
            progress=False,
            **settings["options"],
        )
    except TypeError as error:  # of a name that is none, in what a person typed
        raise ConfigurationError(f"settings of train: {error}") from error
    _keep(configuration, fabric, "weights.pt", model)
    return {
        "steps": len(result.losses),
        "last_loss": result.losses[-1].item(),
        "lowest_loss": result.losses.min().item(),
    }


def _task(name: Any, kwargs: Mapping[str, Any]) -> Task:
    """A task of the course by the name of its class."""
    known = {
        word: kind
        for word in tasks.__all__
        if inspect.isclass(kind := getattr(tasks, word))
        and issubclass(kind, Task)
        and not inspect.isabstract(kind)
    }
    if name not in known:
        raise ConfigurationError(
            f"settings of train: task must be one of {', '.join(sorted(known))}, got {name!r}"
        )
    return known[name](**kwargs)


def _stages(configuration: Configuration, fabric: Any) -> dict[str, Any]:
    """CordsNet in stages, up to the one that is asked for."""
    settings = dict(configuration.settings)
    usual = for_tier(configuration.tier, STAGES_BY_TIER)
    settings |= {key: usual[key] for key in usual if settings[key] in (None, {})}
    recipe = dict(settings["recipe"])
    if "slopes" in recipe:
        recipe["slopes"] = tuple(recipe["slopes"])
    images, held_out = _images(settings)
    if settings["areas"] not in PRESETS:
        raise ConfigurationError(
            f"settings of stages: areas must be one of {', '.join(PRESETS)}, got "
            f"{settings['areas']!r}"
        )
    trainer = partial(
        fit_images_across,
        fabric,
        accumulate=configuration.accumulate,
        checkpoint_every=configuration.checkpoint_every,
    )
    try:
        stages = train_in_stages(
            images,
            held_out,
            Recipe(**recipe),
            areas=settings["areas"],
            seed=configuration.seed,
            folder=configuration.path,
            progress=False,
            until=settings["until"],
            trainer=trainer,
        )
    except TypeError as error:
        raise ConfigurationError(f"settings of stages: {error}") from error
    _keep(configuration, fabric, "weights.pt", stages[-1].model)
    return {"stages": {stage.name: _of_stage(stage) for stage in stages}}


def _of_stage(stage: Stage) -> dict[str, Any]:
    losses = stage.losses
    return {
        "passed": stage.passed,
        "checks": stage.checks,
        "last_loss": losses[-1].item() if len(losses) else None,
    }


def _images(settings: Mapping[str, Any]) -> tuple[ImageSet | ShardedImages, ImageSet]:
    """What is learnt from, and what is checked with; a blank is a picture of mean brightness."""
    source, size = settings["images"], settings["size"]
    train: ImageSet | ShardedImages
    if source in ("digits", "mnist"):
        read = partial(digit_images, size=size) if source == "digits" else mnist_images
        whole = read("train").resized(size)
        test = read("test").resized(size).normalised(like=whole)
        train = whole.normalised()
    else:
        train = _of_folder(source, size)
        if not settings["held_out"]:
            raise ConfigurationError(
                "settings of stages: held_out must name a folder beside images="
                f"{source!r}, got {settings['held_out']!r}"
            )
        other = _of_folder(settings["held_out"], size, like=train)
        some = slice(settings["n_held_out"])
        test = other.load(some) if isinstance(other, ShardedImages) else other
    if isinstance(train, ImageSet) and settings["n_images"]:
        train = train.subset(slice(settings["n_images"]))
    if settings["n_held_out"]:
        test = test.subset(slice(settings["n_held_out"]))
    return train, test


def _of_folder(
    folder: Any, size: int, like: ImageSet | ShardedImages | None = None
) -> ImageSet | ShardedImages:
    """Shards if there are some, else pictures in folders, all in memory; normalised."""
    path = Path(str(folder)).expanduser()
    if (path / "shards.json").exists():
        sharded = ShardedImages(path, normalised=like if isinstance(like, ShardedImages) else True)
        if sharded.size != (size, size):
            raise ConfigurationError(
                f"settings of stages: size must be that of the shards in {path}, "
                f"{sharded.size[0]}, got {size}"
            )
        return sharded
    try:
        read = ImageFolder(path, size).load()
    except FileNotFoundError as error:
        raise ConfigurationError(
            "settings of stages: images must be 'digits', 'mnist' or a folder of pictures or "
            f"shards, got {folder!r}: {error}"
        ) from error
    return read.normalised(like=like if isinstance(like, ImageSet) else None)


def _keep(configuration: Configuration, fabric: Any, name: str, model: nn.Module) -> None:
    if fabric.is_global_zero:
        save_tensors(configuration.path / name, model.state_dict())
