"""The dictionaries of Once-for-All: kernels and expansions of every block, used or not, depths, and a resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netwright.errors import DesignError
from netwright.space._design import Design, Value

__all__ = ["elastic_dictionary", "elastic_from_dictionary"]


def elastic_dictionary(design: Mapping[str, Value], stages: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """Dictionary with `ks`, `e` and `d`, and `r` where the design decides a resolution.

    stages: name and most blocks of each. Blocks that a depth leaves out are written with 0.

    >>> elastic_dictionary({"s.times": 1, "s.0.kernel": 3, "s.0.expand": 6}, [("s", 2)])
    {'ks': [3, 0], 'e': [6, 0], 'd': [1]}
    """
    places = [f"{name}.{i}" for name, most in stages for i in range(most)]
    found: dict[str, Any] = {
        "ks": [int(design.get(f"{place}.kernel", 0)) for place in places],
        "e": [int(design.get(f"{place}.expand", 0)) for place in places],
        "d": [int(design.get(f"{name}.times", 1)) for name, _ in stages],
    }
    return found | ({"r": int(str(design["input"]).rpartition("x")[2])} if "input" in design else {})


def elastic_from_dictionary(dictionary: Mapping[str, Any], stages: Sequence[tuple[str, int]]) -> Design:
    """Design of a dictionary; what it says of blocks that a depth leaves out is ignored.

    Raises DesignError for lists of other lengths, or a depth that no stage has.

    >>> dict(elastic_from_dictionary({"ks": [3, 7], "e": [6, 3], "d": [1]}, [("s", 2)]))
    {'s.times': 1, 's.0.expand': 6, 's.0.kernel': 3}
    """
    blocks = sum(most for _, most in stages)
    for key, wanted in (("ks", blocks), ("e", blocks), ("d", len(stages))):
        if len(dictionary.get(key, ())) != wanted:
            raise DesignError(f"{key!r} must hold {wanted} numbers, but got {dictionary.get(key)}.")
    sides = _listed(dictionary.get("r"))
    if len(sides) > 1:
        raise DesignError(f"'r' must be one resolution, but got {dictionary['r']}.")
    values: dict[str, Value] = {"input": f"3x{sides[0]}x{sides[0]}"} if sides else {}
    at = 0
    for (name, most), depth in zip(stages, dictionary["d"], strict=True):
        if not 1 <= depth <= most:
            raise DesignError(f"a depth of {name} must be from 1 to {most}, but got {depth}.")
        values |= {f"{name}.times": int(depth)} if most > 1 else {}
        for i in range(depth):
            values[f"{name}.{i}.expand"] = int(dictionary["e"][at + i])
            values[f"{name}.{i}.kernel"] = int(dictionary["ks"][at + i])
        at += most
    return Design(values)


def _listed(sides: Any) -> list[Any]:
    """Resolutions: the authors' own searches write a list of one."""
    return list(sides) if isinstance(sides, (list, tuple)) else [] if sides is None else [sides]
