"""Several workers give what one process gives; one that is killed changes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import torch

from nmcourse.experiments.scale.alone import Alone
from nmcourse.tasks import ImageSet, MeasureWaitGo, ShardedImages, digit_images, write_shards
from nmcourse.training import (
    CheckpointError,
    DivergenceError,
    class_loss,
    fit,
    fit_across,
    fit_images,
    fit_images_across,
    masked_mse,
)
from tests.training import across_worker as worker

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty digits in shards of 25."""
    images = digit_images("train", size=6).subset(slice(60))
    return write_shards(images, tmp_path_factory.mktemp("digits") / "shards", per_shard=25)


@pytest.fixture(scope="module")
def half_way(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a single process that was stopped after two of six steps."""
    path = tmp_path_factory.mktemp("half") / "checkpoint.pt"
    stopped_after(2, path)
    return path


def stopped_after(steps: int, path: Path) -> None:
    """Train until an error after so many steps, with a checkpoint after every second one."""
    left = steps

    def loss(outputs, targets, mask):
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        return masked_mse(outputs, targets, mask)

    loss.__qualname__ = masked_mse.__qualname__  # a checkpoint knows a loss by its name
    with pytest.raises(KeyboardInterrupt):
        fit_across(
            Alone(),
            worker.nm_rnn(),
            MeasureWaitGo(),
            checkpoint=path,
            checkpoint_every=2,
            loss=loss,
            weigh=lambda trials: trials.mask.sum(dim=(1, 2)),
            **worker.STEPS | {"n_steps": 6, "batch_size": 8},
        )


@cache
def single(shards: Path) -> dict[str, dict[str, torch.Tensor]]:
    """The same trainings by ``fit`` and ``fit_images``, in this process."""
    sharded = ShardedImages(shards, normalised=True, dtype=torch.float64).load()
    model, task = worker.nm_rnn, MeasureWaitGo()
    clipped = {"freeze": ("readout",), "clip_value": 1e-3}
    six = worker.STEPS | {"n_steps": 6, "batch_size": 8}
    moved = {"max_shift": 1} | worker.IMAGES
    results = {
        "trials": fit(model(), task, **worker.STEPS),
        "frozen": fit(model(), task, **clipped, **worker.STEPS),
        "resumed": fit(model(), task, **six),
        "normalised": fit_images(worker.cnn(), worker.digits(), class_loss, **worker.IMAGES),
        "time": fit_images(worker.cordsnet(), worker.digits(), worker.whole_trial, **moved),
        "sharded": fit_images(worker.cordsnet(), sharded, worker.whole_trial, **worker.IMAGES),
    }
    results["parts"] = results["trials"]
    return {name: worker.found(result) for name, result in results.items()}


def assert_equal(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        torch.testing.assert_close(found[name], values, rtol=1e-9, atol=1e-11, msg=name)


def test_one_worker_is_fit_itself(shards: Path, half_way: Path, tmp_path: Path):
    checkpoint = shutil.copy(half_way, tmp_path)
    results = worker.trainings(Alone(), shards, Path(checkpoint))
    wanted = single(shards)
    assert results.keys() == wanted.keys()
    for name, result in results.items():
        assert_equal(worker.found(result), wanted[name])


@pytest.mark.slow
@pytest.mark.parametrize("n_workers", [2, 4])
def test_several_workers_give_what_one_gives(
    n_workers: int, shards: Path, half_way: Path, tmp_path: Path
):
    checkpoint = shutil.copy(half_way, tmp_path)
    command = [sys.executable, "-W", "error", "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", str(n_workers), worker.__file__]
    command += [str(tmp_path), str(shards), str(checkpoint)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr[-3000:]
    wanted = single(shards)
    for rank in range(n_workers):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert found.keys() == wanted.keys()
        for name, values in found.items():
            assert_equal(values, wanted[name])


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def test_a_checkpoint_goes_on_where_it_ends(half_way: Path, tmp_path: Path):
    kept = torch.load(half_way, weights_only=True)
    assert len(kept["losses"]) == 2
    other = {"n_steps": 7, "batch_size": 8, "progress": False}
    with pytest.raises(CheckpointError, match="n_steps: 6 there, 7 now"):
        fit_across(Alone(), worker.nm_rnn(), MeasureWaitGo(), checkpoint=half_way, **other)
    damaged = tmp_path / "damaged.pt"
    damaged.write_bytes(half_way.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="cannot be read"):
        fit_across(Alone(), worker.nm_rnn(), MeasureWaitGo(), checkpoint=damaged, **other)


def test_parameters_are_as_they_were_afterwards():
    model = worker.nm_rnn()
    fit_across(Alone(), model, MeasureWaitGo(), freeze=("readout",), **worker.STEPS)
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    cnn = worker.cnn()
    fit_images_across(Alone(), cnn, worker.digits(), class_loss, **worker.IMAGES)
    norms = {type(part) for part in cnn.modules() if isinstance(part, torch.nn.BatchNorm2d)}
    assert norms == {torch.nn.BatchNorm2d}


def test_divergence_is_noticed():
    model = worker.nm_rnn()
    with pytest.raises(DivergenceError, match="diverged at step"):
        fit_across(Alone(), model, MeasureWaitGo(), learning_rate=1e300, **worker.STEPS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"accumulate": 0}, "accumulate must be a positive integer, got 0"),
        ({"accumulate": 41}, "batch_size must be at least the 41 parts that 1 workers take, 41"),
        ({"device": "cpu"}, "device must be None where a Fabric places the network, got 'cpu'"),
        ({"keep_best": True}, "keep_best must be False across workers, got True"),
        ({"capture": True}, "capture must be False across workers, got True"),
        ({"loss": lambda o, t, m: o.sum()}, "weigh must say what each trial counts in a loss"),
        ({"weigh": 3}, "weigh must be a function"),
        ({"checkpoint_every": 0}, "checkpoint_every must be a positive integer, got 0"),
        ({"n_steps": 0}, "n_steps must be a positive integer, got 0"),
    ],
)
def test_bad_settings_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        fit_across(Alone(), worker.nm_rnn(), MeasureWaitGo(), **worker.STEPS | options)


def test_images_must_be_images():
    with pytest.raises(ValueError, match="images must be an ImageSet or ShardedImages, got int"):
        fit_images_across(Alone(), worker.cordsnet(), 3, class_loss, **worker.IMAGES)
    images = digit_images("train", size=6).subset(slice(4))
    assert isinstance(images, ImageSet)
    with pytest.raises(ValueError, match="batch_size must be at most the 4 images given, got 15"):
        fit_images_across(Alone(), worker.cordsnet(), images, class_loss, **worker.IMAGES)


def test_mixed_precision_follows_the_whole_one():
    """Gradients, written out by hand or not, are those of single precision but for three digits."""
    fabric_module = pytest.importorskip("lightning_fabric")
    fabric = fabric_module.Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
    images, task = worker.digits().to(torch.float32), MeasureWaitGo()
    for run in (
        lambda on: fit_across(on, worker.nm_rnn(torch.float32), task, **worker.STEPS),
        lambda on: fit_images_across(
            on, worker.cordsnet().float(), images, worker.whole_trial, **worker.IMAGES
        ),
    ):
        mixed, whole = run(fabric), run(Alone())
        torch.testing.assert_close(mixed.losses, whole.losses, rtol=2e-2, atol=0)
        torch.testing.assert_close(mixed.gradient_norms, whole.gradient_norms, rtol=5e-2, atol=0)
        assert not torch.equal(mixed.losses, whole.losses)
