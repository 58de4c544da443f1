"""A subclass, a part or a hook that changes the equation is obeyed by ``forward`` and training."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nmcourse.models import (
    GRU,
    LSTM,
    NMRNN,
    ConvRNN,
    LowRankRNN,
    LSTMState,
    Modulator,
    NMState,
    RecurrentModel,
    ScalarGainRNN,
    SparseTerms,
    VanillaRNN,
)
from nmcourse.models._as_written import as_written
from nmcourse.models._readout import Readout
from nmcourse.tasks import Trials
from nmcourse.training import fit_many


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def nm_rnn(**kwargs: Any) -> NMRNN:
    network = kwargs.get("network", LowRankRNN)(3, 8, 2, 2, generator=seeded())
    source = kwargs.get("modulator", Modulator)
    feedback = kwargs.get("n_feedback", 0)
    return NMRNN(network, source(3, 4, 2, n_feedback=feedback, generator=seeded(1)))


MODELS = {
    "vanilla": lambda: VanillaRNN(3, 6, 2, generator=seeded()),
    "vanilla, rate form": lambda: VanillaRNN(3, 6, 2, form="rate", bias=True, generator=seeded()),
    "low rank": lambda: LowRankRNN(3, 8, 2, 2, generator=seeded()),
    "sparse": lambda: SparseTerms(3, 8, 2, 2, in_degree=3, generator=seeded()),
    "conv": lambda: ConvRNN(3, 2, 2, 2, kernel_size=3, generator=seeded()),
    "LSTM": lambda: LSTM(3, 5, 2, generator=seeded()),
    "GRU": lambda: GRU(3, 5, 2, generator=seeded()),
    "NM-RNN": nm_rnn,
    "NM-RNN, feedback": lambda: nm_rnn(n_feedback=8),
}
VERBS = ("initial_state", "velocity", "step", "readout")


def inputs(batch: int = 4, time: int = 7) -> Tensor:
    return torch.randn(batch, time, 3, generator=seeded(5))


def by_hand(model: RecurrentModel, u: Tensor) -> Tensor:
    """Outputs of a trial by the model's own verbs."""
    state, outputs = model.initial_state(len(u)), []
    for t in range(u.shape[1]):
        state = model.step(state, u[:, t])
        outputs.append(model.readout(state))
    return torch.stack(outputs, dim=1)


def changed(value: Any, factor: float = 0.9) -> Any:
    if isinstance(value, Tensor):
        return factor * value + 0.03
    return type(value)(*(changed(part, factor) for part in value))


def overriding(model: RecurrentModel, verb: str) -> RecurrentModel:
    """The model as an instance of a subclass that changes one verb."""
    kind = type(model)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return changed(getattr(kind, verb)(self, *args, **kwargs))

    model.__class__ = type(f"Other{kind.__name__}", (kind,), {verb: method, "__module__": "mine"})
    return model


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_of_a_subclass_is_obeyed(name: str, verb: str):
    if verb == "velocity" and ("NM-RNN" in name or name in ("LSTM", "GRU")):
        with pytest.raises(TypeError, match="must override step"):  # their steps do not call it
            overriding(MODELS[name](), verb)
        return
    plain, model, u = MODELS[name](), overriding(MODELS[name](), verb), inputs()
    torch.testing.assert_close(model(u).outputs, by_hand(model, u))
    assert not torch.allclose(model(u).outputs, plain(u).outputs)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_of_an_instance_is_obeyed(name: str, verb: str):
    model, u = MODELS[name](), inputs()
    original = getattr(model, verb)
    setattr(model, verb, lambda *args, **kwargs: changed(original(*args, **kwargs)))
    torch.testing.assert_close(model(u).outputs, by_hand(model, u))


@pytest.mark.parametrize("name", MODELS)
def test_a_subclass_that_changes_nothing_keeps_the_fast_path(name: str):
    model = MODELS[name]()
    kind = type(model)
    model.__class__ = type("Same", (kind,), {"__module__": "mine", "hello": lambda self: "hello"})
    assert as_written(model)


class DoubledReadout(Readout):
    def forward(self, states: Tensor, gains: Tensor | None = None) -> Tensor:
        return 2.0 * super().forward(states, gains)


