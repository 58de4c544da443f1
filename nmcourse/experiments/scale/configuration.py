"""What is run and on what: one record, printed and stored before anything is computed.

A run is found again by its folder. What decides the numbers (``FIXED``) must be the same when it
goes on; where and on how many workers it is computed may be another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from nmcourse._files import user_path, write_text
from nmcourse._inputs import count, whole
from nmcourse.training import PRECISIONS, TIERS

What = Literal["claim", "stages", "train", "sweep"]
Accelerator = Literal["auto", "cpu", "cuda"]
Strategy = Literal["auto", "ddp"]
Launcher = Literal["here", "local", "slurm"]
STORED = "configuration.json"
FIXED = ("what", "settings", "tier", "seed", "precision")

#: Settings of each kind of run, with the values that are taken if none are given.
DEFAULTS: dict[str, dict[str, Any]] = {
    "claim": {"claim": None, "fresh": False},
    "stages": {
        "images": "digits",
        "held_out": None,
        "size": None,
        "areas": None,
        "until": "fine-tuned",
        "n_images": None,
        "n_held_out": None,
        "recipe": {},
    },
    "train": {"network": None, "kwargs": {}, "task": None, "task_kwargs": {}, "options": {}},
    "sweep": {"base": None, "over": None, "at_once": None},
}

_TRAIN = "run train --set network=measure_wait_go_nm_rnn task=MeasureWaitGo options.n_steps=1000"
#: Settings that each kind of run has to be given, and a command that gives them.
NEEDED: dict[str, tuple[tuple[str, ...], str]] = {
    "claim": (("claim",), "run N8"),
    "train": (("network", "task"), _TRAIN),
    "sweep": (("base", "over"), f"{_TRAIN} --over seed=0,1,2"),
}


class ConfigurationError(ValueError):
    """A configuration that cannot be run, or that is not the one of the folder."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One run.

    Attributes:
        what: "claim": an experiment of the course; "stages": CordsNet in stages; "train": one
            network on one task; "sweep": many of them.
        settings: of this kind of run, see ``DEFAULTS``.
        folder: where the run keeps everything.
        tier: "smoke", "cpu" or "gpu": the size of a claim or of stages.
        seed: of initial weights and drawn data, where the settings do not say it.
        accelerator: "cpu", "cuda", or "auto" for a GPU where there is one.
        devices: workers on each machine; for a claim, trainings at a time.
        nodes: machines.
        strategy: "ddp" for several workers; "auto" takes it where there are several.
        precision: "32-true", "64-true" or "bf16-mixed".
        accumulate: parts in which a worker takes its share of a step.
        checkpoint_every: steps between two checkpoints.
        launcher: "here" starts workers on this machine; "local" and "slurm" are those of submitit.
        slurm: parameters of submitit's executor, such as ``{"slurm_partition": "gpu"}``.
        rendezvous: HOST:PORT where several machines find each other, as torchrun takes it.
        restarts: how often torchrun starts all workers again when one has died.

    Raises:
        ConfigurationError: for a value that is not allowed; it names it.
    """

    what: What
    settings: Mapping[str, Any]
    folder: str
    tier: str = "cpu"
    seed: int = 0
    accelerator: Accelerator = "auto"
    devices: int = 1
    nodes: int = 1
    strategy: Strategy = "auto"
    precision: str = "32-true"
    accumulate: int = 1
    checkpoint_every: int = 50
    launcher: Launcher = "here"
    slurm: Mapping[str, Any] = field(default_factory=dict)
    rendezvous: str = ""
    restarts: int = 0

    def __post_init__(self) -> None:
        allowed: dict[str, tuple[str, ...]] = {
            "what": get_args(What),
            "tier": TIERS,
            "accelerator": get_args(Accelerator),
            "strategy": get_args(Strategy),
            "precision": PRECISIONS,
            "launcher": get_args(Launcher),
        }
        for name, words in allowed.items():
            if getattr(self, name) not in words:
                raise ConfigurationError(
                    f"{name} must be one of {', '.join(words)}, got {getattr(self, name)!r}"
                )
        try:
            for name in ("devices", "nodes", "accumulate", "checkpoint_every"):
                object.__setattr__(self, name, count(name, getattr(self, name)))
            for name in ("seed", "restarts"):
                object.__setattr__(self, name, whole(name, getattr(self, name), 0))
            object.__setattr__(self, "folder", str(user_path(self.folder, "folder")))
        except ValueError as error:
            raise ConfigurationError(str(error)) from None
        object.__setattr__(self, "settings", _settings(self.what, self.settings))
        if not isinstance(self.slurm, Mapping):
            raise ConfigurationError(f"slurm must be names and values, got {self.slurm!r}")
        if self.nodes > 1 and self.launcher == "here" and not self.rendezvous:
            raise ConfigurationError(
                f"rendezvous must be HOST:PORT where nodes={self.nodes} machines are started by "
                "hand, got ''; with launcher 'slurm' none is needed"
            )
        if self.nodes > 1 and self.launcher == "local":
            raise ConfigurationError(f"nodes must be 1 with launcher 'local', got {self.nodes}")
        if self.workers > 1 and self.what in ("claim", "sweep") and self.nodes > 1:
            raise ConfigurationError(
                f"nodes must be 1 for a {self.what}, whose parts are jobs of their own: give "
                f"launcher 'slurm', got nodes={self.nodes}"
            )

    @property
    def workers(self) -> int:
        """Processes over all machines."""
        return self.devices * self.nodes

    @property
    def path(self) -> Path:
        """The folder as a path."""
        return Path(self.folder)

    def text(self) -> str:
        """The whole record as JSON, as it is printed and stored."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    def with_(self, **changes: Any) -> Configuration:
        """The same run with other fields."""
        return replace(self, **changes)


