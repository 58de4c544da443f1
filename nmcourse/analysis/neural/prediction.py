r"""Predict neurons over time from a network: partial least squares with whole images held out.

    X (time x image, feature)  ->  Y (time x image, neuron)

All frames of one image are in one fold: a frame in training whose neighbour, 10 ms later, is in the
test would make any smooth signal predictive. Each fold is predicted from the others; the score of a
neuron is the correlation over the frames of a fold, averaged over folds.

What a score means depends on what else would reach it. Controls are predictors, too:

    shuffled time   the frames of each image in another order
    held still      the last frame at all times: a network without a time course
    permuted        the features of other images
    smooth signal   a random time course that is the same for every image

Reference: Soo et al. 2024, Fig. 6 and authors' response.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, count, counts, number
from nmcourse.analysis._checks import check_finite
from nmcourse.analysis.neural.least_squares import partial_least_squares
from nmcourse.analysis.neural.responses import correlate, part_of


class Prediction(NamedTuple):
    """What was predicted for images that were held out.

    Attributes:
        predicted: (time, image, unit).
        folds: (image,), number of the fold in which an image was held out.
    """

    predicted: Tensor
    folds: Tensor


def image_folds(
    n_images: int, n_folds: int = 5, *, generator: torch.Generator | None = None
) -> Tensor:
    """Fold of each image, (image,), of sizes that differ by one at most, in random order.

    Raises:
        ValueError: for fewer than two folds, or fewer than two images a fold.
    """
    n_images = count("n_images", n_images)
    n_folds = count("n_folds", n_folds)
    check_generator(generator)
    if n_folds < 2 or n_images < 2 * n_folds:
        raise ValueError(
            f"n_folds must be from 2 to half the number of images, got {n_folds} folds for "
            f"{n_images} images"
        )
    folds = torch.arange(n_images) % n_folds
    return folds[torch.randperm(n_images, generator=generator)]


def predict_neurons(
    features: Tensor,
    responses: Tensor,
    *,
    n_components: int = 15,
    n_directions: int = 100,
    n_folds: int = 5,
    folds: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Prediction:
    """Predict neurons from features by partial least squares; images are held out whole.

    Args:
        features: (time, image, feature), at the same times and of the same images.
        responses: (time, image, unit), means over repeats.
        n_components: of partial least squares; fewer where there are fewer features.
        n_directions: the features are first reduced to so many directions of most variance among
            the frames in training (all, where there are fewer).
        n_folds: how many times a share of the images is held out.
        folds: (image,) in place of random folds, for instance those of another predictor.
        generator: source of the folds.

    Raises:
        ValueError: for shapes that do not meet, numbers that are not finite, features that never
            change, or fewer images than two per fold.
    """
    for name, values in (("features", features), ("responses", responses)):
        check_finite(name, values)
        if values.ndim != 3 or 0 in values.shape:
            raise ValueError(
                f"{name} must have shape (time, image, ..) with nothing empty, "
                f"got {tuple(values.shape)}"
            )
    if features.shape[:2] != responses.shape[:2]:
        raise ValueError(
            "features and responses must meet in time and images, got (time, image) "
            f"{tuple(features.shape[:2])} and {tuple(responses.shape[:2])}"
        )
    if bool((features == features[:1, :1]).all()):
        raise ValueError("features must change over times or images, got one value for each")
    n_components, n_directions = counts(n_components=n_components, n_directions=n_directions)
    if folds is None:
        folds = image_folds(features.shape[1], n_folds, generator=generator)
    elif folds.shape != features.shape[1:2] or len(folds.unique()) < 2:
        raise ValueError(
            f"folds must give each of {features.shape[1]} images one of two folds or more, "
            f"got {folds.tolist()}"
        )
    x, y = features.double(), responses.double()
    predicted = torch.zeros_like(y)
    for fold in folds.unique().tolist():
        held, kept = folds == fold, folds != fold
        train = x[:, kept].flatten(0, 1)
        predicted[:, held] = _least_squares(
            train, y[:, kept].flatten(0, 1), x[:, held].flatten(0, 1), n_components, n_directions
        ).unflatten(0, (len(x), -1))
    return Prediction(predicted, folds)


def _least_squares(
    x: Tensor, y: Tensor, new: Tensor, n_components: int, n_directions: int
) -> Tensor:
    """Partial least squares on the directions in which the features vary most."""
    mean = x.mean(dim=0)
    rotation = _directions(x - mean, n_directions)
    if not rotation.shape[1]:  # a fold without any change
        return y.mean(dim=0).expand(len(new), -1)
    n = min(n_components, rotation.shape[1])
    return partial_least_squares((x - mean) @ rotation, y, n).predict((new - mean) @ rotation)


def _directions(centred: Tensor, n_directions: int) -> Tensor:
    """Orthonormal (feature, direction) of most variance; from the smaller of the two Gram matrices.

    Directions with less than a millionth of the largest length are empty but for rounding.
    """
    wide = centred.shape[1] > len(centred)
    gram = centred @ centred.mT if wide else centred.mT @ centred
    values, vectors = torch.linalg.eigh(gram)
    kept = values > 1e-12 * values[-1].clamp(min=1e-300)
    kept[: max(0, len(values) - n_directions)] = False
    found = vectors[:, kept].flip(1)
    return centred.mT @ found / values[kept].flip(0).sqrt() if wide else found


def prediction_score(prediction: Prediction, responses: Tensor, *, part: str = "all") -> Tensor:
    """Correlation of each neuron with what was predicted, (unit,), averaged over folds.

    Args:
        prediction: of :func:`predict_neurons`.
        responses: (time, image, unit): those that were predicted, or other repeats of them.
        part: ``"all"``, or ``"image"``: the mean over the images of a fold is taken out of both at
            each time, so that a time course that all images share counts for nothing.

    Raises:
        ValueError: if shapes differ, or ``part`` is another word.
    """
    predicted, folds = prediction
    check_finite("responses", responses)
    if predicted.shape != responses.shape:
        raise ValueError(
            f"responses must have shape {tuple(predicted.shape)}, got {tuple(responses.shape)}"
        )
    found = []
    for fold in folds.unique().tolist():
        guess, seen = predicted[:, folds == fold], responses[:, folds == fold]
        size = guess.abs().amax(dim=(0, 1))
        guess = part_of(guess, part)
        rounding = guess.abs().amax(dim=(0, 1)) <= 1e-9 * size  # nothing was left but that
        guess = torch.where(rounding, 0.0, guess)
        found.append(correlate(guess.flatten(0, 1), part_of(seen, part).flatten(0, 1)))
    return torch.stack(found).nanmean(dim=0)


def tuned_prediction(
    features: Tensor,
    responses: Tensor,
    *,
    candidates: Sequence[int] = (2, 5, 10, 20, 40),
    n_directions: int = 100,
    n_folds: int = 5,
    folds: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> tuple[Prediction, list[int]]:
    """The same with the number of components chosen inside each fold's training images.

    For each fold the training images are divided into folds again; the candidate with the largest
    median score over neurons is used. All predictors that are compared are tuned alike.

    Args:
        features: as in :func:`predict_neurons`, and so are the following ones.
        responses: (time, image, unit).
        candidates: numbers of components.
        n_directions: see there.
        n_folds: see there; the training images are divided into one fold fewer.
        folds: see there.
        generator: source of all folds.

    Returns:
        The prediction, and the number of components that was chosen in each fold.

    Raises:
        ValueError: as in :func:`predict_neurons`, or without candidates.
    """
    if not candidates:
        raise ValueError("candidates must hold at least one number of components, got none")
    if folds is None:
        folds = image_folds(features.shape[1], n_folds, generator=generator)
    options: dict[str, Any] = {"n_directions": n_directions}
    predicted, chosen = torch.zeros_like(responses, dtype=torch.float64), []
    for fold in folds.unique().tolist():
        kept = folds != fold
        x, y = features[:, kept], responses[:, kept]
        inner = image_folds(x.shape[1], max(2, n_folds - 1), generator=generator)
        scores = [
            prediction_score(predict_neurons(x, y, n_components=n, folds=inner, **options), y)
            for n in candidates
        ]
        best = candidates[max(range(len(scores)), key=lambda k: float(scores[k].nanmedian()))]
        chosen.append(best)
        one = (folds == fold).long()
        whole = predict_neurons(features, responses, n_components=best, folds=one, **options)
        predicted[:, ~kept] = whole.predicted[:, ~kept]
    return Prediction(predicted, folds), chosen


def bootstrap_score(
    prediction: Prediction,
    responses: Tensor,
    *,
    part: str = "all",
    n_draws: int = 200,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Scores, (draw, unit), with the images of each fold drawn again, with replacement.

    Raises:
        ValueError: as in :func:`prediction_score`, or for a number out of range.
    """
    check_generator(generator)
    predicted, folds = prediction
    members = [torch.nonzero(folds == fold).flatten() for fold in folds.unique()]
    found = []
    for _ in range(count("n_draws", n_draws)):
        drawn = [some[torch.randint(len(some), (len(some),), generator=generator)]
                 for some in members]  # fmt: skip
        order = torch.cat(drawn)
        again = Prediction(predicted[:, order], folds[order])
        found.append(prediction_score(again, responses[:, order], part=part))
    return torch.stack(found)


