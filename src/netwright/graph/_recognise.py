"""One operator in place of the many that models made elsewhere write it as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from netwright.errors import NetwrightError
from netwright.graph._graph import Graph
from netwright.graph._patterns import RULES, Match, Network, Rewrite, Rule
from netwright.graph._rebuild import rebuilt
from netwright.graph._scope import Scope
from netwright.graph._tensor import Node

__all__ = ["recognise"]

ByRoot = Mapping[str, Sequence[Rule]]


def recognise(graph: Graph) -> Graph:
    """The same function in fewer operators: normalisations, activations, attention and layers that were written out.

    >>> from netwright.graph import image, ops
    >>> x = image(3, 8, 8)
    >>> y = x * ops.sigmoid(x)
    >>> [node.op.name for node in recognise(Graph([x], [y])).nodes]
    ['Swish']

    Numbers are compared by value: an epsilon elsewhere, a variance of the sample, another constant, or an inner value
    that something else reads too, and all stays as it is. Equal for any batch size but for rounding, and but for what
    overflows on the way, as a softmax does that is written out. The parameters are the same objects with the same
    weights; a new node stands in the scope that all it replaces share. A graph in which nothing is found comes back
    itself.
    """
    net = Network(graph)
    changed = False
    for rules in RULES:
        by_root = _by_root(rules)
        while _settled(net, by_root):
            changed = True
    if not changed:
        return graph
    return rebuilt(graph, ((node, node.op, inputs) for node, inputs in net.steps()), net.outputs)


def _by_root(rules: Iterable[Rule]) -> ByRoot:
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        for name in rule[0].roots:
            found.setdefault(name, []).append(rule)
    return found


def _settled(net: Network, rules: ByRoot) -> bool:
    """Go once through the nodes, and again through what replaces them; whether anything was replaced."""
    changed = False
    for node in net.ordered():
        pending = [node]
        while pending:
            node = pending.pop()
            made = _rewritten(node, net, rules) if node in net else None
            if made is not None:
                changed = True
                pending += made
    return changed


def _rewritten(node: Node, net: Network, rules: ByRoot) -> list[Node] | None:
    """Nodes that were added in place of a node and of what it is made of; None where no rule matches."""
    same = net.identity(node)
    if same is not None and net.alike(same, node.output):
        net.replace(node.output, same)
        return []
    for pattern, function in rules.get(node.op.name, ()):
        for match in pattern.search(node.output, net, Match()):
            if not net.private(match.nodes, node):
                continue
            made = _applied(function, match, net)
            if made is not None:
                return made
    return None


def _applied(function: Rewrite, match: Match, net: Network) -> list[Node] | None:
    """Nodes that a function adds for a match; None where what it makes is not the same for any batch."""
    try:
        made = function(match, net)
        if made is None:
            return None
        values = made if isinstance(made, Mapping) else {match.nodes[0].output: made}
        added = net.take_in(values.values())
    except NetwrightError:
        return None
    if not all(net.alike(old, new) for old, new in values.items()):
        for node in reversed(added):
            net.drop(node)
        return None
    shared = _shared_scope((*match.nodes, *(old.node for old in values if old.node is not None)))
    for node in added:
        node.scope = shared
    for old, new in values.items():
        net.replace(old, new)
    return added


def _shared_scope(nodes: Iterable[Node]) -> Scope | None:
    """The innermost scope in which all nodes stand."""
    paths = [_path(node.scope) for node in nodes]
    shared: Scope | None = None
    for scopes in zip(*paths, strict=False):
        if any(other is not scopes[0] for other in scopes):
            break
        shared = scopes[0]
    return shared


def _path(innermost: Scope | None) -> list[Scope]:
    """Scopes from the outermost one."""
    path = []
    while innermost is not None:
        path.append(innermost)
        innermost = innermost.parent
    return path[::-1]
