"""The compiled loops: equal to the loops in Python, and taken only where they can be."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from nmcourse.models import GRU, LSTM, NMRNN, LowRankRNN, Modulator, VanillaRNN, identity
from nmcourse.models.loops import compiled_loops, path_of
from nmcourse.models.loops.compiled import path, running
from nmcourse.models.loops.leaky import leaky_scan

pytest.importorskip("numba")
kernels = pytest.importorskip("nmcourse.models.loops.kernels.arithmetic")

PHI = (torch.tanh, torch.sigmoid, torch.relu, identity)
TOLERANCES = {torch.float32: (1e-6, 1e-5), torch.float64: (1e-12, 1e-12)}


def same(found, expected, tolerance, least=0.0):
    """Equal up to a part of the largest number of all: one array alone may nearly cancel."""
    room = tolerance * max(least, *(other.abs().max().item() for other in expected))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.double(), other.double(), rtol=0, atol=room)


def outcome(run, arguments, dtype):
    """What a loop gives and the gradients of a weighted sum of it, in a type."""
    arguments = [None if a is None else a.to(dtype).requires_grad_() for a in arguments]
    found = [values for values in run(*arguments) if values is not None]
    generator = torch.Generator().manual_seed(0)
    loss = sum(
        (torch.randn(v.shape, generator=generator, dtype=torch.float64).to(dtype) * v).sum()
        for v in found
    )
    return found, torch.autograd.grad(loss, [a for a in arguments if a is not None])


def compare(run, arguments, dtype):
    """The compiled loop in a type against the loop in Python in double precision."""
    compiled, gradients = outcome(run, arguments, dtype)
    with compiled_loops(False):
        expected, exact_gradients = outcome(run, arguments, torch.float64)
    # one state of one unit may cancel, too: it is a sum of numbers up to 1
    same(compiled, expected, TOLERANCES[dtype][0], least=1.0)
    same(gradients, exact_gradients, TOLERANCES[dtype][1])


sizes = {
    "n_units": st.integers(1, 40),
    "n_inputs": st.integers(1, 4),
    "n_trials": st.integers(1, 70),
    "n_steps": st.integers(1, 12),
    "seed": st.integers(0, 2**31),
    "dtype": st.sampled_from([torch.float32, torch.float64]),
}


@given(
    shape=st.sampled_from(["full", "low rank", "low rank with gains"]),
    rank=st.integers(1, 40),
    n_seeds=st.integers(0, 3),
    phi=st.sampled_from(PHI),
    keep=st.floats(0, 1),
    **sizes,
)
def test_leaky_loops(
    shape, rank, n_seeds, phi, keep, n_units, n_inputs, n_trials, n_steps, seed, dtype
):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape, seeded=True):
        front = (n_seeds,) if n_seeds and seeded else ()
        return torch.randn(*front, *shape, dtype=torch.float64, generator=generator)

    arguments = (
        draw(n_trials, n_units, seeded=False),
        draw(n_steps, n_trials, n_inputs),
        draw(n_inputs, n_units),
        draw(n_units, n_units if shape == "full" else rank) / n_units,
        None if shape == "full" else draw(rank, n_units) / rank,
        draw(n_steps, n_trials, rank) if shape == "low rank with gains" else None,
    )

    def run(start, inputs, weights, right, left, gains):
        return [leaky_scan(start, inputs, weights, keep, phi, right, left, gains)]

    compare(run, arguments, dtype)


def of_model(build, n_contexts=0):
    """A loop of inputs (the last of them contexts) and weights, and the weights of a model."""
    model = build().double()
    names = [name for name, _ in model.named_parameters()]

    def run(inputs, *weights):
        copy = build().to(inputs.dtype)
        given = inputs.tensor_split([inputs.shape[-1] - n_contexts], dim=-1)[: 1 + (n_contexts > 0)]
        return torch.func.functional_call(copy, dict(zip(names, weights, strict=True)), given)

    return run, [values.detach() for values in model.parameters()]


@given(
    rank=st.integers(1, 5),
    n_modulator=st.integers(1, 6),
    n_contexts=st.integers(0, 3),
    feedback=st.booleans(),
    phi=st.sampled_from(PHI),
    sigma=st.sampled_from((torch.sigmoid, torch.tanh)),
    kinds=st.sampled_from([("recurrent",), ("recurrent", "input"), ("recurrent", "readout")]),
    **sizes,
)
def test_the_nm_rnn(
    rank,
    n_modulator,
    n_contexts,
    feedback,
    phi,
    sigma,
    kinds,
    n_units,
    n_inputs,
    n_trials,
    n_steps,
    seed,
    dtype,
):
    rank = min(rank, n_units)
    n_gains = rank + n_inputs * ("input" in kinds) + 2 * ("readout" in kinds)

    def build():
        generator = torch.Generator().manual_seed(seed)
        network = LowRankRNN(
            *(n_inputs, n_units, 2, rank),
            orthonormal=False,
            nonlinearity=phi,
            recurrent_scaling="1/N",
            generator=generator,
        )
        modulator = Modulator(
            *(n_inputs, n_modulator, n_gains),
            n_context=n_contexts,
            n_feedback=n_units if feedback else 0,
            nonlinearity=phi,
            gain_nonlinearity=sigma,
            generator=generator,
        )
        return NMRNN(network, modulator, modulated=kinds)

    run, weights = of_model(build, n_contexts)
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(n_trials, n_steps, n_inputs + n_contexts, generator=generator)
    compare(run, (inputs.double(), *weights), dtype)


@pytest.mark.parametrize("kind", [LSTM, GRU])
@given(**sizes)
def test_gated_networks(kind, n_units, n_inputs, n_trials, n_steps, seed, dtype):
    def build():
        return kind(n_inputs, n_units, 2, generator=torch.Generator().manual_seed(seed))

    run, weights = of_model(build)
    inputs = torch.randn(n_trials, n_steps, n_inputs, generator=torch.Generator().manual_seed(seed))
    compare(run, (inputs.double(), *weights), dtype)


def course_nm_rnn(generator, n_feedback=0, **options):
    network = LowRankRNN(3, 100, 1, 3, generator=generator)
    modulator = Modulator(*(3, 5, 6 if options else 3), n_feedback=n_feedback, generator=generator)
    return NMRNN(network, modulator, **options)


LARGE = {
    "nm-rnn": course_nm_rnn,
    "nm-rnn with feedback": partial(
        course_nm_rnn, n_feedback=100, modulated=("recurrent", "input")
    ),
    "low-rank": lambda generator: LowRankRNN(3, 100, 1, 3, generator=generator),
    "vanilla": lambda generator: VanillaRNN(3, 100, 1, generator=generator),
    "lstm": lambda generator: LSTM(3, 100, 1, generator=generator),
    "gru": lambda generator: GRU(3, 100, 1, generator=generator),
}


def run_large(name, dtype, n_trials=40, n_steps=110, n_seeds=1):
    """Outputs, states and gradients by name, of networks of the size of the course."""
    models = [LARGE[name](torch.Generator().manual_seed(seed)) for seed in range(n_seeds)]
    weights = {
        key: torch.stack([dict(m.named_parameters())[key] for m in models]).detach()
        for key, _ in models[0].named_parameters()
    }
    weights = {
        k: (v if n_seeds > 1 else v[0]).to(dtype).requires_grad_() for k, v in weights.items()
    }
    generator = torch.Generator().manual_seed(n_seeds)
    inputs = torch.randn(n_trials, n_steps, 3, generator=generator, dtype=torch.float64).to(dtype)
    run = torch.func.functional_call(models[0].to(dtype), weights, (inputs,))
    loss = sum(
        (torch.randn(v.shape, generator=generator, dtype=torch.float64).to(dtype) * v).sum()
        for v in (run.outputs, run.states)
    )
    gradients = torch.autograd.grad(loss, list(weights.values()))
    return run.outputs, run.states, dict(zip(weights, gradients, strict=True))


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("name", LARGE)
def test_long_trials_of_large_networks(name, dtype):
    """As many steps and units as in the course; every array has its own largest number."""
    outputs, _, gradients = run_large(name, dtype)
    with compiled_loops(False):
        exact_outputs, _, exact = run_large(name, torch.float64)
    same([outputs], [exact_outputs], TOLERANCES[dtype][0])
    for key, values in exact.items():
        same([gradients[key]], [values], TOLERANCES[dtype][1])


def test_no_kernel_reads_or_writes_beside_an_array(tmp_path: Path):
    """What is written beside an array changes no result of the loop, and ends Python later."""
    program = """
