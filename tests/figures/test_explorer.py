import base64
import builtins
import re

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from nmcourse.figures import Slider, explore

pytest.importorskip("ipywidgets")
ALT = "A decay over 30 ms."
SEEN: list[dict[str, float]] = []


def draw(gain, tau=10.0):
    SEEN.append({"gain": gain, "tau": tau})
    _, ax = plt.subplots()
    ax.plot(np.arange(30), np.exp(-(1 - gain) * np.arange(30) / tau))
    return ax


@pytest.fixture(autouse=True)
def _forget():
    SEEN.clear()


def test_the_static_picture_has_alt_text_and_the_start_values(parse):
    shown = explore(draw, alt=ALT, gain=[0.0, 0.5, 0.9], tau=Slider("tau", [5, 10], start=5))
    page = parse(shown.static)
    (picture,) = [attributes for tag, attributes in page.elements if tag == "img"]
    assert picture["alt"] == ALT
    data = picture["src"].removeprefix("data:image/png;base64,")
    assert base64.b64decode(data).startswith(b"\x89PNG")
    assert "gain = 0.5, tau = 5" in shown.static
    assert SEEN == [{"gain": 0.5, "tau": 5.0}]


def test_moving_a_slider_redraws_and_says_so():
    shown = explore(draw, alt=ALT, gain=[0.0, 0.5, 0.9])
    before = shown.picture.value
    shown.sliders["gain"].value = 0.9
    assert SEEN[-1]["gain"] == 0.9
    assert shown.picture.value != before
    assert "Now gain = 0.9." in shown.picture.value


@pytest.mark.parametrize("result", ["figure", "axes", "current"])
def test_draw_may_return_figure_axes_or_nothing_and_leaves_no_figure(result):
    def drawing(gain):
        fig, ax = plt.subplots()
        ax.plot([0, gain])
        return {"figure": fig, "axes": ax, "current": None}[result]

    explore(drawing, alt=ALT, gain=[0.0, 1.0])
    assert plt.get_fignums() == []


def test_alt_and_a_slider_are_required():
    with pytest.raises(ValueError, match="alt: '' is empty"):
        explore(draw, alt="", gain=[0.0, 1.0])
    with pytest.raises(ValueError, match="sliders: none given"):
        explore(draw, alt=ALT)


def test_without_ipywidgets_the_error_says_how_to_install(monkeypatch):
    real = builtins.__import__

    def importing(name, *args, **kwargs):
        if name == "ipywidgets":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(ImportError, match="pip install ipywidgets"):
        explore(draw, alt=ALT, gain=[0.0, 1.0])


CELLS = [
    """
import matplotlib.pyplot as plt
from nmcourse.figures import explore, use_style
use_style()
""",
    "_, ax = plt.subplots()\nax.plot([0, 1], [0, 1]);",
    """
def draw(gain):
    _, ax = plt.subplots()
    ax.plot([0, gain])
    return ax
explore(draw, alt="A line.", gain=[0.0, 0.5, 1.0])
""",
]


def test_in_a_notebook_pictures_are_transparent_and_sharp_and_the_explorer_leaves_one(
    tmp_path, monkeypatch
):
    monkeypatch.delenv("MPLBACKEND", raising=False)  # a kernel has its own
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    NotebookClient(notebook, timeout=120).execute()
    assert notebook.cells[0].outputs == []  # use_style shows nothing

    (picture,) = notebook.cells[1].outputs
    (tmp_path / "picture.png").write_bytes(base64.b64decode(picture.data["image/png"]))
    pixels = plt.imread(tmp_path / "picture.png")
    assert (pixels[:3, :3, 3] == 0).all()
    assert pixels.shape[1] == pytest.approx(2 * picture.metadata["image/png"]["width"], abs=2)

    static, live = notebook.cells[2].outputs  # no third picture: the figure was closed
    assert 'alt="A line."' in static.data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in live.data
    mark = re.search(r'id="(nm-\w+)"', static.data["text/html"]).group(1)
    states = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    styles = [s["state"].get("value", "") for s in states.values()]
    assert any(f"#{mark} {{ display: none" in str(value) for value in styles)
