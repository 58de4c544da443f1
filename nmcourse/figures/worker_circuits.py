"""A drawn circuit of another kind: how several workers share one training step."""

from __future__ import annotations

from matplotlib.axes import Axes

from nmcourse.figures.circuit import Circuit
from nmcourse.figures.style import GAINS, MODELS, NEUTRAL

_GAP = 0.5  # between two trials
_ROWS = (3.45, 1.05)  # heights of the two workers


def draw_shared_step(*, ax: Axes | None = None) -> Axes:
    """Draw one training step that two workers share.

    From left to right: the eight trials of the step, dealt out; a copy of the network on each
    worker, with the gradient on its own trials; their mean, which moves both copies alike; and the
    checkpoint, which holds what the next step needs.

    Args:
        ax: Axes to draw on; a new figure if None.

    Returns:
        The axes.
    """
    circuit = Circuit(13.6, 4.9, ax=ax)
    looks = GAINS[:2]
    circuit.text((1.1, 4.65), "trials of a step")
    for worker, (height, look) in enumerate(zip(_ROWS, looks, strict=True)):
        trials = circuit.column(f"trial {worker}", (1.1, height), 4, look, _GAP)
        name = f"worker {worker}"
        circuit.box(name, (4.6, height), f"worker {worker + 1}\ncopy of network", look, (3.1, 1.2))
        for trial in trials:
            circuit.arrow(trial, name, look=look, faint=True)
    mean = (8.6, sum(_ROWS) / 2)
    circuit.box("mean", mean, "weighted\nmean", MODELS["nm-rnn"], (1.9, 1.2))
    for worker, look in enumerate(looks):
        sign = 1 - 2 * worker
        end = f"worker {worker}"
        circuit.arrow(end, "mean", rf"$\nabla L_{worker + 1}$", look, shift=(-0.05, -0.35 * sign))
        # along the outside, to the edge of the copy
        corner = (mean[0], _ROWS[worker] + 0.35 * sign)
        circuit.arrow("mean", corner, does="joins")
        circuit.arrow(corner, (6.15, corner[1]))
    circuit.text((8.6, 4.3), "the same change of both copies")
    circuit.box("checkpoint", (12.3, mean[1]), "checkpoint", NEUTRAL, (2.3, 0.9))
    circuit.arrow("mean", "checkpoint")
    return circuit.ax
