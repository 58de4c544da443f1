"""The judges of R2, R3, R7, R10 and R14, on invented numbers, both ways."""

from __future__ import annotations

import pytest
import torch

from nmcourse.evidence.record import Results
from nmcourse.experiments.digits import row_by_row
from nmcourse.experiments.multitask import constant_gains
from nmcourse.experiments.timing import variants
from nmcourse.models import NMRNN, ScalarGainRNN, count_parameters
from nmcourse.pretrained import BUILDERS

GOOD, WORSE, STUCK = [1e-4] * 5, [3e-4] * 5, [1e-3] * 5


def timing(**errors: list) -> Results:
    """All variants as good as the paper's, but for ``errors``."""
    metrics = {
        name: {
            "trained": errors.get(name, GOOD),
            "extrapolated": [1e-3] * 5,
            "lowest_gain": [0.1] * 5,
            "highest_gain": [0.9] * 5,
            "n_parameters": 1059,
        }
        for name in variants.VARIANTS
    }
    return Results(metrics, {"n_seeds": 5, "n_steps": 2000, "rates": [0.01]})


LOWER = [0.5e-4] * 5
LOWER_IN_FOUR, LOWER_IN_THREE = [5e-5, 5e-5, 5e-5, 5e-5, 1.0], [5e-5, 5e-5, 5e-5, 2e-4, 2e-4]


@pytest.mark.parametrize(
    ("tanh", "softplus", "status"),
    [
        (LOWER, LOWER, "reproduced"),
        (LOWER_IN_FOUR, LOWER, "reproduced"),
        ([9e-5, 9e-5, 9e-5, 1.1e-4, 1.1e-4], LOWER, "partly"),
        (LOWER_IN_THREE, LOWER, "not decided"),
        ([5e-5] * 4 + [None], STUCK, "partly"),
        (GOOD, WORSE, "not reproduced"),
        # such a spread hides an error twice as small
        ([1e-6, 1e-2, 1e-6, 1e-2, 1e-2], LOWER, "not decided"),
        ([1e-6, 1e-2, 1e-6, 1e-2, 1e-2], STUCK, "not decided"),
    ],
)
def test_gain_shapes(tanh, softplus, status):
    judgement = variants.judge_r2(timing(tanh=tanh, softplus=softplus))
    assert judgement.status == status
    assert "sigmoid 1.0×10⁻⁴" in judgement.measured
    assert ("power of the rule" in judgement.reason) == (status == "not decided")


@pytest.mark.parametrize("judge", [variants.judge_r2, variants.judge_r3, variants.judge_r10])
def test_nothing_is_decided_where_the_network_of_the_paper_has_not_learned(judge):
    found = judge(timing(paper=[1e-4] * 2 + [1e-3] * 3))
    assert found.status == "not decided"
    assert "in 2 of 5 seeds only, in 2,000 steps" in found.reason
    assert "published 70,000 steps in place of 2,000" in found.would_change


@pytest.mark.parametrize(
    ("errors", "status", "smallest"),
    [
        ({}, "reproduced", "1. Does"),
        ({"rank_1": STUCK, "modulator_2": STUCK}, "reproduced", "2. Does"),
        ({"rank_1": STUCK, "rank_2": STUCK}, "reproduced", "3. Does"),  # the small modulator
        ({"rank_1": STUCK, "rank_2": WORSE, "modulator_2": STUCK}, "partly", "2. Does"),
        (dict.fromkeys(variants.SMALLER, STUCK), "not reproduced", "3. Does"),
        (dict.fromkeys(variants.VARIANTS, STUCK), "not decided", "none of 1, 2, 3, 5. Does"),
        ({"rank_1": [1e-4] * 3 + [1e-3, None]}, "reproduced", "2. Does"),
    ],
)
def test_sizes(errors, status, smallest):
    judgement = variants.judge_r3(timing(**errors))
    assert judgement.status == status
    assert f"learn to measure: {smallest}" in judgement.measured


@pytest.mark.parametrize(
    ("errors", "status"),
    [
        ({}, "holds."),
        ({"sparse": [1.9e-4] * 5}, "holds."),
        ({"sparse": WORSE}, "holds in part."),
        ({"sparse": STUCK}, "does not hold."),
    ],
)
def test_sparse_terms(errors, status):
    judgement = variants.judge_r10(timing(**errors))
    assert judgement.status == "measured"
    assert judgement.measured.startswith(f"The sentence of this course {status}")


