"""Published networks come in whole and go out as they came; `bench/import.py` takes all families."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch_check import assert_same, leaves

from netwright.graph import Graph
from netwright.io import from_torch

# Not importorskip: timm is imported only after torchvision has been prepared.
if not (find_spec("timm") and find_spec("transformers")):
    pytest.skip("needs timm and transformers", allow_module_level=True)
sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
try:
    from _zoo import TIMM, TRANSFORMERS, timm_model, transformers_model
finally:
    sys.path.pop(0)

IMAGES = ["mobilenetv3_small_050", "regnety_002", "repvgg_a0", "convnext_atto", "starnet_s1", "vit_tiny_patch16_224"]
OTHERS = ["BERT", "GPT-2", "Llama", "Mixtral", "Mamba", "CLIP text", "Whisper encoder", "Swin"]


def arrays_of(graph: Graph, rows: int) -> list[np.ndarray]:
    rng = np.random.default_rng(rows)
    return [
        rng.integers(3, 90, t.shape_at(rows))
        if t.dtype == "int64"
        else rng.standard_normal(t.shape_at(rows)).astype(np.float32)
        for t in graph.inputs
    ]


def run(module: torch.nn.Module, example: Any, arrays: list[np.ndarray]) -> list[np.ndarray]:
    tensors = list(map(torch.from_numpy, arrays))
    with torch.no_grad():
        named = dict(zip(example, tensors, strict=True)) if isinstance(example, dict) else {}
        return leaves(dict(module(**named)) if named else module(*tensors))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [*IMAGES, *OTHERS])
def test_a_network_is_taken_in_whole(name: str) -> None:
    module, example = (timm_model if name in TIMM else transformers_model)(name)
    graph = from_torch(module, example)
    state = dict(module.named_parameters())
    trained = {n: p for n, p in graph.parameters.items() if p.trainable}
    assert {n: p.shape for n, p in trained.items()} == {n: tuple(state[n].shape) for n in trained}
    assert len(trained) >= 0.9 * sum(p.requires_grad for p in state.values())
    for rows in (1, 2) if graph.inputs[0].batch_axis is not None else (1,):
        arrays = arrays_of(graph, rows)
        assert_same(graph, module, arrays, run(module, example, arrays))


def test_the_list_is_as_long_as_promised() -> None:
    assert len(TIMM) >= 45
    assert len(TRANSFORMERS) >= 18
