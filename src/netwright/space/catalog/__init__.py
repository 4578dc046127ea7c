"""Published spaces, and small ones for small machines, by name."""

from netwright.space.catalog._nasbench201 import (
    nasbench201,
    nasbench201_from_string,
    nasbench201_string,
)
from netwright.space.catalog._ofa_mobilenetv3 import ofa_mobilenetv3
from netwright.space.catalog._registry import SPACES, auto_space, get_space
from netwright.space.catalog._tiny import (
    convnet_tiny,
    grammar_tiny,
    mlp_tabular,
    mobilenet_tiny,
    series_tiny,
    vit_tiny,
)

__all__ = [
    "SPACES",
    "auto_space",
    "convnet_tiny",
    "get_space",
    "grammar_tiny",
    "mlp_tabular",
    "mobilenet_tiny",
    "nasbench201",
    "nasbench201_from_string",
    "nasbench201_string",
    "ofa_mobilenetv3",
    "series_tiny",
    "vit_tiny",
]
