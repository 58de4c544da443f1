"""Settings: what they do, and what is said when they are wrong."""

from __future__ import annotations

import math
import re
from functools import partial

import pytest
import torch

from nmcourse.models import LowRankRNN
from nmcourse.tasks import Task, Trials
from nmcourse.training import FitOptions, fit, fit_many, masked_mse
from nmcourse.training import options as options_module


def learning_rates(monkeypatch, small, task, seeded, **options) -> list[float]:
    """The rate of every update of a run."""
    rates, make = [], FitOptions.optimizer

    def recording(self, parameters):
        optimizer = make(self, parameters)
        optimizer.register_step_pre_hook(
            lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"])
        )
        return optimizer

    monkeypatch.setattr(FitOptions, "optimizer", recording)
    fit(small(seeded(0)), task, progress=False, **options)
    return rates


def test_one_cycle_rises_to_the_peak_and_falls_to_nothing(monkeypatch, small, task, seeded):
    rates = learning_rates(monkeypatch, small, task, seeded, n_steps=100, learning_rate=3e-3)
    assert len(rates) == 100
    peak = max(range(100), key=rates.__getitem__)
    assert rates[peak] == pytest.approx(3e-3, rel=1e-6)
    assert peak == 29  # 30 % of the steps
    assert rates[0] == pytest.approx(3e-3 / 25)
    assert rates == sorted(rates[: peak + 1]) + sorted(rates[peak + 1 :], reverse=True)
    assert rates[-1] < 1e-7


def test_constant_stays(monkeypatch, small, task, seeded):
    rates = learning_rates(
        monkeypatch, small, task, seeded, n_steps=5, learning_rate=3e-3, schedule="constant"
    )
    assert rates == [3e-3] * 5


def test_a_function_of_the_step_is_a_factor(monkeypatch, small, task, seeded):
    rates = learning_rates(
        monkeypatch, small, task, seeded, n_steps=4, learning_rate=8.0, schedule=lambda n: 0.5**n
    )
    assert rates == [8.0, 4.0, 2.0, 1.0]


@pytest.mark.parametrize("n_steps", [1, 2, 3, 7])
def test_one_cycle_of_a_few_steps_works(small, task, seeded, n_steps):
    assert len(fit(small(seeded(0)), task, n_steps=n_steps, progress=False).losses) == n_steps


def test_weight_decay_pulls_towards_zero(small, task, seeded):
    """Decoupled decay: after one step the difference is learning rate times decay times weight."""
    start = dict(small(seeded(0)).named_parameters())
    shared = {"n_steps": 1, "schedule": "constant", "learning_rate": 0.1, "progress": False}
    without, with_decay = (
        fit(small(seeded(0)), task, weight_decay=decay, **shared).model for decay in (0.0, 0.5)
    )
    for name, decayed in with_decay.named_parameters():
        difference = without.get_parameter(name) - decayed
        torch.testing.assert_close(difference, 0.1 * 0.5 * start[name], rtol=0, atol=1e-12)


def first_gradients(monkeypatch, small, task, seeded, **options) -> torch.Tensor:
    """All entries of the gradient that the first update uses."""
    seen, make = [], FitOptions.optimizer

    def recording(self, parameters):
        optimizer = make(self, parameters)
        parameters = optimizer.param_groups[0]["params"]
        optimizer.register_step_pre_hook(
            lambda *_: seen.append(torch.cat([p.grad.flatten() for p in parameters]))
        )
        return optimizer

    monkeypatch.setattr(FitOptions, "optimizer", recording)
    result = fit(small(seeded(0)), task, n_steps=1, progress=False, **options)
    return seen[0], result.gradient_norms[0]


def test_clip_norm_bounds_the_norm_and_keeps_the_direction(monkeypatch, small, task, seeded):
    run = partial(first_gradients, monkeypatch, small, task, seeded)
    free, norm = run(clip_norm=None)
    assert free.norm().item() == pytest.approx(norm.item())
    clipped, norm_before = run(clip_norm=0.5 * norm.item())
    assert norm_before == norm  # the history holds the norm before clipping
    torch.testing.assert_close(clipped, 0.5 * free, rtol=1e-4, atol=0)
    loose, _ = run(clip_norm=2.0 * norm.item())
    assert torch.equal(loose, free)


def test_clip_value_bounds_every_entry(monkeypatch, small, task, seeded):
    run = partial(first_gradients, monkeypatch, small, task, seeded, clip_norm=None)
    free, _ = run()
    limit = free.abs().median().item()
    clipped, _ = run(clip_value=limit)
    assert torch.equal(clipped, free.clamp(-limit, limit))


