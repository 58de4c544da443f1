"""Eight networks that see, of one size, each trained in the manner of its source.

They learn the same digits: as many images, as many parameters, and each the best of the same
learning rates. What time does to them, and what noise does, is asked of the same weights, which are
shipped.

    name          network                      a step    trial    the answer counts
    cordsnet      CordsNet                       2 ms    whole    in a window
    discrete      discrete time (CORnet-RT)     10 ms    bare     at the last step
    feedback      feedback from above (BLT)     10 ms    bare     at every step
    gated         convolutional GRU             10 ms    whole    in a window
    gated_every   convolutional GRU             10 ms    bare     at every step
    equilibrium   fixed point of the equation   10 ms    one look, and a penalty on its Jacobian
    cnn_then_rnn  CNN, then a rate network       2 ms    whole    in a window
    twin          CNN without time               2 ms    one look

    whole  100 ms blank, 100 ms image, 60 ms blank with a penalty on activity that stays
    bare   100 ms image, from silence
"""

from __future__ import annotations

import statistics
import time
import zlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from nmcourse import pretrained
from nmcourse.evidence import plain, remember
from nmcourse.experiments.cordsnet.step_size import accuracy
from nmcourse.experiments.image_sets import PACKAGED_MNIST, learnt_from
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.seeing.crossing import images_of
from nmcourse.experiments.training_runs import note_divergence, ship
from nmcourse.models import EquilibriumNet, Seeing
from nmcourse.tasks import ImageSet
from nmcourse.training import (
    DivergenceError,
    ImageTrial,
    class_loss,
    fit_images,
    fit_many_images,
    load_tensors,
    run_trial,
    save_tensors,
    trial_loss,
)

COMMAND = "python -m nmcourse.claims run F6 --course-budget"
COMMAND_OF_NAMED_IMAGES = "python -m nmcourse.claims run F6 --published-budget"
BUILDER = "seeing_network"
WHOLE = ImageTrial(blank=100, stimulus=100, after=60, window=40, rest_window=20)
BARE = ImageTrial(blank=0, stimulus=100, after=0, window=40, rest_window=0, rest_coefficient=0)


class Manner(NamedTuple):
    """How a network is trained: see the top of this file."""

    kind: str
    dt: float
    trial: ImageTrial
    counting: Literal["window", "last", "every"]


NETWORKS: dict[str, Manner] = {
    "cordsnet": Manner("cordsnet", 2.0, WHOLE, "window"),
    "discrete": Manner("discrete", 10.0, BARE, "last"),
    "feedback": Manner("feedback", 10.0, BARE, "every"),
    "gated": Manner("gated", 10.0, WHOLE, "window"),
    "gated_every": Manner("gated", 10.0, BARE, "every"),
    "equilibrium": Manner("equilibrium", 10.0, BARE, "last"),
    "cnn_then_rnn": Manner("cnn_then_rnn", 2.0, WHOLE, "window"),
    "twin": Manner("twin", 2.0, WHOLE, "window"),
}
ALONE = ("equilibrium", "twin")  # a solver, and a normalisation, that know one network only
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "areas": "small-R2",
        "image_size": 14,
        "n_seeds": 10,
        "n_steps": 600,
        "batch_size": 16,
        "rates": [1e-2, 2e-2, 4e-2],
        "tuning_seeds": [100],
        "tuning_steps": 300,
        "jacobian": 10.0,
        "n_validation": 500,
        "n_test": 200,
    },
    "smoke": {
        "areas": "small-R1",
        "image_size": 6,
        "n_seeds": 2,
        "n_steps": 1,
        "batch_size": 3,
        "rates": [2e-2],
        "tuning_seeds": [100],
        "tuning_steps": 1,
        "jacobian": 10.0,
        "n_validation": 3,
        "n_test": 20,
    },
}
SETTINGS["gpu"] = at_paper_scale("over_time", SETTINGS["cpu"])


