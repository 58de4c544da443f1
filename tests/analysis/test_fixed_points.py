import itertools

import pytest
import torch
from scipy.optimize import brentq

from nmcourse.analysis import AutonomousSystem, FixedPoints, find_fixed_points, speed
from nmcourse.models import (
    LSTM,
    NMRNN,
    CordsNet,
    LowRankRNN,
    Modulator,
    NMState,
    PrescribedGain,
    VanillaRNN,
    identity,
)


def set_values(model: torch.nn.Module, **values: torch.Tensor) -> None:
    """Overwrite parameters by name; the rest of the model stays as it is."""
    with torch.no_grad():
        for name, value in values.items():
            model.get_parameter(name).copy_(value)


def sorted_eigenvalues(matrix: torch.Tensor, of: str = "velocity") -> torch.Tensor:
    values = torch.linalg.eigvals(matrix)
    key = values.real if of == "velocity" else values.abs()
    return values[key.argsort(descending=True)]


def same_spectrum(found: torch.Tensor, expected: torch.Tensor, atol: float) -> bool:
    """Every expected eigenvalue has its own partner (order of equal keys is free)."""
    left = list(found.tolist())
    for value in expected.tolist():
        nearest = min(left, key=lambda other: abs(other - value))
        if abs(nearest - value) > atol:
            return False
        left.remove(nearest)
    return not left


def linear_network(radius: float, generator: torch.Generator) -> VanillaRNN:
    """A random linear network whose connectivity has the given spectral radius."""
    model = VanillaRNN(
        2, 12, 1, nonlinearity=identity, recurrent_scaling="none", generator=generator
    ).double()
    weights = model.recurrent_weights.detach()
    radius_now = torch.linalg.eigvals(weights).abs().max()
    set_values(model, recurrent_weights=weights * radius / radius_now)
    return model


def rank_one_network(overlap: float, n_units: int = 20) -> tuple[LowRankRNN, torch.Tensor]:
    """R = overlap * L: the latent equation is tau k' = -k + overlap * l . tanh(k l) + l . B u."""
    generator = torch.Generator().manual_seed(5)
    model = LowRankRNN(1, n_units, 1, 1, generator=generator).double()
    left = model.factors()[0].detach()
    set_values(model, column_factors=overlap * left, input_weights=left)
    return model, left[:, 0]


def latent_roots(left: torch.Tensor, overlap: float, drive: float = 0.0) -> list[float]:
    """All fixed points of the latent equation, by bisection between sign changes."""

    def flow(k: float) -> float:
        return float(-k + overlap * (left * torch.tanh(k * left)).sum() + drive)

    grid = torch.linspace(-30.0, 30.0, 6002).tolist()
    pairs = itertools.pairwise(grid)
    return [brentq(flow, a, b, xtol=1e-14) for a, b in pairs if flow(a) * flow(b) < 0]


@pytest.mark.parametrize("radius", [0.7, 1.6])
def test_linear_network_has_the_one_point_of_the_linear_solve(radius, generator):
    model = linear_network(radius, generator)
    u = torch.tensor([0.5, -1.0], dtype=torch.float64)
    found = find_fixed_points(model, u, n_candidates=8, generator=generator)

    weights, size = model.recurrent_weights.detach(), 12
    expected = torch.linalg.solve(torch.eye(size) - weights, model.input_weights.detach() @ u)
    flow = (weights - torch.eye(size)) / model.tau
    assert len(found) == 1
    assert found.n_candidates_reaching.tolist() == [8]
    torch.testing.assert_close(found.points[0], expected, rtol=0, atol=1e-8)
    assert same_spectrum(found.velocity_eigenvalues[0], torch.linalg.eigvals(flow), 1e-10)
    step = torch.eye(size) + model.dt * flow
    assert same_spectrum(found.step_eigenvalues[0], torch.linalg.eigvals(step), 1e-10)
    top = torch.linalg.eigvals(flow).real.max().item()
    assert found.is_stable.tolist() == [top < 0] == [radius < 1]


