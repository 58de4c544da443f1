"""A convolution as a rate network, and the gain at which its silence ends."""

import pytest
import torch

from nmcourse.analysis import convolutional_rnn, gaussian_convolution, silence_ends


@pytest.mark.parametrize(
    ("nonlinearity", "bias", "tau"), [(torch.tanh, 0.0, 10.0), (torch.relu, 1.0, 25.0)]
)
def test_a_step_is_a_convolution(nonlinearity, bias, tau, generator):
    operator = gaussian_convolution(2, 3, 5, 3)
    model = convolutional_rnn(operator, 1.5, nonlinearity=nonlinearity, bias=bias, tau=tau, dt=2.0)
    r = torch.randn(1, 50, dtype=torch.float64, generator=generator)
    current = 1.5 * torch.from_numpy(operator @ r[0].numpy()) + bias
    expected = r + 2.0 / tau * (-r + nonlinearity(current))
    found = model.step(r, torch.zeros(1, 1, dtype=torch.float64))
    torch.testing.assert_close(found.detach(), expected, rtol=0, atol=1e-13)


def test_where_silence_ends():
    operator = gaussian_convolution(8, 3, 8, 5)
    equation, steps = silence_ends(operator)
    values = torch.linalg.eigvals(operator.dense())
    assert (equation * values).real.max() == pytest.approx(1.0)
    assert (0.8 + 0.2 * steps * values).abs().max() == pytest.approx(1.0)
    assert 0.9 < steps / equation < 1  # rotation makes steps leave earlier
    shorter = silence_ends(operator, tau=10.0, dt=0.01)
    assert shorter[1] == pytest.approx(shorter[0], rel=1e-3)  # short steps come to the equation


def test_beyond_that_gain_silence_is_left():
    operator = gaussian_convolution(2, 3, 4, 0)
    _, threshold = silence_ends(operator)
    sizes = []
    for gain in (0.97 * threshold, 1.03 * threshold):
        model, r = convolutional_rnn(operator, gain), torch.full((1, 32), 1e-6).double()
        for _ in range(4000):
            r = model.step(r, torch.zeros(1, 1, dtype=torch.float64)).detach()
        sizes.append(float(r.norm()))
    assert sizes[0] < 1e-6 < 1e-2 < sizes[1]
