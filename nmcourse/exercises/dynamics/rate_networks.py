"""Exercises of *Rate networks as dynamical systems*."""

from __future__ import annotations

import math

import numpy as np
import torch

from nmcourse.exercises.checking.record import Exercise, Wrong
from nmcourse.exercises.dynamics import rate_networks_answers as functions
from nmcourse.exercises.dynamics.chaos import exponents

_CHAPTER = "book/dynamics/rate_networks"


_CHAOS = "A measure of chaos"

EXERCISES = (
    Exercise(
        id="rates-1",
        label="ex-exact-leak",
        chapter=_CHAPTER,
        title="A step without error",
        kind="code",
        difficulty=2,
        importance=3,
        minutes=10,
        function="exact_step",
        arguments=("x", "u", "dt", "tau"),
        reference=functions.exact_step,
        cases=functions.leaks,
        example=(1.0, 0.5, 250.0, 100.0),
        wrong=(
            Wrong(
                "Euler's step",
                lambda x, u, dt, tau: x + dt / tau * (-x + u),
                "This holds the velocity during the step. Here the input is held, and the velocity "
                "changes while x moves.",
                "Euler and its limits",
            ),
            Wrong(
                "the two weights exchanged",
                lambda x, u, dt, tau: (1 - math.exp(-dt / tau)) * x + math.exp(-dt / tau) * u,
                "After a very long step, which of the two should be left: x or u?",
                "One leaky unit",
            ),
            Wrong(
                "the input forgotten",
                lambda x, u, dt, tau: math.exp(-dt / tau) * x,
                "Your unit always decays to zero. It should decay to its input.",
                "One leaky unit",
            ),
            Wrong(
                "growth instead of decay",
                lambda x, u, dt, tau: u + (x - u) * math.exp(dt / tau),
                "Try a long step: the distance to the fixed point should shrink.",
                "One leaky unit",
            ),
            Wrong(
                "the time constant forgotten",
                lambda x, u, dt, tau: u + (x - u) * math.exp(-dt),
                "An exponent has no unit. Yours is in ms.",
                "One leaky unit",
            ),
        ),
        another=lambda x, u, dt, tau: np.float64(u - (u - x) / np.exp(dt / tau)),
    ),
    Exercise(
        id="rates-2",
        label="ex-changing-input",
        chapter=_CHAPTER,
        title="What does the current form see of a changing input?",
        kind="code",
        difficulty=3,
        importance=4,
        minutes=15,
        function="smooth",
        arguments=("inputs", "dt", "tau"),
        reference=functions.smooth,
        cases=functions.input_cases,
        wrong=(
            Wrong(
                "the input of the next step",
                functions.smooth_from_next,
                "Your v of a step already knows the input that arrives in this step. Euler's "
                "method uses the velocity at the beginning.",
                "Why the two forms are the same network",
            ),
            Wrong(
                "a start from zero",
                functions.smooth_from_zero,
                "Everything is right but the beginning: the exercise gives the first value.",
                "Why the two forms are the same network",
            ),
            Wrong(
                "a forgotten leak",
                functions.smooth_without_leak,
                "Your v adds up its input for ever. What should it do when the input is constant?",
                "One leaky unit",
            ),
            Wrong(
                "the two weights exchanged",
                functions.smooth_too_fast,
                "With a long time constant v should follow its input slowly. Yours is fast.",
                "Euler and its limits",
            ),
            Wrong(
                "no smoothing",
                lambda inputs, dt, tau: inputs,
                "This is the input itself. With it, the two forms part.",
                "Why the two forms are the same network",
            ),
        ),
        another=functions.smooth_by_kernel,
        axes=("batch", "time", "input"),
        example=(torch.tensor([[[1.0], [0.0], [0.0], [1.0]]], dtype=torch.float64), 10.0, 100.0),
    ),
    Exercise(
        id="rates-3",
        label="ex-when-two-choose",
        chapter=_CHAPTER,
        title="When do two units choose?",
        kind="derivation",
        difficulty=2,
        importance=4,
        minutes=15,
        rubric=(
            "Nothing, or a statement about the numbers of this page only.",
            "The sum and the difference are found to be eigenvectors, or both eigenvalues are "
            "given without a reason.",
            "Both eigenvalues are derived, and so is the condition under which only the "
            "difference grows; one of the two limits is missing or unexplained.",
            "In addition, both limits are explained in words: below the first nothing is chosen, "
            "above the second the sum grows as well, and the time constant of the choice is given.",
        ),
    ),
    Exercise(
        id="rates-4",
        label="ex-longest-step",
        chapter=_CHAPTER,
        title="The longest step",
        kind="code",
        difficulty=3,
        importance=5,
        minutes=15,
        function="longest_step",
        arguments=("eigenvalues",),
        reference=functions.longest_step,
        cases=functions.spectra,
        example=(torch.tensor([-0.01 + 0j], dtype=torch.complex128),),
        wrong=(
            Wrong(
                "the direction that asks least",
                lambda z: float((-2 * z.real / z.abs() ** 2).max()),
                "Each eigenvalue allows its own steps. A step must suit all of them at once.",
                "Eigenvalues of a step",
            ),
            Wrong(
                "the slowest direction alone",
                lambda z: functions.longest_step(z[z.real.argmax()][None]),
                "The slowest decay need not be what asks most of a step. Look at the others.",
                "Eigenvalues of a step",
            ),
            Wrong(
                "the fastest rotation alone",
                lambda z: functions.longest_step(z[z.imag.abs().argmax()][None]),
                "A fast rotation that decays strongly may allow longer steps than a slow one.",
                "Eigenvalues of a step",
            ),
            Wrong(
                "the rotation forgotten",
                lambda z: float((-2 / z.real).min()),
                "This is right for real eigenvalues. How large is 1 + Δt λ for a complex one?",
                "Eigenvalues of a step",
            ),
            Wrong(
                "a circle around the origin",
                lambda z: float((2 / z.abs()).min()),
                "You made |Δt λ| small. What must be small is |1 + Δt λ|: a circle around −1.",
                "Eigenvalues of a step",
            ),
            Wrong(
                "a factor of two lost",
                lambda z: float((-z.real / z.abs() ** 2).min()),
                "Test your formula on the bare leak, where the limit is 2 τ.",
                "Euler and its limits",
            ),
            Wrong(
                "the stability of the equation",
                lambda z: float((-1 / z.real).min()),
                "These are time constants of the decay. The limit of Euler's method is another.",
                "What the eigenvalues mean",
            ),
        ),
        another=lambda z: min(
            2 * abs(value.real) / (value.real**2 + value.imag**2)
            for value in np.atleast_1d(np.asarray(z)).tolist()
        ),
    ),
    Exercise(
        id="rates-5",
        label="ex-network-size",
        chapter=_CHAPTER,
        title="Do larger networks become chaotic earlier?",
        kind="experiment",
        difficulty=2,
        importance=4,
        minutes=25,
        function="chaotic_share",
        arguments=("W", "strength"),
        reference=functions.chaotic_share,
        cases=functions.stacks,
        wrong=(
            Wrong(
                "a number of networks",
                lambda W, strength: int((exponents(W, strength) > 0.01).sum()),
                "A share is a part of all networks: between 0 and 1.",
                _CHAOS,
            ),
            Wrong(
                "percent",
                lambda W, strength: 100 * functions.chaotic_share(W, strength),
                "A share of one half is 0.5 here, not 50.",
                _CHAOS,
            ),
            Wrong(
                "the networks that are not chaotic",
                lambda W, strength: 1 - functions.chaotic_share(W, strength),
                "These are the others: the exponents that are *not* above 0.01.",
                _CHAOS,
            ),
            Wrong(
                "the strength left out",
                lambda W, strength: functions.chaotic_share(W, 1.0),
                "The matrices are those for strength 1. Does yours know another one?",
                _CHAOS,
            ),
            Wrong(
                "the strength twice",
                lambda W, strength: functions.chaotic_share(W, strength**2),
                "`largest_exponents` multiplies by the strength. Have you done so as well?",
                _CHAOS,
            ),
            Wrong(
                "every network that is not silent",
                lambda W, strength: float(
                    (strength * torch.linalg.eigvals(W).real.amax(dim=1) > 1).double().mean()
                ),
                "A rhythm may follow silence, or a state that stays. Compare the exponents.",
                _CHAOS,
            ),
            Wrong(
                "whether any of them is",
                lambda W, strength: float((exponents(W, strength) > 0.01).any()),
                "This says whether there is a chaotic one. How large a part of them is?",
                _CHAOS,
            ),
            Wrong(
                "whether all of them are",
                lambda W, strength: float((exponents(W, strength) > 0.01).all()),
                "This says whether all are chaotic. How large a part of them is?",
                _CHAOS,
            ),
            Wrong(
                "one network of the stack",
                lambda W, strength: float((exponents(W, strength)[0] > 0.01).double()),
                "This is the first network of the stack alone. Take the mean over all of them.",
                _CHAOS,
            ),
            Wrong(
                "the mean exponent",
                lambda W, strength: float(exponents(W, strength).mean()),
                "Compare each exponent with 0.01 first, and then take the mean.",
                _CHAOS,
            ),
        ),
        another=functions.chaotic_share_by_parting,
        rtol=1e-4,
        seconds=60.0,
        rubric=(
            "No measurement, or one network only.",
            "Shares for at least two sizes, without a prediction or with so few networks that "
            "the difference means nothing.",
            "A prediction, shares for three sizes with several networks each, and a comparison "
            "of the two.",
            "In addition: says how sure a share of so few networks is, and that the threshold of "
            "0.01 and the length of the run are choices.",
        ),
    ),
)
