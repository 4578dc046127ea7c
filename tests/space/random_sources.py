"""Random small spaces, each written down as parts of the second reading."""

from __future__ import annotations

from itertools import islice
from typing import Any

from hypothesis import strategies as st

from .interpreter import (
    GIVEN,
    Branch,
    Cell,
    Grammar,
    Layer,
    OneOf,
    Part,
    Repeat,
    Residual,
    Rule,
    Seq,
    Skip,
    Source,
    Tied,
    UnreadError,
    reference,
)
from .interpreter_more import Grow, Let, Several, Take, Wiring


def some(*values: Any, most: int = 2) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True).map(tuple)


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    channels = draw(some(None, 2, 3, 4, most=3))
    weights = draw(st.none() | st.tuples(*[st.integers(1, 4)] * len(channels))) if len(channels) > 1 else None
    return Layer(channels, draw(some(1, 3)), draw(st.sampled_from([(1,), (1,), (2,), (1, 2)])),
                 draw(st.sampled_from([(1,), (1,), (1, 2)])), weights)  # fmt: skip


TIES = (Tied("twin", Layer((None, 3), (1, 3))), Tied("pair", OneOf((Skip(), Layer((None,), (1, 3))))),
        Tied("deep", Seq((Layer((2, 4)), Tied("twin", Layer((None, 3), (1, 3)))))),
        *(Tied("wide", OneOf((Layer((GIVEN,), (1, 3)), Skip())), width) for width in (2, 5)),
        *(Tied("both", Seq((Layer((GIVEN,), (1,), (1, 2)), Tied("inner", Layer((GIVEN,), (1, 3))))), width)
          for width in (2, 3)),
        Tied("let", Let((2, 3), (1, 2), Layer((GIVEN,), (1, 3)), Skip(), 4)))  # fmt: skip


LOW = Tied("low", OneOf((Layer((GIVEN,), (1, 3)), Skip())))
"""Takes the width that stands around the tie."""


@st.composite
def weighted(draw: st.DrawFn, inner: st.SearchStrategy[Part]) -> OneOf:
    options = tuple(draw(st.lists(inner, min_size=2, max_size=3)))
    return OneOf(options, draw(st.none() | st.tuples(*[st.integers(1, 5)] * len(options))))


@st.composite
def cells(draw: st.DrawFn, inner: st.SearchStrategy[Part]) -> Cell:
    edges = draw(st.sampled_from([((0, 1), (1, 2)), ((0, 1), (0, 2), (1, 2)), ((0, 2), (0, 1), (1, 2), (2, 3))]))
    parts = tuple((i, j, draw(inner)) for i, j in edges)
    outputs = draw(st.sampled_from([(), (1, max(j for _, j in edges))]))
    return Cell(parts, draw(st.sampled_from(["add", "mul", "concat"])), outputs)


def widths_given() -> st.SearchStrategy[Part]:
    wide: st.SearchStrategy[Part] = st.builds(Layer, st.just((GIVEN,)), some(1, 3))
    return wide | st.lists(wide | st.just(Skip()), min_size=1, max_size=2).map(tuple).map(Seq)


def lets(inner: st.SearchStrategy[Part]) -> st.SearchStrategy[Let]:
    plain: st.SearchStrategy[Part] = widths_given() | st.just(LOW) | inner
    return st.builds(Let, some(2, 3), some(0, 1, 2), plain, plain, st.none() | st.integers(3, 6), st.booleans())


def _bundled(first: Part, second: Part, join: str, tied: bool) -> Part:
    """Two values, a third made of one of them or of the other, and a join of two."""
    third = OneOf((Seq((Take(0), first)), Seq((Take(1), Layer((None,), (1, 3))))))
    cell = Seq((Grow(third), Branch((Take(0), Take(2)), join)))
    if not tied:
        return Seq((Several((first, second)), cell))
    plain = Seq((Grow(OneOf((Take(0), Seq((Take(1), Layer((None,), (1, 3))))))), Branch((Take(0), Take(2)), join)))
    return Seq((Several((first, second)), Several((Take(1), Tied("pairs", plain))), Tied("pairs", plain)))


def wirings() -> st.SearchStrategy[Wiring]:
    plain: st.SearchStrategy[Part] = layers() | st.just(Skip())
    several = st.lists(plain, min_size=2, max_size=2).map(tuple).map(OneOf)
    return st.builds(Wiring, plain | several, some(2, 3, 4), st.integers(3, 5), st.sampled_from([None, 3]))


@st.composite
def grammars(draw: st.DrawFn, inner: st.SearchStrategy[Part]) -> Grammar:
    recursion = draw(st.sampled_from([
        Seq((Rule("net"), Rule("net"))), Residual((Rule("net"),)), Seq((Rule("end"), Rule("net"))),
        Branch((Rule("net"), Rule("end")), "concat"), Rule("net"), Repeat(Rule("net"), (1, 2)),
    ]))  # fmt: skip
    weights = draw(st.none() | st.tuples(*[st.integers(1, 3)] * 2))
    bodies = (("net", OneOf((draw(inner), recursion), weights)), ("end", draw(inner)))
    by_size = draw(st.booleans())
    return Grammar(bodies, draw(st.integers(1, 4 if by_size else 3)), by_size)


def parts() -> st.SearchStrategy[Part]:
    leaf: st.SearchStrategy[Part] = layers() | st.just(Skip()) | st.sampled_from(TIES)

    def wider(inner: st.SearchStrategy[Part]) -> st.SearchStrategy[Part]:
        several = st.lists(inner, min_size=1, max_size=3).map(tuple)
        return st.one_of(
            weighted(inner),
            several.map(Seq),
            st.builds(Repeat, inner, some(0, 1, 2, 3), st.booleans()),
            st.builds(Repeat, widths_given(), some(0, 1, 2, 3), st.booleans(), st.sampled_from([(3, 2), (4, 4)])),
            st.builds(Branch, several, st.sampled_from(["add", "mul", "concat"])),
            st.lists(inner, min_size=1, max_size=2).map(tuple).map(Residual),
            cells(inner),
            wirings(),
            st.builds(_bundled, inner, inner, st.sampled_from(["add", "mul", "concat"]), st.booleans()),
            lets(inner),
            grammars(layers() | st.just(Skip())),
        )

    return st.recursive(leaf, wider, max_leaves=6)


MOST = 250
"""Derivations before shapes up to which a random source is taken."""


def small(source: Source) -> bool:
    if sum(1 for _ in islice(source.derivations(), MOST + 1)) > MOST:
        return False
    try:
        return bool(reference(source))
    except UnreadError:
        return False


def let_sources() -> st.SearchStrategy[Source]:
    """Random small spaces whose first decisions give values to what stands further down."""
    return st.builds(Source, lets(parts()), st.just(((2, 4),))).filter(small)


def sources() -> st.SearchStrategy[Source]:
    """Random small spaces that are not empty."""
    inputs = st.sampled_from([((2, 6),), ((3, 4),), ((2, 4), (2, 6)), ((2, 4), (4, 5))])
    return st.builds(Source, parts(), inputs).filter(small)
