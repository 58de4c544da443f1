"""N7, R12, R13, R15 and R18 on networks that were trained at the budget of the paper.

The same questions as in ``gain_ablation``, ``gain_pruning``, ``gradient_flow``,
``structured_flexibility`` and ``low_dopamine``, put to the networks of ``published_budget`` that
learned to measure: those of the released recipe, and as a fair control those whose columns of L do
not turn round. Results lie where those of the older experiments do; the control under ``fair``.

R13 is also asked where the authors place it: on Element Finder, how much of the gradient of the
answer gets back from the end of the list to its start. And gains and states are transplanted: the
state at go of one trial, the gains from go on of another.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nmcourse import pretrained
from nmcourse.analysis import kept_from_go
from nmcourse.evidence import Experiment, LedgerError
from nmcourse.experiments.element_finder.networks import (
    ALL_NETWORKS,
    LENGTH,
    LOW_RANK_RELEASED,
    RELEASED,
    weights_at_published_budget,
)
from nmcourse.experiments.gains.ablation import HURTS, ablations
from nmcourse.experiments.gains.gradient_flow import PER, flow
from nmcourse.experiments.gains.pruning_and_dopamine import (
    BIAS_SHIFTS,
    FACTORS,
    HARDLY_MOVES,
    JUDGED_AT,
    NEAR_ZERO,
    low_dopamine,
    pruned,
    test_trials,
)
from nmcourse.experiments.gains.published_budget_rules import RULES
from nmcourse.experiments.gains.structured_flexibility import ONE_DIAL, SHIFT, flexibilities
from nmcourse.experiments.timing.published_budget import ARMS
from nmcourse.experiments.timing.published_networks import published_networks, those_that_learned
from nmcourse.models import NMRNN
from nmcourse.tasks import (
    WINDOW,
    ElementFinder,
    Trials,
    apparent_interval,
    at_mid_ramp,
    slope_against,
)

SETS = {"": "nm_rnn_released", "fair": "nm_rnn"}  # where the results lie -> arm
N_LISTS, LIST_SEED = 40, 2024
FINDERS = {
    "nm_rnn": RELEASED.name,
    "low_rank_rnn": LOW_RANK_RELEASED.name,
    "vanilla_rnn": "vanilla_rnn",
    "lstm": "lstm",
}
FLOWING = ("nm_rnn", "low_rank_rnn", "vanilla_rnn", "lstm")  # fair arms: equal at the start
STAGES = ("start", "trained")


def run(
    measure: Callable[[list[NMRNN]], dict[str, Any]],
    config: dict[str, Any],
    tier: str,
    run_dir: Path,
) -> dict[str, Any]:
    """Put a question to the networks that learned, of both sets; seconds to minutes."""
    metrics: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for where, arm in SETS.items():
        networks = published_networks(arm, tier, run_dir)
        models: Any = networks if tier == "smoke" else those_that_learned(networks)
        found = measure(models)
        metrics |= {where: found} if where else found
        counts[f"n_{where or 'published'}"] = len(models)
    config = {"window_ms": WINDOW, "n_seeds": counts["n_published"]} | config
    return {"config": config | counts, "metrics": metrics}


def _flexibility(models: list[NMRNN]) -> dict[str, Any]:
    """Directions of control, before and after training, and transplants."""
    untrained = [
        ARMS["nm_rnn"].build(torch.Generator().manual_seed(seed)) for seed in range(len(models))
    ]
    return {
        "trained": flexibilities(models),
        "untrained": flexibilities(untrained),
        "transplant": [transplants(model) for model in models],
    }


@torch.no_grad()
def transplants(model: NMRNN) -> dict[str, float]:
    """Slope of the apparent interval against that of a donor of gains, or of the state at go.

    From go on each trial is run with the gains that another one had, counted from its go, or
    from the state in which another one was at go, or both; 1 if the interval comes along, 0 if it
    stays behind.
    """
    trials, n_steps = test_trials(), round(WINDOW / model.dt)
    run = model(trials.inputs)
    go = (trials.conditions["go_time"] / model.dt).long()
    rows, steps = torch.arange(len(go))[:, None], go[:, None] + torch.arange(n_steps)
    starts, gains = run.states[rows[:, 0], go - 1], run.gains[rows, steps]
    inputs = trials.inputs[rows, steps]
    found = {}
    for what in ("gains", "states", "both"):
        table = []
        for donor in range(len(go)):
            there = [donor] * len(go)
            x = starts[there] if what != "gains" else starts
            s = gains[there] if what != "states" else gains
            outputs = []
            for step in range(n_steps):
                x = model.output_network.step(x, inputs[:, step], gain=s[:, step])
                outputs.append(model.output_network.readout(x))
            made = apparent_interval(torch.stack(outputs, dim=1), torch.zeros(len(go)))
            table.append(made.mean())
        interval = trials.conditions["interval"]
        found[what] = slope_against(torch.stack(table), interval.to(table[0])).item()
    return found


def run_gradient_flow(tier: str, run_dir: Path) -> dict[str, Any]:
    """Send the answers of every network back through time, on both tasks."""
    trials = at_mid_ramp(test_trials())
    metrics: dict[str, Any] = {"element_finder": {}}
    for arm in FLOWING:
        trained = published_networks(arm, tier, run_dir)
        start = _untrained(ARMS[arm].build, len(trained))
        metrics[arm] = {
            stage: flow(models, trials, partial(kept_from_go, per=PER))
            for stage, models in zip(STAGES, (start, trained), strict=True)
        }
    for arm, name in FINDERS.items():
        trained = _finders(name, tier)
        start = _untrained(ALL_NETWORKS[name].build, len(trained))
        metrics["element_finder"][arm] = {
            stage: flow(models, lists(), keeps_of_list)
            for stage, models in zip(STAGES, (start, trained), strict=True)
        }
    return {"config": {"per_ms": PER, "n_seeds": len(trained)}, "metrics": metrics}


def _untrained(build: Callable[[torch.Generator], nn.Module], n: int) -> list[nn.Module]:
    return [build(torch.Generator().manual_seed(seed)) for seed in range(n)]


def _finders(name: str, tier: str) -> list[nn.Module]:
    """The first ten networks of Element Finder at the budget of the paper."""
    if tier == "smoke":
        return _untrained(ALL_NETWORKS[name].build, 2)
    stored = weights_at_published_budget(name)
    if stored not in pretrained.available():
        raise LedgerError(
            f"no weights {stored}: first python -m nmcourse.claims run N13 --published-budget"
        )
    return pretrained.load_all(stored, kind=nn.Module)[:10]


@cache
def lists() -> Trials:
    """Some lists of the published length; their mask marks the answer."""
    return ElementFinder(LENGTH).sample(N_LISTS, generator=torch.Generator().manual_seed(LIST_SEED))


def keeps_of_list(norms: Tensor, trials: Trials) -> Tensor:
    """Factor over 100 ms back, from the answer to the query at the start, (trial,)."""
    back = 10.0 * (norms.shape[1] - 1)
    return (norms[:, 0] / norms[:, -1]) ** (PER / back)


_QUESTIONS: dict[str, tuple[str, Callable[[list[NMRNN]], dict[str, Any]], dict[str, Any]]] = {
    "N7": ("gain_ablation", ablations, {}),
    "R12": (
        "gain_pruning",
        pruned,
        {"near_zero": NEAR_ZERO, "hardly_moves": HARDLY_MOVES, "hurts": HURTS},
    ),
    "R15": ("structured_flexibility", _flexibility, {"one_dial": ONE_DIAL, "shift": SHIFT}),
    "R18": (
        "low_dopamine",
        low_dopamine,
        {"factors": FACTORS, "bias_shifts": BIAS_SHIFTS, "judged_at": JUDGED_AT},
    ),
}
EXPERIMENTS = (
    *(
        Experiment(
            name=f"{name}_published_budget",
            run=partial(run, measure, config),
            rules={claim: RULES[claim]},
        )
        for claim, (name, measure, config) in _QUESTIONS.items()
    ),
    Experiment(
        name="gradient_flow_published_budget", run=run_gradient_flow, rules={"R13": RULES["R13"]}
    ),
)
