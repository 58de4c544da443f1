import json

import numpy as np
import pytest
import torch

from nmcourse import pretrained
from nmcourse.analysis import cordsnet_arrays
from nmcourse.figures import interactive_seeing
from nmcourse.figures.seeing import SEEING
from nmcourse.models import CordsNet
from nmcourse.models.vision.wiring import Area, Stem
from nmcourse.tasks import digit_images

TEXTS = {"title": "Draw a digit", "alt": "Outputs of a network that sees a digit."}
SCRIPTS = ("arithmetic.js", *SEEING)
PLAN = {"dt": 2, "before": 200, "shown": 200, "after": 100, "noise": 0, "seed": 1}


@pytest.fixture(scope="module")
def digits():
    return digit_images("test", 8)


@pytest.fixture(scope="module")
def trained():
    return pretrained.load("digits_cordsnet_lasting")[0].double().requires_grad_(False)


def deep(**options):
    """Four areas, strides, a pooled stem, wide kernels, biases that are not zero."""
    areas = [Area(3), Area(3, 1, 5), Area(4, 2), Area(4)]
    source = torch.Generator().manual_seed(0)
    net = CordsNet(
        areas, 1, 5, image_size=(13, 10), stem=Stem(3, 5, 1, True), generator=source, **options
    ).double()
    with torch.no_grad():
        for parameter in [*net.biases, net.output_bias]:
            parameter.copy_(torch.randn(parameter.shape, generator=source))
    return net.requires_grad_(False)


def figure(network, images, **changes):
    given = {
        "labels": [3] * len(images),
        "outputs": np.zeros((200, network.n_outputs)),
        **TEXTS,
        **changes,
    }
    return interactive_seeing(cordsnet_arrays(network), images=images, **given)


def in_the_page(node, page_spec, network, image, plan, more=""):
    spec = page_spec(figure(network, image))
    return node(
        f"const spec = {json.dumps(spec)};"
        "const net = nmCordsNet(nmUnpack(spec.arrays));"
        "const images = nmUnpack(spec.examples);"
        f"const plan = {json.dumps(plan)};"
        "const image = images.slice(0, net.height * net.width);"
        "const trial = nmSeeingTrial(net, image, plan, nmTools.normal(plan.seed));"
        "trial.advance(1e6); const found = trial.found;"
        "show({times: found.times, outputs: found.outputs, means: found.means, over: found.over,"
        "last: found.frames[found.frames.length - 1].map((m) => Array.from(m.data)),"
        f"{more}}});",
        *SCRIPTS,
    )


def compare(page, network, image, plan):
    steps = {key: round(plan[time] / plan["dt"]) for key, time in
             (("n_blank", "before"), ("n_steps", "shown"), ("n_after", "after"))}  # fmt: skip
    response = network.respond(image, **steps)
    maps = network.record(image, **steps)
    np.testing.assert_allclose(page["outputs"][1:], response.outputs[0], rtol=0, atol=1e-6)
    means = torch.stack([r[0, steps["n_blank"] :].mean(dim=(1, 2, 3)) for r in maps], dim=1)
    np.testing.assert_allclose(page["means"][1:], means, rtol=0, atol=1e-6)
    for found, r in zip(page["last"], maps, strict=True):
        np.testing.assert_allclose(found, r[0, -1].flatten(), rtol=1e-6, atol=1e-6)
    assert page["over"] is True
    assert page["times"][0] == 0
    assert page["times"][-1] == pytest.approx(plan["shown"] + plan["after"])


@pytest.mark.parametrize("dt", [1, 2, 5])
def test_the_trained_network_in_the_page_equals_the_package(node, page_spec, trained, digits, dt):
    image, plan = digits.images[:1].double(), PLAN | {"dt": dt}
    page = in_the_page(node, page_spec, trained, image, plan)
    trained.dt = float(dt)
    compare(page, trained, image, plan)
    trained.dt = 2.0


@pytest.mark.parametrize("options", [{}, {"bias": "channel"}, {"slope": 0.3}])
def test_a_network_of_another_size_is_taken_from_its_arrays(node, page_spec, options):
    network = deep(**options)
    image = torch.rand(1, 1, 13, 10, generator=torch.Generator().manual_seed(1)).float().double()
    plan = PLAN | {"before": 40, "shown": 60, "after": 20}
    compare(in_the_page(node, page_spec, network, image, plan), network, image, plan)


def test_what_is_said_of_a_trial(node, page_spec, trained, digits):
    image = digits.images[digits.labels == 3][:1].double()  # at rest the answer is another one
    more = "summary: nmSeeingSummary(found, 200), says: nmSeeingSays(found, plan, spec.labelNames)"
    page = in_the_page(node, page_spec, trained, image, PLAN, more)
    outputs = np.array(page["outputs"])
    answers, end = outputs.argmax(axis=1), page["times"].index(200)
    assert page["summary"]["answer"] == answers[end] == 3
    share = np.exp(outputs[end] - outputs[end].max())
    assert page["summary"]["share"] == pytest.approx(share.max() / share.sum(), abs=1e-6)
    since = page["times"].index(page["summary"]["since"])
    assert set(answers[since : end + 1]) == {answers[end]}
    assert answers[since - 1] != answers[end]
    away = trained.record(image, n_blank=100, n_steps=100, n_after=50)
    rest = [r[0, 99] for r in away]
    distance = [sum(((r[0, t] - r0) ** 2).sum() for r, r0 in zip(away, rest, strict=True)).sqrt()
                for t in (249, 199)]  # fmt: skip
    assert page["summary"]["left"] == pytest.approx(float(distance[0] / distance[1]), rel=1e-5)
    assert f"Answer: {answers[end]}" in page["says"]


