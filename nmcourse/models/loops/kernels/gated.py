r"""LSTM and GRU in words that Numba compiles: forwards, and backwards for learning.

    LSTM   i, f, o = sigma(u_t W + h_{t-1} V), one block of columns each;  g = tanh(..) of its own
           c_t = f c_{t-1} + i g                              h_t = o tanh(c_t)
    GRU    r, v = sigma(u_t W + h_{t-1} V)                    m = h_{t-1} V_m + a
           g = tanh(u_t W_g + r m)                            h_t = v h_{t-1} + (1 - v) g

A bias is the weight of one more input, which is always 1. Jobs are those of ``leaky``. The
gradients of the weights are one product each of what the steps send back, after the loop.
"""

from __future__ import annotations

import numpy as np

from nmcourse.models.loops.kernels.arithmetic import (
    TANH,
    Array,
    apply,
    compiled,
    copy,
    product,
    sigmoid,
    tanh,
    total,
    trials_of,
)


@compiled
def sigmoids(gate: Array, first: int, last: int) -> None:
    """Replace some columns by their sigmoid."""
    half = gate.dtype.type(0.5)
    for k in range(gate.shape[0]):
        for n in range(first, last):
            gate[k, n] = sigmoid(half, gate[k, n])


@compiled
def lstm(
    first: int,
    last: int,
    n_parts: int,
    start_h: Array,
    start_c: Array,
    inputs: Array,
    weights: Array,
    recurrent: Array,
    gates: Array,
    c: Array,
    h: Array,
) -> None:
    """The LSTM.

    Args:
        first: first job.
        last: the job after the last one.
        n_parts: parts that the trials of a seed are cut into.
        start_h: h_0, (seed, trial, N).
        start_c: c_0, (seed, trial, N).
        inputs: u, (seed, time, trial, P).
        weights: W, (seed, P, 4N), blocks in the order i, f, g, o.
        recurrent: V, (seed, N, 4N).
        gates: room for i, f, g, o, (seed, time, trial, 4N).
        c: room for (seed, time, trial, N).
        h: room for (seed, time, trial, N).
    """
    n_units = start_h.shape[2]
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, start_h.shape[1])
        h_now, c_now = start_h[seed, some], start_c[seed, some]
        of_h = np.empty_like(gates[seed, 0, some])
        for t in range(h.shape[1]):
            gate, h_new, c_new = gates[seed, t, some], h[seed, t, some], c[seed, t, some]
            product(inputs[seed, t, some], weights[seed], gate)
            product(h_now, recurrent[seed], of_h)
            total(gate, of_h, gate)
            sigmoids(gate, 0, 2 * n_units)
            sigmoids(gate, 3 * n_units, 4 * n_units)
            for k in range(h_new.shape[0]):
                for n in range(2 * n_units, 3 * n_units):
                    gate[k, n] = tanh(gate[k, n])
                for n in range(n_units):
                    i, f, g = gate[k, n], gate[k, n_units + n], gate[k, 2 * n_units + n]
                    c_new[k, n] = f * c_now[k, n] + i * g
                for n in range(n_units):
                    h_new[k, n] = gate[k, 3 * n_units + n] * tanh(c_new[k, n])
            h_now, c_now = h_new, c_new


@compiled
def lstm_back(
    first: int,
    last: int,
    n_parts: int,
    start_c: Array,
    recurrent: Array,
    gates: Array,
    c: Array,
    grad_c: Array,
    grad_h: Array,
    grads: Array,
    grad_start_h: Array,
    grad_start_c: Array,
) -> None:
    """From dL/dh and dL/dc to ``grads``, those of the sums inside the gates.

    Args:
        first: as in ``lstm``, as all that is not named here.
        last: see there.
        n_parts: see there.
        start_c: see there.
        recurrent: see there.
        gates: see there.
        c: see there.
        grad_c: of what the cells are used for, (seed, time, trial, N).
        grad_h: of what the hidden states are used for, (seed, time, trial, N).
        grads: room, as ``gates``.
        grad_start_h: zeros, as ``start_h``.
        grad_start_c: zeros, as ``start_c``.
    """
    n_units, one = start_c.shape[2], start_c.dtype.type(1)
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, start_c.shape[1])
        dh, dc = grad_start_h[seed, some], grad_start_c[seed, some]  # what step t + 1 sends back
        seen = np.empty_like(dh)
        for t in range(c.shape[1] - 1, -1, -1):
            gate, grad = gates[seed, t, some], grads[seed, t, some]
            before = c[seed, t - 1, some] if t else start_c[seed, some]
            apply(TANH, c[seed, t, some], seen)
            total(dh, grad_h[seed, t, some], dh)
            total(dc, grad_c[seed, t, some], dc)
            # a loop for each result: so the compiler sees that they do not overlap
            for k in range(dh.shape[0]):
                for n in range(n_units):
                    o = gate[k, 3 * n_units + n]
                    dc[k, n] += dh[k, n] * o * (one - seen[k, n] * seen[k, n])
                for n in range(n_units):
                    o = gate[k, 3 * n_units + n]
                    grad[k, 3 * n_units + n] = dh[k, n] * seen[k, n] * o * (one - o)
                for n in range(n_units):
                    i, g = gate[k, n], gate[k, 2 * n_units + n]
                    grad[k, n] = dc[k, n] * g * i * (one - i)
                for n in range(n_units):
                    f = gate[k, n_units + n]
                    grad[k, n_units + n] = dc[k, n] * before[k, n] * f * (one - f)
                for n in range(n_units):
                    i, g = gate[k, n], gate[k, 2 * n_units + n]
                    grad[k, 2 * n_units + n] = dc[k, n] * i * (one - g * g)
                for n in range(n_units):
                    dc[k, n] *= gate[k, n_units + n]
            product(grad, recurrent[seed].T, dh)


