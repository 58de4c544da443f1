"""Homework of *Building CordsNet*: areas with longer skips, another leak and a ReLU that leaks."""

from __future__ import annotations

from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._record import Homework, Mistake, Part, Version

_AREA = "From a matrix to a convolution"
_AREAS = "Areas and skips"
_TIME = "A few milliseconds per area"
_STEP = "How long may a step be?"


def _build(leak: float, reach: int, share: float, slope: float) -> Version:
    a, q, s = repr(leak), repr(share), repr(slope)
    return Version(
        homework="building",
        chapter="book/vision/building_cordsnet",
        title="Areas with longer skips",
        statement=(
            "A network of $D$ areas, numbered from 0, sees one pixel. So each area is a vector "
            "$r_i$ of $N$ rates, and convolutions are matrices. Area $i$ follows\n\n"
            rf"$$ \tau\, \dot r_i = -{leak:g}\,r_i + \phi(W_i r_i + b_i + V_i h_i), \qquad "
            rf"\phi(v) = \max(v, 0) + {slope:g}\,\min(v, 0) , $$"
            "\n\nand receives from the area below it and from a skip of length "
            f"{reach},\n\n"
            rf"$$ h_i = {1 - share:g}\,r_{{i-1}} + {share:g}\,r_{{i-{reach}}} . $$"
            "\n\nWhere the index of an area is negative, the area receives the stem in its place: "
            r"a vector of $N$ numbers that does not change. $W_i$ are the recurrent and $V_i$ the "
            r"feed-forward weights of area $i$, $b_i$ is its bias. $\tau$ is the time constant and "
            r"$\Delta t$ the time step of Euler's method (in the code `tau` and `dt`), both in ms. "
            "All arrays are NumPy arrays."
        ),
        common=f"def phi(v):\n    return np.maximum(v, 0) + {slope!r} * np.minimum(v, 0)\n",
        parts=(_step(a, reach, q), _delay(a, reach, q), _largest(a, s)),
    )


def _step(a: str, m: int, q: str) -> Part:
    def step(
        inputs: str = f"(1 - {q}) * below[i + {m - 1}] + {q} * below[i]",
        velocity: str = f"-{a} * r[i] + phi(W[i] @ r[i] + b[i] + V[i] @ h)",
        keep: str = "",
        before: str = f"below = [stem] * {m} + list(r)",
    ) -> str:
        return (
            f"new = np.zeros(r.shape)\n{before}\n"
            "for i in range(len(r)):\n"
            f"    h = {inputs}\n"
            f"    new[i] = r[i] + dt / tau * ({velocity})\n"
            f"{keep}"
            "return new"
        )

    return Part(
        name="a",
        title="One step of all areas",
        points=4,
        task=(
            "Write one Euler step. `r` and `b` have the shape ($D$, $N$), `stem` has the shape "
            "($N$,), `W` and `V` have the shape ($D$, $N$, $N$) and are stored (area, to, from). "
            "Return the rates of all areas after the step, of shape ($D$, $N$). Use `phi` from "
            "above."
        ),
        function="network_step",
        arguments=("r", "stem", "W", "V", "b", "dt", "tau"),
        describes="Return the rates of all areas one Euler step later, of shape (D, N).",
        body=step(),
        another=(
            "D = len(r)\n"
            "stems = np.tile(stem, (D, 1))\n"
            "one = np.concatenate([stems[:1], r])[:D]\n"
            f"other = np.concatenate([stems[:{m}], r])[:D]\n"
            f"h = (1 - {q}) * one + {q} * other\n"
            "current = np.einsum('aij,aj->ai', W, r) + b + np.einsum('aij,aj->ai', V, h)\n"
            f"return (1 - {a} * dt / tau) * r + dt / tau * phi(current)"
        ),
        mistakes=(
            Mistake(
                "one area after the other",
                step(keep=f"    below[i + {m}] = new[i]\n"),
                "All areas change at the same moment. Which rates of the area below does an area "
                "see?",
                _AREAS,
            ),
            Mistake(
                "the skip of the chapter",
                step(inputs=f"(1 - {q}) * below[i + {m - 1}] + {q} * below[i + {m - 2}]"),
                "How many areas below does the skip of this network begin?",
                _AREAS,
            ),
            Mistake(
                "nothing below",
                step(before=f"below = [stem] + list(r)\nbelow = [0 * stem] * {m - 1} + below"),
                "What does an area receive whose skip would begin below area 0?",
                _AREAS,
            ),
            Mistake(
                "a ring of areas",
                step(inputs=f"(1 - {q}) * (r[i - 1] if i else stem) + {q} * r[(i - {m}) % len(r)]"),
                "A negative index counts from the end in Python. What should it mean here?",
                _AREAS,
            ),
            Mistake(
                "the shares exchanged",
                step(inputs=f"{q} * below[i + {m - 1}] + (1 - {q}) * below[i]"),
                "Which of the two shares belongs to the skip?",
                _AREAS,
            ),
            Mistake(
                "a plain ReLU",
                step(velocity=f"-{a} * r[i] + np.maximum(W[i] @ r[i] + b[i] + V[i] @ h, 0)"),
                "The nonlinearity of this network is another one.",
                _AREA,
            ),
            Mistake(
                "the leak of the chapter",
                step(velocity="-r[i] + phi(W[i] @ r[i] + b[i] + V[i] @ h)"),
                "Read the equation once more: is its leak the one that you know?",
                _AREA,
            ),
        ),
        cases=_networks,
        example=(
            np.array([[1.0], [2.0], [-1.0], [0.5], [3.0], [1.0]]),
            np.array([4.0]),
            np.full((6, 1, 1), -1.0),
            np.ones((6, 1, 1)),
            np.zeros((6, 1)),
            2.0,
            10.0,
        ),
    )


