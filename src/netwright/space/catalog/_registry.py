"""Spaces by name, and the one that suits a task."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import ModuleType

from netwright.errors import SpaceError, UnknownNameError
from netwright.graph import Input
from netwright.space._space import Space
from netwright.space.catalog import (
    _accel_nasbench,
    _anynet,
    _archcraft,
    _ascan,
    _autoformer,
    _branched,
    _composer,
    _dartopti,
    _darts,
    _ddarts,
    _deeparchitect,
    _dla,
    _einspace,
    _encoder_decoder,
    _fbnet,
    _flexibert,
    _fractalnet,
    _hat,
    _hierarchical_nasbench201,
    _hourglass,
    _hytra,
    _lowformer,
    _mcuformer,
    _metaformer,
    _micronas,
    _nasbench101,
    _nasbench201,
    _ofa_mobilenetv3,
    _ofa_resnet50,
    _proxylessnas,
    _regnet,
    _robust,
    _shufflenet_v2,
    _simplenet,
    _spaceevo,
    _spatial_mixers,
    _star,
    _tiny,
    _transnas101,
    _turbovit,
)

__all__ = ["SPACES", "auto_space", "files", "get_space"]

SPACES: dict[str, Callable[..., Space]] = {
    "accel-nasbench": _accel_nasbench.accel_nasbench,
    "anynet": _anynet.anynet,
    "archcraft": _archcraft.archcraft,
    "ascan": _ascan.ascan,
    "autoformer": _autoformer.autoformer,
    "branched": _branched.branched,
    "composer": _composer.composer,
    "convnet-tiny": _tiny.convnet_tiny,
    "dartopti": _dartopti.dartopti,
    "darts": _darts.darts,
    "ddarts": _ddarts.ddarts,
    "deeparchitect": _deeparchitect.deeparchitect,
    "dla": _dla.dla,
    "einspace": _einspace.einspace,
    "encoder-decoder": _encoder_decoder.encoder_decoder,
    "fbnet": _fbnet.fbnet,
    "flexibert": _flexibert.flexibert,
    "fractalnet": _fractalnet.fractalnet,
    "grammar-tiny": _tiny.grammar_tiny,
    "hat": _hat.hat,
    "hierarchical-nasbench201": _hierarchical_nasbench201.hierarchical_nasbench201,
    "hourglass-mlp": _hourglass.hourglass_mlp,
    "hytra": _hytra.hytra,
    "lowformer": _lowformer.lowformers,
    "mcuformer": _mcuformer.mcuformer,
    "metaformer": _metaformer.metaformers,
    "micronas": _micronas.micronas,
    "mlp-tabular": _tiny.mlp_tabular,
    "mobilenet-tiny": _tiny.mobilenet_tiny,
    "nasbench101": _nasbench101.nasbench101,
    "nasbench201": _nasbench201.nasbench201,
    "ofa-mobilenetv3": _ofa_mobilenetv3.ofa_mobilenetv3,
    "ofa-proxyless": _proxylessnas.ofa_proxyless,
    "ofa-resnet50": _ofa_resnet50.ofa_resnet50,
    "proxylessnas": _proxylessnas.proxylessnas,
    "regnet": _regnet.regnet,
    "robust-cnn": _robust.robust_cnn,
    "series-tiny": _tiny.series_tiny,
    "shufflenet-v2": _shufflenet_v2.shufflenet_v2s,
    "simplenet": _simplenet.simplenet,
    "spaceevo": _spaceevo.spaceevo,
    "spatial-mixers": _spatial_mixers.spatial_mixers,
    "star": _star.star,
    "transnas101-macro": _transnas101.transnas101_macro,
    "transnas101-micro": _transnas101.transnas101_micro,
    "turbovit": _turbovit.turbovit,
    "vit-tiny": _tiny.vit_tiny,
}
"""Function that makes each space: `space(input, classes, ...)`, with defaults for both."""


def files() -> tuple[ModuleType, ...]:
    """The files of the catalogue, each of which says in `__all__` what it gives beside its spaces.

    >>> [module.__all__ for module in files() if "ascan" in module.__all__]
    [['ascan']]
    """
    return tuple(sys.modules[name] for name in sorted({space.__module__ for space in SPACES.values()}))


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
            raise SpaceError(f"{name} takes inputs of shape {form}, without the batch, but got {tuple(input_shape)}.")
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
        rule = "a space can be chosen for inputs of 1, 2 or 3 dimensions, without the batch"
        raise SpaceError(f"{rule}, but got {tuple(input_shape)}.")
    return BY_RANK[len(input_shape)]
