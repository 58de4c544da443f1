"""The convolutional network against a convolution of torch, and against a full network."""

from __future__ import annotations

import pytest
import torch

from nmcourse.models import ConvRNN, VanillaRNN, count_parameters


def network(**options) -> ConvRNN:
    settings = {"kernel_size": 3, "generator": torch.Generator().manual_seed(0)} | options
    return ConvRNN(2, 3, 4, 2, **settings).double()


@pytest.mark.parametrize("kernel_size", [1, 3, 5, 7])
def test_the_matrix_is_the_convolution(kernel_size):
    """Oracle: ``torch.nn.functional.conv2d`` with zeros beyond the edge."""
    model = network(kernel_size=kernel_size)
    rates = torch.randn(5, 48, dtype=torch.float64)
    maps = torch.nn.functional.conv2d(
        rates.view(5, 3, 4, 4), model.kernel, padding=kernel_size // 2
    )
    ours = rates @ model.connectivity().mT / model.scale
    torch.testing.assert_close(ours, maps.flatten(1), rtol=0, atol=1e-12)


def test_a_full_network_with_this_matrix_does_the_same():
    model, full = network(), VanillaRNN(2, 48, 2, recurrent_scaling="none").double()
    with torch.no_grad():
        full.recurrent_weights.copy_(model.connectivity())
        full.input_weights.copy_(model.input_weights)
        full.output.load_state_dict(model.output.state_dict())
        inputs = torch.randn(3, 9, 2, dtype=torch.float64)
        ours, theirs = model(inputs), full(inputs)
    torch.testing.assert_close(ours.states, theirs.states, rtol=0, atol=1e-12)
    torch.testing.assert_close(ours.outputs, theirs.outputs, rtol=0, atol=1e-12)


def test_a_unit_receives_weights_whose_squares_sum_to_one():
    kernels = [
        network(kernel_size=5, generator=torch.Generator().manual_seed(s)) for s in range(40)
    ]
    sums = torch.stack([model.connectivity().square().sum(dim=1).mean() for model in kernels])
    assert sums.mean().item() == pytest.approx(1.0, abs=0.1)


def test_it_has_as_many_recurrent_weights_as_its_kernel():
    model = network(kernel_size=5, readout_bias=False)
    assert count_parameters(model) == 3 * 3 * 25 + 48 * 2 + 2 * 48


def test_weights_alone_are_stored():
    assert set(network().state_dict()) == {
        "kernel",
        "input_weights",
        "output.weights",
        "output.bias",
        "x0",
    }


@pytest.mark.parametrize("size", [2, 4, 9])
def test_a_kernel_that_does_not_fit_is_named(size):
    with pytest.raises(ValueError, match=f"kernel_size must be odd and at most 7.*got {size}"):
        network(kernel_size=size)
