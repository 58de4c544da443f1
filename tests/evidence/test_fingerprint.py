"""A fingerprint changes with what decides, and not with how the outcome is worded."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from nmcourse.evidence.fingerprint import fingerprint
from nmcourse.experiments.registry import EXPERIMENTS

RULE = '''
    from nmcourse.evidence import Judgement

    LIMIT = 2.0
    LABEL = "error"

    def holds(value):
        """Is it small?"""
        return value < LIMIT

    def words(value):
        return f"{LABEL} {value}"

    def judge(results):
        """Small is reproduced."""
        value = results.value("x")
        status = "reproduced" if holds(value) else "not reproduced"
        return Judgement(status, measured=words(value), spread="none", seeds=1)
'''


def of(text: str, folder: Path) -> str:
    """Fingerprint of the rule in a module with this text."""
    path = folder / "module.py"
    path.write_text(textwrap.dedent(text))
    spec = importlib.util.spec_from_file_location("nmcourse.rule_of_a_test", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return fingerprint(module.judge)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 2.0", "LIMIT = 2.1"),
        ("value < LIMIT", "value <= LIMIT"),
        ('value("x")', 'value("y")'),
        ('else "not reproduced"', 'else "partly"'),
        ("seeds=1", "seeds=2"),
    ],
)
def test_what_decides_changes_it(old, new, tmp_path):
    assert of(RULE, tmp_path) != of(RULE.replace(old, new), tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('LABEL = "error"', 'LABEL = "median error"'),
        ('f"{LABEL} {value}"', 'f"{LABEL}: {value}"'),
        ('"""Is it small?"""', '"""Is it small enough?"""'),
        ("return value < LIMIT", "return value < LIMIT  # strictly"),
        ('spread="none"', 'spread="not measured"'),
    ],
)
def test_words_do_not(old, new, tmp_path):
    assert of(RULE, tmp_path) == of(RULE.replace(old, new), tmp_path)


def test_every_rule_has_one():
    found = {
        claim: rule.fingerprint()
        for experiment in EXPERIMENTS
        for claim, rule in experiment.rules.items()
    }
    assert all(len(value) == 64 for value in found.values())
    assert len(set(found.values())) == len(found)


def test_only_functions_have_one():
    with pytest.raises(ValueError, match="judge must be a function, got str"):
        fingerprint("judge")


CONTAINERS = """
    from dataclasses import dataclass
    from nmcourse.evidence import Judgement

    @dataclass
    class Network:
        name: str
        size: int

    class Thing:
        pass

    def build():
        return 3

    TABLE = {"one": build, "kinds": {"a", "b", "c", "d"}, "thing": Thing()}
    MAIN = Network("main", 5)

    def judge(results):
        status = TABLE["one"]() < MAIN.size
        return Judgement(status, measured="", spread="none", seeds=1)
"""
AGAIN = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("nmcourse.rule_of_a_test", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = module
spec.loader.exec_module(module)
from nmcourse.evidence.fingerprint import fingerprint
print(fingerprint(module.judge))
"""


def in_new_process(path: Path, seed: int) -> str:
    """Fingerprint of the rule in a file, in a process with other addresses and other hashes."""
    command = [sys.executable, "-c", AGAIN, str(path)]
    environment = os.environ | {"PYTHONHASHSEED": str(seed)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_it_is_the_same_in_every_process(tmp_path):
    """A constant may hold functions and sets, whose ``repr`` is another in each."""
    path = tmp_path / "module.py"
    path.write_text(textwrap.dedent(CONTAINERS))
    assert len({in_new_process(path, seed) for seed in (1, 2)}) == 1


def test_a_network_that_is_compared_counts(tmp_path):
    assert of(CONTAINERS, tmp_path) != of(CONTAINERS.replace('"main", 5', '"main", 2'), tmp_path)
