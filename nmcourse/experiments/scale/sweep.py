"""A sweep: the same run with other seeds and settings, each in a folder of its own.

    {"base": {"what": "train", "settings": {...}}, "over": {"seed": [0, 1], "options.n_steps": [9]}}

Every combination of the values is a member. One that has finished is not run again; one that fails
stops no other, and is named at the end.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from nmcourse._files import write_text
from nmcourse._inputs import count
from nmcourse.experiments.scale.configuration import (
    Configuration,
    ConfigurationError,
    from_mapping,
    store,
)
from nmcourse.experiments.scale.jobs import JobsFailed, Outcomes, run_command, submitted

RESULT = "result.json"
_OF_THE_RUN = ("tier", "seed", "precision", "accumulate", "checkpoint_every")


def members(configuration: Configuration) -> dict[str, Configuration]:
    """Every combination of the values, by a name made of them.

    Raises:
        ConfigurationError: for a base that is a sweep itself, or no values.
    """
    base, over = configuration.settings["base"], configuration.settings["over"]
    if not isinstance(base, Mapping) or base.get("what") in (None, "sweep"):
        raise ConfigurationError(
            "settings of sweep: 'base' must be a claim, stages or train, got "
            f"{base.get('what') if isinstance(base, Mapping) else base!r}"
        )
    if not isinstance(over, Mapping) or not over:
        raise ConfigurationError(f"settings of sweep: 'over' must name values, got {over!r}")
    for name, values in over.items():
        if not isinstance(values, list) or not values:
            raise ConfigurationError(
                f"settings of sweep: 'over' must give a list of values for {name!r}, got {values!r}"
            )
    found: dict[str, Configuration] = {}
    for combination in itertools.product(*over.values()):
        chosen = dict(zip(over, combination, strict=True))
        name = "_".join(f"{key}-{_word(value)}" for key, value in chosen.items())
        if name in found:
            raise ConfigurationError(f"settings of sweep: two members are named {name!r}")
        record = json.loads(json.dumps(dict(base)))
        record.setdefault("settings", {})
        for key in _OF_THE_RUN:
            record.setdefault(key, getattr(configuration, key))
        record.setdefault("accelerator", configuration.accelerator)
        for key, value in chosen.items():
            _place(record, key, value)
        record["folder"] = str(configuration.path / "members" / name)
        found[name] = from_mapping(record, f"member {name}")
    return found


def run_sweep(
    configuration: Configuration, say: Callable[[str], None] = print
) -> dict[str, dict[str, Any]]:
    """Run every member that has not finished.

    Returns:
        Name of a member -> its result.

    Raises:
        JobsFailed: some members failed; the others have finished, and are kept.
    """
    everybody = members(configuration)
    results = {name: one.path / RESULT for name, one in everybody.items()}
    left = {name: one for name, one in everybody.items() if not results[name].exists()}
    say(f"{len(everybody)} members, {len(everybody) - len(left)} of them finished before")
    jobs = {name: _job(store(one)) for name, one in left.items()}

    def ended(name: str, why: str) -> None:
        say(f"{name}: {'failed: ' + why if why else 'finished'}")

    if configuration.launcher == "here":
        outcomes = _one_after_the_other(jobs, ended)
    else:
        at_once = configuration.settings["at_once"]
        at_once = None if at_once is None else count("at_once", at_once)
        outcomes = submitted(jobs, configuration, at_once=at_once, on_end=ended)
    found = {name: _read(path) for name, path in results.items() if path.exists()}
    for name in jobs.keys() - found.keys() - outcomes.failed.keys():
        outcomes.failed[name] = f"it left no {RESULT}"
    summary = {"results": found, "failed": outcomes.failed}
    write_text(configuration.path / "sweep.json", json.dumps(summary, indent=1) + "\n")
    if outcomes.failed:
        raise JobsFailed(Outcomes(found, outcomes.failed))
    return found


def _job(path: Path) -> partial[None]:
    """A member as a command of its own, so that its death is no other's."""
    command = [sys.executable, "-m", "nmcourse.experiments", "run", str(path)]
    own = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_")}
    return partial(run_command, command, str(path.with_name("log.txt")), own)


def _one_after_the_other(
    jobs: Mapping[str, Callable[[], None]], ended: Callable[[str, str], None]
) -> Outcomes:
    """What is done without submitit."""
    outcomes = Outcomes({}, {})
    for name, job in jobs.items():
        try:
            outcomes.done[name] = job()
        except RuntimeError as error:
            outcomes.failed[name] = str(error)
        ended(name, outcomes.failed.get(name, ""))
    return outcomes


def _place(record: dict[str, Any], key: str, value: Any) -> None:
    """Set a field of a member, or a setting: ``seed``, ``areas``, ``options.learning_rate``."""
    if key in _OF_THE_RUN:
        record[key] = value
        return
    *path, last = key.split(".")
    place = record["settings"]
    for word in path:
        place = place.setdefault(word, {})
        if not isinstance(place, dict):
            raise ConfigurationError(f"settings of sweep: {key!r} leads into {place!r}")
    place[last] = value


def _word(value: Any) -> str:
    """A value as a part of a folder's name."""
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", str(value)).strip("-") or "none"


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found
