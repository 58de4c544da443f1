"""Claims of the NM-RNN paper: Costacurta et al., NeurIPS 2024, its supplement not included.

"Authors' response" and "review" are the public pages of the paper on OpenReview. Sizes are given
as NM-RNN(units N, modulator units M, rank K).
"""

from __future__ import annotations

from nmcourse.evidence import Claim

_PAPER = "Costacurta et al. 2024"
_TIMING = "book/neuromodulation/learning_to_keep_time"
_GAIN = "book/neuromodulation/gain_as_neuromodulation"
_TIMING_WITH_GAIN = "book/neuromodulation/keeping_time_with_gain"
_GATES = "book/neuromodulation/why_gain_gates"
_MANY = "book/neuromodulation/one_network_many_tasks"
_REMEMBER = "book/neuromodulation/remembering_one_of_many"

CLAIMS = (
    Claim(
        "N1",
        "Without input, a mode of a linear NM-RNN with orthonormal, symmetric factors decays at "
        "the rate (1 − s)/τ that its gain s(t) sets: w(t) = w(0) exp(−∫(1 − s) dt/τ).",
        f"{_PAPER}, Eq. 5 and Fig. 2A",
        "an exact solution of the equation; the figure shows an example",
        _GAIN,
    ),
    Claim(
        "N2",
        "Under suitable assumptions an LSTM reproduces the dynamics of an NM-RNN; the gain takes "
        "the place of the forget gate.",
        f"{_PAPER}, Eq. 6 and Proposition 1",
        "equivalent under assumptions",
        _GATES,
    ),
    Claim(
        "N3",
        "In a trained linear NM-RNN of rank 1, the gain during the ramp follows the gain that the "
        "target output calls for, at trained and at extrapolated intervals.",
        f"{_PAPER}, Eq. 8 and Fig. 3B",
        "a close match in the figure; no number published",
        _GATES,
    ),
    Claim(
        "N4",
        "On trained intervals of Measure-Wait-Go, the vanilla RNN, the LSTM and the NM-RNN all "
        "reach a low error, the LSTM the lowest; the low-rank RNN is worse.",
        f"{_PAPER}, Fig. 3C; authors' response",
        "this order of the medians of 10 seeds; values not published",
        _TIMING,
    ),
    Claim(
        "N5",
        "On intervals shorter and longer than the trained ones, the NM-RNN has the lowest median "
        "error of the four models.",
        f"{_PAPER}, Fig. 3C; authors' response",
        "the NM-RNN lowest of four, medians of 10 seeds; values not published",
        _TIMING,
    ),
    Claim(
        "N6",
        "The ramps of the NM-RNN follow the measured interval beyond the trained range; those of "
        "the low-rank RNN fail for shorter and for longer intervals.",
        f"{_PAPER}, Fig. 3D; stored output of the released notebook",
        "one older pair of networks, steps of 10 ms from go to 90 % of the maximum, for targets "
        "4, 6, 8, 10 | 12, 14, 16, 18 | 20, 22, 24, 26: NM-RNN 7, 8, 9, 10 | 12, 14, 16, 18 | "
        "20, 22, 25, 29; low-rank RNN 10, 10, 11, 12 | 13, 15, 16, 19 | 22, 26, 31, 38",
        _TIMING,
    ),
    Claim(
        "N7",
        "Holding any one gain component of a trained NM-RNN near its initial value raises the "
        "error; holding one of them removes the control of the slope, while the output still "
        "ramps.",
        f"{_PAPER}, Fig. 3F; authors' response",
        "every ablation hurts, those of s₁ and s₃ most; without s₃ the control of the slopes is "
        "gone while the shape of a ramp stays; no number published",
        _TIMING_WITH_GAIN,
    ),
    Claim(
        "N8",
        "The comparison of N4 and N5 when every model has recurrence of the same effective size "
        "at the start and the same training budget. In the released code the baselines divide "
        "recurrence by N and the NM-RNN does not.",
        "the released code of the paper; control of this course",
        "not published",
        _TIMING_WITH_GAIN,
    ),
    Claim(
        "N9",
        "On the three trained tasks of the multitask set, NM-RNN, LSTM and vanilla RNN answer "
        "about equally many trials correctly; the low-rank RNN answers fewer.",
        f"{_PAPER}, Fig. 4B; authors' response",
        "this order, 10 seeds; values not published",
        _MANY,
    ),
    Claim(
        "N10",
        "A new task is learnt by retraining the modulator alone about as well as by retraining "
        "the input weights of a vanilla RNN or an LSTM, and better than with a low-rank RNN.",
        f"{_PAPER}, Fig. 4B; authors' response",
        "NM-RNN, vanilla RNN and LSTM similar, one NM-RNN outlier, the low-rank RNN low; values "
        "not published. Retrained are the input weights, those of all four gates in the LSTM; the "
        "aim is to reuse motifs, not continual learning",
        _MANY,
    ),
    Claim(
        "N11",
        "In the stimulus period the states of the NM-RNN form a ring ordered by the stimulus "
        "angle, in the plane of the first two principal components.",
        f"{_PAPER}, Fig. 4D",
        "a ring in the figure; no number published",
        _MANY,
    ),
    Claim(
        "N12",
        "The sign of the fifth principal component separates Pro from Anti trials, and flips for "
        "stimulus angles above π.",
        f"{_PAPER}, Fig. 4E; authors' response",
        "a sign flip at π in the figure, which the paper itself relates to the symmetry of sine "
        "and cosine; components 4 and 5 in a figure of the response; no number published",
        _MANY,
    ),
    Claim(
        "N13",
        "On Element Finder with 25 elements the LSTM has the lowest error, the NM-RNN solves the "
        "task, and the low-rank and vanilla RNNs largely fail.",
        f"{_PAPER}, Fig. 5B and 5C; authors' response",
        "LSTM < NM-RNN, both far below the low-rank and vanilla RNN; values not published. The "
        "gap to the LSTM is put down to input and output weights that are not modulated",
        _REMEMBER,
    ),
    Claim(
        "N14",
        "In an NM-RNN trained on Element Finder, x(t) and z(t) end on approximate line "
        "attractors, and some gain components switch at a time tied to the query.",
        f"{_PAPER}, Fig. 5D to 5F",
        "described and drawn for one network of (M, N, K) = (5, 18, 8); no number published",
        _REMEMBER,
    ),
    Claim(
        "N15",
        "At a fixed training budget the error of the NM-RNN on Element Finder grows with the "
        "length of the sequence.",
        f"{_PAPER}, review and authors' response",
        "predicted at a fixed size, number of batches and batch size, and observed in preliminary "
        "simulations; no number published",
        _REMEMBER,
    ),
    Claim(
        "N16",
        "Training an NM-RNN on the multitask set takes several times as long as training an LSTM.",
        f"{_PAPER}, authors' response",
        "150,000 iterations: about 1.5 h for NM-RNN(100, 20, 4), about 15 min for LSTM(8); put "
        "down to the sizes of the states (20 modulator units against 8), and not optimised",
        "book/neuromodulation/reviewers_ask",
    ),
    Claim(
        "F1",
        "The training loops of the released code forget the optimiser's moments every 1,000 "
        "steps. What does that change?",
        "the released code of the paper; question of this course",
        "not published",
        _TIMING_WITH_GAIN,
    ),
    Claim(
        "F2",
        "The four models, trained as the released scripts do it: own budgets and learning rates, "
        "resets, three stages for the NM-RNN, recurrence of the baselines divided by N; and the "
        "same loop on equal terms.",
        "the released code of the paper; question of this course",
        "not published; the settings behind each figure are not known",
        _TIMING_WITH_GAIN,
    ),
    Claim(
        "F4",
        "The released code takes the signs of its orthonormal row factors from a QR decomposition, "
        "which turns a column round when a pivot passes through zero. How often does that happen "
        "in training, and what does it do?",
        "the released code of the paper; question of this course",
        "not published",
        _TIMING_WITH_GAIN,
    ),
    Claim(
        "F5",
        "On untrained intervals the NM-RNN has a lower error than the low-rank RNN on equal terms: "
        "as both start by default, with gains that start near 1, and with recurrence of the same "
        "spectral radius.",
        "question of this course",
        "not published",
        _TIMING_WITH_GAIN,
    ),
    Claim(
        "F8",
        "The four models after a short training on equal terms: 8,000 one-cycle steps, each at the "
        "peak learning rate that suits it, with recurrence of equal strength at the start and "
        "divided by N. Which order comes out?",
        "question of this course",
        "not published",
        _TIMING,
    ),
)
