"""Transformers on devices: what data sheets foretell of others' measurements, and what is learned from some of them.

Operations of language models as Vidur profiled them on three GPUs in fp16, by number of tokens: each operation alone,
and a whole layer (attention is not in the profile), also by the tokens that it runs on at once, of which decoding has
few: as many as the batch. Encoder-decoder transformers of HAT on two processors: sums over their operations in eager
PyTorch on all cores, the decoder for 30 tokens of 5 beams; beside multiply-adds alone, and beside predictors that are
learned from k designs and tested on all others: the polynomial of `netwright.target.LatencyPredictor`, the same for
the factor on what the data sheet foretells, and the network that HAT uses (three layers of 400, by scikit-learn).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from _hat import HAT, WORDS, decoder, encoder, hat_rows, latencies, summed
from _measured import VIDUR, VIDUR_OPERATIONS, vidur_operations
from _table import SHARED, arguments, number, show

# isort: split
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler

from netwright.space.catalog._hat import FEATURES
from netwright.target import LatencyPredictor, RooflineTarget
from netwright.target._roofline_model import kernel_ms

Array = NDArray[np.float64]
LEARNED_FROM = (20, 100, 1600)
TOKENS = (1, 9, 65, 513, 4097, 1 << 20)
"""Where groups of layers begin, by the tokens that they run on at once; the last ends the last group."""


def ranked(guess: Array, ms: Array) -> str:
    """Spearman, where the guess tells anything apart."""
    return f"{spearmanr(guess, ms).statistic:.3f}" if np.ptp(guess) else ""


def judged(guess: Array, macs: Array, ms: Array) -> list[str | float]:
    """Rank correlation, that of multiply-adds, median error, the factor needed, and the median error with it."""
    scale = float(np.exp(np.median(np.log(ms / guess))))
    errors = [f"{100 * np.median(np.abs(factor * guess / ms - 1)):.0f} %" for factor in (1.0, scale)]
    return [f"{len(ms):,}", ranked(guess, ms), ranked(macs, ms), errors[0], number(scale), errors[1]]


# -- language models -----------------------------------------------------------------------------------------------


def vidur(most: int) -> list[list[str | float]]:
    rows: list[dict[str, Any]] = pq.read_table(SHARED / "vidur_llm_profile" / "mlp_ops.parquet").to_pylist()
    found = []
    for device, target in VIDUR.items():
        own = [row for row in rows if row["device"] == device]
        chosen = [own[i] for i in drawn(len(own), most)]
        told = [vidur_operations(row) for row in chosen]
        machine = RooflineTarget.parse(target).machine
        for column in [*VIDUR_OPERATIONS, "layer"]:
            picked = [list(each.values()) if column == "layer" else [each[column]] for each in told
                      if column == "layer" or column in each]  # fmt: skip
            guess = np.array([sum(kernel_ms(work, machine) for work, _ in each) for each in picked])
            macs = np.array([sum(p.macs for work, _ in each for p in work.products) for each in picked], float)
            ms = np.array([sum(ms for _, ms in each) for each in picked])
            found.append([f"{device} {VIDUR_OPERATIONS.get(column, column)}", *judged(guess, macs, ms)])
    return found


def by_tokens(most: int) -> list[list[str | float]]:
    """A whole layer by the tokens that it runs on at once: few while decoding, many of a prompt."""
    rows: list[dict[str, Any]] = pq.read_table(SHARED / "vidur_llm_profile" / "mlp_ops.parquet").to_pylist()
    found = []
    for device, target in VIDUR.items():
        machine = RooflineTarget.parse(target).machine
        for low, high in pairwise(TOKENS):
            own = [row for row in rows if row["device"] == device and low <= row["num_tokens"] < high]
            told = [list(vidur_operations(own[i]).values()) for i in drawn(len(own), most)]
            if len(told) > 1:
                words = f"{low:,} and more" if high == TOKENS[-1] else f"{low:,} to {high - 1:,}"
                guess = np.array([sum(kernel_ms(work, machine) for work, _ in each) for each in told])
                macs = np.array([sum(p.macs for work, _ in each for p in work.products) for each in told], float)
                ms = np.array([sum(ms for _, ms in each) for each in told])
                found.append([f"{device} {words}", *judged(guess, macs, ms)])
    return found


def drawn(rows: int, most: int) -> list[int]:
    """Which of so many rows are taken."""
    chosen: list[int] = np.random.default_rng(0).permutation(rows)[:most].tolist()
    return chosen


# -- encoder-decoder transformers --------------------------------------------------------------------------------


def hat(rows: Sequence[Mapping[str, Any]]) -> list[list[str | float]]:
    found = []
    for device, target in HAT.items():
        machine = RooflineTarget.parse(target).machine
        for task in WORDS:
            own = [row for row in rows if (row["device"], row["task"]) == (device, task)]
            parts = np.array([[summed(part(row), machine) for part in (encoder, decoder)] for row in own])
            ms = latencies(own)
            for i, name in enumerate(("encoder", "decoder")):
                found.append([f"{target} {task} {name}", *judged(parts[:, i, 0], parts[:, i, 1], ms[:, i])])
            both = parts.sum(axis=1)
            found.append([f"{target} {task}", *judged(both[:, 0], both[:, 1], ms.sum(axis=1))])
    return found


def network(x: Array, y: Array, others: Array) -> Array:
    """The predictor of HAT: three layers of 400."""
    scaler, scale = StandardScaler().fit(x), y.mean()
    model = MLPRegressor(
        hidden_layer_sizes=(400, 400, 400), random_state=0, max_iter=200, early_stopping=len(x) >= 100
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(scaler.transform(x), y / scale)
    guess: Array = model.predict(scaler.transform(others)) * scale
    return guess


def learned(rows: Sequence[Mapping[str, Any]]) -> list[list[str | float]]:
    """Predictors of the sum of encoder and decoder, trained on k designs."""
    found: list[list[str | float]] = []
    for device, task in [(device, task) for device in HAT for task in WORDS]:
        own = [row for row in rows if (row["device"], row["task"]) == (device, task)]
        x, y = np.array([[row[name] for name in FEATURES] for row in own]), latencies(own).sum(axis=1)
        machine = RooflineTarget.parse(HAT[device]).machine
        sheet = np.array([summed([*encoder(row), *decoder(row)], machine)[0] for row in own])
        order = np.random.default_rng(0).permutation(len(own))
        for k in (k for k in LEARNED_FROM if k < len(own) - 10):
            train, test = order[:k], order[k:]
            predictor = LatencyPredictor(x[train], y[train])
            based = LatencyPredictor(x[train], y[train], sheet[train]).predict(x[test], sheet[test])
            guess = predictor.predict(x[test])
            inside = np.abs(guess - y[test]) <= predictor.reach * guess
            guesses = (guess, based, network(x[train], y[train], x[test]))
            numbers = [cell for each in guesses for cell in (missed(each, y[test]), ranked(each, y[test]))]
            found.append([f"{device} {task}", f"{k}", *numbers, f"{100 * inside.mean():.0f} %"])
    return found


def missed(guess: Array, ms: Array) -> str:
    """Root of the mean squared error, in ms and in percent of the mean."""
    error = float(np.sqrt(np.mean((guess - ms) ** 2)))
    return f"{number(error)} ({100 * error / ms.mean():.1f} %)"


def main() -> None:
    given = arguments(
        __doc__,
        ("layers", 5000, 30, "most layers of a device"),
        ("designs", 2000, 40, "designs of each device and task"),
    )
    header = ["operation", "rows", "Spearman", "MACs", "error", "scale", "scaled"]
    if not SHARED.is_dir():
        show("No published tables beside the checkout", header, [[""] * len(header)])
        return
    show("Vidur: one operation, from the data sheet alone", header, vidur(given.layers))
    show("Vidur: a layer, by tokens at once", ["tokens", *header[1:]], by_tokens(given.layers))
    kept = hat_rows(given.designs)
    show("HAT: from the data sheet alone", ["target", *header[1:]], hat(kept))
    names = [f"{kind} {what}" for kind in ("ours", "with sheet", "network") for what in ("RMSE ms", "rank")]
    show("HAT: learned from k designs", ["device", "k", *names, "in 90 % interval"], learned(kept))


if __name__ == "__main__":
    main()
