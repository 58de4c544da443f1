"""A run that is killed goes on where it stopped; a file that does not fit is refused."""

from __future__ import annotations

import os
import pickle
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch

from nmcourse.models import LSTM, VanillaRNN
from nmcourse.tasks import MeasureWaitGo
from nmcourse.training import (
    CheckpointError,
    DivergenceError,
    FitManyResult,
    fit,
    fit_many,
    masked_mse,
)
from nmcourse.training.checkpoints import load_tensors, save_tensors

ROOT = Path(__file__).parents[2]

# Run by itself: it kills itself in the middle of a training, or resumes and compares.
SCRIPT = """
import os, signal, sys
import torch
from nmcourse.models import NMRNN, LowRankRNN, Modulator
from nmcourse.tasks import MeasureWaitGo
from nmcourse.training import fit, fit_many, masked_mse

how, kill_at = sys.argv[1], int(sys.argv[2])
calls = 0

def loss(outputs, targets, mask):
    global calls
    calls += 1
    if calls == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return masked_mse(outputs, targets, mask)

def build(generator):
    return NMRNN(
        LowRankRNN(3, 8, 1, 2, generator=generator), Modulator(3, 3, 2, generator=generator)
    ).double()

def train(checkpoint):
    task = MeasureWaitGo([40, 60], measure_times=[20, 30], delay=30, duration=220)
    options = dict(n_steps=30, batch_size=3, loss=loss, weight_decay=0.01, progress=False,
                   checkpoint=checkpoint, checkpoint_every=7)
    if how == "many":
        run = fit_many(build, task, seeds=3, **options)
        models = run.models
    else:
        run = fit(build(torch.Generator().manual_seed(0)), task, **options)
        models = [run.model]
    weights = [values for model in models for values in model.state_dict().values()]
    return [run.losses, run.gradient_norms, *weights]

resumed, used = train("run.pt"), calls
whole = train(None)
assert used == 16, used
assert len(resumed) == len(whole)
assert all(torch.equal(one, two) for one, two in zip(resumed, whole))
assert len(whole[0]) == 30
print("equal")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill so")
@pytest.mark.parametrize("how", ["one", "many"])
def test_a_killed_run_resumes_to_the_same_result(tmp_path, how):
    def run(kill_at: int) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-c", SCRIPT, how, str(kill_at)],
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    assert run(kill_at=18).returncode == -signal.SIGKILL
    assert torch.load(tmp_path / "run.pt", weights_only=True)["step"] == 14
    resumed = run(kill_at=0)
    assert resumed.stdout == "equal\n", resumed.stderr


class Interrupted(Exception):
    pass


def interrupted_at(call: int):
    calls = 0

    def loss(outputs, targets, mask):
        nonlocal calls
        calls += 1
        if calls == call:
            raise Interrupted
        return masked_mse(outputs, targets, mask)

    loss.__qualname__ = "masked_mse"  # the same loss as far as a checkpoint can tell
    return loss


def train(build, task, path=None, loss=masked_mse, **options) -> FitManyResult:
    settings = {"seeds": 2, "n_steps": 12, "checkpoint_every": 4, "progress": False} | options
    return fit_many(build, task, checkpoint=path, loss=loss, **settings)


@pytest.mark.parametrize(
    "options",
    [{}, {"batch_size": 3}, {"schedule": lambda step: 0.9**step}, {"freeze": ("readout",)}],
    ids=["one-cycle", "drawn batches", "own schedule", "frozen"],
)
def test_an_interrupted_run_resumes_to_the_same_result(course_build, task, tmp_path, options):
    path, whole = tmp_path / "run.pt", train(course_build, task, **options)
    with pytest.raises(Interrupted):
        train(course_build, task, path, loss=interrupted_at(7), **options)
    assert torch.load(path, weights_only=True)["step"] == 4
    resumed = train(course_build, task, path, loss=interrupted_at(9), **options)
    assert torch.equal(resumed.losses, whole.losses)
    assert torch.equal(resumed.gradient_norms, whole.gradient_norms)
    for one, two in zip(resumed.models, whole.models, strict=True):
        for first, second in zip(one.parameters(), two.parameters(), strict=True):
            assert torch.equal(first, second)


def test_a_network_from_elsewhere_resumes_too(plain_build, task, tmp_path):
    path, whole = tmp_path / "run.pt", train(plain_build, task)
    with pytest.raises(Interrupted):
        train(plain_build, task, path, loss=interrupted_at(7))
    assert torch.equal(train(plain_build, task, path).losses, whole.losses)


def test_a_finished_run_is_read_and_not_repeated(small, task, tmp_path):
    path = tmp_path / "run.pt"
    whole = train(small, task, path)
    again = train(small, task, path, loss=interrupted_at(1))
    assert torch.equal(whole.losses, again.losses)
    for one, two in zip(whole.models, again.models, strict=True):
        assert torch.equal(one.row_factors, two.row_factors)


def test_a_diverged_seed_stays_diverged_after_resuming(small, task, tmp_path):
    def poisoned(outputs, targets, mask):
        losses = masked_mse(outputs, targets, mask)
        return torch.where(torch.arange(len(losses)) == 1, torch.nan, losses)

    poisoned.__qualname__ = "masked_mse"
    path = tmp_path / "run.pt"
    with pytest.warns(UserWarning, match="seed 1 diverged at step 0"):
        stopped = train(small, task, path, loss=poisoned)
    with pytest.warns(UserWarning, match="seed 1 diverged at step 0"):
        again = train(small, task, path)
    assert again.diverged == {1: 0}
    assert torch.equal(again.models[1].row_factors, stopped.models[1].row_factors)


def test_divergence_is_reported_again_by_fit(small, task, seeded, tmp_path):
    def poisoned(outputs, targets, mask):
        return masked_mse(outputs, targets, mask) * torch.nan

    options = {"n_steps": 5, "checkpoint": tmp_path / "run.pt", "progress": False}
    for _ in range(2):
        with pytest.raises(DivergenceError, match="step 0"):
            fit(small(seeded(0)), task, loss=poisoned, **options)


def test_checkpoints_change_nothing(small, task, tmp_path):
    without = train(small, task)
    with_checkpoints = train(small, task, tmp_path / "new" / "folder" / "run.pt")
    assert torch.equal(without.losses, with_checkpoints.losses)
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["run.pt"]


def test_the_last_step_is_saved_whatever_the_rhythm(small, task, tmp_path):
    path = tmp_path / "run.pt"
    train(small, task, path, checkpoint_every=5)
    assert torch.load(path, weights_only=True)["step"] == 12


# files that do not fit


def refuses(path: Path, *parts: str):
    return pytest.raises(
        CheckpointError, match=".*".join(re.escape(p) for p in (str(path), *parts))
    )


@pytest.mark.parametrize("damage", ["truncated", "overwritten", "empty", "other content", "a list"])
def test_a_damaged_file(small, task, tmp_path, damage):
    path = tmp_path / "run.pt"
    train(small, task, path)
    content = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "overwritten":
        path.write_bytes(b"\0" * len(content))
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        torch.save({"fingerprint": 3} if damage == "other content" else [1, 2], path)
    before = path.read_bytes()
    with refuses(path, "cannot be read", "move it away or name another file to start again"):
        train(small, task, path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"step,loss\n1,0.5\n", "it holds text"),
        ("Übung\n".encode() * 2000, "it holds text"),
        (b"<!DOCTYPE html><html></html>", "it holds text"),
        (safetensors.torch.save({"a": torch.ones(2)}), "it is a safetensors file"),
        (pickle.dumps({"a": 1}, protocol=2), "it is a pickle"),
        (None, "it is a folder"),
    ],
)
def test_a_file_that_was_never_one_of_tensors_is_not_called_damaged(
    small, task, tmp_path, content: bytes | None, kind: str
):
    path = tmp_path / "notes"
    path.mkdir() if content is None else path.write_bytes(content)
    with refuses(path, "is no file of save_tensors", kind, "name another file"):
        load_tensors(str(path))
    with refuses(path, kind):
        train(small, task, path)


@pytest.mark.parametrize(
    ("difference", "options"),
    [
        ("n_steps: 12 there, 13 now", {"n_steps": 13}),
        ("learning_rate: 0.01 there, 0.02 now", {"learning_rate": 0.02}),
        ("batch_size: None there, 3 now", {"batch_size": 3}),
        ("schedule: 'one-cycle' there, 'constant' now", {"schedule": "constant"}),
        ("clip_norm: 1.0 there, None now", {"clip_norm": None}),
        ("clip_value: None there, 1.0 now", {"clip_value": 1.0}),
        ("weight_decay: 0.0 there, 0.1 now", {"weight_decay": 0.1}),
        ("freeze: () there, ('readout',) now", {"freeze": ("readout",)}),
        ("stop_below: None there, 0.001 now", {"stop_below": 1e-3}),
        ("seeds: [0, 1] there, [0, 2] now", {"seeds": [0, 2]}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_run_with_other_settings(small, task, tmp_path, difference, options):
    path = tmp_path / "run.pt"
    train(small, task, path)
    with refuses(path, "belongs to another run", difference, "move it away or name another file"):
        train(small, task, path, **options)


@pytest.mark.parametrize("batch_size", [None, 3])
@pytest.mark.parametrize(
    "other",
    [
        MeasureWaitGo([40, 60], measure_times=[20, 30], delay=30, duration=220, mask_padding=3),
        MeasureWaitGo([40, 50], measure_times=[20, 30], delay=30, duration=220, mask_padding=2),
        MeasureWaitGo(
            [40, 60], measure_times=[20, 30], delay=30, duration=220, mask_padding=2, amplitude=5.0
        ),
    ],
    ids=["mask", "intervals", "amplitude"],
)
def test_another_task_of_the_same_name(small, task, tmp_path, other, batch_size):
    path = tmp_path / "run.pt"
    train(small, task, path, batch_size=batch_size)
    with refuses(path, "belongs to another run (data: MeasureWaitGo", "now)"):
        train(small, other, path, batch_size=batch_size)


def test_another_network_or_type(small, task, tmp_path):
    path = tmp_path / "run.pt"
    train(small, task, path)
    with refuses(path, "parameters:", "'row_factors'", "there", "'recurrent_weights'", "now"):
        train(lambda g: LSTM(3, 4, 1, generator=g).double(), task, path)
    with refuses(path, "parameters:", "torch.float64", "there", "torch.float32", "now"):
        train(lambda g: small(g).float(), task, path)


@pytest.mark.parametrize(
    ("difference", "settings"),
    [
        ("network.tau: 100.0 there, 50.0 now", {"tau": 50.0}),
        ("network.dt: 10.0 there, 5.0 now", {"dt": 5.0}),
        ("network.nonlinearity: ", {"nonlinearity": torch.relu}),
    ],
    ids=["tau", "dt", "nonlinearity"],
)
def test_another_equation_of_equal_parameters(task, tmp_path, difference, settings):
    def build(**options):
        return lambda g: VanillaRNN(3, 4, 1, generator=g, **{"tau": 100.0, "dt": 10.0} | options)

    path = tmp_path / "run.pt"
    train(build(), task, path)
    with refuses(path, "belongs to another run", difference):
        train(build(**settings), task, path)
    old = load_tensors(path)  # as files of older runs, which did not name the equation
    old["fingerprint"] = {k: v for k, v in old["fingerprint"].items() if "network." not in k}
    save_tensors(path, old)
    train(build(), task, path)


def test_a_subclass_of_equal_parameters(task, tmp_path):
    class Doubled(VanillaRNN):
        def velocity(self, state, input, context=None):
            return 2 * super().velocity(state, input, context)

    path = tmp_path / "run.pt"
    train(lambda g: VanillaRNN(3, 4, 1, generator=g), task, path)
    with refuses(path, "network.class: 'VanillaRNN' there", "Doubled' now"):
        train(lambda g: Doubled(3, 4, 1, generator=g), task, path)


def test_another_loss(small, task, tmp_path):
    def squares(outputs, targets, mask):
        return masked_mse(outputs, targets, mask)

    path = tmp_path / "run.pt"
    train(small, task, path)
    with refuses(path, "loss: masked_mse there,", "squares now"):
        train(small, task, path, loss=squares)


class Bomb:
    """Unpickling it would create a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


