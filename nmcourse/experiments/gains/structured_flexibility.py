"""R15, one dial: does one direction of the gains do most of the steering?

The authors call the flexibility of an NM-RNN *structured*: it has additional parameters
(flexibility) with a clear motivation and interpretation (structured), as the ablation of N7 shows.
That is a definition in words. The number measured here is this course's, under another name: of the
K directions in which the gains could steer the ramp, one does most of the steering, at every moment
and in every trial, and training has made it so. The equations are in
``nmcourse.analysis.gains.gain_control``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nmcourse.analysis import (
    control_directions,
    gain_gradients,
    participation_ratio,
    term_sizes,
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
from nmcourse.experiments.gains.ablation import MAJORITY
from nmcourse.experiments.gains.pruning_and_dopamine import test_trials, trained_networks
from nmcourse.experiments.timing.networks import NETWORKS
from nmcourse.models import NMRNN, PrescribedGain
from nmcourse.tasks import WINDOW, apparent_interval, slope_against

ONE_DIAL = 0.75  # share of the control along one direction; chance is 1/3 for three gains
SHIFT = 0.05  # of the connectivity's size, for the finite test


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Directions of control in trained and untrained networks; seconds."""
    models = trained_networks()
    untrained = [
        NETWORKS["nm_rnn"].build(torch.Generator().manual_seed(seed)) for seed in range(len(models))
    ]
    metrics = {
        name: flexibilities(group)
        for name, group in (("trained", models), ("untrained", untrained))
    }
    config = {"one_dial": ONE_DIAL, "shift": SHIFT, "window_ms": WINDOW, "n_seeds": len(models)}
    return {"config": config, "metrics": metrics}


def flexibility(model: NMRNN) -> dict[str, Any]:
    """How far, in how many dimensions and to what effect the gains of a network move.

    Returns:
        ``size``: standard deviation of the connectivity over trials and times, relative to its
        size at the mean gains; ``dimensions``: participation ratio of that variation, 1 to K;
        ``between_intervals``: share of it that differs between intervals at equal time from the
        wait pulse; ``shares``: of the control over the apparent interval, per direction (K,);
        ``reach``: by how many ms a small constant shift of the gains from go on, along each
        direction, moves the apparent interval; ``follows_gains``: slope of the apparent interval
        against that of transplanted gains, ``follows_direction``: with only the first direction
        of their difference transplanted.
    """
    trials, sizes = test_trials(), term_sizes(model)
    go = trials.conditions["go_time"]
    wait = (trials.conditions["wait_time"] / model.dt).long()
    with torch.no_grad():
        gains = model(trials.inputs).gains
    since = torch.arange(gains.shape[1]) - wait[:, None]  # steps from the wait pulse
    produced = (since >= 0) & (since <= round((150.0 + WINDOW) / model.dt))
    gradients = gain_gradients(model, trials.inputs, lambda y: apparent_interval(y, go.double()))
    found = control_directions(gradients[produced], sizes)

    coordinates = (gains * sizes).double()
    aligned = coordinates[produced].unflatten(0, (len(gains), -1))  # (trial, time from wait, K)
    variance = aligned.flatten(0, 1).var(dim=0, correction=0).sum()
    everything = coordinates.flatten(0, 1)
    mean_size = everything.mean(dim=0).norm()
    directions = found.directions.to(gains.dtype)

    def under(given: Tensor) -> Tensor:
        """Mean apparent interval of the output network under given gains."""
        outputs = with_gains(model, PrescribedGain(given))(trials.inputs).outputs
        return apparent_interval(outputs, go).mean()

    def moved(amount: Tensor) -> Tensor:
        """Apparent intervals when the gains from go on are shifted by (K,)."""
        after = torch.arange(gains.shape[1]) * model.dt >= go[:, None]
        return under(gains + amount * after[..., None])

    def follow(transform: Callable[[Tensor], Tensor]) -> float:
        """Slope against the donor's interval when (part of) its gains are transplanted."""
        table = []
        for donor in range(len(gains)):
            there = (wait[donor] + since).clamp(0, gains.shape[1] - 1)
            change = transform(gains[donor][there] - gains)
            table.append(under(torch.where((since >= 0)[..., None], gains + change, gains)))
        return slope_against(torch.stack(table), trials.conditions["interval"]).item()

    with torch.no_grad():
        first = directions[:, :1] @ directions[:, :1].mT
        amount = SHIFT * mean_size.to(gains.dtype) * directions / sizes[:, None]
        reach = [
            0.5 * (moved(amount[:, k]) - moved(-amount[:, k])).abs().item()
            for k in range(model.rank)
        ]
        return {
            "size": (everything.var(dim=0, correction=0).sum().sqrt() / mean_size).item(),
            "dimensions": participation_ratio(everything),
            "between_intervals": (
                aligned.var(dim=0, correction=0).sum(dim=-1).mean() / variance
            ).item(),
            "shares": found.shares.tolist(),
            "reach": reach,
            "follows_gains": follow(lambda change: change),
            "follows_direction": follow(lambda change: (change * sizes) @ first / sizes),
        }