@pytest.mark.parametrize("name", MODELS)
def test_another_readout_is_obeyed(name: str):
    plain, model, u = MODELS[name](), MODELS[name](), inputs()
    holder: Any = model.output_network if isinstance(model, NMRNN) else model
    holder.output.__class__ = DoubledReadout
    torch.testing.assert_close(model(u).outputs, 2.0 * plain(u).outputs)


@pytest.mark.parametrize("name", MODELS)
def test_a_hook_on_the_readout_is_obeyed(name: str):
    plain, model, u = MODELS[name](), MODELS[name](), inputs()
    holder: Any = model.output_network if isinstance(model, NMRNN) else model
    holder.output.register_forward_hook(lambda part, args, result: 3.0 * result)
    torch.testing.assert_close(model(u).outputs, 3.0 * plain(u).outputs)


class LateGain(Modulator):
    """Its gain is halved."""

    def gain(self, z: Tensor) -> Tensor:
        return 0.5 * super().gain(z)


class Leaky(Modulator):
    """It forgets faster."""

    def velocity(self, z, input, context, rates):
        return super().velocity(z, input, context, rates) - 0.01 * z


class Stiff(LowRankRNN):
    """A pull to zero besides."""

    def velocity(self, state, input, context=None, *, gain=None):
        return super().velocity(state, input, context, gain=gain) - 0.01 * state


@pytest.mark.parametrize(
    "kwargs",
    [
        {"modulator": LateGain},
        {"modulator": Leaky},
        {"network": Stiff},
        {"network": Stiff, "modulator": Leaky, "n_feedback": 8},
        {"modulator": LateGain, "n_feedback": 8},
    ],
)
def test_parts_of_an_nm_rnn_that_change_the_equation_are_obeyed(kwargs: dict[str, Any]):
    model, u = nm_rnn(**kwargs), inputs()
    torch.testing.assert_close(model(u).outputs, by_hand(model, u))
    plain = nm_rnn(n_feedback=kwargs.get("n_feedback", 0))
    plain.load_state_dict(model.state_dict())
    assert not torch.allclose(model(u).outputs, plain(u).outputs)
    trajectory = model(u)
    assert trajectory.gains.shape == (4, 7, 2)
    assert trajectory.modulator_states.shape == (4, 7, 4)


def test_runs_of_parts_obey_too():
    u, network, source = inputs(), Stiff(3, 8, 2, 2, generator=seeded()), LateGain(3, 4, 2)
    z, gains = source.run(u, None)
    torch.testing.assert_close(gains, 0.5 * Modulator.gain(source, z))
    x, states = network.initial_state(4), network.run(u, gains)
    for t in range(7):
        x = network.step(x, u[:, t], gain=gains[t])
        torch.testing.assert_close(states[t], x)


def test_a_scalar_gain_obeys_the_network_within():
    def model(kind: type[VanillaRNN]) -> ScalarGainRNN:
        mask = torch.rand(6, 6, generator=seeded(2)) < 0.5
        return ScalarGainRNN(kind(3, 6, 2, generator=seeded()), mask, [1.0, 0.5])

    class Slow(VanillaRNN):
        def velocity(self, state, input, context=None):
            return 0.5 * super().velocity(state, input, context)

    u, context = inputs(), torch.eye(2)[[0, 1, 0, 1]].unsqueeze(1).expand(4, 7, 2)
    slow, state = model(Slow), None
    state = slow.initial_state(4)
    for t in range(7):
        state = slow.step(state, u[:, t], context[:, t])
    torch.testing.assert_close(slow(u, context).states[:, -1], state)
    assert not torch.allclose(slow(u, context).outputs, model(VanillaRNN)(u, context).outputs)