@compiled
def gru(
    first: int,
    last: int,
    n_parts: int,
    start: Array,
    inputs: Array,
    weights: Array,
    recurrent: Array,
    bias: Array,
    gates: Array,
    h: Array,
) -> None:
    """The GRU.

    Args:
        first: first job.
        last: the job after the last one.
        n_parts: parts that the trials of a seed are cut into.
        start: h_0, (seed, trial, N).
        inputs: u, (seed, time, trial, P).
        weights: W, (seed, P, 3N), blocks in the order r, v, g.
        recurrent: V, (seed, N, 3N).
        bias: a, (seed, N).
        gates: room for r, v, g, m, (seed, time, trial, 4N).
        h: room for (seed, time, trial, N).
    """
    n_units, one = start.shape[2], start.dtype.type(1)
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, start.shape[1])
        now = start[seed, some]
        of_u = np.empty((now.shape[0], 3 * n_units), now.dtype)
        of_h = np.empty_like(of_u)
        for t in range(h.shape[1]):
            gate, new = gates[seed, t, some], h[seed, t, some]
            product(inputs[seed, t, some], weights[seed], of_u)
            product(now, recurrent[seed], of_h)
            copy(of_u, 0, gate, 0, 3 * n_units)
            for k in range(new.shape[0]):
                for n in range(2 * n_units):
                    gate[k, n] += of_h[k, n]
                for n in range(n_units):
                    gate[k, 3 * n_units + n] = of_h[k, 2 * n_units + n] + bias[seed, n]
            sigmoids(gate, 0, 2 * n_units)
            for k in range(new.shape[0]):
                for n in range(n_units):
                    r, m = gate[k, n], gate[k, 3 * n_units + n]
                    gate[k, 2 * n_units + n] = tanh(gate[k, 2 * n_units + n] + r * m)
                for n in range(n_units):
                    v, g = gate[k, n_units + n], gate[k, 2 * n_units + n]
                    new[k, n] = v * now[k, n] + (one - v) * g
            now = new


@compiled
def gru_back(
    first: int,
    last: int,
    n_parts: int,
    start: Array,
    recurrent: Array,
    gates: Array,
    h: Array,
    grad_h: Array,
    grads_u: Array,
    grads_h: Array,
    grad_start: Array,
) -> None:
    """From dL/dh to those of u_t W (``grads_u``) and of h_{t-1} V (``grads_h``).

    Args:
        first: as in ``gru``, as all that is not named here.
        last: see there.
        n_parts: see there.
        start: see there.
        recurrent: see there.
        gates: see there.
        h: see there.
        grad_h: of what the states are used for, (seed, time, trial, N).
        grads_u: room for (seed, time, trial, 3N).
        grads_h: room for (seed, time, trial, 3N); the two differ in the last block.
        grad_start: zeros, as ``start``.
    """
    n_units, one = start.shape[2], start.dtype.type(1)
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, start.shape[1])
        dh = grad_start[seed, some]  # what step t + 1 sends back
        kept = np.empty_like(dh)
        for t in range(h.shape[1] - 1, -1, -1):
            gate, of_u, of_h = gates[seed, t, some], grads_u[seed, t, some], grads_h[seed, t, some]
            now = h[seed, t - 1, some] if t else start[seed, some]
            total(dh, grad_h[seed, t, some], dh)
            for k in range(dh.shape[0]):
                for n in range(n_units):
                    kept[k, n] = dh[k, n] * gate[k, n_units + n]
                for n in range(n_units):
                    v, g = gate[k, n_units + n], gate[k, 2 * n_units + n]
                    of_u[k, 2 * n_units + n] = dh[k, n] * (one - v) * (one - g * g)
                for n in range(n_units):
                    v, g = gate[k, n_units + n], gate[k, 2 * n_units + n]
                    of_u[k, n_units + n] = dh[k, n] * (now[k, n] - g) * v * (one - v)
                for n in range(n_units):
                    r, m = gate[k, n], gate[k, 3 * n_units + n]
                    of_u[k, n] = of_u[k, 2 * n_units + n] * m * r * (one - r)
                for n in range(n_units):
                    of_h[k, 2 * n_units + n] = of_u[k, 2 * n_units + n] * gate[k, n]
            copy(of_u, 0, of_h, 0, 2 * n_units)
            product(of_h, recurrent[seed].T, dh)
            total(dh, kept, dh)
