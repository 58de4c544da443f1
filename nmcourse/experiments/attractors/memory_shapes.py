"""C4: what does the delay activity of a convolutional network rest on, by the set of stimuli?

Convolutional networks of 125 units learn to point to a place that is gone: on a ring, on a line,
at two points; ten seeds each. Then they are held: the go signal does not come for ten times the
longest delay that they have known.

    end of the delay    do states lie on a ring (a line, at two places), in the order of the places?
    ten delays later    are they still where they were? how large is the largest gap?
    rates               the two slowest time constants at held states, and whether the slowest
                        direction lies along the curve
    points              fixed and slow points, found from the held states

Beside them, as a worked case, a network that was trained badly: ``bad_training``.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nmcourse.analysis import (
    decay_rates,
    find_fixed_points,
    fit_line,
    fit_ring,
    held_states,
    largest_gap,
    line_drift,
    tangents_of,
    wrap_angle,
)
from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.attractors import bad_training
from nmcourse.experiments.attractors.networks import (
    CPU,
    MEMORIES,
    SMOKE,
    contender,
    networks,
    trained,
)
from nmcourse.experiments.attractors.shape_rules import RULES
from nmcourse.experiments.contenders import ship_all
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.models import RecurrentModel
from nmcourse.tasks import MemoryGuided
from nmcourse.training import for_tier

COMMAND = "python -m nmcourse.claims run C4"
FAMILY = "conv"
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": CPU | {"n_places": 24, "n_delays": 10, "n_iterations": 60, "n_rates": 8},
    "smoke": SMOKE | {"n_places": 6, "n_delays": 1, "n_iterations": 2, "n_rates": 3},
}
SETTINGS["gpu"] = at_paper_scale("memory_shapes", SETTINGS["cpu"])


SHIPPED = (
    *(contender(task, FAMILY).weights for task in MEMORIES if task != "memory_ring"),
    bad_training.NAME,
)


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train on each set of stimuli and hold; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    metrics: dict[str, Any] = {}
    for task in MEMORIES:
        found = trained(task, FAMILY, settings, run_dir)
        measure = partial(_measured, task, settings, run_dir)
        metrics[task] = found | remember(run_dir / f"{task}.json", measure, settings)
        if tier != "smoke" and task != "memory_ring":  # that one is shipped by C3
            entered = contender(task, FAMILY, settings["n_units"])
            ship_all(
                [entered],
                run_dir,
                {entered.name: found},
                command=COMMAND,
                medians={"right_median": "right"},
            )
    badly = bad_training.SETTINGS["smoke" if tier == "smoke" else "cpu"]
    folder = run_dir / "limit_cycle"
    cycle = remember(
        run_dir / "limit_cycle.json", partial(bad_training.badly_trained, badly, folder), badly
    )
    if tier != "smoke":
        bad_training.ship_it(folder, cycle, COMMAND)
    return {"config": settings, "metrics": metrics | {"limit_cycle": cycle}}


def _measured(task: str, settings: dict[str, Any], run_dir: Path) -> dict[str, Any]:
    """Each measure of a set of stimuli, one entry for each network."""
    asked = MEMORIES[task]
    measure = {"ring": ring, "line": line, "points": points}[asked.stimuli]
    rows = [measure(model, asked, settings) for model in networks(task, FAMILY, settings, run_dir)]
    return {name: plain([row[name] for row in rows]) for name in rows[0]}


def ring(model: RecurrentModel, task: MemoryGuided, settings: dict[str, Any]) -> dict[str, float]:
    """A ring at the end of the delay, and what is left of it."""
    trials = task.probe(settings["n_places"])
    held = held_states(model, task, trials, settings["n_delays"])
    angle = trials.conditions["value"].double()
    found = fit_ring(held[:, 0], angle)
    first, last = (found.decode(states) for states in (held[:, 0], held[:, -1]))
    return {
        "order": found.order,
        "plane": float(found.plane.variance_ratios.sum()),
        "hollowness": found.hollowness,
        "change": float(wrap_angle(last - first).abs().median()),
        "gap_first": largest_gap(first, 2 * math.pi),
        "gap": largest_gap(last, 2 * math.pi),
        **_rates(model, task, held, settings, closed=True),
        **_points(model, held[:, -1], settings),
    }


def line(model: RecurrentModel, task: MemoryGuided, settings: dict[str, Any]) -> dict[str, float]:
    """A line at the end of the delay, and what is left of it."""
    trials = task.probe(settings["n_places"])
    held = held_states(model, task, trials, settings["n_delays"])
    value = trials.conditions["value"].double()
    found = fit_line(held[:, 0], value)
    last = found.axis.project(held[:, -1])[:, 0]
    return {
        "order": abs(found.order),
        "line": found.variance_ratio,
        "kept": line_drift(found, held, task.dt).kept,
        "change": float((last - found.scores).abs().median()) / found.length,
        "gap_first": largest_gap(found.scores),
        "gap": largest_gap(last),
        **_rates(model, task, held, settings, closed=False),
        **_points(model, held[:, -1], settings),
    }


def points(model: RecurrentModel, task: MemoryGuided, settings: dict[str, Any]) -> dict[str, float]:
    """Two clusters of states of noisy trials at the end of the delay, and what is left of them."""
    probe = task.probe()
    last = task.longest_delay
    longest = MemoryGuided(task.stimuli, shortest_delay=last, longest_delay=last)
    some = longest.sample(2 * settings["n_places"], generator=torch.Generator().manual_seed(7))
    held = held_states(model, task, some, settings["n_delays"])
    side = some.conditions["value"] > 0
    spread, distance = _clusters(held[:, 0], side)
    spread_last, distance_last = _clusters(held[:, -1], side)
    quiet = held_states(model, task, probe, settings["n_delays"])
    return {
        "spread": spread / distance,
        "spread_last": spread_last / distance_last if distance_last > 0 else math.inf,
        "distance_kept": distance_last / distance,
        **_rates(model, task, quiet, settings | {"n_rates": 2}, closed=None),
        **_points(model, quiet[:, -1], settings),
    }


def _clusters(states: Tensor, side: Tensor) -> tuple[float, float]:
    """Mean distance of states from the mean of their side, and the distance of both means."""
    means = [states[chosen].mean(dim=0) for chosen in (side, ~side)]
    spread = [
        (states[chosen] - mean).norm(dim=-1).mean()
        for chosen, mean in zip((side, ~side), means, strict=True)
    ]
    return float(sum(spread) / 2), float((means[0] - means[1]).norm())


def _rates(
    model: RecurrentModel,
    task: MemoryGuided,
    held: Tensor,
    settings: dict[str, Any],
    *,
    closed: bool | None,
) -> dict[str, float]:
    """Medians of the slowest rates at states that were held for one delay more."""
    settled = held[:, min(round(task.longest_delay / task.dt), held.shape[1] - 1)]
    tangents = None if closed is None else tangents_of(settled, closed=closed)
    some = torch.linspace(0, len(settled) - 1, settings["n_rates"]).round().long().unique()
    found = decay_rates(
        model,
        settled[some],
        _fixation(task.n_inputs),
        tangents=None if tangents is None else tangents[some],
    )
    return {
        "slowest": float(found.slowest.median()),
        "second": float(found.second.median()),
        "alignment": float(found.alignment.median()),
    }


def _points(model: RecurrentModel, held: Tensor, settings: dict[str, Any]) -> dict[str, float]:
    """How many fixed and slow points the held states lead to."""
    found = find_fixed_points(
        model,
        _fixation(model.n_inputs),
        candidates=held[:: max(1, len(held) // 12)],
        n_iterations=settings["n_iterations"],
        same_point_distance=1e-2,
    )
    return {
        "n_fixed": int(found.is_fixed.sum()),
        "n_stable": int((found.is_fixed & found.is_stable).sum()),
        "n_slow": int(found.is_slow.sum()),
    }


def _fixation(n_inputs: int) -> Tensor:
    """The input of the delay: fixation alone."""
    return torch.nn.functional.one_hot(torch.tensor(0), n_inputs).double()


EXPERIMENTS = (Experiment(name="memory_shapes", run=run, rules=RULES, ships=SHIPPED),)
