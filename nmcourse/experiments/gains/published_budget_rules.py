"""Rules of N7, R12, R13, R15 and R18 at the budget of the paper, written before its networks.

Only networks that learned to measure are asked. Where the older rule asks for a majority of the
networks it is taken over, with one change: a majority that is missed counts as missed only where
nine networks in ten would bring so few in less than one of five experiments (``evidence.most``).
"""

from __future__ import annotations

import statistics

import torch

from nmcourse.evidence import (
    ENOUGH,
    Judgement,
    Results,
    Rule,
    combined,
    every,
    expected,
    format_number,
    most,
    rank_sum_power,
    summarise,
)
from nmcourse.experiments.gains.ablation import HURTS, LOST_CONTROL, STILL_RAMPS
from nmcourse.experiments.gains.pruning_and_dopamine import FEW
from nmcourse.experiments.gains.structured_flexibility import ONE_DIAL
from nmcourse.experiments.timing.published_budget_rules import lower
from nmcourse.tasks import MEASURES_BELOW, change_of_intervals

STAGES = ("start", "trained")
RIVALS = ("low_rank_rnn", "vanilla_rnn")
MATTERS = 2.0  # a factor on what a gradient loses over 100 ms


def of_set(results: Results, where: str) -> Results:
    """The results of one set of networks: "" for the published one, or "fair"."""
    metrics = results.metrics[where] if where else results.metrics
    return Results(metrics, results.config)


def _counts(holds: dict[str, list[bool]]) -> str:
    return "; ".join(f"{text}: {sum(true)} of {len(true)}" for text, true in holds.items())


def _too_few(results: Results, *undecided: str) -> str:
    """Why nothing is decided, as text; empty if it is."""
    if "not decided" not in undecided:
        return ""
    return (
        f"{results.config['n_published']} networks of the released recipe and "
        f"{results.config['n_fair']} of the control learned to measure, too few to tell"
    )


def n7_holds(results: Results) -> dict[str, list[bool]]:
    """The three statements of N7, for each network."""
    held = {key: torch.tensor(results.value(f"held.{key}")) for key in ("error", "control", "rise")}
    ratio = held["error"] / torch.tensor(results.value("intact.error"))[:, None]
    weakest, rows = held["control"].abs().argmin(dim=1), torch.arange(len(ratio))
    return {
        "every component hurts": (ratio >= HURTS).all(dim=1).tolist(),
        "one component ends the control of the slope": (
            held["control"][rows, weakest].abs() < LOST_CONTROL
        ).tolist(),
        "the output still rises without it": (held["rise"][rows, weakest] > STILL_RAMPS).tolist(),
    }


def judge_n7(results: Results) -> Judgement:
    """Do all ablations hurt, does one end the control of the slope, and is there still a ramp?"""
    holds = {where: n7_holds(of_set(results, where)) for where in ("", "fair")}
    status, fair = (combined([most(true) for true in found.values()]) for found in holds.values())
    return Judgement(
        status=status,
        fair_status=fair,
        reason=_too_few(results, status, fair),
        measured=f"{_counts(holds[''])} networks. With columns that do not turn round: "
        f"{_counts(holds['fair'])}",
        spread="; ".join(
            f"error of the {which} ablation of each network over the intact one "
            f"{summarise(_ratios(results, which))}"
            for which in ("weakest", "strongest")
        ),
        seeds=results.config["n_published"],
        would_change="Another measure of control: the paper names none",
        caveats=(
            "Components have no fixed order from network to network, so each network is asked "
            "for its own critical one.",
            f"Networks that learned to measure (error below {format_number(MEASURES_BELOW)}) only.",
        ),
    )


def _ratios(results: Results, which: str) -> list[float]:
    held = torch.tensor(results.value("held.error"))
    ratio = held / torch.tensor(results.value("intact.error"))[:, None]
    return (ratio.amin(dim=1) if which == "weakest" else ratio.amax(dim=1)).tolist()


def r12_counts(results: Results) -> tuple[list[bool], list[bool]]:
    """Whether each quiet component, and each other one, can be held at its mean without harm."""
    level, moves, held = (torch.tensor(results.value(key)) for key in ("mean", "range", "held"))
    harmless = held / torch.tensor(results.value("intact"))[:, None] < results.config["hurts"]
    quiet = (level < results.config["near_zero"]) | (moves < results.config["hardly_moves"])
    return harmless[quiet].tolist(), harmless[~quiet].tolist()


