r"""The leaky loops in words that Numba compiles: forwards, and backwards for learning.

    low-rank network   x_t = keep x_{t-1} + (s_t * (phi(x_{t-1}) R)) L + u_t B
    full network       x_t = keep x_{t-1} + phi(x_{t-1}) R + u_t B

A loop in Python over small tensors spends its time between the operations. Compiled, only the
arithmetic is left, and the states of some trials stay in the processor's fastest memory from one
step to the next.

Every array has a seed axis in front. The trials of a seed are cut into ``n_parts`` parts, and a
*job* is one part of one seed: job j is part ``j % n_parts`` of seed ``j // n_parts``. Jobs know
nothing of each other, so that threads can take some each. How the trials are cut does not depend
on the number of threads, and so nothing does that is computed here. (The gradients of the weights
of a full network and of gated ones are products of torch, which may sum in another order on more
threads.)

The K latent sums under their gains and the P inputs are the *sources* of a step, side by side, and
L and B one below the other its *factors*: x_t = keep x_{t-1} + sources_t factors.
"""

from __future__ import annotations

import numpy as np

from nmcourse.models.loops.kernels.arithmetic import (
    Array,
    add,
    add_product,
    add_scaled,
    apply,
    compiled,
    multiply,
    product,
    times_slope,
    total,
    trials_of,
)


@compiled
def low_rank(
    first: int,
    last: int,
    n_parts: int,
    keep: float,
    phi: int,
    start: Array,
    right: Array,
    gains: Array,
    factors: Array,
    latents: Array,
    sources: Array,
    states: Array,
) -> None:
    """The low-rank network.

    Args:
        first: first job.
        last: the job after the last one.
        n_parts: parts that the trials of a seed are cut into.
        keep: what one step leaves of the state.
        phi: ``TANH``, ``SIGMOID``, ``RELU`` or ``IDENTITY``.
        start: x_0, (seed, trial, N).
        right: R, (seed, N, K).
        gains: s, (seed, time, trial, K).
        factors: L above B, (seed, K + P, N).
        latents: room for phi(x) R before the gains, (seed, time, trial, K).
        sources: room for K numbers, then the inputs, (seed, time, trial, K + P).
        states: room for x_1 .. x_T, (seed, time, trial, N).
    """
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, start.shape[1])
        x = start[seed, some]
        rates = np.empty_like(x)
        for t in range(states.shape[1]):
            latent, source, new = (
                latents[seed, t, some],
                sources[seed, t, some],
                states[seed, t, some],
            )
            apply(phi, x, rates)
            product(rates, right[seed], latent)
            multiply(gains[seed, t, some], latent, source)
            product(source, factors[seed], new)
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
    right: Array,
    gains: Array,
    factors: Array,
    latents: Array,
    sources: Array,
    states: Array,
    grad_states: Array,
    grad_start: Array,
    grad_right: Array,
    grad_gains: Array,
    grad_factors: Array,
    grad_sources: Array,
) -> None:
    """From dL/dx to the gradients of all that ``low_rank`` was given, last step first.

    Args:
        first: as in ``low_rank``, as all that is not named here.
        last: see there.
        n_parts: see there.
        keep: see there.
        phi: see there.
        start: see there.
        right: see there.
        gains: see there.
        factors: see there.
        latents: see there.
        sources: see there.
        states: see there.
        grad_states: dL/dx_t of what the states are used for, (seed, time, trial, N).
        grad_start: zeros, as ``start``.
        grad_right: zeros, (job, N, K): the gradient of a weight is a sum over the trials.
        grad_gains: room, as ``gains``.
        grad_factors: zeros, (job, K + P, N).
        grad_sources: room, as ``sources``.
    """
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, start.shape[1])
        after = grad_start[seed, some]  # what step t + 1 sends back to x_t
        grad, rates = np.empty_like(after), np.empty_like(after)
        grad_latent = np.empty_like(latents[seed, 0, some])
        for t in range(states.shape[1] - 1, -1, -1):
            grad_source = grad_sources[seed, t, some]
            total(grad_states[seed, t, some], after, grad)
            add_product(sources[seed, t, some].T, grad, grad_factors[job])
            product(grad, factors[seed].T, grad_source)
            multiply(latents[seed, t, some], grad_source, grad_gains[seed, t, some])
            multiply(gains[seed, t, some], grad_source, grad_latent)
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
            add(recurrent, new)
            add_scaled(keep, x, new)
            x = new


@compiled
def full_back(
    first: int,
    last: int,
    n_parts: int,
    keep: float,
    phi: int,
    left: Array,
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
        left: R^T, (seed, N, N): laid out like this, the products are faster.
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
            product(grad, left[seed], after)
            times_slope(phi, rates[seed, t, some], after)
            add_scaled(keep, grad, after)
