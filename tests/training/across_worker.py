"""What each worker does in ``test_across.py``: the same trainings as one process, dealt out.

torchrun --nproc-per-node 2 across_worker.py OUT SHARDS CHECKPOINT
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from nmcourse.models import NMRNN, CordsNet, LowRankRNN, Modulator, TwinCNN, as_written
from nmcourse.tasks import MeasureWaitGo, ShardedImages, digit_images
from nmcourse.training import (
    FitResult,
    ImageTrial,
    class_loss,
    fit_across,
    fit_images_across,
    trial_loss,
)

TRIAL = ImageTrial(blank=10, stimulus=20, after=10, window=10, rest_window=4)
STEPS = {"n_steps": 4, "progress": False}
IMAGES = STEPS | {"batch_size": 15}


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def nm_rnn(dtype: torch.dtype = torch.float64) -> nn.Module:
    g = seeded()
    network = LowRankRNN(3, 20, 1, rank=2, generator=g)
    return NMRNN(network, Modulator(3, 4, 2, generator=g)).to(dtype)


def cnn() -> nn.Module:
    return TwinCNN("small-R1", 1, 10, image_size=6, generator=seeded()).double().train()


def cordsnet() -> nn.Module:
    return CordsNet("small-R1", 1, 10, image_size=6, generator=seeded()).double()


def digits():
    return digit_images("train", size=6).subset(slice(60)).normalised().to(torch.float64)


def whole_trial(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The loss of a trial, by the fast path: inside a worker no part of the model has changed."""
    assert as_written(model)
    return trial_loss(model, images, labels, TRIAL)


def found(result: FitResult) -> dict[str, Tensor]:
    state = {f"model.{name}": values for name, values in result.model.state_dict().items()}
    return {"losses": result.losses, "norms": result.gradient_norms} | state


def trainings(fabric, shards: Path, checkpoint: Path) -> dict[str, FitResult]:
    sharded = ShardedImages(shards, normalised=True, dtype=torch.float64)
    go_on = {"n_steps": 6, "batch_size": 8, "progress": False}
    images = partial(fit_images_across, fabric)
    return {
        "trials": fit_across(fabric, nm_rnn(), MeasureWaitGo(), **STEPS),
        "parts": fit_across(fabric, nm_rnn(), MeasureWaitGo(), accumulate=3, **STEPS),
        "frozen": fit_across(
            fabric, nm_rnn(), MeasureWaitGo(), freeze=("readout",), clip_value=1e-3, **STEPS
        ),
        "resumed": fit_across(
            fabric, nm_rnn(), MeasureWaitGo(), checkpoint=checkpoint, checkpoint_every=2, **go_on
        ),
        "normalised": images(cnn(), digits(), class_loss, **IMAGES),
        "time": images(cordsnet(), digits(), whole_trial, max_shift=1, **IMAGES),
        "sharded": images(cordsnet(), sharded, whole_trial, **IMAGES),
    }


if __name__ == "__main__":
    import os

    from lightning_fabric import Fabric

    out, shards, checkpoint = map(Path, sys.argv[1:])
    workers = int(os.environ["WORLD_SIZE"])
    worker = Fabric(accelerator="cpu", devices=workers, strategy="ddp")
    worker.launch()
    results = {
        name: found(result) for name, result in trainings(worker, shards, checkpoint).items()
    }
    torch.save(results, out / f"{worker.global_rank}.pt")
