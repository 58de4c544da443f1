r"""A rate network whose recurrent connections are a convolution: neighbours on a map talk.

    tau x' = -x + g (k * phi(x)) + B u          y = C x + d

    x  state, (batch, N): C maps of H x H units, N = C H^2, flattened channel by channel
    k  kernel (C, C, size, size): one weight for each pair of channels and each shift of place
    B  input weights (N, P)            C, d  readout             g  recurrent scaling
    u  input, (batch, P)               phi   nonlinearity        *  convolution

Beyond the edge of a map there are zeros. The recurrent part equals W phi(x) with a matrix W (N, N)
that has the same few weights again and again: ``connectivity``. Everything but W is as in
``VanillaRNN`` (current form): two such networks differ in nothing but what connects their units.

``CordsNet`` is another thing: it sees images, has several areas, and its state is the rate.

Reference: Soo et al. 2024, Appendix B: convolutional RNNs of 125, 216 and 512 units. (Their shapes
are not published; 5 maps of 5 x 5, 6 of 6 x 6 and 8 of 8 x 8 have these sizes.)
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from nmcourse._inputs import check_function, check_generator, counts
from nmcourse.models._base import (
    RecurrentModel,
    Trajectory,
    check_times,
    expand_start,
    join_context,
    start_value,
    swap_time,
    trial_inputs,
)
from nmcourse.models._readout import Readout
from nmcourse.models.loops.leaky import leaky_scan


class ConvRNN(RecurrentModel):
    """A rate network (current form) on maps, with convolutional recurrent weights.

    Args:
        n_inputs: input channels P, connected to every unit.
        n_channels: maps C.
        map_size: height and width H of a map.
        n_outputs: output channels O.
        kernel_size: odd, at most 2 H - 1 (a larger kernel has weights that meet nothing).
        nonlinearity: phi.
        readout_bias: whether the readout offset d exists.
        tau: time constant in ms.
        dt: time step in ms, at most ``tau``.
        x0: state that a trial starts from, a number or (N,).
        generator: source of the initial weights. Kernels start as N(0, 1), and g is such that a
            unit receives inputs whose squared weights sum to one in the mean, as the units of a
            ``VanillaRNN`` with ``"1/sqrt(N)"`` do.

    Raises:
        ValueError: for a size below one, an even or too large kernel, or dt > tau.
    """

    places: Tensor
    x0: Tensor

    def __init__(
        self,
        n_inputs: int,
        n_channels: int,
        map_size: int,
        n_outputs: int,
        *,
        kernel_size: int = 3,
        nonlinearity: Callable[[Tensor], Tensor] = torch.tanh,
        readout_bias: bool = True,
        tau: float = 100.0,
        dt: float = 10.0,
        x0: float | Tensor = 0.1,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n_inputs, n_channels, map_size, n_outputs, kernel_size = counts(
            n_inputs=n_inputs,
            n_channels=n_channels,
            map_size=map_size,
            n_outputs=n_outputs,
            kernel_size=kernel_size,
        )
        check_generator(generator)
        check_function("nonlinearity", nonlinearity, "torch.tanh")
        check_times(tau, dt)
        if kernel_size % 2 == 0 or kernel_size > 2 * map_size - 1:
            raise ValueError(
                f"kernel_size must be odd and at most {2 * map_size - 1} for maps of "
                f"{map_size} x {map_size}, got {kernel_size}"
            )
        n_units = n_channels * map_size**2
        self.n_inputs, self.n_units, self.n_outputs = n_inputs, n_units, n_outputs
        self.n_channels, self.map_size, self.kernel_size = n_channels, map_size, kernel_size
        self.nonlinearity, self.tau, self.dt = nonlinearity, tau, dt

        places = _places(n_channels, map_size, kernel_size)
        n_weights = n_channels**2 * kernel_size**2
        self.register_buffer("places", places, persistent=False)  # follows from the sizes
        self.scale = math.sqrt(n_units / float((places < n_weights).sum()))
        self.kernel = nn.Parameter(
            torch.randn(n_channels, n_channels, kernel_size, kernel_size, generator=generator)
        )
        self.input_weights = nn.Parameter(
            torch.randn(n_units, n_inputs, generator=generator) / math.sqrt(n_inputs)
        )
        self.output = Readout(n_units, n_outputs, bias=readout_bias, generator=generator)
        self.register_buffer("x0", start_value("x0", x0, n_units))

    def initial_state(self, batch_size: int) -> Tensor:
        """State (batch, N) that a trial starts from."""
        return expand_start(self.x0, batch_size)

    def connectivity(self) -> Tensor:
        """The recurrent matrix g W of the convolution, (N, N), from unit to unit."""
        weights = self.kernel.flatten(-4)
        weights = torch.cat([weights, torch.zeros_like(weights[..., :1])], dim=-1)
        return self.scale * weights[..., self.places]

    def velocity(self, state: Tensor, input: Tensor, context: Tensor | None = None) -> Tensor:
        """Right-hand side of the equation, per ms: (batch, N)."""
        recurrent = self.nonlinearity(state) @ self.connectivity().mT
        drive = join_context(input, context) @ self.input_weights.mT
        return (-state + recurrent + drive) / self.tau

    def step(self, state: Tensor, input: Tensor, context: Tensor | None = None) -> Tensor:
        """State one Euler step of dt later."""
        return state + self.dt * self.velocity(state, input, context)

    def readout(self, state: Tensor) -> Tensor:
        """Outputs y = C x + d."""
        return self.output(state)

    def check_inputs(self, inputs: Tensor, context: Tensor | None = None) -> None:
        """Raise ``ValueError`` for inputs or a context that do not fit."""
        trial_inputs(inputs, context, self.input_weights)

    def simulate(self, inputs: Tensor, context: Tensor | None = None) -> Trajectory:
        """Whole trials from ``inputs`` (batch, time, P), fast."""
        inputs = trial_inputs(inputs, context, self.input_weights)
        alpha = self.dt / self.tau
        x = leaky_scan(
            self.initial_state(inputs.shape[-3]),
            swap_time(inputs),
            alpha * self.input_weights.mT,
            1.0 - alpha,
            self.nonlinearity,
            alpha * self.connectivity().mT,
        )
        return Trajectory(swap_time(self.output.of_trial(x)), swap_time(x))

    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part."""
        return {
            "input weights": ["input_weights"],
            "recurrent weights": ["kernel"],
            "readout": [f"output.{name}" for name, _ in self.output.named_parameters()],
        }


def _places(n_channels: int, map_size: int, kernel_size: int) -> Tensor:
    """Which entry of the flattened kernel each entry of W (N, N) is; one past it where none is."""
    half = kernel_size // 2
    channel, row, column = (
        values.flatten()
        for values in torch.meshgrid(
            torch.arange(n_channels), torch.arange(map_size), torch.arange(map_size), indexing="ij"
        )
    )
    down = row - row[:, None] + half  # (to, from): from which side the input comes
    right = column - column[:, None] + half
    pair = channel[:, None] * n_channels + channel
    places = (pair * kernel_size + down) * kernel_size + right
    outside = (down < 0) | (down >= kernel_size) | (right < 0) | (right >= kernel_size)
    return places.masked_fill(outside, n_channels**2 * kernel_size**2)
