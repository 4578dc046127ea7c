"""One node of the file as its converter sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from netwright.graph import Tensor, constant
from netwright.io._from_onnx._leaves import Leaves
from netwright.io._from_onnx._values import Known, Made, NoCounterpart, Value

__all__ = ["Call"]


HARMLESS = frozenset({"consumed_inputs", "hidden_size", "kernel_shape", "saturate", "seed", "storage_order"})
"""Attributes that say what is known otherwise, or what makes no difference here."""


class Attributes(dict[str, Any]):
    """Attributes of a node that remember which of them were asked for."""

    def __init__(self, attrs: Mapping[str, Any]) -> None:
        super().__init__(attrs)
        self._asked: set[str] = set(HARMLESS)

    def __getitem__(self, key: str) -> Any:
        self._asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._asked.add(str(key))
        return super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of an attribute, or the default."""
        self._asked.add(key)
        return super().get(key, default)

    def ignored(self) -> list[str]:
        """Attributes that nobody has asked for."""
        return [key for key in self if key not in self._asked]


class Call:
    """A node with its inputs as values, its attributes as plain Python values, and its operator set's version."""

    def __init__(
        self,
        op: str,
        name: str,
        inputs: Sequence[Value | None],
        attrs: Mapping[str, Any],
        used: Sequence[bool],
        opset: int,
        leaves: Leaves,
    ) -> None:
        self.op = op
        self.name = name
        self.inputs = tuple(inputs)
        self.attrs = Attributes(attrs)
        self.used = tuple(used)
        self.opset = opset
        self._leaves = leaves

    def has(self, index: int) -> bool:
        """Whether an optional input is given."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def is_known(self, index: int) -> bool:
        """Whether the numbers of an input are known when the model is read."""
        value = self.value(index)
        return isinstance(value, Known) or value.fold is not None

    def value(self, index: int) -> Value:
        """An input that must be there."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if value is None:
            raise NoCounterpart(f"input {index} is missing")
        return value

    def tensor(self, index: int) -> Tensor:
        """An input as a tensor: a stored weight as a parameter, any other small array as a constant."""
        value = self.value(index)
        if isinstance(value, Made):
            return value.tensor
        return self._leaves.leaf(value, self.name)

    def tensors(self) -> list[Tensor]:
        """All inputs as tensors."""
        return [self.tensor(i) for i in range(len(self.inputs))]

    def weight(self, index: int, role: str = "weight") -> Tensor:
        """An input that belongs to a layer: known arrays are parameters, whatever their size and source."""
        value = self.value(index)
        return value.tensor if isinstance(value, Made) else self._leaves.parameter(value, role, self.name)

    def optional(self, index: int, role: str | None = None) -> Tensor | None:
        """An optional input: as a weight of this role, or else as a tensor."""
        if not self.has(index):
            return None
        return self.tensor(index) if role is None else self.weight(index, role)

    def known(self, index: int) -> NDArray[Any]:
        """Numbers of an input that shapes depend on."""
        value = self.value(index)
        if isinstance(value, Known):
            return value.array
        if value.fold is None:
            raise NoCounterpart(f"input {index} must be known when the model is read")
        return value.fold()

    def ints(self, index: int) -> tuple[int, ...]:
        """Whole numbers of a known input."""
        return tuple(int(number) for number in self.known(index).reshape(-1))

    def number(self, index: int) -> float | int:
        """The one number of a known input."""
        found = self.known(index).reshape(-1)
        if found.size != 1:
            raise NoCounterpart(f"input {index} must be one number")
        result: float | int = found[0].item()
        return result

    def ints_of(self, key: str, index: int) -> tuple[int, ...] | None:
        """Whole numbers that are an attribute in early operator sets and an input in later ones."""
        if key in self.attrs:
            return tuple(self.attrs[key])
        return self.ints(index) if self.has(index) else None

    def refuse(self, holds: bool, reason: str) -> None:
        """Raise NoCounterpart where something holds that the vocabulary cannot express."""
        if holds:
            raise NoCounterpart(reason)

    def only_first_output(self) -> None:
        """Raise NoCounterpart where an output after the first is read."""
        self.refuse(any(self.used[1:]), "an output after the first is read")

    def like(self, value: Any, tensor: Tensor) -> Tensor:
        """Constant of the element type of a tensor."""
        return constant(value, tensor.dtype)
