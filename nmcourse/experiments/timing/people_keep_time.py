"""F14: who regresses to the mean? People, networks that learnt with noise, an ideal observer.

Networks learn Measure-Wait-Go with intervals of 120 to 180 ms. The interval that is shown differs
from the one to be produced by Gaussian noise of 0, 0.1 or 0.2 of its length (``MeasureWaitGo`` with
``measurement_noise``). Then they are shown each interval with the same noise, and what they produce
is a line against the true interval: its slope is 1 without regression to the mean.

The loss counts the ramp and 50 ms before and after it. A first run, in which the whole trial
counted for 2,000 steps, was stopped because NM-RNNs had not learnt to measure even without
noise (slopes of 0.3 to 0.7); the rule was not changed.

The ideal observer knows the intervals and the noise, and produces the mean of what is possible:
E[true | measured]. People reproduced intervals of 0.3 to 1.7 s (public data of Sohn and Jazayeri
2021, in a folder that the environment variable ``NMCOURSE_RECORDINGS`` names).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nmcourse.analysis import Reproductions, read_reproductions, recordings_folder
from nmcourse.evidence import Experiment, LedgerError, plain, remember
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.timing.people_keep_time_rules import ARMS, NOISES, RULES, noise_name
from nmcourse.experiments.training_runs import in_parallel
from nmcourse.pretrained import BUILDERS
from nmcourse.tasks import MeasureWaitGo, ideal_interval, produced_interval, slope_against
from nmcourse.training import fit_many, for_tier

INTERVALS = tuple(range(120, 190, 10))  # ms
PADDING = 5  # steps before and after the ramp that count in training
LEVELS = (0.25, 0.5, 0.95)  # of the ramp, at which an interval is read
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {"n_steps": 3000, "n_seeds": 3, "learning_rate": 1e-2, "batch_size": 40, "n_test": 2000},
    "smoke": {"n_steps": 2, "n_seeds": 2, "learning_rate": 1e-2, "batch_size": 4, "n_test": 40},
}
SETTINGS["gpu"] = at_paper_scale("people_keep_time", SETTINGS["cpu"])


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train and test every arm, and read the people; resumes where it was killed.

    Raises:
        LedgerError: There is no folder of recordings; the smoke tier makes up people.
    """
    settings = for_tier(tier, SETTINGS)
    people = _people(tier)
    jobs = {
        f"{arm}_{noise_name(noise)}": partial(_arm, arm, noise, settings, run_dir)
        for arm in ARMS
        for noise in NOISES
    }
    metrics: dict[str, Any] = in_parallel(jobs)
    metrics["ideal"] = {noise_name(noise): ideal_slope(noise, settings) for noise in NOISES}
    metrics["people"] = slopes_of_people(people)
    return {"config": settings, "metrics": metrics}


def _people(tier: str) -> Reproductions:
    if tier == "smoke":
        source = torch.Generator().manual_seed(0)
        sample = 500.0 + 500.0 * torch.rand(300, dtype=torch.float64, generator=source)
        noise = torch.randn(300, dtype=torch.float64, generator=source)
        produced = 750.0 + 0.5 * (sample - 750.0) + 50.0 * noise
        return Reproductions(sample, produced, torch.arange(300) % 3)
    folder = recordings_folder()
    if folder is None:
        raise LedgerError("set NMCOURSE_RECORDINGS to the folder with rsg_sohn_jazayeri.npz")
    return read_reproductions(folder)


def _arm(arm: str, noise: float, settings: dict[str, Any], run_dir: Path) -> dict[str, Any]:
    path = run_dir / f"{arm}_{noise_name(noise)}"
    found: dict[str, Any] = remember(
        path.with_suffix(".json"),
        partial(_train, arm, noise, settings, path.with_suffix(".pt")),
        settings,
    )
    return found


def build_arm(arm: str, generator: torch.Generator) -> nn.Module:
    """A network with random weights, of the sizes of the timing comparison."""
    model: nn.Module = BUILDERS[f"measure_wait_go_{arm}"](generator=generator)
    return model


