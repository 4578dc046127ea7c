"""How a network is trained: every hyperparameter of the trainer in one frozen object."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from netwright.errors import EvaluationError, UnknownNameError

__all__ = ["Recipe"]

_CHOICES = {"optimizer": ("adamw", "sgd"), "amp": ("auto", "on", "off"), "compile": ("auto", "on", "off")}
_WHOLE = ("epochs", "batch_size", "base_depth", "patience", "seed", "crop")
_SWITCHES = ("flip", "architecture_aware")
_OPTIONAL = ("weight_decay", "crop", "warp", "flip")
_POSITIVE = ("lr", "epochs", "batch_size", "base_depth")
_SHARES = ("warmup_fraction", "label_smoothing", "momentum", "averaging")


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a training.

    >>> Recipe.from_mapping({"lr": 0.01, "epochs": 5}).lr
    0.01

    optimizer: "adamw" (Loshchilov and Hutter 2019) or "sgd" with Nesterov momentum.
    lr: highest learning rate; it rises over the first `warmup_fraction` of the steps and falls to 0 by a cosine.
    weight_decay: of weights, not of biases, scales and other vectors; None for 0.05 with AdamW, 0.0005 with SGD.
    batch_size: examples a step; smaller data make one batch.
    label_smoothing: share of the target spread over all classes.
    mixup: alpha of mixup for classification (Zhang et al. 2018); 0 for none.
    crop: largest random shift of an image in pixels; None for an eighth of its smaller side, but 0 for images of
    less than 16 pixels, to which a shift by one does more harm than good.
    warp: largest random turn, zoom, shear and shift of an image, 1 for 15 degrees and the like; None for 1 where
    images have less than 16 pixels, in place of crops, and 0 for others.
    flip: mirror images at random; None for colour images only, as a mirrored digit or letter is another one.
    gradient_noise: variance of annealed noise at the first step (Neelakantan et al. 2015); 0 for none.
    architecture_aware: initialise and scale the learning rate by the network's paths (Chen et al. 2024).
    base_depth: with `architecture_aware`, depth of the plain chain of 3x3 layers for which `lr` is meant.
    averaging: the trained weights are the moving average over about this share of the steps; 0 for the last ones. It
    changes little after a whole schedule, and saves much of a training that is stopped at a high learning rate.
    grad_clip: largest norm of all gradients together; 0 for none.
    amp: mixed precision; "auto" is on a GPU only. compile: torch.compile; "auto" is on a GPU when the training is
    long. "on" and "off" hold anywhere.
    patience: epochs without a better validation loss after which to stop and go back to the best; 0 for never.

    Raises EvaluationError for a value out of its range.
    """

    optimizer: str = "adamw"
    lr: float = 6e-3
    weight_decay: float | None = None
    momentum: float = 0.9
    epochs: int = 20
    batch_size: int = 64
    warmup_fraction: float = 0.1
    label_smoothing: float = 0.05
    mixup: float = 0.2
    crop: int | None = None
    warp: float | None = None
    flip: bool | None = None
    gradient_noise: float = 0.0
    architecture_aware: bool = False
    base_depth: int = 1
    averaging: float = 0.0
    grad_clip: float = 1.0
    seed: int = 0
    amp: str = "auto"
    compile: str = "auto"
    patience: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (value is None and field.name in _OPTIONAL):
                _check(field.name, value)

    @property
    def decay(self) -> float:
        """Weight decay with the optimiser's usual value where none is given."""
        usual = 0.05 if self.optimizer == "adamw" else 5e-4
        return usual if self.weight_decay is None else self.weight_decay

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Recipe:
        """Recipe from the recipe part of a design; names that are missing keep their defaults.

        Raises UnknownNameError for a name that is no hyperparameter, EvaluationError for a bad value.
        """
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise UnknownNameError("hyperparameter of a recipe", name, known)
        return cls(**values)

    def to_mapping(self) -> dict[str, Any]:
        """Every hyperparameter by name, as JSON can hold it.

        >>> Recipe.from_mapping(Recipe(lr=0.1).to_mapping()) == Recipe(lr=0.1)
        True
        """
        return asdict(self)


def _check(name: str, value: Any) -> None:
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise UnknownNameError(name, str(value), _CHOICES[name])
        return
    holds, rule = _rule(name, value)
    if not holds:
        raise EvaluationError(f"a recipe's {name} must be {rule}, but got {value!r}.")


def _rule(name: str, value: Any) -> tuple[bool, str]:
    """Whether the rule for one hyperparameter holds, and the rule in words."""
    if name in _SWITCHES:
        return isinstance(value, bool), "true or false"
    kind = "a whole number" if name in _WHOLE else "a number"
    is_number = isinstance(value, int if name in _WHOLE else (int, float)) and not isinstance(value, bool)
    number = value if is_number and math.isfinite(value) else math.nan
    if name in _POSITIVE:
        return number > 0, f"{kind} above 0"
    if name in _SHARES:
        return 0 <= number <= 1, f"{kind} from 0 to 1"
    return number >= 0, f"{kind} of at least 0"
