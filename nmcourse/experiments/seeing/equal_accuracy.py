"""F31: whose answers survive noise, between networks that are equally good without it?

C8 compares networks after equally long training, and some of them are then better than others
without noise. Here each rival is trained again, from the same starts and for fewer steps, by a
ladder of complete trainings. Of each seed the one is taken whose accuracy is nearest to that of the
CordsNet of the same seed, on images that are neither learnt nor tested. Then all are asked as in
``noise``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from nmcourse.evidence import (
    Experiment,
    Judgement,
    LedgerError,
    Results,
    Rule,
    expected,
    plain,
    read_results,
    remember,
)
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.seeing import networks, noise, noise_rules
from nmcourse.experiments.seeing.crossing import images_of
from nmcourse.experiments.seeing.networks import NETWORKS, of_run, right_in_time
from nmcourse.experiments.training_runs import in_parallel
from nmcourse.models import Seeing
from nmcourse.tasks import ImageSet
from nmcourse.training import for_tier, save_tensors

OURS = "cordsnet"
RIVALS = ("twin", "discrete", "feedback")  # those that the rule of C8 compares
LADDER = (50, 75, 110, 160, 240, 360)  # steps; the stored networks are its last rung
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": networks.SETTINGS["cpu"] | {"ladder": LADDER, "trained_in": "over_time"},
    "smoke": networks.SETTINGS["smoke"] | {"ladder": (1, 2), "trained_in": ""},
}
SETTINGS["gpu"] = at_paper_scale("equal_accuracy", SETTINGS["cpu"])


def run(tier: str, run_dir: Path, tiers: Mapping[str, dict[str, Any]] = SETTINGS) -> dict[str, Any]:
    """Train the rivals for fewer steps, choose, and ask; resumes where it was killed.

    Args:
        tier: key of ``tiers``.
        run_dir: where unfinished work is kept.
        tiers: settings, see ``networks``; besides ``ladder``, numbers of training steps, and
            ``trained_in``, the results that hold each rival's learning rate.
    """
    settings = for_tier(tier, tiers)
    jobs = {
        name: partial(_network, name, tier, settings, run_dir / name) for name in (OURS, *RIVALS)
    }
    return {"config": settings, "metrics": in_parallel(jobs)}


def choosing(settings: Mapping[str, Any]) -> ImageSet:
    """The images by which trainings are chosen: those after the ones that are tested."""
    n_test, n_more = settings["n_test"], settings["n_validation"]
    _, others = images_of({**settings, "n_test": n_test + n_more})
    return others.subset(slice(n_test, None))


def nearest(rungs: Sequence[Sequence[float | None]], wanted: Sequence[float]) -> list[int]:
    """Of each seed: the rung whose accuracy is nearest to the one wanted, the first of equals.

    Args:
        rungs: for each rung the accuracy of each seed; None where training ended early, which is
            no training of so many steps. The last rung has them all.
        wanted: of each seed.
    """
    chosen = []
    for column, goal in zip(zip(*rungs, strict=True), wanted, strict=True):
        away = {k: abs(right - goal) for k, right in enumerate(column) if right is not None}
        chosen.append(min(away, key=lambda k: (away[k], k)))
    return chosen


def _network(name: str, tier: str, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    ours, known = of_run(OURS, tier, settings, folder / OURS)
    wanted = _right(OURS, ours, settings)
    models, steps, right = ours, [settings["n_steps"]] * len(ours), wanted
    if name != OURS:
        models, steps, right = _of_ladder(name, tier, settings, folder, wanted)
    _, test = images_of(settings)
    asked = remember(
        folder / "noise.json",
        partial(_examine, name, models, test),
        {**settings, "steps": steps, "of": known},
    )
    return {**asked, "trained_steps": steps, "chosen_by": right}


def _of_ladder(
    name: str, tier: str, settings: Mapping[str, Any], folder: Path, wanted: Sequence[float]
) -> tuple[list[Seeing], list[int], list[float]]:
    """Of each seed the network nearest to the accuracy wanted, its steps, and its accuracy."""
    rungs, right = {}, {}
    for n in settings["ladder"]:
        rungs[n], lost = _rung(name, settings, n, folder)
        each = enumerate(_right(name, rungs[n], settings))
        right[n] = [None if seed in lost else share for seed, share in each]
    whole = settings["n_steps"]
    rungs[whole], _ = of_run(name, tier, settings, folder / "whole")
    right[whole] = [*_right(name, rungs[whole], settings)]
    steps = [list(rungs)[k] for k in nearest(list(right.values()), wanted)]
    chosen = list(enumerate(steps))
    found = [right[n][seed] for seed, n in chosen]
    assert None not in found
    return [rungs[n][seed] for seed, n in chosen], steps, [x for x in found if x is not None]


def _rung(
    name: str, settings: Mapping[str, Any], n_steps: int, folder: Path
) -> tuple[list[Seeing], list[int]]:
    """Networks of all seeds after a whole training of so many steps; seeds that ended early."""
    place = folder / f"steps_{n_steps}"
    place.mkdir(exist_ok=True)
    rate = _rate(name, settings)
    known = remember(
        place / "trained.json",
        partial(_train, name, settings, n_steps, rate, place),
        {**settings, "rate": rate},
    )
    return networks.models_in(name, settings, place), known["lost"]


def _train(
    name: str, settings: Mapping[str, Any], n_steps: int, rate: float, place: Path
) -> dict[str, Any]:
    start, (train, _) = time.process_time(), images_of(settings)
    seeds = range(settings["n_seeds"])
    models, lost = networks.fit_kind(name, settings, train, rate, n_steps, seeds, place)
    save_tensors(place / "weights.pt", [model.state_dict() for model in models])
    return {"lost": lost, "seconds": time.process_time() - start}


def _rate(name: str, settings: Mapping[str, Any]) -> float:
    """The learning rate that was the best of this network's after all steps."""
    if not settings["trained_in"]:
        return float(settings["rates"][0])
    found = read_results(settings["trained_in"])
    if found is None:
        raise LedgerError(
            f"learning rates are those of {settings['trained_in']}, which has no results yet: run "
            "the claim F6 first, at the same budget"
        )
    return float(found.value(f"{name}.learning_rate"))


