"""Training a module on a task, and its metrics on a split."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from netwright._optional import require
from netwright.errors import EvaluationError
from netwright.quality._recipe import Recipe
from netwright.quality._result import Arrays, Report, Splits, TrainResult

if TYPE_CHECKING:
    import torch

    from netwright.graph import Graph

__all__ = ["evaluate", "train"]

_MEMORY_MESSAGES = ("not enough memory", "out of memory", "can't allocate memory", "cannot allocate memory")


def train(
    module: torch.nn.Module,
    data: Splits | tuple[Arrays, Arrays | None],
    recipe: Recipe | None = None,
    *,
    report: Report | None = None,
    checkpoint: str | PathLike[str] | None = None,
    device: str | torch.device | None = None,
    epochs: float | None = None,
    threads: int | None = None,
    graph: Graph | None = None,
) -> TrainResult:
    """Train a module in place.

    >>> import numpy as np, torch
    >>> from types import SimpleNamespace
    >>> x = np.random.default_rng(0).standard_normal((64, 2)).astype(np.float32)
    >>> split = SimpleNamespace(x=x, y=(x[:, 0] > 0).astype(np.int64))
    >>> result = train(torch.nn.Linear(2, 2), (split, split), Recipe(lr=0.1, epochs=30))
    >>> result.metrics["accuracy"] > 0.9, result.steps
    (True, 30)

    data: a task, or a pair of splits whose second may be None: nothing is then measured, nor stopped by patience.
    report: is told after each epoch loss, accuracy and balanced_accuracy (loss, rmse, mae and r2 for floating
    targets) on the validation split, and train_loss, lr and seconds.
    checkpoint: a file that holds the training after each epoch. Where it exists, the training goes on from it and
    ends with the same bits as one that was never interrupted.
    device: where to train; a GPU where there is one. The module comes back to where it was.
    epochs: train for fewer or more than the recipe says, the schedule squeezed or stretched to it.
    threads: of this process during the training; None leaves them alone.
    graph: the module's graph, needed for an `architecture_aware` recipe.

    One seed gives the same bits again on a CPU with as many threads; the caller's random state is left as it was.

    Raises EvaluationError when the loss is no longer finite, memory runs out or the data do not do;
    MissingExtraError without torch.
    """
    require("torch", extra="train")
    from netwright.quality._loop import Training, isolated

    recipe = recipe or Recipe()
    path = None if checkpoint is None else Path(checkpoint)
    with isolated(device, threads, recipe.seed) as place:
        try:
            training = Training(module, *_pair(data), recipe, _whole(epochs, recipe), place, graph)
            return training.run(report, path)
        except (MemoryError, RuntimeError) as error:
            if not _is_memory(error):
                raise
            first = (str(error).strip().splitlines() or ["no detail"])[0]
            raise EvaluationError(f"ran out of memory: {first}") from error


def evaluate(module: torch.nn.Module, split: Arrays, batch_size: int = 256) -> dict[str, float]:
    """Metrics of a module on examples, where the module is, without changing its mode.

    >>> import numpy as np, torch
    >>> from types import SimpleNamespace
    >>> split = SimpleNamespace(x=np.eye(3, dtype=np.float32) * 9, y=np.array([0, 1, 1]))
    >>> metrics = evaluate(torch.nn.Identity(), split)
    >>> {name: round(value, 2) for name, value in metrics.items()}
    {'loss': 3.0, 'accuracy': 0.67, 'balanced_accuracy': 0.75}

    Classes give loss (mean cross-entropy), accuracy and balanced_accuracy (mean over the classes present of the
    share found); floating targets give loss (mean squared error), rmse, mae and r2.

    A module may give one answer, (N, outputs), or those of k members of an ensemble, (N, k, outputs); then the
    prediction is the mean of the k softmax probabilities, or of the k numbers.
    """
    torch = require("torch", extra="train")
    from netwright.quality._loop import tensors
    from netwright.quality._score import score

    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    return score(module, *tensors(split, device), batch_size)


def _pair(data: Splits | tuple[Arrays, Arrays | None]) -> tuple[Arrays, Arrays | None]:
    return data if isinstance(data, tuple) else (data.train, data.valid)


def _whole(epochs: float | None, recipe: Recipe) -> int:
    if epochs is None:
        return recipe.epochs
    if not 0 < epochs < float("inf"):
        raise EvaluationError(f"epochs must be above 0, but got {epochs}.")
    return max(1, round(epochs))


def _is_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or any(part in str(error).lower() for part in _MEMORY_MESSAGES)
