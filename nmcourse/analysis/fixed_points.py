r"""Fixed and slow points of any model, with their stability.

A fixed point is a state whose velocity F(x) is zero; a slow point is one where it is nearly so.
Both are found as minima of the speed

    q(x) = |F(x)|^2 / 2                                   (state units per ms, squared, halved)

starting from many candidate states. q is a sum of squares, so each candidate descends by
Levenberg-Marquardt: far from a solution a damped gradient step, near it Newton's method, hence
exact to rounding at a fixed point. (Sussillo and Barak use a general optimiser; the least-squares
form needs tens of iterations instead of thousands, and gives every candidate its own step size.)

The search finds what its candidates reach. It proves that a fixed point exists, never that
there is no other: give it many candidates, from the states that the network visits.

Reference:
    Sussillo and Barak 2013; chapter *Rate networks as dynamical systems*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, check_tensor, count
from nmcourse.analysis._checks import check_choice, check_finite, check_positive
from nmcourse.analysis.autonomous import AutonomousSystem, View, eigenvalues
from nmcourse.analysis.states import State
from nmcourse.models import RecurrentModel

LARGEST = 4000  # values of a state: a Jacobian of it takes 128 MB


@dataclass(frozen=True)
class FixedPoints:
    """Distinct fixed and slow points; axis 0 of every field is the point.

    Attributes:
        points: flat states (point, n), in the order of the first candidate that reached each.
        states: the same with the structure of the model's state, held components included.
        speeds: ``q = |F|^2 / 2`` at each point, (point,).
        is_fixed: q is at most ``fixed_tolerance``, (point,).
        velocity_jacobians: dF/dx per ms, (point, n, n).
        velocity_eigenvalues: their eigenvalues, largest real part first, (point, n).
        step_jacobians: Jacobian of the map that one step applies, (point, n, n).
        step_eigenvalues: their eigenvalues, largest modulus first, (point, n).
        stability: the view that ``is_stable``, ``jacobians`` and ``eigenvalues`` take.
        n_candidates_reaching: how many candidates ended at each point, (point,).
        not_converged: flat states where the other candidates stopped, (candidate, n).
        not_converged_speeds: their speeds q, above ``slow_tolerance``.
    """

    points: Tensor
    states: State
    speeds: Tensor
    is_fixed: Tensor
    velocity_jacobians: Tensor
    velocity_eigenvalues: Tensor
    step_jacobians: Tensor
    step_eigenvalues: Tensor
    stability: View
    n_candidates_reaching: Tensor
    not_converged: Tensor
    not_converged_speeds: Tensor

    def __len__(self) -> int:
        """Number of points."""
        return len(self.points)

    @property
    def is_slow(self) -> Tensor:
        """Slow but not fixed, (point,)."""
        return ~self.is_fixed

    @property
    def jacobians(self) -> Tensor:
        """Jacobians of the chosen view, (point, n, n)."""
        return self.step_jacobians if self.stability == "step" else self.velocity_jacobians

    @property
    def eigenvalues(self) -> Tensor:
        """Eigenvalues of the chosen view, (point, n), the least stable first."""
        return self.step_eigenvalues if self.stability == "step" else self.velocity_eigenvalues

    @property
    def n_unstable(self) -> Tensor:
        """Number of directions in which a small push grows, (point,)."""
        if self.stability == "step":
            return (self.step_eigenvalues.abs() >= 1).sum(dim=-1)
        return (self.velocity_eigenvalues.real >= 0).sum(dim=-1)

    @property
    def is_stable(self) -> Tensor:
        """Whether every small push decays, (point,); see :func:`find_fixed_points`."""
        return self.n_unstable == 0


def find_fixed_points(
    model: RecurrentModel,
    input: Tensor | None = None,
    *,
    context: Tensor | None = None,
    candidates: State | None = None,
    n_candidates: int = 64,
    candidate_std: float = 1.0,
    generator: torch.Generator | None = None,
    free: Sequence[str] | None = None,
    at: State | None = None,
    stability: View = "step",
    fixed_tolerance: float = 1e-20,
    slow_tolerance: float = 1e-9,
    stop_below: float | None = None,
    same_point_distance: float = 1e-4,
    n_iterations: int = 300,
) -> FixedPoints:
    """Fixed and slow points of a model under constant input and context.

    Stability is that of the linearised network. With ``stability="step"`` (what the simulated
    network does) a point is stable if all eigenvalues of the step's Jacobian have modulus below
    1; with ``"velocity"`` (the differential equation) if those of the velocity's Jacobian have
    negative real parts. Both sets of eigenvalues are returned. At a point of a line attractor
    one eigenvalue equals the bound up to rounding: read the eigenvalue there, not the label. At a
    slow point the label describes the linearised flow around a state that still drifts.

    Args:
        model: any model of the course; it is copied to float64, never changed.
        input: constant input (P,); None means zeros.
        context: constant context (n_context,), or None.
        candidates: states to start from: flat (candidate, n) or with the structure of the state
            (see ``sample_states``). None draws them.
        n_candidates: how many to draw from N(0, ``candidate_std`` squared) in every value.
        candidate_std: see above.
        generator: source of the draw.
        free: state components that move, the others being held (``("x",)``: fixed points of an
            NM-RNN's output network under a frozen modulator). None means all.
        at: state of one item that gives the held components their values (default: initial state).
        stability: ``"step"`` or ``"velocity"``.
        fixed_tolerance: q up to which a point is fixed, in (state units per ms) squared.
        slow_tolerance: q up to which a point that is not fixed is kept as slow.
        stop_below: q at which a candidate stops; None means ``fixed_tolerance``. Raise it to
            ``slow_tolerance`` to sample a slow manifold instead of sliding along it to its end.
        same_point_distance: points closer than this (Euclidean) count once, the slowest is kept.
        n_iterations: most iterations per candidate.

    Returns:
        The points, none if no candidate converged; candidates that stopped above
        ``slow_tolerance`` are listed in it too.

    Raises:
        ValueError: for arguments that do not fit the model, NaN or infinity in any of them, or
            tolerances out of order.

    Reference:
        Sussillo and Barak 2013; chapter *Rate networks as dynamical systems*.
    """
    check_choice("stability", stability, get_args(View))
    check_positive(
        candidate_std=candidate_std,
        fixed_tolerance=fixed_tolerance,
        same_point_distance=same_point_distance,
    )
    n_candidates = count("n_candidates", n_candidates)
    n_iterations = count("n_iterations", n_iterations)
    check_generator(generator)
    if not slow_tolerance >= fixed_tolerance:
        raise ValueError(
            f"slow_tolerance must be at least fixed_tolerance={fixed_tolerance}, "
            f"got {slow_tolerance}"
        )
    goal = fixed_tolerance if stop_below is None else stop_below
    check_positive(stop_below=goal)

    system = AutonomousSystem(model, input, context, free=free, at=at)
    if system.size > LARGEST:
        raise ValueError(
            f"model has {system.size} state values, and the Jacobians here are whole matrices (at "
            f"most {LARGEST}): use find_large_fixed_points"
        )
    if candidates is None:
        shape = (n_candidates, system.size)
        noise = torch.randn(shape, dtype=torch.float64, generator=generator)
        start = candidate_std * noise
    else:
        start = system.flatten(candidates)
        check_finite("candidates", start)
        if len(start) == 0:
            raise ValueError("candidates must hold at least one state, got none")
    ends, speeds = minimise_speed(system, start, stop_below=goal, n_iterations=n_iterations)
    fixed = speeds <= fixed_tolerance
    ends[fixed], speeds[fixed] = minimise_speed(  # the last digits: Newton's method
        system, ends[fixed], stop_below=0.0, n_iterations=4, first_damping=1e-14
    )

    converged = speeds <= slow_tolerance
    points, q, counts = distinct_points(ends[converged], speeds[converged], same_point_distance)
    of_velocity = system.jacobian(points, "velocity")
    of_step = system.jacobian(points, "step")
    return FixedPoints(
        points=points,
        states=system.state(points),
        speeds=q,
        is_fixed=q <= fixed_tolerance,
        velocity_jacobians=of_velocity,
        velocity_eigenvalues=eigenvalues(of_velocity, "velocity"),
        step_jacobians=of_step,
        step_eigenvalues=eigenvalues(of_step, "step"),
        stability=stability,
        n_candidates_reaching=counts,
        not_converged=ends[~converged],
        not_converged_speeds=speeds[~converged],
    )


def speed(system: AutonomousSystem, flat: Tensor) -> Tensor:
    """The speed ``q = |F(x)|^2 / 2`` of flat states (batch, n): (batch,)."""
    return 0.5 * system.velocity(flat).square().sum(dim=-1)


def minimise_speed(
    system: AutonomousSystem,
    start: Tensor,
    *,
    stop_below: float = 1e-20,
    n_iterations: int = 300,
    first_damping: float = 1e-2,
) -> tuple[Tensor, Tensor]:
    """Descend q from every start by Levenberg-Marquardt; each has its own damping.

    A candidate stops when q is at most ``stop_below``, when the gradient of q vanishes (a local
    minimum of the speed: a slow point, or nothing at all) or after ``n_iterations``.

    Args:
        system: the model under constant input.
        start: flat states (candidate, n).
        stop_below: see above.
        n_iterations: see above.
        first_damping: damping of the first iteration, relative to the mean squared slope.

    Returns:
        Flat end states (candidate, n) and their speeds q (candidate,); q never rises on the way.
    """
    n_iterations = count("n_iterations", n_iterations)
    check_tensor("start", start)
    x, v = start.clone(), system.velocity(start)
    q = 0.5 * v.square().sum(dim=-1)
    size = x.shape[-1]
    identity = torch.eye(size, dtype=x.dtype)
    damping = torch.full((len(x),), torch.nan, dtype=x.dtype)
    active = q > stop_below
    for _ in range(n_iterations):
        now = active.nonzero().squeeze(-1)
        if len(now) == 0:
            break
        jacobian = system.jacobian(x[now])
        normal = jacobian.mT @ jacobian
        gradient = (jacobian.mT @ v[now].unsqueeze(-1)).squeeze(-1)
        scale = normal.diagonal(dim1=-2, dim2=-1).mean(dim=-1)
        mu = damping[now]
        mu = torch.where(mu.isnan(), first_damping * scale, mu)
        mu = torch.maximum(mu, (1e-14 * scale).clamp(min=1e-30))

        factor, failed = torch.linalg.cholesky_ex(normal + mu[:, None, None] * identity)
        factor = torch.where((failed == 0)[:, None, None], factor, identity)
        move = -torch.cholesky_solve(gradient.unsqueeze(-1), factor).squeeze(-1)
        new_x = x[now] + move
        new_v = system.velocity(new_x)
        new_q = 0.5 * new_v.square().sum(dim=-1)

        better = (failed == 0) & (new_q < q[now])
        damping[now] = torch.where(better, 0.2 * mu, 5.0 * mu)
        x[now] = torch.where(better[:, None], new_x, x[now])
        v[now] = torch.where(better[:, None], new_v, v[now])
        q[now] = torch.where(better, new_q, q[now])

        steepness = gradient.norm(dim=-1)
        level = steepness <= 1e-10 * (scale * size).sqrt() * v[now].norm(dim=-1)
        stuck = ~better & (mu > 1e8 * scale)
        active[now] = (q[now] > stop_below) & ~level & ~stuck
    return x, q


def distinct_points(
    points: Tensor, speeds: Tensor, distance: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Points that differ, their speeds, and how many of the given ones belong to each."""
    unassigned = torch.ones(len(points), dtype=torch.bool)
    kept: list[tuple[int, int, int]] = []  # (first candidate, slowest candidate, members)
    for best in speeds.argsort().tolist():
        if not unassigned[best]:
            continue
        near = (points - points[best]).norm(dim=-1) < distance
        members = (near & unassigned).nonzero().squeeze(-1)
        unassigned[members] = False
        kept.append((int(members.min()), best, len(members)))
    kept.sort()
    slowest = torch.tensor([best for _, best, _ in kept], dtype=torch.long)
    counts = torch.tensor([n for _, _, n in kept], dtype=torch.long)
    return points[slowest], speeds[slowest], counts
