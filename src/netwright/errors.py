"""Every error that netwright raises for a reason a user can mend.

    NetwrightError
    ├── GraphError            a graph that cannot be built
    │   ├── ShapeError        an operator's shape rule does not hold
    │   └── VerifyError       a finished graph breaks a rule of the verifier
    ├── SpaceError            a space that cannot be compiled or asked
    │   ├── EmptySpaceError   no design fits its shapes
    │   └── DesignError       a design has a path or value that the space does not
    ├── LimitError            a limit that cannot be read or that no design can meet
    ├── DataError             a data file that is not what it should be
    ├── EvaluationError       a trial that could not be trained or measured
    ├── ModelError            a model file or module that cannot be taken in
    │   └── UnsupportedError  it has nodes without a counterpart; the message lists them all
    ├── ExportError           a graph that cannot be written in the form asked for
    ├── StudyError            a study that cannot be created, opened or resumed
    ├── UnknownNameError      a name that is not in a list of names; the message lists them
    └── MissingExtraError     an optional package is not installed; the message names the pip line

Each message is one sentence: the rule, then the values. The command line prints it and exits with code 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "DataError",
    "DesignError",
    "EmptySpaceError",
    "EvaluationError",
    "ExportError",
    "GraphError",
    "LimitError",
    "MissingExtraError",
    "ModelError",
    "NetwrightError",
    "ShapeError",
    "SpaceError",
    "StudyError",
    "UnknownNameError",
    "UnsupportedError",
    "VerifyError",
]


class NetwrightError(Exception):
    """Base of all errors a user can mend."""


class GraphError(NetwrightError):
    """A graph cannot be built."""


class ShapeError(GraphError):
    """An operator's shape rule does not hold for its inputs."""


class VerifyError(GraphError):
    """A finished graph breaks a rule of the verifier."""


class SpaceError(NetwrightError):
    """A space cannot be compiled or asked."""


class EmptySpaceError(SpaceError):
    """No design of the space fits its shapes."""


class DesignError(SpaceError):
    """A design has a path or a value that the space does not."""


class LimitError(NetwrightError):
    """A limit cannot be read, or no design can meet it."""


class DataError(NetwrightError):
    """A data file is not what it should be."""


class EvaluationError(NetwrightError):
    """A trial could not be trained or measured."""


class ModelError(NetwrightError):
    """A model file or module cannot be taken in."""


class UnsupportedError(ModelError):
    """A model has nodes without a counterpart in the vocabulary.

    >>> str(UnsupportedError(["com.vendor::Fast 'head' on 1x3x8x8"]))
    "every node must have a counterpart, but 1 has none: com.vendor::Fast 'head' on 1x3x8x8; strict=False keeps it."
    """

    def __init__(self, nodes: Iterable[str]) -> None:
        self.nodes = tuple(nodes)
        verb, kept = ("has", "it") if len(self.nodes) == 1 else ("have", "them")
        super().__init__(
            f"every node must have a counterpart, but {len(self.nodes)} {verb} none: {'; '.join(self.nodes)};"
            f" strict=False keeps {kept}."
        )


class ExportError(NetwrightError):
    """A graph cannot be written in the form asked for."""


class StudyError(NetwrightError):
    """A study cannot be created, opened or resumed."""


class MissingExtraError(NetwrightError):
    """An optional package is not installed."""


MANY = 30
"""Known names beyond which an error does not list them all."""
ALIKE = 0.7
"""Share of a name's letters and digits that another must have in a row to be near it."""
LISTED = {"target": "netwright targets", "space": "netwright spaces"}
"""Commands that list all names of a kind."""


class UnknownNameError(NetwrightError):
    """A name is not in a list of known names.

    >>> str(UnknownNameError("space", "nasbench20", ["nasbench201", "vit-tiny"]))
    "no space is named 'nasbench20'; did you mean 'nasbench201'? known: nasbench201, vit-tiny."

    Of many known names only near ones are listed, and what lists the others, where there is either.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        many = len(names) > MANY
        near = difflib.get_close_matches(name, names, n=3 if many else 1)
        near += [each for each in _having(name, names) if many and each not in near][: 5 - len(near)]
        hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        listed = f"known: {', '.join(names) or 'none'}"
        if many and (near or kind in LISTED):
            listed = f"{len(names)} are known" + (f": `{LISTED[kind]}` lists them" if kind in LISTED else "")
        super().__init__(f"no {kind} is named {name!r}; {hint}{listed}.")


def _having(name: str, names: Iterable[str]) -> list[str]:
    """Names that have most letters and digits of this one in a row, whatever is between them; nearest ones first."""
    wanted = _plain(name)
    lengths = {each: _in_common(wanted, _plain(each)) for each in names}
    return sorted((each for each in lengths if lengths[each] > ALIKE * len(wanted)), key=lambda each: -lengths[each])


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def _in_common(a: str, b: str) -> int:
    return difflib.SequenceMatcher(None, a, b, autojunk=False).find_longest_match().size
