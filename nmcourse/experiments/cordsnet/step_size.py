"""C15: how long may a time step be? From fine steps to a network of a few unrolled ones.

The same network learns the same digits with dt/tau = 0.2, 0.5 and 1, in trials of equal length in
ms, and once more in a trial of five unrolled steps. Each is then run with every step size: the
fixed points of the equation do not depend on dt, so what changes is whether the steps find them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nmcourse.analysis import after_images
from nmcourse.evidence import Experiment, Judgement, Results, Rule, plain, remember
from nmcourse.experiments.image_sets import images_in_words, learn_and_test
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.training_runs import in_parallel
from nmcourse.models import CordsNet
from nmcourse.tasks import ImageSet, digit_images
from nmcourse.training import ImageTrial, fit_many_images, for_tier, trial_loss

TAU = 10.0  # ms
LONG = ImageTrial(blank=100, stimulus=100, after=60, window=40, rest_window=20)
SHORT = ImageTrial(blank=50, stimulus=50, after=50, window=20, rest_window=20)
# name -> dt / tau in training, the trial, and how the ledger calls it
CONDITIONS: dict[str, tuple[float, ImageTrial, str]] = {
    "alpha_0_2": (0.2, LONG, "dt/τ = 0.2"),
    "alpha_0_5": (0.5, LONG, "dt/τ = 0.5"),
    "alpha_1_0": (1.0, LONG, "dt/τ = 1"),
    "five_steps": (1.0, SHORT, "five unrolled steps, dt/τ = 1"),
}
TESTED = {"at_0_2": 0.2, "at_0_5": 0.5, "at_1_0": 1.0}
KEEPS = 0.02  # accuracy that may be lost where an answer is said to be kept
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "areas": "small-R2",
        "image_size": 8,
        "n_seeds": 5,
        "n_steps": 400,
        "batch_size": 16,
        "learning_rate": 3e-2,
        "clip_norm": 1.0,
        "n_test": 360,
    },
    "smoke": {
        "areas": "small-R2",
        "image_size": 8,
        "n_seeds": 2,
        "n_steps": 2,
        "batch_size": 4,
        "learning_rate": 3e-2,
        "clip_norm": 1.0,
        "n_test": 20,
    },
}
SETTINGS["gpu"] = at_paper_scale("step_size", SETTINGS["cpu"])


def run(tier: str, run_dir: Path, tiers: Mapping[str, dict[str, Any]] = SETTINGS) -> dict[str, Any]:
    """Train every condition and test it with every step size; resumes where it was killed.

    Args:
        tier: key of ``tiers``.
        run_dir: where unfinished work is kept.
        tiers: settings; with ``images`` among them, a set of ``image_sets`` in place of digits.
    """
    settings = for_tier(tier, tiers)
    jobs = {name: partial(_condition, name, settings, run_dir) for name in CONDITIONS}
    return {"config": settings, "metrics": in_parallel(jobs)}


def build(areas: str, image_size: int, alpha: float, generator: torch.Generator) -> CordsNet:
    """A network with random weights and a step of ``alpha`` time constants."""
    step = alpha * TAU
    return CordsNet(areas, 1, 10, image_size=image_size, tau=TAU, dt=step, generator=generator)


def _condition(name: str, settings: dict[str, Any], run_dir: Path) -> dict[str, Any]:
    found: dict[str, Any] = remember(
        run_dir / f"{name}.json",
        partial(_train_and_test, name, settings, run_dir / f"{name}.pt"),
        settings,
    )
    return found


def _train_and_test(name: str, settings: dict[str, Any], checkpoint: Path) -> dict[str, Any]:
    alpha, trial, _ = CONDITIONS[name]
    size = settings["image_size"]
    train, test = _images(settings)
    test = test.subset(slice(settings["n_test"]))
    start = time.process_time()
    result = fit_many_images(
        partial(build, settings["areas"], size, alpha),
        train,
        partial(trial_loss, trial=trial),
        seeds=settings["n_seeds"],
        n_steps=settings["n_steps"],
        batch_size=settings["batch_size"],
        learning_rate=settings["learning_rate"],
        clip_norm=settings["clip_norm"],
        checkpoint=checkpoint,
        progress=False,
    )
    seconds = time.process_time() - start
    measured: dict[str, Any] = plain(measure(result.models, test, trial))
    return measured | {
        "training_loss": result.losses[-20:].mean(dim=0).tolist(),
        "seconds": seconds,
        "diverged": sorted(result.diverged),
    }


def _images(settings: dict[str, Any]) -> tuple[ImageSet, ImageSet]:
    """Images to learn from, and others."""
    if "images" in settings:
        return learn_and_test(settings["images"], settings["made_up"])
    train, test = (digit_images(split, size=settings["image_size"]) for split in ("train", "test"))
    return train.normalised(), test.normalised(like=train)


@torch.no_grad()
def measure(models: Sequence[nn.Module], test: ImageSet, trial: ImageTrial) -> dict[str, Any]:
    """Accuracy of each network with every step size, and what its own steps do after training.

    Args:
        models: networks of one step size.
        test: images that were not trained on.
        trial: what the networks were trained with.

    Returns:
        For each network in a list: ``at_0_2`` .. (accuracy at the end of the stimulus with steps of
        0.2, .. time constants), ``held`` (accuracy after twice the stimulus), ``second`` (accuracy
        on another image, shown after the blank) and ``rest`` (median over images of the distance
        from rest at the end of the blank, over that at the end of the stimulus).
    """
    measured: dict[str, list[float]] = {key: [] for key in (*TESTED, "held", "second", "rest")}
    for model in models:
        assert isinstance(model, CordsNet)
        own = model.dt
        for key, alpha in TESTED.items():
            model.dt = alpha * model.tau
            steps = trial.steps(model.dt)
            response = model.respond(
                test.images, n_steps=steps.stimulus, n_blank=steps.blank, check_finite=False
            )
            measured[key].append(accuracy(response.outputs[:, -1], test.labels))
        model.dt = own
        for key, value in after_training(model, test, trial).items():
            measured[key].append(value)
    return measured


def after_training(model: CordsNet, test: ImageSet, trial: ImageTrial) -> dict[str, float]:
    """What happens after the trained part of a trial; see :func:`measure`."""
    steps = trial.steps(model.dt)
    seen = after_images(
        model,
        test.images,
        test.labels,
        n_steps=steps.stimulus,
        n_held=steps.stimulus,
        n_after=steps.after,
        n_blank=steps.blank,
    )
    rest = seen.distance.quantile(0.5).item()
    return {"held": seen.held_accuracy, "second": seen.second_accuracy, "rest": rest}


def accuracy(outputs: Tensor, labels: Tensor) -> float:
    """Share of images with the largest output at their class; activity that diverged is wrong."""
    right = (outputs.argmax(dim=-1) == labels) & outputs.isfinite().all(dim=-1)
    return float(right.double().mean())


def judge(results: Results) -> Judgement:
    """Nothing was published: say what was measured, and whether the coarse steps cost accuracy."""
    config = results.config
    own = {"alpha_0_2": "at_0_2", "alpha_0_5": "at_0_5"}
    trained = {name: results.summary(f"{name}.{own.get(name, 'at_1_0')}") for name in CONDITIONS}
    held, second = (
        {name: results.summary(f"{name}.{key}") for name in CONDITIONS}
        for key in ("held", "second")
    )
    fine, coarse = trained["alpha_0_2"].median, trained["alpha_1_0"].median
    verdict = (
        "coarse steps cost no accuracy"
        if coarse >= fine - KEEPS
        else f"coarse steps cost {fine - coarse:.1%} of the images"
    )
    moved = results.summary("alpha_1_0.at_0_2").median, results.summary("alpha_0_2.at_1_0").median
    return Judgement(
        status="measured",
        would_change="Longer trials, deeper networks or harder images: accuracies between "
        f"{min(s.median for s in trained.values()):.1%} and "
        f"{max(s.median for s in trained.values()):.1%} leave little room for a cost",
        measured=f"{verdict}. Median accuracy with the trained step (after twice the time; on a "
        "second image): "
        + "; ".join(
            f"{label} {trained[name].median:.1%} ({held[name].median:.1%}; "
            f"{second[name].median:.1%})"
            for name, (_, _, label) in CONDITIONS.items()
        )
        + f". Trained at 1 and run at 0.2: {moved[0]:.1%}; the other way round: {moved[1]:.1%}",
        spread="; ".join(
            f"{label} {trained[name].minimum:.1%} to {trained[name].maximum:.1%}"
            for name, (_, _, label) in CONDITIONS.items()
        ),
        seeds=config["n_seeds"],
        caveats=(
            f"Images: {images_in_words(config)}; two areas (preset {config['areas']}), "
            f"{config['n_steps']} training steps of "
            f"{config['batch_size']} images from random weights: the networks of the paper are "
            "larger and were trained in stages.",
            "A trial of 100 ms with the image (five unrolled steps: 50 ms) and 60 ms blank, about "
            "half as long as the published one.",
            "The five unrolled steps are not trained in CORnet-RT's manner: they carry a blank "
            "before "
            "the image, a window over which the answer counts, and a penalty on activity after the "
            "image. Unrolled networks such as CORnet-RT are trained without these.",
            "Equal numbers of training steps, not equal computing time: training with dt/τ = 0.2 "
            f"took {results.value('alpha_0_2.seconds') / results.value('alpha_1_0.seconds'):.1f} "
            "times as long as with 1.",
        ),
    )


RULES = {
    "C15": Rule(
        judge=judge,
        tolerance=f"{KEEPS:.0%} of the images",
        rule="measured: nothing was published. Coarse steps are said to cost no accuracy "
        f"if the median with dt/τ = 1 is at most {KEEPS:.0%} of the images below that with "
        "0.2, each trained and tested with its own step",
    ),
}
EXPERIMENTS = (Experiment(name="step_size", run=run, rules=RULES),)
