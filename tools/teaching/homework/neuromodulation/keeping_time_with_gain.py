"""Homework of *Keeping time with gain*.

A transplant with gaps, another scaling, and Adam's second step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._record import Homework, Mistake, Part, Version
from tools.teaching.homework.neuromodulation.keeping_time_with_gain_transplant import (
    apparent,
    decides,
)

_SCALING = "Same scaling"
_ADAM = "An optimiser that starts anew"
_SCALES = {  # name -> code and formula of the recurrent scaling; "{n}" is the number of units
    "2/N": ("2 / {n}", r"\frac{2}{N}"),
    "3/N": ("3 / {n}", r"\frac{3}{N}"),
    "2/sqrt(N)": ("2 / np.sqrt({n})", r"\frac{2}{\sqrt N}"),
    "3/sqrt(N)": ("3 / np.sqrt({n})", r"\frac{3}{\sqrt N}"),
}


def _build(
    ramp: tuple[float, float, float], first: str, scale: str, betas: tuple[float, float]
) -> Version:
    return Version(
        homework="gain-time",
        chapter="book/neuromodulation/keeping_time_with_gain",
        title="Two experiments, checked",
        statement=(
            "Somebody repeats two experiments of chapter 5, and changes them a little. "
            "**Parts a and b: a transplant**, in a task with other ramps. Some ramps never come, "
            "so the table has gaps. **Parts c and d: a comparison** of networks. They have another "
            "recurrent scaling $g$, and their optimiser begins anew every 1,000 steps.\n\n"
            "All times are in ms. All arrays are NumPy arrays."
        ),
        common="",
        parts=(apparent(*ramp), decides(first), _radius(*_SCALES[scale]), _second(*betas)),
    )


def _radius(scale: str, formula: str) -> Part:
    g = scale.format(n="len(L)")
    small = "np.linalg.eigvals((s * (R.T @ L).T).T)"
    return Part(
        name="c",
        title="How strong is the recurrence?",
        points=2,
        task=(
            rf"Near rest the recurrence of such a network is $g\,L\,\mathrm{{diag}}(s)\,R^\top$ "
            rf"with $g = {formula}$, $N$ units and $K$ gains $s$. The factors `L` and `R` have the "
            "shape ($N$, $K$), the columns of `L` are *not* orthonormal, and `s` has the shape "
            "($K$,). Return the spectral radius of this recurrence, a number."
        ),
        function="radius",
        arguments=("L", "R", "s"),
        describes="Return the spectral radius of the recurrence.",
        body=f"return {g} * np.abs({small}).max()",
        another=(
            "n, _ = np.shape(L)\n"
            f"W = {scale.format(n='n')} * (L @ np.diag(s) @ R.T)\n"
            "return max(abs(value) for value in np.linalg.eigvals(W))"
        ),
        mistakes=(
            Mistake(
                "the scaling forgotten",
                f"return np.abs({small}).max()",
                "What happens to your result when every unit of the network is doubled?",
                _SCALING,
            ),
            Mistake(
                "the gains forgotten",
                f"return {g} * np.abs(np.linalg.eigvals(R.T @ L)).max()",
                "A network whose gains are nearly shut has hardly any recurrence. And yours?",
                _SCALING,
            ),
            Mistake(
                "the largest real part",
                f"return {g} * {small}.real.max()",
                "A radius is a distance from 0, in the plane of complex numbers.",
                _SCALING,
            ),
            Mistake(
                "the largest singular value",
                f"return np.linalg.norm({g} * (L * s) @ R.T, 2)",
                "This is how far one vector can be stretched once. A radius is of eigenvalues.",
                _SCALING,
            ),
            Mistake(
                "terms counted for units",
                f"return {scale.format(n='len(s)')} * np.abs({small}).max()",
                "Which of the two sizes of a factor is the number of units?",
                _SCALING,
            ),
        ),
        cases=_factors,
        example=(np.eye(4)[:, :2], 2 * np.eye(4)[:, 1::-1] + np.eye(4)[:, 1:3], np.array([1, 0.5])),
    )


def _second(beta_1: float, beta_2: float) -> Part:
    def moved(b1: str = repr(beta_1), b2: str = repr(beta_2), how: str = "fair") -> str:
        mean = f"(1 - {b1}) * ({b1} * first + second)"
        square = f"(1 - {b2}) * ({b2} * first**2 + second**2)"
        power = {"fair": "**2", "once": "", "none": None}[how]
        if power is not None:
            mean += f" / (1 - {b1}{power})"
            square += f" / (1 - {b2}{power})"
        return f"m = {mean}\nv = {square}\nmove = -rate * m / (np.sqrt(v) + 1e-8)\n"

    return Part(
        name="d",
        title="The second step",
        points=3,
        task=(
            rf"Adam runs here with $\beta_1 = {beta_1:g}$, $\beta_2 = {beta_2:g}$ and "
            r"$\varepsilon = 10^{-8}$, without weight decay. It has just been reset: its "
            "running means of the gradient and of its square are 0. "
            "One weight meets the gradients `first` in step 1 and `second` in step 2, both numbers "
            "and not 0, at the learning rate `rate`. Return the change of the weight *in step 2*."
        ),
        function="second_step",
        arguments=("first", "second", "rate"),
        describes="Return by how much the second step after a reset changes the weight.",
        body=f"{moved()}return move",
        another=(
            "m = v = 0.0\nmove = 0.0\n"
            "for t, gradient in enumerate((first, second), start=1):\n"
            f"    m = {beta_1!r} * m + (1 - {beta_1!r}) * gradient\n"
            f"    v = {beta_2!r} * v + (1 - {beta_2!r}) * gradient**2\n"
            f"    m_hat, v_hat = m / (1 - {beta_1!r}**t), v / (1 - {beta_2!r}**t)\n"
            "    move = -rate * m_hat / (v_hat**0.5 + 1e-8)\n"
            "return move"
        ),
        mistakes=(
            Mistake(
                "a first step once more",
                "return -rate * np.sign(second)",
                "In step 2 the running means have met two gradients. Yours know the last one.",
                _ADAM,
            ),
            Mistake(
                "means that are not corrected",
                f"{moved(how='none')}return move",
                "Running means that start at 0 are too small at first. What does Adam do then?",
                _ADAM,
            ),
            Mistake(
                "the correction of step 1",
                f"{moved(how='once')}return move",
                "The correction depends on the number of the step.",
                _ADAM,
            ),
            Mistake(
                "the means of the chapter",
                f"{moved('0.9', '0.999')}return move",
                "This Adam forgets faster than the one of the chapter.",
                _ADAM,
            ),
            Mistake(
                "the small constant forgotten",
                f"{moved()}return -rate * m / np.sqrt(v)",
                "For large gradients this is right. Try gradients of 1e-8.",
                _ADAM,
            ),
            Mistake(
                "the small constant under the root",
                f"{moved()}return -rate * m / np.sqrt(v + 1e-8)",
                "In the equations ε is added after the root is taken.",
                _ADAM,
            ),
            Mistake(
                "uphill",
                f"{moved()}return -move",
                "A positive gradient says that a larger weight makes the error larger.",
                _ADAM,
            ),
            Mistake(
                "both steps together",
                f"{moved()}return move - rate * np.sign(first)",
                "This is the change since the reset. Asked for is that of step 2.",
                _ADAM,
            ),
        ),
        cases=_gradients,
        example=(1.0, -0.5, 0.01),
    )


def _factors(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for n, k in ((8, 2), (20, 3), (30, 4), (50, 3)):
        left = draw.normal(n, k).numpy() + 0.3
        turn = np.eye(k)
        turn[0, 1], turn[1, 0] = -2.0, 2.0  # a pair of complex eigenvalues
        right = left @ turn + 0.3 * draw.normal(n, k).numpy()
        found.append((left, right, np.array([draw.uniform(0.3, 0.9) for _ in range(k)])))
    return found


def _gradients(draw: Draw) -> list[tuple[float, float, float]]:
    signs = ((1, 1), (1, -1), (-1, 1), (-1, -1), (1, -1))
    found = [
        (one * draw.uniform(0.2, 2), other * draw.uniform(0.2, 2), draw.uniform(0.001, 0.03))
        for one, other in signs
    ]
    return [*found, (draw.uniform(1e-8, 3e-8), draw.uniform(1e-8, 3e-8), 0.01)]  # epsilon shows


HOMEWORK = Homework(
    name="gain-time",
    settings={
        "ramp": ((0.0, 2.0, 1.5), (-1.0, 1.0, 0.75), (0.0, 1.5, 2.0)),
        "first": ("donor", "receiver"),
        "scale": tuple(_SCALES),
        "betas": ((0.8, 0.99), (0.7, 0.95), (0.6, 0.98)),
    },
    build=_build,
)
