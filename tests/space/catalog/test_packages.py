"""Networks that other packages have too: the design of a space has as many parameters as their model."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from netwright.graph import image
from netwright.space import Space
from netwright.space.catalog import (
    REGNETS,
    accel_nasbench,
    autoformer,
    composer,
    composer_stacked,
    dla,
    fbnet,
    fbnet_from_indices,
    flexibert,
    flexibert_from_dictionary,
    metaformers,
    ofa_resnet50,
    ofa_resnet50_from_dictionary,
    regnet_of,
    shufflenet_v2s,
    turbovit,
)

BENCH = Path(__file__).parents[3] / "bench"
Designed = tuple[Space, Mapping[str, Any]]


def designed(make: Callable[..., Space], stages: Mapping[str, Mapping[str, Any]], **first: Any) -> Designed:
    """Space, and the design with these decisions of each stage."""
    return make(), first | {f"{stage}.{path}": v for stage, found in stages.items() for path, v in found.items()}


def dla_of(trees: str, *levels: int) -> Designed:
    return designed(dla, {"body": {f"tree{i}.levels": n for i, n in enumerate(levels, start=1)}}, trees=trees)


def poolformer(*depths: int) -> Designed:
    stages = {f"stage{i}.blocks": {"times": n, "each": "pooling"} for i, n in enumerate(depths, start=1)}
    return designed(metaformers, stages)


def deit(size: str, width: int, heads: int) -> Designed:
    blocks = {f"blocks.{i}": {"heads": heads, "expand": 4.0} for i in range(12)}
    return designed(lambda: autoformer(size=size), blocks, **{"embed.width": width, "blocks.times": 12})


def shufflenet(width: str) -> Designed:
    units = [f"body.stage{s}.{u}" for s, count in ((1, 4), (2, 8), (3, 4)) for u in range(count)]
    return designed(shufflenet_v2s, {unit: {"kernel": 3} for unit in units}, width=width)


def hiera() -> Designed:
    stages: dict[str, dict[str, float]] = {}
    for i, (width, blocks, heads) in enumerate(((96, 1, 1), (192, 2, 2), (384, 7, 4), (768, 2, 8)), start=1):
        stages[f"stage{i}"] = {"times": blocks, "each.expand": 4.0}
        stages[f"stage{i}"] |= {"each.channels": width, "each.heads": heads} if i > 1 else {}
    return designed(turbovit, stages, **{"stem.channels": 96})


def efficientnet() -> Designed:
    rows = ((1, 3, 1), (6, 3, 2), (6, 5, 2), (6, 3, 3), (6, 5, 3), (6, 5, 4), (6, 3, 1))
    stages = {
        f"block{i}": {"each.expand": e, "each.kernel": k, "times": n, "each.se": 0.25}
        for i, (e, k, n) in enumerate(rows)
    }
    return designed(accel_nasbench, stages)


def fbnet_c() -> Designed:
    indices = [0, 3, 8, 0, 0, 7, 6, 7, 3, 7, 6, 7, 7, 7, 7, 7, 6, 7, 7, 7, 7, 3]
    return fbnet(features=1984), fbnet_from_indices(indices)


def resnet50d() -> Designed:
    settings = {"d": [2, 1, 2, 2, 1], "e": [0.25] * 18, "w": [2] * 6}
    return ofa_resnet50(image(3, 224, 224)), ofa_resnet50_from_dictionary(settings)


def regnet(name: str) -> Designed:
    space = regnet_of(REGNETS[name])
    return space, space.design_at(0)


def regnet_name(name: str) -> str:
    """RegNetX-3.2GF is regnetx_032 there: hundreds of millions of operations."""
    letter, size = name.removeprefix("RegNet").split("-")
    hundreds = round(float(size[:-2]) * (10 if size.endswith("GF") else 0.01))
    return f"regnet{letter.lower()}_{hundreds:03}"


TIMM: dict[str, tuple[Callable[..., Designed], tuple[Any, ...]]] = {
    "dla34": (dla_of, ("basic", 1, 2, 2, 1)),
    "dla46_c": (dla_of, ("compact", 1, 2, 2, 1)),
    "dla46x_c": (dla_of, ("compact_grouped", 1, 2, 2, 1)),
    "dla60": (dla_of, ("bottleneck", 1, 2, 3, 1)),
    "dla60x": (dla_of, ("grouped", 1, 2, 3, 1)),
    "dla60x_c": (dla_of, ("compact_grouped", 1, 2, 3, 1)),
    "dla102": (dla_of, ("bottleneck_residual", 1, 3, 4, 1)),
    "dla102x": (dla_of, ("grouped_residual", 1, 3, 4, 1)),
    "dla169": (dla_of, ("bottleneck_residual", 2, 3, 5, 1)),
    "poolformer_s12": (poolformer, (2, 2, 6, 2)),
    "poolformer_s24": (poolformer, (4, 4, 12, 4)),
    "poolformer_s36": (poolformer, (6, 6, 18, 6)),
    "deit_tiny_patch16_224": (deit, ("tiny", 192, 3)),
    "deit_small_patch16_224": (deit, ("small", 384, 6)),
    "hiera_tiny_224": (hiera, ()),
    "efficientnet_b0": (efficientnet, ()),
    "fbnetc_100": (fbnet_c, ()),
    "resnet50d": (resnet50d, ()),
} | {regnet_name(name): (regnet, (name,)) for name in REGNETS}
TORCHVISION = {f"shufflenet_v2_{width}": width for width in ("x0_5", "x1_0", "x1_5", "x2_0")}


@pytest.fixture(scope="module")
def packages() -> None:
    """Let timm be imported where torchvision has no compiled operators, as `bench/_zoo.py` does."""
    if any(find_spec(name) is None for name in ("torch", "timm", "transformers", "torchvision")):
        pytest.skip("needs torch, torchvision, timm and transformers")
    sys.path.insert(0, str(BENCH))
    try:
        from _zoo import prepare
    finally:
        sys.path.remove(str(BENCH))
    prepare()


def parameters(make: Callable[[], Any]) -> int:
    """Numbers that are trained, of a model without values."""
    import torch

    with torch.device("meta"):
        module = make()
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def ours(found: Designed) -> int:
    space, design = found
    assert design in space
    return int(space.costs(design, ["params"])["params"])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TIMM)
def test_models_of_timm(packages: None, name: str) -> None:
    import timm

    make, arguments = TIMM[name]
    assert ours(make(*arguments)) == parameters(lambda: timm.create_model(name, pretrained=False))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TORCHVISION)
def test_models_of_torchvision(packages: None, name: str) -> None:
    from torchvision import models

    assert ours(shufflenet(TORCHVISION[name])) == parameters(getattr(models, name))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("layers", "width", "heads"), [(2, 128, 2), (4, 256, 4)], ids=["tiny", "mini"])
def test_small_berts_of_transformers(packages: None, layers: int, width: int, heads: int) -> None:
    import transformers

    config = transformers.BertConfig(
        hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=4 * width
    )
    alike = {"o": ["sa"], "p": ["sdp"], "n": [heads], "h": [width], "f": [[4 * width]]}
    design = flexibert_from_dictionary({"l": layers} | {key: value * layers for key, value in alike.items()})
    # Theirs tell two sentences apart by two more rows of the embedding.
    theirs = parameters(lambda: transformers.BertForSequenceClassification(config)) - 2 * width
    assert ours((flexibert(), design)) == theirs


@pytest.mark.filterwarnings("ignore")
def test_llama_of_transformers(packages: None) -> None:
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=128_256,
        hidden_size=2048,
        intermediate_size=8192,
        num_hidden_layers=16,
        num_attention_heads=32,
        num_key_value_heads=8,
        tie_word_embeddings=False,
    )
    design = composer_stacked({"layer0": "attention", "layer1": "mlp"}, 16)
    assert ours((composer(), design)) == parameters(lambda: transformers.LlamaForCausalLM(config))