def _delay(a: str, m: int, q: str) -> Part:
    def delays(own: str = f"tau / ({a} - recurrence)", reach: int = m, skip: str = q) -> str:
        return (
            f"own = {own}\nfound = [0.0] * {reach}  # the stem is there at once\n"
            "for _ in range(area + 1):\n"
            f"    found.append(own + (1 - {skip}) * found[-1] + {skip} * found[-{reach}])\n"
            "return found[-1]"
        )

    return Part(
        name="b",
        title="The mean delay",
        points=3,
        task=(
            "As in chapter 11, make a linear chain of it: one unit per area, and a recurrent "
            r"weight $\lambda$ = `recurrence` $< " + a + r"$, scaled such that the final level is "
            "that of the stem,\n\n"
            rf"$$ \tau\, \dot r_i = -{a}\,r_i + \lambda\, r_i + ({a} - \lambda)\, h_i , $$"
            "\n\nwith the same $h_i$ as above. The stem jumps from 0 to 1 at time 0. Return the "
            r"mean delay of the area with the number `area`, $\int_0^\infty (1 - r_i)\,\mathrm dt$ "
            "in ms, a number. `tau` and `recurrence` are numbers."
        ),
        function="mean_delay",
        arguments=("area", "tau", "recurrence"),
        describes="Return the mean delay of an area of the chain, in ms.",
        body=delays(),
        another=(
            "n = area + 1\n"
            "matrix = np.eye(n)  # all delays at once\n"
            f"for back, share in ((1, 1 - {q}), ({m}, {q})):\n"
            "    matrix -= share * np.eye(n, k=-back)\n"
            f"return np.linalg.solve(matrix, np.full(n, tau / ({a} - recurrence)))[-1]"
        ),
        mistakes=(
            Mistake(
                "the skip of the chapter",
                delays(reach=2),
                "How many areas below does the skip of this network begin?",
                _AREAS,
            ),
            Mistake(
                "half of the input",
                delays(skip="0.5"),
                "Which shares do the area below and the skip have in this network?",
                _AREAS,
            ),
            Mistake(
                "the leak of the chapter",
                delays(own="tau / (1 - recurrence)"),
                "Write the equation as a leak alone, without feedback: how fast is it?",
                _TIME,
            ),
            Mistake(
                "without feedback",
                delays(own=f"tau / {a}"),
                "An area that feeds itself answers at another speed than its units alone.",
                _TIME,
            ),
            Mistake(
                "a chain without skips",
                f"return (area + 1) * tau / ({a} - recurrence)",
                "A part of what an area hears has left out the areas just below it.",
                _TIME,
            ),
            Mistake(
                "one area too few",
                delays().replace("range(area + 1)", "range(area)"),
                "The area itself takes its time, too, not only those below it.",
                _TIME,
            ),
        ),
        cases=_chains,
        example=(6, 10.0, 0.25),
    )