def flexibilities(models: Sequence[nn.Module]) -> dict[str, list[Any]]:
    """``flexibility`` of each network: lists with one entry per network."""
    rows = [flexibility(model) for model in models if isinstance(model, NMRNN)]
    return {key: [row[key] for row in rows] for key in rows[0]}


def judge(results: Results) -> Judgement:
    """Does one direction carry most of the control, and is that the work of training?"""
    limit, shares, reach = results.config["one_dial"], {}, {}
    for name in ("trained", "untrained"):
        shares[name] = summarise([row[0] for row in results.value(f"{name}.shares")])
        reach[name] = summarise(
            [row[0] / sum(row) for row in results.value(f"{name}.reach") if sum(row) > 0]
        )
    values = [row[0] for row in results.value("trained.shares")]
    n, one_dial = len(values), sum(share > limit for share in values)
    most, by_training = (
        sum(share > 0.5 for share in values) >= MAJORITY * n,
        shares["trained"].median > shares["untrained"].median,
    )
    if one_dial >= MAJORITY * n and by_training:
        found = "reproduced"
    else:
        found = "partly" if most else "not reproduced"
    return Judgement(
        status="measured",
        would_change=f"{math.ceil(MAJORITY * n)} of {n} networks with a share above {limit:g}; "
        f"there are {one_dial}. And a median above that of untrained networks: "
        f"{format_number(shares['trained'].median)} against "
        f"{format_number(shares['untrained'].median)}",
        measured=f"{expected(found)}. Share of the control along one direction "
        f"{shares['trained']}; above {limit:g} "
        f"in {one_dial} of {n} networks; before training {shares['untrained']}. A finite shift of "
        f"the gains along it does {format_number(reach['trained'].median)} of what equal shifts "
        "along all three do",
        spread=f"the connectivity moves by {results.summary('trained.size')} of its size, in "
        f"{results.summary('trained.dimensions')} dimensions of 3 (before training "
        f"{results.summary('untrained.size')}, {results.summary('untrained.dimensions')}); "
        f"{results.summary('trained.between_intervals')} of that movement differs between "
        "intervals",
        seeds=n,
        caveats=(
            "This number is ours, and not what the authors mean by structured: directions in "
            "which the gain at any time from the wait pulse "
            "on moves the apparent interval, with gains measured by the change of connectivity.",
            "It says what gains could do. In the trial itself the apparent interval follows the "
            f"gains with a slope of {results.summary('trained.follows_gains')}, and "
            f"{results.summary('trained.follows_direction')} by this direction alone.",
        ),
    )


EXPERIMENTS = (
    Experiment(
        name="structured_flexibility",
        run=run,
        rules={
            "R15": Rule(
                judge=judge,
                tolerance=f"{MAJORITY:.0%} of the networks",
                rule=f"the sentence holds if one direction has more than {ONE_DIAL:g} of the "
                "control in at "
                f"least {MAJORITY:.0%} of the networks, and the median share is larger than before "
                "training; in part if it has more than half of it in as many networks",
            )
        },
    ),
)