def test_sparse_variant_has_as_many_parameters():
    sizes = {name: variant.n_parameters() for name, variant in variants.VARIANTS.items()}
    assert sizes["sparse"] == sizes[variants.PAPER] == sizes["tanh"] == 1059
    assert sizes["rank_1"] < sizes["rank_2"] < 1059 < sizes["rank_5"]


@pytest.mark.parametrize(
    ("errors", "status"),
    [
        ({}, "holds."),
        ({"weaker": [0.001] * 5}, "holds in part."),
        (dict.fromkeys(constant_gains.SCALAR, [0.001] * 5), "does not hold."),
        ({"nm_rnn": [0.01, 0.01, 0.01, 0.3, 0.3]}, "does not hold."),
        ({"input": [0.001] * 5}, "holds."),  # a control, not a constant gain
    ],
)
def test_constant_gains(errors, status):
    metrics = {
        name: {"error": errors.get(name, [0.01] * 5 if name == "nm_rnn" else [0.1] * 5)}
        | dict.fromkeys(("correct_pro", "correct_anti"), [90.0] * 5)
        | {"learning_rate": 0.1 if name == "input" else 0.03}
        for name in constant_gains.ARMS
    }
    config = {"n_seeds": 5, "n_steps": 2000, "batch_size": 50, "rates": [0.03, 0.1]}
    judgement = constant_gains.judge(Results(metrics, config))
    assert judgement.status == "measured"
    assert judgement.measured.startswith(f"The sentence of this course {status}")
    assert judgement.caveats[-1].endswith("was the largest tried: context as an input.")


def test_arms_of_the_constant_gains_are_matched_and_differ_from_seed_to_seed():
    models = {
        name: arm.build(torch.Generator().manual_seed(0))
        for name, arm in constant_gains.ARMS.items()
    }
    assert isinstance(models["nm_rnn"], NMRNN)
    assert {1271, 1290, 1283} == {count_parameters(model) for model in models.values()}
    masks = [
        constant_gains.ARMS["weaker"].build(torch.Generator().manual_seed(seed)).mask
        for seed in range(2)
    ]
    assert not torch.equal(*masks)
    assert isinstance(models["flipped"], ScalarGainRNN)
    assert models["flipped"].gains.flatten().tolist() == [1.0, -1.0]


@pytest.mark.parametrize(
    ("nm_rnn", "lstm", "status"),
    [
        (0.95, 0.96, "holds."),
        (0.99, 0.90, "holds."),
        (0.92, 0.96, "holds in part."),
        (0.80, 0.96, "does not hold."),
        (0.12, 0.11, "could not be decided."),
    ],
)
def test_digits(nm_rnn, lstm, status):
    accuracy = {"nm_rnn": nm_rnn, "lstm": lstm}
    metrics = {
        name: {
            "test_accuracy": [accuracy.get(name, 0.9)] * 5,
            "test_loss": [0.2] * 5,
            "n_parameters": 3000,
            "learning_rate": 0.01,
        }
        for name in row_by_row.NETWORKS
    }
    judgement = row_by_row.judge(Results(metrics, {"n_seeds": 5, "rates": [0.01, 0.03]}))
    assert judgement.status == ("measured" if lstm > 0.5 else "not decided")
    assert judgement.measured.startswith(f"The sentence of this course {status}")
    assert f"NM-RNN {nm_rnn:.1%}" in judgement.measured


def test_digit_networks_are_matched():
    sizes = [count_parameters(BUILDERS[f"digits_{name}"]()) for name in row_by_row.NETWORKS]
    assert max(sizes) < 1.04 * min(sizes)


def test_sizes_and_pairs_fill_the_map_of_rank_and_modulator():
    kept = {name: variants.VARIANTS[name] for name in variants.SIZES}
    every = (kept | variants.PAIRS).values()
    sizes = sorted((one.kwargs["rank"], one.kwargs["n_modulator_units"]) for one in every)
    assert sizes == [(rank, units) for rank in (1, 2, 3, 5) for units in (2, 5, 10)]
    assert not set(variants.PAIRS) & set(variants.VARIANTS)  # judged by none of them
