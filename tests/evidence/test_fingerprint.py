"""A fingerprint changes with what decides, and not with how the outcome is worded."""

from __future__ import annotations

import importlib.util
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
