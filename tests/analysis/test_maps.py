"""The dynamics tools on a network whose state is a tuple of maps."""

import pytest
import torch

from nmcourse.analysis import ConvolutionOperator, jacobian, lyapunov_exponents
from nmcourse.models import Area, CordsNet, Stem, VanillaRNN


@pytest.fixture
def network(generator):
    """One area of 3 channels of 4x4 pixels, driven so that all its units are active."""
    stem = Stem(channels=1, kernel=3, stride=1, pool=False)
    model = CordsNet([Area(3)], 1, 2, image_size=4, stem=stem, generator=generator).double()
    with torch.no_grad():
        model.biases[0].fill_(5.0)
    return model


def matrix_of(model):
    return ConvolutionOperator(model.recurrent[0].weights(), 4, 4).dense()


def test_jacobian_where_all_units_are_active_is_the_convolution(network):
    state = (torch.ones(1, 3, 4, 4, dtype=torch.float64),)
    expected = (matrix_of(network) - torch.eye(48)) / network.tau
    torch.testing.assert_close(jacobian(network, state)[0], expected, rtol=0, atol=1e-14)


def test_lyapunov_exponent_is_the_slowest_mode_of_the_convolution(network, generator):
    found = lyapunov_exponents(network, n_steps=400, n_transient=600, generator=generator)
    factors = 1 + network.dt / network.tau * (torch.linalg.eigvals(matrix_of(network)) - 1)
    expected = float(factors.abs().max().log()) / network.dt
    assert found.largest == pytest.approx(expected, rel=0.03)
    assert found.end.shape == (48,)


def test_it_equals_a_rate_network_with_the_dense_matrix(network):
    dense = VanillaRNN(
        1, 48, 1, form="rate", nonlinearity=torch.relu, recurrent_scaling="none", bias=True,
        tau=network.tau, dt=network.dt,
    ).double()  # fmt: skip
    with torch.no_grad():
        dense.recurrent_weights.copy_(matrix_of(network))
        dense.bias.fill_(5.0)
    start = torch.rand(1, 3, 4, 4, dtype=torch.float64)
    options = {"n_steps": 50, "n_transient": 10}
    ours, theirs = (
        lyapunov_exponents(
            model, start=state, generator=torch.Generator().manual_seed(1), **options
        )
        for model, state in ((network, (start,)), (dense, start.flatten(1)))
    )
    assert ours.largest == pytest.approx(theirs.largest, abs=1e-12)
    torch.testing.assert_close(ours.end, theirs.end, rtol=0, atol=1e-12)


def test_images_are_held_or_change_at_every_step(network):
    image = torch.rand(1, 4, 4)
    options = {"n_steps": 20, "n_transient": 5}
    ends = [
        lyapunov_exponents(
            network, shown, generator=torch.Generator().manual_seed(1), **options
        ).end
        for shown in (image, image.expand(25, -1, -1, -1), None, torch.zeros(1, 4, 4))
    ]
    torch.testing.assert_close(ends[0], ends[1], rtol=0, atol=0)
    torch.testing.assert_close(ends[2], ends[3], rtol=0, atol=0)
    assert (ends[0] - ends[2]).abs().max() > 1e-3
    message = r"input must have shape \(channel, height, width\) or \(25, channel, height, width\)"
    with pytest.raises(ValueError, match=message):
        lyapunov_exponents(network, image.expand(24, -1, -1, -1), **options)
