"""tools.lock: the lock names everything that is installed, and every disagreement is found."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools import lock, pairs


def test_the_lock_is_that_of_this_environment():
    assert lock.check() == []


def test_the_lock_has_what_the_pins_need_in_turn():
    locked = lock.pins(pairs.ROOT / lock.LOCK)
    direct = lock.pins(pairs.ROOT / "requirements.txt")
    assert set(direct) < set(locked)
    assert "sphinx" in locked  # nothing names it; jupyter-book needs it
    assert "sphinx" not in direct


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("sphinx==", "sphinx==0.", "sphinx: 0."),
        ("numpy==", "numpy==0.", "numpy: 0."),
        ("markupsafe==", "other==", "markupsafe: not locked"),
    ],
)
def test_a_disagreement_is_found(tmp_path: Path, old: str, new: str, message: str):
    for name in ("requirements.txt", "requirements.lock", "pyproject.toml"):
        shutil.copy(pairs.ROOT / name, tmp_path)
    text = (tmp_path / lock.LOCK).read_text()
    assert f"\n{old}" in text
    (tmp_path / lock.LOCK).write_text(text.replace(f"\n{old}", f"\n{new}"))
    (problem,) = lock.check(tmp_path)
    assert problem.startswith(message)


def test_extras_are_followed_and_other_systems_left_out(monkeypatch: pytest.MonkeyPatch):
    needs = {
        "a": ["b[more]>=1", "elsewhere; sys_platform == 'never'"],
        "b": ["c; extra == 'more'", "d; extra == 'other'", "A"],  # a circle
        "c": None,
    }
    monkeypatch.setattr(lock, "requires", needs.__getitem__)
    monkeypatch.setattr(lock, "version", lambda name: "1.0+cpu")
    assert lock.installed(["A==1.0"]) == {"a": "1.0", "b": "1.0", "c": "1.0"}
    assert lock.installed(["b"]) == {"a": "1.0", "b": "1.0", "c": "1.0"}  # a asks for the extra


def test_what_only_this_system_needs_may_be_missing_from_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    needs = {
        "a": ["mine; sys_platform != 'never'", "new; python_version >= '3'", "both"],
        "mine": ["deep"],
        "both": ["deeper; extra == 'no'", "mine; platform_system != 'never'"],
    }
    monkeypatch.setattr(lock, "requires", needs.get)
    monkeypatch.setattr(lock, "version", lambda name: "1.0")
    monkeypatch.setattr(lock, "metadata", lambda name: {})
    shutil.copy(pairs.ROOT / "pyproject.toml", tmp_path)
    assert set(lock.installed(["a"])) == {"a", "mine", "new", "deep", "both"}
    assert set(lock.installed(["a"], everywhere=True)) == {"a", "both"}
    (tmp_path / "requirements.txt").write_text("a==1.0\n", encoding="utf-8")
    for locked, problems in (
        ("a==1.0\nboth==1.0\n", []),
        ("a==1.0\nboth==1.0\nmine==1.0\n", []),
        ("a==1.0\nboth==1.0\nmine==2.0\n", ["mine: 2.0 locked, 1.0 installed here"]),
        ("a==1.0\n", ["both: not locked, 1.0 installed here"]),
    ):
        (tmp_path / lock.LOCK).write_text(locked, encoding="utf-8")
        assert lock.check(tmp_path) == problems


@pytest.mark.parametrize(
    ("asks", "accepted"),
    [
        (None, True),
        (">=3.9", True),
        (">=3.11", True),
        ("!=3.14.1,>=3.11", True),
        (">=3.11.5", False),  # Debian 12 has 3.11.2
        (">=3.12", False),
        ("!=3.11.0", False),
    ],
)
def test_a_pin_that_asks_for_a_later_python_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asks: str | None, accepted: bool
):
    monkeypatch.setattr(lock, "requires", {"a": ["deep"], "deep": None}.get)
    monkeypatch.setattr(lock, "version", lambda name: "1.0")
    about = {"a": {"Requires-Python": ">=3.8"}, "deep": {"Requires-Python": asks} if asks else {}}
    monkeypatch.setattr(lock, "metadata", about.__getitem__)
    (tmp_path / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.11"\n')
    (tmp_path / "requirements.txt").write_text("a==1.0\n", encoding="utf-8")
    (tmp_path / lock.LOCK).write_text("a==1.0\ndeep==1.0\n", encoding="utf-8")
    problems = lock.check(tmp_path)
    if accepted:
        assert problems == []
    else:
        (problem,) = problems
        assert problem.startswith(
            f"deep 1.0: asks for Python {asks}, and pyproject.toml promises 3.11"
        )
