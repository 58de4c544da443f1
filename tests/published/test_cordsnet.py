"""CordsNet in the authors' layout: recorded outputs and activity, and the way back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from nmcourse import published
from nmcourse.models import CordsNet

GOLDEN = Path(__file__).parents[1] / "golden"
SMALL = 32  # pixels, where the values do not matter


def recorded(name: str) -> tuple[dict[str, np.ndarray], Tensor, dict[str, np.ndarray]]:
    """State dict, images, and everything that was recorded."""
    with np.load(GOLDEN / f"{name}.npz") as file:
        arrays = dict(file)
    state = {
        key.removeprefix("state/"): values.astype(np.float32)
        for key, values in arrays.items()
        if key.startswith("state/")
    }
    return state, torch.tensor(arrays["in/image"]).float(), arrays


def assert_activity(found: list[Tensor], arrays: dict[str, np.ndarray], steps: list[int]) -> None:
    """Means and Euclidean norms of areas (batch, step, ..) are those recorded at some steps."""
    rows = [list(arrays["in/record_steps"]).index(step) for step in steps]
    for area, rates in enumerate(found):
        flat = rates.flatten(2).double()
        for kind, values in (("l2", flat.norm(dim=-1)), ("mean", flat.mean(dim=-1))):
            expected = (
                torch.tensor(arrays[f"out/area{area}_{kind}"][rows]).double().mT[: len(values)]
            )
            torch.testing.assert_close(values, expected, rtol=1e-5, atol=0)


def some_state(depth: int, classes: int, channels: int, prefix: str = "") -> dict[str, Tensor]:
    """A state dict of random numbers for small images."""
    model = CordsNet(f"R{depth}", channels, classes, image_size=SMALL)
    with torch.no_grad():
        for bias in (*model.biases, model.output_bias):
            bias.normal_()
    return published.cordsnet_state_dict(model, prefix=prefix)


def test_r2_gives_the_recorded_logits_and_activity():
    state, images, arrays = recorded("cordsnet_r2_cifar10")
    model = published.cordsnet(state)
    steps = [int(step) for step in arrays["in/record_steps"]]
    activity = model.record(images[:1], n_blank=100, n_steps=100)
    assert [r.shape for r in activity] == [(1, 200, 64, 56, 56)] * 2
    assert_activity([r[:, steps] for r in activity], arrays, steps)
    with torch.no_grad():
        trajectory = model(images, n_steps=100)
    assert trajectory.outputs.shape == (2, 100, 10)
    assert trajectory.states is None
    logits = torch.tensor(arrays["out/logits"])
    torch.testing.assert_close(trajectory.outputs[:, -1], logits, rtol=0, atol=1e-5)
    last = model.readout(tuple(r[:, -1] for r in activity)).detach()
    torch.testing.assert_close(last, logits[:1], rtol=0, atol=1e-5)


def test_r4_gives_the_recorded_logits_and_activity():
    state, images, arrays = recorded("cordsnet_r4_mnist")
    model = published.cordsnet({f"module.{key}": values for key, values in state.items()})
    now, done, outputs = model.initial_state(1), 0, torch.empty(0)
    with torch.no_grad():
        for step in map(int, arrays["in/record_steps"]):  # once through, stopping at each of them
            shown = images if step >= 100 else torch.zeros_like(images)
            found = model.respond(shown, n_steps=step + 1 - done, n_blank=0, state=now)
            now, outputs, done = found.state, found.outputs, step + 1
            assert_activity([r.unsqueeze(1) for r in now], arrays, [step])
    assert done == 200
    logits = torch.tensor(arrays["out/logits"])
    torch.testing.assert_close(outputs[:, -1], logits, rtol=0, atol=1e-5)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize(
    ("depth", "classes", "channels"), [(2, 10, 1), (4, 10, 3), (6, 100, 3), (8, 1000, 3)]
)
def test_there_and_back(depth, classes, channels, prefix):
    state = some_state(depth, classes, channels, prefix)
    model = published.cordsnet(state, image_size=SMALL)
    assert (model.n_areas, model.n_outputs, model.n_inputs) == (depth, classes, channels)
    again = published.cordsnet_state_dict(model, prefix=prefix)
    assert list(again) == list(state)
    assert all(torch.equal(again[key], state[key]) for key in state)


def test_names_are_those_of_the_recorded_state_dicts():
    for name, depth, channels in (("cordsnet_r2_cifar10", 2, 3), ("cordsnet_r4_mnist", 4, 1)):
        state, _, _ = recorded(name)
        ours = published.cordsnet_state_dict(CordsNet(f"R{depth}", channels, 10))
        assert {key: tuple(values.shape) for key, values in ours.items()} == {
            key: values.shape for key, values in state.items()
        }


def test_export_is_a_copy_and_spreads_a_bias_per_channel():
    model = CordsNet("R2", 1, 10, image_size=SMALL, bias="channel")
    with torch.no_grad():
        model.biases[1].normal_()
    state = published.cordsnet_state_dict(model)
    assert torch.equal(state["conv_bias.1"], model.biases[1].expand(64, 8, 8))
    state["out_fc.bias"].fill_(7.0)
    assert not (model.output_bias == 7.0).any()
    with pytest.raises(ValueError, match="published wiring of R2, R4, R6 or R8, got 2 areas of"):
        published.cordsnet_state_dict(CordsNet("small-R2", 1, 10))


@pytest.mark.parametrize(
    "key",
    [
        "inp_conv.parametrizations.weight.original0",
        "inp_skip.parametrizations.weight.original1",
        "area_area.3.parametrizations.weight.original1",
        "skip_area.0.parametrizations.weight.original0",
        "conv_bias.3",
        "out_fc.parametrizations.weight.original1",
        "out_fc.bias",
    ],
)
def test_a_missing_or_misnamed_key_is_named(key):
    state = some_state(4, 10, 1)
    values = state.pop(key)
    with pytest.raises(ValueError, match=rf"state_dict of R4: missing \['{key}'\], unknown \[\]"):
        published.cordsnet(state, image_size=SMALL)
    wrong = key.replace(".", "_", 1)
    message = rf"missing \['{key}'\], unknown \['{wrong}'\]"
    with pytest.raises(ValueError, match=message):
        published.cordsnet(state | {wrong: values}, image_size=SMALL)


@pytest.mark.parametrize(
    ("key", "change", "message"),
    [
        ("conv_bias.1", lambda v: v[:, 1:], r"must have shape \(64, 8, 8\) in R4 with .* got \(64"),
        ("out_fc.bias", lambda v: v[1:], r"must have shape \(10,\) .* got \(9,\)"),
        ("inp_conv.parametrizations.weight.original1", lambda v: v[0], "must have 4 axes, got"),
        ("conv_bias.0", lambda v: v * torch.nan, "must be finite"),
        ("conv_bias.0", lambda v: v.int(), "must hold floating-point numbers, got torch.int32"),
        (
            "area_conv.2.parametrizations.weight.original1",
            lambda v: v * (torch.arange(128) != 5)[:, None, None, None],
            "holds a direction of length zero",
        ),
    ],
)
def test_an_array_that_does_not_fit_is_named(key, change, message):
    state = some_state(4, 10, 1)
    with pytest.raises(ValueError, match=f"'{key}' {message}"):
        published.cordsnet(state | {key: change(state[key])}, image_size=SMALL)


def test_what_is_not_a_state_dict():
    with pytest.raises(ValueError, match="must map names to arrays, got str"):
        published.cordsnet("cordsnetr8.pth")
    with pytest.raises(ValueError, match=r"state_dict of R2: missing \['inp_conv"):
        published.cordsnet({})
    state = some_state(2, 10, 1)
    with pytest.raises(ValueError, match=r"two arrays for 'out_fc.bias': 'out_fc.bias'"):
        published.cordsnet(state | {"module.out_fc.bias": state["out_fc.bias"]})
    deeper = state | {"conv_bias.9": state["conv_bias.1"]}
    with pytest.raises(ValueError, match=r"state_dict of R8: .* unknown \['conv_bias.9'\]"):
        published.cordsnet(deeper)


def test_half_precision_becomes_single():
    state = some_state(2, 10, 1)
    model = published.cordsnet({k: v.half().numpy() for k, v in state.items()}, image_size=SMALL)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    model = published.cordsnet({k: v.double() for k, v in state.items()}, image_size=SMALL)
    assert {p.dtype for p in model.parameters()} == {torch.float64}


def _compiled(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Names after ``torch.compile`` of the parts."""
    return {key.replace(".", "._orig_mod.", 1): values for key, values in state.items()}


