"""N11, N12 and R8: what the trained NM-RNNs hold in mind, and what their gains are worth.

All from the networks that ``multitask`` trained and shipped; seconds, nothing is trained here.

    ring      states at the end of the stimulus, in the plane of the first two principal components
              of the stimulus period: are they a ring in the order of the angle? Untrained
              networks are asked the same, for the stimulus itself drives a ring.
    memory    how well the angle is read from the states, step by step, after the stimulus is gone
    sign      does the sign of a principal component separate Pro from Anti and flip at an angle
              of pi? Both together mean that it follows the sign of sin(asked angle).
    gains     percent correct of the old tasks before and after the modulator is retrained, and
              with the gains of the old modulator played back to the output network
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nmcourse import pretrained
from nmcourse.analysis import angle_code, fit_ring, principal_subspace, store_gains, with_gains
from nmcourse.evidence import (
    Experiment,
    Judgement,
    Results,
    Rule,
    combined,
    expected,
    format_number,
    summarise,
)
from nmcourse.experiments.multitask.networks import (
    ALL,
    NM_RNN,
    TEST_SEED,
    TEST_TRIALS,
    TRAINED,
    accuracy_by_task,
)
from nmcourse.models import NMRNN
from nmcourse.tasks import DelayedResponse, Trials, percent_correct

N_ANGLES, N_COMPONENTS = 64, 8
ON, OFF, GO = 20, 50, 75  # steps of the arranged trials
NOISE = 0.1  # of the spread of the states, added before the angle is read
LONG = 300  # steps of the memory trials: three times as long as in training
READ = OFF + 60  # step at which memory is compared; the longest trained delay is 66 steps
ORDER, CIRCULAR, HOLLOW = 0.9, 0.5, 0.95  # what counts as a ring in the order of the angle
CONSISTENT, MAJORITY = 0.9, 0.8
LOST, RESTORED = 20.0, 0.5  # percentage points


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Measure every network; seconds, so nothing is kept in ``run_dir``."""
    models, retrained = (
        pretrained.load_all(name, kind=NMRNN) for name in ("mt_nm_rnn", "mt_nm_rnn_retrained")
    )
    untrained: list[Any] = [
        NM_RNN.build(torch.Generator().manual_seed(seed)) for seed in range(len(models))
    ]
    return {
        "config": {"n_seeds": len(models), "n_angles": N_ANGLES, "noise": NOISE},
        "metrics": {
            "ring": {"trained": ring(models), "untrained": ring(untrained)},
            "memory": {
                "trained": memory(models),
                "untrained": memory(untrained),
                "mean_gains": memory(models, mean_gains=True),
                "modulator": memory(models, of="modulator_states"),
            },
            "sign": sign_pattern(models),
            "gains": gains(models, retrained),
        },
    }


def even_angles() -> Tensor:
    """Angles that go evenly round the circle and avoid 0 and pi."""
    return 2 * math.pi * (torch.arange(N_ANGLES) + 0.5) / N_ANGLES


def arranged(task: str, n_steps: int = 100, go: int = GO) -> Trials:
    """One trial for each angle, all with the same times."""
    return DelayedResponse(TRAINED, n_steps=n_steps).arranged(
        task, even_angles(), stimulus_time=10 * ON, stimulus_end=10 * OFF, go_time=10 * go
    )


@torch.no_grad()
def _states(model: NMRNN, trials: Trials) -> Tensor:
    """x(t), (trial, time, unit)."""
    states: Tensor = model(trials.inputs, trials.context).states
    return states


def ring(models: Sequence[NMRNN]) -> dict[str, Any]:
    """Is the end of the stimulus a ring in the first plane of the stimulus period?

    Returns:
        ``order``, ``circularity`` and ``hollowness``, each (network, task), and
        ``variance`` in the plane, (network,).
    """
    measured: dict[str, list[Any]] = {
        key: [] for key in ("order", "circularity", "hollowness", "variance")
    }
    for model in models:
        states = torch.stack([_states(model, arranged(task))[:, ON:OFF] for task in TRAINED])
        plane = principal_subspace(states.flatten(0, 1), 2)
        rings = [fit_ring(plane.project(end), even_angles()) for end in states[:, :, -1]]
        for key in ("order", "circularity", "hollowness"):
            measured[key].append([getattr(found, key) for found in rings])
        measured["variance"].append(plane.variance_ratios.sum().item())
    return measured


