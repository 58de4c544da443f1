"""R14: can an NM-RNN stand where another recurrent network stands?

A task that it was not made for: read a digit row by row, then name it. Five networks of about
3,000 parameters learn from the same images with one optimiser and one budget; the peak learning
rate of each is chosen on seeds that are not used again, by the loss on training images.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nmcourse.evidence import Experiment, Judgement, Results, Rule, expected, format_number
from nmcourse.experiments.contenders import Contender, by_name, compare, edge_caveat, ship_all
from nmcourse.experiments.image_sets import learnt_from
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.tasks import RowByRowDigits, class_accuracy
from nmcourse.training import cross_entropy_at_end, for_tier

COMMAND = "python -m nmcourse.claims run R14"
ABOUT, NEAR = 0.02, 0.05  # differences of accuracy
LEARNED = 0.5  # accuracy; chance is 0.1
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "n_steps": 2000,
        "batch_size": 100,
        "n_seeds": 5,
        "rates": [3e-3, 1e-2],
        "tuning_steps": 300,
        "tuning_seeds": [1000, 1001],
    },
    "smoke": {
        "n_steps": 5,
        "batch_size": 10,
        "n_seeds": 2,
        "rates": [1e-2],
        "tuning_steps": 5,
        "tuning_seeds": [1000],
    },
}
SETTINGS["gpu"] = at_paper_scale("digits", SETTINGS["cpu"])
NETWORKS = by_name(
    Contender(name, f"digits_{name}", label, prefix="digits")
    for name, label in (
        ("nm_rnn", "NM-RNN"),
        ("low_rank_rnn", "LR-RNN"),
        ("vanilla_rnn", "vanilla RNN"),
        ("lstm", "LSTM"),
        ("gru", "GRU"),
    )
)
SHIPPED = (NETWORKS["nm_rnn"], NETWORKS["lstm"])  # the two of the claim


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Tune and train every network; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    metrics = compare(
        NETWORKS.values(),
        RowByRowDigits("train"),
        measure,
        settings=settings,
        run_dir=run_dir,
        batch_size=settings["batch_size"],
        loss=cross_entropy_at_end,
    )
    if tier != "smoke":
        medians = {"test_accuracy_median": "test_accuracy"}
        data = f"{learnt_from({'image_size': 8})}, row by row"
        ship_all(SHIPPED, run_dir, metrics, command=COMMAND, medians=medians, data=data)
    return {"config": settings, "metrics": metrics}


@torch.no_grad()
def measure(models: Sequence[nn.Module]) -> dict[str, Any]:
    """Cross entropy and accuracy on all test and all training images, for each network."""
    measured: dict[str, Any] = {}
    for split in ("test", "train"):
        trials = RowByRowDigits(split).enumerate()
        outputs = [model(trials.inputs).outputs for model in models]
        measured[f"{split}_accuracy"] = [class_accuracy(y, trials.targets).item() for y in outputs]
        measured[f"{split}_loss"] = [
            cross_entropy_at_end(y, trials.targets, trials.mask).item() for y in outputs
        ]
    return measured


def judge(results: Results) -> Judgement:
    """Is the NM-RNN's accuracy on new images near the LSTM's, or above it?"""
    accuracy = {name: results.summary(f"{name}.test_accuracy") for name in NETWORKS}
    behind = accuracy["lstm"].median - accuracy["nm_rnn"].median
    found = "reproduced" if behind <= ABOUT else "partly" if behind <= NEAR else "not reproduced"
    learned = accuracy["lstm"].median >= LEARNED
    found = found if learned else "not decided"
    return Judgement(
        status="measured" if learned else "not decided",
        reason=""
        if learned
        else f"the LSTM itself did not learn: {accuracy['lstm'].median:.1%} of the images",
        would_change=f"The NM-RNN is {behind:.1%} of the images behind the LSTM; at most "
        f"{ABOUT:.0%} counts as about as well. Time constants that are tuned could close the gap",
        measured=f"{expected(found)}. Median accuracy on new images (loss): "
        + "; ".join(
            f"{network.label} {accuracy[name].median:.1%} "
            f"({format_number(results.summary(f'{name}.test_loss').median)})"
            for name, network in NETWORKS.items()
        ),
        spread="; ".join(
            f"{network.label} {accuracy[name].minimum:.1%} to {accuracy[name].maximum:.1%}"
            for name, network in NETWORKS.items()
        ),
        seeds=results.config["n_seeds"],
        caveats=(
            "Parameters: "
            + "; ".join(
                f"{network.label} {results.value(f'{name}.n_parameters'):,}"
                for name, network in NETWORKS.items()
            )
            + ".",
            "A small data set of 8 × 8 images: 1,437 to learn from and 360 new ones, of which one "
            "is 0.3 %.",
            "The leaky networks have time constants of 100 ms (modulator 1,000 ms) and a row lasts "
            "50 ms, all fixed and not tuned; LSTM and GRU have none.",
            edge_caveat(results, NETWORKS.values()),
        ),
    )


EXPERIMENTS = (
    Experiment(
        name="digits",
        run=run,
        ships=tuple(network.weights for network in SHIPPED),
        rules={
            "R14": Rule(
                judge=judge,
                tolerance=f"{ABOUT:.0%} of the images",
                rule="by the median accuracy on new images: the sentence holds if the NM-RNN is at "
                f"most {ABOUT:.0%} of the images behind the LSTM, in part if at most {NEAR:.0%}, "
                f"else it does not. Not decided if the LSTM itself is below {LEARNED:.0%}",
            ),
        },
    ),
)
