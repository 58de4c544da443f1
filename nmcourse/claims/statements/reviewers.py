"""The reviewers' questions about the NM-RNN, as sentences that an experiment can decide.

The reviews of Costacurta et al. (NeurIPS 2024) and the authors' replies are public on OpenReview.
The questions are put here in our own words, R1 to R18. Where a question asks for no prediction, the
sentence is ours: it says what one would expect, so that it can turn out wrong.
"""

from __future__ import annotations

from nmcourse.evidence import Claim

_REVIEW = "public review of Costacurta et al. 2024"
_REPLY = f"{_REVIEW}, and authors' response"
_COURSE = f"{_REVIEW}; sentence of this course"
_ASK = "book/neuromodulation/reviewers_ask"
_PROJECT = "book/neuromodulation/project_reaching"
_NOT_PUBLISHED = "not published"

CLAIMS = (
    Claim(
        "R1",
        "With a random output network that stays as it was drawn, training the modulator alone is "
        "enough to learn Measure-Wait-Go.",
        _COURSE,
        _NOT_PUBLISHED,
        _ASK,
    ),
    Claim(
        "R2",
        "Gains that may be negative (tanh) or grow without bound (softplus) let an NM-RNN reach a "
        "lower error than gains between 0 and 1.",
        _REPLY,
        "signed gains are named as future work; no number published",
        _ASK,
    ),
    Claim(
        "R3",
        "The three rank-one terms and five modulator units of the paper are more than "
        "Measure-Wait-Go calls for: a smaller rank, or a smaller modulator, does as well.",
        _COURSE,
        "not published; the paper uses rank 3, and rank 1 for its linear network",
        _ASK,
    ),
    Claim(
        "R4",
        "A learning-rate schedule and normalised inputs smooth the noisy training curves of "
        "Element Finder, and more networks converge.",
        _COURSE,
        "not published; the paper trains at a constant rate",
        _ASK,
    ),
    Claim(
        "R5",
        "A step of an NM-RNN costs more operations and more time than a step of a vanilla RNN or "
        "an LSTM with as many parameters.",
        _REPLY,
        "150,000 iterations of the multitask set: about 1.5 h for NM-RNN(100, 20, 4), about 15 min "
        "for LSTM(8); operations not published",
        _ASK,
    ),
    Claim(
        "R6",
        "Gains on the input and readout weights, beside those on the recurrence, close the gap "
        "between NM-RNN and LSTM on Element Finder.",
        _REPLY,
        "the missing input and output gates are named as a likely cause of the gap; not measured",
        _ASK,
    ),
    Claim(
        "R7",
        "Gains that are learnt and move with time reach a lower error than a constant scalar gain "
        "on chosen weights, in the manner of Tsuda and colleagues (2021).",
        _COURSE,
        "the two are compared in words; no number published",
        _ASK,
    ),
    Claim(
        "R8",
        "After its modulator is retrained on MemoryAnti, an NM-RNN has lost the three old tasks, "
        "and the stored gains of the old modulator bring them back.",
        _COURSE,
        _NOT_PUBLISHED,
        _ASK,
    ),
    Claim(
        "R9",
        "On the multitask set, loss and percent correct put the four models in the same order.",
        _COURSE,
        "percent correct in the figure, losses not published",
        _ASK,
    ),
    Claim(
        "R10",
        "An NM-RNN whose gains act on sparse masks of a full matrix does as well as one whose "
        "gains act on rank-one terms, at the same number of parameters.",
        _REPLY,
        "named as an alternative; not measured",
        _ASK,
    ),
    Claim(
        "R11",
        "When the sequence of Element Finder grows, a longer training makes up for the error that "
        "a fixed budget leaves.",
        _REPLY,
        "a growing error at a fixed budget is predicted; not measured",
        _ASK,
    ),
    Claim(
        "R12",
        "Gain components that stay near zero, or hardly move, are a sign of too many parameters: "
        "they can be replaced by a constant without harm.",
        _COURSE,
        _NOT_PUBLISHED,
        _ASK,
    ),
    Claim(
        "R13",
        "On Measure-Wait-Go the gradient of an NM-RNN vanishes less on its way back through time "
        "than that of a low-rank or a vanilla RNN.",
        _COURSE,
        _NOT_PUBLISHED,
        _ASK,
    ),
    Claim(
        "R14",
        "An NM-RNN can be plugged in where another recurrent network stands: on row-by-row digits "
        "it classifies about as well as an LSTM with as many parameters.",
        _COURSE,
        _NOT_PUBLISHED,
        _ASK,
    ),
    Claim(
        "R15",
        "The flexibility of a trained NM-RNN is structured: a single direction in the space of its "
        "gains carries most of the control that the gains have over the ramp.",
        f"{_REVIEW}; definition and sentence of this course",
        "the word stands in the title of the paper; no definition or number published",
        _ASK,
    ),
    Claim(
        "R16",
        "A small attention network of about as many parameters has a lower error on Element Finder "
        "than the NM-RNN.",
        _COURSE,
        _NOT_PUBLISHED,
        _ASK,
    ),
    Claim(
        "R17",
        "In a reaching task with perturbations, an NM-RNN holds a disturbed arm on its course "
        "better than a low-rank RNN of the same size.",
        _COURSE,
        _NOT_PUBLISHED,
        _PROJECT,
    ),
    Claim(
        "R18",
        "Gains scaled down in a trained NM-RNN, a picture of low dopamine, make the ramps slower "
        "and the produced intervals longer.",
        f"{_REPLY}; direction of this course",
        "predicting the effect of low dopamine on timing is named as a use; not measured",
        _ASK,
    ),
)
