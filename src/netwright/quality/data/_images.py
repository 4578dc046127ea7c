"""Tasks from folders of images: one subfolder for each class."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from netwright._optional import require
from netwright.errors import DataError
from netwright.quality.data._arrays import from_pieces
from netwright.quality.data._base import Array, Raw, reading

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
# An image of more pixels is refused before it is decoded: it is no training image, and may be a bomb.
MAX_PIXELS = 50_000_000
_PART_NAMES = {
    "train": ("train", "training"),
    "valid": ("valid", "val", "validation"),
    "test": ("test", "testing"),
}
_GREY_MODES = ("1", "L", "LA", "I", "I;16", "F")
_DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "F")


def read_images(folder: Path, where: str, *, size: int | tuple[int, int] | None) -> Raw:
    """Raw examples of a folder `class/*.png`, or `train/class/*.png` with `valid/` and `test/` if present.

    `size` (one side, or height and width, in pixels) resizes; without it all images must have one size.
    Images stay grey when all of them are, and are RGB otherwise.

    Raises DataError for no images, a class without images, an unreadable or huge image, or mixed sizes.
    """
    image = require("PIL.Image", extra="train")
    files = {part: class_files(root, where) for part, root in _roots(folder).items()}
    paths = [path for classes in files.values() for found in classes.values() for path in found]
    mode, shape = _common(image, paths, size)
    pieces = {}
    for part, classes in files.items():
        stack = np.stack([_pixels(image, path, mode, shape) for found in classes.values() for path in found])
        labels = np.repeat(list(classes), [len(found) for found in classes.values()])
        pieces[part] = (stack, labels)
    resized = f"resized to {shape[0]} x {shape[1]}" if size is not None else ""
    return from_pieces(folder.name, where, pieces, kind="image", note=resized)


def class_files(root: Path, where: str) -> dict[str, list[Path]]:
    """The image files of each class, in sorted order.

    Raises DataError when there are no class folders, or one without images.
    """
    classes = {
        child.name: sorted(path for path in child.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
        for child in sorted(root.iterdir())
        if child.is_dir() and not child.name.startswith((".", "__"))
    }
    if not any(classes.values()):
        raise DataError(f"{where} has no images in one folder for each class; known: {', '.join(SUFFIXES)}.")
    for name, found in classes.items():
        if not found:
            raise DataError(f"{root / name} is the folder of a class, but has no images.")
    return classes


def _roots(folder: Path) -> dict[str, Path]:
    found = {
        part: child
        for part, names in _PART_NAMES.items()
        for child in sorted(folder.iterdir())
        if child.is_dir() and child.name.lower() in names
    }
    return found if "train" in found else {"train": folder}


def _common(image: Any, paths: Sequence[Path], size: int | tuple[int, int] | None) -> tuple[str, tuple[int, int]]:
    """The mode and the (height, width) that all images are brought to."""
    seen: dict[tuple[int, int], Path] = {}
    grey = True
    for path in paths:
        with _opened(image, path) as picture:
            seen.setdefault((picture.height, picture.width), path)
            grey = grey and picture.mode in _GREY_MODES
    mode = "L" if grey else "RGB"
    if size is not None:
        return mode, (size, size) if isinstance(size, int) else (size[0], size[1])
    if len(seen) > 1:
        (shape, path), (other, second) = list(seen.items())[:2]
        raise DataError(
            f"images have mixed sizes, {shape[0]} x {shape[1]} in {path} but {other[0]} x {other[1]} in {second}; "
            "give a size to resize to, such as size=32 (--size 32)."
        )
    return mode, next(iter(seen))


def _opened(image: Any, path: Path) -> Any:
    with reading(str(path), "an image"), warnings.catch_warnings():
        # Pillow only warns between one and two times its own limit; ours is lower and always refuses.
        warnings.simplefilter("ignore", image.DecompressionBombWarning)
        try:
            picture = image.open(path)
        except image.DecompressionBombError as error:
            raise _too_large(path) from error
    if picture.width * picture.height > MAX_PIXELS:
        picture.close()
        raise _too_large(path)
    return picture


def _too_large(path: Path) -> DataError:
    return DataError(f"{path} has more than {MAX_PIXELS:,} pixels and is refused as a decompression bomb.")


def _pixels(image: Any, path: Path, mode: str, shape: tuple[int, int]) -> Array:
    with _opened(image, path) as picture, reading(str(path), "an image"):
        if picture.mode in _DEEP_MODES:
            # Pillow would clip 16 bits at 255; the upper 8 bits are kept instead.
            deep = np.asarray(picture, np.float64)
            picture = image.fromarray(np.clip(deep / (257.0 if deep.max() > 255 else 1.0), 0, 255).astype(np.uint8))
        picture = picture.convert(mode)
        if (picture.height, picture.width) != shape:
            picture = picture.resize((shape[1], shape[0]), image.Resampling.BILINEAR)
        pixels = np.asarray(picture, np.uint8)
    return pixels[None] if mode == "L" else np.ascontiguousarray(pixels.transpose(2, 0, 1))
