"""The networks of the timing comparison: which, how trained, how measured.

Shared by the experiments on Measure-Wait-Go: ``timing_comparison`` (F8),
``gain_ablation`` (N7) and ``released_training`` (F1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from nmcourse.evidence import Results, plain
from nmcourse.experiments.contenders import Contender, by_name
from nmcourse.tasks import (
    LONGER,
    SHORTER,
    TEST_TIME,
    TRAINED,
    MeasureWaitGo,
    learned_to_measure,
    produced_interval,
)
from nmcourse.training import masked_mse

WEIGHT_DECAY = 1e-4  # the default of the released optimiser; the same for every model here
TEST_INTERVALS = SHORTER + TRAINED + LONGER


def _network(name: str, kind: str, scaling: str, label: str) -> Contender:
    """One architecture under one factor in front of its recurrence."""
    kwargs = {"recurrent_scaling": scaling}
    return Contender(name, f"measure_wait_go_{kind}", label, kwargs, prefix="mwg")


# Fair: equal effective recurrence at the start. Published: as in the released code.
FAIR = (
    _network("nm_rnn", "nm_rnn", "none", "NM-RNN"),
    _network("low_rank_rnn", "low_rank_rnn", "none", "LR-RNN"),
    _network("vanilla_rnn", "vanilla_rnn", "1/sqrt(N)", "vanilla RNN"),
    _network("lstm", "lstm", "none", "LSTM"),
)
DIVIDED_BY_N = (
    _network("low_rank_rnn_over_n", "low_rank_rnn", "1/N", "LR-RNN, 1/N"),
    _network("vanilla_rnn_over_n", "vanilla_rnn", "1/N", "vanilla RNN, 1/N"),
)
NETWORKS = by_name(FAIR + DIVIDED_BY_N)
PUBLISHED = tuple(
    NETWORKS[n] for n in ("nm_rnn", "low_rank_rnn_over_n", "vanilla_rnn_over_n", "lstm")
)


@torch.no_grad()
def errors_and_intervals(models: Sequence[nn.Module]) -> dict[str, Any]:
    """Errors and produced intervals of trained networks on the published test set.

    The test set is one trial for each trained, shorter and longer interval, with the measure
    pulse at 150 ms.

    Returns:
        ``trained``, ``extrapolated``, ``shorter``, ``longer``: masked mean squared error, one
        entry per network; ``produced``: (network, interval) in ms, NaN where a ramp never
        arrives.
    """
    groups = {"trained": TRAINED, "shorter": SHORTER, "longer": LONGER}
    measured: dict[str, Any] = {}
    for name, intervals in (groups | {"extrapolated": SHORTER + LONGER}).items():
        trials = MeasureWaitGo(intervals, measure_times=[TEST_TIME]).enumerate()
        measured[name] = [
            masked_mse(model(trials.inputs).outputs, trials.targets, trials.mask).item()
            for model in models
        ]
    trials = MeasureWaitGo(TEST_INTERVALS, measure_times=[TEST_TIME]).enumerate()
    outputs = torch.stack([model(trials.inputs).outputs for model in models])
    measured["produced"] = produced_interval(outputs, trials.conditions["go_time"], 10.0)
    return measured


def trained_and_extrapolated(models: Sequence[nn.Module]) -> dict[str, Any]:
    """Errors on trained and on untrained intervals alone, as JSON holds them: for a curve."""
    found = plain(errors_and_intervals(models))
    return {group: found[group] for group in ("trained", "extrapolated")}


def n_measuring(results: Results, name: str) -> int:
    """How many networks learned to measure."""
    return sum(map(learned_to_measure, results.value(f"{name}.trained")))


def learned_only(results: Results, name: str, group: str) -> list[float]:
    """Errors in a group of intervals of the networks that learned to measure."""
    errors, trained = (results.value(f"{name}.{part}") for part in (group, "trained"))
    return [error for error, own in zip(errors, trained, strict=True) if learned_to_measure(own)]