def test_stop_below_ends_the_run_early(small, task, seeded):
    shared = {"n_steps": 60, "schedule": "constant", "progress": False}
    whole = fit(small(seeded(0)), task, **shared)
    limit = whole.losses.min().item() * 1.5
    first = (whole.losses < limit).nonzero()[0].item()
    assert first < 59
    stopped = fit(small(seeded(0)), task, stop_below=limit, **shared)
    assert len(stopped.losses) == first + 1
    assert torch.equal(stopped.losses, whole.losses[: first + 1])


def test_stop_below_waits_for_every_seed(small, task):
    shared = {"n_steps": 60, "schedule": "constant", "seeds": 3, "progress": False}
    whole = fit_many(small, task, **shared)
    limit = whole.losses.min(0).values.max().item() * 1.2
    first = (whole.losses < limit).all(1).nonzero()[0].item()
    stopped = fit_many(small, task, stop_below=limit, **shared)
    assert len(stopped.losses) == first + 1


# freezing


def test_frozen_parts_stay_and_the_others_move(course_build, task, seeded):
    for part, names in course_build(seeded(0)).parts().items():
        start, model = course_build(seeded(0)), course_build(seeded(0))
        fit(model, task, n_steps=3, weight_decay=0.1, freeze=(part,), progress=False)
        for name, before in start.named_parameters():
            moved = not torch.equal(before, model.get_parameter(name))
            assert moved == (name not in names), (part, name)


def test_several_parts_may_be_frozen(small, task, seeded):
    start, model = small(seeded(0)), small(seeded(0))
    fit(model, task, n_steps=3, freeze=["input weights", "readout"], progress=False)
    moved = {
        name
        for name, before in start.named_parameters()
        if not torch.equal(before, model.get_parameter(name))
    }
    assert moved == {"row_factors", "column_factors"}


def test_freezing_in_many_networks(course_build, task, seeded):
    result = fit_many(
        course_build, task, seeds=[3, 4], n_steps=2, freeze=("readout",), progress=False
    )
    for seed, model in zip((3, 4), result.models, strict=True):
        frozen = model.parts()["readout"]
        for name, before in course_build(seeded(seed)).named_parameters():
            assert torch.equal(before, model.get_parameter(name)) == (name in frozen), name


def test_a_parameter_without_gradient_stays(small, task, seeded):
    model, start = small(seeded(0)), small(seeded(0))
    model.input_weights.requires_grad_(False)
    fit(model, task, n_steps=3, progress=False)
    assert torch.equal(model.input_weights, start.input_weights)
    assert not torch.equal(model.row_factors, start.row_factors)
    assert not model.input_weights.requires_grad


def complains(message: str):
    return pytest.raises(ValueError, match=re.escape(message))


def test_unknown_part(small, task, seeded):
    message = (
        "freeze: unknown part ['modulator']; "
        "this model has ['input weights', 'readout', 'recurrent weights']"
    )
    with complains(message):
        fit(small(seeded(0)), task, n_steps=1, freeze=("modulator",), progress=False)


def test_a_network_that_does_not_know_its_parts(task):
    with complains("freeze: unknown part ['readout']; this model has []"):
        fit(torch.nn.Linear(3, 1), task, n_steps=1, freeze=("readout",), progress=False)


def test_freezing_everything(course_build, task, seeded):
    model = course_build(seeded(0))
    with complains(f"freeze={list(model.parts())} freezes everything: nothing is left to train"):
        fit(model, task, n_steps=1, freeze=tuple(model.parts()), progress=False)
    model.requires_grad_(False)
    with complains("model has nothing to train: every parameter is frozen"):
        fit(model, task, n_steps=1, progress=False)


def test_freeze_is_not_a_text(small, task, seeded):
    with complains("freeze must be a tuple of part names, got the text 'readout'"):
        fit(small(seeded(0)), task, n_steps=1, freeze="readout", progress=False)


# wrong settings


