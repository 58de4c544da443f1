r"""Local and long-run dynamics of any model: Jacobians, Lyapunov exponents, shape of the activity.

A small difference between two states grows or shrinks as the product of the Jacobians along the
way. The Lyapunov exponents are its mean growth rates per ms: all negative, the network forgets
where it started; the largest positive, it is chaotic.

Reference:
    Chapter *Rate networks as dynamical systems*; for the convolutional network Soo et al. 2024,
    Fig. S1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, check_tensor, count, counts, whole
from nmcourse.analysis._checks import check_choice, check_finite, check_positive
from nmcourse.analysis.autonomous import AutonomousSystem, View
from nmcourse.analysis.states import State
from nmcourse.models import RecurrentModel


def jacobian(
    model: RecurrentModel,
    state: State,
    input: Tensor | None = None,
    *,
    context: Tensor | None = None,
    of: View = "velocity",
    batch_size: int | None = None,
) -> Tensor:
    """Jacobian of a model's velocity (per ms) or of its step, at given states.

    Args:
        model: any model of the course; copied to float64.
        state: as the model's state, (batch, ..), or flat (batch, n).
        input: constant input (P,), or an image (channel, height, width); None means zeros.
        context: constant context (n_context,), or None.
        of: ``"velocity"`` or ``"step"``.
        batch_size: how many states at a time; fewer need less memory. None means all.

    Returns:
        (batch, n, n), float64; row i holds the derivatives of component i.

    Raises:
        ValueError: for arguments that do not fit the model or are not finite.

    Reference:
        Chapter *Rate networks as dynamical systems*.
    """
    system = AutonomousSystem(model, input, context)
    flat = system.flatten(state)
    check_finite("state", flat)
    if batch_size is not None:
        batch_size = count("batch_size", batch_size)
    return system.jacobian(flat, of, chunk=batch_size)


def time_constants(eigenvalues: Tensor, of: View = "velocity", dt: float | None = None) -> Tensor:
    """How fast each mode of a linearised network decays, in ms.

    Args:
        eigenvalues: complex, any shape, of the Jacobian of a velocity (per ms) or of a step.
        of: -1 / Re(lambda) of a ``"velocity"``, -dt / log(abs(lambda)) of a ``"step"``.
        dt: time step in ms, needed for ``"step"``.

    Returns:
        Real, shaped as ``eigenvalues``; infinite where nothing decays, negative for growth.

    Raises:
        ValueError: for eigenvalues that are not finite, an unknown ``of``, or ``dt`` missing.
    """
    check_choice("of", of, ("velocity", "step"))
    check_finite("eigenvalues", eigenvalues)
    if of == "velocity":
        rates = eigenvalues.real if eigenvalues.is_complex() else eigenvalues
    else:
        if dt is None:
            raise ValueError("dt must be given for eigenvalues of a step, got None")
        check_positive(dt=dt)
        rates = eigenvalues.abs().log() / dt
    return torch.where(rates == 0, torch.inf, -1 / rates)


@dataclass(frozen=True)
class LyapunovExponents:
    """Result of :func:`lyapunov_exponents`.

    Attributes:
        exponents: per ms, largest first, (exponent,); with several starts (start, exponent).
        running: estimate after each step, (step, exponent) or (start, step, exponent): how well
            it has settled.
        end: flat state at the end, (n,) or (start, n).
    """

    exponents: Tensor
    running: Tensor
    end: Tensor

    @property
    def largest(self) -> float:
        """The largest exponent, per ms; with several starts the largest of all."""
        return float(self.exponents.max())


def lyapunov_exponents(
    model: RecurrentModel,
    input: Tensor | None = None,
    *,
    context: Tensor | None = None,
    n_exponents: int = 1,
    n_steps: int = 2000,
    n_transient: int = 500,
    start: State | None = None,
    generator: torch.Generator | None = None,
) -> LyapunovExponents:
    """Largest Lyapunov exponents of the simulated network, by the tangent QR method.

    A small frame of tangent vectors is carried along the trajectory by the derivative of ``step``
    and made orthonormal again after every step; the logarithm of how much it had grown, averaged
    over time, is the exponent.

    Args:
        model: any model of the course; copied to float64.
        input: constant input (P,) or an image (channel, height, width), or a driven run with an
            entry for each of the n_transient + n_steps steps; None means zeros.
        context: constant context (n_context,), or None.
        n_exponents: how many, at most the size of a state.
        n_steps: steps averaged over.
        n_transient: steps before that, to reach the attractor and to turn the frame.
        start: state of one item, or of several, which are then followed side by side; None means
            the model's initial state.
        generator: source of the first frame.

    Returns:
        Exponents per ms.

    Raises:
        ValueError: for arguments that do not fit the model or are not finite, or a trajectory
            that leaves the finite numbers.

    Reference:
        Chapter *Rate networks as dynamical systems*.
    """
    n_exponents, n_steps = counts(n_exponents=n_exponents, n_steps=n_steps)
    n_transient = whole("n_transient", n_transient, least=0)
    check_generator(generator)
    total, drive = n_transient + n_steps, None
    if input is not None and input.ndim in (2, 4):
        if len(input) != total:
            one, many = ("P,", "P") if input.ndim == 2 else ("channel, height, width",) * 2
            raise ValueError(
                f"input must have shape ({one}) or ({total}, {many}), got {tuple(input.shape)}"
            )
        check_finite("input", input)
        drive, input = input.double(), input[0]
    system = AutonomousSystem(model, input, context)
    x = system.initial() if start is None else system.flatten(start)
    check_finite("start", x)
    n_starts = len(x)
    if not n_starts:
        raise ValueError("start must hold at least one state, got none")
    if n_exponents > system.size:
        raise ValueError(f"n_exponents must be at most {system.size}, got {n_exponents}")

    noise = torch.randn(system.size, n_exponents, dtype=torch.float64, generator=generator)
    frame = torch.linalg.qr(noise)[0].mT.expand(n_starts, -1, -1)
    growth = torch.empty(n_steps, n_starts, n_exponents, dtype=torch.float64)
    for t in range(total):
        u = None if drive is None else drive[t]
        copies = x.repeat_interleave(n_exponents, dim=0)
        moved, pushed = system.push(copies, frame.flatten(0, 1), input=u)
        x = moved[::n_exponents]
        if not torch.isfinite(x).all():
            raise ValueError(f"model must stay finite, its state overflowed at step {t}")
        basis, stretch = torch.linalg.qr(pushed.unflatten(0, (n_starts, n_exponents)).mT)
        frame = basis.mT
        if t >= n_transient:
            growth[t - n_transient] = stretch.diagonal(dim1=-2, dim2=-1).abs().log() / system.dt
    steps = torch.arange(1, n_steps + 1, dtype=torch.float64)[:, None, None]
    running = (growth.cumsum(dim=0) / steps).movedim(0, 1)
    exponents = running[:, -1].sort(dim=-1, descending=True).values
    if n_starts == 1:
        return LyapunovExponents(exponents[0], running[0], x[0])
    return LyapunovExponents(exponents, running, x)


def participation_ratio(states: Tensor) -> float:
    """How many dimensions activity fills: (sum of variances)^2 / sum of squared variances.

    Args:
        states: (.., unit), at least two states; all other axes count as samples.

    Returns:
        Between 1 (a line) and the number of units (the same variance in every direction).

    Raises:
        ValueError: for fewer than two states, NaN or infinity, or states that are all equal.
    """
    check_finite("states", states)
    points = states.detach().reshape(-1, states.shape[-1]).double()
    if len(points) < 2:
        raise ValueError(f"states must hold at least two states, got {len(points)}")
    variances = torch.linalg.svdvals(points - points.mean(dim=0)).square()
    if not variances.sum() > 0:
        raise ValueError("states must vary, got states that are all equal")
    return float(variances.sum().square() / variances.square().sum())


@dataclass(frozen=True)
class Autocorrelation:
    """Result of :func:`autocorrelation`.

    Attributes:
        lags: ms, (lag,), from 0 on.
        values: mean over trials and units, 1 at lag 0, (lag,).
    """

    lags: Tensor
    values: Tensor


def autocorrelation(states: Tensor, dt: float, *, n_lags: int | None = None) -> Autocorrelation:
    """Mean autocorrelation of the units, each with its mean over time taken out.

    Units with larger variance weigh more: the sum over units of the autocovariance at each lag
    (each lag averaged over the pairs it has) is divided by the sum at lag 0.

    Args:
        states: (batch, time, unit), without the transient.
        dt: time step in ms.
        n_lags: number of lags, at most the number of steps; None means half of them.

    Returns:
        Lags and values.

    Raises:
        ValueError: for another shape, NaN or infinity, too many lags, or constant states.
    """
    check_tensor("states", states)
    if states.ndim != 3:
        raise ValueError(f"states must have shape (batch, time, unit), got {tuple(states.shape)}")
    check_finite("states", states)
    check_positive(dt=dt)
    n_times = states.shape[1]
    if n_lags is None:
        n_lags = max(1, n_times // 2)
    n_lags = count("n_lags", n_lags)
    if n_lags > n_times:
        raise ValueError(f"n_lags must be at most {n_times}, got {n_lags}")
    x = states.detach().double()
    x = x - x.mean(dim=1, keepdim=True)
    power = torch.fft.rfft(x, n=2 * n_times, dim=1).abs().square()
    sums = torch.fft.irfft(power, n=2 * n_times, dim=1)[:, :n_lags].sum(dim=(0, 2))
    if not sums[0] > 0:
        raise ValueError("states must vary in time, got constant states")
    covariances = sums / (n_times - torch.arange(n_lags))
    return Autocorrelation(torch.arange(n_lags) * dt, covariances / covariances[0])
