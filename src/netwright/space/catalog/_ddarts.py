"""D-DARTS: cells of DARTS that each decide for themselves (Heuillet et al. 2023; row 135).

Made for more diverse networks than two cells used everywhere: each of a few cells is its own, and a deeper network is
derived by using those of each third of the depth in turn.
"""

from __future__ import annotations

from netwright.errors import SpaceError
from netwright.graph import Input, image
from netwright.space._space import Space
from netwright.space._tie import tied
from netwright.space.catalog._darts import chained, darts_cell

__all__ = ["ddarts"]


def ddarts(
    input: Input | None = None, classes: int = 10, *, scale: float = 1.0, cells: int = 8, layers: int | None = None
) -> Space:
    """Cells of four nodes, each with decisions of its own: 1,037,664,180 to the power of their number.

    >>> ddarts().size() == (1 * 3 * 6 * 10 * 7**8) ** 8
    True

    scale: of the 36 channels of the first cells. cells: how many are decided. layers: how many stand in the network;
    more than `cells` derive a deeper one, in which the cells of a third of the depth take turns. Raises SpaceError
    for fewer than 6 cells, and for fewer layers than cells.
    """
    depth = cells if layers is None else layers
    if not 6 <= cells <= depth:
        raise SpaceError(f"6 <= cells <= layers must hold, but got cells={cells}, layers={depth}.")
    halves = (cells // 3, 2 * cells // 3)
    own = [(tied(f"cell{i}", darts_cell(i in halves)), i in halves) for i in range(cells)]
    network = chained([own[i] for i in _derived(cells, depth)], classes, scale)
    return Space(network, input=input or image(3, 32, 32), name="ddarts")


def _derived(cells: int, depth: int) -> list[int]:
    """Number of the cell at each place: its third is kept, so are the two that halve, all others take turns.

    >>> _derived(8, 8), _derived(8, 14)
    ([0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 0, 1, 2, 3, 4, 3, 4, 5, 6, 7, 6, 7])
    """
    ours, theirs = ([0, n // 3, 2 * n // 3, n] for n in (cells, depth))
    found = []
    for third in range(3):
        turns = list(range(ours[third] + (third > 0), ours[third + 1]))
        places = theirs[third + 1] - theirs[third] - (third > 0)
        found += ([ours[third]] if third else []) + [turns[i % len(turns)] for i in range(places)]
    return found