def test_code_in_a_checkpoint_is_not_executed(small, task, tmp_path):
    path, target = tmp_path / "run.pt", tmp_path / "executed"
    torch.save({"fingerprint": {}, "step": Bomb(target)}, path)
    with refuses(path, "cannot be read"):
        train(small, task, path)
    assert not target.exists()
    torch.load(path, weights_only=False)
    assert target.exists()  # the bomb was live


def test_a_failing_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    save_tensors(path, {"step": 1})

    def fails(content, file):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", fails)
    with pytest.raises(OSError, match="disk full"):
        save_tensors(path, {"step": 2})
    monkeypatch.undo()
    assert torch.load(path, weights_only=True) == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_the_parameters_of_the_lowest_loss_are_kept_through_a_kill(small, task, tmp_path):
    """A run that stops there ends with the same parameters."""

    def learn(n_steps, **options):
        return fit_many(
            small,
            task,
            seeds=[0, 2],
            n_steps=n_steps,
            learning_rate=0.7,
            schedule="constant",
            progress=False,
            **options,
        )

    whole = learn(20, keep_best=True)
    lowest = whole.losses.argmin(dim=0).tolist()
    assert 0 < lowest[0] < 7 < lowest[1] < 19  # before and after the checkpoint that it resumes
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(Interrupted):
        learn(20, keep_best=True, checkpoint=path, checkpoint_every=7, loss=interrupted_at(12))
    again = learn(20, keep_best=True, checkpoint=path, checkpoint_every=7, loss=interrupted_at(99))
    for seed, step in enumerate(lowest):
        there = dict(learn(step).models[seed].named_parameters())
        for best in (whole.best[seed], again.best[seed]):
            assert best.keys() == there.keys()
            for name, values in best.items():
                torch.testing.assert_close(values, there[name], rtol=0, atol=0)
    assert learn(1).best == [{}, {}]


