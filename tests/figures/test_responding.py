"""What every figure that runs a network in the page must keep, whatever it shows."""

import re
import shutil
import subprocess

import numpy as np
import pytest
import torch

from nmcourse.analysis import cordsnet_arrays, film_network_arrays, nm_rnn_arrays
from nmcourse.figures import (
    interactive_convolution,
    interactive_deciding,
    interactive_elements,
    interactive_flow,
    interactive_mixture,
    interactive_seeing,
    interactive_steps,
    interactive_stored_gains,
    interactive_timing,
    power_calculator,
)
from nmcourse.figures.widget import MAX_BYTES
from nmcourse.models import NMRNN, CordsNet, LowRankRNN, Modulator
from nmcourse.pretrained import BUILDERS

TITLE, ALT = "A figure that responds", "What it shows & what <moves>."


def arrays(n_inputs, n_outputs, n_units=100):
    source = torch.Generator().manual_seed(0)
    network = LowRankRNN(n_inputs, n_units, n_outputs, 3, generator=source)
    return nm_rnn_arrays(NMRNN(network, Modulator(n_inputs, 5, 3, generator=source)))


def timing(**texts):
    zero = np.zeros(110)
    return interactive_timing(arrays(3, 1), outputs=zero, targets=zero, **texts)


def elements(**texts):
    return interactive_elements(
        arrays(1, 1, 18), elements=[1, 2], query=0, outputs=np.zeros(3), **texts
    )


def stored_gains(**texts):
    table = np.zeros((4, 8, 100, 3))
    return interactive_stored_gains(
        arrays(3, 3),
        tasks=["one", "two", "three", "four"],
        angles=[45.0 * k for k in range(8)],
        inputs=table,
        gains=table,
        outputs=table[0, 0],
        swap=500.0,
        **texts,
    )


def seeing(**texts):
    source = torch.Generator().manual_seed(0)
    network = CordsNet("small-R2", 1, 10, image_size=8, generator=source)
    images, outputs = np.zeros((10, 8, 8)), np.zeros((200, 10))
    return interactive_seeing(
        cordsnet_arrays(network), images=images, labels=range(10), outputs=outputs, **texts
    )


def mixture(**texts):
    source = torch.Generator().manual_seed(0)
    network = CordsNet("small-R2", 1, 10, image_size=8, generator=source)
    given = {"images": np.zeros((2, 8, 8)), "labels": [3, 5], "shares": np.zeros((2, 21))}
    return interactive_mixture(cordsnet_arrays(network), **given, **texts)


def deciding(**texts):
    networks = {
        eye: film_network_arrays(BUILDERS["film_network"](eye, generator=torch.Generator()))
        for eye in ("cordsnet", "none")
    }
    shares = {name: [0.2, 0.8] for name in networks}
    given = {"strengths": (-0.2, 0.2), "strength": 0.2, "fitted_at": [-0.2, 0.2]}
    return interactive_deciding(networks, shares=shares, **given, **texts)


def flow(**texts):
    plane = {"x_range": (-1, 1), "y_range": (-1, 1), "x_label": "x", "y_label": "y"}
    rest = ("x rests", "y rests")
    run = {"path": [[0.5, 0], [0.5, 0]], "tau": 1, "dt": 1, "steps": 3}
    return interactive_flow("return [-x, -y];", rest_labels=rest, **plane, **run, **texts)


def convolution(**texts):
    return interactive_convolution(np.eye(8), {"k": np.ones((3, 3))}, start=(3, 4), **texts)


def steps(**texts):
    return interactive_steps([0.5 + 0.1j, 0.5 - 0.1j], gains=[1, 2], gain=1, **texts)


MAKERS = [
    convolution,
    steps,
    timing,
    elements,
    stored_gains,
    seeing,
    mixture,
    deciding,
    flow,
    power_calculator,
]
every_figure = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


@every_figure
def test_it_is_well_formed_loads_nothing_and_is_small(make, parse):
    widget = make(title=TITLE, alt=ALT)
    page = parse(widget.html)
    tag, root = page.elements[0]
    assert (tag, root["class"], root["role"]) == ("div", "nm-widget nm-interactive", "group")
    assert root["aria-label"] == TITLE
    for _, attributes in page.elements:
        assert not {"src", "href", "onload", "onclick"} & set(attributes)
    outside = r"\b(fetch|XMLHttpRequest|import)\s*\(|https?://(?!www\.w3\.org)"
    assert not re.search(outside, widget.html)
    assert len(widget.html.encode()) < MAX_BYTES


@every_figure
def test_without_javascript_a_description_is_left(make):
    page = make(title=TITLE, alt=ALT).html.split("<script>")[0]
    assert "What it shows &amp; what &lt;moves&gt;." in page
    assert "<noscript>" in page


@every_figure
def test_without_javascript_a_picture_is_left(make, parse):
    fallback = make(title=TITLE, alt=ALT).html.split("<script>")[0]
    assert 'class="nm-fallback"' in fallback
    assert re.search('<polyline|<svg class="nm-squares"', fallback)


@every_figure
def test_texts_are_required(make):
    for name in ("title", "alt"):
        with pytest.raises(ValueError, match=f"^{name}: .* is empty"):
            make(**{"title": TITLE, "alt": ALT, name: " "})


@every_figure
def test_a_rebuild_is_the_same_and_a_second_one_has_another_id(make):
    first, again = make(title=TITLE, alt=ALT), make(title=TITLE, alt=ALT)
    other = make(title=TITLE, alt=ALT, key="second")
    assert first.html == again.html
    ids = [re.search(r'id="(nm-[0-9a-f]{10})"', one.html).group(1) for one in (first, other)]
    assert ids[0] != ids[1]


@every_figure
def test_its_script_is_valid_javascript(make, tmp_path):
    program = shutil.which("node")
    if program is None:
        pytest.skip("node is not installed: the JavaScript of the figures is not tested here")
    (script,) = re.findall(r"<script>(.*?)</script>", make(title=TITLE, alt=ALT).html, re.DOTALL)
    (tmp_path / "figure.js").write_text(script, encoding="utf-8")
    done = subprocess.run([program, "--check", tmp_path / "figure.js"], capture_output=True)
    assert done.returncode == 0, done.stderr
