"""Annealed Gaussian noise on gradients (Neelakantan et al. 2015)."""

from __future__ import annotations

from collections.abc import Iterable

import torch

__all__ = ["add_gradient_noise", "noise_variance"]


def noise_variance(step: int, eta: float, gamma: float = 0.55) -> float:
    """Variance of the noise at one step: eta / (1 + step) ** gamma.

    >>> noise_variance(0, eta=0.3), round(noise_variance(99, eta=0.3), 4)
    (0.3, 0.0238)

    step: 0 for the first step. eta: variance there; the authors choose 0.01, 0.3 or 1.

    Source: Neelakantan, Vilnis, Le, Sutskever, Kaiser, Kurach and Martens, "Adding Gradient Noise Improves Learning
    for Very Deep Networks" (2015), equation 1, with their gamma of 0.55.
    """
    return float(eta / (1 + step) ** gamma)


def add_gradient_noise(
    parameters: Iterable[torch.Tensor], step: int, eta: float, generator: torch.Generator | None = None
) -> None:
    """Add independent noise of `noise_variance` to every gradient, in place.

    >>> import torch
    >>> weight = torch.zeros(3, requires_grad=True)
    >>> weight.sum().backward()
    >>> add_gradient_noise([weight], step=0, eta=0.01, generator=torch.Generator().manual_seed(0))
    >>> bool((weight.grad != 1).all())
    True

    generator: on the device of the gradients; the global one when there is none.
    """
    deviation = noise_variance(step, eta) ** 0.5
    for parameter in parameters:
        gradient = parameter.grad
        if gradient is not None:
            noise = torch.empty_like(gradient).normal_(0.0, deviation, generator=generator)
            gradient.add_(noise)
