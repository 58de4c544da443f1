"""Networks that decide from films: the same rate network behind five kinds of eyes.

    name       eye                                   trained
    cordsnet   CordsNet                              eye and rate network
    discrete   the same in discrete time             eye and rate network
    digits     CordsNet that has learned digits      the rate network alone
    random     CordsNet with random weights          the rate network alone
    none       none: the rate network gets pixels    all; as many parameters as the first

The eye of a network of the kind ``digits`` is one of the eyes that learned digits, drawn by the
network's own generator. Their images are MNIST's, which none of the tasks shows.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nmcourse.evidence import plain
from nmcourse.experiments.contenders import Contender
from nmcourse.experiments.seeing.crossing import digits
from nmcourse.experiments.training_runs import ship, trained_models
from nmcourse.models import EyeThenRates, RecurrentModel, Seeing
from nmcourse.pretrained import BUILDERS
from nmcourse.tasks import (
    DotMotion,
    FilmTask,
    MorphCategories,
    Numerosity,
    SpotDelayedResponse,
)
from nmcourse.training import (
    ImageTrial,
    cross_entropy_at_end,
    fit_many_images,
    load_tensors,
    masked_mse,
    save_tensors,
    trial_loss,
)

COMMAND = "python -m nmcourse.claims run C13"
LOOK = ImageTrial(blank=50, stimulus=200, after=0, window=100, rest_window=0, rest_coefficient=0)
EYE_RATE = 2e-2


class Asked(NamedTuple):
    """A task and what it is trained with."""

    task: FilmTask
    loss: Any


def tasks(size: int) -> dict[str, Asked]:
    """The four tasks, for pictures of this size."""
    return {
        "numerosity": Asked(Numerosity(duration=400.0, size=size), cross_entropy_at_end),
        "morphs": Asked(MorphCategories(duration=500.0, size=size), masked_mse),
        "spot": Asked(SpotDelayedResponse((100.0, 300.0), size=size), masked_mse),
        "dots": Asked(DotMotion(duration=600.0, size=size), masked_mse),
    }


class Kind(NamedTuple):
    """See the top of this file."""

    eye: str
    freeze: tuple[str, ...] = ()
    seen_digits: bool = False


KINDS: dict[str, Kind] = {
    "cordsnet": Kind("cordsnet"),
    "discrete": Kind("discrete"),
    "digits": Kind("cordsnet", ("eye",), seen_digits=True),
    "random": Kind("cordsnet", ("eye",)),
    "none": Kind("none"),
}
SHIPPED = ("cordsnet", "none")  # half a megabyte a task and kind
LABELS = {
    "cordsnet": "CordsNet",
    "discrete": "discrete time",
    "digits": "CordsNet, digits",
    "random": "CordsNet, random",
    "none": "no eye",
}


def contender(name: str, kind: str, settings: dict[str, Any], run_dir: Path) -> Contender:
    """One kind of network for one task, named after both."""
    eye, freeze, seen_digits = KINDS[kind]
    n_outputs = tasks(settings["size"])[name].task.n_outputs
    kwargs = {"eye": eye, "n_outputs": n_outputs, "size": settings["size"]}
    build: Any = "film_network"
    if seen_digits:
        build = partial(with_an_eye_that_learned, folder=run_dir / "eyes")
    return Contender(
        f"{name}_{kind}", build, LABELS[kind], kwargs=kwargs, prefix="film", freeze=freeze
    )


def with_an_eye_that_learned(
    *, folder: Path, generator: torch.Generator, **kwargs: Any
) -> nn.Module:
    """A network whose eye is one of those in a folder, drawn after the other weights."""
    network = BUILDERS["film_network"](**kwargs, generator=generator)
    assert isinstance(network, EyeThenRates)
    states = load_tensors(folder / "weights.pt")
    network.eye.load_state_dict(states[int(torch.randint(len(states), (1,), generator=generator))])
    return network


def train_eyes(settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Eyes that learn digits; their weights are kept in the folder.

    Returns:
        ``accuracy`` of each on new digits, at the end of the image.
    """
    folder.mkdir(parents=True, exist_ok=True)
    train, test = digits(settings["size"], settings["n_test"])
    result = fit_many_images(
        partial(_eye, settings["size"]),
        train,
        partial(trial_loss, trial=LOOK),
        seeds=settings["n_seeds"],
        n_steps=settings["eye_steps"],
        batch_size=settings["batch_size"],
        learning_rate=EYE_RATE,
        clip_norm=1.0,
        checkpoint=folder / "checkpoint.pt",
        progress=False,
    )
    save_tensors(folder / "weights.pt", [model.state_dict() for model in result.models])
    return {"accuracy": [_digits_right(model, test.images, test.labels) for model in result.models]}


def _eye(size: int, generator: torch.Generator) -> nn.Module:
    return BUILDERS["film_eye"](size=size, generator=generator)


@torch.no_grad()
def _digits_right(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    assert isinstance(model, Seeing)
    n_blank, n_steps = (round(part / model.dt) for part in (LOOK.blank, LOOK.stimulus))
    outputs = model.respond(images, n_blank=n_blank, n_steps=n_steps).outputs
    return float((outputs[:, -1].argmax(dim=-1) == labels).double().mean())


def ship_network(entry: Contender, run_dir: Path, measured: dict[str, Any]) -> None:
    """Store what one kind of network has learned, to be loaded by ``pretrained.load``."""
    size = entry.kwargs["size"]
    task = tasks(size)[entry.name.split("_")[0]].task
    ship(
        entry.weights,
        trained_models(entry.build, run_dir / entry.name),
        builder="film_network",
        kwargs=plain(entry.kwargs),
        command=COMMAND,
        metrics={"score": measured["score"]},
        data=f"films of the task {type(task).__name__}, {size} by {size} pixels",
    )


def as_recurrent(model: nn.Module) -> RecurrentModel:
    """A trained network by its contract."""
    assert isinstance(model, RecurrentModel)
    return model
