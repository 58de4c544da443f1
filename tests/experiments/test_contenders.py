"""Contenders: what is stored of each is what it says of itself, and one way to train them all."""

from __future__ import annotations

import pytest
import torch

from nmcourse import pretrained
from nmcourse.evidence import plain, read_results
from nmcourse.experiments import contenders, training_runs
from nmcourse.experiments.contenders import Contender, by_name, compare, ship_all
from nmcourse.experiments.digits import row_by_row
from nmcourse.experiments.element_finder import networks as element_finder
from nmcourse.experiments.multitask import networks as multitask
from nmcourse.experiments.timing import networks as timing
from nmcourse.experiments.timing import random_output_network, variants
from nmcourse.models import count_parameters
from nmcourse.tasks import MeasureWaitGo

SHIPPED = [
    *timing.NETWORKS.values(),
    *random_output_network.ARMS.values(),
    *variants.VARIANTS.values(),
    *row_by_row.SHIPPED,
    *element_finder.NETWORKS.values(),
]
TIMING = Contender(
    "small", "measure_wait_go_nm_rnn", "small NM-RNN", {"n_modulator_units": 2}, "mwg"
)
SETTINGS = {"rates": [1e-2], "tuning_seeds": [7], "tuning_steps": 2, "n_seeds": 2, "n_steps": 3}


@pytest.mark.parametrize("contender", SHIPPED, ids=lambda contender: contender.weights)
def test_its_stored_weights_are_built_as_it_says(contender):
    config = pretrained.info(contender.weights).config
    assert config["build"] == contender.builder
    assert config["kwargs"] == plain(contender.kwargs)
    loaded = pretrained.load(contender.weights)
    model = loaded[0] if isinstance(loaded, list) else loaded
    assert count_parameters(model) == contender.n_parameters()


@pytest.mark.parametrize("network", multitask.NETWORKS.values(), ids=lambda n: n.name)
def test_multitask_networks_are_stored_for_three_tasks(network):
    config = pretrained.info(network.weights).config
    assert config["build"] == network.builder
    assert config["kwargs"] == {**network.kwargs, "n_context": 3}


@pytest.mark.parametrize(
    ("experiment", "networks", "count"),
    [
        ("timing_comparison", timing.NETWORKS, "n_parameters"),
        ("variants", variants.VARIANTS, "n_parameters"),
        ("digits", row_by_row.NETWORKS, "n_parameters"),
        ("element_finder", element_finder.NETWORKS, "n_parameters"),
        ("multitask", multitask.NETWORKS, "n_parameters"),
        ("random_output_network", random_output_network.ARMS, "n_trained"),
    ],
)
def test_its_size_is_the_one_of_the_stored_results(experiment, networks, count):
    results = read_results(experiment)
    for name, contender in networks.items():
        assert results.value(f"{name}.{count}") == getattr(contender, count)(), name


def test_what_is_frozen_is_not_trained():
    whole, part = (
        Contender("n", TIMING.builder, "", freeze=freeze) for freeze in ((), ("output network",))
    )
    assert whole.n_trained() == whole.n_parameters() == part.n_parameters()
    modulator = part.build(torch.Generator()).modulator
    assert part.n_trained() == sum(p.numel() for p in modulator.parameters())


def n_units(models):
    return {"units": [model.modulator.initial_state(1).shape[-1] for model in models]}


def test_one_way_to_tune_train_and_ship(tmp_path, monkeypatch):
    shipped = {}
    monkeypatch.setattr(
        contenders, "ship", lambda name, models, **more: shipped.update({name: (models, more)})
    )
    monkeypatch.setattr(training_runs, "n_cores", lambda: 1)  # in this process
    frozen = Contender("frozen", TIMING.builder, "", freeze=("output network",))
    both = (TIMING, frozen)
    metrics = compare(both, MeasureWaitGo(), n_units, settings=SETTINGS, run_dir=tmp_path)
    assert [metrics[c.name]["units"] for c in both] == [[2, 2], [5, 5]]
    assert metrics["small"]["n_parameters"] == TIMING.n_parameters()
    assert len(metrics["small"]["training_loss"]) == 2

    ship_all([TIMING], tmp_path, metrics, command="run", medians={"units_median": "units"})
    models, more = shipped["mwg_small"]
    assert len(models) == 2
    assert more["kwargs"] == {"n_modulator_units": 2}
    assert more["metrics"] == {"units_median": [2, 2]}

    ship_all([frozen], tmp_path, metrics, command="run", medians={})
    (first, _), _ = shipped["frozen"]
    start = frozen.build(torch.Generator().manual_seed(0))
    assert torch.equal(first.output_network.input_weights, start.output_network.input_weights)
    assert not torch.equal(first.modulator.input_weights, start.modulator.input_weights)


def test_two_contenders_with_one_name_are_refused():
    other = Contender("small", "measure_wait_go_lstm", "LSTM")
    with pytest.raises(ValueError, match="two contenders are named 'small'"):
        by_name((TIMING, other))
    assert list(by_name((TIMING, TIMING))) == ["small"]


def untrained(generator):
    return TIMING.build(generator)


def test_a_function_may_build_what_is_not_shipped():
    own = Contender("own", untrained, "by a function")
    assert own.n_parameters() == TIMING.n_parameters()
    with pytest.raises(ValueError, match="'own' needs a builder of BUILDERS"):
        _ = own.stored_builder