import torch
from nmcourse.models import GRU, LSTM, NMRNN, LowRankRNN, Modulator, VanillaRNN
generator = torch.Generator().manual_seed(0)
inputs, context = torch.ones(70, 3, 2), torch.ones(70, 3, 4)
for build in (VanillaRNN, LSTM, GRU, lambda *sizes: LowRankRNN(*sizes, 3)):
    build(2, 5, 1)(inputs).outputs.sum().backward()
for n_feedback, modulated, n_gains in ((0, ("recurrent",), 3), (5, ("recurrent", "input"), 5)):
    modulator = Modulator(2, 2, n_gains, n_context=4, n_feedback=n_feedback)
    network = NMRNN(LowRankRNN(2, 5, 1, 3), modulator, modulated=modulated)
    found = network(inputs, context)
    (found.outputs.sum() + found.states.sum()).backward()
print("all within")
"""
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "all within", done.stderr[-500:]


@pytest.mark.parametrize("n_seeds", [1, 3])
@pytest.mark.parametrize("name", LARGE)
def test_the_number_of_threads_changes_nothing(name, n_seeds):
    """No bit of what the loop gives; torch may sum gradients of weights in another order."""
    n_trials, n_steps = 64, 48
    assert n_trials * n_steps * 100 >= running.WORTH_SHARING
    threads, found = torch.get_num_threads(), []
    try:
        for number in (1, 3):
            torch.set_num_threads(number)
            found.append(run_large(name, torch.float32, n_trials, n_steps, n_seeds))
    finally:
        torch.set_num_threads(threads)
    one, three = found
    assert torch.equal(one[0], three[0])
    assert torch.equal(one[1], three[1])
    for key, gradient in one[2].items():
        same([three[2][key]], [gradient], TOLERANCES[torch.float32][1])
        if name in ("nm-rnn", "nm-rnn with feedback", "low-rank"):  # summed in the loop
            assert torch.equal(three[2][key], gradient), key


def test_what_is_not_a_number_stays_so():
    """Training has to see that it diverged."""
    inputs = torch.ones(2, 400, 1)
    network = LowRankRNN(1, 3, 1, 1, nonlinearity=identity, generator=torch.Generator())
    with torch.no_grad():
        network.row_factors.mul_(100.0)
        network.column_factors.mul_(100.0)
    assert not torch.isfinite(network(inputs).outputs[:, -1]).any()
    for build in (LSTM, GRU, VanillaRNN):
        model = build(1, 3, 1)
        with torch.no_grad():
            model.recurrent_weights[0, 0] = torch.nan
        assert torch.isnan(model(inputs).outputs[:, -1]).all()


def test_tanh_of_single_precision():
    x = torch.linspace(-20, 20, 200_001).reshape(1, -1)
    found = torch.empty_like(x)
    kernels.apply(kernels.TANH, x.numpy(), found.numpy())
    torch.testing.assert_close(found, torch.tanh(x), rtol=5e-7, atol=0)


ORDINARY = torch.zeros(2, 3)


def test_the_path_is_visible():
    assert path_of(ORDINARY) == "compiled"
    assert path_of(ORDINARY, None, ORDINARY, phi=torch.relu) == "compiled"
    assert path_of(ORDINARY, phi=functional.softplus) == "plain"
    with compiled_loops(False):
        assert path_of(ORDINARY) == "written out"
        with compiled_loops(True):
            assert path_of(ORDINARY) == "compiled"
    assert path_of(ORDINARY) == "compiled"


def test_tensors_that_numba_cannot_serve(monkeypatch):
    class Marked(torch.Tensor):
        pass

    other = [
        ORDINARY.bfloat16(),
        ORDINARY.to("meta"),
        ORDINARY.to_sparse(),
        ORDINARY.as_subclass(Marked),
        torch._neg_view(ORDINARY),
    ]
    assert [path_of(values) for values in other] == ["written out"] * len(other)
    assert path_of(ORDINARY, ORDINARY.double()) == "written out"
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert path_of(ORDINARY) == "written out"
    with torch._subclasses.FakeTensorMode():
        assert path_of(ORDINARY) == "written out"
    seen = []
    torch.func.vmap(lambda row: seen.append(path_of(row)) or row)(ORDINARY)
    torch.func.grad(lambda row: seen.append(path_of(row)) or row.sum())(ORDINARY[0])
    assert seen == ["plain"] * 2
    monkeypatch.setattr(path, "_has_numba", lambda: False)
    assert path_of(ORDINARY) == "written out"


@pytest.mark.parametrize(
    ("blocked", "variable", "expected"),
    [("", "1", "compiled"), ("", "0", "written out"), ("numba", "1", "written out")],
)
def test_without_numba_or_where_it_is_switched_off(blocked, variable, expected):
    program = (
        f"import sys; sys.modules.update(dict.fromkeys('{blocked}'.split()))\n"
        "import torch; from nmcourse.models import LSTM\n"
        "from nmcourse.models.loops import path_of\n"
        "assert torch.isfinite(LSTM(2, 3, 1)(torch.ones(1, 4, 2)).outputs).all()\n"
        "print(path_of(torch.zeros(1)))"
    )
    environment = os.environ | {"NMCOURSE_COMPILED": variable}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected


def test_no_folder_to_keep_compiled_code_in(monkeypatch):
    """An installation that cannot be written to: compiled once in each process."""
    njit = kernels.numba.njit

    def without_cache(function, *, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(function, **options)

    monkeypatch.setattr(kernels.numba, "njit", without_cache)

    def twice(x):
        return x + x

    made = kernels.compiled(twice)
    running._make_ready(made, (1.5,))
    assert made.stats.cache_path is None
    assert made(1.5) == 3.0


def test_code_of_another_text_is_dropped(tmp_path: Path):
    kept, old = tmp_path / "other.txt", [tmp_path / "kernels.nbi", tmp_path / "kernels.1.nbc"]
    for file in (kept, *old):
        file.write_text("")
    running._forget_other_text(tmp_path)
    assert kept.exists()
    assert not any(file.exists() for file in old)
    old[0].write_text("")
    running._forget_other_text(tmp_path)
    assert old[0].exists()


@pytest.mark.slow
def test_processes_that_compile_at_once(tmp_path: Path):
    program = (
        "import sys, torch; from nmcourse.models import VanillaRNN\n"
        "model = VanillaRNN(2, 5, 1, generator=torch.Generator().manual_seed(0))\n"
        "values = torch.ones(3, 7, 2, dtype=getattr(torch, sys.argv[1]))\n"
        "print(model.to(values.dtype)(values).outputs.sum().item())"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    found = []
    for _ in range(2):  # compiled, then loaded
        started = [
            subprocess.Popen(
                [sys.executable, "-c", program, dtype],
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
            )
            for dtype in ("float32", "float64")
        ]
        found.append([float(process.communicate()[0]) for process in started])
    assert found[0] == found[1]
    assert found[0][0] == pytest.approx(found[0][1], rel=1e-5)
    assert list(tmp_path.rglob("*.nbi"))
