"""What a network is to learn: data in three parts, the loss, the metrics and the shape of an input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Encoder", "Inputs", "Split", "Task"]

Array = npt.NDArray[Any]


class Inputs(Protocol):
    """Examples as they were stored (`uint8` pixels, table columns); rows are taken by an index array."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> Any: ...


class Encoder(Protocol):
    """Turns stored examples into float32 inputs with statistics of the examples it was fitted on."""

    def refit(self, x: Any) -> Encoder:
        """The same input features, with the statistics of `x`."""
        ...

    def encode(self, x: Any) -> Array:
        """Examples as normalised float32, `(N, *input_shape)`."""
        ...

    def describe(self) -> dict[str, Any]:
        """Everything a user needs to prepare an input by hand, as plain JSON values."""
        ...


@dataclass(frozen=True, eq=False)
class Split:
    """One part of a task: `x` float32 `(N, *input_shape)`, `y` int64 classes or float32 values `(N,)`.

    >>> import numpy as np
    >>> len(Split(np.zeros((3, 1, 8, 8), np.float32), np.zeros(3, np.int64)))
    3
    """

    x: Array
    y: Array

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, eq=False)
class Task:
    """Data, loss, metrics and input shape of something to learn; made by `load_task`.

    >>> from netwright.quality.data import load_task
    >>> task = load_task("digits")
    >>> task.input_shape, task.classes, task.metrics
    ((1, 8, 8), 10, ('accuracy', 'balanced_accuracy', 'loss'))
    >>> task.sizes
    {'train': 1079, 'valid': 359, 'test': 359}
    >>> task.train.x.dtype, task.train.x.shape
    (dtype('float32'), (1079, 1, 8, 8))

    A search reads `train` and `valid`, which are normalised with statistics of the training part only. The
    final training reads `development()`, the two joined and normalised anew; `test` is normalised like it
    and is read once, by the final test.

    `kind` is "image" (`input_shape` is `(C, H, W)`), "table" (`(features,)`) or "series" (`(channels,
    length)`). `target` is "classification", or "regression" with one output: `classes` is then 1, `y` is
    standardised, and `target_scale` is the mean and the standard deviation that bring it back to the units
    of the file. `note` says in words what the loader chose.
    """

    name: str
    kind: str
    input_shape: tuple[int, ...]
    classes: int
    target: str
    class_names: tuple[str, ...]
    note: str
    target_scale: tuple[float, float]
    _inputs: Inputs = field(repr=False)
    _labels: Array = field(repr=False)
    _rows: Mapping[str, Array] = field(repr=False)
    _encoder: Encoder = field(repr=False)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics an evaluation of this task reports."""
        if self.target == "regression":
            return ("rmse", "r2", "loss")
        return ("accuracy", "balanced_accuracy", "loss")

    @property
    def loss(self) -> str:
        """Name of the loss: "cross_entropy", or "mse" of the standardised values."""
        return "mse" if self.target == "regression" else "cross_entropy"

    @property
    def sizes(self) -> dict[str, int]:
        """Number of examples in each part."""
        return {part: len(rows) for part, rows in self._rows.items()}

    @cached_property
    def train(self) -> Split:
        """The part a candidate network learns from."""
        return self._split(self._rows["train"], self._encoder)

    @cached_property
    def valid(self) -> Split:
        """The part a search compares candidates on."""
        return self._split(self._rows["valid"], self._encoder)

    @property
    def test(self) -> Split:
        """The part for the one final test, normalised like `development()`; no search may read it."""
        return self._split(self._rows["test"], self._final_encoder)

    def development(self) -> Split:
        """Train and valid joined and normalised with the statistics of both, for the final training.

        >>> from netwright.quality.data import load_task
        >>> len(load_task("digits").development())
        1438
        """
        return self._split(self._development_rows, self._final_encoder)

    def refolded(self, seed: int) -> Task:
        """The task with other examples to validate on, as many, drawn by the seed from those to train on.

        >>> import numpy as np
        >>> from netwright.quality.data import load_task
        >>> task = load_task("digits")
        >>> other = task.refolded(seed=0)
        >>> other.sizes == task.sizes, np.array_equal(other.valid.x, task.valid.x)
        (True, False)

        Each class gives its share, and the test part and what is known of `development()` stay as they are.
        Where there are fewer examples to train on than twice those to validate on, half of them validate.
        """
        train, valid = self._rows["train"], self._rows["valid"]
        number = max(1, min(len(valid), len(train) // 2))
        chosen = _drawn(train, self._labels[train], number, np.random.default_rng([seed, 1]))
        rest = np.sort(np.concatenate([np.setdiff1d(train, chosen), valid]))
        rows = {**self._rows, "train": rest, "valid": chosen}
        return replace(self, _rows=rows, _encoder=self._encoder.refit(self._inputs[rest]))

    def preprocessing(self) -> dict[str, Any]:
        """How an input of the finally trained network is prepared and its output read, as plain JSON values.

        >>> from netwright.quality.data import load_task
        >>> told = load_task("digits").preprocessing()
        >>> sorted(told), told["output"]["classes"][:3]
        (['kind', 'mean', 'output', 'std'], ['0', '1', '2'])

        `output` has the names of the classes in the order of the logits, or the mean and std by which a predicted
        number is brought to the units of the file: `number * std + mean`.
        """
        mean, std = self.target_scale
        output = {"mean": mean, "std": std} if self.target == "regression" else {"classes": list(self.class_names)}
        return {**self._final_encoder.describe(), "output": output}

    @property
    def _development_rows(self) -> Array:
        return np.sort(np.concatenate([self._rows["train"], self._rows["valid"]]))

    @cached_property
    def _final_encoder(self) -> Encoder:
        return self._encoder.refit(self._inputs[self._development_rows])

    def _split(self, rows: Array, encoder: Encoder) -> Split:
        return Split(encoder.encode(self._inputs[rows]), self._labels[rows])


def _drawn(rows: Array, labels: Array, number: int, rng: np.random.Generator) -> Array:
    """So many of the rows, of each class its share; where there are no classes, of all alike."""
    order = rng.permutation(len(rows))
    if labels.dtype.kind in "iu":
        order = order[np.argsort(labels[order], kind="stable")]
    # Even steps along the classes: as many in all as were asked for, however the shares of the classes are rounded.
    steps = (np.arange(number) + rng.random()) * (len(rows) / number)
    return np.sort(rows[order[steps.astype(int)]])
