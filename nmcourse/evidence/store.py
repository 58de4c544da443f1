"""Results on disk: one JSON file per experiment, written by its command and by nothing else."""

from __future__ import annotations

import json
import math
import platform
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

import nmcourse
from nmcourse._files import digest, user_path, write_bytes
from nmcourse.evidence.record import LedgerError, Results

__all__ = ["Results", "plain", "read_results", "remember", "results_path", "write_results"]

FORMAT = 1
FOLDER = Path(__file__).resolve().parent / "results"
_FIELDS = ("format", "experiment", "tier", "command", "versions", "config", "metrics")
T = TypeVar("T")


def results_path(name: str) -> Path:
    """Return where the results of the experiment ``name`` are kept."""
    return FOLDER / f"{name}.json"


def write_results(
    name: str,
    outcome: Mapping[str, Any],
    *,
    tier: str,
    command: str,
    path: Path,
    rules: Mapping[str, str] | None = None,
) -> None:
    """Write what the experiment ``name`` returned, with the command and the versions that made it.

    Numbers that are not finite are written as null.

    Args:
        name: Name of the experiment.
        outcome: ``{"config": ..., "metrics": ...}``.
        tier: The tier that it ran at.
        command: The command that makes it again.
        path: Where to write.
        rules: Claim id -> fingerprint of its rule when the run began.

    Raises:
        ValueError: The outcome is not ``{"config": ..., "metrics": ...}`` of JSON data, or a key of
            ``metrics`` has other signs than letters, digits, ``_`` and ``-``.
    """
    if set(outcome) != {"config", "metrics"}:
        raise ValueError(
            f"experiment {name!r} must return 'config' and 'metrics', got {sorted(outcome)}"
        )
    _check_keys(outcome["metrics"], "metrics")
    record = {
        "format": FORMAT,
        "experiment": name,
        "tier": tier,
        "command": command,
        "versions": versions(),
        "config": plain(outcome["config"]),
        "metrics": plain(outcome["metrics"]),
    }
    if rules is not None:
        record["rules"] = dict(rules)
    write_bytes(path, _json(record))


def read_results(name: str, *, path: str | Path | None = None) -> Results | None:
    """Read the results of an experiment.

    Args:
        name: Name of the experiment.
        path: The file, if it is not the one in the package.

    Returns:
        The results; None if the experiment was not run.

    Raises:
        LedgerError: The file is damaged, or belongs to another experiment.
        ValueError: ``path`` is no path.
    """
    path = results_path(name) if path is None else user_path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise LedgerError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(record, dict) or set(record) - {"rules"} != set(_FIELDS):
        raise LedgerError(f"{path}: expected an object with the fields {', '.join(_FIELDS)}")
    if record["format"] != FORMAT or record["experiment"] != name:
        raise LedgerError(
            f"{path}: expected format {FORMAT} of {name!r}, "
            f"found {record['format']!r} of {record['experiment']!r}"
        )
    objects = ("metrics", "config", "rules")
    if not all(isinstance(record.get(key, {}), dict) for key in objects):
        raise LedgerError(f"{path}: 'metrics', 'config' and 'rules' must be objects")
    del record["format"]
    return Results(**record, sha256=digest(data))


def remember(path: Path, compute: Callable[[], T], settings: Mapping[str, Any]) -> T:
    """Return ``compute()``, or what it returned before a kill, if the settings are the same.

    Args:
        path: JSON file of this part of the experiment, inside its ``run_dir``.
        compute: Makes the part. It must return what JSON can hold (tensors and arrays become
            lists; numbers that are not finite become None).
        settings: Everything that the part depends on.

    Returns:
        The part as JSON gives it back, whether it was computed now or before.

    Raises:
        LedgerError: The file is damaged. It is not computed again without a word: hours of work
            may lie there.
    """
    key = json.loads(_json(plain(settings)))
    if path.exists():
        try:
            stored = json.loads(path.read_bytes())
            there, part = stored["settings"], stored["part"]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise LedgerError(
                f"{path} is damaged ({type(error).__name__}: {error}); move it away to compute "
                "this part again"
            ) from None
        if there == key:
            return part
    part = plain(compute())
    write_bytes(path, _json({"settings": key, "part": part}))
    return json.loads(_json(part))


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    return {
        "nmcourse": nmcourse.__version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
    }


def plain(value: Any) -> Any:
    """Turn tensors, arrays and nested containers into what JSON holds; not finite -> None."""
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    raise ValueError(f"results must be numbers, texts, lists and mappings, got {value!r}")


def _check_keys(metrics: Any, where: str) -> None:
    """Keys become words of a path, so dots and spaces are not allowed in them."""
    if not isinstance(metrics, Mapping):
        return
    for key, entry in metrics.items():
        if not re.fullmatch(r"[A-Za-z0-9_-]+", str(key)):
            raise ValueError(f"{where}: key {key!r} may hold only letters, digits, '_' and '-'")
        _check_keys(entry, f"{where}.{key}")


def _json(record: Any) -> bytes:
    """JSON that a person can read and a diff can show: lists of numbers stay on one line."""
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
    # A line break right after "[" cannot stand inside a text of the record: JSON escapes it there.
    flat = re.sub(r'\[\n[^\[\]{}"]*\]', lambda match: re.sub(r"\s+", " ", match.group()), text)
    return (flat + "\n").encode()
