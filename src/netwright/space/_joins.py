"""How several tensors become one: add, mul, concat, and the matrix products of two."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from math import sqrt
from typing import Any

from netwright.errors import ShapeError, UnknownNameError
from netwright.graph import Tensor, ops
from netwright.space._compile import Bundle, FlowType
from netwright.space._domain import Choice

__all__ = ["JOINS", "Join", "joins_of"]


class Join(ABC):
    """How several tensors become one; give `rule`, `one_key` and `apply`.

    Two tensors can only be joined where the key of the one that comes first equals the key of the other.
    """

    rule = ""
    """What must hold, as an error says it."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def one_key(self, place: int, kind: FlowType) -> Hashable:
        """Key of a tensor at place 0, or of one that comes later (place 1); None where it can never be joined."""

    @abstractmethod
    def apply(self, xs: Sequence[Tensor]) -> Tensor:
        """Join two or more tensors; raises ShapeError."""

    def key(self, place: int, kinds: Sequence[FlowType]) -> Hashable:
        """Keys in every context."""
        keys = tuple(self.one_key(place, kind) for kind in kinds)
        return None if None in keys else keys

    def __call__(self, *xs: Tensor) -> Tensor:
        """Join; a single tensor is itself."""
        return xs[0] if len(xs) == 1 else self.apply(xs)

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        # There is one join of each name, in every process.
        return _named, (self.name,)


class Equal(Join):
    """The sum or the product of tensors of one shape."""

    rule = "shapes must be equal."

    def one_key(self, place: int, kind: FlowType) -> Hashable:
        return kind if isinstance(kind, Bundle) else (kind.shape, kind.dtype)

    def apply(self, xs: Sequence[Tensor]) -> Tensor:
        y: Tensor = ops.add(*xs) if len(xs) == 2 else ops.sum(*xs)
        return y


class Product(Equal):
    """Each element times those at its place."""

    def apply(self, xs: Sequence[Tensor]) -> Tensor:
        y = xs[0]
        for x in xs[1:]:
            y = y * x
        return y


class Concat(Join):
    """One after the other along an axis; without one along the channels, or the features of tokens."""

    rule = "shapes must be equal but for the axis that is concatenated."

    def __init__(self, name: str, axis: int | None = None) -> None:
        super().__init__(name)
        self._axis = axis

    def _axis_of(self, rank: int) -> int:
        return self._axis if self._axis is not None else rank - 1 if rank == 3 else 1

    def one_key(self, place: int, kind: FlowType) -> Hashable:
        if isinstance(kind, Bundle):
            return ()
        shape, dtype, _ = kind
        axis = self._axis_of(len(shape))
        return (axis, shape[:axis], shape[axis + 1 :], dtype) if axis < len(shape) else None

    def apply(self, xs: Sequence[Tensor]) -> Tensor:
        y: Tensor = ops.concat(*xs, axis=self._axis_of(xs[0].rank))
        return y


class Dot(Join):
    """Matrix product of two tensors over the last axis of the first (and the last but one of the second)."""

    rule = "the last axis of the first must be as long as the last but one of the second."

    def __init__(self, name: str, *, scaled: bool) -> None:
        super().__init__(name)
        self._scaled = scaled

    def one_key(self, place: int, kind: FlowType) -> Hashable:
        if isinstance(kind, Bundle) or len(kind[0]) < 3:
            return None
        shape, dtype, _ = kind
        return shape[:-2], shape[-2 if place else -1], dtype

    def apply(self, xs: Sequence[Tensor]) -> Tensor:
        if len(xs) != 2:
            raise ShapeError(f"{self.name}: a matrix product is of two tensors, but got {len(xs)}.")
        y: Tensor = ops.matmul(*xs)
        return y * (1 / sqrt(xs[0].shape[-1])) if self._scaled else y


JOINS: dict[str, Join] = {
    join.name: join
    for join in (
        Equal("add"),
        Product("mul"),
        Concat("concat"),
        *(Concat(f"concat{axis}", axis) for axis in (1, 2, 3)),
        Dot("dot", scaled=False),
        Dot("scaled_dot", scaled=True),
    )
}


def _named(name: str) -> Join:
    return JOINS[name]


def joins_of(join: Any) -> tuple[str, ...]:
    """Names in a join or a choice of joins; raises UnknownNameError for one that is none.

    >>> joins_of("add")
    ('add',)
    """
    names = join.options if isinstance(join, Choice) else (join,)
    for name in names:
        if not isinstance(name, str) or name not in JOINS:
            raise UnknownNameError("join", str(name), JOINS)
    return tuple(names)