def from_mapping(found: Any, where: str = "the configuration") -> Configuration:
    """A configuration from what JSON holds.

    Raises:
        ConfigurationError: for unknown or missing fields, or values that are not allowed.
    """
    if not isinstance(found, Mapping):
        raise ConfigurationError(f"{where} must be an object, got {type(found).__name__}")
    known = [one.name for one in fields(Configuration)]
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise ConfigurationError(f"{where}: no field {unknown[0]!r}; there are {', '.join(known)}")
    missing = [name for name in ("what", "settings", "folder") if name not in found]
    if missing:
        raise ConfigurationError(f"{where}: field {missing[0]!r} is missing")
    return Configuration(**found)


def read(path: Path) -> Configuration:
    """A configuration from a JSON file.

    Raises:
        ConfigurationError: if there is no such file, or it does not hold one.
    """
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ConfigurationError(f"no configuration {path}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not valid JSON: {error}") from None
    return from_mapping(found, str(path))


def store(configuration: Configuration) -> Path:
    """Write the configuration into its folder, unless another run lives there.

    Raises:
        ConfigurationError: what decides the numbers is different in the folder.
    """
    path = configuration.path / STORED
    if path.exists():
        there = read(path)
        for name in FIXED:
            before, now = getattr(there, name), getattr(configuration, name)
            if before != now:
                raise ConfigurationError(
                    f"{name} must be {before!r} to go on in {configuration.folder}, got {now!r}; "
                    "name another folder for another run"
                )
    write_text(path, configuration.text())
    return path


def forget(path: Path) -> None:
    """Delete a stored configuration with which nothing was begun, so that its folder is free."""
    if [one.name for one in path.parent.iterdir()] == [path.name]:
        path.unlink()


def _settings(what: str, given: Any) -> dict[str, Any]:
    """The settings of a kind of run, complete."""
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"settings must be names and values, got {given!r}")
    defaults = DEFAULTS[what]
    unknown = sorted(set(given) - set(defaults))
    if unknown:
        raise ConfigurationError(
            f"settings of {what}: no {unknown[0]!r}; there are {', '.join(defaults)}"
        )
    found = defaults | dict(given)
    needed, example = NEEDED.get(what, ((), ""))
    for name in needed:
        if found[name] is None:
            raise ConfigurationError(
                f"settings of {what}: {name!r} must be given, for example: "
                f"python -m nmcourse.experiments {example}"
            )
    return json.loads(json.dumps(found))
