"""Every bad form of the language next to its good one, and what an error says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netwright.blocks import classifier, conv, skip
from netwright.errors import DesignError, EmptySpaceError, NetwrightError, SpaceError, UnknownNameError
from netwright.graph import image, vector
from netwright.space import (
    Design,
    Space,
    branch,
    cell,
    grammar,
    integer,
    named,
    oneof,
    real,
    repeat,
    residual,
    rule,
    seq,
    tied,
)

INPUT = image(3, 8, 8)
Make = Callable[[], object]


def space(network: object, **options: object) -> Space:
    made = Space(network, **{"input": INPUT, **options})  # type: ignore[arg-type]
    made.size()
    return made


FORMS: dict[str, tuple[Make, Make, type[NetwrightError], str]] = {
    # what: (good, bad, error of the bad, its message)
    "no options": (lambda: oneof(1), lambda: oneof(), SpaceError, "at least one option, but got none"),
    "equal values": (lambda: oneof(1, 2), lambda: oneof(1, 2, 1), SpaceError, "options must differ, but got 1, 2, 1"),
    "values equal in Python": (lambda: oneof(0, 1), lambda: oneof(True, 1), SpaceError, "options must differ"),
    "equal numbers": (lambda: oneof(1, 1.5), lambda: oneof(1, 1.0), SpaceError, "options must differ"),
    "equal blocks": (
        lambda: oneof(conv(4), conv(8)),
        lambda: oneof(conv(4), conv(4)),
        SpaceError,
        r"options must differ, but got conv\(channels=4\), conv\(channels=4\)",
    ),
    "equal names": (
        lambda: oneof(named("a", conv(4)), named("b", conv(4))),
        lambda: oneof(named("a", conv(4)), named("a", conv(4))),
        SpaceError,
        "options must differ",
    ),
    "too few weights": (
        lambda: oneof(1, 2, weights=[1, 3]),
        lambda: oneof(1, 2, weights=[1]),
        SpaceError,
        "one positive",
    ),
    "zero weight": (
        lambda: oneof(1, weights=[2]),
        lambda: oneof(1, 2, weights=[1, 0]),
        SpaceError,
        r"\[1, 0\] for 2",
    ),
    "negative weight": (lambda: oneof(1), lambda: oneof(1, weights=[-1]), SpaceError, "positive number"),
    "no number": (lambda: oneof(1), lambda: oneof(1, weights=[float("nan")]), SpaceError, "positive number"),
    "endless weight": (
        lambda: oneof(1),
        lambda: oneof(1, 2, weights=[float("inf"), 1]),
        SpaceError,
        "positive number",
    ),
    "interval among options": (lambda: oneof(1.0), lambda: oneof(1, real(0, 1)), SpaceError, "got a real interval"),
    "interval in a network": (
        lambda: conv(oneof(4)),
        lambda: space(conv(4, kernel=real(1, 3))),
        SpaceError,
        "real.. is for recipes",
    ),
    "negative count": (
        lambda: repeat(conv(4), 0),
        lambda: repeat(conv(4), -1),
        SpaceError,
        r"at least 0, but got -1",
    ),
    "fraction of a copy": (lambda: repeat(conv(4), 2), lambda: repeat(conv(4), 1.5), SpaceError, "whole numbers"),
    "a truth as count": (lambda: repeat(conv(4), 1), lambda: repeat(conv(4), True), SpaceError, "whole numbers"),
    "a bad count among good": (
        lambda: repeat(conv(4), oneof(0, 1)),
        lambda: repeat(conv(4), oneof(1, "two")),
        SpaceError,
        "whole numbers",
    ),
    "no part": (
        lambda: seq(conv(4)),
        lambda: seq(conv(4), 3),
        SpaceError,
        "a part of a network must be .* but got 3",
    ),
    "values as a part": (
        lambda: seq(oneof(conv(4))),
        lambda: seq(oneof(3, conv(4))),
        SpaceError,
        "a part of a network",
    ),
    "no branches": (lambda: branch(conv(4)), lambda: branch(), SpaceError, "a branch needs at least one part"),
    "unknown join": (
        lambda: branch(conv(4), join="mul"),
        lambda: branch(conv(4), join="max"),
        UnknownNameError,
        "no join is named 'max'.*add, concat, mul|no join is named 'max'",
    ),
    "dot in a name": (lambda: named("a", conv(4)), lambda: named("a.b", conv(4)), SpaceError, "'a.b'"),
    "no name": (lambda: tied("a", conv(4)), lambda: tied("", conv(4)), SpaceError, "must not be empty"),
    "edge backwards": (
        lambda: cell({(0, 1): conv(4)}),
        lambda: cell({(0, 1): conv(4), (2, 1): conv(4)}),
        SpaceError,
        r"0 <= i < j, but got \(2, 1\)",
    ),
    "edge to itself": (
        lambda: cell({(0, 2): skip(), (0, 1): skip(), (1, 2): skip()}),
        lambda: cell({(1, 1): skip()}),
        SpaceError,
        r"\(1, 1\)",
    ),
    "node without an edge": (
        lambda: cell({(0, 1): conv(4), (1, 2): conv(4)}),
        lambda: cell({(0, 2): conv(4)}),
        SpaceError,
        r"\[1\] have none",
    ),
    "no edges": (lambda: cell({(0, 1): skip()}), lambda: cell({}), SpaceError, "all have none"),
    "output that is no node": (
        lambda: cell({(0, 1): conv(4)}, output=(0, 1)),
        lambda: cell({(0, 1): conv(4)}, output=2),
        SpaceError,
        r"from 0 to 1, but got \(2,\)",
    ),
    "node that leads nowhere": (
        lambda: cell({(0, 1): conv(4), (1, 2): conv(4)}, output=2),
        lambda: cell({(0, 1): conv(4), (1, 2): conv(4)}, output=1),
        SpaceError,
        r"lead to its output, but \[2\] do not",
    ),
    "numbers and names of nodes": (
        lambda: cell({("in", "a"): conv(4), ("a", "out"): conv(4)}),
        lambda: cell({("in", "a"): conv(4), (1, 2): conv(4)}),
        SpaceError,
        "all have numbers or all names, but got both",
    ),
    "an edge of three nodes": (
        lambda: cell({("in", "a"): conv(4)}),
        lambda: cell({("in", "a", "b"): conv(4)}),
        SpaceError,
        "two numbers or two names of nodes",
    ),
    "an edge that is a text": (
        lambda: cell({("a", "b"): conv(4)}),
        lambda: cell({"ab": conv(4)}),
        SpaceError,
        "two numbers or two names of nodes, but got 'ab'",
    ),
    "nodes in a circle": (
        lambda: cell({("in", "a"): conv(4), ("a", "b"): conv(4), ("in", "b"): conv(4)}),
        lambda: cell({("in", "a"): conv(4), ("a", "b"): conv(4), ("b", "a"): conv(4)}),
        SpaceError,
        "must not run in a circle, but a, b do",
    ),
    "two inputs of a cell": (
        lambda: cell({("in", "a"): conv(4)}),
        lambda: cell({("in", "a"): conv(4), ("other", "a"): conv(4)}),
        SpaceError,
        "but in, other have none",
    ),
    "two ends of a cell": (
        lambda: cell({("in", "a"): conv(4), ("in", "b"): conv(4)}, output=("a", "b")),
        lambda: cell({("in", "a"): conv(4), ("in", "b"): conv(4)}),
        SpaceError,
        "stated where several nodes end it: a, b",
    ),
    "named node that leads nowhere": (
        lambda: cell({("in", "a"): conv(4), ("in", "b"): conv(4)}, output=("a", "b")),
        lambda: cell({("in", "a"): conv(4), ("in", "b"): conv(4)}, output="a"),
        SpaceError,
        r"lead to its output, but \['b'\] do not",
    ),
    "output that has another name": (
        lambda: cell({("in", "a"): conv(4)}, output="a"),
        lambda: cell({("in", "a"): conv(4)}, output="b"),
        SpaceError,
        "out of in, a, but got 'b'",
    ),
    "dash in the name of a node": (
        lambda: cell({("in", "a"): conv(4)}),
        lambda: cell({("in", "a-b"): conv(4)}),
        SpaceError,
        "hold a dot or a dash, but got 'a-b'",
    ),
    "choice of joins in a cell": (
        lambda: cell({(0, 1): conv(4)}, join="mul"),
        lambda: cell({(0, 1): conv(4)}, join=oneof("add", "mul")),
        SpaceError,
        "must be one name",
    ),
    "endless interval": (
        lambda: real(0, 1),
        lambda: real(0, float("inf")),
        SpaceError,
        "finite numbers, but got low=0, high=inf",
    ),
    "bound that is no number": (lambda: real(0, 1), lambda: real("0", 1), SpaceError, "finite numbers"),
    "integers between fractions": (lambda: integer(1, 5), lambda: integer(1, 5.5), SpaceError, "whole numbers"),
    "a size that is a text": (
        lambda: space(conv(8)),
        lambda: space(conv("8")),
        EmptySpaceError,
        "positive integers, but got channels='8'",
    ),
    "a fraction of a kernel": (
        lambda: space(conv(8, kernel=3)),
        lambda: space(conv(8, kernel=2.5)),
        EmptySpaceError,
        "positive integers, but got kernel 0=2.5",
    ),
    "unknown rule": (
        lambda: grammar("a", depth=1, a=conv(4)),
        lambda: grammar("a", depth=1, a=oneof(conv(4), seq(rule("b")))),
        UnknownNameError,
        "no rule is named 'b'",
    ),
    "unknown start": (
        lambda: grammar("a", depth=1, a=conv(4)),
        lambda: grammar("b", depth=1, a=conv(4)),
        UnknownNameError,
        "'b'",
    ),
    "no bound": (
        lambda: grammar("a", size=1, a=conv(4)),
        lambda: grammar("a", a=conv(4)),
        SpaceError,
        "a positive bound, but got depth=None, size=None",
    ),
    "one of two bounds": (
        lambda: grammar("a", depth=1, size=1, a=skip()),
        lambda: grammar("a", depth=1, size=0, a=skip()),
        SpaceError,
        "a positive bound, but got depth=1, size=0",
    ),
    "bound of nothing": (
        lambda: grammar("a", depth=1, a=skip()),
        lambda: grammar("a", depth=0, a=skip()),
        SpaceError,
        "depth=0",
    ),
    "rule outside a grammar": (
        lambda: space(grammar("a", depth=1, a=conv(4))),
        lambda: space(seq(conv(4), rule("a"))),
        SpaceError,
        r"rule\('a'\) must stand inside a grammar",
    ),
    "tie across rules": (
        lambda: space(tied("t", grammar("a", depth=2, a=oneof(conv(4), rule("a"))))),
        lambda: space(grammar("a", depth=2, a=oneof(conv(4), tied("t", rule("a"))))),
        SpaceError,
        r"tied\('t'\) must hold a whole grammar",
    ),
    "one key, two parts": (
        lambda: space(seq(tied("t", conv(4)), tied("t", conv(4)))),
        lambda: space(seq(tied("t", conv(4)), tied("t", conv(oneof(4, 8))))),
        SpaceError,
        "all parts tied under 't' must be equal",
    ),
    "tie named as a part": (
        lambda: space(seq(a=seq(tied("t", conv(oneof(4, 8)))), b=conv(oneof(4, 8)))),
        lambda: space(seq(a=seq(tied("b", conv(oneof(4, 8)))), b=conv(oneof(4, 8)))),
        SpaceError,
        "two decide under 'b'",
    ),
    "part named as the recipe": (
        lambda: space(seq(recipes=conv(oneof(4, 8)))),
        lambda: space(seq(recipe=conv(oneof(4, 8)))),
        SpaceError,
        "no part of a network can be named 'recipe'",
    ),
    "part named as the input": (
        lambda: space(seq(input=conv(oneof(4, 8)))),
        lambda: space(seq(input=conv(oneof(4, 8))), input=[INPUT, image(3, 4, 4)]),
        SpaceError,
        "two decide under 'input'",
    ),
    "no input": (
        lambda: space(conv(4), input=[INPUT]),
        lambda: space(conv(4), input=[]),
        SpaceError,
        "at least one input",
    ),
    "too many nodes": (
        lambda: space(repeat(oneof(conv(4), conv(8)), times=10), max_nodes=1000),
        lambda: space(repeat(oneof(conv(4), conv(8)), times=10), max_nodes=20),
        SpaceError,
        "must stay under 20 nodes, but .* passes that",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_bad_forms_are_refused_and_good_ones_are_not(form: str) -> None:
    good, bad, error, message = FORMS[form]
    good()
    with pytest.raises(error, match=message):
        bad()


EMPTY = {
    "block": (
        seq(conv(4), seq(conv(6), named("third", conv(4, groups=4)))),
        r"no design of seq fits input 1x3x8x8; the first place where nothing fits is third, where"
        r" conv\(channels=4, groups=4\) got 1x6x8x8: .*group",
    ),
    "join": (
        seq(conv(4), named("around", residual(conv(5)))),
        "is around, where add got 1x5x8x8 and 1x4x8x8: shapes must be equal",
    ),
    "what fits in one option but not behind it": (
        seq(oneof(conv(4, groups=2), conv(4)), end=seq(conv(5), inner=residual(conv(6)))),
        "is end.inner, where add got 1x6x8x8 and 1x5x8x8",
    ),
    "the same place twice": (
        seq(oneof(seq(conv(4), conv(4, groups=3)), conv(4)), conv(4, groups=3)),
        r"conv\(channels=4, groups=3\) got 1x4x8x8",
    ),
    "concat": (branch(conv(4), conv(4, stride=2), join="concat"), "got 1x4x8x8 and 1x4x4x4"),
    "rules that never end": (
        grammar("a", depth=5, a=seq(conv(4), rule("a"))),
        "rule 'a', which does not end within its bound",
    ),
    "tie": (
        seq(
            tied("t", conv(oneof(4, 5), groups=oneof(1, 3))),
            tied("t", conv(oneof(4, 5), groups=oneof(1, 3))),
            residual(conv(9, kernel=1), conv(8)),
        ),
        "residual, where add got 1x9x8x8 and 1x8x8x8",
    ),
}


@pytest.mark.parametrize("case", EMPTY)
def test_an_empty_space_names_where_nothing_fits_and_the_shapes(case: str) -> None:
    expression, message = EMPTY[case]
    with pytest.raises(EmptySpaceError, match=message):
        space(expression)


def test_a_name_that_no_block_knows_is_an_error_among_options_too() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'hard_swish'"):
        space(conv(8, activation=oneof("relu", "hardswish"))).size()


def test_an_input_that_does_not_fit_leaves_the_others() -> None:
    network = seq(conv(4), residual(conv(oneof(4, 8), stride=1)), conv(4, kernel=1, stride=2), classifier(3))
    assert space(network, input=[image(3, 8, 8), vector(7)]).size() == 1
    with pytest.raises(EmptySpaceError, match="fits input 1x7"):
        space(network, input=vector(7))


def test_parts_of_all_sorts_are_expressions() -> None:
    assert space(skip).size() == 1
    assert space(conv(4)).size() == 1
    assert repr(seq(conv(4), repeat(conv(4), oneof(1, 2)), tail=skip())) == (
        "seq(conv(channels=4), repeat(conv(channels=4), times=oneof(1, 2)), named('tail', skip()))"
    )


def test_designs_are_mappings_that_read_and_write() -> None:
    design = Design({"a": 1, "b.c": "x", "b.d": True, "e": 0.5})
    assert Design.from_json(design.to_json()) == design == dict(design)
    assert hash(design) == hash(Design(dict(reversed(list(design.items())))))
    assert design.replace(a=2)["a"] == 2
    assert design.without("b") == {"a": 1, "e": 0.5}
    for bad in ("[1]", "no json", "3", '{"a": null}', '{"a": [1]}'):
        with pytest.raises(DesignError):
            Design.from_json(bad)
    with pytest.raises(TypeError):
        design["a"] = 3  # type: ignore[index]
