"""C2 and C10: the matrix of a random convolution, its singular values and its eigenvalues.

C2: convolutions with Gaussian weights, of different kernel sizes, with one channel and with eight.
The singular values of each are divided by their root mean square, since a larger kernel also has
more weights: what is compared is the shape of the distribution. Two kernel sizes differ if the
Kolmogorov-Smirnov distance between their values, all seeds together, is larger than that between
two halves of the seeds of either size, or if one has few values, each many times, and the other
many.

C10: the demonstration of the released code (10 channels of 10x10 pixels, PyTorch's default
weights, 300 Arnoldi steps), against all eigenvalues of the dense matrix. Beside it: its QR
sweeps, which do nothing to the Ritz values, and power iteration with one and with two vectors.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nmcourse.analysis import (
    ConvolutionOperator,
    arnoldi,
    default_convolution,
    distance_to_nearest,
    gaussian_convolution,
    power_iteration,
    qr_sweeps,
    ritz_values,
)
from nmcourse.evidence import Experiment, Judgement, Results, Rule, format_number, remember
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.training import for_tier

CLOSE = 1e-3  # error of an eigenvalue; the spectral radius is about 0.7
COUNTS = (10, 50, 100)  # leading eigenvalues compared
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "n_seeds": 20,
        "maps": {"1": 16, "8": 8},  # channels -> height and width
        "kernels": [1, 3, 5, 7],  # and one that spans the whole map
        "n_layers": 10,
        "channels": 10,
        "size": 10,
        "n_steps": 300,
        "n_sweeps": 100,
        "n_power_steps": 3000,
    },
    "smoke": {
        "n_seeds": 4,
        "maps": {"1": 6, "8": 4},
        "kernels": [1, 3],
        "n_layers": 2,
        "channels": 6,
        "size": 6,
        "n_steps": 150,
        "n_sweeps": 10,
        "n_power_steps": 200,
    },
}
SETTINGS["gpu"] = at_paper_scale("conv_spectra", SETTINGS["cpu"])


def normalised_singular_values(operator: ConvolutionOperator) -> np.ndarray:
    """All singular values, the largest first, divided by their root mean square."""
    values = torch.linalg.svdvals(operator.dense())
    return (values / values.square().mean().sqrt()).numpy()


def quarter_circle(values: np.ndarray) -> np.ndarray:
    """Distribution function of the singular values of a large dense Gaussian matrix (rms 1)."""
    x = np.clip(values, 0, 2)
    return (x * np.sqrt(4 - x**2) / 2 + 2 * np.arcsin(x / 2)) / np.pi


def distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Kolmogorov-Smirnov distance of two samples: the largest gap of their distributions."""
    ours, theirs = np.sort(ours, axis=None), np.sort(theirs, axis=None)
    at = np.concatenate([ours, theirs])
    shares = [np.searchsorted(a, at, side="right") / len(a) for a in (ours, theirs)]
    return float(np.abs(shares[0] - shares[1]).max())


def distance_from(values: np.ndarray) -> float:
    """The same distance, from the quarter circle."""
    values = np.sort(values, axis=None)
    expected, steps = quarter_circle(values), np.arange(len(values) + 1) / len(values)
    return float(max((steps[1:] - expected).max(), (expected - steps[:-1]).max()))


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Measure singular values and eigenvalues; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    shapes = {
        f"channels_{channels}": remember(
            run_dir / f"singular_{channels}.json",
            partial(_shapes, int(channels), size, settings),
            settings,
        )
        for channels, size in settings["maps"].items()
    }
    layers = [
        remember(run_dir / f"layer_{seed}.json", partial(_compare, seed, settings), settings)
        for seed in range(settings["n_layers"])
    ]
    arnoldi_metrics = {key: [layer[key] for layer in layers] for key in layers[0]}
    return {"config": settings, "metrics": {"singular": shapes, "arnoldi": arnoldi_metrics}}


