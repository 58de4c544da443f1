r"""A deep equilibrium network: the answer is the state at which a CordsNet stands still.

    r* = f(r*, image)        f_i = phi(W_i * r_i + b_i + V_i * h_i)        the CordsNet's equation
    y  = C mean(r*_{D-1} + r*_{D-2}) + d

r* is the root of f(r) - r. A solver finds it (Anderson's method of SciPy), and no step in time is
made. What the solver did does not matter for the gradient. With J = df/dr at r*, and g = dL/dr*,

    dr* = J dr* + df          so        dL = g (I - J)^{-1} df = u df
    u (I - J) = g             a linear system, solved with products u J only (GMRES of SciPy)

so u stands where g would stand if r* had been made by one step of f. ``_Implicit`` puts it there,
and the gradients of weights, biases and image follow from that one step.

As the other networks, it is asked at every step of a trial. It answers at once for the image of the
step, and starts its search at the state before: where the equation has several roots, that decides.

Where it departs from the source: there the function is a transformer's, the solver is Broyden's
method, and it is stopped after a number of iterations whether it has converged or not. Here a
search that fails is an error, ``NoEquilibrium``, except where ``respond`` is told not to check.

Reference: Bai et al. 2019; Bai et al. 2021 (the penalty on J).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nmcourse._inputs import count, number
from nmcourse.models._unused_velocity import decides
from nmcourse.models.vision.cordsnet import CordsNet
from nmcourse.models.vision.planning import Asked, DivergingActivity, Response, State, is_checked
from nmcourse.models.vision.seeing import Seeing
from nmcourse.models.vision.timeless import respond_at_once
from nmcourse.models.vision.wiring import Area

MEMORY = 5  # iterates that Anderson's method combines
RESTART, RESTARTS = 20, 20  # directions of GMRES, and how often it starts again


class NoEquilibrium(DivergingActivity):
    """The solver found no state at which the network stands still, or no gradient there.

    Attributes:
        area: the area whose equation is furthest from being solved, counted from 0.
        residual: how far, for the worst unit of it: the largest size of f(r) - r.
        step: 0, because no time passes.
    """

    def __init__(
        self,
        residuals: Sequence[float],
        tolerance: float,
        n_iterations: int,
        what: str = "equilibrium",
    ) -> None:
        self.area, self.step = _worst(residuals), 0
        self.residual = residuals[self.area]
        RuntimeError.__init__(
            self,
            f"no {what} found in {n_iterations} iterations: the residual of area {self.area} is "
            f"{self.residual:.3g}, with tolerance={tolerance:g}; make the recurrent weights "
            "smaller, or max_iterations larger",
        )


class EquilibriumNet(Seeing):
    """The fixed point of a CordsNet's equation, found by a root solver.

    Args:
        areas: as in :class:`nmcourse.models.CordsNet`.
        n_channels: channels of an image.
        n_classes: outputs.
        tolerance: the largest change of any unit in a step that counts as standing still, in units
            of the largest rate if that is above 1; and the precision of the gradient.
        max_iterations: of the solver.
        dt: time that a step of a trial stands for, in ms; it changes no answer.
        **options: further arguments of the CordsNet.

    Attributes:
        equation: the CordsNet whose fixed point it is; it may be replaced by a trained one.

    Raises:
        ValueError: as for a CordsNet, for a tolerance that is not positive or no iterations.

    Reference:
        Bai et al. 2019.
    """

    def __init__(
        self,
        areas: str | Sequence[Area],
        n_channels: int,
        n_classes: int,
        *,
        tolerance: float = 1e-5,
        max_iterations: int = 200,
        dt: float = 10.0,
        **options: Any,
    ) -> None:
        super().__init__()
        self.equation = CordsNet(areas, n_channels, n_classes, tau=dt, dt=dt, **options)
        self.tolerance = number("tolerance", tolerance, "positive", above=0)
        self.max_iterations = count("max_iterations", max_iterations)
        self.n_inputs, self.n_outputs = n_channels, n_classes

    @property
    def dt(self) -> float:  # type: ignore[override]
        """Time that a step of a trial stands for, in ms."""
        return self.equation.dt

    @property
    def image_size(self) -> tuple[int, int]:  # type: ignore[override]
        """(height, width) in pixels."""
        return self.equation.image_size

    @property
    def n_read(self) -> int:  # type: ignore[override]
        """How many areas the readout sees, two or the only one."""
        return self.equation.n_read

    def check_images(self, images: Tensor) -> None:
        """Raise ``ValueError`` unless images, or a stream of them, fit the network."""
        self.equation.check_images(images)

    def initial_state(self, batch_size: int) -> State:
        """Where the first search starts: rates of zero, one map for each area."""
        return self.equation.initial_state(batch_size)

    def readout(self, state: State) -> Tensor:
        """Outputs (batch, class) of a state."""
        return self.equation.readout(state)

    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part."""
        parts = self.equation.parts().items()
        return {part: [f"equation.{name}" for name in names] for part, names in parts}

    def f(self, state: State, image: Tensor) -> State:
        """What stands still at the answer: r plus tau times the velocity of the CordsNet."""
        velocity = self.equation.velocity(state, image)
        return tuple(r + self.equation.tau * v for r, v in zip(state, velocity, strict=True))

    @decides
    def step(self, state: State, image: Tensor) -> State:
        """The fixed point for an image; the search starts at ``state``.

        Raises:
            NoEquilibrium: naming the area that is furthest from standing still.
        """
        return self.equilibrium(state, image, check=True)

    def velocity(self, state: State, image: Tensor) -> State:
        """Refused: what stands still here has no course in time.

        Raises:
            ValueError: always, naming the network that has one.
        """
        raise ValueError(
            "model must have a course in time, got an EquilibriumNet, whose step is a search: "
            "ask its equation, the CordsNet `model.equation`"
        )

    def equilibrium(self, state: State, image: Tensor, *, check: bool = True) -> State:
        """As :meth:`step`; without ``check`` a search that fails gives NaN, and no error.

        The gradient belongs to it: with ``check`` one that is not found is an error too, without
        it the best that GMRES has found is handed back, as is usual in training.
        """
        self.equation.check_image(image)
        check = is_checked(check)
        with torch.no_grad():
            found = self._search(state, image)
            now = self.f(found, image)
            residuals = [(new - r).abs().max().item() for new, r in zip(now, found, strict=True)]
        largest = max(1.0, *(r.abs().max().item() for r in found))
        if not all(residual <= self.tolerance * largest for residual in residuals):  # or NaN
            if check:
                raise NoEquilibrium(residuals, self.tolerance, self.max_iterations)
            return tuple(r * torch.nan for r in self.f(found, image))
        return self._with_gradient(found, image, check) if torch.is_grad_enabled() else now

    def jacobian_norm(
        self, state: State, image: Tensor, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """Hutchinson's estimate of ``||J||_F^2 / n`` at a state, with its gradient to the weights.

        For xi with independent standard normal entries ``E |xi J|^2 = ||J||_F^2``. Training pays
        for it so that the equation keeps a root: without it J grows until no search ends.

        Args:
            state: rates of all images, held fixed.
            image: the images.
            generator: source of xi, one draw for each image.

        Returns:
            A number, mean over images; n is the number of units.

        Reference:
            Bai et al. 2021.
        """
        with torch.enable_grad():
            at = tuple(r.detach().requires_grad_() for r in state)
            new = self.f(at, image.detach())
            xi = tuple(torch.randn(r.shape, generator=generator, dtype=r.dtype) for r in new)
            products = torch.autograd.grad(new, at, xi, create_graph=True)
        n_units = sum(r[0].numel() for r in at)
        total: Tensor = sum((p.square().sum() for p in products), products[0].new_zeros(()))
        return total / (n_units * len(image))

    def _with_gradient(self, found: State, image: Tensor, check: bool) -> State:
        """f(r*, image), and behind it the implicit gradient."""
        once = self.f(found, image)  # its gradient is df: weights, biases, image
        at = tuple(r.detach().requires_grad_() for r in found)
        again = self.f(at, image.detach())  # its gradient is J

        def product(u: State) -> State:
            return torch.autograd.grad(again, at, u, retain_graph=True)

        implicit: State = _Implicit.apply(product, self.tolerance, check, *once)
        return implicit

    def _search(self, state: State, image: Tensor) -> State:
        """Anderson's method for f(r) - r = 0, all images of a batch together."""
        from scipy.linalg import LinAlgWarning  # here, because the import takes a second
        from scipy.optimize import root

        batch = max(image.shape[-4], state[0].shape[-4])  # one image is shared by all states
        start = tuple(r.expand(*r.shape[:-4], batch, *r.shape[-3:]) for r in state)
        new = self.f(start, image)
        if all((n - r).abs().max() <= self.tolerance for n, r in zip(new, start, strict=True)):
            return start
        settings = {
            "fatol": self.tolerance,
            "tol_norm": lambda change: np.abs(change).max() / max(1.0, np.abs(seen).max()),
            "maxiter": self.max_iterations,
            "line_search": None,
            "jac_options": {"M": MEMORY, "alpha": 1.0},
        }

        seen: np.ndarray = _flat(start)

        def change(vector: Any) -> Any:
            nonlocal seen
            seen, r = vector, _unflat(vector, start)
            return _flat(tuple(n - o for n, o in zip(self.f(r, image), r, strict=True)))

        try:
            with np.errstate(over="ignore", invalid="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore", LinAlgWarning)  # iterates alike: nearly there
                seen = root(change, seen, method="anderson", options=settings).x
        except (OverflowError, ValueError):  # activity has grown beyond what can be squared
            pass
        return _unflat(seen, start)

    def _trial(self, images: Tensor, asked: Asked) -> Response:
        """A trial in which every image is looked at once, however long it stays."""
        look = partial(self.equilibrium, check=asked.check_finite)
        return respond_at_once(self, images, look, asked, holds=True)


class _Implicit(torch.autograd.Function):
    """Hands on a state; backwards, from g to the u of u (I - J) = g."""

    @staticmethod
    def forward(ctx: Any, product: Any, tolerance: float, check: bool, *state: Tensor) -> Any:
        ctx.product, ctx.tolerance, ctx.check = product, tolerance, check
        return tuple(r.view_as(r) for r in state)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *g: Tensor) -> Any:
        from scipy.sparse.linalg import LinearOperator, gmres

        vector = _flat(g)
        if not vector.any():
            return (None, None, None, *g)

        def left(u: Any) -> Any:
            return u.ravel() - _flat(ctx.product(_unflat(u, g)))

        shape = (len(vector), len(vector))
        equations = LinearOperator(shape, matvec=left, dtype=vector.dtype)
        found, failed = gmres(
            equations, vector, rtol=ctx.tolerance, restart=RESTART, maxiter=RESTARTS
        )
        u = _unflat(found, g)
        if failed and ctx.check:
            off = [
                (r - wanted).abs().max().item()
                for r, wanted in zip(_unflat(left(found), g), g, strict=True)
            ]
            raise NoEquilibrium(off, ctx.tolerance, RESTART * RESTARTS, "gradient")
        return (None, None, None, *u)


def _flat(state: Sequence[Tensor]) -> np.ndarray:
    """All rates of a state as one vector."""
    return torch.cat([r.detach().flatten() for r in state]).cpu().numpy()


def _unflat(vector: np.ndarray, like: Sequence[Tensor]) -> State:
    """The inverse of :func:`_flat`."""
    parts = torch.as_tensor(vector).to(like[0]).split([r.numel() for r in like])
    return tuple(part.reshape(r.shape) for part, r in zip(parts, like, strict=True))


def _worst(residuals: Sequence[float]) -> int:
    """The place of the largest number; NaN is larger than any."""
    return max(range(len(residuals)), key=lambda i: (math.isnan(residuals[i]), residuals[i]))
