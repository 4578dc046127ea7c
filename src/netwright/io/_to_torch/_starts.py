"""The method of an exported module that draws its initial weights: few rules by the ends of the names."""

from __future__ import annotations

from collections import Counter

from netwright.graph import Graph, Init
from netwright.io._initial import resolved_init
from netwright.io._to_torch._code import wrapped

__all__ = ["reset_parameters"]


def reset_parameters(graph: Graph) -> list[str]:
    """Lines of the method `reset_parameters(self, seed)`."""
    starts = {name: resolved_init(graph, p) for name, p in graph.parameters.items()}
    rules = _rules(starts)
    groups: list[tuple[Init, list[str]]] = []
    for end, init in rules:
        if groups and groups[-1][0] == init:
            groups[-1][1].append(end)
        else:
            groups.append((init, [end]))
    body = [
        "def reset_parameters(self, seed: int = 0) -> None:",
        '    """Draw the initial weights; the same seed gives the same weights."""',
        "    generator = torch.Generator().manual_seed(seed)",
        "    for name, tensor in self.state_dict().items():",
        '        if name.endswith("num_batches_tracked"):',
        "            continue",
        "        start = torch.empty(tensor.shape)",
    ]
    for number, (init, ends) in enumerate(groups):
        names = ", ".join(f'"{end}"' for end in ends)
        test = names if len(ends) == 1 else f"({names})"
        if len(groups) > 1:
            body += wrapped(f"{'elif' if number else 'if'} name.endswith({test}):", 8)
        body.append(" " * (12 if len(groups) > 1 else 8) + _statement(init))
    body.append("        tensor.copy_(start)")
    return ["    " + line for line in body]


def _statement(init: Init) -> str:
    value = repr(float(f"{init.value:.9g}"))
    return {
        "zeros": "start.zero_()",
        "ones": "start.fill_(1.0)",
        "constant": f"start.fill_({value})",
        "normal": f"start.normal_(0.0, {value}, generator=generator)",
        "uniform": f"start.uniform_(-{value}, {value}, generator=generator)",
        "kaiming": 'nn.init.kaiming_normal_(start, nonlinearity="relu", generator=generator)',
        "xavier": "nn.init.xavier_uniform_(start, generator=generator)",
        "signs": "start.bernoulli_(0.5, generator=generator).mul_(2.0).sub_(1.0)",
    }[init.kind]


def _rules(starts: dict[str, Init]) -> list[tuple[str, Init]]:
    """Ends of names with the Init that they mean, the longest first; the first end that fits decides."""
    rules: dict[str, Init] = {}
    _split(starts, "", None, rules)
    while True:
        ordered = sorted(rules.items(), key=lambda rule: (-len(rule[0].split(".")), -len(rule[0])))
        wrong = _misled(ordered, starts)
        if not wrong:
            return _grouped(ordered, starts)
        rules |= {name: starts[name] for name in wrong}


def _split(starts: dict[str, Init], end: str, meant: Init | None, rules: dict[str, Init]) -> None:
    """Rule for an end of names if it means another Init than the shorter end, and rules for its exceptions."""
    commonest = Counter(starts.values()).most_common(1)[0][0]
    if end and commonest != meant:
        rules[end] = meant = commonest
    longer: dict[str, dict[str, Init]] = {}
    for name, init in starts.items():
        rest = name[: len(name) - len(end)].rstrip(".")
        if rest:
            part = rest.rpartition(".")[2]
            longer.setdefault(f"{part}.{end}" if end else part, {})[name] = init
    for longer_end, inner in longer.items():
        if any(init != meant for init in inner.values()):
            _split(inner, longer_end, meant, rules)


class _Decider:
    """Which rule decides a name: the first one whose end fits.

    Looked up by the ends that the name has, of the few lengths that rules have, so that thousands of rules cost a
    name no more than a few.
    """

    def __init__(self, rules: list[tuple[str, Init]]) -> None:
        self._rules: dict[str, tuple[int, Init]] = {}
        for place, (end, init) in enumerate(rules):
            self._rules.setdefault(end, (place, init))
        self._lengths = sorted({len(end) for end in self._rules})

    def __call__(self, name: str) -> Init | None:
        ends = (name[len(name) - length :] for length in self._lengths if length <= len(name))
        fitting = [self._rules[end] for end in ends if end in self._rules]
        return min(fitting, key=lambda rule: rule[0])[1] if fitting else None


def _grouped(ordered: list[tuple[str, Init]], starts: dict[str, Init]) -> list[tuple[str, Init]]:
    """The same rules with equal starts side by side, as far as that decides no name differently."""
    first = {init: position for position, (_, init) in reversed(list(enumerate(ordered)))}
    together = sorted(ordered, key=lambda rule: first[rule[1]])
    by_length = sorted(ordered, key=lambda rule: (-len(rule[0].split(".")), first[rule[1]]))
    return next((rules for rules in (together, by_length) if not _misled(rules, starts)), ordered)


def _misled(rules: list[tuple[str, Init]], starts: dict[str, Init]) -> list[str]:
    """Names for which the first rule that fits is a wrong one."""
    decide = _Decider(rules)
    return [name for name, init in starts.items() if decide(name) != init]
