"""F15, F16: is the recurrent gain the clock of a trained CordsNet, and what does a slow clock buy?

All recurrent drives of networks that learnt digits are scaled by one gain; nothing is retrained.

    late     five images, held for 3 s in float64 from the rest under that gain: the time constant
             of the last approach, against that of the units that are active at its end
    answer   images held for 1 s: when the state has settled, and when the answer is ready
    noise    200 ms with noise on all rates, repeated: signal and noise of the outputs apart

Two mistakes are measured beside it: a time constant fitted from 100 to 200 ms, when several modes
are left, and units counted as active because their rate is above zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nmcourse import pretrained
from nmcourse.analysis import (
    active_units,
    expected_time_constant,
    late_recurrence,
    late_time_constant,
    ready_after,
)
from nmcourse.evidence import Experiment, remember
from nmcourse.experiments.eye.gain_clock_rules import GAINS, HIGH, LOW, RULES, gain_name
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.models import AreaGains, CordsNet
from nmcourse.tasks import digit_images
from nmcourse.training import for_tier

NETWORKS = "digits_cordsnet_published"  # settings were tried on those called "lasting" before
SETTLES = 0.05  # of the distance between rest and fixed point
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "n_networks": 10,
        "n_late": 5,
        "late_steps": 1500,
        "seen_steps": 500,
        "n_images": 50,
        "settle_steps": 500,
        "n_repeats": 4,
        "noise_std": 1.0,
    },
    "smoke": {
        "n_networks": 1,
        "n_late": 1,
        "late_steps": 500,
        "seen_steps": 50,
        "n_images": 10,
        "settle_steps": 100,
        "n_repeats": 2,
        "noise_std": 1.0,
    },
}
SETTINGS["gpu"] = at_paper_scale("gain_clock", SETTINGS["cpu"])
State = tuple[Tensor, ...]


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Measure every network at every gain; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    models = pretrained.load_all(NETWORKS, kind=CordsNet)
    rows = [
        remember(run_dir / f"{k}.json", partial(measure, model, settings, k), settings)
        for k, model in enumerate(models[: settings["n_networks"]])
    ]
    metrics: dict[str, Any] = {"n_right": [row["n_right"] for row in rows]}
    for name in map(gain_name, GAINS):
        metrics[name] = {key: [row[name][key] for row in rows] for key in rows[0][name]}
    return {"config": settings, "metrics": metrics}


@torch.no_grad()
def measure(model: CordsNet, settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """One network at all gains."""
    digits = digit_images("test", size=8).normalised(like=digit_images("train", size=8))
    digits = digits.subset(slice(settings["n_images"]))
    answers = {g: _answers(model, g, digits.images, settings) for g in GAINS}
    right = torch.stack([answers[g][0].argmax(dim=-1) == digits.labels for g in (LOW, HIGH)])
    both = right.all(dim=0)
    found: dict[str, Any] = {"n_right": int(both.sum())}
    for g in GAINS:
        outputs, settled, ready = answers[g]
        margins, noisy = _noisy(model, g, digits.images, digits.labels, outputs, settings, seed)
        chosen = both if both.any() else torch.ones_like(both)
        found[gain_name(g)] = late(model, g, digits.images, settings) | {
            "settled": settled[chosen].median(),
            "ready": ready[chosen].median(),
            "accuracy": (outputs.argmax(dim=-1) == digits.labels).double().mean(),
            "noisy_accuracy": noisy,
            "signal": _margin(outputs, outputs, digits.labels)[chosen].mean(),
            "noise": margins[:, chosen].var(dim=0).mean().sqrt(),
        }
    return found


def recurrent_gain(model: CordsNet, gain: float) -> list[AreaGains | None]:
    """One gain for the recurrent drives of all areas."""
    like = model.biases[0]
    return [AreaGains(recurrent=like.new_full((a.channels,), gain)) for a in model.wiring.areas]


@torch.no_grad()
def late(model: CordsNet, gain: float, images: Tensor, settings: dict[str, Any]) -> dict[str, Any]:
    """Time constants of the last approach in ms, measured and expected, by image."""
    model = model.double()
    images, gains = images[: settings["n_late"]].double(), recurrent_gain(model, gain)
    states, rest = _held(model, gains, images, settings["late_steps"])
    end = tuple(r[:, -1] for r in states)
    distance = _distance(states, rest, end)
    seen = tuple(r[:, settings["seen_steps"] - 1] for r in states)
    by_units = {
        "expected": active_units(model, end, images, gains=gains),
        "above_zero": [r > 0 for r in seen],
    }
    found: dict[str, Any] = {
        name: expected_time_constant(
            late_recurrence(model, units, gains=gains), model.tau, model.dt
        )
        for name, units in by_units.items()
    }
    eigenvalue = late_recurrence(model, by_units["expected"], gains=gains)
    steps = slice(round(100 / model.dt), round(200 / model.dt))
    window = distance[:, steps].log()
    slope = torch.linalg.lstsq(_line(window.shape[1]), window.T).solution[1]
    model.float()
    return found | {
        "limit": expected_time_constant(eigenvalue, model.tau),
        "measured": late_time_constant(distance, model.dt),
        "window": -model.dt / slope,
    }


def _line(n: int) -> Tensor:
    """Columns of a line: one, and the step."""
    steps = torch.arange(n, dtype=torch.float64)
    return torch.stack([torch.ones_like(steps), steps], dim=1)


def _held(
    model: CordsNet, gains: Sequence[AreaGains | None], images: Tensor, n_steps: int
) -> tuple[list[Tensor], State]:
    """States under held images, from the rest under the same gains, and that rest."""
    blank = torch.zeros_like(images[:1])
    rest = model.respond(blank, n_steps=500, n_blank=0, gains=gains, check_finite=False).state
    states = model.record(images, 0, n_steps, state=rest, gains=gains, check_finite=False)
    return states, rest


def _distance(states: Sequence[Tensor], rest: State, end: State) -> Tensor:
    """Distance (batch, time) from the end; entry 0 is that of rest."""
    parts = []
    for r, before, last in zip(states, rest, end, strict=True):
        start = before.expand(len(r), *before.shape[1:]).unsqueeze(1)
        parts.append((torch.cat([start, r], dim=1) - last.unsqueeze(1)).flatten(2))
    return torch.linalg.vector_norm(torch.cat(parts, dim=-1), dim=-1)


def _answers(
    model: CordsNet, gain: float, images: Tensor, settings: dict[str, Any]
) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs after 200 ms, and when state and answer are what they stay, in ms."""
    states, rest = _held(model, recurrent_gain(model, gain), images, settings["settle_steps"])
    distance = _distance(states, rest, tuple(r[:, -1] for r in states))
    far = distance[:, 1:] > SETTLES * distance[:, :1]
    steps = torch.arange(1, far.shape[1] + 1)
    outputs = model.readout(tuple(r.flatten(0, 1) for r in states)).unflatten(0, far.shape)
    settled = (far * steps).amax(dim=1) * model.dt
    at = min(round(200 / model.dt), outputs.shape[1]) - 1
    return outputs[:, at], settled, ready_after(outputs, model.dt)


