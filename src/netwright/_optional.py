"""Import of optional packages, with an error that names the pip line."""

from __future__ import annotations

import importlib
from types import ModuleType

from netwright.errors import MissingExtraError

__all__ = ["require"]


def require(package: str, *, extra: str) -> ModuleType:
    """Import an optional package, or say which extra brings it.

    >>> require("json", extra="train").__name__
    'json'

    Raises MissingExtraError when the package is not installed.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package.partition(".")[0]:
            raise
        raise MissingExtraError(
            f"this needs {package}, which is not installed: pip install 'netwright[{extra}]'."
        ) from error
