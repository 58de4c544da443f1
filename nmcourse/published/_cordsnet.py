"""CordsNet parameters in the layout of the authors' public code, there and back.

The authors' names, for a network of depth D (2, 4, 6 or 8); an ending ``.original0`` holds the
lengths and ``.original1`` the directions of normalised weights:

    inp_conv, inp_skip              stem, and the skip from the stem
    area_conv.I, area_area.I        recurrent and feed-forward convolution of area I
    conv_bias.I                     bias map of area I
    skip_area.K                     skip into area 2K + 3
    out_fc                          readout

Reference: Soo et al. 2024, released code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nmcourse.models import PRESETS, CordsNet
from nmcourse.published._unwrap import parameters_of

DEPTHS = (2, 4, 6, 8)
LAYERS = ("inp_conv", "inp_skip", "area_conv", "area_area", "conv_bias", "skip_area", "out_fc")
_AREAS = tuple(str(area) for area in range(100))  # no other word counts as an area's number
_PARTS = {"original0": "length", "original1": "direction"}


def cordsnet(state_dict: Mapping[str, Any], *, image_size: int = 224) -> CordsNet:
    """Build a CordsNet from a state dict of the released code.

    Depth, classes and channels are read from the arrays. Numbers in half precision become
    float32.

    Args:
        state_dict: the authors' names -> arrays (torch or NumPy). What other tools put around
            them is taken away: ``module.`` and ``_orig_mod.``, an entry ``"state_dict"``, an
            average of networks, the older names of normalised weights.
        image_size: pixels of the images it was trained for.

    Returns:
        The network; ``model(images, n_steps=100)`` ends in the authors' logits.

    Raises:
        ValueError: naming each missing or unknown key, or the array that is misshapen, not
            finite, not of floating-point numbers, or without a direction.
    """
    arrays = parameters_of(state_dict, LAYERS)
    depth = _depth(arrays)
    expected = _names(depth)
    missing = [name for name in expected if name not in arrays]
    unknown = [name for name in arrays if name not in expected]
    if missing or unknown:
        raise ValueError(
            f"state_dict of R{depth}: missing {missing}, unknown {unknown} "
            "(names without what was around them, such as 'module.')"
        )
    tensors = {name: _tensor(name, array) for name, array in arrays.items()}
    stem, head = (tensors[_weights(part, "original1")] for part in ("inp_conv", "out_fc"))
    for name, values, n_axes in (("inp_conv", stem, 4), ("out_fc", head, 2)):
        if values.ndim != n_axes:
            key = _weights(name, "original1")
            raise ValueError(f"{key!r} must have {n_axes} axes, got shape {tuple(values.shape)}")
    model = CordsNet(f"R{depth}", stem.shape[1], head.shape[0], image_size=image_size)
    model = model.to(torch.promote_types(torch.float32, stem.dtype))
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, ours in expected.items():
            parameter, values = parameters[ours], tensors[name]
            if parameter.shape != values.shape:
                raise ValueError(
                    f"{name!r} must have shape {tuple(parameter.shape)} in R{depth} with "
                    f"{stem.shape[1]} channels, {head.shape[0]} classes and images of "
                    f"{image_size} pixels, got {tuple(values.shape)}"
                )
            parameter.copy_(values)
    for name, ours in expected.items():
        if name.endswith("original1"):
            axes = tuple(range(1, tensors[name].ndim))
            if not (torch.linalg.vector_norm(parameters[ours], dim=axes) > 0).all():
                raise ValueError(f"{name!r} holds a direction of length zero: it has no direction")
    return model


def cordsnet_state_dict(model: CordsNet, *, prefix: str = "") -> dict[str, Tensor]:
    """The parameters of a CordsNet under the authors' names: the inverse of :func:`cordsnet`.

    A bias per channel is spread over a map.

    Args:
        model: a network with the published wiring, of any image size.
        prefix: put in front of each name; the released training code has ``"module."``.

    Raises:
        ValueError: for a network with another wiring.
    """
    depth, wiring = model.n_areas, model.wiring
    if f"R{depth}" not in PRESETS or PRESETS[f"R{depth}"][:2] != (wiring.stem, wiring.areas):
        raise ValueError(
            f"model must have the published wiring of R2, R4, R6 or R8, got {depth} areas of "
            f"{[area.channels for area in wiring.areas]} channels after {wiring.stem}"
        )
    parameters = {name: values.detach().clone() for name, values in model.named_parameters()}
    shapes = wiring.shapes(model.image_size)
    for area, shape in enumerate(shapes):
        parameters[f"biases.{area}"] = parameters[f"biases.{area}"].expand(shape).clone()
    return {prefix + name: parameters[ours] for name, ours in _names(depth).items()}


def _weights(layer: str, part: str) -> str:
    return f"{layer}.parametrizations.weight.{part}"


def _names(depth: int) -> dict[str, str]:
    """Authors' name -> our name, for a depth, in the order of the released state dicts."""
    layers = {"inp_conv": "stem", "inp_skip": "skips.1"}
    layers |= {f"area_conv.{area}": f"recurrent.{area}" for area in range(depth)}
    layers |= {f"area_area.{area}": f"feedforward.{area}" for area in range(depth)}
    layers |= {f"skip_area.{k}": f"skips.{2 * k + 3}" for k in range(depth // 2 - 1)}
    layers["out_fc"] = "output"
    names = {
        _weights(layer, part): f"{ours}.{kind}"
        for layer, ours in layers.items()
        for part, kind in _PARTS.items()
    }
    names |= {f"conv_bias.{area}": f"biases.{area}" for area in range(depth)}
    return names | {"out_fc.bias": "output_bias"}


def _depth(arrays: Mapping[str, Any]) -> int:
    """Depth from the largest area number; a number that no depth has counts as unknown later."""
    areas = [
        int(name.split(".")[1])
        for name in arrays
        if name.split(".")[0] in ("area_conv", "area_area", "conv_bias")
        and name.split(".")[1:2] != []
        and name.split(".")[1] in _AREAS
    ]
    deepest = max(areas, default=0)
    return next((depth for depth in DEPTHS if depth > deepest), DEPTHS[-1])


def _tensor(name: str, array: Any) -> Tensor:
    values = floating(repr(name), array)
    if not torch.isfinite(values).all():
        raise ValueError(f"{name!r} must be finite, got NaN or infinity")
    return values


def floating(name: str, array: Any) -> Tensor:
    """An array of a state dict (torch, NumPy or nested lists) as a tensor.

    A tensor from a file may say that it is huge and repeat a few stored numbers: that is refused
    before any memory is taken for it.

    Raises:
        ValueError: naming an array that holds no floating-point numbers, or not all of them.
    """
    if isinstance(array, Tensor):
        values = array.detach()
    else:
        try:
            numbers = np.array(array)
            values = torch.from_numpy(numbers.astype(numbers.dtype.newbyteorder("=")))
        except (TypeError, ValueError, OverflowError) as error:
            found = getattr(array, "dtype", type(array).__name__)
            raise ValueError(f"{name} must hold floating-point numbers, got {found}") from error
    if not values.is_floating_point():
        raise ValueError(f"{name} must hold floating-point numbers, got {values.dtype}")
    if values.layout is not torch.strided or values.is_meta:
        raise ValueError(f"{name} must be a dense array, got {values.layout} on {values.device}")
    stored = values.untyped_storage().nbytes() // values.element_size()
    if values.numel() > stored:
        raise ValueError(
            f"{name} must hold each of its numbers, got shape {tuple(values.shape)} and {stored} "
            "stored numbers"
        )
    return values
