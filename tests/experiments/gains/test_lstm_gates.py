"""Claims N2 and N3: the rules can fail, and the experiments measure what they say."""

import pytest
import torch

from nmcourse import claims
from nmcourse.analysis import cut_beside, ramp_gains
from nmcourse.evidence.store import Results, plain
from nmcourse.experiments.gains import lstm_gates
from nmcourse.experiments.gains import prediction as gain_prediction
from nmcourse.experiments.gains.prediction import compare_gains
from nmcourse.pretrained import measure_wait_go_linear_nm_rnn


def equivalence(exact=1e-15, order=2.0):
    metrics = {"exact_tau_z_10": [1e-16, exact], "order": [2.0, order], "broken": {"one": [0.5]}}
    metrics["as_input_gate_order"] = [2.0, 2.0]
    config = {"n_networks": 2, "modulator_taus_ms": [10.0], "epsilons": [1e-3]}
    return Results(metrics, config)


@pytest.mark.parametrize(
    ("results", "status"),
    [
        (equivalence(), "reproduced"),
        (equivalence(exact=1e-11), "partly"),
        (equivalence(exact=None), "partly"),
        (equivalence(order=1.0), "partly"),
        (equivalence(exact=1.0, order=0.1), "not reproduced"),
    ],
)
def test_rule_of_n2(results, status):
    assert lstm_gates.judge(results).status == status


def test_the_stored_equivalence_is_what_the_command_gives(tmp_path):
    stored, again = claims.results("N2"), plain(lstm_gates.run("cpu", tmp_path))
    assert stored.config == again["config"]
    here, there = (torch.tensor(m["small"]) for m in (stored.metrics, again["metrics"]))
    torch.testing.assert_close(here, there, rtol=1e-4, atol=0)
    assert min(min(values) for values in stored.metrics["broken"].values()) > 0.03
    assert max(stored.value("half_a_tanh")) < lstm_gates.EXACT  # it is a sigmoid of twice the slope
    assert all(abs(order - 2) < 0.1 for order in stored.value("as_input_gate_order"))


def prediction(trained=(0.95, 0.02), extrapolated=(0.95, 0.02), errors=(1e-4, 1e-4, 1e-4)):
    def of(group):
        return {"correlation": [group[0]] * 3, "rmse": [group[1]] * 3, "feasible": [1.0] * 3}

    forms = {"trained": of(trained), "extrapolated": of(extrapolated)}
    cuts = {"rise": [1.0] * 3, "rise_along_l": [0.0] * 3, "loop": [1.0] * 3}
    metrics = {"eq8": forms, "eq7": forms, "trained": list(errors)} | cuts
    metrics["gain_driven"] = {"eq8": forms} | cuts
    return Results(metrics, {"n_seeds": 3, "n_steps": 8000})


@pytest.mark.parametrize(
    ("results", "status"),
    [
        (prediction(), "reproduced"),
        (prediction(extrapolated=(0.8, 0.02)), "partly"),
        (prediction(trained=(0.95, 0.2)), "partly"),
        (prediction((0.8, 0.02), (0.95, 0.06)), "not reproduced"),
        (prediction(errors=(1e-4, 1e-4, 1e-3)), "not decided"),
        (prediction((0.8, 0.02), (0.95, 0.06), errors=(1e-4, 1e-4, None)), "not decided"),
    ],
)
def test_rule_of_n3(results, status):
    judgement = gain_prediction.judge(results)
    assert judgement.status == status
    assert judgement.reason.startswith("2 of 3 networks learned") == (status == "not decided")


def test_with_its_own_output_a_network_is_what_eq_7_says():
    model = measure_wait_go_linear_nm_rnn(generator=torch.Generator().manual_seed(0))
    ramp = ramp_gains(model, 120.0, form="exact", own=True)
    assert ramp.times.tolist() == [10.0 * k for k in range(1, 13)]
    torch.testing.assert_close(ramp.trained, ramp.predicted, rtol=1e-6, atol=0)
    assert 0 < ramp.beside < 1
    assert model.output_network.input_weights.dtype == torch.float32  # left as it was
    metrics = compare_gains([model])
    assert metrics["eq7_own_output"]["trained"]["rmse"][0] < 1e-6
    assert metrics["eq8"]["extrapolated"]["rmse"][0] > 1e-3
    assert metrics["rise"][0] != pytest.approx(metrics["rise_along_l"][0])


def test_nothing_lies_beside_l_in_the_control():
    model = gain_prediction.build_gain_driven(torch.Generator().manual_seed(1))
    ramp = ramp_gains(model, 120.0, form="approximate", own=True)
    torch.testing.assert_close(ramp.trained, ramp.predicted, rtol=1e-4, atol=0)
    assert ramp.beside < 1e-6
    intact, along, loop = cut_beside(model, 120.0)
    assert intact == pytest.approx(along, abs=1e-5)
    assert loop == pytest.approx(1.0, abs=0.1)  # it starts on a line attractor
