r"""LSTM and GRU in words that Numba compiles: forwards, and backwards for learning.

    LSTM   i, f, o = sigma(u_t W + h_{t-1} V), each with its own weights;  g = tanh(..) of its own
           c_t = f c_{t-1} + i g                              h_t = o tanh(c_t)
    GRU    r, v = sigma(u_t W + h_{t-1} V), likewise          m = h_{t-1} V_m + a
           g = tanh(u_t W_g + r m)                            h_t = v h_{t-1} + (1 - v) g

A bias is the weight of one more input, which is always 1. Jobs are those of ``leaky``. The
gradients of the weights are one product a gate of what the steps send back, after the loop.

Weights and gates have an axis of gates. What a gate of one step is computed from and gives then
lies in one piece, and its product is small enough for the linear algebra library to take the
weights as they are; a larger one it would copy first, at every step.
"""

from __future__ import annotations

import numpy as np

from nmcourse.models.loops.kernels.arithmetic import (
    Array,
    add,
    add_product,
    compiled,
    flat,
    product,
    sigmoid,
    tanh,
    trials_of,
)


@compiled
def add_and_sigmoid(a: Array, out: Array) -> None:
    """Give out = sigmoid(out + a)."""
    half = a.dtype.type(0.5)
    a, out = flat(a), flat(out)
    for n in range(a.size):
        out[n] = sigmoid(half, out[n] + a[n])


@compiled
def add_and_tanh(a: Array, out: Array) -> None:
    """Give out = tanh(out + a)."""
    a, out = flat(a), flat(out)
    for n in range(a.size):
        out[n] = tanh(out[n] + a[n])


@compiled
def lstm_cells(i: Array, f: Array, g: Array, o: Array, c: Array, c_new: Array, h: Array) -> None:
    """Give c_new = f c + i g and h = o tanh(c_new)."""
    for k in range(h.shape[0]):
        for n in range(h.shape[1]):
            c_new[k, n] = f[k, n] * c[k, n] + i[k, n] * g[k, n]
        for n in range(h.shape[1]):
            h[k, n] = o[k, n] * tanh(c_new[k, n])


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
        weights: W, (seed, 4, P, N), in the order i, f, g, o.
        recurrent: V, (seed, 4, N, N).
        gates: room for i, f, g, o, (seed, 4, time, trial, N).
        c: room for (seed, time, trial, N).
        h: room for (seed, time, trial, N).
    """
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, start_h.shape[1])
        h_now, c_now = start_h[seed, some], start_c[seed, some]
        of_u = np.empty_like(h_now)
        for t in range(h.shape[1]):
            for number in range(4):
                gate = gates[seed, number, t, some]
                product(h_now, recurrent[seed, number], gate)
                product(inputs[seed, t, some], weights[seed, number], of_u)
                if number == 2:
                    add_and_tanh(of_u, gate)
                else:
                    add_and_sigmoid(of_u, gate)
            i, f = gates[seed, 0, t, some], gates[seed, 1, t, some]
            g, o = gates[seed, 2, t, some], gates[seed, 3, t, some]
            h_new, c_new = h[seed, t, some], c[seed, t, some]
            lstm_cells(i, f, g, o, c_now, c_new, h_new)
            h_now, c_now = h_new, c_new


@compiled
def lstm_cells_back(
    i: Array,
    f: Array,
    g: Array,
    o: Array,
    before: Array,
    c: Array,
    dh: Array,
    dc: Array,
    of_i: Array,
    of_f: Array,
    of_g: Array,
    of_o: Array,
) -> None:
    """From dL/dh and dL/dc to the gradients inside the gates; dc becomes that of ``before``.

    There is a loop for each result: so the compiler sees that they do not overlap. ``of_o`` first
    holds tanh(c).
    """
    one, seen = c.dtype.type(1), of_o
    for k in range(c.shape[0]):
        for n in range(c.shape[1]):
            seen[k, n] = tanh(c[k, n])
        for n in range(c.shape[1]):
            dc[k, n] += dh[k, n] * o[k, n] * (one - seen[k, n] * seen[k, n])
        for n in range(c.shape[1]):
            of_o[k, n] *= dh[k, n] * o[k, n] * (one - o[k, n])
        for n in range(c.shape[1]):
            of_i[k, n] = dc[k, n] * g[k, n] * i[k, n] * (one - i[k, n])
        for n in range(c.shape[1]):
            of_f[k, n] = dc[k, n] * before[k, n] * f[k, n] * (one - f[k, n])
        for n in range(c.shape[1]):
            of_g[k, n] = dc[k, n] * i[k, n] * (one - g[k, n] * g[k, n])
        for n in range(c.shape[1]):
            dc[k, n] *= f[k, n]


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
        recurrent: V^T, (seed, 4, N, N): laid out like this, the products are faster.
        gates: see there.
        c: see there.
        grad_c: of what the cells are used for, (seed, time, trial, N), or an array without an
            entry, as the next.
        grad_h: of what the hidden states are used for, (seed, time, trial, N).
        grads: room, as ``gates``.
        grad_start_h: zeros, as ``start_h``.
        grad_start_c: zeros, as ``start_c``.
    """
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, start_c.shape[1])
        dh, dc = grad_start_h[seed, some], grad_start_c[seed, some]  # what step t + 1 sends back
        for t in range(c.shape[1] - 1, -1, -1):
            if grad_h.size:
                add(grad_h[seed, t, some], dh)
            if grad_c.size:
                add(grad_c[seed, t, some], dc)
            lstm_cells_back(
                gates[seed, 0, t, some],
                gates[seed, 1, t, some],
                gates[seed, 2, t, some],
                gates[seed, 3, t, some],
                c[seed, t - 1, some] if t else start_c[seed, some],
                c[seed, t, some],
                dh,
                dc,
                grads[seed, 0, t, some],
                grads[seed, 1, t, some],
                grads[seed, 2, t, some],
                grads[seed, 3, t, some],
            )
            product(grads[seed, 0, t, some], recurrent[seed, 0], dh)
            for number in range(1, 4):
                add_product(grads[seed, number, t, some], recurrent[seed, number], dh)


