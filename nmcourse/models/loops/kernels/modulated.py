r"""An NM-RNN in words that Numba compiles: modulator and output network step by step.

    p_t = g R^T phi(x_{t-1})                       q_t = f + F phi(x_{t-1})
    z_t = keep_z z_{t-1} + alpha_z (W phi(z_{t-1}) + V [u_t, context_t] + q_t)
    s_t = sigma(A z_t + b)
    x_t = keep_x x_{t-1} + alpha_x [L, B] (s_t * [p_t, u_t])
    y_t = C x_t

The K latent sums p, the inputs u and the context are the *sources* of a step, and the columns of
L and B, as rows, its *factors*. The first sources are multiplied by as many gains as there are.
Without feedback F has no row; without a modulator z and s have none, and what is left is a low-rank
network. Jobs are those of ``leaky``.

Arrays over units are (trial, N), arrays over few numbers (number, trial): so the processor always
finds many neighbours to treat alike. What lies between units and numbers is a product of the linear
algebra library, and what lies between few numbers a loop: to call the library would take longer.
"""

from __future__ import annotations

import numpy as np

from nmcourse.models.loops.kernels.arithmetic import (
    Array,
    add,
    add_product,
    add_scaled,
    add_scaled_row,
    apply,
    compiled,
    dot,
    fill,
    keep_and_add,
    mix,
    multiply,
    multiply_by,
    product,
    scale_by,
    scaled,
    sum_of,
    times_slope,
    trials_of,
)


@compiled
def spread(values: Array, weights: Array, out: Array) -> None:
    """Give out = out + values^T weights, from few numbers (number, trial) to units (trial, N)."""
    for k in range(values.shape[0]):
        for i in range(out.shape[0]):
            add_scaled_row(values[k, i], weights[k], out[i])


@compiled
def add_mixture(weights: Array, values: Array, out: Array) -> None:
    """Give out = out + weights values, from few numbers (number, trial) to few."""
    for m in range(out.shape[0]):
        for j in range(values.shape[0]):
            add_scaled_row(weights[m, j], values[j], out[m])


@compiled
def add_gradient(grads: Array, values: Array, out: Array) -> None:
    """Give out = out + grads values^T, the gradient of such weights."""
    for m in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[m, j] += dot(grads[m], values[j])


@compiled
def fill_rows(value: Array, out: Array) -> None:
    """Give every row of ``out`` its value."""
    for m in range(out.shape[0]):
        for i in range(out.shape[1]):
            out[m, i] = value[m]


@compiled
def add_row_sums(a: Array, out: Array) -> None:
    """Give out = out + the sum of each row."""
    for m in range(a.shape[0]):
        out[m] += sum_of(a[m])


