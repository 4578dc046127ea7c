"""Where the figures of a device's file are from: looked up in a document, or entered from memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from netwright._count import counted
from netwright.errors import DataError

__all__ = ["Source", "looked_up", "read_sources", "sources_in_words"]


@dataclass(frozen=True)
class Source:
    """A document of a device.

    >>> Source("The board's page", figures=("cores",)).figures
    ('cores',)

    document: title and address. figures: names of those that were looked up in it; none where it is only named.
    """

    document: str
    figures: tuple[str, ...] = ()


def read_sources(name: str, found: object, figures: Collection[str]) -> tuple[Source, ...]:
    """Documents of a file: text, or tables of a `document` and the `figures` looked up in it.

    >>> read_sources("board.toml", ["The board's page"], ["cores"])
    (Source(document="The board's page", figures=()),)
    >>> read_sources("board.toml", [{"document": "The board's page", "figures": ["cores"]}], ["cores"])
    (Source(document="The board's page", figures=('cores',)),)

    Raises DataError for anything else, and for a figure that the file does not have.
    """
    if not isinstance(found, list):
        raise DataError(f"{name} must have a list of sources, but got {found!r}.")
    return tuple(_read_source(name, each, figures) for each in found)


def _read_source(name: str, found: object, figures: Collection[str]) -> Source:
    if isinstance(found, str):
        return Source(found)
    if not isinstance(found, dict) or found.keys() != {"document", "figures"}:
        raise DataError(f"a source of {name} must be text, or have document and figures, but got {found!r}.")
    document, names = found["document"], found["figures"]
    if not isinstance(document, str) or not isinstance(names, list):
        raise DataError(f"a source of {name} must have a text and a list of figures, but got {found!r}.")
    unknown = next((each for each in names if each not in figures), None)
    if unknown is not None:
        raise DataError(f"a source of {name} must state figures among {', '.join(figures)}, but got {unknown!r}.")
    return Source(document, tuple(names))


def looked_up(figures: Collection[str], sources: Sequence[Source]) -> dict[str, str | None]:
    """Document of each figure, the first that states it; None for one that was entered from memory.

    >>> looked_up(["cores", "cache_mib"], [Source("The board's page", ("cores",))])
    {'cores': "The board's page", 'cache_mib': None}
    """
    return {
        figure: next((source.document for source in sources if figure in source.figures), None) for figure in figures
    }


def sources_in_words(found: Mapping[str, str | None]) -> str:
    """How many figures were looked up, in a few words.

    >>> sources_in_words({"cores": "The board's page", "cache_mib": None})
    '1 of 2 figures looked up; from memory: cache_mib'
    """
    missing = [figure for figure, document in found.items() if document is None]
    told = f"{len(found) - len(missing)} of {counted(len(found), 'figure')} looked up"
    return f"{told}; from memory: {', '.join(missing)}" if missing else told
