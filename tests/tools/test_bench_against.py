"""tools.bench_against: a slow-down is told from noise, and the other checkout leaves no trace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import bench_against, pairs
from tools.turns import Measured, Program, ProgramFailed, take_turns

# Takes the time and the memory that the module ``cost`` says.
PROGRAM = """
import sys
from cost import SECONDS
print("ready", flush=True)
for number, _ in enumerate(sys.stdin):
    print(SECONDS * (1 + 0.02 * (number % 3)), 1.0, 50.0, flush=True)
"""


def answers(seconds: list[float], memory: float = 100.0) -> list[Measured]:
    return [Measured(one, one, memory) for one in seconds]


NOISY = [1.0, 1.3, 0.9, 1.1, 1.2, 1.0, 0.95, 1.25, 1.05, 1.15]


def test_noise_is_no_failure():
    verdict = bench_against.judge(answers(NOISY), answers(NOISY[::-1]))
    assert verdict.failures == []
    assert verdict.p > 0.05


def test_equal_times_are_no_failure():
    verdict = bench_against.judge(answers([1.0] * 8), answers([1.0] * 8))
    assert (verdict.time, verdict.p, verdict.failures) == (1.0, 1.0, [])


def test_a_slow_down_under_noise_is_a_failure():
    verdict = bench_against.judge(answers(NOISY), answers([1.2 * one for one in NOISY]))
    assert verdict.time == pytest.approx(1.2)
    assert "1.20 times the processor time" in verdict.failures[0]


def test_a_small_slow_down_is_allowed_however_certain():
    verdict = bench_against.judge(answers(NOISY), answers([1.05 * one for one in NOISY]))
    assert verdict.p < 0.05
    assert verdict.failures == []


def test_a_speed_up_is_no_failure():
    assert bench_against.judge(answers(NOISY), answers([0.5 * x for x in NOISY])).failures == []


def test_memory_counts():
    verdict = bench_against.judge(answers(NOISY, 100.0), answers(NOISY, 120.0))
    assert verdict.failures == ["1.20 times the memory"]


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checkout whose program has become twice as slow since the tag ``old``."""
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "cost.py").write_text("SECONDS = 1.0\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "old")
    git(tmp_path, "tag", "old")
    (tmp_path / "cost.py").write_text("SECONDS = 2.0\n")
    return tmp_path


def test_two_checkouts_are_compared_and_nothing_is_left(repository: Path):
    with bench_against.checked_out("old", repository) as base:
        assert (base / "cost.py").read_text() == "SECONDS = 1.0\n"
        verdict = bench_against.compare("any", base, repository, 8, Path("program.py"))
        back = bench_against.compare("any", repository, base, 8, Path("program.py"))
    assert verdict.time == pytest.approx(2.0)
    assert verdict.failures
    assert not back.failures
    assert not base.exists()
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_a_base_that_is_not_there_is_named(repository: Path):
    with (
        pytest.raises(ValueError, match="BASE must be a tag or a commit, got 'never'"),
        bench_against.checked_out("never", repository),
    ):
        pass


@pytest.mark.parametrize(
    "program",
    [
        pytest.param("print('ready')", id="ends"),
        pytest.param(
            "import os, time; os.close(0); print('ready', flush=True); time.sleep(60)",
            id="reads no more",
        ),
    ],
)
def test_a_program_that_ends_early_is_named(program: str, tmp_path: Path):
    command = [sys.executable, "-c", program]
    with pytest.raises(ProgramFailed, match="ready"):
        take_turns([Program(command, os.environ, tmp_path)], 1)


def test_programs_take_turns_in_both_orders(tmp_path: Path):
    log = tmp_path / "log"
    text = (
        "import sys\nprint('ready', flush=True)\n"
        f"for _ in sys.stdin:\n  open({str(log)!r}, 'a').write(sys.argv[1])\n"
        "  print(1, 1, 1, flush=True)"
    )
    both = [Program([sys.executable, "-c", text, name], os.environ, tmp_path) for name in "ab"]
    assert take_turns(both, 3) == [answers([1.0] * 3, 1.0)] * 2
    assert log.read_text() == "abbaab"


@pytest.mark.parametrize("arguments", [["HEAD", "no_such_network"], ["HEAD", "--rounds", "3"]])
def test_bad_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        bench_against.main(arguments)
    assert "NAME must be of" in (said := capsys.readouterr().err) or "--rounds: 6 or more" in said


def test_its_names_are_those_of_the_program():
    text = (bench_against.pairs.ROOT / bench_against.PROGRAM).read_text(encoding="utf-8")
    assert all(f'"{name}":' in text for name in bench_against.NAMES)


@pytest.mark.slow
def test_imports_are_no_memory_of_a_training():
    """Alone, torch takes over 100 MB, and the training of this network less than 20."""
    program = pairs.ROOT / bench_against.PROGRAM
    environment = os.environ | {"PYTHONPATH": str(pairs.ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", str(program), "low_rank_rnn", "--steps", "2"]
    ((answer,),) = take_turns([Program(command, environment, pairs.ROOT)], 1)
    assert 1 < answer.memory < 60
