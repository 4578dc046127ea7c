"""The handwritten digits that come with scikit-learn: 1,797 images of 8 x 8 pixels."""

from __future__ import annotations

import numpy as np

from netwright._optional import require
from netwright.quality.data._arrays import from_pieces
from netwright.quality.data._base import Raw


def read_digits() -> Raw:
    """The digits as uint8 images with values 0 to 16 (Alpaydin and Kaynak, UCI, 1998)."""
    images, labels = require("sklearn.datasets", extra="train").load_digits(return_X_y=True)
    pixels = images.reshape(-1, 8, 8).astype(np.uint8)
    return from_pieces("digits", "digits", {"train": (pixels, labels)}, kind="image")
