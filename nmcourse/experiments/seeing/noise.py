"""C8: whose answers survive noise, and what the leak has to do with it.

CordsNet and rivals with as many parameters have learnt the same digits without noise, each in the
manner of its source (``networks``). Then noise comes:

    where    on the pixels, or on the rate of every unit of every area, outside the ReLU
    when     new at every step, or one draw that stays
    measure  fixed for a step, or for a millisecond (a step of dt then has sqrt(2 ms / dt) of it)

Noise on a rate is in units of the area's own activity (root mean square without noise), and a
network with a leak takes dt / tau of it in a step. The CNN, which looks once, is shown one noisy
image, or the mean of all frames that the others saw: the same evidence. Beside that, the same
CordsNet is run with steps of 0.2, 0.5 and 1 time constants, for which the leak alone predicts
variances of alpha / (2 - alpha).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.cordsnet.step_size import accuracy
from nmcourse.experiments.seeing.crossing import images_of
from nmcourse.experiments.seeing.networks import NETWORKS, SETTINGS, of_run
from nmcourse.experiments.seeing.noise_rules import NOISES, RULES
from nmcourse.experiments.training_runs import in_parallel
from nmcourse.models import CordsNet, Seeing, TwinCNN
from nmcourse.tasks import ImageSet
from nmcourse.training import ImageTrial, for_tier

ASKED = tuple(
    name for name in NETWORKS if name != "equilibrium"
)  # a search, which no noise on rates enters
PIXEL_LEVELS = (0.25, 0.5, 1.0, 1.5, 2.0)  # standard deviations of the images
AREA_LEVELS = (0.25, 0.5, 1.0, 2.0, 4.0)  # root mean squares of an area's activity
STEP = 2.0  # ms: the step in which noise per step and noise per ms are the same
ALPHAS = (0.2, 0.5, 1.0)


def run(tier: str, run_dir: Path, tiers: Mapping[str, dict[str, Any]] = SETTINGS) -> dict[str, Any]:
    """Examine every network; resumes where it was killed.

    Args:
        tier: key of ``tiers``.
        run_dir: where unfinished work is kept.
        tiers: settings, see ``networks``.
    """
    settings = for_tier(tier, tiers)
    jobs = {name: partial(_network, name, tier, settings, run_dir / name) for name in ASKED}
    return {"config": settings, "metrics": in_parallel(jobs)}


def _network(name: str, tier: str, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    models, known = of_run(name, tier, settings, folder)
    found: dict[str, Any] = remember(
        folder / "noise.json", partial(_examine, name, models, settings), settings | {"of": known}
    )
    return found


def _examine(name: str, models: Sequence[Seeing], settings: dict[str, Any]) -> dict[str, Any]:
    _, test = images_of(settings)
    start = time.process_time()
    measured: dict[str, Any] = plain(examine(models, test, NETWORKS[name].trial))
    return measured | {"seconds_of_tests": time.process_time() - start}


@torch.no_grad()
def examine(models: Sequence[nn.Module], test: ImageSet, trial: ImageTrial) -> dict[str, Any]:
    """What noise does to each network at the last step with an image.

    Returns:
        For each network: ``clean`` (accuracy without noise), and for each noise in ``NOISES`` a
        list with one entry per level in ``accuracy``, ``maps`` and ``outputs``: the squared
        distance of the read-out areas (of the worse one) and of the outputs from those without
        noise, over their own square.
        ``by_step``: for a CordsNet the distance of its maps with steps of 0.2, 0.5 and 1 time
        constants, noise on the areas, over that at 0.2; for others empty.
    """
    found: dict[str, Any] = {"clean": [], "by_step": []}
    found |= {noise: {"accuracy": [], "maps": [], "outputs": []} for noise in NOISES}
    for number, model in enumerate(models):
        assert isinstance(model, Seeing)
        clean = at_last_step(model, test.images, trial)
        found["clean"].append(accuracy(model.readout(clean), test.labels))
        for noise in NOISES:
            levels = AREA_LEVELS if noise.startswith("areas") else PIXEL_LEVELS
            rows = [_noisy(model, test, trial, clean, noise, std, number) for std in levels]
            for key, values in zip(("accuracy", "maps", "outputs"), zip(*rows, strict=True),
                                   strict=True):  # fmt: skip
                found[noise][key].append(list(values))
        if isinstance(model, CordsNet):
            found["by_step"].append(_by_step(model, test, trial, number))
    return found


def _noisy(
    model: Seeing,
    test: ImageSet,
    trial: ImageTrial,
    clean: Sequence[Tensor],
    noise: str,
    std: float,
    seed: int,
) -> tuple[float, float, float]:
    source = torch.Generator().manual_seed(seed)
    state = at_last_step(model, test.images, trial, noise, std, like=clean, generator=source)
    outputs = model.readout(state)
    pairs = zip(state[-model.n_read :], clean[-model.n_read :], strict=True)
    maps = [_distance(now, before) for now, before in pairs]
    return (
        accuracy(outputs, test.labels),
        max(maps),
        _distance(outputs, model.readout(tuple(clean))),
    )


def _by_step(model: CordsNet, test: ImageSet, trial: ImageTrial, seed: int) -> list[float]:
    """Distances of the maps with other steps, over that with the first of ``ALPHAS``."""
    own, found = model.dt, []
    for alpha in ALPHAS:
        model.dt = alpha * model.tau
        clean = at_last_step(model, test.images, trial)
        found.append(_noisy(model, test, trial, clean, "areas_new_per_step", 0.25, seed)[1])
    model.dt = own
    return [distance / found[0] for distance in found]


def _distance(values: Tensor, before: Tensor) -> float:
    """Squared distance, over the square of what was before."""
    return float((values - before).square().sum() / before.square().sum())


@torch.no_grad()
def at_last_step(
    model: Seeing,
    images: Tensor,
    trial: ImageTrial,
    noise: str = "",
    std: float = 0.0,
    *,
    like: Sequence[Tensor] = (),
    generator: torch.Generator | None = None,
) -> tuple[Tensor, ...]:
    """The state after the last step with an image.

    Args:
        model: the network.
        images: held images.
        trial: how long the image and the blank before it are.
        noise: of ``NOISES``: where, when and by which measure, joined by ``_``; nothing for none.
        std: its standard deviation.
        like: state whose root mean square is the unit of noise on the areas.
        generator: source of the noise.
    """
    where, when, *measure = noise.split("_", 2) if noise else ("", "", "per_step")
    dt = model.dt
    n_blank, n_steps = (round(part / dt) for part in (trial.blank, trial.stimulus))
    if measure == ["per_ms"]:
        std *= (STEP / dt) ** 0.5
    if isinstance(model, TwinCNN):  # without time: it looks once
        n_steps = 1
        if when == "averaged":
            std /= (trial.stimulus / STEP) ** 0.5
    draw = partial(_draw, generator)
    still = images + std * draw(images) if where == "pixels" and when == "staying" else images
    rest = model.rest(n_blank) if n_blank else model.initial_state(1)
    state = tuple(r.expand(len(images), -1, -1, -1) for r in rest)
    leak: Any = model.leak()
    leaks = leak if isinstance(leak, tuple) else (leak,) * len(state)
    sizes = (
        [a * std * r.square().mean().sqrt() for a, r in zip(leaks, like, strict=bool(like))]
        if where == "areas"
        else []
    )
    currents = [draw(r) for r in state] if sizes and when == "staying" else []

    def noisy(place: int, r: Tensor) -> Tensor:
        return r + sizes[place] * (currents[place] if currents else draw(r))

    for _ in range(n_steps):
        shown = images + std * draw(images) if where == "pixels" and when != "staying" else still
        if sizes:
            state = model.step_under_noise(state, shown, noisy)
        else:
            state = model.step(state, shown)
    return state


def _draw(generator: torch.Generator | None, like: Tensor) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype)


AGAIN = (
    "Measured again with the rule as it had been corrected: noise on an area did not go up within "
    "a step in networks that pass their rates on in it, the CNN, the one with feedback, and the "
    "CNN before a rate network. Twelve of the fourteen comparisons kept their numbers; before, "
    "both verdicts were open."
)
EXPERIMENTS = (Experiment(name="noise", run=run, rules={"C8": replace(RULES["C8"], again=AGAIN)}),)
