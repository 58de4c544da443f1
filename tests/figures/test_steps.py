import json

import numpy as np
import pytest
import torch

from nmcourse.analysis import gaussian_convolution, silence_ends
from nmcourse.figures import interactive_steps
from nmcourse.figures.steps import STEPS

TEXTS = {"title": "Steps", "alt": "Eigenvalues and a disc."}
GAINS = [0.5, 1.0, 1.4]


@pytest.fixture(scope="module")
def operator():
    return gaussian_convolution(2, 3, 6, seed=5)


def figure(eigenvalues, **changes):
    return interactive_steps(eigenvalues, **{"gains": GAINS, "gain": 1.0, **TEXTS} | changes)


@pytest.mark.parametrize("dt", [0.5, 2.0, 10.0, 15.0])
def test_factors_and_the_end_of_silence_in_the_page_equal_the_package(
    node, page_spec, operator, dt
):
    eigenvalues, alpha, gain = torch.linalg.eigvals(operator.dense()), dt / 10, 1.4
    page = node(
        f"const spec = {json.dumps(page_spec(figure(eigenvalues)))};"
        f"const modes = nmUnpack(spec.modes), alpha = {alpha}, gain = {gain};"
        "show({factors: nmStepFactors(modes, gain, alpha), ends: nmSilenceEnds(modes, alpha),"
        "growing: nmGrowing(modes, gain, alpha)});",
        "arithmetic.js",
        *STEPS,
    )
    wanted = silence_ends(operator, tau=10.0, dt=dt)
    np.testing.assert_allclose(page["ends"], wanted, rtol=0, atol=1e-6)
    factors = np.array(page["factors"]["re"]) + 1j * np.array(page["factors"]["im"])
    expected = 1 - alpha + alpha * gain * eigenvalues.numpy()
    np.testing.assert_allclose(factors, expected, rtol=0, atol=1e-6)
    by_equation = int((gain * eigenvalues.real > 1).sum())
    assert page["growing"] == [by_equation, int((np.abs(expected) > 1).sum())]
    # at the end of silence the largest factor has the size one
    at_the_end = 1 - alpha + alpha * page["ends"][1] * eigenvalues.numpy()
    assert np.abs(at_the_end).max() == pytest.approx(1, abs=1e-6)


def test_modes_that_only_decay_never_end_silence_by_the_equation(node):
    ends = node(
        "const ends = nmSilenceEnds({re: [-1, 0], im: [0, 0]}, 0.5); show(ends.map(String));",
        "arithmetic.js",
        *STEPS,
    )
    assert ends == ["Infinity", "3"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"title": ""}, "title: .* is empty"),
        ({"gain": 0.7}, "start of gain: 0.7"),
        ({"dts": [2, 20]}, "dts: 20 ms is not between 0 and 2 tau = 20 ms"),
        ({"tau": 0}, "tau: 0 is not above 0"),
    ],
)
def test_what_cannot_be_shown_is_an_error(operator, changes, message):
    with pytest.raises(ValueError, match=message):
        figure([0.5 + 0.1j], **changes)
