"""Tensors of a model file as arrays that share memory with the file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright.errors import ModelError
from netwright.graph import Shape
from netwright.io._from_onnx._wire import OWN

if TYPE_CHECKING:
    import onnx

__all__ = ["DTYPES", "Files", "Stored", "numbered_dtype"]

Array = NDArray[Any]

DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64",
    16: "bfloat16",
}  # fmt: skip
"""Element types of ONNX that a graph has, by number."""

RAW = {**DTYPES, 4: "uint16", 12: "uint32", 13: "uint64", 16: "uint16"}
"""How their bytes are read."""

CHUNK = 1 << 20
"""Elements that are looked at together when a tensor is searched for NaN."""


def numbered_dtype(number: int) -> str:
    """Name of an element type in messages, such as `string`."""
    from onnx import TensorProto

    known = TensorProto.DataType.values()
    return DTYPES.get(number) or (TensorProto.DataType.Name(number).lower() if number in known else f"type {number}")


class Files:
    """The files in which the tensors of one model lie, each mapped into memory once."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._mapped: dict[str, Array] = {}

    def bytes_at(self, tensor: str, location: str, offset: int, length: int | None) -> Array:
        """Bytes of a tensor, as a view of the mapped file.

        Raises ModelError when the file is missing, too short, or not inside the folder of the model.
        """
        if location not in self._mapped:
            self._mapped[location] = self._map(tensor, location)
        whole = self._mapped[location]
        end = whole.size if length is None else offset + length
        if not 0 <= offset <= end <= whole.size:
            raise ModelError(
                f"external data must hold what is announced, but {tensor!r} needs bytes {offset:,} to {end:,} of"
                f" {location!r}, which has {whole.size:,}."
            )
        return whole[offset:end]

    def _map(self, tensor: str, location: str) -> Array:
        path = self.inside(tensor, location)
        try:
            return np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, np.uint8)
        except OSError as error:
            raise ModelError(
                f"external data must be beside the model, but {tensor!r} needs {location!r}: {error.strerror}."
            ) from error

    def inside(self, tensor: str, location: str) -> Path:
        """Path of a file of tensors; raises ModelError where it is outside the folder of the model."""
        if self.path is None:
            raise ModelError(
                f"a model with external data must be given by its path, but {tensor!r} needs {location!r}."
            )
        if location == OWN:
            return self.path
        folder = self.path.parent.resolve()
        path = (folder / location).resolve()
        if not location or not path.is_relative_to(folder):
            raise ModelError(
                f"external data must lie inside the folder of the model, but {tensor!r} needs {location!r}."
            )
        return path


class Stored:
    """One tensor of the file: shape and element type at once, its array when first asked for."""

    def __init__(self, proto: onnx.TensorProto, files: Files) -> None:
        self.name = proto.name
        self.shape: Shape = tuple(proto.dims)
        self._proto = proto
        self._files = files
        if proto.data_type not in RAW:
            raise ModelError(
                f"element types must be among {', '.join(DTYPES.values())}, but tensor {self.name!r} is"
                f" {numbered_dtype(proto.data_type)}."
            )
        if min(self.shape, default=0) < 0:
            raise ModelError(f"sizes must not be negative, but tensor {self.name!r} has shape {self.shape}.")
        self.dtype = DTYPES.get(proto.data_type, RAW[proto.data_type])

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @cached_property
    def array(self) -> Array:
        """The numbers, without a copy where they are stored as they are; bfloat16 as float32."""
        from onnx import TensorProto

        kind = np.dtype(RAW[self._proto.data_type]).newbyteorder("<")
        if self._proto.data_location == TensorProto.EXTERNAL:
            array = self._viewed(self._external(), kind)
        elif self._proto.HasField("raw_data"):
            array = self._viewed(np.frombuffer(self._proto.raw_data, np.uint8), kind)
        else:
            array = self._listed()
        return (
            (array.astype(np.uint32) << 16).view(np.float32)
            if kind == np.uint16 and self.dtype != "uint16"
            else array
        )

    def _viewed(self, data: Array, kind: np.dtype[Any]) -> Array:
        if data.size != self.size * kind.itemsize:
            raise ModelError(
                f"a tensor must hold as many bytes as its shape, but {self.name!r} {self.shape} {self.dtype} needs"
                f" {self.size * kind.itemsize:,} and has {data.size:,}."
            )
        return data.view(kind).reshape(self.shape)

    def _external(self) -> Array:
        place = {entry.key: entry.value for entry in self._proto.external_data}
        try:
            offset, length = int(place.get("offset", 0)), int(place["length"]) if "length" in place else None
        except ValueError as error:
            raise ModelError(f"offsets must be numbers, but tensor {self.name!r} has {place}.") from error
        kind = np.dtype(RAW[self._proto.data_type])
        length = self.size * kind.itemsize if length is None else length
        return self._files.bytes_at(self.name, place.get("location", ""), offset, length)

    def _listed(self) -> Array:
        from onnx import numpy_helper

        try:
            array: Array = numpy_helper.to_array(self._proto)
        except (ValueError, TypeError) as error:
            raise ModelError(f"a tensor must hold its shape, but {self.name!r} {self.shape}: {error}.") from error
        return array.view(np.uint16) if self.dtype == "bfloat16" else array

    def check(self) -> None:
        """Raise ModelError when a number is NaN; looks at a part at a time."""
        if not self.dtype.startswith(("float", "bfloat")):
            return
        for part in self._parts():
            # A sum of squares is NaN only where a number is, and is found faster than by looking at each.
            with np.errstate(over="ignore", invalid="ignore"):
                total = np.dot(part, part)
            if np.isnan(total):
                raise ModelError(f"weights must be numbers, but tensor {self.name!r} {self.shape} has NaN.")

    def _parts(self) -> Iterator[Array]:
        """The numbers in parts; those of files are read, since pages of a mapped file would stay in memory."""
        flat = self.array.reshape(-1)
        if not isinstance(flat, np.memmap):
            yield from (flat[start : start + CHUNK] for start in range(0, flat.size, CHUNK))
            return
        place = {entry.key: entry.value for entry in self._proto.external_data}
        with self._files.inside(self.name, place["location"]).open("rb") as file:
            file.seek(int(place.get("offset", 0)))
            for start in range(0, flat.size, CHUNK):
                yield np.fromfile(file, flat.dtype, min(CHUNK, flat.size - start))
