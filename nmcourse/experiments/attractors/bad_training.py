"""A worked case: a network that was trained badly, and what it does when it is left alone.

It starts with recurrent weights 2.6 times as strong as the others do and sees a third of their
steps. In its trials it answers most questions rightly. Held, it forgets all of them: activity goes
to a limit cycle, one and the same from everywhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nmcourse.analysis import held_states, principal_subspace
from nmcourse.experiments.attractors.networks import MEMORIES, contender
from nmcourse.experiments.training_runs import ship
from nmcourse.models import ConvRNN, RecurrentModel
from nmcourse.training import fit_many, load_tensors, save_tensors

NAME = "cognitive_limit_cycle"
TASK, FAMILY = "memory_ring", "conv"
STRONGER = 2.6
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {"n_steps": 100, "batch_size": 16, "learning_rate": 1e-2, "n_delays": 20, "n_test": 500},
    "smoke": {"n_steps": 1, "batch_size": 2, "learning_rate": 1e-2, "n_delays": 2, "n_test": 4},
}


def build(generator: torch.Generator) -> nn.Module:
    """A convolutional network with strong recurrent weights."""
    model = contender(TASK, FAMILY).build(generator)
    assert isinstance(model, ConvRNN)
    with torch.no_grad():
        model.kernel.mul_(STRONGER)
    return model


def badly_trained(settings: dict[str, Any], folder: Path) -> dict[str, float]:
    """Train one, keep its weights in ``folder``, and measure its cycle."""
    folder.mkdir(parents=True, exist_ok=True)
    result = fit_many(
        build,
        MEMORIES[TASK],
        seeds=[0],
        n_steps=settings["n_steps"],
        batch_size=settings["batch_size"],
        learning_rate=settings["learning_rate"],
        progress=False,
    )
    (model,) = result.models
    save_tensors(folder / "weights.pt", [model.state_dict()])
    assert isinstance(model, RecurrentModel)
    task = MEMORIES[TASK]
    test = task.sample(settings["n_test"], generator=torch.Generator().manual_seed(12345))
    with torch.no_grad():
        right = float(task.right(model(test.inputs).outputs, test).double().mean())
    held = held_states(model, task, task.probe(6), settings["n_delays"])
    late = held[:, held.shape[1] // 2 :]
    size = (late - late.mean(dim=1, keepdim=True)).square().sum(dim=-1).mean(dim=1).sqrt()
    return {
        "right": right,
        "size": float(size.min()),
        "period": period_of(late[0], task.dt),
        "apart": float((late.mean(dim=1) - late.mean(dim=(0, 1))).norm(dim=-1).max()),
    }


def period_of(states: Tensor, dt: float) -> float:
    """Mean time in ms between two rises of the first component through zero; 0 with fewer."""
    along = principal_subspace(states, 1).project(states)[:, 0]
    rises = ((along[:-1] < 0) & (along[1:] >= 0)).nonzero().flatten()
    return float(rises.diff().double().mean()) * dt if len(rises) > 1 else 0.0


def ship_it(folder: Path, measured: dict[str, float], command: str) -> None:
    """Store the network as pretrained weights."""
    entered = contender(TASK, FAMILY)
    model = build(torch.Generator().manual_seed(0))
    model.load_state_dict(load_tensors(folder / "weights.pt")[0])
    ship(
        NAME,
        [model],
        builder=entered.stored_builder,
        kwargs=dict(entered.kwargs),
        command=command,
        metrics={"period_ms": [measured["period"]], "right": [measured["right"]]},
    )
