"""What a training takes, and what it tells: arrays, a report of each epoch, a result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Arrays", "Report", "Splits", "TrainResult"]

Report = Callable[[int, Mapping[str, float]], bool]
"""Takes the number of an epoch, from 1, and its values; False stops the training."""


class Arrays(Protocol):
    """Examples and their targets."""

    @property
    def x(self) -> NDArray[Any]:
        """Examples, float32: (N, C, H, W) images, (N, C, L) series or (N, features) rows."""

    @property
    def y(self) -> NDArray[Any]:
        """Targets (N,): whole numbers for classes, floating for regression."""


class Splits(Protocol):
    """What a training needs of a task."""

    @property
    def train(self) -> Any:
        """Arrays to train on."""

    @property
    def valid(self) -> Any:
        """Arrays to measure on after each epoch."""


@dataclass(frozen=True)
class TrainResult:
    """What a training did; the weights are in the module.

    >>> import numpy as np, torch
    >>> from types import SimpleNamespace
    >>> _ = torch.manual_seed(0)
    >>> from netwright.quality import Recipe, train
    >>> rows = SimpleNamespace(x=np.zeros((8, 4), np.float32), y=np.zeros(8, np.int64))
    >>> found = train(torch.nn.Linear(4, 2), (rows, rows), Recipe(epochs=2, batch_size=4, lr=0.1), threads=1)
    >>> found.steps, found.metrics["accuracy"], len(found.history), found.stopped_early
    (4, 1.0, 2, False)

    metrics: of the weights in the module, on the validation split; the training loss where there is none.
    history: reported values of each epoch.
    seconds: spent on training and validation, those before a resume included. steps: optimiser steps.
    stopped_early: `report` or the recipe's patience ended it before its last epoch.
    """

    metrics: dict[str, float]
    history: list[dict[str, float]]
    seconds: float
    steps: int
    stopped_early: bool
