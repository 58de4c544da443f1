"""Parameters in the layout of the authors' public code -> our models.

``load(name, arrays, **settings)`` takes the parameters of one of the released NM-RNN models under
their published names and returns a model of ``nmcourse.models`` that computes the same outputs.
``gradients(model)`` gives the model's gradients back under those names. Times of these models are
in steps, as in the released code: dt = 1. So are the signs of orthonormal row factors, which
``nmcourse.models`` chooses otherwise (``orthonormal="raw"``, see ``LowRankRNN``).

``cordsnet(state_dict)`` builds a CordsNet from a state dict of its released code, and
``cordsnet_state_dict(model)`` makes such a state dict.

Reference: Costacurta et al. 2024, public code (see the chapter *Keeping time with gain* for what
its scalings do); Soo et al. 2024, public code.
"""

from nmcourse.published._cordsnet import cordsnet, cordsnet_state_dict
from nmcourse.published._nm_rnn import LAYOUTS, Layout, gradients, load

__all__ = ["LAYOUTS", "Layout", "cordsnet", "cordsnet_state_dict", "gradients", "load"]
