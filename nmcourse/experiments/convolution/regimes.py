"""C1: random convolutional RNNs, from silence to chaos as their gain grows.

A convolutional RNN is a rate network whose recurrent matrix is that of a convolution, so it is
built as one: a VanillaRNN in rate form with the dense matrix. Weights are Gaussian, of variance
gain^2 / (channels * kernel^2). Each network runs from a random state, without input; the largest
Lyapunov exponent decides what it does:

    stable        it is negative, or activity has come to rest: a fixed point
    oscillatory   it is zero within ``ZERO`` per time constant, and activity moves for ever
    chaotic       it is positive

The networks make Euler steps of 2 ms, as CordsNet does. Steps move the thresholds: silence is left
where a step factor 1 - alpha + alpha g lambda is as large as one, and in the equation where
g Re lambda is. So the equation itself is solved as well, from the same starts, and counted beside.

The nonlinearity is tanh, which keeps activity bounded. CordsNet has a ReLU, which does not: the
same matrices with a ReLU and a bias of one form a second series, with a fourth outcome.

    exploding     activity has grown beyond ``LARGE`` times the bias
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nmcourse.analysis import (
    autocorrelation,
    convolutional_rnn,
    gaussian_convolution,
    lyapunov_exponents,
    participation_ratio,
    run_on,
    silence_ends,
)
from nmcourse.evidence import Experiment, Judgement, Results, Rule, format_number, remember
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.training_runs import in_parallel
from nmcourse.models import VanillaRNN
from nmcourse.training import for_tier

ZERO = 0.01  # exponent per time constant that counts as zero
AT_REST = 1e-3  # root mean square of tau dr/dt below which activity counts as at rest
LARGE = 1e3  # activity over the bias that counts as exploding
MAJORITY = 0.5
CHANNELS, KERNEL, SIZE = 8, 3, 8  # 512 units
TAU, DT = 10.0, 2.0  # ms
NONLINEARITIES = {"tanh": torch.tanh, "relu": torch.relu}
REGIMES = ("stable", "oscillatory", "chaotic", "exploding")
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "gains": {
            "tanh": [0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0],
            "relu": [0.5, 0.7, 1, 1.4],
        },
        "n_seeds": 10,
        "n_transient": 1000,
        "n_steps": 1500,
        "n_seen": 500,
    },
    "smoke": {
        "gains": {"tanh": [0.5, 8.0], "relu": [0.5]},
        "n_seeds": 2,
        "n_transient": 50,
        "n_steps": 50,
        "n_seen": 50,
    },
}
SETTINGS["gpu"] = at_paper_scale("conv_regimes", SETTINGS["cpu"])


def random_convolutional_rnn(gain: float, seed: int, nonlinearity: str = "tanh") -> VanillaRNN:
    """A convolutional RNN of 8 channels of 8x8 pixels, in rate form, tau 10 ms, dt 2 ms."""
    return convolutional_rnn(
        gaussian_convolution(CHANNELS, KERNEL, SIZE, seed),
        gain,
        nonlinearity=NONLINEARITIES[nonlinearity],
        bias=1.0 if nonlinearity == "relu" else 0.0,
        tau=TAU,
        dt=DT,
    )


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Measure every network; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    jobs: dict[str, Any] = {
        f"{name}_{seed}": partial(_measure_seed, name, seed, settings, run_dir)
        for name in settings["gains"]
        for seed in range(settings["n_seeds"])
    }
    seeds = range(settings["n_seeds"])
    solved = {f"equation_{seed}": partial(_solve_seed, seed, settings, run_dir) for seed in seeds}
    done = in_parallel(jobs | solved)
    metrics: dict[str, Any] = {}
    for name in settings["gains"]:
        rows = [done[f"{name}_{seed}"] for seed in range(settings["n_seeds"])]
        metrics[name] = {key: [[one[key] for one in row] for row in rows] for key in rows[0][0]}
    rows = [done[f"equation_{seed}"] for seed in seeds]
    metrics["equation"] = {key: [row[key] for row in rows] for key in rows[0]}
    ends = [
        silence_ends(gaussian_convolution(CHANNELS, KERNEL, SIZE, seed), tau=TAU, dt=DT)
        for seed in seeds
    ]
    metrics["silence_ends"] = dict(zip(("equation", "steps"), zip(*ends, strict=True), strict=True))
    sizes = {"channels": CHANNELS, "kernel": KERNEL, "size": SIZE}
    return {"config": settings | sizes, "metrics": metrics}


def _measure_seed(
    name: str, seed: int, settings: dict[str, Any], run_dir: Path
) -> list[dict[str, Any]]:
    """One random convolution at every gain."""
    return remember(
        run_dir / f"{name}_{seed}.json",
        lambda: [measure(gain, seed, name, settings) for gain in settings["gains"][name]],
        settings,
    )


def _solve_seed(seed: int, settings: dict[str, Any], run_dir: Path) -> dict[str, list[float]]:
    """The equation of one random convolution at every gain, with tanh."""
    return remember(
        run_dir / f"equation_{seed}.json",
        lambda: solve_equation(settings["gains"]["tanh"], seed, settings),
        settings,
    )


def solve_equation(gains: list[float], seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Largest exponent, speed and size, as ``measure`` gives them, of the equation with tanh.

    State and tangent of all gains run side by side, by the fourth-order method of Runge and Kutta.

    Returns:
        Lists with one entry for each gain.
    """
    weights = gaussian_convolution(CHANNELS, KERNEL, SIZE, seed).dense().mT
    g = torch.tensor(gains, dtype=torch.float64).unsqueeze(-1)
    source = torch.Generator().manual_seed(seed)
    r = torch.randn(1, len(weights), dtype=torch.float64, generator=source).expand(len(g), -1)
    v = torch.randn(r.shape, dtype=torch.float64, generator=source)

    def slope(both: Tensor) -> Tensor:
        """Velocity of the state and of its tangent, times tau, (2, gain, unit)."""
        current, pushed = g * (both @ weights)
        rate = torch.tanh(current)
        return torch.stack([rate, (1 - rate**2) * pushed]) - both

    both, h = torch.stack([r, v / v.norm(dim=1, keepdim=True)]), DT / TAU
    growth = torch.zeros(len(g), dtype=torch.float64)
    for step in range(settings["n_transient"] + settings["n_steps"]):
        first = slope(both)
        second = slope(both + h / 2 * first)
        third = slope(both + h / 2 * second)
        fourth = slope(both + h * third)
        both = both + h / 6 * (first + 2 * second + 2 * third + fourth)
        grown = both[1].norm(dim=1)
        both[1] /= grown.unsqueeze(-1)
        if step >= settings["n_transient"]:
            growth += grown.log()
    return {
        "exponent": (growth / (settings["n_steps"] * h)).tolist(),
        "speed": slope(both)[0].square().mean(dim=1).sqrt().tolist(),
        "size": both[0].square().mean(dim=1).sqrt().tolist(),
    }


