"""An explorer for a live kernel, which leaves a static picture for everybody else."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nmcourse.figures.slider import Slider
from nmcourse.figures.widget import identifier, required_alt

_STYLE = """
figure.nm-explorer { margin: 0.5rem 0; }
figure.nm-explorer img { display: block; max-width: 100%; height: auto; margin: 0; }
.bd-content figure.nm-explorer figcaption, figure.nm-explorer figcaption {
  font-size: 0.9rem; text-align: left; }
html[data-theme="dark"] .bd-content div.cell_output .output.text_html:has(.nm-explorer) {
  background: none; color: inherit; padding: 0; }
html[data-theme="dark"] .bd-content div.cell_output figure.nm-explorer img {
  background: none; filter: none; padding: 0; }
"""


class Explorer:
    """What :func:`explore` returns. It has shown itself already; showing it again is harmless.

    Args:
        sliders: The widgets, by name, for a script that wants to move them.
        picture: The widget that shows the present picture.
        static: HTML of the picture at the start.
    """

    def __init__(self, sliders: dict[str, Any], picture: Any, static: str) -> None:
        self.sliders = sliders
        self.picture = picture
        self.static = static

    def _ipython_display_(self) -> None:
        """Show nothing more when this is the last value of a cell."""


def explore(
    draw: Callable[..., Figure | Axes | None], *, alt: str, **sliders: Slider | Sequence[float]
) -> Explorer:
    """Sliders that redraw a figure in a live notebook, and a static picture on the page.

    The picture at the start values is always left in the output. A live front end shows the
    sliders in its place.

    Args:
        draw: Called with one number per slider, by name. It returns a figure or axes; None stands
            for the current figure.
        alt: What the picture at the start shows, for readers who cannot see it.
        **sliders: For each argument of `draw` its values, or a :class:`Slider`.

    Returns:
        The explorer, already shown.

    Raises:
        ValueError: If `alt` is empty or there is no slider.
        ImportError: If ipywidgets is not installed.
    """
    described = required_alt(alt)
    if not sliders:
        raise ValueError("sliders: none given; name at least one argument of draw")
    widgets, display = _import_widgets()
    chosen = {
        name: entry if isinstance(entry, Slider) else Slider(name, entry)
        for name, entry in sliders.items()
    }
    start = {name: slider.values[slider.start_index] for name, slider in chosen.items()}
    first = _image(draw(**start), described)
    mark = identifier(described, *chosen)
    static = (
        f'<figure class="nm-explorer" id="{mark}">\n<style>{_STYLE}</style>\n{first}\n'
        f"<figcaption>{html.escape(_start_text(chosen))} Run this page as a notebook to move the "
        "sliders.</figcaption>\n</figure>"
    )
    controls = {name: _control(widgets, slider) for name, slider in chosen.items()}
    # The style inside the live widget hides the static picture: only a front end that shows the
    # sliders applies it.
    hide = widgets.HTML(f"<style>#{mark} {{ display: none; }}</style>")
    picture = widgets.HTML(first)

    def redraw(_: Any) -> None:
        values = {name: control.value for name, control in controls.items()}
        settings = ", ".join(f"{name} = {value:g}" for name, value in values.items())
        picture.value = _image(draw(**values), f"{described} Now {settings}.")

    for control in controls.values():
        control.observe(redraw, names="value")
    display.display(display.HTML(static))
    display.display(widgets.VBox([*controls.values(), picture, hide]))
    return Explorer(controls, picture, static)


def _import_widgets() -> tuple[Any, Any]:
    try:
        import ipywidgets
        from IPython import display
    except ImportError as error:
        raise ImportError(
            "explore needs ipywidgets, which is not installed: run 'pip install ipywidgets'"
        ) from error
    return ipywidgets, display


def _control(widgets: Any, slider: Slider) -> Any:
    options = [(slider.text(k), value) for k, value in enumerate(slider.values)]
    return widgets.SelectionSlider(
        options=options,
        value=slider.values[slider.start_index],
        description=slider.label,
        continuous_update=True,
        style={"description_width": "initial"},
        layout={"width": "min(100%, 32rem)"},
    )


def _start_text(sliders: dict[str, Slider]) -> str:
    shown = [f"{slider.label} = {slider.text(slider.start_index)}" for slider in sliders.values()]
    return f"Here {', '.join(shown)}."


def _image(drawn: Figure | Axes | None, alt: str) -> str:
    """The figure as an image element; the figure is closed, so that it is not shown twice."""
    figure = drawn if isinstance(drawn, Figure) else (drawn.figure if drawn else plt.gcf())
    if not isinstance(figure, Figure):
        figure = figure.get_figure(root=True) or plt.gcf()
    buffer = io.BytesIO()
    width = round(figure.get_size_inches()[0] * figure.dpi)
    figure.savefig(buffer, format="png", dpi=2 * figure.dpi, metadata={"Software": None})
    plt.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{html.escape(alt)}" width="{width}" src="data:image/png;base64,{data}">'
