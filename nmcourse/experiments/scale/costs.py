"""What each experiment costs: one training step of each kind measured here, and arithmetic from it.

    python -m nmcourse.experiments costs        measures the steps, some minutes

A step is measured as experiments train: several seeds in one batch, one thread, processor seconds
for each network, in a process of its own whose largest memory is noted. Networks that are too large
for this are measured in a short trial of one image: their seconds for each multiply-add, and their
bytes for each step and neuron, are taken to the whole trial.

A training step counts three times the multiply-adds of its forward pass: one forward, two back.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nmcourse.analysis import multiply_adds
from nmcourse.evidence import write_results
from nmcourse.models import CordsNet, TwinCNN
from nmcourse.pretrained import BUILDERS
from nmcourse.tasks import (
    DelayedResponse,
    ElementFinder,
    MeasureWaitGo,
    RowByRowDigits,
    Task,
    digit_images,
)
from nmcourse.training import (
    HELD_IMAGE,
    ImageTrial,
    class_loss,
    cross_entropy_at_end,
    fit_images,
    fit_many,
    fit_many_images,
    inverse_loss,
    masked_mse,
    start_from_cnn,
    trial_loss,
)

NAME = "step_costs"
PLACE = Path(__file__).with_name(f"{NAME}.json")  # no result of a claim, so not among those
COMMAND = "python -m nmcourse.experiments costs"
BACK = 3  # multiply-adds of a training step over those of its forward pass
#: Prefix of a builder -> task, trials of a step, loss: as the experiments at the paper's budget.
TASKS: dict[str, tuple[Callable[[], Task], int | None, Any]] = {
    "measure_wait_go": (MeasureWaitGo, None, masked_mse),
    "multitask": (DelayedResponse, 100, masked_mse),
    "element_finder": (ElementFinder, 128, masked_mse),
    "digits": (RowByRowDigits, 100, cross_entropy_at_end),
}
RECURRENT = tuple(
    f"{prefix}_{kind}"
    for prefix, kinds in {
        "measure_wait_go": ("nm_rnn", "linear_nm_rnn", "low_rank_rnn", "vanilla_rnn", "lstm"),
        "multitask": ("nm_rnn", "low_rank_rnn", "vanilla_rnn", "lstm"),
        "element_finder": ("nm_rnn", "low_rank_rnn", "vanilla_rnn", "lstm", "gru", "attention"),
        "digits": ("nm_rnn", "low_rank_rnn", "vanilla_rnn", "lstm", "gru"),
    }.items()
    for kind in kinds
)
N_SEEDS = 5
SMALL, SMALL_SIZE, SMALL_BATCH, CNN_BATCH = "small-R2", 8, 16, 64
STAGES = ("cnn", "inverse", "linear", "trial", "together")  # trials of one network, of several
LARGE, LARGE_SIZE, SHORT = "R2", 224, (5, 25)  # steps of the two short trials of one image


def measure_steps() -> int:
    """Measure every kind of step, and store it."""
    jobs: dict[str, partial[dict[str, float]]] = {
        name: partial(recurrent_step, name) for name in RECURRENT
    }
    jobs |= {f"{SMALL}_{stage}": partial(small_stage, stage) for stage in STAGES}
    jobs |= {f"{LARGE}_{steps}": partial(large_trial, steps) for steps in SHORT}
    kinds = {}
    for name, job in jobs.items():
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()
        kinds[name] = alone(job)
    sizes = {
        areas: network_sizes(areas, size)
        for areas, size in ((SMALL, SMALL_SIZE), ("R2", 224), ("R4", 224), ("R8", 224))
    }
    outcome = {
        "config": {"n_seeds": N_SEEDS, "threads": 1, "back": BACK},
        "metrics": {"kinds": kinds, "networks": sizes},
    }
    write_results(NAME, outcome, tier="cpu", command=COMMAND, path=PLACE)
    return 0


def alone(job: partial[dict[str, float]]) -> dict[str, float]:
    """What a job gives in a process of its own, and the most memory that this process took."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_with_memory, job).result()


def _with_memory(job: partial[dict[str, float]]) -> dict[str, float]:
    torch.set_num_threads(1)
    before = _most_memory()
    return job() | {"megabytes_before": before, "megabytes": _most_memory()}


