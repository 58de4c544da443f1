"""The loop behind ``fit``, ``fit_many`` and ``fit_images``: step, clip, notice divergence, resume.

What is learnt from is an ``Objective``: it draws data and gives one loss for each network.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from tqdm import tqdm

from nmcourse._files import user_path
from nmcourse._inputs import count
from nmcourse.training._networks import Networks
from nmcourse.training.checkpoints import load_checkpoint, save_tensors
from nmcourse.training.options import OptimiserOptions, frozen_parameters

_DATA_SEED = 1_000_000_007  # data are drawn from another stream than the initial weights


def data_generators(seeds: Iterable[int]) -> list[torch.Generator]:
    """The source of each network's data, by its seed."""
    return [torch.Generator().manual_seed(_DATA_SEED + seed) for seed in seeds]


class Objective(Protocol):
    """Draws the data of a step and says how wrong each network is.

    Attributes:
        generators: sources of all that is drawn; a checkpoint keeps where they stand.
        description: text that changes when the data or the loss do.
    """

    generators: list[torch.Generator]
    description: str

    def losses(self, networks: Networks) -> Tensor:
        """Losses (seed,) on the data of the next step."""


class DivergenceError(RuntimeError):
    """Training diverged. The model holds the last state whose loss was finite.

    Attributes:
        step: the step at which loss or gradient stopped being finite.
        losses: (step,), the losses before.
    """

    def __init__(self, step: int, losses: Tensor) -> None:
        last = f"{losses[-1].item():.3g}" if len(losses) else "none"
        super().__init__(
            f"training diverged at step {step}: loss or gradient is not finite "
            f"(last loss: {last}). "
            "The model holds the last good state; try a smaller learning_rate or clip_norm"
        )
        self.step, self.losses = step, losses