@pytest.mark.parametrize(("overlap", "drive"), [(0.8, 0.0), (1.5, 0.0), (3.0, 0.0), (3.0, 0.4)])
def test_rank_one_network_has_the_roots_of_its_latent_equation(overlap, drive, generator):
    model, left = rank_one_network(overlap)
    u = torch.tensor([drive], dtype=torch.float64)
    found = find_fixed_points(model, u, n_candidates=60, candidate_std=3.0, generator=generator)

    roots = latent_roots(left, overlap, drive)
    order = (found.points @ left).argsort()
    assert len(found) == len(roots) == (1 if overlap < 1 else 3)
    expected = torch.tensor(roots, dtype=torch.float64)[:, None] * left
    torch.testing.assert_close(found.points[order], expected, rtol=0, atol=1e-9)
    # Along l the slope of the latent equation, across it only the leak.
    for place, root in zip(order.tolist(), roots, strict=True):
        slope = overlap * float((left**2 / torch.cosh(root * left) ** 2).sum()) - 1
        eigenvalues = found.velocity_eigenvalues[place]
        expected = torch.tensor([slope] + [-1.0] * 19, dtype=torch.float64) / model.tau
        assert same_spectrum(eigenvalues, expected, 1e-9)
        assert bool(found.is_stable[place]) == (slope < 0)
        assert int(found.n_unstable[place]) == int(slope > 0)


def test_current_and_rate_form_share_fixed_points_and_eigenvalues(generator):
    current = VanillaRNN(2, 10, 1, form="current", bias=True, generator=generator).double()
    rate = VanillaRNN(2, 10, 1, form="rate", bias=True, generator=generator).double()
    set_values(current, recurrent_weights=1.8 * current.recurrent_weights.detach())
    rate.load_state_dict(current.state_dict())
    u = torch.tensor([0.3, -0.2], dtype=torch.float64)
    of_current = find_fixed_points(current, u, n_candidates=80, generator=generator)
    of_rate = find_fixed_points(rate, u, n_candidates=80, generator=generator)

    weights = current.scale * current.recurrent_weights.detach()
    images = of_rate.points @ weights.mT + current.input_weights.detach() @ u
    assert len(of_current) == len(of_rate) > 0
    for x, eigenvalues in zip(of_current.points, of_current.velocity_eigenvalues, strict=True):
        distance = (images - x).norm(dim=-1)
        assert distance.min() < 1e-8
        twin = of_rate.velocity_eigenvalues[int(distance.argmin())]
        assert same_spectrum(eigenvalues, twin, 1e-8)


def test_limit_cycle_surrounds_one_unstable_focus(hand_made, generator):
    mu, omega, tau = 0.2, 1.5, 10.0

    def flow(s):
        x, y = s.unbind(-1)
        pull = mu - x**2 - y**2
        return torch.stack([pull * x - omega * y, pull * y + omega * x], dim=-1) / tau

    found = find_fixed_points(hand_made(2, velocity=flow), n_candidates=30, generator=generator)
    assert len(found) == 1
    assert found.points.abs().max() < 1e-9
    expected = torch.tensor([mu + 1j * omega, mu - 1j * omega], dtype=torch.complex128) / tau
    assert same_spectrum(found.velocity_eigenvalues[0], expected, 1e-9)
    assert found.n_unstable.tolist() == [2]