def test_the_optimiser_of_older_files_goes_on(tmp_path: Path):
    """They keep its moments tensor by tensor."""
    task = MeasureWaitGo([40, 60], measure_times=[20, 30], delay=30, duration=220)
    options = {"n_steps": 6, "progress": False, "checkpoint_every": 3}

    def build():
        return LSTM(3, 4, 1, generator=torch.Generator().manual_seed(0))

    def stop(outputs, targets, mask):
        if (tmp_path / "file").exists():
            raise KeyboardInterrupt
        return masked_mse(outputs, targets, mask)

    stop.__qualname__ = masked_mse.__qualname__
    whole = fit(build(), task, **options).model
    with pytest.raises(KeyboardInterrupt):
        fit(build(), task, loss=stop, checkpoint=tmp_path / "file", **options)
    content = load_tensors(tmp_path / "file")
    state = content["optimizer"]["state"][0]
    sizes = [values[0].numel() for values in content["parameters"]]
    content["optimizer"]["state"] = {
        number: {
            "step": state["step"],
            "exp_avg": first.unflatten(1, values.shape[1:]),
            "exp_avg_sq": second.unflatten(1, values.shape[1:]),
        }
        for number, (values, first, second) in enumerate(
            zip(
                content["parameters"],
                state["exp_avg"].split(sizes, 1),
                state["exp_avg_sq"].split(sizes, 1),
                strict=True,
            )
        )
    }
    for group in content["optimizer"]["param_groups"]:
        group["params"] = list(range(len(sizes)))
    save_tensors(tmp_path / "file", content)
    resumed = fit(build(), task, checkpoint=tmp_path / "file", **options).model
    for name, values in whole.state_dict().items():
        assert torch.equal(values, resumed.state_dict()[name]), name