def shuffle_time(
    features: Tensor, *, each_image: bool = True, generator: torch.Generator | None = None
) -> Tensor:
    """Features (time, image, feature) with their frames in random order.

    Args:
        features: what is shuffled; every frame stays with its image.
        each_image: a new order for each image, or one order for all of them.
        generator: source of the orders.
    """
    check_generator(generator)
    n_times, n_images = features.shape[:2]
    n_orders = n_images if each_image else 1
    orders = [torch.randperm(n_times, generator=generator) for _ in range(n_orders)]
    order = torch.stack(orders, dim=1).expand(n_times, n_images)
    return features.gather(0, order[..., None].expand(features.shape))


def permute_images(features: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """Features (time, image, feature) of other images: the null without any image part."""
    check_generator(generator)
    return features[:, torch.randperm(features.shape[1], generator=generator)]


def held_still(features: Tensor) -> Tensor:
    """The last frame of features (time, image, feature) at all times: a static network."""
    return features[-1:].expand(features.shape).clone()


def smooth_signal(
    times: Tensor,
    n_images: int,
    n_features: int = 20,
    *,
    width: float = 20.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Random smooth time courses that know no image, (time, image, feature).

    Each is Gaussian noise with the covariance exp(-(t - t')^2 / (2 width^2)), the same for all
    images.

    Args:
        times: (time,) in ms.
        n_images: how many times the courses are repeated.
        n_features: number of courses.
        width: over which a course is smooth, in ms.
        generator: source of the noise.

    Raises:
        ValueError: for a number that is out of range.
    """
    check_finite("times", times)
    check_generator(generator)
    n_images, n_features = counts(n_images=n_images, n_features=n_features)
    number("width", width, "a positive number of ms", above=0)
    apart = times.double()[:, None] - times.double()
    covariance = torch.exp(-(apart**2) / (2 * width**2))
    values, vectors = torch.linalg.eigh(covariance)
    root = vectors * values.clamp(min=0).sqrt()
    noise = torch.randn(len(times), n_features, dtype=torch.float64, generator=generator)
    return (root @ noise)[:, None].expand(-1, n_images, -1).clone()