@compiled
def modulated(
    first: int,
    last: int,
    n_parts: int,
    keep_x: float,
    keep_z: float,
    alpha_x: float,
    alpha_z: float,
    scale: float,
    phi: int,
    sigma: int,
    n_scaled: int,
    start_x: Array,
    start_z: Array,
    right: Array,
    feedback: Array,
    feedback_bias: Array,
    recurrent: Array,
    channel_weights: Array,
    gain_weights: Array,
    gain_bias: Array,
    factors: Array,
    readout: Array,
    sources: Array,
    x: Array,
    z: Array,
    s: Array,
    y: Array,
) -> None:
    """States, modulator states, gains and readout of whole trials.

    Args:
        first: first job.
        last: the job after the last one.
        n_parts: parts that the trials of a seed are cut into.
        keep_x: what one step leaves of x.
        keep_z: what one step leaves of z.
        alpha_x: dt / tau of x.
        alpha_z: dt / tau of z.
        scale: g.
        phi: number of the nonlinearity of both networks.
        sigma: number of the nonlinearity of the gains.
        n_scaled: how many sources have a gain.
        start_x: x_0, (seed, trial, N).
        start_z: z_0, (seed, M, trial).
        right: R^T, (seed, K, N).
        feedback: F, (seed, M, N) or (seed, 0, N).
        feedback_bias: f, (seed, M).
        recurrent: W, (seed, M, M).
        channel_weights: V, (seed, M, P + contexts).
        gain_weights: A, (seed, gains, M).
        gain_bias: b, (seed, gains).
        factors: L^T above B^T, (seed, K + P, N).
        readout: C, (seed, O, N).
        sources: room for p, then u and context, (seed, time, K + P + contexts, trial).
        x: room for (seed, time, trial, N).
        z: room for (seed, time, M, trial).
        s: room for (seed, time, gains, trial).
        y: room for (seed, time, O, trial).
    """
    rank, n_factors = right.shape[1], factors.shape[1]
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, start_x.shape[1])
        x_now, z_now = start_x[seed, some], start_z[job]
        rates, z_rates, drive = np.empty_like(x_now), np.empty_like(z_now), np.empty_like(z_now)
        summed = np.empty_like(s[job, 0])
        under_gains = np.empty_like(sources[job, 0, :n_factors])
        for t in range(x.shape[1]):
            source, gain = sources[job, t], s[job, t]
            x_new, z_new = x[seed, t, some], z[job, t]
            apply(phi, x_now, rates)
            product(right[seed], rates.T, source[:rank])
            scale_by(scale, source[:rank])
            fill_rows(feedback_bias[seed], drive)
            if feedback.shape[1]:
                add_product(feedback[seed], rates.T, drive)
            apply(phi, z_now, z_rates)
            add_mixture(recurrent[seed], z_rates, drive)
            add_mixture(channel_weights[seed], source[rank:], drive)
            mix(keep_z, z_now, alpha_z, drive, z_new)

            fill_rows(gain_bias[seed], summed)
            add_mixture(gain_weights[seed], z_new, summed)
            apply(sigma, summed, gain)

            scaled(alpha_x, source[:n_factors], under_gains)
            multiply_by(gain[:n_scaled], under_gains[:n_scaled])
            product(under_gains.T, factors[seed], x_new)
            add_scaled(keep_x, x_now, x_new)
            product(readout[seed], x_new.T, y[job, t])
            x_now, z_now = x_new, z_new


