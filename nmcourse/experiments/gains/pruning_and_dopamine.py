"""R12 and R18: two questions to the trained NM-RNNs of ``timing_comparison``.

R12  Which gain components are needed?     each held at its mean; smallest sufficient set
R18  What does low dopamine do?            gains scaled down; produced intervals

Nothing is trained here: the ten networks ``mwg_nm_rnn`` are asked on the trained intervals, as in
``gain_ablation``, which also defines the apparent interval and when an ablation hurts.
``structured_flexibility`` and ``gradient_flow`` put R15 and R13 to the same networks.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from scipy import stats
from torch import Tensor

from nmcourse import pretrained
from nmcourse.analysis import (
    mean_gains,
    prune,
    pruning_order,
    smallest_sufficient_set,
    with_gains,
)
from nmcourse.evidence import (
    Experiment,
    Judgement,
    Results,
    Rule,
    expected,
    format_number,
    summarise,
)
from nmcourse.experiments.gains.ablation import HURTS, MAJORITY
from nmcourse.models import NMRNN, PrescribedGain
from nmcourse.tasks import (
    TEST_TIME,
    TRAINED,
    MeasureWaitGo,
    Trials,
    apparent_interval,
    change_of_intervals,
    produced_interval,
    ramp_slope,
)
from nmcourse.training import masked_mse

# R12
NEAR_ZERO = 0.1  # mean gain below
HARDLY_MOVES = 0.1  # largest minus smallest value over trials and times below
FEW = 3  # with fewer such components there is nothing to judge
# R18
FACTORS = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
BIAS_SHIFTS = (0.0, 0.1, 0.25, 0.5, 1.0, 1.5)  # subtracted inside the sigmoid
JUDGED_AT = 0.9
ONE_STEP = 10.0  # ms; what counts as a change of the produced interval


def trained_networks() -> list[NMRNN]:
    """The ten trained NM-RNNs."""
    return pretrained.load_all("mwg_nm_rnn", kind=NMRNN)


def test_trials() -> Trials:
    """One trial for each trained interval, measured at the time of the published test set."""
    return MeasureWaitGo(TRAINED, measure_times=[TEST_TIME]).enumerate()


def run_pruning(tier: str, run_dir: Path) -> dict[str, Any]:
    """Hold every component at its mean, alone and together; seconds."""
    models = trained_networks()
    config = {"near_zero": NEAR_ZERO, "hardly_moves": HARDLY_MOVES, "hurts": HURTS}
    return {"config": config | {"n_seeds": len(models)}, "metrics": pruned(models)}


@torch.no_grad()
def pruned(models: list[NMRNN]) -> dict[str, Any]:
    """Each component of each network held at its mean, and the smallest set that is needed."""
    trials = test_trials()
    metrics: dict[str, list[Any]] = {
        key: [] for key in ("intact", "mean", "range", "held", "order", "errors", "n_needed")
    }
    metrics |= {"needed": []}

    def error(model: NMRNN) -> float:
        return masked_mse(model(trials.inputs).outputs, trials.targets, trials.mask).item()

    for model in models:
        gains = model(trials.inputs).gains.flatten(0, 1)
        level, intact = mean_gains(model, trials.inputs), error(model)
        pruning = pruning_order(model, level, error)
        needed = smallest_sufficient_set(model, level, error, largest_error=HURTS * intact)
        metrics["intact"].append(intact)
        metrics["mean"].append(level.tolist())
        metrics["range"].append((gains.amax(dim=0) - gains.amin(dim=0)).tolist())
        metrics["held"].append([error(prune(model, [k], level)) for k in range(model.rank)])
        metrics["order"].append(list(pruning.order))
        metrics["errors"].append(list(pruning.errors))
        metrics["needed"].append(list(needed.components))
        metrics["n_needed"].append(len(needed.components))
    return metrics


def judge_pruning(results: Results) -> Judgement:
    """Are the quiet components free to go, and more so than the others?"""
    level, moves, held = (torch.tensor(results.value(key)) for key in ("mean", "range", "held"))
    ratio = held / torch.tensor(results.value("intact"))[:, None]
    quiet = (level < results.config["near_zero"]) | (moves < results.config["hardly_moves"])
    harmless = ratio < results.config["hurts"]
    n_quiet, n_free = int(quiet.sum()), int((quiet & harmless).sum())
    n_loud, n_loud_free = int((~quiet).sum()), int((~quiet & harmless).sum())
    if n_quiet < FEW:
        found = "not decided"
    elif n_free >= MAJORITY * n_quiet:
        found = "reproduced"
    elif n_free * n_loud > n_loud_free * n_quiet:
        found = "partly"
    else:
        found = "not reproduced"
    rank_correlation = stats.spearmanr(moves.flatten(), ratio.log().flatten()).statistic
    sizes = results.value("n_needed")
    counts = ", ".join(f"{sizes.count(n)} need {n}" for n in sorted(set(sizes)))
    return Judgement(
        status="not decided" if found == "not decided" else "measured",
        reason=f"{n_quiet} components are quiet, and fewer than {FEW} say nothing about their kind"
        if found == "not decided"
        else "",
        would_change=f"{math.ceil(MAJORITY * n_quiet)} of the {n_quiet} quiet components free to "
        f"go; there are {n_free}. Networks of more than three gains would have more quiet ones",
        measured=f"{expected(found)}. {n_quiet} of {quiet.numel()} components are near zero or "
        "hardly move; "
        f"{n_free} of these can be held at their mean without doubling the error, and "
        f"{n_loud_free} of the other {n_loud}. Moving components that a network needs: {counts}, "
        f"of {level.shape[1]}",
        spread="error with one component held at its mean over the intact error "
        f"{summarise(ratio.flatten().tolist())}; rank correlation with how far the component moves "
        f"{format_number(float(rank_correlation))}",
        seeds=len(level),
        caveats=(
            "A component that can be held still has its rank-one term: what is superfluous is its "
            "modulation, not its weights.",
            "Networks of three gains; the paper's silent components belong to networks with eight.",
        ),
    )


def run_low_dopamine(tier: str, run_dir: Path) -> dict[str, Any]:
    """Scale or shift the gains of every network; seconds."""
    models = trained_networks()
    config = {"factors": list(FACTORS), "bias_shifts": list(BIAS_SHIFTS), "n_seeds": len(models)}
    return {"config": config | {"judged_at": JUDGED_AT}, "metrics": low_dopamine(models)}


@torch.no_grad()
def low_dopamine(models: list[NMRNN]) -> dict[str, Any]:
    """What is left of the ramps of each network when its gains are scaled or shifted."""
    trials = test_trials()
    go = trials.conditions["go_time"]
    time = 10.0 * torch.arange(trials.inputs.shape[1])
    after = (time >= go[:, None])[..., None]  # (trial, time, 1)
    metrics: dict[str, Any] = {}
    for name, levels in {
        "whole": FACTORS,
        "before_go": FACTORS,
        "from_go": FACTORS,
        "bias": BIAS_SHIFTS,
    }.items():
        outputs = []
        for model in models:
            gains = model(trials.inputs).gains
            where = {"before_go": ~after, "from_go": after}.get(name, torch.ones_like(after))
            for level in levels:
                low = (gains.logit() - level).sigmoid() if name == "bias" else level * gains
                given = PrescribedGain(torch.where(where, low, gains))
                outputs.append(with_gains(model, given)(trials.inputs).outputs)
        stacked = torch.stack(outputs).unflatten(0, (len(models), len(levels)))
        metrics[name] = _read(stacked, trials)
    return metrics


def _read(outputs: Tensor, trials: Trials) -> dict[str, Tensor]:
    """Intervals in ms, slope in 1/ms and output at go, each (network, level, trial)."""
    go = trials.conditions["go_time"]
    trial = torch.arange(len(go))
    return {
        "produced": produced_interval(outputs, go, 10.0),
        "apparent": apparent_interval(outputs, go),
        "slope": ramp_slope(outputs, go, 10.0),
        "at_go": outputs[..., trial, (go / 10.0).long(), 0],
    }


def _produced(results: Results, variant: str) -> Tensor:
    """(network, level, trial), NaN for a ramp that never arrives."""
    return torch.tensor(
        [
            [[torch.nan if ms is None else ms for ms in row] for row in network]
            for network in results.value(f"{variant}.produced")
        ]
    )


def judge_low_dopamine(results: Results) -> Judgement:
    """Are the intervals longer when all gains are scaled by 0.9 for the whole trial?"""
    factors, n = results.config["factors"], results.config["n_seeds"]
    at = factors.index(results.config["judged_at"])
    counts = {}
    for variant in ("whole", "before_go", "from_go"):
        signs = change_of_intervals(_produced(results, variant), level=at, resolution=ONE_STEP)
        counts[variant] = (int((signs > 0).sum()), int((signs < 0).sum()))
    longer, shorter = counts["whole"]
    if longer >= MAJORITY * n:
        found = "reproduced"
    else:
        found = "partly" if longer > shorter else "not reproduced"
    whole = _produced(results, "whole")
    never = whole.isnan().sum(dim=(0, 2)).tolist()
    change = whole[:, at] - whole[:, 0]
    arrived = change[~change.isnan()]
    return Judgement(
        status="measured",
        would_change=f"{math.ceil(MAJORITY * n)} of {n} networks with longer intervals; there are "
        f"{longer}. Scaled only from go on, there are {counts['from_go'][0]}: which part of the "
        "trial dopamine is thought to act on decides more than the number of seeds",
        measured=f"{expected(found)}. All gains × {factors[at]:g}: longer in {longer} of {n} "
        "networks, shorter in "
        f"{shorter}. Ramps that never arrive, of {whole.shape[0] * whole.shape[2]}: "
        + ", ".join(f"{count} at × {f:g}" for f, count in zip(factors, never, strict=True))
        + f". Scaled only from go on: longer in {counts['from_go'][0]}, shorter in "
        f"{counts['from_go'][1]}; only before go: longer in {counts['before_go'][0]}, shorter in "
        f"{counts['before_go'][1]}",
        spread=f"change of the produced interval at × {factors[at]:g}, ramps that arrive: "
        f"{summarise(arrived.tolist())} ms",
        seeds=n,
        caveats=(
            "A gain in a trained network stands for dopamine here, no more: the networks have no "
            "sign constraints and no cell types.",
            "A network counts as longer or shorter if the median of its four intervals changes by "
            "more than one step of 10 ms; a ramp that never arrives counts as longer.",
        ),
    )


EXPERIMENTS = (
    Experiment(
        name="gain_pruning",
        run=run_pruning,
        rules={
            "R12": Rule(
                judge=judge_pruning,
                tolerance=f"{MAJORITY:.0%} of the quiet components",
                rule=f"a component is quiet if its mean gain is below {NEAR_ZERO:g}, or if it "
                f"moves by less than {HARDLY_MOVES:g}; it is free to go if holding it at its mean "
                f"multiplies the error by less than {HURTS:g}. The sentence holds if "
                f"at least {MAJORITY:.0%} of the quiet ones are free to go; in part if a larger "
                f"share of them than of the others; not decided if there are fewer than {FEW}",
            )
        },
    ),
    Experiment(
        name="low_dopamine",
        run=run_low_dopamine,
        rules={
            "R18": Rule(
                judge=judge_low_dopamine,
                tolerance=f"{MAJORITY:.0%} of the networks",
                rule=f"the sentence holds if with all gains times {JUDGED_AT:g} the intervals are "
                "longer "
                f"in at least {MAJORITY:.0%} of the networks; in part if in more networks than "
                "those in which they are shorter",
            )
        },
    ),
)
