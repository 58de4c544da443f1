import pytest
import torch

from nmcourse.analysis import LatentState, latent_dynamics
from nmcourse.models import NMRNN, LowRankRNN, Modulator, VanillaRNN, identity

VARIANTS = {
    "orthonormal": {},
    "free factors": {"orthonormal": False},
    "scaled by 1/N": {"orthonormal": False, "recurrent_scaling": "1/N"},
    "linear symmetric": {"symmetric": True, "nonlinearity": identity},
}


def network(generator: torch.Generator, **options) -> LowRankRNN:
    x0 = torch.randn(30, generator=generator)
    options = {"tau": 50.0, "dt": 5.0, "x0": x0, **options}
    return LowRankRNN(2, 30, 1, 3, generator=generator, **options).double()


def trials(generator: torch.Generator) -> torch.Tensor:
    return torch.randn(4, 60, 2, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("variant", VARIANTS)
def test_reduced_run_equals_the_full_network(variant, generator):
    model, inputs = network(generator, **VARIANTS[variant]), trials(generator)
    latent = latent_dynamics(model)
    reduced = latent.run(latent.split(model.initial_state(4)), inputs)
    full = model(inputs).states.detach()
    torch.testing.assert_close(latent.combine(reduced), full, rtol=0, atol=1e-10)
    assert reduced.kappa.shape == (4, 60, 3)
    assert reduced.v.shape == (4, 60, 2)


def test_reduced_run_equals_an_nm_rnn_under_its_gains(generator):
    modulator = Modulator(2, 4, 3, tau=200.0, dt=5.0, generator=generator).double()
    model, inputs = NMRNN(network(generator), modulator), trials(generator)
    full = model(inputs)
    latent = latent_dynamics(model)
    start = latent.split(model.initial_state(4).x)
    reduced = latent.run(start, inputs, gains=full.gains.detach())
    torch.testing.assert_close(latent.combine(reduced), full.states.detach(), rtol=0, atol=1e-10)
    without = latent.run(start, inputs)
    assert (latent.combine(without) - full.states).abs().max() > 1e-2


def test_a_start_in_the_span_needs_only_the_latent_numbers(generator):
    model, inputs = network(generator), trials(generator)
    left, weights = model.factors()[0].detach(), model.input_weights.detach()
    start = left @ torch.tensor([1.0, -2, 0.5]).double() + weights @ torch.tensor([0.3, 1]).double()
    model.x0.copy_(start)
    latent = latent_dynamics(model)
    split = latent.split(model.initial_state(4))
    assert split.rest.abs().max() < 1e-12
    numbers = LatentState(split.kappa, split.v, torch.zeros_like(split.rest))
    reduced = latent.combine(latent.run(numbers, inputs))
    torch.testing.assert_close(reduced, model(inputs).states.detach(), rtol=0, atol=1e-10)


def test_coordinates_are_what_the_module_says(generator):
    model = network(generator, orthonormal=False)
    x = torch.randn(5, 30, dtype=torch.float64, generator=generator)
    latent = latent_dynamics(model)
    kappa, v, rest = latent.split(x)
    left, weights = model.row_factors.detach(), model.input_weights.detach()
    least_squares = torch.linalg.lstsq(left, x.mT).solution.mT
    torch.testing.assert_close(kappa, least_squares)
    span = torch.cat([left, weights], dim=1)
    torch.testing.assert_close(rest @ span, torch.zeros(5, 5).double(), rtol=0, atol=1e-10)
    torch.testing.assert_close(latent.combine(LatentState(kappa, v, rest)), x)


def test_rest_only_leaks(generator):
    model, inputs = network(generator), trials(generator)
    latent = latent_dynamics(model)
    start = latent.split(model.initial_state(4))
    rest = latent.run(start, inputs).rest
    kept = (1 - 5.0 / 50.0) ** torch.arange(1, 61, dtype=torch.float64)
    torch.testing.assert_close(rest, start.rest[:, None] * kept[:, None])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_input_inside_the_span_leaves_nothing_outside(dtype, generator):
    model = network(generator).to(dtype)
    mix = torch.randn(3, 2, dtype=dtype, generator=generator)
    with torch.no_grad():
        model.input_weights.copy_(model.factors()[0] @ mix)
    latent = latent_dynamics(model)
    x = 10 * torch.randn(5, 30, dtype=dtype, generator=generator)
    split = latent.split(x)
    assert split.v.abs().max() == 0
    torch.testing.assert_close(latent.combine(split), x)
    torch.testing.assert_close(latent.input_to_kappa, mix, rtol=1e-4, atol=1e-5)


def test_velocity_is_the_slope_of_the_full_network(generator):
    model = network(generator)
    x = torch.randn(5, 30, dtype=torch.float64, generator=generator)
    u = torch.randn(5, 2, dtype=torch.float64, generator=generator)
    latent = latent_dynamics(model)
    slope = latent.velocity(latent.split(x), u)
    torch.testing.assert_close(latent.combine(slope), model.velocity(x, u).detach())


def test_errors_name_the_argument(generator):
    latent = latent_dynamics(network(generator))
    start = latent.split(torch.zeros(4, 30, dtype=torch.float64))
    with pytest.raises(ValueError, match="model must be a LowRankRNN or an NMRNN, got VanillaRNN"):
        latent_dynamics(VanillaRNN(1, 3, 1))
    with pytest.raises(ValueError, match=r"x must have shape \(\.\., 30\), got \(4, 29\)"):
        latent.split(torch.zeros(4, 29))
    with pytest.raises(ValueError, match="x must be finite"):
        latent.split(torch.full((1, 30), torch.nan))
    with pytest.raises(ValueError, match=r"inputs must have shape \(batch, time, 2\)"):
        latent.run(start, torch.zeros(4, 5, 3))
    with pytest.raises(ValueError, match=r"gains must have shape \(4, 5, 3\), got \(4, 5, 2\)"):
        latent.run(start, torch.zeros(4, 5, 2), gains=torch.zeros(4, 5, 2))
    degenerate = network(generator, orthonormal=False)
    with torch.no_grad():
        degenerate.row_factors[:, 1] = 2 * degenerate.row_factors[:, 0]
    with pytest.raises(ValueError, match="linearly independent row factors"):
        latent_dynamics(degenerate)