@torch.no_grad()
def memory(
    models: Sequence[NMRNN], *, of: str = "states", mean_gains: bool = False
) -> list[list[float]]:
    """How well a MemoryPro angle is read at each step, with the go cue put off.

    At each step sine and cosine are regressed linearly on the noisy states of half the angles; the
    other half is read. Without noise, any trace however faint could be read.

    Args:
        models: the networks.
        of: ``"states"`` reads x, ``"modulator_states"`` reads z.
        mean_gains: play the mean gains of all angles to the output network: what is left of
            the angle is then held by x itself.

    Returns:
        (network, step): mean cosine of the error; 1 is no error, 0 nothing left.
    """
    trials, angle = arranged("MemoryPro", LONG, LONG - 1), even_angles()
    direction = torch.stack([angle.sin(), angle.cos()], dim=-1)
    generator = torch.Generator().manual_seed(TEST_SEED)
    curves = []
    for model in models:
        context: Tensor | None = trials.context
        if mean_gains:
            mean = store_gains(model, trials.inputs, context, mean=True)
            model, context = with_gains(model, mean), None
        states = getattr(model(trials.inputs, context), of)[:, :-1]
        spread = states[:, OFF - 1].std(dim=0).square().sum().sqrt() / math.sqrt(states.shape[-1])
        states = states + NOISE * spread * torch.randn(states.shape, generator=generator)
        points = states.transpose(0, 1)  # (time, trial, unit)
        points = torch.cat([points, torch.ones_like(points[..., :1])], dim=-1)
        learn, ask = points[:, ::2], points[:, 1::2]
        gram = learn.mT @ learn + (NOISE * spread) ** 2 * N_ANGLES / 2 * torch.eye(points.shape[-1])
        weights = torch.linalg.solve(gram, learn.mT @ direction[::2])
        read = torch.nn.functional.normalize(ask @ weights, dim=-1)
        curves.append((read * direction[1::2]).sum(dim=-1).mean(dim=-1).tolist())
    return curves


def sign_pattern(models: Sequence[NMRNN]) -> dict[str, Any]:
    """For each principal component: does its sign follow sin(asked angle) in the response?

    Principal components of all steps of the three trained tasks; scores of DelayPro and DelayAnti,
    mean over the response.

    Returns:
        (network, component): ``consistency`` (share of trials whose sign follows sin(asked angle),
        0.5 or more), ``r_squared`` and ``phase`` of a cosine of the asked angle fitted to the
        score, ``variance`` ratio.
    """
    pro, anti = arranged("DelayPro"), arranged("DelayAnti")
    asked = torch.cat([pro.conditions["asked_angle"], anti.conditions["asked_angle"]])
    measured: dict[str, list[Any]] = {
        key: [] for key in ("consistency", "r_squared", "phase", "variance")
    }
    for model in models:
        states = torch.stack([_states(model, arranged(task)) for task in TRAINED])
        space = principal_subspace(states, N_COMPONENTS)
        scores = space.project(states[:2, :, GO:]).mean(dim=2).flatten(0, 1)  # (trial, component)
        follows = ((scores > 0) == (asked.sin() > 0)[:, None]).double().mean(dim=0)
        code = angle_code(scores, asked)
        measured["consistency"].append(torch.maximum(follows, 1 - follows).tolist())
        measured["r_squared"].append(code.r_squared.tolist())
        measured["phase"].append(code.phase.tolist())
        measured["variance"].append(space.variance_ratios.tolist())
    return measured


