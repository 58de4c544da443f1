import json

import numpy as np
import pytest
import torch

from nmcourse import pretrained
from nmcourse.analysis import ablate_gains, latent_dynamics, nm_rnn_arrays
from nmcourse.figures import interactive_timing
from nmcourse.models import NMRNN, PrescribedGain
from nmcourse.tasks import LONGER, TRAINED, MeasureWaitGo, produced_interval

TEXTS = {"title": "A network that keeps time", "alt": "A ramp after go. Its pulses can be moved."}
SCRIPTS = ("arithmetic.js", "weights.js", "nm_rnn.js", "timing.js")
PLAIN = {"interval": 160, "measure": 150, "delay": 150, "donor": 120, "held": -1, "moved": ""}


@pytest.fixture(scope="module")
def network():
    return pretrained.load("mwg_nm_rnn")[0].double().requires_grad_(False)


def trials(*intervals):
    found = MeasureWaitGo(intervals, measure_times=[150]).enumerate()
    return found.inputs.double(), found


@pytest.fixture(scope="module")
def widget(network):
    inputs, found = trials(160)
    with torch.no_grad():
        outputs = network(inputs).outputs[0, :, 0]
    return interactive_timing(
        nm_rnn_arrays(network), outputs=outputs, targets=found.targets[0, :, 0], **TEXTS
    )


@pytest.fixture(scope="module")
def run(node, widget, page_spec):
    """What the page computes for a setting."""

    def trial(**changes):
        setting = {"scales": [1, 1, 1], **PLAIN, **changes}
        return node(
            f"const spec = {json.dumps(page_spec(widget))};"
            "const net = nmNmRnn(nmUnpack(spec.arrays));"
            f"const run = nmTimingRun(net, {json.dumps(setting)}, spec.task);"
            "const list = (rows) => rows.map((row) => Array.from(row));"
            "const y = run.y.map((v) => v[0]);"
            "show({y, s: list(run.s), kappa: list(run.kappa),"
            "target: run.target, produced: nmProducedInterval(y, run.at[2], 10)});",
            *SCRIPTS,
        )

    return trial


def close(found, wanted):
    np.testing.assert_allclose(np.array(found), wanted.detach().numpy(), rtol=0, atol=1e-6)


def under(network, gains):
    return NMRNN(network.output_network, PrescribedGain(gains))


@pytest.mark.parametrize("interval", [120, 160, 260])
def test_a_trial_in_the_page_equals_the_network(run, network, interval):
    inputs, found = trials(interval)
    trial = network(inputs)
    page = run(interval=interval)
    close(page["y"], trial.outputs[0, :, 0])
    close(page["s"], trial.gains[0])
    close(page["kappa"], latent_dynamics(network).split(trial.states).kappa[0])
    close(page["target"], found.targets[0, :, 0])
    produced = produced_interval(trial.outputs, found.conditions["go_time"], 10.0)
    assert page["produced"] == pytest.approx(float(produced), abs=1e-6)


def test_pulses_move(run, network):
    found = MeasureWaitGo([180], measure_times=[90], delay=220).enumerate()
    page = run(interval=180, measure=90, delay=220)
    close(page["y"], network(found.inputs.double()).outputs[0, :, 0])
    close(page["target"], found.targets[0, :, 0])


def test_scaled_gains(run, network):
    inputs, _ = trials(160)
    scales = torch.tensor([0.5, 1.0, 1.7]).double()
    wanted = under(network, network(inputs).gains * scales)(inputs)
    close(run(scales=scales.tolist())["y"], wanted.outputs[0, :, 0])


@pytest.mark.parametrize("k", [0, 1, 2])
def test_a_held_gain(run, network, k):
    inputs, _ = trials(160)
    page = run(held=k)
    close(page["y"], ablate_gains(network, k, "initial")(inputs).outputs[0, :, 0])
    assert len({row[k] for row in page["s"]}) == 1


def test_all_gains_held(run):
    assert np.ptp(np.array(run(held=3)["s"]), axis=0).max() == 0


@pytest.mark.parametrize("donor", [120, 240])
def test_transplanted_gains(run, network, donor):
    inputs, found = trials(160, donor)
    own = network(inputs).gains
    wait = (found.conditions["wait_time"] / 10).long()
    since = torch.arange(110) - wait[0]
    there = (wait[1] + since).clamp(0, 109)
    gains = torch.where((since >= 0)[:, None], own[1][there], own[0])
    wanted = under(network, gains)(inputs[:1]).outputs[0, :, 0]
    close(run(moved="gains", donor=donor)["y"], wanted)
    assert (wanted - network(inputs).outputs[0, :, 0]).abs().max() > 1e-4


@pytest.mark.parametrize("donor", [120, 240])
def test_a_transplanted_state(run, network, donor):
    inputs, found = trials(160, donor)
    wait = (found.conditions["wait_time"] / 10).long().tolist()
    other = network(inputs).states[1, wait[1] - 1]
    state, outputs = network.initial_state(1), []
    for t in range(110):
        state = state._replace(x=other[None]) if t == wait[0] else state
        state = network.step(state, inputs[:1, t])
        outputs.append(network.readout(state)[0, 0])
    close(run(moved="state", donor=donor)["y"], torch.stack(outputs))


def test_gains_and_state_of_the_donor_make_the_donors_trial(run, network):
    inputs, _ = trials(160, 120)
    other = network(inputs).outputs[1, :, 0]
    close(run(moved="both", donor=120)["y"][31:], other[27:-4])


def test_an_output_that_never_arrives(run):
    assert run(scales=[0, 0, 0])["produced"] is None  # NaN


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alt": " "}, "alt: .* is empty"),
        ({"title": ""}, "title: .* is empty"),
        ({"interval": 165}, "start of interval: 165"),
        ({"targets": np.zeros(3)}, "targets: shape"),
        (
            {"outputs": np.zeros(50), "targets": np.zeros(50)},
            "outputs: 50 steps of 10 ms are too few",
        ),
    ],
)
def test_what_cannot_be_shown_is_an_error(network, changes, message):
    given = {"outputs": np.zeros(110), "targets": np.zeros(110), **TEXTS, **changes}
    with pytest.raises(ValueError, match=message):
        interactive_timing(nm_rnn_arrays(network), **given)


def test_a_network_of_another_task_is_refused():
    arrays = nm_rnn_arrays(pretrained.load("ef_nm_rnn_5_18_8")[0])
    with pytest.raises(ValueError, match=r"arrays: needs 1 output and 3 inputs .* \(1, 1\)"):
        interactive_timing(arrays, outputs=np.zeros(110), targets=np.zeros(110), **TEXTS)
    assert set(TRAINED) < set(range(40, 270, 10)) > set(LONGER)
