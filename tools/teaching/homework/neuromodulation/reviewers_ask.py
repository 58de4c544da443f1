"""Homework of *The reviewers ask*.

Questions to a linear network with another leak, scale and factors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._record import Homework, Mistake, Part, Version

_VANISH = "Does the gradient vanish less? (R13)"
_STRUCTURE = 'What is "structured" about the flexibility? (R15)'
_DOPAMINE = "What does low dopamine do to time? (R18)"


def _build(leak: float, scale: float, span: int) -> Version:
    a, c = repr(leak), repr(scale)
    return Version(
        homework="reviewers",
        chapter="book/neuromodulation/reviewers_ask",
        title="Three questions to another network",
        statement=(
            "A reviewer asks about a linear network of $N$ units under $K$ gains $s(t)$,\n\n"
            rf"$$ \tau\, \dot x = -{leak:g}\,x + {scale:g}\,L\, \mathrm{{diag}}(s(t))\, R^\top x . "
            "$$\n\n"
            "`L` and `R` have the shape ($N$, $K$). Unlike those of chapter 9, the columns of $L$ "
            "are *not* orthonormal. All times, the time constant `tau` and the time step `dt` are "
            "in ms, and every time is a whole number of steps. Entry $k$ of an array over time "
            r"belongs to the time $k\,\Delta t$. All arrays are NumPy arrays."
        ),
        common="",
        parts=(_kept(span), _size(c), _low(a, c)),
    )


def _kept(span: int) -> Part:
    def factor(power: str, ratio: str = "norms[one] / norms[two]") -> str:
        return f"one, two = round(first / dt), round(last / dt)\nreturn ({ratio}) ** ({power})"

    return Part(
        name="a",
        title=f"Kept over {span} ms",
        points=3,
        task=(
            "`norms`, of shape (time,), holds the norm of the gradient of one output with respect "
            "to the state at each time. On its way back from the time `last` to the earlier time "
            "`first` this norm changes by some factor. Which factor is that over "
            f"{span} ms, if it is the same for all stretches of {span} ms? Return a number."
        ),
        function="kept",
        arguments=("norms", "dt", "first", "last"),
        describes=f"Return what is kept of the gradient over {span} ms back.",
        body=factor(f"{span} / (last - first)"),
        another=(
            "logs = np.log(norms)\n"
            "slope = (logs[round(last / dt)] - logs[round(first / dt)]) / (last - first)\n"
            f"return np.exp(-{span} * slope)"
        ),
        mistakes=(
            Mistake(
                "over 100 ms",
                factor("100 / (last - first)"),
                "Over which time is it asked for here?",
                _VANISH,
            ),
            Mistake(
                "forwards in time",
                factor(f"{span} / (last - first)", "norms[two] / norms[one]"),
                "The gradient begins at the later time and comes back to the earlier one.",
                _VANISH,
            ),
            Mistake(
                "all of the way",
                factor("1"),
                "This is the factor from the later time to the earlier one. How long is that?",
                _VANISH,
            ),
            Mistake(
                "one step",
                factor("dt / (last - first)"),
                "This is the factor of a single step.",
                _VANISH,
            ),
            Mistake(
                "a share in place of a power",
                f"one, two = round(first / dt), round(last / dt)\n"
                f"return norms[one] / norms[two] * {span} / (last - first)",
                "Factors of one stretch after another multiply. They do not add up.",
                _VANISH,
            ),
            Mistake(
                "the whole trial",
                f"return (norms[0] / norms[-1]) ** ({span} / (dt * (len(norms) - 1)))",
                "Look at the two times that are given, not at the ends of the trial.",
                _VANISH,
            ),
        ),
        cases=_gradients,
        example=(np.array([1.0, 2.0, 4.0, 8.0, 4.0]), 10.0, 10.0, 30.0),
    )


def _size(c: str) -> Part:
    lengths = "np.linalg.norm(L, axis=0) * np.linalg.norm(R, axis=0) * delta"
    return Part(
        name="b",
        title="How large is a change?",
        points=3,
        task=(
            "The gains change by `delta`, of shape ($K$,). How large is the change of the "
            "connectivity, that is of the matrix that multiplies $x$ beside the leak? Return its "
            "size: the root of the sum of the squares of all its entries."
        ),
        function="change_size",
        arguments=("L", "R", "delta"),
        describes="Return the size of a change of the connectivity.",
        body=f"return {c} * np.linalg.norm((L * delta) @ R.T)",
        another=(
            "overlaps = (L.T @ L) * (R.T @ R)  # of each term with each other one\n"
            f"return np.sqrt({c}**2 * (delta @ overlaps @ delta))"
        ),
        mistakes=(
            Mistake(
                "orthonormal factors",
                f"return {c} * np.linalg.norm(np.linalg.norm(R, axis=0) * delta)",
                "This is right where the columns of L have length 1 and right angles. Have they?",
                _STRUCTURE,
            ),
            Mistake(
                "terms at right angles",
                f"return {c} * np.linalg.norm({lengths})",
                "The lengths are right. But the terms overlap: what if two of them are the same?",
                _STRUCTURE,
            ),
            Mistake(
                "lengths added up",
                f"return {c} * np.abs({lengths}).sum()",
                "Two changes at once may partly cancel. Lengths alone cannot tell.",
                _STRUCTURE,
            ),
            Mistake(
                "the scale forgotten",
                "return np.linalg.norm((L * delta) @ R.T)",
                "Read the equation once more: what multiplies the state?",
                _STRUCTURE,
            ),
            Mistake(
                "the square of the size",
                f"return {c}**2 * ((L * delta) @ R.T).ravel() @ ((L * delta) @ R.T).ravel()",
                "Twice the change should be twice as large. Is yours?",
                _STRUCTURE,
            ),
            Mistake(
                "the largest singular value",
                f"return {c} * np.linalg.norm((L * delta) @ R.T, 2)",
                "There is more than one norm of a matrix. Which one does the task describe?",
                _STRUCTURE,
            ),
        ),
        cases=_changes,
        example=(
            np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]),
            np.array([[1.0, 2.0], [1.0, 0.0], [0.0, 1.0]]),
            np.array([1.0, 0.5]),
        ),
    )


def _low(a: str, c: str) -> Part:
    split = "late = np.arange(len(gains)) >= round(go / dt)\n"
    three = "factor + 0 * gains, np.where(late, 1, factor), np.where(late, factor, 1)"

    def ends(step: str, scales: str = three, first: str = split) -> str:
        return (
            f"{first}ends = []\nfor scale in ({scales}):\n"
            f"    ends.append(start * np.prod(1 + dt / tau * ({step})))\nreturn np.array(ends)"
        )

    right = f"-{a} + {c} * scale * gains"
    return Part(
        name="c",
        title="Low dopamine on one mode",
        points=4,
        task=(
            "One unit, one gain, $L = R = 1$: the network is a single mode $x$, "
            "a number. It begins at `start` and takes one Euler step for each entry of `gains`, "
            "of shape (time,): the step from $k\\,\\Delta t$ to $(k+1)\\,\\Delta t$ uses "
            "`gains[k]`. "
            "Now the gains are multiplied by `factor`, in the whole trial, only before `go`, or "
            "only from `go` on. Return the $x$ after the last step in these three experiments, "
            "in this order, as an array of shape (3,)."
        ),
        function="low_dopamine",
        arguments=("start", "gains", "factor", "go", "dt", "tau"),
        describes="Return x at the end with gains scaled in the whole trial, before go, from go.",
        body=ends(right),
        another=(
            "ends = []\n"
            "for early, late in ((factor, factor), (factor, 1.0), (1.0, factor)):\n"
            "    x = start\n"
            "    for k, gain in enumerate(gains):\n"
            "        gain = gain * (early if k * dt < go - dt / 2 else late)\n"
            f"        x = x + dt * (-{a} * x + {c} * gain * x) / tau\n"
            "    ends.append(x)\n"
            "return ends"
        ),
        mistakes=(
            Mistake(
                "before and from exchanged",
                ends(
                    right,
                    "factor + 0 * gains, np.where(late, factor, 1), np.where(late, 1, factor)",
                ),
                "Which of your experiments leaves the wait alone, and where does it stand?",
                _DOPAMINE,
            ),
            Mistake(
                "one step late",
                ends(right, first="late = np.arange(len(gains)) > round(go / dt)\n"),
                "To which of the two parts does the step belong that begins at go?",
                _DOPAMINE,
            ),
            Mistake(
                "the leak scaled, too",
                ends(f"scale * (-{a} + {c} * gains)"),
                "A gain multiplies the recurrence. Does it multiply the leak?",
                _DOPAMINE,
            ),
            Mistake(
                "taken off in place of multiplied",
                ends(f"-{a} + {c} * (gains - 1 + scale)"),
                "A factor takes more from a large gain than from a small one.",
                _DOPAMINE,
            ),
            Mistake(
                "held at the factor",
                ends(f"-{a} + {c} * np.where(scale == 1, gains, factor)"),
                "A gain that is held no longer moves. Scaled, it moves as before, only less.",
                _DOPAMINE,
            ),
            Mistake(
                "the leak of the chapter",
                ends(f"-1 + {c} * scale * gains"),
                "Read the equation once more: is its leak the one that you know?",
                _VANISH,
            ),
            Mistake(
                "the scale forgotten",
                ends(f"-{a} + scale * gains"),
                "Read the equation once more: what multiplies the state?",
                _STRUCTURE,
            ),
        ),
        cases=_modes,
        example=(1.0, np.array([0.5, 1.0, 1.0]), 0.5, 10.0, 10.0, 100.0),
    )


def _gradients(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for dt in (10.0, 5.0, 2.5, 20.0):
        n = draw.integer(20, 40)
        first, last = draw.integer(2, 6), draw.integer(12, 17)
        norms = np.exp(np.cumsum(0.05 + 0.2 * draw.normal(n).numpy()))
        found.append((norms, dt, first * dt, last * dt))
    return found


def _changes(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for k in (2, 3, 3, 5):
        n = draw.integer(6, 30)
        shared = draw.normal(n, 2, 1).numpy()  # columns that overlap
        left, right = (shared[:, i] + draw.normal(n, k).numpy() for i in range(2))
        found.append((left, right, 0.2 * draw.normal(k).numpy()))
    return found


def _modes(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for dt in (10.0, 5.0, 2.5, 10.0):
        n = draw.integer(12, 30)
        gains = 0.2 + 0.7 * np.array([draw.uniform(0, 1) for _ in range(n)])
        go = dt * draw.integer(4, 8)
        start, factor = draw.uniform(0.5, 2), draw.uniform(0.3, 0.8)
        found.append((start, gains, factor, go, dt, draw.uniform(60, 150)))
    return found


HOMEWORK = Homework(
    name="reviewers",
    settings={
        "leak": (0.5, 1.5, 2.0, 2.5),
        "scale": (0.5, 1.5, 2.0),
        "span": (20, 50, 200, 250),
    },
    build=_build,
)
