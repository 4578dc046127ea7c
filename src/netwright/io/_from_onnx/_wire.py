"""The wire format of a model file, read without loading its weights.

Protocol buffers copy every byte field that is read through them, so a model of several GB would be held twice. Here
the file is walked field by field, and in the message that onnx gets each large tensor names its place in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from mmap import mmap
from typing import NamedTuple

from netwright.errors import ModelError

__all__ = ["OWN", "skeleton"]

OWN = "<this file>"
"""Location of external data that lies in the model file itself."""

SMALL = 4096
"""Tensors up to so many bytes stay in the message."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
TENSOR_RAW_DATA = 9
DEEPEST = 100
MODEL_FIELDS = {**dict.fromkeys((1, 5), VARINT), **dict.fromkeys((2, 3, 4, 6, 7, 8, 14), BYTES)}
"""Fields of ModelProto with their wire types; another first field means that the file is something else."""

HOLDERS = {
    "model": {7: "graph"},
    "graph": {1: "node", 5: "tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph"},
}
"""Fields of each kind of message in which tensors may lie, and what they hold."""

Data = bytes | mmap


class Field(NamedTuple):
    """One field of a message: its number, where its tag and its content start, and where it ends."""

    number: int
    start: int
    content: int
    end: int


def skeleton(data: Data) -> bytes:
    """The message of a model in which each large tensor names its bytes in the file instead of holding them.

    Raises ModelError when the data is no ONNX model or ends too early.
    """
    _check_first_field(data)
    return b"".join(_replaced(data, 0, len(data), "model"))


def _check_first_field(data: Data) -> None:
    number, wire = data[0] >> 3, data[0] & 7
    # Numbers from 16 on take two bytes; no writer begins with one.
    if MODEL_FIELDS.get(number) != wire:
        raise ModelError(f"a model file must be in the binary format of ONNX, but begins with {bytes(data[:8])!r}.")


def _tensor(data: Data, field: Field) -> bytes | None:
    """A tensor without its bytes; None where it holds its numbers in another way."""
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


def _replaced(data: Data, start: int, end: int, kind: str, depth: int = 0) -> Iterator[bytes]:
    """The bytes of a message of this kind, with all large tensors in it replaced."""
    if depth == DEEPEST:
        raise ModelError(f"a model file must not be nested more than {DEEPEST} times, but is.")
    kept = start
    for field in _fields(data, start, end):
        inner = HOLDERS[kind].get(field.number)
        # What is small holds nothing large: nearly all nodes are passed over.
        if inner is None or field.end - field.content <= SMALL:
            continue
        if inner == "tensor":
            new = _tensor(data, field)
        else:
            new = b"".join(_replaced(data, field.content, field.end, inner, depth + 1))
        if new is None:
            continue
        yield data[kept : field.start]
        yield _varint(field.number << 3 | BYTES) + _varint(len(new)) + new
        kept = field.end
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
