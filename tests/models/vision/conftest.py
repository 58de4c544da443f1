"""Every network that sees in small, as one list that the tests of the protocol go through."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from nmcourse.models import (
    Area,
    CNNThenRNN,
    ConvGRU,
    CordsNet,
    DiscreteNet,
    EquilibriumNet,
    FeedbackNet,
    Modulator,
    NMCordsNet,
    PixelRNN,
    Response,
    Stem,
    TwinCNN,
)

AREAS = (Area(3), Area(3), Area(4, 2), Area(4))
STEM = Stem(channels=2, kernel=3, stride=1, pool=False)
STEPS = {"n_blank": 4, "n_steps": 5, "n_after": 3, "n_departure": 2}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def wired(kind: Any, **options: Any) -> Any:
    """A network with these areas, and biases that are not zero."""
    model = kind(AREAS, 2, 3, image_size=6, stem=STEM, generator=seeded(), **options).double()
    biases = getattr(model, "biases", None) or getattr(model, "equation", nn.Module()).biases
    with torch.no_grad():
        for number, bias in enumerate(biases):
            bias.copy_(0.1 * torch.randn(bias.shape, generator=seeded(number)))
    return model


def cordsnet(kind: type[CordsNet] = CordsNet, **options: Any) -> Any:
    return wired(kind, **options)


def twin() -> TwinCNN:
    return TwinCNN(AREAS, 2, 3, image_size=6, stem=STEM, generator=seeded()).double().eval()


def pixels() -> PixelRNN:
    return PixelRNN(7, 2, 3, image_size=(6, 6), generator=seeded()).double()


def equilibrium() -> EquilibriumNet:
    return wired(EquilibriumNet, tolerance=1e-10)


def modulated(
    kind: type[NMCordsNet] = NMCordsNet,
    *,
    drives: tuple[str, ...] = ("recurrent", "feedforward"),
    n_cues: int = 0,
    listens: bool = False,
    slope: float = 0.0,
) -> Any:
    """A CordsNet of 14 channels under a modulator of 3 units."""
    network = cordsnet(slope=slope)
    modulator = Modulator(
        *(2, 3, 14 * len(drives)),
        n_context=n_cues,
        n_feedback=14 if listens else 0,
        tau=20.0,
        dt=2.0,
        generator=seeded(5),
    )
    return kind(network, modulator.double(), modulated=drives)


def images(n: int = 3, seed: int = 1) -> Tensor:
    return torch.randn(n, 2, 6, 6, generator=seeded(seed), dtype=torch.float64)


NETWORKS = {
    "CordsNet": cordsnet,
    "twin": twin,
    "pixels": pixels,
    "discrete": lambda: wired(DiscreteNet),
    "feedback": lambda: wired(FeedbackNet),
    "gated": lambda: wired(ConvGRU),
    "equilibrium": equilibrium,
    "cnn_then_rnn": lambda: wired(CNNThenRNN),
    "modulated": modulated,
}
IN_TIME = ("discrete", "feedback", "gated", "cnn_then_rnn")  # rivals whose state lasts


def same(one: Response, other: Response) -> None:
    """Both trials gave the same."""
    torch.testing.assert_close(one.outputs, other.outputs)
    torch.testing.assert_close(one.departure, other.departure)
    torch.testing.assert_close(one.state, other.state)


def by_hand(model: Any, shown: Tensor, n_blank: int, n_steps: int) -> Tensor:
    """Outputs of a trial by the model's own verbs."""
    state = model.initial_state(len(shown))
    for _ in range(n_blank):
        state = model.step(state, torch.zeros_like(shown))
    outputs = []
    for _ in range(n_steps):
        state = model.step(state, shown)
        outputs.append(model.readout(state))
    return torch.stack(outputs, dim=1)
