"""How long a language model takes to read a prompt, and to write one token after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from netwright.cost import attention_decoding
from netwright.errors import DataError
from netwright.target._language_model._transformer import Attends, Part, cached_numbers
from netwright.target._roofline_model import KINDS, Machine, arithmetic_seconds, kernel_ms, memory_seconds
from netwright.target._work import Product, Work

__all__ = ["PHASES", "PartTime", "Step", "step", "turning_batch"]

PHASES = ("prefill", "decode")


@dataclass(frozen=True)
class PartTime:
    """Time of one kind of operation in a step, over all layers.

    >>> PartTime("mlp down", count=32, ms=2.5, bound="memory", flops=6e9, bytes=3e9).intensity
    2.0

    bound: by what one of them is bound: `compute`, `memory`, or `start`, where starting it takes longer than both.
    """

    name: str
    count: int
    ms: float
    bound: str
    flops: float
    bytes: float

    @property
    def intensity(self) -> float:
        """FLOPs per byte."""
        return self.flops / self.bytes if self.bytes else 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.name, "count": self.count, "ms": self.ms, "bound": self.bound, "flops": self.flops,
            "bytes": self.bytes, "intensity": self.intensity,
        }  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One step of a model: a whole prompt (`prefill`), or one new token of each sequence (`decode`).

    >>> one = PartTime("mlp down", count=32, ms=2.5, bound="memory", flops=6e9, bytes=3e9)
    >>> found = Step("decode", batch=4, length=128, parts=(one,), cache_bytes=1e6)
    >>> found.ms, found.tokens_per_second
    (2.5, 1600.0)

    length: tokens of the prompt, or those that are in the cache already. cache_bytes: of the key-value caches of all
    sequences at that length.
    """

    phase: str
    batch: int
    length: int
    parts: tuple[PartTime, ...]
    cache_bytes: float

    @property
    def ms(self) -> float:
        """Time of the step."""
        return sum(part.ms for part in self.parts)

    @property
    def tokens_per_second(self) -> float:
        """Tokens that are read or written in a second, over the batch."""
        return 1e3 * self.batch * (self.length if self.phase == "prefill" else 1) / self.ms

    def share(self, bound: str) -> float:
        """Share of the time that is spent in operations that are bound by `compute`, `memory` or `start`."""
        return sum(part.ms for part in self.parts if part.bound == bound) / self.ms

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "phase": self.phase, "batch": self.batch, "length": self.length, "ms": self.ms,
            "tokens_per_second": self.tokens_per_second, "cache_bytes": self.cache_bytes,
            "shares": {bound: self.share(bound) for bound in ("compute", "memory", "start")},
            "parts": [part.to_json() for part in self.parts],
        }  # fmt: skip


def step(parts: Sequence[Part], machine: Machine, phase: str, batch: int = 1, length: int = 1) -> Step:
    """Time of one step, operation by operation.

    >>> from netwright.target import Transformer, get_data_sheet
    >>> llama = Transformer(layers=32, width=4096, heads=32, kv_heads=32, hidden=11008, vocabulary=32000)
    >>> a100 = get_data_sheet("nvidia-a100-sxm-80gb").machine("fp16")
    >>> one, many = (step(llama.parts, a100, "decode", batch, 1024) for batch in (1, 16))
    >>> one.share("memory") > 0.8, many.tokens_per_second > 8 * one.tokens_per_second
    (True, True)

    Prefill attends causally, and the half of the scores that are hidden is left out, as FlashAttention (Dao et al.
    2022) does; decoding reads the whole cache. Weights are read once a step; of a mixture, those of the experts that
    some token is expected to go to.

    Raises DataError for another phase, and for sizes that are not positive.
    """
    if phase not in PHASES:
        raise DataError(f"a phase must be one of {', '.join(PHASES)}, but got {phase!r}.")
    if batch < 1 or length < 1:
        raise DataError(f"batch and length must be positive, but got {batch} and {length}.")
    times = tuple(_time(part, _work(part, phase, batch, length), machine) for part in parts)
    return Step(phase, batch, length, times, batch * length * cached_numbers(parts) * machine.element)


