"""Exercises of *One network, many tasks*."""

from __future__ import annotations

import math

import numpy as np
import torch

from nmcourse.exercises.checking.record import Exercise, Wrong
from nmcourse.exercises.neuromodulation import one_network_many_tasks_answers as functions

_CHAPTER = "book/neuromodulation/one_network_many_tasks"
_METRIC = "The metric that could not fail"
_SIGN = "The sign of the fifth component"
_FORGETS = "Ten seeds, nine networks"


EXERCISES = (
    Exercise(
        id="tasks-1",
        label="ex-guessing-score",
        chapter=_CHAPTER,
        title="What does guessing score?",
        kind="derivation",
        difficulty=2,
        importance=4,
        minutes=15,
        function="chance",
        arguments=("tolerance",),
        reference=functions.chance,
        cases=lambda draw: [(draw.uniform(0.1, 1.4),) for _ in range(5)],
        example=(math.pi / 2,),
        wrong=(
            Wrong(
                "one side of the asked angle",
                lambda tolerance: (50 * tolerance / math.pi, functions.chance(tolerance)[1]),
                "An answer may be too large or too small by the tolerance.",
                _METRIC,
            ),
            Wrong(
                "the same for both formulas",
                lambda tolerance: (100 * tolerance / math.pi, 100 * tolerance / math.pi),
                "arctan counts the opposite answer as well. That cannot be the same score.",
                _METRIC,
            ),
            Wrong(
                "just twice as much",
                lambda tolerance: (100 * tolerance / math.pi, 200 * tolerance / math.pi),
                "Near ±90° the decoded angle jumps: at the ends of its interval a good answer can "
                "count as wrong. So it is less than this.",
                _METRIC,
            ),
            Wrong(
                "the answers that miss",
                lambda tolerance: (
                    functions.chance(tolerance)[0],
                    100 - functions.chance(tolerance)[1],
                ),
                "The two triangles are the answers that count as wrong under arctan.",
                _METRIC,
            ),
            Wrong(
                "one triangle only",
                lambda tolerance: (
                    functions.chance(tolerance)[0],
                    100 - 50 * (1 - tolerance / math.pi) ** 2,
                ),
                "The strip runs along the diagonal of the square, with a corner on either side.",
                _METRIC,
            ),
            Wrong(
                "fractions in place of percent",
                lambda tolerance: (
                    functions.chance(tolerance)[0] / 100,
                    functions.chance(tolerance)[1] / 100,
                ),
                "Asked for is percent: full marks are 100.",
                _METRIC,
            ),
            Wrong(
                "a tolerance in degrees",
                lambda tolerance: functions.chance(math.radians(tolerance)),
                "The tolerance is given in radians. Half a circle is π, not 180.",
                _METRIC,
            ),
            Wrong(
                "the corners twice",
                lambda tolerance: (
                    100 * tolerance / math.pi,
                    200 * tolerance / math.pi * (1 - tolerance / math.pi),
                ),
                "The jump costs two corners of the square. Each is half of a small square.",
                _METRIC,
            ),
        ),
        another=functions.chance_by_areas,
        rubric=(
            "Nothing, or two numbers without a derivation.",
            "The full angle as an arc, and for arctan the claim that it is more.",
            "Both formulas derived, and a simulation that agrees.",
            "In addition why arctan gives less than twice as much: good answers near ±90°.",
        ),
    ),
    Exercise(
        id="tasks-2",
        label="ex-stricter-score",
        chapter=_CHAPTER,
        title="A stricter eye",
        kind="code",
        difficulty=2,
        importance=3,
        minutes=15,
        function="released_fixation",
        arguments=("outputs",),
        reference=functions.released,
        cases=functions.subjects,
        wrong=(
            Wrong(
                "held in place of released",
                lambda outputs: outputs[:, -1, 0] > 0.5,
                "Before go fixation is held above 0.5. Afterwards the subject should let go.",
                _METRIC,
            ),
            Wrong(
                "at the border as well",
                lambda outputs: outputs[:, -1, 0] <= 0.5,
                "*Below* leaves the border itself out.",
                _METRIC,
            ),
            Wrong(
                "the first step",
                lambda outputs: outputs[:, 0, 0] < 0.5,
                "At the first step nobody has said go. Read the other end of the axis.",
                _METRIC,
            ),
            Wrong(
                "an answer channel",
                lambda outputs: outputs[:, -1, -1] < 0.5,
                "The outputs are fixation, sine and cosine, in this order.",
                _METRIC,
            ),
            Wrong(
                "at some step of the trial",
                lambda outputs: (outputs[..., 0] < 0.5).any(dim=1),
                "A subject that breaks fixation too early is low at some step, too.",
                _METRIC,
            ),
            Wrong(
                "at every step of the trial",
                lambda outputs: (outputs[..., 0] < 0.5).all(dim=1),
                "Before go fixation has to be held. It is asked to be low at the end only.",
                _METRIC,
            ),
            Wrong(
                "one number for all trials",
                lambda outputs: (outputs[:, -1, 0] < 0.5).double().mean(),
                "Asked for is the verdict on each trial. The mean can be taken afterwards.",
                _METRIC,
            ),
            Wrong(
                "near zero in place of below",
                lambda outputs: outputs[:, -1, 0].abs() < 0.5,
                "An output of -1 has let go, too. Asked for is below 0.5, not near 0.",
                _METRIC,
            ),
        ),
        another=lambda outputs: [not float(one[0]) >= 0.5 for one in outputs[:, -1]],
    ),
    Exercise(
        id="tasks-3",
        label="ex-splice-gains",
        chapter=_CHAPTER,
        title="When is the answer decided?",
        kind="experiment",
        difficulty=3,
        importance=4,
        minutes=25,
        function="spliced",
        arguments=("first", "second", "k"),
        reference=functions.spliced,
        cases=functions.recordings,
        read=functions.gains_of,
        wrong=(
            Wrong(
                "the two exchanged",
                lambda first, second, k: functions.spliced(second, first, k),
                "Before step k the gains of the *first* recording are played.",
                _METRIC,
            ),
            Wrong(
                "the second from its own start",
                functions.joined(lambda a, b, k: torch.cat([a[:, :k], b], 1)[:, : a.shape[1]]),
                "Step k of the trial gets the gains that the second recording has at step k.",
                _METRIC,
            ),
            Wrong(
                "one step late",
                functions.joined(lambda a, b, k: torch.cat([a[:, : k + 1], b[:, k + 1 :]], 1)),
                "From step k on the second recording is played: step k itself is one of these.",
                _METRIC,
            ),
            Wrong(
                "joined along the trials",
                functions.joined(lambda a, b, k: torch.cat([a[:k], b[k:]])),
                "The first axis of gains is the trial, the second is time.",
                _METRIC,
            ),
            Wrong(
                "added in place of joined",
                functions.joined(lambda a, b, k: (a + b) / 2),
                "Either the one or the other is played, never a mixture of both.",
                _METRIC,
            ),
            Wrong(
                "the end cut off",
                functions.joined(lambda a, b, k: torch.cat([a[:, :k], b[:, -k:]], 1)),
                "The result has to be as long as the recordings: `k:` is not `-k:`.",
                _METRIC,
            ),
        ),
        another=functions.spliced_by_a_mask,
        rubric=(
            "No measurement, or a splice whose two ends were not checked.",
            "One network, several times of the splice, and both ends as they should be.",
            "All ten networks in one figure, and the time at which the rule has to be there.",
            "In addition the reason: what the output network does and does not have to remember "
            "while the stimulus is on, and which time constant sets the last steps.",
        ),
    ),
    Exercise(
        id="tasks-4",
        label="ex-flip-angles",
        chapter=_CHAPTER,
        title="Where does the sign flip?",
        kind="code",
        difficulty=3,
        importance=4,
        minutes=15,
        function="flip_angles",
        arguments=("phase",),
        reference=functions.flips,
        cases=lambda draw: [
            (draw.uniform(low, low + 1.4),) for low in (0.1, 1.65, -1.5, -3.05, -6.2, 4.8)
        ],
        example=(math.pi / 4,),
        wrong=(
            Wrong(
                "the peaks of the cosine",
                lambda phase: sorted(np.mod([phase, phase + math.pi], 2 * math.pi)),
                "There the score is largest and smallest. Where is it zero?",
                _SIGN,
            ),
            Wrong(
                "the phase with the wrong sign",
                lambda phase: functions.flips(-phase),
                "The argument of the cosine is ψ − ψ₀, not ψ + ψ₀. For which ψ is it π/2?",
                _SIGN,
            ),
            Wrong(
                "outside the circle",
                lambda phase: (phase - math.pi / 2, phase + math.pi / 2),
                "Right up to whole turns. Asked for are angles from 0 to 2π.",
                _SIGN,
            ),
            Wrong(
                "not in increasing order",
                lambda phase: np.mod([phase - math.pi / 2, phase + math.pi / 2], 2 * math.pi),
                "Both angles are right, but for some phases the larger one comes first.",
                _SIGN,
            ),
            Wrong(
                "from −π to π",
                lambda phase: sorted(
                    math.remainder(phase + side, 2 * math.pi)
                    for side in (-math.pi / 2, math.pi / 2)
                ),
                "Your angles lie between −π and π. Asked for is the range from 0 to 2π.",
                _SIGN,
            ),
            Wrong(
                "degrees",
                lambda phase: np.degrees(functions.flips(phase)),
                "Angles are in radians in this chapter. Degrees are for the axes of figures.",
                _SIGN,
            ),
            Wrong(
                "a remainder without brackets",
                lambda phase: sorted(
                    (phase + side) % 2 * math.pi for side in (-math.pi / 2, math.pi / 2)
                ),
                "`x % 2 * math.pi` takes the remainder of 2 first. Put 2π in brackets.",
                _SIGN,
            ),
        ),
        another=functions.flips_by_sides,
    ),
    Exercise(
        id="tasks-5",
        label="ex-forget-gate",
        chapter=_CHAPTER,
        title="Help the LSTM to remember",
        kind="experiment",
        difficulty=4,
        importance=4,
        minutes=20,
        function="bias_for",
        arguments=("share", "n"),
        reference=functions.bias,
        cases=functions.memories,
        example=(0.25, 2),
        wrong=(
            Wrong(
                "the share in one step",
                lambda share, n: math.log(share / (1 - share)) + 0 * n,
                "This gate leaves the share after one step. What does it leave after n?",
                _FORGETS,
            ),
            Wrong(
                "the gate, not its bias",
                lambda share, n: share ** (1 / n),
                "This is what the gate must be. Which number inside the sigmoid makes it so?",
                _FORGETS,
            ),
            Wrong(
                "a loss that adds up",
                lambda share, n: math.log(n / (1 - share) - 1),
                "Losses multiply: every step takes its part of what is left.",
                _FORGETS,
            ),
            Wrong(
                "an exponential in place of the sigmoid",
                lambda share, n: math.log(share) / n,
                "The inverse of the sigmoid is not the logarithm alone. Your biases are below 0: "
                "such gates are nearer to closed than to open.",
                _FORGETS,
            ),
            Wrong(
                "the gate that lets go",
                lambda share, n: -functions.bias(share, n),
                "σ(−b) = 1 − σ(b). This gate forgets what it should keep.",
                _FORGETS,
            ),
            Wrong(
                "a root without brackets",
                lambda share, n: math.log(share / n / (1 - share / n)),
                "`share ** 1 / n` divides after the power. Put the exponent in brackets.",
                _FORGETS,
            ),
            Wrong(
                "the power in place of the root",
                lambda share, n: math.log(share**n / (1 - share**n)),
                "A power of the share is smaller still. One step must leave more than that.",
                _FORGETS,
            ),
        ),
        another=lambda share, n: -np.log(np.expm1(-np.log(share) / n)),
        rubric=(
            "No function, or no training.",
            "The bias, and both LSTMs trained, with one of the three measures.",
            "All three measures side by side, and why they disagree.",
            "In addition more steps or more seeds, and what these cannot tell yet.",
        ),
    ),
)
