"""Claims C2 and C10: the measurement, and rules that can fail."""

import json
import math

import numpy as np
import pytest
import torch

from nmcourse.analysis import gaussian_convolution
from nmcourse.evidence.store import Results, plain
from nmcourse.experiments.convolution.spectra import (
    COUNTS,
    differ,
    distance,
    distance_from,
    judge_c2,
    judge_c10,
    normalised_singular_values,
    quarter_circle,
    run,
)


def test_distance_is_that_of_scipy():
    from scipy.stats import ks_2samp, kstest

    random = np.random.default_rng(0)
    a, b = random.normal(size=50), random.normal(0.5, size=(4, 20))
    assert distance(a, b) == pytest.approx(ks_2samp(a, b.ravel()).statistic)
    values = random.uniform(0, 2, size=80)
    assert distance_from(values) == pytest.approx(kstest(values, quarter_circle).statistic)
    assert quarter_circle(np.array([-1.0, 0.0, 2.0, 3.0])).tolist() == [0, 0, 1, 1]


def test_a_dense_matrix_has_the_quarter_circle_and_a_1x1_kernel_a_staircase():
    dense = torch.randn(300, 300, generator=torch.Generator().manual_seed(0)) / math.sqrt(300)
    values = torch.linalg.svdvals(dense)
    assert distance_from((values / values.square().mean().sqrt()).numpy()) < 0.02
    stairs = normalised_singular_values(gaussian_convolution(4, 1, 5, 0))
    assert len(np.unique(stairs.round(9))) == 4
    assert np.square(stairs).mean() == pytest.approx(1.0)
    everywhere = normalised_singular_values(gaussian_convolution(8, 11, 6, 0))
    assert distance_from(everywhere) < 0.03


def shapes(change, noise, n_distinct=((64, 64),) * 3):
    return {
        "kernels": [1, 3, 15],
        "change": list(change),
        "noise": list(noise),
        "n_distinct": [list(row) for row in n_distinct],
        "from_quarter_circle": [0.1, 0.03, 0.01],
    }


def test_a_staircase_beside_a_curve_differs():
    stairs = ((4, 4), (64, 64), (63, 64))
    assert differ(shapes([0.1, 0.01], [0.2, 0.2, 0.2], stairs)) == [True, False]
    assert differ(shapes([0.1, 0.3], [0.2, 0.2, 0.05], stairs)) == [True, True]
    assert differ(shapes([0.1, 0.1], [0.05, 0.2, 0.05])) == [False, False]


@pytest.mark.parametrize(
    ("one", "eight", "status"),
    [
        ([0.5, 0.2], [0.5, 0.2], "reproduced"),
        ([0.5, 0.2], [0.5, 0.01], "partly"),
        ([0.01, 0.01], [0.01, 0.01], "not reproduced"),
    ],
)
def test_rule_of_c2(one, eight, status):
    maps = {
        "channels_1": shapes(one, [0.05] * 3),
        "channels_8": shapes(eight, [0.05] * 3),
    }
    judgement = judge_c2(Results({"singular": maps}, {"n_seeds": 20}))
    assert judgement.status == status
    assert "1×1 to 3×3" in judgement.measured


@pytest.mark.parametrize(
    ("ten", "fifty", "status"),
    [
        ([1e-9, 1e-8], [1e-6, 9e-4], "reproduced"),
        ([1e-9, 1e-8], [1e-6, 2e-3], "partly"),
        ([1e-9, 2e-3], [1e-6, 2e-3], "not reproduced"),
        ([1e-9, None], [1e-6, None], "not reproduced"),
    ],
)
def test_rule_of_c10(ten, fifty, status):
    metrics = {
        **dict(zip((f"error_{n}" for n in COUNTS), (ten, fifty, [0.1, 0.1]), strict=True)),
        "n_close": [90, 100],
        "leader_is_real": [True, False],
        "first_column_leads": [True, False],
        "moved_by_sweeps": [1e-14, 1e-13],
        "power_residual_one": [0.1, 0.2],
        "power_residual_two": [1e-9, 1e-3],
    }
    config = {"n_steps": 300, "n_sweeps": 100, "channels": 10, "size": 10, "n_layers": 2}
    judgement = judge_c10(Results({"arnoldi": metrics}, config))
    assert judgement.status == status
    assert "real in 1 of 2" in judgement.caveats[2]


def test_smoke_run_and_what_it_measures(tmp_path):
    outcome = plain(run("smoke", tmp_path))
    json.dumps(outcome)
    found = Results(outcome["metrics"], outcome["config"])
    assert judge_c10(found).status == "reproduced"
    assert max(found.value("arnoldi.moved_by_sweeps")) < 1e-12
    assert found.value("singular.channels_1.n_distinct.0") == [1] * 4
    assert len(found.value("singular.channels_8.quantiles.0")) == 21
