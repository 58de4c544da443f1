"""Many networks as one: parameters stacked along a seed axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from nmcourse.models import RecurrentModel, as_written
from nmcourse.tasks import Trials
from nmcourse.training._alike import difference


class Networks:
    """Networks of one architecture, trained together.

    Attributes:
        parameters: name -> (seed, ...).
        buffers: name -> (seed, ...).
        alone: of one network, name -> what stands for a parameter in place of ``parameters[name]``:
            the same numbers without the seed axis, for a gradient that needs no step to get there.

    Both are copies on ``device``, if one is given. The models stay where they are; what training
    changes comes back by :meth:`write_back`.
    """

    def __init__(
        self, models: Sequence[nn.Module], device: str | torch.device | None = None
    ) -> None:
        self.models = list(models)
        for model in self.models:
            _check_model(model)
        shapes = {_shapes(model) for model in self.models}
        if len(shapes) > 1:
            raise ValueError("build must return models of one architecture for every seed")
        for number, model in enumerate(self.models[1:], start=1):
            found = difference(self.models[0], model)
            if found is not None:
                raise ValueError(
                    "networks that are trained together must differ in parameters and buffers "
                    f"alone, but numbers 0 and {number} differ in {found}; train such networks one "
                    "after the other with fit"
                )
        self.parameters = _stack([dict(m.named_parameters()) for m in self.models], device)
        buffers = _stack([dict(m.named_buffers()) for m in self.models], None)
        self.buffers = {name: values.to(device) for name, values in buffers.items()}
        self.alone: dict[str, Tensor] = {}
        self._common = [n for n, values in buffers.items() if bool((values == values[:1]).all())]

    def __len__(self) -> int:
        return len(self.models)

    def outputs(self, trials: Trials) -> Tensor:
        """Outputs (seed, trial, time, output); trials may have a seed axis of their own."""
        model = self.models[0]
        arguments = (trials.inputs,) if trials.context is None else (trials.inputs, trials.context)
        state = self.state()
        if len(self) == 1:
            return outputs_of(model, functional_call(model, state, arguments)).unsqueeze(0)
        if isinstance(model, RecurrentModel) and as_written(model):
            return outputs_of(model, functional_call(model, self._shared_buffers(state), arguments))
        own = 0 if trials.inputs.ndim == 4 else None
        run = torch.func.vmap(
            lambda state, *args: outputs_of(model, functional_call(model, state, args)),
            in_dims=(0, *[own] * len(arguments)),
            randomness="different",
        )
        try:
            return run(state, *arguments)
        except RuntimeError as error:
            if "atching rule" not in str(error):
                raise
            raise ValueError(
                f"{type(model).__name__} cannot be trained for several seeds at once, because "
                "torch has no batched form of a step of it; train one seed after the other with fit"
            ) from error

    def state(self) -> dict[str, Tensor]:
        """Parameters and buffers by name, without the seed axis if there is one network only."""
        state = self.parameters | self.buffers
        if len(self) > 1:
            return state
        return {name: values[0] for name, values in state.items() if name not in self.alone} | (
            self.alone
        )

    def write_back(self, parameters: dict[str, Tensor]) -> None:
        """Copy stacked parameters into the models, and the buffers that training has changed."""
        with torch.no_grad():
            for number, model in enumerate(self.models):
                for name, parameter in model.named_parameters():
                    parameter.copy_(parameters[name][number])
                for name, buffer in model.named_buffers():
                    buffer.copy_(self.buffers[name][number])

    def _shared_buffers(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Buffers that all networks have in common need no seed axis."""
        return state | {name: self.buffers[name][0] for name in self._common}


def _check_model(model: Any) -> None:
    """Raise ``ValueError`` unless a model is a module that can be trained."""
    if not isinstance(model, nn.Module):
        is_class = isinstance(model, type) and issubclass(model, nn.Module)
        found = f"the class {model.__name__}: call it" if is_class else type(model).__name__
        raise ValueError(f"model must be a torch.nn.Module, got {found}")
    if not any(True for _ in model.parameters()):
        raise ValueError(
            f"model must have parameters to train, but {type(model).__name__} has none"
        )


def outputs_of(model: nn.Module, result: Any) -> Tensor:
    """The outputs in what a model returns: a tensor, or something with ``outputs``.

    Raises:
        ValueError: for anything else, such as the pair of an ``nn.RNN``, saying what it is.
    """
    outputs = result if isinstance(result, Tensor) else getattr(result, "outputs", None)
    if isinstance(outputs, Tensor):
        return outputs
    found = type(result).__name__
    if isinstance(result, tuple | list):
        found += f" of {len(result)}"
        found += " (as torch.nn.RNN does: outputs and state)" if len(result) == 2 else ""
    raise ValueError(
        f"model must return outputs (trial, time, output) or a Trajectory, but "
        f"{type(model).__name__} returns a {found}; a module around it that returns the outputs "
        "alone can be trained"
    )


def _shapes(model: nn.Module) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple((name, tuple(p.shape)) for name, p in model.named_parameters())


def _stack(
    states: Sequence[dict[str, Tensor]], device: str | torch.device | None
) -> dict[str, Tensor]:
    return {
        name: torch.stack([state[name].detach() for state in states]).to(device)
        for name in states[0]
    }
