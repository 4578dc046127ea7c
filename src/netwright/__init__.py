"""Design neural networks: your space in, your device's real cost as a hard budget, a plain trained model out.

>>> import netwright as nw
>>> width = nw.oneof(8, 16, 24)
>>> space = nw.Space(nw.seq(nw.conv(width, kernel=3), nw.classifier(10)), input=nw.image(1, 8, 8))
>>> space.size()
3

Every name is imported when it is first used, so that `import netwright` answers at once. The rooms are `graph`,
`blocks`, `space`, `io`, `cost`, `target`, `quality`, `strategy` and `study`; what is needed less often stands in
them, such as `netwright.space.catalog` and `netwright.graph.ops`.
"""

# ruff: noqa: I001  (one import a room; the sorter would split them into one a name)

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # fmt: off
    from netwright.blocks import (
        Block as Block, Call as Call, activated_conv as activated_conv, attention as attention,
        autoformer_encoder as autoformer_encoder, avg_pool as avg_pool, bert_head as bert_head, block as block,
        bottleneck as bottleneck, channel_shuffle as channel_shuffle, classifier as classifier, col2im as col2im,
        conv as conv, conv1d as conv1d, conv_stem as conv_stem, convnext as convnext, dense as dense,
        depthwise_mixer as depthwise_mixer, depthwise_separable as depthwise_separable, dil_conv as dil_conv,
        dla_tree as dla_tree, downsample as downsample, dropout as dropout, factored_conv as factored_conv,
        factorized_reduction as factorized_reduction, fbnet_block as fbnet_block,
        flexibert_feed as flexibert_feed,
        flexibert_mixer as flexibert_mixer, fractal as fractal, fused_mbconv as fused_mbconv,
        gated_convolution as gated_convolution, gated_memory as gated_memory,
        gated_recurrence as gated_recurrence, global_pool as global_pool,
        grouped_query_attention as grouped_query_attention, halo_attention as halo_attention,
        hat_decoder as hat_decoder, hat_encoder as hat_encoder, hourglass as hourglass, im2col as im2col,
        image_positions as image_positions, imagenet_stem as imagenet_stem, inception as inception,
        inception_mixer as inception_mixer, inceptionnext as inceptionnext,
        key_value_attention as key_value_attention, last_softmax as last_softmax, leaky as leaky,
        learned_positions as learned_positions, linear_block as linear_block,
        low_rank_encoder as low_rank_encoder, low_rank_linear as low_rank_linear, lowformer as lowformer,
        lowformer_attention as lowformer_attention, make_divisible as make_divisible, mask_unit as mask_unit,
        max_pool as max_pool, mbconv as mbconv, metaformer as metaformer, mlp as mlp,
        mobilenet_head as mobilenet_head, monarch_linear as monarch_linear, monarch_mixer as monarch_mixer,
        multi_head_attention as multi_head_attention, multi_query_attention as multi_query_attention, part as part,
        patch_embedding as patch_embedding, patchify_stem as patchify_stem, permute as permute,
        plain_norm as plain_norm, pool_mixer as pool_mixer, preactivated as preactivated,
        projected_depthwise as projected_depthwise, random_mixer as random_mixer,
        random_projection as random_projection, reduced_attention as reduced_attention,
        regnet_block as regnet_block, relu_conv_bn as relu_conv_bn, res_attention as res_attention,
        residual1d as residual1d, residual_block as residual_block, residual_branch as residual_branch,
        residual_reduction as residual_reduction, resnet_d as resnet_d, resnext as resnext,
        robust_bottleneck as robust_bottleneck, sep_conv as sep_conv, separable1d as separable1d,
        series_activation as series_activation, shufflenet_v2 as shufflenet_v2, skip as skip,
        sparse_query_attention as sparse_query_attention, squeeze_excite as squeeze_excite, starnet as starnet,
        swiglu as swiglu, table_head as table_head, tabm as tabm, tabm_head as tabm_head, tabm_mini as tabm_mini,
        token_embedding as token_embedding, token_head as token_head, token_width as token_width,
        vanilla as vanilla, vit_encoder as vit_encoder, vocabulary_head as vocabulary_head,
        window_attention as window_attention, zero as zero,
    )
    from netwright.cost import Additive as Additive, Cost as Cost, Limit as Limit, costs_of as costs_of
    from netwright.errors import NetwrightError as NetwrightError
    from netwright.graph import (
        Graph as Graph, Input as Input, Tensor as Tensor, canonical_hash as canonical_hash, image as image,
        ops as ops, parameter as parameter, recognise as recognise, scope as scope, simplify as simplify,
        slim as slim, tokens as tokens, vector as vector, verify as verify,
    )
    from netwright.io import (
        draw as draw, export as export, save_drawing as save_drawing, to_module as to_module, to_onnx as to_onnx,
        to_torch_source as to_torch_source,
    )
    from netwright.quality import Recipe as Recipe, Task as Task, load_task as load_task, train as train
    from netwright.space import (
        Design as Design, Histogram as Histogram, Space as Space, branch as branch, cell as cell,
        distinct_networks as distinct_networks, formula as formula, given as given, grammar as grammar, grow as grow,
        integer as integer, let as let, named as named, oneof as oneof, parallel as parallel, put as put,
        real as real, repeat as repeat, residual as residual, rule as rule, seq as seq, several as several,
        take as take, tied as tied, wiring as wiring,
    )
    from netwright.space.catalog import auto_space as auto_space, get_space as get_space
    from netwright.strategy import (
        Objective as Objective, Outcome as Outcome, Proposal as Proposal, Strategy as Strategy,
        get_strategy as get_strategy,
    )
    from netwright.study import (
        Budget as Budget, Model as Model, SearchResult as SearchResult, Study as Study,
        StudyInterrupted as StudyInterrupted, compare_spaces as compare_spaces, search as search,
    )
    from netwright.study import resume_search as resume  # noqa: F401  (it has another name there)
    from netwright.target import latency_here as latency_here
    # fmt: on