def turning_batch(parts: Sequence[Part], machine: Machine, most: int = 1 << 16) -> int | None:
    """Batch from which on the products with weights are bound by compute while decoding; None beyond `most`.

    >>> from netwright.target import Transformer, get_data_sheet
    >>> llama = Transformer(layers=32, width=4096, heads=32, kv_heads=32, hidden=11008, vocabulary=32000)
    >>> turning_batch(llama.parts, get_data_sheet("raspberry-pi-4").machine())
    1
    >>> 50 < turning_batch(llama.parts, get_data_sheet("nvidia-a100-sxm-80gb").machine("fp16")) < 500
    True
    """
    products = [part for part in parts if part.work is not None and part.work.products]

    def computes(batch: int) -> bool:
        works = [(part.count, _work(part, "decode", batch, 1)) for part in products]
        work, memory = (
            sum(count * seconds(each, machine) for count, each in works)
            for seconds in (arithmetic_seconds, memory_seconds)
        )
        return work > memory

    return next((batch for batch in _sizes(most) if computes(batch)), None)


def _sizes(most: int) -> Iterator[int]:
    """Powers of two, and half-way between them."""
    size = 1
    while size <= most:
        yield size
        if 3 * size // 2 > size and 3 * size // 2 <= most:
            yield 3 * size // 2
        size *= 2


def _work(part: Part, phase: str, batch: int, length: int) -> Work:
    if part.attends is not None:
        return _prefill(part.attends, batch, length) if phase == "prefill" else _decode(part.attends, batch, length)
    assert part.work is not None
    tokens = batch * (1 if phase == "decode" or part.last else length)
    return part.work.of_batch(tokens) if part.experts is None else _experts(part.work, *part.experts, tokens)


def _prefill(attends: Attends, batch: int, length: int) -> Work:
    heads, seen = attends.heads, (length + 1) // 2
    scores = Product(batch * heads, length, seen, attends.key_width)
    values = Product(batch * heads, length, attends.value_width, seen)
    moved = batch * length * (heads * (attends.key_width + attends.value_width) + attends.cached)
    return Work("Attention", 1, (scores, values), 5.0 * batch * heads * length * seen, moved)


def _decode(attends: Attends, batch: int, length: int) -> Work:
    """The whole cache is read once: every sequence has one of its own."""
    shared = attends.heads // attends.kv_heads
    scores = Product(batch * attends.kv_heads, shared, length, attends.key_width)
    values = Product(batch * attends.kv_heads, shared, attends.value_width, length)
    if attends.key_width == attends.value_width:
        moved = attention_decoding(attends.heads, attends.kv_heads, attends.key_width, length, batch, 1).bytes
    else:
        moved = batch * (length * attends.cached + attends.heads * (attends.key_width + attends.value_width))
    return Work("Attention", 1, (scores, values), 5.0 * batch * attends.heads * length, moved)


def _experts(work: Work, experts: int, active: int, tokens: int) -> Work:
    """Experts that choose uniformly and independently: those that some token goes to, each with its share of them."""
    read = max(experts * (1 - (1 - active / experts) ** tokens), 1.0)
    rows = max(round(tokens * active / read), 1)
    products = tuple(replace(p, count=p.count * max(round(read), 1), rows=rows) for p in work.products)
    return replace(
        work, products=products, activations=work.activations * tokens * active, weights=work.weights * read
    )


def _time(part: Part, work: Work, machine: Machine) -> PartTime:
    sizes = {
        "start": max(KINDS[machine.kind].start, KINDS[machine.kind].host if machine.eager else 0.0),
        "memory": memory_seconds(work, machine),
        "compute": arithmetic_seconds(work, machine),
    }
    flops = work.flops + 2 * sum(product.macs for product in work.products)
    moved = (work.activations + work.weights) * machine.element + work.other_bytes
    bound = max(sizes, key=lambda each: sizes[each])
    return PartTime(
        part.name, part.count, part.count * kernel_ms(work, machine), bound, part.count * flops, part.count * moved
    )
