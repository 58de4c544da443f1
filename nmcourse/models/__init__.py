"""Recurrent models, all with the same verbs: see ``RecurrentModel``."""

from nmcourse.models._base import RecurrentModel, Trajectory
from nmcourse.models._scan import identity
from nmcourse.models._sizes import count_parameters, matching_size
from nmcourse.models.low_rank_rnn import LowRankRNN
from nmcourse.models.lstm import LSTM, LSTMState
from nmcourse.models.modulator import ClampedGain, GainSource, Modulator, PrescribedGain
from nmcourse.models.nm_rnn import NMRNN, NMState
from nmcourse.models.vanilla_rnn import VanillaRNN

__all__ = [
    "LSTM",
    "NMRNN",
    "ClampedGain",
    "GainSource",
    "LSTMState",
    "LowRankRNN",
    "Modulator",
    "NMState",
    "PrescribedGain",
    "RecurrentModel",
    "Trajectory",
    "VanillaRNN",
    "count_parameters",
    "identity",
    "matching_size",
]