def _most_memory() -> float:
    """The most memory that this process has taken so far, in MB."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / (1024**2 if sys.platform == "darwin" else 1024)


def seconds_a_step(train: Callable[[int], object], n_steps: int, rounds: int = 5) -> float:
    """Processor seconds of a step, median over rounds; the first one is not counted."""
    found = []
    for number in range(rounds + 1):
        start = time.process_time()
        train(n_steps)
        if number:
            found.append((time.process_time() - start) / n_steps)
    return statistics.median(found)


def recurrent_step(name: str) -> dict[str, float]:
    """A step of a recurrent network on its task, for each network of a batch of them."""
    prefix = next(prefix for prefix in TASKS if name.startswith(prefix))
    make_task, batch_size, loss = TASKS[prefix]
    task = make_task()

    def train(n_steps: int) -> object:
        return fit_many(
            lambda generator: BUILDERS[name](generator=generator),
            task,
            seeds=N_SEEDS,
            n_steps=n_steps,
            batch_size=batch_size,
            loss=loss,
            progress=False,
        )

    model: nn.Module = BUILDERS[name](generator=torch.Generator().manual_seed(0))
    n_trials = len(task.enumerate()) if batch_size is None else batch_size
    try:
        forward = multiply_adds(model).total * n_trials * task.n_steps
    except ValueError:  # attention: each step looks at all before it
        forward = 0
    return {
        "seconds": seconds_a_step(train, 4) / N_SEEDS,
        "multiply_adds": float(BACK * forward),
    }


def small_stage(stage: str) -> dict[str, float]:
    """A step of a stage of CordsNet at the size of this course; see ``adds_of_stage``."""
    images = digit_images("train", SMALL_SIZE).normalised()
    generator = torch.Generator().manual_seed(0)
    cnn = TwinCNN(SMALL, 1, 10, image_size=SMALL_SIZE, generator=generator)
    batch = CNN_BATCH if stage in ("cnn", "inverse") else SMALL_BATCH
    options: dict[str, Any] = {"batch_size": batch, "progress": False, "learning_rate": 1e-6}
    if stage == "together":
        build = partial(CordsNet, SMALL, 1, 10, image_size=SMALL_SIZE)
        loss = partial(trial_loss, trial=ImageTrial())

        def train(n_steps: int) -> object:
            return fit_many_images(
                lambda generator: build(generator=generator),
                images,
                loss,
                seeds=N_SEEDS,
                n_steps=n_steps,
                **options,
            )

        seconds = seconds_a_step(train, 1, 3) / N_SEEDS
    else:
        folded = cnn.fold()
        model: nn.Module = cnn if stage == "cnn" else start_from_cnn(folded, generator=generator)
        losses: dict[str, Any] = {
            "cnn": class_loss,
            "inverse": partial(inverse_loss, target=folded),
            "linear": partial(trial_loss, trial=HELD_IMAGE),
            "trial": partial(trial_loss, trial=ImageTrial()),
        }
        model = CordsNet(SMALL, 1, 10, image_size=SMALL_SIZE) if stage == "trial" else model
        seconds = seconds_a_step(
            lambda n: fit_images(model, images, losses[stage], n_steps=n, **options), 4
        )
    return {
        "seconds": seconds,
        "multiply_adds": adds_of_stage(stage, network_sizes(SMALL, SMALL_SIZE), batch),
    }


def large_trial(n_steps: int) -> dict[str, float]:
    """A training step of the published R2 on one image, in a trial of a few time steps."""
    generator = torch.Generator().manual_seed(0)
    model = CordsNet(LARGE, 1, 10, image_size=LARGE_SIZE, generator=generator)
    images = digit_images("train", 8).subset(slice(1)).resized(LARGE_SIZE).normalised()
    milliseconds = n_steps * model.dt
    trial = ImageTrial(
        blank=0, stimulus=milliseconds, after=0, window=model.dt, rest_window=0, rest_coefficient=0
    )
    loss = partial(trial_loss, trial=trial)
    seconds = seconds_a_step(
        lambda n: fit_images(model, images, loss, n_steps=n, progress=False), 1, 3
    )
    sizes = network_sizes(LARGE, LARGE_SIZE)
    forward = sizes["per_stimulus"] + n_steps * sizes["per_step"]
    return {"seconds": seconds, "multiply_adds": BACK * forward}


def network_sizes(areas: str, size: int) -> dict[str, float]:
    """Neurons, parameters and multiply-adds of a CordsNet."""
    found = CordsNet(areas, 1, 10, image_size=size).sizes()
    names = ("n_units", "n_parameters", "per_stimulus", "per_step", "per_step_stem_once")
    return {name: float(getattr(found, name)) for name in names}


def adds_of_stage(stage: str, sizes: Mapping[str, float], batch: int) -> float:
    """Multiply-adds of a training step of a stage, for a batch of images.

    The CNN uses each convolution once; the inverse stage its recurrent ones four times. The linear
    stage has 100 steps. A whole trial has 300, of which the first 100 have no gradient; for several
    networks together it is the same for each.
    """
    once = sizes["per_step_stem_once"]
    forward = {
        "cnn": BACK * once,
        "inverse": BACK * 4 * once,
        "linear": BACK * (sizes["per_stimulus"] + 100 * sizes["per_step"]),
        "trial": BACK * (sizes["per_stimulus"] + 200 * sizes["per_step"]) + 100 * sizes["per_step"],
    }
    forward["together"] = forward["trial"]
    return batch * forward[stage]
