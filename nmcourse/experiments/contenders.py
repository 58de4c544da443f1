"""A network in a comparison, and the one way in which contenders are tuned, trained, kept, shipped.

    CONTENDERS = (Contender("gru", "element_finder_gru", "GRU", prefix="ef"), ...)
    metrics = compare(CONTENDERS, task, measure, settings=settings, run_dir=run_dir)
    ship_all(CONTENDERS, run_dir, metrics, command=COMMAND, medians={"error": "error"})

What a contender is has one name in three places: its results, its folder of unfinished work, and,
after the prefix of its family, its pretrained weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nmcourse.evidence import Results, plain
from nmcourse.experiments.training_runs import in_parallel, ship, trained_models, tune_and_train
from nmcourse.models import count_parameters
from nmcourse.pretrained import BUILDERS
from nmcourse.tasks import Task, Trials
from nmcourse.training import frozen_parameters


@dataclass(frozen=True)
class Contender:
    """One network in a comparison: an architecture in one size, trained in one way.

    Attributes:
        name: key of its results, and name of its folder.
        builder: key of ``nmcourse.pretrained.BUILDERS``; or, where no weights are shipped, a
            function of a module that takes ``generator``.
        label: how figures and texts call it.
        kwargs: arguments of the builder.
        prefix: stands before the name in the name of its weights.
        freeze: parts that stay as they were drawn.
    """

    name: str
    builder: str | Callable[..., nn.Module]
    label: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""
    freeze: tuple[str, ...] = ()

    def build(self, generator: torch.Generator) -> nn.Module:
        """The network with random initial weights."""
        build = BUILDERS[self.builder] if isinstance(self.builder, str) else self.builder
        return build(**self.kwargs, generator=generator)

    def n_parameters(self) -> int:
        """Number of parameters, frozen ones too."""
        return count_parameters(self.build(torch.Generator()))

    def n_trained(self) -> int:
        """Number of parameters that are trained."""
        model = self.build(torch.Generator())
        frozen = frozen_parameters(model, self.freeze)
        return sum(p.numel() for name, p in model.named_parameters() if name not in frozen)

    @property
    def stored_builder(self) -> str:
        """Key of ``BUILDERS`` by which its weights are loaded.

        Raises:
            ValueError: The builder is a function of an experiment, which a stored file cannot name.
        """
        if not isinstance(self.builder, str):
            raise ValueError(f"{self.name!r} needs a builder of BUILDERS to be shipped")
        return self.builder

    @property
    def weights(self) -> str:
        """Name of its pretrained weights."""
        return f"{self.prefix}_{self.name}" if self.prefix else self.name


def by_name(contenders: Iterable[Contender]) -> dict[str, Contender]:
    """Name -> contender, in the same order.

    Raises:
        ValueError: Two different contenders have one name.
    """
    found: dict[str, Contender] = {}
    for contender in contenders:
        if found.setdefault(contender.name, contender) != contender:
            raise ValueError(f"two contenders are named {contender.name!r}")
    return found


def edge_caveat(results: Results, contenders: Iterable[Contender]) -> str:
    """Which networks had their best learning rate at the upper end of the list, as a text."""
    largest = max(results.config["rates"])
    at_the_edge = [
        n.label for n in contenders if results.value(f"{n.name}.learning_rate") == largest
    ]
    return (
        "A larger learning rate may be better where the best one was the largest tried: "
        f"{'; '.join(at_the_edge) or 'nowhere'}."
    )


def compare(
    contenders: Iterable[Contender],
    data: Task | Trials,
    measure: Callable[[Sequence[nn.Module]], Mapping[str, Any]],
    *,
    settings: Mapping[str, Any],
    run_dir: Path,
    **options: Any,
) -> dict[str, dict[str, Any]]:
    """Tune, train and measure every contender, each in a process of its own.

    Args:
        contenders: Who takes part.
        data: What they are trained on.
        measure: Trained networks -> results, one entry per network in each list. A function of a
            module, so that another process finds it.
        settings: See ``training_runs.tune_and_train``.
        run_dir: Each contender keeps its parts in the folder of its name.
        **options: Of ``nmcourse.training.FitOptions``, the same for all.

    Returns:
        Name -> results, with ``n_parameters``.
    """
    entered = by_name(contenders)
    metrics = in_parallel(
        {
            name: partial(
                tune_and_train,
                contender.build,
                data,
                measure,
                settings=settings,
                folder=run_dir / name,
                freeze=contender.freeze,
                **options,
            )
            for name, contender in entered.items()
        }
    )
    return {
        name: measured | {"n_parameters": entered[name].n_parameters()}
        for name, measured in metrics.items()
    }


def ship_all(
    contenders: Iterable[Contender],
    run_dir: Path,
    metrics: Mapping[str, Mapping[str, Any]],
    *,
    command: str,
    medians: Mapping[str, str],
    data: str = "",
) -> None:
    """Store what the contenders learnt as pretrained weights.

    Args:
        contenders: Whose weights are shipped; they are in ``run_dir``.
        run_dir: Where ``compare`` kept them.
        metrics: What ``compare`` gave.
        command: The command that makes the weights again.
        medians: Name in the manifest -> key of the results whose median over seeds stands there.
        data: What they were trained on, where these are images.

    Raises:
        ValueError: The builder of a contender has no name in ``BUILDERS``.
    """
    for contender in contenders:
        measured = metrics[contender.name]
        ship(
            contender.weights,
            trained_models(contender.build, run_dir / contender.name),
            builder=contender.stored_builder,
            kwargs=plain(contender.kwargs),
            command=command,
            metrics={shown: measured[key] for shown, key in medians.items()},
            data=data,
        )
