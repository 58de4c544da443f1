"""Settings of a class: points, late rule, regrade rule, limits, workers. Read from a TOML file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import tomllib

from tools.teaching.handed_in import normal
from tools.teaching.sandbox.limits import Limits

REGRADE = ("latest", "best", "first")


@dataclass(frozen=True)
class Late:
    """What a late submission loses.

    Attributes:
        deadline: Until when it is in time; None: nothing is late.
        grace_minutes: So much later is still in time.
        percent_per_day: Share of the mark that each day that has begun costs.
        days: After so many days the mark is 0.
    """

    deadline: datetime | None = None
    grace_minutes: float = 0.0
    percent_per_day: float = 10.0
    days: float = 7.0

    def __post_init__(self) -> None:
        if self.deadline is not None and self.deadline.tzinfo is None:
            object.__setattr__(self, "deadline", self.deadline.astimezone())
        if not 0 <= self.percent_per_day <= 100:
            raise ValueError(f"percent_per_day must be 0 to 100, got {self.percent_per_day!r}")
        for name in ("grace_minutes", "days"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)!r}")

    def late_days(self, submitted: datetime | None) -> int:
        """Return how many days late a submission is, each day that has begun counted."""
        if self.deadline is None or submitted is None:
            return 0
        over = submitted - self.deadline - timedelta(minutes=self.grace_minutes)
        return max(0, -((-over) // timedelta(days=1)))

    def factor(self, submitted: datetime | None) -> float:
        """Return what is left of the mark, from 0 to 1."""
        days = self.late_days(submitted)
        if days > self.days:
            return 0.0
        return max(0.0, 1 - days * self.percent_per_day / 100)


@dataclass(frozen=True)
class Settings:
    """Everything that an instructor can set.

    Attributes:
        points: Points of a part in place of those of the problem, by name of the part.
        late: The late rule.
        regrade: Of several marks of a student, given when a file was handed in again: "latest",
            "best" or "first".
        limits: What a submission may use.
        workers: Submissions that are marked at the same time.
        restarts: How often a submission whose process ended is started again for its other parts.
        sandbox: The only way to close submissions in; empty: the best that works.
        image: Container image, where a container is used.
        assignment: What the learning platform calls the homework; empty: its title.
    """

    points: Mapping[str, float] = field(default_factory=dict)
    late: Late = field(default_factory=Late)
    regrade: str = "latest"
    limits: Limits = field(default_factory=Limits)
    workers: int = 2
    restarts: int = 3
    sandbox: str = ""
    image: str = ""
    assignment: str = ""

    def __post_init__(self) -> None:
        if self.regrade not in REGRADE:
            raise ValueError(f"regrade must be one of {', '.join(REGRADE)}, got {self.regrade!r}")
        for name, least in (("workers", 1), ("restarts", 0)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise ValueError(f"{name} must be a whole number from {least}, got {value!r}")
        for name in ("sandbox", "image", "assignment"):
            value = getattr(self, name)
            if not isinstance(value, str):
                raise ValueError(f"{name} must be a text, got {value!r}")
        for name, value in self.points.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise ValueError(f"points of part {name} must be a number from 0, got {value!r}")


def read_settings(path: Path | None) -> Settings:
    """Read settings from a TOML file; without one, all are as the course has them.

    Raises:
        ValueError: The file cannot be read, or a setting is not known or out of range.
    """
    if path is None:
        return Settings()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        table.pop("sets", None)  # for those who make assignments
        return _settings(table)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from error


def _settings(table: dict[str, Any]) -> Settings:
    given = dict(_known(table, Settings, ""))
    if "late" in given:
        given["late"] = Late(**_known(given["late"], Late, "late."))
    if "limits" in given:
        given["limits"] = Limits(**_known(given["limits"], Limits, "limits."))
    return Settings(**given)


def _known(table: Any, kind: Any, prefix: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise ValueError(f"{prefix.rstrip('.')} must be a table, got {table!r}")
    names = [one.name for one in fields(kind)]
    for name in table:
        if name not in names:
            raise ValueError(f"no setting {prefix}{name}; there are {', '.join(names)}")
    return table


def read_times(path: Path) -> dict[str, datetime]:
    """Read when each student handed in: lines of `student,2026-11-02T18:00+01:00`.

    Of several lines of a student the latest time is taken. A name with a comma stands in double
    quotes, as programs write it, or as it is.

    Raises:
        ValueError: A line is no such line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except ValueError as error:
        raise ValueError(f"{path}: not a text in UTF-8 ({error})") from error
    times: dict[str, datetime] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or (number == 1 and line.lower().startswith("student")):
            continue
        try:
            *name, when = next(csv.reader([line]))
            if not name:
                raise ValueError("no comma")
            moment = datetime.fromisoformat(when.strip())
        except (ValueError, csv.Error) as error:
            raise ValueError(f"{path}, line {number}: not `student,time` ({error})") from error
        student = normal(",".join(name))
        moment = moment if moment.tzinfo else moment.astimezone()
        times[student] = max(moment, times.get(student, moment))
    return times


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(timezone.utc)
