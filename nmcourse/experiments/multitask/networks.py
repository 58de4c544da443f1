"""The networks of the multitask comparison: which, and how measured.

Shared by the experiments on the delayed-response tasks: ``multitask`` (N9, N10, R9) and
``multitask_states`` (N11, N12, R8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from nmcourse.models import count_parameters
from nmcourse.pretrained import BUILDERS
from nmcourse.tasks import DelayedResponse, percent_correct
from nmcourse.training import kept_parts, masked_mse, with_new_context

TRAINED = ("DelayPro", "DelayAnti", "MemoryPro")
NEW = "MemoryAnti"
ALL = (*TRAINED, NEW)
TEST_TRIALS, TEST_SEED = 200, 2024  # per task


@dataclass(frozen=True)
class Network:
    """One architecture, in one size and under one recurrent scaling.

    Attributes:
        name: key of its results, and, after ``mt_``, of its weights.
        builder: key of ``BUILDERS``.
        label: how figures and texts call it.
        kwargs: of the builder.
    """

    name: str
    builder: str
    label: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def build(self, generator: torch.Generator) -> nn.Module:
        """The network for three tasks, with random initial weights."""
        return BUILDERS[self.builder](**self.kwargs, generator=generator)

    def n_parameters(self) -> int:
        """Number of parameters for three tasks."""
        return count_parameters(self.build(torch.Generator()))

    def n_retrained(self) -> int:
        """How many parameters the new task may change."""
        model: Any = self.build(torch.Generator())
        wider = with_new_context(model)
        kept = {name for part in kept_parts(wider) for name in wider.parts()[part]}
        return sum(p.numel() for name, p in wider.named_parameters() if name not in kept)


NM_RNN = Network("nm_rnn", "multitask_nm_rnn", "NM-RNN")
# The sizes of the paper with recurrence of equal effective size at the start, ...
PAPER = (
    NM_RNN,
    Network("low_rank_rnn", "multitask_low_rank_rnn", "LR-RNN(100)"),
    Network("vanilla_rnn", "multitask_vanilla_rnn", "vanilla RNN(18)"),
    Network("lstm", "multitask_lstm", "LSTM(8)"),
)
# ... sizes with as many parameters as the NM-RNN (1,786), ...
MATCHED = (
    NM_RNN,
    Network("low_rank_rnn_matched", "multitask_low_rank_rnn", "LR-RNN(119)", {"n_units": 119}),
    Network("vanilla_rnn_matched", "multitask_vanilla_rnn", "vanilla RNN(38)", {"n_units": 38}),
    Network("lstm_matched", "multitask_lstm", "LSTM(18)", {"n_units": 18}),
)
_OVER_N = {"recurrent_scaling": "1/N"}
# ... and the sizes of the paper as in the released code, recurrence of the baselines over N.
RELEASED = (
    NM_RNN,
    Network("low_rank_rnn_over_n", "multitask_low_rank_rnn", "LR-RNN(100), 1/N", _OVER_N),
    Network("vanilla_rnn_over_n", "multitask_vanilla_rnn", "vanilla RNN(18), 1/N", _OVER_N),
    PAPER[3],
)
SETS = {"paper sizes": PAPER, "matched sizes": MATCHED, "released scaling": RELEASED}
NETWORKS = {network.name: network for networks in SETS.values() for network in networks}


@torch.no_grad()
def evaluate(models: Sequence[nn.Module], tasks: Sequence[str] = TRAINED) -> dict[str, Any]:
    """Accuracy and loss of trained networks on trials that are the same for all of them.

    Args:
        models: networks with one context channel for each of the first tasks of ``ALL``.
        tasks: what is tested; with the new task the networks need its channel.

    Returns:
        task -> ``arctan2`` and ``arctan`` (percent correct) and ``loss``, one entry per network.
    """
    contexts = ALL if NEW in tasks else TRAINED
    measured: dict[str, Any] = {}
    for name in tasks:
        generator = torch.Generator().manual_seed(TEST_SEED)
        trials = DelayedResponse([name], contexts=contexts).sample(TEST_TRIALS, generator=generator)
        outputs = [model(trials.inputs, trials.context).outputs for model in models]
        measured[name] = {
            "arctan2": [percent_correct(y, trials).item() for y in outputs],
            "arctan": [percent_correct(y, trials, angle="arctan").item() for y in outputs],
            "loss": [masked_mse(y, trials.targets, trials.mask).item() for y in outputs],
        }
    return measured


def mean_over_tasks(measured: Mapping[str, Any], measure: str) -> list[float]:
    """One number per network: its mean over the three trained tasks."""
    rows = torch.tensor([measured[task][measure] for task in TRAINED], dtype=torch.float64)
    return rows.mean(dim=0).tolist()
