"""One configuration: complete, printed, stored, and refused where it does not fit."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from nmcourse.experiments.__main__ import main
from nmcourse.experiments.scale.configuration import (
    NEEDED,
    Configuration,
    ConfigurationError,
    from_mapping,
    read,
    store,
)
from nmcourse.experiments.scale.engines import MissingEngine, engine, executor, torchrun
from nmcourse.experiments.scale.sweep import members

TRAIN = {"network": "measure_wait_go_nm_rnn", "task": "MeasureWaitGo", "options": {"n_steps": 2}}


def configuration(folder: Path, **changes) -> Configuration:
    return Configuration(what="train", settings=TRAIN, folder=str(folder)).with_(**changes)


def test_what_is_printed_is_what_is_stored(tmp_path: Path, capsys):
    words = ["run", "train", "--folder", str(tmp_path / "run"), "--seed", "3"]
    words += ["--set", "network=measure_wait_go_nm_rnn", "task=MeasureWaitGo", "options.n_steps=2"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    text, _, after = printed.partition("}\nworker 0 of 1: process ")
    assert after
    stored = tmp_path / "run" / "configuration.json"
    assert stored.read_text() == text + "}\n"
    assert read(stored) == configuration(tmp_path / "run", seed=3)
    assert json.loads((tmp_path / "run/result.json").read_text())["steps"] == 2


def test_a_run_goes_on_with_other_workers_and_not_with_other_settings(tmp_path: Path):
    store(configuration(tmp_path))
    store(configuration(tmp_path, devices=2, accumulate=4, launcher="local"))
    assert read(tmp_path / "configuration.json").devices == 2
    for name, value in {"seed": 1, "precision": "64-true", "tier": "smoke"}.items():
        with pytest.raises(ConfigurationError, match=f"^{name} must be .* to go on in"):
            store(configuration(tmp_path, **{name: value}))


def test_only_showing_stores_nothing(tmp_path: Path, capsys):
    assert main(["run", "N8", "--show", "--folder", str(tmp_path / "a"), "--tier", "gpu"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["what"] == "claim"
    assert shown["settings"]["claim"] == "N8"
    assert shown["tier"] == "gpu"
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"what": "dance"}, "what must be one of claim, stages, train, sweep, got 'dance'"),
        ({"tier": "tpu"}, "tier must be one of smoke, cpu, gpu, got 'tpu'"),
        ({"devices": 0}, "devices must be a positive integer, got 0"),
        ({"seed": -1}, "seed must be zero or a positive integer, got -1"),
        ({"precision": "8"}, "precision must be one of 32-true, 64-true, bf16-mixed, got '8'"),
        ({"nodes": 2}, "rendezvous must be HOST:PORT where nodes=2 machines"),
        ({"nodes": 2, "launcher": "local"}, "nodes must be 1 with launcher 'local', got 2"),
        ({"slurm": "gpu"}, "slurm must be names and values, got 'gpu'"),
        (
            {"settings": {"netwrok": 1}},
            "settings of train: no 'netwrok'; there are network",
        ),
        ({"settings": {"network": "x"}}, "settings of train: 'task' must be given"),
        ({"settings": 3}, "settings must be names and values, got 3"),
    ],
)
def test_a_bad_value_is_named(changes, message, tmp_path: Path):
    record = {"what": "train", "settings": TRAIN, "folder": str(tmp_path)}
    with pytest.raises(ConfigurationError) as error:
        from_mapping(record | changes)
    assert message in str(error.value)


def test_a_file_that_is_none_is_named(tmp_path: Path, capsys):
    path = tmp_path / "mine.json"
    for text, message in {
        "{": "is not valid JSON",
        "[]": "must be an object, got list",
        '{"what": "train"}': "field 'settings' is missing",
        '{"wht": 1}': "no field 'wht'; there are what, settings, folder",
    }.items():
        path.write_text(text)
        assert main(["run", str(path)]) == 1
        assert message in capsys.readouterr().err
    assert main(["run", str(tmp_path / "none.json")]) == 1
    assert "no configuration" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["network=nothing", "task=MeasureWaitGo"], "network must be one of"),
        (["network=measure_wait_go_lstm", "task=Task"], "task must be one of "),
        (["network=measure_wait_go_lstm", "task=MeasureWaitGo"], "n_steps"),
        (["network=measure_wait_go_lstm", "task=MeasureWaitGo", "kwargs.a=1"], "'a'"),
        (["network"], "--set must be given NAME=VALUE, got 'network'"),
    ],
)
def test_bad_settings_of_a_training_are_named(settings, message, tmp_path: Path, capsys):
    words = ["run", "train", "--folder", str(tmp_path), "--set"]
    assert main([*words, *settings]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "configuration.json").exists()  # the right ones may follow there
    text = configuration(tmp_path, seed=3, settings=TRAIN | {"task": "Task"}).text()
    (tmp_path / "configuration.json").write_text(text)
    assert main(["run", str(tmp_path / "configuration.json")]) == 1
    assert (tmp_path / "configuration.json").read_text() == text  # a person has written it
    capsys.readouterr()


@pytest.mark.parametrize("what", NEEDED)
def test_what_is_missing_is_asked_for_with_an_example_that_works(what: str, capsys):
    with pytest.raises(ConfigurationError, match=r"must be given, for example: python") as error:
        Configuration(what=what, settings={}, folder="x")
    words = str(error.value).partition("nmcourse.experiments ")[2].split()
    assert main([*words, "--show"]) == 0
    assert json.loads(capsys.readouterr().out)["what"] == what


def test_bad_settings_of_stages_are_named(tmp_path: Path, capsys):
    for setting, message in {
        "images=/nowhere": "images must be 'digits', 'mnist' or a folder of pictures or shards",
        "areas=R3": "areas must be one of R2, R4",
        "until=dawn": "until must be one of cnn, fold, inverse, linear, annealed, fine-tuned",
        "recipe.steps=3": "'steps'",
    }.items():
        folder = tmp_path / setting.partition("=")[0]
        words = ["run", "stages", "--tier", "smoke", "--folder", str(folder), "--set", setting]
        assert main(words) == 1
        assert message in capsys.readouterr().err


def test_members_of_a_sweep_are_all_combinations(tmp_path: Path):
    over = {"seed": [0, 1], "options.learning_rate": [1e-3, 1e-2]}
    sweep = Configuration(
        what="sweep",
        settings={"base": {"what": "train", "settings": TRAIN}, "over": over},
        folder=str(tmp_path),
        precision="64-true",
    )
    found = members(sweep)
    assert list(found) == [
        "seed-0_options.learning_rate-0.001",
        "seed-0_options.learning_rate-0.01",
        "seed-1_options.learning_rate-0.001",
        "seed-1_options.learning_rate-0.01",
    ]
    last = found["seed-1_options.learning_rate-0.01"]
    assert (last.seed, last.precision) == (1, "64-true")
    assert last.settings["options"] == {"n_steps": 2, "learning_rate": 0.01}
    assert last.path == tmp_path / "members" / "seed-1_options.learning_rate-0.01"


@pytest.mark.parametrize(
    ("base", "over", "message"),
    [
        ({"what": "sweep"}, {"seed": [0]}, "'base' must be a claim, stages or train, got 'sweep'"),
        ("N8", {"seed": [0]}, "'base' must be a claim, stages or train, got 'N8'"),
        ({"what": "train"}, {}, "'over' must name values"),
        ({"what": "train"}, {"seed": 3}, "must give a list of values for 'seed', got 3"),
        ({"what": "train", "settings": TRAIN}, {"seed": [0, 0]}, "two members are named 'seed-0'"),
        ({"what": "train", "settings": TRAIN}, {"task.a": [0]}, "'task.a' leads into"),
    ],
)
def test_a_bad_sweep_is_named(base, over, message, tmp_path: Path):
    settings = {"base": base, "over": over}
    sweep = Configuration(what="sweep", settings=settings, folder=str(tmp_path))
    with pytest.raises(ConfigurationError, match=message):
        members(sweep)


def test_the_command_of_several_machines(tmp_path: Path):
    run = configuration(tmp_path, devices=8, nodes=4, rendezvous="host:29400", restarts=3)
    command = torchrun(run, ["run", "x.json"])
    text = " ".join(command)
    assert "--nproc-per-node 8" in text
    assert "--nnodes 4 --rdzv-backend c10d --rdzv-endpoint host:29400" in text
    assert "--max-restarts 3" in text
    assert text.endswith("-m nmcourse.experiments run x.json")
    assert "--standalone" in torchrun(configuration(tmp_path, devices=2), [])


def test_a_missing_engine_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(MissingEngine, match=r"submitit is not installed.*pip install 'nmcourse\["):
        engine("submitit")


def test_slurm_is_asked_for_where_there_is_none(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="launcher 'slurm' cannot be used"):
        executor(configuration(tmp_path, launcher="slurm"))


def test_what_slurm_is_asked_for(tmp_path: Path, monkeypatch):
    """With commands of SLURM that only keep what they are given."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"sbatch": "echo Submitted batch job 12", "srun": "", "sacct": ""}.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    run = configuration(tmp_path, launcher="slurm", slurm={"slurm_partition": "gpu"})
    job = executor(run, tasks=8, nodes=4).submit(math.sqrt, 4)
    assert job.job_id == "12"
    script = next(tmp_path.rglob("*_submission.sh")).read_text()
    for line in ("--nodes=4", "--ntasks-per-node=8", "--partition=gpu"):
        assert f"#SBATCH {line}\n" in script
    with pytest.raises(ConfigurationError, match="launcher 'slurm' cannot be used with slurm="):
        executor(run.with_(slurm={"slurm_partitoin": "gpu"}))
