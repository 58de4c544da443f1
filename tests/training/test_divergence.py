"""A training that diverges stops, says at which step, and keeps the last good state."""

from __future__ import annotations

import re

import pytest
import torch

from nmcourse.training import DivergenceError, fit, fit_many, masked_mse


class Poison:
    """A loss that is not a number for one network from its n-th call on."""

    def __init__(self, step: int, network: int = 0, value: float = float("nan")) -> None:
        self.step, self.network, self.value, self.calls = step, network, value, 0

    def __call__(self, outputs, targets, mask):
        losses = masked_mse(outputs, targets, mask)
        factor = torch.ones_like(losses)
        if self.calls >= self.step:
            factor[self.network] = self.value
        self.calls += 1
        return losses * factor


def parameters_of(model) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def after(build, seed, task, n_steps) -> torch.Tensor:
    """Parameters after so many healthy steps at a constant rate."""
    model = build(torch.Generator().manual_seed(seed))
    if n_steps:
        fit(model, task, seed=seed, n_steps=n_steps, schedule="constant", progress=False)
    return parameters_of(model)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_fit_names_the_step_and_keeps_the_last_good_state(small, task, seeded, value):
    model, options = small(seeded(0)), {"schedule": "constant", "progress": False}
    healthy = fit(small(seeded(0)), task, n_steps=8, **options)
    with pytest.raises(DivergenceError, match="training diverged at step 5: ") as caught:
        fit(model, task, n_steps=20, loss=Poison(5, value=value), **options)
    # the loss at step 5 is that of the parameters after five updates: the last good ones are
    # those of step 4, after four
    assert torch.equal(parameters_of(model), after(small, 0, task, 4))
    assert caught.value.step == 5
    assert torch.equal(caught.value.losses, healthy.losses[:5])
    assert f"last loss: {healthy.losses[4]:.3g}" in str(caught.value)
    assert "try a smaller learning_rate or clip_norm" in str(caught.value)


def test_a_bad_start_is_step_zero(small, task, seeded):
    model = small(seeded(0))
    with pytest.raises(DivergenceError, match=r"step 0: .* \(last loss: none\)"):
        fit(model, task, n_steps=3, loss=Poison(0), progress=False)
    assert torch.equal(parameters_of(model), after(small, 0, task, 0))


def test_a_gradient_that_is_not_finite_counts(small, task, seeded):
    """The square root has an infinite slope at zero; the loss itself is finite."""

    def loss(outputs, targets, mask):
        return masked_mse(outputs, targets, mask) + (0.0 * outputs).abs().sqrt().sum((1, 2, 3))

    model = small(seeded(0))
    with pytest.raises(DivergenceError, match="diverged at step 0"):
        fit(model, task, n_steps=3, loss=loss, progress=False)
    assert parameters_of(model).isfinite().all()


def test_a_learning_rate_far_too_large(task, seeded, unbounded):
    """Nothing artificial: the weights explode, the model stays finite."""
    model = unbounded(seeded(0))
    with pytest.raises(DivergenceError) as caught:
        fit(
            model, task, n_steps=50, learning_rate=1e40, schedule="constant", clip_norm=None,
            progress=False,
        )  # fmt: skip
    assert caught.value.step >= 1
    assert parameters_of(model).isfinite().all()
    trials = task.enumerate().to(torch.float64)
    outputs = model(trials.inputs).outputs
    assert masked_mse(outputs, trials.targets, trials.mask).isfinite()


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_one_bad_seed_is_stopped_and_the_others_do_not_notice(build, task, bad):
    options = {"schedule": "constant", "progress": False}
    seeds = (4, 1, 6)
    with pytest.warns(UserWarning, match=f"seed {seeds[bad]} diverged at step 3 and was stopped"):
        result = fit_many(build, task, seeds=seeds, n_steps=12, loss=Poison(3, bad), **options)
    assert result.diverged == {seeds[bad]: 3}
    healthy = fit_many(build, task, seeds=seeds, n_steps=12, **options)
    for number, seed in enumerate(seeds):
        found = parameters_of(result.models[number])
        if number == bad:
            expected = after(build, seed, task, 2)
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
            assert result.losses[3, number].isnan()
        else:
            assert torch.equal(found, parameters_of(healthy.models[number]))
            assert torch.equal(result.losses[:, number], healthy.losses[:, number])


def test_a_seed_with_poisoned_weights_stops_at_once(nm_build, task):
    def build(generator):
        model = nm_build(generator)
        if generator.initial_seed() == 1:
            with torch.no_grad():
                model.output_network.row_factors[0, 0] = torch.nan
        return model

    options = {"n_steps": 6, "progress": False}
    with pytest.warns(UserWarning, match="seed 1 diverged at step 0"):
        result = fit_many(build, task, seeds=3, **options)
    assert result.diverged == {1: 0}
    for number in (0, 2):
        alone = fit(nm_build(torch.Generator().manual_seed(number)), task, seed=number, **options)
        found = parameters_of(result.models[number])
        torch.testing.assert_close(found, parameters_of(alone.model), rtol=0, atol=1e-12)


def test_several_seeds_may_diverge_at_different_steps(small, task):
    class Twice(Poison):
        def __call__(self, outputs, targets, mask):
            losses = super().__call__(outputs, targets, mask)
            return (
                torch.where(torch.arange(3) == 2, torch.nan, losses) if self.calls > 6 else losses
            )

    with pytest.warns(UserWarning, match="diverged") as caught:
        result = fit_many(small, task, seeds=3, n_steps=12, loss=Twice(2, 0), progress=False)
    assert result.diverged == {0: 2, 2: 6}
    assert len(caught) == 2
    assert len(result.losses) == 12


def test_all_diverged_ends_the_run(small, task):
    def loss(outputs, targets, mask):
        return masked_mse(outputs, targets, mask) * torch.nan

    with pytest.warns(UserWarning, match="diverged"):
        result = fit_many(small, task, seeds=2, n_steps=50, loss=loss, progress=False)
    assert result.diverged == {0: 0, 1: 0}
    assert len(result.losses) == 1


def test_stop_below_does_not_wait_for_a_diverged_seed(small, task):
    with pytest.warns(UserWarning, match=re.escape("seed 0 diverged at step 0")):
        result = fit_many(
            small, task, seeds=2, n_steps=50, loss=Poison(0, 0), stop_below=1e3, progress=False
        )
    assert len(result.losses) == 1
