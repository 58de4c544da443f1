"""The GRU against torch.nn.GRU, whose two gate biases are one here."""

from __future__ import annotations

import torch

from nmcourse.models import GRU


def test_it_is_the_gru_of_torch(generator):
    model = GRU(2, 5, 1, h0=torch.linspace(-1, 1, 5), generator=generator).double()
    reference = torch.nn.GRU(2, 5, batch_first=True).double()
    with torch.no_grad():
        reference.weight_ih_l0.copy_(model.input_weights)
        reference.weight_hh_l0.copy_(model.recurrent_weights)
        reference.bias_ih_l0.copy_(model.bias)
        reference.bias_hh_l0.zero_()
        reference.bias_hh_l0[10:].copy_(model.candidate_bias)
    inputs = torch.randn(3, 9, 2, dtype=torch.float64, generator=generator)
    expected, _ = reference(inputs, model.initial_state(3)[None].contiguous())
    found = model(inputs)
    torch.testing.assert_close(found.states, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(found.outputs, expected @ model.output.weights.mT)