def _older(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Names of ``torch.nn.utils.weight_norm``."""
    words = {"original0": "weight_g", "original1": "weight_v"}
    return {
        ".".join(
            word
            for part in key.split(".")
            if (word := words.get(part, part)) not in ("parametrizations", "weight")
        ): values
        for key, values in state.items()
    }


def _before(prefix: str):
    return lambda state: {prefix + key: values for key, values in state.items()}


@pytest.mark.parametrize(
    "wrap",
    [
        _before("module.module."),
        _before("_orig_mod."),
        _before("_orig_mod.module."),
        _before("module._orig_mod.module."),
        _before("model."),
        _before("encoder.network.module."),
        _compiled,
        _older,
        lambda state: _before("module.")(_older(state)),
        lambda state: {"state_dict": state, "epoch": 3, "optimizer": {"state": {}}},
        lambda state: {"state_dict": _before("model.")(state) | {"loss.weight": torch.ones(10)}},
        lambda state: _before("ema_model.")(state) | {"step": torch.tensor(3)},
        lambda state: {"model": _before("module.")(state)},
        lambda state: {"checkpoint": {"model_state_dict": _before("net.")(state)}},
        lambda state: _before("module.")(state) | {"n_averaged": torch.tensor(5)},
        lambda state: {key: values.numpy().astype(">f4") for key, values in state.items()},
        lambda state: {key: values.requires_grad_() for key, values in state.items()},
    ],
)
def test_what_tools_put_around_the_parameters_is_taken_away(wrap):
    state = some_state(4, 10, 1)
    expected = {key: values.clone().detach() for key, values in state.items()}
    again = published.cordsnet_state_dict(published.cordsnet(wrap(state), image_size=SMALL))
    assert all(torch.equal(again[key], expected[key]) for key in expected)


def test_an_averaged_model_and_a_compiled_one():
    model = CordsNet("R2", 1, 10, image_size=SMALL)
    state = published.cordsnet_state_dict(model)
    holder = torch.nn.Module()
    for key, values in state.items():
        holder.register_buffer(key.replace(".", "-"), values)
    average = torch.optim.swa_utils.AveragedModel(holder).state_dict()
    given = {key.replace("-", "."): values for key, values in average.items()}
    assert "n_averaged" in given
    assert "module.out_fc.bias" in given
    again = published.cordsnet_state_dict(published.cordsnet(given, image_size=SMALL))
    assert all(torch.equal(again[key], state[key]) for key in state)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            lambda s: CordsNet("R2", 1, 10, image_size=8),
            r"is a whole module: give the state_dict\(",
        ),
        (lambda s: {"model": torch.nn.Linear(1, 1)}, r"state_dict\['model'\] is a whole module"),
        (lambda s: {"state_dict": s, "ema": s}, "several networks, 'state_dict', 'ema': give one"),
        (
            lambda s: _before("online_model.")(s) | _before("ema_model.module.")(s),
            "several networks, 'ema_model', 'online_model': give one of them",
        ),
        (
            lambda s: s | {"module._orig_mod.out_fc.bias": s["out_fc.bias"]},
            "two arrays for 'out_fc.bias': 'out_fc.bias' and 'module._orig_mod.out_fc.bias'",
        ),
        (lambda s: s | {"out_fc.weight": torch.ones(10, 64)}, "whole weights such as 'out_fc.wei"),
        (lambda s: list(s.values()), "must map names to arrays, got list"),
        (lambda s: {"epoch": 3}, r"state_dict of R2: missing \['inp_conv.*unknown \['epoch'\]"),
    ],
    ids=range(8),
)
def test_the_cause_is_named_where_nothing_can_be_taken_away(given, message):
    with pytest.raises(ValueError, match=message):
        published.cordsnet(given(some_state(2, 10, 1)), image_size=SMALL)


def test_a_mapping_that_holds_itself_is_refused():
    circle: dict[str, object] = {"step": 1}
    circle["again"] = circle
    with pytest.raises(ValueError, match="state_dict of R2: missing"):
        published.cordsnet(circle)
