r"""NM-CordsNet: a CordsNet whose drives are scaled by the gains of a modulator.

    tau_z z' = -z + W_z tanh(z) + B_z [u, cue] (+ F rho + f)             s = sigma(A z + b)
    tau r_i' = -r_i + phi(s_i^rec (W_i * r_i) + b_i + s_i^ff (V_i * h_i))

    z    modulator state, (batch, M)          u    mean of the image, (batch, channel)
    s    gains, one for each channel of each  cue  what it is told besides the image
         area and each drive, (batch, K)      rho  mean rate of every channel, where it listens

The CordsNet is the output network of an NM-RNN with maps in place of a vector, and a channel in
place of a rank-one term: its gain is the length of the weight-normalised convolution. As in the
NM-RNN a step moves z first, and r then takes the gain of the new z.

Reference: Costacurta et al. 2024, Eqs. 1-4 and 9; Soo et al. 2024. The combination is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from nmcourse.models._as_written import as_written
from nmcourse.models._base import Trajectory
from nmcourse.models._unused_velocity import decides
from nmcourse.models.modulator import GainSource
from nmcourse.models.vision.area_gains import AreaGains, scaled
from nmcourse.models.vision.cordsnet import CordsNet
from nmcourse.models.vision.layers import convolve
from nmcourse.models.vision.planning import Asked, Response, State, schedule
from nmcourse.models.vision.seeing import Seeing
from nmcourse.models.vision.stepwise import respond_by_steps

DRIVES = ("recurrent", "feedforward", "current")


def sigmoid_to_two(current: Tensor) -> Tensor:
    """2 sigma(x), from 0 to 2: a modulator that says nothing leaves a trained network alone."""
    return 2.0 * torch.sigmoid(current)


class NMCordsNet(Seeing):
    """A CordsNet with a gain source; it sees, and it is told a cue.

    The state is that of the CordsNet and, last, the modulator's (batch, M, 1, 1). The departure
    from rest counts the modulator as one more area.

    Args:
        network: the CordsNet whose drives are scaled.
        modulator: what sets the gains, with the same dt and one gain for each channel of each area
            and drive. A ``Modulator`` whose ``n_inputs`` are the image's channels and whose
            ``n_context`` is the number of cues; with ``n_feedback``, the number of channels of all
            areas, it listens to their mean rates. Or a ``PrescribedGain``, or a ``ClampedGain``.
        modulated: which drives have gains, of ``"recurrent"``, ``"feedforward"`` and ``"current"``
            (no gain: it is added, and is what gains are compared with). The gains stand in this
            order, areas from shallow to deep within each.

    Raises:
        ValueError: for an unknown, repeated or empty ``modulated``, or parts that do not fit
            together (gains, inputs, feedback, dt).

    Reference:
        Chapter *A modulated eye*.
    """

    def __init__(
        self,
        network: CordsNet,
        modulator: GainSource,
        *,
        modulated: Sequence[str] = ("recurrent", "feedforward"),
    ) -> None:
        super().__init__()
        if not isinstance(network, CordsNet):
            raise ValueError(f"network must be a CordsNet, got {type(network).__name__}")
        if not isinstance(modulator, GainSource):
            raise ValueError(
                "modulator must be a Modulator, PrescribedGain or ClampedGain, "
                f"got {type(modulator).__name__}"
            )
        if isinstance(modulated, str) or not modulated or {*modulated} - {*DRIVES}:
            raise ValueError(f"modulated must be one or more of {DRIVES}, got {modulated!r}")
        if len(set(modulated)) < len(modulated):
            raise ValueError(f"modulated must name each drive once, got {modulated!r}")
        self.modulated = tuple(drive for drive in DRIVES if drive in modulated)
        self.channels = [area.channels for area in network.wiring.areas]
        n_channels = sum(self.channels)
        self.n_gains = n_channels * len(self.modulated)
        each = f"one for each channel of the areas {self.channels}"
        needs = {
            "n_gains": (modulator.n_gains, self.n_gains, f"{each} and drive {self.modulated}"),
            "dt": (modulator.dt, network.dt, "the dt of the network"),
            "n_inputs": (modulator.n_inputs or network.n_inputs, network.n_inputs, "as an image"),
            "n_feedback": (modulator.n_feedback or n_channels, n_channels, f"{each}, or none"),
        }
        for name, (given, needed, why) in needs.items():
            if given != needed:
                raise ValueError(f"modulator.{name} must be {needed} ({why}), got {given}")
        self.network, self.modulator = network, modulator
        self.n_inputs, self.n_outputs = network.n_inputs, network.n_outputs
        self.image_size, self.n_read, self.dt = network.image_size, network.n_read, network.dt

    @property
    def n_cues(self) -> int:
        """Cue channels that the modulator is told."""
        return self.modulator.n_context

    def area_gains(self, s: Tensor) -> list[AreaGains | None]:
        """Gains (.., K) by area: what ``CordsNet.respond`` takes as ``gains``."""
        pieces = iter(s.split(self.channels * len(self.modulated), dim=-1))
        found: list[dict[str, Tensor]] = [{} for _ in self.channels]
        for drive in self.modulated:
            for of_area in found:
                of_area[drive] = next(pieces)
        return [AreaGains(**of_area) for of_area in found]

    def initial_state(self, batch_size: int) -> State:
        """Silence, and the state that the modulator starts from."""
        z = self.modulator.initial_state(batch_size)
        return (*self.network.initial_state(batch_size), z[..., None, None])

    @decides
    def step(self, state: State, image: Tensor, cue: Tensor | None = None) -> State:
        """First the modulator, then the areas under the new gain.

        Args:
            state: of the areas and, last, of the modulator.
            image: images (batch, channel, height, width).
            cue: (batch, cue), if the modulator has one.
        """
        self.network.check_image(image)  # before the modulator, too, sees it
        *maps, z = state
        z = self._modulate(z, _mean(image), cue, maps)
        gains = self.area_gains(self.modulator.gain(z))
        return (*self.network.step(tuple(maps), image, gains=gains), z[..., None, None])

    def velocity(self, state: State, image: Tensor, cue: Tensor | None = None) -> State:
        """Right-hand sides at the present state, per ms."""
        self.network.check_image(image)
        *maps, z = state
        gains = self.area_gains(self.modulator.gain(z[..., 0, 0]))
        turning = self.modulator.velocity(z[..., 0, 0], _mean(image), cue, self._heard(maps))
        return (*self.network.velocity(tuple(maps), image, gains=gains), turning[..., None, None])

    def readout(self, state: State) -> Tensor:
        """Outputs (batch, class) of the CordsNet."""
        return self.network.readout(tuple(state[:-1]))

    def forward(self, inputs: Tensor, context: Tensor | None = None, **options: Any) -> Trajectory:
        """Let the network rest on blank input, then show images.

        Args:
            inputs: the images; see ``respond``.
            context: the cues; see ``respond``.
            **options: ``n_steps``, ``n_blank`` and whatever else ``respond`` takes.

        Returns:
            Outputs (batch, time, class), modulator states (batch, time, M) and gains
            (batch, time, K) after image onset. ``states`` is None, as in a CordsNet.
        """
        found: list[Tensor] = []
        n_blank = options.get("n_blank", Asked.n_blank)

        def keep(step: int, state: Sequence[Tensor]) -> None:
            if step > n_blank:
                found.append(state[-1][..., 0, 0])

        response = self._trial(inputs, Asked(see=keep, cues=context, **options))
        z = torch.stack(found)  # time first: what follows are the axes of one step
        gains = self.modulator.gain(z).movedim(0, -2)
        return Trajectory(response.outputs, None, z.movedim(0, -2), gains)

    def gains(self, state: State) -> Tensor:
        """The gains (.., batch, K) that a state's modulator sets."""
        return self.modulator.gain(state[-1][..., 0, 0])

    def leak(self) -> Any:
        """What a step leaves room for: dt / tau of the areas, and that of the modulator."""
        return (self.network.leak(),) * len(self.channels) + (self.modulator.leak(),)

    def check_images(self, images: Tensor) -> None:
        """Raise ``ValueError`` unless images, or a stream of them, fit the network."""
        self.network.check_images(images)

    def with_gains(self, gains: GainSource) -> NMCordsNet:
        """The same CordsNet, its weights shared, under another gain source."""
        return NMCordsNet(self.network, gains, modulated=self.modulated)

    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part; ``freeze=("output network",)`` leaves the modulator alone."""
        parts = {
            part: [f"network.{name}" for name in names]
            for part, names in self.network.parts().items()
        }
        names = [name for name, _ in self.named_parameters()]
        parts["output network"] = [n for n in names if n.startswith("network.")]
        parts["modulator"] = [n for n in names if n.startswith("modulator.")]
        return parts

    def cues_of_trial(self, cues: Tensor | None, images: Tensor, n_steps: int) -> Tensor | None:
        """Cues of a whole trial, (.., batch, time, cue).

        Args:
            cues: (batch, cue) or (batch, time, cue), with the seed axis in front if there is one.
            images: of the trial.
            n_steps: of the trial, blank ones included.

        Raises:
            ValueError: for cues of another shape, missing ones, or some that nobody reads.
        """
        if not self.n_cues:
            if cues is not None:
                raise ValueError("cues were given, but the modulator has no context channels")
            return None
        if cues is None:
            raise ValueError(f"cues are needed: the modulator has {self.n_cues} context channels")
        bias = self.network.biases[0]
        batch = images.shape[-4] if images.ndim == 4 else images.shape[-5]
        held = (*bias.shape[:-3], batch, self.n_cues)
        whole = (*held[:-1], n_steps, self.n_cues)
        if tuple(cues.shape) not in (held, whole) or cues.dtype != bias.dtype:
            raise ValueError(
                f"cues must be {bias.dtype} of shape {held} or {whole} (batch, cue; "
                f"batch, time, cue), got {cues.dtype} of shape {tuple(cues.shape)}"
            )
        if not bool(torch.isfinite(cues).all()):
            raise ValueError("cues must be finite, got NaN or infinity")
        if tuple(cues.shape) == whole:
            return cues
        return cues.unsqueeze(-2).expand(whole)

    def _areas_read(self, n_areas: int) -> range:
        """The areas that the readout sees: those before the modulator."""
        return range(n_areas - 1 - self.n_read, n_areas - 1)

    def _trial(self, images: Tensor, asked: Asked) -> Response:
        """A trial; weights and what an image sends into the areas are computed once."""
        self.check_images(images)
        n_steps = asked.n_blank + schedule(images, asked).total
        batch = images.shape[-4] if images.ndim == 4 else images.shape[-5]
        start = self.initial_state(batch) if asked.state is None else asked.state
        cues = self.cues_of_trial(asked.cues, images, n_steps)
        asked = replace(asked, cues=cues, state=start)
        if asked.checkpoint_every or not as_written(self):
            return respond_by_steps(self, images, asked)
        return respond_by_steps(_Prepared(self), images, asked)

    def _modulate(
        self, z: Tensor, mean: Tensor, cue: Tensor | None, maps: Sequence[Tensor]
    ) -> Tensor:
        """The modulator's state (batch, M) one step later."""
        return self.modulator.step(z[..., 0, 0], mean, cue, self._heard(maps))

    def _heard(self, maps: Sequence[Tensor]) -> Tensor | None:
        """Mean rate of every channel, if the modulator listens."""
        if not self.modulator.n_feedback:
            return None
        return torch.cat([_mean(r) for r in self.network.seen_of(tuple(maps))], dim=-1)


