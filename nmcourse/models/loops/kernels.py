r"""The leaky loops in words that Numba compiles: forwards, and backwards for learning.

    low-rank network   x_t = keep x_{t-1} + (s_t * (phi(x_{t-1}) R)) L + u_t B
    full network       x_t = keep x_{t-1} + phi(x_{t-1}) R + u_t B

A loop in Python over small tensors spends its time between the operations. Compiled, only the
arithmetic is left, and the states of some trials stay in the processor's fastest memory from one
step to the next.

Every array has a seed axis in front. The trials of a seed are cut into ``n_parts`` parts, and a
*job* is one part of one seed: job j is part ``j % n_parts`` of seed ``j // n_parts``. Jobs know
nothing of each other, so that threads can take some each. How the trials are cut does not depend
on the number of threads, and so no result does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import overload
from numpy.typing import NDArray

Array = NDArray[Any]

TANH, SIGMOID, RELU, IDENTITY = range(4)

# Sums may be taken in any order, so that the processor adds eight or sixteen numbers at a time.
# What is not a number stays one: training has to see that it diverged.
ANY_ORDER = {"reassoc", "contract", "arcp", "nsz"}

# tanh(x) = x P(x^2) / Q(x^2) to the last digits of single precision; +-1 beyond the limit. (The
# coefficients are those of Eigen, MPL 2.0.) Unlike a call of the C library, it is arithmetic only.
_P = tuple(
    np.float32(c)
    for c in (
        *(-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11),
        *(5.12229709037114e-08, 1.48572235717979e-05, 6.37261928875436e-04),
        4.89352455891786e-03,
    )
)
_Q = tuple(
    np.float32(c)
    for c in (
        1.19825839466702e-06,
        1.18534705686654e-04,
        2.26843463243900e-03,
        4.89352518554385e-03,
    )
)
_LIMIT = np.float32(7.90531110763549805)


def compiled(function: Callable[..., Any]) -> Any:
    """``function`` compiled at its first call, and kept on disk where that is possible."""
    options: Any = {"nogil": True, "error_model": "numpy", "fastmath": ANY_ORDER}
    try:
        return numba.njit(function, cache=True, **options)
    except RuntimeError:  # no folder to write to: compiled once in each process
        return numba.njit(function, **options)


def tanh(x: Any) -> Any:
    """Hyperbolic tangent of one number, in its own precision; in compiled functions only."""
    raise NotImplementedError


@overload(tanh, jit_options={"fastmath": ANY_ORDER})
def _tanh(x: Any) -> Any:
    def double(x: Any) -> Any:
        return math.tanh(x)

    def single(x: Any) -> Any:
        x = _LIMIT if x > _LIMIT else x
        x = -_LIMIT if x < -_LIMIT else x
        s, p, q = x * x, _P[0], _Q[0]
        p = ((((((p * s + _P[1]) * s + _P[2]) * s + _P[3]) * s + _P[4]) * s + _P[5]) * s) + _P[6]
        q = ((q * s + _Q[1]) * s + _Q[2]) * s + _Q[3]
        return x * p / q

    return single if x == types.float32 else double


@compiled
def apply(phi: int, x: Array, out: Array) -> None:
    """Give out = phi(x)."""
    zero, half = x.dtype.type(0), x.dtype.type(0.5)
    for i in range(x.shape[0]):
        if phi == TANH:
            for n in range(x.shape[1]):
                out[i, n] = tanh(x[i, n])
        elif phi == SIGMOID:
            for n in range(x.shape[1]):
                out[i, n] = half + half * tanh(half * x[i, n])
        elif phi == RELU:
            for n in range(x.shape[1]):
                out[i, n] = zero if x[i, n] < zero else x[i, n]
        else:  # entry by entry, as everywhere here: to compile out[i] = x[i] takes seconds
            for n in range(x.shape[1]):
                out[i, n] = x[i, n]


@compiled
def times_slope(phi: int, r: Array, grad: Array) -> None:
    """Give grad = grad * phi'(x), where r = phi(x)."""
    zero, one = r.dtype.type(0), r.dtype.type(1)
    for i in range(r.shape[0]):
        if phi == TANH:
            for n in range(r.shape[1]):
                grad[i, n] *= one - r[i, n] * r[i, n]
        elif phi == SIGMOID:
            for n in range(r.shape[1]):
                grad[i, n] *= r[i, n] * (one - r[i, n])
        elif phi == RELU:
            for n in range(r.shape[1]):
                grad[i, n] *= one if r[i, n] > zero else zero


