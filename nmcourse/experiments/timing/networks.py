"""The networks of the timing comparison: which, how trained, how measured.

Shared by the experiments on Measure-Wait-Go: ``timing_comparison`` (N4, N5, N6, N8),
``gain_ablation`` (N7) and ``released_training`` (F1, F2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from nmcourse.evidence import Results
from nmcourse.models import count_parameters
from nmcourse.pretrained import BUILDERS
from nmcourse.tasks import LONGER, SHORTER, TRAINED, MeasureWaitGo, produced_interval
from nmcourse.training import masked_mse

WEIGHT_DECAY = 1e-4  # the default of the released optimiser; the same for every model here
STUCK = 5e-4  # between the networks that measure and the best single ramp, near 9e-4
TEST_TIME = 150.0  # when the measure pulse comes in the published test set, ms
TEST_INTERVALS = SHORTER + TRAINED + LONGER


@dataclass(frozen=True)
class Network:
    """One architecture under one recurrent scaling.

    Attributes:
        name: key of its results, and, after ``mwg_``, of its weights.
        builder: key of ``BUILDERS``.
        recurrent_scaling: factor in front of its recurrence.
        label: how figures and texts call it.
    """

    name: str
    builder: str
    recurrent_scaling: str
    label: str

    def build(self, generator: torch.Generator) -> nn.Module:
        """The network with random initial weights."""
        build = BUILDERS[self.builder]
        return build(recurrent_scaling=self.recurrent_scaling, generator=generator)

    def n_parameters(self) -> int:
        """Number of trainable parameters."""
        return count_parameters(self.build(torch.Generator()))


# Fair: equal effective recurrence at the start. Published: as in the released code.
FAIR = (
    Network("nm_rnn", "measure_wait_go_nm_rnn", "none", "NM-RNN"),
    Network("low_rank_rnn", "measure_wait_go_low_rank_rnn", "none", "LR-RNN"),
    Network("vanilla_rnn", "measure_wait_go_vanilla_rnn", "1/sqrt(N)", "vanilla RNN"),
    Network("lstm", "measure_wait_go_lstm", "none", "LSTM"),
)
DIVIDED_BY_N = (
    Network("low_rank_rnn_over_n", "measure_wait_go_low_rank_rnn", "1/N", "LR-RNN, 1/N"),
    Network("vanilla_rnn_over_n", "measure_wait_go_vanilla_rnn", "1/N", "vanilla RNN, 1/N"),
)
NETWORKS = {network.name: network for network in FAIR + DIVIDED_BY_N}
PUBLISHED = tuple(
    NETWORKS[n] for n in ("nm_rnn", "low_rank_rnn_over_n", "vanilla_rnn_over_n", "lstm")
)


@torch.no_grad()
def evaluate(models: Sequence[nn.Module]) -> dict[str, Any]:
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


def n_learned(results: Results, name: str) -> int:
    """How many networks learned to measure: their trained error is below any single ramp's."""
    errors = results.value(f"{name}.trained")
    return sum(error is not None and error < STUCK for error in errors)
