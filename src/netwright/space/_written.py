"""What a space can be written as, and read from: Python, JSON and YAML."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Self

from netwright.space._design import Value
from netwright.space._document import content_hash, document
from netwright.space._python import to_python
from netwright.space._read import Blocks, from_document, read_document, restrictions, text_of, write_document

__all__ = ["Written"]


class Written(ABC):
    """The part of a space that has to do with text."""

    def to_python(self) -> str:
        """Python source that makes this space, as `space`; costs of its own are left out.

        Raises SpaceError for a space around a model, and for a block that stands in no module.
        """
        return to_python(document(self))

    def to_yaml(self) -> str:
        """The space as YAML, which `load` reads from a file.

        Raises SpaceError as `to_python`, MissingExtraError without PyYAML.
        """
        return text_of(document(self), yaml=True)

    def hash(self) -> str:
        """SHA-256 of what the space says, in every process the same; its name and its own costs do not count."""
        return content_hash(document(self))

    def save(self, path: Path | str) -> None:
        """Write the space as JSON, or as YAML to a file of that name; blocks of your own by their import path.

        Raises SpaceError as `to_python`, and where the file cannot be written.
        """
        write_document(document(self), Path(path))

    @classmethod
    def load(cls, path: Path | str, *, blocks: Blocks = (), **options: Any) -> Self:
        """The space of a file that `save` wrote; nothing in it is run or imported.

        blocks: your own blocks and formulas that it may name, by import path where they have moved. options: `costs`
            and `max_nodes`.

        Raises SpaceError where the file is none, or names a block that is neither of the vocabulary nor given.
        """
        told = read_document(Path(path))
        space = cls(**from_document(told, blocks), **options)
        for values in restrictions(told):
            space = space.restricted(values)
        return space

    @abstractmethod
    def restricted(self, allowed: Mapping[str, Collection[Value]]) -> Self:
        """The same space with fewer options."""