def test_a_large_step_destabilises_what_the_equation_keeps_stable(hand_made, generator):
    # Eigenvalues -0.05 +- i per ms; Euler at dt = 0.5 ms has modulus 1.11.
    matrix = torch.tensor([[-0.05, -1.0], [1.0, -0.05]], dtype=torch.float64)
    model = hand_made(2, velocity=lambda s: s @ matrix.mT, dt=0.5)
    options = {"n_candidates": 4, "generator": generator}
    by_step = find_fixed_points(model, **options)
    by_velocity = find_fixed_points(model, stability="velocity", **options)
    assert by_step.is_stable.tolist() == [False]
    assert by_velocity.is_stable.tolist() == [True]
    modulus = abs(complex(1 - 0.5 * 0.05, 0.5))
    torch.testing.assert_close(by_step.eigenvalues.abs(), torch.full((1, 2), modulus).double())
    assert torch.equal(by_velocity.jacobians, by_velocity.velocity_jacobians)
    assert torch.equal(by_step.jacobians, by_step.step_jacobians)


def test_frozen_gain_gives_the_points_of_the_scaled_low_rank_network(generator):
    network, left = rank_one_network(4.0)
    model = NMRNN(network, PrescribedGain(torch.full((3, 1), 0.6)))
    found = find_fixed_points(
        model, free=("x",), n_candidates=60, candidate_std=3.0, generator=generator
    )
    roots = latent_roots(left, 0.6 * 4.0)
    order = (found.points @ left).argsort()
    expected = torch.tensor(roots, dtype=torch.float64)[:, None] * left
    # The gain 0.6 is stored in float32 here: its rounding is the error.
    torch.testing.assert_close(found.points[order], expected, rtol=0, atol=1e-5)
    assert isinstance(found.states, NMState)
    assert found.states.z.shape == (3, 1)
    assert found.is_stable[order].tolist() == [True, False, True]
    # With a part held, the step is Euler on the velocity of the rest.
    euler = torch.eye(20) + model.dt * found.velocity_jacobians
    torch.testing.assert_close(found.step_jacobians, euler, rtol=0, atol=1e-14)
    # Candidates may be whole states too: the free part of them is used.
    whole = torch.cat([found.points, torch.zeros(3, 1)], dim=1)
    again = find_fixed_points(model, free=("x",), candidates=whole)
    torch.testing.assert_close(again.points, found.points, rtol=0, atol=1e-12)
    # As a whole the model has no fixed point: its z is a clock.
    assert len(find_fixed_points(model, n_candidates=3, generator=generator)) == 0


def test_modulator_and_output_network_settle_together(generator):
    # W_z = 0, so z* = B_z u, s* = sigma(A z* + b), and x* solves the scaled latent equation.
    network, left = rank_one_network(4.0)
    modulator = Modulator(1, 3, 1, generator=generator).double()
    set_values(modulator, recurrent_weights=torch.zeros(3, 3))
    u = torch.tensor([0.7], dtype=torch.float64)
    z = (modulator.input_weights @ u).detach()
    gain = float(modulator.gain(z[None]).detach())
    found = find_fixed_points(
        NMRNN(network, modulator), u, n_candidates=80, candidate_std=2.0, generator=generator
    )
    roots = latent_roots(left, 4.0 * gain, drive=0.7)
    order = (found.states.x @ left).argsort()
    expected = torch.tensor(roots, dtype=torch.float64)[:, None] * left
    torch.testing.assert_close(found.states.x[order], expected, rtol=0, atol=1e-8)
    torch.testing.assert_close(found.states.z, z.expand(len(roots), 3), rtol=0, atol=1e-9)
    # The modulator does not hear the network, so its modes stand in the spectrum unchanged.
    slow = -1 / modulator.tau
    assert ((found.velocity_eigenvalues - slow).abs() < 1e-9).sum(dim=-1).ge(3).all()
    # The step map has the same points, and is what the label speaks about.
    after = NMRNN(network, modulator).step(found.states, u.expand(len(found), 1))
    torch.testing.assert_close(after.x, found.states.x, rtol=0, atol=1e-9)