@pytest.mark.parametrize(
    ("message", "options"),
    [
        ("n_steps must be a positive integer, got 0", {"n_steps": 0}),
        ("n_steps must be a positive integer, got 2.0", {"n_steps": 2.0}),
        ("n_steps must be a positive integer, got None", {"n_steps": None}),
        ("batch_size must be a positive integer, got -1", {"batch_size": -1}),
        ("learning_rate must be positive, got 0.0", {"learning_rate": 0.0}),
        ("learning_rate must be positive, got nan", {"learning_rate": math.nan}),
        ("learning_rate must be positive, got inf", {"learning_rate": math.inf}),
        ("clip_norm must be positive, got -1.0", {"clip_norm": -1.0}),
        ("clip_value must be positive, got 0", {"clip_value": 0}),
        ("stop_below must be positive, got 0.0", {"stop_below": 0.0}),
        ("weight_decay must be at least 0, got -0.1", {"weight_decay": -0.1}),
        ("weight_decay must be at least 0, got nan", {"weight_decay": math.nan}),
        ("schedule must be 'one-cycle', 'constant' or a function, got 'cosine'",
         {"schedule": "cosine"}),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value,
)  # fmt: skip
def test_wrong_settings(small, task, seeded, message, options):
    with complains(message):
        fit(small(seeded(0)), task, progress=False, **{"n_steps": 1} | options)


def test_a_misspelt_setting_is_an_error(small, task, seeded):
    with pytest.raises(TypeError, match="learning_rat"):
        fit(small(seeded(0)), task, n_steps=1, learning_rat=0.1)
    with pytest.raises(TypeError, match="n_steps"):
        fit(small(seeded(0)), task)


def test_settings_do_not_change():
    options = FitOptions(n_steps=3, freeze=["readout"])
    assert options.freeze == ("readout",)
    with pytest.raises(AttributeError, match="cannot assign to field"):
        options.n_steps = 4


@pytest.mark.parametrize("every", [0, -5])
def test_checkpoint_every_is_positive(small, task, seeded, every, tmp_path):
    with complains(f"checkpoint_every must be a positive integer, got {every}"):
        fit(small(seeded(0)), task, n_steps=1, checkpoint=tmp_path / "c", checkpoint_every=every)


def test_data_is_a_task_or_trials(small, seeded):
    with complains("data must be a Task or Trials, got Tensor"):
        fit(small(seeded(0)), torch.zeros(3, 4, 3), n_steps=1, progress=False)


def test_batch_is_at_most_the_trials_given(small, task, seeded):
    with complains("batch_size must be at most the 4 trials given, got 5"):
        fit(small(seeded(0)), task.enumerate(), n_steps=1, batch_size=5, progress=False)


def test_a_task_without_end_needs_a_batch_size(small, seeded):
    class Endless(Task):
        input_names, output_names, dt, n_steps = ("a", "b", "c"), ("d",), 10.0, 5

        def sample(self, n_trials, *, generator=None):
            inputs = torch.randn(n_trials, 5, 3, generator=generator)
            return Trials(inputs, inputs.sum(2, keepdim=True), torch.ones(n_trials, 5, 1))

    with complains("batch_size must be given: Endless has no finite list of trials"):
        fit(small(seeded(0)), Endless(), n_steps=1, progress=False)
    assert len(fit(small(seeded(0)), Endless(), n_steps=2, batch_size=3, progress=False).losses)


def test_a_loss_gives_one_number_per_network(small, task, seeded):
    def mean(outputs, targets, mask):
        return (outputs - targets).square().mean()

    message = "loss must reduce (trial, time, output) and keep the seed axis in front: expected "
    with complains(message + "shape (1,), got ()"):
        fit(small(seeded(0)), task, n_steps=1, loss=mean, progress=False)
    with complains(message + "shape (3,), got ()"):
        fit_many(small, task, seeds=3, n_steps=1, loss=mean, progress=False)


@pytest.mark.parametrize("seeds", [[], [1, 1], 0])
def test_seeds_are_some_and_different(small, task, seeds):
    with complains("seeds must be at least one and all different, got ["):
        fit_many(small, task, seeds=seeds, n_steps=1, progress=False)


def test_networks_of_one_batch_have_one_architecture(task):
    def build(generator):
        units = 5 + generator.initial_seed()
        return LowRankRNN(3, units, 1, 2, generator=generator)

    with complains("build must return models of one architecture for every seed"):
        fit_many(build, task, seeds=2, n_steps=1, progress=False)


def test_fingerprints_name_functions_and_hold_no_addresses():
    class Decay:
        def __call__(self, step):
            return 0.9**step

    first, second = (
        FitOptions(n_steps=3, schedule=Decay(), loss=partial(masked_mse)).fingerprint()
        for _ in range(2)
    )
    assert first == second
    assert "0x" not in repr(first)
    assert FitOptions(n_steps=3).fingerprint()["loss"] == "masked_mse"
    names = {field.name for field in options_module.fields(FitOptions)}
    assert set(first) == names - {"device", "keep_best", "capture"}  # a run may go on elsewhere
    assert set(FitOptions(n_steps=3, keep_best=True).fingerprint()) == names - {"device", "capture"}
