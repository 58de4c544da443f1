"""Pretrained weights: small files inside the package, verified each time they are loaded.

``manifest.json`` says of every file its size, its SHA-256, the command that makes it again, what
was measured on it, its licence, and for networks that see the images that they were trained on.
``python -m nmcourse.pretrained`` prints that list.
"""

from nmcourse.pretrained.builders import (
    BUILDERS,
    digits_cordsnet,
    measure_wait_go_linear_nm_rnn,
    measure_wait_go_nm_rnn,
    multitask_lstm,
    multitask_nm_rnn,
)
from nmcourse.pretrained.manifest import Entry, PretrainedError
from nmcourse.pretrained.weights import available, info, load, load_all, parameters, save, verify

__all__ = [
    "BUILDERS",
    "Entry",
    "PretrainedError",
    "available",
    "digits_cordsnet",
    "info",
    "load",
    "load_all",
    "measure_wait_go_linear_nm_rnn",
    "measure_wait_go_nm_rnn",
    "multitask_lstm",
    "multitask_nm_rnn",
    "parameters",
    "save",
    "verify",
]
