"""Spaces by name, and the one that suits a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netwright.errors import SpaceError, UnknownNameError
from netwright.graph import Input
from netwright.space._space import Space
from netwright.space.catalog._accel_nasbench import accel_nasbench
from netwright.space.catalog._anynet import anynet
from netwright.space.catalog._archcraft import archcraft
from netwright.space.catalog._ascan import ascan
from netwright.space.catalog._autoformer import autoformer
from netwright.space.catalog._branched import branched
from netwright.space.catalog._composer import composer
from netwright.space.catalog._dartopti import dartopti
from netwright.space.catalog._darts import darts
from netwright.space.catalog._ddarts import ddarts
from netwright.space.catalog._deeparchitect import deeparchitect
from netwright.space.catalog._dla import dla
from netwright.space.catalog._einspace import einspace
from netwright.space.catalog._encoder_decoder import encoder_decoder
from netwright.space.catalog._fbnet import fbnet
from netwright.space.catalog._flexibert import flexibert
from netwright.space.catalog._fractalnet import fractalnet
from netwright.space.catalog._hat import hat
from netwright.space.catalog._hierarchical_nasbench201 import hierarchical_nasbench201
from netwright.space.catalog._hourglass import hourglass_mlp
from netwright.space.catalog._hytra import hytra
from netwright.space.catalog._lowformer import lowformers
from netwright.space.catalog._mcuformer import mcuformer
from netwright.space.catalog._metaformer import metaformers
from netwright.space.catalog._micronas import micronas
from netwright.space.catalog._nasbench101 import nasbench101
from netwright.space.catalog._nasbench201 import nasbench201
from netwright.space.catalog._ofa_mobilenetv3 import ofa_mobilenetv3
from netwright.space.catalog._ofa_resnet50 import ofa_resnet50
from netwright.space.catalog._proxylessnas import ofa_proxyless, proxylessnas
from netwright.space.catalog._regnet import regnet
from netwright.space.catalog._robust import robust_cnn
from netwright.space.catalog._shufflenet_v2 import shufflenet_v2s
from netwright.space.catalog._simplenet import simplenet
from netwright.space.catalog._spaceevo import spaceevo
from netwright.space.catalog._spatial_mixers import spatial_mixers
from netwright.space.catalog._star import star
from netwright.space.catalog._tiny import (
    convnet_tiny,
    grammar_tiny,
    mlp_tabular,
    mobilenet_tiny,
    series_tiny,
    vit_tiny,
)
from netwright.space.catalog._transnas101 import transnas101_macro, transnas101_micro
from netwright.space.catalog._turbovit import turbovit

__all__ = ["SPACES", "auto_space", "get_space"]

SPACES: dict[str, Callable[..., Space]] = {
    "accel-nasbench": accel_nasbench,
    "anynet": anynet,
    "archcraft": archcraft,
    "ascan": ascan,
    "autoformer": autoformer,
    "branched": branched,
    "composer": composer,
    "convnet-tiny": convnet_tiny,
    "dartopti": dartopti,
    "darts": darts,
    "ddarts": ddarts,
    "deeparchitect": deeparchitect,
    "dla": dla,
    "einspace": einspace,
    "encoder-decoder": encoder_decoder,
    "fbnet": fbnet,
    "flexibert": flexibert,
    "fractalnet": fractalnet,
    "grammar-tiny": grammar_tiny,
    "hat": hat,
    "hierarchical-nasbench201": hierarchical_nasbench201,
    "hourglass-mlp": hourglass_mlp,
    "hytra": hytra,
    "lowformer": lowformers,
    "mcuformer": mcuformer,
    "metaformer": metaformers,
    "micronas": micronas,
    "mlp-tabular": mlp_tabular,
    "mobilenet-tiny": mobilenet_tiny,
    "nasbench101": nasbench101,
    "nasbench201": nasbench201,
    "ofa-mobilenetv3": ofa_mobilenetv3,
    "ofa-proxyless": ofa_proxyless,
    "ofa-resnet50": ofa_resnet50,
    "proxylessnas": proxylessnas,
    "regnet": regnet,
    "robust-cnn": robust_cnn,
    "series-tiny": series_tiny,
    "shufflenet-v2": shufflenet_v2s,
    "simplenet": simplenet,
    "spaceevo": spaceevo,
    "spatial-mixers": spatial_mixers,
    "star": star,
    "transnas101-macro": transnas101_macro,
    "transnas101-micro": transnas101_micro,
    "turbovit": turbovit,
    "vit-tiny": vit_tiny,
}
"""Function that makes each space: `space(input, classes, ...)`, with defaults for both."""

BY_RANK = {1: "mlp-tabular", 2: "series-tiny", 3: "mobilenet-tiny"}


def get_space(name: str, input_shape: Sequence[int] | None = None, classes: int | None = None) -> Space:
    """Catalogued space by name, for an input shape without the batch and a number of classes.

    >>> get_space("nasbench201", (3, 32, 32), 100).size()
    15625

    Raises UnknownNameError that lists the names, SpaceError when the space does not take inputs of that rank.
    """
    if name not in SPACES:
        raise UnknownNameError("space", name, SPACES)
    arguments: dict[str, object] = {} if classes is None else {"classes": classes}
    if input_shape is not None:
        wanted = RANKS[name]
        if len(input_shape) != wanted:
            form = {1: "(features,)", 2: "(channels, length)", 3: "(channels, height, width)"}[wanted]
            raise SpaceError(f"{name} takes inputs of shape {form}, but got {tuple(input_shape)}.")
        arguments["input"] = Input((1, *input_shape))
    return SPACES[name](**arguments)


RANKS = dict.fromkeys(SPACES, 3) | {
    "composer": 1,
    "encoder-decoder": 1,
    "flexibert": 1,
    "hat": 1,
    "hourglass-mlp": 1,
    "micronas": 2,
    "mlp-tabular": 1,
    "series-tiny": 2,
    "star": 1,
}


def auto_space(input_shape: Sequence[int]) -> str:
    """Name of the space that suits inputs of this shape.

    >>> auto_space((13,)), auto_space((1, 150)), auto_space((3, 16, 16))
    ('mlp-tabular', 'series-tiny', 'mobilenet-tiny')

    Raises SpaceError for other ranks.
    """
    if len(input_shape) not in BY_RANK:
        raise SpaceError(f"a space can be chosen for inputs of 1, 2 or 3 dimensions, but got {tuple(input_shape)}.")
    return BY_RANK[len(input_shape)]
