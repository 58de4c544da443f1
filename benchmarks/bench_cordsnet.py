"""How fast CordsNet is: ratios to the released code's way of computing, within one run.

    python benchmarks/bench_cordsnet.py [--repetitions 5] [--steps 100] [--only inference_R2_4 ...]
                                        [--strict]

The released code makes the stem once more for every area at every step, normalises each layer's
weights at each call, and lets blank steps pass every image of the batch through all of that.
``ReleasedWay`` computes like this, from the same parameters, and gives the same logits.

    inference_R2_4, ..   logits of images (batch 4, 4, 2; batch 1 beside it), 224 pixels:
                         seconds of the released way over ours (targets 5, 4, 3)
    training_R2_2        loss and gradient of a trial with 100 blank, 100 stimulus and 100 blank
                         steps, batch 2 (target 4), and peak memory of ours over theirs (1/4)
    checkpointed_R2_2    the same, keeping every tenth state (targets 3 and 1/8)

Seconds are CPU seconds of one thread, which other programs of the machine disturb little; each
ratio is the median of interleaved pairs. Peak memory is that of a process which takes one
gradient, less that of a process which only builds the network; it is read from /proc, so Linux is
needed. Results go to
``benchmarks/results/cordsnet.json``, unless steps or repetitions are others. With ``--strict`` a
missed target is an error.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.parametrizations import weight_norm

from nmcourse.models import CordsNet
from nmcourse.published import cordsnet_state_dict

AT_LEAST = {
    "inference_R2_4": 5.0,
    "inference_R4_4": 4.0,
    "inference_R8_2": 3.0,
    "training_R2_2": 4.0,
    "checkpointed_R2_2": 3.0,
}
AT_MOST = {"training_R2_2_memory": 1 / 4, "checkpointed_R2_2_memory": 1 / 8}
INFERENCE = [("R2", 4), ("R2", 1), ("R4", 4), ("R4", 1), ("R8", 2), ("R8", 1)]
WAYS: dict[str, dict[str, int]] = {
    "training_R2_2": {},
    "checkpointed_R2_2": {"checkpoint_every": 10},
}
READ = 30  # last stimulus steps with a loss, of 100
RESTED = 10  # last steps in which the distance from rest counts


class ReleasedWay(nn.Module):
    """The same network, computed as the released code does."""

    def __init__(self, model: CordsNet) -> None:
        super().__init__()
        wiring, self.alpha = model.wiring, model.dt / model.tau

        def layer(spec: tuple[int, ...]) -> nn.Module:
            n_in, n_out, kernel, stride = spec
            pad = kernel // 2
            return weight_norm(nn.Conv2d(n_in, n_out, kernel, stride, pad, bias=False))

        areas = range(model.n_areas)
        self.inp_conv = layer(wiring.image_convolution())
        self.inp_skip = layer(wiring.skip(1))
        self.area_conv = nn.ModuleList(layer(wiring.recurrent(a)) for a in areas)
        self.area_area = nn.ModuleList(layer(wiring.feedforward(a)) for a in areas)
        self.skip_area = nn.ModuleList(layer(wiring.skip(a)) for a in areas[3::2])
        self.conv_bias = nn.ParameterList(bias.detach().clone() for bias in model.biases)
        self.out_fc = weight_norm(nn.Linear(wiring.areas[-1].channels, model.n_outputs))
        self.load_state_dict(cordsnet_state_dict(model))

    def stem(self, images: Tensor) -> Tensor:
        """Convolution and mean of the image."""
        return nn.functional.avg_pool2d(self.inp_conv(images), 3, stride=2, padding=1)

    def step(self, rates: list[Tensor], images: Tensor) -> list[Tensor]:
        """One step of every area, the deepest first."""
        rates = list(rates)
        for area in reversed(range(len(rates))):
            stem = self.stem(images)
            if area < 2:
                h = stem if area == 0 else rates[0].relu() + self.inp_skip(stem)
            else:
                below = rates[area - 2].relu()
                h = rates[area - 1].relu()
                h = h + (below if area % 2 == 0 else self.skip_area[area // 2 - 1](below))
            r = rates[area]
            current = self.area_conv[area](r) + self.conv_bias[area] + self.area_area[area](h)
            rates[area] = (1 - self.alpha) * r + self.alpha * current.relu()
        return rates

    def at_rest(self, images: Tensor, n_steps: int) -> list[Tensor]:
        """State after blank steps, without gradient."""
        rates = [images.new_zeros(len(images), *bias.shape) for bias in self.conv_bias]
        with torch.no_grad():
            for _ in range(n_steps):
                rates = self.step(rates, images * 0)
        return rates

    def readout(self, rates: list[Tensor]) -> Tensor:
        """Logits of a state."""
        return self.out_fc((rates[-1].relu() + rates[-2].relu()).mean(dim=(-2, -1)))

    def forward(self, images: Tensor, n_steps: int) -> Tensor:
        """Logits after blank and stimulus steps."""
        rates = self.at_rest(images, n_steps)
        for _ in range(n_steps):
            rates = self.step(rates, images)
        return self.readout(rates)

    def trial_loss(self, images: Tensor, labels: Tensor, n_steps: int) -> Tensor:
        """Loss of a training trial."""
        rest = rates = self.at_rest(images, n_steps)
        loss = images.new_zeros(())
        for t in range(n_steps):
            rates = self.step(rates, images)
            if t >= n_steps - READ:
                loss = loss + cross_entropy(self.readout(rates), labels) / READ
        for t in range(n_steps):
            rates = self.step(rates, images * 0)
            if t >= n_steps - RESTED:
                away = [(r - r0).square().mean() for r, r0 in zip(rates, rest, strict=True)]
                loss = loss + sum(away) / (RESTED * len(rates))
        return loss


def our_loss(
    model: CordsNet, images: Tensor, labels: Tensor, n_steps: int, **options: int
) -> Tensor:
    """The same loss by the package."""
    response = model.respond(
        images, n_steps=n_steps, n_blank=n_steps, n_after=n_steps, n_departure=RESTED, **options
    )
    logits = response.outputs[:, n_steps - READ : n_steps]
    entropy = cross_entropy(logits.flatten(0, 1), labels.repeat_interleave(READ))
    return entropy + response.departure.mean()


def build(preset: str, batch: int) -> tuple[CordsNet, Tensor, Tensor]:
    """Network, images and labels, always the same."""
    generator = torch.Generator().manual_seed(0)
    model = CordsNet(preset, 3, 10, generator=generator)
    with torch.no_grad():
        for bias in model.biases:
            bias.copy_(0.1 * torch.randn(bias.shape, generator=generator))
    images = torch.randn(batch, 3, 224, 224, generator=generator)
    return model, images, torch.arange(batch) % 10


def gradient(loss: Tensor, module: nn.Module) -> float:
    """Norm of the gradient of a loss."""
    found = torch.autograd.grad(loss, list(module.parameters()))
    return torch.stack([g.norm() for g in found]).norm().item()


def pairs(theirs: Callable[[], object], ours: Callable[[], object], repetitions: int) -> float:
    """Median ratio of CPU seconds, theirs over ours, of interleaved pairs."""
    ratios = []
    for _ in range(repetitions):
        seconds = []
        for call in (theirs, ours):
            start = time.process_time()
            call()
            seconds.append(time.process_time() - start)
        ratios.append(seconds[0] / seconds[1])
    return statistics.median(ratios)


def inference(preset: str, batch: int, n_steps: int, repetitions: int) -> dict[str, float]:
    """Ratio and largest difference of logits."""
    model, images, _ = build(preset, batch)
    released, logits = ReleasedWay(model), {}

    def theirs() -> None:
        with torch.inference_mode():
            logits["theirs"] = released(images, n_steps)

    def ours() -> None:
        with torch.inference_mode():
            logits["ours"] = model(images, n_steps=n_steps, n_blank=n_steps).outputs[:, -1]

    name = f"inference_{preset}_{batch}"
    ratio = pairs(theirs, ours, repetitions)
    difference = (logits["theirs"] - logits["ours"]).abs().max().item()
    return {name: ratio, f"{name}_difference": difference}


def peak_megabytes(task: str, n_steps: int) -> float:
    """Peak memory of a process of its own that does one task."""
    command = [sys.executable, __file__, "--memory-of", task, "--steps", str(n_steps)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def one_gradient(task: str, n_steps: int) -> float:
    """Do one task in this process and return its peak memory in megabytes."""
    model, images, labels = build("R2", 2)
    released = ReleasedWay(model)
    if task == "released":
        gradient(released.trial_loss(images, labels, n_steps), released)
    elif task != "nothing":
        gradient(our_loss(model, images, labels, n_steps, **WAYS[task]), model)
    return peak_of_this_process()


def peak_of_this_process() -> float:
    """Peak memory of this process in megabytes.

    ``getrusage`` would count that of the process that started this one too, if it was larger.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return float(line.split()[1]) / 1024