def _shapes(channels: int, size: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Distributions of the singular values, one row for each kernel size."""
    kernels = [*settings["kernels"], 2 * size - 1]
    values = np.array(
        [
            [
                normalised_singular_values(gaussian_convolution(channels, kernel, size, seed))
                for seed in range(settings["n_seeds"])
            ]
            for kernel in kernels
        ]
    )  # (kernel, seed, singular value)
    levels = np.linspace(0, 1, 21)
    return {
        "kernels": kernels,
        "quantiles": np.quantile(values, levels, axis=(1, 2)).T,
        "largest": values.max(axis=-1).T,
        "n_distinct": [[_n_distinct(of_seed) for of_seed in of_kernel] for of_kernel in values],
        "from_quarter_circle": [distance_from(of_kernel) for of_kernel in values],
        "change": [distance(a, b) for a, b in pairwise(values)],
        "change_overall": distance(values[1], values[-1]),
        "noise": [distance(of_kernel[::2], of_kernel[1::2]) for of_kernel in values],
    }


def _n_distinct(values: np.ndarray) -> int:
    """How many different values there are."""
    return 1 + int((np.abs(np.diff(np.sort(values))) > 1e-6).sum())


def _compare(seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    """One layer: Ritz values against all eigenvalues, and power iteration."""
    operator = default_convolution(settings["channels"], settings["size"], seed)
    source = torch.Generator().manual_seed(seed)
    krylov = arnoldi(operator, settings["n_steps"], generator=source)
    ritz = ritz_values(krylov).values
    values = torch.linalg.eig(operator.dense()).eigenvalues
    order = values.abs().argsort(descending=True)
    exact = values[order]
    errors = (ritz.unsqueeze(1) - exact).abs().min(dim=0).values  # of each true eigenvalue
    far = (errors > CLOSE).nonzero()
    swept = qr_sweeps(krylov.hessenberg[:-1], settings["n_sweeps"])
    power = {
        name: power_iteration(operator, settings["n_power_steps"], n_vectors=n, generator=source)
        for name, n in (("one", 1), ("two", 2))
    }
    return {
        "radius": exact[0].abs(),
        "leader_is_real": bool(exact[0].imag == 0),
        "first_column_leads": bool(values[0].abs() > (1 - 1e-9) * exact[0].abs()),
        "n_close": int(far[0]) if len(far) else len(exact),
        **{f"error_{n}": errors[:n].max() for n in COUNTS},
        "moved_by_sweeps": distance_to_nearest(torch.linalg.eigvals(swept), ritz).max(),
        **{f"power_residual_{name}": found.residuals[-1] for name, found in power.items()},
        **{f"power_error_{name}": _error(found.values, exact) for name, found in power.items()},
    }


def _error(estimates: Tensor, exact: Tensor) -> Tensor:
    """Distance of the last estimate from the leading eigenvalue or its partner."""
    return distance_to_nearest(estimates[-1:], torch.stack([exact[0], exact[0].conj()]))[0]


def differ(found: dict[str, Any]) -> list[bool]:
    """Whether neighbouring kernel sizes differ.

    They do if a staircase of few values stands beside a smooth curve, or if their distance is
    larger than that between two halves of the seeds of either.
    """
    smooth = [
        min(of_kernel) >= max(map(max, found["n_distinct"])) / 2
        for of_kernel in found["n_distinct"]
    ]
    beyond_noise = [
        change > max(noise)
        for change, noise in zip(found["change"], pairwise(found["noise"]), strict=True)
    ]
    return [a != b or beyond for (a, b), beyond in zip(pairwise(smooth), beyond_noise, strict=True)]


def judge_c2(results: Results) -> Judgement:
    """Do the distributions of neighbouring kernel sizes differ by more than noise?"""
    maps = results.metrics["singular"]
    changes = [d for found in maps.values() for d in differ(found)]
    status = "not reproduced"
    if any(changes):
        status = "reproduced" if all(changes) else "partly"
    parts = []
    for name, found in maps.items():
        channels = int(name.removeprefix("channels_"))
        steps = "; ".join(
            f"{a}×{a} to {b}×{b}: {format_number(change)}" + ("" if real else " (within noise)")
            for (a, b), change, real in zip(
                pairwise(found["kernels"]), found["change"], differ(found), strict=True
            )
        )
        plural = "channel" if channels == 1 else "channels"
        parts.append(f"{channels} {plural}: {steps}")
    return Judgement(
        status=status,
        would_change="More seeds, which make the noise smaller: "
        f"{sum(changes)} of {len(changes)} steps from one kernel size to the next are beyond it",
        measured="Kolmogorov-Smirnov distance between the normalised singular values of "
        "neighbouring kernel sizes, " + ". ".join(parts),
        spread="distance between two halves of the seeds of one kernel size: "
        + _range(level for found in maps.values() for level in found["noise"]),
        seeds=results.config["n_seeds"],
        caveats=(
            "The number of channels, the map and the weights of the paper's figure are not "
            "accessible; ours are Gaussian. Values are divided by their root mean square.",
            "How much the shape changes depends on the channels: with one, a 1×1 kernel has a "
            "single value; with eight, every kernel from 3×3 on is close to the quarter circle "
            "of a dense matrix (distance "
            + _range(_entry(maps, "channels_8", "from_quarter_circle")[1:])
            + ").",
        ),
    )


def judge_c10(results: Results) -> Judgement:
    """Do Ritz values match the leading eigenvalues of the dense matrix?"""
    worst = {n: max(_list(results, f"arnoldi.error_{n}")) for n in COUNTS}
    status = "not reproduced"
    if worst[10] < CLOSE:
        status = "reproduced" if worst[50] < CLOSE else "partly"
    n_layers = results.config["n_layers"]
    close = results.summary("arnoldi.n_close")
    real = sum(_list(results, "arnoldi.leader_is_real"))
    first = sum(_list(results, "arnoldi.first_column_leads"))
    stuck = results.summary("arnoldi.power_residual_one")
    block = results.summary("arnoldi.power_residual_two")
    return Judgement(
        status=status,
        would_change="Fewer Arnoldi steps, or layers whose leading eigenvalues lie closer "
        "together: "
        f"with {results.config['n_steps']} steps the worst of the leading 50 is off by "
        f"{format_number(worst[50])}, and {CLOSE:g} is allowed",
        measured="largest error of the leading eigenvalues, median of the layers: "
        + ", ".join(
            f"{format_number(results.summary(f'arnoldi.error_{n}').median)} for {n}" for n in COUNTS
        )
        + f"; {format_number(close.median)} leading eigenvalues are within {CLOSE:g}",
        spread=f"leading eigenvalues within {CLOSE:g}: {close}; largest error of the leading 50 in "
        f"any layer: {format_number(worst[50])}",
        seeds=n_layers,
        caveats=(
            f"Random layers with PyTorch's default weights, {results.config['n_steps']} steps, "
            f"{results.config['channels'] * results.config['size'] ** 2} units. Only the edge of "
            "the spectrum converges.",
            f"The {results.config['n_sweeps']} QR sweeps that the released code adds move no Ritz "
            f"value by more than "
            f"{format_number(results.value('arnoldi.moved_by_sweeps.maximum'))}.",
            f"The leading eigenvalue is real in {real} of {n_layers} layers. Power iteration with "
            f"one real vector, as released, ends with a residual of {format_number(stuck.median)}, "
            f"with a block of two {format_number(block.median)} (medians). The first column of "
            f"an unsorted eigendecomposition, the released reference, leads in {first}.",
        ),
    )


def _entry(maps: dict[str, Any], name: str, key: str) -> Sequence[float]:
    return maps[name][key]


def _list(results: Results, path: str) -> list[float]:
    """Numbers, with infinity where a number is missing."""
    return [math.inf if value is None else value for value in results.value(path)]


def _range(values: Iterable[float]) -> str:
    found = list(values)
    return f"{format_number(min(found))} to {format_number(max(found))}"


EXPERIMENTS = (
    Experiment(
        name="conv_spectra",
        run=run,
        rules={
            "C2": Rule(
                judge=judge_c2,
                tolerance="a distance larger than that between two halves of the seeds, or a "
                "staircase beside a smooth curve",
                rule="reproduced if every two neighbouring kernel sizes differ, with one channel "
                "and with eight; partly if some do; else not reproduced",
            ),
            "C10": Rule(
                judge=judge_c10,
                tolerance=f"{CLOSE:g}, at a spectral radius of about 0.7",
                rule="reproduced if the leading 50 eigenvalues of every layer are matched; partly "
                "if the leading 10 are; else not reproduced",
            ),
        },
    ),
)
