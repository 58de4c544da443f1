"""What other sites show of a page that is linked there: its title, the course, and one picture.

python -m tools.web.preview    draw the picture again, from the stored networks of the course
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from tools import pairs

PICTURE = "book/_static/preview.png"
ALT = (
    "Twelve ramps of a network that keeps time, one for each interval from 40 to 260 milliseconds."
)


def metatags(title: str, course: str, picture: str) -> str:
    """Return the tags of a page; `picture` is an address that works on it."""
    tags = {
        "og:type": "article",
        "og:site_name": course,
        "og:title": title,
        "og:image": picture,
        "og:image:alt": ALT,
    }
    return "".join(
        f'<meta property="{name}" content="{escape(content)}" />\n'
        for name, content in tags.items()
    )


def _page_context(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    if page not in app.env.found_docs:
        return
    picture = context["pathto"](f"_static/{Path(PICTURE).name}", resource=True)
    title = app.env.titles[page].astext() if page in app.env.titles else page
    tags = metatags(title, app.config.html_title or app.config.project, picture)
    context["metatags"] = context.get("metatags", "") + tags


def setup(app: Any) -> None:
    """Tell Sphinx when to ask."""
    app.connect("html-page-context", _page_context)


def draw(path: Path) -> None:
    """Draw the picture, 1200 x 630: the course by name, and what one of its networks does."""
    import matplotlib.pyplot as plt
    import torch

    from nmcourse import figures, pretrained
    from nmcourse.tasks import LONGER, SHORTER, TRAINED, MeasureWaitGo

    torch.set_grad_enabled(False)
    figures.use_style()
    network = pretrained.load("mwg_nm_rnn")[0]
    trials = MeasureWaitGo(SHORTER + TRAINED + LONGER, measure_times=[150]).enumerate()
    outputs = network(trials.inputs).outputs
    time = network.dt * torch.arange(outputs.shape[1])
    fig = plt.figure(figsize=(12, 6.3), dpi=100, facecolor="white", layout="none")
    ax = fig.add_axes((0.46, 0.12, 0.5, 0.76))
    interval, go = trials.conditions["interval"], trials.conditions["go_time"]
    figures.plot_ramps(time, outputs, interval, trained=TRAINED, go_times=go, ax=ax)
    ax.set(xlim=(-60, 360), title="")
    if (legend := ax.get_legend()) is not None:
        legend.remove()
    fig.text(0.05, 0.66, "Recurrent\nnetworks", fontsize=44, weight="bold", va="center")
    fig.text(0.05, 0.42, "structure, gain, vision", fontsize=26, color="#4466c4", va="center")
    fig.text(0.05, 0.27, "An executable course", fontsize=20, va="center")
    fig.savefig(path, transparent=False, bbox_inches=None, pil_kwargs={"optimize": True})
    plt.close(fig)


if __name__ == "__main__":
    draw(pairs.ROOT / PICTURE)
