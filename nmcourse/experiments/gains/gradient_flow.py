"""R13: does the gradient of an NM-RNN vanish less on its way back through time?

What is sent back is the output in the middle of the ramp: g_t = dy / d state_t, with the whole
state (x and z of an NM-RNN, h and c of an LSTM). An output is better suited than a loss: a trained
network has next to none. Between the measure pulse and go nothing asks for an answer, so all that
the output knows of the interval has to come through. The number is

    keeps      factor by which the norm changes over 100 ms back, from go to the measure pulse

1 keeps everything, below 1 vanishes, above 1 grows. Ten networks of each of the four models of
``timing_comparison``, before and after training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nmcourse import pretrained
from nmcourse.analysis import gradient_norms, kept_from_go, masked_sum
from nmcourse.evidence import (
    Experiment,
    Judgement,
    Results,
    Rule,
    combined,
    expected,
    format_number,
)
from nmcourse.experiments.timing.networks import FAIR
from nmcourse.models import RecurrentModel
from nmcourse.tasks import TEST_TIME, TRAINED, MeasureWaitGo, Trials, at_mid_ramp

PER = 100.0  # ms
STAGES = ("start", "trained")


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Send the output of every network back through time; half a minute."""
    trials = at_mid_ramp(MeasureWaitGo(TRAINED, measure_times=[TEST_TIME]).enumerate())
    metrics: dict[str, Any] = {}
    for network in FAIR:
        trained = pretrained.load_all(network.weights, kind=nn.Module)
        start = [network.build(torch.Generator().manual_seed(s)) for s in range(len(trained))]
        metrics[network.name] = {
            stage: flow(models, trials, partial(kept_from_go, per=PER))
            for stage, models in zip(STAGES, (start, trained), strict=True)
        }
    return {"config": {"per_ms": PER, "n_seeds": len(trained)}, "metrics": metrics}


def flow(
    models: Sequence[nn.Module], trials: Trials, keeps: Callable[[Tensor, Trials], Tensor]
) -> dict[str, Any]:
    """How much of the gradient each network keeps on its way back.

    Args:
        models: recurrent networks.
        trials: their mask marks the output that is sent back.
        keeps: norms (trial, time) and trials -> factor over 100 ms, (trial,).

    Returns:
        ``keeps``, median over trials, and ``parts``, the same by part of the state, per network;
        ``curve_180_ms``: median over networks of the norms of the last trial.
    """
    found: dict[str, Any] = {"keeps": [], "parts": []}
    curves = []
    for model in models:
        if not isinstance(model, RecurrentModel):
            raise TypeError(f"expected a recurrent model, got {type(model).__name__}")
        norms = gradient_norms(model, trials, masked_sum)
        found["keeps"].append(keeps(norms.total, trials).quantile(0.5).item())
        found["parts"].append(
            {name: keeps(part, trials).quantile(0.5).item() for name, part in norms.parts.items()}
        )
        curves.append(norms.total[-1])  # the longest trained interval
    found["curve_180_ms"] = torch.stack(curves).log10().clamp(min=-12).quantile(0.5, dim=0)
    return found


def judge(results: Results) -> Judgement:
    """Is the NM-RNN ahead of both, before and after training?"""
    kept = {
        stage: {n.name: results.summary(f"{n.name}.{stage}.keeps") for n in FAIR}
        for stage in STAGES
    }
    ahead = [
        kept[stage]["nm_rnn"].median > kept[stage][other].median
        for stage in STAGES
        for other in ("low_rank_rnn", "vanilla_rnn")
    ]
    words = {"start": "before training", "trained": "trained"}
    return Judgement(
        status="measured",
        would_change=f"Another task or another strength at the start: the NM-RNN is ahead in "
        f"{sum(ahead)} of {len(ahead)} comparisons of medians. Element Finder, of which the "
        "authors speculate, is not measured",
        measured=f"{expected(combined(ahead))}. On Measure-Wait-Go, factor on the gradient over "
        "100 ms back: "
        + ". ".join(
            f"{words[stage].capitalize()}: "
            + "; ".join(f"{n.label} {format_number(kept[stage][n.name].median)}" for n in FAIR)
            for stage in STAGES
        ),
        spread=". ".join(
            f"{words[stage].capitalize()}: "
            + "; ".join(f"{n.label} {kept[stage][n.name]}" for n in FAIR)
            for stage in STAGES
        ),
        seeds=results.config["n_seeds"],
        caveats=(
            "A gradient that neither vanishes nor grows is not yet a good one: it must also point "
            "the right way.",
            "Fair scaling, one task, 270 to 330 ms of time without an answer. In longer tasks "
            "a small difference grows.",
        ),
    )


EXPERIMENTS = (
    Experiment(
        name="gradient_flow",
        run=run,
        rules={
            "R13": Rule(
                judge=judge,
                tolerance="order of the medians of the seeds; no tolerance",
                rule="the sentence holds if the gradient of the NM-RNN keeps more than that of the "
                "low-rank and of the vanilla RNN, before training and after it; in part if in some "
                "of these four comparisons",
            )
        },
    ),
)
