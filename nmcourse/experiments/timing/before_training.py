"""How strong the recurrence of networks is before they are trained, where they differ in it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

import torch

from nmcourse.experiments.contenders import Contender
from nmcourse.models import NMRNN, LowRankRNN, SparseTerms


@torch.no_grad()
def gain_and_radius(network: Contender, n_seeds: int) -> tuple[float, float]:
    """Of the first step of a trial, medians over seeds: both are without a unit.

    Args:
        network: An NM-RNN; its inputs are silent in that step.
        n_seeds: Seeds 0 to ``n_seeds`` - 1.

    Returns:
        Mean gain, and spectral radius of the recurrence under these gains.
    """
    gains, radii = [], []
    for seed in range(n_seeds):
        model = network.build(torch.Generator().manual_seed(seed))
        assert isinstance(model, NMRNN)
        assert isinstance(model.output_network, LowRankRNN | SparseTerms)
        state = model.step(model.initial_state(1), torch.zeros(1, model.n_inputs))
        gain = model.modulator.gain(state.z)[0]
        gains.append(gain.mean().item())
        radii.append(torch.linalg.eigvals(model.output_network.connectivity(gain)).abs().max())
    return statistics.median(gains), statistics.median(map(float, radii))


def before_training(networks: Iterable[Contender], n_seeds: int) -> str:
    """The same of several networks, as a sentence for a caveat."""
    found = [(network.label, *gain_and_radius(network, n_seeds)) for network in networks]
    return (
        "Before training, mean gain and spectral radius of the recurrence under the gains of the "
        "first step, medians over seeds: "
        + "; ".join(
            f"{label}: {f'{gain:z.2f}'.replace('-', '−')} and {radius:.2f}"
            for label, gain, radius in found
        )
        + "."
    )