def _right(name: str, models: Sequence[Seeing], settings: Mapping[str, Any]) -> list[float]:
    images = choosing(settings)
    return [right_in_time(model, images, NETWORKS[name].trial) for model in models]


def _examine(name: str, models: Sequence[Seeing], test: ImageSet) -> dict[str, Any]:
    found: dict[str, Any] = plain(noise.examine(models, test, NETWORKS[name].trial))
    return found


def judge(results: Results) -> Judgement:
    """What the rule of C8 makes of networks of equal accuracy, with the same evidence."""
    found = noise_rules.judge(results)
    verdict = found.fair_status
    steps = {name: results.summary(f"{name}.trained_steps") for name in RIVALS}
    return Judgement(
        status="not decided" if verdict == "not decided" else "measured",
        reason=found.reason if verdict == "not decided" else "",
        measured=f"{expected(verdict)}. {found.measured}",
        spread=f"{found.spread}. Steps of training: "
        + "; ".join(f"{name} {n}" for name, n in steps.items()),
        seeds=found.seeds,
        caveats=(
            f"{found.caveats[0]} Where a rival learnt for fewer steps than the CordsNet, all else "
            "that training changes is changed, too.",
            *found.caveats[1:],
        ),
        would_change="Rivals made equal in another way: fewer images, or a longer training of the "
        "CordsNet",
    )


RULES = {
    "F31": Rule(
        judge=judge,
        tolerance=noise_rules.RULES["C8"].tolerance,
        rule="rivals of the CordsNet are trained for 50 to 360 steps and, once more, for all; of "
        "each seed that training is taken whose accuracy is nearest to the CordsNet's, on images "
        "neither learnt nor tested. Then the fair part of the rule of C8 is asked: the sentence "
        "holds if CordsNet suffers less in all its comparisons, in part if in some, not if in none",
    ),
}
EXPERIMENTS = (Experiment(name="equal_accuracy", run=run, rules=RULES),)