def judge_r12(results: Results) -> Judgement:
    """Are the quiet components free to go?"""
    counts = {where: r12_counts(of_set(results, where)) for where in ("", "fair")}
    quiet = counts[""][0] + counts["fair"][0]
    loud = counts[""][1] + counts["fair"][1]
    free = most(quiet)
    found = "not decided"
    if free is not None and len(quiet) >= FEW:
        more = sum(quiet) * len(loud) > sum(loud) * len(quiet)
        found = "reproduced" if free else "partly" if more else "not reproduced"
    return Judgement(
        status="not decided" if found == "not decided" else "measured",
        reason=f"{len(quiet)} components are quiet, too few to tell"
        if found == "not decided"
        else "",
        measured=f"{expected(found)}. Of {len(quiet)} quiet components {sum(quiet)} can be held at "
        f"their mean without doubling the error, of {len(loud)} others {sum(loud)}. Moving "
        "components that a network needs: "
        + ", ".join(
            f"{n} in {results.value('n_needed').count(n)}"
            for n in sorted(set(results.value("n_needed")))
        )
        + " networks of the released recipe",
        spread=f"components that a network needs {results.summary('n_needed')}, control "
        f"{results.summary('fair.n_needed')}",
        seeds=results.config["n_published"] + results.config["n_fair"],
        would_change="More quiet components: networks of more than three gains would have them",
        caveats=(
            "The components of both sets of networks are counted together. Those of one network "
            "are not independent.",
            "A component that can be held still has its rank-one term: what is superfluous is its "
            "modulation, not its weights.",
        ),
    )


def r15_holds(results: Results) -> tuple[list[bool], list[bool], bool]:
    """Above the threshold, above one half, and whether training made it so."""
    shares = {
        name: [row[0] for row in results.value(f"{name}.shares")]
        for name in ("trained", "untrained")
    }
    return (
        [share > ONE_DIAL for share in shares["trained"]],
        [share > 0.5 for share in shares["trained"]],
        statistics.median(shares["trained"]) > statistics.median(shares["untrained"]),
    )


def _first(results: Results, which: str) -> float:
    """Median share of the control along the first direction."""
    return statistics.median(row[0] for row in results.value(f"{which}.shares"))


def judge_r15(results: Results) -> Judgement:
    """Does one direction of the gains carry most of the control, and is that training's work?"""
    one_dial, half, by_training = r15_holds(results)
    clearly, mostly = most(one_dial), most(half)
    found = "not decided"
    if clearly and by_training:
        found = "reproduced"
    elif clearly is not None and mostly is not None:
        found = "partly" if mostly else "not reproduced"
    names = ("gains", "states", "both")
    carried = {
        name: summarise([one[name] for one in results.value("transplant")]) for name in names
    }
    return Judgement(
        status="not decided" if found == "not decided" else "measured",
        reason=_too_few(results, found),
        measured=f"{expected(found)}. Share of the control along one direction: above "
        f"{ONE_DIAL:g} in {sum(one_dial)}, above one half in {sum(half)} of {len(half)} networks; "
        f"median {_first(results, 'trained'):.2f}, before "
        f"training {_first(results, 'untrained'):.2f}. With columns that do not turn round: above "
        f"{ONE_DIAL:g} in {sum(r15_holds(of_set(results, 'fair'))[0])} of "
        f"{results.config['n_fair']}",
        spread="share along one direction "
        + str(summarise([row[0] for row in results.value("trained.shares")])),
        seeds=results.config["n_published"],
        would_change="Another measure: this one is ours, and not what the authors mean by "
        "structured",
        caveats=(
            "Transplanted from go on, the gains of another trial, its state at go, or both: slope "
            "of the apparent interval against the donor's, 1 if the interval comes along, "
            + "; ".join(f"{name} {carried[name]}" for name in names)
            + ".",
        ),
    )


def r18_signs(results: Results) -> list[int]:
    """+1, -1 or 0 for each network: longer, shorter or the same intervals under lower gains."""
    at = list(results.config["factors"]).index(results.config["judged_at"])
    produced = torch.tensor(
        [
            [[torch.nan if ms is None else ms for ms in row] for row in network]
            for network in results.value("whole.produced")
        ]
    )
    signs: list[int] = change_of_intervals(produced, level=at).tolist()
    return signs


def judge_r18(results: Results) -> Judgement:
    """Are the intervals longer when all gains are scaled by 0.9 for the whole trial?"""
    signs = {where: r18_signs(of_set(results, where)) for where in ("", "fair")}
    longer = most([sign > 0 for sign in signs[""]])
    found = "not decided"
    if longer is not None:
        more = sum(sign > 0 for sign in signs[""]) > sum(sign < 0 for sign in signs[""])
        found = "reproduced" if longer else "partly" if more else "not reproduced"
    factor = results.config["judged_at"]
    return Judgement(
        status="not decided" if found == "not decided" else "measured",
        reason=_too_few(results, found),
        measured=f"{expected(found)}. All gains × {factor:g}: "
        + ". Control: ".join(
            f"longer in {sum(sign > 0 for sign in each)}, shorter in "
            f"{sum(sign < 0 for sign in each)} of {len(each)} networks"
            for each in signs.values()
        ),
        spread="ramps that never arrive, of all: "
        + ", ".join(
            f"{sum(ms is None for network in results.value('whole.produced') for ms in network[k])}"
            f" at × {level:g}"
            for k, level in enumerate(results.config["factors"])
        ),
        seeds=results.config["n_published"],
        would_change="Which part of the trial dopamine is thought to act on: gains scaled only "
        "before go, and only from go on, are in the results too",
        caveats=(
            "A gain in a trained network stands for dopamine here, no more: the networks have no "
            "sign constraints and no cell types.",
        ),
    )


