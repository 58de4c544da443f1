"""``python -m nmcourse.experiments run``: one command from a laptop to a cluster.

run N8 --tier gpu                                  a claim, as published where that is known
run stages --set areas=R2 size=224 --devices 4     CordsNet in stages, on four workers
run train --set network=measure_wait_go_nm_rnn task=MeasureWaitGo options.n_steps=1000
run train ... --over seed=0,1,2 --launcher slurm   a sweep
run folder/configuration.json                      any of them again; it goes on where it was
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nmcourse.experiments.scale import costs
from nmcourse.experiments.scale.configuration import (
    DEFAULTS,
    STORED,
    Configuration,
    ConfigurationError,
    forget,
    from_mapping,
    read,
    store,
)
from nmcourse.experiments.scale.engines import MissingEngine, is_worker
from nmcourse.experiments.scale.jobs import JobsFailed
from nmcourse.experiments.scale.runs import execute
from nmcourse.training import PRECISIONS, TIERS, CheckpointError, DivergenceError

_FIELDS: tuple[str, ...] = (
    "tier",
    "seed",
    "accelerator",
    "devices",
    "nodes",
    "strategy",
    "precision",
    "accumulate",
    "checkpoint_every",
    "launcher",
    "rendezvous",
    "restarts",
    "folder",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Words after the command; those of the process by default.

    Returns:
        Exit status: 0, or 1 if something is wrong.
    """
    options = _parser().parse_args(arguments)
    if options.command == "costs":
        return costs.measure_steps()
    try:
        configuration = _configuration(options)
        if options.inside or is_worker():  # its parent has stored it
            path = Path(options.what)
        else:
            print(configuration.text(), end="", flush=True)
            if options.show:
                return 0
            new = not (configuration.path / STORED).exists()
            path = store(configuration)
            if new:
                return _first(configuration, path)
        return execute(configuration, path)
    except (
        CheckpointError,
        ConfigurationError,
        DivergenceError,
        JobsFailed,
        MissingEngine,
        ValueError,
    ) as error:
        print(error, file=sys.stderr)
        return 1


def _first(configuration: Configuration, path: Path) -> int:
    """The exit status of a new run; what cannot be run leaves no configuration in its folder."""
    try:
        return execute(configuration, path)
    except ValueError:
        forget(path)
        raise


def _configuration(options: argparse.Namespace) -> Configuration:
    """The configuration that the words of a command line make."""
    given = {name: value for name in _FIELDS if (value := getattr(options, name)) is not None}
    chosen = _pairs(options.set, "--set")
    slurm = _pairs(options.slurm, "--slurm")
    over = {key: _several(value) for key, value in _pairs(options.over, "--over").items()}
    if options.what.endswith(".json"):
        record = asdict(read(Path(options.what))) | given
    else:
        kind = options.what if options.what in DEFAULTS else "claim"
        record = {"what": kind, "settings": {"claim": options.what} if kind == "claim" else {}}
        record |= {"tier": os.environ.get("NMCOURSE_TIER", "cpu")} | given
        record.setdefault("folder", f"runs/{options.what}-{record['tier']}")
    for key, value in chosen.items():
        place = record["settings"]
        *path, last = key.split(".")
        for word in path:
            place = place.setdefault(word, {})
        place[last] = value
    if slurm:
        record["slurm"] = {**record.get("slurm", {}), **slurm}
    if over:
        base = {"what": record["what"], "settings": record["settings"]}
        record |= {"what": "sweep", "settings": {"base": base, "over": over}}
    configuration = from_mapping(record, "the command")
    return configuration.with_(launcher="here") if options.inside else configuration


def _pairs(words: Sequence[str] | None, option: str) -> dict[str, Any]:
    """NAME=VALUE pairs; a value is JSON where it can be read as such, else text."""
    found: dict[str, Any] = {}
    for word in words or ():
        name, sign, value = word.partition("=")
        if not name or not sign:
            raise ConfigurationError(f"{option} must be given NAME=VALUE, got {word!r}")
        found[name] = value if option == "--over" else _value(value)
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _several(text: str) -> list[Any]:
    """Values of a sweep: 1e-3,1e-2 or 0:10, which is 0 to 9."""
    first, sign, end = text.partition(":")
    if sign and first.isdecimal() and end.isdecimal():
        return list(range(int(first), int(end)))
    return [_value(one) for one in text.split(",") if one]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m nmcourse.experiments",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("costs", help="measure a training step of each kind; some minutes")
    run = commands.add_parser("run", help="run a claim, stages, a training or a sweep")
    run.add_argument("what", help="a claim such as N8, stages, train, or a configuration.json")
    run.add_argument("--set", nargs="+", action="extend", metavar="NAME=VALUE", help="settings")
    run.add_argument(
        "--over",
        nargs="+",
        action="extend",
        metavar="NAME=VALUES",
        help="makes a sweep: seed=0:10 options.learning_rate=1e-3,1e-2",
    )
    run.add_argument("--tier", choices=TIERS, help="size of a claim or of stages (default: cpu)")
    run.add_argument("--seed", type=int)
    run.add_argument("--accelerator", choices=("auto", "cpu", "cuda"))
    run.add_argument("--devices", type=int, help="workers on each machine (default: 1)")
    run.add_argument("--nodes", type=int, help="machines (default: 1)")
    run.add_argument("--strategy", choices=("auto", "ddp"))
    run.add_argument("--precision", choices=PRECISIONS)
    run.add_argument("--accumulate", type=int, help="parts of each worker's share (default: 1)")
    run.add_argument("--checkpoint-every", type=int, help="steps between two checkpoints")
    run.add_argument("--launcher", choices=("here", "local", "slurm"))
    run.add_argument("--slurm", nargs="+", action="extend", metavar="NAME=VALUE")
    run.add_argument("--rendezvous", help="HOST:PORT where several machines find each other")
    run.add_argument("--restarts", type=int, help="starts after a worker has died (default: 0)")
    run.add_argument("--folder", help="where the run keeps everything (default: runs/WHAT-TIER)")
    run.add_argument("--show", action="store_true", help="print the configuration and stop")
    run.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
