"""Control of gains over an output: the size of a change, its gradient, its directions."""

import pytest
import torch

from nmcourse.analysis import control_directions, gain_gradients, term_sizes
from nmcourse.models import NMRNN, LowRankRNN, Modulator, PrescribedGain


@pytest.fixture
def network():
    generator = torch.Generator().manual_seed(0)
    output_network = LowRankRNN(2, 12, 1, rank=3, generator=generator)
    return NMRNN(output_network, Modulator(2, 4, 3, generator=generator)).double()


@pytest.fixture
def inputs():
    return torch.randn(2, 6, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_sizes_give_the_size_of_every_change_of_the_connectivity(network):
    change = torch.tensor([0.3, -0.1, 0.2], dtype=torch.float64)
    size = network.output_network.connectivity(change).norm()
    torch.testing.assert_close((term_sizes(network) * change).norm(), size)


def test_gradient_against_finite_differences(network, inputs):
    def last(outputs):
        return outputs[:, -1, 0] ** 2

    gradients = gain_gradients(network, inputs, last)
    gains, step = network(inputs).gains.detach(), 1e-6
    for trial, time, component in ((0, 2, 1), (1, 5, 0)):
        values = []
        for sign in (1, -1):
            moved = gains.clone()
            moved[trial, time, component] += sign * step
            values.append(
                last(NMRNN(network.output_network, PrescribedGain(moved))(inputs).outputs)
            )
        numeric = (values[0] - values[1])[trial] / (2 * step)
        torch.testing.assert_close(gradients[trial, time, component], numeric, rtol=1e-5, atol=1e-9)


def test_one_dial_and_two():
    line = torch.tensor([[3.0, 4.0]]) * torch.tensor([[1.0], [-2.0], [0.5]])
    found = control_directions(line, torch.ones(2))
    torch.testing.assert_close(found.shares, torch.tensor([1.0, 0.0], dtype=torch.float64))
    torch.testing.assert_close(
        found.directions[:, 0].abs(), torch.tensor([0.6, 0.8], dtype=torch.float64)
    )
    shares = control_directions(torch.diag(torch.tensor([2.0, 1.0])), torch.tensor([1.0, 0.5]))[1]
    torch.testing.assert_close(shares, torch.tensor([0.5, 0.5], dtype=torch.float64))


def test_bad_input(network, inputs):
    free = NMRNN(LowRankRNN(2, 12, 1, rank=3, orthonormal=False), network.modulator)
    with pytest.raises(ValueError, match="orthogonal row factors"):
        term_sizes(free)
    with pytest.raises(ValueError, match="model must be an NMRNN, got LowRankRNN"):
        term_sizes(network.output_network)
    with pytest.raises(ValueError, match=r"one number per trial, \(2,\), got shape \(2, 6, 1\)"):
        gain_gradients(network, inputs, lambda outputs: outputs)
    with pytest.raises(ValueError, match=r"sizes must have shape \(2,\), got \(3,\)"):
        control_directions(torch.ones(4, 2), torch.ones(3))
    with pytest.raises(ValueError, match="sizes must be above zero"):
        control_directions(torch.ones(4, 2), torch.tensor([1.0, 0.0]))
    with pytest.raises(ValueError, match="zero everywhere"):
        control_directions(torch.zeros(4, 2), torch.ones(2))
    with pytest.raises(ValueError, match="gradients"):
        control_directions(torch.full((4, 2), torch.nan), torch.ones(2))