@compiled
def product(a: Array, b: Array, out: Array) -> None:
    """Give out = a b, the matrix product, by the linear algebra library."""
    np.dot(a, b, out)


@compiled
def multiply(a: Array, b: Array, out: Array) -> None:
    """Give out = a * b, entry by entry."""
    for i in range(a.shape[0]):
        for n in range(a.shape[1]):
            out[i, n] = a[i, n] * b[i, n]


@compiled
def total(a: Array, b: Array, out: Array) -> None:
    """Give out = a + b."""
    for i in range(a.shape[0]):
        for n in range(a.shape[1]):
            out[i, n] = a[i, n] + b[i, n]


@compiled
def add_scaled(scale: float, a: Array, out: Array) -> None:
    """Give out = out + scale * a."""
    for i in range(a.shape[0]):
        for n in range(a.shape[1]):
            out[i, n] += scale * a[i, n]


@compiled
def add_product(a: Array, b: Array, out: Array) -> None:
    """Give out = out + a b."""
    rows = np.empty_like(out)
    product(a, b, rows)
    total(out, rows, out)


@compiled
def trials_of(job: int, n_parts: int, n_trials: int) -> slice:
    """The trials of a job."""
    part = job % n_parts
    return slice(part * n_trials // n_parts, (part + 1) * n_trials // n_parts)


@compiled
def low_rank(
    first: int,
    last: int,
    n_parts: int,
    keep: float,
    phi: int,
    start: Array,
    inputs: Array,
    weights: Array,
    right: Array,
    left: Array,
    gains: Array,
    latents: Array,
    states: Array,
) -> None:
    """The low-rank network: fills ``latents``, phi(x) R before the gains, and ``states``.

    Args:
        first: first job.
        last: the job after the last one.
        n_parts: parts that the trials of a seed are cut into.
        keep: what one step leaves of the state.
        phi: ``TANH``, ``SIGMOID``, ``RELU`` or ``IDENTITY``.
        start: x_0, (seed, trial, N).
        inputs: u, (seed, time, trial, P).
        weights: B, (seed, P, N).
        right: R, (seed, N, K).
        left: L, (seed, K, N).
        gains: s, (seed, time, trial, K).
        latents: room for (seed, time, trial, K).
        states: room for x_1 .. x_T, (seed, time, trial, N).
    """
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, start.shape[1])
        x = start[seed, some]
        rates, recurrent = np.empty_like(x), np.empty_like(x)
        scaled = np.empty_like(latents[seed, 0, some])
        for t in range(states.shape[1]):
            latent, new = latents[seed, t, some], states[seed, t, some]
            apply(phi, x, rates)
            product(rates, right[seed], latent)
            multiply(gains[seed, t, some], latent, scaled)
            product(scaled, left[seed], recurrent)
            product(inputs[seed, t, some], weights[seed], new)
            total(new, recurrent, new)
            add_scaled(keep, x, new)
            x = new