@compiled
def modulated_back(
    first: int,
    last: int,
    n_parts: int,
    keep_x: float,
    keep_z: float,
    alpha_x: float,
    alpha_z: float,
    scale: float,
    phi: int,
    sigma: int,
    n_scaled: int,
    start_x: Array,
    start_z: Array,
    right: Array,
    feedback: Array,
    feedback_bias: Array,
    recurrent: Array,
    channel_weights: Array,
    gain_weights: Array,
    gain_bias: Array,
    factors: Array,
    readout: Array,
    sources: Array,
    x: Array,
    z: Array,
    s: Array,
    grad_x: Array,
    grad_z: Array,
    grad_s: Array,
    grad_y: Array,
    of_start_x: Array,
    of_start_z: Array,
    of_right: Array,
    of_feedback: Array,
    of_feedback_bias: Array,
    of_recurrent: Array,
    of_channel_weights: Array,
    of_gain_weights: Array,
    of_gain_bias: Array,
    of_factors: Array,
    of_readout: Array,
    of_sources: Array,
) -> None:
    """From the gradients of x, z, s and y to those of all that ``modulated`` was given.

    Args:
        first: as in ``modulated``, as all that is not named here.
        last: see there.
        n_parts: see there.
        keep_x: see there.
        keep_z: see there.
        alpha_x: see there.
        alpha_z: see there.
        scale: see there.
        phi: see there.
        sigma: see there.
        n_scaled: see there.
        start_x: see there.
        start_z: see there.
        right: see there.
        feedback: see there.
        feedback_bias: see there.
        recurrent: see there.
        channel_weights: see there.
        gain_weights: see there.
        gain_bias: see there.
        factors: see there.
        readout: see there.
        sources: see there.
        x: see there.
        z: see there.
        s: see there.
        grad_x: dL/dx_t of what the states are used for besides y, (seed, time, trial, N), or an
            array without an entry, as the next two.
        grad_z: the same for the modulator, (seed, time, M, trial).
        grad_s: the same for the gains, (seed, time, gains, trial).
        grad_y: dL/dy_t, (seed, time, O, trial).
        of_start_x: zeros, as ``start_x``.
        of_start_z: zeros, as ``start_z``.
        of_right: zeros, (job, ...): the gradient of a weight is a sum over the trials.
        of_feedback: zeros, (job, ...), as all that follow but the last.
        of_feedback_bias: zeros.
        of_recurrent: zeros.
        of_channel_weights: zeros.
        of_gain_weights: zeros.
        of_gain_bias: zeros.
        of_factors: zeros.
        of_readout: zeros.
        of_sources: room, as ``sources``.
    """
    rank, n_factors = right.shape[1], factors.shape[1]
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, start_x.shape[1])
        # what step t + 1 sends back, and then the gradient of step t
        of_x, of_z = of_start_x[seed, some], of_start_z[job]
        rates, back = np.empty_like(of_x), np.empty_like(of_x)
        z_rates, z_back, drive = np.empty_like(of_z), np.empty_like(of_z), np.empty_like(of_z)
        under_gains, of_gain = np.empty_like(sources[job, 0, :n_factors]), np.empty_like(s[job, 0])
        for t in range(x.shape[1] - 1, -1, -1):
            source, gain, of_source = sources[job, t], s[job, t], of_sources[job, t]
            of_y = grad_y[job, t]
            add_product(of_y, x[seed, t, some], of_readout[job])
            spread(of_y, readout[seed], of_x)
            if grad_x.size:
                add(grad_x[seed, t, some], of_x)
            scaled(alpha_x, source[:n_factors], under_gains)
            multiply_by(gain[:n_scaled], under_gains[:n_scaled])
            add_product(under_gains, of_x, of_factors[job])
            product(factors[seed], of_x.T, of_source[:n_factors])
            scale_by(alpha_x, of_source[:n_factors])
            fill(0, of_source[n_factors:])

            fill(0, of_gain)
            multiply(source[:n_scaled], of_source[:n_scaled], of_gain[:n_scaled])
            multiply_by(gain[:n_scaled], of_source[:n_scaled])
            if grad_s.size:
                add(grad_s[job, t], of_gain)
            times_slope(sigma, gain, of_gain)
            add_gradient(of_gain, z[job, t], of_gain_weights[job])
            add_row_sums(of_gain, of_gain_bias[job])
            add_mixture(gain_weights[seed].T, of_gain, of_z)
            if grad_z.size:
                add(grad_z[job, t], of_z)

            scaled(alpha_z, of_z, drive)
            add_row_sums(drive, of_feedback_bias[job])
            add_gradient(drive, source[rank:], of_channel_weights[job])
            add_mixture(channel_weights[seed].T, drive, of_source[rank:])
            apply(phi, z[job, t - 1] if t else start_z[job], z_rates)
            add_gradient(drive, z_rates, of_recurrent[job])
            fill(0, z_back)
            add_mixture(recurrent[seed].T, drive, z_back)
            times_slope(phi, z_rates, z_back)
            keep_and_add(keep_z, z_back, of_z)

            # computed again: to keep all rates would cost more than this
            apply(phi, x[seed, t - 1, some] if t else start_x[seed, some], rates)
            scale_by(scale, of_source[:rank])
            add_product(of_source[:rank], rates, of_right[job])
            product(of_source[:rank].T, right[seed], back)
            if feedback.shape[1]:
                add_product(drive, rates, of_feedback[job])
                add_product(drive.T, feedback[seed], back)
            times_slope(phi, rates, back)
            keep_and_add(keep_x, back, of_x)
