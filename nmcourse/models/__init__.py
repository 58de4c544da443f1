"""Recurrent models, all with the same verbs: see ``RecurrentModel``."""

from nmcourse.models._as_written import as_written
from nmcourse.models._base import RecurrentModel, RecurrentScaling, Trajectory
from nmcourse.models._output_network import OutputNetwork
from nmcourse.models._sizes import count_parameters, matching_size
from nmcourse.models.attention import AttentionReader
from nmcourse.models.gru import GRU
from nmcourse.models.loops.phi import identity
from nmcourse.models.low_rank_rnn import LowRankRNN, orthonormal_columns
from nmcourse.models.lstm import LSTM, LSTMState
from nmcourse.models.modulator import ClampedGain, GainSource, Modulator, PrescribedGain
from nmcourse.models.nm_rnn import NMRNN, NMState
from nmcourse.models.scalar_gain_rnn import ScalarGainRNN
from nmcourse.models.sparse_terms import SparseTerms
from nmcourse.models.vanilla_rnn import VanillaRNN
from nmcourse.models.vision.area_gains import AreaGains
from nmcourse.models.vision.cordsnet import CordsNet
from nmcourse.models.vision.layers import convolve
from nmcourse.models.vision.pixel_rnn import PixelRNN, matched_pixel_rnn
from nmcourse.models.vision.planning import DivergingActivity, Response
from nmcourse.models.vision.seeing import Seeing, SeeingNetwork
from nmcourse.models.vision.twin_cnn import TwinCNN
from nmcourse.models.vision.wiring import PRESETS, Area, CordsNetSizes, Stem

__all__ = [
    "GRU",
    "LSTM",
    "NMRNN",
    "PRESETS",
    "Area",
    "AreaGains",
    "AttentionReader",
    "ClampedGain",
    "CordsNet",
    "CordsNetSizes",
    "DivergingActivity",
    "GainSource",
    "LSTMState",
    "LowRankRNN",
    "Modulator",
    "NMState",
    "OutputNetwork",
    "PixelRNN",
    "PrescribedGain",
    "RecurrentModel",
    "RecurrentScaling",
    "Response",
    "ScalarGainRNN",
    "Seeing",
    "SeeingNetwork",
    "SparseTerms",
    "Stem",
    "Trajectory",
    "TwinCNN",
    "VanillaRNN",
    "as_written",
    "convolve",
    "count_parameters",
    "identity",
    "matched_pixel_rnn",
    "matching_size",
    "orthonormal_columns",
]
