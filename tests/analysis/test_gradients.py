import pytest
import torch

from nmcourse.analysis import (
    flatten_state,
    gradient_norms,
    kept_from_go,
    masked_sum,
    unflatten_state,
)
from nmcourse.analysis.states import components
from nmcourse.models import LSTM, NMRNN, LowRankRNN, Modulator, VanillaRNN, identity
from nmcourse.tasks import MeasureWaitGo, Trials
from nmcourse.training import masked_mse


def last_step_trials(n_trials, n_steps, generator):
    mask = torch.zeros(n_trials, n_steps, 1)
    mask[:, -1] = 1.0
    return Trials(
        torch.randn(n_trials, n_steps, 2, generator=generator),
        torch.randn(n_trials, n_steps, 1, generator=generator),
        mask,
    )


def leaky(generator, tau=100.0, dt=10.0):
    model = VanillaRNN(2, 3, 1, nonlinearity=identity, tau=tau, dt=dt, generator=generator)
    with torch.no_grad():
        model.recurrent_weights.zero_()
    return model


@pytest.mark.parametrize("tau", [20.0, 100.0, 1000.0])
def test_leaky_units_lose_a_factor_each_step(tau, generator):
    trials, model = last_step_trials(5, 12, generator), leaky(generator, tau)
    norms = gradient_norms(model, trials, masked_mse).total
    error = (model(trials.inputs).outputs - trials.targets)[:, -1, 0].double().abs()
    back = torch.arange(11, -1, -1).double()
    readout = model.output.weights.double().norm()
    # d/dx_t of (1/5) sum_trials (C x_T + d - y)^2
    expected = 2 / 5 * error[:, None] * readout * (1 - 10 / tau) ** back
    torch.testing.assert_close(norms, expected.detach(), rtol=1e-5, atol=0)


def test_a_loss_at_every_step_adds_up(generator):
    # With all targets met but the last two, the gradient is the sum of two geometric terms.
    trials, model = last_step_trials(1, 6, generator), leaky(generator)
    mask = trials.mask.clone()
    mask[:, -2] = 1.0
    two = Trials(trials.inputs, trials.targets, mask)
    error = (model(trials.inputs).outputs - trials.targets)[0, :, 0].double()
    expected = [(0.9 ** (5 - t) * error[5] + 0.9 ** (4 - t) * error[4]).abs() for t in range(5)]
    norms = gradient_norms(model, two, masked_mse).total[0]
    readout = model.output.weights.double().norm()
    torch.testing.assert_close(norms[:5], readout * torch.stack(expected).detach(), rtol=1e-5,
                               atol=0)  # fmt: skip


def models(generator):
    network = LowRankRNN(2, 9, 1, 2, generator=generator)
    return {
        "vanilla": VanillaRNN(2, 6, 1, generator=generator),
        "nm-rnn": NMRNN(network, Modulator(2, 4, 2, tau=50.0, generator=generator)),
        "feedback": NMRNN(
            network, Modulator(2, 4, 2, n_feedback=9, tau=50.0, generator=generator)
        ),
        "lstm": LSTM(2, 5, 1, generator=generator),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["vanilla", "nm-rnn", "feedback", "lstm"])
def test_gradient_equals_differences_of_the_loss(name, generator):
    model, trials = models(generator)[name].double(), last_step_trials(2, 7, generator)
    trials = trials.to(torch.float64)
    norms, step, eps = gradient_norms(model, trials, masked_mse), 3, 1e-5

    def loss_from(flat):
        """Loss when the state after ``step`` is replaced."""
        state = unflatten_state(flat, model.initial_state(1))
        for t in range(step + 1, 7):
            state = model.step(state, trials.inputs[:, t])
        return masked_mse(model.readout(state)[:, None], trials.targets[:, -1:],
                          trials.mask[:, -1:])  # fmt: skip

    with torch.no_grad():
        state = model.initial_state(2)
        for t in range(step + 1):
            state = model.step(state, trials.inputs[:, t])
        flat = flatten_state(state)
        slopes = torch.zeros_like(flat)
        for place in range(flat.numel()):
            nudge = torch.zeros_like(flat).flatten()
            nudge[place] = eps
            nudge = nudge.reshape(flat.shape)
            slopes.view(-1)[place] = (loss_from(flat + nudge) - loss_from(flat - nudge)) / (2 * eps)
    sizes = [part.shape[-1] for part in components(model.initial_state(1))]
    found = torch.stack([part[:, step] for part in norms.parts.values()])
    expected = torch.stack([part.norm(dim=-1) for part in slopes.split(sizes, dim=-1)])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-10)


def test_parts_are_the_components_and_add_up(generator):
    trials = MeasureWaitGo(intervals=[120], measure_times=[100.0]).enumerate()
    model = NMRNN(LowRankRNN(3, 9, 1, 2, generator=generator), Modulator(3, 4, 2))
    norms = gradient_norms(model, trials, masked_mse)
    assert list(norms.parts) == ["x", "z"]
    together = norms.parts["x"].square() + norms.parts["z"].square()
    torch.testing.assert_close(norms.total.square(), together)
    assert norms.total.shape == (1, trials.inputs.shape[1])
    # the last x is read out, but no later step reads the last z
    assert norms.parts["x"][0, -1] > 0
    assert norms.parts["z"][0, -1] == 0
    assert all(p.requires_grad and p.grad is None for p in model.parameters())


def test_errors_name_the_argument(generator):
    trials, model = last_step_trials(2, 3, generator), leaky(generator)
    with pytest.raises(ValueError, match=r"loss must return one number, got shape \(2, 3, 1\)"):
        gradient_norms(model, trials, lambda outputs, targets, mask: outputs)
    with pytest.raises(ValueError, match="loss must be finite"):
        gradient_norms(model, trials, lambda outputs, targets, mask: outputs.sum() * torch.nan)
    with pytest.raises(ValueError, match="loss must depend on the outputs"):
        gradient_norms(model, trials, lambda outputs, targets, mask: targets.sum())


def test_what_a_leak_keeps():
    """Norms that grow by 1 % a step towards the end: 100 ms back keep 1.01^-10."""
    trials = MeasureWaitGo().enumerate()
    norms = 1.01 ** torch.arange(trials.inputs.shape[1], dtype=torch.float64).expand(40, -1)
    kept = kept_from_go(norms, trials)
    torch.testing.assert_close(kept, torch.full((40,), 1.01**-10, dtype=torch.float64))
    half = kept_from_go(norms, trials, per=50.0)
    torch.testing.assert_close(half, kept.sqrt())


def test_a_masked_sum_takes_what_the_mask_shows():
    outputs, mask = torch.tensor([[[1.0], [2.0], [4.0]]]), torch.tensor([[[1.0], [0.0], [1.0]]])
    assert masked_sum(outputs, torch.zeros_like(outputs), mask) == 5
