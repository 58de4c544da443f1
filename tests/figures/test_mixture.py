import json

import numpy as np
import pytest
import torch

from nmcourse import pretrained
from nmcourse.analysis import cordsnet_arrays
from nmcourse.figures import interactive_mixture
from nmcourse.figures.mixture import MIXTURE, PARTS
from nmcourse.tasks import digit_images

TEXTS = {"title": "Two digits mixed", "alt": "Shares of two digits."}
SHARES = np.zeros((2, len(PARTS)))
SCRIPTS = ("arithmetic.js", *MIXTURE)


@pytest.fixture(scope="module")
def images():
    return digit_images("test", 8).images[:2].double()


@pytest.fixture(scope="module")
def trained():
    return pretrained.load("digits_cordsnet_lasting")[0].double().requires_grad_(False)


def figure(network, images, **changes):
    given = {"labels": [1, 2], "shares": SHARES, **TEXTS} | changes
    return interactive_mixture(cordsnet_arrays(network), images=images, **given)


@pytest.mark.parametrize(("w", "start"), [(0.3, 0), (0.6, 1), (0.5, 2)])
def test_a_mixture_in_the_page_equals_the_package(node, page_spec, trained, images, w, start):
    page = node(
        f"const spec = {json.dumps(page_spec(figure(trained, images)))};"
        "const examples = nmUnpack(spec.examples);"
        "const a = examples.slice(0, 64), b = examples.slice(64);"
        "const heard = [];"
        "globalThis.setTimeout = (f) => f();"
        "const ask = nmMixtureJob(spec.arrays, (m) => heard.push(m));"
        f"ask({{id: 1, a, b, weights: [0, {w}, 1], first: 1, dt: 2, before: 200, shown: 100,"
        f"start: {start}}}); show(heard);",
        *SCRIPTS,
    )
    assert [one["place"] for one in page] == [1, 0, 2]  # what is asked for comes first
    for one in page:
        part = [0, w, 1][one["place"]]
        mixed = part * images[:1] + (1 - part) * images[1:]
        film = [mixed] * 50 if start == 0 else [images[start - 1][None]] * 50 + [mixed] * 50
        response = trained.respond(torch.stack(film, dim=1), n_blank=100)
        np.testing.assert_allclose(one["outputs"], response.outputs[0, -50:], rtol=0, atol=1e-6)


def test_what_is_said_of_a_mixture(node):
    code = "const found = {outputs: [[0, 0, 9], [9, 0, 0], [1, 3, 2]]};"
    said = node(f"{code} show(nmMixtureSays(found, ['0', '1', '2'], [1, 2], 0.25));", *SCRIPTS)
    shares = np.exp([1, 3, 2]) / np.exp([1, 3, 2]).sum()
    assert said["since"] == 2
    assert f"1 {100 * shares[1]:.0f} %, 2 {100 * shares[2]:.0f} %" in said["text"]
    assert "25 % of the first image: answer 1." in said["text"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"title": ""}, "title: .* is empty"),
        ({"labels": [1]}, "labels: shape"),
        ({"shares": np.zeros((2, 3))}, r"shares: needs shape \(2, 21\)"),
        ({"pair": (0, 2)}, "pair: 2 is not one of the 2 images"),
        ({"part": 0.33}, "start of part: 0.33"),
    ],
)
def test_what_cannot_be_shown_is_an_error(trained, images, changes, message):
    with pytest.raises(ValueError, match=message):
        figure(trained, images, **changes)
