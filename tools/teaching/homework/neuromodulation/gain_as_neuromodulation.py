"""Homework of *Gain as neuromodulation*.

Gains from 0 to 2, another leak, and another order of the step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._record import Homework, Mistake, Part, Version

_CLOCK = "Gain sets the clock"
_MOVING = "A gain that moves"
_SPECTRUM = "Two gains, one spectrum"
_WHO = "Who turns the knobs?"
_STEP = "The step that was published"
_GAINS = {  # formula -> code; all rise from 0 to 2 and are 1 at 0
    r"\frac{2}{1 + e^{-v}}": "2 / (1 + np.exp(-v))",
    r"1 + \frac{v}{1 + |v|}": "1 + v / (1 + np.abs(v))",
    r"1 + \frac{2}{\pi}\arctan(v)": "1 + 2 / np.pi * np.arctan(v)",
    r"1 + \frac{v}{\sqrt{1 + v^2}}": "1 + v / np.hypot(1, v)",
}
_ORDERS = {
    "modulator": "the modulator moves first, and the modes move under the gain of the *new* $z$",
    "modes": "the modes move first, under the gain of the *old* $z$, and then the modulator moves",
}


def _build(leak: float, gain: str, first: str) -> Version:
    return Version(
        homework="gain",
        chapter="book/neuromodulation/gain_as_neuromodulation",
        title="Gains that can do more than hold",
        statement=(
            "A network has $K$ modes $w$ and a modulator with $M$ units $z$. Both hear one input "
            "$u$, a number, with weight 1 in each mode and in each unit:\n\n"
            r"$$ \begin{aligned} \tau_w\, \dot w &= "
            rf"-{leak:g}\,w + s \odot w + u, \\ "
            r"\tau_z\, \dot z &= -z + W_z \tanh(z) + u, \\ "
            rf"s &= \gamma(A z + b), \qquad \gamma(v) = {gain} . \end{{aligned}} $$"
            "\n\nSo the modes have another leak than in chapter 4, and a gain lies between 0 and "
            "2. $W_z$ are the recurrent weights of the modulator, $A$ and $b$ the gain weights "
            r"and the gain bias; $\odot$ multiplies entrywise. $\tau_w$, $\tau_z$ and the time "
            r"step $\Delta t$ are in ms. All arrays are NumPy arrays. `gamma` is $\gamma$."
        ),
        common=f"def gamma(v):\n    return {_GAINS[gain]}\n",
        parts=(_left(repr(leak)), _step(repr(leak), first), _critical(repr(leak))),
    )


def _left(a: str) -> Part:
    return Part(
        name="a",
        title="What the gains leave",
        points=3,
        task=(
            "Forget the modulator for a moment. Somebody prescribes the gains, and there is no "
            "input. Each row of `gains`, of shape (step, $K$), holds for `dt` ms, one after the "
            "other. Solve the equation of the modes *exactly*: which part of the first $w$ is "
            "left at the end? Return an array of shape ($K$,). It may be above 1."
        ),
        function="part_left",
        arguments=("gains", "dt", "tau_w"),
        describes="Return w at the end, divided by the first w, of shape (K,).",
        body=f"return np.exp(dt / tau_w * (gains - {a}).sum(axis=0))",
        another=(
            "left = np.ones(gains.shape[1])\n"
            "for s in gains:\n"
            f"    left = left * np.exp(-({a} - s) * dt / tau_w)\n"
            "return left"
        ),
        mistakes=(
            Mistake(
                "Euler's steps",
                f"return np.prod(1 + dt / tau_w * (gains - {a}), axis=0)",
                "This is what a simulation with steps of dt leaves. The solution has no steps.",
                _CLOCK,
            ),
            Mistake(
                "the leak of the chapter",
                "return np.exp(dt / tau_w * (gains - 1).sum(axis=0))",
                "Read the equation once more: which gain just replaces what leaks?",
                _MOVING,
            ),
            Mistake(
                "the mean for the sum",
                f"return np.exp(dt / tau_w * (gains - {a}).mean(axis=0))",
                "Twice as many rows last twice as long. Does your result know it?",
                _MOVING,
            ),
            Mistake(
                "the gain alone",
                "return np.exp(-dt / tau_w * gains.sum(axis=0))",
                "With your formula an open gain makes the mode forget. What does the leak do?",
                _MOVING,
            ),
            Mistake(
                "the last gain all the time",
                f"return np.exp(len(gains) * dt / tau_w * (gains[-1] - {a}))",
                "The gain moves. Which of its values matter for the end?",
                _MOVING,
            ),
        ),
        cases=_paths,
        example=(np.array([[0.5, 1.0], [1.5, 1.0], [0.5, 1.0]]), 10.0, 20.0),
    )


def _step(a: str, first: str) -> Part:
    z_moves = "z_new = z + dt / tau_z * (-z + {w} @ np.tanh(z) + u)\n"
    end = "return np.concatenate([w_new, z_new])"
    used, other = ("z_new", "z") if first == "modulator" else ("z", "z_new")

    def step(
        state: str = used,
        leak: str = a,
        gamma: str = "gamma",
        weights: str = "W_z",
        tau: str = "tau_w",
        drive: str = " + u",
    ) -> str:
        gain = f"s = {gamma}(A @ {state} + b)\n"
        modes = f"w_new = w + dt / {tau} * (-{leak} * w + s * w{drive})\n"
        return z_moves.format(w=weights) + gain + modes + end

    modes_first = (
        f"s = gamma(A.dot(z) + b)\nw = (1 - dt / tau_w * ({a} - s)) * w + dt / tau_w * u\n"
    )
    z_first = (
        "z = (1 - dt / tau_z) * z + dt / tau_z * (np.einsum('ij,j->i', W_z, np.tanh(z)) + u)\n"
    )
    joined = "return list(w) + list(z)"
    another = z_first + modes_first if first == "modulator" else modes_first + z_first
    return Part(
        name="b",
        title="One step",
        points=4,
        task=(
            f"Write one step of `dt` ms in this order: {_ORDERS[first]}. Shapes: `w` ($K$,), `z` "
            "($M$,), `W_z` ($M$, $M$), `A` ($K$, $M$), `b` ($K$,); `W_z[i, j]` is the weight from "
            "unit `j` to unit `i`. Return one array of shape ($K + M$,): first the new modes, then "
            "the new state of the modulator. Use `gamma` from above."
        ),
        function="step",
        arguments=("w", "z", "u", "W_z", "A", "b", "dt", "tau_w", "tau_z"),
        describes="Return the new modes and then the new modulator state, of shape (K + M,).",
        body=step(),
        another=another + joined,
        mistakes=(
            Mistake(
                "the gain of the other z",
                step(other),
                "The modulator has two states in a step, an old one and a new one. Which of them "
                "sets the gain here?",
                _STEP,
            ),
            Mistake(
                "the sigmoid of the chapter",
                step(gamma="(lambda v: 1 / (1 + np.exp(-v)))"),
                "How large can a gain of this network become? And one of yours?",
                _WHO,
            ),
            Mistake(
                "the leak of the chapter",
                step(leak="1"),
                "Read the equation of the modes once more: is its leak the one that you know?",
                _CLOCK,
            ),
            Mistake(
                "one time constant for both",
                step(tau="tau_z"),
                "Two networks, two clocks. Which of them is slow?",
                _WHO,
            ),
            Mistake(
                "modes that hear nothing",
                step(drive=""),
                "Start both networks at 0 and send a pulse. Who should move?",
                _STEP,
            ),
            Mistake(
                "the wrong transpose",
                step(weights="W_z.T"),
                "Which index of the modulator's weights belongs to the unit that receives?",
                _WHO,
            ),
        ),
        cases=_networks,
        example=(
            np.array([1.0, -1.0]),
            np.array([1.0]),
            0.5,
            np.array([[0.0]]),
            np.array([[1.0], [-1.0]]),
            np.array([0.0, 0.0]),
            10.0,
            20.0,
            100.0,
        ),
    )


def _critical(a: str) -> Part:
    matrix = "gains[:, None] * overlap"
    values = f"values = np.linalg.eigvals({matrix})\n"
    return Part(
        name="c",
        title="How far up?",
        points=3,
        task=(
            "Now a whole network with this leak, without input:\n\n"
            rf"$$ \tau_w\, \dot x = -{float(a):g}\,x + L\, \mathrm{{diag}}(s)\, R^\top \tanh(x) .$$"
            "\n\nThe columns of $L$ and $R$ are its row and column factors. `overlap` is "
            "$R^\\top L$, of shape ($K$, $K$), and `gains` is $s$, of shape ($K$,). "
            "All gains are multiplied by one factor, a number above 0. Up to which factor "
            "is the network stable at rest? (Some activity does grow near rest when the factor is "
            "large enough.)"
        ),
        function="largest_factor",
        arguments=("gains", "overlap"),
        describes="Return the factor on all gains at which rest stops being stable.",
        body=values + f"return {a} / values.real.max()",
        another=(
            f"values = np.linalg.eigvals(np.asarray(overlap) @ np.diag(gains)) / {a}\n"
            "return 1 / max(value.real for value in values)"
        ),
        mistakes=(
            Mistake(
                "the leak of the chapter",
                values + "return 1 / values.real.max()",
                "What has to be overcome before small activity can grow?",
                _SPECTRUM,
            ),
            Mistake(
                "the size of the eigenvalue",
                values + f"return {a} / np.abs(values).max()",
                "An eigenvalue may be complex. Which part of it says that activity grows?",
                _SPECTRUM,
            ),
            Mistake(
                "the gains forgotten",
                f"return {a} / np.linalg.eigvals(overlap).real.max()",
                "Your factor is the same for all gains. Should it be?",
                _SPECTRUM,
            ),
            Mistake(
                "the gains on both sides",
                f"both = {matrix} * gains\nreturn {a} / np.linalg.eigvals(both).real.max()",
                "How often does the gain of a term multiply the term?",
                _SPECTRUM,
            ),
            Mistake(
                "upside down",
                values + f"return values.real.max() / {a}",
                "A stronger recurrence should leave less room. Does yours?",
                _SPECTRUM,
            ),
        ),
        cases=_overlaps,
        example=(np.array([0.5, 1.0]), np.array([[2.0, -2.0], [2.0, 1.0]])),
    )


def _paths(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for _ in range(4):
        shape = (draw.integer(3, 12), draw.integer(1, 4))
        gains = 1 + np.tanh(draw.normal(*shape).numpy())
        found.append((gains, draw.uniform(1, 5), draw.uniform(20, 80)))
    return found


def _networks(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for _ in range(4):
        k, m = draw.integer(2, 4), draw.integer(2, 5)
        w, z, weights, a, b = (
            draw.normal(*shape).numpy() for shape in ((k,), (m,), (m, m), (k, m), (k,))
        )
        clocks = draw.uniform(5, 15), draw.uniform(20, 60), draw.uniform(100, 300)
        found.append((w, z, draw.uniform(0.5, 2), weights, a, b, *clocks))
    return found


def _overlaps(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for k in (2, 3, 4, 5):
        overlap = 2 * np.eye(k) + 0.3 * draw.normal(k, k).numpy()
        overlap[0, 1], overlap[1, 0] = -3.0, 3.0  # some activity turns while it grows
        gains = np.array([draw.uniform(0.5, 0.9) for _ in range(k)])
        found.append((gains, overlap))
    return found


HOMEWORK = Homework(
    name="gain",
    settings={
        "leak": (0.5, 1.25, 1.5, 2.0),
        "gain": tuple(_GAINS),
        "first": tuple(_ORDERS),
    },
    build=_build,
)
