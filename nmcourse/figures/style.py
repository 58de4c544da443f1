"""One style for every figure, and one look for every meaning.

A *look* is a colour, a line style and a marker that go together, so that nothing is told by colour
alone. The colours start from the Okabe-Ito palette and are moved until each has a contrast of at
least 3:1 on white and on the dark page, and until the colours of one group stay apart under the
three kinds of colour blindness (tests/figures/test_style.py measures both).

Nothing happens on import: call :func:`use_style`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import matplotlib as mpl
from cycler import cycler

#: Axes, ticks and text: the grey with the same contrast (4.2:1) on white and on the dark page.
GREY = "#7b7b7b"

#: Pages a figure is read on: white, the book's dark page, and a plain dark page.
BACKGROUNDS = {"light": "#ffffff", "dark": "#14181e", "darker": "#121212"}


@dataclass(frozen=True)
class Look:
    """How one meaning is drawn: the same colour, line and marker in every figure.

    Args:
        colour: Colour as ``#rrggbb``.
        line: Line style: ``"solid"``, ``"dashed"``, ``"dotted"``, ``"dashdot"`` or ``"none"``.
        marker: Matplotlib marker, one of ``o s D ^ v x +`` or the empty string for none.
        label: Text for a legend.
        filled: Whether the marker is filled.
    """

    colour: str
    line: str = "solid"
    marker: str = "o"
    label: str = ""
    filled: bool = True

    def line_kwargs(self) -> dict[str, Any]:
        """Arguments for ``ax.plot`` that draw a line without markers."""
        return {"color": self.colour, "linestyle": self.line}

    def marker_kwargs(self) -> dict[str, Any]:
        """Arguments for ``ax.plot`` that draw markers without a line."""
        face = self.colour if self.filled else "none"
        return {
            "color": self.colour,
            "linestyle": "none",
            "marker": self.marker or "o",
            "markerfacecolor": face,
        }


#: One look per model.
MODELS = {
    "vanilla": Look("#1c9e77", "dashdot", "^", "vanilla RNN"),
    "low-rank": Look("#4466c4", "dashed", "s", "low-rank RNN"),
    "nm-rnn": Look("#dd6a0e", "solid", "o", "NM-RNN"),
    "lstm": Look("#b45f9e", "dotted", "D", "LSTM"),
}

#: One look per kind of interval in a timing task.
INTERVALS = {
    "trained": Look("#8f5be0", "solid", "o", "trained"),
    "shorter": Look("#e8590c", "dashed", "v", "shorter"),
    "longer": Look("#2f7fa8", "dotted", "^", "longer"),
}

#: Components of the gain s(t), in order; a sixth component starts again with other lines.
GAINS = (
    Look("#dd6f10", "solid", "o", "s₁"),
    Look("#4a66c4", "dashed", "s", "s₂"),
    Look("#12a578", "dotted", "^", "s₃"),
    Look("#a884bb", "dashdot", "D", "s₄"),
    Look("#8f6428", "solid", "v", "s₅"),
)

#: What the network should do, and anything without a meaning of its own.
TARGET = Look(GREY, "dashed", "", "target")
NEUTRAL = Look(GREY, "solid", "o", "")

#: Fixed points by stability.
STABLE = Look("#2f7fa8", "solid", "o", "stable")
UNSTABLE = Look("#e8590c", "dashed", "o", "unstable", filled=False)
SADDLE = Look("#8f5be0", "dashdot", "D", "saddle", filled=False)

_ALIASES = {
    "vanilla rnn": "vanilla",
    "rnn": "vanilla",
    "lr-rnn": "low-rank",
    "low-rank rnn": "low-rank",
    "nmrnn": "nm-rnn",
}
_BY_NAME = {
    **MODELS,
    **INTERVALS,
    **{f"gain {k}": gain for k, gain in enumerate(GAINS, start=1)},
    **{gain.label: gain for gain in GAINS},
    "target": TARGET,
    "neutral": NEUTRAL,
    "stable": STABLE,
    "unstable": UNSTABLE,
    "saddle": SADDLE,
}


def look(name: str) -> Look:
    """Find the look of a meaning by its name.

    Upper and lower case are the same, common spellings of the models are known, and words after
    the name are allowed: ``"LR-RNN (1/N)"`` has the look of the low-rank RNN.

    Args:
        name: Name of a model, a kind of interval, a gain component or a kind of fixed point.

    Returns:
        The look.

    Raises:
        ValueError: If no look has this name.
    """
    key = name.strip().lower()
    names = {**{known.lower(): known for known in _BY_NAME}, **_ALIASES}
    for known in sorted(names, key=len, reverse=True):
        rest = key.removeprefix(known)
        if rest != key and (not rest or not rest[0].isalnum()):
            return _BY_NAME[names[known]]
    raise ValueError(f"name: no look is called {name!r}; known names: {', '.join(_BY_NAME)}")


def gain_look(component: int) -> Look:
    """The look of one component of the gain, counted from 0.

    Args:
        component: Index of the component, 0 or larger.

    Returns:
        The look. Past the fifth component colours repeat, with the next line style.

    Raises:
        ValueError: If `component` is negative.
    """
    if component < 0:
        raise ValueError(f"component: {component} is negative; components count from 0")
    turn, index = divmod(component, len(GAINS))
    base = GAINS[index]
    line = GAINS[(index + turn) % 4].line
    digits = str(component + 1).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
    return Look(base.colour, line, base.marker, f"s{digits}")


def _settings() -> dict[str, Any]:
    return {
        "figure.figsize": (5.6, 3.4),
        "figure.dpi": 100,
        "figure.facecolor": "none",
        "figure.edgecolor": "none",
        "figure.constrained_layout.use": True,
        "savefig.facecolor": "auto",
        "savefig.transparent": True,
        "axes.facecolor": "none",
        "axes.edgecolor": GREY,
        "axes.labelcolor": GREY,
        "axes.titlecolor": GREY,
        "axes.linewidth": 1.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 12,
        "axes.titlelocation": "left",
        "axes.labelsize": 12,
        "axes.prop_cycle": cycler(
            color=[gain.colour for gain in GAINS], linestyle=[gain.line for gain in GAINS]
        ),
        "xtick.color": GREY,
        "ytick.color": GREY,
        "text.color": GREY,
        "font.size": 11,
        "legend.frameon": False,
        "legend.handlelength": 2.4,
        "lines.linewidth": 2.0,
        "lines.markersize": 6,
        "image.cmap": "viridis",
        "svg.hashsalt": "nmcourse",
    }


class StyleHandle:
    """What :func:`use_style` returns: undo it, or use it in a ``with`` block."""

    def __init__(self) -> None:
        parameters: Any = mpl.rcParams
        self._before: dict[str, Any] | None = {key: parameters[key] for key in _settings()}
        parameters.update(_settings())
        self._formats = _set_notebook_formats({"retina"})

    def undo(self) -> None:
        """Bring back the settings from before. A second call does nothing."""
        if self._before is None:
            return
        parameters: Any = mpl.rcParams
        parameters.update(self._before)
        self._before = None
        if self._formats is not None:
            _set_notebook_formats(self._formats)

    def __enter__(self) -> StyleHandle:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.undo()

    def _ipython_display_(self) -> None:
        """Show nothing when this is the last value of a cell."""


def use_style() -> StyleHandle:
    """Apply the style of the course to every figure made from now on.

    The background is transparent and text and axes are mid-grey, so that one picture is legible
    on a light and on a dark page. In a notebook, pictures get two pixels per dot (sharp on small
    screens).

    Returns:
        A handle: ``handle.undo()`` brings back the settings from before, and so does the end of
        ``with use_style(): ...``.
    """
    return StyleHandle()


def _set_notebook_formats(formats: set[str]) -> set[str] | None:
    """Set the picture formats of the notebook's inline backend; return those from before."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from matplotlib_inline.config import InlineBackend

    backend = InlineBackend.instance(parent=shell)
    backend.shell = shell
    before = set(backend.figure_formats)
    backend.figure_formats = formats
    return before