_EXPORTS: dict[str, tuple[str, ...]] = {
    "netwright.blocks": (
        "Block", "Call", "activated_conv", "attention", "autoformer_encoder", "avg_pool", "bert_head", "block",
        "bottleneck", "channel_shuffle", "classifier", "col2im", "conv", "conv1d", "conv_stem", "convnext", "dense",
        "depthwise_mixer", "depthwise_separable", "dil_conv", "dla_tree", "downsample", "dropout", "factored_conv",
        "factorized_reduction", "fbnet_block", "flexibert_feed", "flexibert_mixer", "fractal",
        "fused_mbconv", "gated_convolution", "gated_memory", "gated_recurrence", "global_pool",
        "grouped_query_attention", "halo_attention",
        "hat_decoder", "hat_encoder", "hourglass", "im2col", "image_positions", "imagenet_stem", "inception",
        "inception_mixer", "inceptionnext", "key_value_attention", "last_softmax", "leaky",
        "learned_positions", "linear_block", "low_rank_encoder", "low_rank_linear", "lowformer",
        "lowformer_attention", "make_divisible", "mask_unit",
        "max_pool", "mbconv", "metaformer", "mlp", "mobilenet_head", "monarch_linear", "monarch_mixer",
        "multi_head_attention", "multi_query_attention", "part", "patch_embedding", "patchify_stem", "permute",
        "plain_norm", "pool_mixer", "preactivated", "projected_depthwise", "random_mixer", "random_projection",
        "reduced_attention", "regnet_block", "relu_conv_bn", "res_attention", "residual1d", "residual_block",
        "residual_branch", "residual_reduction", "resnet_d", "resnext", "robust_bottleneck", "sep_conv",
        "separable1d", "series_activation", "shufflenet_v2", "skip", "sparse_query_attention", "squeeze_excite",
        "starnet", "swiglu", "table_head", "tabm", "tabm_head", "tabm_mini", "token_embedding", "token_head",
        "token_width", "vanilla", "vit_encoder", "vocabulary_head", "window_attention", "zero",
    ),
    "netwright.cost": ("Additive", "Cost", "Limit", "costs_of"),
    "netwright.errors": ("NetwrightError",),
    "netwright.graph": (
        "Graph", "Input", "Tensor", "canonical_hash", "image", "ops", "parameter", "recognise", "scope", "simplify",
        "slim", "tokens", "vector", "verify",
    ),
    "netwright.io": ("draw", "export", "save_drawing", "to_module", "to_onnx", "to_torch_source"),
    "netwright.quality": ("Recipe", "Task", "load_task", "train"),
    "netwright.space": (
        "Design", "Histogram", "Space", "branch", "cell", "distinct_networks", "formula", "given",
        "grammar", "grow", "integer", "let", "named", "oneof", "parallel", "put", "real", "repeat", "residual",
        "rule", "seq", "several", "take", "tied", "wiring",
    ),
    "netwright.space.catalog": ("auto_space", "get_space"),
    "netwright.strategy": ("Objective", "Outcome", "Proposal", "Strategy", "get_strategy"),
    "netwright.study": (
        "Budget", "Model", "SearchResult", "Study", "StudyInterrupted", "compare_spaces",
        "resume", "search",
    ),
    "netwright.target": ("latency_here",),
}  # fmt: skip
_HOMES = {name: module for module, names in _EXPORTS.items() for name in names}
_OTHER_NAMES = {"resume": "resume_search"}  # the room's own `resume` is that of a bare study
_ROOMS = ("blocks", "cost", "errors", "graph", "io", "quality", "space", "strategy", "study", "target")

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a name, or a room, where it is first used (PEP 562)."""
    if name in _HOMES:
        value = globals()[name] = getattr(import_module(_HOMES[name]), _OTHER_NAMES.get(name, name))
        return value
    if name in _ROOMS:
        return import_module(f"netwright.{name}")
    if name == "__version__":
        from importlib.metadata import version

        return version("netwright")
    raise AttributeError(f"module 'netwright' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, *_ROOMS]
