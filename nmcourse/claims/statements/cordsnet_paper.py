"""Claims of the CordsNet paper: Soo et al., NeurIPS 2024.

"Authors' response" and "public comment" are the public pages of the paper on OpenReview.
"""

from __future__ import annotations

from nmcourse.evidence import Claim

_PAPER = "Soo et al. 2024"

CLAIMS = (
    Claim(
        "C1",
        "Convolutional RNNs with random weights are stable, oscillatory or chaotic, depending on "
        "the gain of their recurrent weights.",
        f"{_PAPER}, Fig. 1B and S1B",
        "the three regimes are shown; no number published",
        "book/vision/convolution_as_connectivity",
    ),
    Claim(
        "C2",
        "The kernel size of a convolution shapes the distribution of singular values of the "
        "matrix that it amounts to.",
        f"{_PAPER}, Fig. S1A",
        "the shape changes with the kernel size",
        "book/vision/convolution_as_connectivity",
    ),
    Claim(
        "C3",
        "Trained on cognitive tasks, convolutional, low-rank and sparse RNNs of 125 to 512 units "
        "find trajectories comparable to those of a dense RNN.",
        f"{_PAPER}, Fig. 1C and the table of Procrustes distances",
        "comparable solutions, compared by their trajectories on five tasks at three sizes; "
        "values not accessible",
        "book/vision/attractors_and_ambiguity",
    ),
    Claim(
        "C4",
        "On a memory-guided task the delay activity of a convolutional RNN rests on a ring, a "
        "line or point attractors, depending on the set of stimuli.",
        f"{_PAPER}, Fig. S3",
        "ring, line and point attractors are shown; no number published",
        "book/vision/attractors_and_ambiguity",
    ),
    Claim(
        "C5",
        "Batch normalisation can be folded into weights and bias maps without changing what the "
        "network computes.",
        f"{_PAPER}, released code",
        "identical by construction",
        "book/vision/training_by_stages",
    ),
    Claim(
        "C6",
        "Initialising CordsNet in stages gives a higher accuracy than training it directly for "
        "the same time; after fine-tuning it is slightly below the CNN.",
        f"{_PAPER}, Fig. 2D and Table 1; authors' response",
        "initialised above direct; fine-tuned networks “only slightly poorer” than the "
        "CNNs with the same convolutions, about 5 % on ImageNet, with a best top-1 accuracy below "
        "60 %; fully connected dynamical RNNs near chance there; further values not accessible",
        "book/vision/training_by_stages",
    ),
    Claim(
        "C7",
        "Between two images CordsNet returns to baseline and then classifies the second image; a "
        "feed-forward CNN has no dynamics, and a discrete-time recurrent CNN is right only at "
        "its trained step.",
        f"{_PAPER}, Fig. 3A and 3B; authors' response",
        "only CordsNet resets and classifies again; no number published. A CNN followed by an "
        "RNN, the authors say, could give this too",
        "book/vision/seeing_over_time",
    ),
    Claim(
        "C8",
        "With noise added at every step, the activity and the accuracy of CordsNet degrade less "
        "than those of a CNN and of a discrete-time recurrent CNN.",
        f"{_PAPER}, Fig. 3C and 3D; authors' response",
        "CordsNet degrades less at 5 noise levels, which the authors put down to the integration "
        "of evidence over time (their Eq. 7); values not published",
        "book/vision/seeing_through_noise",
    ),
    Claim(
        "C9",
        "Networks trained to answer in an early or in a late window have other dynamics and other "
        "leading eigenvalues.",
        f"{_PAPER}, Fig. 4B; authors' response",
        "dynamics and spectra differ, and a static front end could not show it: it has no lag and "
        "no time course; the direction of the change is not published",
        "book/vision/attractors_and_ambiguity",
    ),
    Claim(
        "C10",
        "Arnoldi iteration finds the leading eigenvalues of a convolutional recurrent matrix.",
        f"{_PAPER}, Fig. 4A and released code",
        "a spectrum is shown; the error is not published",
        "book/vision/convolution_as_connectivity",
    ),
    Claim(
        "C11",
        "The return-to-rest penalty with coefficient 10⁻³ makes all trained networks monostable; "
        "without it some are unstable or multistable.",
        f"{_PAPER}, authors' response and Appendix D",
        "20 R2 networks on CIFAR-10 for each of 6 coefficients: all monostable at 10⁻³, mixed at "
        "0; counts not accessible. Unstable: activity explodes after the stimulus and never "
        "recovers; multistable: stable, does not return to baseline, and as such misclassifies a "
        "second image; monostable: returns. To a reviewer who asks whether this is weight decay: "
        "largely the right direction, since in a linear model the size of the weights acts on the "
        "largest eigenvalue; no strong claim for nonlinear ones",
        "book/vision/what_the_loss_is_for",
    ),
    Claim(
        "C12",
        "Rising weights of the loss over the answer window prevent networks that classify only "
        "inside the window.",
        f"{_PAPER}, authors' response and Appendix D",
        "10 R2 networks for each of 5 scales on a logarithmic scale: a few transient ones without "
        "rising weights (right in the window only, no fixed point reached), none with them; "
        "counts not accessible",
        "book/vision/what_the_loss_is_for",
    ),
    Claim(
        "C13",
        "CordsNet as a front end, followed by a fully connected RNN, solves four cognitive tasks "
        "from images: numerosity, categorisation, oculomotor delayed response, random dots.",
        f"{_PAPER}, Fig. 5",
        "solved, as an illustration from which nothing about brains is predicted; probably a CNN "
        "followed by an RNN could do so too; no number published",
        "book/vision/from_pixels_to_decisions",
    ),
    Claim(
        "C14",
        "Predicting neurons over time from CordsNet is better than predicting the same data with "
        "shuffled time.",
        f"{_PAPER}, Fig. 6; authors' response",
        "better, paired t-test p < 10⁻⁴ or p < 10⁻⁷; scores not accessible. Partial least squares "
        "between matrices of time and image by unit; without averaging over time the score drops",
        "book/vision/comparing_with_a_brain",
    ),
    Claim(
        "C15",
        "How accuracy and stability depend on the time step, from a fine one (dt/τ = 0.2) to a "
        "network with few unrolled steps (dt/τ = 1).",
        f"{_PAPER}, public comment",
        "not published: an open question",
        "book/vision/building_cordsnet",
    ),
    Claim(
        "F3",
        "A small CordsNet that learns digits in stages reaches 97 % on new images, keeps its "
        "answers when the image stays for twice the trained time, returns to rest when it goes, "
        "and then classifies another one.",
        "question of this course",
        "not published for digits",
        "book/vision/training_by_stages",
    ),
    Claim(
        "F30",
        "On images of native size, in stages, a CordsNet of four areas comes within 2 points of "
        "its CNN on Fashion-MNIST and within 4 on CIFAR-10, reaches 98.5 % on MNIST, and keeps its "
        "answers.",
        "question of this course",
        "other sizes: fine-tuned networks only slightly poorer than their CNNs, about 5 % on "
        "ImageNet",
        "",
    ),
    Claim(
        "F20",
        "Two images mixed half and half take a CordsNet to one steady state between the states of "
        "both, whichever came before; a third class is named as often as by a CNN without time.",
        "question of this course",
        "the authors' response: a state interpolated between the two, a steady state (Fig. 4C); no "
        "number published, and nothing of third classes",
        "book/vision/attractors_and_ambiguity",
    ),
    Claim(
        "F21",
        "Trained with delays three times as long, convolutional networks hold a ring, a line and "
        "points for 6 s.",
        "question of this course",
        "not published",
        "book/vision/attractors_and_ambiguity",
    ),
    Claim(
        "F22",
        "On the ring task, families of networks move alike by dynamical similarity analysis: no "
        "less than two seeds of one.",
        "question of this course",
        "not published",
        "book/vision/attractors_and_ambiguity",
    ),
    Claim(
        "F6",
        "Of networks of one size, each trained in the manner of its source, every rival of the "
        "CordsNet loses something over time that the CordsNet keeps: an image that stays, the next "
        "one, durations and steps never trained, another start.",
        "question of this course",
        "not published",
        "book/vision/seeing_over_time",
    ),
    Claim(
        "F7",
        "Within a class, images with a large margin are answered sooner by a CordsNet, and more "
        "so than by a low-pass filter on the outputs of a CNN without time.",
        "question of this course",
        "not published",
        "book/vision/seeing_over_time",
    ),
    Claim(
        "F31",
        "Between networks that are equally good without noise, a CordsNet suffers less from new "
        "noise than its CNN and than networks in discrete time, all given the same evidence.",
        "question of this course",
        "not published for networks made equal",
        "book/vision/seeing_through_noise",
    ),
)
