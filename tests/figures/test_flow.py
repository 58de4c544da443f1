import json
import re

import numpy as np
import pytest
import torch

from nmcourse.analysis import latent_dynamics
from nmcourse.analysis.latent import LatentState
from nmcourse.figures import Slider, interactive_flow, power_calculator
from nmcourse.models import LowRankRNN

TEXTS = {"title": "A flow", "alt": "Arrows and a path.", "x_label": "first", "y_label": "second"}
RANGES = {"x_range": (-2.0, 2.0), "y_range": (-2.0, 2.0), "rest_labels": ("one rests", "two rests")}
SCRIPTS = ("arithmetic.js", "weights.js", "flow.js")
# tau kappa' = -kappa + R^T tanh(L kappa), the flow of a network of rank two
RANK_TWO = """
let f = 0, g = 0;
for (let i = 0; i < p.left.length / 2; i++) {
  const r = Math.tanh(p.left[2 * i] * x + p.left[2 * i + 1] * y);
  f += p.right[2 * i] * r;
  g += p.right[2 * i + 1] * r;
}
return [(-x + p.scale * f) / 100, (-y + p.scale * g) / 100];
"""


def flow(velocity=RANK_TWO, **changes):
    given = {"path": [[0.5, 0.6], [1.0, 1.1]], "tau": 100, "dt": 10, "steps": 300}
    return interactive_flow(velocity, **given | TEXTS | RANGES | changes)


@pytest.fixture(scope="module")
def network():
    made = LowRankRNN(1, 60, 1, rank=2, generator=torch.Generator().manual_seed(3))
    return made.double().requires_grad_(False)


def test_flow_and_path_in_the_page_equal_those_of_a_low_rank_network(node, page_spec, network):
    left, right = network.factors()
    dynamics = latent_dynamics(network)
    start = torch.tensor([[0.5, 1.0]]).double()
    rest = torch.zeros(1, 60).double()
    nothing = torch.zeros(1, 1).double()
    path = dynamics.run(LatentState(start, nothing, rest), torch.zeros(1, 300, 1).double()).kappa[0]
    widget = flow(sliders=[Slider("scale", [0.5, 1.0])], arrays={"left": left, "right": right})
    page = node(
        f"const spec = {json.dumps(page_spec(widget))};"
        "const p = {...nmUnpack(spec.arrays), scale: 1};"
        f"const at = (x, y) => (function (x, y, p, nm) {{ {RANK_TWO} }})(x, y, p, nmTools);"
        "const grid = nmFlowGrid(at, spec.x, spec.y, 5);"
        "show({path: nmFlowPath(at, [0.5, 1], spec.dt, spec.steps), grid, "
        "rest: nmNullcline(nmFlowGrid(at, spec.x, spec.y, 41), 0)});",
        *SCRIPTS,
    )
    found = np.array([page["path"]["x"], page["path"]["y"]]).T
    np.testing.assert_allclose(found[1:], path, rtol=0, atol=1e-6)
    for x, y, dx, dy in np.array(page["grid"]).reshape(-1, 4):
        kappa = torch.tensor([[x, y]])
        velocity = dynamics.velocity(LatentState(kappa, nothing, rest), torch.zeros(1, 1).double())
        np.testing.assert_allclose([dx, dy], velocity.kappa[0], rtol=0, atol=1e-9)
    for x, y in zip(page["rest"]["x"], page["rest"]["y"], strict=True):
        if x is not None:
            kappa = torch.tensor([[x, y]]).double()
            speed = dynamics.velocity(LatentState(kappa, nothing, rest), nothing).kappa[0, 0]
            assert abs(float(speed)) < 1e-4  # the line is straight within a square of the grid


def test_a_nullcline_is_one_line(node):
    ring = node(
        "const grid = nmFlowGrid((x, y) => [x * x + y * y - 1, 0], [-2, 2], [-2, 2], 41);"
        "show(nmNullcline(grid, 0));",
        *SCRIPTS,
    )
    assert ring["x"].count(None) == 1
    places = np.array([p for p in zip(ring["x"], ring["y"], strict=True) if p[0] is not None])
    np.testing.assert_allclose(np.hypot(*places.T), 1, atol=5e-3)
    np.testing.assert_allclose(places[0], places[-1], atol=1e-9)


def test_arrows_point_where_the_flow_goes_and_rest_has_none(node):
    arrows = node("show(nmArrows([[[0, 0, 0, 0], [1, 2, 0, -3]]], 0.5));", *SCRIPTS)
    assert arrows["x"][:2] == [1, 1]
    assert arrows["y"][:2] == [2.25, 1.75]


def test_a_path_that_runs_away_ends(node):
    path = node("show(nmFlowPath((x, y) => [x, 0], [1, 0], 1, 500));", *SCRIPTS)
    assert len(path["x"]) == 14  # 2^14 is beyond 1e4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": [[1.0], [3.0]]}, r"path: starts at y = 3, outside"),
        ({"path": [1.0, 2.0]}, "path: needs 2 dim"),
        ({"path": [[1.0], [1.0], [1.0]]}, "path: needs shape"),
        ({"velocity": " "}, "velocity: .* is empty"),
        ({"velocity": "</script>"}, "velocity: holds"),
        ({"sliders": [Slider(name, [0, 1]) for name in "abcd"]}, "sliders: 4 given"),
        ({"y_label": ""}, "y_label: .* is empty"),
    ],
)
def test_a_flow_that_cannot_be_shown_is_an_error(changes, message):
    with pytest.raises(ValueError, match=message):
        flow(**changes)


# ---- what a sample can exclude ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "share", "doubt"), [(10, 0.1, 0.05), (20, 0.01, 0.2), (1, 0.5, 0.01)]
)
def test_the_power_of_a_sample(node, n, share, doubt):
    none, largest, enough = node(
        f"const n = {n}, share = {share}, doubt = {doubt};"
        "show([nmNoneOf(n, share), nmLargestShare(n, doubt), nmEnough(share, doubt)]);",
        "power.js",
    )
    assert none == pytest.approx((1 - share) ** n, abs=1e-12)
    assert (1 - largest) ** n == pytest.approx(doubt, abs=1e-12)
    assert (1 - share) ** enough <= doubt + 1e-9 < (1 - share) ** (enough - 1) + 2e-9


def test_the_calculator_shows_its_marks(node, page_spec):
    widget = power_calculator(title="None of n", alt="A falling curve.")
    start = r"nmMount\(.*?, (function \(p, nm\) .*)\);\n\}\)"
    (code,) = re.findall(start, widget.html, flags=re.DOTALL)
    state = node(
        f"const spec = {json.dumps(page_spec(widget))};"
        f"show(nmState(spec, {code}, spec.sliders.map((s) => s.start)));"
    )
    curves = {curve["name"]: curve for curve in state["curves"]}
    assert curves["chosen share"]["y"][0] == pytest.approx(100 * 0.9**10)
    assert curves["largest share left"]["x"][0] == pytest.approx(100 * (1 - 0.05**0.1))
    assert "needs 29 networks" in state["readout"]
    with pytest.raises(ValueError, match="start of n: 21"):
        power_calculator(n=21, title="None of n", alt="A falling curve.")