def test_training_obeys_a_subclass_with_every_seed():
    class Half(VanillaRNN):
        """Written for one network, without a thought of the seed axis."""

        def velocity(self, state, input, context=None):
            total = (
                torch.einsum("bi,ji->bj", torch.tanh(state), self.recurrent_weights) * self.scale
            )
            return 0.5 * (-state + total + input @ self.input_weights.T) / self.tau

    u = inputs()
    trials = Trials(u, torch.zeros(4, 7, 2), torch.ones(4, 7, 1))

    def build(kind):
        return lambda generator: kind(3, 6, 2, generator=generator)

    def losses(kind):
        return fit_many(build(kind), trials, seeds=2, n_steps=3, learning_rate=1e-2, progress=False)

    half = losses(Half)
    alone = build(Half)(seeded(0))
    first = (alone(u).outputs ** 2).sum(dim=-1).mean()
    torch.testing.assert_close(half.losses[0, 0], first.detach())
    assert not torch.allclose(half.losses, losses(VanillaRNN).losses)


def test_a_model_of_ones_own_needs_no_forward():
    class Walk(RecurrentModel):
        n_inputs, n_outputs, dt, tau = 3, 3, 1.0, 10.0

        def initial_state(self, batch_size):
            return torch.zeros(batch_size, 3)

        def velocity(self, state, input, context=None):
            return (input - state) / self.tau

        def step(self, state, input, context=None):
            return state + self.dt * self.velocity(state, input, context)

        def readout(self, state):
            return state

        def parts(self):
            return {}

    u = inputs()
    torch.testing.assert_close(Walk()(u).outputs, by_hand(Walk(), u))


@pytest.mark.parametrize("name", MODELS)
def test_no_noise_is_the_network_itself_and_a_generator_gives_it_again(name: str):
    model, u = MODELS[name](), inputs()
    torch.testing.assert_close(model(u, noise_std=0.0).outputs, model(u).outputs)
    one, other = (model(u, noise_std=0.3, generator=seeded(3)).outputs for _ in range(2))
    torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert not torch.allclose(one, model(u).outputs)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("kind", ["current", "rate"])
def test_the_leak_alone_gives_the_closed_form_of_the_variance(alpha: float, kind: str):
    model = VanillaRNN(1, 400, 1, form=kind, tau=10.0, dt=10.0 * alpha, x0=0.0).double()
    nn.init.zeros_(model.recurrent_weights)
    if kind == "rate":
        model.nonlinearity = torch.relu
    u = torch.zeros(10, 300, 1, dtype=torch.float64)
    states = model(u, noise_std=0.7, generator=seeded(1)).states[:, 100:]
    expected = 0.7**2 * alpha / (2.0 - alpha)
    assert states.var().item() == pytest.approx(expected, rel=0.03)


def test_noise_reaches_both_networks_of_an_nm_rnn_and_not_a_clock():
    model, u = nm_rnn(), inputs()
    quiet, noisy = model(u), model(u, noise_std=0.5, generator=seeded())
    for one, other in zip(quiet[1:3], noisy[1:3], strict=True):
        assert not torch.allclose(one, other)
    from nmcourse.models import PrescribedGain

    clock = NMRNN(model.output_network, PrescribedGain(torch.rand(7, 2)))
    torch.testing.assert_close(clock(u, noise_std=0.5).modulator_states, clock(u).modulator_states)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_noise_is_finite_and_not_negative(value: float):
    with pytest.raises(ValueError, match="noise_std must be finite and not negative, got"):
        MODELS["vanilla"]()(inputs(), noise_std=value)


def test_states_are_named_tuples_after_noise():
    model = MODELS["LSTM"]()
    assert isinstance(model.leak(), tuple)
    assert isinstance(nm_rnn().leak(), NMState)
    assert model(inputs(), noise_std=0.1).states.shape == (4, 7, 10)
    assert LSTMState._fields == ("h", "c")


@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_gates_of_a_subclass_within_the_package_are_obeyed(kind: type[RecurrentModel]):
    def update(self: Any, state: Any, drive: Tensor) -> Any:
        return changed(kind._update(self, state, drive))

    ours = type("Ours", (kind,), {"_update": update, "__module__": "nmcourse.ours"})
    model, u = ours(3, 5, 2, generator=seeded()), inputs()
    assert as_written(model)  # a class of this package: no other guard catches it
    torch.testing.assert_close(model(u).outputs, by_hand(model, u))
    assert not torch.allclose(model(u).outputs, kind(3, 5, 2, generator=seeded())(u).outputs)