def training(name: str, n_steps: int, repetitions: int) -> dict[str, float]:
    """Ratio of seconds and of peak memory, and relative difference of gradient norms."""
    model, images, labels = build("R2", 2)
    released, norms = ReleasedWay(model), {}

    def theirs() -> None:
        norms["theirs"] = gradient(released.trial_loss(images, labels, n_steps), released)

    def ours() -> None:
        norms["ours"] = gradient(our_loss(model, images, labels, n_steps, **WAYS[name]), model)

    ratio = pairs(theirs, ours, repetitions)
    before, large, small = (peak_megabytes(t, n_steps) for t in ("nothing", "released", name))
    return {
        name: ratio,
        f"{name}_difference": abs(norms["ours"] / norms["theirs"] - 1),
        f"{name}_memory": (small - before) / (large - before),
        f"{name}_megabytes": small - before,
        "released_megabytes": large - before,
    }


def store(figures: dict[str, float]) -> None:
    """Add figures to the results, and keep those of parts that were measured another time."""
    path = Path(__file__).parent / "results" / "cordsnet.json"
    kept = json.loads(path.read_text(encoding="utf-8"))["figures"] if path.exists() else {}
    record = {"torch": torch.__version__, "threads": 1, "figures": kept | figures}
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Measure, print and store every figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100, help="of each phase, at least 30")
    parser.add_argument("--only", nargs="*", help="names of figures; all by default")
    parser.add_argument("--strict", action="store_true", help="fail if a target is missed")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.memory_of:
        print(one_gradient(arguments.memory_of, arguments.steps))
        return

    steps, repetitions = arguments.steps, arguments.repetitions
    calls = {
        f"inference_{preset}_{batch}": lambda p=preset, b=batch: inference(p, b, steps, repetitions)
        for preset, batch in INFERENCE
    } | {name: lambda n=name: training(n, steps, repetitions) for name in WAYS}
    figures: dict[str, float] = {}
    for name, call in calls.items():
        if not arguments.only or name in arguments.only:
            found = call()
            figures |= found
            for key, value in found.items():
                target = AT_LEAST.get(key, AT_MOST.get(key))
                print(f"{key:34s} {value:10.3g}" + (f"   target {target:g}" if target else ""))
    if (steps, repetitions) == (parser.get_default("steps"), parser.get_default("repetitions")):
        store(figures)
    missed = [name for name, least in AT_LEAST.items() if figures.get(name, least) < least]
    missed += [name for name, most in AT_MOST.items() if figures.get(name, most) > most]
    if missed:
        print("missed:", ", ".join(missed))
    if missed and arguments.strict:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
