"""A model whose input does not change: an autonomous dynamical system on flat states.

Fixed points, Jacobians and Lyapunov exponents are properties of a system that is left alone.
``AutonomousSystem`` holds the input and the context of a model constant, turns its states into
flat vectors (see ``nmcourse.analysis.states``) and works in float64 on a copy: the caller's model
is never changed.

Two views of the same network:

    velocity   x' = F(x)           the differential equation, per ms
    step       x -> G(x)           the map that the simulated network really applies

Euler's step is G = x + dt F, so both have the same fixed points. Their stability need not agree:
an eigenvalue lambda of dF/dx becomes 1 + dt lambda, which can leave the unit circle although
Re(lambda) < 0. An LSTM *is* a map; its velocity is (G(x) - x) / dt by definition.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from nmcourse._inputs import as_tensor, count
from nmcourse.analysis._checks import check_choice, check_finite
from nmcourse.analysis.states import (
    State,
    component_names,
    components,
    flatten_state,
    rebuild,
    unflatten_state,
)
from nmcourse.models import RecurrentModel

View = Literal["velocity", "step"]


class AutonomousSystem:
    """A model under constant input, on flat float64 states.

    Args:
        model: any model with ``initial_state``, ``step`` and ``velocity``; copied. Networks that
            see have them all.
        input: constant input (P,), or an image (channel, height, width); None means zeros.
        context: constant context (n_context,), or None.
        free: names of the state components that move, e.g. ``("x",)`` for the output network of
            an NM-RNN; None means all of them. The others are held: the system is then the fast
            part under a frozen slow part, and ``step`` is Euler on its velocity.
        at: state (batch of one) whose values the held components keep; None means the initial
            state. Only used with ``free``.

    Attributes:
        dt: time step in ms.
        size: values of one flat state (free components only).

    Raises:
        ValueError: for an input, context, ``free`` or ``at`` that does not fit the model.
    """

    def __init__(
        self,
        model: RecurrentModel,
        input: Tensor | None = None,
        context: Tensor | None = None,
        *,
        free: Sequence[str] | None = None,
        at: State | None = None,
    ) -> None:
        self.model = copy.deepcopy(model).double().requires_grad_(False)
        self.dt = float(model.dt)
        nothing = torch.zeros(model.n_inputs, *getattr(model, "image_size", ()))
        self.input = _constant("input", nothing if input is None else input)
        self.context = None if context is None else _constant("context", context)

        start = self.model.initial_state(1)
        self._names = component_names(start)
        if free is None and at is not None:
            raise ValueError("at was given without free: say which components move")
        self._free = self._names if free is None else tuple(free)
        unknown = [name for name in self._free if name not in self._names]
        if unknown or not self._free:
            raise ValueError(f"free must name some of {self._names}, got {tuple(self._free)}")
        at = start if at is None else at
        shapes = [part.shape for part in components(start)]
        if component_names(at) != self._names or [p.shape for p in components(at)] != shapes:
            raise ValueError(f"at must be a state of one item, components {self._names}")
        held = [part.detach().double() for part in components(at)]
        check_finite("at", flatten_state(rebuild(start, held)))
        self._like = rebuild(start, held)
        self._moving = [part for name, part in self._named() if name in self._free]
        self.size = sum(part[0].numel() for part in self._moving)
        self._try_out()

    @property
    def is_partial(self) -> bool:
        """Whether some components are held."""
        return len(self._free) < len(self._names)

    def initial(self) -> Tensor:
        """The model's initial state, (1, size)."""
        return self.flatten(self.model.initial_state(1))

    def state(self, flat: Tensor) -> State:
        """Full model states of flat ones (batch, size), held components included."""
        if not self.is_partial:
            return unflatten_state(flat, self._like)
        moving = iter(components(unflatten_state(flat, tuple(self._moving))))
        return rebuild(
            self._like,
            [
                next(moving) if name in self._free else part.expand(len(flat), *part.shape[1:])
                for name, part in self._named()
            ],
        )

    def flatten(self, state: State) -> Tensor:
        """Free components of model states as flat ones, (batch, size), float64.

        States may be flat already, with the free components only or with all of them.
        """
        if isinstance(state, Tensor) and state.ndim == 2 and state.shape[1] == self.size:
            return state.detach().double()
        whole = sum(part[0].numel() for _, part in self._named())
        if isinstance(state, Tensor) and state.ndim == 2 and state.shape[1] == whole:
            state = unflatten_state(state, self._like)
        names = component_names(state)
        if names != self._names:
            raise ValueError(
                f"state must have components {self._names} or shape (batch, {self.size}), "
                f"got components {names}"
            )
        moving = [p for n, p in zip(names, components(state), strict=True) if n in self._free]
        flat = flatten_state(tuple(moving)).detach().double()
        if flat.shape[1] != self.size:
            raise ValueError(f"state must have {self.size} values per item, got {flat.shape[1]}")
        return flat

    def velocity(self, flat: Tensor) -> Tensor:
        """F(x) per ms, (batch, size)."""
        return self._apply(self.model.velocity, flat)

    def step(self, flat: Tensor, input: Tensor | None = None) -> Tensor:
        """G(x), (batch, size); ``input`` (P,) replaces the constant input in this step."""
        if self.is_partial:
            return flat + self.dt * self._apply(self.model.velocity, flat, input)
        return self._apply(self.model.step, flat, input)

    def push(
        self, flat: Tensor, tangents: Tensor, of: View = "step", *, input: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """G(x) or F(x), and its Jacobian applied to one tangent of each state.

        Args:
            flat: (batch, size).
            tangents: (batch, size).
            of: ``"step"`` or ``"velocity"``.
            input: replaces the constant input of a step.

        Returns:
            Both (batch, size).
        """
        moved, product = self.linearised(flat, of, input=input)
        return moved, product(tangents)

    def linearised(
        self, flat: Tensor, of: View = "step", *, input: Tensor | None = None
    ) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """G(x) or F(x), and its Jacobian there as a function that may be called many times.

        The forward derivative is taken as the derivative of the backward one, which is linear in
        its weights: same result as ``torch.func.jvp``, several times faster for small networks.
        A product then costs one pass more, and the state itself is not looked at again.

        Args:
            flat: (batch, size).
            of: ``"step"`` or ``"velocity"``.
            input: replaces the constant input of a step.

        Returns:
            (batch, size), and what makes of tangents (batch, size) their products.
        """
        with torch.enable_grad():
            x = flat.detach().clone().requires_grad_()
            moved = self.step(x, input) if of == "step" else self.velocity(x)
            if not moved.requires_grad:  # a network that keeps nothing of the state before
                return moved, torch.zeros_like
            weights = torch.zeros_like(moved, requires_grad=True)
            (backward,) = torch.autograd.grad(moved, x, weights, create_graph=True)

        def product(tangents: Tensor) -> Tensor:
            (pushed,) = torch.autograd.grad(backward, weights, tangents, retain_graph=True)
            return pushed

        return moved.detach(), product

    def jacobian(self, flat: Tensor, of: View = "velocity", *, chunk: int | None = None) -> Tensor:
        """dF/dx (per ms) or dG/dx at each state, (batch, size, size).

        Args:
            flat: (batch, size).
            of: ``"velocity"`` or ``"step"``.
            chunk: states treated at once; smaller needs less memory.

        Raises:
            ValueError: if ``of`` is neither of the two.
        """
        check_choice("of", of, get_args(View))
        chunk = None if chunk is None else count("chunk", chunk)
        function = self.velocity if of == "velocity" else self.step
        if len(flat) == 0:
            return flat.new_zeros(0, self.size, self.size)

        def of_one(one: Tensor) -> Tensor:
            return function(one.unsqueeze(0)).squeeze(0)

        return torch.func.vmap(torch.func.jacrev(of_one), chunk_size=chunk)(flat)

    def _apply(
        self, verb: Callable[..., State], flat: Tensor, input: Tensor | None = None
    ) -> Tensor:
        if len(flat) == 0:  # a network that sees refuses to look at no image
            return flat.new_zeros(0, self.size)
        u = self.input if input is None else input
        u = u.expand(flat.shape[0], *u.shape)
        given = [] if self.context is None else [self.context.expand(flat.shape[0], -1)]
        parts = components(verb(self.state(flat), u, *given))  # some networks that see take none
        moving = [p for n, p in zip(self._names, parts, strict=True) if n in self._free]
        return flatten_state(tuple(moving))

    def _try_out(self) -> None:
        try:
            self.velocity(self.initial())
        except (RuntimeError, TypeError) as error:
            given = None if self.context is None else tuple(self.context.shape)
            raise ValueError(
                f"input and context must fit the model (n_inputs={self.model.n_inputs}), got "
                f"input of shape {tuple(self.input.shape)} and context of shape {given}"
            ) from error

    def _named(self) -> list[tuple[str, Tensor]]:
        return list(zip(self._names, components(self._like), strict=True))


def eigenvalues(jacobians: Tensor, of: View) -> Tensor:
    """Eigenvalues (batch, size), complex, the least stable first.

    Args:
        jacobians: (batch, size, size).
        of: what they are Jacobians of: ``"velocity"`` sorts by real part (per ms), ``"step"`` by
            modulus.

    Raises:
        ValueError: if ``of`` is neither of the two.
    """
    check_choice("of", of, get_args(View))
    values = torch.linalg.eigvals(jacobians)
    key = values.real if of == "velocity" else values.abs()
    return values.gather(-1, key.argsort(dim=-1, descending=True))


def _constant(name: str, values: Tensor) -> Tensor:
    values = as_tensor(name, values).detach().double()
    check_finite(name, values)
    return values