def gains(models: Sequence[NMRNN], retrained: Sequence[NMRNN]) -> dict[str, Any]:
    """Percent correct (arctan2) of the old tasks under the gains of several origins.

    Returns:
        ``before``, ``after`` (retrained modulator), ``restored`` (retrained network, stored gains
        of the old modulator), and for trials of one timing ``own``, ``mean`` (one s(t) for all
        angles of the task) and ``others`` (of the next network): task -> one entry per network.
    """
    accuracy: dict[str, Any] = {
        "before": {task: m["arctan2"] for task, m in accuracy_by_task(models, TRAINED).items()},
        "after": {task: m["arctan2"] for task, m in accuracy_by_task(retrained, ALL).items()},
    }
    for origin in ("restored", "own", "mean", "others"):
        accuracy[origin] = {}
    for task in TRAINED:
        drawn = DelayedResponse([task], contexts=TRAINED).sample(
            TEST_TRIALS, generator=torch.Generator().manual_seed(TEST_SEED)
        )
        accuracy["restored"][task] = [
            _under(after, store_gains(before, drawn.inputs, drawn.context), drawn)
            for before, after in zip(models, retrained, strict=True)
        ]
        fixed = arranged(task)
        sources = {
            "own": [store_gains(m, fixed.inputs, fixed.context) for m in models],
            "mean": [store_gains(m, fixed.inputs, fixed.context, mean=True) for m in models],
        }
        sources["others"] = sources["own"][1:] + sources["own"][:1]
        for origin, stored in sources.items():
            accuracy[origin][task] = [
                _under(model, gain, fixed) for model, gain in zip(models, stored, strict=True)
            ]
    return accuracy


@torch.no_grad()
def _under(model: NMRNN, gain: Any, trials: Trials) -> float:
    """Percent correct of the output network under given gains."""
    return percent_correct(with_gains(model, gain)(trials.inputs).outputs, trials).item()


def _is_ring(results: Results, group: str) -> list[bool]:
    """Which networks hold a ring in each task."""
    limits = {"order": ORDER, "circularity": CIRCULAR, "hollowness": HOLLOW}
    passed = [
        torch.tensor(results.value(f"ring.{group}.{key}")) >= limit for key, limit in limits.items()
    ]
    rings: list[bool] = torch.stack(passed).all(dim=0).all(dim=-1).tolist()
    return rings


def judge_n11(results: Results) -> Judgement:
    """A ring in the stimulus period: how many networks, and how many untrained ones?"""
    rings, control = _is_ring(results, "trained"), _is_ring(results, "untrained")
    n = len(rings)
    share = sum(rings) / n
    order = torch.tensor(results.value("ring.trained.order")).amin(dim=-1)
    read = {
        group: summarise(row[READ] for row in results.value(f"memory.{group}"))
        for group in ("trained", "untrained", "mean_gains", "modulator")
    }
    late = summarise(row[-1] for row in results.value("memory.trained"))
    return Judgement(
        status="reproduced" if share >= MAJORITY else "partly" if share > 0 else "not reproduced",
        would_change=f"{sum(rings) - math.ceil(MAJORITY * n) + 1} networks fewer with a ring, of "
        f"{n}"
        if share >= MAJORITY
        else f"{math.ceil(MAJORITY * n) - sum(rings)} networks more with a ring, of {n}",
        measured=f"a ring in the order of the angle in all three tasks: {sum(rings)} of {n} "
        f"networks; variance in the plane {results.summary('ring.trained.variance')}",
        spread=f"order of the weakest task of each network {summarise(order.tolist())} "
        "(1: perfect)",
        seeds=n,
        caveats=(
            f"The stimulus itself drives a ring: {sum(control)} of {n} untrained networks pass the "
            "same test.",
            "What training adds is memory. Mean cosine of the reading error "
            f"{10 * (READ - OFF)} ms after the stimulus is gone: {read['trained']}, untrained "
            f"{read['untrained']}; {10 * (LONG - OFF)} ms after, far beyond the trained "
            f"delays, {late}. The states carry noise of {NOISE:.0%} of their spread.",
            "The gains carry much of this memory: with one s(t) for all angles "
            f"{read['mean_gains']} is left in x, while the modulator's own state gives "
            f"{read['modulator']}.",
        ),
    )