def test_noise_changes_the_trial_and_repeats(node, page_spec, trained, digits):
    image = digits.images[:1].double()
    one, two, other = (
        in_the_page(node, page_spec, trained, image, PLAN | {"noise": 0.3, "seed": seed})["outputs"]
        for seed in (1, 1, 2)
    )
    assert one == two
    assert np.abs(np.array(one) - np.array(other))[1:].max() > 1e-3


def test_activity_without_bound_is_an_error(node, page_spec):
    network = deep()
    with torch.no_grad():
        for layer in network.recurrent:
            layer.length.mul_(1e150)
    image = torch.ones(1, 1, 13, 10).double()
    with pytest.raises(AssertionError, match="activity grows without bound"):
        in_the_page(node, page_spec, network, image, PLAN)


def test_the_worker_is_given_all_that_it_needs(node, page_spec, trained, digits):
    """Its text alone, without the rest of the page, makes the trial."""
    spec = page_spec(figure(trained, digits.images[:1]))
    heard = node(
        """
        let source = "";
        globalThis.Blob = class { constructor(parts) { source = parts.join(""); } };
        URL.createObjectURL = () => "blob:";
        const sent = [];
        globalThis.Worker = class { postMessage(message) { sent.push(message); } };
        """
        f"const spec = {json.dumps(spec)};"
        "const ask = nmSeeingRunner(spec.arrays, () => {});"
        f"ask({{id: 7, image: nmUnpack(spec.examples).slice(0, 64), plan: {json.dumps(PLAN)}}});"
        """
        const vm = require("vm");
        const found = [];
        const inside = vm.createContext({
          setTimeout: (f) => f(), atob, Date,
          postMessage: (m) => found.push(JSON.parse(JSON.stringify(m))),
        });
        vm.runInContext(source + "; globalThis.hear = (data) => onmessage({ data });", inside);
        for (const message of sent) inside.hear(structuredClone(message));
        const last = found[found.length - 1];
        show({ id: last.id, over: last.found.over, outputs: last.found.outputs.slice(-1)[0] });
        """,
        *SCRIPTS,
    )
    assert (heard["id"], heard["over"]) == (7, True)
    image = digits.images[:1].double()
    wanted = trained.respond(image, n_steps=100, n_after=50).outputs[0, -1]
    np.testing.assert_allclose(heard["outputs"], wanted, rtol=0, atol=1e-6)


def test_a_page_without_workers_runs_the_trial_itself(node, page_spec, trained, digits):
    spec = page_spec(figure(trained, digits.images[:1]))
    over = node(
        'globalThis.Worker = class { constructor() { throw new Error("not allowed"); } };'
        f"const spec = {json.dumps(spec)};"
        "const ask = nmSeeingRunner(spec.arrays, (m) => { if (m.found.over) show(m.id); });"
        f"ask({{id: 3, image: nmUnpack(spec.examples).slice(0, 64), plan: {json.dumps(PLAN)}}});",
        *SCRIPTS,
    )
    assert over == 3


# ---- the pad ------------------------------------------------------------------------------------


def test_ink_is_the_share_of_a_pixel_that_is_covered(node):
    pixels = np.array(
        node("show(Array.from(nmInk([[[0, 0.5], [1, 0.5]]], 8, 8, 0.125)));", *SCRIPTS)
    )
    rows = pixels.reshape(8, 8)
    np.testing.assert_allclose(rows[3:5], 1.0)
    assert rows[:3].max() == rows[5:].max() == 0
    assert node("show(nmInk([], 4, 6, 0.1).length);", *SCRIPTS) == 24


def test_a_drawing_fills_the_image_and_keeps_its_proportions(node):
    fitted = np.array(
        node("show(nmFitted([[[0.4, 0.4], [0.5, 0.6]]], 0.1));", *SCRIPTS)
    )[0]  # fmt: skip
    np.testing.assert_allclose(fitted[:, 1], [0.1, 0.9])
    np.testing.assert_allclose(fitted[:, 0], [0.3, 0.7])
    assert node("show(nmFitted([], 0.1));", *SCRIPTS) == []


# ---- what is handed over ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alt": ""}, "alt: .* is empty"),
        ({"labels": [1]}, "labels: shape"),
        ({"images": np.zeros((2, 9, 8))}, "images: shape .* sees 8 x 8"),
        ({"images": np.zeros((2, 3, 8, 8))}, "both must have one"),
        ({"images": np.zeros((0, 8, 8)), "labels": []}, "images: shape"),
        ({"outputs": np.zeros((200, 3))}, "outputs: shape .* has 10 classes"),
        ({"blank": 123.0}, "start of after: 123"),
    ],
)
def test_what_cannot_be_shown_is_an_error(trained, changes, message):
    images = changes.pop("images", np.zeros((2, 8, 8)))
    changes = {"labels": [1, 2]} | changes
    with pytest.raises(ValueError, match=message):
        figure(trained, images, **changes)
