import os
import statistics
from functools import partial

import pytest
import torch

from nmcourse import pretrained
from nmcourse.evidence.store import Results, read_results
from nmcourse.experiments import training_runs
from nmcourse.models import VanillaRNN
from nmcourse.tasks import MeasureWaitGo


def build(generator):
    return VanillaRNN(3, 4, 1, generator=generator)


def test_the_rate_with_the_lowest_median_is_trained_with_and_parts_are_kept(tmp_path, monkeypatch):
    losses = {1e-2: [1.0, 9.0], 3e-2: [4.0, 4.0]}  # medians 5 and 4; the lower ones 1 and 4
    final = training_runs._final_losses
    monkeypatch.setattr(
        training_runs,
        "_final_losses",
        lambda result: next(iter_losses) if result.seeds == [7, 8] else final(result),
    )
    iter_losses = iter(losses.values())
    settings = {
        "rates": list(losses),
        "tuning_seeds": [7, 8],
        "tuning_steps": 1,
        "n_seeds": 2,
        "n_steps": 3,
    }
    calls = []

    def measure(models):
        calls.append(len(models))
        return {"error": [0.5, 0.25]}

    def run():
        return training_runs.tune_and_train(
            build, MeasureWaitGo(), measure, settings=settings, folder=tmp_path
        )

    found = run()
    assert found["learning_rate"] == 3e-2
    assert found["tuning"] == {"rate_0_01": [1.0, 9.0], "rate_0_03": [4.0, 4.0]}
    assert len(found["training_loss"]) == 2
    assert found["diverged"] == []
    assert run() == found
    assert calls == [2]  # nothing is trained or measured twice
    models = training_runs.trained_models(build, tmp_path)
    start = build(torch.Generator().manual_seed(0))
    assert not torch.equal(models[0].recurrent_weights, start.recurrent_weights)


def test_shipped_weights_have_their_seeds_and_medians_of_an_even_number_too(tmp_path, monkeypatch):
    saved = {}
    monkeypatch.setattr(pretrained, "save", lambda name, models, **rest: saved.update(rest))
    training_runs.ship(
        "nets", [None] * 4, builder="b", kwargs={}, command="c", metrics={"mse": [4.0, 1.0, 2.0, 9]}
    )
    assert saved["metrics"] == {"mse": 3.0}
    assert saved["config"]["seeds"] == [0, 1, 2, 3]
    assert saved["data"] == ""
    options = {"builder": "b", "kwargs": {}, "command": "c", "metrics": {"mse": [4.0, 1.0]}}
    training_runs.ship("nets", [None], seeds=[3], **options)
    assert saved["config"]["seeds"] == [3]


@pytest.mark.parametrize(
    ("experiment", "prefix"),
    [("timing_comparison", "mwg_"), ("random_output_network", "mwg_trained_")],
)
def test_the_manifest_says_what_the_results_say(experiment, prefix):
    results = read_results(experiment)
    assert results.metrics
    for name, measured in results.metrics.items():
        shown = pretrained.info(prefix + name).metrics
        for group in ("trained", "extrapolated"):
            assert shown[f"{group}_mse_median"] == pytest.approx(statistics.median(measured[group]))


@pytest.mark.parametrize(
    ("ours", "theirs", "share", "lower"),
    [
        ([1, 1, 1], [2, 2, 2], 1.0, True),
        ([1, 1, 3], [2, 2, 2], 0.6, True),
        ([1, 1, 3], [2, 2, 2], 0.8, False),  # two of three seeds
        ([1, 1, None], [2, 2, 2], 0.8, False),  # a diverged seed does not win
        ([2, 2, 2], [2, 2, 2], 0.0, False),  # equal is not lower
        ([3, 3, 1], [2, 2, 2], 0.2, False),  # one seed wins, the median does not
    ],
)
def test_lower_means_in_the_median_and_seed_by_seed(ours, theirs, share, lower):
    results = Results({"a": {"error": ours}, "b": {"error": theirs}}, {})
    assert training_runs.is_lower(results, "a.error", "b.error", share=share) is lower


def test_jobs_draw_numbers_of_their_own_and_the_same_ones_in_any_number_of_processes(monkeypatch):
    jobs = {name: partial(torch.rand, 4) for name in ("one", "two", "three")}
    before, found = torch.get_rng_state(), {}
    for cores in (1, 2):
        monkeypatch.setattr(training_runs, "n_cores", lambda cores=cores: cores)
        found[cores] = training_runs.in_parallel(jobs)
    assert torch.equal(torch.get_rng_state(), before)  # the caller's numbers go on as they were
    for name, numbers in found[1].items():
        assert torch.equal(numbers, found[2][name])
    assert not torch.equal(found[2]["one"], found[2]["two"])


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores are not assigned here")
def test_jobs_stay_on_the_cores_that_the_process_was_given(monkeypatch):
    """One core of many: no second process is started, and the job runs in this one."""
    monkeypatch.setattr(training_runs.os, "sched_getaffinity", lambda pid: {1})
    monkeypatch.setattr(training_runs.os, "cpu_count", lambda: 8)
    jobs = {name: partial(os.getpid) for name in ("one", "two")}
    assert training_runs.in_parallel(jobs) == dict.fromkeys(jobs, os.getpid())
