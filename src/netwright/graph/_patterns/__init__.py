"""What models made elsewhere write as many operators, as lists of rules (pattern, function)."""

from netwright.graph._patterns._activations import ACTIVATIONS
from netwright.graph._patterns._attention import ATTENTION
from netwright.graph._patterns._channels import CHANNELS
from netwright.graph._patterns._language import Match, Rewrite, Rule
from netwright.graph._patterns._layers import LAYERS, POOLING
from netwright.graph._patterns._movements import MOVEMENTS, VIEWS
from netwright.graph._patterns._network import Network
from netwright.graph._patterns._normalisations import NORMALISATIONS

__all__ = ["RULES", "Match", "Network", "Rewrite", "Rule"]

RULES: tuple[tuple[Rule, ...], ...] = (
    (*MOVEMENTS, *ACTIVATIONS, *NORMALISATIONS, *CHANNELS, *ATTENTION, *LAYERS),
    (*POOLING, *VIEWS),
)
"""Rules in two rounds: names that the second one gives would hide parts of what the first one looks for."""
