r"""An NM-RNN in words that Numba compiles: modulator and output network step by step.

    [p, q]_t = phi(x_{t-1}) R                                R = [R_p] or [R_p, F^T]
    z_t = keep_z z_{t-1} + phi(z_{t-1}) W + c_t V (+ q_t)
    s_t = sigma(z_t A + b)
    x_t = keep_x x_{t-1} + (s_t * [p_t, u_t]) [L; B]
    y_t = x_t C

The K latent sums p and the inputs u are the *sources* of a step, and [L; B] its *factors*. The
first ``n_scaled`` sources are multiplied by as many gains. Without feedback R has K columns; with
it M more, which carry q to the modulator. Jobs are those of ``leaky``.
"""

from __future__ import annotations

import numpy as np

from nmcourse.models.loops.kernels.arithmetic import (
    Array,
    add_product,
    add_scaled,
    add_sums,
    apply,
    compiled,
    copy,
    product,
    times_slope,
    total,
    trials_of,
)


@compiled
def under_gains(source: Array, gain: Array, n_scaled: int, out: Array) -> None:
    """Give out = source, its first entries times as many gains."""
    for i in range(source.shape[0]):
        for k in range(n_scaled):
            out[i, k] = gain[i, k] * source[i, k]
        for k in range(n_scaled, source.shape[1]):
            out[i, k] = source[i, k]


@compiled
def add_row(row: Array, out: Array) -> None:
    """Give out = out + row, the same for every trial."""
    for i in range(out.shape[0]):
        for k in range(out.shape[1]):
            out[i, k] += row[k]


@compiled
def modulated(
    first: int,
    last: int,
    n_parts: int,
    keep_x: float,
    keep_z: float,
    phi: int,
    sigma: int,
    rank: int,
    n_scaled: int,
    start_x: Array,
    start_z: Array,
    channels: Array,
    channel_weights: Array,
    right: Array,
    recurrent: Array,
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
    """States, modulator states and gains of whole trials.

    Args:
        first: first job.
        last: the job after the last one.
        n_parts: parts that the trials of a seed are cut into.
        keep_x: what one step leaves of x.
        keep_z: what one step leaves of z.
        phi: number of the nonlinearity of both networks.
        sigma: number of the nonlinearity of the gains.
        rank: K.
        n_scaled: how many sources have a gain.
        start_x: x_0, (seed, trial, N).
        start_z: z_0, (seed, trial, M).
        channels: c, what the modulator sees, (seed, time, trial, channel).
        channel_weights: V, (seed, channel, M).
        right: R, (seed, N, K) or (seed, N, K + M).
        recurrent: W, (seed, M, M).
        gain_weights: A, (seed, M, gains).
        gain_bias: b, (seed, gains).
        factors: L above B, (seed, K + P, N).
        readout: C, (seed, N, O).
        sources: room for p, then the inputs, (seed, time, trial, K + P).
        x: room for (seed, time, trial, N).
        z: room for (seed, time, trial, M).
        s: room for (seed, time, trial, gains).
        y: room for (seed, time, trial, O).
    """
    n_units, n_heard = start_z.shape[2], right.shape[2]
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, start_x.shape[1])
        x_now, z_now = start_x[seed, some], start_z[seed, some]
        rates, z_rates, change = np.empty_like(x_now), np.empty_like(z_now), np.empty_like(z_now)
        heard = np.empty((x_now.shape[0], n_heard), x.dtype)
        scaled = np.empty_like(sources[seed, 0, some])
        for t in range(x.shape[1]):
            apply(phi, x_now, rates)
            apply(phi, z_now, z_rates)
            product(rates, right[seed], heard)
            product(z_rates, recurrent[seed], change)
            if n_heard > rank:
                copy(heard, rank, z_rates, 0, n_units)
                total(z_rates, change, change)

            z_new, gain = z[seed, t, some], s[seed, t, some]
            product(channels[seed, t, some], channel_weights[seed], z_new)
            total(z_new, change, z_new)
            add_scaled(keep_z, z_now, z_new)
            product(z_new, gain_weights[seed], gain)
            add_row(gain_bias[seed], gain)
            apply(sigma, gain, gain)

            source, x_new = sources[seed, t, some], x[seed, t, some]
            copy(heard, 0, source, 0, rank)
            under_gains(source, gain, n_scaled, scaled)
            product(scaled, factors[seed], x_new)
            add_scaled(keep_x, x_now, x_new)
            product(x_new, readout[seed], y[seed, t, some])
            x_now, z_now = x_new, z_new


