"""Homework of *Low-rank networks*.

The latent variables of a rank-two network with changed terms.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._nonlinearities import Nonlinearity, nonlinearities
from tools.teaching.homework._record import Homework, Mistake, Part, Version

_LIVES = "Where the activity lives"
_OVERLAP = "The overlap matrix"
_TWO = "Rank two: which connectivity makes which flow"
_SCALES = {"1/N": ("1 / len(L)", r"\frac{1}{N}"), "2/N": ("2 / len(L)", r"\frac{2}{N}")}


def _build(leak: float, scale: str, phi: Nonlinearity) -> Version:
    g, formula = _SCALES[scale]
    return Version(
        homework="low-rank",
        chapter="book/dynamics/low_rank_networks",
        title="Two latent variables of another network",
        statement=(
            "A network of $N$ units and rank two obeys\n\n"
            rf"$$ \tau\, \dot x = -{leak:g}\,x + {formula}\, L R^\top \phi(x), "
            rf"\qquad \phi(v) = {phi.formula} . $$"
            "\n\n`L` and `R` have the shape ($N$, 2). Their columns are *not* orthonormal. The "
            r"state has no part outside the columns of $L$: $x = L \kappa$ with two latent "
            r"variables $\kappa$. $\tau$ and the time step are in ms. All arrays are NumPy arrays."
        ),
        common=f"def phi(v):\n    return {phi.code}\n",
        parts=(_latent(), _step(repr(leak), g), _rates(repr(leak), g, repr(phi.slope))),
    )


def _latent() -> Part:
    return Part(
        name="a",
        title="From the state to the latent variables",
        points=2,
        task=r"`x` has the shape ($N$,) and is $L\kappa$. Return $\kappa$, of shape (2,).",
        function="latent",
        arguments=("x", "L"),
        describes="Return the two latent variables of the state x.",
        body="return np.linalg.solve(L.T @ L, L.T @ x)",
        another="return np.linalg.lstsq(L, x, rcond=None)[0]",
        mistakes=(
            Mistake(
                "orthonormal factors",
                "return L.T @ x",
                "This is right where the columns have length 1 and right angles. Have they?",
                "Why the row factors are orthonormal",
            ),
            Mistake(
                "a mean for a solution",
                "return L.T @ x / len(x)",
                "Put your result back: is L @ kappa the state?",
                _LIVES,
            ),
            Mistake(
                "each column by itself",
                "return (L.T @ x) / (L**2).sum(axis=0)",
                "The two columns overlap: what one explains, the other explains in part as well.",
                "Why the row factors are orthonormal",
            ),
        ),
        cases=_states,
        example=(np.array([3.0, 2.0, 2.0]), np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])),
    )


def _step(a: str, g: str) -> Part:
    def step(velocity: str) -> str:
        return f"return kappa + dt / tau * ({velocity})"

    return Part(
        name="b",
        title="A step of two numbers",
        points=4,
        task=(
            r"Write one Euler step of $\kappa$, of shape (2,), that is exact: the same as a step "
            "of all $N$ units. Use `phi` from above."
        ),
        function="latent_step",
        arguments=("kappa", "L", "R", "dt", "tau"),
        describes="Return the latent variables after one Euler step.",
        body=step(f"-{a} * kappa + {g} * (R.T @ phi(L @ kappa))"),
        another=(
            f"x = L @ kappa\nx = x + dt / tau * (-{a} * x + {g} * L @ (R.T @ phi(x)))\n"
            "return np.linalg.lstsq(L, x, rcond=None)[0]"
        ),
        mistakes=(
            Mistake(
                "the scaling forgotten",
                step(f"-{a} * kappa + R.T @ phi(L @ kappa)"),
                "What happens to your step when every unit of the network is doubled?",
                "What the recurrent scaling does",
            ),
            Mistake(
                "the factors exchanged",
                step(f"-{a} * kappa + {g} * (L.T @ phi(R @ kappa))"),
                "Which factor listens to the rates, and which one speaks?",
                "From $N^2$ weights to two thin matrices",
            ),
            Mistake(
                "tanh out of habit",
                step(f"-{a} * kappa + {g} * (R.T @ np.tanh(L @ kappa))"),
                "The nonlinearity of this network is another one.",
                "From $N^2$ weights to two thin matrices",
            ),
            Mistake(
                "a forgotten leak",
                step(f"{g} * (R.T @ phi(L @ kappa))"),
                "Without recurrence the latent variables should decay. Do yours?",
                _LIVES,
            ),
            Mistake(
                "a linear network",
                step(f"-{a} * kappa + {g} * (R.T @ (L @ kappa))"),
                "The overlap alone describes small activity. Where did the nonlinearity go?",
                _OVERLAP,
            ),
            Mistake(
                "the nonlinearity of the latent variables",
                step(f"-{a} * kappa + {g} * (R.T @ (L @ phi(kappa)))"),
                "It is the units that saturate, not the latent variables.",
                _OVERLAP,
            ),
        ),
        cases=_networks,
        example=(np.array([1.0, 0.0]), np.eye(4)[:, :2], np.eye(4)[:, 1:3], 10.0, 100.0),
    )


def _rates(a: str, g: str, k: str) -> Part:
    def rates(jacobian: str) -> str:
        return f"return np.linalg.eigvals({jacobian})"

    return Part(
        name="c",
        title="Growth rates at silence",
        points=4,
        task=(
            r"Return the two eigenvalues, per ms, of the flow of $\kappa$ at $\kappa = 0$, in any "
            "order, as an array of shape (2,). They may be complex."
        ),
        function="growth_rates",
        arguments=("L", "R", "tau"),
        describes="Return the two eigenvalues of the latent flow at the origin, per ms.",
        body=rates(f"(-{a} * np.eye(2) + {k} * {g} * R.T @ L) / tau"),
        another=(
            f"W = {g} * np.asarray(L) @ np.asarray(R).T\n"
            "all_of_them = np.linalg.eigvals(W)\n"
            "two = all_of_them[np.argsort(-np.abs(all_of_them))[:2]]\n"
            f"return (-{a} + {k} * two) / tau"
        ),
        mistakes=(
            Mistake(
                "the slope forgotten",
                rates(f"(-{a} * np.eye(2) + {g} * R.T @ L) / tau"),
                "Near 0 a rate is not the current itself. What is the slope of phi there?",
                _OVERLAP,
            ),
            Mistake(
                "the overlap alone",
                rates(f"{k} * {g} * R.T @ L / tau"),
                "Without recurrence the activity decays. Do your eigenvalues say so?",
                "Rank one: forgetting and remembering",
            ),
            Mistake(
                "no unit",
                rates(f"-{a} * np.eye(2) + {k} * {g} * R.T @ L"),
                "A rate is per ms. Where does your result know how slow the units are?",
                _TWO,
            ),
            Mistake(
                "the scaling forgotten",
                rates(f"(-{a} * np.eye(2) + {k} * R.T @ L) / tau"),
                "What happens to your result when every unit of the network is doubled?",
                "What the recurrent scaling does",
            ),
            Mistake(
                "real parts only",
                f"return np.linalg.eigvals((-{a} * np.eye(2) + {k} * {g} * R.T @ L) / tau).real",
                "A pair that turns has an imaginary part too: how fast it turns.",
                _TWO,
            ),
        ),
        cases=_turning,
        example=(np.eye(4)[:, :2], np.eye(4)[:, 1:3], 100.0),
        canonical=np.sort_complex,
    )


def _factors(draw: Draw, n: int) -> tuple[np.ndarray, np.ndarray]:
    left = draw.normal(n, 2).numpy() + 0.3  # columns that overlap
    turn = np.array([[1.0, -2.0], [2.0, 1.0]])
    return left, left @ turn + 0.3 * draw.normal(n, 2).numpy()


def _states(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for _ in range(4):
        left, _ = _factors(draw, draw.integer(5, 40))
        found.append((left @ draw.normal(2).numpy(), left))
    return found


def _networks(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for _ in range(4):
        factors = _factors(draw, draw.integer(5, 40))
        kappa = 1.5 * draw.normal(2).numpy()
        found.append((kappa, *factors, draw.uniform(1, 10), draw.uniform(20, 200)))
    return found


def _turning(draw: Draw) -> list[tuple[Any, ...]]:
    return [(*_factors(draw, draw.integer(6, 40)), draw.uniform(20, 200)) for _ in range(4)]


HOMEWORK = Homework(
    name="low-rank",
    settings={
        "leak": (0.5, 1.5, 2.0, 2.5),
        "scale": tuple(_SCALES),
        "phi": nonlinearities((0.5, 1.5, 2.0)),
    },
    build=_build,
)
