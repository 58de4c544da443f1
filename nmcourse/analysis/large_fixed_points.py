r"""Fixed points of networks with thousands of units, without a Jacobian matrix.

Newton's method on the velocity F: from a state x the next one is x + d with

    J(x) d = -F(x)                J(x) the Jacobian of F

J is never formed. GMRES (SciPy) solves for d from products J d, which are derivatives of F along d.
Where phi is the ReLU, J is constant as long as no unit crosses zero: one step then solves the
network whose active units are those of x exactly, and once the set of active units settles the
fixed point is exact. That makes it an active-set method. A step that raises the speed is halved.

Newton's method does not ask whether a point is stable: it finds saddles and unstable foci too.
How stable a point is, the leading eigenvalues of the step's Jacobian say (ARPACK, SciPy).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs, gmres
from torch import Tensor

from nmcourse._inputs import counts
from nmcourse.analysis._checks import check_finite, check_positive
from nmcourse.analysis.autonomous import AutonomousSystem, View
from nmcourse.analysis.fixed_points import distinct_points
from nmcourse.analysis.states import State
from nmcourse.models import RecurrentModel

HALVINGS = 12


@dataclass(frozen=True)
class LargeFixedPoints:
    """Distinct fixed points; axis 0 of every field is the point.

    Attributes:
        points: flat states (point, n).
        states: the same with the structure of the model's state.
        speeds: ``q = |F|^2 / 2`` at each point, (point,).
        step_eigenvalues: eigenvalues of the step's Jacobian with the largest modulus, the largest
            first, complex, (point, k); NaN where ARPACK did not converge.
        n_candidates_reaching: how many candidates ended at each point, (point,).
        not_converged: flat states where the other candidates stopped, (candidate, n).
        not_converged_speeds: their speeds q, (candidate,).
    """

    points: Tensor
    states: State
    speeds: Tensor
    step_eigenvalues: Tensor
    n_candidates_reaching: Tensor
    not_converged: Tensor
    not_converged_speeds: Tensor

    def __len__(self) -> int:
        """Number of points."""
        return len(self.points)

    @property
    def is_stable(self) -> Tensor:
        """Whether every small push decays under the simulated network, (point,)."""
        return self.step_eigenvalues[:, 0].abs() < 1


def find_large_fixed_points(
    model: RecurrentModel,
    input: Tensor | None = None,
    *,
    candidates: State,
    context: Tensor | None = None,
    fixed_tolerance: float = 1e-20,
    same_point_distance: float = 1e-4,
    n_iterations: int = 60,
    n_eigenvalues: int = 6,
) -> LargeFixedPoints:
    """Fixed points that Newton's method reaches from given states, without forming a Jacobian.

    Args:
        model: any model of the course; it is copied to float64, never changed.
        input: constant input (P,), or an image (channel, height, width); None means zeros.
        candidates: states to start from, flat (candidate, n) or with the structure of the state.
        context: constant context (n_context,), or None.
        fixed_tolerance: q up to which a point is fixed, in (state units per ms) squared.
        same_point_distance: points closer than this (Euclidean) count once.
        n_iterations: most Newton steps of a candidate.
        n_eigenvalues: how many leading eigenvalues of the step's Jacobian, at most n - 2.

    Returns:
        The points, none if no candidate converged.

    Raises:
        ValueError: for arguments that do not fit the model, or are not finite.

    Reference:
        Sussillo and Barak 2013 for the question; Saad and Schultz 1986 for GMRES.
    """
    check_positive(fixed_tolerance=fixed_tolerance, same_point_distance=same_point_distance)
    n_iterations, n_eigenvalues = counts(n_iterations=n_iterations, n_eigenvalues=n_eigenvalues)
    system = AutonomousSystem(model, input, context)
    if n_eigenvalues > system.size - 2:
        raise ValueError(f"n_eigenvalues must be at most {system.size - 2}, got {n_eigenvalues}")
    start = system.flatten(candidates)
    check_finite("candidates", start)
    if len(start) == 0:
        raise ValueError("candidates must hold at least one state, got none")
    ends = torch.stack([_newton(system, x, fixed_tolerance, n_iterations) for x in start])
    speeds = 0.5 * system.velocity(ends).square().sum(dim=-1)
    fixed = speeds <= fixed_tolerance
    points, q, reaching = distinct_points(ends[fixed], speeds[fixed], same_point_distance)
    values = [_leading(system, x, n_eigenvalues) for x in points]
    return LargeFixedPoints(
        points,
        system.state(points),
        q,
        torch.stack(values) if values else torch.zeros(0, n_eigenvalues, dtype=torch.complex128),
        reaching,
        ends[~fixed],
        speeds[~fixed],
    )


def _newton(system: AutonomousSystem, x: Tensor, tolerance: float, n_iterations: int) -> Tensor:
    """Newton's method from one flat state; the state of lowest speed that it met."""
    v = system.velocity(x.unsqueeze(0))[0]
    for _ in range(n_iterations):
        if 0.5 * v.square().sum() <= tolerance:
            break
        move, _ = gmres(
            _derivative(system, x, "velocity"), -v.numpy(), rtol=1e-8, restart=80, maxiter=5
        )
        share, direction, better = 1.0, torch.from_numpy(move), False
        for _ in range(HALVINGS):
            new = x + share * direction
            new_v = system.velocity(new.unsqueeze(0))[0]
            if new_v.norm() < v.norm():
                x, v, better = new, new_v, True
                break
            share *= 0.5
        if not better:
            break
    return x


def _derivative(system: AutonomousSystem, x: Tensor, of: View) -> LinearOperator:
    """The Jacobian at x as an operator: its product with a vector."""
    _, push = system.linearised(x.unsqueeze(0), of)

    def product(vector: np.ndarray) -> np.ndarray:
        direction = torch.from_numpy(np.asarray(vector, dtype=np.float64).reshape(1, -1))
        return push(direction)[0].numpy()

    return LinearOperator((system.size, system.size), matvec=product, dtype=np.float64)


def _leading(system: AutonomousSystem, x: Tensor, n: int) -> Tensor:
    """Eigenvalues of the step's Jacobian with the largest modulus, the largest first."""
    start = np.random.default_rng(0).standard_normal(system.size)
    step = _derivative(system, x, "step")
    if not step.matvec(start).any():  # nothing of a push is left, and ARPACK refuses that
        return torch.zeros(n, dtype=torch.complex128)
    try:
        values = eigs(step, k=n, which="LM", v0=start, return_eigenvectors=False)
    except ArpackNoConvergence:
        return torch.full((n,), torch.nan, dtype=torch.complex128)
    found = torch.from_numpy(np.asarray(values, dtype=np.complex128))
    return found[found.abs().argsort(descending=True)]
