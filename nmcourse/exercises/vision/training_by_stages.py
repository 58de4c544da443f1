"""Exercises of *Training by stages*."""

from __future__ import annotations

import math

from nmcourse.exercises.checking.record import Draw, Exercise, Wrong

_CHAPTER = "book/vision/training_by_stages"
_COST = "What one update costs"
_FOLD = "Folding: a normalisation becomes a map"
_INVERSE = "What a recurrent convolution has to learn"


def _surviving(eigenvalue: float, alpha: float, n_steps: int) -> float:
    return (1 - alpha + alpha * eigenvalue) ** n_steps


def _surviving_step_by_step(eigenvalue: float, alpha: float, n_steps: int) -> float:
    left = 1.0
    for _ in range(n_steps):
        left -= alpha * (1 - eigenvalue) * left
    return left


def _ways_back(draw: Draw) -> list[tuple[float, float, int]]:
    cases = [
        (draw.uniform(0.2, 0.9) * (-1) ** k, draw.uniform(0.15, 0.5), draw.integer(3, 9))
        for k in range(6)
    ]
    # strong inhibition: the gradient changes its sign with every step
    overshoot = [(draw.uniform(-3.5, -2.5), draw.uniform(0.4, 0.5), n) for n in (3, 5)]
    return cases + overshoot


Folded = tuple[float, float]


def _fold(weight: float, gamma: float, beta: float, mean: float, variance: float) -> Folded:
    scale = gamma / math.sqrt(variance)
    return weight * scale, beta - mean * scale


def _fold_by_two_points(
    weight: float, gamma: float, beta: float, mean: float, variance: float
) -> Folded:
    """What a straight line makes of 0 and of 1."""
    at = [gamma * (weight * x - mean) / math.sqrt(variance) + beta for x in (0.0, 1.0)]
    return at[1] - at[0], at[0]