def measure(gain: float, seed: int, name: str, settings: dict[str, Any]) -> dict[str, float]:
    """What one network does.

    Returns:
        Largest exponent per time constant, speed (root mean square of tau dr/dt) and size (root
        mean square of r) at the end, participation ratio, and the height of the second peak of
        the autocorrelation: 1 if activity repeats itself. NaN where there is no such number.
    """
    model = random_convolutional_rnn(gain, seed, name)
    source = torch.Generator().manual_seed(seed)
    start = torch.randn(1, model.n_units, dtype=torch.float64, generator=source)
    missing = {"participation_ratio": math.nan, "repeats": math.nan}
    try:
        found = lyapunov_exponents(
            model,
            n_steps=settings["n_steps"],
            n_transient=settings["n_transient"],
            start=start,
            generator=source,
        )
    except ValueError as error:
        if "must stay finite" not in str(error):
            raise
        return {"exponent": math.nan, "speed": math.inf, "size": math.inf, **missing}
    states = run_on(model, found.end.unsqueeze(0), settings["n_seen"])[0]
    speed = (states[-1] - states[-2]).square().mean().sqrt() * model.tau / model.dt
    outcome = {
        "exponent": found.largest * model.tau,
        "speed": float(speed),
        "size": float(states[-1].square().mean().sqrt()),
    }
    if outcome["speed"] < AT_REST or outcome["size"] > LARGE:
        return outcome | missing
    return outcome | {
        "participation_ratio": participation_ratio(states),
        "repeats": second_peak(autocorrelation(states.unsqueeze(0), model.dt).values),
    }


def second_peak(correlations: Tensor) -> float:
    """Highest autocorrelation after the first minimum; NaN if it only falls."""
    values = correlations.numpy()
    rising = np.flatnonzero(np.diff(values) > 0)
    return float(values[rising[0] :].max()) if len(rising) else math.nan


