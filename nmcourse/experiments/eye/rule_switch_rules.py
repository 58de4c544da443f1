"""What the results of ``rule_switch`` say: F17, F18. Written before they were measured."""

from __future__ import annotations

import statistics

from nmcourse.evidence import (
    Judgement,
    Results,
    Rule,
    combined,
    expected,
    most,
)

BASE_RULE, NEW_RULES = "odd", ("large", "curved")
ARMS = ("gains", "bias", "picture", "readout")
KNOWN = 0.9  # accuracy on the base rule from which on a network counts
LEARNT = 0.1  # share of right answers that a new rule has to win
MARGIN = 0.03  # share of right answers: less is no difference
NEEDED = 0.8  # share of the networks
TAUS = (10.0, 50.0, 100.0)  # ms, time constants of the modulator
LATE = 0.05  # share of right answers that a slow modulator has to lose
WORDS = {True: "yes", False: "no", None: "open"}


def counted(results: Results) -> list[int]:
    """Seeds whose base network knows the base rule."""
    return [k for k, right in enumerate(results.value("base.odd")) if right >= KNOWN]


def of_rules(results: Results, path: str) -> list[float]:
    """A number of each network and each new rule, for the networks that count."""
    found = [results.value(path.format(rule=rule)) for rule in NEW_RULES]
    return [values[k] for values in found for k in counted(results)]


def not_worse(one: list[float], other: list[float]) -> bool | None:
    """Is the first at least as good, up to the margin, in most networks?"""
    return most([a >= b - MARGIN for a, b in zip(one, other, strict=True)], needed=NEEDED)


def switch_statements(results: Results) -> dict[str, bool | None]:
    """Four sentences about gains and their rivals."""
    gains = of_rules(results, "gains.{rule}.right")
    untouched = of_rules(results, "base.{rule}")
    found = {
        "gains switch the rule": most(
            [a >= b + LEARNT for a, b in zip(gains, untouched, strict=True)], needed=NEEDED
        )
    }
    for arm in ARMS[1:]:
        other = of_rules(results, arm + ".{rule}.right")
        found[f"at least as well as the {arm}"] = not_worse(gains, other)
    return found


def judge_switch(results: Results) -> Judgement:
    """Do gains alone switch the rule, and do other numbers do it better?"""
    statements = switch_statements(results)
    verdict = combined(list(statements.values()))
    undecided = verdict == "not decided"

    def middle(path: str) -> str:
        return ", ".join(
            f"{rule} {statistics.median(results.value(path.format(rule=rule))):.0%}"
            for rule in NEW_RULES
        )

    spread = {
        arm: [min(values), max(values)]
        for arm in ARMS
        if (values := of_rules(results, arm + ".{rule}.right"))
    }
    return Judgement(
        status="not decided" if undecided else "measured",
        reason="too few networks to say" if undecided else "",
        measured=f"{expected(verdict)}. Right on a new rule: untouched {middle('base.{rule}')}; "
        + "; ".join(
            f"{arm} ({results.value(f'{arm}.numbers')} numbers) {middle(arm + '.{rule}.right')}"
            for arm in ARMS
        )
        + ". "
        + "; ".join(f"{what}: {WORDS[holds]}" for what, holds in statements.items())
        + ". (The readout is one that was trained for as many steps.)",
        spread="; ".join(f"{arm} {low:.0%} to {high:.0%}" for arm, (low, high) in spread.items()),
        seeds=results.config["n_seeds"],
        caveats=(
            f"{results.config['n_steps']} training steps with "
            f"{results.config['batch_size']} images each: more may change the order.",
            "A cue that does not change makes each arm a table of numbers, one row for each rule.",
            "Gains were learnt without sign or limit, as lengths are; a sigmoid could not set many "
            "of them.",
            "Numbers are matched roughly, see the counts. Only two learning rates were tried, on "
            "one network: gains and biases did best with the larger, pictures and readouts with "
            "the smaller, so each kind may do better beyond.",
            "The readout had not learnt all it could: fitted by logistic regression, with as many "
            "numbers, it is right in "
            + ", ".join(
                f"{statistics.median(results.value(f'controls.fitted.{rule}')):.0%} ({rule})"
                for rule in NEW_RULES
            )
            + ".",
            "Digits about which the old and the new rule differ: gains are right in "
            + ", ".join(
                f"{statistics.median(results.value(f'controls.differing.{rule}.gains')):.0%} of "
                f"{results.value(f'controls.differing.{rule}.n')} ({rule})"
                for rule in NEW_RULES
            )
            + ".",
            "One accuracy is known to 3 points, as much as the tolerance.",
        ),
        would_change="More training, larger networks, or rules of more than two answers",
    )


