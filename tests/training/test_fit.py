"""The training loop: it learns, it repeats itself, and it reports what it did."""

from __future__ import annotations

import io
from contextlib import redirect_stderr

import pytest
import torch

from nmcourse.models import LowRankRNN, Trajectory
from nmcourse.tasks import Trials
from nmcourse.training import fit, masked_mse


def equal_models(first, second) -> bool:
    return all(
        torch.equal(one, two)
        for one, two in zip(first.parameters(), second.parameters(), strict=True)
    )


def test_training_lowers_the_loss_of_every_kind_of_network(build, task, seeded):
    model = build(seeded(0))
    result = fit(model, task, n_steps=60, learning_rate=3e-2, progress=False)
    assert result.model is model
    assert result.losses[-1] < 0.5 * result.losses[0]
    trials = task.enumerate().to(torch.float64)
    trajectory = model(trials.inputs)
    outputs = trajectory.outputs if isinstance(trajectory, Trajectory) else trajectory
    after = masked_mse(outputs, trials.targets, trials.mask)
    assert after < result.losses[-2]  # what the model holds is what was learnt last


def test_history_has_one_entry_per_step(small, task, seeded):
    result = fit(small(seeded(0)), task, n_steps=7, progress=False)
    assert result.losses.shape == result.gradient_norms.shape == (7,)
    trials, fresh = task.enumerate().to(torch.float64), small(seeded(0))
    loss = masked_mse(fresh(trials.inputs).outputs, trials.targets, trials.mask)
    assert result.losses[0].item() == pytest.approx(loss.item(), rel=1e-12)  # before the update
    loss.backward()
    norm = torch.cat([p.grad.flatten() for p in fresh.parameters()]).norm()
    assert result.gradient_norms[0].item() == pytest.approx(norm.item(), rel=1e-12)


def test_one_step_is_an_adamw_step(small, task, seeded):
    ours, theirs = small(seeded(0)), small(seeded(0))
    fit(
        ours, task, n_steps=3, learning_rate=0.02, schedule="constant", weight_decay=0.1,
        clip_norm=None, progress=False,
    )  # fmt: skip
    optimizer = torch.optim.AdamW(theirs.parameters(), lr=0.02, weight_decay=0.1)
    trials = task.enumerate().to(torch.float64)
    for _ in range(3):
        optimizer.zero_grad()
        masked_mse(theirs(trials.inputs).outputs, trials.targets, trials.mask).backward()
        optimizer.step()
    for one, two in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=1e-12)


@pytest.mark.parametrize("batch_size", [None, 3])
def test_the_same_seed_gives_the_same_result(build, task, seeded, batch_size):
    results = [
        fit(build(seeded(0)), task, n_steps=10, batch_size=batch_size, seed=4, progress=False)
        for _ in range(2)
    ]
    assert torch.equal(results[0].losses, results[1].losses)
    assert equal_models(results[0].model, results[1].model)


def test_another_seed_draws_other_trials(small, task, seeded):
    losses = [
        fit(small(seeded(0)), task, n_steps=5, batch_size=3, seed=seed, progress=False).losses
        for seed in (0, 1)
    ]
    assert not torch.equal(*losses)


def test_trials_are_drawn_independently_of_the_initial_weights(task):
    """Both come from the same seed, but not from the same stream of random numbers."""
    seen = []

    def loss(outputs, targets, mask):
        seen.append(targets)
        return masked_mse(outputs, targets, mask)

    model = LowRankRNN(3, 4, 1, 2, generator=torch.Generator().manual_seed(0))
    fit(model, task, n_steps=1, batch_size=50, loss=loss, seed=0, progress=False)
    same_stream = task.sample(50, generator=torch.Generator().manual_seed(0)).targets
    assert not torch.equal(seen[0].reshape(same_stream.shape), same_stream)


def test_global_random_numbers_are_left_alone(small, task, seeded):
    before = torch.get_rng_state()
    fit(small(seeded(0)), task, n_steps=2, batch_size=3, progress=False)
    assert torch.equal(before, torch.get_rng_state())


def test_a_task_without_batch_size_is_its_enumeration(small, task, seeded):
    one = fit(small(seeded(0)), task, n_steps=5, progress=False)
    two = fit(small(seeded(0)), task.enumerate(), n_steps=5, progress=False)
    assert torch.equal(one.losses, two.losses)


def test_a_batch_of_given_trials_has_no_repeats(small, task, seeded):
    sizes = []

    def loss(outputs, targets, mask):
        sizes.append(len(torch.unique(targets.flatten(0, -3), dim=0)))
        return masked_mse(outputs, targets, mask)

    fit(small(seeded(0)), task.enumerate(), n_steps=10, batch_size=4, loss=loss, progress=False)
    assert sizes == [4] * 10  # all four trials, in whatever order


@pytest.mark.parametrize("dtype", [torch.int64, torch.float64])
def test_trials_take_the_type_of_the_model(dtype):
    """Pulses counted in integers, a model in single precision."""
    inputs = torch.randint(0, 3, (6, 5, 3), dtype=dtype)
    trials = Trials(inputs, inputs[..., :1], torch.ones(6, 5, 1, dtype=dtype))
    model = LowRankRNN(3, 6, 1, 2)
    for batch_size in (None, 4):
        result = fit(model, trials, n_steps=2, batch_size=batch_size, progress=False)
        assert result.losses.dtype == torch.float32
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_context_reaches_the_model(seeded):
    from nmcourse.models import NMRNN, Modulator

    inputs, context = torch.randn(6, 5, 2), torch.randn(6, 5, 3)
    trials = Trials(inputs, context[..., :1].cumsum(1), torch.ones(6, 5, 1), context)
    model = NMRNN(LowRankRNN(2, 6, 1, 2), Modulator(2, 3, 2, n_context=3, generator=seeded(0)))
    before = model.modulator.input_weights.detach().clone()
    fit(model, trials, n_steps=3, batch_size=4, progress=False)
    assert (before != model.modulator.input_weights).all()


def test_progress_bar_shows_steps_and_loss(small, task, seeded):
    shown = io.StringIO()
    with redirect_stderr(shown):
        with_bar = fit(small(seeded(0)), task, n_steps=60)
    assert "60/60" in shown.getvalue()
    assert f"loss {with_bar.losses[49]:.2e}" in shown.getvalue()
    shown = io.StringIO()
    with redirect_stderr(shown):
        without = fit(small(seeded(0)), task, n_steps=60, progress=False)
    assert shown.getvalue() == ""
    assert torch.equal(with_bar.losses, without.losses)


def test_an_interrupt_keeps_what_was_learnt(small, task, seeded):
    """The model holds a state of the uninterrupted run, at most one update back."""
    states, calls = [], 0
    model = small(seeded(0))

    def recording(outputs, targets, mask):
        nonlocal calls
        calls += 1
        if calls == 8:
            raise KeyboardInterrupt
        return masked_mse(outputs, targets, mask)

    for n_steps in (6, 7):
        reference = small(seeded(0))
        fit(reference, task, n_steps=n_steps, schedule="constant", progress=False)
        states.append(reference)
    with pytest.raises(KeyboardInterrupt):
        fit(model, task, n_steps=20, schedule="constant", loss=recording, progress=False)
    assert any(equal_models(model, state) for state in states)
    assert not equal_models(model, small(seeded(0)))


def test_gradients_and_modes_of_the_model_are_left_alone(small, task, seeded):
    model = small(seeded(0))
    fit(model, task, n_steps=2, progress=False)
    assert all(p.grad is None and p.requires_grad and p.is_leaf for p in model.parameters())
