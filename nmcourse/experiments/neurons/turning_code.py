"""F11: does the code of a picture that stays stand still, in monkey IT and in CordsNet?

Macaque IT: 132 units, 7 objects at 3 positions, 19 repeats, bins of 40 ms from 100 to 500 ms after
the picture came (it stays). The code of a moment is the pattern over units and conditions. Its
correlation with the code of another moment, over the root of both reliabilities, is 1 if the code
only changes its size. Controls: the bins of each repeat in random order (stationary by
construction), and bootstrap over the 21 recording sessions.

CordsNet: the same measure on networks that learnt digits, with 21 held images and the same bins;
without noise, and with noise and as many repeats as the recording has.

The recordings are public data of Zhang et al. 2011, in a folder that ``NMCOURSE_RECORDINGS`` names.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nmcourse import pretrained
from nmcourse.analysis import (
    ITTrials,
    by_lag,
    decode_over_time,
    exchange_times,
    pattern_correlation,
    read_it_trials,
    recordings_folder,
    units_in_time,
)
from nmcourse.evidence import Experiment, LedgerError, remember
from nmcourse.experiments.neurons.neurons_rules import CODE_RULES
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.models import CordsNet
from nmcourse.tasks import digit_images
from nmcourse.training import for_tier

WEIGHTS = "digits_cordsnet_published"
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {"n_splits": 40, "n_draws": 200, "n_splits_of_draws": 4, "n_networks": 10},
    "smoke": {"n_splits": 2, "n_draws": 3, "n_splits_of_draws": 2, "n_networks": 2},
}
SETTINGS["gpu"] = at_paper_scale("turning_code", SETTINGS["cpu"])


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Measure the recording and the networks.

    Raises:
        LedgerError: There is no folder of recordings; the smoke tier makes some up.
    """
    settings = for_tier(tier, SETTINGS)
    found = {
        "monkey": remember(run_dir / "monkey.json", partial(_monkey, tier, settings), settings),
        "cordsnet": remember(run_dir / "cordsnet.json", partial(_networks, settings), settings),
    }
    return {"config": settings, "metrics": found}


def _trials(tier: str) -> ITTrials:
    if tier == "smoke":
        source = torch.Generator().manual_seed(0)
        shape = (6, 4, 6, 10)
        trials = torch.poisson(torch.full(shape, 2.0, dtype=torch.float64), generator=source)
        return ITTrials(trials, 40.0 * torch.arange(4).double(), torch.arange(10) % 3, 3)
    folder = recordings_folder()
    if folder is None:
        raise LedgerError("set NMCOURSE_RECORDINGS to the folder with it_zhang_desimone.npz")
    return read_it_trials(folder)


def _monkey(tier: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The recording: by lag, with its control, over sessions, and decoded."""
    recorded = _trials(tier)
    source = torch.Generator().manual_seed(0)
    trials, times, n_splits = recorded.trials, recorded.times, settings["n_splits"]
    lags, turning = by_lag(pattern_correlation(trials, n_splits=n_splits, generator=source), times)
    still = []
    for _ in range(5):
        mixed = exchange_times(trials, generator=source)
        correlation = pattern_correlation(mixed, n_splits=n_splits // 4 or 1, generator=source)
        still.append(by_lag(correlation, times)[1])
    sessions = recorded.sessions.unique()
    draws = []
    for _ in range(settings["n_draws"]):
        drawn = sessions[torch.randint(len(sessions), (len(sessions),), generator=source)]
        units = torch.cat([torch.nonzero(recorded.sessions == one).flatten() for one in drawn])
        correlation = pattern_correlation(
            trials[..., units], n_splits=settings["n_splits_of_draws"], generator=source
        )
        draws.append(by_lag(correlation, times)[1])
    every = torch.stack(draws)
    ends = [every.nanquantile(q, dim=0) for q in (0.025, 0.975)]
    classes = trials.unflatten(2, (recorded.n_objects, -1))  # repeat, time, object, position, unit
    decoded = decode_over_time(classes.permute(2, 0, 3, 1, 4).flatten(1, 2))
    return {
        "times": times,
        "lags": lags,
        "turning": turning,
        "low": ends[0],
        "high": ends[1],
        "stationary": torch.stack(still).mean(dim=0),
        "decoded": decoded,
        "n_units": trials.shape[-1],
        "n_sessions": len(sessions),
    }


def _networks(settings: dict[str, Any]) -> dict[str, Any]:
    """Networks under a held image, without noise and with that of a recording."""
    digits = digit_images("test", size=8).normalised(like=digit_images("train", size=8))
    images = digits.images[:21]
    times = torch.arange(100.0, 500.0, 40.0)
    found: dict[str, Any] = {"lags": [], "quiet": [], "noisy": []}
    for seed, model in enumerate(pretrained.load_all(WEIGHTS, kind=CordsNet)):
        if seed == settings["n_networks"]:
            break
        source = torch.Generator().manual_seed(seed)
        units = units_in_time(model, images, times)
        chosen = torch.randperm(units.shape[-1], generator=source)[:132]  # as many as recorded
        for name, noise in (("quiet", 0.0), ("noisy", 1.0)):
            trials = repeats_of(units[..., chosen], noise, source)
            correlation = pattern_correlation(
                trials, n_splits=settings["n_splits"], generator=source
            )
            lags, values = by_lag(correlation, times.double())
            found[name].append(values)
        found["lags"] = lags
    return found


def repeats_of(units: Tensor, noise: float, source: torch.Generator, n: int = 19) -> Tensor:
    """Trials (repeat, time, image, unit) with noise, over the standard deviation of all units."""
    values = units.double()
    scale = noise * float(values.std())
    draws = torch.randn((n, *values.shape), dtype=torch.float64, generator=source)
    return values + scale * draws


EXPERIMENTS = (Experiment(name="turning_code", run=run, rules=CODE_RULES),)