def regime(exponent: float | None, speed: float | None, size: float | None) -> str:
    """One of ``REGIMES``."""
    if exponent is None or speed is None or size is None or size > LARGE:
        return "exploding"
    if math.isnan(exponent):
        return "exploding"
    if exponent > ZERO:
        return "chaotic"
    return "oscillatory" if exponent >= -ZERO and speed > AT_REST else "stable"


def regimes(results: Results, name: str) -> list[list[str]]:
    """The regime of every network, (seed, gain); ``name`` is "tanh", "relu" or "equation"."""
    found = results.metrics[name]
    return [
        [regime(*one) for one in zip(*rows, strict=True)]
        for rows in zip(found["exponent"], found["speed"], found["size"], strict=True)
    ]


def regime_counts(results: Results, name: str) -> dict[str, list[int]]:
    """How many networks are in each regime, at each gain."""
    columns = list(zip(*regimes(results, name), strict=True))
    return {kind: [column.count(kind) for column in columns] for kind in REGIMES}


def judge(results: Results) -> Judgement:
    """Is there a gain at which most networks are stable, a larger one for each other regime?"""
    found, n = regime_counts(results, "tanh"), results.config["n_seeds"]
    gains = results.config["gains"]
    most = {
        kind: [k for k, count in enumerate(found[kind]) if count > MAJORITY * n]
        for kind in REGIMES[:3]
    }
    in_order = all(most.values()) and (
        max(most["stable"]) < min(most["oscillatory"])
        and max(most["oscillatory"]) < min(most["chaotic"])
    )
    status = "not reproduced"
    if sum(bool(gains) for gains in most.values()) >= 2:
        status = "reproduced" if in_order else "partly"
    exponents = results.value("tanh.exponent.median")
    relu, solved = regime_counts(results, "relu"), regime_counts(results, "equation")
    ends = [results.value(f"silence_ends.{kind}") for kind in ("equation", "steps")]
    earlier = [1 - steps / equation for equation, steps in zip(*ends, strict=True)]
    return Judgement(
        status=status,
        would_change="Another nonlinearity or size of network; in each regime the largest share at "
        "one gain is "
        + ", ".join(f"{kind} {max(found[kind])} of {n}" for kind in REGIMES[:3])
        + f", and more than {MAJORITY:.0%} counts",
        measured=f"of {n} networks, stable / oscillatory / chaotic: "
        + "; ".join(
            f"gain {format_number(gain)}: " + " / ".join(str(found[k][i]) for k in REGIMES[:3])
            for i, gain in enumerate(gains["tanh"])
        ),
        spread="median largest exponent per time constant: "
        + ", ".join(
            f"{format_number(value)} at gain {format_number(gain)}"
            for gain, value in zip(gains["tanh"], exponents, strict=True)
        ),
        seeds=n,
        caveats=(
            "Counted with the equation in place of its Euler steps of "
            f"{DT:g} ms, stable / oscillatory / chaotic: "
            + "; ".join(
                f"gain {format_number(gain)}: " + " / ".join(str(solved[k][i]) for k in REGIMES[:3])
                for i, gain in enumerate(gains["tanh"])
            )
            + f". The steps end silence up to {max(earlier):.1%} earlier.",
            "These networks have tanh units, which keep activity bounded. The nonlinearity and the "
            "gains of the paper's figure are not accessible.",
            "With the ReLU of CordsNet and a bias of 1, stable / oscillatory / chaotic / "
            "exploding: "
            + "; ".join(
                f"gain {format_number(gain)}: " + " / ".join(str(relu[k][i]) for k in REGIMES)
                for i, gain in enumerate(gains["relu"])
            )
            + ".",
            f"{CHANNELS} channels of {SIZE}×{SIZE} pixels, one size of network and of kernel; no "
            "input. An exponent within "
            f"{ZERO:g} per time constant counts as zero: tori count as oscillations.",
            f"One random start each, looked at after {results.config['n_transient']} steps; other "
            "starts may lead to other outcomes, and a transient can last longer.",
        ),
    )


EXPERIMENTS = (
    Experiment(
        name="conv_regimes",
        run=run,
        rules={
            "C1": Rule(
                judge=judge,
                tolerance=f"more than {MAJORITY:.0%} of the networks at one gain; exponent within "
                f"{ZERO:g} per time constant counts as zero",
                rule="reproduced if most networks are stable at some gain, oscillatory at larger "
                "ones and chaotic at still larger ones; partly if two regimes have a gain "
                "where most networks are in them; else not reproduced",
            ),
        },
    ),
)
