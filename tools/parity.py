"""Does the JavaScript of a figure that responds compute what Python computes?

    python -m tools.parity [NOTEBOOK ...]    default: every executed notebook in _build/executed

A figure that is simulated in the page brings the same computation in Python, and an executed
notebook keeps what that gave for some settings of the sliders. Node runs the JavaScript of the
very same cell output for these settings. Both must agree to TOLERANCE.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import nbformat

from nmcourse.figures import TWIN
from tools import notebooks, pairs

TOLERANCE = 1e-6
SCRIPTS = ("arithmetic.js", "weights.js", "flow.js")
# nmMount("nm-0123456789", {...}, function (p, nm) {...}); at the end of a script
CALL = re.compile(r'^(nmMount|nmFlow)\("nm-[0-9a-f]{10}", (?=\{)', re.MULTILINE)
ASK = {
    "nmMount": "const ask = ({spec, twin, run}) => twin.curves.map(({at}) => Object.fromEntries("
    "nmState(spec, run, at).curves.slice((spec.reference || []).length)"
    ".map(({name, x, y}) => [name, {x, y}])));",
    "nmFlow": "const ask = ({spec, twin, run}) => {"
    "const p = nmUnpack(spec.arrays);"
    "for (const one of spec.sliders) p[one.name] = one.values[one.start];"
    "const start = twin.path.map((axis) => axis[0]);"
    "return nmFlowPath((x, y) => run(x, y, p, nmTools), start, spec.dt, spec.steps); };",
}


def outputs(notebook: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield title and data of every figure of a notebook that has JavaScript of its own."""
    for cell in nbformat.read(notebook, as_version=4).cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            html = "".join(data.get("text/html", ""))
            if found := CALL.search(html):
                spec, end = json.JSONDecoder().raw_decode(html[found.end() :])
                if html[found.end() + end :].startswith(", function"):
                    yield spec["title"], data


def problems(data: Mapping[str, Any]) -> list[str]:
    """Return where JavaScript and Python differ in one figure.

    Args:
        data: The output of its cell, by mime type.
    """
    if TWIN not in data:
        return ["nothing was computed in Python"]
    html = "".join(data["text/html"])
    found = CALL.search(html)
    if found is None:
        raise ValueError("data: holds no figure with JavaScript of its own")
    spec, end = json.JSONDecoder().raw_decode(html[found.end() :])
    code = html[found.end() + end + 2 : html.rindex(");\n})();")]
    twin = data[TWIN]
    page = _node(
        f"{ASK[found[1]]}\nconst given = {json.dumps({'spec': spec, 'twin': twin})};\n"
        f"console.log(JSON.stringify(ask({{...given, run: {code}}})));"
    )
    if found[1] == "nmFlow":
        path = dict(zip("xy", twin["path"], strict=True))
        return differences({"path": page}, {"path": path}, {}, "path")
    lines = {curve["name"]: curve["line"] for curve in spec["curves"]}
    return [
        problem
        for one, shown in zip(twin["curves"], page, strict=True)
        for problem in differences(shown, one["curves"], lines, f"sliders at {one['at']}")
    ]


def differences(
    page: Mapping[str, Any], python: Mapping[str, Any], lines: Mapping[str, str], where: str
) -> list[str]:
    """Return how two sets of curves differ.

    Args:
        page: Curves of the page, name to `x` and `y`; None is a gap.
        python: Curves of Python.
        lines: How a curve is drawn, by its name; points that are not joined may come in any order.
        where: The setting, for the messages.
    """
    found = []
    for name in sorted({*page, *python}):
        sides = [_points(side.get(name, {"x": [], "y": []})) for side in (page, python)]
        if len(sides[0]) != len(sides[1]):
            counts = " and ".join(str(len(side)) for side in sides)
            found.append(f"{where}: {name!r}: {counts} points in page and Python")
        elif lines.get(name) == "none":
            lonely = [one for one in sides[0] if not any(_same(one, two) for two in sides[1])]
            found += [f"{where}: {name!r}: {one} only in the page" for one in lonely[:1]]
        else:
            unlike = [
                (k, pair) for k, pair in enumerate(zip(*sides, strict=True)) if not _same(*pair)
            ]
            found += [f"{where}: {name!r}: point {k}: {pair}" for k, pair in unlike[:1]]
    return found


def _points(curve: Mapping[str, Sequence[float | None]]) -> list[tuple[float | None, float | None]]:
    """Places of a curve; where one coordinate is missing, both are."""
    places = zip(curve["x"], curve["y"], strict=True)
    return [(None, None) if None in place else place for place in places]


def _same(one: tuple[Any, Any], two: tuple[Any, Any]) -> bool:
    gaps = [None in place for place in (one, two)]
    if any(gaps):
        return all(gaps)
    return all(abs(a - b) <= TOLERANCE * max(1, abs(b)) for a, b in zip(one, two, strict=True))


def _node(code: str) -> Any:
    program = shutil.which("node")
    if program is None:
        raise RuntimeError("node is not installed")
    folder = resources.files("nmcourse.figures").joinpath("assets")
    texts = [folder.joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS]
    script = "\n".join([*texts, code])
    done = subprocess.run([program, "-"], input=script, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the JavaScript fails: {done.stderr[-500:]}")
    return json.loads(done.stdout)


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit status."""
    executed = pairs.ROOT / notebooks.EXECUTED
    chosen = [Path(name) for name in arguments] or sorted(executed.rglob("*.ipynb"))
    count = 0
    status = 0
    for notebook in chosen:
        for title, data in outputs(notebook):
            count += 1
            for problem in problems(data):
                print(f"{notebook.stem}: {title}: {problem}", file=sys.stderr)
                status = 1
    print(f"{count} figures computed in JavaScript and in Python")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
