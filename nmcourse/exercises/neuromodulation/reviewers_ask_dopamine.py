"""Exercises of *The reviewers ask* about low dopamine."""

from __future__ import annotations

from nmcourse.exercises.checking.record import Exercise, Wrong
from nmcourse.exercises.neuromodulation import reviewers_ask_answers as functions

_CHAPTER = "book/neuromodulation/reviewers_ask"
_DOPAMINE = "What does low dopamine do to time? (R18)"


ABOUT_DOPAMINE = (
    Exercise(
        id="ask-3",
        label="ex-ask-early-or-fast",
        chapter=_CHAPTER,
        title="Early or fast?",
        kind="experiment",
        difficulty=3,
        importance=5,
        minutes=20,
        function="early",
        arguments=("outputs", "go", "asked"),
        reference=functions.early,
        cases=functions.ramps,
        wrong=(
            Wrong(
                "read before go",
                lambda outputs, go, asked: (
                    (0.5 + functions.height_at_go(outputs, go, -1)) * asked
                ).mean(),
                "You read the output one step before go. Step k of the trial is at 10 k ms.",
                _DOPAMINE,
            ),
            Wrong(
                "what is left of the ramp",
                lambda outputs, go, asked: (
                    (0.5 - functions.height_at_go(outputs, go)) * asked
                ).mean(),
                "That is when the ramp arrives. Asked for is how much earlier than I that is.",
                _DOPAMINE,
            ),
            Wrong(
                "a size without a sign",
                lambda outputs, go, asked: (
                    ((0.5 + functions.height_at_go(outputs, go)) * asked).abs().mean()
                ),
                "A ramp that starts below −1/2 comes late. That is less than 0 ms early.",
                _DOPAMINE,
            ),
            Wrong(
                "the height above zero",
                lambda outputs, go, asked: (functions.height_at_go(outputs, go) * asked).mean(),
                "A ramp starts at −1/2 and not at 0.",
                _DOPAMINE,
            ),
            Wrong(
                "a height in place of a time",
                lambda outputs, go, asked: (
                    (0.5 + functions.height_at_go(outputs, go)).mean() + 0 * asked.mean()
                ),
                "This is how much too high the ramps start. How long does a ramp take for that?",
                _DOPAMINE,
            ),
            Wrong(
                "the mean ramp",
                lambda outputs, go, asked: (
                    (0.5 + functions.height_at_go(outputs, go)).mean() * asked.mean()
                ),
                "The ramps have different slopes. Take the mean of the products, not the product "
                "of the means.",
                _DOPAMINE,
            ),
            Wrong(
                "the sum over trials",
                lambda outputs, go, asked: (
                    (0.5 + functions.height_at_go(outputs, go)) * asked
                ).sum(),
                "Asked for is the mean over trials.",
                _DOPAMINE,
            ),
            Wrong(
                "every trial at every go time",
                lambda outputs, go, asked: ((0.5 + outputs[:, (go / 10).long(), 0]) * asked).mean(),
                "`outputs[:, index]` reads all these times in every trial, not each in its own.",
                _DOPAMINE,
            ),
        ),
        another=functions.early_one_by_one,
        rubric=(
            "No measurement.",
            "The part of the start in one network.",
            "The part of the start in all ten networks, beside the whole change, as a share.",
            "In addition which part is larger in which networks, and why it matters whether an "
            "interval is stored in x or in z.",
        ),
    ),
    Exercise(
        id="ask-4",
        label="ex-ask-one-gain",
        chapter=_CHAPTER,
        title="Which gain is it?",
        kind="experiment",
        difficulty=2,
        importance=3,
        minutes=15,
        function="one_low",
        arguments=("network", "inputs", "k", "factor"),
        reference=functions.one_low,
        cases=functions.perturbed,
        wrong=(
            Wrong(
                "all gains scaled",
                functions.under(lambda gains, k, factor: factor * gains),
                "Only component k should change. What if the factor were a vector?",
                _DOPAMINE,
            ),
            Wrong(
                "all gains but one",
                functions.under(
                    lambda gains, k, factor: functions.set_one(factor * gains, k, gains[..., k])
                ),
                "You have scaled the other components and left component k as it was.",
                _DOPAMINE,
            ),
            Wrong(
                "held at the factor",
                functions.under(lambda gains, k, factor: functions.set_one(gains, k, factor)),
                "A gain that is held no longer moves. Scaled, it moves as before, only less.",
                _DOPAMINE,
            ),
            Wrong(
                "counted from one",
                functions.under(
                    lambda gains, k, factor: functions.set_one(
                        gains, k - 1, factor * gains[..., k - 1]
                    )
                ),
                "You have scaled the component before. The first one has the index 0.",
                _DOPAMINE,
            ),
            Wrong(
                "taken off in place of multiplied",
                functions.under(
                    lambda gains, k, factor: functions.set_one(
                        gains, k, gains[..., k] - (1 - factor)
                    )
                ),
                "A factor takes more from a large gain than from a small one.",
                _DOPAMINE,
            ),
            Wrong(
                "inside the sigmoid",
                functions.inside_the_sigmoid,
                "You have scaled what goes into the sigmoid. Scaled should be what comes out.",
                _DOPAMINE,
            ),
            Wrong(
                "nothing scaled",
                functions.under(lambda gains, k, factor: gains),
                "These are the outputs of the intact network. Do your scaled gains reach it?",
                _DOPAMINE,
            ),
        ),
        another=functions.through_the_factor,
        rubric=(
            "No measurement.",
            "The effect of each gain in one network.",
            "The share of the largest effect in all ten networks, and the sum beside the joint "
            "change.",
            "In addition why effects add up for a small change, and how one would see that ten per "
            "cent is small.",
        ),
    ),
)
