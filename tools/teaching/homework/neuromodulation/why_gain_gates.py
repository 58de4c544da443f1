"""Homework of *Why gain gates*.

An implicit step as a gate, many distractors, and a gain for a target.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._record import Homework, Mistake, Part, Version

_LEAK = "From a leak to a gate"
_MISSING = "The gates that are missing"
_OUTPUT = "Which gain makes this output?"
_NONE = "When there is none"


def _build(leak: float, variance: float, noise: float) -> Version:
    a = repr(leak)
    return Version(
        homework="gates",
        chapter="book/neuromodulation/why_gain_gates",
        title="Other gates",
        statement=(
            rf"All units of this homework have the leak {leak:g}: without recurrence a state obeys "
            rf"$\tau\,\dot x = -{leak:g}\,x$. So one mode $w$ with the gain $s$ and the input $v$ "
            f"obeys\n\n$$ \\tau\\, \\dot w = -{leak:g}\\,w + s\\,w + v . $$\n\n"
            r"$\tau$ and the time step $\Delta t$ are in ms. All arrays are NumPy arrays. Parts a "
            "and b are about gates, parts c and d about the gain for an output."
        ),
        common="",
        parts=(_gates(a), _error(variance, noise), _gain(a), _overlap(a)),
    )


def _gates(a: str) -> Part:
    def gates(forget: str, inward: str) -> str:
        return f"share = dt / tau\nforget = {forget}\nreturn np.array([{inward}])"

    right = f"1 / (1 + share * ({a} - gain))"
    return Part(
        name="a",
        title="The gates of another step",
        points=3,
        task=(
            "Euler's step takes the state on the right-hand side of the equation from *before* the "
            r"step. An *implicit* step takes it from *after* the step: the change of $w$ is "
            r"$\Delta t$ times the velocity that the equation gives at the *new* state $w_t$, with "
            "the gain $s_t$ and the input $v_t$ of this step. Solve this for $w_t$ and write it "
            "as\n\n"
            r"$$ w_t = f\, w_{t-1} + i\, v_t . $$"
            "\n\nReturn the forget gate $f$ and the input gate $i$, in this order, as an array of "
            f"shape (2,). `gain` is a number from 0 to {float(a):g}; `dt` and `tau` are numbers."
        ),
        function="gates",
        arguments=("gain", "dt", "tau"),
        describes="Return the forget gate and the input gate of one implicit step, (2,).",
        body=gates(right, "forget, share * forget"),
        another=(f"below = tau + dt * ({a} - gain)\nreturn tau / below, dt / below"),
        mistakes=(
            Mistake(
                "Euler's step",
                gates(f"1 - share * ({a} - gain)", "forget, share"),
                "Which state stands on the right-hand side of an implicit step?",
                _LEAK,
            ),
            Mistake(
                "Euler's input gate",
                gates(right, "forget, share"),
                "What you divide by when you solve for the new state divides each term.",
                _LEAK,
            ),
            Mistake(
                "the leak of the chapter",
                gates("1 / (1 + share * (1 - gain))", "forget, share * forget"),
                "Read the equation once more: which gain replaces just what leaks?",
                _LEAK,
            ),
            Mistake(
                "what is lost",
                gates(right, "1 - forget, share * forget"),
                "A forget gate says what survives a step.",
                _LEAK,
            ),
            Mistake(
                "the exact decay",
                gates(f"np.exp(-share * ({a} - gain))", "forget, share * forget"),
                "This solves the equation. An implicit step is another approximation of it.",
                _LEAK,
            ),
        ),
        cases=_steps,
        example=(0.25, 10.0, 40.0),
    )


def _error(variance: float, noise: float) -> Part:
    v, q = repr(variance), repr(noise)

    def error(
        each: str = f"({v} * inward**2 + {q})",
        faded: str = "np.sum(forget ** (2 * np.arange(n)))",
        known: str = "forget ** (2 * n)",
        result: str = "rest / (known + rest)",
    ) -> str:
        return f"known = {known}\nrest = {each} * {faded}\nreturn {result}"

    return Part(
        name="b",
        title="Many distractors",
        points=3,
        task=(
            "A cell holds an item, $w = a$. Then $n$ distractors come, one in each step, through "
            "an input gate $i$, while the forget gate stays at $f$. The cell is noisy:\n\n"
            r"$$ w_t = f\, w_{t-1} + i\, b_t + \xi_t , \qquad t = 1, \dots, n . $$"
            "\n\nAll these numbers are independent and have the mean 0. The item has variance 1, "
            rf"each distractor $b_t$ has variance {variance:g}, each noise $\xi_t$ has variance "
            f"{noise:g}. The best linear readout $k\\,w_n$ of the item is used. Return its mean "
            "squared error, a number between 0 and 1. `forget` is $f$, `inward` is $i$; both lie "
            "between 0 and 1, and `n` is a whole number, 1 or more."
        ),
        function="readout_error",
        arguments=("forget", "inward", "n"),
        describes="Return the smallest error of a linear readout after n distractors.",
        body=error(),
        another=(
            "variance, share = 1.0, 1.0  # of the cell; of the item in it\n"
            "for _ in range(n):\n"
            f"    variance = forget**2 * variance + inward**2 * {v} + {q}\n"
            "    share = forget * share\n"
            "k = share / variance\n"
            "return 1 - 2 * k * share + k**2 * variance"
        ),
        mistakes=(
            Mistake(
                "one distractor only",
                error(faded="1.0", known="forget**2"),
                "How many distractors have come, and what has become of the item by then?",
                _MISSING,
            ),
            Mistake(
                "distractors that do not fade",
                error(faded="n"),
                "The forget gate acts on the whole cell, on the first distractor as well.",
                _MISSING,
            ),
            Mistake(
                "an item that does not fade",
                error(known="1.0"),
                "The forget gate acts on the whole cell, on the item as well.",
                _MISSING,
            ),
            Mistake(
                "the noise forgotten",
                error(f"({v} * inward**2)"),
                "Shut the input gate. Is the item then known without error?",
                _MISSING,
            ),
            Mistake(
                "noise through the input gate",
                error(f"({v} + {q}) * inward**2"),
                "Shut the input gate. Is the item then known without error?",
                _MISSING,
            ),
            Mistake(
                "what is known of the item",
                error(result="known / (known + rest)"),
                "That is the part of the variance that the readout gets right.",
                _MISSING,
            ),
        ),
        cases=_streams,
        example=(0.5, 0.5, 2),
    )


def _gain(a: str) -> Part:
    def gain(distance: str = "target[:-1] - d", leak: str = a, slope: str = "dt * ") -> str:
        share = f"tau / ({slope}({distance}))" if slope else f"tau / ({distance})"
        return f"return ({leak} + {share} * np.diff(target)) / overlap"

    return Part(
        name="c",
        title="The gain for an output",
        points=2,
        task=(
            "Now a linear network of rank one with this leak, without input:\n\n"
            rf"$$ \tau\, \dot x = -{float(a):g}\,x + s(t)\, \ell\, r^\top x , "
            "\\qquad y = c^\\top x + d . $$\n\n"
            r"At the start nothing lies beside $\ell$: the state is a number times $\ell$, and it "
            "stays so. `target` holds the outputs that are asked for, of shape ($T + 1$,): the "
            "first is the output at the start. Return the $T$ gains, an array of shape ($T$,), "
            "with which *Euler's* steps of `dt` ms make exactly these outputs. "
            r"`overlap` is $\ell^\top r$. No target is equal to `d`."
        ),
        function="gain_for",
        arguments=("target", "overlap", "d", "dt", "tau"),
        describes="Return the gains of the Euler steps from each target to the next, (T,).",
        body=gain(),
        another=(
            "gains = []\n"
            "for now, later in zip(target[:-1], target[1:], strict=True):\n"
            "    factor = (later - d) / (now - d)  # of one step\n"
            f"    gains.append(({a} + (factor - 1) * tau / dt) / overlap)\n"
            "return gains"
        ),
        mistakes=(
            Mistake(
                "the leak of the chapter",
                gain(leak="1"),
                "On a plateau the gain just replaces what leaks. How much is that here?",
                _OUTPUT,
            ),
            Mistake(
                "the distance after the step",
                gain("target[1:] - d"),
                "An Euler step multiplies what was there before it.",
                _OUTPUT,
            ),
            Mistake(
                "the offset forgotten",
                gain("target[:-1]"),
                "Which part of the output does the loop hold, and which is always there?",
                _OUTPUT,
            ),
            Mistake(
                "a slope per step",
                gain(slope=""),
                "Make the steps half as long and the target with them. Your gains change twice.",
                _OUTPUT,
            ),
            Mistake(
                "the overlap forgotten",
                f"return {a} + tau / (dt * (target[:-1] - d)) * np.diff(target) + 0 * overlap",
                "A loop that feeds back twice as much needs half the gain.",
                _OUTPUT,
            ),
        ),
        cases=_targets,
        example=(np.array([0.5, 1.0, 1.5, 1.5]), 4.0, -1.0, 10.0, 20.0),
    )


def _overlap(a: str) -> Part:
    def overlap(pick: str, leak: str = a) -> str:
        change = "tau / dt * np.diff(target) / (target[:-1] - d)"
        return f"needed = {leak} + {change}\nreturn {pick} / largest"

    return Part(
        name="d",
        title="Room for a gain",
        points=2,
        task=(
            "In the network of part c the gains are between 0 and `largest`. Which overlap must "
            r"$\ell^\top r$ have at least, so that no step needs a larger gain? Return a number. "
            "(The target is such that no gain is below 0.)"
        ),
        function="overlap_needed",
        arguments=("target", "largest", "d", "dt", "tau"),
        describes="Return the smallest overlap with which no gain exceeds the largest one.",
        body=overlap("needed.max()"),
        another=(
            "factors = (target[1:] - d) / (target[:-1] - d)\n"
            f"return max({a} - tau / dt + tau / dt * factor for factor in factors) / largest"
        ),
        mistakes=(
            Mistake(
                "the first step",
                overlap("needed[0]"),
                "The gain must be possible in every step, not in the first one only.",
                _NONE,
            ),
            Mistake(
                "the average step",
                overlap("needed.mean()"),
                "The gain must be possible in every step, not on average.",
                _NONE,
            ),
            Mistake(
                "the easiest step",
                overlap("needed.min()"),
                "Which step of all asks for most?",
                _NONE,
            ),
            Mistake(
                "the leak of the chapter",
                overlap("needed.max()", "1"),
                "Even a target that stands still needs an overlap here. How large?",
                _NONE,
            ),
            Mistake(
                "the largest gain on the wrong side",
                overlap("needed.max() * largest**2"),
                "A gain that can open further needs a loop that feeds back less.",
                _NONE,
            ),
        ),
        cases=_rooms,
        example=(np.array([0.5, 0.75, 1.5, 1.5]), 0.5, -1.0, 10.0, 20.0),
    )


def _steps(draw: Draw) -> list[tuple[float, float, float]]:
    found = []
    for _ in range(5):
        tau = draw.uniform(20, 150)
        found.append((draw.uniform(0.05, 0.45), tau * draw.uniform(0.15, 0.6), tau))
    return found


def _streams(draw: Draw) -> list[tuple[float, float, int]]:
    return [(draw.uniform(0.6, 0.95), draw.uniform(0.2, 0.9), n) for n in (1, 2, 3, 5, 8, 12)]


def _path(draw: Draw, n: int, hardest: int | None = None) -> tuple[Any, ...]:
    """A target that moves at its own pace, the offset below it, and two clocks."""
    steps = np.array([draw.uniform(-0.02, 0.08) for _ in range(n)])
    within = draw.integer(1, n - 2)
    steps[within if hardest is None else hardest] = 0.15
    target = draw.uniform(0.2, 0.5) + np.concatenate([[0.0], np.cumsum(steps)])
    dt = draw.uniform(5, 12)
    return target, -draw.uniform(0.5, 1.5), dt, dt * draw.uniform(3, 6)


def _targets(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for n in (5, 12, 30):
        target, *rest = _path(draw, n)
        found.append((target, draw.uniform(2, 6), *rest))
    return found


def _rooms(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    # The hardest step is in between, and also the last and the first: no end may be left out.
    for n, hardest in ((4, None), (8, None), (15, -1), (20, 0)):
        target, *rest = _path(draw, n, hardest)
        found.append((target, draw.uniform(0.3, 0.9), *rest))
    return found


HOMEWORK = Homework(
    name="gates",
    settings={
        "leak": (0.5, 0.75, 1.5, 2.0),
        "variance": (0.5, 2.0, 3.0),
        "noise": (0.05, 0.1, 0.2),
    },
    build=_build,
)