def is_ahead(results: Results, task: str, stage: str, other: str) -> bool | None:
    """Whether the gradient of the NM-RNN keeps more than that of another network.

    None where the seeds do not tell, and would not have told a factor of ``MATTERS`` either.
    """
    ours, theirs = (results.value(f"{task}{name}.{stage}.keeps") for name in ("nm_rnn", other))
    sign = lower(theirs, ours)
    if not sign and rank_sum_power(theirs, [MATTERS * value for value in theirs]) >= ENOUGH:
        return False
    return {1: True, -1: False, 0: None}[sign]


TASKS = {"Measure-Wait-Go": "", "Element Finder": "element_finder."}


def judge_r13(results: Results) -> Judgement:
    """Is the NM-RNN ahead of both, before and after training, on both tasks?"""
    holds = {
        f"{name}, {stage}": every(is_ahead(results, task, stage, other) for other in RIVALS)
        for name, task in TASKS.items()
        for stage in STAGES
    }
    found = combined(list(holds.values()))
    words = {True: "yes", False: "no", None: "open"}
    return Judgement(
        status="not decided" if found == "not decided" else "measured",
        reason="the seeds do not tell all networks apart" if found == "not decided" else "",
        measured=f"{expected(found)}. Ahead of low-rank and vanilla RNN: "
        + "; ".join(f"{where}: {words[true]}" for where, true in holds.items()),
        spread=". ".join(
            f"{name}, {stage}: "
            + "; ".join(
                f"{arm} {results.summary(f'{task}{arm}.{stage}.keeps')}"
                for arm in ("nm_rnn", *RIVALS, "lstm")
            )
            for name, task in TASKS.items()
            for stage in STAGES
        ),
        seeds=results.config["n_seeds"],
        would_change="Another strength of the recurrence at the start",
        caveats=(
            "Factor on the gradient over 100 ms back: on Measure-Wait-Go from go to the measure "
            "pulse, with fair scaling; on Element Finder from the answer to the query, with the "
            "released recurrence.",
            "A gradient that neither vanishes nor grows is not yet a good one: it must also point "
            "the right way.",
        ),
    )


_MOST = "80% of the networks that learned to measure"
RULES = {
    "N7": Rule(
        judge=judge_n7,
        tolerance=_MOST,
        rule=f"three statements, each for at least {_MOST}: every component that is held at its "
        f"first value multiplies the error by {HURTS:g} or more; holding one of them leaves a "
        f"control of the slope below {LOST_CONTROL:g}; the output still rises by more than "
        f"{STILL_RAMPS:g} then. Reproduced if all hold, partly if some do. As published: the "
        "released recipe; fair: columns of L that do not turn round. A statement stays open where "
        "nine networks in ten would bring so few in more than 20% of the experiments",
    ),
    "R12": Rule(
        judge=judge_r12,
        tolerance="80% of the quiet components",
        rule="a component is quiet if its mean gain is below 0.1 or if it moves by less than 0.1; "
        f"it is free to go if holding it at its mean multiplies the error by less than {HURTS:g}. "
        "The sentence holds if at least 80% of the quiet ones of both sets of networks are free to "
        "go; in part if a larger share of them than of the others. Not decided with fewer than "
        "five, or where nine in ten would bring so few in more than 20% of the experiments",
    ),
    "R13": Rule(
        judge=judge_r13,
        tolerance="a one-sided rank-sum test over the seeds, p < 0.05",
        rule="on Measure-Wait-Go and on Element Finder, before and after training: the gradient of "
        "the NM-RNN keeps more than that of the low-rank and of the vanilla RNN. The sentence "
        "holds if so in all four cases, in part if in some. Where the seeds do not tell, a case "
        f"fails if they would have told a factor of {MATTERS:g} with a power of {ENOUGH:.0%}, and "
        "stays open if not",
    ),
    "R15": Rule(
        judge=judge_r15,
        tolerance=_MOST,
        rule=f"the sentence holds if one direction has more than {ONE_DIAL:g} of the control in at "
        f"least {_MOST}, and the median share is larger than before training; in part if it has "
        "more than half of it in as many networks. Not decided where nine networks in ten would "
        "bring so few in more than 20% of the experiments",
    ),
    "R18": Rule(
        judge=judge_r18,
        tolerance=_MOST,
        rule="the sentence holds if with all gains times 0.9 the intervals are longer in at least "
        f"{_MOST}; in part if in more networks than those in which they are shorter. Not decided "
        "where nine networks in ten would bring so few in more than 20% of the experiments",
    ),
}
