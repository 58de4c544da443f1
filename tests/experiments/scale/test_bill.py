"""The bill: arithmetic from measured steps, close to what runs took; every claim is on it."""

from __future__ import annotations

import pytest

from nmcourse import claims
from nmcourse.evidence import read_results
from nmcourse.experiments.paper_scale import PAPER
from nmcourse.experiments.registry import by_claim
from nmcourse.experiments.scale import costs
from nmcourse.experiments.scale.bill import Work, bill, price, works_of


@pytest.fixture(scope="module")
def stored():
    found = read_results(costs.NAME, path=costs.PLACE)
    assert found is not None
    return found


def test_every_claim_is_on_it_once():
    for tier in ("cpu", "gpu"):
        rows = bill(tier, 10.0)
        named = [claim for row in rows for claim in str(row["claims"]).split(", ")]
        assert sorted(named) == sorted(by_claim(at_published_budget=tier == "gpu"))
        assert all(f"--tier {tier}" in str(row["command"]) for row in rows)


def test_what_trains_costs_something_and_the_paper_costs_more():
    here, paper = ({row["experiment"]: row for row in bill(t, 10.0)} for t in ("cpu", "gpu"))
    for name, scale in PAPER.items():
        if name in here and scale.changes and not name.startswith("conv_"):
            assert here[name]["seconds"] > 0, name
    for name in here.keys() & paper.keys():
        assert paper[name]["multiply_adds"] >= here[name]["multiply_adds"], name


def test_the_estimate_is_near_what_runs_took():
    rows = {row["experiment"]: float(row["seconds"]) for row in bill("cpu", 10.0)}
    took = {
        "lasting_answers": sum(claims.value("F3", "seconds")),
        "native_crossing": sum(cell["seconds"] for cell in claims.results("C7").metrics.values()),
    }
    for name, seconds in took.items():
        assert 1 / 3 < rows[name] / seconds < 3, name


def test_energy_is_seconds_times_watts():
    for one, other in zip(bill("cpu", 10.0), bill("cpu", 20.0), strict=True):
        assert one["kilowatt_hours"] == pytest.approx(float(one["seconds"]) * 10 / 3.6e6)
        assert other["kilowatt_hours"] == pytest.approx(2 * float(one["kilowatt_hours"]))


def test_steps_are_counted_as_they_are_trained():
    experiment = by_claim()["F8"]
    # 8,000 steps of ten seeds, and three rates on three seeds over 3,000 steps, for each network
    assert [work.steps for work in works_of(experiment, "cpu")] == [8000 * 10 + 3000 * 9] * 6
    paper = by_claim(at_published_budget=True)["N8"]
    steps = {work.kind: work.steps for work in works_of(paper, "gpu") if "lstm" in work.kind}
    assert steps == {"measure_wait_go_lstm": 70_000 * 10}
    # twenty seeds of five networks, of which two have ten already
    equal = works_of(by_claim(at_published_budget=True)["F5"], "gpu")
    assert sum(work.steps for work in equal) == 70_000 * (3 * 20 + 2 * 10)


def test_a_whole_trial_is_a_short_one_times_its_steps(stored):
    few, many = (stored.value(f"kinds.R2_{steps}") for steps in costs.SHORT)
    assert many["seconds"] > few["seconds"]
    assert many["megabytes"] > few["megabytes"]
    one, two = (price(Work("trial", 1, "R2", 224, batch), stored) for batch in (1, 2))
    assert two.seconds == pytest.approx(2 * one.seconds)
    assert one.megabytes < two.megabytes < 2 * one.megabytes
    deep = price(Work("trial", 1, "R8", 224, 1), stored)
    assert deep.multiply_adds > 2 * one.multiply_adds


def test_multiply_adds_of_a_trial(stored):
    """300 steps forward, the gradient of 200 of them."""
    sizes = costs.network_sizes("R2", 224)
    found = costs.adds_of_stage("trial", sizes, 2)
    assert found == 2 * (3 * sizes["per_stimulus"] + (3 * 200 + 100) * sizes["per_step"])


def test_a_step_is_measured_again(monkeypatch):
    """Smaller than the stored measurement, by the same code."""
    monkeypatch.setattr(costs, "N_SEEDS", 2)
    monkeypatch.setattr(costs, "seconds_a_step", lambda train, n_steps, rounds=5: train(1) and 1.0)
    found = costs.recurrent_step("measure_wait_go_lstm")
    assert found["seconds"] == 0.5
    assert found["multiply_adds"] > 1e6
    assert costs.small_stage("inverse")["multiply_adds"] > 0


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="tier must be 'cpu' or 'gpu', got 'smoke'"):
        bill("smoke", 10.0)
    with pytest.raises(ValueError, match="watts must be positive, got 0"):
        bill("cpu", 0)