def told(results: Results, name: str) -> list[list[float]]:
    """Right answers in each phase, (network, phase), of the networks that count."""
    rows = results.value(f"told.{name}")
    return [rows[k] for k in counted(results)]


def told_statements(results: Results) -> dict[str, bool | None]:
    """Four sentences about cues that change within the trial and return."""
    gains, bias, slow = (told(results, name) for name in ("gains_10", "bias_10", "gains_100"))
    first, switched, last = ([row[k] for row in gains] for k in range(3))
    costs = [[row[1] - row[0] for row in rows] for rows in (gains, bias)]
    return {
        "the second rule is answered as well as the first": not_worse(switched, first),
        "the first rule returns": not_worse(last, first),
        "a switch costs gains no more than biases": not_worse(*costs),
        "a modulator of 100 ms is late": most(
            [a[1] <= b - LATE for a, b in zip(slow, switched, strict=True)], needed=NEEDED
        ),
    }


def judge_told(results: Results) -> Judgement:
    """Do numbers that were learnt for each rule alone follow a cue that changes and returns?"""
    statements = told_statements(results)
    verdict = combined(list(statements.values()))
    undecided = verdict == "not decided"

    def phases(name: str) -> str:
        columns = zip(*results.value(f"told.{name}"), strict=True)
        return ", ".join(f"{statistics.median(column):.0%}" for column in columns)

    last = [row[2] for row in results.value("told.gains_10")]
    return Judgement(
        status="not decided" if undecided else "measured",
        reason="too few networks to say" if undecided else "",
        measured=f"{expected(verdict)}. Right at the end of each phase: gains by a modulator of "
        + "; ".join(f"{tau:g} ms {phases(f'gains_{tau:g}')}" for tau in TAUS)
        + f"; biases of 10 ms {phases('bias_10')}; pictures {phases('picture')}; readouts "
        f"{phases('readout')}; untouched {phases('untouched')}. "
        + "; ".join(f"{what}: {WORDS[holds]}" for what, holds in statements.items()),
        spread=f"third phase of gains {min(last):.0%} to {max(last):.0%}",
        seeds=results.config["n_seeds"],
        caveats=(
            "Nothing was trained for changing cues: the numbers are those of F17, one row for each "
            "rule, and the modulator is a table with a time constant.",
            "Each phase is as long as the image was in training, 50 ms. With a cue that stays, "
            "gains have "
            + ", ".join(
                f"{statistics.median(column):.0%}"
                for column in zip(*results.value("controls.steady"), strict=True)
            )
            + " after one, two and three phases: the cost is one of time, not of the switch.",
            "One accuracy is known to 3 points, as much as the tolerance.",
        ),
        would_change="Networks and modulators that are trained with cues that change",
    )


RULES = {
    "F17": Rule(
        judge=judge_switch,
        tolerance=f"{MARGIN:.0%} of right answers; a rule is learnt by {LEARNT:.0%}",
        rule=f"networks with {KNOWN:.0%} on the base rule count, each with both new rules. Four "
        f"sentences, each in {NEEDED:.0%} of them: gains win {LEARNT:.0%} over the untouched "
        "network; they are not worse, up to the tolerance, than a bias, a picture, a readout. The "
        "sentence of this course holds if all do, in part if some do",
    ),
    "F18": Rule(
        judge=judge_told,
        tolerance=f"{MARGIN:.0%} of right answers; {LATE:.0%} lost by a slow modulator",
        rule=f"four sentences, each in {NEEDED:.0%} of the networks that count: under gains by a "
        "modulator of 10 ms the second phase, and the third, are not worse than the first, up to "
        "the tolerance; the second loses no more than with biases, up to the tolerance; with a "
        f"modulator of 100 ms it is {LATE:.0%} lower or more. The sentence of this course holds if "
        "all do, in part if some do",
    ),
}
