"""How a network is trained: every hyperparameter of the trainer in one frozen object."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from netwright.errors import EvaluationError, UnknownNameError

__all__ = ["Recipe"]

_CHOICES = {"optimizer": ("adamw", "sgd"), "amp": ("auto", "off"), "compile": ("auto", "off")}
_POSITIVE = ("lr", "epochs", "batch_size", "base_depth")
_NOT_NEGATIVE = ("weight_decay", "mixup", "gradient_noise", "grad_clip", "patience", "seed", "crop")
_SHARES = ("warmup_fraction", "label_smoothing", "momentum")


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a training.

    >>> Recipe.from_mapping({"lr": 0.01, "epochs": 5}).lr
    0.01

    optimizer: "adamw" (Loshchilov and Hutter 2019) or "sgd" with Nesterov momentum.
    lr: highest learning rate; it rises over the first `warmup_fraction` of the steps and falls to 0 by a cosine.
    weight_decay: of weights, not of biases, scales and other vectors.
    batch_size: examples a step; smaller data make one batch.
    label_smoothing: share of the target spread over all classes.
    mixup: alpha of mixup for classification; 0 for none.
    crop: largest random shift of an image in pixels; None for an eighth of its smaller side.
    flip: mirror images at random; None for colour images only, as a mirrored digit or letter is another one.
    gradient_noise: variance of annealed noise at the first step (Neelakantan et al. 2015); 0 for none.
    architecture_aware: initialise and scale the learning rate by the network's paths (Chen et al. 2024).
    base_depth: with `architecture_aware`, depth of the plain chain of 3x3 layers for which `lr` is meant.
    grad_clip: largest norm of all gradients together; 0 for none.
    amp: "auto" for mixed precision on a GPU, or "off".
    compile: "auto" for torch.compile on a GPU when the training is long, or "off".
    patience: epochs without a better validation loss after which to stop and go back to the best; 0 for never.

    Raises EvaluationError for a value out of its range.
    """

    optimizer: str = "adamw"
    lr: float = 3e-3
    weight_decay: float = 0.05
    momentum: float = 0.9
    epochs: int = 20
    batch_size: int = 64
    warmup_fraction: float = 0.1
    label_smoothing: float = 0.05
    mixup: float = 0.0
    crop: int | None = None
    flip: bool | None = None
    gradient_noise: float = 0.0
    architecture_aware: bool = False
    base_depth: int = 1
    grad_clip: float = 1.0
    seed: int = 0
    amp: str = "auto"
    compile: str = "auto"
    patience: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            self._check(field.name, getattr(self, field.name))

    def _check(self, name: str, value: Any) -> None:
        kinds, rule = _rule(name)
        if name in ("crop", "flip") and value is None:
            return
        known = _CHOICES.get(name)
        if known is not None:
            if value not in known:
                raise UnknownNameError(name, str(value), known)
            return
        right_kind = isinstance(value, kinds) and isinstance(value, bool) == (kinds is bool)
        if not right_kind or not math.isfinite(value) or not _in_range(name, value):
            raise EvaluationError(f"a recipe's {name} must be {rule}, but got {value!r}.")

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
