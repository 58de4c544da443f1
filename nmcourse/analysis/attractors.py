r"""Rings and lines of states: what a network holds when it remembers an angle or a value.

A network that remembers an angle should hold a closed curve of states, passed through once as the
angle goes round; one that remembers a number, a curve with two ends. Both are asked two questions:

    shape    do the states lie on a ring (a line), in the order of the remembered quantity?
    hold     left alone, without input, do they stay there?

The first is asked of states at one time, the second of ``run_on``, which goes on with ``step``
from any state. Angles are in radians, times in ms.

Reference:
    Costacurta et al. 2024, Figs. 4D and 4E (ring, angle code), 5E and 5F (lines); chapters *One
    network, many tasks* and *Remembering one of many*.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import NamedTuple

import scipy.stats
import torch
from torch import Tensor

from nmcourse._inputs import count
from nmcourse.analysis._checks import check_finite, check_positive
from nmcourse.analysis.states import State, flatten_state, unflatten_state
from nmcourse.analysis.subspaces import PrincipalSubspace, principal_subspace
from nmcourse.models import RecurrentModel


@dataclass(frozen=True)
class Ring:
    """States seen as a ring in the plane of their first two principal components.

    Attributes:
        plane: the plane; ``plane.variance_ratios`` says how much of the variance it holds.
        scores: coordinates in the plane, (trial, 2).
        circularity: spread along the second component over that along the first: 1 for a circle,
            b / a for an ellipse of half-axes a > b, 0 for a line.
        hollowness: mean over root mean square of the distance from the centre, after the plane
            is stretched until both spreads are equal: 1 for any ellipse (hollow), 0.89 for a
            Gaussian cloud.
        order: how well the place on the ring follows the angle, between 0 and 1: length of the
            mean of exp(i (place - direction * angle)). 1 if the two differ by a constant.
        direction: +1 if the place turns the same way as the angle, else -1.
        offset: place of angle 0, in radians.
    """

    plane: PrincipalSubspace
    scores: Tensor
    circularity: float
    hollowness: float
    order: float
    direction: int
    offset: float

    def decode(self, states: Tensor) -> Tensor:
        """Angle (..) in [-pi, pi) at the nearest place on the ring, for states (.., unit)."""
        place = _place(self.plane.project(states.detach().to(self.scores.dtype)), self.plane)
        return wrap_angle(self.direction * (place - self.offset))


def wrap_angle(angle: Tensor) -> Tensor:
    """The same angle in [-pi, pi)."""
    return torch.remainder(angle + math.pi, 2 * math.pi) - math.pi


def fit_ring(states: Tensor, angle: Tensor) -> Ring:
    """Measure how far states at one time form a ring ordered by an angle.

    The centre of the ring is the mean state, so angles should go evenly round, or be many.

    Args:
        states: (trial, unit), one state of each trial.
        angle: what the place on the ring should follow, (trial,), in radians.

    Returns:
        The ring and its measures, in float64.

    Raises:
        ValueError: for fewer than three trials, shapes that do not fit, values that are not
            finite, or states on one line.

    Reference:
        Costacurta et al. 2024, Fig. 4D; chapter *One network, many tasks*.
    """
    points, angles = _points("states", states, "angle", angle, at_least=3)
    plane = principal_subspace(points, 2)
    if not plane.variances[1] > 1e-24 * plane.variances[0]:
        raise ValueError("states must span a plane, got states on one line")
    scores = plane.project(points)
    radius = (scores / plane.variances.sqrt()).norm(dim=-1)
    place = _place(scores, plane)
    means = {
        turn: torch.polar(torch.ones_like(place), place - turn * angles).mean() for turn in (1, -1)
    }
    direction = max(means, key=lambda turn: float(means[turn].abs()))
    return Ring(
        plane=plane,
        scores=scores,
        circularity=float((plane.variances[1] / plane.variances[0]).sqrt()),
        hollowness=float(radius.mean() / radius.square().mean().sqrt()),
        order=float(means[direction].abs()),
        direction=direction,
        offset=float(means[direction].angle()),
    )


@dataclass(frozen=True)
class Line:
    """States seen as a line along their first principal component.

    Attributes:
        axis: the component; ``axis.variance_ratios`` says how much of the variance it holds.
        scores: coordinate of each trial along it, (trial,).
        order: rank correlation (Spearman) between coordinate and value; 1 or -1 in perfect order
            (the sign of a component has no meaning).
    """

    axis: PrincipalSubspace
    scores: Tensor
    order: float

    @property
    def variance_ratio(self) -> float:
        """Share of the variance that lies along the line."""
        return float(self.axis.variance_ratios[0])

    @property
    def length(self) -> float:
        """Distance between the two ends."""
        return float(self.scores.max() - self.scores.min())


def fit_line(states: Tensor, value: Tensor) -> Line:
    """Measure how far states at one time form a line ordered by a value.

    Args:
        states: (trial, unit), one state of each trial.
        value: what the place on the line should follow, (trial,).

    Returns:
        The line and its measures, in float64.

    Raises:
        ValueError: for fewer than three trials, shapes that do not fit, values that are not
            finite or all equal, or states that are all equal.

    Reference:
        Costacurta et al. 2024, Figs. 5E and 5F.
    """
    points, values = _points("states", states, "value", value, at_least=3)
    if values.min() == values.max():
        raise ValueError(f"value must vary over the trials, got {float(values[0])} in each")
    axis = principal_subspace(points, 1)
    scores = axis.project(points)[:, 0]
    order = scipy.stats.spearmanr(scores.numpy(), values.numpy()).statistic
    return Line(axis=axis, scores=scores, order=float(order))


class Drift(NamedTuple):
    """What becomes of the places on a line.

    Attributes:
        velocity: mean velocity of each trial along the line, (trial,), in lengths of the line at
            the first time per ms.
        kept: slope of the last places against the first: 1 keeps all differences, 0 none.
        time_constant: time in ms in which differences would fall to 37 % at this rate; infinite
            if they are kept or grow, 0 if none is left.
    """

    velocity: Tensor
    kept: float
    time_constant: float


def line_drift(line: Line, states: Tensor, dt: float) -> Drift:
    """Follow the places of states along a line while the network is left alone.

    Args:
        line: line found at one time.
        states: (trial, time, unit), e.g. of :func:`run_on`; at least two times.
        dt: time step in ms.

    Returns:
        Drift between the first and the last time.

    Raises:
        ValueError: for shapes that do not fit, values that are not finite, ``dt`` not above zero,
            or places that are all equal at the first time.
    """
    if states.ndim != 3 or states.shape[1] < 2:
        raise ValueError(
            f"states must have shape (trial, at least 2 times, unit), got {tuple(states.shape)}"
        )
    check_finite("states", states)
    check_positive(dt=dt)
    places = line.axis.project(states.detach().to(line.scores.dtype))[..., 0]
    first, last = places[:, 0], places[:, -1]
    length, duration = first.max() - first.min(), dt * (states.shape[1] - 1)
    if not length > 0:
        raise ValueError("states must vary along the line at the first time, got equal places")
    centred = first - first.mean()
    kept = float((centred * last).sum() / centred.square().sum())
    rate = -math.log(kept) if kept > 0 else math.inf
    return Drift(
        velocity=(last - first) / (length * duration),
        kept=kept,
        time_constant=duration / rate if rate > 0 else math.inf,
    )


@torch.no_grad()
def run_on(
    model: RecurrentModel,
    states: State,
    n_steps: int,
    *,
    input: Tensor | None = None,
    context: Tensor | None = None,
) -> Tensor:
    """Let a network run on from given states under an input that does not change.

    Args:
        model: any model with ``step``; not changed.
        states: flat states (trial, n_total), e.g. ``trajectory_states(trajectory)[:, step]``, or
            with the structure of the model's state.
        n_steps: how many steps.
        input: constant input, (P,) or (trial, P), or an image (channel, height, width), or one
            for each trial; None means zeros.
        context: constant context, (n_context,) or (trial, n_context), or None.

    Returns:
        (trial, n_steps + 1, n_total), the given states first, float64.

    Raises:
        ValueError: for states, input or context that do not fit the model.
    """
    n_steps = count("n_steps", n_steps)
    states = states if isinstance(states, Tensor) else flatten_state(states)
    check_finite("states", states)
    model = copy.deepcopy(model).double()
    state = unflatten_state(states.detach().double(), model.initial_state(1))
    size = (model.n_inputs, *getattr(model, "image_size", ()))
    given = torch.zeros(size) if input is None else input
    drive = _of_trials("input", given, len(states), len(size))
    held = () if context is None else (_of_trials("context", context, len(states)),)
    visited = [flatten_state(state)]
    for _ in range(n_steps):
        state = model.step(state, drive, *held)
        visited.append(flatten_state(state))
    return torch.stack(visited, dim=1)


class AngleCode(NamedTuple):
    """Fit of components by a cosine of an angle: score ~ offset + amplitude cos(angle - phase).

    Attributes:
        offset: (component,).
        amplitude: (component,), never negative.
        phase: angle with the largest score, (component,), in radians: 0 for +cos, pi/2 for +sin,
            -pi/2 for -sin.
        r_squared: share of the variance that the fit explains, (component,); NaN for a component
            that does not vary.
    """

    offset: Tensor
    amplitude: Tensor
    phase: Tensor
    r_squared: Tensor


def angle_code(scores: Tensor, angle: Tensor) -> AngleCode:
    """Fit the cosine and sine of an angle to each component.

    A component that is proportional to sin(angle) changes sign at pi. Fitted against the angle of
    the *response* over Pro and Anti trials together, it shows whether its sign says more than where
    the response goes.

    Args:
        scores: (trial,) or (trial, component), e.g. ``principal_subspace(x).project(x)``.
        angle: of the stimulus or of the response, (trial,), in radians.

    Returns:
        The fit, one entry per component, float64.

    Raises:
        ValueError: for fewer than four trials, shapes that do not fit, values that are not
            finite, or angles that do not determine the fit (fewer than three different ones).

    Reference:
        Costacurta et al. 2024, Fig. 4E; chapter *One network, many tasks*.
    """
    columns = scores.unsqueeze(-1) if scores.ndim == 1 else scores
    values, angles = _points("scores", columns, "angle", angle, at_least=4)
    design = torch.stack([torch.ones_like(angles), angles.cos(), angles.sin()], dim=-1)
    if int(torch.linalg.matrix_rank(design)) < 3:
        raise ValueError("angle must take at least three different values on the circle")
    offset, cosine, sine = fit = torch.linalg.lstsq(design, values).solution
    total = (values - values.mean(dim=0)).square().sum(dim=0)
    varies = total > 1e-24 * values.square().sum(dim=0)
    missed = (values - design @ fit).square().sum(dim=0)
    return AngleCode(
        offset=offset,
        amplitude=torch.hypot(cosine, sine),
        phase=torch.atan2(sine, cosine),
        r_squared=torch.where(varies, 1 - missed / total, torch.nan),
    )


def _place(scores: Tensor, plane: PrincipalSubspace) -> Tensor:
    """Angle of points in the plane, stretched until both spreads are equal."""
    stretched = scores / plane.variances.sqrt()
    return torch.atan2(stretched[..., 1], stretched[..., 0])


def _points(
    name: str, states: Tensor, other: str, values: Tensor, *, at_least: int
) -> tuple[Tensor, Tensor]:
    """Both arguments checked, detached, in float64 on the CPU."""
    if states.ndim != 2 or values.shape != states.shape[:1] or len(states) < at_least:
        raise ValueError(
            f"{name} and {other} must have shapes (trial, n) and (trial,) with at least {at_least} "
            f"trials, got {tuple(states.shape)} and {tuple(values.shape)}"
        )
    check_finite(name, states)
    check_finite(other, values)
    return states.detach().double().cpu(), values.detach().double().cpu()


def _of_trials(name: str, values: Tensor, n_trials: int, n_axes: int = 1) -> Tensor:
    """A constant drive with a trial axis in front, float64; without it ``n_axes`` axes."""
    check_finite(name, values)
    extra = values.ndim - n_axes
    if extra not in (0, 1) or (extra == 1 and len(values) != n_trials):
        one = "channel" if n_axes == 1 else "channel, height, width"
        alone = f"({one},)" if n_axes == 1 else f"({one})"
        raise ValueError(
            f"{name} must have shape {alone} or ({n_trials}, {one}), got {tuple(values.shape)}"
        )
    return values.detach().double().expand(n_trials, *values.shape[-n_axes:])
