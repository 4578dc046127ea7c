"""A profile: where the costs of a network are, by node, by operator and by block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from netwright.cost._alpha_flops import AlphaFlops
from netwright.cost._amounts import Amounts
from netwright.cost._blocks import Block, NodeCost, block_tree, node_costs
from netwright.cost._decoding import Cache, key_value_cache
from netwright.cost._guidelines import RULES, Finding, Rule, guidelines
from netwright.cost._intensity import bytes_by_dtype
from netwright.cost._memory import MemoryPlan, memory_plan
from netwright.graph import Graph, Opaque

__all__ = ["OperatorCost", "Profile", "profile"]


@dataclass(frozen=True, slots=True)
class OperatorCost:
    """All nodes of one operator together.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 8, 8)
    >>> most = profile(Graph([x], [conv(conv(x, 8), 4)])).operators[0]
    >>> most.operator, most.count, most.amounts.macs
    ('Conv', 2, 32256)
    """

    operator: str
    count: int
    amounts: Amounts

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"operator": self.operator, "count": self.count, **self.amounts.to_json()}


@dataclass(frozen=True)
class Profile:
    """Costs of a network, for inputs of the shapes in `graph`.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 8, 8)
    >>> found = profile(Graph([x], [conv(x, 8)]))
    >>> found.total.macs, found.memory.peak_bytes, [node.name for node in found.nodes]
    (13824, 4096, ['conv.conv.conv', 'conv.norm.batchnormalization', 'conv.relu'])

    nodes: each node, in the order of the graph. tree: the network as a block of blocks. findings: the guidelines that
    it goes against. caches: key-value caches of causal attention. memory: order of execution that needs least.
    unknown: nodes outside of the vocabulary, which count nothing.
    """

    graph: Graph
    nodes: tuple[NodeCost, ...]
    tree: Block
    total: Amounts
    memory: MemoryPlan
    findings: tuple[Finding, ...]
    caches: tuple[Cache, ...]
    unknown: tuple[str, ...]

    @cached_property
    def operators(self) -> tuple[OperatorCost, ...]:
        """Operators, those with the most FLOPs first, then those that move most."""
        groups: dict[str, list[Amounts]] = {}
        for node in self.nodes:
            groups.setdefault(node.operator, []).append(node.amounts)
        found = [OperatorCost(name, len(all_), Amounts.total(all_)) for name, all_ in groups.items()]
        return tuple(sorted(found, key=lambda each: (-each.amounts.flops, -each.amounts.traffic)))

    def hot_spots(self, top: int = 10) -> tuple[NodeCost, ...]:
        """Nodes with the largest share of the FLOPs or of the memory traffic, whichever is larger.

        >>> from netwright.blocks import conv
        >>> from netwright.graph import Graph, image
        >>> x = image(3, 32, 32)
        >>> [node.operator for node in profile(Graph([x], [conv(x, 16)])).hot_spots(2)]
        ['Conv', 'BatchNormalization']
        """
        flops, traffic = self.total.flops or 1, self.total.traffic or 1
        return tuple(
            sorted(self.nodes, key=lambda n: -max(n.amounts.flops / flops, n.amounts.traffic / traffic))[:top]
        )

    @cached_property
    def totals(self) -> dict[str, Any]:
        """Costs of the whole network by name."""
        by_dtype = bytes_by_dtype(self.graph)
        return {
            **self.total.to_json(),
            "alpha_flops": AlphaFlops().of(self.graph),
            "nodes": len(self.nodes),
            "activation_bytes_by_dtype": by_dtype["activations"],
            "weight_bytes_by_dtype": by_dtype["weights"],
            "peak_memory": self.memory.graph_peak_bytes,
        }

    def to_json(self, top: int = 10) -> dict[str, Any]:
        """All of it as plain data; `top` is the number of hot spots."""
        names = self.graph.names
        return {
            "inputs": [{"name": t.name, "shape": list(t.shape), "dtype": t.dtype} for t in self.graph.inputs],
            "outputs": [{"shape": list(t.shape), "dtype": t.dtype} for t in self.graph.outputs],
            "totals": self.totals,
            "memory": {
                "graph_order_bytes": self.memory.graph_peak_bytes,
                "best_order_bytes": self.memory.peak_bytes,
                "lower_bound_bytes": self.memory.lower_bound,
                "exact": self.memory.exact,
                "order": [names[node.output] for node in self.memory.order],
                "timeline": list(self.memory.timeline),
            },
            "blocks": [block.to_json() for block in self.tree.blocks],
            "operators": [operator.to_json() for operator in self.operators],
            "nodes": [node.to_json() for node in self.nodes],
            "hot_spots": [node.to_json() for node in self.hot_spots(top)],
            "warnings": [_finding(finding) for finding in self.findings],
            "key_value_cache": [_cache(cache) for cache in self.caches],
            "unknown": list(self.unknown),
        }


def profile(graph: Graph, rules: Mapping[str, Rule] = RULES) -> Profile:
    """Costs of a network by node, by operator and by block, without running it.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 32, 32)
    >>> found = profile(Graph([x], [conv(conv(x, 16), 16)]))
    >>> found.total.macs, [(row.operator, row.count) for row in found.operators]
    (2801664, [('Conv', 2), ('BatchNormalization', 2), ('Relu', 2)])

    rules: guidelines to check; those of ShuffleNet V2, or a mapping of your own.
    """
    nodes = node_costs(graph)
    names = graph.names
    return Profile(
        graph,
        nodes,
        block_tree(nodes),
        Amounts.total([node.amounts for node in nodes]),
        memory_plan(graph),
        guidelines(graph, rules),
        tuple(key_value_cache(graph)),
        tuple(names[node.output] for node in graph.nodes if isinstance(node.op, Opaque)),
    )


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "layer": finding.layer,
        "operator": finding.operator,
        "found": finding.found,
        "traffic": finding.traffic,
        "saved": finding.saved,
        "share": round(finding.share, 6),
    }


def _cache(cache: Cache) -> dict[str, Any]:
    return {
        "layer": cache.layer,
        "heads": cache.heads,
        "kv_heads": cache.kv_heads,
        "head_dim": cache.head_dim,
        "length": cache.length,
        "bytes_per_token": cache.bytes_per_token,
        "bytes": cache.bytes,
        "intensity": round(cache.intensity, 6),
    }
