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
from nmcourse.training._alike import settings_text
from nmcourse.training._capture import Replayed
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

    def draw(self, stay: bool = False) -> None:
        """Draw the data of the next step; with ``stay`` to where those of the last one lie."""

    def losses(self, networks: Networks) -> Tensor:
        """Losses (seed,) on the data that were drawn last."""


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
        self.trainable = self._laid_in_rows(frozen_parameters(networks.models[0], options.freeze))
        self.optimizer = options.optimizer([self.rows])
        self.scheduler = options.scheduler(self.optimizer)
        self.active = torch.ones(len(seeds), dtype=torch.bool, device=self.rows.device)
        self.last_good = self.rows.clone()
        self.best = self.rows.clone()
        self.step = 0
        # in one piece: thousands of small tensors would keep freed memory from being used again
        self.losses = self.rows.new_zeros(options.n_steps, len(seeds))
        self.norms = torch.zeros_like(self.losses)
        self.lowest = torch.full_like(self.losses[0], torch.inf)
        self.diverged: dict[int, int] = {}
        self.replayed = Replayed(self._gradient, self.rows.device)

    def _laid_in_rows(self, frozen: set[str]) -> list[Tensor]:
        """What is trained, as parts of ``self.rows`` (seed, number): one row for each network.

        Clipping, the optimiser and the last good state then are a few operations each, however many
        tensors a network has.
        """
        parameters = self.networks.parameters
        names = [
            name
            for name, parameter in self.networks.models[0].named_parameters()
            if name not in frozen and parameter.requires_grad
        ]
        if not names:
            raise ValueError("model has nothing to train: every parameter is frozen")
        dtypes = {str(parameters[name].dtype) for name in names}
        if len(dtypes) > 1:
            raise ValueError(f"parameters that are trained must be of one type, got {dtypes}")
        self.rows = torch.cat([parameters[name].detach().flatten(1) for name in names], dim=1)
        self.names, self.shapes = names, [parameters[name].shape for name in names]
        parts = self._parts(self.rows)
        parameters.update(zip(names, parts, strict=True))
        if len(self.seeds) > 1:
            return [part.requires_grad_() for part in parts]
        self.networks.alone = {
            name: part[0].requires_grad_() for name, part in zip(names, parts, strict=True)
        }
        return list(self.networks.alone.values())

    def _parts(self, rows: Tensor) -> list[Tensor]:
        """Rows (seed, number) as tensors of the shapes of the parameters."""
        sizes = [shape[1:].numel() for shape in self.shapes]
        parts = rows.detach().split(sizes, dim=1)
        return [
            part.unflatten(1, shape[1:]) if len(shape) > 1 else part.squeeze(1)
            for part, shape in zip(parts, self.shapes, strict=True)
        ]

    def train(self, checkpoint_every: int, progress: bool) -> None:
        """Run to the end (or to ``stop_below``) and write the result into the models."""
        checkpoint_every = count("checkpoint_every", checkpoint_every)
        if self.path is not None and self.path.exists():
            self._restore(load_checkpoint(self.path, self._fingerprint()))
        bar = tqdm(total=self.options.n_steps, initial=self.step, disable=not progress)
        _keep_freed_memory()
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
        self.objective.draw(stay=options.capture)
        losses, gradient, norms = self.replayed() if options.capture else self._gradient()
        self.losses[self.step], self.norms[self.step] = losses, norms

        healthy = losses.isfinite() & norms.isfinite()
        if not (healthy | ~self.active).all():
            for number in torch.nonzero(self.active & ~healthy).flatten().tolist():
                self.diverged[self.seeds[number]] = self.step
            self.active = self.active & healthy
            self._take_back(~self.active)
        if options.keep_best:
            self._keep_best(losses)
        if options.clip_norm is not None:
            gradient = gradient * (options.clip_norm / (norms + 1e-6)).clamp(max=1.0).unsqueeze(1)
        if options.clip_value is not None:
            gradient = gradient.clamp(-options.clip_value, options.clip_value)
        all_active = bool(self.active.all())
        if not all_active:
            gradient = torch.where(self.active.unsqueeze(1), gradient, 0.0)
        self.last_good.copy_(self.rows)
        self.rows.grad = gradient
        self.optimizer.step()
        self.scheduler.step()
        if not all_active:
            self._take_back(~self.active)
        self.step += 1

    def _gradient(self) -> tuple[Tensor, Tensor, Tensor]:
        """Losses (seed,), gradients (seed, number) and their norms (seed,) on what was drawn."""
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
        gradient = torch.cat([part.reshape(len(losses), -1) for part in gradients], dim=1)
        norms = torch.linalg.vector_norm(gradient, dim=1)
        return losses.detach(), gradient, norms

    def _take_back(self, which: Tensor) -> None:
        """Set the networks marked in ``which`` (seed,) to their last good parameters."""
        self.rows.copy_(torch.where(which.unsqueeze(1), self.last_good, self.rows))

    def _keep_best(self, losses: Tensor) -> None:
        """Note the parameters of networks in training whose loss (seed,) is their lowest yet."""
        lower = self.active & (losses < self.lowest)
        self.lowest = torch.where(lower, losses, self.lowest)
        self.best.copy_(torch.where(lower.unsqueeze(1), self.rows, self.best))

    def best_states(self) -> list[dict[str, Tensor]]:
        """For each network the trained parameters at its lowest loss; empty without them."""
        kept = dict(zip(self.names, self._parts(self.best), strict=True))
        return [
            {name: values[number].cpu().clone() for name, values in kept.items()}
            if self.options.keep_best
            else {}
            for number in range(len(self.seeds))
        ]

    def _fingerprint(self) -> dict[str, str]:
        parameters = {
            name: (tuple(values.shape), str(values.dtype))
            for name, values in self.networks.parameters.items()
        }
        return self.options.fingerprint() | {
            "seeds": repr(self.seeds),
            "parameters": repr(parameters),
            "data": self.objective.description,
            **settings_text(self.networks.models[0]),
        }

    def _save(self) -> None:
        if self.path is None:
            return
        losses, norms = self.history()
        content = {
            "fingerprint": self._fingerprint(),
            "step": self.step,
            "parameters": [values.cpu() for values in self._parts(self.rows)],
            "last_good": [values.cpu() for values in self._parts(self.last_good)],
            "best": [values.cpu() for values in self._parts(self.best)],
            "lowest": self.lowest.cpu(),
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
        kept = [(self.rows, "parameters"), (self.last_good, "last_good")]
        if self.options.keep_best:
            kept.append((self.best, "best"))
            self.lowest.copy_(content["lowest"])
        for rows, saved in kept:
            for values, stored in zip(self._parts(rows), content[saved], strict=True):
                values.copy_(stored)
        for name, saved in content.get("buffers", {}).items():  # not in files of older runs
            self.networks.buffers[name].copy_(saved)
        self.optimizer.load_state_dict(_in_rows(content["optimizer"]))
        self.scheduler.load_state_dict(content["scheduler"])
        for generator, saved in zip(self.objective.generators, content["generators"], strict=True):
            generator.set_state(saved)
        self.step, self.diverged = content["step"], content["diverged"]
        self.active = content["active"].to(self.active.device)
        self.losses[: self.step], self.norms[: self.step] = content["losses"], content["norms"]


def _keep_freed_memory() -> None:
    """Let the next step have the memory that a step frees.

    The C library of Linux (glibc) gives a large block back to the system when it is freed, and the
    system clears every page of the next one: at each step, for the states of all trials. Blocks up
    to the size of the largest one freed so far are kept instead, if that was at most 32 MB. So one
    of 31 MB is taken here, never written to, and freed.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)


def _in_rows(state: dict[str, Any]) -> dict[str, Any]:
    """The state of the optimiser for rows; in files of older runs it stands tensor by tensor."""
    of_tensors = list(state["state"].values())
    if len(of_tensors) < 2:
        return state
    joined = {
        name: torch.cat([one[name].flatten(1) for one in of_tensors], dim=1)
        for name in ("exp_avg", "exp_avg_sq")
    }
    groups = [group | {"params": [0]} for group in state["param_groups"]]
    return {"state": {0: joined | {"step": of_tensors[0]["step"]}}, "param_groups": groups}