def _train(arm: str, noise: float, settings: dict[str, Any], checkpoint: Path) -> dict[str, Any]:
    options = {key: settings[key] for key in ("n_steps", "learning_rate", "batch_size")}
    result = fit_many(
        partial(build_arm, arm),
        MeasureWaitGo(INTERVALS, measurement_noise=noise, mask_padding=PADDING),
        seeds=settings["n_seeds"],
        checkpoint=checkpoint,
        progress=False,
        **options,
    )
    measured: dict[str, Any] = plain(examine(result.models, noise, settings["n_test"]))
    return measured | {"diverged": sorted(result.diverged)}


@torch.no_grad()
def examine(models: Sequence[nn.Module], noise: float, n_test: int) -> dict[str, Any]:
    """What networks make of intervals that are measured with noise.

    Returns:
        ``slope_25`` ..: for each network the slope of the produced on the true interval, read at a
        level of the ramp; None where a ramp does not arrive in more than one of twenty trials.
        ``spread``: standard deviation of what is produced about that line, at the highest level,
        over the mean interval.
        ``curve``: (network, interval) what is produced in the median, at 0.95.
    """
    source = torch.Generator().manual_seed(7)
    task = MeasureWaitGo(INTERVALS, measurement_noise=noise)
    trials = task.sample(n_test, generator=source)
    true, go = trials.conditions["interval"], trials.conditions["go_time"]
    found: dict[str, Any] = {_level(level): [] for level in LEVELS} | {"spread": [], "curve": []}
    for model in models:
        outputs = model(trials.inputs).outputs
        for level in LEVELS:
            produced = produced_interval(outputs, go, task.dt, fraction=level)
            slope, spread = line(produced, true)
            found[_level(level)].append(slope)
        found["spread"].append(spread)
        found["curve"].append([produced[true == interval].nanmedian() for interval in INTERVALS])
    return found


def line(produced: Tensor, true: Tensor) -> tuple[float, float]:
    """Slope of what was produced, and the spread about the line over the mean interval."""
    there = torch.isfinite(produced)
    if there.double().mean() < 0.95:
        return float("nan"), float("nan")
    x, y = true[there].double(), produced[there].double()
    slope = float(slope_against(y, x))
    left = y - y.mean() - slope * (x - x.mean())
    return slope, float(left.std() / x.mean())


def ideal_slope(noise: float, settings: dict[str, Any]) -> float:
    """The slope of the ideal observer, on the very trials that the networks are tested with."""
    task = MeasureWaitGo(INTERVALS, measurement_noise=noise)
    source = torch.Generator().manual_seed(7)
    trials = task.sample(settings["n_test"], generator=source)
    true = trials.conditions["interval"]
    measured = trials.conditions.get("measured", true)
    return line(ideal_interval(measured, INTERVALS, noise), true)[0]


def slopes_of_people(people: Reproductions) -> dict[str, Any]:
    """Slope, the ends of its 95 % bootstrap interval over trials, and number of trials."""
    found: dict[str, Any] = {"slope": [], "low": [], "high": [], "n_trials": []}
    source = torch.Generator().manual_seed(0)
    for subject in people.subject.unique():
        own = people.subject == subject
        sample, produced = people.sample[own], people.produced[own]
        draws = torch.randint(len(sample), (500, len(sample)), generator=source)
        slopes = torch.stack([slope_against(produced[some], sample[some]) for some in draws])
        low, high = slopes.quantile(torch.tensor([0.025, 0.975], dtype=slopes.dtype)).tolist()
        found["slope"].append(float(slope_against(produced, sample)))
        found["low"].append(low)
        found["high"].append(high)
        found["n_trials"].append(len(sample))
    return found


def _level(level: float) -> str:
    return f"slope_{round(100 * level)}"


EXPERIMENTS = (Experiment(name="people_keep_time", run=run, rules=RULES),)
