r"""Images that are made against a network: the worst small change that its gradient finds.

    gradient sign   x' = x + epsilon sign(dL/dx)                        one step
    repeated        x <- box(x + step sign(dL/dx)), box: abs(x' - x) <= epsilon in every pixel

L is the cross entropy at the last step with the image. A gradient reaches the image through all
steps for which it is shown; a network whose gradient vanishes on this way would look robust and not
be so, which is why more than one way of making such images, and images made against another
network, belong to a comparison.

Reference: Goodfellow et al. 2015 (gradient sign); Madry et al. 2018 (repeated).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nmcourse._inputs import check_tensor, count, number, whole
from nmcourse.models import Seeing

REACH = 2.5  # steps of a repeated attack together may go so many times as far as the box is wide


def adversarial_images(
    model: Seeing,
    images: Tensor,
    labels: Tensor,
    size: float,
    *,
    n_blank: int,
    n_steps: int,
    n_iterations: int = 1,
) -> Tensor:
    """Images that differ by at most ``size`` in every pixel, and raise the network's loss.

    Args:
        model: the network; its weights stay as they are.
        images: held images (image, channel, height, width).
        labels: number of the right class, (image,).
        size: largest change of a pixel, in the unit of the images.
        n_blank: steps without an image before, from silence; none where it was trained so.
        n_steps: steps with the image; the loss is that of the last one.
        n_iterations: 1 for the gradient sign, more for a repeated attack.

    Returns:
        As ``images``. Where the gradient is zero, a pixel stays as it is.

    Raises:
        ValueError: for labels that do not fit, or a number out of range.
    """
    check_tensor("images", images)
    check_tensor("labels", labels)
    if labels.shape != images.shape[:1]:
        raise ValueError(f"labels must have shape ({len(images)},), got {tuple(labels.shape)}")
    size = number("size", size, "zero or positive", least=0)
    n_iterations, n_steps = count("n_iterations", n_iterations), count("n_steps", n_steps)
    n_blank = whole("n_blank", n_blank, least=0)
    step = size if n_iterations == 1 else REACH * size / n_iterations
    found = images
    for _ in range(n_iterations):
        moved = found + step * image_gradient(model, found, labels, n_blank, n_steps).sign()
        found = images + (moved - images).clamp(-size, size)
    return found


def image_gradient(
    model: Seeing, images: Tensor, labels: Tensor, n_blank: int, n_steps: int
) -> Tensor:
    """dL/dx of the cross entropy at the last step, shape of ``images``; zero if not finite."""
    with torch.enable_grad():
        varied = images.detach().clone().requires_grad_()
        outputs = outputs_at_last(model, varied, n_blank, n_steps)
        loss = nn.functional.cross_entropy(outputs, labels, reduction="sum")
        (found,) = torch.autograd.grad(loss, varied)
    return found.nan_to_num(0.0, 0.0, 0.0)


def outputs_at_last(model: Seeing, images: Tensor, n_blank: int, n_steps: int) -> Tensor:
    """Outputs (image, class) at the last step with the image, after blank steps from silence."""
    start = model.rest(n_blank) if n_blank else None
    response = model.respond(images, n_steps=n_steps, n_blank=0, state=start, check_finite=False)
    return response.outputs[:, -1]
