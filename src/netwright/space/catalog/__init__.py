"""Published spaces, and small ones for small machines, by name.

Each file says in its own `__all__` what it gives, the registry which spaces there are; nothing is listed here again.
"""

# ruff: noqa: F403  (names are those of the files)

from netwright.space.catalog._accel_nasbench import *
from netwright.space.catalog._anynet import *
from netwright.space.catalog._archcraft import *
from netwright.space.catalog._ascan import *
from netwright.space.catalog._autoformer import *
from netwright.space.catalog._branched import *
from netwright.space.catalog._composer import *
from netwright.space.catalog._dartopti import *
from netwright.space.catalog._darts import *
from netwright.space.catalog._ddarts import *
from netwright.space.catalog._deeparchitect import *
from netwright.space.catalog._dla import *
from netwright.space.catalog._einspace import *
from netwright.space.catalog._encoder_decoder import *
from netwright.space.catalog._fbnet import *
from netwright.space.catalog._flexibert import *
from netwright.space.catalog._fractalnet import *
from netwright.space.catalog._hat import *
from netwright.space.catalog._hierarchical_nasbench201 import *
from netwright.space.catalog._hourglass import *
from netwright.space.catalog._hytra import *
from netwright.space.catalog._lowformer import *
from netwright.space.catalog._mcuformer import *
from netwright.space.catalog._metaformer import *
from netwright.space.catalog._micronas import *
from netwright.space.catalog._nasbench101 import *
from netwright.space.catalog._nasbench201 import *
from netwright.space.catalog._ofa_mobilenetv3 import *
from netwright.space.catalog._ofa_resnet50 import *
from netwright.space.catalog._proxylessnas import *
from netwright.space.catalog._registry import SPACES, auto_space, get_space
from netwright.space.catalog._registry import files as _files
from netwright.space.catalog._regnet import *
from netwright.space.catalog._robust import *
from netwright.space.catalog._shufflenet_v2 import *
from netwright.space.catalog._simplenet import *
from netwright.space.catalog._spaceevo import *
from netwright.space.catalog._spatial_mixers import *
from netwright.space.catalog._star import *
from netwright.space.catalog._texts import FORMS, read_design, write_design
from netwright.space.catalog._tiny import *
from netwright.space.catalog._transnas101 import *
from netwright.space.catalog._turbovit import *

__all__ = ["FORMS", "SPACES", "auto_space", "get_space", "read_design", "write_design"]
__all__ += sorted(name for module in _files() for name in module.__all__)
