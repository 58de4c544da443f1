"""Jobs and sweeps: what fails is named, and stops nothing else; a killed worker changes nothing."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch

from nmcourse.experiments.__main__ import main
from nmcourse.experiments.scale.configuration import Configuration, store
from nmcourse.experiments.scale.jobs import JOBS, JobsFailed, run_command, submitted
from nmcourse.experiments.scale.sweep import run_sweep
from nmcourse.experiments.training_runs import WORKERS, in_parallel, n_workers
from nmcourse.training import load_tensors

ROOT = Path(__file__).parents[3]
TRAIN = ["network=measure_wait_go_nm_rnn", "task=MeasureWaitGo"]


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def sweep(folder: Path, **changes) -> Configuration:
    base = {"what": "train", "settings": dict(word.split("=") for word in TRAIN)}
    settings = {"base": base, "over": {"options.n_steps": [0, 1]}}
    return Configuration(what="sweep", settings=settings, folder=str(folder)).with_(**changes)


def test_jobs_that_fail_or_are_killed_stop_no_other(tmp_path: Path):
    jobs = {
        "root_of_four": partial(math.sqrt, 4),
        "root_of_less_than_nothing": partial(math.sqrt, -1),
        "killed": partial(signal.raise_signal, signal.SIGKILL),
        "root_of_nine": partial(math.sqrt, 9),
    }
    heard = []
    outcomes = submitted(
        jobs, sweep(tmp_path, launcher="local", devices=2), on_end=lambda *end: heard.append(end)
    )
    assert outcomes.done == {"root_of_four": 2.0, "root_of_nine": 3.0}
    assert set(outcomes.failed) == {"root_of_less_than_nothing", "killed"}
    assert outcomes.failed["root_of_less_than_nothing"].startswith("ValueError")
    assert {name for name, why in heard if not why} == set(outcomes.done)
    assert str(JobsFailed(outcomes)).startswith("2 of 4 failed, the others have finished: ")


def test_trainings_of_a_claim_are_jobs_of_the_launcher(tmp_path: Path, monkeypatch):
    stored = store(sweep(tmp_path, launcher="local", devices=2))
    monkeypatch.setenv(JOBS, str(stored))
    with pytest.raises(JobsFailed, match=r"1 of 2 failed.*bad: ValueError") as error:
        in_parallel({"good": partial(math.sqrt, 4), "bad": partial(math.sqrt, -1)})
    assert error.value.outcomes.done == {"good": 2.0}


def test_the_number_of_trainings_at_a_time_is_what_is_said(monkeypatch):
    monkeypatch.setenv(WORKERS, "3")
    assert n_workers() == 3
    for said in ("0", "many"):
        monkeypatch.setenv(WORKERS, said)
        with pytest.raises(ValueError, match=f"NMCOURSE_WORKERS must be .* got '{said}'"):
            n_workers()


def test_a_command_that_fails_says_why(tmp_path: Path):
    log = str(tmp_path / "log.txt")
    with pytest.raises(RuntimeError, match="exit status 3: so it is"):
        run_command([sys.executable, "-c", "print('so it is'); exit(3)"], log, os.environ)
    killed = "import signal; signal.raise_signal(9)"
    with pytest.raises(RuntimeError, match="killed by signal 9"):
        run_command([sys.executable, "-c", killed], log, os.environ)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["here", "local"])
def test_a_sweep_finishes_the_others_and_names_those_that_failed(launcher, tmp_path: Path):
    heard: list[str] = []
    with pytest.raises(JobsFailed) as error:
        run_sweep(sweep(tmp_path, launcher=launcher, devices=2), heard.append)
    text = str(error.value)
    assert text.startswith("1 of 2 failed, the others have finished: options.n_steps-0: ")
    assert "n_steps must be a positive integer, got 0" in text
    summary = json.loads((tmp_path / "sweep.json").read_text())
    finished = {name: one["steps"] for name, one in summary["results"].items()}
    assert finished == {"options.n_steps-1": 1}
    assert list(summary["failed"]) == ["options.n_steps-0"]
    assert heard[0] == "2 members, 0 of them finished before"


def test_what_has_finished_is_not_run_again(tmp_path: Path):
    for name in ("options.n_steps-1", "options.n_steps-0"):
        place = tmp_path / "members" / name
        place.mkdir(parents=True)
        (place / "result.json").write_text('{"steps": 7}')
    found = run_sweep(sweep(tmp_path), lambda line: None)
    assert [one["steps"] for one in found.values()] == [7, 7]


@pytest.mark.slow
def test_a_killed_worker_changes_nothing_but_the_time(tmp_path: Path):
    """Two workers, one killed with SIGKILL, then one worker alone: the weights of a quiet run."""
    words = ["run", "train", "--checkpoint-every", "5", "--precision", "64-true"]
    words += ["--set", *TRAIN, "options.n_steps=400", "options.batch_size=10"]
    killed, quiet = tmp_path / "killed", tmp_path / "quiet"
    command = [sys.executable, "-m", "nmcourse.experiments", *words, "--devices", "2"]
    with subprocess.Popen(
        [*command, "--folder", str(killed)], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL,
    ) as run:  # fmt: skip
        assert run.stdout is not None
        lines = iter(run.stdout.readline, "")
        introduced = next(line for line in lines if "of 2: process" in line)
        process = int(introduced.partition("process ")[2].split()[0])
        until(lambda: (killed / "checkpoint.pt").exists())
        os.kill(process, signal.SIGKILL)
        run.stdout.read()
        assert run.wait() != 0
    kept = len(load_tensors(killed / "checkpoint.pt")["losses"])
    assert 0 < kept < 400
    assert not (killed / "result.json").exists()
    assert main(["run", str(killed / "configuration.json"), "--devices", "1"]) == 0
    assert main([*words, "--folder", str(quiet)]) == 0
    resumed, wanted = (load_tensors(folder / "weights.pt") for folder in (killed, quiet))
    for name, values in wanted.items():
        torch.testing.assert_close(resumed[name], values, rtol=1e-7, atol=1e-9, msg=name)


def until(there, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
def test_a_claim_is_run_by_its_own_command(tmp_path: Path, capfd):
    assert main(["run", "N1", "--tier", "smoke", "--folder", str(tmp_path)]) == 0
    assert "N1" in capfd.readouterr().out
    assert (tmp_path / "prescribed_gain/smoke/results.json").exists()
    assert json.loads((tmp_path / "result.json").read_text()) == {"claim": "N1"}
    assert main(["run", "N99", "--tier", "smoke", "--folder", str(tmp_path / "b")]) != 0