def build(name: str, settings: Mapping[str, Any], generator: torch.Generator) -> Seeing:
    """A network with random weights and as many parameters as the CordsNet."""
    network = pretrained.BUILDERS[BUILDER](**_kwargs(name, settings), generator=generator)
    assert isinstance(network, Seeing)
    return network


def trained(name: str, settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Tune a network and train its seeds; a killed run goes on with what is left.

    Args:
        name: of ``NETWORKS``.
        settings: as in ``SETTINGS``.
        folder: where this network keeps its parts; its weights are then in ``models_in(folder)``.

    Returns:
        ``accuracy`` of each seed on new images at the last trained step, ``learning_rate``,
        ``tuning`` (accuracy of the tuning seeds on validation images under each rate), ``lost``
        (seeds whose training ended early, because activity or loss had no value; of networks that
        are trained one by one, ``lost_SEED.txt`` in the folder says why), ``seconds``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tuning = {
        rate: remember(
            folder / f"tuning_{rate:g}.json",
            partial(_tune, name, settings, rate),
            {"rate": rate, **settings},
        )
        for rate in settings["rates"]
    }
    rate = max(tuning, key=lambda r: statistics.median(tuning[r]))
    found = remember(
        folder / "trained.json",
        partial(_train, name, settings, rate, folder),
        {"rate": rate, **settings},
    )
    return found | {
        "learning_rate": rate,
        "tuning": {f"rate_{r:g}".replace(".", "_"): right for r, right in tuning.items()},
    }


def models_in(name: str, settings: Mapping[str, Any], folder: Path) -> list[Seeing]:
    """The networks that :func:`trained` left in its folder, as they are asked: not in training."""
    models = []
    for state in load_tensors(folder / "weights.pt"):
        model = build(name, settings, torch.Generator())
        model.load_state_dict(state)
        models.append(model.eval())
    return models


def shipped_name(name: str, settings: Mapping[str, Any] = SETTINGS["cpu"]) -> str:
    """The name of a network's pretrained weights: with that of its images, if they have one."""
    return "_".join(("seeing", *([settings["images"]] if "images" in settings else []), name))


def shipped(name: str, settings: Mapping[str, Any] = SETTINGS["cpu"]) -> list[Seeing]:
    """The trained networks of all seeds, from the pretrained weights."""
    models = pretrained.load_all(shipped_name(name, settings), kind=Seeing)  # type: ignore[type-abstract]
    return [model.eval() for model in models]


def ship_network(
    name: str, settings: Mapping[str, Any], folder: Path, metrics: Mapping[str, Any]
) -> None:
    """Store the networks of a folder as pretrained weights."""
    ship(
        shipped_name(name, settings),
        models_in(name, settings, folder),
        builder=BUILDER,
        kwargs=_kwargs(name, settings),
        command=COMMAND_OF_NAMED_IMAGES if "images" in settings else COMMAND,
        metrics={"accuracy_median": metrics["accuracy"]},
        data=learnt_from(settings, PACKAGED_MNIST),
    )


def right_in_time(model: Seeing, images: ImageSet, trial: ImageTrial) -> float:
    """Accuracy at the last trained step with the image."""
    with torch.no_grad():
        outputs = run_trial(model, images.images, trial, check_finite=False).outputs
    return accuracy(outputs[:, trial.steps(model.dt).stimulus - 1], images.labels)


def _kwargs(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    manner = NETWORKS[name]
    shape = {key: settings[key] for key in ("areas", "image_size")}
    return {"kind": manner.kind, "dt": manner.dt, **shape}


def _tune(name: str, settings: Mapping[str, Any], rate: float) -> list[float]:
    """Accuracy of tuning seeds on images of the training set that they did not learn from."""
    train, _ = images_of(settings)
    held_out = settings["n_validation"]
    models, _ = fit_kind(
        name,
        settings,
        train.subset(slice(held_out, None)),
        rate,
        settings["tuning_steps"],
        settings["tuning_seeds"],
    )
    validation = train.subset(slice(held_out))
    return [right_in_time(model, validation, NETWORKS[name].trial) for model in models]


def _train(name: str, settings: Mapping[str, Any], rate: float, folder: Path) -> dict[str, Any]:
    train, test = images_of(settings)
    start, seeds = time.process_time(), list(range(settings["n_seeds"]))
    models, lost = fit_kind(name, settings, train, rate, settings["n_steps"], seeds, folder)
    save_tensors(folder / "weights.pt", [model.state_dict() for model in models])
    return {
        "accuracy": [right_in_time(model, test, NETWORKS[name].trial) for model in models],
        "lost": lost,
        "seconds": time.process_time() - start,
    }


def fit_kind(
    name: str,
    settings: Mapping[str, Any],
    images: ImageSet,
    rate: float,
    n_steps: int,
    seeds: Sequence[int],
    folder: Path | None = None,
) -> tuple[list[Seeing], list[int]]:
    """Train networks of some seeds.

    Args:
        name: of ``NETWORKS``.
        settings: as in ``SETTINGS``.
        images: to learn from.
        rate: peak learning rate.
        n_steps: of training.
        seeds: of the starts and of the order of the images.
        folder: where what is done is kept, so that a killed training goes on; None for nowhere.

    Returns:
        The networks in the order of the seeds, and the seeds whose training ended early.
    """
    manner, make = NETWORKS[name], partial(build, name, settings)
    loss: Any = partial(trial_loss, trial=manner.trial.counting(manner.counting, manner.dt))
    options: dict[str, Any] = {"n_steps": n_steps, "batch_size": settings["batch_size"]}
    options |= {"learning_rate": rate, "progress": False}
    if name not in ALONE:
        checkpoint = None if folder is None else folder / "checkpoint.pt"
        many = fit_many_images(make, images, loss, seeds=seeds, checkpoint=checkpoint, **options)
        return _asked(many.models), sorted(many.diverged)
    models, lost = [], []
    penalty = partial(penalised, coefficient=settings["jacobian"])
    for seed in seeds:
        checkpoint = None if folder is None else folder / f"checkpoint_{seed}.pt"
        loss = class_loss if name == "twin" else penalty
        model = make(torch.Generator().manual_seed(seed))
        try:
            fit_images(model, images, loss, seed=seed, checkpoint=checkpoint, **options)
        except DivergenceError as error:  # the model holds its last good state
            lost.append(seed)
            if folder is not None:
                note_divergence(error, folder / f"lost_{seed}.txt")
        models.append(model)
    return _asked(models), lost


def penalised(
    model: EquilibriumNet, images: Tensor, labels: Tensor, *, coefficient: float
) -> Tensor:
    """Loss of an equilibrium network: cross entropy, plus a coefficient times ||J||_F^2 / n.

    The draws by which ||J||_F^2 is estimated belong to the batch: training that goes on after a
    kill then makes the same ones. Not finite where no equilibrium was found.

    Reference:
        Bai et al. 2021.
    """
    state = model.equilibrium(model.initial_state(len(images)), images, check=False)
    loss = nn.functional.cross_entropy(model.readout(state), labels)
    if not coefficient:
        return loss
    draws = torch.Generator().manual_seed(zlib.crc32(images.numpy().tobytes()))
    return loss + coefficient * model.jacobian_norm(state, images, generator=draws)


def _asked(models: Sequence[nn.Module]) -> list[Seeing]:
    """The same networks, no longer in training."""
    return [model.eval() for model in models if isinstance(model, Seeing)]


def of_run(
    name: str, tier: str, settings: Mapping[str, Any], folder: Path
) -> tuple[list[Seeing], dict[str, Any]]:
    """Networks for an experiment that only asks them: shipped ones, or small ones of its own.

    Args:
        name: of ``NETWORKS``.
        tier: ``"smoke"`` trains in ``folder``; any other takes the pretrained weights.
        settings: of this tier.
        folder: where small networks keep their parts.

    Returns:
        The networks of seeds 0, 1, .. and what is known of their training.
    """
    if tier != "smoke":
        stored = pretrained.info(shipped_name(name, settings))
        return shipped(name, settings), dict(stored.metrics)
    known = plain(trained(name, settings, folder))
    return models_in(name, settings, folder), known
