"""The released NM-RNN models and their baselines; see ``nmcourse.published``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from nmcourse._inputs import as_tensor
from nmcourse.models import LSTM, NMRNN, LowRankRNN, Modulator, VanillaRNN, identity
from nmcourse.published._cordsnet import floating

LOW_RANK = {
    "row_factors": "row_factors",
    "column_factors": "column_factors",
    "input_weights": "input_weights",
    "readout_weights": "output.weights",
    "readout_bias": "output.bias",
}
MODULATOR = {
    "nm_rec_weight": "modulator.recurrent_weights",
    "nm_input_weight": "modulator.input_weights",
    "nm_sigmoid_weight": "modulator.gain_weights",
    "nm_sigmoid_intercept": "modulator.gain_bias",
}
NM_RNN = {name: f"output_network.{path}" for name, path in LOW_RANK.items()} | MODULATOR
GATES = "ifgo"


@dataclass(frozen=True)
class Layout:
    """How a published model maps to one of ours.

    Attributes:
        names: published parameter name -> our parameter name, or (our name, gate number) where
            ours stacks the four gates.
        settings: the settings it accepts and their published values (None: must be given).
        build: (arrays, settings) -> model with weights still to be set.
    """

    names: Mapping[str, str | tuple[str, int]]
    settings: Mapping[str, float | None]
    build: Callable[[Mapping[str, Tensor], Mapping[str, Any]], nn.Module]


def _without(names: Mapping[str, str], *left_out: str) -> dict[str, str]:
    return {name: path for name, path in names.items() if name not in left_out}


def _low_rank(arrays: Mapping[str, Tensor], s: Mapping[str, Any], **options: Any) -> LowRankRNN:
    (n_units, rank), (_, n_inputs) = arrays["row_factors"].shape, arrays["input_weights"].shape
    return LowRankRNN(
        n_inputs,
        n_units,
        arrays["readout_weights"].shape[0],
        rank,
        readout_bias="readout_bias" in arrays,
        tau=float(s["tau_x"]),
        dt=1.0,
        x0=s["x0"],
        **options,
    )


def _nm_rnn(
    arrays: Mapping[str, Tensor], s: Mapping[str, Any], context: bool = False, **options: Any
) -> NMRNN:
    network = _low_rank(arrays, s, **options)
    n_units, n_channels = arrays["nm_input_weight"].shape
    n_context = n_channels - network.n_inputs if context else 0
    if context and n_context < 1:
        raise ValueError(
            f"arrays['nm_input_weight'] must have a column for each of {network.n_inputs} inputs "
            f"and one or more contexts, got shape {(n_units, n_channels)}"
        )
    modulator = Modulator(
        network.n_inputs,
        n_units,
        network.rank,
        n_context=n_context,
        n_feedback=network.n_units if "nm_feedback_weight" in arrays else 0,
        tau=float(s["tau_z"]),
        dt=1.0,
        z0=s["z0"],
    )
    return NMRNN(network, modulator)


def _vanilla(arrays: Mapping[str, Tensor], s: Mapping[str, Any]) -> VanillaRNN:
    n_units, n_inputs = arrays["input_weights"].shape
    return VanillaRNN(
        n_inputs,
        n_units,
        arrays["readout_weights"].shape[0],
        recurrent_scaling="1/N",
        tau=float(s["tau_x"]),
        dt=1.0,
        x0=s["x0"],
    )


def _lstm(arrays: Mapping[str, Tensor], s: Mapping[str, Any]) -> LSTM:
    n_units, n_inputs = arrays["weights_iu"].shape
    n_outputs = arrays["readout_weights"].shape[0]
    return LSTM(n_inputs, n_units, n_outputs, h0=s["h0"], c0=s["c0"], dt=1.0)


_NM_SETTINGS = {"x0": 0.1, "z0": 0.1, "tau_x": 10.0, "tau_z": 100.0}
_RNN_SETTINGS = {"x0": 0.1, "tau_x": 10.0}
_FEEDBACK = {
    "nm_sigmoid_bias": "modulator.gain_bias",
    "nm_feedback_weight": "modulator.feedback_weights",
    "nm_feedback_bias": "modulator.feedback_bias",
}
_LSTM_NAMES: dict[str, str | tuple[str, int]] = {
    f"{published}{gate}{suffix}": (ours, number)
    for number, gate in enumerate(GATES)
    for published, suffix, ours in (
        ("weights_", "u", "input_weights"),
        ("weights_", "h", "recurrent_weights"),
        ("bias_", "h", "bias"),
    )
} | {"readout_weights": "output.weights"}

LAYOUTS: dict[str, Layout] = {
    "nm_rnn": Layout(NM_RNN, _NM_SETTINGS, lambda a, s: _nm_rnn(a, s, orthonormal="raw")),
    "nm_rnn_not_orthonormal": Layout(
        NM_RNN, _NM_SETTINGS, lambda a, s: _nm_rnn(a, s, orthonormal=False)
    ),
    "context_nm_rnn": Layout(
        NM_RNN, _NM_SETTINGS, lambda a, s: _nm_rnn(a, s, context=True, orthonormal="raw")
    ),
    "linear_symmetric_nm_rnn": Layout(
        _without(NM_RNN, "column_factors"),
        _NM_SETTINGS,
        lambda a, s: _nm_rnn(a, s, symmetric=True, nonlinearity=identity, orthonormal="raw"),
    ),
    "low_rank_rnn": Layout(
        LOW_RANK,
        _RNN_SETTINGS,
        lambda a, s: _low_rank(a, s, recurrent_scaling="1/N", orthonormal="raw"),
    ),
    "vanilla_rnn": Layout(
        {"recurrent_weights": "recurrent_weights"}
        | _without(LOW_RANK, "row_factors", "column_factors"),
        _RNN_SETTINGS,
        _vanilla,
    ),
    "lstm": Layout(_LSTM_NAMES, {"h0": 0.1, "c0": 0.1}, _lstm),
    "element_finder_nm_rnn": Layout(
        _without(NM_RNN, "readout_bias", "nm_sigmoid_intercept") | _FEEDBACK,
        {"x0": None, "z0": None, "tau_x": 2.0, "tau_z": 10.0},
        lambda a, s: _nm_rnn(a, s, orthonormal=False, recurrent_scaling="1/N"),
    ),
    "element_finder_low_rank_rnn": Layout(
        _without(LOW_RANK, "readout_bias"),
        {"x0": None, "tau_x": 2.0},
        lambda a, s: _low_rank(a, s, orthonormal=False, recurrent_scaling="1/N"),
    ),
}


def load(name: str, arrays: Mapping[str, Any], **settings: Any) -> nn.Module:
    """Build our model from published parameters.

    Args:
        name: which published model, a key of ``LAYOUTS``.
        arrays: parameters under the authors' names, torch or NumPy; their dtype becomes the
            model's.
        **settings: initial states (``x0``, ``z0``, ``h0``, ``c0``) and time constants in steps
            (``tau_x``, ``tau_z``), where the model has them.

    Returns:
        A model of ``nmcourse.models`` with dt = 1.

    Raises:
        ValueError: for an unknown name, a missing or unknown array or setting, an array that is
            misshapen, not finite or not of floating-point numbers, or a setting out of range.
    """
    if name not in LAYOUTS:
        raise ValueError(f"name must be one of {sorted(LAYOUTS)}, got {name!r}")
    layout = LAYOUTS[name]
    _check_names("arrays", arrays, layout.names, layout.names)
    needed = [key for key, value in layout.settings.items() if value is None]
    _check_names("settings", settings, layout.settings, needed)

    tensors = {key: _tensor(key, value) for key, value in arrays.items()}
    values = {
        key: as_tensor(key, value, torch.float64)
        for key, value in (dict(layout.settings) | settings).items()
    }
    for key, value in values.items():
        if key.startswith("tau") and (value.ndim or not value >= 1):
            raise ValueError(f"{key} must be a number of steps, at least 1, got {value.tolist()}")
    shapes = {key: tuple(values.shape) for key, values in tensors.items()}
    try:
        model = layout.build(tensors, values)
    except ValueError as error:
        raise ValueError(f"{error} (shapes of arrays: {shapes})") from error
    model = model.to(reduce(torch.promote_types, (values.dtype for values in tensors.values())))
    for key, value in values.items():
        if key in ("x0", "z0", "h0", "c0"):  # set again: the constructor works in float32
            _buffer(model, key).copy_(value)
    with torch.no_grad():
        for key, view in _views(model, layout).items():
            if view.shape != tensors[key].shape:
                raise ValueError(
                    f"arrays[{key!r}] must have shape {tuple(view.shape)}, got {shapes[key]} "
                    f"(shapes of arrays: {shapes})"
                )
            view.copy_(tensors[key])
    model.published_name = name  # type: ignore[assignment]
    return model


def gradients(model: nn.Module) -> dict[str, Tensor]:
    """Current gradients of a loaded model, under the authors' parameter names.

    Raises:
        ValueError: if the model does not come from :func:`load`, or has no gradients yet.
    """
    name = getattr(model, "published_name", None)
    if name not in LAYOUTS:
        raise ValueError("model must come from nmcourse.published.load")
    parameters = dict(model.named_parameters())
    missing = [key for key, parameter in parameters.items() if parameter.grad is None]
    if missing:
        raise ValueError(f"model has no gradient for {missing}: call backward() on a loss first")
    views = _views(model, LAYOUTS[name], of=lambda p: p.grad)
    return {key: view.detach().clone() for key, view in views.items()}


def _tensor(name: str, array: Any) -> Tensor:
    """A published parameter as a tensor; biases are vectors, everything else is a matrix."""
    values = floating(f"arrays[{name!r}]", array)
    n_axes = 1 if "bias" in name or "intercept" in name else 2
    if values.ndim != n_axes or 0 in values.shape:
        raise ValueError(
            f"arrays[{name!r}] must have {n_axes} axes and not be empty, "
            f"got shape {tuple(values.shape)}"
        )
    if not torch.isfinite(values).all():
        raise ValueError(f"arrays[{name!r}] must be finite, got NaN or infinity")
    return values


def _views(
    model: nn.Module, layout: Layout, of: Callable[[nn.Parameter], Any] = lambda p: p
) -> dict[str, Tensor]:
    """Our parameters (or ``of`` them) as views under the published names."""
    parameters = dict(model.named_parameters())
    views = {}
    for published, place in layout.names.items():
        if isinstance(place, str):
            views[published] = of(parameters[place])
        else:
            path, gate = place
            views[published] = of(parameters[path]).chunk(len(GATES), dim=0)[gate]
    return views


def _buffer(model: nn.Module, name: str) -> Tensor:
    """The start vector called ``name``, in whichever part holds it."""
    return next(b for path, b in model.named_buffers() if path.split(".")[-1] == name)


def _check_names(what: str, given: Any, allowed: Any, needed: Any) -> None:
    missing, unknown = sorted(set(needed) - set(given)), sorted(set(given) - set(allowed))
    if missing or unknown:
        raise ValueError(
            f"{what}: missing {missing}, unknown {unknown}; expected {sorted(allowed)}"
        )
