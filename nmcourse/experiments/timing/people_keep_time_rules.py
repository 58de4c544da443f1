"""What the results of ``people_keep_time`` say: F14. Written before they were measured."""

from __future__ import annotations

from nmcourse.evidence import Judgement, Results, Rule, combined, every, expected, format_number

ARMS = ("nm_rnn", "low_rank_rnn")
NOISES = (0.0, 0.1, 0.2)  # of the measured interval, over its length
ALIKE = 0.1  # difference of slopes within which a network does as the ideal observer
LEARNT = 0.9  # slope without noise from which on networks have learnt to measure


def noise_name(noise: float) -> str:
    """A noise as the results call it."""
    return f"noise_{noise:g}".replace(".", "_")


def follows(results: Results, arm: str) -> bool | None:
    """Does an architecture regress as the ideal observer does? None if it did not learn."""
    learnt = results.summary(f"{arm}_{noise_name(0.0)}.slope_95")
    if not (learnt.n_finite == learnt.n and learnt.median >= LEARNT):
        return None
    found = []
    for noise in NOISES[1:]:
        slope = results.summary(f"{arm}_{noise_name(noise)}.slope_95")
        ideal = results.value(f"ideal.{noise_name(noise)}")
        found.append(slope.n_finite == slope.n and abs(slope.median - ideal) <= ALIKE)
    return every(found)


def judge(results: Results) -> Judgement:
    """Networks as an ideal observer, and people whose slopes are all below one."""
    people = results.value("people.high")
    holds = [follows(results, arm) for arm in ARMS] + [all(end < 1 for end in people)]
    verdict = combined(holds)
    slopes = results.summary("people.slope")
    return Judgement(
        status="measured" if verdict != "not decided" else "not decided",
        reason="" if verdict != "not decided" else "networks without noise did not learn",
        measured=f"{expected(verdict)}. Slope without noise, with 0.1, with 0.2: "
        + "; ".join(
            f"{arm.replace('_', ' ')} "
            + " / ".join(
                format_number(results.summary(f"{arm}_{noise_name(n)}.slope_95").median)
                for n in NOISES
            )
            for arm in ARMS
        )
        + "; ideal observer "
        + " / ".join(format_number(results.value(f"ideal.{noise_name(n)}")) for n in NOISES)
        + f". {len(people)} people: {slopes.minimum:.2f} to {slopes.maximum:.2f}",
        spread="slopes of the NM-RNN read at a quarter, half and 95 % of the ramp, noise 0.1: "
        + "; ".join(
            str(results.summary(f"nm_rnn_{noise_name(0.1)}.slope_{level}"))
            for level in (25, 50, 95)
        ),
        seeds=results.config["n_seeds"],
        caveats=(
            "People reproduced 0.3 to 1.7 s, networks 120 to 180 ms, with time constants chosen "
            "for that.",
            "The noise of the networks is put in by hand and known to the ideal observer; that of "
            "people is not known.",
            "Trials of people with another cost are left out.",
            "A first run, with the loss on the whole trial and 2,000 steps, was stopped since "
            "NM-RNNs did not learn to measure; budget and loss were changed, the rule was not.",
        ),
        would_change="Noise inside the networks in place of noise in what they measure",
    )


RULES = {
    "F14": Rule(
        judge=judge,
        tolerance=f"slopes within {ALIKE:g}; learnt: slope of {LEARNT:g} without noise",
        rule="three sentences: the median slope of NM-RNNs is within the tolerance of that of the "
        "ideal observer with both noises; so is that of LR-RNNs; the 95 % interval of every "
        "person's slope ends below 1. The sentence of this course holds if all three do, in part "
        "if some do; not decided if networks without noise did not learn",
    ),
}
