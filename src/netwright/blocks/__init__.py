"""The vocabulary: one published block, one function, one file."""

from netwright.blocks._attention import (
    attention,
    grouped_query_attention,
    multi_head_attention,
    multi_query_attention,
    sparse_query_attention,
)
from netwright.blocks._autoformer import autoformer_encoder
from netwright.blocks._base import Block, Call, block
from netwright.blocks._bottleneck import bottleneck
from netwright.blocks._convnext import convnext
from netwright.blocks._darts import dil_conv, factored_conv, sep_conv
from netwright.blocks._depthwise_separable import depthwise_separable
from netwright.blocks._dla import dla_tree
from netwright.blocks._dropout import dropout
from netwright.blocks._einspace import (
    col2im,
    dense,
    im2col,
    last_softmax,
    leaky,
    learned_positions,
    part,
    permute,
    plain_norm,
)
from netwright.blocks._fbnet import fbnet_block
from netwright.blocks._flexibert import bert_head, flexibert_feed, flexibert_mixer, token_width
from netwright.blocks._fractal import fractal
from netwright.blocks._hat import hat_decoder, hat_encoder
from netwright.blocks._heads import classifier, mobilenet_head, table_head, token_head
from netwright.blocks._hourglass import hourglass, random_projection
from netwright.blocks._inception import inception
from netwright.blocks._inceptionnext import inception_mixer, inceptionnext
from netwright.blocks._input_varying import (
    gated_convolution,
    gated_memory,
    gated_recurrence,
    key_value_attention,
)
from netwright.blocks._language import token_embedding, vocabulary_head
from netwright.blocks._layers import conv
from netwright.blocks._linear_block import linear_block
from netwright.blocks._low_rank import low_rank_encoder, low_rank_linear
from netwright.blocks._lowformer import lowformer, lowformer_attention
from netwright.blocks._mask_unit import image_positions, mask_unit, window_attention
from netwright.blocks._mbconv import fused_mbconv, mbconv
from netwright.blocks._metaformer import depthwise_mixer, metaformer, pool_mixer, random_mixer
from netwright.blocks._mlp import mlp
from netwright.blocks._monarch import monarch_linear, monarch_mixer
from netwright.blocks._nasbench201 import activated_conv, relu_conv_bn, residual_reduction
from netwright.blocks._patch_embedding import patch_embedding
from netwright.blocks._pools import avg_pool, global_pool, max_pool
from netwright.blocks._preactivated import preactivated
from netwright.blocks._regnet import regnet_block
from netwright.blocks._res_attention import res_attention
from netwright.blocks._residual import residual_block
from netwright.blocks._residual_branch import residual_branch
from netwright.blocks._resnet_d import resnet_d
from netwright.blocks._resnext import resnext
from netwright.blocks._robust_bottleneck import robust_bottleneck
from netwright.blocks._series import conv1d, residual1d, separable1d
from netwright.blocks._shufflenet_v2 import channel_shuffle, shufflenet_v2
from netwright.blocks._sizes import make_divisible
from netwright.blocks._skip import factorized_reduction, skip, zero
from netwright.blocks._spatial_mixers import halo_attention, projected_depthwise, reduced_attention
from netwright.blocks._squeeze_excite import squeeze_excite
from netwright.blocks._starnet import starnet
from netwright.blocks._stems import conv_stem, downsample, imagenet_stem, patchify_stem
from netwright.blocks._swiglu import swiglu
from netwright.blocks._tabm import tabm, tabm_head, tabm_mini
from netwright.blocks._vanillanet import series_activation, vanilla
from netwright.blocks._vit_encoder import vit_encoder

__all__ = [
    "Block",
    "Call",
    "activated_conv",
    "attention",
    "autoformer_encoder",
    "avg_pool",
    "bert_head",
    "block",
    "bottleneck",
    "channel_shuffle",
    "classifier",
    "col2im",
    "conv",
    "conv1d",
    "conv_stem",
    "convnext",
    "dense",
    "depthwise_mixer",
    "depthwise_separable",
    "dil_conv",
    "dla_tree",
    "downsample",
    "dropout",
    "factored_conv",
    "factorized_reduction",
    "fbnet_block",
    "flexibert_feed",
    "flexibert_mixer",
    "fractal",
    "fused_mbconv",
    "gated_convolution",
    "gated_memory",
    "gated_recurrence",
    "global_pool",
    "grouped_query_attention",
    "halo_attention",
    "hat_decoder",
    "hat_encoder",
    "hourglass",
    "im2col",
    "image_positions",
    "imagenet_stem",
    "inception",
    "inception_mixer",
    "inceptionnext",
    "key_value_attention",
    "last_softmax",
    "leaky",
    "learned_positions",
    "linear_block",
    "low_rank_encoder",
    "low_rank_linear",
    "lowformer",
    "lowformer_attention",
    "make_divisible",
    "mask_unit",
    "max_pool",
    "mbconv",
    "metaformer",
    "mlp",
    "mobilenet_head",
    "monarch_linear",
    "monarch_mixer",
    "multi_head_attention",
    "multi_query_attention",
    "part",
    "patch_embedding",
    "patchify_stem",
    "permute",
    "plain_norm",
    "pool_mixer",
    "preactivated",
    "projected_depthwise",
    "random_mixer",
    "random_projection",
    "reduced_attention",
    "regnet_block",
    "relu_conv_bn",
    "res_attention",
    "residual1d",
    "residual_block",
    "residual_branch",
    "residual_reduction",
    "resnet_d",
    "resnext",
    "robust_bottleneck",
    "sep_conv",
    "separable1d",
    "series_activation",
    "shufflenet_v2",
    "skip",
    "sparse_query_attention",
    "squeeze_excite",
    "starnet",
    "swiglu",
    "table_head",
    "tabm",
    "tabm_head",
    "tabm_mini",
    "token_embedding",
    "token_head",
    "token_width",
    "vanilla",
    "vit_encoder",
    "vocabulary_head",
    "window_attention",
    "zero",
]
