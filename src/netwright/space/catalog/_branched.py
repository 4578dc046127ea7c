"""Branched multi-task networks: one tree from the image to a head for each task (Bruggemann et al. 2020; row 265).

Made for dense prediction of several tasks within a budget: tasks share the layers up to where they part, so that
every branching costs what its own layers cost. At each stage a group of tasks stays together or splits in any way;
each task has a head of its own, and the network has as many outputs, in the order of the tasks.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from netwright.blocks import classifier, conv, imagenet_stem, make_divisible, residual_block
from netwright.errors import SpaceError
from netwright.graph import Input, image
from netwright.space._bundle import several, take
from netwright.space._choice import oneof
from netwright.space._expression import Expression, named
from netwright.space._sequence import seq
from netwright.space._space import Space

__all__ = ["branched"]

WIDTHS = (64, 128, 256, 512)
BLOCKS = 2
"""Of each stage, as in ResNet-18."""


def branched(
    input: Input | None = None, classes: int = 21, *, scale: float = 1.0, tasks: int = 3, dense: bool = False
) -> Space:
    """All trees of four stages over the tasks: 35 for three of them.

    >>> branched().size(), branched(tasks=2).size()
    (35, 5)

    classes: outputs of each task. scale: multiplier of all widths. tasks: from 2 to 4. dense: whether a task has its
    outputs at each position of the last image. Raises SpaceError for other numbers of tasks.
    """
    if not 2 <= tasks <= 4:
        raise SpaceError(f"a branched network has from 2 to 4 tasks, but got tasks={tasks}.")
    widths = [make_divisible(width * scale) for width in WIDTHS]
    heads = [f"task{i}" for i in range(tasks)]
    head = conv(classes, 1, norm="none", activation="none") if dense else classifier(classes)

    @cache
    def grown(group: tuple[int, ...], stage: int) -> Expression:
        """Outputs of a group of tasks from the input of a stage on."""
        if stage == len(widths):
            return several(**{heads[i]: head for i in group})
        ways = {_written(parts): _split(parts, group, stage) for parts in _partitions(group)}
        choice: Expression = oneof(*(named(name, way) for name, way in ways.items()))
        return choice if len(ways) > 1 else next(iter(ways.values()))

    def _split(parts: tuple[tuple[int, ...], ...], group: tuple[int, ...], stage: int) -> Expression:
        width, stride = widths[stage], 1 if stage == 0 else 2
        own = {
            f"t{''.join(map(str, part))}": seq(
                first=residual_block(width, stride), more=residual_block(), then=grown(part, stage + 1)
            )
            for part in parts
        }
        order = [i for part in parts for i in part]
        return seq(branches=several(**own), ordered=take(*map(order.index, group)))

    network = seq(stem=imagenet_stem(widths[0]), tree=grown(tuple(range(tasks)), 0))
    return Space(network, input=input or image(3, 256, 256), name="branched")


def _partitions(group: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], ...]]:
    """All ways to part a group.

    >>> [*_partitions((0, 1))]
    [((0, 1),), ((0,), (1,))]
    """
    if not group:
        yield ()
        return
    first, rest = group[0], group[1:]
    for number in range(1 << len(rest)):
        others = tuple(task for i, task in enumerate(rest) if number >> i & 1)
        together = tuple(task for task in rest if task not in others)
        yield from (((first, *together), *more) for more in _partitions(others))


def _written(parts: tuple[tuple[int, ...], ...]) -> str:
    """A way to part a group, such as 02|1."""
    return "|".join("".join(map(str, part)) for part in parts)
