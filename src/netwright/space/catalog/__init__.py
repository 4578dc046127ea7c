"""Published spaces, and small ones for small machines, by name."""

from netwright.space.catalog._accel_nasbench import (
    accel_nasbench,
    accel_nasbench_from_row,
    accel_nasbench_row,
)
from netwright.space.catalog._anynet import anynet
from netwright.space.catalog._archcraft import archcraft
from netwright.space.catalog._ascan import ascan
from netwright.space.catalog._autoformer import autoformer
from netwright.space.catalog._branched import branched
from netwright.space.catalog._composer import composer, composer_stacked, composer_stretched
from netwright.space.catalog._dartopti import dartopti, dartopti_start
from netwright.space.catalog._darts import darts, darts_from_genotype, darts_genotype
from netwright.space.catalog._ddarts import ddarts
from netwright.space.catalog._deeparchitect import deeparchitect, maybe_swap, optional
from netwright.space.catalog._dla import dla
from netwright.space.catalog._einspace import einspace
from netwright.space.catalog._encoder_decoder import encoder_decoder
from netwright.space.catalog._fbnet import fbnet, fbnet_from_indices, fbnet_indices
from netwright.space.catalog._flexibert import flexibert, flexibert_dictionary, flexibert_from_dictionary
from netwright.space.catalog._fractalnet import fractalnet
from netwright.space.catalog._hat import hat, hat_config, hat_features, hat_from_config
from netwright.space.catalog._hierarchical_nasbench201 import hierarchical_nasbench201
from netwright.space.catalog._hourglass import hourglass_mlp
from netwright.space.catalog._hytra import hytra, hytra_encoding, hytra_from_encoding
from netwright.space.catalog._lowformer import lowformers
from netwright.space.catalog._mcuformer import mcuformer
from netwright.space.catalog._metaformer import metaformers
from netwright.space.catalog._micronas import micronas
from netwright.space.catalog._nasbench101 import (
    nasbench101,
    nasbench101_from_matrix,
    nasbench101_matrix,
    nasbench101_networks,
)
from netwright.space.catalog._nasbench201 import (
    nasbench201,
    nasbench201_from_string,
    nasbench201_string,
)
from netwright.space.catalog._ofa_mobilenetv3 import (
    ofa_mobilenetv3,
    ofa_mobilenetv3_dictionary,
    ofa_mobilenetv3_from_dictionary,
)
from netwright.space.catalog._ofa_resnet50 import (
    ofa_resnet50,
    ofa_resnet50_dictionary,
    ofa_resnet50_from_dictionary,
)
from netwright.space.catalog._proxylessnas import (
    ofa_proxyless,
    ofa_proxyless_dictionary,
    ofa_proxyless_from_dictionary,
    proxylessnas,
    proxylessnas_blocks,
    proxylessnas_from_blocks,
)
from netwright.space.catalog._registry import SPACES, auto_space, get_space
from netwright.space.catalog._regnet import (
    REGNETS,
    regnet,
    regnet_config,
    regnet_from_config,
    regnet_of,
    regnet_stages,
)
from netwright.space.catalog._robust import robust_cnn
from netwright.space.catalog._shufflenet_v2 import shufflenet_v2s
from netwright.space.catalog._simplenet import simplenet
from netwright.space.catalog._spaceevo import spaceevo, spaceevo_choice, spaceevo_space
from netwright.space.catalog._spatial_mixers import spatial_mixers
from netwright.space.catalog._star import star, star_from_genome, star_genome
from netwright.space.catalog._texts import FORMS, read_design, write_design
from netwright.space.catalog._tiny import (
    convnet_tiny,
    grammar_tiny,
    mlp_tabular,
    mobilenet_tiny,
    series_tiny,
    vit_tiny,
)
from netwright.space.catalog._transnas101 import (
    transnas101_from_string,
    transnas101_macro,
    transnas101_macro_string,
    transnas101_micro,
    transnas101_micro_string,
)
from netwright.space.catalog._turbovit import turbovit

__all__ = [
    "FORMS",
    "REGNETS",
    "SPACES",
    "accel_nasbench",
    "accel_nasbench_from_row",
    "accel_nasbench_row",
    "anynet",
    "archcraft",
    "ascan",
    "auto_space",
    "autoformer",
    "branched",
    "composer",
    "composer_stacked",
    "composer_stretched",
    "convnet_tiny",
    "dartopti",
    "dartopti_start",
    "darts",
    "darts_from_genotype",
    "darts_genotype",
    "ddarts",
    "deeparchitect",
    "dla",
    "einspace",
    "encoder_decoder",
    "fbnet",
    "fbnet_from_indices",
    "fbnet_indices",
    "flexibert",
    "flexibert_dictionary",
    "flexibert_from_dictionary",
    "fractalnet",
    "get_space",
    "grammar_tiny",
    "hat",
    "hat_config",
    "hat_features",
    "hat_from_config",
    "hierarchical_nasbench201",
    "hourglass_mlp",
    "hytra",
    "hytra_encoding",
    "hytra_from_encoding",
    "lowformers",
    "maybe_swap",
    "mcuformer",
    "metaformers",
    "micronas",
    "mlp_tabular",
    "mobilenet_tiny",
    "nasbench101",
    "nasbench101_from_matrix",
    "nasbench101_matrix",
    "nasbench101_networks",
    "nasbench201",
    "nasbench201_from_string",
    "nasbench201_string",
    "ofa_mobilenetv3",
    "ofa_mobilenetv3_dictionary",
    "ofa_mobilenetv3_from_dictionary",
    "ofa_proxyless",
    "ofa_proxyless_dictionary",
    "ofa_proxyless_from_dictionary",
    "ofa_resnet50",
    "ofa_resnet50_dictionary",
    "ofa_resnet50_from_dictionary",
    "optional",
    "proxylessnas",
    "proxylessnas_blocks",
    "proxylessnas_from_blocks",
    "read_design",
    "regnet",
    "regnet_config",
    "regnet_from_config",
    "regnet_of",
    "regnet_stages",
    "robust_cnn",
    "series_tiny",
    "shufflenet_v2s",
    "simplenet",
    "spaceevo",
    "spaceevo_choice",
    "spaceevo_space",
    "spatial_mixers",
    "star",
    "star_from_genome",
    "star_genome",
    "transnas101_from_string",
    "transnas101_macro",
    "transnas101_macro_string",
    "transnas101_micro",
    "transnas101_micro_string",
    "turbovit",
    "vit_tiny",
    "write_design",
]
