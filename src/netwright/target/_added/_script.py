"""The script that measures a device, with the networks that it measures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.errors import DataError
from netwright.graph import Graph, canonical_hash, simplify
from netwright.space import Design
from netwright.target._added import _on_device
from netwright.target._added._few import reference_values
from netwright.target._design_table import without_recipe
from netwright.target._runtimes import onnx_bytes
from netwright.target._transfer import DeviceTransfer

if TYPE_CHECKING:
    from netwright.space import Space
    from netwright.target._table_target import TableTarget

__all__ = ["choose_designs", "designs_script", "draw_pool", "models_script"]

POOL = 600
"""Designs by which one device is compared with another, and among which those to measure are chosen."""


def draw_pool(space: Space, others: Mapping[str, TableTarget], seed: int = 0) -> list[Design]:
    """Designs of a space, drawn at random; from those that another device was measured on where there is one."""
    rng = np.random.default_rng(seed)
    if others:
        known = max(others.values(), key=lambda each: len(each.designs)).designs
        rows = rng.choice(len(known), min(POOL, len(known)), replace=False)
        return [known[i] for i in rows]
    if space.network_size() <= POOL:
        return list(space.enumerate())
    return list(dict.fromkeys(map(without_recipe, space.sample(rng, POOL))))


def choose_designs(space: Space, k: int, others: Mapping[str, TableTarget], seed: int = 0) -> list[Design]:
    """The k designs after whose measurement least is unknown of the others, as `DeviceTransfer.choose` has it.

    >>> import netwright as nw
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> len(choose_designs(space, 3, {}))
    3

    Raises DataError unless k is between 2 and their number.
    """
    pool = draw_pool(space, others, seed)
    if not 2 <= k <= len(pool):
        raise DataError(f"the designs to measure must be between 2 and {len(pool)}, but got {k}.")
    able = {
        name: each for name, each in others.items() if "latency_ms" in each.knows and all(map(each.tells, pool))
    }  # fmt: skip
    transfer = DeviceTransfer(pool, reference_values(able, pool, "latency_ms"), seed=seed)
    return [pool[i] for i in transfer.choose(k)]


def designs_script(out: Path, space: Space, told: Mapping[str, Any], designs: Sequence[Design]) -> dict[str, Any]:
    """Write the script for designs of a space; what `networks.json` says.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import netwright as nw
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> designs = list(space.enumerate())[:2]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     asked = designs_script(Path(folder) / "out", space, {"name": "toy", "classes": 10}, designs)
    ...     sorted(path.name for path in Path(folder, "out").iterdir())
    ['000.onnx', '001.onnx', 'measure.py', 'networks.json']
    >>> asked["networks"][0]["design"], asked["space"]
    ({'conv.channels': 8, 'conv.kernel': 1}, {'name': 'toy', 'classes': 10, 'input': [[1, 8, 8]]})

    told: name of the space and number of classes, as a device's file keeps them. Raises DataError where the folder
    exists and is not empty.
    """
    shapes = [list(tensor.shape[1:]) for tensor in space.inputs.values()]
    graphs = (({"design": dict(design)}, simplify(space.network(design))) for design in designs)
    return _write(out, {**told, "input": shapes}, graphs)


def models_script(out: Path, models: Mapping[str, Graph]) -> dict[str, Any]:
    """Write the script for networks of any kind, by name.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from netwright.graph import Graph, image, ops
    >>> x = image(1, 8, 8)
    >>> networks = {"relu": Graph([x], [ops.relu(x)]), "exp": Graph([x], [ops.exp(x)])}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     asked = models_script(Path(folder) / "out", networks)
    ...     sorted(path.name for path in Path(folder, "out").iterdir())
    ['000.onnx', '001.onnx', 'measure.py', 'networks.json']
    >>> [network["network"] for network in asked["networks"]]
    ['relu', 'exp']

    Raises DataError for fewer than two networks, and where the folder exists and is not empty.
    """
    if len(models) < 2:
        raise DataError(f"a device is measured on 2 networks or more, but got {len(models)}.")
    return _write(out, None, (({"network": name}, graph) for name, graph in models.items()))


def _write(
    out: Path, space: Mapping[str, Any] | None, graphs: Iterator[tuple[dict[str, Any], Graph]]
) -> dict[str, Any]:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"the script goes to a new or empty folder, but {out} is not.")
    out.mkdir(parents=True, exist_ok=True)
    networks = []
    for number, (named, graph) in enumerate(graphs):
        content = onnx_bytes(graph)
        file = f"{number:03d}.onnx"
        (out / file).write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        networks.append({**named, "file": file, "sha256": sha256, "graph": canonical_hash(graph)})
    asked = {"space": space, "networks": networks}
    (out / "networks.json").write_text(json.dumps(asked, indent=1) + "\n", encoding="utf-8")
    (out / "measure.py").write_text(Path(_on_device.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    return asked
