"""Sentences of this course about a CordsNet under gains: beyond both papers."""

from __future__ import annotations

from nmcourse.evidence import Claim

_OURS = "question of this course"
_CHAPTER = "book/vision/a_modulated_eye"

CLAIMS = (
    Claim(
        "F15",
        "The recurrent gain is the clock of a CordsNet: at every gain, the last approach to a held "
        "image has the time constant that the units active there imply, without a free number.",
        _OURS,
        "not published",
        _CHAPTER,
    ),
    Claim(
        "F16",
        "A higher recurrent gain makes the state of a CordsNet settle later, and its answer does "
        "not come later; its outputs become noisier, and the signal in them grows more.",
        _OURS,
        "not published",
        _CHAPTER,
    ),
    Claim(
        "F17",
        "The gains of a frozen CordsNet, under a frozen readout, switch the rule over the same "
        "images; they do so at least as well as a bias, a picture or a new readout.",
        _OURS,
        "not published",
        _CHAPTER,
    ),
    Claim(
        "F18",
        "Gains that were learnt for each rule alone follow, through a modulator of three units, a "
        "cue that changes while the image stays, and return with it; a switch costs them no more "
        "than biases, and a slow modulator is late.",
        _OURS,
        "not published",
        _CHAPTER,
    ),
    Claim(
        "F19",
        "Retraining the modulator alone teaches a CordsNet a new rule, or new images, and spoils "
        "the rules that it knew; gains that were stored before bring them back.",
        _OURS,
        "not published",
        _CHAPTER,
    ),
)
