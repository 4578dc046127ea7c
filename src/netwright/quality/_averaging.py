"""The average of a training's latest weights. This module imports torch, like the training loop that imports it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["WeightAverage"]


class WeightAverage:
    """Exponential moving average of the weights and of the statistics of normalisations.

    >>> module = nn.Linear(1, 1, bias=False).requires_grad_(False)
    >>> average = WeightAverage(module, steps=2.0)
    >>> for value in (1.0, 3.0):
    ...     _ = module.weight.fill_(value)
    ...     average.update()
    >>> average.swap()
    >>> 1.0 < float(module.weight) < 3.0
    True

    steps: about how many of the latest steps count; fewer at first, so that the start is soon forgotten.

    Averaging is that of Polyak and Juditsky (1992), with weights that fall off exponentially.
    """

    def __init__(self, module: nn.Module, steps: float) -> None:
        self._decay = 1 - 1 / max(steps, 1.0)
        own = [value.detach() for value in module.state_dict(keep_vars=True).values()]
        self._own = [value for value in own if value.is_floating_point()]
        self._average = [value.clone() for value in self._own]
        self._updates = 0

    def update(self) -> None:
        """Take the module's weights in, after a step."""
        self._updates += 1
        decay = min(self._decay, self._updates / (9 + self._updates))
        torch._foreach_lerp_(self._average, self._own, 1 - decay)

    def swap(self) -> None:
        """Exchange the module's weights with their average; a second time brings them back."""
        for own, average in zip(self._own, self._average, strict=True):
            kept = own.clone()
            own.copy_(average)
            average.copy_(kept)

    def state(self) -> list[Tensor]:
        """What `load` needs to go on from."""
        return [torch.tensor(self._updates), *self._average]

    def load(self, state: Sequence[Tensor]) -> None:
        """Go on from a state."""
        self._updates = int(state[0])
        for average, value in zip(self._average, state[1:], strict=True):
            average.copy_(value)