def _largest(a: str, s: str) -> Part:
    def limit(
        alphas: str = f"2 * ({a} - values.real) / np.abs({a} - values) ** 2",
        matrix: str = f"np.where(active, 1, {s})[:, None] * W",
        best: str = "min",
    ) -> str:
        return f"values = np.linalg.eigvals({matrix})\nreturn tau * ({alphas}).{best}()"

    return Part(
        name="c",
        title="The longest step",
        points=3,
        task=(
            "One area of $N$ units is at a fixed point. `active`, of shape ($N$,), is 1 for units "
            "whose current (the argument of $\\phi$) is positive there, and 0 for the others. "
            "`W`, of shape ($N$, $N$), is its recurrent matrix, and in the equation the fixed "
            "point is stable. Return the longest time step in ms with which Euler's method does "
            "not move away from it, a number."
        ),
        function="longest_step",
        arguments=("W", "active", "tau"),
        describes="Return the longest time step that keeps the fixed point stable, in ms.",
        body=limit(),
        another=(
            f"slopes = np.diag({s} + (1 - {s}) * active)\n"
            f"jacobian = slopes @ W - {a} * np.eye(len(W))\n"
            "return min(-2 * v.real * tau / (v * v.conjugate()).real "
            "for v in np.linalg.eigvals(jacobian))"
        ),
        mistakes=(
            Mistake(
                "all units active",
                limit(matrix="W"),
                "How much does a unit with a negative current answer to a small change?",
                _STEP,
            ),
            Mistake(
                "a plain ReLU",
                limit(matrix="np.where(active, 1, 0)[:, None] * W"),
                "The nonlinearity of this network is another one. What is its slope below 0?",
                _STEP,
            ),
            Mistake(
                "the leak of the chapter",
                limit(alphas="2 * (1 - values.real) / np.abs(1 - values) ** 2"),
                "Read the equation once more: is its leak the one that you know?",
                _STEP,
            ),
            Mistake(
                "modes that do not turn",
                limit(alphas=f"2 / ({a} - values.real)"),
                "That is the limit of a mode that does not turn. Turning makes it smaller.",
                _STEP,
            ),
            Mistake(
                "the slowest mode",
                limit(best="max"),
                "All modes have to stay. Which of them limits the step?",
                _STEP,
            ),
            Mistake(
                "where the approach is fastest",
                limit(alphas=f"({a} - values.real) / np.abs({a} - values) ** 2"),
                "Here a step brings a mode nearest to the fixed point. Larger steps still come "
                "nearer, until one leaves it as far away as it was.",
                _STEP,
            ),
            Mistake(
                "a share in place of a time",
                limit().replace("tau * ", "0 * tau + "),
                "This is a share of the time constant. A time step is in ms.",
                _STEP,
            ),
        ),
        cases=_fixed_points,
        example=(np.array([[-1.0, 2.0], [-2.0, -1.0]]), np.array([1, 0]), 10.0),
    )


def _networks(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for depth in (6, 7, 8, 9):
        n = draw.integer(2, 5)
        shapes = ((depth, n), (n,), (depth, n, n), (depth, n, n), (depth, n))
        arrays = [draw.normal(*shape).numpy() for shape in shapes]
        found.append((*arrays, draw.uniform(0.5, 4), draw.uniform(5, 20)))
    return found


def _chains(draw: Draw) -> list[tuple[Any, ...]]:
    return [
        (draw.integer(6, 12), draw.uniform(5, 30), draw.uniform(0.1, 0.4) * (-1) ** k)
        for k in range(6)
    ]


def _fixed_points(draw: Draw) -> list[tuple[Any, ...]]:
    """Networks with inhibition, so strong that every mode decays in the equation."""
    found = []
    for n in (3, 4, 6, 8):
        weights = draw.normal(n, n).numpy() / n
        pairs = np.arange(0, n - 1, 2)
        weights[pairs, pairs + 1], weights[pairs + 1, pairs] = -2.0, 2.0  # that turn
        weights -= draw.uniform(2.5, 3.5) * np.eye(n)
        active = np.arange(n) % 3 != 2
        found.append((weights, active.astype(int), draw.uniform(5, 30)))
    return found


HOMEWORK = Homework(
    name="building",
    settings={
        "leak": (0.5, 1.5, 2.0),
        "reach": (3, 4, 5),
        "share": (0.25, 0.4, 0.75),
        "slope": (0.1, 0.2, 0.3),
    },
    build=_build,
)
