import math

import pytest
import torch

from nmcourse.analysis import (
    angle_code,
    fit_line,
    fit_ring,
    line_drift,
    run_on,
    trajectory_states,
    wrap_angle,
)
from nmcourse.models import LSTM, NMRNN, LowRankRNN, Modulator, VanillaRNN

ANGLES = torch.arange(24, dtype=torch.float64) * (2 * math.pi / 24)


def curve(angles, a=1.0, b=1.0, generator=None):
    """An ellipse of half-axes a and b in a random plane of seven dimensions."""
    generator = generator or torch.Generator().manual_seed(1)
    plane = torch.linalg.qr(torch.randn(7, 2, generator=generator, dtype=torch.float64))[0]
    return 0.4 + torch.stack([a * angles.cos(), b * angles.sin()], dim=-1) @ plane.mT


@pytest.mark.parametrize("b", [1.0, 0.5, 0.1])
def test_ellipse_has_the_ratio_of_its_axes(b):
    found = fit_ring(curve(ANGLES, b=b), ANGLES)
    assert found.circularity == pytest.approx(b)
    assert found.hollowness == pytest.approx(1.0)
    assert found.order == pytest.approx(1.0)
    assert float(found.plane.variance_ratios.sum()) == pytest.approx(1.0)


@pytest.mark.parametrize("turn", [1, -1])
def test_decoding_follows_the_angle_either_way_round(turn):
    angles = wrap_angle(ANGLES + 0.3)
    found = fit_ring(curve(turn * ANGLES, b=0.6), angles)
    error = wrap_angle(found.decode(curve(turn * ANGLES, b=0.6)) - angles)
    assert error.abs().max() < 1e-9
    further = wrap_angle(found.decode(curve(turn * (ANGLES + 0.5), b=0.6)) - angles)
    torch.testing.assert_close(further, torch.full_like(further, 0.5))


def test_ring_that_the_angle_does_not_order(generator):
    # Twice round while the angle goes once: every difference exp(i(2a - a)) cancels.
    assert fit_ring(curve(2 * ANGLES), ANGLES).order == pytest.approx(0.0, abs=1e-9)
    shuffled = ANGLES[torch.randperm(24, generator=generator)]
    assert fit_ring(curve(ANGLES), shuffled).order < 0.5


def test_gaussian_cloud_is_not_hollow(generator):
    cloud = torch.randn(20_000, 2, generator=generator).double()
    # Rayleigh: mean sqrt(pi / 2), root mean square sqrt(2).
    found = fit_ring(cloud, torch.linspace(0, 6, 20_000))
    assert found.hollowness == pytest.approx(math.sqrt(math.pi) / 2, abs=0.01)


def test_line_in_order_and_its_share_of_variance():
    values = torch.tensor([-10.0, -5, 0, 5, 10], dtype=torch.float64)
    states = torch.zeros(5, 3, dtype=torch.float64)
    states[:, 0] = values**3  # order, not proportion
    states[:, 1] = 100.0 * torch.tensor([1.0, -2, 2, -2, 1], dtype=torch.float64)  # even in values
    found = fit_line(states, values)
    assert abs(found.order) == pytest.approx(1.0)
    assert found.length == pytest.approx(2000.0)
    along, across = states[:, 0].square().sum(), states[:, 1].square().sum()
    assert found.variance_ratio == pytest.approx(float(along / (along + across)))
    assert fit_line(states, torch.tensor([0.0, 2, 1, 2, 0])).order == pytest.approx(0.0)


def test_drift_of_known_velocity_and_known_decay():
    start = torch.tensor([-1.0, 0.0, 3.0], dtype=torch.float64)
    axis = torch.tensor([0.6, 0.8], dtype=torch.float64)
    time = 5.0 * torch.arange(9)
    found = fit_line(start[:, None] * axis, start)
    pushed = (start[:, None] + 0.02 * time)[..., None] * axis
    drift = line_drift(found, pushed, dt=5.0)
    assert drift.velocity.tolist() == pytest.approx([0.02 / 4] * 3)  # the line is 4 long
    assert drift.kept == pytest.approx(1.0)
    assert drift.time_constant > 1e9
    decayed = (start[:, None] * torch.exp(-time / 30.0))[..., None] * axis
    assert line_drift(found, decayed, dt=5.0).time_constant == pytest.approx(30.0)
    assert line_drift(found, -pushed[:, :2], dt=5.0).kept == pytest.approx(1.0)
    gone = torch.cat([pushed[:, :1], torch.zeros_like(pushed[:, :1])], dim=1)
    assert line_drift(found, gone, dt=5.0).time_constant == 0.0


