r"""A network that sees, and a recurrent network behind it that decides.

    eye      r <- eye(r, u)                       any network that sees; u is a picture
    between  z = means of the areas that are read, over the fields of a G x G grid
    behind   x <- behind(x, z)                    any recurrent network
    output   y = readout of x

A mean over a whole map cannot tell where something is; means over the fields of a grid can, and
with G = 1 the eye is read as a classifier reads it. A step moves the eye first and gives what it
then sees to the network behind it.

The inputs are films, one channel for each pixel (``nmcourse.tasks.FilmTask``), so that such a
network is trained and analysed as every recurrent network of the course: end to end, or with
``freeze=("eye",)`` so that the network behind learns to use an eye that stays as it is.

Reference: Soo et al. 2024, Fig. 5 (a CordsNet as the front end of a fully connected RNN). How the
two were joined is not published; the grid is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from nmcourse._inputs import check_tensor, count, whole
from nmcourse.models._base import RecurrentModel, Trajectory, check_trial
from nmcourse.models._unused_velocity import decides
from nmcourse.models.vision.planning import State
from nmcourse.models.vision.seeing import Seeing


class EyeState(NamedTuple):
    """State of both networks.

    Attributes:
        maps: of the eye, one (batch, channel, height, width) for each area.
        behind: of the network behind it.
    """

    maps: State
    behind: Any


class EyeThenRates(RecurrentModel):
    """A network that sees with a recurrent network behind it.

    Args:
        eye: the network that sees; its own readout is not used.
        behind: the recurrent network, with an input for each of ``n_features(eye, grid)`` means
            and the same dt.
        grid: G, fields of the grid in each direction.
        n_blank: blank steps of the eye before a trial, without gradient.

    Attributes:
        n_inputs: pixels of a picture, times its channels.

    Raises:
        ValueError: for parts that are none, or that do not fit together (inputs, dt), or a number
            out of range.

    Reference:
        Soo et al. 2024, Fig. 5.
    """

    def __init__(
        self, eye: Seeing, behind: RecurrentModel, *, grid: int = 4, n_blank: int = 20
    ) -> None:
        super().__init__()
        for name, part, kind in (("eye", eye, Seeing), ("behind", behind, RecurrentModel)):
            if not isinstance(part, kind):
                raise ValueError(f"{name} must be a {kind.__name__}, got {type(part).__name__}")
        self.grid, self.n_blank = count("grid", grid), whole("n_blank", n_blank, least=0)
        needed = n_features(eye, self.grid)
        if behind.n_inputs != needed:
            raise ValueError(
                f"behind must have {needed} inputs, one for each of the means that it reads from "
                f"this eye on a grid of {grid} x {grid} fields, got {behind.n_inputs}"
            )
        if behind.dt != eye.dt:
            raise ValueError(
                f"behind must have the dt of the eye, {eye.dt:g} ms, got {behind.dt:g} ms"
            )
        self.eye, self.behind = eye, behind
        height, width = eye.image_size
        self.n_inputs, self.n_outputs = eye.n_inputs * height * width, behind.n_outputs
        self.dt = behind.dt

    def pictures(self, inputs: Tensor) -> Tensor:
        """Inputs (.., pixel) as pictures (.., channel, height, width).

        Raises:
            ValueError: for pictures of another size.
        """
        check_tensor("inputs", inputs)
        if inputs.shape[-1] != self.n_inputs:
            height, width = self.eye.image_size
            raise ValueError(
                f"inputs must have {self.n_inputs} channels, one for each pixel of {height} x "
                f"{width}, got {inputs.shape[-1]}: no frame may have another size"
            )
        return inputs.unflatten(-1, (self.eye.n_inputs, *self.eye.image_size))

    def seen(self, maps: Sequence[Tensor]) -> Tensor:
        """What the network behind reads of the areas, (.., feature)."""
        return torch.cat([grid_means(r, self.grid) for r in maps[-self.eye.n_read :]], dim=-1)

    def initial_state(self, batch_size: int) -> EyeState:
        """The eye after its blank steps, and the start of the network behind."""
        with torch.no_grad():
            maps = self.eye.initial_state(batch_size)
            lead = maps[0].shape[:-3]
            blank = maps[0].new_zeros(*lead, self.eye.n_inputs, *self.eye.image_size)
            for _ in range(self.n_blank):
                maps = self.eye.step(maps, blank)
        return EyeState(maps, self.behind.initial_state(batch_size))

    @decides
    def step(self, state: EyeState, input: Tensor, context: Tensor | None = None) -> EyeState:
        """Both states one time step later; the network behind reads the eye's new state."""
        maps = self.eye.step(state.maps, self.pictures(input))
        return EyeState(maps, self.behind.step(state.behind, self.seen(maps), context))

    def velocity(self, state: EyeState, input: Tensor, context: Tensor | None = None) -> EyeState:
        """Right-hand side of both equations at the present state, per ms."""
        return EyeState(
            self.eye.velocity(state.maps, self.pictures(input)),
            self.behind.velocity(state.behind, self.seen(state.maps), context),
        )

    def readout(self, state: EyeState) -> Tensor:
        """Outputs of the network behind."""
        return self.behind.readout(state.behind)

    def leak(self) -> Any:
        """What a step leaves room for, of the eye and of the network behind."""
        return self.eye.leak(), self.behind.leak()

    def check_inputs(self, inputs: Tensor, context: Tensor | None = None) -> None:
        """Raise ``ValueError`` for films of another size."""
        check_tensor("inputs", inputs)
        check_trial("inputs", inputs, self.n_inputs, next(self.parameters()).dtype)

    def simulate(self, inputs: Tensor, context: Tensor | None = None) -> Trajectory:
        """Whole trials from films (batch, time, pixel), fast."""
        self.check_inputs(inputs, context)
        maps = self.eye.features(self.pictures(inputs), n_blank=self.n_blank)
        means = torch.cat([grid_means(r, self.grid) for r in maps], dim=-1)
        found: Trajectory = self.behind(means, context)
        return found

    def trajectory(self, states: Sequence[EyeState], outputs: Tensor) -> Trajectory:
        """The trajectory of the network behind; maps are not kept (``eye.record`` gives them)."""
        return self.behind.trajectory([state.behind for state in states], outputs)

    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part: ``"eye"``, and the parts of the network behind."""
        found = {"eye": [f"eye.{name}" for name, _ in self.eye.named_parameters()]}
        for part, names in self.behind.parts().items():
            found[part] = [f"behind.{name}" for name in names]
        return found


def n_features(eye: Seeing, grid: int) -> int:
    """How many means a network behind reads from an eye on a grid of G x G fields.

    Raises:
        ValueError: for a grid that is finer than the maps that are read.
    """
    grid, maps = count("grid", grid), eye.initial_state(1)[-eye.n_read :]
    finest = min(min(r.shape[-2:]) for r in maps)
    if grid > finest:
        raise ValueError(
            f"grid must be at most {finest}, the height and width of the smallest map that is "
            f"read from this eye, got {grid}"
        )
    return sum(r.shape[-3] for r in maps) * grid**2


def grid_means(maps: Tensor, grid: int) -> Tensor:
    """Means of maps over the fields of a grid.

    Where G does not divide height or width, neighbouring fields share a row or a column of pixels.

    Args:
        maps: (batch, .., channel, height, width).
        grid: G.

    Returns:
        (.., channel G G), fields of a channel side by side.
    """
    fields = adaptive_avg_pool2d(maps.flatten(0, -4), grid)
    return fields.flatten(-3).unflatten(0, maps.shape[:-3])