@compiled
def gru_units(
    r: Array, v: Array, g: Array, m: Array, bias: Array, of_u: Array, now: Array, new: Array
) -> None:
    """Give m its bias, g = tanh(of_u + r m) and new = v now + (1 - v) g."""
    one = g.dtype.type(1)
    for k in range(m.shape[0]):
        for n in range(m.shape[1]):
            m[k, n] += bias[n]
        for n in range(m.shape[1]):
            g[k, n] = tanh(of_u[k, n] + r[k, n] * m[k, n])
        for n in range(m.shape[1]):
            new[k, n] = v[k, n] * now[k, n] + (one - v[k, n]) * g[k, n]


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
        weights: W, (seed, 3, P, N), in the order r, v, g.
        recurrent: V, (seed, 3, N, N), in the order r, v, m.
        bias: a, (seed, N).
        gates: room for r, v, g, m, (seed, 4, time, trial, N).
        h: room for (seed, time, trial, N).
    """
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, start.shape[1])
        now = start[seed, some]
        of_u = np.empty_like(now)
        for t in range(h.shape[1]):
            u, new = inputs[seed, t, some], h[seed, t, some]
            r, v = gates[seed, 0, t, some], gates[seed, 1, t, some]
            g, m = gates[seed, 2, t, some], gates[seed, 3, t, some]
            product(now, recurrent[seed, 0], r)
            product(u, weights[seed, 0], of_u)
            add_and_sigmoid(of_u, r)
            product(now, recurrent[seed, 1], v)
            product(u, weights[seed, 1], of_u)
            add_and_sigmoid(of_u, v)
            product(now, recurrent[seed, 2], m)
            product(u, weights[seed, 2], of_u)
            gru_units(r, v, g, m, bias[seed], of_u, now, new)
            now = new


@compiled
def gru_units_back(
    r: Array,
    v: Array,
    g: Array,
    m: Array,
    before: Array,
    dh: Array,
    of_r: Array,
    of_v: Array,
    of_g: Array,
    of_m: Array,
) -> None:
    """From dL/dh to the gradients inside the gates; dh becomes what passes by the gates."""
    one = g.dtype.type(1)
    for k in range(g.shape[0]):
        for n in range(g.shape[1]):
            of_g[k, n] = dh[k, n] * (one - v[k, n]) * (one - g[k, n] * g[k, n])
        for n in range(g.shape[1]):
            of_v[k, n] = dh[k, n] * (before[k, n] - g[k, n]) * v[k, n] * (one - v[k, n])
        for n in range(g.shape[1]):
            of_r[k, n] = of_g[k, n] * m[k, n] * r[k, n] * (one - r[k, n])
        for n in range(g.shape[1]):
            of_m[k, n] = of_g[k, n] * r[k, n]
        for n in range(g.shape[1]):
            dh[k, n] *= v[k, n]


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
    grads: Array,
    grad_start: Array,
) -> None:
    """From dL/dh to ``grads``, those of the sums inside the gates.

    Args:
        first: as in ``gru``, as all that is not named here.
        last: see there.
        n_parts: see there.
        start: see there.
        recurrent: V^T, (seed, 3, N, N): laid out like this, the products are faster.
        gates: see there.
        h: see there.
        grad_h: of what the states are used for, (seed, time, trial, N).
        grads: room, as ``gates``: of r, v, the part of g that inputs give, and m.
        grad_start: zeros, as ``start``.
    """
    for job in range(first, last):
        seed, some = job // n_parts, trials_of(job, n_parts, start.shape[1])
        dh = grad_start[seed, some]  # what step t + 1 sends back
        for t in range(h.shape[1] - 1, -1, -1):
            of_r, of_v = grads[seed, 0, t, some], grads[seed, 1, t, some]
            of_g, of_m = grads[seed, 2, t, some], grads[seed, 3, t, some]
            add(grad_h[seed, t, some], dh)
            gru_units_back(
                gates[seed, 0, t, some],
                gates[seed, 1, t, some],
                gates[seed, 2, t, some],
                gates[seed, 3, t, some],
                h[seed, t - 1, some] if t else start[seed, some],
                dh,
                of_r,
                of_v,
                of_g,
                of_m,
            )
            add_product(of_r, recurrent[seed, 0], dh)
            add_product(of_v, recurrent[seed, 1], dh)
            add_product(of_m, recurrent[seed, 2], dh)
