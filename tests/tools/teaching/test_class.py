"""A small class is marked: every mark exact, whatever some try; killed, and started again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.teaching import assignments
from tools.teaching.simulate import report, simulate
from tools.teaching.simulated import Targets, a_class, honest, hostile, mistaken

KINDS = (
    "right",
    "right another way",
    "parts a and c",
    "not answered",
    "saved by Colab",
    "tests altered",
    "broken JSON",
    "another assignment",
    "slow part",
    "part b: the wrong transpose",
    "endless output",
    "memory bomb",
    "kernel killed",
    "private tests read",
    "socket opened",
    "marks of others written",
)


def test_a_class_of_sixteen_gets_its_exact_marks(method, tmp_path: Path):
    found = simulate(len(KINDS), "rates", tmp_path, only=KINDS)
    assert found.problems == []
    assert len(KINDS) // 2 <= found.finished < len(KINDS)
    table = json.loads(report(found, "rates", 2))
    counts = {name: (table[name]["count"], table[name]["exact"]) for name in ("honest", "hostile")}
    assert counts == {"honest": (10, 10), "hostile": (6, 6)}


def test_the_class_of_make_simulate_class_holds_every_kind_that_there_is():
    for name in ("rates", "low-rank"):
        hidden = assignments.make("any", name, 2)
        aims = Targets(Path("/private"), Path("/out"), 1)
        one = next(iter(hidden.versions.values()))
        kinds = {**honest(one), **mistaken(one), **hostile(one, aims)}
        handed = a_class(hidden, aims, len(kinds) + 20)
        assert len(handed) == len(kinds) + 20
        assert len({name.split("_", 1)[1] for name in handed}) == len(kinds)
        assert sum(one.hostile for one in handed.values()) >= 20


def test_a_class_too_small_for_its_kinds_is_an_error():
    hidden = assignments.make("any", "rates")
    with pytest.raises(ValueError, match="size must be 16 or more for these kinds, got 3"):
        a_class(hidden, Targets(Path("/"), Path("/"), 1), 3, only=KINDS)