@compiled
def low_rank_back(
    first: int,
    last: int,
    n_parts: int,
    keep: float,
    phi: int,
    start: Array,
    inputs: Array,
    weights: Array,
    right: Array,
    left: Array,
    gains: Array,
    latents: Array,
    states: Array,
    grad_states: Array,
    grad_start: Array,
    grad_inputs: Array,
    grad_weights: Array,
    grad_right: Array,
    grad_left: Array,
    grad_gains: Array,
) -> None:
    """From dL/dx to the gradients of all that ``low_rank`` was given, last step first.

    Args:
        first: as in ``low_rank``, as all that follows up to ``states``.
        last: see there.
        n_parts: see there.
        keep: see there.
        phi: see there.
        start: see there.
        inputs: see there.
        weights: see there.
        right: see there.
        left: see there.
        gains: see there.
        latents: see there.
        states: see there.
        grad_states: dL/dx_t of what the states are used for, (seed, time, trial, N).
        grad_start: zeros, as ``start``.
        grad_inputs: room, as ``inputs``.
        grad_weights: zeros, (job, P, N): the gradient of a weight is a sum over the trials.
        grad_right: zeros, (job, N, K).
        grad_left: zeros, (job, K, N).
        grad_gains: room, as ``gains``.
    """
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, start.shape[1])
        after = grad_start[seed, some]  # what step t + 1 sends back to x_t
        grad, rates = np.empty_like(after), np.empty_like(after)
        scaled = np.empty_like(latents[seed, 0, some])
        grad_latent = np.empty_like(scaled)
        for t in range(states.shape[1] - 1, -1, -1):
            gain, latent = gains[seed, t, some], latents[seed, t, some]
            total(grad_states[seed, t, some], after, grad)
            add_product(inputs[seed, t, some].T, grad, grad_weights[job])
            product(grad, weights[seed].T, grad_inputs[seed, t, some])

            multiply(gain, latent, scaled)
            add_product(scaled.T, grad, grad_left[job])
            product(grad, left[seed].T, grad_latent)
            multiply(grad_latent, latent, grad_gains[seed, t, some])
            multiply(grad_latent, gain, grad_latent)

            # computed again: to keep all rates would cost more than this
            apply(phi, states[seed, t - 1, some] if t else start[seed, some], rates)
            add_product(rates.T, grad_latent, grad_right[job])
            product(grad_latent, right[seed].T, after)
            times_slope(phi, rates, after)
            add_scaled(keep, grad, after)


@compiled
def full(
    first: int,
    last: int,
    n_parts: int,
    keep: float,
    phi: int,
    start: Array,
    inputs: Array,
    weights: Array,
    right: Array,
    rates: Array,
    states: Array,
) -> None:
    """The full network: fills ``rates``, phi(x_0) .. phi(x_{T-1}), and ``states``.

    Args:
        first: as in ``low_rank``, as all that is not named here.
        last: see there.
        n_parts: see there.
        keep: see there.
        phi: see there.
        start: see there.
        inputs: see there.
        weights: see there.
        right: recurrent weights, (seed, N, N).
        rates: room for (seed, time, trial, N).
        states: see there.
    """
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, start.shape[1])
        x = start[seed, some]
        recurrent = np.empty_like(x)
        for t in range(states.shape[1]):
            rate, new = rates[seed, t, some], states[seed, t, some]
            apply(phi, x, rate)
            product(rate, right[seed], recurrent)
            product(inputs[seed, t, some], weights[seed], new)
            total(new, recurrent, new)
            add_scaled(keep, x, new)
            x = new


@compiled
def full_back(
    first: int,
    last: int,
    n_parts: int,
    keep: float,
    phi: int,
    right: Array,
    rates: Array,
    grad_states: Array,
    grads: Array,
    grad_start: Array,
) -> None:
    """From dL/dx to ``grads``, what each step receives in all; the last step comes first.

    The gradients of the weights are one product each of ``grads``, after the loop.

    Args:
        first: as in ``full``, as all that is not named here.
        last: see there.
        n_parts: see there.
        keep: see there.
        phi: see there.
        right: see there.
        rates: see there.
        grad_states: dL/dx_t of what the states are used for, (seed, time, trial, N).
        grads: room, as ``grad_states``.
        grad_start: zeros, as ``start``.
    """
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, grad_start.shape[1])
        after = grad_start[seed, some]
        for t in range(grads.shape[1] - 1, -1, -1):
            grad = grads[seed, t, some]
            total(grad_states[seed, t, some], after, grad)
            product(grad, right[seed].T, after)
            times_slope(phi, rates[seed, t, some], after)
            add_scaled(keep, grad, after)
