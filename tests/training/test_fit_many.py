"""Many networks in one batch end where each would have ended alone."""

from __future__ import annotations

import pytest
import torch

from nmcourse.models import LowRankRNN, VanillaRNN
from nmcourse.models.loops import path_of
from nmcourse.training import fit, fit_many
from tests.training.conftest import BUILDERS

SEEDS = (3, 0, 8)
CLOSE = {"rtol": 0, "atol": 1e-8}
NORMS = {"rtol": 1e-6, "atol": 1e-8}

RUNS = {
    "plain": {},
    "drawn batches": {"batch_size": 3},
    "no clipping": {"clip_norm": None},
    "tight norm": {"clip_norm": 0.05},
    "clipped values": {"clip_norm": None, "clip_value": 0.01},
    "weight decay": {"weight_decay": 0.3},
    "frozen inputs": {"freeze": ("input weights",)},
}


def assert_each_alone(build, task, n_steps=50, close=CLOSE, norms=NORMS, **options):
    shared = {"n_steps": n_steps, "learning_rate": 2e-2, "progress": False} | options
    together = fit_many(build, task, seeds=SEEDS, **shared)
    assert together.seeds == list(SEEDS)
    assert together.diverged == {}
    assert together.losses.shape == together.gradient_norms.shape == (n_steps, len(SEEDS))
    for number, seed in enumerate(SEEDS):
        alone = fit(build(torch.Generator().manual_seed(seed)), task, seed=seed, **shared)
        torch.testing.assert_close(together.losses[:, number], alone.losses, **close)
        torch.testing.assert_close(
            together.gradient_norms[:, number], alone.gradient_norms, **norms
        )
        pairs = zip(
            together.models[number].named_parameters(), alone.model.parameters(), strict=True
        )
        for (name, one), two in pairs:
            torch.testing.assert_close(one, two, **close, msg=f"seed {seed}, {name}")
    return together


def test_each_network_ends_where_it_would_have_ended_alone(build, task):
    """Fifty steps in double precision, for every kind of network, with clipping at work."""
    together = assert_each_alone(build, task, clip_norm=0.1)
    assert (together.gradient_norms > 0.1).any()  # clipping does something
    losses = together.losses[-1]
    assert len(losses.unique()) == len(SEEDS)


@pytest.mark.parametrize("name", ["nm-rnn", "nm-rnn-feedback", "low-rank", "vanilla", "lstm"])
def test_also_in_single_precision_with_compiled_loops(name, task):
    """Ten steps: later Adam makes whole steps of gradients that are nothing but rounding."""
    pytest.importorskip("numba")
    build = BUILDERS[name]
    parameters = build(torch.Generator()).parameters()
    assert path_of(*(values.detach() for values in parameters)) == "compiled"
    close = {"rtol": 1e-5, "atol": 1e-6}
    together = assert_each_alone(
        build, task, n_steps=10, close=close, norms={"rtol": 1e-5, "atol": 0}, clip_norm=0.1
    )
    assert together.losses.dtype == torch.float32


@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
def test_whatever_the_settings(nm_build, task, options):
    assert_each_alone(nm_build, task, n_steps=25, **options)


def test_drawn_batches_for_a_network_from_elsewhere(plain_build, task):
    assert_each_alone(plain_build, task, n_steps=15, batch_size=3)


def test_drawn_batches_of_given_trials(small, task):
    assert_each_alone(small, task.enumerate(), n_steps=15, batch_size=2)


def test_clipping_is_per_network(small, task):
    """A network with a huge gradient does not slow down its neighbours."""

    def build(generator):
        model = small(generator)
        if generator.initial_seed() == SEEDS[1]:
            with torch.no_grad():
                model.output.weights.mul_(1000)
        return model

    together = assert_each_alone(build, task, n_steps=5)
    assert together.gradient_norms[0, 1] > 100 * together.gradient_norms[0, 0]


def test_ten_seeds_by_default(small, task):
    result = fit_many(small, task, n_steps=1, progress=False)
    assert result.seeds == list(range(10))
    assert len(result.models) == 10
    assert result.losses.shape == (1, 10)


def test_seeds_decide_the_initial_weights(small, task, seeded):
    result = fit_many(
        small, task, seeds=[5, 7], n_steps=1, learning_rate=1e-12, weight_decay=0.0, progress=False
    )
    for seed, model in zip((5, 7), result.models, strict=True):
        for one, two in zip(model.parameters(), small(seeded(seed)).parameters(), strict=True):
            torch.testing.assert_close(one, two, rtol=0, atol=1e-10)