class Run:
    """A training run: parameters, optimiser, data stream and history, all of it resumable."""

    def __init__(
        self,
        networks: Networks,
        objective: Objective,
        seeds: list[int],
        options: OptimiserOptions,
        checkpoint: str | Path | None,
    ) -> None:
        self.networks, self.seeds, self.options = networks, seeds, options
        self.objective = objective
        self.path = None if checkpoint is None else user_path(checkpoint, "checkpoint")
        frozen = frozen_parameters(networks.models[0], options.freeze)
        self.trainable = [
            values.requires_grad_()
            for (name, values), parameter in zip(
                networks.parameters.items(), networks.models[0].parameters(), strict=True
            )
            if name not in frozen and parameter.requires_grad
        ]
        if not self.trainable:
            raise ValueError("model has nothing to train: every parameter is frozen")
        self.optimizer = options.optimizer(self.trainable)
        self.scheduler = options.scheduler(self.optimizer)
        self.active = torch.ones(len(seeds), dtype=torch.bool, device=self.trainable[0].device)
        self.last_good = [values.detach().clone() for values in self.trainable]
        self.step = 0
        # in one piece: thousands of small tensors would keep freed memory from being used again
        self.losses = self.trainable[0].new_zeros(options.n_steps, len(seeds), requires_grad=False)
        self.norms = torch.zeros_like(self.losses)
        self.diverged: dict[int, int] = {}

    def train(self, checkpoint_every: int, progress: bool) -> None:
        """Run to the end (or to ``stop_below``) and write the result into the models."""
        checkpoint_every = count("checkpoint_every", checkpoint_every)
        if self.path is not None and self.path.exists():
            self._restore(load_checkpoint(self.path, self._fingerprint()))
        bar = tqdm(total=self.options.n_steps, initial=self.step, disable=not progress)
        try:
            with bar:
                while not self._finished():
                    self._update()
                    bar.update()
                    if self.step % 50 == 0:
                        bar.set_postfix_str(f"loss {self.losses[self.step - 1].median():.2e}")
                    if self.step % checkpoint_every == 0:
                        self._save()
        except BaseException:  # an interrupt, too: keep what was learnt
            self._take_back(torch.ones_like(self.active))
            raise
        else:
            if self.path is not None and self.step % checkpoint_every:
                self._save()
        finally:
            self.networks.write_back(self.networks.parameters)

    def history(self) -> tuple[Tensor, Tensor]:
        """Losses and gradient norms, (step, seed)."""
        return self.losses[: self.step].clone().cpu(), self.norms[: self.step].clone().cpu()

    def _finished(self) -> bool:
        if self.step >= self.options.n_steps or not self.active.any():
            return True
        limit = self.options.stop_below
        return bool(limit and self.step and (self.losses[self.step - 1, self.active] < limit).all())

    def _update(self) -> None:
        """One gradient step of every network that is still in training."""
        options = self.options
        losses = self.objective.losses(self.networks)
        if losses.shape != self.active.shape:
            raise ValueError(
                "loss must reduce (trial, time, output) and keep the seed axis in front: expected "
                f"shape {tuple(self.active.shape)}, got {tuple(losses.shape)}"
            )
        if not losses.requires_grad:
            raise ValueError(
                "loss must depend on the parameters, but it has no gradient: torch.no_grad() "
                "around the training, or detach() in the loss, takes it away"
            )
        with torch.autocast(losses.device.type, enabled=False):  # it is meant for the way forward
            gradients = torch.autograd.grad(losses.sum(), self.trainable, materialize_grads=True)
        norms = torch.stack([g.flatten(1).square().sum(1) for g in gradients]).sum(0).sqrt()
        losses = losses.detach()
        self.losses[self.step], self.norms[self.step] = losses, norms

        healthy = losses.isfinite() & norms.isfinite()
        if not healthy[self.active].all():
            for number in torch.nonzero(self.active & ~healthy).flatten().tolist():
                self.diverged[self.seeds[number]] = self.step
            self.active = self.active & healthy
            self._take_back(~self.active)
        factor = torch.ones_like(norms)
        if options.clip_norm is not None:
            factor = (options.clip_norm / (norms + 1e-6)).clamp(max=1.0)
        all_active = bool(self.active.all())
        for values, good, gradient in zip(self.trainable, self.last_good, gradients, strict=True):
            shape = (-1, *[1] * (gradient.ndim - 1))
            gradient = gradient * factor.view(shape)
            if options.clip_value is not None:
                gradient = gradient.clamp(-options.clip_value, options.clip_value)
            if not all_active:
                gradient = torch.where(self.active.view(shape), gradient, 0.0)
            values.grad = gradient
            good.copy_(values.detach())
        self.optimizer.step()
        self.scheduler.step()
        if not all_active:
            self._take_back(~self.active)
        self.step += 1

    def _take_back(self, which: Tensor) -> None:
        """Set the networks marked in ``which`` (seed,) to their last good parameters."""
        with torch.no_grad():
            for values, good in zip(self.trainable, self.last_good, strict=True):
                values.copy_(torch.where(which.view(-1, *[1] * (values.ndim - 1)), good, values))

    def _fingerprint(self) -> dict[str, str]:
        parameters = {
            name: (tuple(values.shape), str(values.dtype))
            for name, values in self.networks.parameters.items()
        }
        return self.options.fingerprint() | {
            "seeds": repr(self.seeds),
            "parameters": repr(parameters),
            "data": self.objective.description,
        }

    def _save(self) -> None:
        if self.path is None:
            return
        losses, norms = self.history()
        content = {
            "fingerprint": self._fingerprint(),
            "step": self.step,
            "parameters": [values.detach().cpu() for values in self.trainable],
            "last_good": [values.cpu() for values in self.last_good],
            "buffers": {name: values.cpu() for name, values in self.networks.buffers.items()},
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "generators": [generator.get_state() for generator in self.objective.generators],
            "active": self.active.cpu(),
            "losses": losses,
            "norms": norms,
            "diverged": self.diverged,
        }
        save_tensors(self.path, content)

    def _restore(self, content: dict[str, Any]) -> None:
        with torch.no_grad():
            for values, saved in zip(self.trainable, content["parameters"], strict=True):
                values.copy_(saved)
            for values, saved in zip(self.last_good, content["last_good"], strict=True):
                values.copy_(saved)
            for name, saved in content.get("buffers", {}).items():  # not in files of older runs
                self.networks.buffers[name].copy_(saved)
        self.optimizer.load_state_dict(content["optimizer"])
        self.scheduler.load_state_dict(content["scheduler"])
        for generator, saved in zip(self.objective.generators, content["generators"], strict=True):
            generator.set_state(saved)
        self.step, self.diverged = content["step"], content["diverged"]
        self.active = content["active"].to(self.active.device)
        self.losses[: self.step], self.norms[: self.step] = content["losses"], content["norms"]