def models(generator):
    output_network = LowRankRNN(2, 9, 1, 2, generator=generator)
    modulator = Modulator(2, 4, 2, n_context=3, generator=generator)
    return {
        "vanilla": (VanillaRNN(2, 6, 1, generator=generator), 0),
        "nm-rnn": (NMRNN(output_network, modulator), 3),
        "lstm": (LSTM(2, 5, 1, generator=generator), 0),
    }


@pytest.mark.parametrize("name", ["vanilla", "nm-rnn", "lstm"])
def test_running_on_equals_the_rest_of_the_trial(name, generator):
    model, n_context = models(generator)[name]
    model = model.double()
    inputs = torch.randn(4, 1, 2, generator=generator).double().repeat(1, 12, 1)
    context = None
    if n_context:
        context = torch.randn(4, 1, n_context, generator=generator).double().repeat(1, 12, 1)
    states = trajectory_states(model(inputs, context)).detach()
    held = None if context is None else context[:, 0]
    rest = run_on(model, states[:, 4], 7, input=inputs[:, 0], context=held)
    torch.testing.assert_close(rest, states[:, 4:], rtol=0, atol=1e-12)


def test_without_input_a_leaky_unit_decays():
    model = VanillaRNN(1, 1, 1, tau=100.0, dt=10.0)
    with torch.no_grad():
        model.recurrent_weights.zero_()
    states = run_on(model, torch.tensor([[1.0], [2.0]]), 5)
    torch.testing.assert_close(states[..., 0], torch.tensor([[1.0], [2.0]]) * 0.9 ** torch.arange(6)
                               .double())  # fmt: skip
    assert model.recurrent_weights.dtype == torch.float32


def test_cosine_code_gives_back_its_parts(generator):
    angles = 6.0 * torch.rand(40, generator=generator, dtype=torch.float64)
    scores = torch.stack(
        [2 + 3 * (angles - 0.7).cos(), -angles.sin(), torch.ones(40), (2 * ANGLES[:1]).repeat(40)],
        dim=-1,
    )
    code = angle_code(scores, angles)
    assert code.offset[:2].tolist() == pytest.approx([2, 0])
    assert code.amplitude[:2].tolist() == pytest.approx([3, 1])
    assert code.phase[:2].tolist() == pytest.approx([0.7, -math.pi / 2])
    assert code.r_squared[:2].tolist() == pytest.approx([1, 1])
    assert code.r_squared[2:].isnan().all()


def test_response_angle_explains_what_the_stimulus_angle_does_not():
    # Pro answers at the angle, Anti opposite: a code of the response cancels over the stimulus.
    stimulus = torch.cat([ANGLES, ANGLES])
    response = torch.cat([ANGLES, ANGLES + math.pi])
    scores = response.sin()
    assert float(angle_code(scores, stimulus).r_squared) == pytest.approx(0.0, abs=1e-9)
    assert float(angle_code(scores, response).r_squared) == pytest.approx(1.0)
    # and the other way round for a second harmonic: no cosine explains it
    assert float(angle_code((2 * stimulus).cos(), stimulus).r_squared) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_ring(torch.zeros(4, 3), torch.zeros(3)), r"got \(4, 3\) and \(3,\)"),
        (lambda: fit_ring(torch.eye(2), torch.zeros(2)), "at least 3 trials"),
        (lambda: fit_ring(torch.eye(4) * torch.nan, torch.zeros(4)), "states must be finite"),
        (
            lambda: fit_ring(torch.arange(4.0)[:, None] * torch.ones(3), torch.zeros(4)),
            "states must span a plane",
        ),
        (
            lambda: fit_line(torch.eye(3), torch.ones(3)),
            r"value must vary over the trials, got 1\.0",
        ),
        (
            lambda: line_drift(fit_line(torch.eye(3), torch.arange(3)), torch.zeros(3, 1, 3), 1.0),
            r"at least 2 times, unit\), got \(3, 1, 3\)",
        ),
        (
            lambda: line_drift(fit_line(torch.eye(3), torch.arange(3)), torch.zeros(3, 2, 3), 1.0),
            "must vary along the line",
        ),
        (lambda: run_on(VanillaRNN(1, 2, 1), torch.zeros(1, 3), 1), r"\(batch, 2\), got \(1, 3\)"),
        (
            lambda: run_on(VanillaRNN(1, 2, 1), torch.zeros(1, 2), 0),
            "n_steps must be a positive integer",
        ),
        (
            lambda: run_on(VanillaRNN(1, 2, 1), torch.zeros(3, 2), 1, input=torch.zeros(2, 1)),
            r"input must have shape \(channel,\) or \(3, channel\), got \(2, 1\)",
        ),
        (lambda: angle_code(torch.zeros(3), torch.zeros(3)), "at least 4 trials"),
        (
            lambda: angle_code(torch.rand(4), torch.tensor([0.0, 1, 0, 1])),
            "angle must take at least three different values",
        ),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()
