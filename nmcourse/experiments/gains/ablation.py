"""N7: what does each gain component of a trained NM-RNN do?

Every component of every trained NM-RNN of ``timing_comparison`` is held, one at a time, at its
value at the start of the trial (the paper's ablation) or at zero (the released notebook's), and the
trained intervals are asked again. Three numbers tell what is left:

    error      masked mean squared error
    control    slope of the apparent interval against the asked one (1: perfect, 0: every
               interval gets the same ramp)
    rise       output at the end of the window after go, minus output at go (1: the whole ramp)

The apparent interval is twice the area between the output and its end point +0.5, from go to
300 ms later: for a ramp it is the interval, and no threshold has to be reached.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nmcourse import pretrained
from nmcourse.analysis import ablate_gains
from nmcourse.evidence import Experiment, Judgement, Results, Rule, format_number, summarise
from nmcourse.models import NMRNN
from nmcourse.tasks import (
    TEST_TIME,
    TRAINED,
    WINDOW,
    MeasureWaitGo,
    Trials,
    apparent_interval,
    slope_against,
)
from nmcourse.training import masked_mse

HURTS = 2.0  # an ablation hurts if the error is at least so many times the intact one
LOST_CONTROL, STILL_RAMPS, MAJORITY = 0.5, 0.5, 0.8


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Ablate every component of every network; seconds, so nothing is kept in ``run_dir``."""
    models = pretrained.load_all("mwg_nm_rnn", kind=NMRNN)
    return {
        "config": {"window_ms": WINDOW, "n_seeds": len(models)},
        "metrics": ablations(models),
    }


def ablations(models: list[NMRNN]) -> dict[str, Any]:
    """What each component does in each network: ``intact``, ``held`` and ``zero``."""
    trials = MeasureWaitGo(TRAINED, measure_times=[TEST_TIME]).enumerate()
    metrics: dict[str, Any] = {"intact": _measure(models, trials)}
    for name, value in (("held", "initial"), ("zero", 0.0)):
        ablated = [
            _measure([ablate_gains(model, k, value) for model in models], trials)
            for k in range(models[0].rank)
        ]
        metrics[name] = {
            measure: torch.stack([part[measure] for part in ablated], dim=1)
            for measure in ("error", "control", "rise")
        }
    return metrics


@torch.no_grad()
def _measure(models: list[Any], trials: Trials) -> dict[str, Tensor]:
    """Error, control and rise of each network, (network,)."""
    outputs = torch.stack([model(trials.inputs).outputs for model in models])
    go, interval = trials.conditions["go_time"], trials.conditions["interval"]
    control = slope_against(apparent_interval(outputs, go), interval)
    steps = (go / 10.0).long()
    network = torch.arange(len(models))[:, None]
    trial = torch.arange(len(steps))
    end = outputs[network, trial, steps + round(WINDOW / 10.0), 0]
    return {
        "error": masked_mse(outputs, trials.targets, trials.mask),
        "control": control,
        "rise": (end - outputs[network, trial, steps, 0]).mean(dim=-1),
    }


def judge(results: Results) -> Judgement:
    """Do all ablations hurt, does one end the control of the slope, and is there still a ramp?"""
    metrics = {
        key: torch.tensor(results.value(f"held.{key}")) for key in ("error", "control", "rise")
    }
    intact = torch.tensor(results.value("intact.error"))
    ratio = metrics["error"] / intact[:, None]
    weakest, rows = metrics["control"].abs().argmin(dim=1), torch.arange(len(intact))
    control, rise = metrics["control"][rows, weakest].abs(), metrics["rise"][rows, weakest]
    shares = {
        "every component hurts": (ratio >= HURTS).all(dim=1).float().mean().item(),
        "one component ends the control of the slope": (control < LOST_CONTROL)
        .float()
        .mean()
        .item(),
        "the output still rises without it": (rise > STILL_RAMPS).float().mean().item(),
    }
    holding = [share >= MAJORITY for share in shares.values()]
    status = "reproduced" if all(holding) else "partly" if any(holding) else "not reproduced"
    n = len(intact)
    return Judgement(
        status=status,
        would_change="At least "
        f"{math.ceil(MAJORITY * n)} of {n} networks for each statement; missing: "
        + (
            "; ".join(
                f"{math.ceil(MAJORITY * n) - round(share * n)} where {name}"
                for name, share in shares.items()
                if share < MAJORITY
            )
            or "none"
        ),
        measured="; ".join(
            f"{name}: {round(share * n)} of {n} networks" for name, share in shares.items()
        )
        + "; error of the ablated over the intact network, median over networks and components "
        f"{format_number(ratio.quantile(0.5).item())}",
        spread="error ratio of the weakest ablation of each network "
        f"{summarise(ratio.amin(dim=1).tolist())}; of the strongest "
        f"{summarise(ratio.amax(dim=1).tolist())}; control that the critical component leaves "
        f"{summarise(control.tolist())}",
        seeds=n,
        caveats=(
            "Components have no fixed order from network to network, so each network is asked "
            "for its own critical one.",
            "The paper shows one network; which component does what there is not comparable.",
        ),
    )


EXPERIMENTS = (
    Experiment(
        name="gain_ablation",
        run=run,
        rules={
            "N7": Rule(
                judge=judge,
                tolerance=f"{MAJORITY:.0%} of the networks",
                rule=f"three statements, each for at least {MAJORITY:.0%} of the networks: every "
                f"held component multiplies the error by {HURTS:g} or more; holding one of them "
                f"leaves a control of the slope below {LOST_CONTROL:g}; the output still rises by "
                f"more than {STILL_RAMPS:g} then. Reproduced if all hold, partly if some do",
            ),
        },
    ),
)