def test_feedback_and_context_reach_the_search(generator):
    network = LowRankRNN(1, 8, 1, 2, generator=generator)
    modulator = Modulator(1, 3, 2, n_context=2, n_feedback=8, generator=generator)
    model = NMRNN(network, modulator).double()
    u, context = torch.tensor([0.2]), torch.tensor([1.0, 0.0])
    noise = torch.randn(20, 11, generator=generator)
    start = NMState(noise[:, :8], noise[:, 8:])
    found = find_fixed_points(model, u, context=context, candidates=start)
    state = NMState(*(part.expand(len(found), -1) for part in found.states))
    once = model.step(
        state, u.double().expand(len(found), 1), context.double().expand(len(found), 2)
    )
    assert len(found) > 0
    torch.testing.assert_close(once.x, state.x, rtol=0, atol=1e-8)
    torch.testing.assert_close(once.z, state.z, rtol=0, atol=1e-8)
    other = find_fixed_points(model, u, context=context.flip(0), candidates=start)
    assert (other.points[0] - found.points[0]).norm() > 1e-2


def test_lstm_without_recurrence_has_the_closed_form_of_its_gates(generator):
    model = LSTM(1, 3, 1, generator=generator).double()
    set_values(model, recurrent_weights=torch.zeros(12, 3))
    u = torch.tensor([0.4], dtype=torch.float64)
    found = find_fixed_points(model, u, n_candidates=10, generator=generator)
    gates = (model.input_weights @ u + model.bias).detach()
    i, f, g, o = gates.chunk(4)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    cell = i * g / (1 - f)
    assert len(found) == 1
    torch.testing.assert_close(found.states.c[0], cell, rtol=0, atol=1e-9)
    torch.testing.assert_close(found.states.h[0], o * cell.tanh(), rtol=0, atol=1e-9)
    # One step multiplies the cell by f and forgets h: eigenvalues f and 0.
    expected = torch.cat([f, torch.zeros(3, dtype=torch.float64)])
    assert same_spectrum(found.step_eigenvalues[0], expected, 1e-9)
    assert found.is_stable.tolist() == [True]


def test_label_predicts_where_a_push_leads(generator):
    model = VanillaRNN(1, 20, 1, generator=generator).double()
    set_values(model, recurrent_weights=2.5 * model.recurrent_weights.detach())
    found = find_fixed_points(model, n_candidates=60, generator=generator)
    assert len(found) > 1
    u = torch.zeros(len(found), 1, dtype=torch.float64)
    push = torch.randn(found.points.shape, dtype=torch.float64, generator=generator)
    state = found.points + 1e-6 * push / push.norm(dim=-1, keepdim=True)
    with torch.no_grad():
        for _ in range(3000):
            state = model.step(state, u)
    returned = (state - found.points).norm(dim=-1) < 1e-7
    assert returned.tolist() == found.is_stable.tolist()


def test_ghost_of_a_vanished_pair_is_a_slow_point_or_none(hand_made):
    # x' = (a + x^2) / tau has no fixed point for a > 0; its speed is least at 0.
    a, tau = 1e-3, 10.0
    model = hand_made(1, velocity=lambda s: (a + s**2) / tau)
    starts = torch.tensor([[0.4], [-0.3], [0.01]])
    least = 0.5 * (a / tau) ** 2
    slow = find_fixed_points(model, candidates=starts, slow_tolerance=2 * least)
    assert len(slow) == 1
    assert slow.is_slow.tolist() == [True]
    assert slow.points.abs().item() < 1e-4
    assert slow.speeds.item() == pytest.approx(least, rel=1e-6)
    none = find_fixed_points(model, candidates=starts, slow_tolerance=0.5 * least)
    assert len(none) == 0
    assert none.not_converged.shape == (3, 1)
    assert none.eigenvalues.shape == (0, 1)
    assert none.not_converged_speeds.tolist() == pytest.approx([least] * 3, rel=1e-6)


def test_no_point_of_a_network_that_sees_is_an_empty_result():
    model = CordsNet("small-R1", 1, 3, image_size=4)
    hopeless = {"fixed_tolerance": 1e-300, "slow_tolerance": 1e-299, "n_iterations": 1}
    none = find_fixed_points(model, n_candidates=2, candidate_std=3.0, **hopeless)
    assert len(none) == 0
    assert len(none.not_converged) == 2
    assert none.states[0].shape[0] == 0


