"""Element Finder and stored gains in the page: the same networks, asked other things."""

import json

import numpy as np
import pytest
import torch

from nmcourse import pretrained
from nmcourse.analysis import nm_rnn_arrays
from nmcourse.figures import interactive_elements, interactive_stored_gains
from nmcourse.models import NMRNN, ClampedGain, PrescribedGain, SparseTerms
from nmcourse.tasks import DelayedResponse, ElementFinder, decode_angle

TEXTS = {"title": "A figure", "alt": "What it shows."}
NM_RNN = ("arithmetic.js", "weights.js", "nm_rnn.js")
ANGLES = [0.0, 90.0, 225.0]
TASKS = ("DelayPro", "DelayAnti", "MemoryPro")


@pytest.fixture(scope="module")
def finder():
    return pretrained.load("ef_nm_rnn_5_18_8_longer")[0].double().requires_grad_(False)


@pytest.fixture(scope="module")
def answerer():
    return pretrained.load("mt_nm_rnn")[0].double().requires_grad_(False)


@pytest.fixture(scope="module")
def tables(answerer):
    angles = torch.deg2rad(torch.tensor(ANGLES))
    found = [DelayedResponse(TASKS).arranged(task, angles) for task in TASKS]
    inputs = [trials.inputs.float() for trials in found]
    gains = [
        answerer(trials.inputs.double(), trials.context.double()).gains.float() for trials in found
    ]
    return {"inputs": torch.stack(inputs), "gains": torch.stack(gains)}


def elements_figure(network, **changes):
    given = {"elements": [3, -7, 10], "query": 1, "outputs": np.zeros(4), **TEXTS, **changes}
    return interactive_elements(nm_rnn_arrays(network), **given)


def swap_figure(network, tables, **changes):
    given = {
        "tasks": TASKS,
        "angles": torch.tensor(ANGLES),
        "outputs": np.zeros((100, 3)),
        "swap": 500.0,
    }
    return interactive_stored_gains(nm_rnn_arrays(network), **given | tables | TEXTS | changes)


@pytest.mark.parametrize("query", [0, 12, 24])
def test_a_network_with_feedback_in_the_page_equals_the_package(node, page_spec, finder, query):
    elements = torch.randint(-10, 11, (1, 25), generator=torch.Generator().manual_seed(query))
    trial = finder(ElementFinder().trials(torch.tensor([query]), elements).inputs.double())
    page = node(
        f"const spec = {json.dumps(page_spec(elements_figure(finder)))};"
        "const net = nmNmRnn(nmUnpack(spec.arrays));"
        f"const run = nmElementsRun(net, {query}, {elements[0].tolist()});"
        "show({y: run.y.map((v) => v[0]), s: run.s.map((s) => Array.from(s))});",
        *NM_RNN,
        "elements.js",
    )
    np.testing.assert_allclose(page["y"], trial.outputs[0, :, 0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(page["s"], trial.gains[0], rtol=0, atol=1e-6)


def test_each_stage_of_a_training_has_its_own_network(page_spec, finder):
    earlier = pretrained.load("ef_nm_rnn_5_18_8")[0].double().requires_grad_(False)
    course = {0: nm_rnn_arrays(earlier), 300: nm_rnn_arrays(finder)}
    spec = page_spec(elements_figure(finder, course=course))
    assert spec["sliders"]["trained"]["values"] == [0, 300]
    assert spec["sliders"]["trained"]["start"] == 1
    assert spec["course"][1] == spec["arrays"]
    assert spec["course"][0] != spec["arrays"]
    other = dict(course[0], readout=np.zeros((1, 7)))
    with pytest.raises(ValueError, match=r"course\[0\]: 'readout' is \(1, 7\), not"):
        elements_figure(finder, course={0: other, 300: course[300]})


@pytest.mark.parametrize(
    ("own", "other", "angle", "swap"), [(0, 1, 2, 50), (2, 0, 1, 80), (1, 1, 0, 0)]
)
def test_swapped_gains_in_the_page_equal_the_package(
    node, page_spec, answerer, tables, own, other, angle, swap
):
    gains = tables["gains"][own, angle].clone()
    gains[swap:] = tables["gains"][other, angle, swap:]
    network = NMRNN(answerer.output_network, PrescribedGain(gains.double()))
    wanted = network(tables["inputs"][own, angle][None].double()).outputs[0]
    setting = {"own": own, "other": other, "angle": angle, "swap": swap}
    page = node(
        f"const spec = {json.dumps(page_spec(swap_figure(answerer, tables)))};"
        "const none = nmUnpack(spec.noModulatorInput);"
        "const net = nmNmRnn({...nmUnpack(spec.arrays), modulator_input: none});"
        "const tables = {inputs: nmUnpack(spec.inputs), gains: nmUnpack(spec.gains)};"
        f"const run = nmStoredGainsRun(net, tables, {json.dumps(setting)});"
        "const y = run.y.map((v) => Array.from(v)); show({y, angle: nmAngleOf(y[y.length - 1])});",
        *NM_RNN,
        "stored_gains.js",
    )
    np.testing.assert_allclose(page["y"], wanted, rtol=0, atol=1e-6)
    answer = float(torch.rad2deg(decode_angle(wanted[-1])) % 360)
    assert page["angle"] == pytest.approx(answer, abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alt": ""}, "alt: .* is empty"),
        ({"query": 3}, "start of query: 3"),
        ({"outputs": np.zeros(3)}, "outputs: 3 steps, but 3 elements need one more"),
    ],
)
def test_a_list_that_cannot_be_shown_is_an_error(finder, changes, message):
    with pytest.raises(ValueError, match=message):
        elements_figure(finder, **changes)


def test_networks_of_another_task_are_refused(finder, answerer, tables):
    with pytest.raises(ValueError, match="arrays: needs 1 output and 1 input"):
        elements_figure(answerer)
    with pytest.raises(ValueError, match="inputs: needs shape"):
        swap_figure(finder, tables)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"title": " "}, "title: .* is empty"),
        ({"swap": 511.0}, "start of swap: 511"),
        ({"gains": np.zeros((3, 3, 100, 2))}, r"gains: needs shape \(3, 3, 100, 3\)"),
        ({"inputs": np.zeros((2, 3, 100, 3))}, "inputs: needs shape"),
        ({"outputs": np.zeros((100, 2))}, "outputs: needs shape"),
    ],
)
def test_gains_that_cannot_be_swapped_are_an_error(answerer, tables, changes, message):
    with pytest.raises(ValueError, match=message):
        swap_figure(answerer, tables, **changes)


def test_a_model_that_the_page_does_not_know_is_refused(finder):
    clamped = NMRNN(finder.output_network, ClampedGain(finder.modulator, {0: 0.5}))
    with pytest.raises(ValueError, match="model must be an NMRNN of a LowRankRNN and a Modulator"):
        nm_rnn_arrays(clamped)
    sparse = NMRNN(SparseTerms(1, 18, 1, rank=8), pretrained.load("ef_nm_rnn_5_18_8")[0].modulator)
    with pytest.raises(ValueError, match="SparseTerms"):
        nm_rnn_arrays(sparse)
