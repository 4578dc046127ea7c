"""Random changes to training examples that keep their class: crops, warps, mirror images, mixtures."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn.functional import affine_grid, grid_sample, pad

__all__ = ["Crops", "mixup", "random_flip", "random_warp"]

TURN, ZOOM, SHEAR, SHIFT = math.radians(15), 0.12, 0.2, 0.06
"""Of a warp of strength 1 at most: radians, parts of the size, parts of the height, parts of each side."""


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


def random_warp(images: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    """Turn, zoom, shear and shift each image a little (Simard, Steinkraus and Platt 2003, section 2).

    >>> import torch
    >>> image = torch.arange(16.0).reshape(1, 1, 4, 4)
    >>> random_warp(image, 1.0, torch.Generator().manual_seed(0)).shape
    torch.Size([1, 1, 4, 4])
    >>> torch.allclose(random_warp(image, 0.0, torch.Generator().manual_seed(0)), image, atol=1e-5)
    True

    images: (N, C, H, W); values between pixels are interpolated, and the border repeats the outermost pixels.
    strength: 1 for 15 degrees, 12 % of the size, a shear of 0.2 and 6 % of each side, in either direction, at most.
    """
    turn, zoom, shear, right, down = strength * (2 * torch.rand(5, len(images), generator=generator) - 1)
    turn, size = TURN * turn, 1 + ZOOM * zoom
    across = torch.stack([size * turn.cos(), SHEAR * shear - size * turn.sin(), 2 * SHIFT * right], dim=1)
    upright = torch.stack([size * turn.sin(), size * turn.cos(), 2 * SHIFT * down], dim=1)
    places = affine_grid(torch.stack([across, upright], dim=1).to(images), list(images.shape), align_corners=False)
    return grid_sample(images, places, padding_mode="border", align_corners=False)


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