def test_networks_that_exist_are_trained_as_those_that_are_built(small, task, seeded):
    options = {"n_steps": 5, "batch_size": 3, "learning_rate": 1e-2, "progress": False}
    built = fit_many(small, task, seeds=SEEDS, **options)
    given = [small(seeded(seed)) for seed in SEEDS]
    found = fit_many(given, task, seeds=SEEDS, **options)
    assert all(one is two for one, two in zip(found.models, given, strict=True))
    assert torch.equal(found.losses, built.losses)
    for one, two in zip(built.models, given, strict=True):
        for ours, theirs in zip(one.parameters(), two.parameters(), strict=True):
            assert torch.equal(ours, theirs)


def test_as_many_seeds_as_given_networks(small, task, seeded):
    given = [small(seeded(seed)) for seed in (4, 4)]
    assert fit_many(given, task, n_steps=1, progress=False).seeds == [0, 1]


def test_given_networks_are_modules_all_different_and_one_per_seed(small, task, seeded):
    one, two = small(seeded(0)), small(seeded(1))
    for given, seeds, message in (
        ([one, two], 3, "networks must be one per seed, got 2 for 3 seeds"),
        ([one, one], 2, "networks must all be different objects"),
        ([one, "two"], 2, "networks must be modules of torch, got str"),
        ([], None, "seeds must be at least one"),
    ):
        with pytest.raises(ValueError, match=message):
            fit_many(given, task, seeds=seeds, n_steps=1, progress=False)


def test_the_order_of_the_seeds_does_not_matter(small, task):
    shared = {"n_steps": 5, "batch_size": 3, "progress": False}
    one = fit_many(small, task, seeds=[1, 2, 3], **shared)
    two = fit_many(small, task, seeds=[3, 1, 2], **shared)
    torch.testing.assert_close(one.losses[:, [2, 0, 1]], two.losses, **CLOSE)


def test_one_seed_is_fit(nm_build, task, seeded):
    many = fit_many(nm_build, task, seeds=[6], n_steps=5, batch_size=3, progress=False)
    one = fit(nm_build(seeded(6)), task, seed=6, n_steps=5, batch_size=3, progress=False)
    assert torch.equal(many.losses[:, 0], one.losses)


def test_the_same_call_gives_the_same_result(nm_build, task):
    results = [
        fit_many(nm_build, task, seeds=3, n_steps=5, batch_size=3, progress=False) for _ in range(2)
    ]
    assert torch.equal(results[0].losses, results[1].losses)


def test_start_states_of_their_own(task):
    """Buffers may differ from seed to seed, too."""

    def build(generator):
        start = torch.randn(6, generator=generator)
        return LowRankRNN(3, 6, 1, 2, x0=start, generator=generator).double()

    assert_each_alone(build, task, n_steps=5)


class Stiff(VanillaRNN):
    """A pull to zero besides."""

    def velocity(self, state, input, context=None):
        return super().velocity(state, input, context) - 0.05 * state


def hooked(**settings):
    network = VanillaRNN(3, 6, 1, **settings)
    network.output.register_forward_hook(lambda part, args, result: 3 * result)
    return network


DIFFERENT = {
    "tau": (VanillaRNN(3, 6, 1, tau=100.0), "tau, 100.0 and 200.0"),
    "nonlinearity": (VanillaRNN(3, 6, 1, tau=200.0, nonlinearity=torch.relu), "nonlinearity, "),
    "subclass": (Stiff(3, 6, 1, tau=200.0), "the class, Stiff and VanillaRNN"),
    "hook": (hooked(tau=200.0), "forward_hooks, .* of output"),
    "mode": (VanillaRNN(3, 6, 1, tau=200.0).eval(), "training, False and True"),
}


@pytest.mark.parametrize(("other", "named"), DIFFERENT.values(), ids=DIFFERENT)
def test_networks_with_other_settings_are_not_trained_as_one(task, other, named):
    """One network stands for all of them, so the settings of the others would be ignored."""
    plain = VanillaRNN(3, 6, 1, tau=200.0)
    with pytest.raises(ValueError, match=f"numbers 0 and 1 differ in {named}"):
        fit_many([other, plain], task, n_steps=1, progress=False)


def test_settings_that_are_made_anew_for_each_network_are_the_same(task):
    def scaled(factor):
        return lambda x: factor * x.tanh()

    def with_slope(factor):
        return VanillaRNN(3, 6, 1, nonlinearity=scaled(factor))

    fit_many([with_slope(0.5), with_slope(0.5)], task, n_steps=1, progress=False)
    with pytest.raises(ValueError, match="differ in nonlinearity"):
        fit_many([with_slope(0.5), with_slope(0.6)], task, n_steps=1, progress=False)
