"""F17, F18: a cue switches the rule over the same images, through gains alone and otherwise.

F17: five base networks, two new rules, four kinds of numbers (see ``networks.py``), each kind with
the best of the same learning rates; what is learnt, how fast, and what is left after 200 ms.

F18: the cue changes while the image stays, and returns (three phases of 50 ms, every ordered pair
of three rules). Nothing is trained for it: the numbers of F17 follow the cue. Gains, and biases,
do so through a modulator of three units, one for each cue, which is a table with a time constant;
pictures and readouts are switched at once.

Three controls stand beside both and judge nothing: a readout that is fitted to the end, in place of
trained for as many steps; digits about which the old and the new rule differ; a cue that stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Any

import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.eye.networks import (
    ALL_RULES,
    ASKED,
    HELD,
    Sets,
    arm_network,
    base_networks,
    chosen_rate,
    digit_sets,
    n_numbers,
    right_at_end,
    taught,
)
from nmcourse.experiments.eye.rule_switch_rules import ARMS, BASE_RULE, NEW_RULES, RULES, TAUS
from nmcourse.experiments.image_sets import learnt_from
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.training_runs import ship
from nmcourse.models import CordsNet, Modulator, NMCordsNet
from nmcourse.pretrained import BUILDERS
from nmcourse.tasks import ImageSet, digit_answers, instructed, under_rule
from nmcourse.training import (
    InstructedTrial,
    for_tier,
    instructed_accuracy,
    load_tensors,
    save_tensors,
)

COMMAND = "python -m nmcourse.claims run F17"
STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)  # of the penalty of a fitted readout, inverse
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "areas": "small-R4",
        "n_seeds": 5,
        "base_steps": 200,
        "base_batch": 32,
        "base_rate": 2e-2,
        "tuning_seed": 100,
        "rates": [0.1, 0.3],
        "tuning_steps": 100,
        "n_steps": 250,
        "batch_size": 16,
        "n_validation": 200,
        "n_test": 200,
    },
    "smoke": {
        "areas": "small-R2",
        "n_seeds": 2,
        "base_steps": 2,
        "base_batch": 4,
        "base_rate": 2e-2,
        "tuning_seed": 100,
        "rates": [0.1],
        "tuning_steps": 1,
        "n_steps": 2,
        "batch_size": 4,
        "n_validation": 6,
        "n_test": 10,
    },
}
SETTINGS["gpu"] = at_paper_scale("rule_switch", SETTINGS["cpu"])


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train and ask all networks; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    seeds, sets = list(range(settings["n_seeds"])), digit_sets(settings)
    bases = base_networks(settings, seeds, run_dir)
    tuning = base_networks(settings, [settings["tuning_seed"]], run_dir, "tuning")
    metrics: dict[str, Any] = {
        "base": {
            rule: [right_at_end(model, under_rule(sets.test, rule)) for model in bases]
            for rule in ALL_RULES
        }
    }
    for arm in ARMS:
        place = run_dir / f"{arm}.json"
        job = partial(_arm, arm, bases, tuning, settings, sets, run_dir)
        metrics[arm] = remember(place, job, settings)
    job = partial(_told, bases, settings, sets, run_dir)
    metrics["told"] = remember(run_dir / "told.json", job, settings)
    by_rule = {rule: _taught_networks("gains", rule, bases, run_dir) for rule in ALL_RULES}
    job = partial(controls, by_rule, settings, sets)
    metrics["controls"] = remember(run_dir / "controls.json", job, settings)
    if tier != "smoke":
        _ship(bases, settings, metrics, run_dir)
    return {"config": settings, "metrics": metrics}


def _arm(
    arm: str,
    bases: Sequence[CordsNet],
    tuning: Sequence[CordsNet],
    settings: Mapping[str, Any],
    sets: Sets,
    folder: Path,
) -> dict[str, Any]:
    """Tune an arm on its own network, then teach it both rules."""
    options = {"images": sets.train, "batch_size": settings["batch_size"]}
    tried = {}
    for rate in settings["rates"]:
        steps = settings["tuning_steps"]
        right = []
        for rule in NEW_RULES:
            seeds = [settings["tuning_seed"]]
            models, _ = taught(
                tuning, arm, rule, seeds=seeds, learning_rate=rate, n_steps=steps, **options
            )
            right += [right_at_end(m, under_rule(sets.validation, rule)) for m in models]
        tried[rate] = right
    rate = chosen_rate(tried)
    numbers = n_numbers(arm_network(bases[0], arm), arm)
    found: dict[str, Any] = {"learning_rate": rate, "numbers": numbers}
    found["tuning"] = {f"rate_{r:g}".replace(".", "_"): right for r, right in tried.items()}
    for rule in NEW_RULES:
        models, losses = taught(
            bases,
            arm,
            rule,
            seeds=range(settings["n_seeds"]),
            learning_rate=rate,
            n_steps=settings["n_steps"],
            checkpoint=folder / f"{arm}_{rule}.pt",
            **options,
        )
        save_tensors(folder / f"{arm}_{rule}_weights.pt", [m.state_dict() for m in models])
        test = under_rule(sets.test, rule)
        found[rule] = {
            "right": [right_at_end(model, test) for model in models],
            "held": [right_at_end(model, test, HELD) for model in models],
            "loss": curve(losses),
        }
    return found


def _taught_networks(
    arm: str, rule: str, bases: Sequence[CordsNet], folder: Path
) -> list[CordsNet]:
    """The networks that ``_arm`` left; the base rule needs no other numbers."""
    models = [arm_network(base, arm) for base in bases]
    if rule in NEW_RULES:
        states = load_tensors(folder / f"{arm}_{rule}_weights.pt")
        for model, state in zip(models, states, strict=True):
            model.load_state_dict(state)
    return models


def curve(losses: Tensor, n_points: int = 25) -> Tensor:
    """Losses (step, seed) as means over stretches of steps, (seed, point)."""
    every = max(1, len(losses) // n_points)
    whole = losses[: len(losses) // every * every]
    return whole.unflatten(0, (-1, every)).mean(dim=1).mT


def told_trial() -> InstructedTrial:
    """Every ordered pair of two rules, the first of which returns."""
    pairs = permutations(range(len(ALL_RULES)), 2)
    return InstructedTrial(
        answers=tuple(tuple(row) for row in digit_answers(ALL_RULES).tolist()),
        instructions=tuple((a, b, a) for a, b in pairs),
    )


def following(networks: Sequence[CordsNet], arm: str, tau: float, areas: str) -> NMCordsNet:
    """A base network under a modulator that holds the gains, or biases, of each rule.

    One unit for each cue goes to 1 with the time constant of the modulator while its cue is told;
    the gains are 1, plus what each rule adds to that times its unit.

    Args:
        networks: the networks of an arm, one for each rule; the first is the base network.
        arm: ``"gains"`` or ``"bias"``.
        tau: time constant of the modulator in ms.
        areas: preset of the networks.
    """
    table = torch.stack([_numbers_of(network, networks[0], arm) for network in networks])
    drive, neutral = ("recurrent", 1.0) if arm == "gains" else ("current", 0.0)
    n = len(networks)
    model = BUILDERS["modulated_cordsnet"](
        areas=areas, drive=drive, n_units=n, n_cues=n, tau=tau, generator=torch.Generator()
    )
    assert isinstance(model, NMCordsNet)
    model.network.load_state_dict(networks[0].state_dict())
    model.network.requires_grad_(False)
    source = model.modulator
    assert isinstance(source, Modulator)
    with torch.no_grad():
        source.recurrent_weights.zero_()
        source.input_weights.copy_(torch.cat([torch.zeros(n, 1), torch.eye(n)], dim=1))
        source.gain_weights.copy_((table - neutral).mT)
        source.gain_bias.fill_(neutral)
    return model


def _numbers_of(network: CordsNet, base: CordsNet, arm: str) -> Tensor:
    """Gains, or currents, (channel of all areas,), that make a base network this one."""
    parts = []
    for area in range(base.n_areas):
        if arm == "gains":
            layers: list[Any] = [model.recurrent[area] for model in (network, base)]
            one, other = (layer.length for layer in layers)
            parts.append((one / other).flatten())
        else:
            parts.append((network.biases[area] - base.biases[area]).flatten())
    return torch.cat(parts).detach()


def _told(
    bases: Sequence[CordsNet], settings: Mapping[str, Any], sets: Sets, folder: Path
) -> dict[str, Any]:
    """Right answers at the end of each phase, (network, phase)."""
    trial = told_trial()
    told = instructed(sets.test, len(trial.instructions))
    by_arm = {
        arm: list(zip(*(_taught_networks(arm, r, bases, folder) for r in ALL_RULES), strict=True))
        for arm in ARMS
    }

    def followed(arm: str, tau: float) -> list[Tensor]:
        models = [following(networks, arm, tau, settings["areas"]) for networks in by_arm[arm]]
        return [instructed_accuracy(m, told.images, told.labels, trial) for m in models]

    found: dict[str, Any] = {f"gains_{tau:g}": followed("gains", tau) for tau in TAUS}
    found["bias_10"] = followed("bias", TAUS[0])
    for arm, answer in (("picture", _pictures_switched), ("readout", _readouts_switched)):
        found[arm] = [_right(answer(each, told, trial), told, trial) for each in by_arm[arm]]
    found["untouched"] = [
        _right(_readouts_switched([base] * len(ALL_RULES), told, trial), told, trial)
        for base in bases
    ]
    return plain(found)


def controls(
    by_rule: Mapping[str, Sequence[CordsNet]], settings: Mapping[str, Any], sets: Sets
) -> dict[str, Any]:
    """What the arms leave open; no rule asks for it.

    Args:
        by_rule: rule -> networks under the gains of that rule; the base networks know the first.
        settings: ``areas``.
        sets: digits.

    Returns:
        ``fitted``: rule -> right answers of a readout fitted by logistic regression, per network;
        ``differing``: rule -> right answers, of the gains and of the untouched network, to digits
        about which the new rule and the base rule differ, and how many these are; ``steady``: right
        answers after 50, 100 and 150 ms of a cue that stays, (network, time), all rules together.
    """
    bases, trial = by_rule[BASE_RULE], told_trial()
    stays = replace(trial, instructions=tuple((k, k, k) for k in range(len(ALL_RULES))))
    told = instructed(sets.test, len(ALL_RULES))
    found: dict[str, Any] = {"fitted": {}, "differing": {}}
    old = under_rule(sets.test, BASE_RULE).labels
    for rule in NEW_RULES:
        new = under_rule(sets.test, rule)
        found["fitted"][rule] = [fitted_readout(base, sets, rule) for base in bases]
        differ = (new.labels != old).nonzero()[:, 0]
        those = new.subset(differ)
        found["differing"][rule] = {
            "n": len(differ),
            "gains": [right_at_end(model, those) for model in by_rule[rule]],
            "untouched": [right_at_end(model, those) for model in bases],
        }
    networks = list(zip(*by_rule.values(), strict=True))
    found["steady"] = [
        instructed_accuracy(
            following(each, "gains", TAUS[0], settings["areas"]), told.images, told.labels, stays
        )
        for each in networks
    ]
    return plain(found)


def fitted_readout(base: CordsNet, sets: Sets, rule: str) -> float:
    """Right answers of a readout fitted by logistic regression to what the old readout sees.

    It has as many numbers as the trained one; the strength of its penalty is chosen on the
    validation images.
    """
    parts = [(seen_at_end(base, part.images), under_rule(part, rule).labels) for part in sets]
    train, validation, test = ((z.numpy(), labels.numpy()) for z, labels in parts)
    tried = [
        make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000)).fit(*train)
        for strength in STRENGTHS
    ]
    return float(max(tried, key=lambda one: one.score(*validation)).score(*test))


@torch.no_grad()
def seen_at_end(model: CordsNet, images: Tensor) -> Tensor:
    """What the readout sees at the end of the image, (batch, channel)."""
    n_blank, n_steps = (round(part / model.dt) for part in (ASKED.blank, ASKED.stimulus))
    state = model.respond(images, n_blank=n_blank, n_steps=n_steps).state
    seen = model.seen_of(state)[-model.n_read :]
    return torch.stack([r.mean(dim=(-2, -1)) for r in seen]).sum(dim=0)


def _right(outputs: Tensor, images: ImageSet, trial: InstructedTrial) -> Tensor:
    """Share of right answers at the end of each phase, of outputs (batch, time, class)."""
    _, phase, _ = trial.steps(2.0)
    ends = outputs[:, phase - 1 :: phase].argmax(dim=-1)
    return (ends == trial.wanted(images.labels)).double().mean(dim=0)


@torch.no_grad()
def _pictures_switched(
    networks: Sequence[CordsNet], images: ImageSet, trial: InstructedTrial
) -> Tensor:
    """Outputs of the base network that sees, with the image, the picture of the rule that holds."""
    blank, phase, _ = trial.steps(networks[0].dt)
    pictures = torch.cat([model.picture for model in networks])  # type: ignore[misc]
    told = pictures[trial.rules(images.labels)].repeat_interleave(phase, dim=1)
    return networks[0].respond(images.images.unsqueeze(1) + told, n_blank=blank).outputs


@torch.no_grad()
def _readouts_switched(
    networks: Sequence[CordsNet], images: ImageSet, trial: InstructedTrial
) -> Tensor:
    """Outputs of the readout of the rule that holds; the areas do the same under every rule."""
    blank, phase, _ = trial.steps(networks[0].dt)
    n_steps = phase * len(trial.instructions[0])
    every = torch.stack([
        model.respond(images.images, n_steps=n_steps, n_blank=blank).outputs for model in networks
    ])  # fmt: skip
    rules = trial.rules(images.labels).repeat_interleave(phase, dim=1)
    batch, steps = torch.arange(len(rules)).unsqueeze(1), torch.arange(n_steps)
    return every[rules, batch, steps]


def _ship(
    bases: Sequence[CordsNet], settings: Mapping[str, Any], metrics: Mapping[str, Any], folder: Path
) -> None:
    """Store base networks, and networks with gains for each new rule."""
    areas = {"areas": settings["areas"]}
    parts: dict[str, Any] = {"base": (bases, metrics["base"]["odd"])}
    for rule in NEW_RULES:
        right = metrics["gains"][rule]["right"]
        parts[rule] = (_taught_networks("gains", rule, bases, folder), right)
    for name, (models, right) in parts.items():
        ship(
            f"eye_{name}",
            models,
            builder="ruled_cordsnet",
            kwargs=areas,
            command=COMMAND,
            metrics={"accuracy_median": right},
            data=f"{learnt_from({'image_size': 8})} without the first {settings['n_validation']}",
        )


EXPERIMENTS = (
    Experiment(
        name="rule_switch",
        run=run,
        rules=RULES,
        ships=tuple(f"eye_{name}" for name in ("base", *NEW_RULES)),
    ),
)
