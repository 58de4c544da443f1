import pytest
import torch

from nmcourse.analysis import (
    ablate_gains,
    mean_gains,
    prune,
    pruning_order,
    smallest_sufficient_set,
)
from nmcourse.models import NMRNN, LowRankRNN, Modulator, PrescribedGain, VanillaRNN

PRESCRIBED = torch.rand(6, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def model(generator, gains=PRESCRIBED):
    network = LowRankRNN(2, 8, 1, 3, generator=generator).double()
    return NMRNN(network, PrescribedGain(gains))


def free_components(pruned):
    """Which components still vary in time."""
    gains = pruned(torch.zeros(2, 6, 2, dtype=torch.float64)).gains
    return {k for k in range(3) if float(gains[..., k].std()) > 1e-9}


def cost(table):
    """An error that depends on the set of free components only."""
    return lambda pruned: table[frozenset(free_components(pruned))]


def test_means_are_over_trials_and_times(generator):
    means = mean_gains(model(generator), torch.zeros(4, 6, 2, dtype=torch.float64))
    torch.testing.assert_close(means, PRESCRIBED.mean(dim=0))


def test_held_components_have_their_value_and_the_rest_their_course(generator):
    values = torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64)
    pruned = prune(model(generator), [0, 2], values)
    gains = pruned(torch.zeros(1, 6, 2, dtype=torch.float64)).gains[0]
    assert (gains[:, [0, 2]] == values[[0, 2]]).all()
    assert torch.equal(gains[:, 1], PRESCRIBED[:, 1])


def test_holding_a_constant_gain_costs_nothing(generator):
    gains = PRESCRIBED.clone()
    gains[:, 1] = 0.4
    intact = model(generator, gains)
    inputs = torch.randn(3, 6, 2, generator=generator).double()
    wanted = intact(inputs).outputs

    def error(pruned):
        return (pruned(inputs).outputs - wanted).square().mean()

    found = pruning_order(intact, mean_gains(intact, inputs), error)
    assert found.order[0] == 1
    assert found.errors[:2] == pytest.approx((0.0, 0.0), abs=1e-20)
    assert found.errors[2] > 1e-9
    best = smallest_sufficient_set(
        intact, mean_gains(intact, inputs), error, largest_error=1e-15
    )  # fmt: skip
    assert best.components == (0, 2)
    assert found.n_needed(1e-15) == 2


# Free {0} alone is enough, but greedy holds 0 first: the exact search finds what greedy cannot.
TRAP = {
    frozenset({0, 1, 2}): 0.0,
    frozenset({1, 2}): 1.0,
    frozenset({0, 1}): 2.0,
    frozenset({0, 2}): 2.0,
    frozenset({1}): 9.0,
    frozenset({2}): 9.0,
    frozenset({0}): 3.0,
    frozenset(): 10.0,
}


def test_greedy_order_by_hand_and_where_it_goes_wrong(generator):
    intact, values = model(generator), PRESCRIBED.mean(dim=0)
    found = pruning_order(intact, values, cost(TRAP))
    assert found.order[0] == 0
    assert found.errors == (0.0, 1.0, 9.0, 10.0)
    assert [found.n_needed(limit) for limit in (0.5, 3.0, 9.0, 10.0)] == [3, 2, 1, 0]
    exact = smallest_sufficient_set(intact, values, cost(TRAP), largest_error=3.0)
    assert (exact.components, exact.error) == ((0,), 3.0)
    assert smallest_sufficient_set(intact, values, cost(TRAP), largest_error=0.0).components == (
        0, 1, 2,
    )  # fmt: skip


def test_an_error_that_is_nan_is_the_worst(generator):
    table = TRAP | {frozenset({1, 2}): float("nan")}
    found = pruning_order(model(generator), PRESCRIBED.mean(dim=0), cost(table))
    assert found.order[0] in (1, 2)


def test_model_is_not_changed_and_clamps_may_be_pruned_further(generator):
    network = LowRankRNN(2, 8, 1, 3, generator=generator)
    intact = NMRNN(network, Modulator(2, 4, 3, generator=generator))
    before = {name: value.clone() for name, value in intact.state_dict().items()}
    pruned = prune(ablate_gains(intact, 0, 0.1), [1], torch.full((3,), 0.6))
    gains = pruned(torch.zeros(1, 4, 2)).gains
    assert gains[0, 0, :2].tolist() == pytest.approx([0.1, 0.6])
    assert all(torch.equal(value, before[name]) for name, value in intact.state_dict().items())


def test_errors_name_the_argument(generator):
    intact, values = model(generator), torch.zeros(3)
    with pytest.raises(ValueError, match="model must be an NMRNN, got VanillaRNN"):
        mean_gains(VanillaRNN(1, 2, 1), torch.zeros(1, 1, 1))
    with pytest.raises(ValueError, match=r"values must have shape \(3,\), got \(2,\)"):
        prune(intact, [0], torch.zeros(2))
    with pytest.raises(ValueError, match="values must be finite"):
        prune(intact, [0], torch.full((3,), torch.nan))
    with pytest.raises(ValueError, match=r"components must be from 0 to 2, got 3"):
        prune(intact, [3], values)
    with pytest.raises(ValueError, match=r"largest_error must be at least 0.* got -1"):
        smallest_sufficient_set(intact, values, cost(TRAP), largest_error=-1.0)
    with pytest.raises(ValueError, match=r"largest_error must be at least 0.* got -1"):
        pruning_order(intact, values, cost(TRAP)).n_needed(-1.0)
    wide = NMRNN(LowRankRNN(1, 20, 1, 13), PrescribedGain(torch.rand(4, 13)))
    with pytest.raises(ValueError, match="at most 12 gains for this search, got 13"):
        smallest_sufficient_set(wide, torch.zeros(13), lambda m: 0.0, largest_error=1.0)
