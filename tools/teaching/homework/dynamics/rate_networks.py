"""Homework of *Rate networks as dynamical systems*.

A rate equation with another leak and another nonlinearity.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._nonlinearities import Nonlinearity, nonlinearities
from tools.teaching.homework._record import Homework, Mistake, Part, Version

_EULER = "Euler and its limits"
_FORMS = "N units, and the two forms of the equation"
_STEP = "Eigenvalues of a step"


def _build(leak: float, phi: Nonlinearity) -> Version:
    a, k = repr(leak), repr(phi.slope)
    return Version(
        homework="rates",
        chapter="book/dynamics/rate_networks",
        title="A rate network with another leak",
        statement=(
            "A network of $N$ units obeys\n\n"
            rf"$$ \tau\, \dot x = -{leak:g}\,x + W \phi(x) + u, \qquad \phi(v) = {phi.formula} . $$"
            "\n\nThis is the current form of chapter 1 with another leak and another nonlinearity. "
            r"$\tau$ and the time step $\Delta t$ are in ms. All arrays are NumPy arrays."
        ),
        common=f"def phi(v):\n    return {phi.code}\n",
        parts=(_decay(a), _step(a), _growth(a, k)),
    )


def _decay(a: str) -> Part:
    return Part(
        name="a",
        title="What the leak leaves",
        points=3,
        task=(
            "Leave one unit alone: no recurrence, no input. Euler's method takes `n_steps` steps "
            "of `dt` ms. Which part of the first $x$ is left?"
        ),
        function="part_left",
        arguments=("dt", "tau", "n_steps"),
        describes="Return x after n_steps Euler steps of the leak alone, divided by the first x.",
        body=f"return (1 - {a} * dt / tau) ** n_steps",
        another=f"x = 1.0\nfor _ in range(n_steps):\n    x = x + dt / tau * (-{a} * x)\nreturn x",
        mistakes=(
            Mistake(
                "the leak of the chapter",
                "return (1 - dt / tau) ** n_steps",
                "Read the equation once more: is its leak the one that you know?",
                "One leaky unit",
            ),
            Mistake(
                "the exact decay",
                f"return np.exp(-{a} * n_steps * dt / tau)",
                "This solves the equation. Euler's method makes an error, and it is asked for.",
                _EULER,
            ),
            Mistake(
                "one step only",
                f"return 1 - {a} * dt / tau",
                "How often is the state multiplied by what one step leaves?",
                _EULER,
            ),
            Mistake(
                "a size without a sign",
                f"return abs(1 - {a} * dt / tau) ** n_steps",
                "A long step goes beyond rest. On which side is the unit then?",
                _EULER,
            ),
            Mistake(
                "straight down",
                f"return 1 - n_steps * {a} * dt / tau",
                "Each step leaks from what the last one left, not from the first value.",
                _EULER,
            ),
        ),
        cases=partial(_decays, leak=float(a)),
        example=(10.0, 100.0, 3),
    )


def _step(a: str) -> Part:
    return Part(
        name="b",
        title="One step of the network",
        points=4,
        task=(
            "Write one Euler step. `x` and `u` have the shape (batch, $N$), `W` the shape "
            "($N$, $N$); `W[i, j]` is the weight from unit `j` to unit `i`. Use `phi` from above."
        ),
        function="step",
        arguments=("x", "u", "W", "dt", "tau"),
        describes="Return x after one Euler step, of shape (batch, N).",
        body=f"return x + dt / tau * (-{a} * x + phi(x) @ W.T + u)",
        another=(
            "rates = phi(np.asarray(x))\n"
            "recurrence = np.einsum('ij,bj->bi', W, rates)\n"
            f"return (1 - {a} * dt / tau) * x + dt / tau * (recurrence + u)"
        ),
        mistakes=(
            Mistake(
                "tanh out of habit",
                f"return x + dt / tau * (-{a} * x + np.tanh(x) @ W.T + u)",
                "The nonlinearity of this network is another one.",
                _FORMS,
            ),
            Mistake(
                "the wrong transpose",
                f"return x + dt / tau * (-{a} * x + phi(x) @ W + u)",
                "Which index of W belongs to the unit that receives?",
                _FORMS,
            ),
            Mistake(
                "a forgotten leak",
                "return x + dt / tau * (phi(x) @ W.T + u)",
                "Without weights and input the state should decay. Does yours?",
                "One leaky unit",
            ),
            Mistake(
                "the other form",
                f"return x + dt / tau * (-{a} * x + phi(x @ W.T + u))",
                "Is the nonlinearity taken of each unit, or of the sum that a unit receives?",
                _FORMS,
            ),
            Mistake(
                "the velocity alone",
                f"return (-{a} * x + phi(x) @ W.T + u) / tau",
                "This says how fast the state moves. Where is it after the step?",
                _EULER,
            ),
        ),
        cases=_networks,
        example=(np.array([[0.5, -1.0]]), np.array([[1.0, 0.0]]), np.eye(2)[::-1], 10.0, 100.0),
    )


def _growth(a: str, k: str) -> Part:
    eigenvalues = "np.linalg.eigvals(W)"
    return Part(
        name="c",
        title="Does silence last?",
        points=3,
        task=(
            "Start very near $x = 0$, without input. By which factor does the slowest-decaying or "
            "fastest-growing part of the activity change in one Euler step? Return its size: it "
            "is below 1 where Euler's method returns to silence."
        ),
        function="growth_factor",
        arguments=("W", "dt", "tau"),
        describes="Return the largest size of a factor by which one Euler step multiplies.",
        body=f"factors = 1 + dt / tau * (-{a} + {k} * {eigenvalues})\nreturn np.abs(factors).max()",
        another=(
            f"jacobian = (1 - {a} * dt / tau) * np.eye(len(W)) + dt / tau * {k} * np.asarray(W)\n"
            "return max(abs(value) for value in np.linalg.eigvals(jacobian.T))"
        ),
        mistakes=(
            Mistake(
                "the slope forgotten",
                f"return np.abs(1 + dt / tau * (-{a} + {eigenvalues})).max()",
                "Near 0 a rate is not the current itself. What is the slope of phi there?",
                "The Jacobian",
            ),
            Mistake(
                "the real part for the size",
                f"return (1 + dt / tau * (-{a} + {k} * {eigenvalues})).real.max()",
                "A factor may be complex: the activity turns. How large is a complex number?",
                _STEP,
            ),
            Mistake(
                "the leak of the chapter",
                f"return np.abs(1 + dt / tau * (-1 + {k} * {eigenvalues})).max()",
                "Read the equation once more: is its leak the one that you know?",
                "One leaky unit",
            ),
            Mistake(
                "the rate of the equation",
                f"return ((-{a} + {k} * {eigenvalues}) / tau).real.max()",
                "This is a rate per ms, of the equation. The factor of a step has no unit.",
                _STEP,
            ),
            Mistake(
                "the largest eigenvalue first",
                f"return abs(1 + dt / tau * (-{a} + {k} * np.abs({eigenvalues}).max()))",
                "The size comes last. An eigenvalue of W is not yet a factor of the step.",
                _STEP,
            ),
        ),
        cases=_weights,
        example=(np.diag([0.5, 0.25]), 10.0, 100.0),
    )


def _decays(draw: Draw, leak: float) -> list[tuple[float, float, int]]:
    found = [
        (tau * draw.uniform(0.02, 0.2), tau, draw.integer(2, 30))
        for tau in (draw.uniform(8, 300) for _ in range(5))
    ]
    # a step so long that each one goes beyond rest: the sign changes
    return [*found, (40.0 * draw.uniform(1.2, 1.8) / leak, 40.0, 3)]


def _networks(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for _ in range(4):
        n, batch = draw.integer(3, 9), draw.integer(2, 5)
        arrays = [draw.normal(*shape).numpy() for shape in ((batch, n), (batch, n), (n, n))]
        found.append((*arrays, draw.uniform(1, 10), draw.uniform(20, 200)))
    return found


def _weights(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for n in (2, 3, 6, 12):
        turn = np.zeros((n, n))
        turn[0, 1], turn[1, 0] = -1.5, 1.5  # some of the eigenvalues are complex
        weights = turn + draw.normal(n, n).numpy() * 0.6
        found.append((weights, draw.uniform(5, 30), draw.uniform(20, 60)))
    return found


HOMEWORK = Homework(
    name="rates",
    settings={"leak": (0.5, 1.5, 2.0, 2.5), "phi": nonlinearities((0.5, 1.5, 2.0))},
    build=_build,
)
