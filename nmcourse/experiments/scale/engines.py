"""The engines that exist, and what is said where they are not installed.

Lightning Fabric places a network on a device and lets torch average gradients; torchrun starts the
workers; submitit hands jobs to SLURM, or to this machine. Nothing here does their work.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from typing import Any

import torch

from nmcourse.experiments.scale.configuration import Configuration, ConfigurationError


class MissingEngine(RuntimeError):
    """A package of the extra ``scale`` is not installed."""


def engine(name: str) -> Any:
    """An optional package.

    Raises:
        MissingEngine: it is not installed; the message says how to get it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingEngine(
            f"{name} is not installed, and this run needs it: pip install 'nmcourse[scale]'. "
            "Without it everything runs in one process on this machine"
        ) from error


def resolved_accelerator(wanted: str) -> str:
    """Return "cuda" or "cpu", for one of these or "auto".

    Raises:
        ConfigurationError: for "cuda" where torch sees no GPU.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise ConfigurationError(
            "accelerator must be 'cpu' or 'auto' here, got 'cuda': torch sees no GPU"
        )
    return "cuda" if there and wanted != "cpu" else "cpu"


def fabric_of(configuration: Configuration) -> Any:
    """A launched Fabric for the workers of a configuration, in each of them.

    Raises:
        MissingEngine: lightning-fabric is not installed.
        ConfigurationError: for an accelerator that is not here.
    """
    fabric_module = engine("lightning_fabric")
    accelerator = resolved_accelerator(configuration.accelerator)
    several = configuration.workers > 1 or configuration.strategy == "ddp"
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    fabric = fabric_module.Fabric(
        accelerator=accelerator,
        devices=configuration.devices,
        num_nodes=configuration.nodes,
        strategy="ddp" if several else "auto",
        precision=configuration.precision,
    )
    fabric.launch()
    return fabric


def is_worker() -> bool:
    """Whether torchrun or SLURM has started this process as one worker of several."""
    of_slurm = int(os.environ.get("SLURM_NTASKS", "1")) > 1 and "SLURM_PROCID" in os.environ
    return of_slurm or {"TORCHELASTIC_RUN_ID", "RANK"} <= os.environ.keys()


def torchrun(configuration: Configuration, arguments: list[str]) -> list[str]:
    """The command that starts the workers of one machine."""
    command = [sys.executable, "-m", "torch.distributed.run"]
    command += ["--nproc-per-node", str(configuration.devices)]
    command += ["--max-restarts", str(configuration.restarts)]
    if configuration.nodes > 1:
        command += ["--nnodes", str(configuration.nodes), "--rdzv-backend", "c10d"]
        command += ["--rdzv-endpoint", configuration.rendezvous, "--rdzv-id", "nmcourse"]
    else:
        command += ["--standalone"]
    return [*command, "-m", "nmcourse.experiments", *arguments]


def executor(configuration: Configuration, *, tasks: int = 1, nodes: int = 1) -> Any:
    """An executor of submitit, which writes its logs below the folder of the run.

    Args:
        configuration: its ``launcher`` and ``slurm``.
        tasks: processes that one job starts on each machine.
        nodes: machines of one job.

    Raises:
        MissingEngine: submitit is not installed.
        ConfigurationError: SLURM is asked for and not here, or a parameter is unknown to it.
    """
    submitit = engine("submitit")
    cluster = {"local": "local", "slurm": "slurm", "here": "local"}[configuration.launcher]
    try:
        found = submitit.AutoExecutor(
            folder=str(configuration.path / "logs" / "%j"), cluster=cluster
        )
        given = {"timeout_min": 24 * 60, "nodes": nodes, "tasks_per_node": tasks}
        if configuration.accelerator != "cpu" and torch.cuda.is_available():
            given["gpus_per_node"] = tasks
        found.update_parameters(**given | dict(configuration.slurm))
    except (RuntimeError, TypeError, NameError, ValueError, KeyError) as error:
        raise ConfigurationError(
            f"launcher {configuration.launcher!r} cannot be used with slurm="
            f"{dict(configuration.slurm)!r}: {error}"
        ) from error
    return found
