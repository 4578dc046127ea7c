"""Folders of images: their layout, modes and sizes, and damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netwright.errors import DataError
from netwright.quality import load_task
from netwright.quality.data import _images


def draw(path: Path, mode: str = "RGB", size: tuple[int, int] = (8, 6), seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, np.uint8)).save(path)


def folder(root: Path, count: int = 5, mode: str = "RGB", suffix: str = "png") -> Path:
    for name in ("cat", "owl"):
        for number in range(count):
            draw(root / name / f"{number}.{suffix}", mode, seed=number)
    return root


@pytest.mark.parametrize(("mode", "shape"), [("RGB", (3, 6, 8)), ("L", (1, 6, 8))])
@pytest.mark.parametrize("suffix", ["png", "bmp", "JPG"])
def test_a_folder_for_each_class(tmp_path: Path, mode: str, shape: tuple[int, ...], suffix: str) -> None:
    task = load_task(folder(tmp_path / "pets", mode=mode, suffix=suffix))
    assert (task.name, task.kind, task.input_shape) == ("pets", "image", shape)
    assert task.class_names == ("cat", "owl")
    assert task.sizes == {"train": 6, "valid": 2, "test": 2}


def test_parts_in_subfolders_are_honoured(tmp_path: Path) -> None:
    folder(tmp_path / "train", 10)
    folder(tmp_path / "val", 2)
    folder(tmp_path / "Test", 3)
    assert load_task(tmp_path).sizes == {"train": 20, "valid": 4, "test": 6}


def test_pixels_are_the_images_own(tmp_path: Path) -> None:
    task = load_task(folder(tmp_path))
    stored = np.asarray(Image.open(tmp_path / "cat" / "0.png")).transpose(2, 0, 1)
    np.testing.assert_array_equal(task._inputs[0], stored)


def test_one_colour_image_makes_all_of_them_colour(tmp_path: Path) -> None:
    folder(tmp_path, mode="L")
    draw(tmp_path / "cat" / "9.png", "RGB")
    assert load_task(tmp_path).input_shape == (3, 6, 8)


def test_sixteen_bits_keep_their_upper_eight(tmp_path: Path) -> None:
    folder(tmp_path, mode="L")
    ramp = np.linspace(0, 65535, 48).reshape(6, 8).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "cat" / "0.png")
    task = load_task(tmp_path)
    assert task._inputs[0].max() == 255
    assert len(np.unique(task._inputs[0])) == 48


@pytest.mark.parametrize(("size", "shape"), [(4, (3, 4, 4)), ((4, 10), (3, 4, 10))])
def test_images_are_resized(tmp_path: Path, size: int | tuple[int, int], shape: tuple[int, ...]) -> None:
    folder(tmp_path)
    draw(tmp_path / "cat" / "9.png", size=(20, 30))
    task = load_task(tmp_path, size=size)
    assert task.input_shape == shape
    assert task.note.startswith(f"resized to 4 x {shape[2]}")


def test_mixed_sizes(tmp_path: Path) -> None:
    folder(tmp_path)
    draw(tmp_path / "cat" / "9.png", size=(20, 30))
    with pytest.raises(DataError, match=r"mixed sizes, 6 x 8 in .* but 30 x 20 in .*9\.png; give a size"):
        load_task(tmp_path)


def test_no_images(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    with pytest.raises(DataError, match="has no images in one folder for each class"):
        load_task(tmp_path)


def test_a_class_without_images(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "newt").mkdir()
    with pytest.raises(DataError, match="newt is the folder of a class, but has no images"):
        load_task(tmp_path)


def test_one_class(tmp_path: Path) -> None:
    folder(tmp_path / "x")
    for path in (tmp_path / "x" / "owl").iterdir():
        path.unlink()
    (tmp_path / "x" / "owl").rmdir()
    with pytest.raises(DataError, match=r"x has one class only \('cat'\)"):
        load_task(tmp_path / "x")


@pytest.mark.parametrize("keep", [0, 20, 120])
def test_an_unreadable_image(tmp_path: Path, keep: int) -> None:
    folder(tmp_path)
    path = tmp_path / "cat" / "3.png"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"3\.png (cannot be read as an image|is truncated)") as caught:
        load_task(tmp_path)
    assert "\n" not in str(caught.value)


def test_text_called_an_image(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "cat" / "3.png").write_text("hello")
    with pytest.raises(DataError, match=r"3\.png cannot be read as an image"):
        load_task(tmp_path)


@pytest.mark.parametrize("pillow_limit", [10**9, 10, 30])
def test_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pillow_limit: int) -> None:
    monkeypatch.setattr(_images, "MAX_PIXELS", 40)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pillow_limit)
    with pytest.raises(DataError, match=r"0\.png has more than 40 pixels and is refused as a decompression bomb"):
        load_task(folder(tmp_path))
