"""The reviewers' questions about both papers, as sentences that an experiment can decide.

The reviews of Costacurta et al. and of Soo et al. (both NeurIPS 2024) and the authors' replies are
public on OpenReview. The questions are put here in our own words: R1 to R18 about the NM-RNN, from
R19 on those about CordsNet that no other claim of the ledger answers. Where a question asks for no
prediction, the sentence is ours: it says what one would expect, so that it can turn out wrong.
"""

from __future__ import annotations

from nmcourse.evidence import Claim

_REVIEW = "public review of Costacurta et al. 2024"
_REPLY = f"{_REVIEW}, and authors' response"
_COURSE = f"{_REVIEW}; sentence of this course"
_ASK = "book/neuromodulation/reviewers_ask"
_PROJECT = "book/neuromodulation/project_reaching"
_NOT_PUBLISHED = "not published"
_EYE = "public review of Soo et al. 2024"
_EYE_REPLY = f"{_EYE}, and authors' response"
_AGAIN = "book/vision/the_reviewers_ask_again"

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
        "would perhaps help performance, at the cost of plausibility: a gain saturates at 1, "
        "silences at 0, and keeps a sign; no number published",
        _ASK,
    ),
    Claim(
        "R3",
        "Measure-Wait-Go needs neither the rank 3 nor the five modulator units of the paper: the "
        "lowest possible rank, 1, solves it, and a smaller rank or modulator does as well.",
        f"{_REPLY}; smaller modulators are added by this course",
        "ranks are the lowest with satisfactory performance in a sweep; rank 1 for tractability, "
        "because “even at this lowest possible rank, the NM-RNN can solve the task”; "
        "rank 3 to match Beiran and colleagues (2023); errors not published",
        _ASK,
    ),
    Claim(
        "R4",
        "A learning-rate schedule and normalised inputs smooth the noisy training curves of "
        "Element Finder, and more networks converge.",
        f"{_REPLY}; the two means are this course's",
        "not published for these two: the authors expect smoother curves from regularisation, and "
        "find those of Measure-Wait-Go and of the multitask set much smoother. They train at a "
        "constant rate",
        _ASK,
    ),
    Claim(
        "R5",
        "A step of a low-rank NM-RNN is cheaper to evaluate than a step of a vanilla RNN with "
        "about as many neurons; the fair control asks the same for as many parameters.",
        _REPLY,
        "cheaper than a vanilla RNN of a similar number of neurons; operations not published. The "
        "training times against an LSTM are claim N16",
        _ASK,
    ),
    Claim(
        "R6",
        "Gains on the input and readout weights, beside those on the recurrence, close the gap "
        "between NM-RNN and LSTM on Element Finder.",
        _REPLY,
        "input and output weights are not modulated, and doing so might help; not measured",
        _ASK,
    ),
    Claim(
        "R7",
        "Gains that are learnt and move with time reach a lower error than a constant scalar gain "
        "on chosen weights, in the manner of Tsuda and colleagues (2021).",
        f"{_REPLY}; sentence of this course",
        "not published: not compared, because there neurons and constants must be prescribed",
        _ASK,
    ),
    Claim(
        "R8",
        "After its modulator is retrained on MemoryAnti, an NM-RNN has lost the three old tasks, "
        "and the stored gains of the old modulator bring them back.",
        _REPLY,
        "not published: the idea is the authors'. They call overwriting likely, which nothing in "
        "the training limits, and say that the s(t) learned before would let the network switch "
        "back at once; they have not tested it",
        _ASK,
    ),
    Claim(
        "R9",
        "On the multitask set, loss and percent correct put the four models in the same order.",
        _COURSE,
        "not published: the figure shows percent correct, and no losses",
        _ASK,
    ),
    Claim(
        "R10",
        "An NM-RNN whose gains act on sparse masks of a full matrix does as well as one whose "
        "gains act on rank-one terms, at the same number of parameters.",
        _REPLY,
        "not published: named as an alternative, and not measured",
        _ASK,
    ),
    Claim(
        "R11",
        "When the sequence of Element Finder grows, a longer training makes up for the error that "
        "a fixed budget leaves.",
        _REPLY,
        "the error is expected to improve with more iterations or larger models; not measured",
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
        "The gradient of an NM-RNN vanishes less on its way back through time than that of a "
        "low-rank or a vanilla RNN.",
        f"{_REPLY}; how it is measured is the choice of this course",
        "not published: the authors saw no vanishing gradients in their tasks. They speculate that "
        "likeness to the LSTM helps, and that vanishing gradients are why vanilla RNNs fail at "
        "Element Finder",
        _ASK,
    ),
    Claim(
        "R14",
        "An NM-RNN can be plugged in where another recurrent network stands: on row-by-row digits "
        "it classifies about as well as an LSTM with as many parameters.",
        f"{_REPLY}; sentence of this course",
        "not published: the authors do not argue for replacing a GRU or an LSTM",
        _ASK,
    ),
    Claim(
        "R15",
        "One dial: a single direction in the space of the gains of a trained NM-RNN carries most "
        "of the control that the gains have over the ramp.",
        f"{_REPLY}; the measure and the sentence are this course's",
        "not published: the measure is ours. By “structured flexibility” the authors mean "
        "additional parameters (flexibility) with a clear motivation and interpretation "
        "(structured), and their evidence is the ablation of s₃, claim N7",
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
        "not published: the effect of less dopamine on timing is offered as a prediction to make, "
        "without a direction",
        _ASK,
    ),
    Claim(
        "R19",
        "The return-to-rest penalty of CordsNet is weight decay under another name: it makes the "
        "recurrent weights smaller, and weight decay in its place brings networks as near to rest.",
        f"{_EYE_REPLY}; sentence of this course",
        "not published: largely the right direction, the authors say, since in a linear model the "
        "largest eigenvalue of the recurrent matrix decides, which the size of the weights acts "
        "on; no strong claim for nonlinear ones",
        _AGAIN,
    ),
    Claim(
        "R20",
        "Images made against it cost a CordsNet less accuracy than they cost a CNN without time, "
        "and networks in discrete time, that are as accurate on clean images.",
        f"{_EYE}; sentence of this course",
        "not published: adversarial robustness is not addressed",
        _AGAIN,
    ),
    Claim(
        "R21",
        "A CordsNet that learns without labels, to tell images from other images, has features "
        "from which a linear readout names digits better than from an untrained CordsNet.",
        f"{_EYE}; sentence of this course",
        "not published: self-supervision is not addressed",
        _AGAIN,
    ),
    Claim(
        "R22",
        "Averaged over time, neurons that we made are predicted better than in time, also in "
        "units of what noise allows; neurons that see no image are then not predicted, and the "
        "network is still ahead of an untrained one.",
        f"{_EYE_REPLY}; sentence of this course",
        "not published for such neurons: without averaging over time the score of recorded ones "
        "drops",
        _AGAIN,
    ),
    Claim(
        "R23",
        "The contraction penalty of C-RBP in place of the return-to-rest penalty brings a CordsNet "
        "as near to rest, at no cost in accuracy.",
        f"{_EYE_REPLY}; sentence of this course",
        "not published: the authors call the method promising for models in continuous time",
        _AGAIN,
    ),
)
