"""The released models: their recorded outputs, states, losses and gradients."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nmcourse import published
from nmcourse.models import LSTM, NMRNN, LowRankRNN, RecurrentModel, VanillaRNN
from nmcourse.training import masked_mse

GOLDEN = Path(__file__).parents[1] / "golden"
OUTPUTS = {"rtol": 0, "atol": 1e-10}
GRADIENTS = {"rtol": 0, "atol": 1e-8}
SETTINGS = {"x0", "z0", "h0", "c0", "tau_x", "tau_z"}
KINDS = {
    "nm_rnn": NMRNN,
    "nm_rnn_not_orthonormal": NMRNN,
    "linear_symmetric_nm_rnn": NMRNN,
    "context_nm_rnn": NMRNN,
    "low_rank_rnn": LowRankRNN,
    "vanilla_rnn": VanillaRNN,
    "lstm": LSTM,
    "element_finder_nm_rnn": NMRNN,
    "element_finder_low_rank_rnn": LowRankRNN,
}


@dataclass
class Golden:
    """One file of reference outputs, read by the meaning of its entries."""

    name: str
    arrays: dict[str, np.ndarray]

    def part(self, prefix: str) -> dict[str, np.ndarray]:
        start = f"{prefix}/"
        return {
            key.removeprefix(start): value
            for key, value in self.arrays.items()
            if key.startswith(start)
        }

    @property
    def settings(self) -> dict[str, np.ndarray]:
        return {key: value for key, value in self.part("in").items() if key in SETTINGS}

    def load(self) -> nn.Module:
        return published.load(self.name, self.part("param"), **self.settings)

    def trial(self, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor | None]:
        given = self.part("in")
        context = torch.tensor(given["context"], dtype=dtype) if "context" in given else None
        return torch.tensor(given["inputs"], dtype=dtype), context

    def loss(self, outputs: Tensor) -> Tensor:
        """The loss whose gradient the file holds."""
        given = self.part("in")
        targets = torch.as_tensor(given["targets"])
        if self.name.startswith("element_finder"):
            return (outputs[:, -1, 0] - targets).square().mean()
        if self.name == "lstm":
            return (outputs - targets).square().mean()
        return masked_mse(outputs, targets, torch.as_tensor(given["mask"]))


def read(name: str) -> Golden:
    with np.load(GOLDEN / f"{name}.npz") as file:
        return Golden(name, dict(file))


@pytest.fixture(params=KINDS)
def golden(request) -> Golden:
    return read(request.param)


def by_hand(model: RecurrentModel, inputs: Tensor, context: Tensor | None) -> dict[str, Tensor]:
    """Outputs and states by ``initial_state``, ``step`` and ``readout``."""
    state = model.initial_state(inputs.shape[0])
    found: dict[str, list[Tensor]] = {"y": [], "x": [], "z": []}
    for t in range(inputs.shape[1]):
        state = model.step(state, inputs[:, t], None if context is None else context[:, t])
        found["y"].append(model.readout(state))
        if isinstance(model, NMRNN):
            found["x"].append(state.x)
            found["z"].append(state.z)
        elif not isinstance(model, LSTM):
            found["x"].append(state)
    return {key: torch.stack(values, dim=1) for key, values in found.items() if values}


def test_every_layout_is_tested():
    assert set(published.LAYOUTS) == set(KINDS)
    files = {path.stem for path in GOLDEN.glob("*.npz")}
    assert files >= set(KINDS)


def test_it_is_one_of_our_models(golden):
    model = golden.load()
    assert type(model) is KINDS[golden.name]
    assert {p.dtype for p in model.parameters()} == {torch.float64}


def test_forward_gives_the_recorded_outputs_and_states(golden):
    trajectory = golden.load()(*golden.trial())
    recorded = golden.part("out")
    found = {"y": trajectory.outputs, "x": trajectory.states, "z": trajectory.modulator_states}
    assert "y" in recorded
    for key, expected in recorded.items():
        torch.testing.assert_close(found[key].detach(), torch.as_tensor(expected), **OUTPUTS)


def test_step_by_step_gives_the_recorded_outputs_and_states(golden):
    found = by_hand(golden.load(), *golden.trial())
    for key, expected in golden.part("out").items():
        torch.testing.assert_close(found[key].detach(), torch.as_tensor(expected), **OUTPUTS)


@pytest.mark.parametrize("way", ["forward", "step by step"])
def test_loss_and_gradients_under_the_published_names(golden, way):
    model, trial = golden.load(), golden.trial()
    outputs = model(*trial).outputs if way == "forward" else by_hand(model, *trial)["y"]
    loss = golden.loss(outputs)
    assert loss.item() == pytest.approx(float(golden.arrays["loss"]), rel=1e-10)
    loss.backward()
    found, recorded = published.gradients(model), golden.part("grad")
    assert set(found) == set(recorded) == set(golden.part("param"))
    for name, expected in recorded.items():
        torch.testing.assert_close(found[name], torch.as_tensor(expected), **GRADIENTS, msg=name)
        assert np.abs(expected).max() > 1e-6  # none of them is trivially zero


def test_gradients_are_copies(golden):
    model = golden.load()
    golden.loss(model(*golden.trial()).outputs).backward()
    found = published.gradients(model)
    for gradient in found.values():
        gradient.zero_()
    assert all(p.grad.abs().max() > 0 for p in model.parameters())


@pytest.mark.parametrize("kind", ["torch", "read-only NumPy", "with gradient"])
def test_arrays_of_any_kind(golden, kind):
    arrays = golden.part("param")
    if kind == "read-only NumPy":  # what an array of JAX turns into
        for array in arrays.values():
            array.setflags(write=False)
    else:
        gradient = kind == "with gradient"
        arrays = {k: torch.tensor(v, requires_grad=gradient) for k, v in arrays.items()}
    model = published.load(golden.name, arrays, **golden.settings)
    expected = golden.load()(*golden.trial()).outputs
    assert torch.equal(model(*golden.trial()).outputs, expected)
    assert all(p.is_leaf and p.requires_grad for p in model.parameters())
    with torch.no_grad():  # and the model does not write into them
        for p in model.parameters():
            p.zero_()
    for name, array in golden.part("param").items():
        given = arrays[name].detach().numpy() if kind != "read-only NumPy" else arrays[name]
        assert np.array_equal(given, array)


def test_float32_arrays_make_a_float32_model(golden):
    arrays = {key: value.astype(np.float32) for key, value in golden.part("param").items()}
    model = published.load(golden.name, arrays, **golden.settings)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    outputs = model(*golden.trial(torch.float32)).outputs
    assert outputs.dtype == torch.float32
    expected = torch.as_tensor(golden.part("out")["y"], dtype=torch.float32)
    torch.testing.assert_close(outputs.detach(), expected, rtol=1e-4, atol=1e-4)


def test_mixed_precision_keeps_the_higher_one(golden):
    arrays = golden.part("param")
    first = next(iter(arrays))
    arrays[first] = arrays[first].astype(np.float32)
    model = published.load(golden.name, arrays, **golden.settings)
    assert {p.dtype for p in model.parameters()} == {torch.float64}


def test_settings_may_be_numbers(golden):
    """A start that is one number holds for all units; times are numbers anyway."""
    starts = {key: 0.25 for key in golden.settings if not key.startswith("tau")}
    times = {k: float(v) for k, v in golden.settings.items() if k.startswith("tau")}
    vectors = {key: np.full(golden.settings[key].shape, 0.25) for key in starts}
    one, two = (
        published.load(golden.name, golden.part("param"), **start, **times)
        for start in (starts, vectors)
    )
    assert torch.equal(one(*golden.trial()).outputs, two(*golden.trial()).outputs)


@pytest.mark.parametrize("setting", sorted(SETTINGS))
def test_every_setting_matters(setting):
    used = []
    for name in KINDS:
        golden = read(name)
        if setting not in golden.settings:
            continue
        used.append(name)
        settings = golden.settings | {setting: 2.0 * golden.settings[setting]}
        model = published.load(name, golden.part("param"), **settings)
        found = model(*golden.trial()).outputs.detach()
        assert not torch.allclose(found, torch.as_tensor(golden.part("out")["y"]), atol=1e-6), name
    assert used


@pytest.mark.parametrize(
    ("name", "defaults"),
    [
        ("nm_rnn", {"x0": 0.1, "z0": 0.1, "tau_x": 10.0, "tau_z": 100.0}),
        ("low_rank_rnn", {"x0": 0.1, "tau_x": 10.0}),
        ("vanilla_rnn", {"x0": 0.1, "tau_x": 10.0}),
        ("lstm", {"h0": 0.1, "c0": 0.1}),
    ],
)
def test_settings_left_out_are_the_published_ones(name, defaults):
    golden = read(name)
    implicit = published.load(name, golden.part("param"))
    explicit = published.load(name, golden.part("param"), **defaults)
    trial = golden.trial()
    assert torch.equal(implicit(*trial).outputs, explicit(*trial).outputs)


def test_time_is_in_steps(golden):
    assert golden.load().dt == 1.0


# errors


def complains(*parts: str):
    return pytest.raises(ValueError, match=".*".join(re.escape(part) for part in parts))


def loading(golden: Golden, change: Callable[[dict, dict], None]) -> nn.Module:
    arrays, settings = golden.part("param"), dict(golden.settings)
    change(arrays, settings)
    return published.load(golden.name, arrays, **settings)


def test_unknown_name():
    with complains("name must be one of", "'nm_rnn'", "got 'nmrnn'"):
        published.load("nmrnn", {})


def test_missing_array(golden):
    for name in golden.part("param"):
        with complains(f"arrays: missing ['{name}'], unknown []"):
            loading(golden, lambda arrays, settings, name=name: arrays.pop(name))


def test_unknown_array(golden):
    with complains("arrays: missing [], unknown ['extra']; expected"):
        loading(golden, lambda arrays, settings: arrays.update(extra=np.zeros(2)))


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_array_that_is_not_finite(golden, number):
    for name, values in golden.part("param").items():
        wrong = values.copy()
        wrong.flat[-1] = number
        with complains(f"arrays['{name}'] must be finite, got NaN or infinity"):
            loading(golden, lambda arrays, s, name=name, w=wrong: arrays.update({name: w}))


def test_array_of_another_shape(golden):
    """Whichever array it is, the message shows its shape."""
    for name, values in golden.part("param").items():
        axis = 1 if name == "readout_weights" else 0  # more outputs would be another model
        wrong = np.concatenate([values, np.take(values, [0], axis)], axis)
        with complains(f"'{name}': {wrong.shape}"):
            loading(golden, lambda arrays, s, name=name, w=wrong: arrays.update({name: w}))


def test_array_with_another_number_of_axes(golden):
    for name, values in golden.part("param").items():
        for wrong in (values[..., None], values[..., 0], values[:0]):
            with complains(f"arrays['{name}'] must have", f"got shape {wrong.shape}"):
                loading(golden, lambda arrays, s, name=name, w=wrong: arrays.update({name: w}))


def test_shape_that_does_not_fit_says_what_would():
    with complains("arrays['column_factors'] must have shape (12, 2), got (12, 1)"):
        loading(
            read("nm_rnn"),
            lambda arrays, s: arrays.update(column_factors=arrays["column_factors"][:, :1]),
        )
    with complains("rank must be at most n_units=2, got 12", "'row_factors': (2, 12)"):
        loading(read("nm_rnn"), lambda arrays, s: arrays.update(row_factors=np.ones((2, 12))))


def test_only_the_context_model_has_context_channels():
    for name in KINDS:
        if KINDS[name] is NMRNN and name != "context_nm_rnn":
            n_inputs = read(name).part("param")["input_weights"].shape[1]
            message = f"arrays['nm_input_weight'] must have shape (4, {n_inputs}), got (4, 9)"
            with complains(message):
                loading(read(name), lambda a, s: a.update(nm_input_weight=np.ones((4, 9))))
    with complains("arrays['nm_input_weight'] must have a column", "3 inputs", "got shape (4, 3)"):
        loading(read("context_nm_rnn"), lambda a, s: a.update(nm_input_weight=np.ones((4, 3))))


def test_array_of_integers(golden):
    for name, values in golden.part("param").items():
        whole = np.ones(values.shape, dtype=np.int64)
        with complains(f"arrays['{name}'] must hold floating-point numbers, got torch.int64"):
            loading(golden, lambda arrays, s, name=name, w=whole: arrays.update({name: w}))


def test_unknown_setting(golden):
    with complains("settings: missing [], unknown ['tau']; expected"):
        loading(golden, lambda arrays, settings: settings.update(tau=10.0))


@pytest.mark.parametrize(
    ("name", "missing"),
    [("element_finder_nm_rnn", ["x0", "z0"]), ("element_finder_low_rank_rnn", ["x0"])],
)
def test_setting_without_a_published_value_must_be_given(name, missing):
    """The released code draws these starts: no default could be right."""
    with complains(f"settings: missing {missing}, unknown []"):
        published.load(name, read(name).part("param"))


@pytest.mark.parametrize("value", [math.nan, 0.0, -1.0, 0.5, [10.0, 10.0]])
def test_time_constant_out_of_range(golden, value):
    for key in golden.settings:
        if key.startswith("tau"):
            with complains(f"{key} must be a number of steps, at least 1, got {value}"):
                loading(golden, lambda a, s, key=key: s.update({key: value}))


def test_start_of_another_shape_or_not_finite(golden):
    for key, value in golden.settings.items():
        if key.startswith("tau"):
            continue
        with complains(f"{key} must be a number or have shape {value.shape}, got (3,)"):
            loading(golden, lambda a, s, key=key: s.update({key: np.zeros(3)}))
        with complains(f"{key} must be finite, got NaN or infinity"):
            loading(golden, lambda a, s, key=key, v=value: s.update({key: v * np.nan}))


def test_gradients_before_backward(golden):
    model = golden.load()
    model(*golden.trial())
    with complains("model has no gradient for", "call backward() on a loss first"):
        published.gradients(model)


def test_gradients_of_a_model_from_elsewhere():
    model = LSTM(2, 3, 1)
    model(torch.zeros(1, 2, 2)).outputs.sum().backward()
    with complains("model must come from nmcourse.published.load"):
        published.gradients(model)