def judge_n12(results: Results) -> Judgement:
    """Does the fifth component flip as described; does any; and does it code sin(asked angle)?"""
    consistency = torch.tensor(results.value("sign.consistency"))
    r_squared = torch.tensor(results.value("sign.r_squared"))
    n = len(consistency)
    fifth, best = consistency[:, 4], consistency.amax(dim=1)
    which = consistency.argmax(dim=1)
    code = r_squared[torch.arange(n), which]
    counts = [int((values >= CONSISTENT).sum()) for values in (fifth, best)]
    reached = [count / n >= MAJORITY for count in counts]
    return Judgement(
        status="reproduced" if reached[0] else "partly" if any(counts) else "not reproduced",
        would_change=f"{math.ceil(MAJORITY * n)} of {n} networks whose component 5 flips; there "
        f"are {counts[0]}. Any component does in {counts[1]}, and the order of components is one "
        "of variance, which a longer training may change",
        measured=f"the sign of component 5 does so in {counts[0]} of {n} networks; that of some "
        f"component among the first {N_COMPONENTS} in {counts[1]} of {n} "
        f"(components {', '.join(str(k + 1) for k in which.tolist())})",
        spread=f"share of trials with the sign described: component 5 {summarise(fifth.tolist())}, "
        f"best component {summarise(best.tolist())}",
        seeds=n,
        caveats=(
            "A sign that separates Pro from Anti and flips at π is the sign of sin(asked angle). A "
            "cosine of the asked angle explains R² = "
            f"{summarise(code.tolist())} of the best component, "
            f"{summarise(r_squared[:, 4].tolist())} of the fifth.",
            "Signs and order of components differ between networks; the paper shows one network.",
        ),
    )


def judge_r8(results: Results) -> Judgement:
    """Are the old tasks lost after retraining, and do stored gains bring them back?"""
    percent = {
        origin: torch.tensor([results.value(f"gains.{origin}.{task}") for task in TRAINED]).T
        for origin in ("before", "after", "restored", "own", "mean", "others")
    }
    mean = {origin: summarise(values.mean(dim=1).tolist()) for origin, values in percent.items()}
    lost = mean["before"].median - mean["after"].median
    back = (percent["before"] - percent["restored"]).abs().max().item()
    holds = [lost >= LOST, back <= RESTORED]
    tasks = "; ".join(
        f"{task} {format_number(before)} → {format_number(after)}"
        for task, before, after in zip(
            TRAINED,
            percent["before"].quantile(0.5, dim=0).tolist(),
            percent["after"].quantile(0.5, dim=0).tolist(),
            strict=True,
        )
    )
    return Judgement(
        status="measured",
        would_change=f"A retraining that takes less than {LOST:g} points from the old tasks; it "
        f"takes {format_number(lost)}",
        measured=f"{expected(combined(holds))}. Percent correct of the old tasks: "
        f"{format_number(mean['before'].median)} before "
        f"retraining, {format_number(mean['after'].median)} after, "
        f"{format_number(mean['restored'].median)} with the stored gains (medians of the mean of "
        f"three tasks; {tasks})",
        spread=f"before {mean['before']}, after {mean['after']}, restored {mean['restored']}",
        seeds=len(percent["before"]),
        caveats=(
            "That stored gains restore everything is no accident: the output network stays as it "
            "was, and the gain is all that it gets from the modulator.",
            "One s(t) for all angles of a task, trials of one timing: "
            f"{mean['mean']} percent correct, {mean['own']} with each trial's own gains; with the "
            f"gains of another network {mean['others']}.",
        ),
    )


EXPERIMENTS = (
    Experiment(
        name="multitask_states",
        run=run,
        rules={
            "N11": Rule(
                judge=judge_n11,
                tolerance=f"{MAJORITY:.0%} of the networks",
                rule="a ring: at the end of the stimulus, in the plane of the first two components "
                f"of the stimulus period, order {ORDER:g}, circularity {CIRCULAR:g} and hollowness "
                f"{HOLLOW:g} or more in each of the three tasks. Reproduced if so in at least "
                f"{MAJORITY:.0%} of the networks, partly if in some",
            ),
            "N12": Rule(
                judge=judge_n12,
                tolerance=f"{MAJORITY:.0%} of the networks",
                rule="in the response to DelayPro and DelayAnti, the sign of component 5 separates "
                f"the tasks and flips at π in at least {CONSISTENT:.0%} of the trials. Reproduced "
                f"if so in at least {MAJORITY:.0%} of the networks; partly if component 5 or "
                f"another of the first {N_COMPONENTS} does so in some",
            ),
            "R8": Rule(
                judge=judge_r8,
                tolerance=f"{LOST:g} and {RESTORED:g} percentage points",
                rule="two statements: the median percent correct of the old tasks falls by "
                f"{LOST:g} points or more; with stored gains it is within {RESTORED:g} points of "
                "what it was, in every network and task. The sentence holds if both do, in part "
                "if one",
            ),
        },
    ),
)
