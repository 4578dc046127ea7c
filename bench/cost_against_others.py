"""Params, MACs and FLOPs of networks beside four counters of PyTorch, with the reason for every difference.

Each ratio is a peer's number over ours. What differs is computed from our graph by the peer's rules (_conventions.py)
and printed by family of operators, in parts of our number; what those rules leave over is printed as unexplained.
`--golden` writes the peers' numbers and versions to tests/cost/golden_others.json.
"""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from _conventions import CONVENTIONS, calls, differences
from _table import arguments, number, show, verdict
from _zoo import TRANSFORMERS, prepare, timm_model, transformers_model

from netwright.cost import costs_of
from netwright.graph import Graph

GOLDEN = Path(__file__).parents[1] / "tests" / "cost" / "golden_others.json"
IN_GOLDEN = ("mobilenetv2_050", "convnext_atto", "vit_tiny_patch16_224", "BERT", "GPT-2")
QUICK = ("mobilenetv2_050", "BERT")
NETWORKS = (
    "resnet50", "mobilenetv2_050", "efficientnet_b0", "densenet121", "convnext_atto", "vit_tiny_patch16_224",
    "swin_tiny_patch4_window7_224", "mixer_s32_224", "BERT", "GPT-2", "T5", "SegFormer",
)  # fmt: skip
SEEN = 0.001
"""Part of our number from which a difference is explained."""

Numbers = dict[str, float]


def built(name: str) -> tuple[Any, dict[str, Any]]:
    """Module and the arguments of a call by name, or under "" an only positional one."""
    import torch

    module, example = transformers_model(name) if name in TRANSFORMERS else timm_model(name)
    if isinstance(example, dict):
        return module, example
    return module, {"": torch.randn(example, generator=torch.Generator().manual_seed(0))}


def imported(module: Any, example: dict[str, Any]) -> Graph:
    """Our graph of it."""
    return Graph.from_torch(module, example.get("", example))


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Without what the peers print, and with the functions that they patch as they were before."""
    import torch

    owners = (torch.nn.functional, torch, torch.Tensor)
    before = [(owner, dict(vars(owner))) for owner in owners]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            for owner, kept in before:
                for key, value in kept.items():
                    if vars(owner).get(key) is not value:
                        setattr(owner, key, value)


def by_flop_counter(module: Any, example: dict[str, Any]) -> Numbers:
    """MACs as half of its FLOPs, as it is on a processor and with the attention taken apart."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    found = {}
    for name, backends in (
        ("torch flop_counter", list(SDPBackend.__members__.values())),
        ("torch flop_counter, attention apart", [SDPBackend.MATH]),
    ):
        with sdpa_kernel(backends), FlopCounterMode(display=False) as counter:
            called(module, example)
        found[name] = counter.get_total_flops() / 2
    return found


