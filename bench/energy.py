"""Energy of NAS-Bench-201 cells from figures that are published of a chip, beside what was told of Eyeriss for them.

The energies are those of HW-NAS-Bench (Li et al. 2021), which a simulator of Eyeriss gave. Arithmetic and memory: a
picojoule for a multiply-add of 16 bits and 160 for a byte of DRAM (Horowitz 2014, at 45 nm, between its numbers for 8
and 32 bits and at the low end), each value moved to and from DRAM in 16 bits. Power and time: 278 mW (Chen et al.
2017, on AlexNet) times the latency of the data sheet `eyeriss`; and times the latency that the simulator told, which
a data sheet does not know. Factor: median of told by estimated. Error: median, as it is and with that factor known.
"""

from __future__ import annotations

from _table import SHARED, arguments, show

# isort: split
import numpy as np
import pyarrow.parquet as pq

from netwright.cost import costs_of
from netwright.graph import simplify
from netwright.space.catalog import get_space, read_design
from netwright.target import get_target, rank_correlation

PJ_PER_MAC, PJ_PER_BYTE, WATT = 1.0, 160.0, 0.278


def main() -> None:
    given = arguments(__doc__, ("cells", 400, 20, "drawn at random"))
    told = pq.read_table(SHARED / "hw_nas_bench" / "nb201.parquet").to_pydict()
    cells = pq.read_table(SHARED / "nasbench201" / "accuracy.parquet").to_pydict()
    texts = dict(zip(cells["arch_index"], cells["arch_str"], strict=True))
    space, eyeriss = get_space("nasbench201"), get_target("eyeriss")
    rows = np.random.default_rng(0).choice(len(told["arch_index"]), given.cells, replace=False)
    energy = np.array([told["eyeriss_energy"][row] for row in rows])
    ways: dict[str, list[float]] = {"multiply-adds alone": [], "arithmetic and memory": [], "power and time": []}
    for row in rows:
        graph = simplify(space.network(read_design("nasbench201", texts[told["arch_index"][row]])))
        costs = costs_of(graph, ["macs", "traffic"])
        ways["multiply-adds alone"].append(PJ_PER_MAC * 1e-9 * costs["macs"])
        moved = PJ_PER_BYTE * costs["traffic"] / 2
        ways["arithmetic and memory"].append(1e-9 * (PJ_PER_MAC * costs["macs"] + moved))
        ways["power and time"].append(WATT * eyeriss.latency(graph).value)
    ways["power and the simulator's time"] = [WATT * told["eyeriss_latency"][row] for row in rows]
    shown = []
    for name, values in ways.items():
        guess = np.array(values)
        factor = float(np.median(energy / guess))
        errors = [float(np.median(np.abs(scale * guess - energy) / energy)) for scale in (1.0, factor)]
        shown.append([name, rank_correlation(guess, energy), factor, *errors])
    show(f"{given.cells:,} cells", ["energy from", "Spearman", "factor", "error", "error, scaled"], shown)


if __name__ == "__main__":
    main()
