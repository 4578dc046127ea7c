"""Random changes to training examples that keep their class: crops, mirror images, mixtures."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import pad

__all__ = ["Crops", "mixup", "random_flip"]


class Crops:
    """Training images with a border, from which each visit takes a window of the old size at a random place.

    >>> import torch
    >>> images = torch.arange(2 * 16.0).reshape(2, 1, 4, 4)
    >>> Crops(images, pixels=1)(torch.tensor([1, 0, 1]), torch.Generator().manual_seed(0)).shape
    torch.Size([3, 1, 4, 4])

    images: (N, C, H, W). pixels: largest shift in each direction; the border repeats the outermost pixels, so
    that a dark background stays dark whatever the normalisation.
    """

    def __init__(self, images: torch.Tensor, pixels: int) -> None:
        height, width = images.shape[2:]
        self._places = 2 * pixels + 1
        padded = pad(images, (pixels,) * 4, mode="replicate")
        # A view with one more dimension for each shift: windows cost no memory until they are taken.
        self._windows = padded.unfold(2, height, 1).unfold(3, width, 1)

    def __call__(self, rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Windows of the images in `rows`, (len(rows), C, H, W)."""
        down, right = torch.randint(self._places, (2, len(rows)), generator=generator).to(rows.device)
        return self._windows[rows, :, down, right]


def random_flip(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Mirror each image left to right with probability one half.

    >>> import torch
    >>> image = torch.tensor([[[[1.0, 2.0]]]])
    >>> random_flip(image.repeat(4, 1, 1, 1), torch.Generator().manual_seed(0))[:, 0, 0].tolist()
    [[2.0, 1.0], [1.0, 2.0], [2.0, 1.0], [2.0, 1.0]]
    """
    chosen = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(chosen[:, None, None, None].to(images.device), images.flip(3), images)


def mixup(x: torch.Tensor, alpha: float, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Blend each example with another one of the batch (Zhang et al. 2018, equation 1).

    >>> import torch
    >>> x = torch.tensor([[0.0], [1.0]])
    >>> mixed, partners, share = mixup(x, 0.2, torch.Generator().manual_seed(0))
    >>> torch.equal(mixed, share * x + (1 - share) * x[partners])
    True

    alpha: parameter of Beta(alpha, alpha), from which the share of the first is drawn, once a batch.

    Returns the mixture, the row of each one's partner, and the share.
    """
    # torch's own Beta takes no generator, so NumPy draws the share, seeded from the generator.
    seed = int(torch.randint(2**62, (), generator=generator))
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    partners = torch.randperm(len(x), generator=generator).to(x.device)
    return share * x + (1 - share) * x[partners], partners, share