def test_line_attractor_is_sampled_when_candidates_stop_early(hand_made):
    # Fast decay across the line, drift of 1e-6 per ms along it.
    rates = torch.tensor([-1e-6, -0.1], dtype=torch.float64)
    model = hand_made(2, velocity=lambda s: s * rates)
    starts = torch.stack([torch.linspace(-2, 2, 9), torch.full((9,), 0.5)], dim=-1)
    slow = find_fixed_points(model, candidates=starts, stop_below=1e-9)
    end = find_fixed_points(model, candidates=starts)
    along = slow.points[:, 0]
    assert len(end) == 1
    assert len(slow) == 9
    assert slow.is_slow.sum() >= 8
    assert along.max() - along.min() > 3
    assert slow.points[:, 1].abs().max() < 1e-2


def test_speed_is_half_the_squared_velocity(hand_made):
    system = AutonomousSystem(hand_made(2, velocity=lambda s: -2 * s))
    assert speed(system, torch.tensor([[1.0, -3.0], [0.0, 0.5]])).tolist() == [20.0, 0.5]


def test_candidates_are_all_accounted_for_and_order_is_theirs(generator):
    model, left = rank_one_network(3.0)
    starts = torch.tensor([6.0, -6.0, 6.1, 0.01, -5.0])[:, None] * left
    found = find_fixed_points(model, candidates=starts)
    assert found.n_candidates_reaching.tolist() == [2, 2, 1]
    assert (found.points @ left).sign().tolist()[:2] == [1, -1]
    total = int(found.n_candidates_reaching.sum()) + len(found.not_converged)
    assert total == len(starts)


def test_model_is_read_not_changed_and_draws_repeat():
    model = VanillaRNN(1, 6, 1, generator=torch.Generator().manual_seed(1))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    runs = [
        find_fixed_points(model, n_candidates=5, generator=torch.Generator().manual_seed(2))
        for _ in range(2)
    ]
    assert torch.equal(runs[0].points, runs[1].points)
    assert runs[0].points.dtype == torch.float64
    for name, value in model.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, before[name])
    assert all(p.requires_grad for p in model.parameters())
    assert isinstance(runs[0], FixedPoints)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input": torch.zeros(3)}, r"input and context must fit .* input of shape \(3,\)"),
        ({"input": torch.tensor([torch.nan])}, "input must be finite"),
        ({"candidates": torch.full((2, 4), torch.nan)}, "candidates must be finite"),
        ({"candidates": torch.zeros(2, 5)}, "state must have .* values per item|components"),
        ({"candidates": torch.zeros(0, 4)}, "candidates must hold at least one state"),
        ({"n_candidates": 0}, "n_candidates must be a positive integer, got 0"),
        ({"candidate_std": -1.0}, "candidate_std must be a positive number, got -1"),
        ({"stability": "both"}, r"stability must be one of \('velocity', 'step'\), got 'both'"),
        ({"slow_tolerance": 1e-30}, "slow_tolerance must be at least fixed_tolerance"),
        ({"free": ("z",)}, r"free must name some of \('0',\), got \('z',\)"),
        ({"at": torch.zeros(1, 4)}, "at was given without free"),
    ],
)
def test_errors_name_the_argument(options, message):
    model = VanillaRNN(1, 4, 1, generator=torch.Generator().manual_seed(1))
    with pytest.raises(ValueError, match=message):
        find_fixed_points(model, **options)


def test_missing_context_is_an_error_that_says_so(generator):
    modulator = Modulator(1, 2, 1, n_context=2, generator=generator)
    model = NMRNN(LowRankRNN(1, 4, 1, 1, generator=generator), modulator)
    with pytest.raises(ValueError, match="context of shape None"):
        find_fixed_points(model)
