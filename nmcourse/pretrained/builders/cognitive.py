"""How the networks of the cognitive tasks are built: four families that differ in connectivity.

    dense      every unit to every unit
    sparse     each unit listens to a few others, drawn once
    low_rank   rank K, row factors orthonormal
    conv       a convolution of 7 x 7 on maps

All have the current form, tanh, and input and output weights of one for each unit and channel. Of
the last three the recurrent weights agree in number within 5 %; the dense network, with which the
paper compares, has ten times as many. All start with a spectral radius near 1.

    units   maps             kernel   weights   rank   weights   in-degree   weights
    125     5 of 5 x 5       7        1,225     5      1,250     10          1,250
    216     6 of 6 x 6       7        1,764     4      1,728     8           1,728
    512     8 of 8 x 8       7        3,136     3      3,072     6           3,072

Reference: Soo et al. 2024, Appendix B: four families of 125, 216 and 512 units, matched by kernel
size, rank and sparsity. (The numbers are not published; these are ours.)
"""

from __future__ import annotations

import math

import torch

from nmcourse.models import ConvRNN, LowRankRNN, RecurrentModel, SparseTerms, VanillaRNN

# units: maps (and their size), rank, in-degree
SIZES = {125: (5, 5, 10), 216: (6, 4, 8), 512: (8, 3, 6)}
KERNEL = 7
TAU, DT = 100.0, 20.0


def cognitive_rnn(
    family: str = "conv",
    n_inputs: int = 3,
    n_outputs: int = 2,
    n_units: int = 125,
    *,
    generator: torch.Generator | None = None,
) -> RecurrentModel:
    """A network of one family with random weights.

    Args:
        family: ``"dense"``, ``"sparse"``, ``"low_rank"`` or ``"conv"``.
        n_inputs: input channels; those of the memory-guided task by default.
        n_outputs: output channels.
        n_units: 125, 216 or 512.
        generator: source of the initial weights.

    Raises:
        ValueError: for another family or size.
    """
    if n_units not in SIZES:
        raise ValueError(f"n_units must be one of {sorted(SIZES)}, got {n_units!r}")
    maps, rank, degree = SIZES[n_units]
    if family == "dense":
        return VanillaRNN(n_inputs, n_units, n_outputs, tau=TAU, dt=DT, generator=generator)
    if family == "sparse":
        return SparseTerms(
            n_inputs, n_units, n_outputs, 1, in_degree=degree, tau=TAU, dt=DT, generator=generator
        )
    if family == "low_rank":
        network = LowRankRNN(
            n_inputs, n_units, n_outputs, rank, tau=TAU, dt=DT, generator=generator
        )
        assert network.column_factors is not None
        with torch.no_grad():  # R^T L has entries of N(0, 1), and so a radius near sqrt(K)
            network.column_factors.div_(math.sqrt(rank))
        return network
    if family == "conv":
        return ConvRNN(
            n_inputs, maps, maps, n_outputs, kernel_size=KERNEL, tau=TAU, dt=DT, generator=generator
        )
    raise ValueError(f"family must be 'dense', 'sparse', 'low_rank' or 'conv', got {family!r}")


COGNITIVE_BUILDERS = (cognitive_rnn,)
