"""What the networks of C11 and C12 are trained with: the arms of ``return_to_rest``."""

from __future__ import annotations

from dataclasses import dataclass

from nmcourse.training import ImageTrial


@dataclass(frozen=True)
class Arm:
    """What a group of networks is trained with.

    Attributes:
        label: how texts call it.
        rest_coefficient: of the return-to-rest penalty.
        log_scale: decades by which the weights over the answer window rise.
        weight_decay: of AdamW.
        direct: whether it starts from random weights.
    """

    label: str
    rest_coefficient: float = 1e-3
    log_scale: float = 3.0
    weight_decay: float = 0.0
    direct: bool = False

    def trial(self) -> ImageTrial:
        """The published trial with this arm's loss."""
        return ImageTrial(rest_coefficient=self.rest_coefficient, log_scale=self.log_scale)


PUBLISHED = "published"
PENALTIES = {
    "penalty_0": Arm("λ = 0", 0.0),
    "penalty_1e-5": Arm("λ = 10⁻⁵", 1e-5),
    "penalty_1e-4": Arm("λ = 10⁻⁴", 1e-4),
    PUBLISHED: Arm("λ = 10⁻³"),
    "penalty_1e-2": Arm("λ = 10⁻²", 1e-2),
    "penalty_1e-1": Arm("λ = 0.1", 1e-1),
}
SCALES = {
    "scale_0": Arm("0 decades", log_scale=0.0),
    "scale_1": Arm("1 decade", log_scale=1.0),
    "scale_2": Arm("2 decades", log_scale=2.0),
    PUBLISHED: Arm("3 decades"),
    "scale_4": Arm("4 decades", log_scale=4.0),
}
DECAYS = {
    "decay_1e-2": Arm("λ = 0, weight decay 0.01", 0.0, weight_decay=1e-2),
    "decay_1e-1": Arm("λ = 0, weight decay 0.1", 0.0, weight_decay=1e-1),
}
DIRECT = {"direct": Arm("λ = 0, from random weights", 0.0, direct=True)}
ARMS = PENALTIES | SCALES | DECAYS | DIRECT
