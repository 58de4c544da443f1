"""How a stored network is built before its weights are filled in."""

from nmcourse.pretrained.builders.multitask import multitask_lstm, multitask_nm_rnn
from nmcourse.pretrained.builders.registry import BUILDERS
from nmcourse.pretrained.builders.timing import (
    measure_wait_go_linear_nm_rnn,
    measure_wait_go_nm_rnn,
)
from nmcourse.pretrained.builders.vision import digits_cordsnet

__all__ = [
    "BUILDERS",
    "digits_cordsnet",
    "measure_wait_go_linear_nm_rnn",
    "measure_wait_go_nm_rnn",
    "multitask_lstm",
    "multitask_nm_rnn",
]
