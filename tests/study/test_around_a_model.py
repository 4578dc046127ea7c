"""Searches around a network that exists: it is tried first, its weights go along, and its source is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright.blocks import classifier, conv, residual_block
from netwright.errors import ModelError, StudyError
from netwright.graph import Graph, canonical_hash, image
from netwright.io import initial_weights, to_onnx
from netwright.space import Space
from netwright.study import Store, resume_search, search
from netwright.study._trial import network_key


def graph_of(width: int = 16) -> Graph:
    x = image(1, 8, 8)
    y = conv(width).apply(x)
    for _ in range(2):
        y = residual_block().apply(y)
    graph = Graph([x], [classifier(10).apply(y)])
    return graph.with_weights(initial_weights(graph))


def space() -> Space:
    return Space.from_model(graph_of(), blocks=())


def narrower_is_better(
    network: Any, budget: float, report: Callable[[int, Mapping[str, float]], bool]
) -> dict[str, float]:
    assert network.weights is not None
    return {"score": -float(sum(p.size for p in network.parameters.values()))}


def trials(folder: Path) -> list[Any]:
    with Store.open(folder) as store:
        return list(store.trials())


def run(folder: Path, **options: Any) -> list[Any]:
    options = {"budget": "6 trials", "seed": 1} | options
    search(space(), narrower_is_better, maximize="score", out=folder, progress=False, **options)
    return trials(folder)


@pytest.mark.parametrize("strategy", ["random", "regularised-evolution", "nsga2", "local-search"])
def test_the_model_is_tried_first(tmp_path: Path, strategy: str) -> None:
    done = run(tmp_path / "run", strategy=strategy)
    assert done[0].design == space().start
    assert [trial.origin == "start" for trial in done] == [True, False, False, False, False, False]
    assert done[0].values["params"] == sum(p.size for p in graph_of().parameters.values() if p.trainable)


def test_a_model_over_a_limit_is_not_tried(tmp_path: Path) -> None:
    done = run(tmp_path / "run", limits=["params <= 4k"])
    assert all(trial.origin != "start" and trial.values["params"] <= 4000 for trial in done)


def test_going_on_equals_not_stopping(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", budget="9 trials")
    run(tmp_path / "parts", budget="4 trials")
    resume_search(tmp_path / "parts", space=space(), task=narrower_is_better, budget="9 trials", progress=False)

    def told(done: list[Any]) -> list[Any]:
        return [(t.number, t.design, t.state, t.seed, t.values, t.parents, t.origin) for t in done]

    assert told(trials(tmp_path / "parts")) == told(whole)


def test_networks_of_one_form_with_other_weights_are_two() -> None:
    around = space()
    start = {path: value for path, value in around.start.items() if not path.startswith("residual_block")}
    blocks = [
        {path: value for path, value in around.start.items() if path.startswith(f"{name}.")}
        for name in ("residual_block", "residual_block_1")
    ]
    one = around.network({**start, **blocks[0], "residual_block_1.block": "skip"})
    other = around.network({**start, **blocks[1], "residual_block.block": "skip"})
    assert canonical_hash(one) == canonical_hash(other)
    assert network_key(one) != network_key(other)
    assert network_key(one) == network_key(around.network({**start, **blocks[0], "residual_block_1.block": "skip"}))


@pytest.mark.slow
def test_a_model_file_is_a_space_that_is_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(to_onnx(graph_of()).SerializeToString())
    source = {"model": str(tmp_path / "net.onnx"), "widths": [0.5], "blocks": []}
    options: dict[str, Any] = {"epochs": 1, "final_epochs": 1, "compare": False, "progress": False}
    first = search(source, "digits", limits=["params <= 6k"], budget="2 trials", out=tmp_path / "run", **options)
    assert first.best.costs["params"] <= 6000
    again = resume_search(tmp_path / "run", budget="3 trials", final_epochs=1, compare=False, progress=False)
    assert again.summary["space"]["name"] == "net"
    assert again.summary["trials"]["total"] == 3
    kept = json.loads((tmp_path / "run" / "best" / "design.json").read_text())
    assert set(kept) <= set(Space.from_model(graph_of(), widths=[0.5], blocks=[]).decisions())


def test_tuning_begins_with_the_given_weights(tmp_path: Path) -> None:
    seen: list[np.ndarray[Any, Any]] = []

    def look(network: Any, budget: float, report: Any) -> dict[str, float]:
        from netwright.io import to_module

        module = to_module(network, seed=7)
        seen.append(module.state_dict()["conv.conv.weight"].numpy())
        return {"score": 1.0}

    search(space(), look, maximize="score", budget="1 trial", out=tmp_path / "run", progress=False)
    np.testing.assert_array_equal(seen[0], graph_of().weights["conv.conv.weight"])


def test_a_model_of_another_form_than_the_task_is_refused(tmp_path: Path) -> None:
    x = image(1, 8, 8)
    few = Graph([x], [classifier(4).apply(conv(8).apply(x))])
    (tmp_path / "few.onnx").write_bytes(to_onnx(few).SerializeToString())
    with pytest.raises(StudyError, match=r"gives 4 numbers and the task has .* 10 classes"):
        search({"model": str(tmp_path / "few.onnx")}, "digits", out=tmp_path / "run", progress=False)
    with pytest.raises(ModelError, match="ONNX file"):
        search({"model": "nowhere.onnx"}, "digits", out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