def _margin(outputs: Tensor, quiet: Tensor, labels: Tensor) -> Tensor:
    """Right output minus the other one that is largest without noise."""
    own = torch.nn.functional.one_hot(labels, quiet.shape[-1]).bool()
    other = quiet.masked_fill(own, -torch.inf).argmax(dim=-1)
    picked = [which.expand(outputs.shape[:-1]).unsqueeze(-1) for which in (labels, other)]
    one, two = (outputs.gather(-1, which).squeeze(-1) for which in picked)
    return one - two


def _noisy(
    model: CordsNet,
    gain: float,
    images: Tensor,
    labels: Tensor,
    quiet: Tensor,
    settings: dict[str, Any],
    seed: int,
) -> tuple[Tensor, Tensor]:
    """Margins (repeat, image) under noise, and how often the answer is right."""
    source = torch.Generator().manual_seed(seed)
    gains, margins, right = recurrent_gain(model, gain), [], []
    for _ in range(settings["n_repeats"]):
        outputs = model.respond(
            images,
            n_steps=100,
            n_blank=50,
            gains=gains,
            noise_std=settings["noise_std"],
            generator=source,
            check_finite=False,
        ).outputs[:, -1]
        margins.append(_margin(outputs, quiet, labels))
        right.append(outputs.argmax(dim=-1) == labels)
    return torch.stack(margins), torch.stack(right).double().mean()


EXPERIMENTS = (Experiment(name="gain_clock", run=run, rules=RULES),)
