"""R1, R12, R13, R15 and R18: their rules can go either way, their measures do what they say."""

import pytest
import torch

from nmcourse import claims
from nmcourse.evidence.store import Results, plain
from nmcourse.experiments.gains import gradient_flow, pruning_and_dopamine, structured_flexibility
from nmcourse.experiments.registry import by_claim
from nmcourse.experiments.timing import random_output_network

NAN = float("nan")


def random_network(**errors):
    metrics = {
        arm: {"trained": [errors.get(arm, 1e-2)] * 5, "n_trained": 10}
        for arm in random_output_network.ARMS
    }
    return random_output_network.judge(Results(metrics, {"n_steps": 3000}))


def came_of(judgement):
    """What came of a sentence of this course: nothing was published, so that is no status."""
    words = judgement.measured.removeprefix("The sentence of this course ")
    assert judgement.status == ("not decided" if words.startswith("could") else "measured")
    return next(
        found
        for found in ("holds in part", "holds", "does not hold", "could not be decided")
        if words.startswith(found)
    )


@pytest.mark.parametrize(
    ("errors", "status"),
    [
        ({"everything": 1e-4, "modulator": 1e-4}, "holds"),
        ({"everything": 1e-4, "large_modulator": 1e-4}, "holds"),
        ({"everything": 1e-4, "modulator_and_readout": 1e-4}, "holds in part"),
        ({"everything": 1e-4, "modulator_and_readout": 1e-4, "readout": 1e-4}, "does not hold"),
        ({"everything": 1e-4}, "does not hold"),
        ({"everything": 1e-4, "modulator": NAN}, "does not hold"),
        ({"modulator": 1e-4}, "holds"),
        ({"everything": 4e-4}, "could not be decided"),  # the whole network itself just learns
        ({"everything": 4e-4, "modulator": 4e-4}, "holds"),
        ({}, "could not be decided"),
    ],
)
def test_random_output_network(errors, status):
    assert came_of(random_network(**errors)) == status


def test_a_rule_that_five_seeds_seldom_pass_decides_nothing():
    metrics = {
        arm: {"trained": [1e-4] * 4 + [1e-2] if arm == "everything" else [1e-2] * 5, "n_trained": 1}
        for arm in random_output_network.ARMS
    }
    judgement = random_output_network.judge(Results(metrics, {"n_steps": 3000}))
    assert judgement.status == "not decided"
    assert "(4 of 5), 5 seeds would show it with a probability of 74% only" in judgement.reason


def test_what_is_trained():
    counts = {name: arm.n_trained() for name, arm in random_output_network.ARMS.items()}
    assert counts["everything"] == 1059
    assert counts["modulator"] == 58  # 25 + 15 + 15 + 3
    assert counts["readout"] == 101
    assert counts["modulator_and_readout"] == 58 + 101


def pruning(held, level, moves=0.5):
    config = {"near_zero": 0.1, "hardly_moves": 0.1, "hurts": 2.0}
    metrics = {
        "mean": level,
        "range": [[moves + 0.01 * k for k in range(3)]] * 2,
        "held": held,
        "intact": [1.0, 1.0],
        "n_needed": [2, 3],
    }
    return came_of(pruning_and_dopamine.judge_pruning(Results(metrics, config)))


def test_pruning():
    quiet, loud = [0.01, 0.01, 0.5], [0.5, 0.5, 0.5]
    assert pruning([[1.1, 1.1, 9.0]] * 2, [quiet] * 2) == "holds"
    assert pruning([[1.1, 9.0, 9.0]] * 2, [quiet] * 2) == "holds in part"
    assert pruning([[9.0, 9.0, 1.1]] * 2, [quiet] * 2) == "does not hold"
    assert pruning([[1.1, 1.2, 1.3]] * 2, [loud] * 2) == "could not be decided"
    assert pruning([[1.1, 1.2, 1.3]] * 2, [loud] * 2, moves=0.01) == "holds"


def flexibility(trained, untrained):
    def rows(share):
        return {
            "shares": [[share, 1 - share, 0.0]] * 4,
            "reach": [[2.0, 1.0, 1.0]] * 4,
            **dict.fromkeys(
                ("size", "dimensions", "between_intervals", "follows_gains", "follows_direction"),
                [0.1] * 4,
            ),
        }

    metrics = {"trained": rows(trained), "untrained": rows(untrained)}
    return came_of(structured_flexibility.judge(Results(metrics, {"one_dial": 0.75})))


def test_structured_flexibility():
    assert flexibility(0.9, 0.5) == "holds"
    assert flexibility(0.9, 0.95) == "holds in part"  # one dial, but not by training
    assert flexibility(0.6, 0.4) == "holds in part"
    assert flexibility(0.4, 0.3) == "does not hold"


@pytest.mark.parametrize(
    ("kept", "status"),
    [
        ([0.9, 0.9, 0.5, 0.5], "holds"),
        ([0.4, 0.9, 0.5, 0.5], "holds in part"),
        ([0.4, 0.4, 0.5, 0.5], "does not hold"),
    ],
)
def test_gradient_flow_rule(kept, status):
    start, trained, low_rank, vanilla = kept
    values = {
        "nm_rnn": (start, trained),
        "low_rank_rnn": (low_rank, low_rank),
        "vanilla_rnn": (vanilla, vanilla),
        "lstm": (1.0, 1.0),
    }
    metrics = {
        name: {
            stage: {"keeps": [value]}
            for stage, value in zip(gradient_flow.STAGES, pair, strict=True)
        }
        for name, pair in values.items()
    }
    assert came_of(gradient_flow.judge(Results(metrics, {"n_seeds": 1}))) == status


@pytest.mark.parametrize(
    ("low", "status"),
    [
        ([150.0] * 10, "holds"),
        ([NAN] * 10, "holds"),
        ([150.0] * 5 + [80.0] * 4 + [100.0], "holds in part"),
        ([80.0] * 10, "does not hold"),
    ],
)
def test_low_dopamine_rule(low, status):
    produced = {"produced": [[[100.0] * 4, [value] * 4] for value in low]}
    config = {"factors": [1.0, 0.9], "judged_at": 0.9, "n_seeds": 10}
    metrics = dict.fromkeys(("whole", "before_go", "from_go"), produced)
    results = Results(plain(metrics), config)
    assert came_of(pruning_and_dopamine.judge_low_dopamine(results)) == status


@pytest.mark.parametrize("claim", ["R12", "R15", "R18"])
def test_the_stored_result_is_what_the_command_gives(claim, tmp_path):
    experiment = by_claim()[claim]
    again = plain(experiment.run("cpu", tmp_path))
    stored = claims.results(claim)
    assert stored.config == again["config"]
    key = {"R12": "range", "R15": "trained.shares", "R18": "whole.apparent"}[claim]
    ours, theirs = (
        torch.tensor(Results(m, {}).value(key)) for m in (stored.metrics, again["metrics"])
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=0.02)
