"""Tools that look inside a model: they read it through its verbs and never change it."""

from nmcourse.analysis.autonomous import AutonomousSystem, eigenvalues
from nmcourse.analysis.dynamics import (
    Autocorrelation,
    LyapunovExponents,
    autocorrelation,
    jacobian,
    lyapunov_exponents,
    participation_ratio,
    time_constants,
)
from nmcourse.analysis.fixed_points import FixedPoints, find_fixed_points, minimise_speed, speed
from nmcourse.analysis.latent import LatentDynamics, LatentState, latent_dynamics
from nmcourse.analysis.modulation import (
    Aligned,
    ablate_gains,
    align_to,
    correlate_over_trials,
    effective_time_constant,
    euler_mode_decay,
    euler_time_constant,
    initial_gains,
    mode_decay,
    mode_solution,
)
from nmcourse.analysis.states import (
    flatten_state,
    sample_states,
    trajectory_states,
    unflatten_state,
)
from nmcourse.analysis.subspaces import (
    PrincipalSubspace,
    principal_subspace,
    shared_variance,
    subspace_angles,
)

__all__ = [
    "Aligned",
    "Autocorrelation",
    "AutonomousSystem",
    "FixedPoints",
    "LatentDynamics",
    "LatentState",
    "LyapunovExponents",
    "PrincipalSubspace",
    "ablate_gains",
    "align_to",
    "autocorrelation",
    "correlate_over_trials",
    "effective_time_constant",
    "eigenvalues",
    "euler_mode_decay",
    "euler_time_constant",
    "find_fixed_points",
    "flatten_state",
    "initial_gains",
    "jacobian",
    "latent_dynamics",
    "lyapunov_exponents",
    "minimise_speed",
    "mode_decay",
    "mode_solution",
    "participation_ratio",
    "principal_subspace",
    "sample_states",
    "shared_variance",
    "speed",
    "subspace_angles",
    "time_constants",
    "trajectory_states",
    "unflatten_state",
]