def by_fvcore(module: Any, example: dict[str, Any]) -> Numbers:
    """Its "FLOPs", of which a multiply-add is one."""
    import torch
    from fvcore.nn import FlopCountAnalysis, parameter_count

    class Wrapped(torch.nn.Module):
        """The tensors of the results alone, for a trace takes no other objects."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, value: Any) -> Any:
            result = called(self.inner, dict.fromkeys(example, value))
            return result if torch.is_tensor(result) else tuple(v for v in result.values() if torch.is_tensor(v))

    analysis = FlopCountAnalysis(Wrapped().eval(), tuple(example.values()))
    total = analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).total()
    return {"fvcore": total, "fvcore params": parameter_count(module)[""]}


def by_calflops(module: Any, example: dict[str, Any]) -> Numbers:
    """Its MACs and FLOPs."""
    from calflops import calculate_flops

    given = {"args": [example[""]]} if "" in example else {"kwargs": dict(example)}
    options = {"print_results": False, "print_detailed": False, "output_as_string": False}
    flops, macs, params = calculate_flops(model=module, **given, **options)
    return {"calflops": macs, "calflops FLOPs": flops, "calflops params": params}


def by_ptflops(module: Any, example: dict[str, Any]) -> Numbers:
    """Its MACs, by modules and functions."""
    from ptflops import get_model_complexity_info

    options = {"print_per_layer_stat": False, "as_strings": False, "verbose": False, "backend": "pytorch"}
    macs, params = get_model_complexity_info(
        module, (1,), input_constructor=lambda _: example.get("", example), **options
    )
    return {"ptflops": macs, "ptflops params": params}


def called(module: Any, example: dict[str, Any]) -> Any:
    """What the module gives."""
    return module(example[""]) if "" in example else module(**example)


def by_peers(module: Any, example: dict[str, Any]) -> Numbers:
    """Numbers of all peers."""
    prepare()
    found: Numbers = {}
    for peer in (by_flop_counter, by_fvcore, by_calflops, by_ptflops):
        with silent():
            found |= peer(module, example)
    return found


def reasons(ours: float, theirs: float, explained: dict[str, int]) -> str:
    """Differences by family in parts of our number, and what they leave over."""
    parts = [f"{family} {value / ours:+.2%}" for family, value in explained.items() if abs(value) >= ours * SEEN / 10]
    rest = theirs - ours - sum(explained.values())
    over = "nothing over" if not rest else f"{number(rest)} ({rest / ours:+.2%}) unexplained"
    return f"{theirs / ours:.4f} explained by: {', '.join(parts) or 'nothing'}; {over}"


@dataclass(frozen=True)
class Compared:
    """One network: our costs, the numbers of the peers, and by convention what its rules add to ours."""

    name: str
    ours: Numbers
    theirs: Numbers
    explained: dict[str, dict[str, int]]

    @property
    def inexact(self) -> int:
        """Conventions whose rules do not give the peer's number exactly."""
        return sum(
            self.theirs[c.peer] != self.ours[c.cost] + sum(self.explained[c.peer].values()) for c in CONVENTIONS
        )

    @property
    def params_agree(self) -> bool:
        """Whether all peers count our parameters."""
        return all(value == self.ours["params"] for key, value in self.theirs.items() if key.endswith("params"))

    def cells(self) -> list[str]:
        """Cells of the printed table."""
        ratios = [number(self.theirs[c.peer] / self.ours[c.cost], 5) for c in CONVENTIONS]
        return [self.name, *(f"{value:,}" for value in self.ours.values()), verdict(self.params_agree), *ratios]

    def lines(self) -> list[str]:
        """The reasons of each difference that is large enough."""
        seen = [c for c in CONVENTIONS if abs(self.theirs[c.peer] / self.ours[c.cost] - 1) >= SEEN]
        said = [(c, reasons(self.ours[c.cost], self.theirs[c.peer], self.explained[c.peer])) for c in seen]
        return [f"\n{self.name}", *(f"  {c.peer}, {c.cost}: {text}" for c, text in said)]


def compared(name: str) -> Compared:
    """All numbers of a network by name."""
    module, example = built(name)
    graph = imported(module, example)
    nodes = list(calls(graph, module))
    ours = costs_of(graph, ("params", "macs", "flops"))
    return Compared(name, ours, by_peers(module, example), {c.peer: differences(c, nodes) for c in CONVENTIONS})


def main() -> None:
    given = arguments(__doc__, flags={"golden": "write the peers' numbers of a few networks for the tests"})
    found = [compared(name) for name in (QUICK if given.quick else IN_GOLDEN if given.golden else NETWORKS)]
    header = ["", "params", "MACs", "FLOPs", "same params", "flop_counter", "apart", "fvcore", "calflops"]
    header += ["calflops FLOPs", "ptflops"]
    rows = [network.cells() for network in found]
    show("Our numbers, and the peers' over ours (FLOPs beside FLOPs, else MACs)", header, rows)
    print("\n".join(line for network in found for line in network.lines()))
    left, of = sum(network.inexact for network in found), len(found) * len(CONVENTIONS)
    print(f"\nnumbers of peers that their rules do not give exactly: {left} of {of}")
    if given.golden:
        versions = {
            peer: version(peer) for peer in ("torch", "fvcore", "calflops", "ptflops", "timm", "transformers")
        }
        numbers = {network.name: network.theirs for network in found}
        GOLDEN.write_text(json.dumps({"versions": versions, "networks": numbers}, indent=1) + "\n")


if __name__ == "__main__":
    main()
