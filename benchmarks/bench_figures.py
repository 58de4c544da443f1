"""How fast the networks in the pages answer: processor time from a move to what is to be drawn.

    python benchmarks/bench_figures.py [--strict]

    timing, elements, stored_gains   one trial of the network in the page (target: 50)
    flow                             arrows, nullclines and a path of 200 units (target: 50)
    seeing                           a whole trial of the digit network, 200 ms of image and 200 ms
                                     of blank in steps of 2 ms, in the worker (target: 1500)

Each is the processor time of Node, the median of nine answers after two to warm up: what other
programs of the machine take is left out. Drawing is the browser's and is not in it. Results go to
``benchmarks/results/figures.json``, with the size of each figure in kB. With ``--strict`` a missed
target is an error.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import torch

from nmcourse import figures, pretrained
from nmcourse.analysis import cordsnet_arrays, nm_rnn_arrays
from nmcourse.models import LowRankRNN
from nmcourse.tasks import digit_images

AT_MOST = {"timing": 50, "elements": 50, "stored_gains": 50, "flow": 50, "seeing": 1500}
TEXTS = {"title": "A figure", "alt": "What it shows."}
RANK_TWO = """
let f = 0, g = 0;
for (let i = 0; i < p.left.length / 2; i++) {
  const r = Math.tanh(p.left[2 * i] * x + p.left[2 * i + 1] * y);
  f += p.right[2 * i] * r; g += p.right[2 * i + 1] * r;
}
return [(-x + f) / 100, (-y + g) / 100];
"""
# What a move makes the page compute; `spec` is what the page is given.
ANSWERS = {
    "timing": """
      const net = nmNmRnn(nmUnpack(spec.arrays));
      const setting = { interval: 160, measure: 150, delay: 150, donor: 120, held: -1,
                        scales: [1, 1, 0.5], moved: "both" };
      return () => nmTimingRun(net, setting, spec.task);""",
    "elements": """
      const net = nmNmRnn(nmUnpack(spec.arrays));
      return () => nmElementsRun(net, 7, spec.elements);""",
    "stored_gains": """
      const none = nmUnpack(spec.noModulatorInput);
      const net = nmNmRnn({ ...nmUnpack(spec.arrays), modulator_input: none });
      const tables = { inputs: nmUnpack(spec.inputs), gains: nmUnpack(spec.gains) };
      return () => nmStoredGainsRun(net, tables, { own: 0, other: 1, angle: 0, swap: 50 });""",
    "flow": f"""
      const p = nmUnpack(spec.arrays);
      const at = (x, y) => (function (x, y, p) {{ {RANK_TWO} }})(x, y, p);
      return () => [nmArrows(nmFlowGrid(at, spec.x, spec.y, 15), 0.1),
                    nmNullcline(nmFlowGrid(at, spec.x, spec.y, 41), 0),
                    nmFlowPath(at, [1, 1], 10, 300)];""",
    "seeing": """
      const net = nmCordsNet(nmUnpack(spec.arrays));
      const image = nmUnpack(spec.examples).slice(0, net.height * net.width);
      const plan = { dt: 2, before: 200, shown: 200, after: 200, noise: 0, seed: 1 };
      return () => nmSeeingTrial(net, image, plan, () => 0).advance(1e6);""",
}


def shown() -> dict[str, figures.Widget]:
    """The figures of the chapters, with the networks of the chapters."""
    timing, finder, tasks = (
        nm_rnn_arrays(pretrained.load(name)[0])
        for name in ("mwg_nm_rnn", "ef_nm_rnn_5_18_8_longer", "mt_nm_rnn")
    )
    zero, table = np.zeros(110), np.zeros((4, 8, 100, 3))
    left, right = LowRankRNN(1, 200, 1, 2, generator=torch.Generator().manual_seed(0)).factors()
    digits = digit_images("test", 8)
    return {
        "timing": figures.interactive_timing(timing, outputs=zero, targets=zero, **TEXTS),
        "elements": figures.interactive_elements(
            finder, elements=list(range(-10, 11)), query=7, outputs=np.zeros(22), **TEXTS
        ),
        "stored_gains": figures.interactive_stored_gains(
            tasks,
            tasks=["a", "b", "c", "d"],
            angles=[45.0 * k for k in range(8)],
            inputs=table,
            gains=table,
            outputs=table[0, 0],
            swap=500.0,
            **TEXTS,
        ),
        "flow": figures.interactive_flow(
            RANK_TWO,
            arrays={"left": left, "right": right},
            path=[[1, 1], [1, 1]],
            x_range=(-3, 3),
            y_range=(-3, 3),
            x_label="x",
            y_label="y",
            rest_labels=("x rests", "y rests"),
            tau=100,
            dt=10,
            steps=300,
            **TEXTS,
        ),
        "seeing": figures.interactive_seeing(
            cordsnet_arrays(pretrained.load("digits_cordsnet_lasting")[0]),
            images=digits.images[:10],
            labels=digits.labels[:10].tolist(),
            outputs=np.zeros((200, 10)),
            **TEXTS,
        ),
    }


def milliseconds(widget: figures.Widget, answer: str) -> float:
    """Processor time of an answer; the script is the one that the page runs."""
    (script,) = re.findall(r"<script>\n\(function \(\) \{\n(.*)</script>", widget.html, re.DOTALL)
    code, call = re.split(r"\n(?=nm\w+\(\"nm-[0-9a-f]{10}\", )", script)
    text = re.match(r"nm\w+\(\"nm-[0-9a-f]{10}\", ", call)
    assert text is not None
    spec = json.JSONDecoder().raw_decode(call[text.end() :])[0]
    program = f"""{code}
      const answer = (function (spec) {{ {answer} }})({json.dumps(spec)});
      const taken = Array.from({{ length: 11 }}, () => {{
        const start = process.cpuUsage(); answer(); return process.cpuUsage(start).user / 1000; }});
      console.log(taken.slice(2).sort((a, b) => a - b)[4]);"""
    done = subprocess.run(["node", "-"], input=program, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Measure, print and store every figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--strict", action="store_true", help="fail if a target is missed")
    arguments = parser.parse_args()
    found = {}
    for name, widget in shown().items():
        taken, size = milliseconds(widget, ANSWERS[name]), len(widget.html.encode()) / 1000
        found[name] = {"milliseconds": taken, "kilobytes": size}
        print(
            f"{name:14s} {taken:8.1f} ms (target below {AT_MOST[name]})   {size:5.0f} kB",
            flush=True,
        )
    path = Path(__file__).parent / "results" / "figures.json"
    path.write_text(json.dumps({"figures": found}, indent=1) + "\n", "utf-8")
    missed = [name for name, one in found.items() if one["milliseconds"] > AT_MOST[name]]
    if missed:
        print("missed:", ", ".join(missed))
    if missed and arguments.strict:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
