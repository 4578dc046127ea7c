"""The wire format of a model file, read without loading its weights.

Protocol buffers copy every byte field that is read through them, so a model of several GB would be held twice. Here
the file is walked field by field, and in the message that onnx gets each large tensor names its place in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from mmap import mmap
from typing import NamedTuple

from netwright.errors import ModelError

__all__ = ["OWN", "skeleton"]

OWN = "<this file>"
"""Location of external data that lies in the model file itself."""

SMALL = 4096
"""Tensors up to so many bytes stay in the message."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MODEL_GRAPH, GRAPH_INITIALIZER, TENSOR_RAW_DATA = 7, 5, 9
MODEL_FIELDS = {**dict.fromkeys((1, 5), VARINT), **dict.fromkeys((2, 3, 4, 6, 7, 8, 14), BYTES)}
"""Fields of ModelProto with their wire types; another first field means that the file is something else."""

Data = bytes | mmap


class Field(NamedTuple):
    """One field of a message: its number, where its tag and its content start, and where it ends."""

    number: int
    start: int
    content: int
    end: int


Change = Callable[[Data, Field], "bytes | None"]


def skeleton(data: Data) -> bytes:
    """The message of a model in which each large initializer names its bytes in the file instead of holding them.

    Raises ModelError when the data is no ONNX model or ends too early.
    """
    _check_first_field(data)
    return b"".join(_replaced(data, _fields(data, 0, len(data)), MODEL_GRAPH, _graph))


def _check_first_field(data: Data) -> None:
    number, wire = data[0] >> 3, data[0] & 7
    # Numbers from 16 on take two bytes; no writer begins with one.
    if MODEL_FIELDS.get(number) != wire:
        raise ModelError(f"a model file must be in the binary format of ONNX, but begins with {bytes(data[:8])!r}.")


def _graph(data: Data, field: Field) -> bytes:
    return b"".join(_replaced(data, _fields(data, field.content, field.end), GRAPH_INITIALIZER, _tensor))


def _tensor(data: Data, field: Field) -> bytes | None:
    """A tensor without its bytes; None where it is small or holds its numbers in another way."""
    if field.end - field.content <= SMALL:
        return None
    from onnx import StringStringEntryProto, TensorProto

    fields = list(_fields(data, field.content, field.end))
    raw = [f for f in fields if f.number == TENSOR_RAW_DATA]
    if len(raw) != 1:
        return None
    place = {"location": OWN, "offset": str(raw[0].content), "length": str(raw[0].end - raw[0].content)}
    pointer = TensorProto(
        data_location=TensorProto.EXTERNAL,
        external_data=[StringStringEntryProto(key=key, value=value) for key, value in place.items()],
    )
    kept = [data[f.start : f.end] for f in fields if f.number != TENSOR_RAW_DATA]
    return b"".join([*kept, pointer.SerializeToString()])


def _replaced(data: Data, fields: Iterator[Field], number: int, change: Change) -> Iterator[bytes]:
    """The bytes of a message, with each field of this number changed where `change` gives a new content."""
    kept, end = -1, -1
    for field in fields:
        new = change(data, field) if field.number == number else None
        if new is None:
            kept = field.start if kept < 0 else kept
            end = field.end
            continue
        if kept >= 0:
            yield data[kept:end]
            kept = -1
        yield _varint(number << 3 | BYTES) + _varint(len(new)) + new
    if kept >= 0:
        yield data[kept:end]


def _fields(data: Data, start: int, end: int) -> Iterator[Field]:
    at = start
    while at < end:
        tag, content = _read_varint(data, at, end)
        wire = tag & 7
        if wire == VARINT:
            after = _read_varint(data, content, end)[1]
        elif wire == BYTES:
            size, content = _read_varint(data, content, end)
            after = content + size
        elif wire in (FIXED32, FIXED64):
            after = content + (4 if wire == FIXED32 else 8)
        else:
            raise ModelError(f"a model file must be in the binary format of ONNX, but byte {at} cannot be read.")
        if after > end:
            raise _cut_off(data, after)
        yield Field(tag >> 3, at, content, after)
        at = after


def _cut_off(data: Data, wanted: int) -> ModelError:
    return ModelError(
        f"a model file must be whole, but it ends at byte {len(data):,} where {wanted:,} are announced."
    )


def _read_varint(data: Data, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= end:
            raise _cut_off(data, at + 1)
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ModelError(f"a model file must be in the binary format of ONNX, but byte {at} cannot be read.")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
