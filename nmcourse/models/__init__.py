"""Recurrent models, all with the same verbs: see ``RecurrentModel``."""

from nmcourse.models._as_written import as_written
from nmcourse.models._base import RecurrentModel, RecurrentScaling, Trajectory
from nmcourse.models._output_network import OutputNetwork
from nmcourse.models._sizes import count_parameters, matching_size
from nmcourse.models.attention import AttentionReader
from nmcourse.models.conv_rnn import ConvRNN
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
from nmcourse.models.vision.eye_then_rates import (
    EyeState,
    EyeThenRates,
    grid_means,
    n_features,
)
from nmcourse.models.vision.layers import convolve
from nmcourse.models.vision.nm_cordsnet import NMCordsNet, sigmoid_to_two
from nmcourse.models.vision.pixel_rnn import PixelRNN, matched_pixel_rnn
from nmcourse.models.vision.planning import DivergingActivity, Response, divergence_is_an_error
from nmcourse.models.vision.rivals.cnn_then_rnn import CNNThenRNN
from nmcourse.models.vision.rivals.discrete import DiscreteNet
from nmcourse.models.vision.rivals.equilibrium import EquilibriumNet, NoEquilibrium
from nmcourse.models.vision.rivals.feedback import FeedbackNet
from nmcourse.models.vision.rivals.gated import ConvGRU
from nmcourse.models.vision.rivals.matching import RIVALS, matched_rival, rival
from nmcourse.models.vision.seeing import Seeing, SeeingNetwork
from nmcourse.models.vision.twin_cnn import TwinCNN
from nmcourse.models.vision.wiring import PRESETS, Area, CordsNetSizes, Stem

__all__ = [
    "GRU",
    "LSTM",
    "NMRNN",
    "PRESETS",
    "RIVALS",
    "Area",
    "AreaGains",
    "AttentionReader",
    "CNNThenRNN",
    "ClampedGain",
    "ConvGRU",
    "ConvRNN",
    "CordsNet",
    "CordsNetSizes",
    "DiscreteNet",
    "DivergingActivity",
    "EquilibriumNet",
    "EyeState",
    "EyeThenRates",
    "FeedbackNet",
    "GainSource",
    "LSTMState",
    "LowRankRNN",
    "Modulator",
    "NMCordsNet",
    "NMState",
    "NoEquilibrium",
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
    "divergence_is_an_error",
    "grid_means",
    "identity",
    "matched_pixel_rnn",
    "matched_rival",
    "matching_size",
    "n_features",
    "orthonormal_columns",
    "rival",
    "sigmoid_to_two",
]