@compiled
def modulated_back(
    first: int,
    last: int,
    n_parts: int,
    keep_x: float,
    keep_z: float,
    phi: int,
    sigma: int,
    rank: int,
    n_scaled: int,
    start_x: Array,
    start_z: Array,
    channels: Array,
    channel_weights: Array,
    right: Array,
    recurrent: Array,
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
    grad_start_x: Array,
    grad_start_z: Array,
    grad_channels: Array,
    grad_channel_weights: Array,
    grad_right: Array,
    grad_recurrent: Array,
    grad_gain_weights: Array,
    grad_gain_bias: Array,
    grad_factors: Array,
    grad_readout: Array,
    grad_sources: Array,
) -> None:
    """From the gradients of x, z and s to those of all that ``modulated`` was given.

    Args:
        first: as in ``modulated``, as all that is not named here.
        last: see there.
        n_parts: see there.
        keep_x: see there.
        keep_z: see there.
        phi: see there.
        sigma: see there.
        rank: see there.
        n_scaled: see there.
        start_x: see there.
        start_z: see there.
        channels: see there.
        channel_weights: see there.
        right: see there.
        recurrent: see there.
        gain_weights: see there.
        gain_bias: see there.
        factors: see there.
        readout: see there.
        sources: see there.
        x: see there.
        z: see there.
        s: see there.
        grad_x: dL/dx_t of what the states are used for besides y, (seed, time, trial, N), or an
            array without an entry.
        grad_z: the same for the modulator.
        grad_s: the same for the gains.
        grad_y: dL/dy_t, (seed, time, trial, O).
        grad_start_x: zeros, as ``start_x``.
        grad_start_z: zeros, as ``start_z``.
        grad_channels: room, as ``channels``.
        grad_channel_weights: zeros, (job, ...): the gradient of a weight is a sum over the trials.
        grad_right: zeros, (job, ...).
        grad_recurrent: zeros, (job, ...).
        grad_gain_weights: zeros, (job, ...).
        grad_gain_bias: zeros, (job, ...).
        grad_factors: zeros, (job, ...).
        grad_readout: zeros, (job, ...).
        grad_sources: room, as ``sources``.
    """
    n_units, n_heard = start_z.shape[2], right.shape[2]
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, start_x.shape[1])
        after_x, after_z = grad_start_x[seed, some], grad_start_z[seed, some]
        of_x, rates = np.empty_like(after_x), np.empty_like(after_x)
        of_z, z_rates = np.empty_like(after_z), np.empty_like(after_z)
        heard = np.empty((after_x.shape[0], n_heard), x.dtype)
        scaled, of_gain = np.empty_like(sources[seed, 0, some]), np.empty_like(s[seed, 0, some])
        for t in range(x.shape[1] - 1, -1, -1):
            gain, source, z_new = s[seed, t, some], sources[seed, t, some], z[seed, t, some]
            of_source = grad_sources[seed, t, some]

            product(grad_y[seed, t, some], readout[seed].T, of_x)
            add_product(x[seed, t, some].T, grad_y[seed, t, some], grad_readout[job])
            total(of_x, after_x, of_x)
            if grad_x.size:
                total(of_x, grad_x[seed, t, some], of_x)
            under_gains(source, gain, n_scaled, scaled)
            add_product(scaled.T, of_x, grad_factors[job])
            product(of_x, factors[seed].T, of_source)
            copy(grad_s[seed, t, some], 0, of_gain, 0, gain.shape[1])
            for i in range(gain.shape[0]):
                for k in range(n_scaled):
                    of_gain[i, k] += of_source[i, k] * source[i, k]
            under_gains(of_source, gain, n_scaled, of_source)

            times_slope(sigma, gain, of_gain)
            add_product(z_new.T, of_gain, grad_gain_weights[job])
            add_sums(of_gain, grad_gain_bias[job])
            product(of_gain, gain_weights[seed].T, of_z)
            total(of_z, after_z, of_z)
            total(of_z, grad_z[seed, t, some], of_z)
            add_product(channels[seed, t, some].T, of_z, grad_channel_weights[job])
            product(of_z, channel_weights[seed].T, grad_channels[seed, t, some])

            copy(of_source, 0, heard, 0, rank)
            if n_heard > rank:
                copy(of_z, 0, heard, rank, n_units)
            # computed again: to keep all rates would cost more than this
            apply(phi, x[seed, t - 1, some] if t else start_x[seed, some], rates)
            add_product(rates.T, heard, grad_right[job])
            product(heard, right[seed].T, after_x)
            times_slope(phi, rates, after_x)
            add_scaled(keep_x, of_x, after_x)

            apply(phi, z[seed, t - 1, some] if t else start_z[seed, some], z_rates)
            add_product(z_rates.T, of_z, grad_recurrent[job])
            product(of_z, recurrent[seed].T, after_z)
            times_slope(phi, z_rates, after_z)
            add_scaled(keep_z, of_z, after_z)