def _norms(draw: Draw) -> list[tuple[float, float, float, float, float]]:
    return [
        (
            draw.uniform(0.5, 2) * (-1) ** (k // 4),
            draw.uniform(1.2, 3) * (-1) ** (k // 2),
            draw.uniform(-1, 1),
            draw.uniform(0.3, 2) * (-1) ** k,
            draw.uniform(1.5, 6) / (1000 if k == 1 else 1),  # so small that an epsilon shows
        )
        for k in range(6)
    ]


def _series_settles(real: float, imag: float) -> bool:
    return real > 0.5


def _series_settles_by_ratio(real: float, imag: float) -> bool:
    return abs(1 - 1 / complex(real, imag)) < 1


def _eigenvalues(draw: Draw) -> list[tuple[float, float]]:
    places = [
        (2.0, 0.0),
        (0.6, 0.3),
        (0.3, 0.0),
        (0.2, 0.9),
        (0.8, 0.3),
        (1.5, 1.0),
        (-0.4, 1.0),
        (-0.9, 0.5),
        (0.4, 1.5),
    ]
    return [(x + draw.uniform(-0.05, 0.05), y + draw.uniform(0.0, 0.05)) for x, y in places]


EXERCISES = (
    Exercise(
        id="stages-1",
        label="ex-stages-surviving",
        chapter=_CHAPTER,
        title="What is left of a gradient",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=10,
        function="surviving",
        arguments=("eigenvalue", "alpha", "n_steps"),
        reference=_surviving,
        cases=_ways_back,
        example=(0.5, 0.2, 2),
        wrong=(
            Wrong(
                "the weights alone",
                lambda eigenvalue, alpha, n_steps: eigenvalue**n_steps + 0 * alpha,
                "Only the share α of a unit is new in a step. What does the rest do?",
                _COST,
            ),
            Wrong(
                "the leak alone",
                lambda eigenvalue, alpha, n_steps: (1 - alpha) ** n_steps + 0 * eigenvalue,
                "That is the way through the leak. Recurrence gives a part back.",
                _COST,
            ),
            Wrong(
                "the new share alone",
                lambda eigenvalue, alpha, n_steps: (alpha * eigenvalue) ** n_steps,
                "A unit also keeps 1 − α of what it was.",
                _COST,
            ),
            Wrong(
                "continuous time",
                lambda eigenvalue, alpha, n_steps: math.exp(-n_steps * alpha * (1 - eigenvalue)),
                "This is what the equation would leave. The network takes Euler steps.",
                _COST,
            ),
            Wrong(
                "a loss that adds up",
                lambda eigenvalue, alpha, n_steps: 1 - n_steps * alpha * (1 - eigenvalue),
                "Each step takes its part of what is left, not of what there was at first.",
                _COST,
            ),
            Wrong(
                "recurrence without its share",
                lambda eigenvalue, alpha, n_steps: (1 - alpha + eigenvalue) ** n_steps,
                "The recurrence is a part of what is new in a step. What is the share of that?",
                _COST,
            ),
            Wrong(
                "a size without a sign",
                lambda eigenvalue, alpha, n_steps: abs(1 - alpha + alpha * eigenvalue) ** n_steps,
                "Strong inhibition can turn a gradient around in each step. Keep the sign.",
                _COST,
            ),
        ),
        another=_surviving_step_by_step,
    ),
    Exercise(
        id="stages-2",
        label="ex-stages-fold",
        chapter=_CHAPTER,
        title="Fold one weight",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=10,
        function="fold_one",
        arguments=("weight", "gamma", "beta", "mean", "variance"),
        reference=_fold,
        cases=_norms,
        example=(1.0, 2.0, 0.5, 1.0, 4.0),
        wrong=(
            Wrong(
                "the mean not scaled",
                lambda weight, gamma, beta, mean, variance: (
                    weight * gamma / math.sqrt(variance),
                    beta - mean,
                ),
                "The mean is taken away before the division, not after it.",
                _FOLD,
            ),
            Wrong(
                "the epsilon of the program",
                lambda weight, gamma, beta, mean, variance: _fold(
                    weight, gamma, beta, mean, variance + 1e-5
                ),
                "`BatchNorm2d` adds a small ε to the variance. Here there is none.",
                _FOLD,
            ),
            Wrong(
                "the variance in place of the deviation",
                lambda weight, gamma, beta, mean, variance: (
                    weight * gamma / variance,
                    beta - mean * gamma / variance,
                ),
                "What has the unit of the activity itself: the variance, or its root?",
                _FOLD,
            ),
            Wrong(
                "gamma in the weight only",
                lambda weight, gamma, beta, mean, variance: (
                    weight * gamma / math.sqrt(variance),
                    beta - mean / math.sqrt(variance),
                ),
                "γ multiplies the whole normalised value, the mean included.",
                _FOLD,
            ),
            Wrong(
                "the offset alone",
                lambda weight, gamma, beta, mean, variance: (
                    weight * gamma / math.sqrt(variance),
                    beta + 0 * mean,
                ),
                "Put in an activity of zero: what comes out?",
                _FOLD,
            ),
            Wrong(
                "the mean added",
                lambda weight, gamma, beta, mean, variance: (
                    weight * gamma / math.sqrt(variance),
                    beta + mean * gamma / math.sqrt(variance),
                ),
                "The mean is taken away. Does a larger mean make the result larger or smaller?",
                _FOLD,
            ),
            Wrong(
                "the weight in the mean, too",
                lambda weight, gamma, beta, mean, variance: (
                    weight * gamma / math.sqrt(variance),
                    beta - weight * mean * gamma / math.sqrt(variance),
                ),
                "The mean is that of y, and y has the weight in it already.",
                _FOLD,
            ),
            Wrong(
                "beta scaled",
                lambda weight, gamma, beta, mean, variance: (
                    weight * gamma / math.sqrt(variance),
                    (beta - mean) * gamma / math.sqrt(variance),
                ),
                "β is added last: nothing is multiplied or divided after it.",
                _FOLD,
            ),
        ),
        another=_fold_by_two_points,
    ),
    Exercise(
        id="stages-3",
        label="ex-stages-settles",
        chapter=_CHAPTER,
        title="Which convolutions can be learnt?",
        kind="code",
        difficulty=3,
        importance=4,
        minutes=20,
        function="series_settles",
        arguments=("real", "imag"),
        reference=_series_settles,
        cases=_eigenvalues,
        example=(2.0, 0.0),
        wrong=(
            Wrong(
                "the area settles",
                lambda real, imag: real > 0,
                "That is when the equation is stable. The series asks for more.",
                _INVERSE,
            ),
            Wrong(
                "a small convolution",
                lambda real, imag: math.hypot(real, imag) < 1,
                "This would be the condition if the eigenvalue were that of W.",
                _INVERSE,
            ),
            Wrong(
                "the size of the eigenvalue",
                lambda real, imag: math.hypot(real, imag) > 0.5,
                "Right on the real axis, on its right side. Draw the set in the plane.",
                _INVERSE,
            ),
            Wrong(
                "a large convolution",
                lambda real, imag: math.hypot(real, imag) > 1,
                "This asks whether 1/λ is small. W has 1 − 1/λ.",
                _INVERSE,
            ),
            Wrong(
                "a disc around 1",
                lambda real, imag: math.hypot(real - 1, imag) < 1,
                "This asks whether 1 - λ is small. W has 1 - 1/λ.",
                _INVERSE,
            ),
        ),
        another=_series_settles_by_ratio,
        rtol=1e-9,
    ),
    Exercise(
        id="stages-4",
        label="ex-stages-skip",
        chapter=_CHAPTER,
        title="Leave a stage out",
        kind="experiment",
        difficulty=3,
        importance=3,
        minutes=40,
        rubric=(
            "No prediction and no measurement.",
            "A stage is left out and the accuracy at the end is reported for one seed.",
            "In addition several seeds with their spread, and the time that was saved is given to "
            "the other stages.",
            "In addition a reason, checked by a second measurement (a radius, an error, a slope).",
        ),
    ),
    Exercise(
        id="stages-5",
        label="ex-stages-clip",
        chapter=_CHAPTER,
        title="A very small clip",
        kind="derivation",
        difficulty=3,
        importance=2,
        minutes=15,
        rubric=(
            "Nothing, or that clipping never matters for Adam.",
            "The size of one gradient entry after clipping.",
            "In addition its comparison with ε, and the factor by which a step shrinks.",
            "In addition what would change for a small network, or for another ε.",
        ),
    ),
)
