"""The same training steps in JAX: a jitted, vmapped scan of the same equations.

    python benchmarks/peers/jax_steps.py NAME [--steps 20] [--seeds 1]

NAME is nm_rnn, low_rank_rnn, vanilla_rnn or lstm. A step is loss and gradient of 40 trials of 110
steps, the norm of the gradient clipped at 1, and Adam. Answers lines on standard input: for each,
it takes the steps and prints the seconds of processor time, the seconds, and the peak memory in MB
of this process so far; times are those of one step. It uses one core.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ["XLA_FLAGS"] = (
    "--xla_cpu_multi_thread_eigen=false --xla_force_host_platform_device_count=1 "
    + os.environ.get("XLA_FLAGS", "")
)

import jax
import jax.numpy as jnp
from jax import lax

N, K, M, P, N_OUT, BATCH, STEPS = 100, 3, 5, 3, 1, 40, 110
Parameters = dict[str, jax.Array]
ALPHA_X, ALPHA_Z, RATE = 0.1, 0.01, 1e-3


def normal(key: jax.Array, **shapes: tuple[int, ...]) -> Parameters:
    """Weights by name, each of variance 1 / its last axis."""
    keys = jax.random.split(key, len(shapes))
    return {
        name: jax.random.normal(one, shape) / shape[-1] ** 0.5
        for one, (name, shape) in zip(keys, shapes.items(), strict=True)
    }


def nm_rnn(p: Parameters, inputs: jax.Array) -> jax.Array:
    """Outputs (time, N_OUT) of one trial; the modulator first, then the output network."""
    left = jnp.linalg.qr(p["left"])[0]

    def step(state: tuple[jax.Array, jax.Array], u: jax.Array) -> tuple[Any, jax.Array]:
        x, z = state
        z = (1 - ALPHA_Z) * z + ALPHA_Z * (p["z_z"] @ jnp.tanh(z) + p["z_u"] @ u)
        s = jax.nn.sigmoid(p["s_z"] @ z + p["b"])
        latent = s * (p["right"].T @ jnp.tanh(x))
        x = (1 - ALPHA_X) * x + ALPHA_X * (left @ latent + p["x_u"] @ u)
        return (x, z), p["y_x"] @ x + p["d"]

    return lax.scan(step, (jnp.full(N, 0.1), jnp.full(M, 0.1)), inputs)[1]


def low_rank_rnn(p: Parameters, inputs: jax.Array) -> jax.Array:
    """Outputs (time, N_OUT) of one trial."""
    left = jnp.linalg.qr(p["left"])[0]

    def step(x: jax.Array, u: jax.Array) -> tuple[Any, jax.Array]:
        drive = left @ (p["right"].T @ jnp.tanh(x)) + p["x_u"] @ u
        x = (1 - ALPHA_X) * x + ALPHA_X * drive
        return x, p["y_x"] @ x + p["d"]

    return lax.scan(step, jnp.full(N, 0.1), inputs)[1]


def vanilla_rnn(p: Parameters, inputs: jax.Array) -> jax.Array:
    """Outputs (time, N_OUT) of one trial."""

    def step(x: jax.Array, u: jax.Array) -> tuple[Any, jax.Array]:
        x = (1 - ALPHA_X) * x + ALPHA_X * (p["x_x"] @ jnp.tanh(x) + p["x_u"] @ u)
        return x, p["y_x"] @ x + p["d"]

    return lax.scan(step, jnp.full(N, 0.1), inputs)[1]


def lstm(p: Parameters, inputs: jax.Array) -> jax.Array:
    """Outputs (time, N_OUT) of one trial."""

    def step(state: tuple[jax.Array, jax.Array], u: jax.Array) -> tuple[Any, jax.Array]:
        h, c = state
        i, f, g, o = jnp.split(p["g_h"] @ h + p["g_u"] @ u + p["b"], 4)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), p["y_x"] @ h + p["d"]

    return lax.scan(step, (jnp.full(N, 0.1), jnp.full(N, 0.1)), inputs)[1]


READOUT = {"y_x": (N_OUT, N), "d": (N_OUT,)}
LOW_RANK = {"left": (N, K), "right": (N, K), "x_u": (N, P)} | READOUT
MODULATOR = {"z_z": (M, M), "z_u": (M, P), "s_z": (K, M), "b": (K,)}
PEERS: dict[str, tuple[Callable[..., jax.Array], dict[str, tuple[int, ...]]]] = {
    "nm_rnn": (nm_rnn, LOW_RANK | MODULATOR),
    "low_rank_rnn": (low_rank_rnn, LOW_RANK),
    "vanilla_rnn": (vanilla_rnn, {"x_x": (N, N), "x_u": (N, P)} | READOUT),
    "lstm": (lstm, {"g_h": (4 * N, N), "g_u": (4 * N, P), "b": (4 * N,)} | READOUT),
}


def training_step(network: Callable[..., jax.Array]) -> Callable[..., Any]:
    """(state, inputs, targets) -> state: one jitted step of every seed."""

    def loss(p: Parameters, inputs: jax.Array, targets: jax.Array) -> jax.Array:
        outputs = jax.vmap(network, in_axes=(None, 0))(p, inputs)
        return jnp.square(outputs - targets).mean()

    def step(state: Any, inputs: jax.Array, targets: jax.Array) -> Any:
        p, first, second, t = state
        _, grad = jax.value_and_grad(loss)(p, inputs, targets)
        norm = jnp.sqrt(sum(jnp.square(g).sum() for g in jax.tree.leaves(grad)))
        grad = jax.tree.map(lambda g: g * jnp.minimum(1.0, 1.0 / (norm + 1e-6)), grad)
        t = t + 1.0
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, grad)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, grad)
        p = jax.tree.map(
            lambda w, m, v: w - RATE * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8),
            *(p, first, second),
        )
        return p, first, second, t

    return jax.jit(jax.vmap(step, in_axes=(0, None, None)))


def main() -> None:
    """Compile, then take steps for each line on standard input."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    network, shapes = PEERS[arguments.name]
    keys = jax.random.split(jax.random.PRNGKey(0), arguments.seeds)
    parameters = jax.vmap(lambda key: normal(key, **shapes))(keys)
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    state: Any = (parameters, zeros, zeros, jnp.zeros(arguments.seeds))
    inputs = jax.random.normal(jax.random.PRNGKey(1), (BATCH, STEPS, P))
    targets = jax.random.normal(jax.random.PRNGKey(2), (BATCH, STEPS, N_OUT))
    step = training_step(network)
    state = jax.block_until_ready(step(state, inputs, targets))
    print("ready", jax.__version__, flush=True)
    for _ in sys.stdin:
        start, processor = time.perf_counter(), time.process_time()
        for _ in range(arguments.steps):
            state = step(state, inputs, targets)
        jax.block_until_ready(state)
        seconds, used = time.perf_counter() - start, time.process_time() - processor
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(used / arguments.steps, seconds / arguments.steps, memory, flush=True)


if __name__ == "__main__":
    main()