def _mean(maps: Tensor) -> Tensor:
    """Mean over pixels, (.., channel)."""
    return maps.mean(dim=(-2, -1))


class _Prepared:
    """A network in a trial: its weights, and what the last image sends into the areas, are kept.

    It lives as long as the trial, in which an image that stays is one and the same tensor.
    """

    def __init__(self, model: NMCordsNet) -> None:
        self.model, self.leak, self.readout = model, model.leak, model.readout
        self.check_images, self.silence = model.check_images, model.silence
        self.image: Tensor | None = None
        self.with_gradient: bool | None = None

    def step(self, state: State, image: Tensor, cue: Tensor | None = None) -> State:
        """As the network's own."""
        if torch.is_grad_enabled() != self.with_gradient:
            self.with_gradient, self.image = torch.is_grad_enabled(), None
            self.tensors = self.model.network.tensors()
        if image is not self.image:
            self.image, self.mean, self.constant = image, _mean(image), self._constant(image)
        *maps, z = state
        z = self.model._modulate(z, self.mean, cue, maps)
        network = self.model.network
        gains, alpha = self.model.area_gains(self.model.modulator.gain(z)), network.leak()
        seen, new = network.seen_of(tuple(maps)), []
        for area, r in enumerate(maps):
            gain = gains[area] or AreaGains()
            drive = scaled(convolve(r, self.tensors.recurrent[area]), gain.recurrent)
            forward = scaled(self._forward(area, seen), gain.feedforward)
            drive = drive + self.tensors.biases[area].unsqueeze(-4) + forward
            if gain.current is not None:
                drive = drive + gain.current[..., None, None]
            new.append((1.0 - alpha) * r + alpha * network.phi(drive))
        return (*new, z[..., None, None])

    def _constant(self, image: Tensor) -> list[Tensor]:
        """What the image alone sends into areas 0 and 1."""
        network, weights = self.model.network, self.tensors
        stem = network.stem_maps(image)
        strides = weights.plan.strides
        found = [convolve(stem, weights.feedforward[0], strides[0])]
        if network.n_areas > 1:
            around = convolve(stem, weights.skips[1], strides[0])
            found.append(convolve(around, weights.feedforward[1], strides[1]))
        return found

    def _forward(self, area: int, seen: Sequence[Tensor]) -> Tensor:
        """V_i * h_i of one area."""
        if area == 0:
            return self.constant[0]
        weights, stride = self.tensors.feedforward[area], self.tensors.plan.strides[area]
        if area == 1:
            return convolve(seen[0], weights, stride) + self.constant[1]
        below = seen[area - 2]
        if area in self.tensors.skips:
            below = convolve(
                below, self.tensors.skips[area], self.tensors.plan.skip_strides[area] or 1
            )
        return convolve(seen[area - 1] + below, weights, stride)
