"""C9: do networks that answer in an early or a late window have other dynamics and other spectra?

A network of two areas settles within some 75 ms, before either published window opens: there is
little left to differ. So three windows are asked, one of them before settling:

    early       20 to  50 ms after the image came
    published  140 to 200 ms
    late       240 to 300 ms

Each arm goes on from the same ten trained networks (digits, trained in the published window), with
the same images and as many steps; the arm ``published`` says what going on alone does. Two measures
were fixed beforehand: the leading eigenvalue (largest real part) of the recurrent matrix of the
deepest area, and the rise time: when the outputs of a held image have gone 90 % of their way, in
the median image. Activity rises to a plateau, so a time to peak means nothing.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nmcourse import pretrained
from nmcourse.analysis import ConvolutionOperator
from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.attractors.window_rules import RULES
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.models import CordsNet
from nmcourse.tasks import ImageSet, digit_images
from nmcourse.training import ImageTrial, fit_many_images, for_tier, trial_loss

WEIGHTS = "digits_cordsnet_published"
ARMS = {
    "early": ImageTrial(stimulus=50, window=30, after=100),
    "published": ImageTrial(stimulus=200, window=60, after=100),
    "late": ImageTrial(stimulus=300, window=60, after=100),
}
HELD = 300.0  # ms for which an image is held where the rise is measured
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {"n_seeds": 10, "n_steps": 100, "batch_size": 16, "learning_rate": 1e-2, "n_test": 100},
    "smoke": {"n_seeds": 2, "n_steps": 1, "batch_size": 2, "learning_rate": 1e-2, "n_test": 6},
}
SETTINGS["gpu"] = at_paper_scale("answer_windows", SETTINGS["cpu"])


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train on in each window and measure; resumes arm by arm."""
    settings = for_tier(tier, SETTINGS)
    metrics = {
        arm: remember(
            run_dir / f"{arm}.json", partial(_arm, arm, settings, run_dir), {"arm": arm, **settings}
        )
        for arm in ARMS
    }
    metrics["start"] = remember(
        run_dir / "start.json", lambda: _measured(_start(settings), settings), settings
    )
    return {"config": settings, "metrics": metrics}


def _start(settings: dict[str, Any]) -> list[CordsNet]:
    return pretrained.load_all(WEIGHTS, kind=CordsNet)[: settings["n_seeds"]]


def _arm(arm: str, settings: dict[str, Any], run_dir: Path) -> dict[str, Any]:
    train, _ = digits(settings["n_test"])
    models = _start(settings)
    result = fit_many_images(
        models,
        train,
        partial(trial_loss, trial=ARMS[arm]),
        n_steps=settings["n_steps"],
        batch_size=settings["batch_size"],
        learning_rate=settings["learning_rate"],
        checkpoint=run_dir / f"{arm}.pt",
        checkpoint_every=20,
        progress=False,
    )
    trial = ARMS[arm]
    found = _measured(models, settings, trial.stimulus)
    return found | {"diverged": sorted(result.diverged)}


def digits(n_test: int) -> tuple[ImageSet, ImageSet]:
    """Digits to learn from and to be asked about, both scaled as the first are."""
    train = digit_images("train", size=8)
    test = digit_images("test", size=8).subset(slice(n_test))
    return train.normalised(), test.normalised(like=train)


@torch.no_grad()
def _measured(
    models: list[CordsNet],
    settings: dict[str, Any],
    closes: float = 200.0,
) -> dict[str, Any]:
    """Accuracy at the end of the window, leading eigenvalue and rise time of each network."""
    _, test = digits(settings["n_test"])
    found: dict[str, list[float]] = {"right": [], "eigenvalue": [], "rise": []}
    for model in models:
        rest = model.rest(100)
        response = model.respond(
            test.images, n_steps=round(HELD / model.dt), n_blank=0, state=rest, check_finite=False
        )
        outputs = response.outputs
        answers = outputs[:, round(closes / model.dt) - 1].argmax(dim=-1)
        found["right"].append(float((answers == test.labels).double().mean()))
        found["rise"].append(rise_time(outputs, model.readout(rest), model.dt))
        found["eigenvalue"].append(leading_eigenvalue(model))
    return plain(found)


def rise_time(outputs: Tensor, at_rest: Tensor, dt: float) -> float:
    """Median time in ms at which outputs (image, time, class) have gone 90 % of their way."""
    end = outputs[:, -1:]
    left = (outputs - end).norm(dim=-1) / (at_rest[:, None] - end).norm(dim=-1)
    steps = torch.arange(1, outputs.shape[1] + 1)
    last = ((left > 0.1) * steps).amax(dim=1)
    return float((last + 1).double().median()) * dt


def leading_eigenvalue(model: CordsNet) -> float:
    """Largest real part of the eigenvalues of the deepest area's recurrent matrix."""
    _, height, width = model.wiring.shapes(model.image_size)[-1]
    weights = model.tensors().recurrent[-1]
    operator = ConvolutionOperator(weights, height, width)
    return float(torch.linalg.eigvals(operator.dense()).real.max())


EXPERIMENTS = (Experiment(name="answer_windows", run=run, rules=RULES),)
