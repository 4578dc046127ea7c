"""What was learned of a device with few measurements is kept, for it takes many times as long as a command should."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netwright._text import write_text
from netwright.errors import DataError
from netwright.space import Design
from netwright.target import _additive, _design_features, _device_belief, _gaussian_process, _table_target, _transfer
from netwright.target._added import _few
from netwright.target._added._few import Foretold
from netwright.target._additive import AdditiveFit

__all__ = ["Kept", "kept_path"]

METHOD = (_additive, _design_features, _device_belief, _few, _gaussian_process, _table_target, _transfer)
"""Modules whose text decides what is learned."""
BROKEN = (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, DataError)


def kept_path(target: Path) -> Path:
    """Where what was learned of the device in a file of the user's folder is kept.

    >>> kept_path(Path("targets/phone.json")).as_posix()
    'targets/learned/phone.json'
    """
    return target.parent / "learned" / target.name


class Kept:
    """Foretellings of a device by quantity, in a file; one that is broken or of other data is as good as none.

    path: of the file. parts: by quantity, all that its foretelling depends on. designs: those that may be foretold,
    in an order that the same data always give.
    """

    def __init__(self, path: Path, parts: Mapping[str, Sequence[str]], designs: Sequence[Design]) -> None:
        self._path, self._designs = path, list(dict.fromkeys(designs))
        method = [hashlib.sha256(Path(str(module.__file__)).read_bytes()).hexdigest() for module in METHOD]
        self._keys = {
            quantity: hashlib.sha256(json.dumps([*method, *own]).encode()).hexdigest()
            for quantity, own in parts.items()
        }

    def get(self, quantity: str) -> Foretold | None:
        """What was learned of a quantity; None where that is not known or no longer holds."""
        try:
            content = self._content()[quantity]
            if content["key"] != self._keys[quantity]:
                return None
            rows = [
                (self._designs[row], (float(m), float(low), float(high))) for row, m, low, high in content["table"]
            ]
            return Foretold(AdditiveFit.from_json(content["fit"]), dict(rows), str(content["method"]))
        except BROKEN:
            return None

    def put(self, quantity: str, found: Foretold) -> None:
        """Keep what was learned; where the folder takes no files, the next command learns it again."""
        rows = {design: row for row, design in enumerate(self._designs)}
        table = [[rows[design], *told] for design, told in found.table.items()]
        try:
            known = self._content()
        except BROKEN:
            known = {}
        key, fit = self._keys[quantity], found.fit.with_prices()
        known[quantity] = {"key": key, "method": found.method, "fit": fit, "table": table}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_text(self._path, json.dumps({"quantities": known}) + "\n")
        except OSError:
            return

    def _content(self) -> dict[str, Any]:
        """What the file says by quantity; raises one of `BROKEN` where it is no such file."""
        return dict(json.loads(self._path.read_text(encoding="utf-8"))["quantities"])
