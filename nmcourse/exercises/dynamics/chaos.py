"""How chaotic a network is: its largest Lyapunov exponent, as *Rate networks* measures it."""

from __future__ import annotations

import torch


def exponents(
    W: torch.Tensor,
    strength: float,
    n_transient: int = 150,
    n_steps: int = 250,
    alpha: float = 0.1,
) -> torch.Tensor:
    """Largest exponents times τ, (network,), of matrices (network, N, N) times a strength."""
    W = strength * torch.as_tensor(W, dtype=torch.float64)
    source = torch.Generator().manual_seed(0)
    x, v = torch.randn(2, *W.shape[:2], 1, generator=source, dtype=torch.float64)
    growth = torch.zeros(len(W), dtype=torch.float64)
    for k in range(n_transient + n_steps):
        v = v + alpha * (-v + W @ ((1 - torch.tanh(x) ** 2) * v))
        x = x + alpha * (-x + W @ torch.tanh(x))
        length = v.norm(dim=1, keepdim=True)
        v = v / length
        if k >= n_transient:
            growth += length[:, 0, 0].log()
    return growth / (n_steps * alpha)
