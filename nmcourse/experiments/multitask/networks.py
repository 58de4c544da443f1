"""The networks of the multitask comparison: which, and how measured.

Shared by the experiments on the delayed-response tasks: ``multitask`` (N9, N10, R9) and
``multitask_states`` (N11, N12, R8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from nmcourse.experiments.contenders import Contender, by_name
from nmcourse.tasks import DelayedResponse, percent_correct
from nmcourse.training import kept_parts, masked_mse, with_new_context

TRAINED = ("DelayPro", "DelayAnti", "MemoryPro")
NEW = "MemoryAnti"
ALL = (*TRAINED, NEW)
TEST_TRIALS, TEST_SEED = 200, 2024  # per task


def _network(name: str, kind: str, label: str, **kwargs: Any) -> Contender:
    return Contender(name, f"multitask_{kind}", label, kwargs, prefix="mt")


def n_retrained(network: Contender) -> int:
    """How many parameters the new task may change."""
    model: Any = network.build(torch.Generator())
    wider = with_new_context(model)
    kept = {name for part in kept_parts(wider) for name in wider.parts()[part]}
    return sum(p.numel() for name, p in wider.named_parameters() if name not in kept)


NM_RNN = _network("nm_rnn", "nm_rnn", "NM-RNN")
# The sizes of the paper with recurrence of equal effective size at the start, ...
PAPER = (
    NM_RNN,
    _network("low_rank_rnn", "low_rank_rnn", "LR-RNN(100)"),
    _network("vanilla_rnn", "vanilla_rnn", "vanilla RNN(18)"),
    _network("lstm", "lstm", "LSTM(8)"),
)
# ... sizes with as many parameters as the NM-RNN (1,786), ...
MATCHED = (
    NM_RNN,
    _network("low_rank_rnn_matched", "low_rank_rnn", "LR-RNN(119)", n_units=119),
    _network("vanilla_rnn_matched", "vanilla_rnn", "vanilla RNN(38)", n_units=38),
    _network("lstm_matched", "lstm", "LSTM(18)", n_units=18),
)
_OVER_N = {"recurrent_scaling": "1/N"}
# ... and the sizes of the paper as in the released code, recurrence of the baselines over N.
RELEASED = (
    NM_RNN,
    _network("low_rank_rnn_over_n", "low_rank_rnn", "LR-RNN(100), 1/N", **_OVER_N),
    _network("vanilla_rnn_over_n", "vanilla_rnn", "vanilla RNN(18), 1/N", **_OVER_N),
    PAPER[3],
)
SETS = {"paper sizes": PAPER, "matched sizes": MATCHED, "released scaling": RELEASED}
NETWORKS = by_name(network for networks in SETS.values() for network in networks)


@torch.no_grad()
def accuracy_by_task(models: Sequence[nn.Module], tasks: Sequence[str] = TRAINED) -> dict[str, Any]:
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
        # An output without a value is no answer: with zeros fixation is not held.
        answers = [torch.where(torch.isfinite(y), y, 0.0) for y in outputs]
        measured[name] = {
            "arctan2": [percent_correct(y, trials).item() for y in answers],
            "arctan": [percent_correct(y, trials, angle="arctan").item() for y in answers],
            "loss": [masked_mse(y, trials.targets, trials.mask).item() for y in outputs],
        }
    return measured


def mean_over_tasks(measured: Mapping[str, Any], measure: str) -> list[float]:
    """One number per network: its mean over the three trained tasks."""
    rows = torch.tensor([measured[task][measure] for task in TRAINED], dtype=torch.float64)
    return rows.mean(dim=0).tolist()
